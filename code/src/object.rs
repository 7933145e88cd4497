//! The code object: what a function is when it is stored, hashed and sent.

use std::sync::{Arc, OnceLock};

use crate::facts::{Holdings, Liveness};
use crate::hash::CodeHash;
use crate::op::{Holds, Op, Word};
use crate::span::Span;

/// The latest edition of instructions and canonical bytes. A code object is of the lowest that has all its instructions, so
/// that a new one changes no hash of what was there.
pub const EDITION: u32 = 2;

/// How a free variable reaches its function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FreeKind {
    /// The value itself.
    Value,
    /// A cell shared with all closures over the variable.
    Cell,
}

/// A constant of a code object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Constant {
    /// An integer that does not fit an instruction.
    Int(i64),
    /// A float by its bits, so that every NaN and both zeros are themselves.
    Float(u64),
    /// Text; also every name that instructions mention.
    Str(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
}

/// Where the maker of a closure finds one of the closure's free variables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CaptureSource {
    /// In a register: a value, or a cell, as the child's free-variable list says.
    Register(u16),
    /// Among the maker's own free variables, of the same kind.
    Free(u16),
    /// It is the running function itself; always a value.
    Running,
    /// It is the type whose method or constructor runs; always a value.
    Owner,
}

/// A place where a closure is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClosureSite {
    /// Index of the child code object.
    pub child: u32,
    /// One source for each free variable of the child, in the child's order.
    pub sources: Vec<CaptureSource>,
    /// Debug information of the function made here, where it differs from that of the child.
    pub own_debug: OwnDebug,
}

/// Debug information of one of several functions that share a code object. It is neither hashed nor stored nor
/// compared: two functions with the same code are the same code object, but in the process that compiled them each
/// keeps its own name and lines.
#[derive(Clone, Default)]
pub struct OwnDebug(pub Option<Arc<Debug>>);

impl PartialEq for OwnDebug {
    fn eq(&self, _: &OwnDebug) -> bool {
        true
    }
}

impl Eq for OwnDebug {}

impl std::fmt::Debug for OwnDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_ref().map_or("-", |debug| &debug.name))
    }
}

/// A place where a type is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeSite {
    /// Index of the string constant that is the type's name.
    pub name: u32,
    /// Indexes of the string constants that are the field names, in order.
    pub fields: Vec<u32>,
    /// The constructor: its parameters are the fields, its defaults the fields' defaults; it ends in `MakeInstance`.
    pub constructor: ClosureSite,
    /// The methods in order of the text.
    pub methods: Vec<MethodSite>,
}

/// A method of a type site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MethodSite {
    /// Index of the string constant that is the method's name.
    pub name: u32,
    /// Whether its first parameter is `self`.
    pub instance: bool,
    /// Its code and free variables.
    pub closure: ClosureSite,
}

/// A range of instructions whose errors are caught.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handler {
    /// First instruction that is covered.
    pub start: u32,
    /// The instruction after the last one that is covered.
    pub end: u32,
    /// Where to go on; not inside the range.
    pub target: u32,
    /// The register that takes the thrown value, or `absent` where it sees the end of a fiber.
    pub register: u16,
}

/// The content of a code object, before it is checked.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Body {
    /// Number of parameters that must be given.
    pub required: u8,
    /// Number of parameters after those that have defaults; a missing one arrives as `absent`.
    pub optional: u8,
    /// Whether one more parameter takes the remaining arguments as a list.
    pub rest: bool,
    /// Number of registers; parameters come first.
    pub registers: u16,
    /// Kinds of the free variables, in order of first mention.
    pub free: Vec<FreeKind>,
    /// Constants in order of first use, each once.
    pub constants: Vec<Constant>,
    /// Code objects of the functions made here, in order of first use; equal code once.
    pub children: Vec<Code>,
    /// Places where closures are made, in order of their instructions.
    pub closures: Vec<ClosureSite>,
    /// Places where types are made, in order of their instructions.
    pub types: Vec<TypeSite>,
    /// The instructions.
    pub words: Vec<Word>,
    /// Handlers, inner ones before the ones around them: by rising `end`, then by falling `start`.
    pub handlers: Vec<Handler>,
}

impl Body {
    /// The code of the closures made at a site, with the debug information of the function that stands there.
    pub fn code_at(&self, site: &ClosureSite) -> Option<Code> {
        let mut code = self.children.get(site.child as usize)?.clone();
        if let Some(debug) = &site.own_debug.0 {
            code.debug = Some(debug.clone());
        }
        Some(code)
    }

    /// Whether a handler sees the ends of fibers, and not only what is thrown.
    pub fn sees_ends(&self, handler: &Handler) -> bool {
        self.words.get(handler.target as usize).and_then(|word| word.op()).is_some_and(Op::sees_ends)
    }

    /// What a handler leaves in its register.
    pub fn handled(&self, handler: &Handler) -> Holds {
        if self.sees_ends(handler) { Holds::Perhaps } else { Holds::Value }
    }

    /// The lowest edition that has all instructions.
    pub(crate) fn edition(&self) -> u32 {
        self.words.iter().filter_map(|word| word.op()).map(Op::edition).max().unwrap_or(1)
    }

    /// Number of parameters of all kinds.
    pub fn params(&self) -> u16 {
        self.required as u16 + self.optional as u16 + self.rest as u16
    }
}

/// What people want to know about a code object and no hash covers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Debug {
    /// The function's own name; `<main>` for a file, `<closure>` for a function without one.
    pub name: String,
    /// Name of the source file.
    pub file: Arc<str>,
    /// Where the function stands in its file.
    pub span: Span,
    /// The function's first line, from 1.
    pub line: u32,
    /// The `##` comment before it.
    pub doc: Option<String>,
    /// Names of the parameters, in order.
    pub params: Vec<String>,
    /// Names of the free variables, in order.
    pub free: Vec<String>,
    /// Positions of instructions: each holds from its `pc` to the next one's. Sorted by `pc`.
    pub positions: Vec<Position>,
    /// Named registers.
    pub locals: Vec<Local>,
}

/// Where the instructions from `pc` on come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// The first instruction it holds for.
    pub pc: u32,
    /// Bytes of the source.
    pub span: Span,
    /// Line of the first byte, from 1.
    pub line: u32,
}

/// The name of a register over a range of instructions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Local {
    /// The name in the source.
    pub name: String,
    /// The register.
    pub register: u16,
    /// First instruction for which it holds.
    pub start: u32,
    /// The instruction after the last one.
    pub end: u32,
}

impl Debug {
    /// The position of an instruction.
    pub fn position(&self, pc: u32) -> Option<Position> {
        let after = self.positions.partition_point(|p| p.pc <= pc);
        self.positions.get(after.checked_sub(1)?).copied()
    }
}

/// A checked code object with its hash. Cheap to clone.
///
/// The only ways to one are [`Code::check`] (used by the compiler) and the decoder, which calls it too.
#[derive(Clone)]
pub struct Code {
    pub(super) checked: Arc<Checked>,
    pub(super) debug: Option<Arc<Debug>>,
}

pub(super) struct Checked {
    pub(super) hash: CodeHash,
    pub(super) body: Body,
    pub(super) uses_owner: bool,
    /// Whether it has the instruction that only constructors may have.
    pub(super) makes_instance: bool,
    /// Levels of code objects, itself included.
    pub(super) depth: u16,
    /// Which free variables it writes, itself or in functions that it makes.
    pub(super) written: Box<[bool]>,
    pub(super) liveness: OnceLock<Liveness>,
    /// None where all registers hold values.
    pub(super) holdings: OnceLock<Option<Holdings>>,
}

impl Code {
    /// The content hash; computed when the code object was made.
    pub fn hash(&self) -> CodeHash {
        self.checked.hash
    }

    /// The lowest edition that has all its instructions.
    pub fn edition(&self) -> u32 {
        self.body().edition()
    }

    /// The checked content.
    pub fn body(&self) -> &Body {
        &self.checked.body
    }

    /// Whether it refers to the type it belongs to, so that it can only be a method or constructor.
    pub fn uses_owner(&self) -> bool {
        self.checked.uses_owner
    }

    /// Debug information, unless it was stripped.
    pub fn debug(&self) -> Option<&Debug> {
        self.debug.as_deref()
    }

    /// The same code with other debug information; the hash does not change.
    pub fn with_debug(mut self, debug: Option<Debug>) -> Code {
        self.debug = debug.map(Arc::new);
        self
    }

    /// Where its debug information is, which tells functions with equal code apart in one process; 0 if it is stripped.
    pub fn debug_address(&self) -> usize {
        self.debug.as_ref().map_or(0, |debug| Arc::as_ptr(debug) as usize)
    }

    /// The debug information, shared.
    pub fn shared_debug(&self) -> Option<Arc<Debug>> {
        self.debug.clone()
    }

    /// An address that tells code objects in this process apart; never stored or hashed.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.checked) as usize
    }
}

/// Equal content; debug information does not count.
impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        self.checked.hash == other.checked.hash
    }
}

impl Eq for Code {}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Code({:?})", self.checked.hash)
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.op().map_or("?", |op| op.name());
        write!(f, "{name} a={} b={} c={} d={}", self.a(), self.b(), self.c(), self.d())
    }
}
