//! Safepoints: fuel, time and interrupts.

use std::sync::atomic::Ordering;

use quipu_code::Word;

use crate::clock::Moment;
use crate::machine::Machine;
use crate::native::{Fault, Stop};

/// Safepoints between two looks at the clock and the interrupt flag.
const SLICE: u64 = 20_000;

/// The same for a run that should have stopped.
const OVERDUE: u64 = 100;

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
            Err(stop) => self.abandon_between(stop),
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
        let is_late = self.limits.deadline.is_some_and(|deadline| self.now() >= deadline);
        if is_late || self.unwinding.is_late(|| self.now()) {
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
}
