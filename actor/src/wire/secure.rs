//! Encryption of frames: Noise IK, where the client knows the server's key and the server learns the client's, both in one
//! round trip. Known to this file alone.

use snow::{Builder, HandshakeState, TransportState};

use super::MAX_FRAME;
use super::hello::HELLO;
use super::keys::Secret;
use super::violation::Violation;
use crate::identity::Key;

const PATTERN: &str = "Noise_IK_25519_ChaChaPoly_BLAKE2s";

/// Bytes that encryption adds to a frame.
pub(super) const TAG: usize = 16;

/// The two messages of the handshake have exactly these lengths.
pub(super) const FIRST: usize = 96;
pub(super) const SECOND: usize = 48 + HELLO;

/// A handshake under way.
pub(super) struct Handshake(HandshakeState);

/// Both keys of a connection that is open.
pub(super) struct Cipher(TransportState);

impl Handshake {
    /// A client's, with its first message. `hello` is what it has sent, so that nobody can change it on the way.
    pub fn client(
        secret: &Secret,
        server: &Key,
        hello: &[u8; HELLO],
        fixed: &Option<[u8; 32]>,
    ) -> Result<(Handshake, Vec<u8>), Violation> {
        let builder = builder(secret, hello, fixed)?.remote_public_key(&server.0).map_err(refused)?;
        let mut state = builder.build_initiator().map_err(refused)?;
        let mut message = vec![0; FIRST];
        state.write_message(&[], &mut message).map_err(refused)?;
        Ok((Handshake(state), message))
    }

    /// A server's, from the client's first message: the client's key, which nobody has looked up yet.
    pub fn server(
        secret: &Secret,
        hello: &[u8; HELLO],
        fixed: &Option<[u8; 32]>,
        message: &[u8],
    ) -> Result<(Handshake, Key), Violation> {
        let mut state = builder(secret, hello, fixed)?.build_responder().map_err(refused)?;
        let length = state.read_message(message, &mut [0; FIRST]).map_err(refused)?;
        let key = state.get_remote_static().and_then(|key| key.try_into().ok()).ok_or(Violation::Authentication)?;
        if length == 0 { Ok((Handshake(state), Key(key))) } else { Err(Violation::Authentication) }
    }

    /// The server's message. It has the server's hello in it, so that nobody can change that on the way either.
    pub fn accept(mut self, answer: &[u8; HELLO]) -> Result<(Cipher, Vec<u8>), Violation> {
        let mut message = vec![0; SECOND];
        self.0.write_message(answer, &mut message).map_err(refused)?;
        Ok((Cipher(self.0.into_transport_mode().map_err(refused)?), message))
    }

    /// The client reads the server's message.
    pub fn finish(mut self, answer: &[u8; HELLO], message: &[u8]) -> Result<Cipher, Violation> {
        let mut payload = [0; SECOND];
        let length = self.0.read_message(message, &mut payload).map_err(refused)?;
        if payload[..length] != answer[..] {
            return Err(Violation::Authentication);
        }
        Ok(Cipher(self.0.into_transport_mode().map_err(refused)?))
    }
}

impl Cipher {
    /// Adds a frame's content in encrypted form.
    pub fn encrypt(&mut self, plain: &[u8], to: &mut Vec<u8>) -> Result<(), Violation> {
        let start = to.len();
        to.resize(start + plain.len() + TAG, 0);
        self.0.write_message(plain, &mut to[start..]).map_err(refused)?;
        Ok(())
    }

    /// Adds a frame's content in plain form.
    pub fn decrypt(&mut self, frame: &[u8], to: &mut Vec<u8>) -> Result<(), Violation> {
        if frame.len() <= TAG || frame.len() > MAX_FRAME {
            return Err(Violation::Frame);
        }
        let start = to.len();
        to.resize(start + frame.len() - TAG, 0);
        self.0.read_message(frame, &mut to[start..]).map_err(refused)?;
        Ok(())
    }
}

/// `fixed` stands in place of entropy in tests and simulations.
fn builder<'b>(
    secret: &'b Secret,
    hello: &'b [u8; HELLO],
    fixed: &'b Option<[u8; 32]>,
) -> Result<Builder<'b>, Violation> {
    let pattern = PATTERN.parse().map_err(refused)?;
    let builder = Builder::new(pattern).local_private_key(&secret.0).map_err(refused)?;
    let builder = builder.prologue(hello).map_err(refused)?;
    Ok(match fixed {
        Some(fixed) => builder.fixed_ephemeral_key_for_testing_only(fixed),
        None => builder,
    })
}

/// Whatever goes wrong there is told in one way, so that nobody learns from it what was nearly right.
fn refused(_: snow::Error) -> Violation {
    Violation::Authentication
}
