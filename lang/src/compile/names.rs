//! Names in functions with more constants than the operand of a name can count: they are loaded first, so that they are
//! numbered first.

use std::iter::Peekable;
use std::slice::Iter;

use quipu_code::effects::target;
use quipu_code::{Body, Debug, Field, Op, Position, Role, Word};

/// How many names a function may mention: their numbers have 16 bits.
pub(super) const MOST: usize = 1 << 16;

/// A constant that has no number yet.
const NONE: u32 = u32::MAX;

/// Loads every name at the beginning of a function, and brings everything that counts constants and instructions along.
/// `wide` has the instructions, in order, whose names do not fit, with those. None if there are too many names.
pub(super) fn names_first(body: Body, mut debug: Debug, wide: &[(u32, u32)]) -> Option<(Body, Debug)> {
    let mut numbers = vec![NONE; body.constants.len()];
    let mut order = Vec::new();
    let mut wide_names = wide.iter().peekable();
    for (pc, &word) in (0..).zip(&body.words) {
        let Some(name) = name_in(pc, word, &mut wide_names) else { continue };
        if numbers[name as usize] == NONE {
            numbers[name as usize] = order.len() as u32;
            order.push(name);
        }
    }
    let loads = order.len() as u32;
    if order.len() > MOST {
        return None;
    }
    // The others are mentioned for the first time in the order that they have.
    for constant in 0..body.constants.len() as u32 {
        if numbers[constant as usize] == NONE {
            numbers[constant as usize] = order.len() as u32;
            order.push(constant);
        }
    }

    // Behind the parameters nothing holds anything yet.
    let register = body.params();
    let mut words: Vec<Word> = (0..loads).map(|name| Word::ax(Op::LoadConst, register, name)).collect();
    let mut wide_names = wide.iter().peekable();
    for (pc, &word) in (0..).zip(&body.words) {
        let name = name_in(pc, word, &mut wide_names);
        let mut moved = match target(word) {
            Some(target) => word.with_x(target + loads),
            None => word,
        };
        for &(field, role) in word.op().map_or(&[][..], Op::operands) {
            moved = match role {
                Role::Name => moved.with_field(field, numbers[name.unwrap_or_default() as usize]),
                Role::Const | Role::Native => moved.with_field(field, numbers[word.field(field) as usize]),
                _ => moved,
            };
        }
        words.push(moved);
    }
    let mut types = body.types;
    for site in &mut types {
        let methods = site.methods.iter_mut().map(|method| &mut method.name);
        for name in site.fields.iter_mut().chain(methods).chain([&mut site.name]) {
            *name = numbers[*name as usize];
        }
    }
    let mut handlers = body.handlers;
    for handler in &mut handlers {
        handler.start += loads;
        handler.end += loads;
        handler.target += loads;
    }
    debug.positions.iter_mut().for_each(|position| position.pc += loads);
    debug.positions.insert(0, Position { pc: 0, span: debug.span, line: debug.line });
    for local in &mut debug.locals {
        local.start += loads;
        local.end = local.end.saturating_add(loads);
    }
    let constants = order.iter().map(|&constant| body.constants[constant as usize].clone()).collect();
    let registers = body.registers.max(register + 1);
    Some((Body { constants, words, types, handlers, registers, ..body }, debug))
}

/// The constant that an instruction names.
fn name_in(pc: u32, word: Word, wide: &mut Peekable<Iter<'_, (u32, u32)>>) -> Option<u32> {
    let is_name = |&&(field, role): &&(Field, Role)| field == Field::C && role == Role::Name;
    word.op()?.operands().iter().find(is_name)?;
    let wide = wide.next_if(|&&(at, _)| at == pc);
    Some(wide.map_or(word.c().into(), |&(_, name)| name))
}
