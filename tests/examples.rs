//! Runs every program and every host of `examples/` and compares its output with `examples/expected/`; `UPDATE=1` writes
//! it anew.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::batches::again;
use crate::support::{Captured, assert_all, parallel};
use quipu::vm::{Limits, Moment};
use quipu::{Engine, Input};

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
    let limits = Limits { deadline: Some(Moment::now() + TIME), ..Limits::default() };
    let mut session = engine.session(limits).map_err(|_| "the library does not start".to_owned())?;
    let output = Captured::default();
    session.vm().set_output(Box::new(output.clone()));
    session.run(&Input::file(name)).map_err(|error| error.to_string())?;
    let _ = session.vm().flush();
    compare(Path::new(file.file_name().unwrap()), &output.text())
}

/// Compares what an example has printed with what is stored for it.
fn compare(name: &Path, printed: &str) -> Result<(), String> {
    let stored = Path::new("examples/expected").join(name).with_extension("txt");
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all("examples/expected").unwrap();
        fs::write(&stored, printed).unwrap();
    }
    let expected = fs::read_to_string(&stored).map_err(|error| format!("{}: {error}", stored.display()))?;
    if printed == expected {
        return Ok(());
    }
    let line = printed.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    Err(format!("output line {}: {:?}, expected {:?}", line + 1, printed.lines().nth(line), expected.lines().nth(line)))
}

#[path = "../examples/workflow.rs"]
#[allow(dead_code, reason = "its main function prints where nobody listens")]
mod workflow;

/// What tells a process of this test that it is to take a step, and which.
const STEP: &str = "QUIPU_TEST_STEP";

#[test]
fn workflow_goes_on_in_other_processes() -> Result<(), Box<dyn Error>> {
    let mut printed = Vec::new();
    workflow::run(&mut printed, |file, answer| {
        let mut command = again(concat!(module_path!(), "::workflow_takes_a_step"));
        let output = command.env(STEP, format!("{answer} {}", file.display())).output()?;
        Ok(String::from_utf8(output.stderr)?)
    })?;
    Ok(compare(Path::new("workflow"), &String::from_utf8(printed)?)?)
}

/// What those processes do. The harness prints to the standard output, so they use the other one.
#[test]
fn workflow_takes_a_step() -> Result<(), Box<dyn Error>> {
    if let Ok(step) = env::var(STEP)
        && let Some((answer, file)) = step.split_once(' ')
    {
        eprintln!("{}", workflow::step(Path::new(file), answer.parse()?)?);
    }
    Ok(())
}

macro_rules! hosts {
    ($($(#[$when:meta])* $name:ident, $file:tt, $test:ident;)*) => {$(
        $(#[$when])*
        #[path = $file]
        #[allow(dead_code, reason = "its main function prints where nobody listens")]
        mod $name;

        $(#[$when])*
        #[test]
        fn $test() -> Result<(), Box<dyn Error>> {
            let mut printed = Vec::new();
            $name::run(&mut printed)?;
            Ok(compare(Path::new($file).file_name().map_or(Path::new(""), Path::new), &String::from_utf8(printed)?)?)
        }
    )*};
}
hosts! {
    hello, "../examples/hello.rs", hello_prints_what_is_expected;
    host_functions, "../examples/host_functions.rs", host_functions_print_what_is_expected;
    host_types, "../examples/host_types.rs", host_types_print_what_is_expected;
    game, "../examples/game.rs", game_prints_what_is_expected;
    config, "../examples/config.rs", config_prints_what_is_expected;
    sandbox, "../examples/sandbox.rs", sandbox_prints_what_is_expected;
    plugins, "../examples/plugins.rs", plugins_print_what_is_expected;
    pool, "../examples/pool.rs", pool_prints_what_is_expected;
    #[cfg(feature = "async")]
    later, "../examples/async.rs", async_prints_what_is_expected;
}
