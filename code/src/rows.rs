//! Sets of registers for every block of a function, in memory that follows the length of its code.
//!
//! Mostly there is a row for each block. A long function with many variables would need too much for that: of it only those
//! rows are kept that a pass still waits for, and what is wanted later is kept as what differs from one block to the next.

use std::collections::HashMap;

use crate::effects::target;
use crate::error::{CheckError, CheckErrorKind};
use crate::facts::Flow;
use crate::object::Body;

/// How many words of 64 bits the rows of one pass may take.
pub(super) fn room(body: &Body) -> usize {
    4 * body.words.len() + (32 << 10)
}

/// Rows that stand one behind the other, as what differs from the one before. Every so many there is a whole one.
pub(super) struct Rows {
    width: usize,
    every: usize,
    whole: Vec<u64>,
    differences: Vec<(u32, u64)>,
    /// By row: where its differences end.
    ends: Vec<u32>,
    last: Vec<u64>,
}

impl Rows {
    pub(super) fn new(width: usize) -> Rows {
        let every = width.max(64);
        Rows { width, every, whole: Vec::new(), differences: Vec::new(), ends: Vec::new(), last: vec![0; width] }
    }

    /// Words of 64 bits that they take.
    pub(super) fn size(&self) -> usize {
        self.whole.len() + 2 * self.differences.len() + self.ends.len() / 2
    }

    pub(super) fn push(&mut self, row: &[u64]) {
        if self.ends.len().is_multiple_of(self.every) {
            self.whole.extend_from_slice(row);
        } else {
            let changed = row.iter().zip(&self.last).enumerate().filter(|(_, (new, old))| new != old);
            self.differences.extend(changed.map(|(index, (&new, _))| (index as u32, new)));
        }
        self.last.copy_from_slice(row);
        self.ends.push(self.differences.len() as u32);
    }

    /// Copies a row.
    pub(super) fn get(&self, index: usize, to: &mut [u64]) {
        let first = index / self.every;
        to.copy_from_slice(&self.whole[first * self.width..][..self.width]);
        let from = self.ends[first * self.every] as usize;
        for &(at, word) in &self.differences[from..self.ends[index] as usize] {
            to[at as usize] = word;
        }
    }
}

/// What blocks are entered with in a pass that goes forward: where paths meet, what all of them have.
pub(super) struct Entries {
    width: usize,
    room: usize,
    /// The rows of all blocks, where there is room for them.
    all: Vec<u64>,
    /// Else those that the pass waits for, and those of blocks that are entered in the next round, too.
    waiting: HashMap<usize, Box<[u64]>>,
    stays: Vec<bool>,
    /// Else also the rows with which blocks were entered in this round, if they are to be remembered.
    entered: Option<Rows>,
}

impl Entries {
    /// With a row for each block. Until a block is reached it may be entered with anything.
    pub(super) fn of_all(width: usize, flow: &Flow) -> Entries {
        let all = vec![u64::MAX; flow.blocks.len() * width];
        let (waiting, stays) = (HashMap::new(), Vec::new());
        Entries { width, room: usize::MAX, all, waiting, stays, entered: None }
    }

    /// With few rows.
    pub(super) fn of_some(width: usize, flow: &Flow, body: &Body) -> Entries {
        let mut stays = vec![false; flow.blocks.len()];
        stays[0] = true;
        for (index, block) in flow.blocks.iter().enumerate() {
            let jump = block.last(body).and_then(target).map(|pc| flow.block_at(pc));
            if let Some(jump) = jump.filter(|&jump| jump <= index) {
                stays[jump] = true;
            }
        }
        Entries { width, room: room(body), all: Vec::new(), waiting: HashMap::new(), stays, entered: None }
    }

    /// Has the next round remembered, if not all rows are there anyway: the last one, in which nothing changes any more. In
    /// those before it, blocks of loops that nothing has reached yet are entered with anything.
    pub(super) fn remember(&mut self) -> bool {
        let is_needed = !self.stays.is_empty();
        self.entered = is_needed.then(|| Rows::new(self.width));
        is_needed
    }

    /// Says with what the function is entered.
    pub(super) fn begin(&mut self, row: &[u64]) {
        match self.stays.is_empty() {
            true => self.all[..self.width].copy_from_slice(row),
            false => drop(self.waiting.insert(0, row.into())),
        }
    }

    /// Copies what a block is entered with; blocks are entered in their order.
    ///
    /// # Errors
    /// There is no room.
    pub(super) fn enter(&mut self, index: usize, now: &mut [u64]) -> Result<(), CheckError> {
        if self.stays.is_empty() {
            now.copy_from_slice(&self.all[index * self.width..][..self.width]);
            return Ok(());
        }
        match self.waiting.get(&index) {
            Some(row) => now.copy_from_slice(row),
            None => now.fill(u64::MAX),
        }
        if !self.stays[index] {
            self.waiting.remove(&index);
        }
        if let Some(entered) = &mut self.entered {
            entered.push(now);
        }
        self.look_at_room()
    }

    fn look_at_room(&self) -> Result<(), CheckError> {
        let taken = self.waiting.len() * self.width + self.entered.as_ref().map_or(0, Rows::size);
        if taken > self.room { Err(CheckError { kind: CheckErrorKind::TooComplex, pc: None }) } else { Ok(()) }
    }

    /// Leaves of what a block is entered with what is in a row, too; whether that was less.
    ///
    /// # Errors
    /// There is no room.
    pub(super) fn meet(&mut self, index: usize, row: &[u64]) -> Result<bool, CheckError> {
        if self.stays.is_empty() {
            return Ok(meet(&mut self.all[index * self.width..][..self.width], row));
        }
        if let Some(known) = self.waiting.get_mut(&index) {
            return Ok(meet(known, row));
        }
        self.waiting.insert(index, row.into());
        self.look_at_room()?;
        Ok(row.iter().any(|&word| word != u64::MAX))
    }

    /// Copies what a block was entered with, if that was remembered.
    pub(super) fn get(&self, index: usize, to: &mut [u64]) {
        match &self.entered {
            Some(entered) => entered.get(index, to),
            None => to.copy_from_slice(&self.all[index * self.width..][..self.width]),
        }
    }
}

/// Leaves in a set what is in the other one too; tells whether that was less.
pub(super) fn meet(known: &mut [u64], now: &[u64]) -> bool {
    let mut changed = false;
    for (known, &now) in known.iter_mut().zip(now) {
        changed |= *known & !now != 0;
        *known &= now;
    }
    changed
}
