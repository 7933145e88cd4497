//! The part of the layout that makes brackets match: what is unclosed, mismatched or nested too deeply is reported
//! and mended, so that what comes later need not look for it.

use quipu_code::span::Span;

use super::pass::{Open, Pass};
use super::{Kind, Token};
use crate::ast::MAX_DEPTH;
use crate::diagnostic::Diagnostic;

impl Pass<'_, '_> {
    pub(super) fn open_bracket(&mut self, token: Token) {
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
    pub(super) fn skip_rest(&mut self, token: Token) {
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

    pub(super) fn close_bracket(&mut self, token: Token) {
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
                self.end_forms(self.depth() + 1);
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
                .safe_patch(format!("write `{right}`"), token.span, right),
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
    pub(super) fn close_abandoned(&mut self, token: Token) {
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
    pub(super) fn cut(&mut self, span: Span) {
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
    pub(super) fn close_all(&mut self) {
        let end = self.text.len() as u32;
        if self.depth() > 0 && !self.was_cut {
            self.report_unclosed(self.depth(), Span::new(end, end), "before the end of the file");
            self.findings.end_too_early();
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

/// Whether newlines separate what stands directly inside this bracket.
pub(super) fn is_statement_brace(kind: Kind) -> bool {
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
