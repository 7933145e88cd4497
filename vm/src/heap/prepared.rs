//! Prepared code as it lies in memory: what closures point to, what frames run, what the collector marks. How it comes about
//! is `run::prepare`.
//!
//! ```text
//!  one allocation:
//!  | words, one for each instruction | constants, two words each | caches, three words each |
//!    ^ pc                 offset of constant or cache from pc ->
//! ```

use std::cell::{Cell, OnceCell};

use quipu_code::{CaptureSource, Code, Handler};

use super::cells::{LARGEST, class_of, overwrite};
use super::layout::ClosureObject;
use super::value::Slot;

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
    /// What the heap counts for it.
    pub counted: Cell<usize>,
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

/// The key of a cache that knows nothing: no tag and no address.
pub(crate) const NO_KEY: u64 = u64::MAX;

impl Prepared {
    /// Prepared code that is not filled in yet; `children` are the code of its closure sites, in order. Until it is, `entry`
    /// stands for its first instruction. Calls with the exact number of arguments need no more checks if it has at most
    /// `margin` registers.
    pub fn unfilled(code: Code, children: Box<[*const Prepared]>, entry: *const u64, margin: usize) -> Prepared {
        let body = code.body();
        // Large frames go through the slow path of calls, which makes room for them.
        let plain = body.optional == 0 && !body.rest && body.registers as usize <= margin;
        let site = |(site, &code): (&quipu_code::ClosureSite, &*const Prepared)| Site {
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
            entry: Cell::new(entry),
            exact: if plain { body.required as u32 } else { u32::MAX },
            frame: body.registers as u32,
            captures: body.free.len() as u32,
            color: Cell::new(0),
            memory: Cell::new(std::ptr::null_mut()),
            length: Cell::new(0),
            counted: Cell::new(0),
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

    /// The innermost handler around the instruction before a position; for the end of a fiber, one that sees ends. None for
    /// code that is not filled in: what is thrown while that is tried, the function has not begun to run.
    #[inline(always)]
    pub fn handler_of(&self, pc: *const u64, is_end: bool) -> Option<Handler> {
        if self.memory.get().is_null() {
            return None;
        }
        let at = self.index_before(pc);
        let body = self.code.body();
        let covers = |handler: &Handler| handler.start <= at && at < handler.end;
        body.handlers.iter().find(|handler| covers(handler) && (!is_end || body.sees_ends(handler))).copied()
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

    /// Keeps the list of instructions that are too far from their caches; code is filled in once.
    pub fn set_far(&self, far: Box<[(u32, u32)]>) {
        let _ = self.far.set(far);
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
