//! What is worked out of a code object and kept with it: its blocks, and what its registers are at the beginning of each.

use std::num::NonZeroU32;

use crate::object::{Body, Handler};
use crate::rows::{Entries, Rows};

/// A run of instructions that is entered only at its first and left only at its last, except for errors. All of it
/// has the same innermost handlers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Number of the innermost handler, from 1, so that a block stays small.
    pub(super) handler: Option<NonZeroU32>,
    /// Of the innermost one that sees ends, if that is another.
    pub(super) ending: Option<NonZeroU32>,
}

impl Block {
    /// The handlers to which control may go from here.
    pub(super) fn handlers<'b>(&self, body: &'b Body) -> impl Iterator<Item = &'b Handler> + use<'b> {
        [self.handler, self.ending].into_iter().flatten().map(|number| &body.handlers[number.get() as usize - 1])
    }
}

/// The blocks of a code object in order. Made only when jumps and handlers have been checked.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) blocks: Vec<Block>,
}

/// The registers that are live at the start of every block; those at other instructions are worked out from there.
pub(super) struct Liveness {
    pub(super) flow: Flow,
    pub(super) width: usize,
    pub(super) starts: Starts,
}

/// Rows of registers, one for the start of every block.
pub(super) enum Starts {
    All(Vec<u64>),
    /// From the last block to the first, where there is not enough room for all.
    Reversed(Rows),
}

/// What the special registers hold at the start of every block; at other instructions it is worked out from there.
pub(super) struct Holdings {
    pub(super) flow: Flow,
    pub(super) special: Special,
    pub(super) starts: Entries,
}

/// The special registers, or some of them: what a register holds depends on no other one, so that they can be followed in
/// parts.
pub(super) struct Special {
    /// Those that are followed, in order.
    pub(super) part: Vec<u16>,
    /// By register: its number in `part`, or what it is if it has none.
    pub(super) numbers: Vec<u16>,
}
