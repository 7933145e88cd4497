//! Lists: pushed to, read and written by index.

fn fill(size: i64, seed: i64) -> Vec<i64> {
    let mut xs = Vec::new();
    for i in 0..size {
        xs.push((i * 7 + seed) % 1009);
    }
    xs
}

fn reverse(xs: &mut [i64]) {
    let (mut low, mut high) = (0, xs.len() - 1);
    while low < high {
        xs.swap(low, high);
        low += 1;
        high -= 1;
    }
}

fn run(rounds: i64) -> i64 {
    let mut sum = 0;
    for round in 0..rounds {
        let mut xs = fill(1000, round);
        reverse(&mut xs);
        for i in 1..xs.len() {
            xs[i] = (xs[i] + xs[i - 1]) % 4093;
        }
        for x in xs {
            sum += x;
        }
    }
    sum
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
