//! Code objects: the portable, canonical, hashed form of a function.

pub mod op;
pub mod object;
mod special;
pub mod effects;
mod flow;
mod tables;
pub mod check;
mod bytes;
mod liveness;
mod holds;
mod listing;

pub use crate::hash::CodeHash;
pub use bytes::{DecodeError, children_of};
pub use check::{CheckError, CheckErrorKind, MAX_METHODS};
pub use holds::Held;
pub use listing::{Step, listing, steps};
pub use object::{
    Body, ClosureSite, Code, Constant, Debug, EDITION, FreeKind, Handler, Local, MethodSite, OwnDebug, Position,
    Source, TypeSite,
};
pub use op::{Field, Flow, Holds, Op, Outcome, Role, Sure, Word};
pub use special::Special;
