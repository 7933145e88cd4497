//! Registers and constants, captured variables and their cells, and what is made of code: closures, types, instances.

use super::*;

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
pub(super) fn instance_class(fields: usize) -> usize {
    // Up to 256 bytes classes are 16 bytes apart, and so are counts of fields.
    if fields < 16 { fields + 1 } else { 0 }
}
