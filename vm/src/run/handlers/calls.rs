//! Calls, returns, and what ends a function.

use super::*;

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
        (*vm).native = def;
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
        if items.has_room() && (*vm).fuel > 1 {
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
slow!(Rethrow => rethrow);
op!(Unwound(pc, base, vm, w, fp) {
    set(r(base, a(w)), tag::INT, 1);
    next!(pc, base, vm, fp)
});

// Too far from their caches for the fast paths.

slow!(charged CallMethodFar => call_method);
slow!(charged CallMethodListFar => call_method_list);
slow!(charged TailMethodFar => call_method);
slow!(charged TailMethodListFar => call_method_list);
