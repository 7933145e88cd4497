//! A hundred scripts of `tests/scripts` in WebAssembly, where addresses have 32 bits and there is no clock: hashes of code, of
//! values and of image files, fuel, and what is printed are those of this process.
//!
//! `PLAYGROUND` says where the build is, which `.ci/run` makes. Without it they run here only.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

#[path = "../playground/src/run.rs"]
mod run;

/// The scripts, each with its text.
fn scripts() -> Vec<(String, String)> {
    let list = std::fs::read_to_string("playground/scripts.txt").unwrap();
    list.lines().map(|name| (name.to_owned(), std::fs::read_to_string(name).unwrap())).collect()
}

#[test]
fn a_hundred_scripts_do_in_a_browser_what_they_do_here() {
    let scripts = scripts();
    assert_eq!(scripts.len(), 100);
    let here: Vec<String> = scripts.iter().map(|(name, text)| run::run(name, text)).collect();
    for ((name, _), answer) in scripts.iter().zip(&here) {
        let has = |begin: &str| answer.lines().any(|line| line.starts_with(begin));
        assert!(has("code ") && has("value ") && has("ended after "), "{name}: {answer}");
    }
    // What a program comes to does not depend on where it lies in memory.
    assert!(scripts.iter().map(|(name, text)| run::run(name, text)).eq(here.iter().cloned()));

    let Some(wasm) = std::env::var_os("PLAYGROUND") else { return };
    let mut node = Command::new("node");
    node.arg("playground/run.mjs").arg(wasm).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = node.spawn().expect("node can be started");
    node.stdin.take().unwrap().write_all(&serde_json::to_vec(&scripts).unwrap()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "node has failed: {}", output.status);
    let there: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(there.len(), here.len());
    let mut wrong = String::new();
    for (((name, _), here), there) in scripts.iter().zip(&here).zip(&there).filter(|((_, here), there)| here != there) {
        let line = here.lines().zip(there.lines()).find(|(here, there)| here != there);
        let _ = writeln!(wrong, "{name}: {line:?}");
    }
    assert!(wrong.is_empty(), "these do something else in WebAssembly (the line here, and there):\n{wrong}");
}
