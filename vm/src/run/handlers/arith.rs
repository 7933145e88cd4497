//! Arithmetic, alone and fused with a number.

use super::*;

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
pub(super) unsafe fn constant(pc: *const u64, w: u64) -> *const Slot {
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
