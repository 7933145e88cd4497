//! How one handler hands over to the next, and the table from instruction numbers to handlers.
//!
//! With `quipu_tail` (set by the build script for optimised builds) a handler calls the next one as the last thing it
//! does, with the same arguments in the same registers, which the compiler turns into a jump. Nothing promises that
//! on stable Rust, so other builds store the position and return to a loop. The test `constant_stack` would see a
//! lost jump.

use super::frame::Frame;
use super::machine::Machine;
use crate::heap::Slot;
use quipu_lang::for_each_op;

/// What a handler does: position behind its word, registers, machine, its word, frame.
pub(super) type Handler = unsafe fn(*const u64, *mut Slot, *mut Machine, u64, *mut Frame) -> Exit;

/// Why handlers stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// The run is over; the machine says how.
    Over,
    /// The next instruction is up, in builds that dispatch by a loop.
    #[allow(dead_code)]
    Next,
}

#[cfg(quipu_tail)]
macro_rules! next {
    ($pc:expr, $base:expr, $vm:expr, $fp:expr) => {{
        let at: *const u64 = $pc;
        let word = *at;
        return $crate::run::dispatch::TABLE[word as u8 as usize](at.add(1), $base, $vm, word, $fp);
    }};
}

#[cfg(not(quipu_tail))]
macro_rules! next {
    ($pc:expr, $base:expr, $vm:expr, $fp:expr) => {{
        (*$vm).store($pc, $base, $fp);
        return $crate::run::dispatch::Exit::Next;
    }};
}

/// Goes on where the machine says.
macro_rules! resume {
    ($vm:ident) => {
        next!((*$vm).pc, (*$vm).base, $vm, (*$vm).fp)
    };
}

/// Defines a handler. `apart`: it stays a function of its own where another one jumps to it, so that what it has to
/// save is not saved by the other one too.
macro_rules! op {
    (apart $($handler:tt)*) => {
        op!(#[inline(never)] $($handler)*);
    };
    ($(#[$attribute:meta])* $name:ident($pc:ident, $base:ident, $vm:ident, $w:ident, $fp:ident) $body:block) => {
        $(#[$attribute])*
        pub(super) unsafe fn $name(
            mut $pc: *const u64,
            mut $base: *mut Slot,
            $vm: *mut Machine,
            $w: u64,
            mut $fp: *mut Frame,
        ) -> Exit {
            // SAFETY: the invariants at the top of the file.
            unsafe { $body }
        }
    };
}

/// Defines a handler that leaves everything to a method of the machine: the position moves out, the method works on
/// it, and the position moves in again. `again` first goes back to the instruction itself, which then runs anew.
macro_rules! slow {
    ($name:ident => $method:ident) => {
        #[inline(never)]
        pub(super) unsafe fn $name(pc: *const u64, base: *mut Slot, vm: *mut Machine, w: u64, fp: *mut Frame) -> Exit {
            /// The result has an address, so it stays out of the function that ends in a jump.
            #[inline(never)]
            unsafe fn step(vm: *mut Machine, w: u64) -> bool {
                // SAFETY: the invariants at the top of the file.
                unsafe {
                    let result = (*vm).$method(Word(w));
                    (*vm).goes_on(result)
                }
            }
            // SAFETY: the invariants at the top of the file.
            unsafe {
                (*vm).store(pc, base, fp);
                if step(vm, w) {
                    resume!(vm)
                }
                Exit::Over
            }
        }
    };
    (again $name:ident => $method:ident) => {
        #[cold]
        #[inline(never)]
        pub(super) unsafe fn $name(pc: *const u64, base: *mut Slot, vm: *mut Machine, w: u64, fp: *mut Frame) -> Exit {
            #[inline(never)]
            unsafe fn step(vm: *mut Machine, w: u64) -> bool {
                // SAFETY: the invariants at the top of the file.
                unsafe {
                    let result = (*vm).$method(Word(w));
                    (*vm).goes_on(result)
                }
            }
            // SAFETY: the invariants at the top of the file.
            unsafe {
                (*vm).store(pc.sub(1), base, fp);
                if step(vm, w) {
                    resume!(vm)
                }
                Exit::Over
            }
        }
    };
}

pub(super) use {next, op, resume, slow};

/// Numbers of prepared instructions that code objects do not have: fused forms and stand-ins.
macro_rules! prepared_ops {
    ($mac:ident) => {
        $mac! {
            0x00 FirstCall,
            0x80 MissingNative,
            0x81 AddInt,
            0x82 SubInt,
            0x83 MulInt,
            0x84 ModInt,
            0x88 LtJumpNot,
            0x89 LtJump,
            0x8a LtLoop,
            0x8b LeJumpNot,
            0x8c LeJump,
            0x8d LeLoop,
            0x8e GtJumpNot,
            0x8f GtJump,
            0x90 GtLoop,
            0x91 GeJumpNot,
            0x92 GeJump,
            0x93 GeLoop,
            0x94 EqJumpNot,
            0x95 EqJump,
            0x96 NeJumpNot,
            0x97 NeJump,
            0x98 LtIntJumpNot,
            0x99 LtIntJump,
            0x9a LtIntLoop,
            0x9b LeIntJumpNot,
            0x9c LeIntJump,
            0x9d LeIntLoop,
            0x9e GtIntJumpNot,
            0x9f GtIntJump,
            0xa0 GtIntLoop,
            0xa1 GeIntJumpNot,
            0xa2 GeIntJump,
            0xa3 GeIntLoop,
            0xa4 EqIntJumpNot,
            0xa5 EqIntJump,
            0xa6 EqIntLoop,
            0xa7 NeIntJumpNot,
            0xa8 NeIntJump,
            0xa9 NeIntLoop,
            0xaa NextLoop,
        }
    };
}

macro_rules! define_numbers {
    ($($number:literal $name:ident,)*) => {
        /// Numbers of prepared instructions beside those of the instruction table.
        pub(super) mod number {
            #![allow(non_upper_case_globals)]
            $(pub const $name: u8 = $number;)*
        }
    };
}
prepared_ops!(define_numbers);

macro_rules! fill_table {
    ($($number:literal $name:ident { $($rest:tt)* } $effect:literal;)*) => {
        const fn portable(mut table: [Handler; 256]) -> [Handler; 256] {
            $(table[$number] = super::handlers::$name as Handler;)*
            table
        }
    };
}
macro_rules! fill_prepared {
    ($($number:literal $name:ident,)*) => {
        const fn prepared(mut table: [Handler; 256]) -> [Handler; 256] {
            $(table[$number] = super::handlers::$name as Handler;)*
            table
        }
    };
}
for_each_op!(fill_table);
prepared_ops!(fill_prepared);

/// The handler of every instruction number; an instruction without one does not compile.
pub(super) static TABLE: [Handler; 256] = prepared(portable([super::handlers::Illegal as Handler; 256]));

/// Runs from where the machine stands until the run is over.
///
/// # Safety
/// The machine stands at an instruction of prepared code, in a frame and registers of its running fiber.
pub(super) unsafe fn drive(machine: &mut Machine) {
    let vm: *mut Machine = machine;
    loop {
        // SAFETY: the caller's word, and the invariants of the handlers.
        let exit = unsafe {
            let pc = (*vm).pc;
            let word = *pc;
            TABLE[word as u8 as usize](pc.add(1), (*vm).base, vm, word, (*vm).fp)
        };
        if exit == Exit::Over {
            return;
        }
    }
}
