//! Code that nobody trusts: no capabilities, little memory, little time, and the machine goes on after each failure.
//!
//! ```sh
//! cargo run --example sandbox
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use quipu::vm::{Limits, Moment};
use quipu::{Engine, Input};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The limits of one submission. The deadline is a moment, so it is set anew for each.
fn limits() -> Limits {
    Limits {
        fuel: Some(2_000_000),
        heap: Some(16 << 20),
        depth: 1_000,
        deadline: Some(Moment::now() + Duration::from_secs(10)),
    }
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    // No files, no clock, no environment: capabilities are none unless the builder is told of them.
    let engine = Engine::builder().build()?;
    let submissions = [
        ("fair", "(1..=10).to_list().map(|x| x * x).sum()"),
        ("forever", "while true {}"),
        ("hungry", "var text = \"more\"\nwhile true { text = text + text }"),
        ("deep", "fn down(n) = 1 + down(n + 1)\ndown(0)"),
        ("stubborn", "while true { try { while true {} } catch e { nil } }"),
        ("nosy", "import fs\nfs.read(\"/etc/hostname\")"),
        ("wrong", "[1, 2][7]"),
        ("fair again", "\"still \" + \"here\""),
    ];
    // One machine for all of them shows that each failure leaves it usable; a machine for each would be cheap, too.
    let mut session = engine.session(limits())?;
    for (name, text) in submissions {
        session.set_limits(limits());
        match session.run(&Input::text(name, text)) {
            Ok(value) => writeln!(out, "{name}: {}", session.repr(&value)?)?,
            Err(error) => writeln!(out, "{name}: {} {error}", error.code().unwrap_or("-"))?,
        }
    }
    Ok(())
}
