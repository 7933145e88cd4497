//! What an instruction does to registers and to control, read off the instruction table.
//!
//! Registers come as ranges, because one instruction may name thousands of them.

use std::ops::Range;

use crate::object::{Body, CaptureSource, ClosureSite};
use crate::op::{Field, Op, Role, Word};

/// Calls `f` with every range of registers that the instruction reads; sources of captured variables included.
pub fn for_each_read(body: &Body, word: Word, mut f: impl FnMut(Range<u32>)) {
    let Some(op) = word.op() else { return };
    for &(field, role) in op.operands() {
        let value = word.field(field);
        match role {
            Role::ClosureSite => {
                if let Some(site) = body.closures.get(value as usize) {
                    for_each_source(site, &mut f);
                }
            }
            Role::TypeSite => {
                if let Some(site) = body.types.get(value as usize) {
                    for_each_source(&site.constructor, &mut f);
                    site.methods.iter().for_each(|method| for_each_source(&method.closure, &mut f));
                }
            }
            _ => {
                if let Some(count) = reads(word, role) {
                    f(value..value + count);
                }
            }
        }
    }
}

/// Calls `f` with every range of registers that the instruction writes when it does not throw.
pub fn for_each_write(word: Word, mut f: impl FnMut(Range<u32>)) {
    let Some(op) = word.op() else { return };
    for &(field, role) in op.operands() {
        let value = word.field(field);
        match role {
            Role::Out => f(value..value + 1),
            Role::IterOut | Role::Iter => f(value..value + 3),
            _ => {}
        }
    }
}

/// The first of the registers that are lost, thrown or not: the callee's registers begin there. All later ones are
/// lost too, except the one that takes the result.
pub fn lost_from(word: Word) -> Option<u16> {
    let operands = word.op()?.operands();
    let window = operands.iter().find(|(_, role)| matches!(role, Role::Window | Role::WindowList));
    window.map(|&(field, _)| word.field(field) as u16)
}

/// Where the instruction may jump to.
pub fn target(word: Word) -> Option<u32> {
    let operands = word.op()?.operands();
    operands.iter().find(|(_, role)| matches!(role, Role::Forward | Role::Back)).map(|&(field, _)| word.field(field))
}

/// The constant that the instruction mentions.
pub fn constant(word: Word) -> Option<u32> {
    let operands = word.op()?.operands();
    let constant = operands.iter().find(|(_, role)| matches!(role, Role::Const | Role::Name | Role::Native));
    constant.map(|&(field, _)| word.field(field))
}

/// The constant that names what the instruction takes from the host.
pub fn native(word: Word) -> Option<u32> {
    let operands = word.op()?.operands();
    operands.iter().find(|(_, role)| matches!(role, Role::Native)).map(|&(field, _)| word.field(field))
}

/// Where the instruction has the object whose member it names: the first operand that it reads. None for instructions
/// that name no member.
pub const fn receiver(op: Op) -> Option<Field> {
    let operands = op.operands();
    let (mut receiver, mut is_named, mut index) = (None, false, 0);
    while index < operands.len() {
        let (field, role) = operands[index];
        match role {
            Role::In | Role::Window | Role::WindowList if receiver.is_none() => receiver = Some(field),
            Role::Name => is_named = true,
            _ => {}
        }
        index += 1;
    }
    if is_named { receiver } else { None }
}

/// Number of registers, from the operand on, that an operand with this role reads; none for one that reads nothing.
pub fn reads(word: Word, role: Role) -> Option<u32> {
    match role {
        Role::In | Role::InOut => Some(1),
        Role::Window => Some(word.d() as u32 + 1),
        Role::WindowList | Role::Two => Some(2),
        Role::Many => Some(word.c() as u32),
        Role::Pairs => Some(2 * word.c() as u32),
        Role::Iter => Some(3),
        _ => None,
    }
}

fn for_each_source(site: &ClosureSite, f: &mut impl FnMut(Range<u32>)) {
    for source in &site.sources {
        if let CaptureSource::Register(register) = *source {
            f(register as u32..register as u32 + 1);
        }
    }
}
