//! Fused instructions: the first word of a common pair or triple is overwritten by one that does the work of all.
//!
//! A fused form leaves the intermediate register unwritten, so it is only used where liveness says that nobody reads
//! it afterwards. The other words of the group stay as they are: jumps into the group work, and a fused instruction
//! that meets an uncommon case goes through them.

use quipu_lang::code::{Code, Op, Word};

use super::dispatch::number as n;

/// Fuses what can be fused in the prepared words of `code`.
pub(super) fn fuse(code: &Code, words: &mut [u64]) {
    let body = &code.body().words;
    for i in 0..words.len() {
        let group = &body[i..body.len().min(i + 3)];
        let number = match group[0].op() {
            Some(Op::LoadInt) => with_int(code, i, group),
            Some(Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne) => compare_and_jump(code, i, group),
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
    if operator.c() != register || operator.b() == register {
        return None;
    }
    let number = match operator.op()? {
        Op::Add => n::AddInt,
        Op::Sub => n::SubInt,
        Op::Mul => n::MulInt,
        Op::Mod if small > 0 => n::ModInt,
        Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne => {
            let test = test_of(code, i + 2, *group.get(2)?, operator.a(), Some(register))?;
            let numbers = match operator.op()? {
                Op::Lt => [n::LtIntJump, n::LtIntJumpNot, n::LtIntLoop],
                Op::Le => [n::LeIntJump, n::LeIntJumpNot, n::LeIntLoop],
                Op::Gt => [n::GtIntJump, n::GtIntJumpNot, n::GtIntLoop],
                Op::Ge => [n::GeIntJump, n::GeIntJumpNot, n::GeIntLoop],
                Op::Eq => [n::EqIntJump, n::EqIntJumpNot, n::EqIntLoop],
                _ => [n::NeIntJump, n::NeIntJumpNot, n::NeIntLoop],
            };
            return Some(fused(numbers[test as usize], operator, small));
        }
        _ => return None,
    };
    if operator.a() != register && !is_dead(code, i + 2, register) {
        return None;
    }
    Some(fused(number, operator, small))
}

/// The operator's word with another number and the int in place of its right operand.
fn fused(number: u8, operator: Word, small: i16) -> u64 {
    operator.0 & 0x0000_ffff_ffff_0000 | number as u64 | (small as u16 as u64) << 48
}
