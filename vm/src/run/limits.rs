//! Safepoints: fuel, time, interrupts, collections, and the growth of stacks.

use std::sync::atomic::Ordering;

use quipu_code::Word;

use super::guard::{keep_no_more_than, keep_registers};
use crate::clock::Moment;
use crate::error::ErrorKind;
use crate::heap::frame::Frame;
use crate::heap::prepared::NO_KEY;
use crate::heap::{Slot, Value};
use crate::machine::Machine;
use crate::native::{Fault, Stop};

/// Safepoints between two looks at the clock and the interrupt flag.
const SLICE: u64 = 20_000;

/// The same for a run that should have stopped.
const OVERDUE: u64 = 100;

/// Registers that every frame can count on without a check of its own.
pub(crate) const MARGIN: usize = 64;

type Done = Result<(), Fault<'static>>;

impl Machine {
    /// An instruction that takes a unit of fuel found the slice used up; it runs again when there is more.
    pub(super) fn safepoint(&mut self, _: Word) -> Done {
        // The step that found it so was not made, and the instruction is not done.
        self.fuel += 1;
        self.close_slice();
        if self.pauses(1) {
            return Ok(());
        }
        self.begin_slice(1).map_err(Fault::Stop)
    }

    /// An instruction is done that has taken more than the slice had. Whether the run goes on.
    pub(super) fn refuel(&mut self) -> bool {
        self.close_slice();
        if self.wants_pause(0) && !self.reach_own_instruction() {
            return false;
        }
        if self.pauses(0) {
            return false;
        }
        match self.next_slice() {
            Ok(()) => true,
            Err(stop) => self.abandon(stop),
        }
    }

    /// A native was carried out on the fast path; what is to be done about its fuel is done behind every slow path.
    pub(super) fn overdrawn(&mut self, _: Word) -> Done {
        Ok(())
    }

    /// Fuel is again as it was when so much had been used: what was begun begins again. The next safepoint begins a slice.
    pub(super) fn refund(&mut self, used: u64) {
        self.fuel_used = used;
        self.slice_end = used;
        self.fuel = 0;
    }

    /// A stretch is over in which the run could not stop. It is looked at once more whether it should have.
    pub(super) fn may_pause_again(&mut self) {
        if self.stepping.has_pause() {
            self.close_slice();
        }
    }

    /// Counts what the current slice has used, and ends it.
    pub(super) fn close_slice(&mut self) {
        self.fuel_used = self.total_fuel_used();
        self.slice_end = self.fuel_used;
        self.fuel = 0;
    }

    /// Now, by the clock that the library has.
    pub(crate) fn now(&self) -> Moment {
        self.library.clock.as_ref().map_or_else(Moment::now, |clock| clock.now())
    }

    /// Stops if the host wants that now.
    pub fn stop_if_asked(&mut self) -> Result<(), Stop> {
        if self.interrupt.swap(false, Ordering::Relaxed) {
            return Err(Stop::Interrupted);
        }
        if self.limits.deadline.is_some_and(|deadline| self.now() >= deadline) {
            return Err(Stop::Time);
        }
        Ok(())
    }

    /// Begins a new slice of fuel, unless the program has used more than it may, or has to stop.
    pub fn next_slice(&mut self) -> Result<(), Stop> {
        self.begin_slice(0)
    }

    /// The same for one who is about to use so much.
    fn begin_slice(&mut self, wanted: u64) -> Result<(), Stop> {
        self.close_slice();
        self.stop_if_asked()?;
        let left = match self.limits.fuel {
            Some(fuel) => match fuel.checked_sub(self.fuel_used) {
                Some(left) if left >= wanted => left,
                _ => return Err(Stop::Fuel),
            },
            None => u64::MAX,
        };
        let until_pause = match self.stepping.fuel_left(self.fuel_used) {
            None => SLICE,
            // The run should have stopped, but cannot where it stands.
            Some(None | Some(0)) if !self.can_pause() => OVERDUE,
            Some(Some(left)) => left,
            // It stops behind this instruction.
            Some(None) => return Ok(()),
        };
        // One more than is left to use, as the step that reaches zero is not made.
        let slice = left.min(until_pause).min(SLICE) + 1;
        self.slice_end = self.fuel_used.saturating_add(slice);
        self.fuel = slice as i64;
        Ok(())
    }

    /// Fuel used so far.
    pub fn total_fuel_used(&self) -> u64 {
        match self.fuel {
            left @ 0.. => self.slice_end.saturating_sub(left.unsigned_abs()),
            owed => self.slice_end.saturating_add(owed.unsigned_abs()),
        }
    }

    /// The same where an instruction begins: nothing is owed then that would not fit.
    #[inline(always)]
    pub(super) fn fuel_used_here(&self) -> u64 {
        self.slice_end.wrapping_sub(self.fuel as u64)
    }

    /// A collection is due.
    pub(super) fn collect_now(&mut self, _: Word) -> Done {
        self.collect();
        if self.heap.bytes > self.heap.limit { Err(Fault::Stop(Stop::Heap)) } else { Ok(()) }
    }

    /// There is no free cell for what an instruction makes; it runs again.
    pub(super) fn refill(&mut self, _: Word) -> Done {
        self.heap.add_block();
        Ok(())
    }

    /// Frees what nothing refers to any more.
    pub(crate) fn collect(&mut self) {
        self.park();
        self.native = std::ptr::null();
        self.graph_hashes.clear();
        let begun = self.account.as_ref().map(|_| self.now());
        let Machine { heap, fiber, waiting, spare, natives, methods, roots, result, codes, strings, fault, .. } = self;
        let holds = heap.held() > 0;
        heap.mark(|marker| {
            if holds {
                codes.values().for_each(|code| marker.code(&raw const **code));
            }
            for fiber in waiting.iter().chain([&*fiber, &*spare]) {
                if !fiber.is_null() {
                    marker.header(fiber.cast());
                }
            }
            natives.values().chain(roots.iter()).for_each(|&slot| marker.slot(slot));
            methods.iter().flat_map(|of_type| of_type.values()).for_each(|&slot| marker.slot(slot));
            marker.slot(*result);
            if let Some(Fault::Thrown(value)) = fault {
                marker.slot(value.slot());
            }
        });
        // SAFETY: nothing is freed before `sweep`.
        unsafe {
            strings.retain(|_, slot| heap.is_live(slot.bits as *const _));
            let color = heap.live_color();
            // While Rust code holds values it may hold prepared code, too: that is all marked then.
            codes.retain(|_, code| code.is_marked(color) || code.give_up(heap.stress));
            for code in codes.values() {
                // Small keys are tags of built-in types, which live as long as the machine.
                code.clear_caches(|key| key > 0xff && key != NO_KEY && !heap.is_live(key as *const _));
            }
        }
        let marked = begun.map(|begun| self.now().since(begun));
        // SAFETY: nothing is freed before `sweep`.
        let freed = begun.map(|_| self.heap.tally(|header| unsafe { !self.heap.is_live(header) }));
        let swept = begun.map(|_| self.now());
        self.heap.sweep();
        if let (Some(marked), Some(freed), Some(swept)) = (marked, freed, swept) {
            let pause = marked + self.now().since(swept);
            if let Some(account) = &mut self.account {
                account.collected(pause, &freed);
            }
        }
    }

    /// Stands wherever the library or the host may be called, which may collect: under stress it does. As while a native is
    /// called back, nothing is freed that there was.
    #[inline]
    pub(crate) fn strain(&mut self) {
        if self.call_stress {
            self.collect_the_rest();
        }
    }

    #[cold]
    fn collect_the_rest(&mut self) {
        let (held, fiber, native) = (self.heap.held(), self.fiber, self.native);
        // SAFETY: the running fiber is live, and stays so.
        unsafe {
            let window = keep_registers(fiber);
            self.heap.hold();
            self.collect();
            self.native = native;
            self.heap.release(held);
            keep_no_more_than(fiber, window);
        }
    }

    /// Writes the running fiber's position into the fiber, where the collector and the images look for it.
    pub(crate) fn park(&mut self) {
        if self.fiber.is_null() {
            return;
        }
        // SAFETY: the running fiber is live, and `base` and `fp` point into its stack and frames.
        unsafe {
            let state = &mut (*self.fiber).state;
            state.pc = self.pc;
            state.base = self.base.offset_from(state.stack.as_ptr()) as usize;
            state.top = self.fp.offset_from(state.frames.as_ptr()) as usize;
        }
    }

    /// Takes the position from the fiber that is to run.
    pub(crate) fn unpark(&mut self) {
        // SAFETY: the fiber is live; its position was written by `park` and is inside its stack and frames.
        unsafe {
            let state = &mut (*self.fiber).state;
            self.pc = state.pc;
            self.base = state.stack.as_mut_ptr().add(state.base);
            self.fp = state.frames.as_mut_ptr().add(state.top);
            let end = state.frames.len().min(self.limits.depth.saturating_sub(state.depth).max(1));
            self.frames_end = state.frames.as_mut_ptr().add(end);
            // Wrapping: a stack shorter than the margin gives a limit below its start, so that every call grows it.
            self.stack_limit = state.stack.as_mut_ptr().wrapping_add(state.stack.len()).wrapping_sub(MARGIN);
        }
    }

    /// A call found no room.
    pub(super) fn grow(&mut self, _: Word) -> Done {
        // SAFETY: `fp` and `base` point into the running fiber's frames and stack.
        unsafe {
            if self.fp.add(1) >= self.frames_end {
                self.grow_frames()?;
            }
            // A callee's registers begin among the caller's, and it has at most `MARGIN` of them.
            let frame = (*(*(*self.fp).closure).code).registers();
            self.ensure(frame + MARGIN)
        }
    }

    /// Makes sure that `count` registers from the base on exist.
    pub(super) fn ensure(&mut self, count: usize) -> Done {
        // SAFETY: the running fiber is live, and `base` points into its stack.
        unsafe {
            let state = &mut (*self.fiber).state;
            let base = self.base.offset_from(state.stack.as_ptr()) as usize;
            let needed = base + count + MARGIN;
            if needed <= state.stack.len() {
                return Ok(());
            }
            let size = needed.max(state.stack.len() * 2);
            let more = (size - state.stack.len()) * size_of::<Slot>();
            if !self.heap.has_room(more) {
                return Err(Fault::Collect(more));
            }
            self.heap.bytes += more;
            self.park();
            (*self.fiber).state.stack = longer(std::mem::take(&mut (*self.fiber).state.stack), size, Value::NIL);
            self.unpark();
            Ok(())
        }
    }

    /// The fault of passing the limit of calls.
    pub(super) fn too_deep(&mut self) -> Fault<'static> {
        let message = format!("more than {} calls are under way at once", self.limits.depth);
        self.failure(ErrorKind::StackOverflow, message)
    }

    /// Makes room for more frames, up to the depth limit.
    pub(super) fn grow_frames(&mut self) -> Done {
        // SAFETY: the running fiber is live, and `fp` points into its frames.
        unsafe {
            let state = &mut (*self.fiber).state;
            let allowed = self.limits.depth.saturating_sub(state.depth);
            let used = self.fp.offset_from(state.frames.as_ptr()) as usize + 1;
            if used >= allowed {
                return Err(self.too_deep());
            }
            if used < state.frames.len() {
                return Ok(());
            }
            let size = (state.frames.len() * 2).max(8);
            let more = (size - state.frames.len()) * size_of::<Frame>();
            if !self.heap.has_room(more) {
                return Err(Fault::Collect(more));
            }
            self.heap.bytes += more;
            self.park();
            (*self.fiber).state.frames = longer(std::mem::take(&mut (*self.fiber).state.frames), size, Frame::EMPTY);
            self.unpark();
            Ok(())
        }
    }
}

/// The same with more behind it. The allocator moves what is large without having it twice.
fn longer<T: Clone>(items: Box<[T]>, size: usize, fill: T) -> Box<[T]> {
    let mut items = items.into_vec();
    items.reserve_exact(size - items.len());
    items.resize(size, fill);
    items.into_boxed_slice()
}
