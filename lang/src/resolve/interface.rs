//! What the resolver must know of the world outside a source: natives of the host, and what modules give.

use quipu_code::counted;
use quipu_code::span::Span;

/// What the compiler must know of the host.
pub trait Natives {
    /// What is known of the native with this name, if there is one.
    fn find(&self, name: &str) -> Option<NativeInfo>;

    /// All names, for suggestions.
    fn names(&self) -> Vec<&str>;

    /// The standard module that has a member of this name, for suggestions.
    fn module_with(&self, _member: &str) -> Option<&str> {
        None
    }

    /// The names of the standard modules, for suggestions.
    fn modules(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// A variable around a text, which the text may mention.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outer<'s> {
    /// Its name.
    pub name: &'s str,
    /// Whether the text may assign to it, so that it reaches it through a cell.
    pub mutable: bool,
    /// How many arguments it takes, where it is known to be a function.
    pub arity: Option<Arity>,
}

/// What is known of a native.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NativeInfo {
    /// None: it is no function, or one that checks its arguments itself.
    pub arity: Option<Arity>,
}

/// How many arguments a function takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Arity {
    /// Arguments that must be given.
    pub required: u8,
    /// Arguments after those that may be left out.
    pub optional: u8,
    /// Whether any number of further arguments may follow.
    pub rest: bool,
}

impl Arity {
    /// Whether a call with this many arguments fits.
    pub fn accepts(self, count: usize) -> bool {
        count >= self.required as usize && (self.rest || count <= self.required as usize + self.optional as usize)
    }
}

/// `2 arguments`, `1 to 3 arguments`, `at least 1 argument`.
impl std::fmt::Display for Arity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let least = self.required as usize;
        let most = least + self.optional as usize;
        if (most, self.rest) == (0, false) {
            return write!(f, "no arguments");
        }
        match (self.rest, least == most) {
            (true, _) => write!(f, "at least {}", counted(least, "argument")),
            (false, true) => write!(f, "{}", counted(least, "argument")),
            (false, false) => write!(f, "{least} to {most} arguments"),
        }
    }
}

/// What a module gives to those who import it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interface {
    /// What it exports, in the order of its text.
    pub exports: Vec<Export>,
}

impl Interface {
    /// Index of the export with this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.exports.iter().position(|export| export.name == name)
    }
}

/// One exported name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// The name.
    pub name: String,
    /// Where its value is found.
    pub kind: ExportKind,
    /// How many arguments it takes, where it is known to be a function.
    pub arity: Option<Arity>,
    /// The `##` comment before it.
    pub doc: Option<String>,
    /// Where the name stands in the module's source.
    pub span: Span,
}

/// Where the value of an export is found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportKind {
    /// Element `slot + 1` of the tuple that the module's main function returns.
    Slot(u32),
    /// It is the native with this name.
    Native(String),
    /// The host does not grant it; this is the capability that it needs.
    Refused(&'static str),
}
