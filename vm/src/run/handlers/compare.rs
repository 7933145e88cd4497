//! Comparisons, tests and jumps, alone and fused with one another.

use super::*;

/// The fused forms of a test: jump if it is false, jump if it is true, loop if it is true. `$behind`: how many words of the group
/// stand behind this one, the last of which is the jump. `$truth` is whether it is true, or leaves by `$out`.
macro_rules! compare {
    ($jump_not:ident $(, $jump:ident $(, $loops:ident)?)?; $out:ident, $behind:literal,
        ($pc:ident, $base:ident, $vm:ident, $w:ident, $fp:ident) => $truth:block) => {
        op!($jump_not($pc, $base, $vm, $w, $fp) {
            let is_true = $truth;
            if is_true { next!($pc.add($behind), $base, $vm, $fp) }
            next!($pc.offset($behind + sx(*$pc.add($behind - 1))), $base, $vm, $fp)
        });
        $(op!($jump($pc, $base, $vm, $w, $fp) {
            let is_true = $truth;
            if is_true { next!($pc.offset($behind + sx(*$pc.add($behind - 1))), $base, $vm, $fp) }
            next!($pc.add($behind), $base, $vm, $fp)
        });
        $(op!($loops($pc, $base, $vm, $w, $fp) {
            let is_true = $truth;
            if is_true {
                if (*$vm).fuel <= 1 { return $out($pc, $base, $vm, $w, $fp) }
                (*$vm).fuel -= 1;
                next!($pc.offset($behind + sx(*$pc.add($behind - 1))), $base, $vm, $fp)
            }
            next!($pc.add($behind), $base, $vm, $fp)
        });)?)?
    };
}

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
/// A comparison, and its fused forms with the test that follows.
macro_rules! comparison {
    ($name:ident, $slow:ident, $jump_not:ident, $jump:ident, $loops:ident, $operator:tt) => {
        op!($name(pc, base, vm, w, fp) {
            let value = compared!(base, w, $operator, $slow(pc, base, vm, w, fp));
            set(r(base, a(w)), tag::FALSE + value as u64, 0);
            next!(pc, base, vm, fp)
        });
        compare!($jump_not, $jump, $loops; $slow, 1, (pc, base, vm, w, fp) => {
            compared!(base, w, $operator, $slow(pc, base, vm, w, fp))
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
/// Whether two strings of one length have the same bytes.
#[inline(always)]
unsafe fn str_equal(x: *const StrObject, y: *const StrObject) -> bool {
    // SAFETY: strings are live while they are compared, and are of one length.
    unsafe {
        let (x, y) = (Gc::from_ptr(x.cast_mut()).as_str(), Gc::from_ptr(y.cast_mut()).as_str());
        std::slice::from_raw_parts(x.as_ptr(), x.len()) == std::slice::from_raw_parts(y.as_ptr(), x.len())
    }
}
macro_rules! equalities {
    ($name:ident, $slow:ident, $text:ident, $jump_not:ident, $jump:ident, $wanted:literal) => {
        op!($name(pc, base, vm, w, fp) {
            let value = equality!(base, w, $slow(pc, base, vm, w, fp), $text(pc, base, vm, w, fp)) == $wanted;
            set(r(base, a(w)), tag::FALSE + value as u64, 0);
            next!(pc, base, vm, fp)
        });
        compare!($jump_not, $jump; $slow, 1, (pc, base, vm, w, fp) => {
            equality!(base, w, $slow(pc, base, vm, w, fp), $text(pc, base, vm, w, fp)) == $wanted
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

// With a small int.
macro_rules! int_comparison {
    ($jump_not:ident, $jump:ident, $loops:ident, $operator:tt) => {
        compare!($jump_not, $jump, $loops; LoadFused, 2, (pc, base, vm, w, fp) => {
            let x = r(base, b(w));
            if (*x).tag != tag::INT { return LoadFused(pc, base, vm, w, fp) }
            ((*x).bits as i64) $operator sc(w)
        });
    };
}
int_comparison!(LtIntJumpNot, LtIntJump, LtIntLoop, <);
int_comparison!(LeIntJumpNot, LeIntJump, LeIntLoop, <=);
int_comparison!(GtIntJumpNot, GtIntJump, GtIntLoop, >);
int_comparison!(GeIntJumpNot, GeIntJump, GeIntLoop, >=);
int_comparison!(EqIntJumpNot, EqIntJump, EqIntLoop, ==);
int_comparison!(NeIntJumpNot, NeIntJump, NeIntLoop, !=);

// With a float.
macro_rules! float_comparison {
    ($jump_not:ident, $jump:ident, $loops:ident, $operator:tt) => {
        compare!($jump_not, $jump, $loops; LoadFusedConst, 2, (pc, base, vm, w, fp) => {
            let x = r(base, b(w));
            if (*x).tag != tag::FLOAT { return LoadFusedConst(pc, base, vm, w, fp) }
            f64::from_bits((*x).bits) $operator f64::from_bits((*constant(pc, w)).bits)
        });
    };
}
float_comparison!(LtConstJumpNot, LtConstJump, LtConstLoop, <);
float_comparison!(LeConstJumpNot, LeConstJump, LeConstLoop, <=);
float_comparison!(GtConstJumpNot, GtConstJump, GtConstLoop, >);
float_comparison!(GeConstJumpNot, GeConstJump, GeConstLoop, >=);

// Equality with a string.
macro_rules! text_equality {
    ($jump_not:ident, $wanted:literal) => {
        compare!($jump_not; LoadFusedConst, 2, (pc, base, vm, w, fp) => {
            let x = r(base, b(w));
            let k = constant(pc, w);
            if (*x).tag != tag::STR { return LoadFusedConst(pc, base, vm, w, fp) }
            if (*x).bits == (*k).bits {
                $wanted
            } else if (*((*x).bits as *const StrObject)).len != (*((*k).bits as *const StrObject)).len {
                !$wanted
            } else {
                return LoadFusedConst(pc, base, vm, w, fp)
            }
        });
    };
}
text_equality!(EqTextJumpNot, true);
text_equality!(NeTextJumpNot, false);

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
