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
use super::super::terminal::{Terminal, complain, errors};
use super::bar;
use super::file::{is_output, write};
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
    // Nothing stands among the bytes of an image.
    let prints = if is_output(output) { Prints::Into(errors()) } else { Prints::Out };
    let (mut session, value) = value_of(&input, entry, prints, rules, terminal)?;
    let what = Shown::of("saving {}", &[&output.display()]);
    let image = match bar::shown(what, |progress| session.vm().image_with_progress(&value, progress)) {
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
