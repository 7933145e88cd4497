//! `vm run`, `vm -e`, `vm -E`: runs a program and tells how it ended.

use std::ffi::OsString;
use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quipu::lang::diagnostic::Help;
use quipu::report::{Report, Shown};
use quipu::vm::{Failure, Stop};
use quipu::{Error, Input, Session};

use super::args::Options;
use super::exit::Exit;
use super::image::{is_image, run_file};
use super::session::{Prints, Setting};
use super::terminal::{Terminal, complain, show};
use super::utf8;
use super::watch;

/// Runs a file (`-`: standard input) with the arguments after it.
pub fn file(program: &[OsString], options: &Options, terminal: &Terminal) -> Result<ExitCode, String> {
    let (file, args) = program.split_first().ok_or("expected a file")?;
    if file != "-" && is_image(file) {
        return run_file(program, options, terminal);
    }
    run(&input(file)?, args, options, terminal, false)
}

/// What a word of the command line names as a program.
pub fn input(file: &OsString) -> Result<Input, String> {
    let file = utf8(file)?;
    match file.as_str() {
        "-" => Ok(Input::text("<stdin>", read_stdin()?)),
        // A mistyped option must not be taken for a file.
        option if option.starts_with('-') => Err(format!("unknown option `{option}`; try `vm --help`")),
        _ => Ok(Input::file(file)),
    }
}

/// Runs a text with the arguments after it, and prints its value if asked to.
pub fn code(words: &[OsString], options: &Options, terminal: &Terminal, print: bool) -> Result<ExitCode, String> {
    let (text, args) = words.split_first().ok_or("expected a program")?;
    run(&Input::text("<command line>", utf8(text)?), args, options, terminal, print)
}

fn read_stdin() -> Result<String, String> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| format!("cannot read standard input: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "standard input is not UTF-8".to_owned())
}

fn run(
    input: &Input,
    args: &[OsString],
    options: &Options,
    terminal: &Terminal,
    print: bool,
) -> Result<ExitCode, String> {
    let args = args.iter().map(utf8).collect::<Result<_, _>>()?;
    let gone = Arc::<AtomicBool>::default();
    let mut session = match Setting::of_program(options, input, args).session(Prints::WhileRead(gone.clone())) {
        Ok(session) => session,
        Err(error) => return Ok(ended(&error, None, input, options, terminal)),
    };
    watch::begin(&mut session, options)?;
    let result = session.run(input);
    let shown = match &result {
        Ok(value) if print => Some(session.vm().repr(value)),
        _ => None,
    };
    // What the program printed comes before what is said about it.
    let flushed = session.vm().flush();
    if gone.load(Ordering::Relaxed) {
        return Ok(Exit::Ok.into());
    }
    if let Err(error) = flushed {
        complain(&Shown::of("error: cannot write standard output: {}\n", &[&error]));
        return Ok(Exit::Uncaught.into());
    }
    let unwritten = watch::end(&mut session, options);
    let code = match (result, shown) {
        (Ok(_), None) => Exit::Ok.into(),
        (Ok(_), Some(Ok(shown))) => {
            // In a string, what is written as an escape is still the same source.
            show(&Shown::of("{}\n", &[&Shown::text(&shown)]));
            Exit::Ok.into()
        }
        (Err(error), _) => ended(&error, Some(&session), input, options, terminal),
        (_, Some(Err(failure))) => ended(&Error::Failed(failure), Some(&session), input, options, terminal),
    };
    // The process ends now: taking a large heap apart piece by piece would only delay it.
    std::mem::forget(session);
    Ok(unwritten.map_or(code, ExitCode::from))
}

/// Reports why a program did not end well.
pub fn ended(
    error: &Error,
    session: Option<&Session>,
    input: &Input,
    options: &Options,
    terminal: &Terminal,
) -> ExitCode {
    let exit = match error {
        Error::Unreadable(name, error) => {
            let what = if *name == input.name() { "" } else { "the program of " };
            terminal.mistake(&format!("cannot read {what}`{name}`: {error}"));
            Exit::Usage
        }
        Error::Invalid(_) => Exit::Compile,
        Error::Failed(Failure::Uncaught(_)) => Exit::Uncaught,
        Error::Failed(Failure::Stop(Stop::Exit(code), _)) => return ExitCode::from(code.rem_euclid(256) as u8),
        Error::Failed(Failure::Stop(Stop::Interrupted, _)) => Exit::Interrupted,
        Error::Failed(Failure::Stop(..)) => Exit::Limit,
        _ => {
            terminal.mistake(&error.to_string());
            Exit::Usage
        }
    };
    let source = |name: &str| session?.source(name).cloned();
    let mut reports = Report::error(error, &source);
    if let (Error::Failed(failure), Some(report)) = (error, reports.first_mut()) {
        report.help = advice(failure, options).map(|text| Help { text, patch: None });
    }
    terminal.report(&reports);
    exit.into()
}

/// Which option would have helped.
fn advice(failure: &Failure, options: &Options) -> Option<String> {
    match failure {
        Failure::Stop(Stop::Fuel, _) => Some(format!("the limit is --fuel {}", options.fuel?)),
        Failure::Stop(Stop::Time, _) => Some(format!("the limit is --timeout {:?}", options.timeout?)),
        Failure::Stop(Stop::Heap, _) => Some("`--heap SIZE` sets the limit".to_owned()),
        // How often natives may call back within one another is not for hosts to set.
        Failure::Uncaught(uncaught)
            if uncaught.kind.as_deref() == Some("stack_overflow") && !uncaught.message.starts_with("natives ") =>
        {
            Some("`--depth N` sets the limit".to_owned())
        }
        _ => None,
    }
}
