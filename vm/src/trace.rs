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

/// Where the files of the library stand.
const LIBRARY: &str = "std/";

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
    /// Whether it is in a part of the library that is written in the language.
    pub fn is_in_library(&self) -> bool {
        self.code.debug().is_some_and(|debug| debug.file.starts_with(LIBRARY))
    }

    /// The function as programs call it, if it is one of the library: `list.map`, `regex.replace`, `print`.
    pub fn library_name(&self) -> Option<String> {
        let debug = self.code.debug()?;
        let module = debug.file.strip_prefix(LIBRARY)?.strip_suffix(".qp")?;
        if let ("list" | "map" | "set" | "range" | "core", Some(fallback)) = (module, debug.name.strip_prefix('_')) {
            // It takes over from a native of this name.
            let method = fallback.strip_prefix(module).and_then(|rest| rest.strip_prefix('_'));
            return Some(method.map_or(fallback.to_owned(), |method| format!("{module}.{method}")));
        }
        Some(match debug.name.split_once("__") {
            Some((of, method)) => format!("{of}.{method}"),
            None => format!("{module}.{}", debug.name),
        })
    }

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

    /// The calls that are kept, innermost first. Those within the library are left out, unless there are no others.
    pub fn lines(&self) -> impl Iterator<Item = TraceLine> {
        let entries = || self.inner.iter().chain(&self.outer);
        let is_of_program = !self.elsewhere.is_empty() || entries().any(|entry| !entry.is_in_library());
        let shown = entries().filter(move |entry| !is_of_program || !entry.is_in_library());
        self.elsewhere.iter().cloned().chain(shown.map(TraceEntry::line))
    }

    /// The function of the library that the program has called, if that is under way: what it calls itself is not meant.
    pub fn library_function(&self) -> Option<String> {
        self.inner.iter().take_while(|entry| entry.is_in_library()).last()?.library_name()
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
