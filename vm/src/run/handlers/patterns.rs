//! Iteration, and patterns: the shape and type of a value.

use super::*;

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
            let value = crate::run::types::type_tag((*x).tag) == builtin;
            set(r(base, a(w)), tag::FALSE + value as u64, 0);
            next!(pc, base, vm, fp)
        }
    }
    return IsSlow(pc, base, vm, w, fp)
});
slow!(IsSlow => is_type);

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
            let at = place((*it.add(1)).bits);
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
