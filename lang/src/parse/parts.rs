//! What the rules of the grammar pass on to one another where that is no node of the tree yet.
//!
//! The parser keeps these on its stack, whose entries are all as large as the largest: these are small.

use quipu_code::span::Span;

use crate::ast::*;

/// What one run of the grammar gives.
pub enum Piece<'s> {
    /// A statement.
    Statement(Statement<'s>),
    /// An arm of a `match`.
    Arm(Arm<'s>),
    /// A method of a `type`.
    Method(Box<Function<'s>>),
}

/// What stands between a pair of braces.
pub enum Braces<'s> {
    /// The braces of a block.
    Block(Block<'s>),
    /// The braces of a `match`.
    Arms(Vec<Arm<'s>>),
    /// The braces of a `type`.
    Methods(Vec<Function<'s>>),
}

/// A piece of a string with interpolation, as the grammar sees it.
pub enum Segment<'s> {
    /// Text as written.
    Text(Span),
    /// `${e}`.
    Hole(Expr<'s>),
    /// `${e:spec}`; the place begins at the colon.
    Formatted(Expr<'s>, Span),
}

/// What stands between commas in square brackets.
pub enum Item<'s> {
    /// `e`.
    Value(Expr<'s>),
    /// `k: e`.
    Pair(Expr<'s>, Expr<'s>),
    /// `..e`.
    Spread(Expr<'s>),
}

/// A pattern; most are a name.
#[derive(Debug)]
pub enum Pat<'s> {
    /// A name, or `_`.
    Name(Ident<'s>),
    /// Any other.
    Other(Box<Pattern<'s>>),
}

impl Pat<'_> {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Pat::Name(name) => name.span,
            Pat::Other(pattern) => pattern.span,
        }
    }
}

impl<'s> From<Pat<'s>> for Pattern<'s> {
    fn from(pat: Pat<'s>) -> Pattern<'s> {
        match pat {
            Pat::Name(name) if name.name == "_" => Pattern { kind: PatternKind::Ignore, span: name.span },
            Pat::Name(name) => Pattern { kind: PatternKind::Bind(name), span: name.span },
            Pat::Other(pattern) => *pattern,
        }
    }
}

/// What stands between commas in the square brackets of a pattern.
pub enum PatItem<'s> {
    /// `p`.
    Value(Pat<'s>),
    /// `k: p`.
    Pair(Box<(Expr<'s>, Pat<'s>)>),
    /// `..` or `..name`.
    Rest(Span, Option<Ident<'s>>),
}

/// A parameter.
#[derive(Debug)]
pub struct ParamPart<'s> {
    /// What the argument is bound to.
    pub pattern: Pat<'s>,
    /// `= e`.
    pub default: Option<Box<Expr<'s>>>,
    /// Whether `..` stands before it.
    pub rest: bool,
    /// The whole parameter.
    pub span: Span,
}

impl<'s> From<ParamPart<'s>> for Param<'s> {
    fn from(part: ParamPart<'s>) -> Param<'s> {
        let ParamPart { pattern, default, rest, span } = part;
        Param { pattern: pattern.into(), default: default.map(|value| *value), rest, span }
    }
}

/// What an import takes.
pub enum Members<'s> {
    /// The module, under another name if two words follow it.
    All(Option<(Ident<'s>, Ident<'s>)>),
    /// Some of its members.
    Picked(Vec<(Ident<'s>, Ident<'s>)>),
}

/// A list with one more.
pub fn pushed<T>(list: Option<Vec<T>>, next: T) -> Vec<T> {
    let mut list = list.unwrap_or_default();
    list.push(next);
    list
}
