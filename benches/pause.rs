//! The longest time for which a collection stops a program whose living values fill a gigabyte.

use std::time::{Duration, Instant};

use quipu::vm::Limits;
use quipu::{Engine, Input};

/// Ten million cells of lists that stay, and a function that makes a thousand values nobody keeps.
const PROGRAM: &str = "
type Node(next, value)
fn build(n) {
  var head = nil
  for i in 0..n { head = Node(head, (i, i)) }
  head
}
let kept = []
for _ in 0..100 { kept.push(build(100_000)) }
fn step() = if kept.len() == 100 { build(1000).value[0] } else { 0 }
step
";

/// Enough that several collections happen.
const STEPS: usize = 40_000;

fn main() {
    let engine = Engine::new();
    let limits = Limits { heap: Some(8 << 30), ..Limits::default() };
    let mut session = engine.session(limits).expect("the library starts");
    let started = Instant::now();
    let step = session.run(&Input::text("<pause>", PROGRAM)).expect("the program runs");
    println!("pause/build             {:?}", started.elapsed());
    let mut times: Vec<Duration> = Vec::with_capacity(STEPS);
    for _ in 0..STEPS {
        let started = Instant::now();
        session.vm().call(&step, &[]).expect("a step runs");
        times.push(started.elapsed());
    }
    times.sort();
    let total: Duration = times.iter().sum();
    println!("pause/step, median      {:?}", times[STEPS / 2]);
    println!("pause/step, 99.9 %      {:?}", times[STEPS - STEPS / 1000]);
    println!("pause/step, longest     {:?}", times[STEPS - 1]);
    println!("pause/steps together    {total:?}");
    let stats = session.vm().stats();
    println!("pause/heap, collections {} MB, {}", stats.heap_bytes / 1_000_000, stats.collections);
}
