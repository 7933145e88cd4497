//! Composition chains: twelve functions composed into one, which is then called.

type Function = Box<dyn Fn(i64) -> i64>;

fn compose(f: Function, g: Function) -> Function {
    Box::new(move |x| g(f(x)))
}

fn add(n: i64) -> Function {
    Box::new(move |x| x + n)
}

fn scale(n: i64) -> Function {
    Box::new(move |x| (x * n) % 10_007)
}

fn chain(seed: i64) -> Function {
    let mut f = add(seed);
    for k in 1..=6 {
        f = compose(compose(f, scale(k)), add(k));
    }
    f
}

fn run(rounds: i64) -> i64 {
    let mut sum = 0;
    for i in 0..rounds {
        let f = chain(i);
        for x in 0..10 {
            sum = (sum + f(x)) % 1_000_003;
        }
    }
    sum
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
