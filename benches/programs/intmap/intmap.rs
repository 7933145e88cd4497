//! Maps with int keys, far apart: counted up, looked up, removed from.

use std::collections::HashMap;

fn run(size: i64) -> i64 {
    let mut counts: HashMap<i64, i64> = HashMap::new();
    let mut key = 1;
    for i in 0..size {
        key = (key * 16807) % 2_147_483_647;
        *counts.entry(key % 50021 * 31).or_insert(0) += i % 5;
    }
    let mut sum = 0;
    for i in 0..size {
        if let Some(found) = counts.get(&(i % 60_000 * 31)) {
            sum += found * (i % 3 + 1);
        }
    }
    for i in 0..size / 10 {
        counts.remove(&(i * 62));
    }
    sum + counts.len() as i64
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
