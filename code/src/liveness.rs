//! Which registers still matter at an instruction: those that a suspended frame is made of.
//!
//! A register is live where some path reads it before writing it. An error may take any instruction to its handler, and the
//! end of a fiber to the innermost one that sees ends, so what these read is live all through their ranges.

use crate::effects::{for_each_read, for_each_write, target};
use crate::error::CheckError;
use crate::facts::{Block, Flow, Liveness};
use crate::flow::{Budget, insert, members, remove, set_words};
use crate::object::{Body, Code};
use crate::op::{Op, Role, Word};

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
        let starts = vec![0; flow.blocks.len() * width];
        let mut liveness = Liveness { flow, width, starts };
        let mut loops = vec![false; liveness.flow.blocks.len()];
        for (index, block) in liveness.flow.blocks.iter().enumerate() {
            let target = block.last(body).and_then(target).map(|pc| liveness.flow.block_at(pc));
            if let Some(target) = target.filter(|&target| target <= index) {
                loops[target] = true;
            }
        }
        loop {
            let mut again = false;
            for (index, &is_loop) in loops.iter().enumerate().rev() {
                let block = liveness.flow.blocks[index];
                let (mut live, caught) = liveness.end(body, block);
                for &word in body.words[block.start as usize..block.end as usize].iter().rev() {
                    budget.spend(step(body, word, &caught, &mut live))?;
                }
                budget.spend(4 * width)?;
                let start = &mut liveness.starts[index * width..][..width];
                again |= is_loop && *start != *live;
                start.copy_from_slice(&live);
            }
            if !again {
                return Ok(liveness);
            }
        }
    }

    pub(super) fn into_flow(self) -> Flow {
        self.flow
    }

    /// The registers that are live after an instruction, and those that its handler needs.
    fn after(&self, body: &Body, pc: u32) -> (Vec<u64>, Vec<u64>) {
        let block = self.flow.blocks[self.flow.block_of(pc)];
        let (mut live, caught) = self.end(body, block);
        for &word in body.words[pc as usize + 1..block.end as usize].iter().rev() {
            step(body, word, &caught, &mut live);
        }
        (live, caught)
    }

    /// The same of a block's last instruction. Without a handler the second set is left empty.
    fn end(&self, body: &Body, block: Block) -> (Vec<u64>, Vec<u64>) {
        let (mut live, mut caught) = (vec![0; self.width], Vec::new());
        let word = block.last(body);
        if word.and_then(Word::op).is_some_and(Op::falls_through) {
            unite(&mut live, self.start(block.end));
        }
        if let Some(target) = word.and_then(target) {
            unite(&mut live, self.start(target));
        }
        for handler in block.handlers(body) {
            let mut needed = self.start(handler.target).to_vec();
            remove(&mut needed, handler.register as u32..handler.register as u32 + 1);
            if caught.is_empty() {
                caught = needed;
            } else {
                unite(&mut caught, &needed);
            }
        }
        (live, caught)
    }

    fn start(&self, pc: u32) -> &[u64] {
        &self.starts[self.flow.block_at(pc) * self.width..][..self.width]
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
