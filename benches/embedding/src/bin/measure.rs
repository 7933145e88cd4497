//! Measures the languages that this is built with: `measure --bench` their times, with criterion; `measure memory
//! LANGUAGE` what idle machines take of the process's memory.

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use quipu_embedding::Host;
#[cfg(feature = "mlua")]
use quipu_embedding::lua_host::Luas;
use quipu_embedding::quipu_host::Quipu;
use quipu_embedding::rhai_host::Rhai;
use quipu_embedding::task::Fleet;

/// Machines in the measurement of memory.
const MACHINES: usize = 1_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("memory") {
        return match arguments.next().as_deref() {
            Some(Quipu::NAME) => memory::<Quipu>(),
            Some(Rhai::NAME) => memory::<Rhai>(),
            #[cfg(feature = "mlua")]
            Some(Luas::NAME) => memory::<Luas>(),
            _ => {}
        };
    }
    // Languages take turns within a task, so that they meet the same moods of the computer.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .without_plots()
        .configure_from_args();
    for task in TASKS {
        measure::<Quipu>(&mut criterion, task);
        #[cfg(feature = "mlua")]
        measure::<Luas>(&mut criterion, task);
        measure::<Rhai>(&mut criterion, task);
    }
}

const TASKS: [&str; 8] = ["call", "native", "list", "write", "read", "machine", "nothing", "first"];

fn measure<H: Host>(criterion: &mut Criterion, task: &str) {
    let mut group = criterion.benchmark_group(task);
    let mut host = H::machine();
    match task {
        "call" => {
            let adder = host.adder();
            group.bench_function(H::NAME, |bencher| {
                bencher.iter(|| assert_eq!(host.add(&adder, black_box(19), black_box(23)), 42));
            });
        }
        "native" => {
            let summer = host.summer();
            group.sample_size(10);
            group.bench_function(H::NAME, |bencher| {
                bencher.iter(|| assert_eq!(host.sum(&summer, black_box(1_000_000)), 499_999_500_000));
            });
        }
        "list" => {
            let items: Vec<i64> = (0..10_000).collect();
            group.bench_function(H::NAME, |bencher| {
                bencher.iter(|| assert_eq!(host.list(black_box(&items)).len(), items.len()));
            });
        }
        "write" => {
            let fleet = Fleet::example();
            group.bench_function(H::NAME, |bencher| bencher.iter(|| black_box(host.write(black_box(&fleet)))));
        }
        "read" => {
            let fleet = Fleet::example();
            let value = host.write(&fleet);
            assert_eq!(host.read(&value), fleet);
            group.bench_function(H::NAME, |bencher| bencher.iter(|| black_box(host.read(black_box(&value)))));
        }
        "machine" => {
            group.bench_function(H::NAME, |bencher| bencher.iter(H::machine));
        }
        "nothing" => {
            group.bench_function(H::NAME, |bencher| bencher.iter(H::from_nothing));
        }
        _ => {
            group.bench_function(H::NAME, |bencher| bencher.iter(used::<H>));
        }
    }
    group.finish();
}

/// A machine that has compiled a function and called it.
fn used<H: Host>() -> (H, H::Function) {
    let mut host = H::machine();
    let adder = host.adder();
    assert_eq!(host.add(&adder, 19, 23), 42);
    (host, adder)
}

/// Prints what a machine takes when it is made, and when it has called a function, in bytes.
fn memory<H: Host>() {
    // What all machines share, and what the allocator keeps in any case.
    drop(used::<H>());
    let Some(before) = resident() else { return };
    let made: Vec<H> = (0..MACHINES).map(|_| H::machine()).collect();
    let with_made = resident().unwrap_or(before);
    let used: Vec<_> = (0..MACHINES).map(|_| used::<H>()).collect();
    let with_used = resident().unwrap_or(before);
    println!("{} {}", (with_made - before) / MACHINES, (with_used - with_made) / MACHINES);
    drop((made, used));
}

/// Bytes of the process's memory that are there, if the system says so.
fn resident() -> Option<usize> {
    let pages: usize = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
