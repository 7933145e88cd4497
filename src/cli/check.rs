//! `vm check`: compiles programs without running them.

use std::ffi::OsString;
use std::process::ExitCode;

use quipu::Error;
use quipu::report::{Report, Shown};

use super::ending::Exit;
use super::input;
use super::options::Denials;
use super::session::Setting;
use super::terminal::{Terminal, show};

/// Compiles files and what they import, and reports all that is wrong. As JSON the findings are the output.
pub fn check(files: &[OsString], denials: &Denials, terminal: &Terminal) -> Result<ExitCode, String> {
    let mut exit = Exit::Ok;
    let mut all = Vec::new();
    for file in files {
        let input = input::program(file)?;
        let found = match Setting::of_program(denials, &input, Vec::new()).check(&input) {
            Ok(warnings) => warnings.iter().flat_map(Report::diagnostics).collect(),
            Err(Error::Unreadable(name, error)) => {
                terminal.mistake(&format!("cannot read `{name}`: {error}"));
                exit = if exit == Exit::Compile { exit } else { Exit::Usage };
                continue;
            }
            Err(error) => {
                exit = Exit::Compile;
                Report::error(&error, &|_| None)
            }
        };
        all.extend(found);
    }
    if terminal.is_json() {
        show(&Shown::join(all.iter().map(|report| terminal.render(report)), ""));
    } else {
        terminal.report(&all);
    }
    Ok(exit.into())
}
