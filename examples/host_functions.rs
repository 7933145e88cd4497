//! Functions of the host: plain Rust closures with typed parameters, errors that keep their type, calls back.
//!
//! ```sh
//! cargo run --example host_functions
//! ```

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use quipu::vm::host::{Func, Rest};
use quipu::vm::{Cx, Limits};
use quipu::{Engine, Input};

/// An error of the host's own.
#[derive(Debug)]
struct OutOfStock {
    missing: i64,
}

impl fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pieces are missing", self.missing)
    }
}

impl Error for OutOfStock {}

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let engine = Engine::builder()
        // A name that every program sees.
        .native("shout", |text: &str| text.to_uppercase())
        // Members of modules. The version is part of the name in hashes and images, not in programs.
        .native("geo.dist@1", |x: f64, y: f64| x.hypot(y))
        .native("geo.sum@1", |all: Rest<f64>| all.0.iter().sum::<f64>())
        // Parameters at the end that are an `Option` may be left out.
        .native("text.repeat", |text: &str, times: Option<usize>| text.repeat(times.unwrap_or(2)))
        // An error is thrown; the program can catch it.
        .native("stock.take", |count: i64| if count > 5 { Err(OutOfStock { missing: count - 5 }) } else { Ok(count) })
        // With the machine at hand a native can call functions that it is given.
        .native("twice", |cx: &mut Cx<'_>, f: Func<(i64,), i64>, n: i64| {
            f.call(cx, (n,)).and_then(|once| f.call(cx, (once,)))
        })
        .constant("game.LEVEL", 3)
        .build()?;
    let mut session = engine.session(Limits::default())?;

    let program = r#"
import geo
import text
import game
import stock
[
  shout("hello"), geo.dist(3, 4), geo.sum(1, 2, 3.5), text.repeat("ab"), game.LEVEL, twice(|x| x * 3, 2),
  try { stock.take(9) } catch e { e.message },
]
"#;
    let all = session.run(&Input::text("all.qp", program))?;
    writeln!(out, "{}", session.repr(&all)?)?;

    // What a native is given wrongly is an error that says which argument.
    if let Err(error) = session.run(&Input::text("wrong.qp", "shout(3)")) {
        writeln!(out, "{error}")?;
    }
    // An error of the host that nothing catches comes back as what it is.
    if let Err(error) = session.run(&Input::text("order.qp", "import stock\nstock.take(8)")) {
        writeln!(out, "{:?}", error.host::<OutOfStock>())?;
    }
    Ok(())
}
