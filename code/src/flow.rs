//! Control flow of one code object: blocks of instructions, and sets of registers for the passes over them.

use std::num::NonZeroU32;
use std::ops::Range;

use crate::effects::target;
use crate::error::{CheckError, CheckErrorKind};
use crate::facts::{Block, Flow};
use crate::object::{Body, Handler};
use crate::op::{Op, Word};

/// Most instructions in a block, so that one register set is never far.
const MAX_BLOCK: u32 = 512;

impl Block {
    /// The only instruction that may jump.
    pub(super) fn last(&self, body: &Body) -> Option<Word> {
        body.words.get(self.end as usize - 1).copied()
    }
}

impl Flow {
    pub(super) fn of(body: &Body) -> Flow {
        let mut leads = vec![false; body.words.len() + 1];
        leads[0] = true;
        for (pc, &word) in body.words.iter().enumerate() {
            let jump = target(word);
            if let Some(jump) = jump {
                leads[jump as usize] = true;
            }
            if jump.is_some() || !word.op().is_some_and(Op::falls_through) {
                leads[pc + 1] = true;
            }
        }
        for handler in &body.handlers {
            for pc in [handler.start, handler.end, handler.target] {
                leads[pc as usize] = true;
            }
        }
        leads[body.words.len()] = true;

        let mut by_start: Vec<u32> = (0..body.handlers.len() as u32).collect();
        let handler = |index: u32| -> &Handler { &body.handlers[index as usize] };
        by_start.sort_by_key(|&index| (handler(index).start, std::cmp::Reverse(handler(index).end)));
        let mut to_open = by_start.into_iter().peekable();
        let mut open: Vec<u32> = Vec::new();
        let mut ending: Vec<u32> = Vec::new();

        let mut blocks = Vec::new();
        let mut start = 0;
        for end in 1..leads.len() as u32 {
            if !leads[end as usize] && end - start < MAX_BLOCK {
                continue;
            }
            for open in [&mut open, &mut ending] {
                while open.pop_if(|top| handler(*top).end <= start).is_some() {}
            }
            while let Some(next) = to_open.next_if(|&next| handler(next).start == start) {
                open.push(next);
                if body.sees_ends(handler(next)) {
                    ending.push(next);
                }
            }
            let last = |open: &[u32]| open.last().and_then(|&index| NonZeroU32::new(index + 1));
            let (handler, ending) = (last(&open), last(&ending));
            blocks.push(Block { start, end, handler, ending: ending.filter(|_| ending != handler) });
            start = end;
        }
        Flow { blocks }
    }

    /// Index of the block that begins at this instruction.
    pub(super) fn block_at(&self, pc: u32) -> usize {
        self.blocks.partition_point(|block| block.start < pc)
    }

    /// Index of the block that holds this instruction.
    pub(super) fn block_of(&self, pc: u32) -> usize {
        self.blocks.partition_point(|block| block.start <= pc).saturating_sub(1)
    }
}

/// The work that a pass over register sets may still do, in about the time it takes to look at 64 registers.
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    /// In proportion to the length of the code, whatever its registers and jumps are.
    pub(super) fn of(body: &Body) -> Budget {
        Budget { left: (1 << 20) + (body.words.len() as u64) * (1 << 10) }
    }

    pub(super) fn unlimited() -> Budget {
        Budget { left: u64::MAX }
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn spend(&mut self, cost: usize) -> Result<(), CheckError> {
        match self.left.checked_sub(cost as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(CheckError { kind: CheckErrorKind::TooComplex, pc: None }),
        }
    }
}

/// Number of 64-bit words in a set of so many registers.
pub(super) fn set_words(registers: u16) -> usize {
    (registers as usize).div_ceil(64)
}

/// Calls `f` with each word that a range of registers touches and the mask of its bits there.
#[inline(always)]
fn for_each_word(range: Range<u32>, mut f: impl FnMut(usize, u64)) {
    if range.is_empty() {
        return;
    }
    let (first, last) = ((range.start / 64) as usize, ((range.end - 1) / 64) as usize);
    // Mostly it is one register.
    if first == last {
        return f(first, u64::MAX >> (64 - range.len()) << (range.start % 64));
    }
    for index in first..=last {
        let mut mask = u64::MAX;
        if index == first {
            mask &= u64::MAX << (range.start % 64);
        }
        if index == last {
            mask &= u64::MAX >> (63 - (range.end - 1) % 64);
        }
        f(index, mask);
    }
}

/// Puts a range of registers into a set.
pub(super) fn insert(set: &mut [u64], range: Range<u32>) {
    for_each_word(range, |index, mask| set[index] |= mask);
}

/// Takes a range of registers out of a set.
pub(super) fn remove(set: &mut [u64], range: Range<u32>) {
    for_each_word(range, |index, mask| set[index] &= !mask);
}

/// The first register of the range that is not in the set.
pub(super) fn first_missing(set: &[u64], range: Range<u32>) -> Option<u32> {
    let mut missing = None;
    for_each_word(range, |index, mask| {
        let lacking = mask & !set[index];
        if missing.is_none() && lacking != 0 {
            missing = Some(index as u32 * 64 + lacking.trailing_zeros());
        }
    });
    missing
}

/// The registers of a set in order.
pub(super) fn members(set: &[u64]) -> Vec<u16> {
    let mut members = Vec::with_capacity(set.iter().map(|bits| bits.count_ones() as usize).sum());
    for (index, &bits) in set.iter().enumerate() {
        let mut bits = bits;
        while bits != 0 {
            members.push((index * 64) as u16 + bits.trailing_zeros() as u16);
            bits &= bits - 1;
        }
    }
    members
}
