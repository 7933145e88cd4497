//! Where an error was thrown: the calls under way, innermost first.

use std::sync::Arc;

use quipu_code::Code;

/// A call that was under way.
#[derive(Clone, Debug)]
pub struct TraceEntry {
    /// The function.
    pub code: Code,
    /// The instruction that was running in it.
    pub pc: u32,
}

/// The calls under way when an error was thrown. Long ones keep only both ends.
#[derive(Clone, Default, Debug)]
pub struct Trace {
    /// Calls that were under way outside of this machine, innermost first; all others are around them.
    pub elsewhere: Vec<TraceLine>,
    /// The innermost calls, innermost first.
    pub inner: Vec<TraceEntry>,
    /// How many calls are left out.
    pub omitted: usize,
    /// The outermost calls, going outwards.
    pub outer: Vec<TraceEntry>,
}

/// A call as people see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceLine {
    /// The function's name.
    pub function: String,
    /// Its file.
    pub file: Arc<str>,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
    /// The bytes of the source that were running.
    pub span: quipu_code::span::Span,
    /// Where it ran if not in this machine, in words.
    pub place: Option<Arc<str>>,
}

impl TraceEntry {
    /// What debug information says about it.
    pub fn line(&self) -> TraceLine {
        let debug = self.code.debug();
        let position = debug.and_then(|debug| debug.position(self.pc));
        TraceLine {
            function: debug.map_or_else(|| format!("<{}>", self.code.hash().short()), |d| d.name.clone()),
            file: debug.map_or_else(|| Arc::from("<unknown>"), |debug| debug.file.clone()),
            line: position.map_or(0, |position| position.line),
            span: position.map_or_else(Default::default, |position| position.span),
            place: None,
        }
    }
}

impl Trace {
    /// How many calls are kept at the inner and the outer end each.
    pub const KEPT: usize = 32;

    /// Every call that is kept, innermost first.
    pub fn lines(&self) -> impl Iterator<Item = TraceLine> {
        self.elsewhere.iter().cloned().chain(self.inner.iter().chain(&self.outer).map(TraceEntry::line))
    }

    /// Bytes that it takes, itself included; the code is others'.
    pub(crate) fn owned_bytes(&self) -> usize {
        let line = |line: &TraceLine| size_of::<TraceLine>() + line.function.capacity();
        size_of::<Trace>()
            + (self.inner.capacity() + self.outer.capacity()) * size_of::<TraceEntry>()
            + self.elsewhere.iter().map(line).sum::<usize>()
    }

    /// Whether nothing is known yet of the calls in this machine.
    pub(crate) fn is_from_elsewhere(&self) -> bool {
        self.inner.is_empty()
    }
}
