//! How a peer can break the protocol. A connection on which that happens is closed.

use std::fmt;

/// What a peer did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Violation {
    /// Its first bytes are not those of this protocol.
    NotOurs,
    /// It speaks no version that this side does.
    Version(u8),
    /// It asks for a mode that this side does not allow.
    Mode,
    /// It has no room for another connection.
    Full,
    /// Keys do not fit, or bytes were changed on the way.
    Authentication,
    /// A frame is empty or longer than it can be.
    Frame,
    /// A message is longer than allowed.
    TooLong,
    /// A message has a kind that this version does not know, or that its sender must not use.
    Kind(u8),
    /// A message has a body that is none.
    Body,
    /// A number, a list or a name is not in its canonical form, or beyond its limits.
    Canonical,
    /// A message came at a time at which it makes no sense.
    Order,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::NotOurs => write!(f, "the peer does not speak this protocol"),
            Violation::Version(version) => write!(f, "the peer speaks version {version}, which this side does not"),
            Violation::Mode => write!(f, "one side asks for keys and the other has none"),
            Violation::Full => write!(f, "the server has no room for another connection"),
            Violation::Authentication => write!(f, "the peer's key is not the expected one"),
            Violation::Frame => write!(f, "a frame has a length that it cannot have"),
            Violation::TooLong => write!(f, "a message is longer than allowed"),
            Violation::Kind(kind) => write!(f, "a message has the unknown kind {kind}"),
            Violation::Body => write!(f, "a message is cut off or goes on after its end"),
            Violation::Canonical => write!(f, "a message is not in its canonical form"),
            Violation::Order => write!(f, "a message came out of order"),
        }
    }
}

impl std::error::Error for Violation {}
