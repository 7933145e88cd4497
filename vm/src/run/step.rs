//! Execution as a value: a run that the host starts, lets go on for a while, and stops before any instruction.
//!
//! A run is a fiber that nobody has resumed. The host stops it at a safepoint, together with the fibers that it waits
//! for; they stay as they are until the host, or a program that is given the fiber, lets them go on:
//!
//! ```text
//!   run ── resumed ──> fiber ── resumed ──> fiber
//!   Waiting            Waiting              Paused before an instruction
//! ```
//!
//! A run cannot stop inside of `atomic` or below a native that calls back; there it goes on until that is over.
//!
//! Where it stops follows from what it has done, and from nothing that differs between machines: not from collections, which
//! make instructions begin again, nor from what caches know. So an instruction that takes fuel asks for it on its slow path as
//! on its fast one, what begins again gives back what it has counted, and what has taken too much stops right behind.

use std::sync::atomic::Ordering;

use quipu_code::Word;

use super::calls::To;
use super::dispatch::drive;
use super::guard::Stretch;
use crate::cx::guarded;
#[cfg(feature = "async")]
use crate::cx::{Cx, panicked};
#[cfg(feature = "async")]
use crate::door::caught;
use crate::door::dispose;
use crate::error::ErrorKind;
use crate::heap::fiber::{FiberState, Status};
use crate::heap::frame::Kind;
use crate::heap::layout::FiberObject;
use crate::heap::{Fiber, Gc, Slot, Value};
use crate::machine::{Event, Machine, Promised, Stepping};
#[cfg(feature = "async")]
use crate::native::Answer;
use crate::native::{Fault, LaterFn};

type Done = Result<(), Fault<'static>>;

/// How far a run goes before the host has the word again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Budget {
    /// To its end, or until it yields or is interrupted.
    Unlimited,
    /// So much fuel: it stops before the first instruction that would use more, or behind one that has. What an instruction
    /// uses is known when it is done, so it may be more than the budget.
    Fuel(u64),
    /// This many instructions of code objects; the program runs slower meanwhile. A call of `atomic`, and an instruction
    /// below which the program is called back, is one, whatever runs in it.
    ///
    /// So many instructions name one state of the run: in one step or in many, here or in another process that has it out of
    /// an image, whatever is collected meanwhile.
    Instructions(u64),
}

#[cfg(feature = "async")]
impl Promised {
    /// Asks for what makes the result. A panic of the host is one that throws.
    pub fn poll(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Box<Answer>> {
        let Some(future) = &mut self.future else { return std::task::Poll::Pending };
        caught(|| future.as_mut().poll(context)).unwrap_or_else(|text| {
            let name = self.name.clone();
            std::task::Poll::Ready(Box::new(move |cx: &mut Cx<'_>| Err(panicked(cx, &name, &text))))
        })
    }
}

impl Drop for Promised {
    fn drop(&mut self) {
        dispose(self.future.take());
    }
}

impl Stepping {
    /// Fuel that is left until the run is to stop, if it is: none if more was used.
    pub fn fuel_left(&self, used: u64) -> Option<Option<u64>> {
        if self.on { self.pause_at.map(|at| at.checked_sub(used)) } else { None }
    }

    /// Whether the run is to stop when so much is used.
    pub fn has_pause(&self) -> bool {
        self.pause_at.is_some()
    }
}

impl Machine {
    /// Whether the running instruction is a place to stop at.
    pub(super) fn can_pause(&self) -> bool {
        self.stepping.on && self.nesting == 1 && !self.heap.journal.is_on() && !self.unwinding.is_ending()
    }

    /// Whether the host wants that the run stops rather than that so much more is used. The slice is closed.
    pub(super) fn wants_pause(&self, wanted: u64) -> bool {
        let is_due = |left: Option<u64>| left.is_none_or(|left| left < wanted);
        self.can_pause()
            && (self.stepping.fuel_left(self.fuel_used).is_some_and(is_due) || self.interrupt.load(Ordering::Relaxed))
    }

    /// Stops at the current instruction if the host wants that.
    pub(super) fn pauses(&mut self, wanted: u64) -> bool {
        if !self.wants_pause(wanted) {
            return false;
        }
        let is_interrupted = self.interrupt.swap(false, Ordering::Relaxed);
        self.pause(if is_interrupted { Event::Interrupted } else { Event::Paused });
        true
    }

    /// Goes on to an instruction of a code object, if the position is at one of the machine's own. Whether the run goes on.
    pub(super) fn reach_own_instruction(&mut self) -> bool {
        while !self.is_at_own_instruction() {
            let done = if self.pc == super::calls::RETURN.as_ptr() {
                self.return_value(self.r(0))
            } else {
                self.leave_first_call().map_err(|fault| self.last(fault))
            };
            let goes_on = match done {
                Ok(()) => !self.over,
                Err(fault) => self.ends_in(fault),
            };
            if !goes_on {
                return false;
            }
        }
        true
    }

    /// Whether the position is at an instruction of the running function, and not at one of the machine's own.
    pub(super) fn is_at_own_instruction(&self) -> bool {
        // SAFETY: `fp` is the running frame; its closure keeps its code.
        unsafe {
            let closure = (*self.fp).closure;
            !closure.is_null() && (*(*closure).code).has_word(self.pc)
        }
    }

    /// Whether the instruction at `at` counts: it is one of a code object, and one before which the run can stop.
    pub(super) fn counts(&self, at: *const u64, word: u64) -> bool {
        word as u8 != super::dispatch::number::FirstCall && at != super::calls::RETURN.as_ptr() && self.can_pause()
    }

    /// The current instruction begins again, and counts then.
    pub(super) fn uncount(&mut self) {
        if self.can_pause() {
            self.stepping.left = self.stepping.left.saturating_add(1);
        }
    }

    /// The instructions of a step are used up; the current one has not run.
    pub(super) fn steps_over(&mut self, _: Word) -> Done {
        self.pause(Event::Paused);
        Ok(())
    }

    /// Stops the running fiber before the current instruction, and with it all that wait for it.
    fn pause(&mut self, event: Event) {
        self.park();
        let (mut fiber, mut resumed) = (self.fiber, std::ptr::null_mut::<FiberObject>());
        while !fiber.is_null() {
            // SAFETY: the running fiber and those that wait for it are live.
            unsafe {
                let state = &mut (*fiber).state;
                state.status = if resumed.is_null() { Status::Paused } else { Status::Waiting };
                state.resumed = resumed;
                (fiber, resumed) = (state.resumer, fiber);
            }
        }
        self.fiber = std::ptr::null_mut();
        self.stepping.event = event;
        self.over = true;
    }

    /// Calls a native that has its result later, and stops the run until the host brings it.
    pub(super) fn begin_waiting(&mut self, name: &str, begin: &LaterFn, at: usize, count: usize, to: To) -> Done {
        let plain = matches!(to, To::Caller | To::Register(Kind::Plain, _));
        if !self.stepping.waits || !self.can_pause() || !plain {
            let place = if self.stepping.waits {
                "inside of atomic, in a special method or below a native that calls back"
            } else {
                "where the host does not wait for it"
            };
            let message = format!("{name} has its result later and cannot be called {place}");
            return Err(self.failure(ErrorKind::Plain, message));
        }
        let arguments: Vec<Slot> = (at..at + count).map(|register| self.r(register)).collect();
        let future = guarded(self.cx_mut(), name, |cx| begin(cx, &arguments))?;
        self.stepping.later = Some(Promised { name: name.to_owned(), future: Some(future) });
        let dst = self.settle(to);
        let fiber = self.fiber;
        self.pause(Event::Owed);
        // SAFETY: the fiber was the running one and is live.
        unsafe {
            (*fiber).state.status = Status::Owed;
            (*fiber).state.wanted = dst;
        }
        Ok(())
    }

    /// Makes a stopped run and the fibers that it waits for the running ones again. `depth`: frames below it; `paid`:
    /// the host brings what it owes.
    ///
    /// # Safety
    /// `run` is live, stopped, and nobody has resumed it.
    pub(super) unsafe fn rouse(&mut self, run: *mut FiberObject, depth: usize, paid: bool) -> Done {
        // SAFETY: what a stopped fiber has resumed is live and stopped too, and the last of them is paused: that is how
        // `pause` leaves them, and what the checker of graphs makes sure of.
        unsafe {
            let (mut fiber, mut total) = (run, depth);
            loop {
                let state = &(*fiber).state;
                total += state.top + 1;
                if total > self.limits.depth {
                    return Err(self.too_deep());
                }
                if state.status == Status::Owed && !paid {
                    return Err(self.failure(ErrorKind::Fiber, "the fiber waits for a result of its host"));
                }
                if state.resumed.is_null() {
                    break;
                }
                fiber = state.resumed;
            }
            let (mut fiber, mut depth) = (run, depth);
            loop {
                self.save_for_undo(fiber);
                let state = &mut (*fiber).state;
                state.depth = depth;
                state.atomics = self.heap.journal.depth();
                depth += state.top + 1;
                let resumed = std::mem::replace(&mut state.resumed, std::ptr::null_mut());
                state.status = Status::Running;
                if resumed.is_null() {
                    break;
                }
                fiber = resumed;
            }
            self.fiber = fiber;
            self.unpark();
        }
        Ok(())
    }

    /// Calls a function on a fiber of its own and stops before its first instruction. What is no function of the
    /// language has no instructions: then the second is what it gave.
    ///
    /// # Errors
    /// What the call throws at once; a limit.
    pub(crate) fn start<'v>(
        &mut self,
        function: Value<'_>,
        arguments: &[Value<'_>],
    ) -> Result<(Fiber<'v>, Option<Slot>), Fault<'static>> {
        self.check_outside()?;
        let fiber = self.heap.fiber(FiberState::new(function.slot())).as_ptr();
        let event = self.outside(|machine| {
            machine.prepare_fiber(fiber);
            machine.in_place(1, |machine| machine.ensure(1 + arguments.len()))?;
            for (i, argument) in arguments.iter().enumerate() {
                machine.set_r(1 + i, argument.slot());
            }
            machine.enter_run(function.slot(), arguments.len());
            if !machine.over {
                machine.leave_first_call()?;
                machine.pause(Event::Paused);
            }
            Ok(())
        })?;
        let result = std::mem::replace(&mut self.result, Value::NIL);
        // SAFETY: the fiber was made above, and nothing was collected that the running fiber does not reach.
        Ok((unsafe { Gc::from_ptr(fiber) }, (event == Event::Ended).then_some(result)))
    }

    /// Lets a run go on; `argument` is what its `yield` gives, if it waits at one.
    ///
    /// # Errors
    /// `fiber_error` when it is over or is run by somebody else; what it throws, or a limit that it hits, which ends it.
    pub(crate) fn step(
        &mut self,
        run: Fiber<'_>,
        argument: Slot,
        budget: Budget,
    ) -> Result<(Event, Slot), Fault<'static>> {
        self.check_outside()?;
        let fiber = run.as_ptr();
        // SAFETY: the host keeps the fiber alive.
        let (status, resumer) = unsafe { ((*fiber).state.status, (*fiber).state.resumer) };
        match status {
            Status::Done => return Err(self.failure(ErrorKind::Fiber, "the fiber is done")),
            _ if status == Status::Running || !resumer.is_null() => {
                return Err(self.failure(ErrorKind::Fiber, "the fiber is running already"));
            }
            _ => {}
        }
        self.set_budget(budget);
        let event = self.outside(|machine| {
            // SAFETY: the fiber is live, and was found to be resumed by nobody.
            unsafe {
                let state = &mut (*fiber).state;
                match status {
                    Status::Fresh => {
                        let function = state.stack.first().copied().unwrap_or(Value::NIL);
                        machine.prepare_fiber(fiber);
                        machine.set_r(1, argument);
                        let count = usize::from(!super::switch::takes_nothing(function));
                        machine.enter_run(function, count);
                    }
                    Status::Suspended => {
                        if state.top >= machine.limits.depth {
                            return Err(machine.too_deep());
                        }
                        state.depth = 0;
                        state.atomics = 0;
                        state.status = Status::Running;
                        let wanted = state.wanted as usize;
                        machine.fiber = fiber;
                        machine.unpark();
                        machine.set_r(wanted, argument);
                    }
                    _ => machine.rouse(fiber, 0, false)?,
                }
                if !machine.over {
                    // The machine stands where the fiber stopped, or at the entry of its function.
                    drive(machine);
                }
            }
            Ok(())
        })?;
        Ok((event, std::mem::replace(&mut self.result, Value::NIL)))
    }

    /// Says whether natives that have their results later may be called in steps.
    #[cfg(feature = "async")]
    pub(crate) fn wait_for_later(&mut self, waits: bool) {
        self.stepping.waits = waits;
    }

    /// Brings a run what it waits for, the result of the native with this name, and lets it go on.
    ///
    /// # Errors
    /// As `step`.
    #[cfg(feature = "async")]
    pub(crate) fn answer(
        &mut self,
        run: Fiber<'_>,
        name: &str,
        answer: Box<Answer>,
        budget: Budget,
    ) -> Result<(Event, Slot), Fault<'static>> {
        if let Err(fault) = self.check_outside() {
            dispose(answer);
            return Err(fault);
        }
        let fiber = run.as_ptr();
        self.set_budget(budget);
        let event = self.outside(|machine| {
            // SAFETY: the host keeps the fiber alive, and so what it has resumed; that it waits for the host is found here.
            unsafe {
                let mut owed = fiber;
                while !(*owed).state.resumed.is_null() {
                    owed = (*owed).state.resumed;
                }
                if (*owed).state.status != Status::Owed {
                    dispose(answer);
                    return Err(machine.failure(ErrorKind::Fiber, "the fiber does not wait for its host"));
                }
                let wanted = (*owed).state.wanted as usize;
                if let Err(fault) = machine.rouse(fiber, 0, true) {
                    dispose(answer);
                    return Err(fault);
                }
                let goes_on = match guarded(machine.cx_mut(), name, answer) {
                    Ok(value) => {
                        machine.set_r(wanted, value);
                        true
                    }
                    Err(fault) => {
                        let fault = machine.last(fault);
                        machine.ends_in(fault)
                    }
                };
                if goes_on && machine.stays_within_limits() {
                    // The machine stands behind the call that has now its result.
                    drive(machine);
                }
            }
            Ok(())
        })?;
        Ok((event, std::mem::replace(&mut self.result, Value::NIL)))
    }

    /// Runs belong to the host: nothing else may be running.
    fn check_outside(&mut self) -> Done {
        if self.nesting > 0 || !self.fiber.is_null() {
            return Err(self.failure(ErrorKind::Fiber, "a run cannot go on while the machine is running"));
        }
        Ok(())
    }

    fn set_budget(&mut self, budget: Budget) {
        let used = self.total_fuel_used();
        self.stepping.pause_at = match budget {
            Budget::Fuel(fuel) => Some(used.saturating_add(fuel)),
            Budget::Unlimited | Budget::Instructions(_) => None,
        };
        if let Budget::Instructions(count) = budget {
            self.stepping.left = count;
            self.handlers = [super::handlers::Counted; 256];
        }
    }

    pub(super) fn end_budget(&mut self) {
        self.handlers = self.usual_handlers();
        self.stepping.pause_at = None;
    }

    /// Does a stretch of a run; gives what it ended with.
    fn outside(&mut self, stretch: impl FnOnce(&mut Machine) -> Done) -> Result<Event, Fault<'static>> {
        self.waiting.push(std::ptr::null_mut());
        self.nesting += 1;
        self.over = false;
        self.thrown = false;
        self.stop = None;
        self.result = Value::NIL;
        self.stepping.on = true;
        self.stepping.event = Event::Ended;
        // The next safepoint begins a slice that ends where the run is to stop.
        self.close_slice();
        let mut guard = Stretch { machine: self, has_returned: false };
        let begun = stretch(guard.machine);
        guard.has_returned = true;
        drop(guard);
        let (stop, thrown) = (self.stop.take(), std::mem::take(&mut self.thrown));
        begun?;
        if let Some(stop) = stop {
            return Err(Fault::Stop(stop));
        }
        if thrown {
            return Err(Fault::Thrown(std::mem::replace(&mut self.result, Value::NIL)));
        }
        Ok(self.stepping.event)
    }

    /// Calls the function of a run, whose arguments stand from register 1 on.
    fn enter_run(&mut self, function: Slot, count: usize) {
        let entered =
            self.in_place(1 + count, |machine| machine.call_window(1, count, function, To::Register(Kind::Entry, 0)));
        if let Err(fault) = entered {
            // There is no frame yet, so this ends the run.
            self.ends_in(fault);
        }
    }

    /// What yields out of a run, or ends it, gives a value to the host.
    pub(super) fn give_to_host(&mut self, value: Slot, event: Event) -> bool {
        if !self.stepping.on || self.nesting != 1 {
            return false;
        }
        self.fiber = std::ptr::null_mut();
        self.result = value;
        self.stepping.event = event;
        self.over = true;
        true
    }
}
