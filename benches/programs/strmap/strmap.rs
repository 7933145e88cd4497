//! Maps with string keys: words counted, some of them made on the way.

use std::collections::HashMap;

fn run(size: i64) -> i64 {
    let words: Vec<String> = (0..2000).map(|i| format!("word{}", i * 7 % 2000)).collect();
    let mut counts: HashMap<String, i64> = HashMap::new();
    let mut at = 1i64;
    for i in 0..size {
        at = (at * 16807) % 2_147_483_647;
        let made;
        let word = if i % 8 == 0 {
            made = format!("word{}", at % 3000);
            &made
        } else {
            &words[at as usize % 2000]
        };
        match counts.get_mut(word) {
            Some(count) => *count += 1,
            None => {
                counts.insert(word.clone(), 1);
            }
        }
    }
    let sum: i64 = counts.iter().map(|(word, count)| count * word.len() as i64).sum();
    sum * 10000 + counts.len() as i64
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
