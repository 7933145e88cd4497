//! One end of a connection as a state machine: bytes go in, messages come out, and what it has to say waits in a buffer.

use std::sync::Arc;

use super::MAX_FRAME;
use super::bytes::{number_at, put_number};
use super::hello::{HELLO, Mode, Status, answer, hello, read_answer, read_hello};
use super::keys::{KeyRole, Ring, Secret};
use super::secure::{Cipher, FIRST, Handshake, SECOND, TAG};
use super::violation::Violation;
use crate::identity::Key;

/// Bytes that a buffer keeps when nothing is in it.
const IDLE: usize = 16 << 10;

/// Who the other side is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its key; none where the system vouches for it.
    pub key: Option<Key>,
    /// What it may do, for a server.
    pub role: KeyRole,
    /// Its name in the key file.
    pub name: String,
}

/// What has come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Incoming {
    /// The other side is known; messages may follow.
    Open(Peer),
    /// Kind and body of a message.
    Message(Vec<u8>),
}

/// One end of a connection.
pub struct Link {
    state: State,
    /// In place of entropy, for tests.
    fixed: Option<[u8; 32]>,
    max_message: usize,
    /// Bytes that came in and are no whole frame yet.
    frames: Vec<u8>,
    /// Content of frames that is no whole message yet, from `read` on.
    stream: Vec<u8>,
    read: usize,
    output: Vec<u8>,
}

enum State {
    /// A server waits for a hello.
    Hello(ServerKeys),
    /// A server waits for the first message of the handshake, behind this hello.
    First(Secret, Arc<Ring>, [u8; HELLO]),
    /// A client waits for the server's hello.
    Answer(Option<(Handshake, Key)>),
    /// A client waits for the server's part of the handshake.
    Second(Handshake, Key, [u8; HELLO]),
    /// Frames of messages.
    Plain,
    Keys(Box<Cipher>),
    /// The other side broke the protocol.
    Broken(Violation),
}

/// How a server tells clients from strangers: by keys, or not at all where the system does.
type ServerKeys = Option<(Secret, Arc<Ring>)>;

opaque!(Link);

impl Link {
    /// A client's end where no keys are needed.
    pub fn plain_client(max_message: usize) -> Link {
        let mut link = Link::new(State::Answer(None), max_message);
        link.output.extend_from_slice(&hello(Mode::Plain));
        link
    }

    /// A client's end, to a server with a known key.
    ///
    /// # Errors
    /// The keys cannot be used, or the system has no entropy.
    pub fn client(
        secret: &Secret,
        server: &Key,
        max_message: usize,
        fixed: Option<[u8; 32]>,
    ) -> Result<Link, Violation> {
        let hello = hello(Mode::Keys);
        let (handshake, first) = Handshake::client(secret, server, &hello, &fixed)?;
        let mut link = Link::new(State::Answer(Some((handshake, *server))), max_message);
        link.output.extend_from_slice(&hello);
        link.put_handshake(&first);
        Ok(link)
    }

    /// A server's end. With keys it lets only their owners in; without, everybody.
    pub fn server(keys: Option<(Secret, Arc<Ring>)>, max_message: usize, fixed: Option<[u8; 32]>) -> Link {
        Link { fixed, ..Link::new(State::Hello(keys), max_message) }
    }

    fn new(state: State, max_message: usize) -> Link {
        let (frames, stream, output) = Default::default();
        Link { state, fixed: None, max_message, frames, stream, read: 0, output }
    }

    /// The bytes of a server that has no room for a connection.
    pub fn full() -> [u8; HELLO] {
        answer(Status::Full)
    }

    /// Takes bytes in.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Broken(_)) {
            self.frames.extend_from_slice(bytes);
        }
    }

    /// What the bytes say, one thing at a time; `None` until more come.
    ///
    /// # Errors
    /// The other side broke the protocol. It stays so.
    pub fn poll(&mut self) -> Result<Option<Incoming>, Violation> {
        let outcome = self.advance();
        if let Err(violation) = outcome {
            self.state = State::Broken(violation);
            self.frames = Vec::new();
            self.stream = Vec::new();
        }
        outcome
    }

    /// Says something: kind and body of a message. To be used after [`Incoming::Open`].
    pub fn send(&mut self, message: &[u8]) {
        let mut length = Vec::with_capacity(10);
        put_number(&mut length, message.len() as u64);
        let room = MAX_FRAME - if matches!(self.state, State::Keys(_)) { TAG } else { 0 };
        // A long one takes its room once, and not again and again twice as much.
        if message.len() > room {
            self.output.reserve_exact(message.len() + (message.len() / room + 2) * (2 + TAG + length.len()));
        }
        if length.len() + message.len() <= room {
            length.extend_from_slice(message);
            self.put_frame(&length);
            return;
        }
        let (first, rest) = message.split_at(room - length.len());
        length.extend_from_slice(first);
        self.put_frame(&length);
        rest.chunks(room).for_each(|part| self.put_frame(part));
    }

    /// The bytes that are to be sent. Whoever sends them removes them.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Bytes that it takes for what has come in and is not a message yet.
    pub fn held(&self) -> usize {
        self.frames.capacity() + self.stream.capacity()
    }

    /// Whether a message has begun and not ended: its sender has a deadline.
    pub fn is_within(&self) -> bool {
        !self.frames.is_empty() || self.read < self.stream.len()
    }

    /// Whether the hello and the handshake are through.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Plain | State::Keys(_))
    }

    fn advance(&mut self) -> Result<Option<Incoming>, Violation> {
        loop {
            match &mut self.state {
                State::Broken(violation) => return Err(*violation),
                State::Plain | State::Keys(_) => return self.message(),
                _ => {
                    if let Some(peer) = match self.greet()? {
                        None => return Ok(None),
                        Some(peer) => peer,
                    } {
                        return Ok(Some(Incoming::Open(peer)));
                    }
                }
            }
        }
    }

    /// One step of hello and handshake: `None` if bytes are missing, else whoever is known now.
    fn greet(&mut self) -> Result<Option<Option<Peer>>, Violation> {
        let host = || Peer { key: None, role: KeyRole::Operator, name: "local".to_owned() };
        let length = match self.state {
            State::First(..) => FIRST,
            State::Second(..) => SECOND,
            _ => HELLO,
        };
        let framed = matches!(self.state, State::First(..) | State::Second(..));
        let Some(bytes) = self.take(length, framed)? else { return Ok(None) };
        match std::mem::replace(&mut self.state, State::Broken(Violation::Order)) {
            State::Hello(keys) => {
                let hello = first(&bytes)?;
                let refuse = |link: &mut Link, status, violation| {
                    link.output.extend_from_slice(&answer(status));
                    Err(violation)
                };
                match (read_hello(&hello), keys) {
                    (Err((_, Violation::NotOurs)), _) => Err(Violation::NotOurs),
                    (Err((status, violation)), _) => refuse(self, status, violation),
                    (Ok(Mode::Plain), None) => {
                        self.output.extend_from_slice(&answer(Status::Accepted));
                        self.state = State::Plain;
                        Ok(Some(Some(host())))
                    }
                    (Ok(Mode::Keys), Some((secret, ring))) => {
                        self.state = State::First(secret, ring, hello);
                        Ok(Some(None))
                    }
                    (Ok(_), _) => refuse(self, Status::Mode, Violation::Mode),
                }
            }
            State::First(secret, ring, hello) => {
                let (handshake, key) = Handshake::server(&secret, &hello, &self.fixed, &bytes)?;
                let (role, name) = ring.find(&key).ok_or(Violation::Authentication)?;
                let peer = Peer { key: Some(key), role, name: name.to_owned() };
                let accepted = answer(Status::Accepted);
                let (cipher, second) = handshake.accept(&accepted)?;
                self.output.extend_from_slice(&accepted);
                self.put_handshake(&second);
                self.state = State::Keys(Box::new(cipher));
                Ok(Some(Some(peer)))
            }
            State::Answer(handshake) => {
                let bytes = first(&bytes)?;
                read_answer(&bytes)?;
                match handshake {
                    None => {
                        self.state = State::Plain;
                        Ok(Some(Some(host())))
                    }
                    Some((handshake, key)) => {
                        self.state = State::Second(handshake, key, bytes);
                        Ok(Some(None))
                    }
                }
            }
            State::Second(handshake, key, answer) => {
                self.state = State::Keys(Box::new(handshake.finish(&answer, &bytes)?));
                Ok(Some(Some(Peer { key: Some(key), role: KeyRole::Operator, name: "server".to_owned() })))
            }
            State::Plain | State::Keys(_) | State::Broken(_) => Err(Violation::Order),
        }
    }

    /// The next bytes, if so many are there; framed ones behind exactly this length.
    fn take(&mut self, length: usize, framed: bool) -> Result<Option<Vec<u8>>, Violation> {
        let start = if framed { 2 } else { 0 };
        if framed && self.frames.len() >= 2 && frame_length(&self.frames) != length {
            return Err(Violation::Frame);
        }
        if self.frames.len() < start + length {
            return Ok(None);
        }
        let bytes = self.frames[start..start + length].to_vec();
        self.frames.drain(..start + length);
        Ok(Some(bytes))
    }

    /// The next whole message.
    fn message(&mut self) -> Result<Option<Incoming>, Violation> {
        loop {
            let waiting = &self.stream[self.read..];
            if let Some((length, start)) = number_at(waiting)? {
                let length = usize::try_from(length).map_err(|_| Violation::TooLong)?;
                if length > self.max_message {
                    return Err(Violation::TooLong);
                }
                if length == 0 {
                    return Err(Violation::Body);
                }
                if let Some(message) = waiting.get(start..start + length) {
                    let message = message.to_vec();
                    self.read += start + length;
                    if self.read == self.stream.len() {
                        self.read = 0;
                        self.stream.clear();
                        // A large message must not keep its memory while the connection is idle.
                        self.stream.shrink_to(IDLE);
                    }
                    return Ok(Some(Incoming::Message(message)));
                }
            }
            if !self.open_frames()? {
                return Ok(None);
            }
        }
    }

    /// Moves the content of the frames that are there to the stream. Whether there were any.
    fn open_frames(&mut self) -> Result<bool, Violation> {
        self.stream.drain(..std::mem::take(&mut self.read));
        let mut done = 0;
        while let Some(rest) = self.frames.get(done..)
            && rest.len() >= 2
        {
            let length = frame_length(rest);
            if length == 0 {
                return Err(Violation::Frame);
            }
            let Some(frame) = rest.get(2..2 + length) else { break };
            match &mut self.state {
                State::Keys(cipher) => cipher.decrypt(frame, &mut self.stream)?,
                _ => self.stream.extend_from_slice(frame),
            }
            done += 2 + length;
        }
        self.frames.drain(..done);
        if self.frames.is_empty() {
            self.frames.shrink_to(IDLE);
        }
        Ok(done > 0)
    }

    fn put_handshake(&mut self, message: &[u8]) {
        self.output.extend_from_slice(&(message.len() as u16).to_le_bytes());
        self.output.extend_from_slice(message);
    }

    fn put_frame(&mut self, content: &[u8]) {
        let tag = if matches!(self.state, State::Keys(_)) { TAG } else { 0 };
        self.output.extend_from_slice(&((content.len() + tag) as u16).to_le_bytes());
        let encrypted = match &mut self.state {
            State::Keys(cipher) => cipher.encrypt(content, &mut self.output),
            _ => {
                self.output.extend_from_slice(content);
                Ok(())
            }
        };
        if let Err(violation) = encrypted {
            self.state = State::Broken(violation);
        }
    }
}

fn first(bytes: &[u8]) -> Result<[u8; HELLO], Violation> {
    bytes.try_into().map_err(|_| Violation::Body)
}

fn frame_length(bytes: &[u8]) -> usize {
    match bytes {
        [low, high, ..] => u16::from_le_bytes([*low, *high]).into(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{MAX_MESSAGE, Request};
    use proptest::prelude::*;

    fn secret(byte: u8) -> Secret {
        Secret::known([byte; 32])
    }

    /// A client that the server knows, and the server.
    fn pair(keys: bool) -> (Link, Link) {
        if !keys {
            return (Link::plain_client(MAX_MESSAGE), Link::server(None, MAX_MESSAGE, None));
        }
        let mut ring = Ring::default();
        ring.add(secret(1).public(), KeyRole::Client, "ann");
        let client = Link::client(&secret(1), &secret(2).public(), MAX_MESSAGE, Some([3; 32])).unwrap();
        (client, Link::server(Some((secret(2), Arc::new(ring))), MAX_MESSAGE, Some([4; 32])))
    }

    /// Moves everything that one end has to say to the other, in pieces, and gives what it makes of it.
    fn carry(from: &mut Link, to: &mut Link, piece: usize) -> Result<Vec<Incoming>, Violation> {
        let bytes = std::mem::take(from.output());
        let mut inputs = Vec::new();
        for piece in bytes.chunks(piece) {
            to.feed(piece);
            while let Some(input) = to.poll()? {
                inputs.push(input);
            }
        }
        Ok(inputs)
    }

    fn open(client: &mut Link, server: &mut Link) {
        assert!(matches!(carry(client, server, 7).unwrap()[..], [Incoming::Open(_)]));
        assert!(matches!(carry(server, client, 7).unwrap()[..], [Incoming::Open(_)]));
    }

    proptest! {
        #[test]
        fn messages_arrive_whole_and_in_order(
            keys in any::<bool>(),
            piece in 1usize..200,
            lengths in prop::collection::vec(prop_oneof![1usize..300, 65_000usize..66_000, Just(200_000)], 0..6),
        ) {
            let (mut client, mut server) = pair(keys);
            open(&mut client, &mut server);
            let messages: Vec<Vec<u8>> = (0..).zip(lengths).map(|(i, length)| vec![i; length]).collect();
            messages.iter().for_each(|message| client.send(message));
            let expected: Vec<Incoming> = messages.into_iter().map(Incoming::Message).collect();
            prop_assert_eq!(carry(&mut client, &mut server, piece * 100).unwrap(), expected);
            prop_assert!(!server.is_within());
        }

        #[test]
        fn a_bit_changed_on_the_way_ends_a_connection_with_keys(at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let (mut client, mut server) = pair(true);
            open(&mut client, &mut server);
            client.send(&Request::Ping(5).encode());
            let at = at.index(client.output().len());
            client.output()[at] ^= 1 << bit;
            // A length that became larger waits for bytes that do not come.
            match carry(&mut client, &mut server, 1000) {
                Ok(inputs) => prop_assert!(inputs.is_empty() && server.is_within()),
                Err(violation) => prop_assert!(matches!(violation, Violation::Authentication | Violation::Frame)),
            }
        }

        #[test]
        fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), keys in any::<bool>(), opened in any::<bool>()) {
            let (mut client, mut server) = pair(keys);
            if opened {
                open(&mut client, &mut server);
            }
            for piece in bytes.chunks(13) {
                server.feed(piece);
                client.feed(piece);
                while let Ok(Some(_)) = server.poll() {}
                while let Ok(Some(_)) = client.poll() {}
            }
        }
    }

    #[test]
    fn only_those_who_are_known_get_in() {
        let stranger = Link::client(&secret(9), &secret(2).public(), MAX_MESSAGE, None).unwrap();
        let misled = Link::client(&secret(1), &secret(8).public(), MAX_MESSAGE, None).unwrap();
        for mut client in [stranger, misled] {
            let (_, mut server) = pair(true);
            assert_eq!(carry(&mut client, &mut server, 1000), Err(Violation::Authentication));
            assert!(server.output().is_empty(), "strangers get no answer");
        }
    }

    #[test]
    fn a_mode_is_never_taken_for_another() {
        let (mut plain, _) = pair(false);
        let (_, mut server) = pair(true);
        assert_eq!(carry(&mut plain, &mut server, 1000), Err(Violation::Mode));
        assert_eq!(carry(&mut server, &mut plain, 1000), Err(Violation::Mode));
        let (mut client, _) = pair(true);
        let (_, mut server) = pair(false);
        assert_eq!(carry(&mut client, &mut server, 1000), Err(Violation::Mode));
        assert_eq!(carry(&mut server, &mut client, 1000), Err(Violation::Mode));
        // The hello is a part of the handshake.
        let (mut client, mut server) = pair(true);
        client.output()[6] = 2;
        assert_eq!(carry(&mut client, &mut server, 1000), Err(Violation::Authentication));
    }

    #[test]
    fn a_length_is_not_believed_before_the_bytes_are_there() {
        let (mut client, _) = pair(false);
        let mut server = Link::server(None, 1000, None);
        open(&mut client, &mut server);
        client.send(&[6; 1001]);
        assert_eq!(carry(&mut client, &mut server, 10), Err(Violation::TooLong));
        assert_eq!(server.poll(), Err(Violation::TooLong));
        for content in [&[0x80, 0x00][..], &[0], &[0xff; 11]] {
            let (mut client, mut server) = pair(false);
            open(&mut client, &mut server);
            client.put_frame(content);
            assert!(carry(&mut client, &mut server, 10).is_err(), "{content:?}");
        }
        let (mut client, mut server) = pair(false);
        open(&mut client, &mut server);
        client.output().extend_from_slice(&[0, 0]);
        assert_eq!(carry(&mut client, &mut server, 10), Err(Violation::Frame));
    }
}
