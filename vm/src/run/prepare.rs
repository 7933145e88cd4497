//! Preparing code: a code object becomes what the run loop works from. Private to one machine, never stored.
//!
//! In a long function an instruction may be too far from its cache for the field of the offset. Another instruction then
//! stands in its place, which looks the cache up.
//!
//! Words keep the indexes of the code object's instructions, so positions, handlers and suspension points need no
//! translation. A fused instruction overwrites the first word of its group and leaves the others in place: its fast
//! path skips them, its slow path goes through them.

use quipu_code::check::MAX_ENTRIES;
use quipu_code::effects::{native, receiver};
use quipu_code::{Body, Code, Constant, Role, Word};

use super::dispatch::{far_form, number};
use super::fuse::with_number;
use crate::heap::layout::CellObject;
use crate::heap::prepared::{Cache, NO_KEY, Prepared};
use crate::heap::{Slot, Value, class_of, tag};
use crate::machine::Machine;
use crate::native::Fault;

/// The size class of a cell.
pub(crate) const CELL_CLASS: usize = class_of(size_of::<CellObject>());

/// Distances in prepared code fit 32 bits, with their sign: a word for each instruction, two for each constant and native, of
/// which there are at most as many, and three for each cache, of which there is at most one for each instruction.
const _: () = assert!((1 + 2 + 2 + 3) * MAX_ENTRIES < i32::MAX as usize);

/// In place of the distance to the cache: it is too large for its field. Only the slow paths understand that.
pub(super) const FAR: u16 = u16::MAX;

impl Prepared {
    /// Prepared code that is filled in at its first call; `children` are the code of its closure sites, in order.
    pub fn new(code: Code, children: Box<[*const Prepared]>) -> Prepared {
        // Larger frames go through the slow path of calls, which makes room for them.
        Prepared::unfilled(code, children, FIRST_CALL.as_ptr(), super::stack::MARGIN)
    }
}

static FIRST_CALL: [u64; 1] = [number::FirstCall as u64];

impl Machine {
    /// Prepared code for a code object: the one there is, or a new one that is filled at its first call.
    pub fn prepared(&mut self, code: &Code) -> *const Prepared {
        // Functions with equal code but another name or place are prepared apart, so that traces tell them apart.
        let key = (code.hash(), code.debug_address());
        if let Some(prepared) = self.codes.get(&key) {
            return &raw const **prepared;
        }
        // Code nests at most 255 deep.
        let body = code.body();
        let children = body.closures.iter().filter_map(|site| body.code_at(site));
        let children = children.map(|child| self.prepared(&child)).collect();
        let prepared = Box::new(Prepared::new(code.clone(), children));
        let pointer = &raw const *prepared;
        self.codes.insert(key, prepared);
        pointer
    }

    /// The cache of the current instruction.
    pub(super) fn cache(&self, w: Word) -> *mut Cache {
        if w.c() == FAR {
            return self.far_cache();
        }
        // SAFETY: prepared code has its caches at this distance behind the instruction.
        unsafe { self.pc.add(w.c() as usize) as *mut Cache }
    }

    #[cold]
    fn far_cache(&self) -> *mut Cache {
        // SAFETY: `fp` is the running frame; its closure keeps the code.
        let prepared = unsafe { &*(*(*self.fp).closure).code };
        prepared
            .far_cache(prepared.index_before(self.pc))
            .expect("every instruction that is far from its cache is listed")
    }

    /// Goes on behind the machine's own instruction that a first call begins with.
    ///
    /// # Errors
    /// As `provide_for`.
    pub(super) fn leave_first_call(&mut self) -> Result<(), Fault<'static>> {
        if self.pc == FIRST_CALL.as_ptr() { self.first_call(Word(0)) } else { Ok(()) }
    }

    /// The running frame's code is called for the first time.
    pub(super) fn first_call(&mut self, _: Word) -> Result<(), Fault<'static>> {
        // SAFETY: `fp` is the running frame; its closure keeps the code.
        let code = unsafe { (*(*(*self.fp).closure).code).code().clone() };
        self.provide_for(&code)?;
        // SAFETY: as above, and that has not changed.
        let prepared = unsafe { &*(*(*self.fp).closure).code };
        self.fill_in(prepared);
        self.pc = prepared.entry.get();
        Ok(())
    }

    /// Makes what the library provides under the names in a code object. That may run parts of the library, and so collect:
    /// it comes before code is filled in, which then finds all of it in a table.
    ///
    /// # Errors
    /// Those of loading parts of the library.
    pub(crate) fn provide_for<'v>(&mut self, code: &Code) -> Result<(), Fault<'v>> {
        for name in names_of_natives(code.body()) {
            self.provided_or_unbound(name)?;
        }
        Ok(())
    }

    /// Makes prepared code ready to run, if it is not yet: translates its code object into prepared words. Nothing is run
    /// and nothing collected; names that the library has not provided ([`Machine::provide_for`]) are missing.
    pub(crate) fn fill_in(&mut self, prepared: &Prepared) {
        if !prepared.memory.get().is_null() {
            return;
        }
        let code = prepared.code().clone();
        let body = code.body();
        let count = body.words.len();
        // What the host provides under a name becomes a constant behind the code's own.
        let mut natives: Vec<(u32, Option<Slot>)> = Vec::new();
        for &word in &body.words {
            if let Some(constant) = native(word)
                && !natives.iter().any(|&(name, _)| name == constant)
            {
                let Constant::Str(name) = &body.constants[constant as usize] else { continue };
                natives.push((constant, self.made(name)));
            }
        }
        let mut pool: Vec<Slot> = Vec::with_capacity(body.constants.len() + natives.len());
        for constant in &body.constants {
            pool.push(match constant {
                Constant::Int(i) => Value::int(*i),
                Constant::Float(bits) => Value::raw(tag::FLOAT, *bits),
                // Names and short texts are shared, so that equal ones are mostly the same object.
                Constant::Str(text) if text.len() <= 64 => self.interned(text),
                Constant::Str(text) => Value::from(self.heap.str(text)).slot(),
                Constant::Bytes(bytes) => Value::from(self.heap.bytes(&[bytes])).slot(),
            });
        }
        let first_native = pool.len();
        pool.extend(natives.iter().filter_map(|&(_, found)| found));
        let caches = body.words.iter().filter(|word| word.op().and_then(receiver).is_some()).count();
        let first_cache = count + 2 * pool.len();
        let length = first_cache + 3 * caches;
        let mut memory = vec![0u64; length].into_boxed_slice();
        let mut next_cache = first_cache;
        let mut far = Vec::new();
        for (i, &word) in body.words.iter().enumerate() {
            let behind = i as i64 + 1;
            let to_constant = |index: usize| (count as i64 + 2 * index as i64 - behind) as i32 as u32;
            let Some(op) = word.op() else { continue };
            let mut prepared = word.0;
            for &(field, role) in op.operands() {
                let value = word.field(field);
                match role {
                    Role::Const => prepared = word.with_field(field, to_constant(value as usize)).0,
                    Role::Native => {
                        let found = natives.iter().position(|&(name, _)| name == value);
                        prepared = match found.filter(|&at| natives[at].1.is_some()) {
                            Some(at) => {
                                let before = natives[..at].iter().filter(|(_, found)| found.is_some()).count();
                                word.with_field(field, to_constant(first_native + before)).0
                            }
                            None => {
                                let named = word.with_field(field, to_constant(value as usize));
                                with_number(number::MissingNative, named)
                            }
                        };
                    }
                    Role::Forward | Role::Back => {
                        prepared = word.with_field(field, (i64::from(value) - behind) as i32 as u32).0;
                    }
                    Role::Name => {
                        memory[next_cache] = NO_KEY;
                        memory[next_cache + 2] = pool[value as usize].bits;
                        let (cache, distance) = ((next_cache - first_cache) / 3, next_cache - behind as usize);
                        next_cache += 3;
                        prepared = match u16::try_from(distance) {
                            Ok(distance) if distance != FAR => word.with_field(field, distance.into()).0,
                            _ => {
                                far.push((i as u32, cache as u32));
                                with_number(far_form(op), word.with_field(field, FAR.into()))
                            }
                        };
                    }
                    // Registers, numbers and places in tables stay what they are.
                    Role::Out
                    | Role::In
                    | Role::InOut
                    | Role::Window
                    | Role::WindowList
                    | Role::Many
                    | Role::Pairs
                    | Role::Two
                    | Role::IterOut
                    | Role::Iter
                    | Role::FreeValue
                    | Role::FreeCell
                    | Role::ClosureSite
                    | Role::TypeSite
                    | Role::Imm
                    | Role::Count
                    | Role::Flag
                    | Role::None => {}
                }
            }
            memory[i] = prepared;
        }
        for (i, slot) in pool.iter().enumerate() {
            memory[count + 2 * i] = slot.tag;
            memory[count + 2 * i + 1] = slot.bits;
        }
        super::fuse::fuse(&code, &mut memory[..count]);
        memory[..count].iter_mut().for_each(|word| *word = super::dispatch::prepared_operands(*word));
        let memory = Box::into_raw(memory).cast::<u64>();
        prepared.memory.set(memory);
        prepared.length.set(length);
        // SAFETY: both parts are inside the allocation.
        unsafe {
            prepared.pool.set((memory.add(count).cast::<Slot>(), pool.len()));
            prepared.caches.set((memory.add(first_cache).cast::<Cache>(), caches));
        }
        if !far.is_empty() {
            prepared.set_far(far.into());
        }
        prepared.entry.set(memory);
    }
}

/// The names of what code takes from its host, as often as it does.
pub(super) fn names_of_natives(body: &Body) -> impl Iterator<Item = &str> {
    body.words.iter().filter_map(|&word| match &body.constants[native(word)? as usize] {
        Constant::Str(name) => Some(&**name),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use quipu_code::{Body, Op};

    use super::*;
    use crate::library::Library;
    use crate::machine::Limits;

    /// Code is prepared before there is a closure that keeps it.
    #[test]
    fn code_without_a_closure_stays_while_somebody_may_hold_it() {
        let mut machine = Machine::new(Arc::new(Library::default()), Limits::default());
        let words = vec![Word::ax(Op::LoadNil, 0, 0), Word::abc(Op::Return, 0, 0, 0)];
        let code = Code::check(Body { registers: 1, words, ..Body::default() }, None).unwrap();
        let prepared = machine.prepared(&code);
        machine.heap.hold();
        machine.collect();
        assert!(machine.codes.values().any(|kept| std::ptr::eq(&raw const **kept, prepared)));
        machine.heap.release(0);
        machine.collect();
        assert!(machine.codes.is_empty());
    }
}
