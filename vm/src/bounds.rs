//! What a machine may use: for its life, and for one stretch of work within that.

use crate::machine::Limits;
use crate::vm::Vm;

impl Limits {
    /// The most bytes of the heap as a number.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.heap.unwrap_or(usize::MAX)
    }

    /// These, and no more than another allows that has used some fuel.
    fn within(&self, outer: &Limits, used: u64) -> Limits {
        fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            one.into_iter().chain(other).min()
        }
        Limits {
            fuel: least(self.fuel, outer.fuel.map(|fuel| fuel.saturating_sub(used))),
            heap: least(self.heap, outer.heap),
            depth: self.depth.min(outer.depth),
            deadline: least(self.deadline, outer.deadline),
        }
    }
}

impl Vm {
    /// Sets new limits for all that follows; fuel counts from now. [`with_limits`](Self::with_limits) sets them for one call.
    pub fn set_limits(&mut self, limits: Limits) {
        self.machine.heap.set_limit(limits.heap_bytes());
        self.machine.limits = limits;
        self.count_fuel_from(0);
    }

    /// Does something within limits of its own: its fuel counts from 0, and those of the machine hold as well, whichever
    /// is reached first. Afterwards the machine's hold again, and what was used counts for them.
    ///
    /// The heap is one: its limit is for all that the machine has, not for what is added meanwhile.
    ///
    /// ```
    /// use quipu_vm::{Limits, Vm};
    ///
    /// let mut vm = Vm::new(Default::default(), Limits::default())?;
    /// let text = vm.with_limits(Limits { fuel: Some(1_000), ..Limits::default() }, |vm| {
    ///     let seven = vm.int(7);
    ///     vm.repr(&seven)
    /// })?;
    /// assert_eq!(text, "7");
    /// # Ok::<(), quipu_vm::Failure>(())
    /// ```
    pub fn with_limits<R>(&mut self, limits: Limits, action: impl FnOnce(&mut Vm) -> R) -> R {
        within(self, |vm| vm, limits, action)
    }

    fn count_fuel_from(&mut self, used: u64) {
        self.machine.fuel = 0;
        self.machine.slice_end = used;
        self.machine.fuel_used = used;
    }
}

/// [`Vm::with_limits`] for what has a machine inside.
pub fn within<H, R>(host: &mut H, vm: fn(&mut H) -> &mut Vm, limits: Limits, action: impl FnOnce(&mut H) -> R) -> R {
    /// Puts the limits back, also when the action panics.
    struct Within<'h, H> {
        host: &'h mut H,
        vm: fn(&mut H) -> &mut Vm,
        outer: Limits,
        used: u64,
    }

    impl<H> Drop for Within<'_, H> {
        fn drop(&mut self) {
            let vm = (self.vm)(self.host);
            let used = self.used.saturating_add(vm.machine.total_fuel_used());
            vm.set_limits(self.outer.clone());
            vm.count_fuel_from(used);
        }
    }

    let machine = vm(host);
    let (outer, used) = (machine.machine.limits.clone(), machine.machine.total_fuel_used());
    machine.set_limits(limits.within(&outer, used));
    let within = Within { host, vm, outer, used };
    action(&mut *within.host)
}
