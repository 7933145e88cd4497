//! What can go wrong with engines, programs and images, in one type.

use std::fmt;
use std::io;

use quipu_code::span::Source;
use quipu_lang::diagnostic::{Diagnostic, Diagnostics, Label};
use quipu_vm::image::ImageError;
use quipu_vm::trace::TraceLine;
use quipu_vm::{ErrorKind, Failure, Root, Stop};

use crate::load::{LoadError, is_error};

/// Why something of a program's host did not work. What a call gives as a [`Failure`] becomes one of these with `?`.
///
/// Shown, also by `Debug`, it is one line, so that `main` may return it; `Session::report` shows the lines of the program.
///
/// ```
/// use quipu::{Engine, Error, Host, Input};
///
/// fn main() -> Result<(), Error> {
///     let mut session = Engine::builder().constant("LEVEL", 3).build()?.session(Default::default())?;
///     let error = session.run(&Input::text("ages.qp", "[ann: 31][\"bob\"]")).unwrap_err();
///     assert_eq!(error.to_string(), "key_error: no key \"bob\"");
///     assert_eq!(error.code(), Some("Q0405"));
///
///     let next = session.run(&Input::text("next.qp", "|level| level + LEVEL"))?;
///     let level: i64 = session.invoke(&next, (4,))?;
///     assert_eq!(level, 7);
///     Ok(())
/// }
/// ```
#[non_exhaustive]
pub enum Error {
    /// The engine cannot be put together.
    Build(BuildError),
    /// The program cannot be read; the name says which.
    Unreadable(String, io::Error),
    /// It or something it imports does not compile: the findings, by source.
    Invalid(Vec<Diagnostics>),
    /// An error that nothing caught, or a limit.
    Failed(Failure),
    /// Bytes that are no image, or none that can be used here.
    Image(ImageError),
}

impl Error {
    /// The stable code of the first error, such as `Q0201`. None if the program cannot be read or ended itself.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Error::Unreadable(..) | Error::Build(_) => None,
            Error::Invalid(_) => self.errors().next().map(|(_, diagnostic)| diagnostic.code),
            Error::Failed(failure) => failure.code(),
            Error::Image(_) => Some(ErrorKind::Image.code()),
        }
    }

    /// The calls that were under way, innermost first.
    pub fn trace(&self) -> &[TraceLine] {
        self.failure().map_or(&[], Failure::trace)
    }

    /// What ended the run, if it ran.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Error::Failed(failure) => Some(failure),
            _ => None,
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
        self.failure()?.value()
    }

    /// The limit that was hit, or that the program ended itself.
    pub fn stop(&self) -> Option<Stop> {
        self.failure()?.stop()
    }

    /// The host's own error that passed through the program, if it is one of this type.
    pub fn host<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.failure()?.host()
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

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Error {
        Error::Build(error)
    }
}

impl From<ImageError> for Error {
    fn from(error: ImageError) -> Error {
        Error::Image(error)
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
            Error::Build(error) => write!(f, "the engine cannot be built: {error}"),
            Error::Image(error) => write!(f, "{error}"),
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
            Error::Build(error) => Some(error),
            Error::Image(error) => Some(error),
        }
    }
}

/// Why an engine cannot be put together. Shown, also by `Debug`, it is one line, so that `main` may return it.
///
/// # Examples
/// ```
/// use quipu::{BuildError, Engine};
///
/// let error = Engine::builder().constant("print", 1).build().unwrap_err();
/// assert_eq!(error, BuildError::Taken("print".to_owned()));
/// assert_eq!(error.to_string(), "there is a `print` already");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// This is no name, or no name of a member of a module.
    Name(String),
    /// Two things have this name, or the library has it already.
    Taken(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Name(name) => {
                write!(f, "`{name}` cannot be a name: write `name`, `module.name` or `module.name@version`")
            }
            BuildError::Taken(name) => write!(f, "there is a `{name}` already"),
        }
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BuildError {}
