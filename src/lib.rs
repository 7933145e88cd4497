//! Quipu: a bytecode VM with a small language whose closures can be hashed, stored and sent.
//!
//! ```no_run
//! use quipu::{Engine, Input};
//!
//! let engine = Engine::new();
//! let mut session = engine.session(Default::default())?;
//! let value = session.run(&Input::text("<sum>", "[1, 2, 3].sum()"))?;
//! assert_eq!(session.vm().repr(&value)?, "6");
//! # Ok::<(), quipu::Error>(())
//! ```

pub mod load;
pub mod error;
pub mod engine;
pub mod builder;
#[cfg(feature = "report")]
pub mod report;

pub use builder::{BuildError, Builder};
pub use engine::{Engine, Ran, Session};
pub use error::Error;
pub use load::Input;
#[cfg(feature = "actor")]
pub use quipu_actor as actor;
pub use quipu_lang as lang;
pub use quipu_stdlib as stdlib;
pub use quipu_stdlib::{Capabilities, Capability};
pub use quipu_vm as vm;
pub use quipu_vm::host::{Class, Func, Host, HostType, Ref, RefMut};
pub use quipu_vm::{
    Budget, Cx, ErrorKind, Failure, Image, Interrupt, Limits, Root, Run, Scope, Step, Stop, Value, View, Vm,
};

/// The traits whose methods hosts call: `use quipu::prelude::*`.
pub mod prelude {
    pub use quipu_vm::host::{FromValue, Host, HostType, IntoValue};
}

/// The Rust code in the README and the book, which the tests compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/images.md")]
#[doc = include_str!("../docs/embedding.md")]
#[doc = include_str!("../docs/profiling.md")]
pub struct Book;
