//! Says what is wrong where a piece stops making sense.

use super::grammar::Stop;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::token::{Kind, Token};

/// The finding for a piece that the grammar refused. `end` is the token that the piece ends before.
pub fn unexpected(text: &str, sort: Kind, tokens: &[Token], end: Token, stop: &Stop) -> Diagnostic {
    let found = stop.at.and_then(|at| tokens.get(at)).copied();
    let last = tokens.last().map_or(end.span, |token| token.span);
    let (span, title) = match found {
        Some(token) => (shown_span(token), format!("unexpected {}", described(text, token))),
        None if end.kind == Kind::Newline => (Span::new(last.end, last.end), "unexpected end of the line".into()),
        None if end.kind == Kind::OfStatement => (Span::new(last.end, last.end), "unexpected end of the file".into()),
        None => (end.span, format!("unexpected {}", described(text, end))),
    };
    Diagnostic::error("Q0110", span, title).label(expected(sort, &stop.expected))
}

/// Of a parsed block only its brace is pointed at.
fn shown_span(token: Token) -> Span {
    match token.kind {
        Kind::Block | Kind::Arms | Kind::Methods => Span::new(token.span.start, token.span.start + 1),
        _ => token.span,
    }
}

/// A token as the reader knows it.
fn described(text: &str, token: Token) -> String {
    let slice = text.get(token.span.start as usize..token.span.end as usize).unwrap_or_default();
    match token.kind {
        Kind::Name => format!("name `{slice}`"),
        Kind::Int | Kind::Float => format!("number `{slice}`"),
        Kind::Str | Kind::StrOpen | Kind::StrText | Kind::StrClose => "string".into(),
        Kind::Bytes => "bytes literal".into(),
        Kind::Block | Kind::Arms | Kind::Methods => "`{`".into(),
        _ => format!("`{slice}`"),
    }
}

/// What would have been right, in words.
fn expected(_sort: Kind, names: &[String]) -> String {
    let has = |wanted: &str| names.iter().any(|name| name.trim_matches('"') == wanted);
    let mut parts: Vec<String> = Vec::new();
    if has("name") && has("if") && has("fn") {
        parts.push("an expression".into());
    } else if has("name") && has("[") {
        parts.push("a pattern".into());
    } else if has("name") {
        parts.push("a name".into());
    }
    let is_behind_operand = has("**");
    for (name, shown) in [
        ("block", "`{`"),
        ("arms", "`{`"),
        ("=>", "`=>`"),
        ("in", "`in`"),
        ("=", "`=`"),
        ("else", "`else`"),
        ("catch", "`catch`"),
        (",", "`,`"),
        (":", "`:`"),
        ("(", "`(`"),
        (")", "`)`"),
        ("]", "`]`"),
        ("}", "`}`"),
        ("hole }", "`}`"),
        (")|", "`|`"),
    ] {
        let counts = match name {
            "in" | "=" | "(" | "else" => !is_behind_operand,
            "block" => !has("if"),
            _ => true,
        };
        if has(name) && counts && !(parts.len() == 1 && parts[0] == "an expression") {
            parts.push(shown.into());
        }
    }
    match parts.split_last() {
        None if is_behind_operand => "expected an operator or the end of the statement".into(),
        None => "this does not fit here".into(),
        Some((only, [])) => format!("expected {only}"),
        Some((last, others)) => format!("expected {} or {last}", others.join(", ")),
    }
}
