//! Prepared code: a code object in the form the run loop works from. Private to one machine, never stored.
//!
//! ```text
//!  one allocation:
//!  | words, one for each instruction | constants, two words each | caches, three words each |
//!    ^ pc                 offset of constant or cache from pc ->
//! ```
//!
//! In a long function an instruction may be too far from its cache for the field of the offset. Another instruction then
//! stands in its place, which looks the cache up.
//!
//! Words keep the indexes of the code object's instructions, so positions, handlers and suspension points need no
//! translation. A fused instruction overwrites the first word of its group and leaves the others in place: its fast
//! path skips them, its slow path goes through them.

use std::cell::{Cell, OnceCell};

use quipu_lang::code::check::MAX_ENTRIES;
use quipu_lang::code::effects::{native, receiver};
use quipu_lang::code::{Body, CaptureSource, Code, Constant, Handler, Role, Word};

use super::dispatch::{far_form, number};
use super::fuse::with_number;
use super::machine::Machine;
use crate::heap::layout::{CellObject, ClosureObject};
use crate::heap::{LARGEST, Slot, Value, class_of, overwrite, tag};
use crate::native::Fault;

/// A code object made ready to run.
pub(crate) struct Prepared {
    /// The first instruction, or the word that fills this in at the first call.
    pub entry: Cell<*const u64>,
    /// Exact number of arguments, or `u32::MAX` if that is not all there is to check.
    pub exact: u32,
    /// Number of registers.
    pub frame: u32,
    captures: u32,
    color: Cell<u8>,
    pub memory: Cell<*mut u64>,
    pub length: Cell<usize>,
    children: Box<[*const Prepared]>,
    /// Places where closures are made.
    pub sites: Box<[Site]>,
    /// Constants, and the natives it names.
    pub pool: Cell<(*const Slot, usize)>,
    /// First cache and number of caches.
    pub caches: Cell<(*mut Cache, usize)>,
    /// Instructions that are too far from their caches for a field of 16 bits: index, and which cache.
    far: OnceCell<Box<[(u32, u32)]>>,
    code: Code,
}

/// A place where a closure is made.
pub(crate) struct Site {
    /// The closure's code.
    pub code: *const Prepared,
    /// Where its captures come from: first and number.
    pub first: *const CaptureSource,
    pub count: usize,
    /// The size class of the closure, 0 if it needs memory of its own.
    pub class: usize,
}

/// The size class of a cell.
pub(crate) const CELL_CLASS: usize = class_of(size_of::<CellObject>());

/// What an instruction found out the last time it ran.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Cache {
    /// Address of a type, or the tag of a built-in one; [`NO_KEY`] while nothing is known.
    pub key: u64,
    /// What was found: a slot number, a function's address.
    pub payload: u64,
    /// Address of the name, a string constant.
    pub name: u64,
}

/// Distances in prepared code fit 32 bits, with their sign: a word for each instruction, two for each constant and native, of
/// which there are at most as many, and three for each cache, of which there is at most one for each instruction.
const _: () = assert!((1 + 2 + 2 + 3) * MAX_ENTRIES < i32::MAX as usize);

/// In place of the distance to the cache: it is too large for its field. Only the slow paths understand that.
pub(super) const FAR: u16 = u16::MAX;

/// The key of a cache that knows nothing: no tag and no address.
pub(crate) const NO_KEY: u64 = u64::MAX;

impl Prepared {
    /// Prepared code that is not filled in yet; `children` are the code of its closure sites, in order.
    pub fn new(code: Code, children: Box<[*const Prepared]>) -> Prepared {
        let body = code.body();
        // Large frames go through the slow path of calls, which makes room for them.
        let plain = body.optional == 0 && !body.rest && body.registers as usize <= super::limits::MARGIN;
        let site = |(site, &code): (&quipu_lang::code::ClosureSite, &*const Prepared)| Site {
            code,
            // The code object is kept below and never changes, so its list of sources stays where it is.
            first: site.sources.as_ptr(),
            count: site.sources.len(),
            class: {
                let size = size_of::<ClosureObject>() + site.sources.len() * size_of::<Slot>();
                if size <= LARGEST { class_of(size) } else { 0 }
            },
        };
        let sites = body.closures.iter().zip(&children).map(site).collect();
        Prepared {
            entry: Cell::new(FIRST_CALL.as_ptr()),
            exact: if plain { body.required as u32 } else { u32::MAX },
            frame: body.registers as u32,
            captures: body.free.len() as u32,
            color: Cell::new(0),
            memory: Cell::new(std::ptr::null_mut()),
            length: Cell::new(0),
            children,
            sites,
            pool: Cell::new((std::ptr::null(), 0)),
            caches: Cell::new((std::ptr::null_mut(), 0)),
            far: OnceCell::new(),
            code,
        }
    }

    /// The code object.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// Number of captures of its closures, the owner not counted.
    pub fn captures(&self) -> usize {
        self.captures as usize
    }

    /// Number of registers of a frame.
    pub fn registers(&self) -> usize {
        self.frame as usize
    }

    /// Code of the functions nested in it.
    pub fn children(&self) -> &[*const Prepared] {
        &self.children
    }

    /// The index of the instruction before a position; of none of its own if the position is the machine's own.
    pub fn index_before(&self, pc: *const u64) -> u32 {
        let memory = self.memory.get();
        let offset = (pc as usize).wrapping_sub(memory as usize) / size_of::<u64>();
        if memory.is_null() || offset > self.code.body().words.len() {
            // Not filled in yet, or in an instruction of the machine's own: the first or the last one.
            return if memory.is_null() { 0 } else { u32::MAX };
        }
        (offset as u32).wrapping_sub(1)
    }

    /// The innermost handler around the instruction before a position. None for code that is not filled in: what is thrown
    /// while that is tried, the function has not begun to run.
    pub fn handler_of(&self, pc: *const u64) -> Option<&Handler> {
        if self.memory.get().is_null() {
            return None;
        }
        let at = self.index_before(pc);
        self.code.body().handlers.iter().find(|handler| handler.start <= at && at < handler.end)
    }

    /// The position of an instruction; its code is filled in.
    pub fn word(&self, index: u32) -> *const u64 {
        // SAFETY: callers pass indexes of the code object; its words are the first part of `memory`.
        unsafe { self.memory.get().add(index as usize) }
    }

    /// Whether a position is at one of its instructions.
    pub fn has_word(&self, pc: *const u64) -> bool {
        let memory = self.memory.get();
        let offset = (pc as usize).wrapping_sub(memory as usize) / size_of::<u64>();
        !memory.is_null() && offset < self.code.body().words.len()
    }

    /// The cache of an instruction that lies too far from it.
    pub fn far_cache(&self, index: u32) -> Option<*mut Cache> {
        let far = self.far.get()?;
        let at = far.binary_search_by_key(&index, |&(instruction, _)| instruction).ok()?;
        // SAFETY: the list was made with the caches, and names only those there are.
        Some(unsafe { self.caches.get().0.add(far[at].1 as usize) })
    }

    /// Forgets the caches whose key `is_dead`.
    pub fn clear_caches(&self, is_dead: impl Fn(u64) -> bool) {
        let (first, count) = self.caches.get();
        for i in 0..count {
            // SAFETY: set together, once, to the caches' part of `memory`; no handler runs now.
            unsafe {
                let cache = first.add(i);
                if is_dead((*cache).key) {
                    (*cache).key = NO_KEY;
                }
            }
        }
    }

    /// Its constants.
    pub fn constants(&self) -> &[Slot] {
        let (first, count) = self.pool.get();
        if count == 0 {
            return &[];
        }
        // SAFETY: set together, once, to the constants' part of `memory`.
        unsafe { std::slice::from_raw_parts(first, count) }
    }

    /// Marks it as used; false if it was marked already.
    pub fn mark(&self, color: u8) -> bool {
        self.color.replace(color) != color
    }

    /// Overwrites its instructions, constants and caches before they are freed, where missing roots are looked for. Gives
    /// false, for whoever keeps only what it does not give up.
    pub fn give_up(&self, under_stress: bool) -> bool {
        let memory = self.memory.get();
        if (under_stress || cfg!(debug_assertions)) && !memory.is_null() {
            // SAFETY: `memory` and `length` are set together, and nobody runs this any more.
            unsafe { overwrite(memory.cast(), self.length.get() * size_of::<u64>()) };
        }
        false
    }

    /// Whether the last collection marked it.
    pub fn is_marked(&self, color: u8) -> bool {
        self.color.get() == color
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.give_up(false);
        let memory = self.memory.get();
        if !memory.is_null() {
            // SAFETY: `memory` and `length` were taken from a boxed slice and are set together.
            drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(memory, self.length.get())) });
        }
    }
}

static FIRST_CALL: [u64; 1] = [number::FirstCall as u64];

impl Machine {
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
            self.provided(name)?;
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
                natives.push((constant, self.natives.get(&**name).copied()));
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
            // Code is filled in once.
            let _ = prepared.far.set(far.into());
        }
        prepared.entry.set(memory);
    }
}

/// The names of what code takes from its host, as often as it does.
fn names_of_natives(body: &Body) -> impl Iterator<Item = &str> {
    body.words.iter().filter_map(|&word| match &body.constants[native(word)? as usize] {
        Constant::Str(name) => Some(&**name),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use quipu_lang::code::{Body, Op};

    use super::*;
    use crate::library::Library;
    use crate::run::machine::Limits;

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
