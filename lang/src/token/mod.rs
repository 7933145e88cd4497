//! Tokens: what they are, how a text is cut into them, and where its statements end.
//!
//! [`lex()`] cuts the text; [`lay_out`] then decides what only the neighbourhood of a token can tell: which newlines
//! end a statement, which words are names, which bars belong to a closure, and which bracket closes which.

mod kind;
mod lex;
mod literal;
mod pass;
mod layout;
mod brackets;

pub(crate) use brackets::too_deep;
pub use kind::Kind;
pub use layout::{Layout, lay_out};
pub use lex::lex;
pub use literal::{LEAST_MAGNITUDE, Number, bytes_value, number_value, plain_text_value, string_value, text_value};
pub use pass::Doc;

use quipu_code::span::Span;

use crate::diagnostic::{Diagnostic, Severity};

/// A token and where it stands. Its text is the source at that span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// Which.
    pub kind: Kind,
    /// Where.
    pub span: Span,
}

/// The diagnostics of one source, capped: what comes after the thousandth helps nobody and costs memory.
#[derive(Default, Debug)]
pub struct Findings {
    list: Vec<Diagnostic>,
    has_error: bool,
    incomplete: bool,
}

impl Findings {
    const MOST: usize = 1000;

    /// Takes a finding. The first error is always taken: without any, a program runs.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let is_error = diagnostic.severity == Severity::Error;
        if !self.is_full() || is_error && !self.has_error {
            self.has_error |= is_error;
            self.list.push(diagnostic);
        }
    }

    /// All of them, in the order in which they were found.
    pub fn into_list(self) -> Vec<Diagnostic> {
        self.list
    }

    /// All of them so far.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether no more are taken.
    pub fn is_full(&self) -> bool {
        self.list.len() >= Findings::MOST
    }

    /// Notes that the text ends inside of something, so that more of it could make it right.
    pub fn end_too_early(&mut self) {
        self.incomplete = true;
    }

    /// Whether the text ends inside of something.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Forgets all but the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.list.truncate(count);
        self.has_error = self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    }

    /// All findings in the order of their places, each once.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| (diagnostic.primary.span, diagnostic.code));
        self.list.dedup_by_key(|diagnostic| (diagnostic.primary.span, diagnostic.code));
        self.list
    }
}
