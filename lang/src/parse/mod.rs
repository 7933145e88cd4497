//! Parses a source: cuts its tokens into statements, has each parsed by the grammar, and puts blocks together.
//!
//! Braces are parsed inside out. What stands between a pair is cut at newlines, semicolons and (in a `match`) commas;
//! each piece is parsed on its own, and then the whole pair stands as one token in the statement around it. So an
//! error spoils one statement and nothing else, and no stack grows with the nesting of the source.

mod build;
mod grammar;
mod message;
mod operators;
mod outline;
mod parts;
mod salvage;
mod slip;
mod target;

use std::ops::Range;

use quipu_code::span::{Source, Span};

use crate::ast::{Arm, Block, Function, Module, Statement, StatementKind};
use crate::diagnostic::Diagnostic;
use crate::token::{Doc, Findings, Kind, Layout, Token, lay_out, lex};
use build::{Builder, Mark};
use grammar::Grammar;
pub use outline::outline;
use parts::{Braces, Piece};

/// A tree and what was found wrong on the way to it.
#[derive(Debug)]
pub struct Parsed<'s> {
    /// The tree; where something did not parse it has error nodes.
    pub module: Module<'s>,
    /// The findings, in the order of their places; none if the source is right.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the text ends inside of something, so that more text could make it right: for those who read it line by line.
    pub incomplete: bool,
}

/// Parses a source.
pub fn parse(source: &Source) -> Parsed<'_> {
    let text: &str = source.text();
    let mut findings = Findings::default();
    if u32::try_from(text.len()).is_err() {
        findings.push(Diagnostic::error("Q0217", Span::default(), "the source is longer than 4 GiB"));
        let body = Block { statements: Vec::new(), span: Span::default() };
        return Parsed { module: Module { body }, diagnostics: findings.into_sorted(), incomplete: false };
    }
    let raw = lex(text, &mut findings);
    let layout = lay_out(text, &raw, &mut findings);
    drop(raw);
    let mut parser = Parser {
        text,
        layout: &layout,
        grammar: Grammar::new(),
        builder: Builder::new(text, findings),
        docs: 0,
        pieces: Vec::new(),
        patience: 100_000 + 8 * layout.tokens.len(),
    };
    let statements = parser.run();
    let span = Span::new(0, text.len() as u32);
    let findings = parser.builder.findings;
    let incomplete = findings.is_incomplete();
    Parsed { module: Module { body: Block { statements, span } }, diagnostics: findings.into_sorted(), incomplete }
}

struct Parser<'s, 't> {
    text: &'s str,
    layout: &'t Layout,
    grammar: Grammar,
    builder: Builder<'s>,
    /// How many doc comments have been passed.
    docs: usize,
    /// The tokens of the pieces being read, outer pieces first.
    pieces: Vec<Token>,
    /// How many tokens may still be parsed once more because of errors.
    patience: usize,
}

/// Braces being read, or the whole file.
struct Frame<'s> {
    /// The opening brace.
    open: Token,
    /// Where the tokens of the current piece begin.
    start: usize,
    /// Brackets and closure bars open in the current piece.
    brackets: u32,
    /// How many braces waited when this one was opened.
    waiting: usize,
    /// The doc comments before the current piece.
    doc: Range<usize>,
    /// The deepest piece so far.
    depth: u32,
    statements: Vec<Statement<'s>>,
    arms: Vec<Arm<'s>>,
    methods: Vec<Function<'s>>,
}

impl<'s> Frame<'s> {
    fn new(open: Token, start: usize, waiting: usize) -> Frame<'s> {
        Frame {
            open,
            start,
            brackets: 0,
            waiting,
            doc: 0..0,
            depth: 0,
            statements: Vec::new(),
            arms: Vec::new(),
            methods: Vec::new(),
        }
    }
}

impl<'s> Parser<'s, '_> {
    fn run(&mut self) -> Vec<Statement<'s>> {
        let file = Token { kind: Kind::BlockOpen, span: Span::default() };
        let mut frames: Vec<Frame<'s>> = Vec::new();
        let mut frame = Frame::new(file, 0, 0);
        for (index, &token) in self.layout.tokens.iter().enumerate() {
            if self.pieces.len() == frame.start {
                frame.doc = self.docs_before(index);
            }
            match token.kind {
                Kind::BlockOpen | Kind::ArmsOpen | Kind::MethodsOpen => {
                    let inner = Frame::new(token, self.pieces.len(), self.builder.waiting());
                    frames.push(std::mem::replace(&mut frame, inner));
                }
                Kind::BraceClose => {
                    self.end_piece(&mut frame, token);
                    // The layout has made braces match.
                    let Some(outer) = frames.pop() else { continue };
                    let inner = std::mem::replace(&mut frame, outer);
                    self.end_braces(inner, token.span.end);
                }
                Kind::Newline => self.end_piece(&mut frame, token),
                Kind::Semicolon if frame.brackets == 0 => self.end_piece(&mut frame, token),
                Kind::Comma if frame.brackets == 0 && frame.open.kind == Kind::ArmsOpen => {
                    if self.pieces.len() == frame.start {
                        self.builder.findings.push(
                            Diagnostic::error("Q0110", token.span, "unexpected `,`").label("expected an arm before it"),
                        );
                    }
                    self.end_piece(&mut frame, token);
                }
                kind => {
                    match kind {
                        Kind::ParenOpen | Kind::SquareOpen | Kind::MembersOpen | Kind::HoleOpen | Kind::BarOpen => {
                            frame.brackets += 1;
                        }
                        Kind::ParenClose
                        | Kind::SquareClose
                        | Kind::MembersClose
                        | Kind::HoleClose
                        | Kind::BarClose => frame.brackets = frame.brackets.saturating_sub(1),
                        _ => {}
                    }
                    self.pieces.push(token);
                }
            }
        }
        let end = self.text.len() as u32;
        self.end_piece(&mut frame, Token { kind: Kind::OfStatement, span: Span::new(end, end) });
        frame.statements
    }

    /// The doc comments that stand directly before a token.
    fn docs_before(&mut self, index: usize) -> Range<usize> {
        let docs = &self.layout.docs;
        while docs.get(self.docs).is_some_and(|doc| doc.before < index) {
            self.docs += 1;
        }
        let first = self.docs;
        while docs.get(self.docs).is_some_and(|doc| doc.before == index) {
            self.docs += 1;
        }
        first..self.docs
    }

    /// Parses the piece that ends before the token `end`, if there is one.
    fn end_piece(&mut self, frame: &mut Frame<'s>, end: Token) {
        let start = frame.start;
        frame.brackets = 0;
        if self.pieces.len() == start {
            return;
        }
        let docs = &self.layout.docs[std::mem::take(&mut frame.doc)];
        let sort = match frame.open.kind {
            Kind::ArmsOpen => Kind::OfArm,
            Kind::MethodsOpen => Kind::OfMethod,
            _ => Kind::OfStatement,
        };
        let mark = self.builder.mark();
        let span = self.pieces[start].span.to(self.pieces[self.pieces.len() - 1].span);
        match self.parse_piece(sort, start, end, mark, doc_text(self.text, docs)) {
            Some(Piece::Statement(statement)) => frame.statements.push(statement),
            Some(Piece::Arm(arm)) => frame.arms.push(arm),
            Some(Piece::Method(method)) => frame.methods.push(*method),
            None if sort == Kind::OfStatement => {
                frame.statements.push(Statement { kind: StatementKind::Error, span });
            }
            None => {}
        }
        frame.depth = frame.depth.max(self.builder.finish_statement(mark));
        self.pieces.truncate(start);
        self.builder.forget_waiting(frame.waiting);
    }

    /// Parses the piece that begins at `start`. Where it makes no sense, the smallest part around the place gives way
    /// to an error token and the piece is tried again: other parts may have errors of their own, and the names that
    /// it declares stay known.
    fn parse_piece(
        &mut self,
        sort: Kind,
        start: usize,
        end: Token,
        mark: Mark,
        doc: Option<Box<str>>,
    ) -> Option<Piece<'s>> {
        // What has been reported as an error token already explains whatever else is wrong.
        if self.builder.findings.is_full() {
            return None;
        }
        let mut is_explained = None;
        loop {
            self.builder.doc.clone_from(&doc);
            let tokens = &self.pieces[start..];
            let stop = match self.grammar.parse(sort, tokens, &mut self.builder) {
                Ok(piece) => return Some(piece),
                Err(stop) => stop,
            };
            let at = stop.at.unwrap_or(tokens.len());
            // Where an error token does not fit or does not go with what follows, that is no news.
            let is_error = |index: usize| tokens.get(index).is_some_and(|token| token.kind == Kind::Error);
            let is_news = !is_error(at) && !is_error(at.wrapping_sub(1));
            if is_news && !*is_explained.get_or_insert_with(|| tokens.iter().any(|token| token.kind == Kind::Error)) {
                let diagnostic = message::unexpected(self.text, sort, tokens, end, &stop);
                self.builder.findings.push(diagnostic);
                if stop.at.is_none() && end.kind == Kind::OfStatement {
                    self.builder.findings.end_too_early();
                }
            }
            let part = salvage::part_around(tokens, at)?;
            self.patience = self.patience.checked_sub(tokens.len())?;
            self.builder.begin_again(mark);
            let place = match (tokens.get(part.start), tokens.get(part.end.wrapping_sub(1))) {
                (Some(first), Some(last)) if part.start < part.end => first.span.to(last.span),
                _ => {
                    let before = tokens.get(part.start.wrapping_sub(1)).map_or(end.span.start, |token| token.span.end);
                    Span::new(before, before)
                }
            };
            let error = Token { kind: Kind::Error, span: place };
            self.pieces.splice(start + part.start..start + part.end, [error]);
        }
    }

    /// Puts a token in the place of braces that have been parsed.
    fn end_braces(&mut self, frame: Frame<'s>, end: u32) {
        let span = Span::new(frame.open.span.start, end);
        let (kind, braces) = match frame.open.kind {
            Kind::ArmsOpen => (Kind::Arms, Braces::Arms(frame.arms)),
            Kind::MethodsOpen => (Kind::Methods, Braces::Methods(frame.methods)),
            _ => (Kind::Block, Braces::Block(Block { statements: frame.statements, span })),
        };
        self.builder.wait(span.start, frame.depth, braces);
        self.pieces.push(Token { kind, span });
    }
}

/// The text of doc comments, one line each, without the marks.
fn doc_text(text: &str, docs: &[Doc]) -> Option<Box<str>> {
    if docs.is_empty() {
        return None;
    }
    let lines: Vec<&str> = docs
        .iter()
        .map(|doc| {
            let line = &text[doc.span.start as usize + 2..doc.span.end as usize];
            line.strip_prefix(' ').unwrap_or(line).trim_end()
        })
        .collect();
    Some(lines.join("\n").into())
}
