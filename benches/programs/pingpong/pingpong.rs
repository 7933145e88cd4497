//! Coroutines, written out as what they are: two that hand a number to and fro, and short-lived ones that count.

trait Coroutine {
    fn resume(&mut self, value: i64) -> Option<i64>;
}

struct Player {
    step: i64,
}

impl Coroutine for Player {
    fn resume(&mut self, value: i64) -> Option<i64> {
        Some((value + self.step) % 1_000_003)
    }
}

struct CountTo {
    at: i64,
    end: i64,
}

impl Coroutine for CountTo {
    fn resume(&mut self, _: i64) -> Option<i64> {
        let at = self.at;
        self.at += 1;
        (at < self.end).then_some(at)
    }
}

fn run(rounds: i64) -> i64 {
    let mut ping: Box<dyn Coroutine> = Box::new(Player { step: 3 });
    let mut pong: Box<dyn Coroutine> = Box::new(Player { step: 5 });
    let mut ball = 1;
    for _ in 0..rounds {
        ball = ping.resume(ball).and_then(|ball| pong.resume(ball)).expect("players never end");
    }
    let mut sum = ball;
    for _ in 0..rounds / 20 {
        let mut counter: Box<dyn Coroutine> = Box::new(CountTo { at: 0, end: 10 });
        while let Some(i) = counter.resume(0) {
            sum += i;
        }
    }
    sum
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
