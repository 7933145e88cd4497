//! One function for each instruction. A handler ends by calling the next one in tail position, which optimising
//! builds turn into a jump; other builds go back to a loop after every instruction (see `next!` in `dispatch`).
//!
//! Invariants that every handler relies on, and who establishes them:
//!
//! - `pc` points behind the current word, into the words of the running closure's code, and every path through them
//!   ends (checker). Offsets to constants and caches were computed from the same layout (`prepare`).
//! - `base` is the first of at least as many slots as the code has registers (`Call` checks the stack limit), all of
//!   them initialised memory that holds values whose objects are live or were live at the last collection (fibers
//!   clear what is above the running frame then), so reading any register is sound.
//! - `fp` is the running frame; its closure is live, and keeps the code alive.
//! - `vm` is valid, and nobody else has a reference to it while a handler runs.
//! - operands are in bounds, and registers and free variables hold what the instruction table says: cells where it says
//!   cells, the three registers of an iterator where it says that (checker; for suspended frames and captures the check of
//!   graphs; builds with debug assertions look again, see `operands`). All other tags are checked before payloads are used.
#![allow(non_snake_case, unused_mut, unused_variables, unused_assignments)]

mod arith;
mod calls;
mod cells;
mod compare;
mod containers;
mod patterns;

use super::dispatch::{next, op, resume, slow};
use super::prepare::CELL_CLASS;
use super::watch::Look;
use crate::cx::guarded;
use crate::heap::frame::{Frame, Kind};
use crate::heap::layout::*;
use crate::heap::prepared::Cache;
use crate::heap::{Gc, Slot, tag};
use crate::machine::{Exit, Machine};
use crate::native::{Fault, Intrinsic, NativeDef, NativeRun};
use crate::ops::meter::LONG;
use quipu_code::CaptureSource;

pub(super) use self::{arith::*, calls::*, cells::*, compare::*, containers::*, patterns::*};

/// A register operand of prepared code: twice the register's number, so that it is a distance in words of 8 bytes, which
/// an address can be computed from without another instruction.
#[inline(always)]
fn a(w: u64) -> usize {
    (w >> 16) as u16 as usize
}
#[inline(always)]
fn b(w: u64) -> usize {
    (w >> 32) as u16 as usize
}
#[inline(always)]
fn c(w: u64) -> usize {
    (w >> 48) as usize
}
/// The register that an operand means.
#[inline(always)]
unsafe fn r(base: *mut Slot, operand: usize) -> *mut Slot {
    // SAFETY: operands are in bounds.
    unsafe { base.cast::<u64>().add(operand).cast() }
}
/// An index as the number of an element. What is beyond all memory stays beyond it, also where addresses have 32 bits.
#[inline(always)]
fn place(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
/// The number of the register that an operand means.
#[inline(always)]
fn number(operand: usize) -> usize {
    operand >> 1
}
#[inline(always)]
fn d(w: u64) -> usize {
    (w >> 8) as u8 as usize
}
/// A wide operand as a signed offset or number.
#[inline(always)]
fn sx(w: u64) -> isize {
    (w >> 32) as i32 as isize
}
/// A narrow operand as a signed number.
#[inline(always)]
fn sc(w: u64) -> i64 {
    (w as i64) >> 48
}

/// Copies a slot by halves: a sixteen-byte load would wait for two eight-byte stores to reach the cache.
#[inline(always)]
unsafe fn copy(to: *mut Slot, from: *const Slot) {
    // SAFETY: registers and slots of live objects. The reads are volatile because the compiler would join them.
    unsafe {
        let tag = (&raw const (*from).tag).read_volatile();
        let bits = (&raw const (*from).bits).read_volatile();
        (*to).tag = tag;
        (*to).bits = bits;
    }
}

#[inline(always)]
unsafe fn set(to: *mut Slot, tag: u64, bits: u64) {
    // SAFETY: a register.
    unsafe {
        (*to).tag = tag;
        (*to).bits = bits;
    }
}

/// The captures of a closure.
#[inline(always)]
unsafe fn captures(closure: *mut ClosureObject) -> *mut Slot {
    // SAFETY: captures follow the object.
    unsafe { closure.add(1).cast() }
}

/// The fields of an instance.
#[inline(always)]
unsafe fn fields(instance: *mut InstanceObject) -> *mut Slot {
    // SAFETY: fields follow the object.
    unsafe { instance.add(1).cast() }
}

// While the host counts instructions, every one of them comes by here first. Of a fused group each part does.
op!(Counted(pc, base, vm, w, fp) {
    if (*vm).counts(pc.sub(1), w) {
        if (*vm).stepping.left == 0 { return StepsOver(pc, base, vm, w, fp) }
        (*vm).stepping.left -= 1;
    }
    return super::dispatch::FIRSTS[w as u8 as usize](pc, base, vm, w, fp)
});
slow!(own StepsOver => steps_over);

// While the machine is watched, every instruction comes by here first.
op!(Watched(pc, base, vm, w, fp) {
    observe(pc, base, vm, w, fp);
    return super::dispatch::TABLE[w as u8 as usize](pc, base, vm, w, fp)
});
#[inline(never)]
unsafe fn observe(pc: *const u64, base: *mut Slot, vm: *mut Machine, w: u64, fp: *mut Frame) {
    // SAFETY: the invariants at the top of the file; an instruction with a cache has its receiver in a register.
    unsafe {
        let fuel = (*vm).total_fuel_used();
        let Some(account) = &mut (*vm).account else { return };
        if let Some(receiver) = super::watch::cached_receiver(w) {
            account.use_cache(pc.add(c(w)).cast(), *r(base, receiver));
        }
        let (at, steps) = match account.step(w as u8, fuel) {
            None => return,
            Some((Look::Here, steps)) => (pc, steps),
            Some((Look::Before, steps)) => (pc.sub(1), steps),
        };
        (*vm).store(at, base, fp);
        (*vm).look(steps);
    }
}

// Safepoints: these undo the step of `pc` and run the instruction again when all is well.
slow!(again OutOfFuel => safepoint);
slow!(again Collect => collect_now);
slow!(again Grow => grow);

// Fills prepared code in at its first call, and goes on with it.
slow!(own FirstCall => first_call);
// A number that `prepare` never writes.
slow!(Illegal => illegal);
