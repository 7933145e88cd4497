//! Floating point arithmetic: how many points of a grid stay within the Mandelbrot set for fifty steps.

fn run(size: i64) -> i64 {
    let mut inside = 0;
    for row in 0..size {
        let ci = 2.0 * row as f64 / size as f64 - 1.0;
        for column in 0..size {
            let cr = 2.0 * column as f64 / size as f64 - 1.5;
            let (mut zr, mut zi) = (0.0, 0.0);
            let mut steps = 0;
            while steps < 50 && zr * zr + zi * zi <= 4.0 {
                (zr, zi) = (zr * zr - zi * zi + cr, 2.0 * zr * zi + ci);
                steps += 1;
            }
            if steps == 50 {
                inside += 1;
            }
        }
    }
    inside
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
