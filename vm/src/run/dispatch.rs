//! How one handler hands over to the next, and the table from instruction numbers to handlers.
//!
//! With `quipu_tail` (set by the build script for optimised builds) a handler calls the next one as the last thing it
//! does, with the same arguments in the same registers, which the compiler turns into a jump. Nothing promises that
//! on stable Rust, so other builds store the position and return to a loop. The test `constant_stack` would see a
//! lost jump.

use crate::heap::Slot;
use crate::heap::frame::Frame;
use crate::machine::{Exit, Handler, Machine};
use quipu_lang::code::{Field, Op, Role, Word};
use quipu_lang::for_each_op;

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
        return $crate::machine::Exit::Next;
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
/// it, and the position moves in again. What the method asks to be run again begins at this instruction, wherever the
/// machine's position is by then. `charged`: it takes a unit of fuel at least, and is not begun without, as its fast path
/// is not. `again`: the instruction always runs anew when the method is done, and counts then. `own`: the same for what is no
/// instruction of a code object, and never counts.
macro_rules! slow {
    ($name:ident => $method:ident) => {
        slow!(@handler #[inline(never)] {}, pc, pc, base, vm, w, fp, $name, $method, false);
    };
    (charged $name:ident => $method:ident) => {
        slow!(@handler #[inline(never)] {
            if (*vm).fuel <= 1 {
                (*vm).fuel -= 1;
                return OutOfFuel(pc, base, vm, w, fp);
            }
        }, pc, pc, base, vm, w, fp, $name, $method, false);
    };
    (again $name:ident => $method:ident) => {
        slow!(@handler #[cold] #[inline(never)] {}, pc, pc.sub(1), base, vm, w, fp, $name, $method, true);
    };
    (own $name:ident => $method:ident) => {
        slow!(@handler #[cold] #[inline(never)] {}, pc, pc.sub(1), base, vm, w, fp, $name, $method, false);
    };
    (@handler $(#[$attribute:meta])* $before:block, $pc:ident, $goes_on:expr, $base:ident, $vm:ident, $w:ident, $fp:ident,
        $name:ident, $method:ident, $again:literal) => {
        $(#[$attribute])*
        pub(super) unsafe fn $name($pc: *const u64, $base: *mut Slot, $vm: *mut Machine, $w: u64, $fp: *mut Frame) -> Exit {
            /// The result has an address, so it stays out of the function that ends in a jump.
            #[inline(never)]
            unsafe fn step(vm: *mut Machine, w: u64, begins: *const u64) -> bool {
                // SAFETY: the invariants at the top of the file.
                unsafe {
                    let begun = (*vm).begun(begins);
                    let retrying = (*vm).retrying;
                    let result = (*vm).$method($crate::run::dispatch::portable_operands(w));
                    if $again && result.is_ok() {
                        (*vm).uncount();
                    }
                    let goes_on = (*vm).goes_on(result, begun);
                    if $again {
                        // It has asked for memory once already.
                        (*vm).retrying |= retrying;
                    }
                    goes_on
                }
            }
            // SAFETY: the invariants at the top of the file.
            unsafe {
                $before
                (*$vm).store($goes_on, $base, $fp);
                if step($vm, $w, $pc.sub(1)) {
                    resume!($vm)
                }
                Exit::Over
            }
        }
    };
}

pub(super) use {next, op, resume, slow};

/// Prepared instructions that code objects do not have: fused forms and stand-ins.
///
/// `like`: its registers are those of that instruction, which also says what they hold. Behind that stands what it takes
/// for granted of other operands; `fuse`, which writes it, has looked. `first`: what carries out the first instruction of its
/// group alone; the others stand behind it in words of their own.
macro_rules! prepared_ops {
    ($mac:ident) => {
        $mac! {
            0x00 FirstCall;
            0x80 MissingNative like GetNative;
            0x81 AddInt like Neg first LoadFused;
            0x82 SubInt like Neg first LoadFused;
            0x83 MulInt like Neg first LoadFused;
            0x84 ModInt like Neg first LoadFused;
            0x85 FloorDivInt like Neg first LoadFused;
            0x86 AndInt like Neg first LoadFused;
            0x87 AddIntLeft like Neg first LoadFusedLeft;
            0x88 MulIntLeft like Neg first LoadFusedLeft;
            0x89 LtJumpNot like Lt first Lt;
            0x8a LtJump like Lt first Lt;
            0x8b LtLoop like Lt first Lt;
            0x8c LeJumpNot like Le first Le;
            0x8d LeJump like Le first Le;
            0x8e LeLoop like Le first Le;
            0x8f GtJumpNot like Gt first Gt;
            0x90 GtJump like Gt first Gt;
            0x91 GtLoop like Gt first Gt;
            0x92 GeJumpNot like Ge first Ge;
            0x93 GeJump like Ge first Ge;
            0x94 GeLoop like Ge first Ge;
            0x95 EqJumpNot like Eq first Eq;
            0x96 EqJump like Eq first Eq;
            0x97 NeJumpNot like Ne first Ne;
            0x98 NeJump like Ne first Ne;
            0x99 LtIntJumpNot like Neg first LoadFused;
            0x9a LtIntJump like Neg first LoadFused;
            0x9b LtIntLoop like Neg first LoadFused;
            0x9c LeIntJumpNot like Neg first LoadFused;
            0x9d LeIntJump like Neg first LoadFused;
            0x9e LeIntLoop like Neg first LoadFused;
            0x9f GtIntJumpNot like Neg first LoadFused;
            0xa0 GtIntJump like Neg first LoadFused;
            0xa1 GtIntLoop like Neg first LoadFused;
            0xa2 GeIntJumpNot like Neg first LoadFused;
            0xa3 GeIntJump like Neg first LoadFused;
            0xa4 GeIntLoop like Neg first LoadFused;
            0xa5 EqIntJumpNot like Neg first LoadFused;
            0xa6 EqIntJump like Neg first LoadFused;
            0xa7 EqIntLoop like Neg first LoadFused;
            0xa8 NeIntJumpNot like Neg first LoadFused;
            0xa9 NeIntJump like Neg first LoadFused;
            0xaa NeIntLoop like Neg first LoadFused;
            0xab AddConst like Neg first LoadFusedConst [c: Float];
            0xac SubConst like Neg first LoadFusedConst [c: Float];
            0xad MulConst like Neg first LoadFusedConst [c: Float];
            0xae DivConst like Neg first LoadFusedConst [c: Float];
            0xaf SubConstLeft like Neg first LoadFusedConstLeft [c: Float];
            0xb0 MulConstLeft like Neg first LoadFusedConstLeft [c: Float];
            0xb1 DivConstLeft like Neg first LoadFusedConstLeft [c: Float];
            0xb2 LtConstJumpNot like Neg first LoadFusedConst [c: Float];
            0xb3 LtConstJump like Neg first LoadFusedConst [c: Float];
            0xb4 LtConstLoop like Neg first LoadFusedConst [c: Float];
            0xb5 LeConstJumpNot like Neg first LoadFusedConst [c: Float];
            0xb6 LeConstJump like Neg first LoadFusedConst [c: Float];
            0xb7 LeConstLoop like Neg first LoadFusedConst [c: Float];
            0xb8 GtConstJumpNot like Neg first LoadFusedConst [c: Float];
            0xb9 GtConstJump like Neg first LoadFusedConst [c: Float];
            0xba GtConstLoop like Neg first LoadFusedConst [c: Float];
            0xbb GeConstJumpNot like Neg first LoadFusedConst [c: Float];
            0xbc GeConstJump like Neg first LoadFusedConst [c: Float];
            0xbd GeConstLoop like Neg first LoadFusedConst [c: Float];
            0xbe EqTextJumpNot like Neg first LoadFusedConst [c: Text];
            0xbf NeTextJumpNot like Neg first LoadFusedConst [c: Text];
            0xc0 NextLoop like Next first Next;
            0xc1 AddFreeCell like GetFreeCell first GetFreeCell [x: Var];
            0xc2 CallMethodFar like CallMethod;
            0xc3 CallMethodListFar like CallMethodList;
            0xc4 TailMethodFar like TailMethod;
            0xc5 TailMethodListFar like TailMethodList;
            0xc6 GetFieldFar like GetField;
            0xc7 SetFieldFar like SetField;
            0xc8 GetFieldSafeFar like GetFieldSafe;
        }
    };
}

/// What a prepared instruction takes for granted of an operand that is no register.
#[cfg(debug_assertions)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trusted {
    /// The constant at this distance is a float.
    Float,
    /// The constant at this distance is a string.
    Text,
    /// The free variable with this number is a cell of a `var`.
    Var,
}

macro_rules! define_prepared {
    ($($number:literal $name:ident $(like $op:ident)? $(first $first:ident)? $([$field:ident: $trusted:ident])?;)*) => {
        /// Numbers of prepared instructions beside those of the instruction table.
        pub(super) mod number {
            #![allow(non_upper_case_globals)]
            $(pub const $name: u8 = $number;)*
        }

        /// What a prepared instruction is called; None for numbers that no instruction has.
        pub(super) fn name(number: u8) -> Option<&'static str> {
            match number {
                $($number => Some(stringify!($name)),)*
                _ => Op::from_u8(number).map(Op::name),
            }
        }

        /// The instruction whose registers a prepared one has: itself if it is in the instruction table.
        pub(super) const fn like(number: u8) -> Option<Op> {
            match number {
                $($($number => Some(Op::$op),)?)*
                _ => Op::from_u8(number),
            }
        }

        /// What a prepared instruction takes for granted beyond that.
        #[cfg(debug_assertions)]
        pub(super) const fn trusted(number: u8) -> Option<Trusted> {
            match number {
                $($($number => Some(Trusted::$trusted),)?)*
                _ => None,
            }
        }
    };
}
prepared_ops!(define_prepared);

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
    let mut number = 0;
    while number < table.len() {
        if let Some(op) = like(number as u8) {
            table[number] = registers_of(op);
        }
        number += 1;
    }
    table
};

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
    ($($number:literal $name:ident $(like $op:ident)? $(first $first:ident)? $([$($trusted:tt)*])?;)*) => {
        const fn prepared(mut table: [Handler; 256]) -> [Handler; 256] {
            $(table[$number] = super::handlers::$name as Handler;)*
            table
        }

        const fn unfused(mut table: [Handler; 256]) -> [Handler; 256] {
            $($(table[$number] = super::handlers::$first as Handler;)?)*
            table
        }
    };
}
for_each_op!(fill_table);
prepared_ops!(fill_prepared);

/// The handler of every instruction number; an instruction without one does not compile.
pub(super) const TABLE: [Handler; 256] = prepared(portable([super::handlers::Illegal as Handler; 256]));

/// The same, but of a fused group only its first instruction.
pub(super) static FIRSTS: [Handler; 256] = unfused(TABLE);

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
