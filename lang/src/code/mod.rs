//! Code objects: the portable, canonical, hashed form of a function.

pub mod op;
pub mod object;
pub mod effects;
mod flow;
mod tables;
pub mod check;
mod bytes;
mod liveness;
mod listing;

pub use bytes::{DecodeError, children_of};
pub use check::{CheckError, CheckErrorKind};
pub use listing::{Step, listing, steps};
pub use object::{
    Body, ClosureSite, Code, CodeHash, Constant, Debug, EDITION, FreeKind, Handler, Local, MethodSite, OwnDebug,
    Position, Source, TypeSite,
};
pub use op::{Field, Op, Role, Word};
