//! What is worked out of a code object and kept with it: its blocks, and what its registers are at the beginning of each.

use crate::object::{Body, Handler};

/// A run of instructions that is entered only at its first and left only at its last, except for errors. All of it
/// has the same innermost handlers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Index of the innermost handler.
    pub(super) handler: Option<u32>,
    /// Of the innermost one that sees ends, if that is another.
    pub(super) ending: Option<u32>,
}

impl Block {
    /// The handlers to which control may go from here.
    pub(super) fn handlers<'b>(&self, body: &'b Body) -> impl Iterator<Item = &'b Handler> + use<'b> {
        [self.handler, self.ending].into_iter().flatten().map(|index| &body.handlers[index as usize])
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
    pub(super) starts: Vec<u64>,
}

/// What the special registers hold at the start of every block; at other instructions it is worked out from there.
pub(super) struct Holdings {
    pub(super) flow: Flow,
    pub(super) special: Special,
    pub(super) starts: Vec<u64>,
}

/// The special registers, or some of them: what a register holds depends on no other one, so that they can be followed in
/// parts.
pub(super) struct Special {
    /// Those that are followed, in order.
    pub(super) part: Vec<u16>,
    /// By register: its number in `part`, or what it is if it has none.
    pub(super) numbers: Vec<u16>,
}
