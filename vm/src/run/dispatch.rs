//! How one handler hands over to the next, and the table from instruction numbers to handlers.
//!
//! With `quipu_tail` (set by the build script for optimised builds) a handler calls the next one as the last thing it
//! does, with the same arguments in the same registers, which the compiler turns into a jump. Nothing promises that
//! on stable Rust, so other builds store the position and return to a loop. The test `constant_stack` would see a
//! lost jump.

use crate::machine::{Exit, Handler, Machine};
use quipu_code::effects::receiver;
use quipu_code::for_each_op;
use quipu_code::{Op, Role, Word};

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
        pub(in crate::run) unsafe fn $name(
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
        pub(in crate::run) unsafe fn $name($pc: *const u64, $base: *mut Slot, $vm: *mut Machine, $w: u64, $fp: *mut Frame) -> Exit {
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

/// Prepared instructions that code objects do not have, each with its shape: what it stands for. Where its operands are, what
/// carries out the first instruction of a group alone, which groups `fuse` looks for, and what a handler may take for
/// granted all follow from that.
///
/// | shape | meaning |
/// | --- | --- |
/// | `own` | The machine's own. |
/// | `instead of I` | Stands in place of that instruction, which cannot be carried out. |
/// | `far I` | That instruction, too far from its cache for the field of the distance. |
/// | `I with V S` | Loads a value and is the operator that takes it on this side ([`Operand`]). |
/// | `I tested by J` | That instruction, with or without such a value, and the test of its result, which is not written. |
/// | `I then J` | Both. |
/// | `I plus Int` | Reads a captured variable, adds a small int and writes it. |
macro_rules! prepared_ops {
    ($mac:ident) => {
        $mac! {
            0x00 FirstCall          = own;
            0x80 MissingNative      = instead of GetNative;
            0x81 AddInt             = Add with Int Right;
            0x82 SubInt             = Sub with Int Right;
            0x83 MulInt             = Mul with Int Right;
            0x84 ModInt             = Mod with Positive Right;
            0x85 FloorDivInt        = FloorDiv with Positive Right;
            0x86 AndInt             = BitAnd with Positive Right;
            0x87 AddIntLeft         = Add with Int Left;
            0x88 MulIntLeft         = Mul with Int Left;
            0x89 LtJumpNot          = Lt tested by JumpIfNot;
            0x8a LtJump             = Lt tested by JumpIf;
            0x8b LtLoop             = Lt tested by LoopIf;
            0x8c LeJumpNot          = Le tested by JumpIfNot;
            0x8d LeJump             = Le tested by JumpIf;
            0x8e LeLoop             = Le tested by LoopIf;
            0x8f GtJumpNot          = Gt tested by JumpIfNot;
            0x90 GtJump             = Gt tested by JumpIf;
            0x91 GtLoop             = Gt tested by LoopIf;
            0x92 GeJumpNot          = Ge tested by JumpIfNot;
            0x93 GeJump             = Ge tested by JumpIf;
            0x94 GeLoop             = Ge tested by LoopIf;
            0x95 EqJumpNot          = Eq tested by JumpIfNot;
            0x96 EqJump             = Eq tested by JumpIf;
            0x97 NeJumpNot          = Ne tested by JumpIfNot;
            0x98 NeJump             = Ne tested by JumpIf;
            0x99 LtIntJumpNot       = Lt with Int Right tested by JumpIfNot;
            0x9a LtIntJump          = Lt with Int Right tested by JumpIf;
            0x9b LtIntLoop          = Lt with Int Right tested by LoopIf;
            0x9c LeIntJumpNot       = Le with Int Right tested by JumpIfNot;
            0x9d LeIntJump          = Le with Int Right tested by JumpIf;
            0x9e LeIntLoop          = Le with Int Right tested by LoopIf;
            0x9f GtIntJumpNot       = Gt with Int Right tested by JumpIfNot;
            0xa0 GtIntJump          = Gt with Int Right tested by JumpIf;
            0xa1 GtIntLoop          = Gt with Int Right tested by LoopIf;
            0xa2 GeIntJumpNot       = Ge with Int Right tested by JumpIfNot;
            0xa3 GeIntJump          = Ge with Int Right tested by JumpIf;
            0xa4 GeIntLoop          = Ge with Int Right tested by LoopIf;
            0xa5 EqIntJumpNot       = Eq with Int Right tested by JumpIfNot;
            0xa6 EqIntJump          = Eq with Int Right tested by JumpIf;
            0xa7 EqIntLoop          = Eq with Int Right tested by LoopIf;
            0xa8 NeIntJumpNot       = Ne with Int Right tested by JumpIfNot;
            0xa9 NeIntJump          = Ne with Int Right tested by JumpIf;
            0xaa NeIntLoop          = Ne with Int Right tested by LoopIf;
            0xab AddConst           = Add with Float Right;
            0xac SubConst           = Sub with Float Right;
            0xad MulConst           = Mul with Float Right;
            0xae DivConst           = Div with Float Right;
            0xaf SubConstLeft       = Sub with Float Left;
            0xb0 MulConstLeft       = Mul with Float Left;
            0xb1 DivConstLeft       = Div with Float Left;
            0xb2 LtConstJumpNot     = Lt with Float Right tested by JumpIfNot;
            0xb3 LtConstJump        = Lt with Float Right tested by JumpIf;
            0xb4 LtConstLoop        = Lt with Float Right tested by LoopIf;
            0xb5 LeConstJumpNot     = Le with Float Right tested by JumpIfNot;
            0xb6 LeConstJump        = Le with Float Right tested by JumpIf;
            0xb7 LeConstLoop        = Le with Float Right tested by LoopIf;
            0xb8 GtConstJumpNot     = Gt with Float Right tested by JumpIfNot;
            0xb9 GtConstJump        = Gt with Float Right tested by JumpIf;
            0xba GtConstLoop        = Gt with Float Right tested by LoopIf;
            0xbb GeConstJumpNot     = Ge with Float Right tested by JumpIfNot;
            0xbc GeConstJump        = Ge with Float Right tested by JumpIf;
            0xbd GeConstLoop        = Ge with Float Right tested by LoopIf;
            0xbe EqTextJumpNot      = Eq with Text Right tested by JumpIfNot;
            0xbf NeTextJumpNot      = Ne with Text Right tested by JumpIfNot;
            0xc0 NextLoop           = Next then LoopPresent;
            0xc1 AddFreeCell        = GetFreeCell plus Int;
            0xc2 CallMethodFar      = far CallMethod;
            0xc3 CallMethodListFar  = far CallMethodList;
            0xc4 TailMethodFar      = far TailMethod;
            0xc5 TailMethodListFar  = far TailMethodList;
            0xc6 GetFieldFar        = far GetField;
            0xc7 SetFieldFar        = far SetField;
            0xc8 GetFieldSafeFar    = far GetFieldSafe;
            0xc9 GetFieldOrNilFar   = far GetFieldOrNil;
        }
    };
}

/// What a prepared instruction stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Nothing in a code object.
    Own,
    /// An instruction that cannot be carried out.
    Instead(Op),
    /// An instruction that is too far from its cache.
    Far(Op),
    /// A load and the operator that takes what is loaded.
    With(Op, Operand, Side),
    /// The same with the operand on the right, and the test of its result.
    WithTested(Op, Operand, Op),
    /// An instruction and the test of its result.
    Tested(Op, Op),
    /// Two instructions.
    Then(Op, Op),
    /// `GetFreeCell`, `LoadInt`, `Add` and `SetFreeCell`.
    Sum(Op),
}

/// What a fused instruction has in place of the register of an operand; `fuse`, which writes it, has looked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operand {
    /// An int of 16 bits.
    Int,
    /// One above 0.
    Positive,
    /// The distance to a constant that is a float.
    Float,
    /// The distance to a constant that is a string.
    Text,
}

/// The side of an operator that an operand stands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Left,
    Right,
}

macro_rules! shape {
    (own) => {
        Shape::Own
    };
    (instead of $op:ident) => {
        Shape::Instead(Op::$op)
    };
    (far $op:ident) => {
        Shape::Far(Op::$op)
    };
    ($op:ident plus Int) => {
        Shape::Sum(Op::$op)
    };
    ($op:ident then $next:ident) => {
        Shape::Then(Op::$op, Op::$next)
    };
    ($op:ident tested by $test:ident) => {
        Shape::Tested(Op::$op, Op::$test)
    };
    ($op:ident with $operand:ident $side:ident) => {
        Shape::With(Op::$op, Operand::$operand, Side::$side)
    };
    ($op:ident with $operand:ident Right tested by $test:ident) => {
        Shape::WithTested(Op::$op, Operand::$operand, Op::$test)
    };
}

macro_rules! define_prepared {
    ($($number:literal $name:ident = $($shape:ident)+;)*) => {
        /// Numbers of prepared instructions beside those of the instruction table, as far as they are called by name.
        pub(super) mod number {
            #![allow(non_upper_case_globals, dead_code)]
            $(pub const $name: u8 = $number;)*
        }

        /// All of them with what they stand for, in the order of the table.
        pub(super) const PREPARED: &[(u8, Shape)] = &[$(($number, shape!($($shape)+))),*];

        /// What a prepared instruction is called; None for numbers that no instruction has.
        pub(super) fn name(number: u8) -> Option<&'static str> {
            match number {
                $($number => Some(stringify!($name)),)*
                _ => Op::from_u8(number).map(Op::name),
            }
        }

        /// What a prepared instruction stands for; None for those of the instruction table, which stand for themselves.
        pub(super) const fn shape(number: u8) -> Option<Shape> {
            match number {
                $($number => Some(shape!($($shape)+)),)*
                _ => None,
            }
        }

        const fn prepared(mut table: [Handler; 256]) -> [Handler; 256] {
            $(table[$number] = super::handlers::$name as Handler;)*
            table
        }
    };
}
prepared_ops!(define_prepared);

/// The instruction whose registers a prepared one has, and which says what they hold: itself if it is in the instruction
/// table.
pub(super) const fn like(number: u8) -> Option<Op> {
    match shape(number) {
        None => Op::from_u8(number),
        Some(Shape::Own) => None,
        Some(Shape::Instead(op) | Shape::Far(op) | Shape::Tested(op, _) | Shape::Then(op, _) | Shape::Sum(op)) => {
            Some(op)
        }
        // One operand is left.
        Some(Shape::With(..) | Shape::WithTested(..)) => Some(Op::Neg),
    }
}

/// What stands for each instruction that is too far from its cache; 0 for those without one.
static FAR_FORMS: [u8; 256] = {
    let mut forms = [0; 256];
    let mut row = 0;
    while row < PREPARED.len() {
        if let (number, Shape::Far(op)) = PREPARED[row] {
            forms[op as usize] = number;
        }
        row += 1;
    }
    let mut index = 0;
    while index < Op::ALL.len() {
        let op = Op::ALL[index];
        assert!(receiver(op).is_some() == (forms[op as usize] != 0), "an instruction with a cache has a far form");
        index += 1;
    }
    forms
};

/// What stands for an instruction with a cache that is too far from it.
pub(super) fn far_form(op: Op) -> u8 {
    FAR_FORMS[op as usize]
}

/// The operands of an instruction that are registers, as the bits of its word.
const fn registers_of(op: Op) -> u64 {
    let (operands, mut bits, mut i) = (op.operands(), 0, 0);
    while i < operands.len() {
        let (field, role) = operands[i];
        use Role::*;
        if matches!(role, Out | In | InOut | Window | WindowList | Many | Pairs | Two | IterOut | Iter) {
            bits |= field.bits();
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
    ($($number:literal $name:ident $operands:tt $effect:literal $columns:tt;)*) => {
        const fn portable(mut table: [Handler; 256]) -> [Handler; 256] {
            $(table[$number] = super::handlers::$name as Handler;)*
            table
        }
    };
}
for_each_op!(fill_table);

/// The handler of every instruction number; an instruction without one does not compile.
pub(super) const TABLE: [Handler; 256] = prepared(portable([super::handlers::Illegal as Handler; 256]));

/// The same, but of a fused group only its first instruction.
pub(super) static FIRSTS: [Handler; 256] = {
    let mut table = TABLE;
    let mut row = 0;
    while row < PREPARED.len() {
        let (number, shape) = PREPARED[row];
        table[number as usize] = match shape {
            Shape::Own | Shape::Instead(_) | Shape::Far(_) => TABLE[number as usize],
            Shape::Tested(op, _) | Shape::Then(op, _) | Shape::Sum(op) => TABLE[op as usize],
            Shape::With(_, operand, side) => load_of(operand, side),
            Shape::WithTested(_, operand, _) => load_of(operand, Side::Right),
        };
        row += 1;
    }
    table
};

/// What loads the operand of a fused instruction into its register after all.
const fn load_of(operand: Operand, side: Side) -> Handler {
    match (operand, side) {
        (Operand::Int | Operand::Positive, Side::Right) => super::handlers::LoadFused,
        (Operand::Int | Operand::Positive, Side::Left) => super::handlers::LoadFusedLeft,
        (Operand::Float | Operand::Text, Side::Right) => super::handlers::LoadFusedConst,
        (Operand::Float | Operand::Text, Side::Left) => super::handlers::LoadFusedConstLeft,
    }
}

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
