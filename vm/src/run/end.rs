//! Ends that nothing in a fiber prevents: `close`, exits, interrupts of a host that wants it so. They unwind as what is
//! thrown does, but only what is deferred sees them: it finds `absent` in place of a value.
//!
//! An error that something deferred throws meanwhile is kept beside the end, which goes on, and comes out at last: of `close`,
//! or of the run in place of its exit.

use std::time::Duration;

use super::calls::To;
use super::unwind::Landing;
use crate::error::ErrorKind;
use crate::heap::fiber::Status;
use crate::heap::layout::{ErrorObject, FiberObject};
use crate::heap::{Gc, Slot, Value, tag};
use crate::machine::{Aside, End, Machine, Unwinding};
use crate::native::{Fault, Stop};
use crate::trace::Trace;
use quipu_code::Word;

type Done = Result<(), Fault<'static>>;

/// How long what is deferred may take when a run ends.
const GRACE: Duration = Duration::from_secs(2);

/// How many accounts of throws are kept of values that wait for something deferred.
const ASIDE: usize = 64;

/// How the end of a fiber goes on.
enum After {
    /// In the fiber that waits for it.
    Further,
    /// It is over; whether the run goes on.
    Over(bool),
}

impl Machine {
    /// Whether what was deferred runs when a run ends so.
    pub(super) fn unwinds(&self, stop: Stop) -> bool {
        let is_gentle = match stop {
            Stop::Exit(_) => true,
            Stop::Interrupted => self.unwinds_on_interrupt,
            _ => false,
        };
        is_gentle && !self.unwinding.is_late(|| self.now())
    }

    /// What a run that has to stop is said to have stopped for: one that had its time to end, for what made it end.
    pub(super) fn reason(&self, stop: Stop) -> Stop {
        match self.unwinding.grace {
            Some((reason, until)) if stop == Stop::Time && self.now() >= until => reason,
            _ => stop,
        }
    }

    /// The run ends, and what was deferred runs before: in the middle of an instruction, or before the next one. Whether
    /// something goes on.
    pub(super) fn begin_exit(&mut self, stop: Stop, between: bool) -> bool {
        let trace = Some(Box::new(self.trace()));
        if between && self.is_at_own_instruction() {
            // Positions stand behind the instruction that something happens in.
            self.pc = self.pc.wrapping_add(1);
        }
        let until = self.now() + GRACE;
        self.unwinding.grace.get_or_insert((stop, until));
        let error = self.unwinding.error.take();
        self.end(End { fiber: self.fiber, stop: Some(stop), error, trace });
        self.retrying = false;
        self.goes_on_ending()
    }

    /// A fiber ends from now on; what ended it before does not count any more.
    fn end(&mut self, end: End) {
        self.unwinding.ends.retain(|other| other.fiber != end.fiber);
        self.unwinding.ends.push(end);
        self.unwinding.is_under_way = true;
    }

    /// `fiber.close()`.
    pub(super) fn close_fiber(&mut self, fiber: *mut FiberObject, to: To) -> Done {
        // SAFETY: the fiber is live: it stands in a register of the running frame.
        let state = unsafe { &raw mut (*fiber).state };
        // SAFETY: as above.
        let (status, top) = unsafe { ((*state).status, (*state).top) };
        match status {
            Status::Done => {}
            Status::Fresh => {
                // SAFETY: as above; nobody runs in it, so nobody looks at its registers.
                unsafe {
                    self.save_for_undo(fiber);
                    (*state).status = Status::Done;
                    if !self.heap.journal.is_on() {
                        self.heap.bytes -= (*state).let_go();
                    }
                }
            }
            Status::Suspended => return self.close_suspended(fiber, top, to),
            Status::Running | Status::Paused | Status::Waiting | Status::Owed => {
                return Err(self.failure(ErrorKind::Fiber, "the fiber is running, so it cannot be closed"));
            }
        }
        let dst = self.settle(to);
        self.set_r(dst as usize, Value::NIL);
        Ok(())
    }

    fn close_suspended(&mut self, fiber: *mut FiberObject, top: usize, to: To) -> Done {
        self.park();
        // SAFETY: the running fiber is live.
        let depth = unsafe { (*self.fiber).state.depth + (*self.fiber).state.top + 1 };
        if depth + top >= self.limits.depth {
            return Err(self.too_deep());
        }
        let dst = self.settle(to);
        self.park();
        // SAFETY: both fibers are live.
        unsafe {
            self.save_for_undo(fiber);
            let state = &mut (*fiber).state;
            state.resumer = self.fiber;
            state.dst = dst;
            state.iterated = false;
            state.depth = depth;
            state.atomics = self.heap.journal.depth();
            state.status = Status::Running;
        }
        self.fiber = fiber;
        self.unpark();
        self.end(End { fiber, stop: None, error: None, trace: None });
        self.goes_on_ending();
        Ok(())
    }

    /// Goes to the innermost deferred piece of the running fiber, which is ending, or of those that wait for it. Whether the
    /// run goes on.
    fn goes_on_ending(&mut self) -> bool {
        loop {
            if let Landing::At(handler) = self.land(None) {
                self.enter_handler(handler, Value::ABSENT);
                return true;
            }
            if let After::Over(goes_on) = self.end_running() {
                return goes_on;
            }
        }
    }

    /// The running fiber has come to its end.
    fn end_running(&mut self) -> After {
        // SAFETY: the running fiber is live.
        let (boundary, resumer, dst) = unsafe {
            let state = &(*self.fiber).state;
            (state.boundary, state.resumer, state.dst)
        };
        let end = self.unwinding.ends.pop();
        self.finish_running();
        let Some(end) = end else { return After::Over(false) };
        let is_last = boundary || resumer.is_null();
        match end.stop {
            Some(stop) if is_last => {
                match end.error {
                    Some(error) if self.nesting <= 1 => {
                        self.result = error;
                        self.thrown = true;
                    }
                    error => {
                        self.unwinding.is_under_way |= error.is_some();
                        self.unwinding.error = error;
                        self.stop = Some(stop);
                        self.stop_trace = end.trace;
                        self.result = Value::NIL;
                    }
                }
                self.over = true;
                After::Over(false)
            }
            Some(_) => {
                self.fiber = resumer;
                self.unpark();
                self.end(End { fiber: resumer, ..end });
                After::Further
            }
            None => {
                self.fiber = resumer;
                self.unpark();
                match end.error {
                    Some(error) => return After::Over(self.unwind(error)),
                    None => self.set_r(dst as usize, Value::NIL),
                }
                After::Over(true)
            }
        }
    }

    /// Something deferred is done, or has thrown: goes on with what was under way.
    pub(super) fn rethrow(&mut self, w: Word) -> Done {
        let (value, before) = (self.r(w.a() as usize), self.r(w.b() as usize));
        let is_end = |slot: Slot| slot.tag == tag::ABSENT;
        if is_end(value) || is_end(before) {
            let Some(end) = self.unwinding.ends.last_mut().filter(|end| end.fiber == self.fiber) else {
                // The compiler writes no such code.
                return Err(self.failure(ErrorKind::Fiber, "the fiber is not ending"));
            };
            if !is_end(value)
                && let Some(before) = end.error.replace(value)
            {
                self.came_during(value, before);
            }
            self.goes_on_ending();
            return Ok(());
        }
        if w.a() != w.b() {
            self.came_during(value, before);
        }
        if value.tag != tag::ERROR {
            self.last_trace = self.take_aside();
            if self.last_trace.is_none() {
                self.last_trace = Some(Box::new(self.trace()));
            }
        }
        self.unwind(value);
        Ok(())
    }

    /// Remembers in an error what was under way when it was thrown.
    fn came_during(&mut self, error: Slot, before: Slot) {
        if error.tag == tag::ERROR && !before.is_nil() && !before.is_identical(error) {
            // SAFETY: the value is in use, so its object is live.
            unsafe { Gc::<ErrorObject>::from_ptr(error.bits as *mut ErrorObject) }.set_during(before);
        }
    }

    /// Something deferred runs before a value goes on being thrown; where that was is kept.
    pub(super) fn set_aside(&mut self) {
        let (fiber, frame) = self.stand();
        let Some(trace) = self.last_trace.take() else { return };
        if self.unwinding.aside.len() >= ASIDE {
            self.unwinding.aside.remove(0);
        }
        self.unwinding.aside.push(Aside { fiber, frame, trace });
        self.unwinding.is_under_way = true;
    }

    /// Where the value was thrown that goes on in the running frame. Older ones are of values that were given up.
    fn take_aside(&mut self) -> Option<Box<Trace>> {
        let stand = self.stand();
        let is_here = |aside: &Aside| (aside.fiber, aside.frame) == stand;
        let found = self.unwinding.aside.iter().rposition(is_here)?;
        let taken = self.unwinding.aside.remove(found);
        self.unwinding.aside.retain(|aside| !is_here(aside));
        Some(taken.trace)
    }

    fn stand(&self) -> (*mut FiberObject, isize) {
        // SAFETY: while an instruction is carried out its fiber is live, and `fp` is one of its frames.
        (self.fiber, unsafe { self.fp.offset_from((*self.fiber).state.frames.as_ptr()) })
    }

    /// A fiber is done, however that came: it does not end any more.
    #[inline(always)]
    pub(super) fn forget_end(&mut self, fiber: *mut FiberObject) {
        if self.unwinding.is_under_way {
            self.forget_end_of(fiber);
        }
    }

    #[cold]
    fn forget_end_of(&mut self, fiber: *mut FiberObject) {
        let unwinding = &mut self.unwinding;
        unwinding.ends.retain(|end| end.fiber != fiber);
        unwinding.aside.retain(|aside| aside.fiber != fiber);
        // SAFETY: the fiber is live.
        let is_last = unsafe { (*fiber).state.resumer.is_null() };
        if is_last && self.nesting <= 1 {
            *unwinding = Unwinding::default();
        }
    }
}
