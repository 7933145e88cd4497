//! Runs every program of `examples/` and compares its output with `examples/expected/`; `UPDATE=1` writes it anew.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quipu::vm::Limits;
use quipu::{Engine, Input};
use support::{Captured, assert_all, parallel};

/// Most time for one example.
const TIME: Duration = Duration::from_secs(60);

#[test]
fn examples_print_what_is_expected() {
    let Ok(entries) = fs::read_dir("examples") else { return };
    let mut examples: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    examples.retain(|file| file.extension().is_some_and(|extension| extension == "qp"));
    examples.sort();
    let engine = Engine::new();
    let results = parallel(examples.clone(), TIME, move |file| attempt(&engine, file));
    assert_all(examples.iter().map(|file| file.to_str().unwrap()), results);
}

fn attempt(engine: &Engine, file: &Path) -> Result<(), String> {
    let name = file.to_str().unwrap();
    let limits = Limits { deadline: Some(Instant::now() + TIME), ..Limits::default() };
    let mut session = engine.session(limits).map_err(|_| "the library does not start".to_owned())?;
    let output = Captured::default();
    session.vm().set_output(Box::new(output.clone()));
    session.run(&Input::file(name)).map_err(|error| error.to_string())?;
    let _ = session.vm().flush();
    let stored = Path::new("examples/expected").join(file.file_name().unwrap()).with_extension("txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all("examples/expected").unwrap();
        fs::write(&stored, output.text()).unwrap();
    }
    let expected = fs::read_to_string(&stored).map_err(|error| format!("{}: {error}", stored.display()))?;
    let printed = output.text();
    if printed == expected {
        return Ok(());
    }
    let line = printed.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    Err(format!("output line {}: {:?}, expected {:?}", line + 1, printed.lines().nth(line), expected.lines().nth(line)))
}
