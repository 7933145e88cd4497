//! What can be wrong with the bytes of a graph.

use std::fmt;

use quipu_code::canonical::CanonicalError;

/// A rule that the bytes of a graph break, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GraphError {
    /// The byte in the graph at which the broken part begins.
    pub at: usize,
    /// The rule.
    pub rule: Rule,
}

/// The rules for the bytes of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum Rule {
    /// A number, text or length.
    Bytes(CanonicalError),
    /// There is no reference or state with this number.
    Unknown { what: &'static str, number: u8 },
    /// A number that nothing before has.
    Nothing { what: &'static str, number: u64 },
    /// There is a shorter way to write it, or a required one.
    Form(&'static str),
    /// Something that stands there already.
    Repeated(&'static str),
    /// The graph says that there are so many, and there are others.
    Counts(&'static str),
    /// Something else is expected here.
    Expected { what: &'static str, found: &'static str },
    /// A function has another number of captures than its code takes.
    Captures { taken: usize, found: u64 },
    /// A function that makes use of its type belongs to none, or one belongs to a type it makes no use of.
    Owner,
    /// The constructor does not make instances with the fields of its type.
    Constructor,
    /// A method makes an instance as only constructors do, or takes no `self` although it is one of instances.
    Method,
    /// A type has two members with one name.
    Members,
    /// The instruction of a frame is none that waits.
    Waiting { at: u64 },
    /// The result of a frame goes elsewhere than its caller wants.
    Result,
    /// A frame has another number of registers than its code needs there.
    Registers { needed: usize, found: u64 },
    /// The place of a loop is in no table that stands before it.
    Place,
    /// The registers of a loop hold no iterator.
    Iterator,
    /// A stopped fiber and the one that waits for it do not agree, or none of them is the outermost.
    Run,
    /// The step of a range is 0.
    Step,
    /// A value that cannot be a key, or is not filed as its type wants it.
    Key,
    /// Two keys of one map or set are equal.
    EqualKeys,
    /// What the host provides under the name is no function or type of that name.
    NotProvided,
    /// There is no more memory within the limits of the machine.
    Memory,
}

impl From<CanonicalError> for Rule {
    fn from(error: CanonicalError) -> Rule {
        Rule::Bytes(error)
    }
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {} of the graph)", self.rule, self.at)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Bytes(error) => error.fmt(f),
            Rule::Unknown { what, number } => write!(f, "there is no {what} number {number}"),
            Rule::Nothing { what, number } => write!(f, "it refers to {what} {number}, which does not come before it"),
            Rule::Form(what) => write!(f, "{what} is not in its canonical form"),
            Rule::Repeated(what) => write!(f, "the same {what} is there twice"),
            Rule::Counts(what) => write!(f, "the number of {what} is wrong"),
            Rule::Expected { what, found } => write!(f, "{what} is expected, not {found}"),
            Rule::Captures { taken, found } => {
                write!(f, "a function with {found} captured variables has code that takes {taken}")
            }
            Rule::Owner => f.write_str("a function belongs to a type if and only if it makes use of it"),
            Rule::Constructor => f.write_str("a constructor does not fit its type"),
            Rule::Method => f.write_str("a method's code is that of no method"),
            Rule::Members => f.write_str("two members of a type have one name"),
            Rule::Waiting { at } => write!(f, "instruction {at} of a frame's code is none that waits"),
            Rule::Result => f.write_str("the result of a frame goes elsewhere than its caller wants"),
            Rule::Registers { needed, found } => write!(f, "a frame has {found} registers, but needs {needed}"),
            Rule::Place => f.write_str("a place in a map or set stands without its map or set"),
            Rule::Iterator => f.write_str("the registers of a loop hold no iterator"),
            Rule::Run => f.write_str("the fibers of a stopped run do not wait for one another in a row"),
            Rule::Step => f.write_str("the step of a range is 0"),
            Rule::Key => f.write_str("a key of a map or set is none, or not filed as it should"),
            Rule::EqualKeys => f.write_str("two keys of a map or set are equal"),
            Rule::NotProvided => f.write_str("what the host provides is no function or type of that name"),
            Rule::Memory => f.write_str("the machine's memory limit is too low for it"),
        }
    }
}

impl std::error::Error for GraphError {}
