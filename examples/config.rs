//! Configuration that can compute: a program's last value becomes a Rust struct through serde.
//!
//! ```sh
//! cargo run --example config
//! ```

use std::error::Error;
use std::io::{self, Write};

use quipu::vm::Limits;
use quipu::vm::host::{Host, HostSerde};
use quipu::{Engine, Input};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug)]
struct Config {
    name: String,
    workers: u32,
    listen: Vec<Listen>,
    #[serde(default)]
    verbose: bool,
}

#[derive(Serialize, Deserialize, Debug)]
enum Listen {
    Tcp { port: u16 },
    Unix(String),
}

/// What the host knows, and the program may use.
#[derive(Serialize)]
struct Machine {
    cores: u32,
    production: bool,
}

const CONFIG: &str = r#"
|machine| {
  let ports = if machine.production { [80, 443] } else { [8080] }
  [
    name: "shop",
    workers: machine.cores * 2,
    listen: [..ports.map(|p| [Tcp: [port: p]]), [Unix: "/run/shop"]],
  ]
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    // Nothing that a configuration could do but compute, and not for long.
    let mut session = Engine::new().session(Limits { fuel: Some(100_000), ..Limits::default() })?;
    let configure = session.run(&Input::text("shop.qp", CONFIG))?;
    let machine = session.to_value(&Machine { cores: 4, production: true })?;
    let value = session.vm().call(&configure, &[machine])?;
    let config: Config = session.data_of(&value)?;
    writeln!(out, "{config:?}")?;

    // Mistakes are told with the way to them.
    let wrong = session.run(&Input::text("wrong.qp", "[name: \"x\", workers: 2, listen: [[Tcp: [port: 99999]]]]"))?;
    if let Err(failure) = session.data_of::<Config>(&wrong) {
        writeln!(out, "{failure}")?;
    }
    // The other way round.
    let value = session.make(quipu::vm::host::Serde(&config.listen))?;
    writeln!(out, "{}", session.repr(&value)?)?;
    Ok(())
}
