//! Code objects: the portable, canonical, hashed form of a function.

pub mod op;
mod facts;
pub mod object;
mod special;
mod error;
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
pub use listing::{Listed, listing, steps};
pub use object::{
    Body, CaptureSource, ClosureSite, Code, Constant, Debug, EDITION, FreeKind, Handler, Local, MethodSite, OwnDebug,
    Position, TypeSite,
};
pub use op::{Field, Flow, Holds, Op, Outcome, Role, Sure, Word};
pub use special::Special;
