//! How long values take to become bytes and to come back, and how many bytes they are.
//!
//! `image` and `load` are the work on the graph; `dump` and `parse` the rest of a save and a load, in which hashing is.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quipu::vm::Limits;
use quipu::vm::image::{Form, Image};
use quipu::{Engine, Input, Session};

/// A name, the number of parts, and the program whose last value is saved.
const VALUES: [(&str, u64, &str); 9] = [
    ("closure", 1, "fn counter(k) { var n = 0; || { n += k; n } }; counter(5)"),
    ("closures with a cell each", 16_000, COUNTERS),
    ("closures with a cell each", 128_000, COUNTERS),
    ("closures with a cell each", 1_000_000, COUNTERS),
    ("lists of one element", 1_000_000, "range(N).map(|i| [i])"),
    ("ints in a list", 1_000_000, "range(N).map(|i| i * 1_000_003)"),
    ("entries of a map", 100_000, "let m = [:]; for i in 0..N { m[\"key ${i}\"] = i }; m"),
    ("links of a chain", 1_000_000, "var at = nil; for i in 0..N { let inner = at; at = || inner }; at"),
    (
        "suspended fibers",
        10_000,
        "range(N).map(|i| { let f = fiber(|| { for x in [i, i] { yield x } }); f.resume(); f })",
    ),
];

const COUNTERS: &str = "fn counter(k) { var n = k; || { n += 1; n } }; range(N).map(counter)";

fn session(engine: &Engine) -> Session {
    engine.session(Limits { heap: Some(8 << 30), ..Limits::default() }).expect("the library starts")
}

fn images(criterion: &mut Criterion) {
    let engine = Engine::new();
    for (name, count, text) in VALUES {
        let mut from = session(&engine);
        let text = text.replace('N', &count.to_string());
        let value = from.run(&Input::text("value.qp", text)).expect("the value is made");
        let image = from.vm().image(&value).expect("it can be saved");
        let form = Form { thin: false, strip: true };
        let bytes = image.dump(form);
        println!("{name}, {count}: {} bytes, {} of them the graph", bytes.len(), image.graph().len());
        let mut group = criterion.benchmark_group(name);
        if count > 1 {
            group.throughput(Throughput::Elements(count)).sample_size(10);
        }
        group.bench_function(BenchmarkId::new("image", count), |bencher| {
            bencher.iter(|| from.vm().image(black_box(&value)).map(drop));
        });
        group.bench_function(BenchmarkId::new("write", count), |bencher| {
            bencher.iter_with_large_drop(|| image.dump(form));
        });
        group.bench_function(BenchmarkId::new("open", count), |bencher| {
            bencher.iter_with_large_drop(|| Image::parse(black_box(&bytes), &()));
        });
        let opened = Image::parse(&bytes, &()).expect("it opens");
        if count > 1 {
            group.bench_function(BenchmarkId::new("load", count), |bencher| {
                bencher.iter_batched_ref(
                    || session(&engine),
                    |to| to.vm().load(&opened).map(drop),
                    BatchSize::PerIteration,
                );
            });
        } else {
            let mut to = session(&engine);
            group.bench_function(BenchmarkId::new("load", count), |bencher| {
                bencher.iter(|| to.vm().load(black_box(&opened)).map(drop));
            });
        }
        group.bench_function(BenchmarkId::new("file hash", count), |bencher| {
            bencher.iter(|| hashed(&bytes));
        });
        group.finish();
    }
    copies(criterion);
}

/// What copying eight megabytes takes here, for comparison with the list of ints.
fn copies(criterion: &mut Criterion) {
    let from = vec![7u64; 1_000_000];
    let mut to = vec![0u64; 1_000_000];
    criterion.bench_function("memcpy of 8 MB", |bencher| {
        bencher.iter(|| black_box(&mut to).copy_from_slice(black_box(&from)));
    });
}

/// The hashing that is in a save and in a load.
fn hashed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    quipu::vm::image::repair(&mut bytes);
    bytes
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = images
}
criterion_main!(benches);
