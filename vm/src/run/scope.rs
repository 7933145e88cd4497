//! Data of the host that programs may use for a while without owning them.

use std::marker::PhantomData;

use crate::cx::Cx;
use crate::failure::Failure;
use crate::heap::{Value, View};
use crate::host::class::{HostType, class_of};
use crate::host::{FromValue, Host, IntoArguments};
use crate::native::Fault;
use crate::root::Root;
use crate::vm::Vm;

/// A stretch of time in which a machine may use data that are not its own. Afterwards programs that have kept them get an
/// error where they use them.
pub struct Scope<'vm, 'env> {
    vm: &'vm mut Vm,
    lent: Vec<Root>,
    /// What is lent outlives the scope.
    env: PhantomData<&'env mut &'env ()>,
}

impl Vm {
    /// Does something during which data of the caller can be lent to programs.
    pub fn scope<'vm, 'env, R>(&'vm mut self, action: impl FnOnce(&mut Scope<'vm, 'env>) -> R) -> R {
        action(&mut Scope { vm: self, lent: Vec::new(), env: PhantomData })
    }
}

impl<'env> Scope<'_, 'env> {
    /// Lends data for reading and changing.
    ///
    /// # Errors
    /// The engine was not given the class of `T`; the heap limit.
    pub fn lend_mut<T: HostType>(&mut self, data: &'env mut T) -> Result<Root, Failure> {
        // SAFETY: the data are borrowed exclusively for longer than the scope, which takes them back when it ends.
        unsafe { self.lend_at(data, true) }
    }

    /// Lends data for reading.
    ///
    /// # Errors
    /// As [`lend_mut`](Self::lend_mut).
    pub fn lend<T: HostType + Sync>(&mut self, data: &'env T) -> Result<Root, Failure> {
        // SAFETY: the data are borrowed for longer than the scope, which takes them back when it ends, and programs are
        // refused to change them.
        unsafe { self.lend_at((data as *const T).cast_mut(), false) }
    }

    /// # Safety
    /// The data stay where they are for `'env`, and until then nobody else uses them in a way that Rust's rules exclude.
    unsafe fn lend_at<T: HostType>(&mut self, data: *mut T, is_mutable: bool) -> Result<Root, Failure> {
        let root = self.vm.enter(|cx| {
            let ty = class_of::<T>(cx)?;
            // SAFETY: the caller's word, and `Drop` below.
            let instance = unsafe { cx.heap().lent_instance(ty, data, is_mutable) };
            let instance = instance.ok_or(Fault::Defer)?;
            Ok(cx.machine.root(Value::from(instance).slot()))
        })?;
        self.lent.push(root.clone());
        Ok(root)
    }
}

impl Drop for Scope<'_, '_> {
    fn drop(&mut self) {
        for root in self.lent.drain(..) {
            if let Ok(value) = self.vm.machine.rooted(&root)
                && let View::Instance(instance) = value.view()
            {
                instance.take_back();
            }
        }
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
