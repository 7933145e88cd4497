//! Damaged scripts that still compile: whatever they do, they end, and the machine goes on.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use crate::damage::{Numbers, damage, pieces};
use quipu::vm::{Limits, Moment};
use quipu::{Engine, Input};

/// How often each script is damaged; `MUTATIONS=N` asks for more.
const ROUNDS: usize = 2;

#[test]
fn damaged_scripts_leave_the_machine_usable() {
    let rounds = std::env::var("MUTATIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let mut numbers = Numbers(std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11));
    let mut scripts = BTreeSet::new();
    for folder in fs::read_dir(Path::new("tests/scripts")).unwrap() {
        let files = fs::read_dir(folder.unwrap().path()).unwrap();
        scripts.extend(files.map(|file| file.unwrap().path()).filter(|path| path.is_file()));
    }
    let engine = Engine::new();
    let mut ran = 0;
    for path in &scripts {
        let pieces = pieces(&fs::read_to_string(path).unwrap());
        for round in 0..rounds {
            let text = damage(&pieces, &mut numbers);
            let stress = round % 2 == 1;
            let whole = catch_unwind(AssertUnwindSafe(|| run(&engine, &text, stress)));
            assert!(whole.is_ok(), "{} (stress: {stress}) panics when it is\n{text}", path.display());
            ran += usize::from(whole.unwrap_or_default());
        }
    }
    // Most damage leaves a program that no longer compiles.
    assert!(ran * 10 > scripts.len() * rounds, "only {ran} programs of {} ran", scripts.len() * rounds);
}

/// Runs a program within small limits and another one after it; tells whether the first compiled.
fn run(engine: &Engine, text: &str, stress: bool) -> bool {
    let limits = |fuel, heap| Limits {
        fuel: Some(fuel),
        heap: Some(heap),
        deadline: Some(Moment::now() + Duration::from_secs(60)),
        ..Limits::default()
    };
    let mut session = engine.session(limits(1 << 30, 64 << 20)).expect("the library starts");
    session.vm().set_output(Box::new(std::io::sink()));
    session.vm().set_gc_stress(stress);
    session.vm().set_limits(limits(if stress { 20_000 } else { 200_000 }, 64 << 20));
    let result = session.run(&Input::text("damaged.qp", text));
    if let Err(quipu::Error::Invalid(_)) = result {
        return false;
    }
    drop(result);
    session.vm().set_limits(limits(1 << 30, 1 << 30));
    let value = session.run(&Input::text("after.qp", "[1, 2, 3].map(|x| x * 2).sum()")).expect("the machine goes on");
    assert_eq!(session.vm().repr(&value).expect("a number is shown"), "12");
    true
}
