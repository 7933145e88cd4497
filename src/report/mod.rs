//! What people are shown when a program does not compile or does not end well: one form for both.

mod clean;
mod shown;
mod excerpt;
mod text;
mod json;
mod explain;

use quipu_code::span::Source;
use quipu_lang::diagnostic::{Diagnostic, Diagnostics, Help, Label, Severity};
use quipu_vm::trace::TraceLine;
use quipu_vm::{Failure, Uncaught};

use crate::error::Error;

pub use explain::{codes, explain, explain_plain, title};
pub use json::json;
pub use shown::{Piece, Shown};
pub use text::text;

/// One finding, whether it comes from the compiler or from a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Who found it.
    pub origin: Origin,
    /// How bad it is.
    pub severity: Severity,
    /// Stable code such as `Q0201`.
    pub code: &'static str,
    /// One line that says what is wrong.
    pub title: String,
    /// Where it is, if that is known.
    pub place: Option<Quote>,
    /// A sentence of background.
    pub note: Option<String>,
    /// What to do about it.
    pub help: Option<Help>,
    /// The calls under way, innermost first.
    pub trace: Vec<TraceLine>,
    /// How many calls the trace leaves out, after its first [`Trace::KEPT`](quipu_vm::trace::Trace::KEPT) lines.
    pub omitted: usize,
    /// What was being thrown already when something deferred threw this.
    pub during: Option<Box<Report>>,
}

/// Who found something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// The loader or the compiler.
    Compile,
    /// The running program.
    Run,
    /// A limit of the host.
    Limit,
    /// The program `vm`, about how it was called: such reports have no code.
    Usage,
}

/// What is shown of a source: spans in it.
#[derive(Clone, Debug)]
pub struct Quote {
    /// What the spans are relative to.
    pub source: Source,
    /// The span it is about.
    pub primary: Label,
    /// Spans that explain it.
    pub secondary: Vec<Label>,
}

impl Report {
    /// A finding of the compiler in a source.
    pub fn diagnostic(source: &Source, diagnostic: &Diagnostic) -> Report {
        Report {
            origin: Origin::Compile,
            severity: diagnostic.severity,
            code: diagnostic.code,
            title: diagnostic.title.clone(),
            place: Some(Quote {
                source: source.clone(),
                primary: diagnostic.primary.clone(),
                secondary: diagnostic.secondary.clone(),
            }),
            note: diagnostic.note.clone(),
            help: diagnostic.help.clone(),
            trace: Vec::new(),
            omitted: 0,
            during: None,
        }
    }

    /// All findings about a source.
    pub fn diagnostics(all: &Diagnostics) -> impl Iterator<Item = Report> {
        all.list.iter().map(|diagnostic| Report::diagnostic(&all.source, diagnostic))
    }
}

impl Report {
    /// How a run failed, or was stopped. `source` finds the texts of the files in the trace. `None` when the program
    /// ended itself with `os.exit`.
    pub fn failure(failure: &Failure, source: &dyn Fn(&str) -> Option<Source>) -> Option<Report> {
        match failure {
            Failure::Uncaught(uncaught) => Some(Report::uncaught(uncaught, source)),
            Failure::Stop(stop, trace) => {
                Some(Report::run(Origin::Limit, stop.code()?, failure.to_string(), trace, source))
            }
        }
    }

    fn uncaught(uncaught: &Uncaught, source: &dyn Fn(&str) -> Option<Source>) -> Report {
        let report = Report::run(Origin::Run, uncaught.code(), uncaught.to_string(), &uncaught.trace, source);
        // The message of most errors names what they carry.
        let data = uncaught.data.as_ref().filter(|data| !uncaught.message.contains(data.as_str()));
        Report {
            note: data.map(|data| format!("data: {data}")),
            omitted: uncaught.omitted,
            during: uncaught.during.as_deref().map(|before| Box::new(Report::uncaught(before, source))),
            ..report
        }
    }

    fn run(
        origin: Origin,
        code: &'static str,
        title: String,
        trace: &[TraceLine],
        source: &dyn Fn(&str) -> Option<Source>,
    ) -> Report {
        // The file of a call elsewhere may have the name of one that is here.
        let place = trace.iter().filter(|call| call.place.is_none()).find_map(|call| {
            let source = source(&call.file)?;
            Some(Quote { source, primary: Label { span: call.span, text: String::new() }, secondary: Vec::new() })
        });
        Report {
            origin,
            severity: Severity::Error,
            code,
            title,
            place,
            note: None,
            help: None,
            trace: trace.to_vec(),
            omitted: 0,
            during: None,
        }
    }

    /// Everything that is wrong when a program did not end well; nothing when it ended itself with `os.exit`.
    /// A program that cannot be read is none of the language's errors and gives nothing either, nor do mistakes of the host.
    pub fn error(error: &Error, source: &dyn Fn(&str) -> Option<Source>) -> Vec<Report> {
        match error {
            Error::Invalid(found) => found.iter().flat_map(Report::diagnostics).collect(),
            Error::Failed(failure) => Report::failure(failure, source).into_iter().collect(),
            Error::Unreadable(..) | Error::Build(_) | Error::Image(_) => Vec::new(),
        }
    }
}

/// What a report can be made of: an [`Error`] of a program, or the [`Failure`] of a call.
pub trait Reported: std::fmt::Display {
    /// Everything that is wrong. `source` finds the texts of the files in traces.
    fn reports(&self, source: &dyn Fn(&str) -> Option<Source>) -> Vec<Report>;
}

impl Reported for Error {
    fn reports(&self, source: &dyn Fn(&str) -> Option<Source>) -> Vec<Report> {
        Report::error(self, source)
    }
}

impl Reported for Failure {
    fn reports(&self, source: &dyn Fn(&str) -> Option<Source>) -> Vec<Report> {
        Report::failure(self, source).into_iter().collect()
    }
}
