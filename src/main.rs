//! The program `vm`: runs, checks and explains Quipu programs.

#[cfg_attr(
    not(feature = "serve"),
    allow(dead_code, unused_imports, reason = "some of it is there for the commands for actors")
)]
mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(std::env::args_os().skip(1).collect())
}
