//! `vm check`: compiles programs without running them.

use std::ffi::OsString;
use std::process::ExitCode;

use quipu::Error;
use quipu::report::{Report, Shown};

use super::args::Options;
use super::exit::Exit;
use super::run;
use super::session::Setting;
use super::terminal::{Terminal, show};

/// Compiles files and what they import, and reports all that is wrong. As JSON the findings are the output.
pub fn check(files: &[OsString], options: &Options, terminal: &Terminal) -> Result<ExitCode, String> {
    let mut exit = Exit::Ok;
    let mut all = Vec::new();
    for file in files {
        let input = run::input(file)?;
        let found = match Setting::of_program(options, &input, Vec::new()).check(&input) {
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
