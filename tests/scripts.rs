//! Runs every script of `tests/scripts` against the expectations beside its lines; `SCRIPTS=part` picks some by name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::batches;
use crate::support::{Expected, Setup, assert_all, parallel, run};
use quipu::stdlib::{Grant, Streams};
use quipu::{Engine, Input};

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

/// Each of them whole and in pieces. It is slow, so the test command does a tenth; `CALLS=all` in the environment does all,
/// as a part of a name in `SCRIPTS` does of those. Processes of their own tell which script it is that crashes.
#[test]
fn scripts_do_the_same_when_every_call_collects() {
    let is_whole = std::env::var("CALLS").is_ok_and(|calls| calls == "all") || std::env::var_os("SCRIPTS").is_some();
    let (whole, pieces) = (all(false), all(true));
    let count = whole.len() + pieces.len();
    let numbers: Vec<usize> = (0..count).filter(|number| is_whole || number % 10 == 3).collect();
    let engine = engine();
    let time = Setup::CALLS.time * 3;
    let script = |number: usize| match whole.get(number) {
        Some(script) => (script, Setup::CALLS),
        None => (&pieces[number - whole.len()], Setup::CALLS_CUT),
    };
    let report = batches::in_processes(
        concat!(module_path!(), "::scripts_do_the_same_when_every_call_collects"),
        &numbers,
        time,
        None,
        |number| {
            let (script, setup) = script(number);
            attempt(&engine, script, setup)
        },
    );
    let tell = |wrong: &batches::Wrong| {
        let (script, setup) = script(wrong.number);
        format!("{script}{}\n    {}", if setup.cut { " in pieces" } else { "" }, wrong.message)
    };
    let wrong: Vec<String> = report.wrong.iter().map(tell).collect();
    assert!(wrong.is_empty(), "{} of {} fail:\n{}", wrong.len(), numbers.len(), wrong.join("\n"));
}

/// A known gap is a script that fails; once it passes it belongs among the others.
#[test]
fn pending_scripts_still_fail() {
    let engine = engine();
    let passing: Vec<String> = scripts(Path::new("tests/scripts/pending"))
        .into_iter()
        .filter(|script| attempt(&engine, script, Setup::USUAL).is_ok())
        .collect();
    assert!(passing.is_empty(), "these pass now, move them out of pending: {passing:#?}");
}

fn check(setup: Setup) {
    let all = all(setup.cut);
    assert!(!all.is_empty(), "no scripts");
    let engine = engine();
    let results = parallel(all.clone(), setup.time, move |script| attempt(&engine, script, setup));
    assert_all(all.iter().map(String::as_str), results);
}

/// All scripts, or those that can be run in pieces.
fn all(cut: bool) -> Vec<String> {
    let filter = std::env::var("SCRIPTS").unwrap_or_default();
    let mut folders = folders("tests/scripts");
    folders.retain(|folder| !folder.ends_with("pending"));
    folders.extend(self::folders("tests/scripts/stdlib"));
    let mut all: Vec<String> = folders.iter().flat_map(|folder| scripts(folder)).collect();
    all.retain(|script| script.contains(&filter));
    if cut {
        // A run may yield to its host; the trace of an error that was caught does not travel, nor do declared tests.
        let stays = ["yield_outside_a_fiber", "trace", "test/cases_are_kept"];
        all.retain(|script| !stays.iter().any(|name| script.contains(name)));
    }
    all
}

/// Scripts may reach everything; their standard input is empty.
fn engine() -> Engine {
    Engine::granting(&Grant { streams: Streams::new(std::io::empty(), std::io::sink()), ..Grant::all(Vec::new()) })
}

fn folders(path: &str) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
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
