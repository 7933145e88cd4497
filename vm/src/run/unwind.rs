//! What becomes of a fault: caught by a handler, passed to the fiber that waits, or the end of the run.

use quipu_code::Handler;

use crate::error::ErrorKind;
use crate::heap::fiber::{FiberState, Status};
use crate::heap::frame::Kind;
use crate::heap::layout::{ErrorObject, FiberObject};
use crate::heap::{Gc, Slot, Value, View, tag};
use crate::machine::Machine;
use crate::native::{Fault, Stop};
use crate::trace::{Trace, TraceEntry};

/// An instruction that a slow path carries out: where it begins again after a collection that it has asked for. Only while
/// it has changed nothing may it ask ([`Fault::Collect`]); what has gone further ends in a [`Final`] fault.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    at: *const u64,
    /// Fuel used before it.
    used: u64,
    /// The fiber, and the number of its frame, in which that is.
    #[cfg(debug_assertions)]
    stands: (*mut FiberObject, isize),
}

/// Why something does not go on that cannot begin again: part of it is done.
pub(super) enum Final {
    /// A value is thrown.
    Thrown(Slot),
    /// A limit of the host.
    Stop(Stop),
}

/// Where unwinding comes to a halt.
pub(super) enum Landing {
    /// At a handler of the running frame.
    At(Handler),
    /// A call has asked for what is missing, and goes on with nil.
    Answered,
    /// Nowhere in the fiber.
    Nowhere,
}

impl From<Final> for Fault<'static> {
    fn from(fault: Final) -> Fault<'static> {
        match fault {
            Final::Thrown(value) => Fault::Thrown(value),
            Final::Stop(stop) => Fault::Stop(stop),
        }
    }
}

impl Machine {
    /// An instruction begins whose word is here.
    #[inline(always)]
    pub(super) fn begun(&self, at: *const u64) -> Begun {
        Begun {
            at,
            used: self.fuel_used_here(),
            #[cfg(debug_assertions)]
            stands: self.stands(),
        }
    }

    #[cfg(debug_assertions)]
    fn stands(&self) -> (*mut FiberObject, isize) {
        // SAFETY: while an instruction is carried out its fiber is live, and `fp` is one of its frames.
        (self.fiber, unsafe { self.fp.offset_from((*self.fiber).state.frames.as_ptr()) })
    }

    /// After a slow path: whether the run goes on, with the position stored in the machine.
    #[inline(always)]
    pub(super) fn goes_on(&mut self, result: Result<(), Fault<'static>>, begun: Begun) -> bool {
        match result {
            Ok(()) => self.stays_within_limits(),
            Err(fault) => self.goes_on_after(fault, begun),
        }
    }

    #[inline(never)]
    fn goes_on_after(&mut self, fault: Fault<'static>, begun: Begun) -> bool {
        if let Fault::Collect(bytes) = fault {
            return self.begins_again(bytes, begun);
        }
        let fault = self.last(fault);
        self.ends_in(fault) && self.stays_within_limits()
    }

    /// An instruction is done.
    #[inline(never)]
    pub(super) fn stays_within_limits(&mut self) -> bool {
        self.retrying = false;
        // Calls on slow paths use fuel without looking at it, and some programs make no others.
        if self.over || self.heap.is_due() || self.fuel <= 0 {
            return self.returns_within_limits();
        }
        true
    }

    /// The same where something is to be done about a limit. Apart, so that what all others do needs no frame.
    #[cold]
    #[inline(never)]
    fn returns_within_limits(&mut self) -> bool {
        if self.over {
            return false;
        }
        // Its result is in a register, so this is the place to collect what it and others like it have made.
        if self.heap.is_due() {
            self.collect();
            if !self.heap.has_room(0) {
                return self.abandon(Stop::Heap);
            }
        }
        self.fuel > 0 || self.refuel()
    }

    /// An instruction that has changed nothing asks for memory.
    fn begins_again(&mut self, bytes: usize, begun: Begun) -> bool {
        #[cfg(debug_assertions)]
        assert!(begun.stands == self.stands(), "an instruction asks for memory when it has left its frame");
        if self.retrying || !self.collect_for(bytes) {
            return self.abandon(Stop::Heap);
        }
        self.retrying = true;
        self.uncount();
        self.pc = begun.at;
        // A native on the fast path has given back what it took before this began.
        self.refund(begun.used.min(self.total_fuel_used()));
        match self.next_slice() {
            Ok(()) => true,
            Err(stop) => self.abandon_between(stop),
        }
    }

    /// Collects; whether so many bytes fit then.
    fn collect_for(&mut self, bytes: usize) -> bool {
        self.collect();
        self.heap.has_room(bytes)
    }

    /// Does something from where there is no way back. When it asks for memory, the machine collects on the spot, and it
    /// is done once more. Until then it has changed nothing, and what it needs is in registers: those of the running
    /// frame, and `window` from its first on.
    pub(super) fn in_place(
        &mut self,
        window: usize,
        mut action: impl FnMut(&mut Machine) -> Result<(), Fault<'static>>,
    ) -> Result<(), Final> {
        let used = self.total_fuel_used();
        let mut done = action(self);
        if let Err(Fault::Collect(bytes)) = done {
            self.refund(used);
            // SAFETY: the running fiber is live.
            unsafe { (*self.fiber).state.window = window };
            let has_room = self.collect_for(bytes);
            // SAFETY: as above; a fiber that runs is not freed.
            unsafe { (*self.fiber).state.window = 0 };
            if !has_room {
                return Err(Final::Stop(Stop::Heap));
            }
            done = action(self);
        }
        done.map_err(|fault| self.last(fault))
    }

    /// A fault of something that does not begin again.
    pub(super) fn last(&mut self, fault: Fault<'static>) -> Final {
        match fault {
            Fault::Thrown(value) => Final::Thrown(value),
            Fault::Stop(stop) => Final::Stop(stop),
            // It was given all there is.
            Fault::Collect(_) => Final::Stop(Stop::Heap),
            Fault::Defer => self.not_supported(),
        }
    }

    fn not_supported(&mut self) -> Final {
        let fault = self.failure(ErrorKind::Type, "these arguments are not supported");
        match fault {
            Fault::Thrown(value) => Final::Thrown(value),
            _ => Final::Stop(Stop::Heap),
        }
    }

    /// A fault that throws a new error value.
    pub(crate) fn failure(&mut self, kind: ErrorKind, message: impl AsRef<str>) -> Fault<'static> {
        self.cx_mut().fail(kind, message)
    }

    /// Deals with a fault that is final. Whether the run goes on.
    pub(super) fn ends_in(&mut self, fault: Final) -> bool {
        match fault {
            Final::Thrown(value) => {
                self.retrying = false;
                self.add_trace(value);
                self.unwind(value)
            }
            Final::Stop(stop) => self.abandon(stop),
        }
    }

    /// Remembers where a value was thrown: in the error value, or aside if it is none.
    fn add_trace(&mut self, value: Slot) {
        if value.tag == tag::ERROR {
            // SAFETY: the value is in use, so its object is live.
            let error = unsafe { Gc::<ErrorObject>::from_ptr(value.bits as *mut ErrorObject) };
            if error.trace_is_open() {
                let trace = Box::new(self.trace());
                self.heap.change_trace(error, |known| around(trace, known));
            }
            self.last_trace = None;
        } else {
            let before = self.last_trace.take().filter(|trace| trace.is_from_elsewhere());
            self.last_trace = Some(around(Box::new(self.trace()), before));
        }
    }

    /// The calls under way, innermost first, over all fibers that wait for one another. What is left out is not looked at,
    /// so that throwing costs no more where calls are deep.
    pub(crate) fn trace(&mut self) -> Trace {
        let mut trace = Trace::default();
        if self.fiber.is_null() {
            return trace;
        }
        self.park();
        let fibers = self.fibers_under_way();
        // SAFETY: these fibers are live. One that has ended has no frames any more.
        let depth = |fiber: *mut FiberObject| unsafe {
            let state = &(*fiber).state;
            state.top.min(state.frames.len().saturating_sub(1))
        };
        let total: usize = fibers.iter().map(|&fiber| depth(fiber)).sum();
        let outer = total.saturating_sub(Trace::KEPT).max(Trace::KEPT);
        trace.omitted = outer.min(total) - Trace::KEPT.min(total);
        let mut number = 0;
        for fiber in fibers {
            let within = number..number + depth(fiber);
            let inner = within.start..within.end.min(Trace::KEPT);
            let outer = within.start.max(outer)..within.end;
            // SAFETY: the fiber is live, its frames reach from 1 to `top`, and their closures are live.
            unsafe {
                trace.inner.extend(inner.map(|at| entry(&(*fiber).state, at - within.start)));
                trace.outer.extend(outer.map(|at| entry(&(*fiber).state, at - within.start)));
            }
            number = within.end;
        }
        trace
    }

    /// The running fiber and those that wait for it, innermost first.
    fn fibers_under_way(&self) -> Vec<*mut FiberObject> {
        let mut fibers = Vec::new();
        let mut waiting = self.waiting.iter().rev();
        let mut fiber = self.fiber;
        while !fiber.is_null() {
            fibers.push(fiber);
            // SAFETY: the running fiber and those that wait for it are live.
            let resumer = unsafe { (*fiber).state.resumer };
            fiber = if resumer.is_null() { waiting.next().copied().unwrap_or(resumer) } else { resumer };
        }
        fibers
    }

    /// Goes to the innermost handler around the current instruction, ending calls and fibers on the way. Whether the run goes
    /// on.
    pub(super) fn unwind(&mut self, value: Slot) -> bool {
        loop {
            match self.land(Some(value)) {
                Landing::At(handler) => self.enter_handler(handler, value),
                Landing::Answered => {}
                Landing::Nowhere if self.end_by_throwing(value) => continue,
                Landing::Nowhere => return false,
            }
            return true;
        }
    }

    /// Leaves calls of the running fiber until one takes what is thrown, or else the end of a fiber.
    #[inline(always)]
    pub(super) fn land(&mut self, thrown: Option<Slot>) -> Landing {
        loop {
            // SAFETY: `fp` is a frame of the running fiber; its closure is live or null in the lowest frame.
            unsafe {
                let frame = *self.fp;
                if frame.closure.is_null() {
                    return Landing::Nowhere;
                }
                if let Some(handler) = (*(*frame.closure).code).handler_of(self.pc, thrown.is_none()) {
                    return Landing::At(handler);
                }
                self.pop_frame();
                match frame.kind {
                    Kind::Atomic => {
                        self.heap.journal.roll_back();
                        self.may_pause_again();
                    }
                    Kind::Lookup if thrown.is_some_and(is_missing_key) => {
                        self.set_r(frame.dst as usize, Value::NIL);
                        return Landing::Answered;
                    }
                    Kind::Entry | Kind::Boundary => return Landing::Nowhere,
                    _ => {}
                }
            }
        }
    }

    /// Goes on at a handler of the running frame.
    #[inline]
    pub(super) fn enter_handler(&mut self, handler: Handler, value: Slot) {
        // SAFETY: `fp` is a frame of the running fiber, its closure is live, and the handler is one of its code.
        unsafe {
            let code = &*(*(*self.fp).closure).code;
            *self.base.add(handler.register as usize) = value;
            self.pc = code.word(handler.target);
            if value.tag != tag::ERROR && code.code().body().sees_ends(&handler) {
                self.set_aside();
            }
        }
    }

    /// Leaves the running frame without delivering anything.
    pub(super) fn pop_frame(&mut self) {
        // SAFETY: `fp` is a frame of the running fiber with a caller below it.
        unsafe {
            let frame = *self.fp;
            self.pc = frame.ret;
            self.base = self.base.sub(frame.delta as usize);
            self.fp = self.fp.sub(1);
        }
    }

    /// The running fiber ends because nothing in it caught `value`. Whether another fiber goes on with unwinding.
    fn end_by_throwing(&mut self, value: Slot) -> bool {
        // SAFETY: the running fiber is live.
        let (boundary, resumer) = unsafe { ((*self.fiber).state.boundary, (*self.fiber).state.resumer) };
        self.finish_running();
        if boundary || resumer.is_null() {
            self.result = value;
            self.thrown = true;
            self.over = true;
            return false;
        }
        self.fiber = resumer;
        self.unpark();
        true
    }

    /// Marks the running fiber as done and lets go of its registers and frames, or keeps them for the next call from Rust.
    pub(super) fn finish_running(&mut self) {
        self.forget_end(self.fiber);
        // SAFETY: the running fiber is live.
        unsafe {
            let state = &mut (*self.fiber).state;
            state.status = Status::Done;
            state.resumer = std::ptr::null_mut();
            if self.heap.journal.is_on() {
                // Undoing may need them.
            } else if state.boundary && self.spare.is_null() && state.is_small() {
                self.spare = self.fiber;
            } else {
                self.heap.bytes -= state.let_go();
            }
            self.pc = std::ptr::null();
            self.base = std::ptr::null_mut();
            self.fp = std::ptr::null_mut();
        }
    }

    /// As `abandon`, where one instruction is done and the next has not begun: registers hold what that one finds, and so what
    /// its handlers may find.
    pub(super) fn abandon_between(&mut self, stop: Stop) -> bool {
        if !self.unwinds(stop) {
            return self.abandon(stop);
        }
        self.begin_exit(stop, true)
    }

    /// Ends the run because of a limit: undoes open `atomic`s and ends all fibers up to the call from Rust. What they held is
    /// nobody's any more, and is collected before the machine does anything else. Exits let what was deferred run; whether
    /// something does.
    pub(super) fn abandon(&mut self, stop: Stop) -> bool {
        if self.unwinds(stop) {
            return self.begin_exit(stop, false);
        }
        let stop = self.reason(stop);
        self.stop_trace = Some(Box::new(self.trace()));
        let mut ended = Vec::new();
        loop {
            // SAFETY: the running fiber and its resumers are live.
            unsafe {
                let (boundary, resumer) = ((*self.fiber).state.boundary, (*self.fiber).state.resumer);
                while self.heap.journal.depth() > (*self.fiber).state.atomics {
                    self.heap.journal.roll_back();
                }
                if self.heap.journal.is_on() {
                    ended.push(self.fiber);
                }
                self.finish_running();
                if boundary || resumer.is_null() {
                    break;
                }
                self.fiber = resumer;
            }
        }
        self.let_go(ended);
        self.stop = Some(stop);
        self.result = Value::NIL;
        self.over = true;
        false
    }

    /// After runs that were given up: `ended` are fibers that were done while undoing might have needed them. No register
    /// holds anything any more that was theirs.
    pub(super) fn let_go(&mut self, ended: Vec<*mut FiberObject>) {
        self.heap.settle();
        // SAFETY: nothing was collected since they ran. One that undoing has put back is not done. The spare fiber is a
        // root, so it is live; it is done, and nobody looks at its registers.
        unsafe {
            for fiber in ended {
                if (*fiber).state.status == Status::Done && !self.heap.journal.is_on() {
                    self.heap.bytes -= (*fiber).state.let_go();
                }
            }
            if !self.spare.is_null() {
                (*self.spare).state.stack.fill(Value::NIL);
            }
        }
        self.heap.make_due();
    }
}

/// Whether a value that is thrown says that a key is missing.
pub(super) fn is_missing_key(value: Slot) -> bool {
    matches!(value.view(), View::Error(error) if error.kind() == ErrorKind::Key.name())
}

/// The calls under way, around those elsewhere that a value was thrown from.
fn around(mut trace: Box<Trace>, before: Option<Box<Trace>>) -> Box<Trace> {
    if let Some(before) = before {
        trace.omitted += before.omitted;
        trace.elsewhere = before.elsewhere;
    }
    trace
}

/// A call of a parked fiber: the innermost one, or so many further out.
///
/// # Safety
/// The fiber has more frames than that, and their closures are live.
unsafe fn entry(state: &FiberState, outwards: usize) -> TraceEntry {
    let at = state.top - outwards;
    let pc = if outwards == 0 { state.pc } else { state.frames[at + 1].ret };
    // SAFETY: the caller's word.
    let code = unsafe { &*(*state.frames[at].closure).code };
    TraceEntry { code: code.code().clone(), pc: code.index_before(pc) }
}
