//! How many lines a second are compiled: a source of 100,000 lines of the usual kind, from text to code objects.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use quipu::{Engine, Input};

/// Lines of the source.
const LINES: usize = 100_000;

/// Many functions and types, each a little different, twelve lines for each number.
fn source() -> String {
    let mut text = String::new();
    let mut lines = 0;
    let mut n = 0;
    while lines < LINES {
        let before = text.len();
        let _ = write!(
            text,
            r#"# Number {n}: an account and what is done with it.
type Account{n}(owner, balance = {n}) {{
  fn deposit(self, amount) {{ self.balance += amount; self }}
}}
fn work{n}(xs, limit) {{
  let account = Account{n}("owner {n}")
  var count = 0
  for x in xs {{
    if x % {divisor} == 0 and x < limit {{ count += 1 }} else {{ account.deposit(x * {n} + 1) }}
  }}
  [count: count, balance: account.balance, label: "${{count}} of ${{xs.len()}}", scale: |y| y * count + {n}]
}}
"#,
            divisor = n % 7 + 2
        );
        lines += text[before..].lines().count();
        n += 1;
    }
    text
}

fn compile(criterion: &mut Criterion) {
    let text = source();
    let engine = Engine::new();
    let mut group = criterion.benchmark_group("compile");
    group.throughput(Throughput::Elements(text.lines().count() as u64));
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    let input = Input::text("<source>", text);
    assert!(engine.check(&input).is_ok_and(|warnings| warnings.is_empty()), "the source compiles");
    group.bench_function("lines", |bencher| {
        bencher.iter(|| black_box(engine.check(&input)).is_ok());
    });
    group.finish();
}

criterion_group!(benches, compile);
criterion_main!(benches);
