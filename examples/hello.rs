//! The least there is to it: an engine, a machine, a program, its value.
//!
//! ```sh
//! cargo run --example hello
//! ```

use std::error::Error;
use std::io::{self, Write};

use quipu::vm::Limits;
use quipu::vm::host::{Func, Host};
use quipu::{Engine, Input};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    // An engine is what programs can rely on, a session is one machine. Programs compute and nothing else unless the
    // engine says so.
    let engine = Engine::new();
    let mut session = engine.session(Limits::default())?;

    let sum = session.run(&Input::text("sum.qp", "[1, 2, 3].sum()"))?;
    writeln!(out, "the sum is {}", session.get::<i64>(&sum)?)?;

    // A function of the program with Rust types; that it takes two arguments is checked here, once.
    let area = session.run(&Input::text("area.qp", "|width, height| width * height"))?;
    let area: Func<(i64, i64), i64> = session.get(&area)?;
    writeln!(out, "the area is {}", area.call(&mut session, (6, 7))?)?;

    // Mistakes have a code, a place and a line to print.
    if let Err(error) = session.run(&Input::text("typo.qp", "let total = 3\ntotle + 1")) {
        writeln!(out, "{error}")?;
        writeln!(out, "its code is {}", error.code().unwrap_or("none"))?;
    }
    Ok(())
}
