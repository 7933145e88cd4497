//! Quipu: a bytecode VM with a small language whose closures can be hashed, stored and sent.
//!
//! ```
//! use quipu::prelude::*;
//! use quipu::{Engine, Error, Func, Input, Limits};
//!
//! fn main() -> Result<(), Error> {
//!     let engine = Engine::builder().native("double", |x: i64| 2 * x).build()?;
//!     let mut session = engine.session(Limits::default())?;
//!     let add = session.run(&Input::text("add.qp", "|x, y| double(x) + y"))?;
//!     let add: Func<(i64, i64), i64> = session.get(&add)?;
//!     assert_eq!(add.call(&mut session, (3, 4))?, 10);
//!     Ok(())
//! }
//! ```
//!
//! # The first hour
//!
//! An [`Engine`] is what programs can rely on, put together by a [`Builder`], and shared by threads. A [`Session`] is one
//! machine with the modules it has run. An [`Input`] is a program: a file, or a text. Whatever does not work is an
//! [`Error`], one line when it is shown; [`Session::report`] shows the lines of the program. `use quipu::prelude::*` brings
//! the traits.
//!
//! # Values
//!
//! A [`Root`] is a value that the host holds. [`Host`] has what is done with values, for sessions, machines, scopes and
//! natives: [`make`](Host::make) and [`get`](Host::get) convert, [`invoke`](Host::invoke) calls, [`enter`](Host::enter)
//! looks inside, at [`Value`] and [`View`]. A [`Func`] is a function whose types were said once. [`vm::host::convert`] has
//! the table of Rust types; [`vm::host::ListOf`] and [`vm::host::MapOf`] are containers of the program, [`vm::host::Serde`] is
//! data with derives.
//!
//! # Functions and types of the host
//!
//! [`Builder::native`] takes any function with such types. [`HostType`] and [`Class`] give programs a Rust type with methods
//! and fields; [`Session::scope`] lends them a value for one call; natives take it as [`Ref`] or [`RefMut`]. What belongs to
//! one session stands in its [extensions](Cx::extension). With the feature `async`, natives may have their results later.
//!
//! # Limits
//!
//! [`Limits`] bound a session for its life, and a call by [`Session::with_limits`]; [`Interrupt`] stops it from another
//! thread. A [`Failure`] says why a call gave no value: something thrown, of an [`ErrorKind`], or a [`Stop`].
//! [`Capabilities`] are what programs may reach; there are none unless a builder grants them.
//!
//! # Images
//!
//! An [`Image`] is a value and all it reaches, functions and suspended calls included: [`Vm::image`] makes it, [`Image::dump`]
//! gives its bytes, [`Image::parse`] checks bytes and [`Vm::load`] builds the value anew, in any process.
//!
//! # Steps
//!
//! [`Session::start`] and [`Vm::start`] give a [`Run`], a call that goes on in [`Step`]s, each within a [`Budget`], and can be
//! kept in an image in between.
//!
//! # Actors
//!
//! With the feature `actor`, module `actor` has a server that keeps state which others send functions to, and its clients.
//!
//! The crates below are [`code`](mod@code), code objects; [`lang`], from text to them; [`vm`], the machine; [`stdlib`], what
//! programs find.

#![warn(clippy::missing_errors_doc)]

pub mod load;
pub mod error;
pub mod texts;
mod engine;
pub mod builder;
#[cfg(feature = "report")]
pub mod report;
mod face;

pub use builder::Builder;
pub use engine::{Engine, Evaluation, Session};
pub use error::{BuildError, Error};
pub use face::*;
pub use load::Input;
#[cfg(feature = "actor")]
pub use quipu_actor as actor;
pub use quipu_code as code;
pub use quipu_lang as lang;
pub use quipu_stdlib as stdlib;
/// # Examples
/// ```
/// use quipu::{Capabilities, Capability, Engine, Input};
///
/// // Programs reach nothing outside unless they are granted it, and what is not granted does not compile.
/// let names_files = Input::text("files.qp", "import fs\nfs.exists(\"Cargo.toml\")");
/// assert_eq!(Engine::new().compile(&names_files).unwrap_err().code(), Some("Q0218"));
/// let granted = Capabilities::PURE.with(Capability::Fs);
/// assert!(Engine::builder().capabilities(granted).build()?.compile(&names_files).is_ok());
/// # Ok::<(), quipu::Error>(())
/// ```
pub use quipu_stdlib::{Capabilities, Capability};
pub use quipu_vm as vm;

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
