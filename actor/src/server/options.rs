//! What decides over a server: where it listens and for whom, and what clients may take of it.

use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::clock::ServerClock;
use crate::wire::{Ring, Secret};

/// How many hashes of functions and code are remembered for each key, as a rule.
pub(super) const SHOWN: usize = 65_536;

options! {
    /// How a server listens.
    #[derive(Clone, Debug)]
    pub struct ServerOptions {
        /// Where.
        pub address: Address,
        /// Its secret, and whom it lets in. Needed where others than this machine can reach it.
        pub keys: Option<(Secret, Arc<Ring>)>,
        /// What one connection may take.
        pub limits: ConnectionLimits,
        /// What may wait for connections.
        pub room: RoomLimits,
        /// The most connections at once.
        pub connections: usize,
        /// Within which time a client has to introduce itself.
        pub handshake: Duration,
        /// Within which time a message that has begun has to end, and one that is sent has to be taken.
        pub frame: Duration,
        /// After how much silence a connection without calls is closed.
        pub idle: Duration,
        /// How long calls that are under way may go on when the server stops.
        pub grace: Duration,
        /// How many hashes of functions and code are remembered for each key.
        pub shown: usize,
        /// The time for all of that.
        pub clock: ServerClock,
    }
}

impl ServerOptions {
    /// The usual limits.
    pub fn new(address: Address) -> ServerOptions {
        ServerOptions {
            address,
            keys: None,
            limits: ConnectionLimits::default(),
            room: RoomLimits::default(),
            connections: 10_000,
            handshake: Duration::from_secs(5),
            frame: Duration::from_secs(30),
            idle: Duration::from_secs(3600),
            grace: Duration::from_secs(10),
            shown: SHOWN,
            clock: ServerClock::default(),
        }
    }
}

options! {
    /// What one connection may take.
    #[derive(Clone, Copy, Debug)]
    pub struct ConnectionLimits {
        /// The longest message.
        pub message: usize,
        /// The most calls under way.
        pub calls: usize,
        /// The most bytes of arguments and functions that wait for something.
        pub waiting: usize,
    }
}

impl Default for ConnectionLimits {
    fn default() -> ConnectionLimits {
        ConnectionLimits { message: 16 << 20, calls: 256, waiting: 64 << 20 }
    }
}

options! {
    /// The most bytes that may wait.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct RoomLimits {
        /// For one connection. Several times the longest message.
        pub connection: usize,
        /// For all connections of one key; clients without keys are one.
        pub key: usize,
        /// For all connections.
        pub server: usize,
    }
}

impl Default for RoomLimits {
    fn default() -> RoomLimits {
        RoomLimits { connection: 64 << 20, key: 256 << 20, server: 1 << 30 }
    }
}
