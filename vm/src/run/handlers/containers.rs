//! Containers and texts: making them, and their elements, entries and fields.

use super::*;

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
    if !items.has_room() { return ListPushSlow(pc, base, vm, w, fp) }
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
        let at = place((*index).bits);
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
        let at = place((*index).bits);
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
    place(index.wrapping_add(len as u64))
}

/// Finds the value of an int or string key and writes it, or a value with this tag and these bits if there is none. False
/// if the key is another one, or if there is none and the tag is `NOTHING`.
#[inline(never)]
pub(super) unsafe fn map_get(
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
pub(super) const NOTHING: u64 = u64::MAX;
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
        let at = place((*index).bits);
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
op!(apart GetIndexOrNil(pc, base, vm, w, fp) {
    let object = r(base, b(w));
    if (*object).tag == tag::MAP && map_get(vm, (*object).bits as *mut TableObject, r(base, c(w)), r(base, a(w)), tag::NIL, 0) {
        next!(pc, base, vm, fp)
    }
    return GetIndexOrNilSlow(pc, base, vm, w, fp)
});
slow!(GetIndexOrNilSlow => get_index_or_nil);
slow!(GetFieldOrNil => get_field_or_nil);

// Too far from their caches for the fast paths.

slow!(GetFieldFar => get_field);
slow!(SetFieldFar => set_field);
slow!(GetFieldSafeFar => get_field_safe);
slow!(GetFieldOrNilFar => get_field_or_nil);

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

slow!(MakeRange => make_range);
op!(ToStr(pc, base, vm, w, fp) {
    if (*r(base, b(w))).tag != tag::STR { return ToStrSlow(pc, base, vm, w, fp) }
    copy(r(base, a(w)), r(base, b(w)));
    next!(pc, base, vm, fp)
});
slow!(ToStrSlow => show);
slow!(Concat => concat);
