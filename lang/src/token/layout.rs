//! Decides by its neighbours what a token means: line ends, names, bars, braces; and makes brackets match.
//!
//! After this pass the only newlines left are those that end a statement, every opening bracket has its closing one,
//! and brackets are nested at most [`MAX_DEPTH`] deep, so that the parser can cut the text into statements.

use super::{Findings, Kind, Token};
use crate::ast::MAX_DEPTH;
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// A `##` comment and the token it stands before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doc {
    /// Index of the token that follows.
    pub before: usize,
    /// The comment with its marks.
    pub span: Span,
}

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

struct Pass<'t, 'f> {
    text: &'t str,
    raw: &'t [Token],
    /// Index of the raw token being looked at.
    at: usize,
    out: Vec<Token>,
    docs: Vec<Doc>,
    /// The brackets around the current token, outermost first.
    open: Vec<Open>,
    /// As [`Open::bars`], outside all brackets.
    outside_bars: u32,
    /// The forms that have begun and not ended, each with the number of brackets around it: words that still wait
    /// for their `{`, and what reaches as far right as possible. They nest as brackets do.
    forms: Vec<(usize, Kind)>,
    /// Whether the raw token before was a newline, or there is none.
    line_has_begun: bool,
    /// Whether the file ends within a string, so that missing brackets are no wonder.
    was_cut: bool,
    /// The first brace whose closing brace stands further left than its line: if one is missing, it is this one's.
    suspect: Option<Span>,
    findings: &'f mut Findings,
}

/// A bracket that is open.
struct Open {
    token: Token,
    /// Closures directly inside it whose parameters have begun.
    bars: u32,
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

    fn next(&mut self, token: Token) {
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

    fn emit(&mut self, kind: Kind, span: Span) {
        self.out.push(Token { kind, span });
    }

    /// The brackets around the current token.
    fn depth(&self) -> usize {
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
    fn lines_count(&self) -> bool {
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
            if self.open.last().is_some_and(|open| open.token.kind == Kind::SquareOpen)
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

    /// Whether a raw token can only be the first of a statement.
    fn begins_statement(&self, kind: Kind) -> bool {
        let next = self.raw.get(self.at).map_or(Kind::Newline, |next| next.kind);
        let can_begin = match kind {
            Kind::Let | Kind::Var | Kind::Import | Kind::Export => next != Kind::Colon,
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
                self.emit(Kind::BarClose, Span::new(token.span.start, middle));
                self.emit(Kind::BarOpen, Span::new(middle, token.span.end));
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
    fn end_forms(&mut self, depth: usize) {
        while self.forms.pop_if(|form| form.0 >= depth).is_some() {}
    }

    /// Whether nothing more may be nested here. A word that waits for its brace does not count, as the brace will;
    /// but not even such words may pile up.
    fn is_full(&self) -> bool {
        let reaching = self.forms.iter().filter(|form| !waits_for_brace(form.1)).count();
        self.depth() + reaching >= MAX_DEPTH as usize || self.forms.len() >= 2 * MAX_DEPTH as usize
    }

    fn open_bracket(&mut self, token: Token) {
        if self.is_full() {
            return self.skip_group(token);
        }
        self.open.push(Open { token, bars: 0 });
        self.out.push(token);
    }

    /// Replaces a bracket that is nested too deeply, and all that is in it, by an error token.
    fn skip_group(&mut self, token: Token) {
        self.findings.push(too_deep(token.span));
        let mut depth = 1u64;
        let mut end = token.span.end;
        while let Some(&next) = self.raw.get(self.at) {
            self.at += 1;
            end = next.span.end;
            match next.kind {
                Kind::ParenOpen | Kind::SquareOpen | Kind::BlockOpen | Kind::HoleOpen => depth += 1,
                Kind::ParenClose | Kind::SquareClose | Kind::BraceClose | Kind::HoleClose => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return self.emit(Kind::Error, Span::new(token.span.start, end));
            }
        }
        self.emit(Kind::Error, Span::new(token.span.start, end));
        self.was_cut = true;
    }

    /// Replaces a form that is nested too deeply, as far as it reaches, by an error token.
    fn skip_rest(&mut self, token: Token) {
        self.findings.push(too_deep(token.span));
        let mut depth = 0u64;
        let mut end = token.span.end;
        while let Some(&next) = self.raw.get(self.at) {
            match next.kind {
                Kind::ParenOpen | Kind::SquareOpen | Kind::BlockOpen | Kind::HoleOpen => depth += 1,
                Kind::ParenClose | Kind::SquareClose | Kind::BraceClose | Kind::HoleClose if depth == 0 => break,
                Kind::ParenClose | Kind::SquareClose | Kind::BraceClose | Kind::HoleClose => depth -= 1,
                Kind::Comma | Kind::Semicolon if depth == 0 => break,
                Kind::Newline if depth == 0 && self.lines_count() => break,
                _ => {}
            }
            end = next.span.end;
            self.at += 1;
        }
        self.emit(Kind::Error, Span::new(token.span.start, end));
    }

    fn close_bracket(&mut self, token: Token) {
        // A hole's brace closes its hole and nothing closes across a hole: the lexer has paired these.
        let found = self
            .open
            .iter()
            .rev()
            .enumerate()
            .find(|(_, open)| open.token.kind == Kind::HoleOpen || closes(token.kind, open.token.kind))
            .filter(|(_, open)| closes(token.kind, open.token.kind))
            .map(|(back, _)| back);
        let Some(unclosed) = found else {
            if let Some(open) = self.open.pop_if(|open| matches!(open.token.kind, Kind::ParenOpen | Kind::SquareOpen)) {
                return self.mismatched(open.token, token);
            }
            let text = self.slice(token.span);
            self.findings.push(
                Diagnostic::error("Q0111", token.span, format!("`{text}` closes nothing"))
                    .label("there is no open bracket for it"),
            );
            return self.emit(Kind::Error, token.span);
        };
        if unclosed > 0 {
            self.report_unclosed(unclosed, token.span, "before this");
            for _ in 0..unclosed {
                self.close_innermost(token.span.start);
            }
        }
        let Some(open) = self.open.pop() else { return };
        self.end_forms(self.depth() + 1);
        if self.suspect.is_none()
            && self.line_has_begun
            && self.indentation(token.span) < self.indentation(open.token.span)
        {
            self.suspect = Some(open.token.span);
        }
        let kind = if open.token.kind == Kind::MembersOpen { Kind::MembersClose } else { token.kind };
        self.emit(kind, token.span);
    }

    /// A closing bracket of the wrong sort, where there is no bracket that it could close.
    fn mismatched(&mut self, open: Token, token: Token) {
        let (opening, closing) = (self.slice(open.span), self.slice(token.span));
        let (right, kind) =
            if open.kind == Kind::ParenOpen { (")", Kind::ParenClose) } else { ("]", Kind::SquareClose) };
        self.findings.push(
            Diagnostic::error("Q0111", token.span, format!("`{closing}` does not close `{opening}`"))
                .also(open.span, "this is open")
                .patch(format!("write `{right}`"), token.span, right),
        );
        self.emit(kind, token.span);
    }

    /// Closes the innermost bracket where its own closing bracket is missing.
    fn close_innermost(&mut self, at: u32) {
        let Some(open) = self.open.pop() else { return };
        self.end_forms(self.depth() + 1);
        let at = Span::new(at, at);
        if !is_statement_brace(open.token.kind) {
            // Keeps the parser from finding fault with what has been reported already.
            self.emit(Kind::Error, at);
        }
        match open.token.kind {
            Kind::ParenOpen => self.emit(Kind::ParenClose, at),
            Kind::SquareOpen => self.emit(Kind::SquareClose, at),
            Kind::MembersOpen => self.emit(Kind::MembersClose, at),
            Kind::HoleOpen => {
                self.emit(Kind::HoleClose, at);
                self.emit(Kind::StrClose, at);
            }
            _ => self.emit(Kind::BraceClose, at),
        }
    }

    /// Closes brackets that a statement at the start of a line shows to have been left open.
    fn close_abandoned(&mut self, token: Token) {
        let count = self.open.iter().rev().take_while(|open| !is_statement_brace(open.token.kind)).count();
        if self.open.iter().rev().take(count).any(|open| open.token.kind == Kind::HoleOpen) {
            return;
        }
        self.report_unclosed(count, token.span, "before this statement");
        let end = self.out.last().map_or(0, |last| last.span.end);
        for _ in 0..count {
            self.close_innermost(end);
        }
    }

    /// The end of a string is missing, and with it perhaps brackets of its line.
    fn cut(&mut self, span: Span) {
        self.next(Token { kind: Kind::Error, span });
        if span.end as usize >= self.text.len() {
            self.was_cut = true;
            return;
        }
        let line_start = self.text[..span.start as usize].rfind('\n').map_or(0, |newline| newline + 1) as u32;
        while let Some(open) = self.open.last()
            && open.token.span.start >= line_start
            && matches!(open.token.kind, Kind::ParenOpen | Kind::SquareOpen)
        {
            self.close_innermost(span.end);
        }
    }

    /// Closes what is open at the end of the file.
    fn close_all(&mut self) {
        let end = self.text.len() as u32;
        if self.depth() > 0 && !self.was_cut {
            self.report_unclosed(self.depth(), Span::new(end, end), "before the end of the file");
        }
        while self.depth() > 0 {
            self.close_innermost(end);
        }
    }

    /// Reports the innermost `count` brackets as unclosed, in one finding.
    fn report_unclosed(&mut self, count: usize, found_at: Span, place: &str) {
        let unclosed = &self.open[self.open.len() - count..];
        let Some(innermost) = unclosed.last() else { return };
        let mut span = innermost.token.span;
        if let Some(suspect) = self.suspect
            && found_at.start as usize == self.text.len()
            && is_statement_brace(innermost.token.kind)
        {
            span = suspect;
        }
        let text = self.slice(span);
        let closing = match text {
            "(" => ")",
            "[" => "]",
            _ => "}",
        };
        let mut diagnostic = Diagnostic::error("Q0111", span, format!("unclosed `{text}`"))
            .label(format!("its `{closing}` is missing"))
            .also(found_at, format!("`{closing}` is expected {place}"));
        for open in unclosed.iter().rev().filter(|open| open.token.span != span).take(3) {
            if count > 1 && span == innermost.token.span {
                diagnostic = diagnostic.also(open.token.span, "this is not closed either");
            }
        }
        self.findings.push(diagnostic);
    }

    fn slice(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The white space at the start of the line that a span begins on, in bytes.
    fn indentation(&self, span: Span) -> usize {
        let before = &self.text[..span.start as usize];
        let line = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }
}

/// The finding for what is nested deeper than [`MAX_DEPTH`].
pub(crate) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("Q0112", span, "nested too deeply")
        .label(format!("this is nested more than {MAX_DEPTH} deep"))
        .help("give inner parts names of their own")
}

/// Whether a form ends with a brace of its own; the others reach as far right as possible.
fn waits_for_brace(form: Kind) -> bool {
    use Kind::*;
    matches!(form, If | While | For | Match | Catch | Fn | Type | Import)
}

/// Whether newlines separate what stands directly inside this bracket.
fn is_statement_brace(kind: Kind) -> bool {
    matches!(kind, Kind::BlockOpen | Kind::ArmsOpen | Kind::MethodsOpen)
}

fn closes(closing: Kind, opening: Kind) -> bool {
    match closing {
        Kind::ParenClose => opening == Kind::ParenOpen,
        Kind::SquareClose => opening == Kind::SquareOpen,
        Kind::HoleClose => opening == Kind::HoleOpen,
        _ => is_statement_brace(opening) || opening == Kind::MembersOpen,
    }
}
