//! What registers hold on every path to an instruction: a value, perhaps nothing, a cell, an iterator.
//!
//! Most registers never hold anything but values, and of those it is enough to know that they were written (see the
//! checker's `assignment`). Here are the others, the *special* ones: those in which some instruction or handler leaves a
//! cell, an iterator or perhaps `absent`, and parameters that may be missing. They are numbered anew, so that sets of them are
//! small. What holds on every path is kept as four sets, and where paths meet, those that both have:
//!
//! ```text
//!              plain  cell  sure  iterator
//!   Value        x           x               sure: it is not absent
//!   Perhaps      x
//!   Cell               x
//!   Var                x     x               sure: it is of a var
//!   Iterator                         x       only the first of the three
//! ```
//!
//! A register that is in none of them may hold anything, and nothing may read it. As sets only shrink, the passes end.

use std::ops::Range;

use crate::effects::{lost_from, reads, target};
use crate::error::{CheckError, CheckErrorKind};
use crate::facts::{Block, Flow, Holdings, Special};
use crate::flow::{Budget, insert, members, set_words};
use crate::object::{Body, CaptureSource, ClosureSite, Code, FreeKind, TypeSite};
use crate::op::{Holds, Op, Role, Sure, Word};
use crate::rows::{Entries, meet, room};

/// In place of the number of a register that is not special.
const ORDINARY: u16 = u16::MAX;
/// In place of the number of a special register that is not followed. There are fewer registers than this.
const ELSEWHERE: u16 = u16::MAX - 1;

/// A row of sets: all four for each 64 special registers.
type Row = [u64];

/// Rows for use on the way: before an instruction, when it throws, and whenever one of the block does.
struct Rows {
    now: Vec<u64>,
    thrown: Vec<u64>,
    caught: Vec<u64>,
}

const PLAIN: usize = 0;
const CELL: usize = 1;
const SURE: usize = 2;
const ITERATOR: usize = 3;
const SETS: usize = 4;

/// What a register may hold at an instruction, for who makes frames.
pub struct Held<'c> {
    special: &'c Special,
    row: Vec<u64>,
}

impl std::fmt::Debug for Held<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

impl Held<'_> {
    /// What a register that matters at the instruction holds. None for the two behind the first of an iterator.
    pub fn of(&self, register: u16) -> Option<Holds> {
        let Some(number) = self.special.number(register.into()) else { return Some(Holds::Value) };
        let has = |set: usize| self.row[number / 64 * SETS + set] >> (number % 64) & 1 == 1;
        match (has(PLAIN), has(CELL), has(SURE)) {
            _ if has(ITERATOR) => Some(Holds::Iterator),
            (true, _, true) => Some(Holds::Value),
            (true, _, false) => Some(Holds::Perhaps),
            (_, true, true) => Some(Holds::Var),
            (_, true, false) => Some(Holds::Cell),
            _ => None,
        }
    }
}

impl Code {
    /// What registers hold before an instruction. None when there is no such instruction.
    pub fn held_before(&self, pc: u32) -> Option<Held<'_>> {
        let body = self.body();
        body.words.get(pc as usize)?;
        let holdings = self.checked.holdings.get_or_init(|| {
            let special = Special::of(body).filter(|special| !special.part.is_empty())?;
            let holdings = Holdings::of(body, Flow::of(body), special, &mut Budget::unlimited());
            Some(holdings.expect("checked code keeps its rules"))
        });
        let Some(holdings) = holdings else {
            static NONE: Special = Special { part: Vec::new(), numbers: Vec::new() };
            return Some(Held { special: &NONE, row: Vec::new() });
        };
        let index = holdings.flow.block_of(pc);
        let mut row = vec![0; holdings.special.width()];
        holdings.starts.get(index, &mut row);
        for at in holdings.flow.blocks[index].start..pc {
            holdings.special.pass(body, at, &mut row).expect("checked code keeps its rules");
        }
        Some(Held { special: &holdings.special, row })
    }
}

impl Holdings {
    /// Proves that no instruction reads anything else than it may.
    ///
    /// # Errors
    /// One does; the budget is used up.
    pub(super) fn prove(body: &Body, mut flow: Flow, budget: &mut Budget) -> Result<(), CheckError> {
        let Some(all) = Special::of(body) else { return Ok(()) };
        // Memory follows the length of the code.
        let most = 64 * ((2 * body.words.len() + (16 << 10)) / (SETS * flow.blocks.len())).max(1);
        if all.part.len() <= most {
            return Holdings::of(body, flow, all, budget).map(drop);
        }
        // Of a wide function all are wanted at once later, too.
        if flow.blocks.len() * set_words(body.registers) > room(body) {
            return Holdings::of(body, flow, all, budget).map(drop);
        }
        for part in all.part.chunks(most) {
            flow = Holdings::of(body, flow, all.only(part), budget)?.flow;
        }
        Ok(())
    }

    /// Goes through the blocks in order, and once more as long as a loop has changed its first block.
    ///
    /// # Errors
    /// As `prove`.
    fn of(body: &Body, flow: Flow, special: Special, budget: &mut Budget) -> Result<Holdings, CheckError> {
        let width = special.width();
        let starts = match flow.blocks.len() * set_words(body.registers) > room(body) {
            true => Entries::of_some(width, &flow, body),
            false => Entries::of_all(width, &flow),
        };
        let mut holdings = Holdings { starts, flow, special };
        let mut entry = vec![0; width];
        let entry = &mut entry[..];
        let (required, named) = (body.required as u32, body.required as u32 + body.optional as u32);
        holdings.special.set(entry, 0..body.params() as u32, &[PLAIN]);
        holdings.special.set(entry, 0..required, &[SURE]);
        holdings.special.set(entry, named..body.params() as u32, &[SURE]);
        holdings.starts.begin(entry);
        let mut rows = Rows { now: vec![0; width], thrown: vec![0; width], caught: vec![0; width] };
        let mut again = true;
        while std::mem::take(&mut again) {
            for index in 0..holdings.flow.blocks.len() {
                again |= holdings.block(body, index, &mut rows, budget)?;
            }
        }
        if holdings.starts.remember() {
            for index in 0..holdings.flow.blocks.len() {
                holdings.block(body, index, &mut rows, budget)?;
            }
        }
        Ok(holdings)
    }

    /// Takes what holds at the start of a block to the blocks behind it; whether that has changed one before it.
    fn block(&mut self, body: &Body, index: usize, rows: &mut Rows, budget: &mut Budget) -> Result<bool, CheckError> {
        let block = self.flow.blocks[index];
        let Rows { now, thrown, caught } = rows;
        self.starts.enter(index, now)?;
        caught.fill(u64::MAX);
        for pc in block.start..block.end {
            if block.handler.is_some() {
                // An error may come when the instruction has lost its window, but has not written its result.
                thrown.copy_from_slice(now);
                self.special.lose(body.words[pc as usize], thrown);
                meet(caught, thrown);
                budget.spend(now.len() / 4)?;
            }
            budget.spend(self.special.pass(body, pc, now)?)?;
        }
        budget.spend(now.len())?;
        for handler in block.handlers(body) {
            thrown.copy_from_slice(caught);
            self.special.write(handler.register, body.handled(handler), thrown);
            self.reach(handler.target, thrown)?;
        }
        self.leave(body, block, now, thrown)
    }

    /// The ways out of a block that ends like this; whether one has changed a block before it. What a test finds out
    /// about its register holds on one of them. `other` is a row for use.
    fn leave(&mut self, body: &Body, block: Block, now: &mut Row, other: &mut Row) -> Result<bool, CheckError> {
        let Some(word) = block.last(body) else { return Ok(false) };
        let register = word.a() as u32..word.a() as u32 + 1;
        let sure = word.op().and_then(Op::sure);
        let mut again = false;
        if let Some(to) = target(word) {
            other.copy_from_slice(now);
            if sure == Some(Sure::There) {
                self.special.set(other, register.clone(), &[SURE]);
            }
            again = self.reach(to, other)? && to < block.end;
        }
        if word.op().is_some_and(Op::falls_through) {
            if sure == Some(Sure::Behind) {
                self.special.set(now, register, &[SURE]);
            }
            self.reach(block.end, now)?;
        }
        Ok(again)
    }

    /// What holds where a block is entered from one more place; whether that is less than before.
    fn reach(&mut self, pc: u32, now: &Row) -> Result<bool, CheckError> {
        self.starts.meet(self.flow.block_at(pc), now)
    }
}

impl Special {
    /// All of them. None where there are none and nothing wants one.
    fn of(body: &Body) -> Option<Special> {
        let mut found = vec![0; set_words(body.registers.max(1))];
        for &word in &body.words {
            let Some(op) = word.op() else { continue };
            for &(field, role, holds) in op.held_operands() {
                let register = word.field(field);
                match role {
                    Role::Out if holds != Holds::Value => insert(&mut found, register..register + 1),
                    Role::IterOut => insert(&mut found, register..register + 3),
                    _ => {}
                }
            }
        }
        for handler in body.handlers.iter().filter(|handler| body.sees_ends(handler)) {
            insert(&mut found, handler.register as u32..handler.register as u32 + 1);
        }
        let required = body.required as u32;
        insert(&mut found, required..required + body.optional as u32);
        let part = members(&found);
        if part.is_empty() && !wants_special(body) {
            return None;
        }
        let none = Special { part: Vec::new(), numbers: vec![ORDINARY; body.registers as usize] };
        Some(none.with(part))
    }

    /// The same with another part followed; all of these are special.
    fn with(mut self, part: Vec<u16>) -> Special {
        part.iter().zip(0..).for_each(|(&register, number)| self.numbers[register as usize] = number);
        self.part = part;
        self
    }

    /// The same with only a part of them followed.
    fn only(&self, part: &[u16]) -> Special {
        let elsewhere = |&number: &u16| if number == ORDINARY { ORDINARY } else { ELSEWHERE };
        let numbers = self.numbers.iter().map(elsewhere).collect();
        Special { part: Vec::new(), numbers }.with(part.to_vec())
    }

    /// Number of words in a row.
    fn width(&self) -> usize {
        self.part.len().div_ceil(64) * SETS
    }

    fn number(&self, register: u32) -> Option<usize> {
        let number = *self.numbers.get(register as usize)?;
        (number < ELSEWHERE).then_some(number as usize)
    }

    /// Puts registers into some of the sets.
    fn set(&self, row: &mut Row, registers: Range<u32>, sets: &[usize]) {
        for number in registers.filter_map(|register| self.number(register)) {
            sets.iter().for_each(|set| row[number / 64 * SETS + set] |= 1 << (number % 64));
        }
    }

    /// Takes a register out of all sets, and the iterator that it is part of.
    fn clear(&self, row: &mut Row, register: u32) {
        if let Some(number) = self.number(register) {
            row[number / 64 * SETS..][..SETS].iter_mut().for_each(|set| *set &= !(1 << (number % 64)));
        }
        self.clear_iterators_before(row, register);
    }

    fn clear_iterators_before(&self, row: &mut Row, register: u32) {
        for number in (register.saturating_sub(2)..register).filter_map(|register| self.number(register)) {
            row[number / 64 * SETS + ITERATOR] &= !(1 << (number % 64));
        }
    }

    /// A register has been written.
    #[inline]
    fn write(&self, register: u16, holds: Holds, row: &mut Row) {
        if holds == Holds::Value && self.numbers[register as usize] == ORDINARY {
            // Special registers are those of iterators, too; this one is none.
            return;
        }
        let register = u32::from(register);
        let count = if holds == Holds::Iterator { 3 } else { 1 };
        (register..register + count).for_each(|register| self.clear(row, register));
        self.set(row, register..register + 1, sets_of(holds));
    }

    /// Whether all of some registers, of which it is known that they were written, hold this.
    #[inline]
    fn has(&self, row: &Row, mut registers: Range<u32>, holds: Holds) -> bool {
        let sets = sets_of(holds);
        registers.all(|register| match self.numbers[register as usize] {
            ORDINARY => matches!(holds, Holds::Value | Holds::Perhaps),
            ELSEWHERE => true,
            number => {
                let number = number as usize;
                sets.iter().all(|set| row[number / 64 * SETS + set] >> (number % 64) & 1 == 1)
            }
        })
    }

    /// Takes a row over one instruction; gives what that cost.
    fn pass(&self, body: &Body, pc: u32, row: &mut Row) -> Result<usize, CheckError> {
        let word = body.words[pc as usize];
        let Some(op) = word.op() else { return Ok(1) };
        let mut cost = 1;
        let operands = op.held_operands();
        for &(field, role, holds) in operands {
            let value = word.field(field);
            match role {
                Role::ClosureSite => self.sources(body, pc, &body.closures[value as usize], row, &mut cost)?,
                Role::TypeSite => {
                    let site = &body.types[value as usize];
                    self.sources(body, pc, &site.constructor, row, &mut cost)?;
                    for method in &site.methods {
                        self.sources(body, pc, &method.closure, row, &mut cost)?;
                    }
                }
                _ => {
                    // Of an iterator its first register says all.
                    let count = if role == Role::Iter { Some(1) } else { reads(word, role) };
                    if let Some(count) = count {
                        cost += 1 + count as usize / 8;
                        self.need(row, pc, value..value + count, holds)?;
                    }
                }
            }
        }
        self.lose(word, row);
        for &(field, role, holds) in operands {
            if matches!(role, Role::Out | Role::IterOut) {
                // Only the register of a new cell depends on more.
                let is_var = holds == Holds::Cell && word.x() == 1;
                self.write(word.field(field) as u16, if is_var { Holds::Var } else { holds }, row);
            }
        }
        Ok(cost)
    }

    /// What a closure that is made takes along.
    fn sources(&self, body: &Body, pc: u32, site: &ClosureSite, row: &Row, cost: &mut usize) -> Result<(), CheckError> {
        let child = &body.children[site.child as usize];
        for (index, &source) in site.sources.iter().enumerate() {
            *cost += 1;
            if let CaptureSource::Register(register) = source {
                self.need(row, pc, register as u32..register as u32 + 1, child.free_holds(index))?;
            }
        }
        Ok(())
    }

    fn need(&self, row: &Row, pc: u32, registers: Range<u32>, holds: Holds) -> Result<(), CheckError> {
        if self.has(row, registers.clone(), holds) { Ok(()) } else { Err(unfit(pc, registers.start, holds)) }
    }

    /// The registers of a call's window, and those behind it, are lost.
    fn lose(&self, word: Word, row: &mut Row) {
        let Some(first) = lost_from(word) else { return };
        let number = self.part.partition_point(|&register| register < first);
        for (index, sets) in row.chunks_exact_mut(SETS).enumerate().skip(number / 64) {
            let kept = if index == number / 64 { (1 << (number % 64)) - 1 } else { 0 };
            sets.iter_mut().for_each(|set| *set &= kept);
        }
        self.clear_iterators_before(row, first.into());
    }
}

impl Code {
    /// What the closures of this code have captured in a free variable: a value, a cell, or a cell of a `var` if this
    /// code, or a function that it makes, writes the variable.
    pub fn free_holds(&self, index: usize) -> Holds {
        match self.body().free.get(index) {
            Some(FreeKind::Cell) if self.checked.written.get(index) == Some(&true) => Holds::Var,
            Some(FreeKind::Cell) => Holds::Cell,
            _ => Holds::Value,
        }
    }
}

/// Which free variables the code of a body writes, itself or in functions that it makes.
pub(super) fn written(body: &Body) -> Box<[bool]> {
    let mut written = vec![false; body.free.len()];
    for &word in &body.words {
        for &(field, role, holds) in word.op().map_or(&[][..], Op::held_operands) {
            if role == Role::FreeCell && holds == Holds::Var {
                written[word.field(field) as usize] = true;
            }
        }
    }
    let members = body
        .types
        .iter()
        .flat_map(|site| std::iter::once(&site.constructor).chain(site.methods.iter().map(|method| &method.closure)));
    for site in body.closures.iter().chain(members) {
        let child = &body.children[site.child as usize];
        for (index, source) in site.sources.iter().enumerate() {
            if let CaptureSource::Free(free) = *source {
                written[free as usize] |= child.free_holds(index) == Holds::Var;
            }
        }
    }
    written.into()
}

/// The sets that a register which holds this is in.
const fn sets_of(holds: Holds) -> &'static [usize] {
    match holds {
        Holds::Value => &[PLAIN, SURE],
        Holds::Perhaps => &[PLAIN],
        Holds::Cell => &[CELL],
        Holds::Var => &[CELL, SURE],
        Holds::Iterator => &[ITERATOR],
    }
}

/// Whether an instruction reads what only special registers hold.
fn wants_special(body: &Body) -> bool {
    let wants = |site: &ClosureSite| {
        let child = &body.children[site.child as usize];
        let mut sources = site.sources.iter().enumerate();
        sources.any(|(index, source)| {
            matches!(source, CaptureSource::Register(_)) && child.free_holds(index) != Holds::Value
        })
    };
    let type_wants = |site: &TypeSite| wants(&site.constructor) || site.methods.iter().any(|it| wants(&it.closure));
    body.words.iter().any(|word| {
        let Some(op) = word.op() else { return false };
        op.held_operands().iter().any(|&(field, role, holds)| match role {
            Role::In => !matches!(holds, Holds::Value | Holds::Perhaps),
            Role::Iter => true,
            Role::ClosureSite => wants(&body.closures[word.field(field) as usize]),
            Role::TypeSite => type_wants(&body.types[word.field(field) as usize]),
            _ => false,
        })
    })
}

fn unfit(pc: u32, register: u32, wanted: Holds) -> CheckError {
    CheckError { kind: CheckErrorKind::Holds { register, wanted }, pc: Some(pc) }
}
