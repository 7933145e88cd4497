//! The spectral norm of an infinite matrix, cut off: float arithmetic over lists and many small calls.

fn entry(i: usize, j: usize) -> f64 {
    1.0 / (((i + j) * (i + j + 1)) as f64 * 0.5 + i as f64 + 1.0)
}

fn times(v: &[f64], out: &mut [f64]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = v.iter().enumerate().map(|(j, v)| entry(i, j) * v).fold(0.0, |sum, x| sum + x);
    }
}

fn times_transposed(v: &[f64], out: &mut [f64]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = v.iter().enumerate().map(|(j, v)| entry(j, i) * v).fold(0.0, |sum, x| sum + x);
    }
}

fn run(n: usize) -> i64 {
    let mut u = vec![1.0; n];
    let mut v = vec![0.0; n];
    let mut between = vec![0.0; n];
    for _ in 0..10 {
        times(&u, &mut between);
        times_transposed(&between, &mut v);
        times(&v, &mut between);
        times_transposed(&between, &mut u);
    }
    let (mut uv, mut vv) = (0.0, 0.0f64);
    for (u, v) in u.iter().zip(&v) {
        uv += u * v;
        vv += v * v;
    }
    ((uv / vv).sqrt() * 1e9).floor() as i64
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
