//! Fused instructions: the first word of a common pair or triple is overwritten by one that does the work of all.
//!
//! Which groups there are stands in the table of prepared instructions (`dispatch`). A fused form leaves the intermediate
//! register unwritten, so it is only used where liveness says that nobody reads it afterwards. The other words of the group
//! stay as they are: jumps into the group work, and a fused instruction that meets an uncommon case goes through them.

use quipu_code::{Code, Constant, Field, Op, Word};

use super::dispatch::{Operand, PREPARED, Shape, Side};
use crate::ops::meter::LONG;

/// Fuses what can be fused in the prepared words of `code`.
pub(super) fn fuse(code: &Code, words: &mut [u64]) {
    for (i, word) in words.iter_mut().enumerate() {
        if let Some(fused) = (Group { code, at: i }).fused(*word) {
            *word = fused;
        }
    }
}

/// Instructions from one on.
#[derive(Clone, Copy)]
struct Group<'c> {
    code: &'c Code,
    at: usize,
}

/// Whether an instruction begins a group that loads nothing first.
static BEGINS: [bool; 256] = {
    let mut begins = [false; 256];
    let mut row = 0;
    while row < PREPARED.len() {
        if let (_, Shape::Tested(op, _) | Shape::Then(op, _) | Shape::Sum(op)) = PREPARED[row] {
            begins[op as usize] = true;
        }
        row += 1;
    }
    begins
};

/// The prepared instruction with this shape.
fn number(is_it: impl Fn(Shape) -> bool) -> Option<u8> {
    PREPARED.iter().find(|&&(_, shape)| is_it(shape)).map(|&(number, _)| number)
}

impl Group<'_> {
    fn word(self, behind: usize) -> Option<Word> {
        self.code.body().words.get(self.at + behind).copied()
    }

    /// The word of the fused form, if there is one. `prepared` is the prepared word of the first instruction.
    fn fused(self, prepared: u64) -> Option<u64> {
        let first = self.word(0)?;
        match first.op()? {
            Op::LoadInt => {
                let small = i16::try_from(first.x() as i32).ok()?;
                let fits = |operand| operand == Operand::Int || operand == Operand::Positive && small > 0;
                self.with_value(fits, small as u16)
            }
            Op::LoadConst => {
                let wanted = match self.code.body().constants.get(first.x() as usize)? {
                    Constant::Float(_) => Operand::Float,
                    // Comparing long strings is paid for on the slow path alone.
                    Constant::Str(text) if text.len() < LONG => Operand::Text,
                    _ => return None,
                };
                self.with_value(|operand| operand == wanted, u16::try_from(prepared >> 32).ok()?)
            }
            op if BEGINS[op as usize] => self.pair(op).or_else(|| self.sum(op)),
            _ => None,
        }
    }

    /// Whether nobody reads a register from so many instructions further on.
    fn is_dead(self, behind: usize, register: u16) -> bool {
        self.code.live_before((self.at + behind) as u32).is_some_and(|live| !live.contains(&register))
    }

    /// Whether the instruction so far behind tests `register`, and nobody needs that, or `also`, afterwards.
    fn tests(self, behind: usize, register: u16, also: Option<u16>) -> bool {
        let Some(test) = self.word(behind) else { return false };
        let there = Group { at: test.x() as usize, ..self };
        let unread = |register| self.is_dead(behind + 1, register) && there.is_dead(0, register);
        test.a() == register && unread(register) && also.is_none_or(unread)
    }

    /// A value that the first instruction loads, the operator that takes it, and perhaps the test of what that gives. `c`
    /// stands in place of the operand.
    fn with_value(self, fits: impl Fn(Operand) -> bool, c: u16) -> Option<u64> {
        let (register, operator) = (self.word(0)?.a(), self.word(1)?);
        let op = operator.op()?;
        let side = match (operator.b() == register, operator.c() == register) {
            (true, false) => Side::Left,
            (false, true) => Side::Right,
            _ => return None,
        };
        let untested = |shape| matches!(shape, Shape::With(o, operand, s) if (o, s) == (op, side) && fits(operand));
        if let Some(number) = number(untested) {
            if operator.a() != register && !self.is_dead(2, register) {
                return None;
            }
            let other = if side == Side::Left { operator.c() } else { operator.b() };
            return Some(with_operand(number, operator.with_field(Field::B, other.into()), c));
        }
        let test = self.word(2)?.op()?;
        let tested = |shape| matches!(shape, Shape::WithTested(o, operand, t) if (o, t) == (op, test) && fits(operand));
        let number = number(tested).filter(|_| side == Side::Right)?;
        self.tests(2, operator.a(), Some(register)).then(|| with_operand(number, operator, c))
    }

    /// An instruction and what is done next with its result.
    fn pair(self, op: Op) -> Option<u64> {
        let (first, second) = (self.word(0)?, self.word(1)?);
        let next = second.op()?;
        let number = match number(|shape| shape == Shape::Tested(op, next)) {
            Some(number) => self.tests(1, first.a(), None).then_some(number),
            None => number(|shape| shape == Shape::Then(op, next)).filter(|_| second.a() == first.a()),
        }?;
        Some(with_number(number, first))
    }

    /// A captured variable that a small int is added to.
    fn sum(self, op: Op) -> Option<u64> {
        let (get, load, add, put) = (self.word(0)?, self.word(1)?, self.word(2)?, self.word(3)?);
        let ops = [load.op()?, add.op()?, put.op()?];
        let small = i8::try_from(load.x() as i32).ok()?;
        let fits = ops == [Op::LoadInt, Op::Add, Op::SetFreeCell]
            && (add.b(), add.c()) == (get.a(), load.a())
            && get.a() != load.a()
            && (add.a(), put.a()) == (get.a(), get.a())
            && put.x() == get.x()
            && self.is_dead(4, load.a());
        let number = number(|shape| shape == Shape::Sum(op)).filter(|_| fits)?;
        Some(with_number(number, get.with_field(Field::D, (small as u8).into())))
    }
}

/// An instruction's word with another number.
pub(super) fn with_number(number: u8, word: Word) -> u64 {
    word.0 & !0xff | number as u64
}

/// The operator's word with another number, and an int or a distance in place of its right operand.
fn with_operand(number: u8, operator: Word, c: u16) -> u64 {
    with_number(number, operator.with_field(Field::C, c.into()).with_field(Field::D, 0))
}
