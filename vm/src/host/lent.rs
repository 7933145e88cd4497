//! Data of the host that programs may use for a while without owning them.

use super::class::{HostType, class_of};
use super::{FromValue, Host, IntoArguments};
use crate::bounds::within;
use crate::cx::Cx;
use crate::failure::Failure;
use crate::heap::host::{Lender, lending};
use crate::heap::{Heap, Instance, Type, Value};
use crate::machine::Limits;
use crate::native::Fault;
use crate::root::Root;
use crate::vm::Vm;

/// A stretch of time in which a machine may use data that are not its own. Afterwards programs that have kept them get an
/// error where they use them.
pub struct Scope<'vm, 'env> {
    vm: &'vm mut Vm,
    /// What is lent outlives the scope.
    lender: Lender<'env>,
}

impl Vm {
    /// Does something during which data of the caller can be lent to programs.
    pub fn scope<'vm, 'env, R>(&'vm mut self, action: impl FnOnce(&mut Scope<'vm, 'env>) -> R) -> R {
        lending(self, |vm, lender| action(&mut Scope { vm, lender }))
    }
}

impl<'env> Scope<'_, 'env> {
    /// Lends data for reading and changing.
    ///
    /// # Errors
    /// The engine was not given the class of `T`; the heap limit.
    pub fn lend_mut<T: HostType>(&mut self, data: &'env mut T) -> Result<Root, Failure> {
        self.instance::<T>(|lender, heap, ty| lender.lend_mut(heap, ty, data))
    }

    /// Lends data for reading.
    ///
    /// # Errors
    /// As [`lend_mut`](Self::lend_mut).
    pub fn lend<T: HostType + Sync>(&mut self, data: &'env T) -> Result<Root, Failure> {
        self.instance::<T>(|lender, heap, ty| lender.lend(heap, ty, data))
    }

    /// Does something within limits of its own, as [`Vm::with_limits`] does.
    pub fn with_limits<R>(&mut self, limits: Limits, action: impl FnOnce(&mut Self) -> R) -> R {
        within(self, |scope| scope.vm, limits, action)
    }

    fn instance<T: HostType>(
        &mut self,
        lend: impl for<'v> FnOnce(&Lender<'env>, &mut Heap, Type<'v>) -> Option<Instance<'v>>,
    ) -> Result<Root, Failure> {
        let lender = &self.lender;
        self.vm.enter(|cx| {
            let ty = class_of::<T>(cx)?;
            let instance = lend(lender, cx.heap(), ty).ok_or(Fault::Defer)?;
            Ok(cx.machine.root(Value::from(instance).slot()))
        })
    }
}

/// Programs are called through this; the machine itself is not given out, as it could be exchanged for another one,
/// which would keep what was lent.
impl Host for Scope<'_, '_> {
    fn enter<R>(&mut self, action: impl for<'v> FnOnce(&mut Cx<'v>) -> Result<R, Fault<'v>>) -> Result<R, Failure> {
        self.vm.enter(action)
    }

    fn invoke<A: IntoArguments, R: FromValue>(&mut self, function: &Root, arguments: A) -> Result<R, Failure> {
        self.vm.invoke(function, arguments)
    }
}

impl std::fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
