//! The pass over raw tokens that lays them out, as data: `layout` decides what they mean, `brackets` makes brackets match.

use quipu_code::span::Span;

use super::{Findings, Kind, Token};

/// A `##` comment and the token it stands before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doc {
    /// Index of the token that follows.
    pub before: usize,
    /// The comment with its marks.
    pub span: Span,
}

/// Where the pass stands.
pub(super) struct Pass<'t, 'f> {
    pub(super) text: &'t str,
    pub(super) raw: &'t [Token],
    /// Index of the raw token being looked at.
    pub(super) at: usize,
    pub(super) out: Vec<Token>,
    pub(super) docs: Vec<Doc>,
    /// The brackets around the current token, outermost first.
    pub(super) open: Vec<Open>,
    /// As [`Open::bars`], outside all brackets.
    pub(super) outside_bars: u32,
    /// The forms that have begun and not ended, each with the number of brackets around it: words that still wait
    /// for their `{`, and what reaches as far right as possible. They nest as brackets do.
    pub(super) forms: Vec<(usize, Kind)>,
    /// Whether the raw token before was a newline, or there is none.
    pub(super) line_has_begun: bool,
    /// Whether the file ends within a string, so that missing brackets are no wonder.
    pub(super) was_cut: bool,
    /// The first brace whose closing brace stands further left than its line: if one is missing, it is this one's.
    pub(super) suspect: Option<Span>,
    pub(super) findings: &'f mut Findings,
}

/// A bracket that is open.
pub(super) struct Open {
    pub(super) token: Token,
    /// Closures directly inside it whose parameters have begun.
    pub(super) bars: u32,
}
