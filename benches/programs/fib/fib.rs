//! Calls: Fibonacci numbers by plain recursion.

fn run(n: i64) -> i64 {
    if n < 2 { n } else { run(n - 1) + run(n - 2) }
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
