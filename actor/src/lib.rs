//! Actors: a server that owns state and runs the functions that clients send to it, one at a time and each of them
//! whole or not at all, and the client.
//!
//! ```text
//!   client ──function, arguments──> server ──call──> node ──step──> store
//!          <───────result──────────        <─outcome─      <─kept──
//! ```
//!
//! Feature `client` is who calls, `server` is everything behind: stores, nodes and the server in front of them; `sqlite` adds
//! the store in one file, and is all that needs a C compiler. A [`call`] is the same to all of them.

#![warn(clippy::missing_errors_doc)]

#[macro_use]
mod macros;
mod identity;
pub mod call;
#[cfg(feature = "server")]
mod clock;
#[cfg(any(feature = "client", feature = "server"))]
mod recent;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod node;
pub mod wire;
mod address;
mod key_file;
#[cfg(any(feature = "client", feature = "server"))]
mod socket;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "client")]
pub mod client;

pub use address::{Address, NotAnAddress};
#[cfg(feature = "server")]
pub use clock::{Hand, ServerClock};
pub use identity::{ClientId, Key};
pub use key_file::open_key_file;
