//! `vm completions`: what a shell needs to complete command lines of `vm`.

use std::process::ExitCode;

use clap_complete::{Shell, generate};
use quipu::report::Shown;

use super::ending::Exit;
use super::help::declared;
use super::terminal::show;

/// Prints the script for a shell.
pub fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    generate(shell, &mut declared(), "vm", &mut script);
    if shell == Shell::Bash {
        script.extend_from_slice(include_bytes!("complete.bash"));
    }
    show(&Shown::text(&String::from_utf8_lossy(&script)));
    Exit::Ok.into()
}
