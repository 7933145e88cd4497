//! Bodies made from numbers by chance that break few rules.

use quipu_code::{
    Body, CaptureSource, ClosureSite, Code, Constant, FreeKind, Handler, Holds, Op, OwnDebug, Role, Word,
};

use super::sample::{captures, constructor, identity, nil, owner, ret, text};

pub fn children() -> Vec<Code> {
    vec![constructor(2), identity(), owner(), captures(FreeKind::Value), captures(FreeKind::Cell)]
}

/// Numbers that an instruction and its operands are made from.
pub type Seed = (u16, [u16; 4]);

/// A body in which most rules hold, so that the flow of registers is what it is about. At least nine registers: the first
/// holds a cell, the next three an iterator, the next perhaps nothing, unless they are written to.
pub fn build(seeds: Vec<Seed>, ranges: &[[u8; 3]], registers: u16) -> Body {
    let calls_from = registers - 3;
    let mut words: Vec<Word> = (4..registers).map(nil).collect();
    words.push(Word::ax(Op::NewCell, 0, 1));
    words.push(Word::abc(Op::Iter, 1, 5, 0));
    words.push(Word::abc(Op::TryKey, 4, 5, 6));
    let start = words.len();
    let length = start + seeds.len() + 1;
    let mut closures = Vec::new();
    for (op, values) in seeds {
        let op = Op::ALL[op as usize % Op::ALL.len()];
        let pc = words.len() as u32;
        let ends = matches!(op, Op::Jump | Op::Loop | Op::Return | Op::Throw | Op::MatchFail | Op::MakeInstance)
            || op.name().starts_with("Tail")
            || matches!(op, Op::MakeType | Op::SetFreeCell);
        if ends {
            words.push(Word::ax(Op::JumpIf, values[0] % calls_from, jump(pc, values[1], length)));
            continue;
        }
        let mut word = Word::abc(op, 0, 0, 0);
        for (&(field, role), value) in op.operands().iter().zip(values) {
            // Mostly what fits; sometimes anything.
            let low = |count: u16| {
                let first = if value < 60_000 { 5 } else { 0 };
                (first + value % (registers - count + 1 - first)) as u32
            };
            let value = match role {
                Role::In if value < 60_000 && matches!(op.holds(field), Holds::Cell | Holds::Var) => 0,
                Role::In if value < 40_000 && op.holds(field) == Holds::Perhaps => 4,
                Role::Iter if value < 60_000 => 1,
                Role::Out | Role::In | Role::InOut => low(1),
                Role::Window | Role::WindowList => (calls_from + value % 2) as u32,
                Role::Many => low(2),
                Role::Pairs => low(4),
                Role::Two => low(2),
                Role::Iter | Role::IterOut => low(3),
                Role::Const => value as u32 % 3,
                Role::Name | Role::Native => 1 + value as u32 % 2,
                Role::FreeValue => 0,
                Role::FreeCell => 1,
                Role::ClosureSite => {
                    let register = vec![CaptureSource::Register(low(1) as u16)];
                    let sources = [vec![], vec![CaptureSource::Free(0)], register, vec![CaptureSource::Register(0)]];
                    let sources = sources[value as usize % 4].clone();
                    let child = [1, 3, 3, 4][value as usize % 4];
                    closures.push(ClosureSite { child, sources, own_debug: OwnDebug::default() });
                    closures.len() as u32 - 1
                }
                Role::Forward => jump(pc, value, length),
                Role::Back => start as u32 + value as u32 % (pc - start as u32 + 1),
                Role::Imm | Role::Flag | Role::Count => value as u32 % 2,
                Role::None | Role::TypeSite => 0,
            };
            word = word.with_field(field, value);
        }
        words.push(word);
    }
    words.push(ret(5));
    end_paths(&mut words, start);

    let at = |value: u8| start as u32 + value as u32 % (length - start) as u32;
    let mut handlers: Vec<Handler> = Vec::new();
    for &[a, b, target] in ranges {
        let (from, end) = (at(a).min(at(b)), at(a).max(at(b)));
        let target = end + target as u32 % (length as u32 - end);
        let apart = |other: &Handler| {
            end <= other.start
                || other.end <= from
                || (from, end) != (other.start, other.end)
                    && (from <= other.start && other.end <= end || other.start <= from && end <= other.end)
        };
        if from < end && handlers.iter().all(apart) {
            handlers.push(Handler { start: from, end, target, register: (a % registers as u8) as u16 });
        }
    }
    handlers.sort_by_key(|handler| (handler.end, u32::MAX - handler.start));
    Body {
        registers,
        free: vec![FreeKind::Value, FreeKind::Cell],
        constants: vec![Constant::Int(7), text("a"), text("b")],
        children: children(),
        closures,
        handlers,
        words,
        ..Body::default()
    }
    .arrange()
    .unwrap()
}

fn jump(pc: u32, value: u16, length: usize) -> u32 {
    pc + 1 + value as u32 % (length as u32 - pc - 1)
}

/// Turns instructions into ends of paths where the next one is reached by a jump anyway.
fn end_paths(words: &mut [Word], start: usize) {
    let mut reached = vec![false; words.len()];
    for pc in start..words.len() - 1 {
        let word = words[pc];
        if reached[pc + 1] && word.0.is_multiple_of(3) {
            words[pc] = ret(5);
            continue;
        }
        let operands = word.op().unwrap().operands();
        if let Some(&(field, _)) = operands.iter().find(|(_, role)| *role == Role::Forward) {
            reached[word.field(field) as usize] = true;
            if reached[pc + 1] && word.op() == Some(Op::JumpIf) && word.a().is_multiple_of(2) {
                words[pc] = Word::ax(Op::Jump, 0, word.x());
            }
        }
    }
}
