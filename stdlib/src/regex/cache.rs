//! Compiled patterns: a machine keeps those it used last.

use quipu_vm::heap::Str;
use quipu_vm::{Cx, Fault};
use regex_syntax::ast::Span;
use regex_syntax::hir::Hir;

use super::engine::{Engine, LARGEST, Weight};
use super::error::uncompiled;

/// How many patterns a machine keeps.
const MOST: usize = 32;

/// Bytes that the patterns may take that a machine keeps, whatever the limit of its heap.
const LEAST_KEPT: usize = 1 << 20;

/// The most bytes that they may take.
const MOST_KEPT: usize = 8 << 20;

/// Bytes that a pattern may have.
const LONGEST: usize = 1 << 18;

/// Bytes that a byte of a pattern takes while it is read.
const READ: usize = 240;

/// How deep groups may nest.
const DEEPEST: u32 = 200;

/// The patterns of one machine, the one used last at the end.
#[derive(Default)]
struct Cache {
    known: Vec<Known>,
    /// Bytes that they take together.
    bytes: usize,
}

/// A pattern that is compiled.
pub(super) struct Known {
    pattern: Box<str>,
    /// What each use costs.
    price: usize,
    /// Bytes that it took when it was kept.
    bytes: usize,
    pub engine: Box<Engine>,
}

/// The compiled form of a pattern, which is taken out of what the machine keeps.
pub(super) fn compiled<'v>(cx: &mut Cx<'v>, pattern: Str<'v>) -> Result<Known, Fault<'v>> {
    let pattern = pattern.as_str();
    // Charged for every use: what a program costs must not depend on what the cache holds.
    cx.work(16 + pattern.len().saturating_mul(4))?;
    let cache = cx.extension::<Cache>();
    if let Some(place) = cache.known.iter().rposition(|known| *known.pattern == *pattern) {
        let known = cache.known.remove(place);
        cache.bytes -= known.bytes;
        cx.work(known.price)?;
        return Ok(known);
    }
    if pattern.len() > LONGEST {
        let message = format!("a pattern has at most {LONGEST} bytes, got {}", pattern.len());
        return Err(uncompiled(cx, &message, None));
    }
    cx.reserve(pattern.len() * READ)?;
    let wrong = |cx: &mut Cx<'v>, (what, position): Wrong| {
        let place = position.map_or(String::new(), |position| format!(" at position {position}"));
        uncompiled(cx, &format!("{what}{place}"), position)
    };
    let form = read(pattern).map_err(|what| wrong(cx, what))?;
    let weight = Weight::of(&form);
    // Compiling ends where an automaton gets too large. There are two, which are made one after the other.
    let bytes = weight.bytes.min(LARGEST);
    let price = bytes / PRICE;
    cx.work(price)?;
    cx.reserve(pattern.len() * READ + 3 * bytes)?;
    let engine = compile(&form, &weight).map_err(|what| wrong(cx, what))?;
    cx.waiting()?;
    Ok(Known { pattern: pattern.into(), price, bytes: 0, engine: Box::new(engine) })
}

/// Bytes that are compiled for a unit of fuel.
const PRICE: usize = 12;

impl Known {
    /// Keeps the pattern for the next use, in place of those not used for the longest time.
    pub(super) fn keep(mut self, cx: &mut Cx<'_>) {
        let most = (cx.heap_limit() / 16).clamp(LEAST_KEPT, MOST_KEPT);
        self.engine.rest();
        let cache = cx.extension::<Cache>();
        self.bytes = self.engine.bytes() + self.pattern.len();
        cache.bytes += self.bytes;
        cache.known.push(self);
        while cache.bytes > most || cache.known.len() > MOST {
            cache.bytes -= cache.known.remove(0).bytes;
        }
    }
}

/// What is wrong with a pattern, and at which code point.
type Wrong = (String, Option<usize>);

/// Reads a pattern.
fn read(pattern: &str) -> Result<Hir, Wrong> {
    let mut parser = regex_syntax::ParserBuilder::new();
    parser.nest_limit(DEEPEST).build().parse(pattern).map_err(|error| {
        let at = |span: &Span| Some(pattern[..span.start.offset].chars().count());
        match &error {
            regex_syntax::Error::Parse(error) => (error.kind().to_string(), at(error.span())),
            regex_syntax::Error::Translate(error) => (error.kind().to_string(), at(error.span())),
            _ => (error.to_string(), None),
        }
    })
}

fn compile(form: &Hir, weight: &Weight) -> Result<Engine, Wrong> {
    Engine::new(form, weight).map_err(|error| match error.size_limit() {
        Some(_) => ("the pattern takes too much memory when it is compiled".into(), None),
        None => (error.to_string(), None),
    })
}

#[cfg(test)]
mod tests {
    use super::{DEEPEST, Weight, Wrong, compile, read};

    #[test]
    fn mistakes_have_a_position() {
        let compiled = |pattern: &str| -> Result<(), Wrong> {
            let form = read(pattern)?;
            compile(&form, &Weight::of(&form)).map(drop)
        };
        let position = |pattern: &str| compiled(pattern).err().map(|(_, position)| position);
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
