//! Assignments, loops, names and calls written as other languages have them: what to write instead.

use quipu_code::span::Span;

use super::message::{Place, has};
use super::salvage::{is_closing, is_opening, part_end};
use crate::diagnostic::Help;
use crate::token::Kind;

/// Functions that other languages call without parentheses.
const CALLED_BARE: [&str; 6] = ["print", "println", "puts", "echo", "write", "assert"];

const NO_NAMED_ARGUMENTS: &str = "there are no named arguments; they go by position";

/// Longer text is left out of an advice.
const SHOWN: u32 = 48;

impl Place<'_> {
    /// The advice for what this page knows, if it is that.
    pub(super) fn slip(&self) -> Option<Help> {
        if self.is_head_of_counting_loop() {
            return Some(Help::text("a loop is `for x in 0..10 { ... }`"));
        }
        if let Some(help) = self.of_errors().or_else(|| self.of_texts_and_signs()) {
            return Some(help);
        }
        match self.found {
            Kind::For => self.comprehension(),
            kind if kind.assigns() => self.assignment(),
            Kind::Comma => self.comma(),
            Kind::Colon if self.is_named_argument() => Some(Help::text(NO_NAMED_ARGUMENTS)),
            Kind::Colon if self.is_entry_in_braces() => Some(Help::text("a map is written `[a: 1]`")),
            Kind::Name if self.word(self.at.wrapping_sub(1)) == "new" => {
                let new = self.tokens[self.at - 1].span;
                let text = format!("a type is called: `{}(..)`", self.slice(self.span));
                Some(Help::safe_patch(text, Span::new(new.start, self.span.start), ""))
            }
            kind if kind.begins_operand() && self.at == 1 && CALLED_BARE.contains(&self.word(0)) => {
                let end = self.tokens.last().map_or(self.span.end, |last| last.span.end);
                let arguments = Span::new(self.tokens[0].span.end, end);
                let text = format!("({})", self.slice(arguments).trim());
                Some(Help::safe_patch("call it with parentheses", arguments, text))
            }
            _ => None,
        }
    }

    /// `finally` and `except`, behind a block or on a line of their own.
    fn of_errors(&self) -> Option<Help> {
        let is_behind_block = self.before(1).is_some_and(|token| token.kind == Kind::Block);
        let (word, span) = match self.found {
            Kind::Name if is_behind_block => (self.slice(self.span), self.span),
            _ if self.at == 1 => (self.word(0), self.tokens[0].span),
            _ => return None,
        };
        match word {
            "finally" => Some(Help::text("`defer { ... }` runs it: write that before what may throw")),
            "except" | "rescue" => Some(Help::patch("write `catch`, and a name: `catch e { ... }`", span, "catch")),
            _ => None,
        }
    }

    /// `f"..."` and `===`.
    fn of_texts_and_signs(&self) -> Option<Help> {
        let before = self.before(1)?;
        if before.span.end != self.span.start {
            return None;
        }
        match (before.kind, self.found) {
            (Kind::Name, Kind::Str | Kind::StrOpen) if matches!(self.slice(before.span), "f" | "F") => {
                Some(Help::patch("every string can hold expressions: `\"${x}\"`", before.span, ""))
            }
            (Kind::Equal, Kind::Assign) => {
                Some(Help::patch("`==` compares kinds too; `same(a, b)` is identity", before.span.to(self.span), "=="))
            }
            (Kind::NotEqual, Kind::Assign) => {
                Some(Help::patch("`!=` compares kinds too; `same(a, b)` is identity", before.span.to(self.span), "!="))
            }
            _ => None,
        }
    }

    /// `[f(x) for x in xs]`.
    fn comprehension(&self) -> Option<Help> {
        self.part(self.at).0?;
        let advice =
            "there are no comprehensions: write `xs.map(|x| ..)`, and `xs.filter(|x| ..)` for what has an `if`";
        Some(Help::text(advice))
    }

    /// `for i = 0, 10`, `for (let i = 0; i < 10; i += 1)`.
    fn is_head_of_counting_loop(&self) -> bool {
        let before = &self.tokens[..self.at];
        let counts = matches!(self.found, Kind::Assign | Kind::Let | Kind::Var | Kind::Semicolon);
        counts && self.begins_with(&[Kind::For]) && before.iter().all(|token| token.kind != Kind::In)
    }

    /// `=` or `op=` where an operator could stand.
    fn assignment(&self) -> Option<Help> {
        let is_in_pattern = self.sort == Kind::OfArm && self.tokens[..self.at].iter().all(|t| t.kind != Kind::Arrow);
        if is_in_pattern || self.wants("name") || self.wants_parameters() {
            return None;
        }
        let (opening, start) = self.part(self.at);
        if let Some((head, body)) = self.function_before(start) {
            let end = part_end(self.tokens, self.at);
            let last = self.tokens.get(end.wrapping_sub(1)).map_or(self.span, |last| last.span);
            let head = Span::new(self.tokens[head.start].span.start, self.tokens[head.end - 1].span.end);
            let body = self.tokens[body].span.to(last);
            let braced = format!("{{ {} }}", self.slice(body));
            let shown = if (body.end - head.start) > SHOWN || self.slice(head.to(body)).contains('\n') {
                "`|x| { ... }`".into()
            } else {
                format!("`{} {braced}`", self.slice(head))
            };
            let sign_and_body = Span::new(head.end, body.end);
            return Some(Help::safe_patch(
                format!("an assignment stands in braces: {shown}"),
                sign_and_body,
                format!(" {braced}"),
            ));
        }
        if self.found == Kind::Assign {
            if self.is_in_condition(opening) {
                return Some(Help::safe_patch("an assignment is a statement; write `==` to compare", self.span, "=="));
            }
            if self.is_named_argument() {
                return Some(Help::text(NO_NAMED_ARGUMENTS));
            }
            let is_list = |index: usize| self.tokens[index].kind == Kind::SquareOpen && !self.is_behind_operand(index);
            if opening.is_some_and(is_list) && self.follows_name(start) {
                let sign = Span::new(self.tokens[start].span.end, self.span.end);
                return Some(Help::safe_patch("a map is written `[a: 1]`", sign, ":"));
            }
        }
        if opening.is_none() && self.begins_with(&[Kind::Defer]) {
            return Some(Help::text("an assignment stands in braces: `defer { ... }`"));
        }
        let is_second = opening.is_none() && self.outside_brackets(0..self.at).any(|kind| kind.assigns());
        Some(Help::text(if is_second {
            "assign one after the other"
        } else {
            "an assignment is a statement of its own"
        }))
    }

    /// A comma outside all brackets.
    fn comma(&self) -> Option<Help> {
        if self.sort != Kind::OfStatement || self.part(self.at).0.is_some() {
            return None;
        }
        let first = usize::from(self.begins_with(&[Kind::Export]));
        if self.at < first + 2 && !self.wants("=") || self.wants_parameters() {
            return None;
        }
        let keyword = self.tokens.get(first).map_or(Kind::Newline, |token| token.kind);
        let sign = match keyword {
            Kind::For => Kind::In,
            _ => Kind::Assign,
        };
        let end = self.tokens.iter().position(|token| token.kind == sign);
        match (keyword, end) {
            (Kind::For | Kind::Let | Kind::Var, Some(end)) if end > self.at => {
                let names = self.tokens[first + 1].span.to(self.tokens[end - 1].span);
                let grouped = format!("({})", self.slice(names));
                Some(Help::safe_patch("several names stand in parentheses", names, grouped))
            }
            (Kind::Import, _) => Some(Help::text("write one `import` for each")),
            (Kind::Let | Kind::Var, _) if self.outside_brackets(self.at..self.tokens.len()).any(Kind::assigns) => {
                Some(Help::text(format!("write one `{}` for each", self.word(first))))
            }
            (Kind::For, _) => None,
            (_, Some(end)) if end > self.at => {
                Some(Help::text("several are assigned in parentheses: `(a, b) = (b, a)`"))
            }
            _ => Some(Help::text("a tuple stands in parentheses: `(a, b)`")),
        }
    }

    /// `f(a = 1)`, `f(a: 1)`.
    fn is_named_argument(&self) -> bool {
        let (opening, start) = self.part(self.at);
        let is_call = |index: usize| {
            let declares = index.checked_sub(2).map(|word| self.tokens[word].kind);
            self.tokens[index].kind == Kind::ParenOpen
                && self.is_behind_operand(index)
                && !matches!(declares, Some(Kind::Fn | Kind::Type))
        };
        opening.is_some_and(is_call) && self.follows_name(start)
    }

    /// Whether a name is all that stands before the token in the part that begins at `start`.
    fn follows_name(&self, start: usize) -> bool {
        self.at == start + 1 && self.tokens[start].kind == Kind::Name
    }

    /// `{"a": 1}` or `{a: 1}`: a block whose first statement looks like an entry of a map.
    fn is_entry_in_braces(&self) -> bool {
        let Some(first) = self.tokens.first() else { return false };
        let before = self.text.get(..first.span.start as usize).unwrap_or_default();
        self.at == 1
            && self.sort == Kind::OfStatement
            && matches!(first.kind, Kind::Name | Kind::Str | Kind::Int)
            && before.trim_end().ends_with('{')
    }

    fn wants(&self, name: &str) -> bool {
        has(self.expected, name)
    }

    /// Behind `fn f` or `type T`.
    fn wants_parameters(&self) -> bool {
        self.wants("(") && !self.wants("**")
    }

    /// The text of a token that is a word.
    fn word(&self, index: usize) -> &str {
        let token = self.tokens.get(index).filter(|token| token.kind == Kind::Name || token.kind.is_keyword());
        token.map_or("", |token| self.slice(token.span))
    }

    fn is_behind_operand(&self, index: usize) -> bool {
        index.checked_sub(1).is_some_and(|before| self.tokens[before].kind.ends_operand())
    }

    /// The bracket around a token, and where the part between commas begins that it is in.
    fn part(&self, at: usize) -> (Option<usize>, usize) {
        let (mut depth, mut start) = (0u32, None);
        for (index, token) in self.tokens[..at].iter().enumerate().rev() {
            match token.kind {
                kind if is_closing(kind) => depth += 1,
                kind if is_opening(kind) && depth == 0 => return (Some(index), start.unwrap_or(index + 1)),
                kind if is_opening(kind) => depth -= 1,
                Kind::Comma if depth == 0 && start.is_none() => start = Some(index + 1),
                _ => {}
            }
        }
        (None, start.unwrap_or(0))
    }

    /// Tokens of a range that are in no bracket opened there.
    fn outside_brackets(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Kind> {
        let mut depth = 0i64;
        self.tokens[range].iter().map(|token| token.kind).filter(move |&kind| {
            depth += i64::from(is_opening(kind)) - i64::from(is_closing(kind));
            depth == 0
        })
    }

    /// The innermost function whose body is the expression being read: the tokens of its head, and where its body
    /// begins. `start` is where the part around begins.
    fn function_before(&self, start: usize) -> Option<(std::ops::Range<usize>, usize)> {
        let mut at = self.at;
        while at > start {
            at -= 1;
            let kind = self.tokens[at].kind;
            let is_sign =
                kind == Kind::Assign && self.tokens[start..at].last().map(|t| t.kind) == Some(Kind::ParenClose);
            if kind == Kind::BarsEmpty && at + 1 < self.at {
                return Some((at..at + 1, at + 1));
            }
            if kind == Kind::BarClose || is_sign {
                let opening = self.part(if is_sign { at - 1 } else { at }).0?;
                let head = match kind {
                    Kind::BarClose => Some(opening),
                    _ => (opening.saturating_sub(2)..opening).find(|&index| self.tokens[index].kind == Kind::Fn),
                };
                if let Some(head) = head
                    && at + 1 < self.at
                {
                    return Some((head..if is_sign { at } else { at + 1 }, at + 1));
                }
                at = opening;
            } else if is_closing(kind) {
                at = self.part(at).0?;
            }
        }
        None
    }

    /// Whether the brackets around, of which `opening` is the innermost, only group a part of a condition.
    fn is_in_condition(&self, mut opening: Option<usize>) -> bool {
        let mut at = self.at;
        loop {
            let start = opening.map_or(0, |opening| opening + 1);
            for index in (start..at).rev() {
                match self.tokens[index].kind {
                    Kind::If | Kind::While => return true,
                    Kind::Block => break,
                    _ => {}
                }
            }
            match opening {
                Some(bracket) if self.tokens[bracket].kind == Kind::ParenOpen && !self.is_behind_operand(bracket) => {
                    at = bracket;
                    opening = self.part(bracket).0;
                }
                _ => return false,
            }
        }
    }
}
