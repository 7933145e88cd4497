//! Fused instructions: the first word of a common pair or triple is overwritten by one that does the work of all.
//!
//! A fused form leaves the intermediate register unwritten, so it is only used where liveness says that nobody reads
//! it afterwards. The other words of the group stay as they are: jumps into the group work, and a fused instruction
//! that meets an uncommon case goes through them.

use quipu_lang::code::{Code, Constant, Field, Op, Word};

use super::dispatch::number as n;
use crate::ops::meter::LONG;

/// Fuses what can be fused in the prepared words of `code`.
pub(super) fn fuse(code: &Code, words: &mut [u64]) {
    let body = &code.body().words;
    for i in 0..words.len() {
        let group = &body[i..body.len().min(i + 3)];
        let number = match group[0].op() {
            Some(Op::LoadInt) => with_int(code, i, group),
            Some(Op::LoadConst) => with_constant(code, i, group, words[i]),
            Some(Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne) => compare_and_jump(code, i, group),
            Some(Op::GetFreeCell) => add_to_cell(code, i, &body[i..body.len().min(i + 4)]),
            Some(Op::Next) if group.len() > 1 => {
                let looped = group[1].op() == Some(Op::LoopPresent) && group[1].a() == group[0].a();
                looped.then_some(group[0].0 & !0xff | n::NextLoop as u64)
            }
            _ => None,
        };
        if let Some(word) = number {
            words[i] = word;
        }
    }
}

/// Whether nobody reads a register from instruction `pc` on.
fn is_dead(code: &Code, pc: usize, register: u16) -> bool {
    code.live_before(pc as u32).is_some_and(|live| !live.contains(&register))
}

/// The test that follows a comparison whose result goes into `register`: whether it jumps, jumps if not, or loops.
#[derive(Clone, Copy)]
enum Test {
    Jump,
    JumpNot,
    Loop,
}

/// The test at instruction `at`, if it is one of `register` and nobody needs the register, or `also`, afterwards.
fn test_of(code: &Code, at: usize, word: Word, register: u16, also: Option<u16>) -> Option<Test> {
    let test = match word.op()? {
        Op::JumpIf => Test::Jump,
        Op::JumpIfNot => Test::JumpNot,
        Op::LoopIf => Test::Loop,
        _ => return None,
    };
    let unread = |register| is_dead(code, at + 1, register) && is_dead(code, word.x() as usize, register);
    (word.a() == register && unread(register) && also.is_none_or(unread)).then_some(test)
}

/// A captured variable that a small int is added to.
fn add_to_cell(code: &Code, i: usize, group: &[Word]) -> Option<u64> {
    let &[get, load, add, put] = group else { return None };
    let ops = [load.op()?, add.op()?, put.op()?];
    let small = i8::try_from(load.x() as i32).ok()?;
    let fits = ops == [Op::LoadInt, Op::Add, Op::SetFreeCell]
        && (add.b(), add.c()) == (get.a(), load.a())
        && get.a() != load.a()
        && (add.a(), put.a()) == (get.a(), get.a())
        && put.x() == get.x()
        && is_dead(code, i + 4, load.a());
    fits.then_some(get.0 & !0xffff | (small as u8 as u64) << 8 | n::AddFreeCell as u64)
}

/// A comparison and the test of its result.
fn compare_and_jump(code: &Code, i: usize, group: &[Word]) -> Option<u64> {
    let (first, second) = (group[0], *group.get(1)?);
    let test = test_of(code, i + 1, second, first.a(), None)?;
    let numbers = match first.op()? {
        Op::Lt => [n::LtJump, n::LtJumpNot, n::LtLoop],
        Op::Le => [n::LeJump, n::LeJumpNot, n::LeLoop],
        Op::Gt => [n::GtJump, n::GtJumpNot, n::GtLoop],
        Op::Ge => [n::GeJump, n::GeJumpNot, n::GeLoop],
        Op::Eq => [n::EqJump, n::EqJumpNot, 0],
        Op::Ne => [n::NeJump, n::NeJumpNot, 0],
        _ => return None,
    };
    let number = numbers[test as usize];
    (number != 0).then_some(first.0 & !0xff | number as u64)
}

/// A small int, the operator that takes it as its right operand, and perhaps the test of a comparison.
fn with_int(code: &Code, i: usize, group: &[Word]) -> Option<u64> {
    let (load, operator) = (group[0], *group.get(1)?);
    let small = i16::try_from(load.x() as i32).ok()?;
    let register = load.a();
    if (operator.c() == register) == (operator.b() == register) {
        return None;
    }
    let is_left = operator.b() == register;
    let number = match (operator.op()?, is_left) {
        (Op::Add, false) => n::AddInt,
        (Op::Add, true) => n::AddIntLeft,
        (Op::Sub, false) => n::SubInt,
        (Op::Mul, false) => n::MulInt,
        (Op::Mul, true) => n::MulIntLeft,
        (Op::Mod, false) if small > 0 => n::ModInt,
        (Op::FloorDiv, false) if small > 0 => n::FloorDivInt,
        (Op::BitAnd, false) if small > 0 => n::AndInt,
        (Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne, false) => {
            let test = test_of(code, i + 2, *group.get(2)?, operator.a(), Some(register))?;
            let numbers = match operator.op()? {
                Op::Lt => [n::LtIntJump, n::LtIntJumpNot, n::LtIntLoop],
                Op::Le => [n::LeIntJump, n::LeIntJumpNot, n::LeIntLoop],
                Op::Gt => [n::GtIntJump, n::GtIntJumpNot, n::GtIntLoop],
                Op::Ge => [n::GeIntJump, n::GeIntJumpNot, n::GeIntLoop],
                Op::Eq => [n::EqIntJump, n::EqIntJumpNot, n::EqIntLoop],
                _ => [n::NeIntJump, n::NeIntJumpNot, n::NeIntLoop],
            };
            return Some(fused(numbers[test as usize], operator, small as u16));
        }
        _ => return None,
    };
    if operator.a() != register && !is_dead(code, i + 2, register) {
        return None;
    }
    let other = if is_left { operator.with_field(Field::B, operator.c().into()) } else { operator };
    Some(fused(number, other, small as u16))
}

/// A number or string, the operator that takes it, and perhaps the test of a comparison. `load` is the prepared word of
/// the constant's instruction.
fn with_constant(code: &Code, i: usize, group: &[Word], load: u64) -> Option<u64> {
    let (register, constant) = (group[0].a(), code.body().constants.get(group[0].x() as usize)?);
    let operator = *group.get(1)?;
    let distance = u16::try_from(load >> 32).ok()?;
    if (operator.c() == register) == (operator.b() == register) {
        return None;
    }
    let is_left = operator.b() == register;
    let number = match (operator.op()?, constant, is_left) {
        (Op::Add, Constant::Float(_), false) => n::AddConst,
        (Op::Sub, Constant::Float(_), false) => n::SubConst,
        (Op::Mul, Constant::Float(_), false) => n::MulConst,
        (Op::Div, Constant::Float(_), false) => n::DivConst,
        (Op::Sub, Constant::Float(_), true) => n::SubConstLeft,
        (Op::Mul, Constant::Float(_), true) => n::MulConstLeft,
        (Op::Div, Constant::Float(_), true) => n::DivConstLeft,
        // Comparing long strings is paid for on the slow path alone.
        (Op::Eq | Op::Ne, Constant::Str(text), false) if text.len() >= LONG => return None,
        (Op::Lt | Op::Le | Op::Gt | Op::Ge, Constant::Float(_), false) | (Op::Eq | Op::Ne, Constant::Str(_), false) => {
            let test = test_of(code, i + 2, *group.get(2)?, operator.a(), Some(register))?;
            let numbers = match operator.op()? {
                Op::Lt => [n::LtConstJump, n::LtConstJumpNot, n::LtConstLoop],
                Op::Le => [n::LeConstJump, n::LeConstJumpNot, n::LeConstLoop],
                Op::Gt => [n::GtConstJump, n::GtConstJumpNot, n::GtConstLoop],
                Op::Ge => [n::GeConstJump, n::GeConstJumpNot, n::GeConstLoop],
                Op::Eq => [0, n::EqTextJumpNot, 0],
                _ => [0, n::NeTextJumpNot, 0],
            };
            let number = numbers[test as usize];
            return (number != 0).then(|| fused(number, operator, distance));
        }
        _ => return None,
    };
    if operator.a() != register && !is_dead(code, i + 2, register) {
        return None;
    }
    let other = if is_left { operator.with_field(Field::B, operator.c().into()) } else { operator };
    Some(fused(number, other, distance))
}

/// The operator's word with another number, and an int or a distance in place of its right operand.
fn fused(number: u8, operator: Word, c: u16) -> u64 {
    operator.0 & 0x0000_ffff_ffff_0000 | number as u64 | (c as u64) << 48
}
