//! Replacements: texts in which `$1`, `$name`, `${name}` stand for groups, and `$$` for `$`.

use quipu_vm::{Cx, Fault};

use super::captures::Captures;
use super::engine::Engine;
use super::error::fault;

/// A replacement taken apart.
pub(super) struct Template<'t>(Vec<Part<'t>>);

enum Part<'t> {
    Text(&'t str),
    Group(usize),
}

impl<'t> Template<'t> {
    /// Takes a replacement apart; groups that the pattern does not have are errors.
    pub fn new<'v>(cx: &mut Cx<'v>, text: &'t str, engine: &Engine) -> Result<Template<'t>, Fault<'v>> {
        cx.work(text.len() / 16)?;
        cx.reserve(text.len().saturating_mul(size_of::<Part<'_>>()))?;
        take_apart(text, engine).map(Template).map_err(|at| {
            let position = text[..at].chars().count();
            let message = format!("the pattern has no such group as at position {position}");
            fault(cx, &message, position)
        })
    }

    /// The text, if it mentions no group.
    pub fn plain(&self) -> Option<&'t str> {
        match *self.0 {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What to put in place of a match, in pieces.
    pub fn parts<'c>(&self, captures: &'c Captures<'c>) -> impl Iterator<Item = &'c str>
    where
        't: 'c,
    {
        self.0.iter().map(move |part| match *part {
            Part::Text(text) => text,
            Part::Group(number) => captures.get(number).unwrap_or(""),
        })
    }
}

/// The parts, or the offset of a group that there is not.
fn take_apart<'t>(text: &'t str, engine: &Engine) -> Result<Vec<Part<'t>>, usize> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('$') {
        let dollar = at + found;
        let rest = &text[dollar + 1..];
        let (name, length) = match rest.bytes().next() {
            Some(b'$') => {
                parts.push(Part::Text(&text[start..=dollar]));
                start = dollar + 2;
                at = start;
                continue;
            }
            Some(b'{') => match rest.find('}') {
                Some(end) => (&rest[1..end], end + 1),
                None => return Err(dollar),
            },
            Some(b'0'..=b'9') => leading(rest, |b| b.is_ascii_digit()),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => leading(rest, |b| b.is_ascii_alphanumeric() || b == b'_'),
            _ => {
                at = dollar + 1;
                continue;
            }
        };
        let number = match name.parse() {
            Ok(number) => Some(number).filter(|&number: &usize| number < engine.names().count()),
            Err(_) => engine.names().position(|group| group == Some(name)),
        };
        parts.push(Part::Text(&text[start..dollar]));
        parts.push(Part::Group(number.ok_or(dollar)?));
        at = dollar + 1 + length;
        start = at;
    }
    parts.push(Part::Text(&text[start..]));
    Ok(parts)
}

/// The bytes at the beginning that are of a sort, and how many they are.
fn leading(text: &str, sort: impl Fn(u8) -> bool) -> (&str, usize) {
    let length = text.bytes().take_while(|&byte| sort(byte)).count();
    (&text[..length], length)
}
