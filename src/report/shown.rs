//! Text that a terminal shows and does not obey: the one type for what comes from programs, images, peers and names of
//! files on its way to people.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::Value;

use super::Report;
use super::clean;

/// Text that is harmless for terminals: control characters, direction marks and other characters that nobody sees are
/// written as escapes (`\u{1b}`), but for newlines and for colours that were put in by its maker.
///
/// Only this module makes it. What is fixed is a `&'static str`; whatever else goes in is made harmless on the way.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Shown(String);

/// What stands in a template: a [`Shown`] as it is, and anything else as one harmless line.
pub trait Piece {
    /// The piece as it is shown.
    fn shown(&self) -> Cow<'_, str>;
}

impl Piece for Shown {
    fn shown(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }
}

impl<T: Display> Piece for T {
    fn shown(&self) -> Cow<'_, str> {
        Cow::Owned(clean::line(&self.to_string()))
    }
}

impl Shown {
    /// A text of any number of lines. Tabs become spaces.
    pub fn text(text: &str) -> Shown {
        Shown(clean::harmless(text))
    }

    /// The same, cut where nobody would read on.
    pub fn message(text: &str) -> Shown {
        Shown(clean::message(text))
    }

    /// A text on one line: newlines are escapes too, so that nothing in it looks like a line of somebody else.
    pub fn line(text: impl Display) -> Shown {
        Shown(clean::line(&text.to_string()))
    }

    /// A template in which each `{}` is one of the pieces, in their order.
    pub fn of(template: &'static str, pieces: &[&dyn Piece]) -> Shown {
        debug_assert_eq!(template.matches("{}").count(), pieces.len(), "{template}");
        let mut parts = template.split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (part, piece) in parts.zip(pieces) {
            text.push_str(&piece.shown());
            text.push_str(part);
        }
        Shown(text)
    }

    /// JSON on one line.
    pub fn json(value: &Value) -> Shown {
        Shown(clean::harmless_json(&value.to_string()))
    }

    /// What somebody else calls JSON, on one line.
    pub fn json_text(text: &str) -> Shown {
        Shown(clean::harmless_json(text))
    }

    /// A report for people, as [`text`](super::text()) writes it.
    pub fn report(report: &Report, color: bool) -> Shown {
        Shown(super::text(report, color))
    }

    /// A report for machines, as [`json`](super::json()) writes it, and a newline.
    pub fn report_json(report: &Report) -> Shown {
        Shown(super::json(report) + "\n")
    }

    /// The text in the colour of this number.
    #[must_use]
    pub fn painted(&self, color: u8) -> Shown {
        Shown(format!("\x1b[{color}m{}\x1b[0m", self.0))
    }

    /// Adds a text.
    pub fn push(&mut self, piece: &Shown) {
        self.0.push_str(&piece.0);
    }

    /// Texts with another one between them.
    pub fn join(pieces: impl IntoIterator<Item = Shown>, between: &'static str) -> Shown {
        Shown(pieces.into_iter().map(|piece| piece.0).collect::<Vec<_>>().join(between))
    }

    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = Shown> {
        self.0.lines().map(|line| Shown(line.to_owned()))
    }

    /// Every line with something before it, and no spaces at its end.
    #[must_use]
    pub fn indented(&self, before: &'static str) -> Shown {
        let line = |line: &str| format!("{before}{line}").trim_end().to_owned() + "\n";
        Shown(self.0.lines().map(line).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Shown {
    /// What the program that shows it says itself.
    fn from(text: &'static str) -> Shown {
        Shown(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_harmless_and_on_one_line() {
        let name = "a\x1b[2J\n\u{202e}b";
        let shown = Shown::of("there is no `{}`, only {}\n", &[&name, &Shown::from("red").painted(31)]);
        assert_eq!(shown.as_str(), "there is no `a\\u{1b}[2J\\n\\u{202e}b`, only \x1b[31mred\x1b[0m\n");
        assert_eq!(Shown::of("{}", &[&"{}"]).as_str(), "{}");
        assert_eq!(Shown::text("a\n\tb\u{1d173}").as_str(), "a\n    b\\u{1d173}");
        assert_eq!(Shown::json(&serde_json::json!({ "a": "\u{9b}\u{2066}" })).as_str(), "{\"a\":\"\\u009b\\u2066\"}");
    }

    #[test]
    fn lines_are_indented_whole() {
        assert_eq!(Shown::text("a \n\nb").indented("  ").as_str(), "  a\n\n  b\n");
    }
}
