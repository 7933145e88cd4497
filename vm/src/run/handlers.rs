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

// Registers and constants.

op!(Move(pc, base, vm, w, fp) {
    copy(r(base, a(w)), r(base, b(w)));
    next!(pc, base, vm, fp)
});
op!(LoadNil(pc, base, vm, w, fp) {
    set(r(base, a(w)), tag::NIL, 0);
    next!(pc, base, vm, fp)
});
op!(LoadBool(pc, base, vm, w, fp) {
    set(r(base, a(w)), tag::FALSE + (sx(w) as u64), 0);
    next!(pc, base, vm, fp)
});
op!(LoadInt(pc, base, vm, w, fp) {
    set(r(base, a(w)), tag::INT, sx(w) as u64);
    next!(pc, base, vm, fp)
});
op!(LoadConst(pc, base, vm, w, fp) {
    copy(r(base, a(w)), pc.offset(sx(w)).cast());
    next!(pc, base, vm, fp)
});
// Natives are constants of prepared code; one that the host lacks was replaced by an instruction that says so.
op!(GetNative(pc, base, vm, w, fp) {
    copy(r(base, a(w)), pc.offset(sx(w)).cast());
    next!(pc, base, vm, fp)
});
slow!(MissingNative => missing_native);
op!(GetFree(pc, base, vm, w, fp) {
    copy(r(base, a(w)), captures((*fp).closure).offset(sx(w)));
    next!(pc, base, vm, fp)
});
op!(GetFreeCell(pc, base, vm, w, fp) {
    let capture = captures((*fp).closure).offset(sx(w));
    let cell = (*capture).bits as *mut CellObject;
    if (*cell).value.tag == tag::ABSENT { return GetFreeCellSlow(pc, base, vm, w, fp) }
    copy(r(base, a(w)), &raw const (*cell).value);
    next!(pc, base, vm, fp)
});
slow!(GetFreeCellSlow => free_cell_fault);
// `n += 1` on a captured variable: `GetFreeCell`, `LoadInt`, `Add`, `SetFreeCell`. The word is that of `GetFreeCell` with
// the int as its `d`, so the way out is that instruction.
op!(AddFreeCell(pc, base, vm, w, fp) {
    let capture = captures((*fp).closure).offset(sx(w));
    let cell = (*capture).bits as *mut CellObject;
    if (*cell).value.tag != tag::INT || (*vm).heap.journal.is_on() { return GetFreeCell(pc, base, vm, w, fp) }
    let (value, overflow) = ((*cell).value.bits as i64).overflowing_add((w >> 8) as i8 as i64);
    if overflow { return GetFreeCell(pc, base, vm, w, fp) }
    (*cell).value.bits = value as u64;
    set(r(base, a(w)), tag::INT, value as u64);
    next!(pc.add(3), base, vm, fp)
});
op!(SetFreeCell(pc, base, vm, w, fp) {
    let capture = captures((*fp).closure).offset(sx(w));
    let cell = (*capture).bits as *mut CellObject;
    if (*cell).value.tag == tag::ABSENT || (*vm).heap.journal.is_on() {
        return SetFreeCellSlow(pc, base, vm, w, fp)
    }
    copy(&raw mut (*cell).value, r(base, a(w)));
    next!(pc, base, vm, fp)
});
slow!(SetFreeCellSlow => set_free_cell);
op!(NewCell(pc, base, vm, w, fp) {
    if (*vm).heap.is_due() { return Collect(pc, base, vm, w, fp) }
    let Some(object) = (*vm).heap.take_cell(tag::CELL, sx(w) as u8 * flag::VAR, CELL_CLASS) else {
        return Refill(pc, base, vm, w, fp)
    };
    let cell = object.cast::<CellObject>();
    set(&raw mut (*cell).value, tag::ABSENT, 0);
    set(r(base, a(w)), tag::CELL, cell as u64);
    next!(pc, base, vm, fp)
});
slow!(again Refill => refill);
op!(InitCell(pc, base, vm, w, fp) {
    let to = r(base, a(w));
    let cell = (*to).bits as *mut CellObject;
    if (*cell).value.tag != tag::ABSENT || (*vm).heap.journal.is_on() { return InitCellSlow(pc, base, vm, w, fp) }
    copy(&raw mut (*cell).value, r(base, b(w)));
    next!(pc, base, vm, fp)
});
slow!(InitCellSlow => init_cell);
op!(GetCell(pc, base, vm, w, fp) {
    let from = r(base, b(w));
    let cell = (*from).bits as *mut CellObject;
    if (*cell).value.tag == tag::ABSENT { return GetCellSlow(pc, base, vm, w, fp) }
    copy(r(base, a(w)), &raw const (*cell).value);
    next!(pc, base, vm, fp)
});
slow!(GetCellSlow => get_cell_fault);
op!(SetCell(pc, base, vm, w, fp) {
    let to = r(base, a(w));
    let cell = (*to).bits as *mut CellObject;
    if (*cell).value.tag == tag::ABSENT || (*vm).heap.journal.is_on() {
        return SetCellSlow(pc, base, vm, w, fp)
    }
    copy(&raw mut (*cell).value, r(base, b(w)));
    next!(pc, base, vm, fp)
});
slow!(SetCellSlow => set_cell);
op!(GetSelf(pc, base, vm, w, fp) {
    set(r(base, a(w)), tag::CLOSURE, (*fp).closure as u64);
    next!(pc, base, vm, fp)
});
op!(GetOwner(pc, base, vm, w, fp) {
    let closure = (*fp).closure;
    if (*closure).header.flags & flag::OWNED == 0 { return GetOwnerSlow(pc, base, vm, w, fp) }
    copy(r(base, a(w)), captures(closure).add((*(*closure).code).captures()));
    next!(pc, base, vm, fp)
});
slow!(GetOwnerSlow => owner_fault);
op!(MakeClosure(pc, base, vm, w, fp) {
    if (*vm).heap.is_due() { return Collect(pc, base, vm, w, fp) }
    let running = (*fp).closure;
    let site = (*(*running).code).sites.as_ptr().offset(sx(w));
    if (*site).class == 0 { return MakeClosureSlow(pc, base, vm, w, fp) }
    let Some(object) = (*vm).heap.take_cell(tag::CLOSURE, 0, (*site).class) else {
        return Refill(pc, base, vm, w, fp)
    };
    let closure = object.cast::<ClosureObject>();
    (*closure).code = (*site).code;
    let from = captures(running);
    let to = captures(closure);
    let mut i = 0;
    while i < (*site).count {
        match *(*site).first.add(i) {
            CaptureSource::Register(register) => copy(to.add(i), base.add(register as usize)),
            CaptureSource::Free(f) => copy(to.add(i), from.add(f as usize)),
            CaptureSource::Running => set(to.add(i), tag::CLOSURE, running as u64),
            CaptureSource::Owner => copy(to.add(i), from.add((*(*running).code).captures())),
        }
        i += 1;
    }
    set(r(base, a(w)), tag::CLOSURE, closure as u64);
    next!(pc, base, vm, fp)
});
slow!(MakeClosureSlow => make_closure);
slow!(MakeType => make_type);
op!(MakeInstance(pc, base, vm, w, fp) {
    let closure = (*fp).closure;
    if (*closure).header.flags & flag::OWNED == 0 { return GetOwnerSlow(pc, base, vm, w, fp) }
    if (*vm).heap.is_due() { return Collect(pc, base, vm, w, fp) }
    let owner = captures(closure).add((*(*closure).code).captures());
    let ty = (*owner).bits as *mut TypeObject;
    // The checker has compared the count with the fields of the type site.
    let count = c(w);
    let class = instance_class(count);
    if class == 0 { return MakeInstanceSlow(pc, base, vm, w, fp) }
    let Some(object) = (*vm).heap.take_cell(tag::INSTANCE, 0, class) else {
        return Refill(pc, base, vm, w, fp)
    };
    let instance = object.cast::<InstanceObject>();
    (*instance).ty = ty;
    let first = r(base, b(w));
    let mut i = 0;
    while i < count {
        copy(fields(instance).add(i), first.add(i));
        i += 1;
    }
    set(r(base, a(w)), tag::INSTANCE, instance as u64);
    next!(pc, base, vm, fp)
});
slow!(MakeInstanceSlow => make_instance);

/// The size class of an instance with this many fields, or of a tuple of this length; 0 if it gets memory of its own.
#[inline(always)]
fn instance_class(fields: usize) -> usize {
    // Up to 256 bytes classes are 16 bytes apart, and so are counts of fields.
    if fields < 16 { fields + 1 } else { 0 }
}

// Operators.

/// An operator on two ints that may overflow, with paths for two floats and for one of each.
macro_rules! arithmetic {
    ($name:ident, $mixed:ident, $slow:ident, $checked:ident, $float:tt) => {
        op!($name(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            let y = r(base, c(w));
            if (*x).tag == tag::INT && (*y).tag == tag::INT {
                let (value, overflow) = ((*x).bits as i64).$checked((*y).bits as i64);
                if overflow { return $slow(pc, base, vm, w, fp) }
                set(r(base, a(w)), tag::INT, value as u64);
                next!(pc, base, vm, fp)
            }
            if (*x).tag == tag::FLOAT && (*y).tag == tag::FLOAT {
                let value = f64::from_bits((*x).bits) $float f64::from_bits((*y).bits);
                set(r(base, a(w)), tag::FLOAT, value.to_bits());
                next!(pc, base, vm, fp)
            }
            return $mixed(pc, base, vm, w, fp)
        });
        op!(apart $mixed(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            let y = r(base, c(w));
            let (left, right) = if (*x).tag == tag::FLOAT && (*y).tag == tag::INT {
                (f64::from_bits((*x).bits), (*y).bits as i64 as f64)
            } else if (*x).tag == tag::INT && (*y).tag == tag::FLOAT {
                ((*x).bits as i64 as f64, f64::from_bits((*y).bits))
            } else {
                return $slow(pc, base, vm, w, fp)
            };
            set(r(base, a(w)), tag::FLOAT, (left $float right).to_bits());
            next!(pc, base, vm, fp)
        });
        slow!($slow => binary);
    };
}
arithmetic!(Add, AddMixed, AddSlow, overflowing_add, +);
arithmetic!(Sub, SubMixed, SubSlow, overflowing_sub, -);
arithmetic!(Mul, MulMixed, MulSlow, overflowing_mul, *);
op!(Div(pc, base, vm, w, fp) {
    let x = r(base, b(w));
    let y = r(base, c(w));
    let left = if (*x).tag == tag::FLOAT { f64::from_bits((*x).bits) }
        else if (*x).tag == tag::INT { (*x).bits as i64 as f64 }
        else { return DivSlow(pc, base, vm, w, fp) };
    let right = if (*y).tag == tag::FLOAT { f64::from_bits((*y).bits) }
        else if (*y).tag == tag::INT { (*y).bits as i64 as f64 }
        else { return DivSlow(pc, base, vm, w, fp) };
    set(r(base, a(w)), tag::FLOAT, (left / right).to_bits());
    next!(pc, base, vm, fp)
});
slow!(DivSlow => binary);
op!(FloorDiv(pc, base, vm, w, fp) {
    let x = r(base, b(w));
    let y = r(base, c(w));
    // A positive divisor leaves out division by zero and the one overflow.
    if (*x).tag == tag::INT && (*y).tag == tag::INT && (*y).bits as i64 > 0 {
        set(r(base, a(w)), tag::INT, ((*x).bits as i64).div_euclid((*y).bits as i64) as u64);
        next!(pc, base, vm, fp)
    }
    return FloorDivSlow(pc, base, vm, w, fp)
});
slow!(FloorDivSlow => binary);
op!(Mod(pc, base, vm, w, fp) {
    let x = r(base, b(w));
    let y = r(base, c(w));
    if (*x).tag == tag::INT && (*y).tag == tag::INT && (*y).bits as i64 > 0 {
        let (left, right) = ((*x).bits as i64, (*y).bits as i64);
        // Small operands divide several times faster in 32 bits.
        let value = if (left | right) as u64 >> 32 == 0 {
            (left as u32 % right as u32) as i64
        } else {
            left.rem_euclid(right)
        };
        set(r(base, a(w)), tag::INT, value as u64);
        next!(pc, base, vm, fp)
    }
    return ModSlow(pc, base, vm, w, fp)
});
slow!(ModSlow => binary);
slow!(Pow => binary);
macro_rules! bitwise {
    ($name:ident, $slow:ident, $operator:tt) => {
        op!($name(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            let y = r(base, c(w));
            if (*x).tag != tag::INT || (*y).tag != tag::INT { return $slow(pc, base, vm, w, fp) }
            set(r(base, a(w)), tag::INT, (*x).bits $operator (*y).bits);
            next!(pc, base, vm, fp)
        });
        slow!($slow => binary);
    };
}
bitwise!(BitAnd, BitAndSlow, &);
bitwise!(BitOr, BitOrSlow, |);
bitwise!(BitXor, BitXorSlow, ^);
slow!(Shl => binary);
op!(Shr(pc, base, vm, w, fp) {
    let x = r(base, b(w));
    let y = r(base, c(w));
    if (*x).tag != tag::INT || (*y).tag != tag::INT || (*y).bits > 63 { return ShrSlow(pc, base, vm, w, fp) }
    set(r(base, a(w)), tag::INT, ((*x).bits as i64 >> (*y).bits) as u64);
    next!(pc, base, vm, fp)
});
slow!(ShrSlow => binary);
op!(Neg(pc, base, vm, w, fp) {
    let x = r(base, b(w));
    if (*x).tag == tag::INT && (*x).bits != i64::MIN as u64 {
        set(r(base, a(w)), tag::INT, ((*x).bits as i64).wrapping_neg() as u64);
        next!(pc, base, vm, fp)
    }
    if (*x).tag == tag::FLOAT {
        set(r(base, a(w)), tag::FLOAT, (-f64::from_bits((*x).bits)).to_bits());
        next!(pc, base, vm, fp)
    }
    return NegSlow(pc, base, vm, w, fp)
});
slow!(NegSlow => unary);
slow!(BitNot => unary);
op!(Not(pc, base, vm, w, fp) {
    let value = (*r(base, b(w))).tag <= tag::FALSE;
    set(r(base, a(w)), tag::FALSE + value as u64, 0);
    next!(pc, base, vm, fp)
});

/// The truth of a comparison of two ints or two floats, or the slow path.
macro_rules! compared {
    ($base:ident, $w:ident, $operator:tt, $slow:expr) => {{
        let x = r($base, b($w));
        let y = r($base, c($w));
        if (*x).tag == tag::INT && (*y).tag == tag::INT {
            ((*x).bits as i64) $operator ((*y).bits as i64)
        } else if (*x).tag == tag::FLOAT && (*y).tag == tag::FLOAT {
            f64::from_bits((*x).bits) $operator f64::from_bits((*y).bits)
        } else {
            return $slow
        }
    }};
}
/// A comparison, and its fused forms with the test that follows: jump if false, jump if true, loop if true.
macro_rules! comparison {
    ($name:ident, $slow:ident, $jump_not:ident, $jump:ident, $loops:ident, $operator:tt) => {
        op!($name(pc, base, vm, w, fp) {
            let value = compared!(base, w, $operator, $slow(pc, base, vm, w, fp));
            set(r(base, a(w)), tag::FALSE + value as u64, 0);
            next!(pc, base, vm, fp)
        });
        op!($jump_not(pc, base, vm, w, fp) {
            if compared!(base, w, $operator, $slow(pc, base, vm, w, fp)) { next!(pc.add(1), base, vm, fp) }
            next!(pc.offset(1 + sx(*pc)), base, vm, fp)
        });
        op!($jump(pc, base, vm, w, fp) {
            if compared!(base, w, $operator, $slow(pc, base, vm, w, fp)) {
                next!(pc.offset(1 + sx(*pc)), base, vm, fp)
            }
            next!(pc.add(1), base, vm, fp)
        });
        op!($loops(pc, base, vm, w, fp) {
            if compared!(base, w, $operator, $slow(pc, base, vm, w, fp)) {
                if (*vm).fuel <= 1 { return $slow(pc, base, vm, w, fp) }
                (*vm).fuel -= 1;
                next!(pc.offset(1 + sx(*pc)), base, vm, fp)
            }
            next!(pc.add(1), base, vm, fp)
        });
        slow!($slow => compare);
    };
}
comparison!(Lt, LtSlow, LtJumpNot, LtJump, LtLoop, <);
comparison!(Le, LeSlow, LeJumpNot, LeJump, LeLoop, <=);
comparison!(Gt, GtSlow, GtJumpNot, GtJump, GtLoop, >);
comparison!(Ge, GeSlow, GeJumpNot, GeJump, GeLoop, >=);

/// The truth of an equality where it can be seen from the slots.
macro_rules! equality {
    ($base:ident, $w:ident, $slow:expr, $text:expr) => {{
        let x = r($base, b($w));
        let y = r($base, c($w));
        if (*x).tag == (*y).tag && (*x).tag <= tag::INT {
            (*x).bits == (*y).bits
        } else if (*x).tag == tag::FLOAT && (*y).tag == tag::FLOAT {
            f64::from_bits((*x).bits) == f64::from_bits((*y).bits)
        } else if (*x).tag == tag::STR && (*y).tag == tag::STR {
            let length = (*((*x).bits as *const StrObject)).len;
            if length != (*((*y).bits as *const StrObject)).len {
                false
            } else if length >= LONG {
                // Paid for, also where they are one.
                return $slow;
            } else if (*x).bits == (*y).bits {
                true
            } else {
                return $text;
            }
        } else if (*x).tag <= tag::TRUE && (*y).tag <= tag::TRUE {
            false
        } else {
            return $slow;
        }
    }};
}
/// Whether two strings have the same bytes.
#[inline(always)]
unsafe fn str_equal(x: *const StrObject, y: *const StrObject) -> bool {
    // SAFETY: strings are live; their bytes follow the object.
    unsafe {
        std::slice::from_raw_parts(x.add(1).cast::<u8>(), (*x).len)
            == std::slice::from_raw_parts(y.add(1).cast::<u8>(), (*y).len)
    }
}
macro_rules! equalities {
    ($name:ident, $slow:ident, $text:ident, $jump_not:ident, $jump:ident, $wanted:literal) => {
        op!($name(pc, base, vm, w, fp) {
            let value = equality!(base, w, $slow(pc, base, vm, w, fp), $text(pc, base, vm, w, fp)) == $wanted;
            set(r(base, a(w)), tag::FALSE + value as u64, 0);
            next!(pc, base, vm, fp)
        });
        op!($jump_not(pc, base, vm, w, fp) {
            if equality!(base, w, $slow(pc, base, vm, w, fp), $text(pc, base, vm, w, fp)) == $wanted { next!(pc.add(1), base, vm, fp) }
            next!(pc.offset(1 + sx(*pc)), base, vm, fp)
        });
        op!($jump(pc, base, vm, w, fp) {
            if equality!(base, w, $slow(pc, base, vm, w, fp), $text(pc, base, vm, w, fp)) == $wanted {
                next!(pc.offset(1 + sx(*pc)), base, vm, fp)
            }
            next!(pc.add(1), base, vm, fp)
        });
        slow!($slow => equal);
        // Two strings of one length. The result goes into the register, also for the fused forms, whose test follows.
        op!(apart $text(pc, base, vm, w, fp) {
            let (x, y) = ((*r(base, b(w))).bits as *const StrObject, (*r(base, c(w))).bits as *const StrObject);
            let value = str_equal(x, y) == $wanted;
            set(r(base, a(w)), tag::FALSE + value as u64, 0);
            next!(pc, base, vm, fp)
        });
    };
}
equalities!(Eq, EqSlow, EqText, EqJumpNot, EqJump, true);
equalities!(Ne, NeSlow, NeText, NeJumpNot, NeJump, false);

// Fused with a small int: the word stands in place of a `LoadInt`, the operator follows, then perhaps a test.
macro_rules! with_int {
    ($name:ident, $out:ident, $checked:ident, $float:tt) => {
        op!($name(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            if (*x).tag == tag::INT {
                let (value, overflow) = ((*x).bits as i64).$checked(sc(w));
                if overflow { return $out(pc, base, vm, w, fp) }
                set(r(base, a(w)), tag::INT, value as u64);
                next!(pc.add(1), base, vm, fp)
            }
            if (*x).tag == tag::FLOAT {
                let value = f64::from_bits((*x).bits) $float sc(w) as f64;
                set(r(base, a(w)), tag::FLOAT, value.to_bits());
                next!(pc.add(1), base, vm, fp)
            }
            return $out(pc, base, vm, w, fp)
        });
    };
}
with_int!(AddInt, LoadFused, overflowing_add, +);
with_int!(SubInt, LoadFused, overflowing_sub, -);
with_int!(MulInt, LoadFused, overflowing_mul, *);
// The int on the left of the operator, which does not mind the order.
with_int!(AddIntLeft, LoadFusedLeft, overflowing_add, +);
with_int!(MulIntLeft, LoadFusedLeft, overflowing_mul, *);
/// An operator on an int and a positive small int.
macro_rules! with_positive {
    ($name:ident, $left:ident, $right:ident => $small:expr, $large:expr) => {
        op!($name(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            if (*x).tag != tag::INT { return LoadFused(pc, base, vm, w, fp) }
            let ($left, $right) = ((*x).bits as i64, sc(w));
            // Prepared code has only positive ones; the test lets the compiler leave out its own.
            if $right <= 0 { return LoadFused(pc, base, vm, w, fp) }
            let value = if $left as u64 >> 32 == 0 { $small } else { $large };
            set(r(base, a(w)), tag::INT, value as u64);
            next!(pc.add(1), base, vm, fp)
        });
    };
}
with_positive!(ModInt, left, right => (left as u32 % right as u32) as i64, left.rem_euclid(right));
with_positive!(FloorDivInt, left, right => (left as u32 / right as u32) as i64, left.div_euclid(right));
with_positive!(AndInt, left, right => left & right, left & right);
// The way out of every form fused with an int: loads the int after all and goes on with the operator in its own word.
// The register is the operator's `c`, or `b` where it stands on the left; the int is this word's.
op!(LoadFused(pc, base, vm, w, fp) {
    set(r(base, c(*pc)), tag::INT, sc(w) as u64);
    next!(pc, base, vm, fp)
});
op!(LoadFusedLeft(pc, base, vm, w, fp) {
    set(r(base, b(*pc)), tag::INT, sc(w) as u64);
    next!(pc, base, vm, fp)
});

// Fused with a constant: the word stands in place of a `LoadConst`, and its `c` is the constant's distance.
#[inline(always)]
unsafe fn constant(pc: *const u64, w: u64) -> *const Slot {
    // SAFETY: `prepare` has computed the distance.
    unsafe { pc.add(c(w)).cast() }
}
macro_rules! with_constant {
    ($name:ident, $out:ident, $left:ident, $right:ident => $float:expr) => {
        op!($name(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            // `fuse` takes floats only.
            if (*x).tag != tag::FLOAT { return $out(pc, base, vm, w, fp) }
            let ($left, $right) = (f64::from_bits((*x).bits), f64::from_bits((*constant(pc, w)).bits));
            let value: f64 = $float;
            set(r(base, a(w)), tag::FLOAT, value.to_bits());
            next!(pc.add(1), base, vm, fp)
        });
    };
}
with_constant!(AddConst, LoadFusedConst, x, k => x + k);
with_constant!(SubConst, LoadFusedConst, x, k => x - k);
with_constant!(MulConst, LoadFusedConst, x, k => x * k);
with_constant!(DivConst, LoadFusedConst, x, k => x / k);
with_constant!(SubConstLeft, LoadFusedConstLeft, x, k => k - x);
with_constant!(MulConstLeft, LoadFusedConstLeft, x, k => k * x);
with_constant!(DivConstLeft, LoadFusedConstLeft, x, k => k / x);
// As `LoadFused`.
op!(LoadFusedConst(pc, base, vm, w, fp) {
    copy(r(base, c(*pc)), constant(pc, w));
    next!(pc, base, vm, fp)
});
op!(LoadFusedConstLeft(pc, base, vm, w, fp) {
    copy(r(base, b(*pc)), constant(pc, w));
    next!(pc, base, vm, fp)
});
macro_rules! float_comparison {
    ($jump_not:ident, $jump:ident, $loops:ident, $operator:tt) => {
        op!($jump_not(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            if (*x).tag != tag::FLOAT { return LoadFusedConst(pc, base, vm, w, fp) }
            if f64::from_bits((*x).bits) $operator f64::from_bits((*constant(pc, w)).bits) {
                next!(pc.add(2), base, vm, fp)
            }
            next!(pc.offset(2 + sx(*pc.add(1))), base, vm, fp)
        });
        op!($jump(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            if (*x).tag != tag::FLOAT { return LoadFusedConst(pc, base, vm, w, fp) }
            if f64::from_bits((*x).bits) $operator f64::from_bits((*constant(pc, w)).bits) {
                next!(pc.offset(2 + sx(*pc.add(1))), base, vm, fp)
            }
            next!(pc.add(2), base, vm, fp)
        });
        op!($loops(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            if (*x).tag != tag::FLOAT || (*vm).fuel <= 1 { return LoadFusedConst(pc, base, vm, w, fp) }
            if f64::from_bits((*x).bits) $operator f64::from_bits((*constant(pc, w)).bits) {
                (*vm).fuel -= 1;
                next!(pc.offset(2 + sx(*pc.add(1))), base, vm, fp)
            }
            next!(pc.add(2), base, vm, fp)
        });
    };
}
float_comparison!(LtConstJumpNot, LtConstJump, LtConstLoop, <);
float_comparison!(LeConstJumpNot, LeConstJump, LeConstLoop, <=);
float_comparison!(GtConstJumpNot, GtConstJump, GtConstLoop, >);
float_comparison!(GeConstJumpNot, GeConstJump, GeConstLoop, >=);
// Equality with a string.
macro_rules! text_equality {
    ($name:ident, $wanted:literal) => {
        // Jumps when it is not as wanted.
        op!($name(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            let k = constant(pc, w);
            if (*x).tag != tag::STR { return LoadFusedConst(pc, base, vm, w, fp) }
            if (*x).bits == (*k).bits {
                if $wanted { next!(pc.add(2), base, vm, fp) }
                next!(pc.offset(2 + sx(*pc.add(1))), base, vm, fp)
            }
            if (*((*x).bits as *const StrObject)).len != (*((*k).bits as *const StrObject)).len {
                if !$wanted { next!(pc.add(2), base, vm, fp) }
                next!(pc.offset(2 + sx(*pc.add(1))), base, vm, fp)
            }
            return LoadFusedConst(pc, base, vm, w, fp)
        });
    };
}
text_equality!(EqTextJumpNot, true);
text_equality!(NeTextJumpNot, false);
macro_rules! int_comparison {
    ($jump_not:ident, $jump:ident, $loops:ident, $operator:tt) => {
        op!($jump_not(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            if (*x).tag != tag::INT { return LoadFused(pc, base, vm, w, fp) }
            if ((*x).bits as i64) $operator sc(w) { next!(pc.add(2), base, vm, fp) }
            next!(pc.offset(2 + sx(*pc.add(1))), base, vm, fp)
        });
        op!($jump(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            if (*x).tag != tag::INT { return LoadFused(pc, base, vm, w, fp) }
            if ((*x).bits as i64) $operator sc(w) { next!(pc.offset(2 + sx(*pc.add(1))), base, vm, fp) }
            next!(pc.add(2), base, vm, fp)
        });
        op!($loops(pc, base, vm, w, fp) {
            let x = r(base, b(w));
            if (*x).tag != tag::INT || (*vm).fuel <= 1 { return LoadFused(pc, base, vm, w, fp) }
            if ((*x).bits as i64) $operator sc(w) {
                (*vm).fuel -= 1;
                next!(pc.offset(2 + sx(*pc.add(1))), base, vm, fp)
            }
            next!(pc.add(2), base, vm, fp)
        });
    };
}
int_comparison!(LtIntJumpNot, LtIntJump, LtIntLoop, <);
int_comparison!(LeIntJumpNot, LeIntJump, LeIntLoop, <=);
int_comparison!(GtIntJumpNot, GtIntJump, GtIntLoop, >);
int_comparison!(GeIntJumpNot, GeIntJump, GeIntLoop, >=);
int_comparison!(EqIntJumpNot, EqIntJump, EqIntLoop, ==);
int_comparison!(NeIntJumpNot, NeIntJump, NeIntLoop, !=);

macro_rules! membership {
    ($name:ident, $slow:ident, $wanted:literal) => {
        // Ints and strings in sets and maps.
        op!(apart $name(pc, base, vm, w, fp) {
            let container = r(base, c(w));
            if (*container).tag == tag::SET || (*container).tag == tag::MAP {
                let found = map_has(vm, (*container).bits as *mut TableObject, r(base, b(w)));
                if found != 0 {
                    set(r(base, a(w)), tag::FALSE + ((found == 1) == $wanted) as u64, 0);
                    next!(pc, base, vm, fp)
                }
            }
            return $slow(pc, base, vm, w, fp)
        });
        slow!($slow => contains);
    };
}
membership!(In, InSlow, true);
membership!(NotIn, NotInSlow, false);
/// Whether a map or set has an int or string key: 1 if it has, 2 if not, 0 if the key is another one.
#[inline(never)]
unsafe fn map_has(vm: *mut Machine, map: *mut TableObject, key: *const Slot) -> u8 {
    // SAFETY: the map is live, and so is the key, which is in a register.
    match unsafe { Gc::from_ptr(map).get_plain(&(*vm).heap, *key) } {
        None => 0,
        Some(found) if found.tag == tag::ABSENT => 2,
        Some(_) => 1,
    }
}
op!(Is(pc, base, vm, w, fp) {
    let x = r(base, b(w));
    let t = r(base, c(w));
    if (*t).tag == tag::TYPE {
        let ty = (*t).bits as *mut TypeObject;
        if (*x).tag == tag::INSTANCE {
            let own = (*((*x).bits as *mut InstanceObject)).ty;
            if own == ty {
                set(r(base, a(w)), tag::TRUE, 0);
                next!(pc, base, vm, fp)
            }
            // Names of types are interned, so types with other names differ.
            if (*own).data.name.bits != (*ty).data.name.bits {
                set(r(base, a(w)), tag::FALSE, 0);
                next!(pc, base, vm, fp)
            }
        }
        let builtin = (*ty).data.builtin;
        if builtin != 0 && (*x).tag != tag::INSTANCE {
            let value = super::types::type_tag((*x).tag) == builtin;
            set(r(base, a(w)), tag::FALSE + value as u64, 0);
            next!(pc, base, vm, fp)
        }
    }
    return IsSlow(pc, base, vm, w, fp)
});
slow!(IsSlow => is_type);
slow!(MakeRange => make_range);
op!(ToStr(pc, base, vm, w, fp) {
    if (*r(base, b(w))).tag != tag::STR { return ToStrSlow(pc, base, vm, w, fp) }
    copy(r(base, a(w)), r(base, b(w)));
    next!(pc, base, vm, fp)
});
slow!(ToStrSlow => show);
slow!(Concat => concat);

// Jumps.

op!(Jump(pc, base, vm, w, fp) { next!(pc.offset(sx(w)), base, vm, fp) });
macro_rules! jump_when {
    ($name:ident, $value:ident => $condition:expr) => {
        op!($name(pc, base, vm, w, fp) {
            let $value = (*r(base, a(w))).tag;
            if $condition { next!(pc.offset(sx(w)), base, vm, fp) }
            next!(pc, base, vm, fp)
        });
    };
}
jump_when!(JumpIf, value => value > tag::FALSE);
jump_when!(JumpIfNot, value => value <= tag::FALSE);
jump_when!(JumpNil, value => value == tag::NIL);
jump_when!(JumpNotNil, value => value != tag::NIL);
jump_when!(JumpAbsent, value => value == tag::ABSENT);
jump_when!(JumpPresent, value => value != tag::ABSENT);
op!(Loop(pc, base, vm, w, fp) {
    (*vm).fuel -= 1;
    if (*vm).fuel <= 0 { return OutOfFuel(pc, base, vm, w, fp) }
    next!(pc.offset(sx(w)), base, vm, fp)
});
macro_rules! loop_when {
    ($name:ident, $value:ident => $condition:expr) => {
        op!($name(pc, base, vm, w, fp) {
            let $value = (*r(base, a(w))).tag;
            if $condition {
                (*vm).fuel -= 1;
                if (*vm).fuel <= 0 { return OutOfFuel(pc, base, vm, w, fp) }
                next!(pc.offset(sx(w)), base, vm, fp)
            }
            next!(pc, base, vm, fp)
        });
    };
}
loop_when!(LoopIf, value => value > tag::FALSE);
loop_when!(LoopIfNot, value => value <= tag::FALSE);
loop_when!(LoopPresent, value => value != tag::ABSENT);

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

// Calls.

/// Pushes a frame for a closure whose arguments begin `delta` above the base, and goes on at its entry.
macro_rules! enter {
    ($pc:ident, $base:ident, $vm:ident, $w:ident, $fp:ident, $closure:expr, $delta:expr) => {{
        let callee = $base.add($delta);
        let frame = $fp.add(1);
        if frame == (*$vm).frames_end || callee > (*$vm).stack_limit {
            return Grow($pc, $base, $vm, $w, $fp);
        }
        (*$vm).fuel -= 1;
        if (*$vm).fuel <= 0 {
            return OutOfFuel($pc, $base, $vm, $w, $fp);
        }
        (*frame).ret = $pc;
        (*frame).closure = $closure;
        (*frame).delta = $delta as u32;
        (*frame).dst = number(a($w)) as u16;
        (*frame).kind = Kind::Plain;
        next!((*(*$closure).code).entry.get(), callee, $vm, frame)
    }};
}
op!(Call(pc, base, vm, w, fp) {
    let callee = r(base, b(w));
    if (*callee).tag != tag::CLOSURE { return CallOther(pc, base, vm, w, fp) }
    let closure = (*callee).bits as *mut ClosureObject;
    if (*(*closure).code).exact != d(w) as u32 { return CallSlow(pc, base, vm, w, fp) }
    enter!(pc, base, vm, w, fp, closure, number(b(w)) + 1)
});
slow!(charged CallSlow => call);
// A call of something that is no closure: natives first.
op!(apart CallOther(pc, base, vm, w, fp) {
    let callee = r(base, b(w));
    if (*callee).tag != tag::NATIVE { return CallSlow(pc, base, vm, w, fp) }
    let native = (*callee).bits as *mut NativeObject;
    native_call!(pc, base, vm, w, fp, native, callee.add(1), d(w), CallSlow)
});
/// Calls a native that is a function with the `$count` arguments from `$first` on.
macro_rules! native_call {
    ($pc:ident, $base:ident, $vm:ident, $w:ident, $fp:ident, $native:expr, $first:expr, $count:expr, $slow:ident) => {{
        let def = &*(*$native).def;
        if !matches!(def.run, NativeRun::Plain(_) | NativeRun::Host(_)) || !def.accepts($count) {
            return $slow($pc, $base, $vm, $w, $fp);
        }
        if (*$vm).heap.is_due() {
            return Collect($pc, $base, $vm, $w, $fp);
        }
        (*$vm).fuel -= 1;
        if (*$vm).fuel <= 0 {
            return OutOfFuel($pc, $base, $vm, $w, $fp);
        }
        (*$vm).store($pc, $base, $fp);
        if run_native($vm, def, $first, $count, r($base, a($w))) {
            if (*$vm).fuel <= 0 {
                return Overdrawn($pc, $base, $vm, $w, $fp);
            }
            next!($pc, $base, $vm, $fp)
        }
        return NativeFault($pc, $base, $vm, $w, $fp);
    }};
}
use native_call;

/// Runs a native and writes its result; false if it gave a fault, which is kept in the machine. What it gives has an
/// address, so this stays out of the handlers, which end in jumps.
#[inline(never)]
unsafe fn run_native(vm: *mut Machine, def: &NativeDef, first: *const Slot, count: usize, to: *mut Slot) -> bool {
    // SAFETY: the arguments are in registers of the running frame, which the collector sees, and no register is
    // written before the native returns: what it calls back runs on a fiber of its own. So their brand holds.
    unsafe {
        let arguments = std::slice::from_raw_parts(first, count);
        (*vm).native_began = (*vm).fuel_used_here().wrapping_sub(1);
        let outcome = match &def.run {
            NativeRun::Plain(function) => function(Machine::cx(vm), arguments),
            // While it runs nothing is freed that there was before, so the definition stays, too.
            NativeRun::Host(function) => guarded(Machine::cx(vm), &def.name, |cx| function(cx, arguments)),
            NativeRun::Control(_) | NativeRun::Later(_) => Err(Fault::Defer),
        };
        match outcome {
            Ok(value) => {
                (*vm).retrying = false;
                set(to, value.tag, value.bits);
                true
            }
            Err(fault) => {
                (*vm).fault = Some(fault);
                false
            }
        }
    }
}
slow!(NativeFault => native_fault);
// A native has used more than there was.
slow!(Overdrawn => overdrawn);
op!(CallMethod(pc, base, vm, w, fp) {
    let receiver = r(base, b(w));
    let cache = pc.add(c(w)) as *const Cache;
    let key = if (*receiver).tag == tag::INSTANCE {
        (*((*receiver).bits as *mut InstanceObject)).ty as u64
    } else {
        (*receiver).tag
    };
    if (*cache).key != key { return CallMethodSlow(pc, base, vm, w, fp) }
    let payload = (*cache).payload;
    // The lowest bit tells natives from closures.
    if payload & 1 != 0 { return CallMethodNative(pc, base, vm, w, fp) }
    let closure = payload as *mut ClosureObject;
    if (*(*closure).code).exact != d(w) as u32 + 1 { return CallMethodSlow(pc, base, vm, w, fp) }
    enter!(pc, base, vm, w, fp, closure, number(b(w)))
});
slow!(charged CallMethodSlow => call_method);
// A method that the cache has found to be a native.
op!(apart CallMethodNative(pc, base, vm, w, fp) {
    let cache = pc.add(c(w)) as *const Cache;
    let native = ((*cache).payload & !1) as *mut NativeObject;
    let this = r(base, b(w));
    let which = (*native).header.flags;
    if which == Intrinsic::ListPush as u8 && (*this).tag == tag::LIST && d(w) == 1 && !(*vm).heap.journal.is_on() {
        let items = &mut (*((*this).bits as *mut ListObject)).items;
        if items.len() < items.capacity() && (*vm).fuel > 1 {
            (*vm).fuel -= 1;
            items.push(*this.add(1));
            set(r(base, a(w)), tag::NIL, 0);
            next!(pc, base, vm, fp)
        }
    } else if which == Intrinsic::ListLen as u8 && (*this).tag == tag::LIST && d(w) == 0 && (*vm).fuel > 1 {
        (*vm).fuel -= 1;
        let items = &(*((*this).bits as *mut ListObject)).items;
        set(r(base, a(w)), tag::INT, items.len() as u64);
        next!(pc, base, vm, fp)
    } else if which == Intrinsic::StrLen as u8 && (*this).tag == tag::STR && d(w) == 0 && (*vm).fuel > 1 {
        let text = (*this).bits as *mut StrObject;
        if (*text).header.flags & flag::ASCII != 0 {
            (*vm).fuel -= 1;
            set(r(base, a(w)), tag::INT, (*text).len as u64);
            next!(pc, base, vm, fp)
        }
    } else if which == Intrinsic::MapGet as u8 && (*this).tag == tag::MAP && d(w).wrapping_sub(1) < 2 && (*vm).fuel > 1 {
        let (mut tag, mut bits) = (tag::NIL, 0);
        if d(w) == 2 {
            (tag, bits) = ((*this.add(2)).tag, (*this.add(2)).bits);
        }
        if map_get(vm, (*this).bits as *mut TableObject, this.add(1), r(base, a(w)), tag, bits) {
            (*vm).fuel -= 1;
            next!(pc, base, vm, fp)
        }
    } else if which == Intrinsic::MapHas as u8 && (*this).tag == tag::MAP && d(w) == 1 && (*vm).fuel > 1 {
        // The key's own register takes what is found.
        if map_get(vm, (*this).bits as *mut TableObject, this.add(1), this.add(1), tag::ABSENT, 0) {
            (*vm).fuel -= 1;
            let value = (*this.add(1)).tag != tag::ABSENT;
            set(r(base, a(w)), tag::FALSE + value as u64, 0);
            next!(pc, base, vm, fp)
        }
    }
    native_call!(pc, base, vm, w, fp, native, this, d(w) + 1, CallMethodSlow)
});
slow!(charged CallList => call_list);
slow!(charged CallMethodList => call_method_list);
op!(TailCall(pc, base, vm, w, fp) {
    let callee = r(base, b(w));
    if (*callee).tag != tag::CLOSURE { return TailCallSlow(pc, base, vm, w, fp) }
    let closure = (*callee).bits as *mut ClosureObject;
    if (*(*closure).code).exact != d(w) as u32 { return TailCallSlow(pc, base, vm, w, fp) }
    (*vm).fuel -= 1;
    if (*vm).fuel <= 0 { return OutOfFuel(pc, base, vm, w, fp) }
    let mut i = 0;
    while i < d(w) {
        copy(base.add(i), callee.add(i + 1));
        i += 1;
    }
    (*fp).closure = closure;
    // The frame has as much room as any with at most `MARGIN` registers needs; `exact` rules out larger ones.
    next!((*(*closure).code).entry.get(), base, vm, fp)
});
slow!(charged TailCallSlow => call);
slow!(charged TailCallList => call_list);
op!(TailMethod(pc, base, vm, w, fp) {
    let receiver = r(base, b(w));
    let cache = pc.add(c(w)) as *const Cache;
    let key = if (*receiver).tag == tag::INSTANCE {
        (*((*receiver).bits as *mut InstanceObject)).ty as u64
    } else {
        (*receiver).tag
    };
    if (*cache).key != key || (*cache).payload & 1 != 0 { return TailMethodSlow(pc, base, vm, w, fp) }
    let closure = (*cache).payload as *mut ClosureObject;
    if (*(*closure).code).exact != d(w) as u32 + 1 { return TailMethodSlow(pc, base, vm, w, fp) }
    (*vm).fuel -= 1;
    if (*vm).fuel <= 0 { return OutOfFuel(pc, base, vm, w, fp) }
    let mut i = 0;
    while i <= d(w) {
        copy(base.add(i), receiver.add(i));
        i += 1;
    }
    (*fp).closure = closure;
    next!((*(*closure).code).entry.get(), base, vm, fp)
});
slow!(charged TailMethodSlow => call_method);
slow!(charged TailMethodList => call_method_list);
op!(Return(pc, base, vm, w, fp) {
    if (*fp).kind != Kind::Plain { return ReturnSlow(pc, base, vm, w, fp) }
    let result = r(base, a(w));
    let tag = (&raw const (*result).tag).read_volatile();
    let bits = (&raw const (*result).bits).read_volatile();
    let caller = base.sub((*fp).delta as usize);
    set(caller.add((*fp).dst as usize), tag, bits);
    next!((*fp).ret, caller, vm, fp.sub(1))
});
slow!(ReturnSlow => return_slow);
slow!(Yield => yield_value);
slow!(Throw => throw_value);
slow!(MatchFail => match_fail);

// Containers.

op!(MakeTuple(pc, base, vm, w, fp) {
    if (*vm).heap.is_due() { return Collect(pc, base, vm, w, fp) }
    let count = c(w);
    let class = instance_class(count);
    if class == 0 { return MakeTupleSlow(pc, base, vm, w, fp) }
    let Some(object) = (*vm).heap.take_cell(tag::TUPLE, 0, class) else {
        return Refill(pc, base, vm, w, fp)
    };
    let tuple = object.cast::<TupleObject>();
    (*tuple).len = count;
    let to = tuple.add(1).cast::<Slot>();
    let first = r(base, b(w));
    let mut i = 0;
    while i < count {
        copy(to.add(i), first.add(i));
        i += 1;
    }
    set(r(base, a(w)), tag::TUPLE, tuple as u64);
    next!(pc, base, vm, fp)
});
slow!(MakeTupleSlow => make_tuple);
slow!(MakeList => make_list);
slow!(MakeMap => make_map);
op!(ListPush(pc, base, vm, w, fp) {
    let to = r(base, a(w));
    if (*to).tag != tag::LIST || (*vm).heap.journal.is_on() { return ListPushSlow(pc, base, vm, w, fp) }
    let items = &mut (*((*to).bits as *mut ListObject)).items;
    if items.len() == items.capacity() { return ListPushSlow(pc, base, vm, w, fp) }
    items.push(*r(base, b(w)));
    next!(pc, base, vm, fp)
});
slow!(ListPushSlow => list_push);
slow!(MapPut => map_put);
slow!(MapMerge => map_merge);
op!(GetIndex(pc, base, vm, w, fp) {
    let object = r(base, b(w));
    let index = r(base, c(w));
    if (*object).tag == tag::LIST && (*index).tag == tag::INT {
        let items = &(*((*object).bits as *mut ListObject)).items;
        let at = (*index).bits as usize;
        if at >= items.len() { return GetIndexOther(pc, base, vm, w, fp) }
        copy(r(base, a(w)), items.as_ptr().add(at));
        next!(pc, base, vm, fp)
    }
    return GetIndexOther(pc, base, vm, w, fp)
});
// Lists from their end, tuples, and maps under common keys.
op!(apart GetIndexOther(pc, base, vm, w, fp) {
    let object = r(base, b(w));
    let index = r(base, c(w));
    if (*object).tag == tag::LIST && (*index).tag == tag::INT {
        let items = &(*((*object).bits as *mut ListObject)).items;
        let at = from_end((*index).bits, items.len());
        if at >= items.len() { return GetIndexSlow(pc, base, vm, w, fp) }
        copy(r(base, a(w)), items.as_ptr().add(at));
        next!(pc, base, vm, fp)
    }
    if (*object).tag == tag::TUPLE && (*index).tag == tag::INT {
        let tuple = (*object).bits as *mut TupleObject;
        let at = (*index).bits as usize;
        if at >= (*tuple).len { return GetIndexSlow(pc, base, vm, w, fp) }
        copy(r(base, a(w)), tuple.add(1).cast::<Slot>().add(at));
        next!(pc, base, vm, fp)
    }
    if (*object).tag == tag::MAP && map_get(vm, (*object).bits as *mut TableObject, index, r(base, a(w)), NOTHING, 0) {
        next!(pc, base, vm, fp)
    }
    return GetIndexSlow(pc, base, vm, w, fp)
});
slow!(GetIndexSlow => get_index);

/// Where an index that is not below `len` points if it counts from the end; `len` or more if it does not.
#[inline(always)]
fn from_end(index: u64, len: usize) -> usize {
    // A length is below 2^60, so that a sum with what is no negative number stays above it.
    index.wrapping_add(len as u64) as usize
}

/// Finds the value of an int or string key and writes it, or a value with this tag and these bits if there is none. False
/// if the key is another one, or if there is none and the tag is `NOTHING`.
#[inline(never)]
unsafe fn map_get(
    vm: *mut Machine,
    map: *mut TableObject,
    key: *const Slot,
    to: *mut Slot,
    tag: u64,
    bits: u64,
) -> bool {
    // SAFETY: the map is live, and so is the key, which is in a register.
    unsafe {
        let Some(found) = Gc::from_ptr(map).get_plain(&(*vm).heap, *key) else { return false };
        if found.tag != tag::ABSENT {
            set(to, found.tag, found.bits);
        } else if tag == NOTHING {
            return false;
        } else {
            set(to, tag, bits);
        }
        true
    }
}
const NOTHING: u64 = u64::MAX;
/// Puts a value under an int or string key, if the map has room for it and nothing is logged; tells whether it has.
#[inline(never)]
unsafe fn map_set(vm: *mut Machine, map: *mut TableObject, key: *const Slot, value: *const Slot) -> bool {
    // SAFETY: as above.
    unsafe { Gc::from_ptr(map).set_plain(&(*vm).heap, *key, *value) }
}
op!(SetIndex(pc, base, vm, w, fp) {
    let object = r(base, a(w));
    let index = r(base, b(w));
    if (*object).tag == tag::LIST && (*index).tag == tag::INT && !(*vm).heap.journal.is_on() {
        let items = &mut (*((*object).bits as *mut ListObject)).items;
        let at = (*index).bits as usize;
        if at >= items.len() { return SetIndexOther(pc, base, vm, w, fp) }
        copy(items.as_mut_ptr().add(at), r(base, c(w)));
        next!(pc, base, vm, fp)
    }
    return SetIndexOther(pc, base, vm, w, fp)
});
// Lists from their end, and maps under common keys.
op!(apart SetIndexOther(pc, base, vm, w, fp) {
    let object = r(base, a(w));
    let index = r(base, b(w));
    if (*object).tag == tag::LIST && (*index).tag == tag::INT && !(*vm).heap.journal.is_on() {
        let items = &mut (*((*object).bits as *mut ListObject)).items;
        let at = from_end((*index).bits, items.len());
        if at >= items.len() { return SetIndexSlow(pc, base, vm, w, fp) }
        copy(items.as_mut_ptr().add(at), r(base, c(w)));
        next!(pc, base, vm, fp)
    }
    if (*object).tag == tag::MAP
        && !(*vm).heap.journal.is_on()
        && map_set(vm, (*object).bits as *mut TableObject, r(base, b(w)), r(base, c(w)))
    {
        next!(pc, base, vm, fp)
    }
    return SetIndexSlow(pc, base, vm, w, fp)
});
slow!(SetIndexSlow => set_index);
op!(GetField(pc, base, vm, w, fp) {
    let object = r(base, b(w));
    let cache = pc.add(c(w)) as *const Cache;
    if (*object).tag == tag::INSTANCE {
        let instance = (*object).bits as *mut InstanceObject;
        if (*cache).key == (*instance).ty as u64 {
            copy(r(base, a(w)), fields(instance).add((*cache).payload as usize));
            next!(pc, base, vm, fp)
        }
    }
    return GetFieldMap(pc, base, vm, w, fp)
});
op!(apart GetFieldMap(pc, base, vm, w, fp) {
    let object = r(base, b(w));
    if (*object).tag == tag::MAP {
        let cache = pc.add(c(w)) as *mut Cache;
        if map_field(vm, (*object).bits as *mut TableObject, cache, r(base, a(w))) {
            next!(pc, base, vm, fp)
        }
    }
    return GetFieldSlow(pc, base, vm, w, fp)
});
/// Finds the value under the name of a field instruction, first where it was the last time; false if there is none.
#[inline(never)]
unsafe fn map_field(vm: *mut Machine, map: *mut TableObject, cache: *mut Cache, to: *mut Slot) -> bool {
    // SAFETY: the map is live, and the name is a constant of the running code.
    unsafe {
        let hint = if (*cache).key == tag::MAP { (*cache).payload } else { u64::MAX };
        let Some((value, slot)) = Gc::from_ptr(map).get_named(&(*vm).heap, (*cache).name, hint) else { return false };
        (*cache).key = tag::MAP;
        (*cache).payload = slot;
        set(to, value.tag, value.bits);
        true
    }
}
slow!(GetFieldSlow => get_field);
op!(SetField(pc, base, vm, w, fp) {
    let object = r(base, a(w));
    let cache = pc.add(c(w)) as *const Cache;
    if (*object).tag == tag::INSTANCE && !(*vm).heap.journal.is_on() {
        let instance = (*object).bits as *mut InstanceObject;
        if (*cache).key == (*instance).ty as u64 {
            copy(fields(instance).add((*cache).payload as usize), r(base, b(w)));
            next!(pc, base, vm, fp)
        }
    }
    return SetFieldMap(pc, base, vm, w, fp)
});
op!(apart SetFieldMap(pc, base, vm, w, fp) {
    let object = r(base, a(w));
    let cache = pc.add(c(w)) as *const Cache;
    if (*object).tag == tag::MAP
        && !(*vm).heap.journal.is_on()
        && map_put(vm, (*object).bits as *mut TableObject, (*cache).name, r(base, b(w)))
    {
        next!(pc, base, vm, fp)
    }
    return SetFieldSlow(pc, base, vm, w, fp)
});
/// As `map_set`, under the string at an address.
#[inline(never)]
unsafe fn map_put(vm: *mut Machine, map: *mut TableObject, name: u64, value: *const Slot) -> bool {
    // SAFETY: as above.
    unsafe { Gc::from_ptr(map).set_plain(&(*vm).heap, Slot::raw(tag::STR, name), *value) }
}
slow!(SetFieldSlow => set_field);
slow!(GetFieldSafe => get_field_safe);
slow!(Slice => slice);

// Instructions that are too far from their caches for the fast paths.

slow!(charged CallMethodFar => call_method);
slow!(charged CallMethodListFar => call_method_list);
slow!(charged TailMethodFar => call_method);
slow!(charged TailMethodListFar => call_method_list);
slow!(GetFieldFar => get_field);
slow!(SetFieldFar => set_field);
slow!(GetFieldSafeFar => get_field_safe);

// Iteration. What the three registers hold depends on the tag of the first: see `iterate`.

slow!(Iter => iterate);
slow!(IterRange => iterate_range);
/// The next element of a range or list, or the slow path; `$end` where there is none.
macro_rules! step {
    ($base:ident, $vm:ident, $w:ident, $slow:expr, $end:block) => {{
        let it = r($base, b($w));
        if (*it).tag == tag::INT {
            let left = (*it.add(1)).bits;
            if left == 0 $end
            let current = (*it).bits;
            (*it.add(1)).bits = left - 1;
            (*it).bits = current.wrapping_add((*it.add(2)).bits);
            set(r($base, a($w)), tag::INT, current);
        } else if (*it).tag == tag::LIST {
            let items = &(*((*it).bits as *mut ListObject)).items;
            let at = (*it.add(1)).bits as usize;
            if items.len() as u64 != (*it.add(2)).bits { return $slow }
            if at >= items.len() $end
            (*it.add(1)).bits = at as u64 + 1;
            copy(r($base, a($w)), items.as_ptr().add(at));
        } else {
            return $slow
        }
    }};
}
op!(Next(pc, base, vm, w, fp) {
    step!(base, vm, w, NextSlow(pc, base, vm, w, fp), {
        set(r(base, a(w)), tag::ABSENT, 0);
        next!(pc, base, vm, fp)
    });
    next!(pc, base, vm, fp)
});
// `Next` fused with the `LoopPresent` behind it.
op!(NextLoop(pc, base, vm, w, fp) {
    if (*vm).fuel <= 1 { return NextSlow(pc, base, vm, w, fp) }
    step!(base, vm, w, NextSlow(pc, base, vm, w, fp), {
        set(r(base, a(w)), tag::ABSENT, 0);
        next!(pc.add(1), base, vm, fp)
    });
    (*vm).fuel -= 1;
    next!(pc.offset(1 + sx(*pc)), base, vm, fp)
});
slow!(NextSlow => next_element);

// Patterns.

op!(IsTuple(pc, base, vm, w, fp) {
    let x = r(base, b(w));
    let value = (*x).tag == tag::TUPLE && (*((*x).bits as *mut TupleObject)).len == c(w);
    set(r(base, a(w)), tag::FALSE + value as u64, 0);
    next!(pc, base, vm, fp)
});
slow!(IsList => is_list);
op!(IsMap(pc, base, vm, w, fp) {
    let value = (*r(base, b(w))).tag == tag::MAP;
    set(r(base, a(w)), tag::FALSE + value as u64, 0);
    next!(pc, base, vm, fp)
});
op!(apart TryKey(pc, base, vm, w, fp) {
    let object = r(base, b(w));
    if (*object).tag == tag::MAP && map_get(vm, (*object).bits as *mut TableObject, r(base, c(w)), r(base, a(w)), tag::ABSENT, 0) {
        next!(pc, base, vm, fp)
    }
    return TryKeySlow(pc, base, vm, w, fp)
});
slow!(TryKeySlow => try_key);
op!(IsInstance(pc, base, vm, w, fp) {
    let x = r(base, b(w));
    let t = r(base, c(w));
    if (*t).tag != tag::TYPE { return IsInstanceSlow(pc, base, vm, w, fp) }
    let ty = (*t).bits as *mut TypeObject;
    let names = &(*ty).data.fields;
    if (*ty).data.builtin != 0 || names.len() != d(w) { return IsInstanceSlow(pc, base, vm, w, fp) }
    let value = if (*x).tag != tag::INSTANCE {
        tag::FALSE
    } else {
        let own = (*((*x).bits as *mut InstanceObject)).ty;
        if own == ty {
            tag::TRUE
        } else if (*own).data.name.bits != (*ty).data.name.bits {
            // Names of types are interned, so these types differ.
            tag::FALSE
        } else {
            return IsInstanceSlow(pc, base, vm, w, fp)
        }
    };
    set(r(base, a(w)), value, 0);
    next!(pc, base, vm, fp)
});
slow!(IsInstanceSlow => is_instance);
op!(GetSlot(pc, base, vm, w, fp) {
    let x = r(base, b(w));
    if (*x).tag != tag::INSTANCE { return GetSlotSlow(pc, base, vm, w, fp) }
    let instance = (*x).bits as *mut InstanceObject;
    let names = &(*(*instance).ty).data.fields;
    if c(w) >= names.len() { return GetSlotSlow(pc, base, vm, w, fp) }
    copy(r(base, a(w)), fields(instance).add(c(w)));
    next!(pc, base, vm, fp)
});
slow!(GetSlotSlow => get_slot);

// Fills prepared code in at its first call, and goes on with it.
slow!(own FirstCall => first_call);
// A number that `prepare` never writes.
slow!(Illegal => illegal);
