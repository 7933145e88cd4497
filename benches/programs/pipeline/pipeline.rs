//! Map, filter and fold with lambdas that take a variable along.

fn run(rounds: i64) -> i64 {
    let numbers: Vec<i64> = (0..1000).collect();
    let mut sum = 0;
    for k in 0..rounds {
        let step = k % 5 + 1;
        sum += numbers
            .iter()
            .map(|x| x * step + k)
            .filter(|x| x % 3 != 0)
            .fold(0, |total, x| (total + x) % 1_000_003);
    }
    sum
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
