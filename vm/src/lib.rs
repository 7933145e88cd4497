//! Quipu's machine: values, heap, frames, fibers and the run loop. It knows code objects, not source text, and neither
//! files nor clocks: what touches the outside is a native that the host grants, and the time is what its host's clock says.

#![warn(clippy::missing_errors_doc)]

pub mod clock;
mod secret;
pub mod error;
pub mod trace;
pub mod watch;
mod door;
mod root;
#[allow(unsafe_code)]
pub mod heap;
pub mod native;
mod class;
pub mod library;
#[allow(unsafe_code)]
mod machine;
pub mod cx;
pub mod ops;
#[allow(unsafe_code)]
pub(crate) mod run;
pub mod graph;
pub mod image;
pub mod failure;
pub mod vm;
pub mod bounds;
pub mod steps;
pub mod host;

pub use clock::{Clock, Moment};
pub use cx::Cx;
pub use error::ErrorKind;
pub use failure::{Failure, Uncaught};
pub use heap::{Value, View};
pub use host::Scope;
pub use image::Image;
pub use machine::Limits;
pub use native::{Fault, NativeDef, NativeFn, NativeRun, Outcome, Stop};
pub use root::Root;
pub use run::step::Budget;
pub use steps::{Run, Step};
pub use vm::{FunctionInfo, Interrupt, Stats, Vm};
pub use watch::{Watch, Watched};
