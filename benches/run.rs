//! How long programs run: some of the comparison at sizes of a few milliseconds, without start-up and process.

use std::hint::black_box;
use std::io;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use quipu::stdlib::Grant;
use quipu::vm::Limits;
use quipu::{Engine, Input, Session};

/// Programs of `benches/programs`, with their sizes.
const PROGRAMS: [(&str, u32); 14] = [
    ("fib", 22),
    ("counters", 20_000),
    ("compose", 500),
    ("pipeline", 40),
    ("loop", 10_000),
    ("mandelbrot", 60),
    ("trees", 9),
    ("lists", 40),
    ("intmap", 20_000),
    ("strmap", 20_000),
    ("sorting", 5_000),
    ("pingpong", 20_000),
    ("throwing", 20_000),
    ("richards", 1),
];

fn run(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    for (name, size) in PROGRAMS {
        let engine = Engine::granting(&Grant::all(vec![size.to_string()]));
        let program = Input::file(format!("benches/programs/{name}/{name}.qp"));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || session(&engine),
                |mut session| black_box(session.run(&program).map(drop)).expect("the program runs"),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// A machine whose output goes nowhere.
fn session(engine: &Engine) -> Session {
    let mut session = engine.session(Limits::default()).expect("the library starts");
    session.vm().set_output(Box::new(io::sink()));
    session
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = run
}
criterion_main!(benches);
