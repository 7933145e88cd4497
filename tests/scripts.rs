//! Runs every script of `tests/scripts` against the expectations beside its lines; `SCRIPTS=part` picks some by name.

mod support;

use std::fs;
use std::path::Path;

use quipu::{Engine, Input};
use support::{Expected, Setup, assert_all, parallel, run};

#[test]
fn scripts_do_what_their_lines_say() {
    check(Setup::USUAL);
}

#[test]
fn scripts_do_the_same_when_every_allocation_collects() {
    check(Setup::STRESS);
}

#[test]
fn scripts_do_the_same_when_they_move_between_machines() {
    check(Setup::CUT);
}

/// A known gap is a script that fails; once it passes it belongs among the others.
#[test]
fn pending_scripts_still_fail() {
    let engine = Engine::new();
    let passing: Vec<String> = scripts(Path::new("tests/scripts/pending"))
        .into_iter()
        .filter(|script| attempt(&engine, script, Setup::USUAL).is_ok())
        .collect();
    assert!(passing.is_empty(), "these pass now, move them out of pending: {passing:#?}");
}

fn check(setup: Setup) {
    let filter = std::env::var("SCRIPTS").unwrap_or_default();
    let inside = |folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = inside("tests/scripts").chain(inside("tests/scripts/stdlib")).collect();
    folders.retain(|folder| folder.is_dir() && !folder.ends_with("pending"));
    folders.sort();
    let mut all: Vec<String> = folders.iter().flat_map(|folder| scripts(folder)).collect();
    all.retain(|script| script.contains(&filter));
    if setup.cut {
        // A run may yield to its host, and the trace of an error that was caught does not travel.
        all.retain(|script| !script.contains("yield_outside_a_fiber") && !script.contains("trace"));
    }
    assert!(!all.is_empty(), "no scripts");
    let engine = Engine::new();
    let results = parallel(all.clone(), setup.time, move |script| attempt(&engine, script, setup));
    assert_all(all.iter().map(String::as_str), results);
}

/// The scripts directly in a folder; helpers in folders below are none.
fn scripts(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "qp"));
    files.sort();
    files.into_iter().map(|file| file.to_str().unwrap().to_owned()).collect()
}

fn attempt(engine: &Engine, script: &str, setup: Setup) -> Result<(), String> {
    let text = String::from_utf8_lossy(&fs::read(script).unwrap()).into_owned();
    run(engine, &Input::file(script), &Expected::read(&text), setup)
}
