//! What compiling gives, and what a file asks for before it: a unit, and imports.

use quipu_code::Code;
use quipu_code::span::Span;

use crate::diagnostic::Diagnostic;
use crate::resolve::Interface;

/// A compiled source file.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The top level, a function without parameters. Its free variables are `imports`. It returns a tuple of the value
    /// of the last statement and of all exports.
    pub main: Code,
    /// What the file gives to those who import it.
    pub interface: Interface,
    /// Where the values of main's free variables come from, in order.
    pub imports: Vec<Imported>,
    /// What is probably a mistake, but runs.
    pub warnings: Vec<Diagnostic>,
}

/// A free variable of a file's top level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Imported {
    /// What another module exports.
    Export {
        /// Number of the import statement, in the order of the source.
        import: u32,
        /// Which of its module's exported slots.
        slot: u32,
    },
    /// The variable with this number among those around the text.
    Outer(u32),
}

/// An import statement, as the loader needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportRequest {
    /// A standard module's name or a relative path.
    pub module: String,
    /// Whether it is a path.
    pub is_path: bool,
    /// Where it stands.
    pub span: Span,
}
