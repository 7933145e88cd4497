//! How one handler hands over to the next, and the table from instruction numbers to handlers.
//!
//! With `quipu_tail` (set by the build script for optimised builds) a handler calls the next one as the last thing it
//! does, with the same arguments in the same registers, which the compiler turns into a jump. Nothing promises that
//! on stable Rust, so other builds store the position and return to a loop. The test `constant_stack` would see a
//! lost jump.

use super::frame::Frame;
use super::machine::Machine;
use crate::heap::Slot;
use quipu_lang::code::{Field, Op, Role, Word};
use quipu_lang::for_each_op;

/// What a handler does: position behind its word, registers, machine, its word, frame.
pub(crate) type Handler = unsafe fn(*const u64, *mut Slot, *mut Machine, u64, *mut Frame) -> Exit;

/// Why handlers stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
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
        #[cfg(debug_assertions)]
        $crate::run::operands::assert_operands($vm, at, $base, $fp);
        let word = *at;
        return (*$vm).handlers[word as u8 as usize](at.add(1), $base, $vm, word, $fp);
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
                    let result = (*vm).$method($crate::run::dispatch::portable_operands(w));
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
                    let result = (*vm).$method($crate::run::dispatch::portable_operands(w));
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
            0x85 FloorDivInt,
            0x86 AndInt,
            0x87 AddIntLeft,
            0x88 MulIntLeft,
            0x89 LtJumpNot,
            0x8a LtJump,
            0x8b LtLoop,
            0x8c LeJumpNot,
            0x8d LeJump,
            0x8e LeLoop,
            0x8f GtJumpNot,
            0x90 GtJump,
            0x91 GtLoop,
            0x92 GeJumpNot,
            0x93 GeJump,
            0x94 GeLoop,
            0x95 EqJumpNot,
            0x96 EqJump,
            0x97 NeJumpNot,
            0x98 NeJump,
            0x99 LtIntJumpNot,
            0x9a LtIntJump,
            0x9b LtIntLoop,
            0x9c LeIntJumpNot,
            0x9d LeIntJump,
            0x9e LeIntLoop,
            0x9f GtIntJumpNot,
            0xa0 GtIntJump,
            0xa1 GtIntLoop,
            0xa2 GeIntJumpNot,
            0xa3 GeIntJump,
            0xa4 GeIntLoop,
            0xa5 EqIntJumpNot,
            0xa6 EqIntJump,
            0xa7 EqIntLoop,
            0xa8 NeIntJumpNot,
            0xa9 NeIntJump,
            0xaa NeIntLoop,
            0xab AddConst,
            0xac SubConst,
            0xad MulConst,
            0xae DivConst,
            0xaf SubConstLeft,
            0xb0 MulConstLeft,
            0xb1 DivConstLeft,
            0xb2 LtConstJumpNot,
            0xb3 LtConstJump,
            0xb4 LtConstLoop,
            0xb5 LeConstJumpNot,
            0xb6 LeConstJump,
            0xb7 LeConstLoop,
            0xb8 GtConstJumpNot,
            0xb9 GtConstJump,
            0xba GtConstLoop,
            0xbb GeConstJumpNot,
            0xbc GeConstJump,
            0xbd GeConstLoop,
            0xbe EqTextJumpNot,
            0xbf NeTextJumpNot,
            0xc0 NextLoop,
            0xc1 AddFreeCell,
            0xc2 CallMethodFar,
            0xc3 CallMethodListFar,
            0xc4 TailMethodFar,
            0xc5 TailMethodListFar,
            0xc6 GetFieldFar,
            0xc7 SetFieldFar,
            0xc8 GetFieldSafeFar,
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

macro_rules! define_names {
    ($($number:literal $name:ident,)*) => {
        /// What a prepared instruction is called; None for numbers that no instruction has.
        pub(super) fn name(number: u8) -> Option<&'static str> {
            match number {
                $($number => Some(stringify!($name)),)*
                _ => Op::from_u8(number).map(Op::name),
            }
        }
    };
}
prepared_ops!(define_names);

/// The operands of an instruction that are registers, as the bits of its word.
const fn registers_of(op: Op) -> u64 {
    let (operands, mut bits, mut i) = (op.operands(), 0, 0);
    while i < operands.len() {
        let (field, role) = operands[i];
        use Role::*;
        if matches!(role, Out | In | InOut | Window | WindowList | Many | Pairs | Two | IterOut | Iter) {
            bits |= match field {
                Field::A => 0xffff << 16,
                Field::B => 0xffff << 32,
                Field::C => 0xffff << 48,
                Field::D | Field::X => 0,
            };
        }
        i += 1;
    }
    bits
}

/// The same by number, for prepared instructions too.
static REGISTERS: [u64; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < Op::ALL.len() {
        table[Op::ALL[i] as usize] = registers_of(Op::ALL[i]);
        i += 1;
    }
    table[number::MissingNative as usize] = registers_of(Op::GetNative);
    table[number::AddFreeCell as usize] = registers_of(Op::GetFreeCell);
    let mut fused = number::AddInt as usize;
    while fused <= number::MulIntLeft as usize {
        table[fused] = registers_of(Op::Neg);
        fused += 1;
    }
    fused = number::LtJumpNot as usize;
    while fused <= number::NeJump as usize {
        table[fused] = registers_of(Op::Lt);
        fused += 1;
    }
    fused = number::LtIntJumpNot as usize;
    while fused <= number::NeTextJumpNot as usize {
        table[fused] = registers_of(Op::Neg);
        fused += 1;
    }
    table[number::NextLoop as usize] = registers_of(Op::Next);
    table[number::CallMethodFar as usize] = registers_of(Op::CallMethod);
    table[number::CallMethodListFar as usize] = registers_of(Op::CallMethodList);
    table[number::TailMethodFar as usize] = registers_of(Op::TailMethod);
    table[number::TailMethodListFar as usize] = registers_of(Op::TailMethodList);
    table[number::GetFieldFar as usize] = registers_of(Op::GetField);
    table[number::SetFieldFar as usize] = registers_of(Op::SetField);
    table[number::GetFieldSafeFar as usize] = registers_of(Op::GetFieldSafe);
    table
};

/// The bits of a word that are registers, doubled.
#[cfg(debug_assertions)]
pub(super) fn registers_of_number(number: u8) -> u64 {
    REGISTERS[number as usize]
}

/// A word of prepared code: its register operands are doubled, which handlers make use of.
pub(super) fn prepared_operands(word: u64) -> u64 {
    let registers = REGISTERS[word as u8 as usize];
    word & !registers | (word & registers) << 1
}

/// The same instruction with registers by number, as the slow paths read them.
#[inline(always)]
pub(super) fn portable_operands(word: u64) -> Word {
    let registers = REGISTERS[word as u8 as usize];
    Word(word & !registers | (word & registers) >> 1)
}

macro_rules! fill_table {
    ($($number:literal $name:ident { $($rest:tt)* } $effect:literal $([$($holds:tt)*])?;)*) => {
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
pub(super) const TABLE: [Handler; 256] = prepared(portable([super::handlers::Illegal as Handler; 256]));

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
            #[cfg(debug_assertions)]
            super::operands::assert_operands(vm, pc, (*vm).base, (*vm).fp);
            let word = *pc;
            (*vm).handlers[word as u8 as usize](pc.add(1), (*vm).base, vm, word, (*vm).fp)
        };
        if exit == Exit::Over {
            return;
        }
    }
}
