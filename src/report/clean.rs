//! The rule for what is harmless for terminals: control and direction characters are shown, not obeyed. [`Shown`](super::Shown)
//! is text that has been through it.

use quipu_code::plural;
use std::fmt::Write;

/// Characters of a message that are shown; what is longer is cut, so that one error cannot flood a terminal.
const SHOWN: usize = 4000;

/// A text with control and direction characters written as escapes (`\u{1b}`), for a terminal that is not to obey them.
/// Newlines stay, tabs become spaces.
pub(super) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push_str("    "),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// A message that is harmless and of a bearable length.
pub(super) fn message(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => harmless(text),
        Some((end, _)) => {
            let rest = text[end..].chars().count();
            harmless(&text[..end]) + &format!("... ({rest} more {})", plural(rest, "character"))
        }
    }
}

/// A message on one line.
pub(super) fn line(text: &str) -> String {
    message(text).replace('\n', "\\n")
}

/// JSON whose strings write what a terminal might obey as escapes. Outside of strings there is nothing of the kind.
pub(super) fn harmless_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// What stands for a character of a source line: one character for one, so that columns stay true.
pub(super) fn source_char(c: char) -> char {
    match c {
        '\t' | '\n' => c,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        c if is_unsafe(c) => '\u{fffd}',
        c => c,
    }
}

/// Whether a terminal might act on it instead of showing it, or hide it.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown() {
        assert_eq!(message("a\x1b[31mb\u{9b}c\u{202e}"), "a\\u{1b}[31mb\\u{9b}c\\u{202e}");
        assert_eq!(line("a\nb"), "a\\nb");
        assert_eq!(source_char('\x1b'), '␛');
        assert_eq!(harmless_json("\"\u{9b}\u{e0001}\""), "\"\\u009b\\udb40\\udc01\"");
    }

    #[test]
    fn long_messages_are_cut() {
        assert!(message(&"x".repeat(5000)).ends_with("x... (1000 more characters)"));
        assert_eq!(message(&"x".repeat(4000)).len(), 4000);
    }
}
