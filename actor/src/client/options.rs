//! How a client connects.

use std::io::ErrorKind;
use std::time::Duration;

use super::core::Core;
use super::error::ClientError;
use crate::address::Address;
use crate::identity::Key;
use crate::wire::{Link, MAX_MESSAGE, Secret};

options! {
    /// Where a client connects to, and how long it tries.
    #[derive(Clone, Debug)]
    pub struct ClientOptions {
        /// Where.
        pub address: Address,
        /// Its own secret and the server's key, where the server asks for keys.
        pub keys: Option<(Secret, Key)>,
        /// How long a call may take, with everything that belongs to it.
        pub timeout: Duration,
    }
}

impl ClientOptions {
    /// Without keys, and with half a minute for each call.
    pub fn new(address: Address) -> ClientOptions {
        ClientOptions { address, keys: None, timeout: Duration::from_secs(30) }
    }

    /// What it means that the connection has ended.
    pub(super) fn ended(&self, core: &Core, kind: ErrorKind) -> ClientError {
        let is_end = matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
        match is_end && self.keys.is_some() && core.is_greeting() {
            true => ClientError::TurnedAway,
            false => ClientError::Lost(kind),
        }
    }

    pub(super) fn link(&self) -> Result<Link, ClientError> {
        Ok(match &self.keys {
            None => Link::plain_client(MAX_MESSAGE),
            Some((secret, server)) => Link::client(secret, server, MAX_MESSAGE, None)?,
        })
    }
}

/// A nonce from the system's entropy.
pub(super) fn nonce() -> Result<[u8; 16], ClientError> {
    let secret = Secret::new().map_err(|_| ClientError::Lost(ErrorKind::Unsupported))?;
    let mut nonce = [0; 16];
    nonce.copy_from_slice(&blake3::hash(&secret.public().0).as_bytes()[..16]);
    Ok(nonce)
}

/// How long to wait before the connection is tried for this many-th time.
pub(super) fn pause(attempt: u32) -> Duration {
    Duration::from_millis(10 << attempt.min(7))
}
