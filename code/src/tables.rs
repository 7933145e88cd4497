//! The order of a code object's tables: one walk over all uses, for the check and for arranging.

use std::collections::HashMap;

use crate::error::{CheckError, CheckErrorKind};
use crate::hash::CodeHash;
use crate::object::{Body, ClosureSite, Code, Constant};
use crate::op::{Field, Role};

/// A mention of a table entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    Constant(u32),
    Child(u32),
}

/// Calls `f` with every mention in canonical order: instructions in order, a type site as name, fields, constructor,
/// then name and code of each method. All indexes of sites must be in bounds.
pub(super) fn for_each_use<E>(body: &Body, mut f: impl FnMut(u32, Use) -> Result<(), E>) -> Result<(), E> {
    for (pc, &word) in body.words.iter().enumerate() {
        let pc = pc as u32;
        for &(field, role) in word.op().map_or(&[][..], |op| op.operands()) {
            let index = word.field(field);
            match role {
                Role::Const | Role::Name | Role::Native => f(pc, Use::Constant(index))?,
                Role::ClosureSite => f(pc, Use::Child(body.closures[index as usize].child))?,
                Role::TypeSite => {
                    let site = &body.types[index as usize];
                    f(pc, Use::Constant(site.name))?;
                    for &name in &site.fields {
                        f(pc, Use::Constant(name))?;
                    }
                    f(pc, Use::Child(site.constructor.child))?;
                    for method in &site.methods {
                        f(pc, Use::Constant(method.name))?;
                        f(pc, Use::Child(method.closure.child))?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

impl Body {
    /// Brings the tables into the order that [`Code::check`](crate::Code::check) asks for: entries in order of first
    /// use, equal ones merged, unused ones dropped, one site for each instruction that makes something.
    ///
    /// For makers of code, who need not think of the order then.
    ///
    /// # Errors
    /// An index is out of bounds, or a name does not fit its operand.
    pub fn arrange(self) -> Result<Body, CheckError> {
        let mut old = self;
        let mut constants = Renumber::new(&old.constants, |constant: &Constant| constant.clone());
        let mut children = Renumber::new(&old.children, |child| -> CodeHash { child.hash() });
        let mut closures = Vec::new();
        let mut types = Vec::new();
        for pc in 0..old.words.len() {
            let word = old.words[pc];
            let fail = |kind| CheckError { pc: Some(pc as u32), kind };
            for &(field, role) in word.op().map_or(&[][..], |op| op.operands()) {
                let index = word.field(field);
                let missing = || fail(CheckErrorKind::Index { role, index });
                let new = match role {
                    Role::Const | Role::Name | Role::Native => constants.new_index(index).ok_or_else(missing)?,
                    Role::ClosureSite => {
                        let mut site = old.closures.get(index as usize).ok_or_else(missing)?.clone();
                        renumber_child(&mut site, &mut children).ok_or_else(missing)?;
                        closures.push(site);
                        closures.len() as u32 - 1
                    }
                    Role::TypeSite => {
                        let mut site = old.types.get(index as usize).ok_or_else(missing)?.clone();
                        site.name = constants.new_index(site.name).ok_or_else(missing)?;
                        for name in &mut site.fields {
                            *name = constants.new_index(*name).ok_or_else(missing)?;
                        }
                        renumber_child(&mut site.constructor, &mut children).ok_or_else(missing)?;
                        for method in &mut site.methods {
                            method.name = constants.new_index(method.name).ok_or_else(missing)?;
                            renumber_child(&mut method.closure, &mut children).ok_or_else(missing)?;
                        }
                        types.push(site);
                        types.len() as u32 - 1
                    }
                    _ => continue,
                };
                if field != Field::X && new > u16::MAX as u32 {
                    return Err(fail(CheckErrorKind::TooLarge("constants")));
                }
                old.words[pc] = word.with_field(field, new);
            }
        }
        let (constants, children) = (constants.taken, children.taken);
        Ok(Body { constants, children, closures, types, ..old })
    }
}

fn renumber_child(site: &mut ClosureSite, children: &mut Renumber<'_, Code, CodeHash>) -> Option<()> {
    site.child = children.new_index(site.child)?;
    Some(())
}

/// Gives entries new numbers in the order in which they are asked for.
struct Renumber<'a, T, K> {
    entries: &'a [T],
    key: fn(&T) -> K,
    numbers: HashMap<K, u32>,
    taken: Vec<T>,
}

impl<'a, T: Clone, K: std::hash::Hash + Eq> Renumber<'a, T, K> {
    fn new(entries: &'a [T], key: fn(&T) -> K) -> Self {
        Renumber { entries, key, numbers: HashMap::new(), taken: Vec::new() }
    }

    fn new_index(&mut self, old: u32) -> Option<u32> {
        let entry = self.entries.get(old as usize)?;
        let next = self.taken.len() as u32;
        let number = *self.numbers.entry((self.key)(entry)).or_insert(next);
        if number == next {
            self.taken.push(entry.clone());
        }
        Some(number)
    }
}
