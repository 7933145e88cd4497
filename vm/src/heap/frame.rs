//! Frames: one for each call that is under way, in the order of the calls.
//!
//! ```text
//!   registers                 frames
//!   | caller's      |
//!   |   ...         |        +-----------------------------------------------+
//!   | R[b] callee   |        | ret: where the caller goes on                 |
//!   | R[b+1] arg    | <----- | delta: callee's base - caller's base          |
//!   | ...           |        | dst, kind: what becomes of the result         |
//!   | callee's      |        | closure: the function that runs in this frame |
//! ```
//!
//! A frame holds what its *caller* needs to go on, so that a return reads one frame and writes one register.

use quipu_code::Outcome;

use super::layout::ClosureObject;

/// A call under way.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Frame {
    /// The caller's next instruction.
    pub ret: *const u64,
    /// The function that runs here.
    pub closure: *mut ClosureObject,
    /// How far this frame's registers begin above the caller's.
    pub delta: u32,
    /// The caller's register for the result.
    pub dst: u16,
    /// What becomes of the result.
    pub kind: Kind,
}

impl Frame {
    /// A frame that nothing runs in.
    pub const EMPTY: Frame =
        Frame { ret: std::ptr::null(), closure: std::ptr::null_mut(), delta: 0, dst: 0, kind: Kind::Plain };
}

/// What becomes of a frame's result when it returns. Numbers are part of fiber images.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// It goes into `dst`.
    Plain = 0,
    /// It is dropped: `a[i] = e` through a method.
    Discard = 1,
    /// Its truth goes into `dst`: `==` and `in` through a method.
    Truth = 2,
    /// The opposite of its truth goes into `dst`: `!=` and `not in` through a method.
    Untruth = 3,
    /// It is an int; whether it is below 0 goes into `dst`: `<` through `cmp`.
    Less = 4,
    /// At most 0: `<=`.
    LessEqual = 5,
    /// Above 0: `>`.
    Greater = 6,
    /// At least 0: `>=`.
    GreaterEqual = 7,
    /// It must be a string: `str` through a method.
    Text = 8,
    /// An element of an iteration over a function; nil ends it.
    Element = 9,
    /// It is iterated over: `iter` through a method. `dst` is the first of the iterator's registers.
    Iterator = 10,
    /// It ends the fiber.
    Entry = 11,
    /// It goes into `dst`, and the changes made since are kept: `atomic`.
    Atomic = 12,
    /// It ends this stretch of the run loop: a call from Rust.
    Boundary = 13,
    /// It goes into `dst`; so does nil where a `key_error` leaves the frame: `??=` through `get`.
    Lookup = 14,
}

impl Kind {
    /// The kind of a frame of a function that an instruction has called.
    pub const fn of(outcome: Outcome) -> Kind {
        match outcome {
            Outcome::Plain => Kind::Plain,
            Outcome::Discard => Kind::Discard,
            Outcome::Truth => Kind::Truth,
            Outcome::Untruth => Kind::Untruth,
            Outcome::Less => Kind::Less,
            Outcome::LessEqual => Kind::LessEqual,
            Outcome::Greater => Kind::Greater,
            Outcome::GreaterEqual => Kind::GreaterEqual,
            Outcome::Text => Kind::Text,
            Outcome::Element => Kind::Element,
            Outcome::Iterator => Kind::Iterator,
            Outcome::Lookup => Kind::Lookup,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_two_addresses_and_a_word() {
        assert_eq!(size_of::<Frame>(), 2 * size_of::<usize>() + 8);
    }
}
