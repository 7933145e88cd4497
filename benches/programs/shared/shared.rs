//! One counter shared by two closures: what one of them changes the other sees.

use std::cell::Cell;
use std::rc::Rc;

fn account(opening: i64) -> (Box<dyn Fn(i64)>, Box<dyn Fn() -> i64>) {
    let balance = Rc::new(Cell::new(opening));
    let changed = balance.clone();
    (Box::new(move |amount| changed.set(changed.get() + amount)), Box::new(move || balance.get()))
}

fn run(rounds: i64) -> i64 {
    let mut sum = 0;
    for i in 0..rounds {
        let (deposit, read) = account(i);
        deposit(read() % 7);
        deposit(3);
        sum = (sum + read()) % 1_000_003;
    }
    sum
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
