//! What can be done with objects of each kind, safely.
//!
//! Three rules keep this sound and exact. References are given out only into parts that never change; lists and tables
//! give copies. A method that changes something reserves memory first, then logs for `atomic`, then changes. And none
//! of them calls back into the machine.

pub(crate) mod text;
mod list;
mod frozen;
mod table;
mod instance;
mod function;

use super::Heap;
use super::journal::Change;
use super::layout::Header;
use super::value::{Slot, Value};
use crate::native::{Fault, Stop};

pub(crate) use self::table::FiledKeys;

/// Slots of a live object as values.
///
/// # Safety
/// `first` must be the first of `count` initialised slots that never change and whose object lives for `'v`.
unsafe fn values<'v>(first: *const Slot, count: usize) -> &'v [Value<'v>] {
    // SAFETY: the caller's word; a slot and a value are the same but for the brand.
    unsafe { std::slice::from_raw_parts(first.cast(), count) }
}

impl Heap {
    /// Whether changes to an object with this header have to be logged now.
    #[inline(always)]
    pub(in crate::heap) fn logs(&self, header: *mut Header) -> bool {
        // SAFETY: callers pass the header of an object they hold.
        self.journal.is_on() && self.journal.wants(unsafe { &*header })
    }

    /// Adds an entry to the undo log and counts its memory.
    pub(crate) fn log(&mut self, change: Change) {
        self.journal.push(change);
        self.settle();
    }

    /// Makes room for `more` elements behind a vector's last one, and counts the memory.
    #[inline]
    fn grow<'v, T>(&mut self, items: &mut Vec<T>, more: usize) -> Result<(), Fault<'v>> {
        let (len, old) = (items.len(), items.capacity());
        let least = len.checked_add(more).ok_or(Fault::Stop(Stop::Heap))?;
        let roomy = least.max(old.saturating_mul(2)).max(4);
        let bytes = |capacity: usize| capacity.saturating_sub(old).saturating_mul(size_of::<T>());
        // Near the limit the usual doubling would ask for more than is needed.
        let capacity = if self.has_room(bytes(roomy)) { roomy } else { least };
        if !self.has_room(bytes(capacity)) {
            return Err(Fault::Collect(bytes(capacity)));
        }
        items.try_reserve_exact(capacity - len).map_err(|_| Fault::Stop(Stop::Heap))?;
        self.bytes += (items.capacity() - old) * size_of::<T>();
        Ok(())
    }
}
