//! Fibers: starting, resuming, yielding and ending them, and runs that are begun from Rust.

use quipu_code::Word;

use super::calls::To;
use super::dispatch::drive;
use super::stack::MARGIN;
use super::unwind::Final;
use crate::error::ErrorKind;
use crate::heap::fiber::{FiberState, Status};
use crate::heap::frame::{Frame, Kind};
use crate::heap::journal::Change;
use crate::heap::layout::{ClosureObject, FiberObject};
use crate::heap::{Slot, Value, View};
use crate::machine::{Event, Machine};
use crate::native::Fault;

type Done = Result<(), Fault<'static>>;

/// Registers and frames of a new fiber.
const FIRST_REGISTERS: usize = MARGIN + 32;
const FIRST_FRAMES: usize = 8;

impl Machine {
    /// Resumes a fiber; what it yields or returns goes into register `dst` of the running frame. `iterated`: the end
    /// gives `absent`.
    pub(super) fn resume_fiber(&mut self, fiber: *mut FiberObject, argument: Slot, dst: u16, iterated: bool) -> Done {
        // SAFETY: the fiber is live: it stands in a register of the running frame. No reference into it is kept, as others
        // work on it meanwhile.
        let state = unsafe { &raw mut (*fiber).state };
        // SAFETY: as above.
        let (status, top, is_resumed) = unsafe { ((*state).status, (*state).top, !(*state).resumer.is_null()) };
        match status {
            Status::Fresh | Status::Suspended => {}
            Status::Paused | Status::Waiting if !is_resumed => {
                self.park();
                // SAFETY: the running fiber is live; the other was just found to be stopped and resumed by nobody.
                unsafe {
                    let depth = (*self.fiber).state.depth + (*self.fiber).state.top + 1;
                    let resumer = self.fiber;
                    self.rouse(fiber, depth, false)?;
                    (*state).resumer = resumer;
                    (*state).dst = dst;
                    (*state).iterated = iterated;
                }
                return Ok(());
            }
            Status::Running | Status::Paused | Status::Waiting | Status::Owed => {
                return Err(self.failure(ErrorKind::Fiber, "the fiber is running already"));
            }
            Status::Done => return Err(self.failure(ErrorKind::Fiber, "the fiber is done")),
        }
        self.park();
        // SAFETY: the running fiber is live.
        let depth = unsafe { (*self.fiber).state.depth + (*self.fiber).state.top + 1 };
        // Its own frames count too: the run loop relies on a frame below the limit.
        if depth + top >= self.limits.depth {
            return Err(self.too_deep());
        }
        let fresh = status == Status::Fresh;
        let bytes = FIRST_REGISTERS * size_of::<Slot>() + FIRST_FRAMES * size_of::<Frame>();
        if fresh && !self.heap.has_room(bytes) {
            return Err(Fault::Collect(bytes));
        }
        // SAFETY: as above.
        unsafe {
            self.save_for_undo(fiber);
            (*state).resumer = self.fiber;
            (*state).dst = dst;
            (*state).iterated = iterated;
            (*state).depth = depth;
            (*state).atomics = self.heap.journal.depth();
        }
        self.fiber = fiber;
        if !fresh {
            // SAFETY: as above.
            let wanted = unsafe {
                (*state).status = Status::Running;
                (*state).wanted
            };
            self.unpark();
            self.set_r(wanted as usize, argument);
            return Ok(());
        }
        self.prepare_fiber(fiber);
        self.set_r(1, argument);
        Ok(self.begin_fiber()?)
    }

    /// Calls the function of the running fiber, which is fresh; the argument of the first resume stands in register 1.
    fn begin_fiber(&mut self) -> Result<(), Final> {
        let count = usize::from(!takes_nothing(self.r(0)));
        self.in_place(2, |machine| machine.call_window(1, count, machine.r(0), To::Register(Kind::Entry, 0)))
    }

    /// Keeps a copy of a fiber that an `atomic` under way may have to put back.
    ///
    /// # Safety
    /// The fiber is live.
    pub(super) unsafe fn save_for_undo(&mut self, fiber: *mut FiberObject) {
        let number = self.heap.journal.number();
        // SAFETY: the caller's word.
        unsafe {
            let object = &mut *fiber;
            if self.heap.journal.is_on() && self.heap.journal.wants(&object.header) && object.state.snapshot != number {
                let snapshot = Box::new(object.state.snapshot());
                self.heap.log(Change::Fiber(fiber, snapshot));
                object.state.snapshot = number;
            }
        }
    }

    /// Gives a fresh fiber registers and frames, and makes it the running one. Its function stands in register 0.
    pub(super) fn prepare_fiber(&mut self, fiber: *mut FiberObject) {
        // SAFETY: the fiber is live and fresh.
        unsafe {
            let state = &mut (*fiber).state;
            let before = state.owned_bytes();
            let mut stack = vec![Value::NIL; FIRST_REGISTERS].into_boxed_slice();
            stack[0] = state.stack.first().copied().unwrap_or(Value::NIL);
            state.stack = stack;
            state.frames = vec![Frame::EMPTY; FIRST_FRAMES].into_boxed_slice();
            state.status = Status::Running;
            state.base = 0;
            state.top = 0;
            state.pc = std::ptr::null();
            self.heap.bytes = self.heap.bytes + state.owned_bytes() - before;
            self.fiber = fiber;
            self.unpark();
        }
    }

    /// The running fiber's function has returned.
    pub(super) fn finish_fiber(&mut self, value: Slot) {
        // SAFETY: the running fiber is live, and so is the one that waits for it.
        let (resumer, dst, iterated) = unsafe {
            let state = &(*self.fiber).state;
            (state.resumer, state.dst, state.iterated)
        };
        self.finish_running();
        if resumer.is_null() && self.give_to_host(value, Event::Ended) {
            return;
        }
        self.fiber = resumer;
        self.unpark();
        self.set_r(dst as usize, if iterated { Value::ABSENT } else { value });
    }

    pub(super) fn yield_value(&mut self, w: Word) -> Done {
        let value = self.r(w.b() as usize);
        // SAFETY: the running fiber is live.
        let state = unsafe { &mut (*self.fiber).state };
        let to_host = state.resumer.is_null() && !state.boundary && self.nesting == 1;
        if !to_host && (state.boundary || state.resumer.is_null()) {
            let message = if self.nesting > 1 {
                "yield cannot cross the native function that called back"
            } else {
                "yield outside of a fiber"
            };
            return Err(self.failure(ErrorKind::Fiber, message));
        }
        if self.unwinding.ends(self.fiber) {
            return Err(self.failure(ErrorKind::Fiber, "yield from a fiber that is ending"));
        }
        if self.heap.journal.depth() > state.atomics {
            return Err(self.failure(ErrorKind::Fiber, "yield cannot leave a call of atomic"));
        }
        self.park();
        state.status = Status::Suspended;
        state.wanted = w.a();
        if to_host && self.give_to_host(value, Event::Yielded) {
            return Ok(());
        }
        let (resumer, dst) = (state.resumer, state.dst);
        state.resumer = std::ptr::null_mut();
        self.fiber = resumer;
        self.unpark();
        self.set_r(dst as usize, value);
        Ok(())
    }

    /// Makes a fiber for a call from Rust the running one: the one that the last such call has left, or a new one.
    fn begin_boundary(&mut self, function: Slot, depth: usize) {
        let atomics = self.heap.journal.depth();
        let spare = std::mem::replace(&mut self.spare, std::ptr::null_mut());
        if spare.is_null() {
            let mut state = FiberState::new(function);
            state.boundary = true;
            state.depth = depth;
            state.atomics = atomics;
            let fiber = self.heap.fiber(state).as_ptr();
            self.prepare_fiber(fiber);
            return;
        }
        // SAFETY: the spare fiber is a root, so it is live; it is done, and has the registers and frames of a new one or
        // more.
        unsafe {
            let state = &mut (*spare).state;
            // Its registers hold what the last call left in them, which the function's frame would keep alive.
            let count = match function.view() {
                View::Closure(closure) => 1 + (*(*closure.as_ptr()).code).registers(),
                _ => state.stack.len(),
            };
            state.stack.iter_mut().take(count).for_each(|slot| *slot = Value::NIL);
            state.stack[0] = function;
            state.status = Status::Running;
            state.depth = depth;
            state.atomics = atomics;
            state.base = 0;
            state.top = 0;
            state.pc = std::ptr::null();
            state.window = 0;
        }
        self.fiber = spare;
        self.unpark();
    }

    /// Runs a function on a fiber of its own until it returns or throws.
    pub(super) fn run_fiber(&mut self, function: Slot, arguments: &[Value<'_>], depth: usize) -> Result<Slot, Final> {
        self.begin_boundary(function, depth);
        self.over = false;
        self.thrown = false;
        self.stop = None;
        self.result = Value::NIL;
        let count = arguments.len();
        let exact = exact(function, count);
        let mut entered = Ok(());
        if exact.is_none() {
            entered = self.in_place(1, |machine| machine.ensure(1 + count));
        }
        if entered.is_ok() {
            for (i, argument) in arguments.iter().enumerate() {
                self.set_r(1 + i, argument.slot());
            }
            entered = self.in_place(1 + count, |machine| match exact {
                Some(closure) => machine.enter_exact(closure),
                None => machine.call_window(1, count, function, To::Register(Kind::Boundary, 0)),
            });
        }
        // What a native throws at once has no frame to unwind.
        let goes_on = match entered {
            Ok(()) => !self.over,
            Err(fault) => self.ends_in(fault),
        };
        if goes_on {
            // SAFETY: the machine stands at the entry of the function's prepared code in a frame of the new fiber.
            unsafe { drive(self) };
        }
        self.outcome()
    }

    /// How the run ended.
    fn outcome(&mut self) -> Result<Slot, Final> {
        self.over = false;
        let value = std::mem::replace(&mut self.result, Value::NIL);
        if let Some(stop) = self.stop.take() {
            return Err(Final::Stop(stop));
        }
        if std::mem::take(&mut self.thrown) { Err(Final::Thrown(value)) } else { Ok(value) }
    }
}

/// A closure that takes just so many arguments and has no more registers than a new fiber has room for.
fn exact(function: Slot, count: usize) -> Option<*mut ClosureObject> {
    let View::Closure(closure) = function.view() else { return None };
    // SAFETY: the closure is live and keeps its code.
    let takes = unsafe { (*(*closure.as_ptr()).code).exact };
    (takes as usize == count).then_some(closure.as_ptr())
}

/// Whether a fiber's function has no parameter for the first resume's argument.
pub(super) fn takes_nothing(function: Slot) -> bool {
    match function.view() {
        View::Closure(closure) => {
            // SAFETY: the closure is live and keeps its code.
            let body = unsafe { (*(*closure.as_ptr()).code).code().body() };
            body.params() == 0
        }
        View::Native(native) => {
            // SAFETY: the native is live.
            let def = unsafe { &(*native.as_ptr()).def };
            !def.accepts(1)
        }
        _ => false,
    }
}
