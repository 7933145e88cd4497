//! `vm image save`: the value of a program in a file.

use std::ffi::OsString;
use std::process::ExitCode;

use quipu::Error;
use quipu::report::Shown;
use quipu::vm::image::Form;

use super::super::ending::{Exit, Halt, ended};
use super::super::input;
use super::super::options::Rules;
use super::super::session::Prints;
use super::super::terminal::{Terminal, complain};
use super::bar::Bar;
use super::file::write;
use super::value::value_of;

pub(super) fn save(
    file: &OsString,
    output: &OsString,
    entry: Option<&str>,
    form: Form,
    rules: &Rules,
    terminal: &Terminal,
) -> Result<ExitCode, Halt> {
    let input = input::program(file)?;
    let (mut session, value) = value_of(&input, entry, Prints::Out, rules, terminal)?;
    let bar = Bar::new(Shown::of("saving {}", &[&output.display()]));
    let image = match session.vm().image_with_progress(&value, &mut bar.progress()) {
        Ok(image) => image,
        Err(failure) => {
            let error = Error::Failed(failure);
            return Ok(ended(&error, Some(&session), &input, &rules.limits, terminal));
        }
    };
    write(output, &image.dump(form))?;
    if entry.is_none() && session.vm().is_nil(&value) {
        let text = "warning: {}: its value is nil; export something or end with a value\n";
        complain(&Shown::of(text, &[&input.name()]));
    }
    std::mem::forget(session);
    Ok(Exit::Ok.into())
}
