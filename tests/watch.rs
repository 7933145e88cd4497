//! Watched machines: what is counted is what happened, twice the same, and nothing else changes.
#![cfg(feature = "run")]

use crate::program::*;
use quipu::vm::watch::{Watch, Watched};
use quipu::{Engine, Input};

const PROGRAM: &str = "type Point(x, y)
fn warm(n) { var total = 0
  for i in 0..n { let p = Point(i, 1)
    total += p.x }
  total }
fn cold(n) = n + 1
fn both(n) = warm(n) + cold(n)
both(50_000)";

/// Runs the program on a machine that is watched.
fn watched(watch: Watch) -> Watched {
    let mut session = Engine::new().session(Default::default()).unwrap();
    session.vm().watch(watch);
    let value = session.run(&Input::text("<test>", PROGRAM)).unwrap();
    assert_eq!(session.vm().repr(&value).unwrap(), "1250025001");
    session.vm().watched().unwrap()
}

#[test]
fn what_is_counted_is_what_happened() {
    let seen = watched(Watch::default());
    let points = seen.objects.iter().find(|made| made.kind == "instance").unwrap();
    assert_eq!((points.count, points.bytes), (50_000, 50_000 * 48));
    assert!(seen.pauses.count > 0 && seen.pauses.longest <= seen.pauses.total);
    let count = |name| seen.instructions.iter().find(|&&(n, _)| n == name).map_or(0, |&(_, count)| count);
    assert_eq!(count("GetField"), 50_000);
    // The first use of the field finds nothing in the cache; a collection may take away what it has.
    assert_eq!(seen.hits + seen.misses, 50_000);
    assert!(seen.misses <= 1 + seen.pauses.count, "{}", seen.misses);
    assert!(seen.samples.is_empty());
    assert!(seen.instructions.is_sorted_by(|x, y| x.1 >= y.1));
}

#[test]
fn a_machine_that_is_not_watched_saw_nothing() {
    let mut session = Engine::new().session(Default::default()).unwrap();
    session.run(&Input::text("<test>", PROGRAM)).unwrap();
    assert!(session.vm().watched().is_none());
    session.vm().watch(Watch::default());
    assert!(session.vm().watched().is_some());
    assert!(session.vm().watched().is_none());
}

#[test]
fn samples_are_the_same_in_every_run() {
    let watch = Watch { period: Some(101) };
    let (one, two) = (watched(watch), watched(watch));
    assert_eq!(one.folded(), two.folded());
    assert_eq!(one.instructions, two.instructions);
}

#[test]
fn samples_lead_to_the_line_that_takes_the_time() {
    let seen = watched(Watch { period: Some(101) });
    let functions = seen.functions();
    assert_eq!(functions[0].line.function, "warm");
    let steps: u64 = functions.iter().map(|place| place.own).sum();
    assert!(functions[0].own * 10 > steps * 9, "{functions:?}");
    let both = functions.iter().find(|place| place.line.function == "both").unwrap();
    assert!(both.own < 200 && both.all * 10 > steps * 9, "{both:?}");
    assert!((3..=4).contains(&seen.lines()[0].line.line));
    // Every instruction is in a sample, but for those since the last one.
    assert!(steps.abs_diff(seen.instruction_count()) < 1000, "{steps}");
    let folded = seen.folded();
    assert!(folded.iter().any(|line| line.contains("both (<test>);warm (<test>) ")), "{folded:?}");
}

#[test]
fn work_of_natives_counts_where_they_are_called() {
    let mut session = Engine::new().session(Default::default()).unwrap();
    session.vm().watch(Watch { period: Some(101) });
    let text = "fn heavy(xs) {\n  let at = xs.index_of(-1)\n  at }\nvar xs = []\nfor i in 0..100_000 { xs.push(i) }\nfor _ in 0..20 { heavy(xs) }";
    session.run(&Input::text("<test>", text)).unwrap();
    let seen = session.vm().watched().unwrap();
    let heavy = seen.functions().into_iter().find(|place| place.line.function == "heavy");
    assert!(heavy.is_some_and(|heavy| heavy.own > 20 * 1000), "{:?}", seen.folded());
}

#[test]
fn calls_in_fibers_lead_to_those_who_wait_for_them() {
    let mut session = Engine::new().session(Default::default()).unwrap();
    session.vm().watch(Watch { period: Some(11) });
    let text = "fn inner() { for i in 0..1000 { yield i } }\nfn outer() { for i in fiber(inner) {} }\nouter()";
    session.run(&Input::text("<test>", text)).unwrap();
    let folded = session.vm().watched().unwrap().folded();
    assert!(folded.iter().any(|line| line.contains("outer (<test>);inner (<test>) ")), "{folded:?}");
}

#[test]
fn figures_come_after_what_the_program_says() {
    let run = vm(&["--stats", "-e", "print([1, 2].len())"]).ends(0).prints("2\n");
    let run = run.says(" instructions\n").says(" objects made").says("collections, longest pause").says("from caches");
    run.says(" known");
    vm(&["--stats", "-e", "throw 1"]).ends(1).says(" instructions\n").says("uncaught value");
    vm(&["--stats", "--json", "-e", "0"]).ends(0).says("{\"stats\":{").says("\"LoadInt\":");
}

#[test]
fn a_profile_is_a_picture_and_a_table() {
    let scratch = Scratch::new("profile");
    let program = scratch.file("a.qp", PROGRAM);
    let picture = scratch.path("a.svg");
    if !cfg!(feature = "pictures") {
        vm(&["--profile", &picture, &program]).ends(2).prints("").says("built without the feature `full`");
        return;
    }
    let run = vm(&["--profile", &picture, &program]).ends(0).says("    own   time    all  function\n");
    run.says("warm at ").says("a.qp:4\n");
    let svg = std::fs::read_to_string(&picture).unwrap();
    assert!(svg.starts_with("<?xml") && svg.contains("warm (a.qp)"));
    // A program that is over at once has one too.
    vm(&["--profile", &picture, "-e", "0"]).ends(0).prints("");
    vm(&["--profile", &picture, "--json", &program]).ends(0).says("{\"profile\":[{").says("\"function\":\"warm\"");
    vm(&["--profile", &scratch.path("no/such/folder.svg"), "-e", "print(1)"]).ends(2).prints("").says("cannot write");
}
