//! What goes over a connection, as pure state machines: bytes in, messages out, no sockets, no clock, no decisions about
//! calls.
//!
//! ```text
//!   hello          8 bytes each way: magic, version, mode
//!   handshake      one frame each way, only with keys (Noise IK): after it both sides know who the other is
//!   frames         length:u16, then up to 65535 bytes; with keys they are encrypted
//!   messages       what the frames contain, joined: length, kind, body
//! ```
//!
//! `docs/protocol.md` draws all of it. Nothing of a message is decoded before the hello and the handshake are through.

mod bytes;
mod violation;
mod hello;
mod keys;
mod secure;
mod message;
mod link;

pub use hello::{HELLO, Mode, PROTOCOL_VERSION, Status};
pub use keys::{KeyFile, KeyFileError, KeyRole, Ring, Secret};
pub use link::{Incoming, Link, Peer};
pub use message::{Answer, Need, Question, Request};
pub use violation::Violation;

/// The most bytes of a frame after its length.
pub const MAX_FRAME: usize = u16::MAX as usize;

/// The most bytes of a message, unless a server sets another limit.
pub const MAX_MESSAGE: usize = 64 << 20;
