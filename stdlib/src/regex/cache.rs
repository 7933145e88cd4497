//! Compiled patterns: a machine keeps those it used last.

use quipu_vm::heap::Str;
use quipu_vm::{Cx, Fault};
use regex::{Regex, RegexBuilder};
use regex_syntax::ast::Span;

use super::fault;

/// How many patterns a machine keeps.
const MOST: usize = 32;

/// Bytes that one compiled pattern may take.
const LARGEST: usize = 4 << 20;

/// How deep groups may nest.
const DEEPEST: u32 = 200;

/// The patterns of one machine, the one used last at the end.
#[derive(Default)]
struct Cache(Vec<(Box<str>, Regex)>);

/// The compiled form of a pattern.
pub(super) fn compiled<'v>(cx: &mut Cx<'v>, pattern: Str<'v>) -> Result<Regex, Fault<'v>> {
    let pattern = pattern.as_str();
    // Charged for every use: what a program costs must not depend on what the cache holds.
    cx.work(16 + pattern.len())?;
    let Cache(known) = cx.extension();
    if let Some(place) = known.iter().rposition(|(text, _)| **text == *pattern) {
        known[place..].rotate_left(1);
        if let Some((_, regex)) = known.last() {
            return Ok(regex.clone());
        }
    }
    let regex = compile(pattern).map_err(|(what, position)| {
        let place = position.map_or(String::new(), |position| format!(" at position {position}"));
        fault(cx, &format!("regex.compile: {what}{place}"), position)
    })?;
    let Cache(known) = cx.extension();
    if known.len() >= MOST {
        known.remove(0);
    }
    known.push((pattern.into(), regex.clone()));
    Ok(regex)
}

/// Compiles a pattern, or says what is wrong with it and at which code point.
fn compile(pattern: &str) -> Result<Regex, (String, Option<usize>)> {
    let mut parser = regex_syntax::ParserBuilder::new();
    if let Err(error) = parser.nest_limit(DEEPEST).build().parse(pattern) {
        let at = |span: &Span| Some(pattern[..span.start.offset].chars().count());
        return Err(match &error {
            regex_syntax::Error::Parse(error) => (error.kind().to_string(), at(error.span())),
            regex_syntax::Error::Translate(error) => (error.kind().to_string(), at(error.span())),
            _ => (error.to_string(), None),
        });
    }
    let mut builder = RegexBuilder::new(pattern);
    match builder.nest_limit(DEEPEST).size_limit(LARGEST).dfa_size_limit(LARGEST / 4).build() {
        Ok(regex) => Ok(regex),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(("the pattern takes too much memory when it is compiled".into(), None))
        }
        Err(error) => Err((error.to_string(), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::{DEEPEST, compile};

    #[test]
    fn mistakes_have_a_position() {
        let position = |pattern: &str| compile(pattern).err().map(|(_, position)| position);
        assert_eq!(position("a(b"), Some(Some(1)));
        assert_eq!(position("ä[b"), Some(Some(1)));
        assert_eq!(position("é*?+**("), Some(Some(6)));
        assert_eq!(position(r"\p{Nothing}"), Some(Some(0)));
        assert_eq!(position("(a{1000}){1000}"), Some(None));
        let deep = "(".repeat(300) + &")".repeat(300);
        assert_eq!(position(&deep).flatten(), Some(DEEPEST as usize));
        assert_eq!(position("(?<year>[0-9]+)"), None);
    }
}
