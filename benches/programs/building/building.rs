//! Strings built: pieces put together in place, gathered in a list and joined.

fn run(rounds: i64) -> i64 {
    let (mut length, mut stars) = (0, 0);
    for round in 0..rounds {
        let mut lines = Vec::new();
        for i in 0..50 {
            let mut bar = String::new();
            for _ in 0..i % 8 {
                bar += "*";
            }
            lines.push(format!("line {i} of round {round}: {bar}"));
        }
        let text = lines.join("\n");
        length += text.len() as i64;
        if text.ends_with('*') {
            stars += 1;
        }
    }
    length * 10 + stars % 10
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
