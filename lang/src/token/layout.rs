//! Decides by its neighbours what a token means: line ends, names, bars, braces; and makes brackets match.
//!
//! After this pass the only newlines left are those that end a statement, every opening bracket has its closing one,
//! and brackets are nested at most [`MAX_DEPTH`] deep, so that the parser can cut the text into statements.

use quipu_code::span::Span;

use super::brackets::is_statement_brace;
use super::pass::{Doc, Pass};
use super::{Findings, Kind, Token};
use crate::ast::MAX_DEPTH;
use crate::diagnostic::Diagnostic;

/// The tokens of a text with its statements marked off.
#[derive(Debug)]
pub struct Layout {
    /// The tokens; brackets match.
    pub tokens: Vec<Token>,
    /// The doc comments, in order.
    pub docs: Vec<Doc>,
}

/// Lays out the tokens that the lexer made of `text`.
pub fn lay_out(text: &str, raw: &[Token], findings: &mut Findings) -> Layout {
    let mut pass = Pass {
        text,
        raw,
        at: 0,
        out: Vec::with_capacity(raw.len() + 8),
        docs: Vec::new(),
        open: Vec::new(),
        outside_bars: 0,
        forms: Vec::new(),
        line_has_begun: true,
        was_cut: false,
        suspect: None,
        findings,
    };
    pass.run();
    Layout { tokens: pass.out, docs: pass.docs }
}

impl Pass<'_, '_> {
    fn run(&mut self) {
        while let Some(&token) = self.raw.get(self.at) {
            self.at += 1;
            match token.kind {
                Kind::Newline => self.line_has_begun = true,
                Kind::Doc => {
                    if self.line_has_begun {
                        self.docs.push(Doc { before: usize::MAX, span: token.span });
                    }
                }
                Kind::Cut => self.cut(token.span),
                _ => self.next(token),
            }
        }
        self.close_all();
    }

    /// Takes a raw token that is neither a newline nor a comment.
    pub(super) fn next(&mut self, token: Token) {
        if self.line_has_begun {
            self.begin_line(token);
        }
        if matches!(self.docs.last(), Some(doc) if doc.before == usize::MAX) {
            let before = self.out.len();
            self.docs.iter_mut().rev().take_while(|doc| doc.before == usize::MAX).for_each(|doc| doc.before = before);
        }
        let token = Token { kind: self.kind_here(token), ..token };
        self.place(token);
        self.line_has_begun = false;
    }

    /// The last token that was placed.
    fn last(&self) -> Kind {
        self.out.last().map_or(Kind::Newline, |token| token.kind)
    }

    pub(super) fn emit(&mut self, kind: Kind, span: Span) {
        self.out.push(Token { kind, span });
    }

    /// The brackets around the current token.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Closures directly inside the innermost bracket whose parameters have begun.
    fn bars(&mut self) -> &mut u32 {
        match self.open.last_mut() {
            Some(open) => &mut open.bars,
            None => &mut self.outside_bars,
        }
    }

    /// Whether newlines mean something here.
    pub(super) fn lines_count(&self) -> bool {
        self.open.last().is_none_or(|open| is_statement_brace(open.token.kind))
    }

    /// The kind of the next raw token; a newline only where newlines mean something.
    fn next_kind(&self) -> Kind {
        let skips = if self.lines_count() { [Kind::Doc, Kind::Doc] } else { [Kind::Doc, Kind::Newline] };
        self.raw[self.at..].iter().map(|token| token.kind).find(|kind| !skips.contains(kind)).unwrap_or(Kind::Newline)
    }

    /// What a token is, given what stands around it.
    fn kind_here(&mut self, token: Token) -> Kind {
        let kind = token.kind;
        if kind.is_keyword() {
            if matches!(self.last(), Kind::Dot | Kind::SafeDot) {
                return Kind::Name;
            }
            // Only a word that is the whole key is a name: `[x ?? nil: 1]` has the value nil in its key.
            if self.open.last().is_some_and(|open| open.token.kind == Kind::SquareOpen)
                && matches!(self.last(), Kind::SquareOpen | Kind::Comma)
                && self.next_kind() == Kind::Colon
            {
                return Kind::Name;
            }
        }
        match kind {
            Kind::Is if self.next_kind() == Kind::Not => Kind::IsNot,
            Kind::Not if self.next_kind() == Kind::In && self.last().ends_operand() => Kind::NotIn,
            Kind::Return if !self.next_kind().begins_operand() => Kind::ReturnAlone,
            Kind::Yield if !self.next_kind().begins_operand() => Kind::YieldAlone,
            Kind::Bar => {
                let last = self.last();
                let in_operand_place = !last.ends_operand();
                let bars = self.bars();
                if *bars > 0 && (!in_operand_place || matches!(last, Kind::BarOpen | Kind::Comma)) {
                    *bars -= 1;
                    Kind::BarClose
                } else if in_operand_place {
                    *bars += 1;
                    Kind::BarOpen
                } else {
                    Kind::Bar
                }
            }
            Kind::BarsEmpty if self.last().ends_operand() => Kind::OrSlip,
            Kind::BlockOpen => self.brace_kind(),
            _ => kind,
        }
    }

    /// What a `{` begins. One in the place of an operand is a block; else the last word that waits for one decides.
    fn brace_kind(&mut self) -> Kind {
        if !self.last().ends_operand() {
            return Kind::BlockOpen;
        }
        let depth = self.depth();
        while let Some((_, form)) = self.forms.pop_if(|form| form.0 == depth) {
            match form {
                Kind::Match => return Kind::ArmsOpen,
                Kind::Type => return Kind::MethodsOpen,
                Kind::Import => return Kind::MembersOpen,
                form if waits_for_brace(form) => return Kind::BlockOpen,
                // What reaches to the right ends before this brace.
                _ => {}
            }
        }
        Kind::BlockOpen
    }

    /// Puts out a newline before the first token of a line if a statement ends there.
    fn begin_line(&mut self, token: Token) {
        if matches!(self.last(), Kind::Dot | Kind::SafeDot) {
            self.name_is_missing(token.kind);
        }
        let begins_statement = self.begins_statement(token.kind);
        if begins_statement && !self.lines_count() {
            self.close_abandoned(token);
        }
        if !self.lines_count() {
            return;
        }
        let last = self.last();
        let ends = if last.ends_operand() {
            !(token.kind.continues() || (token.kind == Kind::Not && self.next_kind() == Kind::In))
        } else {
            // If something unfinished stands before, this cannot finish it.
            use Kind::*;
            begins_statement && !matches!(last, Export | Newline | Semicolon | BlockOpen | ArmsOpen | MethodsOpen)
        };
        if ends {
            let end = self.out.last().map_or(0, |last| last.span.end);
            self.emit(Kind::Newline, Span::new(end, token.span.start));
            self.end_statement();
        }
    }

    /// A line ends with `.`: what the next one begins with was not meant to be the name behind it.
    fn name_is_missing(&mut self, next: Kind) {
        let Some(dot) = self.out.last().map(|last| last.span) else { return };
        let sign = &self.text[dot.start as usize..dot.end as usize];
        self.findings.push(
            Diagnostic::error("Q0110", dot, format!("a name is missing after `{sign}`"))
                .help(format!("a name stands on the line of its `{sign}`; a line may begin with `{sign}`")),
        );
        // Where lines count, what comes next is a statement of its own. Elsewhere it is made a part of this expression, so
        // that it is looked at all the same.
        let behind = Span::new(dot.end, dot.end);
        self.emit(Kind::Name, behind);
        if !self.lines_count() && next.begins_operand() && !matches!(next, Kind::ParenOpen | Kind::SquareOpen) {
            self.emit(Kind::Plus, behind);
        }
    }

    /// Whether a raw token can only be the first of a statement.
    fn begins_statement(&self, kind: Kind) -> bool {
        let next = self.raw.get(self.at).map_or(Kind::Newline, |next| next.kind);
        let can_begin = match kind {
            Kind::Let | Kind::Var | Kind::Import | Kind::Export | Kind::Defer => next != Kind::Colon,
            Kind::Fn | Kind::Type => next == Kind::Name,
            _ => false,
        };
        can_begin && !matches!(self.last(), Kind::Dot | Kind::SafeDot)
    }

    /// Puts a token out.
    fn place(&mut self, token: Token) {
        match token.kind {
            Kind::OrSlip if *self.bars() > 0 => {
                // `|x||y| e`: the first bar ends, the second begins.
                let middle = token.span.start + 1;
                self.place(Token { kind: Kind::BarClose, span: Span::new(token.span.start, middle) });
                if self.last() == Kind::BarClose {
                    self.emit(Kind::BarOpen, Span::new(middle, token.span.end));
                }
                return;
            }
            Kind::IsNot | Kind::NotIn => {
                // The second word goes with the first.
                while let Some(&next) = self.raw.get(self.at) {
                    self.at += 1;
                    if matches!(next.kind, Kind::Not | Kind::In) {
                        self.emit(token.kind, token.span.to(next.span));
                        return;
                    }
                }
            }
            Kind::ParenOpen
            | Kind::SquareOpen
            | Kind::BlockOpen
            | Kind::ArmsOpen
            | Kind::MethodsOpen
            | Kind::MembersOpen
            | Kind::HoleOpen => return self.open_bracket(token),
            Kind::ParenClose | Kind::SquareClose | Kind::BraceClose | Kind::HoleClose => {
                return self.close_bracket(token);
            }
            Kind::If
            | Kind::While
            | Kind::For
            | Kind::Match
            | Kind::Catch
            | Kind::Fn
            | Kind::Type
            | Kind::Import
            | Kind::Throw
            | Kind::Defer
            | Kind::Return
            | Kind::Yield
            | Kind::BarClose
            | Kind::BarsEmpty => {
                if self.is_full() {
                    return self.skip_rest(token);
                }
                self.forms.push((self.depth(), token.kind));
            }
            Kind::Assign => {
                // `fn(..) = e` reaches to the right and waits for no brace.
                let depth = self.depth();
                if let Some(form) = self.forms.last_mut().filter(|form| **form == (depth, Kind::Fn)) {
                    form.1 = Kind::Assign;
                }
            }
            Kind::Semicolon | Kind::Arrow => self.end_statement(),
            Kind::Comma if *self.bars() == 0 => self.end_statement(),
            _ => {}
        }
        self.out.push(token);
    }

    /// No form goes on behind this, and no closure still waits for its second bar.
    fn end_statement(&mut self) {
        self.end_forms(self.depth());
        *self.bars() = 0;
    }

    /// Ends the forms that have at least so many brackets around them.
    pub(super) fn end_forms(&mut self, depth: usize) {
        while self.forms.pop_if(|form| form.0 >= depth).is_some() {}
    }

    /// Whether nothing more may be nested here. A word that waits for its brace does not count, as the brace will;
    /// but not even such words may pile up.
    pub(super) fn is_full(&self) -> bool {
        let reaching = self.forms.iter().filter(|form| !waits_for_brace(form.1)).count();
        self.depth() + reaching >= MAX_DEPTH as usize || self.forms.len() >= 2 * MAX_DEPTH as usize
    }
}

/// Whether a form ends with a brace of its own; the others reach as far right as possible.
fn waits_for_brace(form: Kind) -> bool {
    use Kind::*;
    matches!(form, If | While | For | Match | Catch | Fn | Type | Import)
}
