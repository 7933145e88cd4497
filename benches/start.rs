//! What it takes before a program begins: the library, a machine, and a program that does nothing.

use std::hint::black_box;
use std::io;

use criterion::{Criterion, criterion_group, criterion_main};
use quipu::vm::Limits;
use quipu::{Engine, Input};

fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    group.bench_function("engine", |bencher| bencher.iter(|| black_box(Engine::new())));
    let engine = Engine::new();
    group.bench_function("session", |bencher| {
        bencher.iter(|| black_box(engine.session(Limits::default())).is_ok());
    });
    let nothing = Input::text("<nothing>", "0");
    group.bench_function("program", |bencher| {
        let mut session = engine.session(Limits::default()).expect("the library starts");
        session.vm().set_output(Box::new(io::sink()));
        bencher.iter(|| black_box(session.run(&nothing)).is_ok());
    });
    group.finish();
}

criterion_group!(benches, start);
criterion_main!(benches);
