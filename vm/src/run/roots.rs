//! Values that the host holds.

use crate::error::ErrorKind;
use crate::heap::{Slot, Value};
use crate::machine::Machine;
use crate::native::Fault;
use crate::root::Root;

impl Machine {
    /// A handle to a value.
    pub(crate) fn root(&mut self, value: Slot) -> Root {
        if let Ok(mut dropped) = self.dropped.lock() {
            for index in dropped.drain(..) {
                self.roots[index] = Value::NIL;
                self.free_roots.push(index);
            }
        }
        let index = match self.free_roots.pop() {
            Some(index) => {
                self.roots[index] = value;
                index
            }
            None => {
                self.roots.push(value);
                self.roots.len() - 1
            }
        };
        Root::new(index, &self.dropped)
    }

    /// The value that a handle stands for.
    ///
    /// # Errors
    /// `value_error` when it is a handle of another machine.
    pub(crate) fn rooted<'v>(&mut self, root: &Root) -> Result<Value<'v>, Fault<'v>> {
        match root.place_in(&self.dropped).and_then(|place| self.roots.get(place)) {
            // SAFETY: it was reached until now, and what was there before a native began or was called back is not
            // freed while it is active; calls from outside use it before anything is collected.
            Some(&slot) => Ok(unsafe { slot.rebrand() }),
            None => Err(self.cx_mut().fail(ErrorKind::Value, "a value of another machine was given to this one")),
        }
    }
}
