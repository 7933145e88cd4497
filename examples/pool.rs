//! Many machines on a few threads: they share one engine, and each moves to whichever thread has time for it.
//!
//! ```sh
//! cargo run --example pool
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::sync::Mutex;
use std::thread;

use quipu::vm::{Budget, Limits, Run, Step};
use quipu::{Engine, Input, Session};

const MACHINES: usize = 100;
const THREADS: usize = 4;

/// A machine and the call that it is busy with.
struct Job {
    number: usize,
    session: Session,
    run: Run,
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let engine = Engine::new();
    let mut jobs = Vec::new();
    for number in 0..MACHINES {
        let mut session = engine.session(Limits { heap: Some(8 << 20), ..Limits::default() })?;
        let source = format!("|| {{ var sum = 0; for i in 0..{} {{ sum += i }}; sum }}", number * 20);
        let function = session.run(&Input::text("job.qp", source))?;
        let run = session.vm().start(&function, &[])?;
        jobs.push(Job { number, session, run });
    }

    // A slice of fuel each, then back into the queue: no machine can hold a thread for long.
    let queue = Mutex::new(jobs);
    let done = Mutex::new(vec![None; MACHINES]);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(mut job) = queue.lock().ok().and_then(|mut queue| queue.pop()) {
                    match job.session.vm().step(&mut job.run, Budget::Fuel(300)) {
                        Ok(Step::Done(sum)) => {
                            if let (Ok(sum), Ok(mut done)) = (job.session.repr(&sum), done.lock()) {
                                done[job.number] = Some(sum);
                            }
                        }
                        Ok(_) => {
                            if let Ok(mut queue) = queue.lock() {
                                queue.insert(0, job);
                            }
                        }
                        Err(failure) => {
                            if let Ok(mut failed) = failed.lock() {
                                failed.push(failure.to_string());
                            }
                        }
                    }
                }
            });
        }
    });
    let done = done.into_inner()?;
    let right = (0..MACHINES).filter(|&n| {
        let count = n * 20;
        done[n].as_deref() == Some((count * count.saturating_sub(1) / 2).to_string().as_str())
    });
    writeln!(out, "{} of {MACHINES} machines gave the right sum", right.count())?;
    writeln!(out, "{} failed", failed.into_inner()?.len())?;
    Ok(())
}
