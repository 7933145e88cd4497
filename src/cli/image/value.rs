//! The value that a word of the command line names: that of a program, an export of one, or what is in an image.

use std::ffi::OsString;
use std::path::Path;

use quipu::code::closest;
use quipu::report::Shown;
use quipu::vm::{Image, Root};
use quipu::{Error, Evaluation, Input, Session};

use super::super::ending::{Halt, ended};
use super::super::input;
use super::super::options::Rules;
use super::super::session::{Prints, Setting};
use super::super::terminal::Terminal;
use super::bar;
use super::file::{is_image, open};

/// Opens an image, or runs a program, and takes its value as one. `PATH:NAME` is an export of a
/// program.
pub fn open_or_run(path: &OsString, prints: Prints, rules: &Rules, terminal: &Terminal) -> Result<Image, Halt> {
    if is_image(path) {
        return open(path);
    }
    let text = input::utf8(path)?;
    let (file, entry) = match text.rsplit_once(':') {
        Some((file, name)) if !Path::new(&text).exists() && Path::new(file).exists() => (file.to_owned(), Some(name)),
        _ => (text.clone(), None),
    };
    let input = if file == "-" { input::program(path)? } else { Input::file(file) };
    let (mut session, value) = value_of(&input, entry, prints, rules, terminal)?;
    let what = Shown::of("saving the value of {}", &[&input.name()]);
    let frozen = bar::shown(what, |progress| session.vm().image_with_progress(&value, progress));
    frozen
        .map_err(|failure| Halt::Ended(ended(&Error::Failed(failure), Some(&session), &input, &rules.limits, terminal)))
}

/// Runs a program, and gives its value, or that of an export.
pub fn value_of(
    input: &Input,
    entry: Option<&str>,
    prints: Prints,
    rules: &Rules,
    terminal: &Terminal,
) -> Result<(Session, Root), Halt> {
    let (session, ran) = ran(input, prints, rules, terminal)?;
    let Some(entry) = entry else { return Ok((session, ran.value)) };
    let names = || ran.exports.iter().map(|(name, _)| name.as_str());
    match ran.exports.iter().find(|(name, _)| name == entry) {
        Some((_, value)) => Ok((session, value.clone())),
        None => Err(Halt::Usage(match closest(entry, names()) {
            Some(near) => format!("`{}` exports no `{entry}`; did you mean `{near}`?", input.name()),
            None if ran.exports.is_empty() => format!("`{}` exports nothing", input.name()),
            None => format!("`{}` exports no `{entry}`, only {}", input.name(), names().collect::<Vec<_>>().join(", ")),
        })),
    }
}

/// Runs a program, and gives its value and its exports.
pub fn ran(input: &Input, prints: Prints, rules: &Rules, terminal: &Terminal) -> Result<(Session, Evaluation), Halt> {
    let halt =
        |error: &Error, session: Option<&Session>| Halt::Ended(ended(error, session, input, &rules.limits, terminal));
    let session = Setting::of_program(&rules.denials, input, Vec::new()).session(&rules.limits, prints);
    let mut session = session.map_err(|error| halt(&error, None))?;
    let ran = session.run_whole(input);
    let flushed = session.vm().flush();
    let ran = ran.map_err(|error| halt(&error, Some(&session)))?;
    flushed.map_err(|error| Halt::Usage(format!("cannot write standard output: {error}")))?;
    Ok((session, ran))
}
