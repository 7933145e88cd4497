//! What can go wrong with a program, in one type.

use std::fmt;
use std::io;

use quipu_lang::diagnostic::{Diagnostic, Diagnostics, Label};
use quipu_lang::span::Source;
use quipu_vm::trace::TraceLine;
use quipu_vm::{ErrorKind, Failure, Root, Stop};

use crate::load::{LoadError, is_error};

/// Why a program did not end well.
pub enum Error {
    /// The program cannot be read; the name says which.
    Unreadable(String, io::Error),
    /// It or something it imports does not compile: the findings, by source.
    Invalid(Vec<Diagnostics>),
    /// An error that nothing caught, or a limit.
    Failed(Failure),
}

impl Error {
    /// The stable code of the first error, such as `Q0201`. None if the program cannot be read or ended itself.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Error::Unreadable(..) => None,
            Error::Invalid(_) => self.errors().next().map(|(_, diagnostic)| diagnostic.code),
            Error::Failed(Failure::Uncaught(uncaught)) => Some(match &uncaught.kind {
                Some(kind) => ErrorKind::from_name(kind).unwrap_or(ErrorKind::Plain).code(),
                None => "Q0421",
            }),
            Error::Failed(Failure::Stop(stop, _)) => match stop {
                Stop::Fuel => Some("Q0501"),
                Stop::Heap => Some("Q0502"),
                Stop::Time => Some("Q0503"),
                Stop::Interrupted => Some("Q0504"),
                Stop::Exit(_) => None,
            },
        }
    }

    /// The calls that were under way, innermost first.
    pub fn trace(&self) -> &[TraceLine] {
        match self {
            Error::Failed(Failure::Uncaught(uncaught)) => &uncaught.trace,
            Error::Failed(Failure::Stop(_, trace)) => trace,
            Error::Unreadable(..) | Error::Invalid(_) => &[],
        }
    }

    /// The places in sources that the compiler has something to say about, the main one of every error first.
    pub fn labels(&self) -> impl Iterator<Item = (&Source, &Label)> {
        self.errors().flat_map(|(source, diagnostic)| {
            std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary).map(move |label| (source, label))
        })
    }

    /// The value that was thrown.
    pub fn value(&self) -> Option<&Root> {
        match self {
            Error::Failed(Failure::Uncaught(uncaught)) => Some(&uncaught.value),
            _ => None,
        }
    }

    /// The host's own error that passed through the program, if it is one of this type.
    pub fn host<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Error::Failed(failure) => failure.host(),
            Error::Unreadable(..) | Error::Invalid(_) => None,
        }
    }

    fn errors(&self) -> impl Iterator<Item = (&Source, &Diagnostic)> {
        let found: &[Diagnostics] = match self {
            Error::Invalid(found) => found,
            _ => &[],
        };
        let errors = found.iter().flat_map(|found| found.list.iter().map(move |each| (&found.source, each)));
        errors.filter(|(_, diagnostic)| is_error(diagnostic))
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Error {
        match error {
            LoadError::Unreadable(name, error) => Error::Unreadable(name, error),
            LoadError::Invalid(found) => Error::Invalid(found),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        Error::Failed(failure)
    }
}

/// One line; the `report` module shows more.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unreadable(name, error) => write!(f, "cannot read `{name}`: {error}"),
            Error::Invalid(_) => match self.errors().next() {
                Some((source, first)) => {
                    let (line, column) = source.line_column(first.primary.span.start);
                    write!(f, "{}:{line}:{column}: {}: {}", source.name(), first.code, first.title)
                }
                None => write!(f, "the program does not compile"),
            },
            Error::Failed(failure) => write!(f, "{failure}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Unreadable(_, error) => Some(error),
            Error::Invalid(_) => None,
            Error::Failed(failure) => std::error::Error::source(failure),
        }
    }
}
