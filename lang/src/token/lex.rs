//! Cuts a text into tokens: logos finds them, and what it cannot do, strings that nest, is done here.

use logos::{Lexer, Logos};
use quipu_code::span::Span;

use super::literal::{BadNumber, Escapes, dedent, is_float, number, unescape};
use super::{Findings, Kind, Token};
use crate::diagnostic::Diagnostic;
use crate::spec::Spec;

/// The tokens of a text, newlines and doc comments included, in order. What is no token is reported and becomes an
/// error token.
///
/// The text is shorter than 4 GiB; the parser sees to that.
pub fn lex(text: &str, findings: &mut Findings) -> Vec<Token> {
    let mut cutter = Cutter {
        text,
        lexer: Kind::lexer(text),
        tokens: Vec::with_capacity(text.len() / 4 + 8),
        findings,
        strings: Vec::new(),
        rewinds: 8,
    };
    if text.starts_with('\u{feff}') {
        cutter.lexer.bump('\u{feff}'.len_utf8());
    }
    cutter.run();
    cutter.tokens
}

struct Cutter<'s, 'f> {
    text: &'s str,
    lexer: Lexer<'s, Kind>,
    tokens: Vec<Token>,
    findings: &'f mut Findings,
    /// The strings whose holes we are in, outermost first.
    strings: Vec<OpenString>,
    /// How often a hole may still be found to have no end: each time costs another reading of what follows.
    rewinds: u32,
}

/// A string with interpolation, between its quotes.
struct OpenString {
    quotes: Span,
    is_multi_line: bool,
    /// Braces opened in the current hole; the `}` that finds none ends the hole.
    braces: u32,
    /// Other brackets opened in it; a `:` outside of all brackets begins a format spec.
    brackets: u32,
    /// Where the current hole begins, and how many tokens and findings there were before it.
    hole: (Span, usize, usize),
    /// The texts of a multi-line string so far; their indentation is known only at its end.
    pieces: Vec<Span>,
}

/// Where a run of string text stops.
enum Stop {
    Quotes,
    Hole,
    LineEnd,
    FileEnd,
}

impl<'s> Cutter<'s, '_> {
    fn run(&mut self) {
        self.cut_up();
        while self.rewinds > 0 && self.end_at_line() {
            self.rewinds -= 1;
            self.cut_up();
        }
    }

    /// If the file ends within a hole of a single-line string, goes back and takes the hole to end with its line.
    fn end_at_line(&mut self) -> bool {
        let Some(string) = self.strings.first().filter(|string| !string.is_multi_line) else { return false };
        let (hole, tokens, findings) = string.hole;
        self.strings.clear();
        self.tokens.truncate(tokens);
        self.findings.truncate(findings);
        self.findings.end_too_early();
        self.findings.push(
            Diagnostic::error("Q0111", hole, "unclosed `${`")
                .label("its `}` is missing")
                .note("a `$` that stands for itself before `{` is written `\\$`"),
        );
        let rest = &self.text[hole.end as usize..];
        let end = hole.end as usize + rest.find('\n').unwrap_or(rest.len());
        let at = Span::new(end as u32, end as u32);
        self.push(Kind::HoleOpen, hole);
        self.push(Kind::Error, Span::new(hole.end, at.end));
        self.push(Kind::HoleClose, at);
        self.push(Kind::StrClose, at);
        self.push(Kind::Cut, at);
        self.lexer = Kind::lexer(self.text);
        self.lexer.bump(end);
        true
    }

    /// Cuts up the rest of the text.
    fn cut_up(&mut self) {
        while let Some(result) = self.lexer.next() {
            let range = self.lexer.span();
            let span = Span::new(range.start as u32, range.end as u32);
            match result {
                Ok(Kind::Int | Kind::Float) => self.number(span),
                Ok(Kind::StrOpen) => self.string(span, false),
                Ok(Kind::MultiOpen) => self.string(span, true),
                Ok(Kind::RawOpen) => self.raw_string(span),
                Ok(Kind::Bytes) => self.bytes(span),
                Ok(Kind::BlockOpen) => {
                    if let Some(string) = self.strings.last_mut() {
                        string.braces += 1;
                    }
                    self.push(Kind::BlockOpen, span);
                }
                Ok(Kind::BraceClose) => self.brace_close(span),
                Ok(kind @ (Kind::ParenOpen | Kind::SquareOpen)) => {
                    if let Some(string) = self.strings.last_mut() {
                        string.brackets += 1;
                    }
                    self.push(kind, span);
                }
                Ok(kind @ (Kind::ParenClose | Kind::SquareClose)) => {
                    if let Some(string) = self.strings.last_mut() {
                        string.brackets = string.brackets.saturating_sub(1);
                    }
                    self.push(kind, span);
                }
                Ok(Kind::Colon) => self.colon(span),
                Ok(kind) => self.push(kind, span),
                Err(()) => self.unexpected(span),
            }
        }
    }

    fn push(&mut self, kind: Kind, span: Span) {
        self.tokens.push(Token { kind, span });
    }

    fn slice(&self, span: Span) -> &'s str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// Goes on behind `end`, which is where a token that was completed here ends.
    fn resume_at(&mut self, end: usize) {
        self.lexer.bump(end - self.lexer.span().end);
    }

    fn number(&mut self, span: Span) {
        let text = self.slice(span);
        let kind = if is_float(text) { Kind::Float } else { Kind::Int };
        match number(text) {
            Ok(_) => {}
            Err(BadNumber::Malformed(reason)) => {
                self.findings.push(Diagnostic::error("Q0104", span, "malformed number").label(reason));
            }
            Err(BadNumber::TooLarge) => self.findings.push(
                Diagnostic::error("Q0105", span, "integer out of range")
                    .label("an int has 64 bits with its sign")
                    .note("the largest int is 9223372036854775807"),
            ),
        }
        self.push(kind, span);
    }

    /// What no token begins with. A run of it is reported once.
    fn unexpected(&mut self, span: Span) {
        if let Some(last) = self.tokens.last_mut()
            && last.kind == Kind::Error
            && last.span.end == span.start
        {
            last.span.end = span.end;
            return;
        }
        let found = self.slice(span).chars().next().unwrap_or('\u{fffd}');
        let mut end = span.end;
        let shown = if found.is_control() { found.escape_default().to_string() } else { found.to_string() };
        let diagnostic = Diagnostic::error("Q0101", span, format!("unexpected character `{shown}`"));
        let diagnostic = match found {
            '\'' => {
                let rest = &self.text[span.end as usize..];
                match rest.find(['\'', '\n']).filter(|&at| rest[at..].starts_with('\'')) {
                    Some(at) => {
                        end += at as u32 + 1;
                        let inner = rest[..at].replace('"', "\\\"");
                        let place = Span::new(span.start, end);
                        diagnostic.safe_patch("strings take double quotes", place, format!("\"{inner}\""))
                    }
                    None => diagnostic.help("strings take double quotes"),
                }
            }
            '?' => diagnostic.help("write `if c { a } else { b }` to choose, `?.` or `??` to deal with nil"),
            '@' | '$' | '`' | '\\' => diagnostic,
            _ if found.is_whitespace() => diagnostic.label("this kind of space is not white space here"),
            _ => diagnostic,
        };
        self.findings.push(diagnostic);
        self.push(Kind::Error, Span::new(span.start, end));
        self.resume_at(end as usize);
    }

    /// A colon, which outside of all brackets in a hole begins a format spec.
    fn colon(&mut self, span: Span) {
        /// Longer ones are none, so that a text of colons is not searched to its end for each of them.
        const LONGEST: usize = 256;
        let is_bare = self.strings.last().is_some_and(|string| string.braces == 0 && string.brackets == 0);
        let rest = &self.text[span.end as usize..];
        let end = rest.bytes().take(if is_bare { LONGEST } else { 0 }).position(|b| matches!(b, b'}' | b'"' | b'\n'));
        match end {
            Some(length) if rest.as_bytes()[length] == b'}' => {
                let spec = Span::new(span.end, span.end + length as u32);
                if let Err(mistake) = Spec::parse(self.slice(spec)) {
                    let at = spec.start + mistake.at as u32;
                    let end = rest[mistake.at..length].chars().next().map_or(at, |c| at + c.len_utf8() as u32);
                    let place = if at < end { Span::new(at, end) } else { span.to(spec) };
                    self.findings
                        .push(Diagnostic::error("Q0108", place, "malformed format spec").label(mistake.reason));
                }
                self.push(Kind::Spec, span.to(spec));
                self.resume_at(spec.end as usize);
            }
            _ => self.push(Kind::Colon, span),
        }
    }

    fn brace_close(&mut self, span: Span) {
        match self.strings.last_mut() {
            Some(string) if string.braces == 0 => {
                self.push(Kind::HoleClose, span);
                if let Some(string) = self.strings.pop() {
                    self.string_text(string, span.end as usize);
                }
                return;
            }
            Some(string) => string.braces -= 1,
            None => {}
        }
        self.push(Kind::BraceClose, span);
    }

    /// Begins a string behind its quotes.
    fn string(&mut self, quotes: Span, is_multi_line: bool) {
        let start = quotes.end as usize;
        let (end, stop) = self.find_stop(start, is_multi_line);
        match stop {
            Stop::Quotes => {
                let text = Span::new(quotes.end, end as u32);
                let whole = Span::new(quotes.start, end as u32 + quotes.end - quotes.start);
                self.check_escapes(text, Escapes::OfText);
                if is_multi_line {
                    self.check_indentation(&[text]);
                }
                self.push(Kind::Str, whole);
                self.resume_at(whole.end as usize);
            }
            Stop::Hole => {
                self.push(Kind::StrOpen, quotes);
                self.string_text(
                    OpenString {
                        quotes,
                        is_multi_line,
                        braces: 0,
                        brackets: 0,
                        hole: Default::default(),
                        pieces: Vec::new(),
                    },
                    start,
                );
            }
            Stop::LineEnd | Stop::FileEnd => {
                self.unterminated(quotes, end, is_multi_line);
                self.push(Kind::Cut, Span::new(quotes.start, end as u32));
                self.resume_at(end);
            }
        }
    }

    /// Goes on with the text of a string, behind its quotes or behind a hole.
    fn string_text(&mut self, mut string: OpenString, start: usize) {
        let (end, stop) = self.find_stop(start, string.is_multi_line);
        let text = Span::new(start as u32, end as u32);
        self.check_escapes(text, Escapes::OfText);
        // A multi-line string has a text, empty if need be, on both sides of every hole: its lines begin there.
        if string.is_multi_line || start < end {
            self.push(Kind::StrText, text);
        }
        if string.is_multi_line {
            string.pieces.push(text);
        }
        match stop {
            Stop::Quotes => {
                let close = Span::new(text.end, text.end + string.quotes.end - string.quotes.start);
                self.push(Kind::StrClose, close);
                self.check_indentation(&string.pieces);
                self.resume_at(close.end as usize);
            }
            Stop::Hole => {
                let open = Span::new(text.end, text.end + 2);
                string.hole = (open, self.tokens.len(), self.findings.count());
                string.braces = 0;
                string.brackets = 0;
                self.push(Kind::HoleOpen, open);
                self.strings.push(string);
                self.resume_at(open.end as usize);
            }
            Stop::LineEnd | Stop::FileEnd => {
                self.unterminated(string.quotes, end, string.is_multi_line);
                self.push(Kind::StrClose, Span::new(text.end, text.end));
                self.push(Kind::Cut, Span::new(text.end, text.end));
                self.resume_at(end);
            }
        }
    }

    /// Reports a string without an end. The strings around it end with it if they must end on this line too: their
    /// quotes have most probably been taken for its own.
    fn unterminated(&mut self, mut quotes: Span, end: usize, is_multi_line: bool) {
        let at = Span::new(end as u32, end as u32);
        if !is_multi_line {
            while let Some(outer) = self.strings.pop_if(|outer| !outer.is_multi_line) {
                quotes = outer.quotes;
                self.push(Kind::Error, at);
                self.push(Kind::HoleClose, at);
                self.push(Kind::StrClose, at);
            }
        }
        let diagnostic = Diagnostic::error("Q0102", quotes, "unterminated string");
        if is_multi_line {
            self.findings.end_too_early();
        }
        self.findings.push(if is_multi_line {
            diagnostic.label("its closing `\"\"\"` is missing")
        } else {
            diagnostic
                .label("its closing quote is missing on this line")
                .note("a string over several lines stands between `\"\"\"`")
        });
    }

    /// Finds the end of a run of string text.
    fn find_stop(&self, start: usize, is_multi_line: bool) -> (usize, Stop) {
        let bytes = self.text.as_bytes();
        let mut at = start;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' if !is_multi_line || bytes[at..].starts_with(b"\"\"\"") => return (at, Stop::Quotes),
                b'$' if bytes.get(at + 1) == Some(&b'{') => return (at, Stop::Hole),
                b'\n' if !is_multi_line => return (at, Stop::LineEnd),
                b'\\' if bytes.get(at + 1).is_some_and(|&next| next != b'\n') => at += 1,
                _ => {}
            }
            at += 1;
        }
        (bytes.len(), Stop::FileEnd)
    }

    fn check_escapes(&mut self, text: Span, sort: Escapes) {
        let raw = &self.text[text.start as usize..text.end as usize];
        if !raw.contains('\\') {
            return;
        }
        unescape(raw, sort, |range, reason| {
            let span = Span::new(text.start + range.start as u32, text.start + range.end as u32);
            self.findings.push(Diagnostic::error("Q0103", span, "bad escape").label(reason));
        });
    }

    fn check_indentation(&mut self, pieces: &[Span]) {
        let texts: Vec<&str> = pieces.iter().map(|&piece| self.slice(piece)).collect();
        let mut faults = Vec::new();
        dedent(&texts, |piece, range| {
            let start = pieces[piece].start;
            faults.push(Span::new(start + range.start as u32, start + range.end as u32));
        });
        for span in faults {
            self.findings.push(
                Diagnostic::error("Q0106", span, "this line is indented less than the closing quotes")
                    .help("indent it as far, or move the closing `\"\"\"` to the left"),
            );
        }
    }

    fn raw_string(&mut self, open: Span) {
        // The opening is `r`, hashes, a quote; the closing a quote and as many hashes.
        let hashes = (open.end - open.start) as usize - 2;
        let bytes = self.text.as_bytes();
        let mut at = open.end as usize;
        while at < bytes.len() {
            if bytes[at] == b'"' {
                let seen = bytes[at + 1..].iter().take(hashes).take_while(|&&byte| byte == b'#').count();
                if seen == hashes {
                    let end = at + 1 + hashes;
                    self.push(Kind::Str, Span::new(open.start, end as u32));
                    self.resume_at(end);
                    return;
                }
            }
            at += 1;
        }
        let closing = format!("\"{}", "#".repeat(hashes));
        self.findings.push(
            Diagnostic::error("Q0102", open, "unterminated string")
                .label(format!("its closing `{closing}` is missing")),
        );
        self.findings.end_too_early();
        self.push(Kind::Cut, Span::new(open.start, bytes.len() as u32));
        self.resume_at(bytes.len());
    }

    fn bytes(&mut self, open: Span) {
        let bytes = self.text.as_bytes();
        let mut at = open.end as usize;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                None | Some(b'\n') => {
                    self.unterminated(open, at, false);
                    self.push(Kind::Cut, Span::new(open.start, at as u32));
                    self.resume_at(at);
                    return;
                }
                Some(b'\\') if bytes.get(at + 1).is_some_and(|&next| next != b'\n') => at += 2,
                Some(_) => at += 1,
            }
        }
        let text = Span::new(open.end, at as u32);
        self.check_escapes(text, Escapes::OfBytes);
        if let Some((offset, found)) = self.slice(text).char_indices().find(|(_, c)| !c.is_ascii()) {
            let start = text.start + offset as u32;
            let span = Span::new(start, start + found.len_utf8() as u32);
            self.findings.push(
                Diagnostic::error("Q0101", span, format!("unexpected character `{found}`"))
                    .label("a bytes literal is ASCII")
                    .help("write its bytes as `\\xHH`, or use `bytes(\"...\")`"),
            );
        }
        self.push(Kind::Bytes, Span::new(open.start, at as u32 + 1));
        self.resume_at(at + 1);
    }
}
