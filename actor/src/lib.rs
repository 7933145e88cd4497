//! Actors: a server that owns state and runs the functions that clients send to it, one at a time and each of them
//! whole or not at all, and the client.

pub mod identity;
pub mod call;
mod clock;
mod recent;
pub mod store;
pub mod node;
pub mod wire;
mod address;
mod key_file;
mod socket;
pub mod server;
pub mod client;

pub use address::{Address, NotAnAddress};
pub use clock::{Clock, Hand};
pub use identity::{ClientId, Key};
pub use key_file::open_key_file;
