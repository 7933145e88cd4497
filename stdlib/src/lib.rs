//! Quipu's built-in functions, methods and standard modules: natives in Rust, and library functions in the language
//! itself, so that callbacks may yield. Each file declares its natives in one table; what is not granted by the host
//! is not in the library.

#![warn(clippy::missing_errors_doc)]
#![cfg_attr(
    not(all(feature = "fs", feature = "os", feature = "io", feature = "time", feature = "regex")),
    allow(dead_code, reason = "what modules share stays when some of them are left out")
)]

mod foreign;
mod streams;
mod dial;
mod compile;
mod grant;
mod entry;
mod args;
mod items;
mod charge;
mod text;
mod order;
mod core;
mod format;
mod str;
mod bytes;
mod tuple;
mod range;
mod list;
mod map;
mod set;
mod function;
mod fiber;
mod math;
mod json;
mod random;
#[cfg(feature = "regex")]
mod regex;
mod pack;
mod hex;
mod base64;
#[cfg(feature = "csv")]
mod csv;
mod disk;
#[cfg(feature = "fs")]
mod fs;
#[cfg(feature = "fs")]
mod path;
#[cfg(feature = "os")]
mod process;
#[cfg(feature = "os")]
mod os;
#[cfg(feature = "io")]
mod io;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "net")]
mod actor;
mod image;
mod code;
#[cfg(test)]
mod files;
mod source;
mod module;
mod library;
mod edition;
pub mod manual;

pub use compile::{Compile, CompiledText, Finding};
pub use dial::{Connection, Dial, Endpoint, RemoteCall, Trouble};
pub use disk::{open_file, without_path, write_whole};
pub use edition::{EngineEdition, engine_edition};
pub use grant::{Capabilities, Capability, Grant, Streams};
pub use library::{Lacking, Names, Refusal, is_provided, lacking, library, names, refusal};
pub use module::{StdModule, module, modules};
