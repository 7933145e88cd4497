//! Runs every program of the speed comparison at its small size and compares what it prints.

use std::path::Path;
use std::time::Duration;

use crate::support::{Captured, assert_all, parallel};
use quipu::stdlib::Grant;
use quipu::vm::{Limits, Moment};
use quipu::{Engine, Input};

/// Most time for one program.
const TIME: Duration = Duration::from_secs(30);

#[test]
fn programs_of_the_comparison_print_what_is_expected() {
    let folder = Path::new("benches/programs");
    if !folder.exists() {
        return;
    }
    let list = std::fs::read_to_string(folder.join("list.txt")).unwrap();
    let rows: Vec<Vec<String>> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect();
    let results = parallel(rows.clone(), TIME, |row| attempt(&row[0], &row[3], &row[4]));
    assert_all(rows.iter().map(|row| row[0].as_str()), results);
}

fn attempt(name: &str, size: &str, expected: &str) -> Result<(), String> {
    let engine = Engine::granting(&Grant::all(vec![size.to_owned()]));
    let limits = Limits { deadline: Some(Moment::now() + TIME), ..Limits::default() };
    let mut session = engine.session(limits).map_err(|_| "the library does not start".to_owned())?;
    let output = Captured::default();
    session.vm().set_output(Box::new(output.clone()));
    let file = format!("benches/programs/{name}/{name}.qp");
    session.run(&Input::file(&file)).map_err(|error| error.to_string())?;
    let _ = session.vm().flush();
    let printed = output.text();
    if printed.trim_end() == expected { Ok(()) } else { Err(format!("printed {printed:?}, expected {expected:?}")) }
}
