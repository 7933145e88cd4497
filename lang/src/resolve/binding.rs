//! What the resolver finds out: bindings, places of names, and each function's free variables.

use quipu_code::FreeKind;
use quipu_code::span::Span;

use crate::ast::Ident;
use crate::resolve::interface::Arity;
use crate::resolve::symbol::Symbol;

/// Index of a binding in [`Resolution::bindings`](super::Resolution).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BindingId(pub u32);

impl BindingId {
    /// Marks the end of a chain of shadowed bindings.
    pub(super) const NONE: BindingId = BindingId(u32::MAX);
}

/// Index of a function in [`Resolution::functions`](super::Resolution); the file itself is number 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FunctionId(pub u32);

impl FunctionId {
    /// The file's top level.
    pub const MAIN: FunctionId = FunctionId(0);
    /// Where imported values come from, and the variables around a text; it is around the file.
    pub const OUTSIDE: FunctionId = FunctionId(u32::MAX);
}

/// How a name came to be bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BindingKind {
    /// By `let`.
    Let,
    /// By `var`: the only kind that can be assigned.
    Var,
    /// By an `fn` declaration.
    Fn,
    /// By a `type` declaration.
    Type,
    /// As a parameter, or as a field in the defaults of later fields.
    Parameter,
    /// By `for`.
    Loop,
    /// By `catch`.
    Catch,
    /// By an arm of a `match`.
    Arm,
    /// The running function, inside an `fn` declaration of this name.
    Running,
    /// The running type, inside a `type` declaration of this name.
    Owner,
    /// By `import`: the module of that import statement.
    Module(u32),
    /// By `import`: one export of the module of that import statement.
    Member {
        /// Number of the import statement.
        import: u32,
        /// Index in the module's interface.
        export: u32,
    },
    /// The value itself of an import statement's export, outside the file.
    Imported {
        /// Number of the import statement.
        import: u32,
        /// The slot that the export stands in.
        slot: u32,
    },
}

/// One thing that a name stands for.
#[derive(Debug)]
pub struct Binding<'s> {
    /// The name where it is bound.
    pub name: Ident<'s>,
    /// How it was bound.
    pub kind: BindingKind,
    /// The function whose frame holds it.
    pub function: FunctionId,
    /// Whether a closure reaches it through a cell.
    pub in_cell: bool,
    /// Whether some closure's text begins before it is declared: its cell is made where its block begins.
    pub forward: bool,
    /// How many arguments it takes, where it is known to be a function.
    pub arity: Option<Arity>,
    /// The text in which the name is visible, the part before the declaration included.
    pub scope: Span,
    pub(super) symbol: Symbol,
    pub(super) shadowed: BindingId,
    pub(super) list: u32,
    pub(super) last_capture: (FunctionId, u16),
}

/// Where a function finds what a name means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In its own frame.
    Local(BindingId),
    /// Among its free variables.
    Free(u16, FreeKind),
    /// It is the running function.
    Running,
    /// It is the type whose method or constructor runs.
    Owner,
    /// The host provides it.
    Native(Symbol),
    /// Nowhere; an error has been reported.
    Unknown,
}

/// What a mention of a name means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Use {
    /// Where the value is found.
    pub place: Place,
    /// Whether the name is a module's, so that the member behind it has been looked up with it.
    pub with_member: bool,
}

/// A free variable of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capture {
    /// What is captured.
    pub binding: BindingId,
    /// As a value or through a cell.
    pub kind: FreeKind,
    /// Its index among the free variables of the function around; None if it belongs to that one's frame.
    pub outer: Option<u16>,
}

/// What the resolver knows of a function.
#[derive(Debug)]
pub struct FunctionInfo {
    /// The function around it.
    pub parent: FunctionId,
    /// The type whose constructor or method it is, as its methods see it.
    pub owner: Option<BindingId>,
    /// The free variables, in order of first mention in the text.
    pub free: Vec<Capture>,
}
