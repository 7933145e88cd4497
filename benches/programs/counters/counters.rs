//! Closures made and called: a counter with a variable of its own, made, called three times and forgotten.

fn counter(start: i64) -> Box<dyn FnMut() -> i64> {
    let mut n = start;
    Box::new(move || {
        n += 1;
        n
    })
}

fn run(rounds: i64) -> i64 {
    let mut sum = 0;
    for i in 0..rounds {
        let mut next = counter(i);
        sum = (sum + next() + next() * 2 + next() * 3) % 1_000_003;
    }
    sum
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
