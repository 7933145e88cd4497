//! Which registers still matter at an instruction: those that a suspended frame is made of.
//!
//! A register is live where some path reads it before writing it. An error may take any instruction to its handler, and the
//! end of a fiber to the innermost one that sees ends, so what these read is live all through their ranges.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::effects::{for_each_read, for_each_write, target};
use crate::error::{CheckError, CheckErrorKind};
use crate::facts::{Block, Flow, Liveness, Starts};
use crate::flow::{Budget, insert, members, remove, set_words};
use crate::object::{Body, Code};
use crate::op::{Op, Role, Word};
use crate::rows::{Rows, room};

impl Code {
    /// The registers that must be there for the instruction to run, in order. None when there is no such instruction.
    pub fn live_before(&self, pc: u32) -> Option<Vec<u16>> {
        let body = self.body();
        let word = *body.words.get(pc as usize)?;
        let (mut live, caught) = self.liveness().after(body, pc);
        step(body, word, &caught, &mut live);
        Some(members(&live))
    }

    /// The registers that must be kept while the instruction waits for what it has called or yielded to, in order:
    /// those that are live after it except its result, and those that its handler needs.
    ///
    /// An iterator that is asked for its next element is kept. Other operands are not: an instruction that needs them
    /// again when it goes on needs [`Code::live_before`] too.
    pub fn live_during(&self, pc: u32) -> Option<Vec<u16>> {
        let body = self.body();
        let word = *body.words.get(pc as usize)?;
        let (mut live, caught) = self.liveness().after(body, pc);
        for_each_write(word, |range| remove(&mut live, range));
        for &(field, role) in word.op().map_or(&[][..], Op::operands) {
            if role == Role::Iter {
                let first = word.field(field);
                insert(&mut live, first..first + 3);
            }
        }
        unite(&mut live, &caught);
        Some(members(&live))
    }

    fn liveness(&self) -> &Liveness {
        self.checked.liveness.get_or_init(|| {
            let body = self.body();
            Liveness::of(body, Flow::of(body), &mut Budget::unlimited()).expect("an unlimited budget lasts")
        })
    }
}

impl Liveness {
    /// Goes backwards through the blocks, and once more as long as a loop's first block has changed. Sets only grow, so
    /// this ends; and after as many rounds as there are loops, at the latest.
    pub(super) fn of(body: &Body, flow: Flow, budget: &mut Budget) -> Result<Liveness, CheckError> {
        let width = set_words(body.registers);
        let count = flow.blocks.len();
        let starts = match count * width > room(body) {
            true => Starts::Reversed(Rows::new(width)),
            false => Starts::All(vec![0; count * width]),
        };
        let mut liveness = Liveness { flow, width, starts };
        let mut pass = Pass::new(body, &liveness.flow);
        loop {
            let again = liveness.round(body, &mut pass, budget)?;
            if !again && (pass.is_last || matches!(liveness.starts, Starts::All(_))) {
                return Ok(liveness);
            }
            // Rows are kept in a last round, in which nothing changes any more.
            pass.is_last = !again;
        }
    }

    /// Goes through all blocks; whether a loop's first block has changed.
    fn round(&mut self, body: &Body, pass: &mut Pass, budget: &mut Budget) -> Result<bool, CheckError> {
        let mut again = false;
        pass.left.clone_from(&pass.uses);
        for index in (0..self.flow.blocks.len()).rev() {
            let block = self.flow.blocks[index];
            let (mut live, caught) = match self.starts {
                Starts::All(_) => self.end(body, block, |to| self.start(to)),
                Starts::Reversed(_) => self.end(body, block, |to| Cow::Owned(pass.take(to, index, self.width))),
            };
            for &word in body.words[block.start as usize..block.end as usize].iter().rev() {
                budget.spend(step(body, word, &caught, &mut live))?;
            }
            budget.spend(4 * self.width)?;
            match &mut self.starts {
                Starts::All(all) => {
                    let start = &mut all[index * self.width..][..self.width];
                    again |= *start != *live && pass.loops.contains_key(&index);
                    start.copy_from_slice(&live);
                }
                Starts::Reversed(rows) => {
                    if pass.is_last {
                        rows.push(&live);
                    }
                    again |= pass.keep(index, live);
                    if rows.size() + (pass.loops.len() + pass.waiting.len()) * self.width > room(body) {
                        return Err(CheckError { kind: CheckErrorKind::TooComplex, pc: None });
                    }
                }
            }
        }
        Ok(again)
    }

    pub(super) fn into_flow(self) -> Flow {
        self.flow
    }

    /// The registers that are live after an instruction, and those that its handler needs.
    fn after(&self, body: &Body, pc: u32) -> (Vec<u64>, Vec<u64>) {
        let block = self.flow.blocks[self.flow.block_of(pc)];
        let (mut live, caught) = self.end(body, block, |to| self.start(to));
        for &word in body.words[pc as usize + 1..block.end as usize].iter().rev() {
            step(body, word, &caught, &mut live);
        }
        (live, caught)
    }

    /// The same of a block's last instruction, from the rows of the blocks behind it. Without a handler the second set is left
    /// empty.
    fn end<'r>(
        &'r self,
        body: &Body,
        block: Block,
        mut row: impl FnMut(usize) -> Cow<'r, [u64]>,
    ) -> (Vec<u64>, Vec<u64>) {
        let (mut live, mut caught) = (vec![0; self.width], Vec::new());
        let word = block.last(body);
        if word.and_then(Word::op).is_some_and(Op::falls_through) {
            unite(&mut live, &row(self.flow.block_at(block.end)));
        }
        if let Some(target) = word.and_then(target) {
            unite(&mut live, &row(self.flow.block_at(target)));
        }
        for handler in block.handlers(body) {
            let mut needed = row(self.flow.block_at(handler.target)).into_owned();
            remove(&mut needed, handler.register as u32..handler.register as u32 + 1);
            if caught.is_empty() {
                caught = needed;
            } else {
                unite(&mut caught, &needed);
            }
        }
        (live, caught)
    }

    /// The row of a block.
    fn start(&self, index: usize) -> Cow<'_, [u64]> {
        match &self.starts {
            Starts::All(all) => Cow::Borrowed(&all[index * self.width..][..self.width]),
            Starts::Reversed(rows) => {
                let mut row = vec![0; self.width];
                rows.get(self.flow.blocks.len() - 1 - index, &mut row);
                Cow::Owned(row)
            }
        }
    }
}

/// What a pass over a wide function keeps: rows of blocks that some block before them still asks for.
struct Pass {
    /// By block: how often it is asked for by blocks before it, and how often it still will be in this round.
    uses: Vec<u32>,
    left: Vec<u32>,
    waiting: HashMap<usize, Vec<u64>>,
    /// What is live where loops begin, by the round before.
    loops: HashMap<usize, Vec<u64>>,
    is_last: bool,
}

impl Pass {
    fn new(body: &Body, flow: &Flow) -> Pass {
        let mut uses = vec![0; flow.blocks.len()];
        let mut loops = HashMap::new();
        for (index, block) in flow.blocks.iter().enumerate() {
            let word = block.last(body);
            if word.and_then(Word::op).is_some_and(Op::falls_through) {
                uses[index + 1] += 1;
            }
            match word.and_then(target).map(|pc| flow.block_at(pc)) {
                Some(target) if target <= index => drop(loops.insert(target, Vec::new())),
                Some(target) => uses[target] += 1,
                None => {}
            }
            for handler in block.handlers(body) {
                uses[flow.block_at(handler.target)] += 1;
            }
        }
        Pass { left: Vec::new(), uses, waiting: HashMap::new(), loops, is_last: false }
    }

    /// The row of a block that another one asks for.
    fn take(&mut self, block: usize, by: usize, width: usize) -> Vec<u64> {
        if block <= by {
            let row = self.loops.get(&block).filter(|row| !row.is_empty());
            return row.cloned().unwrap_or_else(|| vec![0; width]);
        }
        self.left[block] -= 1;
        let row = match self.left[block] {
            0 => self.waiting.remove(&block),
            _ => self.waiting.get(&block).cloned(),
        };
        row.unwrap_or_else(|| vec![0; width])
    }

    /// Keeps the row of a block; whether a loop begins there, and it was another one.
    fn keep(&mut self, block: usize, row: Vec<u64>) -> bool {
        let mut again = false;
        if let Some(before) = self.loops.get_mut(&block) {
            again = *before != row;
            before.clone_from(&row);
        }
        if self.left[block] > 0 {
            self.waiting.insert(block, row);
        }
        again
    }
}

/// Takes the set of live registers back over one instruction; gives what that cost.
fn step(body: &Body, word: Word, caught: &[u64], live: &mut [u64]) -> usize {
    let mut cost = 1 + caught.len() / 8;
    for_each_write(word, |range| remove(live, range));
    for_each_read(body, word, |range| {
        cost += 1 + range.len() / 64;
        insert(live, range);
    });
    unite(live, caught);
    cost
}

fn unite(set: &mut [u64], other: &[u64]) {
    set.iter_mut().zip(other).for_each(|(set, other)| *set |= other);
}
