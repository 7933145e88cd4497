//! Integer arithmetic in nested loops, nothing else.

fn run(rounds: i64) -> i64 {
    let mut sum = 0;
    let mut a = 1;
    for i in 0..rounds {
        let mut j = 0;
        while j < 10 {
            a = (a * 31 + j) % 65521;
            if a % 2 == 0 {
                sum += a;
            } else {
                sum -= i % 7;
            }
            j += 1;
        }
    }
    sum
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
