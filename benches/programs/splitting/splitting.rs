//! Strings taken apart at commas and put together again in another order.

fn run(rounds: usize) -> usize {
    let fields: Vec<String> = (0..100).map(|i| format!("field{}", i * 37 % 1000)).collect();
    let mut line = fields.join(",");
    let mut sum = 0;
    for round in 0..rounds {
        let parts: Vec<&str> = line.split(',').collect();
        let mut turned = parts[1..].to_vec();
        turned.push(parts[0]);
        let joined = turned.join(",");
        sum += parts[round % 100].len() + joined.len();
        line = joined;
    }
    sum
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
