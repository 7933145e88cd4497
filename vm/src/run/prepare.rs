//! Prepared code: a code object in the form the run loop works from. Private to one machine, never stored.
//!
//! ```text
//!  one allocation:
//!  | words, one for each instruction | constants, two words each | caches, three words each |
//!    ^ pc                 offset of constant or cache from pc ->
//! ```
//!
//! Words keep the indexes of the code object's instructions, so positions, handlers and suspension points need no
//! translation. A fused instruction overwrites the first word of its group and leaves the others in place: its fast
//! path skips them, its slow path goes through them.

use std::cell::Cell;

use quipu_lang::code::Code;

use crate::heap::{Slot, Value};

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
    /// Constants, and the natives it names.
    pub pool: Cell<(*const Slot, usize)>,
    /// First cache and number of caches.
    pub caches: Cell<(*mut Cache, usize)>,
    code: Code,
}

/// What an instruction found out the last time it ran.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Cache {
    /// Address of a type, or the tag of a built-in one; 0 while nothing is known.
    pub key: u64,
    /// What was found: a slot number, a function's address.
    pub payload: u64,
    /// Address of the name, a string constant.
    pub name: u64,
}

impl Prepared {
    /// Prepared code that is not filled in yet.
    pub fn new(code: Code, children: Box<[*const Prepared]>) -> Prepared {
        let body = code.body();
        let plain = body.optional == 0 && !body.rest;
        Prepared {
            entry: Cell::new(super::first_call()),
            exact: if plain { body.required as u32 } else { u32::MAX },
            frame: body.registers as u32,
            captures: body.free.len() as u32,
            color: Cell::new(0),
            memory: Cell::new(std::ptr::null_mut()),
            length: Cell::new(0),
            children,
            pool: Cell::new((std::ptr::null(), 0)),
            caches: Cell::new((std::ptr::null_mut(), 0)),
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

    /// Whether the last collection marked it.
    pub fn is_marked(&self, color: u8) -> bool {
        self.color.get() == color
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let memory = self.memory.get();
        if !memory.is_null() {
            // SAFETY: `memory` and `length` were taken from a boxed slice and are set together.
            drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(memory, self.length.get())) });
        }
    }
}

const _: Slot = Value::NIL;
