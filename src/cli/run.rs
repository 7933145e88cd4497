//! `vm run`, `vm -e`, `vm -E`: runs a program.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quipu::report::Shown;
use quipu::{Error, Input};

use super::ending::{Exit, ended};
use super::image::{is_image, run_file};
use super::input;
use super::options::Running;
use super::session::{Prints, Setting};
use super::terminal::{Terminal, show};
use super::watch;

/// Runs a file (`-`: standard input) with the arguments after it.
pub fn file(words: &[OsString], options: &Running, terminal: &Terminal) -> Result<ExitCode, String> {
    let (file, args) = words.split_first().ok_or("expected a file")?;
    if file != "-" && is_image(file) {
        return run_file(words, options, terminal);
    }
    let program = input::program(file)?;
    options.trust.none_for("a program in source")?;
    run(&program, args, options, terminal, Kind::Program)
}

/// Runs what stands on standard input, as `-` does.
pub fn piped(program: &Input, options: &Running, terminal: &Terminal) -> Result<ExitCode, String> {
    options.trust.none_for("a program in source")?;
    run(program, &[], options, terminal, Kind::Program)
}

/// Runs a text with the arguments after it, and prints its value if asked to.
pub fn code(words: &[OsString], options: &Running, terminal: &Terminal, print: bool) -> Result<ExitCode, String> {
    let (text, args) = words.split_first().ok_or("expected a program")?;
    let program = input::on_the_line(text)?;
    options.trust.none_for("a program on the command line")?;
    run(&program, args, options, terminal, if print { Kind::ShownText } else { Kind::Text })
}

/// What is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A file or standard input, whose `main` is called.
    Program,
    /// A text on the command line.
    Text,
    /// The same, and its value is printed.
    ShownText,
}

fn run(
    input: &Input,
    args: &[OsString],
    options: &Running,
    terminal: &Terminal,
    kind: Kind,
) -> Result<ExitCode, String> {
    let limits = &options.rules.limits;
    let args: Vec<String> = args.iter().map(input::utf8).collect::<Result<_, _>>()?;
    let gone = Arc::<AtomicBool>::default();
    let setting = Setting::of_program(&options.rules.denials, input, args.clone());
    let mut session = match setting.session(limits, Prints::WhileRead(gone.clone())) {
        Ok(session) => session,
        Err(error) => return Ok(ended(&error, None, input, limits, terminal)),
    };
    watch::begin(&mut session, &options.watching)?;
    let result = match kind {
        Kind::Program => session.run_main(input, &args),
        Kind::Text | Kind::ShownText => session.run(input),
    };
    let shown = match &result {
        Ok(value) if kind == Kind::ShownText => Some(session.vm().repr(value)),
        _ => None,
    };
    // What the program printed comes before what is said about it.
    let flushed = session.vm().flush();
    if gone.load(Ordering::Relaxed) {
        return Ok(Exit::Ok.into());
    }
    if let Err(error) = flushed {
        terminal.failure(&format!("cannot write standard output: {error}"));
        return Ok(Exit::Uncaught.into());
    }
    let unwritten = watch::end(&mut session, &options.watching, terminal);
    let code = match (result, shown) {
        (Ok(_), None) => Exit::Ok.into(),
        (Ok(_), Some(Ok(shown))) => {
            // In a string, what is written as an escape is still the same source.
            show(&Shown::of("{}\n", &[&Shown::text(&shown)]));
            Exit::Ok.into()
        }
        (Err(error), _) => ended(&error, Some(&session), input, limits, terminal),
        (_, Some(Err(failure))) => ended(&Error::Failed(failure), Some(&session), input, limits, terminal),
    };
    // The process ends now: taking a large heap apart piece by piece would only delay it.
    std::mem::forget(session);
    Ok(unwritten.map_or(code, ExitCode::from))
}
