//! Definite assignment: on every path a register is written before it is read.

use super::{CheckErrorKind, Checker, Result, fail_at};
use crate::effects::{for_each_read, for_each_write, lost_from, target};
use crate::facts::{Block, Flow, Liveness};
use crate::flow::{Budget, first_missing, insert, remove, set_words};
use crate::object::Handler;
use crate::op::Op;
use crate::rows::{Entries, room};

impl Checker<'_> {
    /// No register is read that some path leaves unwritten or lost.
    ///
    /// Each block has the set of registers that are written on every path to its start found so far. The blocks are
    /// gone through in order, and once more as long as a loop has changed its first block. Sets only shrink, so this
    /// ends; and after as many rounds as there are loops, at the latest.
    pub(super) fn assignment(&self, flow: Flow) -> Result<Flow> {
        let body = self.body;
        let width = set_words(body.registers);
        // Memory follows the length of the code, however its maker chose the registers.
        let is_wide = flow.blocks.len() * width > room(body);
        let mut budget = Budget::of(body);
        let budget_of_round = budget.left();
        let mut cost_of_round = None;
        let mut loops: u64 = 0;

        let mut before = match is_wide {
            true => Entries::of_some(width, &flow, body),
            false => Entries::of_all(width, &flow),
        };
        let mut now = vec![0; width];
        insert(&mut now, 0..body.params() as u32);
        before.begin(&now);
        let mut again = true;
        while std::mem::take(&mut again) {
            loops = 0;
            for (index, block) in flow.blocks.iter().enumerate() {
                before.enter(index, &mut now)?;
                for handler in block.handlers(body) {
                    let to = flow.block_at(handler.target);
                    before.meet(to, &self.caught(block, handler, now.clone()))?;
                    budget.spend((block.end - block.start) as usize * width / 8)?;
                }
                for pc in block.start..block.end {
                    budget.spend(self.step(pc, &mut now)?)?;
                }
                budget.spend(4 * width)?;
                let Some(word) = block.last(body) else { continue };
                if let Some(target) = target(word) {
                    let to = flow.block_at(target);
                    let changed = before.meet(to, &now)?;
                    again |= changed && to <= index;
                    loops += (to <= index) as u64;
                }
                if word.op().is_some_and(Op::falls_through) {
                    before.meet(index + 1, &now)?;
                }
            }
            cost_of_round.get_or_insert(budget_of_round - budget.left());
        }

        // Liveness is asked for later, when it can no longer be refused. It goes through the code in rounds of about
        // the same cost; only where there are too many loops to be sure of their number, or little room, is it tried out now.
        drop(before);
        let most_rounds = loops + 2;
        if is_wide || most_rounds.saturating_mul(2 * cost_of_round.unwrap_or(0)) > Budget::of(body).left() {
            let liveness = Liveness::of(body, flow, &mut Budget::of(body))?;
            return Ok(liveness.into_flow());
        }
        Ok(flow)
    }

    /// The registers that are written whichever instruction of the block throws: an error may come before the first
    /// write and after the last loss.
    fn caught(&self, block: &Block, handler: &Handler, mut now: Vec<u64>) -> Vec<u64> {
        let words = &self.body.words[block.start as usize..block.end as usize];
        if let Some(first) = words.iter().filter_map(|&word| lost_from(word)).min() {
            remove(&mut now, first as u32..self.body.registers as u32);
        }
        insert(&mut now, handler.register as u32..handler.register as u32 + 1);
        now
    }

    /// Takes the set of written registers over one instruction; gives what that cost.
    fn step(&self, pc: u32, now: &mut [u64]) -> Result<usize> {
        let word = self.body.words[pc as usize];
        let mut missing = None;
        let mut cost = 1;
        for_each_read(self.body, word, |range| {
            cost += 1 + range.len() / 64;
            missing = missing.or_else(|| first_missing(now, range));
        });
        if let Some(register) = missing {
            return fail_at(pc, CheckErrorKind::Unassigned(register));
        }
        if let Some(first) = lost_from(word) {
            cost += (self.body.registers - first) as usize / 64;
            remove(now, first as u32..self.body.registers as u32);
        }
        for_each_write(word, |range| insert(now, range));
        Ok(cost)
    }
}
