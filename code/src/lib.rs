//! Quipu's code objects: the portable, canonical, hashed form of a function, and what has to be known to read, check and
//! show it. It knows neither the language they are compiled from nor the machine that runs them.

#![warn(clippy::missing_errors_doc)]

pub mod span;
pub mod canonical;
pub mod hash;
mod closest;
mod plural;
pub mod op;
mod rows;
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

pub use bytes::{DecodeError, children_of};
pub use check::{CheckError, CheckErrorKind, MAX_METHODS};
pub use closest::closest;
pub use hash::CodeHash;
pub use holds::Held;
pub use listing::{Listed, listing, steps};
pub use object::{
    Body, CaptureSource, ClosureSite, Code, Constant, Debug, EDITION, FreeKind, Handler, Local, MethodSite, OwnDebug,
    Position, TypeSite,
};
pub use op::{Field, Flow, Holds, Op, Outcome, Role, Sure, Word};
pub use plural::{counted, plural};
pub use special::Special;
