//! The rules of the verifier with their numbers, and what is said when one is broken.

use std::fmt;

use crate::op::{Holds, Role};

/// Most levels of code objects inside one another, so that passes over them may recurse.
pub const MAX_DEPTH: u16 = 255;

/// How many registers a function may have, so that twice a register's number fits an operand.
pub const MAX_REGISTERS: u16 = 32_767;

/// How many instructions a function may have, and entries each of its tables, so that machines can keep distances between
/// them in 32 bits.
pub const MAX_ENTRIES: usize = 1 << 27;

/// How many methods a type may have: machines keep the numbers of special ones, counted from 1, in 16 bits.
pub const MAX_METHODS: usize = u16::MAX as usize - 1;

/// Why a body is not a code object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckError {
    /// The rule that is broken.
    pub kind: CheckErrorKind,
    /// The instruction that breaks it, where it is one.
    pub pc: Option<u32>,
}

/// The rules of the verifier, as they are broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckErrorKind {
    /// There are no instructions.
    Empty,
    /// There are more of something than can be numbered.
    TooLarge(&'static str),
    /// Code objects are nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// There are too many registers and loops together for the checker to follow.
    TooComplex,
    /// The parameters do not fit the registers.
    Parameters,
    /// No instruction has this number.
    UnknownOp(u8),
    /// Bits outside the instruction's operands are set.
    UnusedBits,
    /// A flag is neither 0 nor 1.
    Flag(u32),
    /// Not all of so many registers from the first one on exist.
    Registers {
        /// The first register.
        first: u32,
        /// Their number.
        count: u32,
    },
    /// An operand names an entry that does not exist.
    Index {
        /// What the operand is.
        role: Role,
        /// What it says.
        index: u32,
    },
    /// A name is not a string constant.
    NotText(u32),
    /// The free variable is a cell where a value is wanted, or the other way round.
    FreeKind(u32),
    /// A jump goes outside, or in the wrong direction.
    Jump(u32),
    /// Control would run past the last instruction.
    RunsOff,
    /// No path leads here.
    Unreachable,
    /// A handler's range is empty or outside, or its target is not behind it.
    HandlerRange(u32),
    /// Handlers overlap, repeat or are out of order.
    HandlerOrder(u32),
    /// A tail call stands under a handler, which would be gone when the callee throws.
    TailInHandler,
    /// A register is read that some path leaves unwritten.
    Unassigned(u32),
    /// A register is read that holds something else on some path.
    Holds {
        /// The register.
        register: u32,
        /// What the instruction takes it to hold.
        wanted: Holds,
    },
    /// A table is not in order of first use.
    Order(&'static str),
    /// An entry of a table is there twice.
    Repeated(&'static str),
    /// An entry of a table is never used.
    Unused(&'static str),
    /// The sources are not as many as the child's free variables.
    SourceCount,
    /// A source does not exist or is not of the kind that the child's free variable has.
    Source(u32),
    /// An ordinary closure refers to the type it belongs to, and belongs to none.
    OwnerWithoutType,
    /// A constructor does not take its fields and end in making the instance.
    Constructor,
    /// A method makes an instance in the way that only constructors may.
    MethodConstructs(u32),
    /// An instance method has no parameter for `self`.
    MethodWithoutSelf(u32),
    /// Two members of a type have one name.
    Member(u32),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pc) = self.pc {
            write!(f, "instruction {pc}: ")?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for CheckErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            CheckErrorKind::Empty => write!(f, "there are no instructions"),
            CheckErrorKind::TooLarge(what) => write!(f, "too many {what} in one function"),
            CheckErrorKind::TooDeep => write!(f, "functions are nested more than {MAX_DEPTH} deep"),
            CheckErrorKind::TooComplex => write!(f, "too many variables and loops in one function"),
            CheckErrorKind::Parameters => write!(f, "the parameters need more registers than there are"),
            CheckErrorKind::UnknownOp(number) => write!(f, "no instruction has the number {number:#04x}"),
            CheckErrorKind::UnusedBits => write!(f, "an operand that the instruction does not have is not zero"),
            CheckErrorKind::Flag(value) => write!(f, "a flag must be 0 or 1, not {value}"),
            CheckErrorKind::Registers { first, count: 1 } => write!(f, "there is no register {first}"),
            CheckErrorKind::Registers { first, count } => {
                write!(f, "there are no {count} registers from register {first} on")
            }
            CheckErrorKind::Index { role, index } => write!(f, "there is no {} {index}", table(role)),
            CheckErrorKind::NotText(index) => write!(f, "constant {index} is used as a name and is not a string"),
            CheckErrorKind::FreeKind(index) => {
                write!(f, "free variable {index} is a cell where a value is needed, or a value where a cell is")
            }
            CheckErrorKind::Jump(target) => write!(f, "the jump to {target} goes outside or the wrong way"),
            CheckErrorKind::RunsOff => write!(f, "control runs past the last instruction"),
            CheckErrorKind::Unreachable => write!(f, "no path leads here"),
            CheckErrorKind::HandlerRange(index) => {
                write!(f, "handler {index} covers nothing, reaches outside, or goes on inside or before its range")
            }
            CheckErrorKind::HandlerOrder(index) => {
                write!(f, "handler {index} overlaps or repeats another, or stands out of order")
            }
            CheckErrorKind::TailInHandler => write!(f, "a tail call stands under a handler"),
            CheckErrorKind::Unassigned(register) => {
                write!(f, "register {register} is read, and a path leads here that does not write it")
            }
            CheckErrorKind::Holds { register, wanted } => {
                let wanted = match wanted {
                    Holds::Value => "a value",
                    Holds::Perhaps => "a value or nothing",
                    Holds::Cell => "a cell",
                    Holds::Var => "a cell of a var",
                    Holds::Iterator => "an iterator",
                };
                write!(f, "register {register} is taken to hold {wanted}, and a path leads here on which it does not")
            }
            CheckErrorKind::Order(what) => write!(f, "the {what} are not in order of first use"),
            CheckErrorKind::Repeated(what) => write!(f, "two of the {what} are equal"),
            CheckErrorKind::Unused(what) => write!(f, "some of the {what} are never used"),
            CheckErrorKind::SourceCount => write!(f, "the function made here has another number of free variables"),
            CheckErrorKind::Source(index) => {
                write!(f, "the source of free variable {index} does not exist or is of the other kind")
            }
            CheckErrorKind::OwnerWithoutType => {
                write!(f, "the function made here refers to its type, but is no method of one")
            }
            CheckErrorKind::Constructor => {
                write!(f, "the type's constructor does not take its fields and end in making the instance")
            }
            CheckErrorKind::MethodConstructs(index) => {
                write!(f, "method {index} makes an instance without calling the constructor")
            }
            CheckErrorKind::MethodWithoutSelf(index) => write!(f, "method {index} has no parameter for self"),
            CheckErrorKind::Member(constant) => write!(f, "two members have the name in constant {constant}"),
        }
    }
}

impl std::error::Error for CheckError {}

/// What an operand with this role counts through.
fn table(role: Role) -> &'static str {
    match role {
        Role::Const | Role::Name | Role::Native => "constant",
        Role::FreeValue | Role::FreeCell => "free variable",
        Role::ClosureSite => "closure site",
        Role::TypeSite => "type site",
        _ => "entry",
    }
}
