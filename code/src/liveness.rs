//! Which registers still matter at an instruction: those that a suspended frame is made of.
//!
//! A register is live where some path reads it before writing it. An error may take any instruction to its handler, so
//! what the handler reads is live all through its range.

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
        // What is live where a loop begins, by the round before.
        let mut loops: HashMap<usize, Vec<u64>> = HashMap::new();
        for (index, block) in liveness.flow.blocks.iter().enumerate() {
            let target = block.last(body).and_then(target).map(|pc| liveness.flow.block_at(pc));
            if let Some(target) = target.filter(|&target| target <= index) {
                loops.insert(target, Vec::new());
            }
        }
        loop {
            let mut again = false;
            if let Starts::Reversed(rows) = &mut liveness.starts {
                rows.clear();
            }
            for index in (0..count).rev() {
                let block = liveness.flow.blocks[index];
                let (mut live, caught) = liveness.end(body, block, Some((index, &loops)));
                for &word in body.words[block.start as usize..block.end as usize].iter().rev() {
                    budget.spend(step(body, word, &caught, &mut live))?;
                }
                budget.spend(4 * width)?;
                again |= liveness.set(index, &live, &mut loops);
                if let Starts::Reversed(rows) = &liveness.starts
                    && rows.size() + loops.len() * width > room(body)
                {
                    return Err(CheckError { kind: CheckErrorKind::TooComplex, pc: None });
                }
            }
            if !again {
                return Ok(liveness);
            }
        }
    }

    /// Sets what is live at the start of a block; whether it is where a loop begins, and was something else.
    fn set(&mut self, index: usize, live: &[u64], loops: &mut HashMap<usize, Vec<u64>>) -> bool {
        match &mut self.starts {
            Starts::All(all) => {
                let start = &mut all[index * self.width..][..self.width];
                let again = *start != *live && loops.contains_key(&index);
                start.copy_from_slice(live);
                again
            }
            Starts::Reversed(rows) => {
                rows.push(live);
                loops.get_mut(&index).is_some_and(|before| {
                    let again = before != live && !(before.is_empty() && live.iter().all(|&word| word == 0));
                    *before = live.to_vec();
                    again
                })
            }
        }
    }

    pub(super) fn into_flow(self) -> Flow {
        self.flow
    }

    /// The registers that are live after an instruction, and those that its handler needs.
    fn after(&self, body: &Body, pc: u32) -> (Vec<u64>, Vec<u64>) {
        let block = self.flow.blocks[self.flow.block_of(pc)];
        let (mut live, caught) = self.end(body, block, None);
        for &word in body.words[pc as usize + 1..block.end as usize].iter().rev() {
            step(body, word, &caught, &mut live);
        }
        (live, caught)
    }

    /// The same of a block's last instruction. Without a handler the second set is left empty. While the rows are made, what
    /// is behind a block is there already, and of loops that it ends there is what the round before has found.
    fn end(
        &self,
        body: &Body,
        block: Block,
        round: Option<(usize, &HashMap<usize, Vec<u64>>)>,
    ) -> (Vec<u64>, Vec<u64>) {
        let (mut live, mut caught) = (vec![0; self.width], Vec::new());
        let word = block.last(body);
        let mut add = |pc: u32| {
            let to = self.flow.block_at(pc);
            match (round, &self.starts) {
                (Some((index, loops)), Starts::Reversed(_)) if to <= index => {
                    loops.get(&to).into_iter().for_each(|row| unite(&mut live, row));
                }
                _ => unite(&mut live, &self.start(to)),
            }
        };
        if word.and_then(Word::op).is_some_and(Op::falls_through) {
            add(block.end);
        }
        if let Some(target) = word.and_then(target) {
            add(target);
        }
        if let Some(handler) = block.handler {
            let handler = body.handlers[handler as usize];
            caught = self.start(self.flow.block_at(handler.target)).into_owned();
            remove(&mut caught, handler.register as u32..handler.register as u32 + 1);
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
