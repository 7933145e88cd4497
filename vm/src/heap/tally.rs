//! How many objects of each kind there are, for machines that are watched.

use super::alloc::Heap;
use super::by_kind::ACCOUNTS;
use super::cells::SIZES;
use super::layout::Header;
use crate::watch::{Made, Tally};

impl Tally {
    /// How many objects of a kind there are.
    #[cfg(test)]
    pub fn count(&self, tag: u64) -> u64 {
        self.0[tag as usize].0
    }

    /// Adds what another one has.
    pub fn add(&mut self, other: &Tally) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
    }

    /// What this one has more than an earlier one, by kind. Bytes of objects that have shrunk count as none.
    pub fn since(&self, before: &Tally) -> impl Iterator<Item = Made> {
        ACCOUNTS.iter().filter_map(move |&(tag, name)| {
            let (now, then) = (self.0[tag as usize], before.0[tag as usize]);
            let (count, bytes) = (now.0.saturating_sub(then.0), now.1.saturating_sub(then.1));
            (count > 0).then_some(Made { kind: name, count, bytes })
        })
    }
}

impl Heap {
    /// Counts the objects that `counts`, by their headers.
    pub fn tally(&self, counts: impl Fn(*const Header) -> bool) -> Tally {
        let mut tally = Tally::default();
        let cells = self.blocks.iter().flat_map(|block| {
            let size = SIZES[block.class] as usize;
            block.cells().map(move |header| (header, size))
        });
        for (header, size) in cells.chain(self.large.iter().map(|object| (object.header, object.size))) {
            // SAFETY: cells and large objects begin with a header, of kind 0 where there is no object; objects are whole
            // between instructions.
            unsafe {
                let kind = (*header).kind;
                if kind != 0 && counts(header) {
                    let entry = &mut tally.0[kind as usize % 32];
                    entry.0 += 1;
                    entry.1 += (size + Heap::owned_bytes(header)) as u64;
                }
            }
        }
        tally
    }
}
