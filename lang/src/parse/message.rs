//! Says what is wrong where a piece stops making sense, and what was probably meant.

use quipu_code::span::Span;

use super::grammar::Stop;
use crate::diagnostic::{Diagnostic, Help};
use crate::token::{Kind, Token};

/// The finding for a piece that the grammar refused. `end` is the token that the piece ends before.
pub fn unexpected(text: &str, sort: Kind, tokens: &[Token], end: Token, stop: &Stop) -> Diagnostic {
    let at = stop.at.unwrap_or(tokens.len());
    let found = tokens.get(at).copied();
    let last_end = tokens.last().map_or(end.span.start, |token| token.span.end);
    let (span, title) = match found {
        Some(token) => (shown_span(token), format!("unexpected {}", described(text, token))),
        None if end.kind == Kind::Newline => (Span::new(last_end, last_end), "unexpected end of the line".into()),
        None if end.kind == Kind::OfStatement => (Span::new(last_end, last_end), "unexpected end of the file".into()),
        None => (end.span, format!("unexpected {}", described(text, end))),
    };
    let place = Place {
        text,
        sort,
        tokens,
        at,
        found: found.map_or(end.kind, |token| token.kind),
        span,
        expected: &stop.expected,
    };
    place.advise(Diagnostic::error("Q0110", span, title).label(place.expected()))
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
        Kind::Spec => "format spec".into(),
        Kind::Block | Kind::Arms | Kind::Methods => "`{`".into(),
        _ => format!("`{slice}`"),
    }
}

/// Whether a terminal of the grammar is among the expected ones.
pub(super) fn has(names: &[String], wanted: &str) -> bool {
    names.iter().any(|name| name.trim_matches('"') == wanted)
}

/// Whether an operand could stand here.
fn wants_operand(names: &[String]) -> bool {
    has(names, "name") && has(names, "match")
}

/// Whether an operator could stand here.
fn wants_operator(names: &[String]) -> bool {
    has(names, "**")
}

/// Words that other languages use, and ours for them.
const FOREIGN_WORDS: [(&str, &str); 14] = [
    ("def", "fn"),
    ("function", "fn"),
    ("func", "fn"),
    ("fun", "fn"),
    ("const", "let"),
    ("local", "let"),
    ("val", "let"),
    ("class", "type"),
    ("struct", "type"),
    ("enum", "type"),
    ("switch", "match"),
    ("raise", "throw"),
    ("except", "catch"),
    ("foreach", "for"),
];

/// What is said where `defer` stands as a name.
const NO_NAME: &str = "`defer` is a word of the language: rename what has this name";

/// What there is to see around the token that does not fit.
pub(super) struct Place<'t> {
    pub(super) text: &'t str,
    pub(super) sort: Kind,
    pub(super) tokens: &'t [Token],
    /// Index of the token, or how many there are.
    pub(super) at: usize,
    pub(super) found: Kind,
    pub(super) span: Span,
    pub(super) expected: &'t [String],
}

impl Place<'_> {
    pub(super) fn before(&self, back: usize) -> Option<Token> {
        self.at.checked_sub(back).and_then(|index| self.tokens.get(index)).copied()
    }

    fn begins_operand_at(&self, index: usize) -> bool {
        self.tokens.get(index).is_some_and(|token| token.kind.begins_operand())
    }

    fn kind_before(&self) -> Option<Kind> {
        self.before(1).map(|token| token.kind)
    }

    pub(super) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    pub(super) fn begins_with(&self, kinds: &[Kind]) -> bool {
        self.tokens.first().is_some_and(|token| kinds.contains(&token.kind))
    }

    /// What would have been right, in words.
    fn expected(&self) -> String {
        let names = self.expected;
        if wants_operand(names) {
            return "expected an expression".into();
        }
        let mut parts: Vec<&str> = Vec::new();
        if has(names, "name") {
            parts.push(match (has(names, "["), has(names, "str")) {
                (true, _) => "a pattern",
                (false, true) => "the name or path of a module",
                (false, false) => "a name",
            });
        }
        let shown = [
            ("block", "`{`"),
            ("arms", "`{`"),
            ("let", "`let`"),
            ("fn", "`fn`"),
            ("type", "`type`"),
            ("=>", "`=>`"),
            ("in", "`in`"),
            ("=", "`=`"),
            ("if", "`if`"),
            ("else", "`else`"),
            ("catch", "`catch`"),
            (",", "`,`"),
            (":", "`:`"),
            (")", "`)`"),
            ("]", "`]`"),
            ("}", "`}`"),
            ("hole }", "`}`"),
            (")|", "`|`"),
            ("(", "`(`"),
        ];
        let is_behind_condition = has(names, "block") && !self.is_behind_parameters();
        for (name, shown) in shown.into_iter().filter(|(name, _)| has(names, name)) {
            // Behind an operand some of these always fit, and say nothing.
            let says_nothing = match name {
                "in" | "if" | "else" | "=>" => wants_operator(names),
                "=" => wants_operator(names) || is_behind_condition,
                "(" => wants_operator(names) || !parts.is_empty(),
                _ => false,
            };
            if !says_nothing {
                parts.push(shown);
            }
        }
        match parts.split_last() {
            None if wants_operator(names) => "expected an operator or the end of the statement".into(),
            None => "expected the end of the statement".into(),
            Some((only, [])) => format!("expected {only}"),
            Some((last, others)) => format!("expected {} or {last}", others.join(", ")),
        }
    }

    /// Whether the body of a declared function comes next.
    fn is_behind_parameters(&self) -> bool {
        self.kind_before() == Some(Kind::ParenClose) && self.begins_with(&[Kind::Fn, Kind::Export])
    }

    /// Whether this was written as a comment of another language: `// text`, or `/* text */`.
    fn is_comment_elsewhere(&self) -> bool {
        let next = self.tokens.get(self.at + 1).map(|token| token.kind);
        match self.found {
            Kind::SlashSlash => true,
            Kind::Slash => matches!(next, Some(Kind::Star | Kind::StarStar)),
            // Its first word could be what something is divided by.
            Kind::Name => {
                self.kind_before() == Some(Kind::Name)
                    && self.before(2).map(|token| token.kind) == Some(Kind::SlashSlash)
            }
            _ => false,
        }
    }

    /// Adds what was probably meant.
    fn advise(&self, diagnostic: Diagnostic) -> Diagnostic {
        let found_text = self.slice(self.span);
        let before = self.before(1);
        let word_before = before.filter(|token| token.kind == Kind::Name).map_or("", |token| self.slice(token.span));
        let wants = |name| has(self.expected, name);

        if matches!(found_text, "elif" | "elsif" | "elseif") && wants_operator(self.expected) {
            return diagnostic.safe_patch("write `else if`", self.span, "else if");
        }
        if let Some(first) = before.filter(|_| self.at == 1 && self.found.begins_operand()) {
            if matches!(word_before, "elif" | "elsif" | "elseif") {
                return diagnostic.safe_patch("write `else if`", first.span, "else if");
            }
            if let Some((_, ours)) = FOREIGN_WORDS.iter().find(|(foreign, _)| *foreign == word_before) {
                // What `class` and the like say beside the name is said in another way.
                let safe = *ours != "type";
                let help = Help { safe, ..Help::patch(format!("write `{ours}`"), first.span, *ours) };
                return Diagnostic { help: Some(help), ..diagnostic };
            }
        }
        if word_before == "mut" && self.before(2).is_some_and(|token| token.kind == Kind::Let) {
            return diagnostic.help("write `var` for what can be assigned again");
        }
        if self.is_comment_elsewhere() {
            return diagnostic.help("a comment begins with `#`");
        }
        if let Some(help) = self.slip() {
            return Diagnostic { help: Some(help), ..diagnostic };
        }
        match (self.kind_before(), self.found) {
            (Some(Kind::Else), _) => return diagnostic.help("put what follows `else` in braces: `else { ... }`"),
            (Some(Kind::Catch), Kind::Block) => {
                return diagnostic.help("name what was thrown: `catch e { ... }`, or `catch _ { ... }`");
            }
            (Some(Kind::Fn), Kind::Name) => {
                return diagnostic.help("a function inside an expression has no name; declare it on a line of its own");
            }
            (Some(Kind::YieldAlone | Kind::ReturnAlone), _) => {
                return diagnostic.help("put it in parentheses, as it takes all that follows");
            }
            (Some(Kind::Plus), Kind::Plus) => return diagnostic.help("write `+= 1`; there is no `++`"),
            (_, Kind::Minus) if self.tokens.get(self.at + 1).is_some_and(|next| next.kind == Kind::Greater) => {
                let arrow = Span::new(self.span.start, self.span.end + 1);
                return match self.sort {
                    Kind::OfArm => diagnostic.safe_patch("write `=>`", arrow, "=>"),
                    _ => diagnostic.help("the type of a result is not declared, and a closure is `|x| e`"),
                };
            }
            _ if self.sort == Kind::OfArm && word_before == "case" && self.at == 1 => {
                return diagnostic.help("an arm begins with its pattern");
            }
            (_, Kind::Name) if found_text == "of" && wants("in") => {
                return diagnostic.safe_patch("write `in`", self.span, "in");
            }
            (_, Kind::Arrow) if self.sort != Kind::OfArm => return diagnostic.help("a closure is `|x| e`"),
            (_, Kind::Colon) if wants("block") || wants("arms") => {
                return diagnostic.help("a body stands in braces: `{ ... }`");
            }
            (_, Kind::Colon) if self.begins_with(&[Kind::Let, Kind::Var, Kind::Export, Kind::Fn, Kind::Type]) => {
                return diagnostic.help("types are not declared; test for one with `is`");
            }
            (_, kind) if kind.is_keyword() && wants("name") && !wants_operand(self.expected) => {
                let note = format!("`{found_text}` is a word of the language, so nothing can be named so");
                return diagnostic.note(note).help("rename it");
            }
            (_, Kind::Defer) if wants_operand(self.expected) && self.begins_operand_at(self.at + 1) => {
                return diagnostic.help("`defer` is a statement; in braces it can stand here: `{ defer ... }`");
            }
            (Some(Kind::Defer), kind) if kind.assigns() => return diagnostic.help(NO_NAME),
            (_, Kind::Defer) if wants_operand(self.expected) => return diagnostic.help(NO_NAME),
            _ => {}
        }
        if wants("block") && !wants_operand(self.expected) {
            return match self.found {
                Kind::Newline => diagnostic.help("the `{` must stand on the same line"),
                _ => diagnostic.help("a body stands in braces: `{ ... }`"),
            };
        }
        let is_behind_statement = wants_operator(self.expected) && ![",", ")", "]", "hole }"].into_iter().any(wants);
        if is_behind_statement && (self.found.begins_operand() || self.found.is_keyword()) {
            return diagnostic.help("a new statement needs a new line or `;` before it");
        }
        diagnostic
    }
}
