//! The first eight bytes of each side: they tell this protocol from others before anything is read.
//!
//! ```text
//! hello  = 8b "QUIPw"   magic
//!          version:u8   the client's newest; the server's answer has the one that is used
//!          mode:u8      of the client: 0 plain, 1 with keys; of the server: its answer
//! ```

use super::violation::Violation;

/// The version that this code speaks.
pub const PROTOCOL_VERSION: u8 = 1;

/// The length of a hello.
pub const HELLO: usize = 8;

const MAGIC: [u8; 6] = *b"\x8bQUIPw";

/// How a connection is kept from strangers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// By the system: a socket file's permissions, or that it does not leave the machine.
    Plain = 0,
    /// By keys.
    Keys = 1,
}

/// What a server answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Let us talk.
    Accepted,
    /// It speaks none of the client's versions.
    Version,
    /// It does not allow the client's mode.
    Mode,
    /// It has no room for another connection.
    Full,
}

/// The client's hello.
pub(super) fn hello(mode: Mode) -> [u8; HELLO] {
    bytes(PROTOCOL_VERSION, mode as u8)
}

/// Reads a client's hello.
pub(super) fn read_hello(hello: &[u8; HELLO]) -> Result<Mode, (Status, Violation)> {
    match hello {
        [magic @ .., _, _] if *magic != MAGIC => Err((Status::Version, Violation::NotOurs)),
        // A newer client can do with the server's version or leave; it is told which one that is.
        [.., 0, _] => Err((Status::Version, Violation::Version(0))),
        [.., 0] => Ok(Mode::Plain),
        [.., 1] => Ok(Mode::Keys),
        _ => Err((Status::Mode, Violation::Mode)),
    }
}

/// The server's answer to a hello.
pub(super) fn answer(status: Status) -> [u8; HELLO] {
    bytes(
        PROTOCOL_VERSION,
        match status {
            Status::Accepted => 0,
            Status::Version => 1,
            Status::Mode => 2,
            Status::Full => 3,
        },
    )
}

/// Reads a server's answer.
pub(super) fn read_answer(answer: &[u8; HELLO]) -> Result<(), Violation> {
    match answer {
        [magic @ .., _, _] if *magic != MAGIC => Err(Violation::NotOurs),
        [.., version, _] if *version != PROTOCOL_VERSION => Err(Violation::Version(*version)),
        [.., 0] => Ok(()),
        [.., version, 1] => Err(Violation::Version(*version)),
        [.., 2] => Err(Violation::Mode),
        [.., 3] => Err(Violation::Full),
        _ => Err(Violation::NotOurs),
    }
}

fn bytes(version: u8, last: u8) -> [u8; HELLO] {
    let [a, b, c, d, e, f] = MAGIC;
    [a, b, c, d, e, f, version, last]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hello_is_read_as_it_was_written() {
        assert_eq!(read_hello(&hello(Mode::Plain)), Ok(Mode::Plain));
        assert_eq!(read_hello(&hello(Mode::Keys)), Ok(Mode::Keys));
        assert_eq!(read_answer(&answer(Status::Accepted)), Ok(()));
        assert_eq!(read_answer(&answer(Status::Version)), Err(Violation::Version(PROTOCOL_VERSION)));
        assert_eq!(read_answer(&answer(Status::Mode)), Err(Violation::Mode));
        assert_eq!(read_answer(&answer(Status::Full)), Err(Violation::Full));
    }

    #[test]
    fn other_protocols_are_not_taken_for_this_one() {
        assert_eq!(read_hello(b"GET / HT"), Err((Status::Version, Violation::NotOurs)));
        assert_eq!(read_answer(b"HTTP/1.1"), Err(Violation::NotOurs));
        let mut newer = hello(Mode::Plain);
        newer[6] = 9;
        assert_eq!(read_hello(&newer), Ok(Mode::Plain));
        assert_eq!(read_answer(&newer), Err(Violation::Version(9)));
    }
}
