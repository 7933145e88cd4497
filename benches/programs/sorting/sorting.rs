//! A sort by a comparator.

fn run(size: i64) -> i64 {
    let mut xs = Vec::new();
    let mut x = 1i64;
    for _ in 0..size {
        x = (x * 16807) % 2_147_483_647;
        xs.push(x);
    }
    xs.sort_by(|a, b| b.cmp(a));
    xs.iter().fold(0, |sum, x| (sum * 3 + x) % 1_000_003)
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
