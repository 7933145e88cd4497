//! What puts the machine right when a stretch of its work is over, however it ended: by a value, a fault or a panic.
//!
//! Each guard notes where the machine stands, is the only way to it meanwhile, and puts things back when it is dropped.
//! A panic that passes through has no value and no frame to go to, so what ran is given up: `atomic`s that were begun
//! are undone, and the fibers that ran are done. They are not asked; to a program it is as if they had hit a limit.

use crate::door::dispose;
use crate::heap::fiber::Status;
use crate::heap::frame::Frame;
use crate::heap::layout::FiberObject;
use crate::heap::{Slot, Value};
use crate::machine::{Event, Limits, Machine};
use crate::native::NativeDef;

/// A call from Rust into the machine.
pub(super) struct CallBack<'m> {
    pub machine: &'m mut Machine,
    pc: *const u64,
    base: *mut Slot,
    fp: *mut Frame,
    fiber: *mut FiberObject,
    frames_end: *mut Frame,
    stack_limit: *mut Slot,
    window: usize,
    waiting: usize,
    held: usize,
    atomics: usize,
    native: *const NativeDef,
    has_returned: bool,
}

impl<'m> CallBack<'m> {
    /// Begins the call. `protects`: nothing is freed that there was before, as the caller may hold it.
    #[inline]
    pub fn begin(machine: &'m mut Machine, protects: bool) -> CallBack<'m> {
        machine.park();
        let (pc, base, fp, fiber) = (machine.pc, machine.base, machine.fp, machine.fiber);
        let (frames_end, stack_limit) = (machine.frames_end, machine.stack_limit);
        let (waiting, atomics, held) = (machine.waiting.len(), machine.heap.journal.depth(), machine.heap.held());
        machine.waiting.push(fiber);
        machine.nesting += 1;
        // SAFETY: the running fiber is live.
        let window = unsafe { keep_registers(fiber) };
        if protects {
            machine.heap.hold();
        }
        // Who protects nothing is no native, and what was called before may be freed.
        let native = if protects { machine.native } else { std::ptr::null() };
        CallBack {
            machine,
            pc,
            base,
            fp,
            fiber,
            frames_end,
            stack_limit,
            window,
            waiting,
            held,
            atomics,
            native,
            has_returned: false,
        }
    }

    /// The call has come to an end of its own: no fiber of it runs, and none of its `atomic`s is open.
    #[inline]
    pub fn returned(&mut self) {
        self.has_returned = true;
    }
}

impl Drop for CallBack<'_> {
    #[inline]
    fn drop(&mut self) {
        let machine = &mut *self.machine;
        if !self.has_returned {
            machine.give_up(self.fiber, self.atomics);
        }
        // Cut to what there was: guards are dropped in the reverse order of their making, so nothing else is above.
        machine.heap.release(self.held);
        machine.nesting -= 1;
        machine.waiting.truncate(self.waiting);
        (machine.pc, machine.base, machine.fp, machine.fiber) = (self.pc, self.base, self.fp, self.fiber);
        (machine.frames_end, machine.stack_limit) = (self.frames_end, self.stack_limit);
        machine.native = self.native;
        // SAFETY: a fiber that runs, or waits for this call, is live.
        unsafe { keep_no_more_than(self.fiber, self.window) };
        machine.may_pause_again();
    }
}

/// Keeps all registers of a fiber, if there is one, and gives how many it kept above its frame before. There may stand what
/// a native or an instruction is about to pass on, and nobody else keeps that.
///
/// # Safety
/// The fiber is live.
#[inline]
pub(super) unsafe fn keep_registers(fiber: *mut FiberObject) -> usize {
    if fiber.is_null() {
        return 0;
    }
    // SAFETY: the caller's word.
    let state = unsafe { &mut (*fiber).state };
    std::mem::replace(&mut state.window, state.stack.len())
}

/// Ends that.
///
/// # Safety
/// As `keep_registers`.
#[inline]
pub(super) unsafe fn keep_no_more_than(fiber: *mut FiberObject, window: usize) {
    if !fiber.is_null() {
        // SAFETY: the caller's word.
        unsafe { (*fiber).state.window = window };
    }
}

/// A stretch of a run that the host lets go on. Nothing else runs in the machine.
pub(super) struct Stretch<'m> {
    pub machine: &'m mut Machine,
    pub has_returned: bool,
}

impl Drop for Stretch<'_> {
    fn drop(&mut self) {
        let machine = &mut *self.machine;
        if !self.has_returned {
            machine.give_up(std::ptr::null_mut(), 0);
            machine.stepping.event = Event::Ended;
            machine.stepping.later = None;
        }
        machine.close_slice();
        machine.end_budget();
        machine.stepping.on = false;
        machine.nesting -= 1;
        machine.waiting.pop();
        machine.fiber = std::ptr::null_mut();
        machine.over = false;
    }
}

/// Work of the machine's own, for which the limits of the program do not hold.
pub(super) struct Unlimited<'m> {
    pub machine: &'m mut Machine,
    limits: Limits,
    heap: usize,
    fuel: (i64, u64, u64),
}

impl<'m> Unlimited<'m> {
    /// Lifts all limits, so that it shows nowhere in a program when a part of the library was loaded. What is taken of the
    /// heap counts, but it is only looked at when the program goes on.
    pub fn begin(machine: &'m mut Machine) -> Unlimited<'m> {
        let limits = machine.limits.clone();
        machine.limits = Limits { fuel: None, deadline: None, depth: usize::MAX, ..limits.clone() };
        let heap = std::mem::replace(&mut machine.heap.limit, usize::MAX);
        let fuel = (machine.fuel, machine.slice_end, machine.fuel_used);
        Unlimited { machine, limits, heap, fuel }
    }
}

impl Drop for Unlimited<'_> {
    fn drop(&mut self) {
        let machine = &mut *self.machine;
        machine.heap.set_limit(self.heap);
        // `Limits` hold nothing that could panic when it is dropped.
        std::mem::swap(&mut machine.limits, &mut self.limits);
        (machine.fuel, machine.slice_end, machine.fuel_used) = self.fuel;
    }
}

/// A conversion that cannot be done a second time, for which the limit of the heap does not hold.
pub(crate) struct Lifted<'m> {
    pub machine: &'m mut Machine,
    limit: usize,
}

impl<'m> Lifted<'m> {
    /// Lifts the limit.
    #[inline]
    pub fn begin(machine: &'m mut Machine) -> Lifted<'m> {
        let limit = std::mem::replace(&mut machine.heap.limit, usize::MAX);
        Lifted { machine, limit }
    }
}

impl Drop for Lifted<'_> {
    #[inline]
    fn drop(&mut self) {
        self.machine.heap.set_limit(self.limit);
    }
}

impl Machine {
    /// Ends what a panic has left: the running fiber and those that wait for it, up to a call from Rust or `until`, and
    /// the `atomic`s beyond the first so many.
    #[cold]
    fn give_up(&mut self, until: *mut FiberObject, atomics: usize) {
        let mut fiber = self.fiber;
        let mut ended = Vec::new();
        while !fiber.is_null() && fiber != until {
            // SAFETY: the running fiber and those that wait for it are live.
            unsafe {
                // As when a limit is hit: a fiber ends before the `atomic` around its resume is undone, which may
                // put it back to where it stood.
                while self.heap.journal.depth() > (*fiber).state.atomics.max(atomics) {
                    self.heap.journal.roll_back();
                }
                let (is_last, resumer) = ((*fiber).state.boundary, (*fiber).state.resumer);
                self.end_fiber(fiber);
                ended.push(fiber);
                fiber = if is_last { std::ptr::null_mut() } else { resumer };
            }
        }
        while self.heap.journal.depth() > atomics {
            self.heap.journal.roll_back();
        }
        self.let_go(ended);
        self.fiber = until;
        self.over = false;
        self.thrown = false;
        self.stop = None;
        self.stop_trace = None;
        self.last_trace = None;
        self.fault = None;
        self.retrying = false;
        self.result = Value::NIL;
    }

    /// Marks a fiber as done and lets go of its registers and frames.
    ///
    /// # Safety
    /// The fiber is live, and its registers and frames are not used any more.
    unsafe fn end_fiber(&mut self, fiber: *mut FiberObject) {
        self.forget_end(fiber);
        // SAFETY: the caller's word.
        let state = unsafe { &mut (*fiber).state };
        state.status = Status::Done;
        state.resumer = std::ptr::null_mut();
        state.resumed = std::ptr::null_mut();
        state.window = 0;
        // Undoing may need them.
        if !self.heap.journal.is_on() {
            self.heap.bytes -= state.let_go();
        }
    }
}

impl Drop for Machine {
    /// The heap sees to what is in it; here is the rest that belongs to the host.
    fn drop(&mut self) {
        dispose(std::mem::replace(&mut self.output, Box::new(std::io::sink())));
        self.extensions.drain().for_each(|(_, kept)| dispose(kept));
    }
}
