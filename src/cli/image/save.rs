//! `vm image save`: the value of a program in a file.

use std::ffi::OsString;
use std::process::ExitCode;

use quipu::lang::diagnostic::closest;
use quipu::report::Shown;
use quipu::vm::Root;
use quipu::vm::image::Form;
use quipu::{Error, Input, Session};

use super::super::args::Options;
use super::super::exit::Exit;
use super::super::run;
use super::super::session::{Prints, Setting};
use super::super::terminal::{Terminal, complain};
use super::bar::Bar;
use super::{Stop, write};

pub(super) fn save(
    file: &OsString,
    output: &OsString,
    entry: Option<&str>,
    form: Form,
    options: &Options,
    terminal: &Terminal,
) -> Result<ExitCode, Stop> {
    let input = run::input(file)?;
    let (mut session, value) = value_of(&input, entry, Prints::Out, options, terminal)?;
    let bar = Bar::new(Shown::of("saving {}", &[&output.display()]));
    let image = match session.vm().image_with_progress(&value, &mut bar.progress()) {
        Ok(image) => image,
        Err(failure) => {
            let error = Error::Failed(failure);
            return Ok(run::ended(&error, Some(&session), &input, options, terminal));
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

/// Runs a program, and gives its value, or that of an export.
pub(super) fn value_of(
    input: &Input,
    entry: Option<&str>,
    prints: Prints,
    options: &Options,
    terminal: &Terminal,
) -> Result<(Session, Root), Stop> {
    let ended =
        |error: &Error, session: Option<&Session>| Stop::Ended(run::ended(error, session, input, options, terminal));
    let session = Setting::of_program(options, input, Vec::new()).session(prints);
    let mut session = session.map_err(|error| ended(&error, None))?;
    let ran = session.run_whole(input);
    let flushed = session.vm().flush();
    let ran = ran.map_err(|error| ended(&error, Some(&session)))?;
    flushed.map_err(|error| Stop::Usage(format!("cannot write standard output: {error}")))?;
    let Some(entry) = entry else { return Ok((session, ran.value)) };
    let names = || ran.exports.iter().map(|(name, _)| name.as_str());
    match ran.exports.iter().find(|(name, _)| name == entry) {
        Some((_, value)) => Ok((session, value.clone())),
        None => Err(Stop::Usage(match closest(entry, names()) {
            Some(near) => format!("`{}` exports no `{entry}`; did you mean `{near}`?", input.name()),
            None if ran.exports.is_empty() => format!("`{}` exports nothing", input.name()),
            None => format!("`{}` exports no `{entry}`, only {}", input.name(), names().collect::<Vec<_>>().join(", ")),
        })),
    }
}
