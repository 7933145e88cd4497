//! How `vm` ends: its exit codes, and what is said of a program or image that did not end well.

use std::process::ExitCode;

use quipu::lang::diagnostic::Help;
use quipu::report::{Origin, Report};
use quipu::vm::image::ImageError;
use quipu::vm::{Failure, Stop};
use quipu::{Error, Input, Session};

use super::ctrl_c;
use super::options::Bounds;
use super::terminal::{Terminal, finding};

/// Why the process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// All went well.
    Ok = 0,
    /// An error that nothing caught; of a comparison, that there are differences.
    Uncaught = 1,
    /// The command line makes no sense, or names something that cannot be read.
    Usage = 2,
    /// The program does not compile.
    Compile = 3,
    /// A limit was hit.
    Limit = 4,
    /// An image is damaged or unusable.
    Image = 5,
    /// Interrupted from outside.
    Interrupted = 130,
    /// Asked to end from outside.
    Terminated = 143,
}

/// The exit codes, each in a word or two for the help and in a sentence for the manual and the book.
pub const EXITS: [(Exit, &str, &str); 8] = [
    (Exit::Ok, "ok", "All went well."),
    (
        Exit::Uncaught,
        "uncaught error",
        "Nothing caught an error, a test failed, two values differ, or a server refused.",
    ),
    (Exit::Usage, "usage", "The command line makes no sense, or names something that cannot be read or written."),
    (Exit::Compile, "compile error", "The program does not compile. Nothing of it has run."),
    (Exit::Limit, "limit hit", "The program used up its fuel, memory or time."),
    (
        Exit::Image,
        "bad image",
        "An image or the file of a server is damaged, or an image needs what it is not allowed.",
    ),
    (Exit::Interrupted, "interrupted", "Ctrl-C."),
    (Exit::Terminated, "terminated", "SIGTERM."),
];

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command does not go on.
pub enum Halt {
    /// A mistake in its use, or a file that cannot be read or written.
    Usage(String),
    /// An image that cannot be used.
    Image(String, ImageError),
    /// All is said.
    Ended(ExitCode),
}

impl From<String> for Halt {
    fn from(text: String) -> Halt {
        Halt::Usage(text)
    }
}

impl Halt {
    /// Says why, and gives the exit code; `Err` is for the caller to show.
    pub fn end(self, terminal: &Terminal) -> Result<ExitCode, String> {
        match self {
            Halt::Usage(text) => Err(text),
            Halt::Ended(code) => Ok(code),
            Halt::Image(name, error) => {
                terminal.report(&[unusable(&name, &error)]);
                Ok(Exit::Image.into())
            }
        }
    }
}

/// Reports why a program did not end well.
pub fn ended(
    error: &Error,
    session: Option<&Session>,
    input: &Input,
    limits: &Bounds,
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
        Error::Failed(Failure::Stop(Stop::Interrupted, _)) if ctrl_c::is_terminated() => Exit::Terminated,
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
        report.help = advice(failure, limits).map(Help::text);
    }
    terminal.report(&reports);
    exit.into()
}

/// Which option would have helped.
fn advice(failure: &Failure, limits: &Bounds) -> Option<String> {
    match failure {
        Failure::Stop(Stop::Fuel, _) => Some(format!("the limit is --fuel {}", limits.fuel?)),
        Failure::Stop(Stop::Time, _) => Some(format!("the limit is --timeout {:?}", limits.time.timeout?)),
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

/// What is said of an image that cannot be used.
pub fn unusable(name: &str, error: &ImageError) -> Report {
    let help = match error {
        ImageError::MissingCode(_) => Some("`--code FILE` names programs and images that have the code"),
        ImageError::Newer { .. } => Some("a newer `vm` can open it"),
        ImageError::Damaged => Some("fetch or save it again"),
        _ => None,
    };
    about_image(format!("{name}: {error}"), help)
}

/// A finding about an image.
pub fn about_image(title: String, help: Option<&str>) -> Report {
    finding(Origin::Run, "Q0417", title, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_and_book_have_the_table_of_exit_codes() {
        let book = std::fs::read_to_string("docs/command-line.md").unwrap();
        let table = book.split("## Exit codes").nth(1).unwrap().split("\n## ").next().unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| ") && !line.contains("---")).skip(1);
        let expected = EXITS.map(|(exit, _, what)| format!("| {} | {what} |", exit as u8));
        assert_eq!(rows.collect::<Vec<_>>(), expected);
        let short = EXITS.map(|(exit, short, _)| format!("{} {short}", exit as u8)).join(", ");
        let readme = std::fs::read_to_string("README.md").unwrap();
        assert!(readme.contains(&format!("Exit codes: {short}; `os.exit(n)`\ngives n.")), "{short}");
    }

    #[test]
    fn every_exit_code_stands_in_the_table() {
        // A new one fails to compile here, and then without a row.
        let next = |exit| match exit {
            Exit::Ok => Some(Exit::Uncaught),
            Exit::Uncaught => Some(Exit::Usage),
            Exit::Usage => Some(Exit::Compile),
            Exit::Compile => Some(Exit::Limit),
            Exit::Limit => Some(Exit::Image),
            Exit::Image => Some(Exit::Interrupted),
            Exit::Interrupted => Some(Exit::Terminated),
            Exit::Terminated => None,
        };
        let all: Vec<Exit> = std::iter::successors(Some(Exit::Ok), |&exit| next(exit)).collect();
        assert_eq!(EXITS.map(|(exit, ..)| exit).to_vec(), all);
    }
}
