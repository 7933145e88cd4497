//! Tuples, ranges and errors.

use crate::heap::Heap;
use crate::heap::layout::{ErrorObject, RangeObject, TupleObject, flag};
use crate::heap::value::{Gc, Slot, Value};
use crate::trace::Trace;

impl<'v> Gc<'v, TupleObject> {
    /// The elements.
    #[inline(always)]
    pub fn as_slice(self) -> &'v [Value<'v>] {
        let object = self.as_ptr();
        // SAFETY: `len` elements follow the object, never change, and live for `'v`.
        unsafe { super::values(object.add(1).cast(), (*object).len) }
    }

    /// Number of elements.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.as_slice().len()
    }

    /// Whether it has no elements.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Element number `index`, from 0.
    #[inline(always)]
    pub fn get(self, index: usize) -> Option<Value<'v>> {
        self.as_slice().get(index).copied()
    }
}

impl<'v> Gc<'v, RangeObject> {
    /// The first element, if there is any.
    pub fn start(self) -> i64 {
        // SAFETY: the object is live.
        unsafe { (*self.as_ptr()).start }
    }

    /// The bound as it was written.
    pub fn end(self) -> i64 {
        // SAFETY: the object is live.
        unsafe { (*self.as_ptr()).end }
    }

    /// The distance from one element to the next; not 0.
    pub fn step(self) -> i64 {
        // SAFETY: the object is live.
        unsafe { (*self.as_ptr()).step }
    }

    /// Whether the bound itself belongs to it.
    pub fn is_inclusive(self) -> bool {
        // SAFETY: the object is live.
        unsafe { (*self.header()).flags & flag::INCLUSIVE != 0 }
    }

    /// All that it consists of: start, end, step, and whether the end is included.
    pub fn content(self) -> (i64, i64, i64, bool) {
        (self.start(), self.end(), self.step(), self.is_inclusive())
    }

    /// Its first element, the step, and the number of elements for a countdown: one too few for the whole of the ints.
    pub fn parts(self) -> (i64, i64, u64) {
        (self.start(), self.step(), self.len().min(u64::MAX.into()) as u64)
    }

    /// Number of elements; the whole of the ints has one more than fits 64 bits.
    pub fn len(self) -> u128 {
        let (start, end, step) = (self.start() as i128, self.end() as i128, self.step() as i128);
        let distance = if step < 0 { start - end } else { end - start };
        let distance = distance + self.is_inclusive() as i128;
        if distance <= 0 || step == 0 { 0 } else { ((distance - 1) / step.abs() + 1) as u128 }
    }

    /// Whether it has no elements.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Element number `index`.
    pub fn get(self, index: u128) -> Option<i64> {
        if index >= self.len() {
            return None;
        }
        // In range, so the product is below 2^65 and the sum is between the bounds.
        Some((self.start() as i128 + index as i128 * self.step() as i128) as i64)
    }

    /// The place of a number among its elements.
    pub fn position(self, number: i64) -> Option<u128> {
        let (offset, step) = (number as i128 - self.start() as i128, self.step() as i128);
        if step == 0 || offset % step != 0 || offset / step < 0 {
            return None;
        }
        let index = (offset / step) as u128;
        (index < self.len()).then_some(index)
    }
}

impl<'v> Gc<'v, TupleObject> {
    /// Puts another value in the place of an element; false if there is none. Whoever does that clears what is kept of hashes.
    pub(crate) fn replace(self, heap: &mut Heap, index: usize, value: Value<'v>) -> bool {
        if index >= self.as_slice().len() {
            return false;
        }
        // SAFETY: the index was just compared.
        unsafe { heap.change_part(self, index, value) };
        true
    }
}

impl<'v> Gc<'v, ErrorObject> {
    /// Its kind, such as `type_error`.
    pub fn kind(self) -> &'v str {
        // SAFETY: the object is live for `'v`, what it refers to as well, and kinds never change.
        unsafe { (*self.as_ptr()).data.kind.rebrand::<'v>() }.as_str().unwrap_or("error")
    }

    /// Its kind as a value.
    pub fn kind_value(self) -> Value<'v> {
        // SAFETY: the object is live for `'v`, and what it refers to as well.
        unsafe { (*self.as_ptr()).data.kind.rebrand() }
    }

    /// Its message.
    pub fn message(self) -> Value<'v> {
        // SAFETY: the object is live for `'v`, and what it refers to as well.
        unsafe { (*self.as_ptr()).data.message.rebrand() }
    }

    /// What it is about.
    pub fn data(self) -> Value<'v> {
        // SAFETY: the object is live for `'v`, and what it refers to as well.
        unsafe { (*self.as_ptr()).data.data.rebrand() }
    }

    /// What was under way when it was thrown by something deferred; nil if nothing was.
    pub fn during(self) -> Value<'v> {
        // SAFETY: the object is live for `'v`, and what it refers to as well.
        unsafe { (*self.as_ptr()).data.during.rebrand() }
    }

    /// Remembers what was under way when it was thrown.
    pub(crate) fn set_during(self, before: Slot) {
        // SAFETY: the object is live, and nothing refers to its parts but copies.
        unsafe { (*self.as_ptr()).data.during = before };
    }

    /// The host's own error that it stands for.
    pub fn host(self) -> Option<std::sync::Arc<dyn std::error::Error + Send + Sync>> {
        // SAFETY: the object is live; the reference ends here.
        unsafe { (*self.as_ptr()).data.host.clone() }
    }

    /// Says which error of the host it stands for.
    pub(crate) fn set_host(self, error: std::sync::Arc<dyn std::error::Error + Send + Sync>) {
        // SAFETY: the object is live, and nothing refers to its parts but copies.
        unsafe { (*self.as_ptr()).data.host = Some(error) };
    }

    /// Whether it is not known yet where in this machine it was thrown.
    pub(crate) fn trace_is_open(self) -> bool {
        // SAFETY: the object is live; the reference ends here.
        unsafe { (*self.as_ptr()).data.trace.as_ref() }.is_none_or(|trace| trace.is_from_elsewhere())
    }

    /// A copy of where it was thrown; none before it is thrown.
    pub fn trace(self) -> Option<Trace> {
        // SAFETY: the object is live; the reference ends here.
        unsafe { (*self.as_ptr()).data.trace.as_deref().cloned() }
    }
}
