//! Lists.

use crate::cx::Cx;
use crate::heap::Heap;
use crate::heap::journal::Change;
use crate::heap::layout::ListObject;
use crate::heap::value::{Gc, Slot, Value};
use crate::native::Fault;

impl<'v> Gc<'v, ListObject> {
    /// The elements. The reference must end before anything else touches the list.
    #[allow(clippy::mut_from_ref)]
    #[inline(always)]
    fn items(&self) -> &mut Vec<Slot> {
        // SAFETY: the object is live. The methods of this file are the only users; none of them keeps the reference
        // while it calls something that could reach the list, and a machine is used by one thread at a time.
        unsafe { &mut (*self.as_ptr()).items }
    }

    /// The elements as values, for as long as nothing changes the list.
    #[inline(always)]
    fn values(&self) -> &[Value<'v>] {
        let items = self.items();
        // SAFETY: as for `items`; elements of a live list are live.
        unsafe { super::values(items.as_ptr(), items.len()) }
    }

    /// Number of elements.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.items().len()
    }

    /// Whether it has no elements.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Element number `index`, from 0.
    #[inline(always)]
    pub fn get(self, index: usize) -> Option<Value<'v>> {
        self.values().get(index).copied()
    }

    /// The first element.
    pub fn first(self) -> Option<Value<'v>> {
        self.get(0)
    }

    /// The last element.
    pub fn last(self) -> Option<Value<'v>> {
        self.values().last().copied()
    }

    /// A copy of the elements. The caller charges for it.
    pub fn to_vec(self) -> Vec<Value<'v>> {
        self.values().to_vec()
    }

    /// A copy of the elements from `start` up to `end`, as far as there are any.
    pub fn slice(self, start: usize, end: usize) -> Vec<Value<'v>> {
        let end = end.min(self.len());
        self.values().get(start..end).unwrap_or(&[]).to_vec()
    }

    /// The elements by rising index; each is looked up when its turn comes, so the list may change meanwhile.
    pub fn iter(self) -> impl Iterator<Item = Value<'v>> + use<'v> {
        (0..).map_while(move |index| self.get(index))
    }

    /// Whether all elements have this tag.
    pub(crate) fn is_all(self, tag: u64) -> bool {
        self.values().iter().all(|value| value.tag == tag)
    }

    /// Copies the payloads of elements from `start` on, little end first, as many as there are and fit; gives how many.
    pub(crate) fn copy_bits(self, start: usize, to: &mut [[u8; 8]]) -> usize {
        let values = self.values().get(start..).unwrap_or(&[]);
        to.iter_mut().zip(values).for_each(|(to, value)| *to = value.bits.to_le_bytes());
        values.len().min(to.len())
    }

    /// Replaces element number `index`; false if there is none.
    #[inline(always)]
    pub fn set(self, cx: &mut Cx<'v>, index: usize, value: Value<'v>) -> bool {
        self.set_in(cx.heap(), index, value)
    }

    /// [`set`](Self::set) for the machine itself.
    #[inline(always)]
    pub(crate) fn set_in(self, heap: &mut Heap, index: usize, value: Value<'v>) -> bool {
        let Some(item) = self.items().get_mut(index) else { return false };
        let old = std::mem::replace(item, value.slot());
        if heap.logs(self.header()) {
            heap.log(Change::Item(self.as_ptr(), index, old));
        }
        true
    }

    /// Appends an element.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    #[inline(always)]
    pub fn push(self, cx: &mut Cx<'v>, value: Value<'v>) -> Result<(), Fault<'v>> {
        self.push_in(cx.heap(), value)
    }

    /// [`push`](Self::push) for the machine itself.
    #[inline(always)]
    pub(crate) fn push_in(self, heap: &mut Heap, value: Value<'v>) -> Result<(), Fault<'v>> {
        heap.grow(self.items(), 1)?;
        self.log_growth(heap);
        self.items().push(value.slot());
        Ok(())
    }

    /// Appends elements in order.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn extend_from_slice(self, cx: &mut Cx<'v>, values: &[Value<'v>]) -> Result<(), Fault<'v>> {
        let heap = cx.heap();
        heap.grow(self.items(), values.len())?;
        self.log_growth(heap);
        self.items().extend(values.iter().map(|value| value.slot()));
        Ok(())
    }

    #[inline(always)]
    fn log_growth(self, heap: &mut Heap) {
        if heap.logs(self.header()) {
            heap.log(Change::Grown(self.as_ptr(), self.len()));
        }
    }

    /// Takes off the last element.
    #[inline]
    pub fn pop(self, cx: &mut Cx<'v>) -> Option<Value<'v>> {
        let last = self.last()?;
        if cx.heap().logs(self.header()) {
            self.truncate(cx, self.len() - 1);
        } else {
            self.items().pop();
            cx.heap().shrink(self.items());
        }
        Some(last)
    }

    /// Puts an element in before number `index`; at the end if that is the length or more.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn insert(self, cx: &mut Cx<'v>, index: usize, value: Value<'v>) -> Result<(), Fault<'v>> {
        let heap = cx.heap();
        heap.grow(self.items(), 1)?;
        let index = index.min(self.len());
        if heap.logs(self.header()) {
            heap.log(Change::Inserted(self.as_ptr(), index));
        }
        self.items().insert(index, value.slot());
        Ok(())
    }

    /// Takes out element number `index`.
    pub fn remove(self, cx: &mut Cx<'v>, index: usize) -> Option<Value<'v>> {
        let value = self.get(index)?;
        let heap = cx.heap();
        if heap.logs(self.header()) {
            heap.log(Change::Removed(self.as_ptr(), index, value.slot()));
        }
        self.items().remove(index);
        heap.shrink(self.items());
        Some(value)
    }

    /// Drops all elements from number `len` on.
    pub fn truncate(self, cx: &mut Cx<'v>, len: usize) {
        if len >= self.len() {
            return;
        }
        let heap = cx.heap();
        if heap.logs(self.header()) {
            let change = match self.items().split_off(len) {
                one if one.len() == 1 => Change::Shrunk(self.as_ptr(), one),
                many => Change::Shrunk(self.as_ptr(), many),
            };
            heap.log(change);
        } else {
            self.items().truncate(len);
        }
        heap.shrink(self.items());
    }

    /// Drops all elements.
    pub fn clear(self, cx: &mut Cx<'v>) {
        let heap = cx.heap();
        let old = std::mem::take(self.items());
        heap.bytes -= old.capacity() * size_of::<Slot>();
        if heap.logs(self.header()) {
            heap.log(Change::Items(self.as_ptr(), old));
        }
    }

    /// Replaces all elements.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn replace_all(self, cx: &mut Cx<'v>, values: Vec<Value<'v>>) -> Result<(), Fault<'v>> {
        let bytes = values.capacity() * size_of::<Slot>();
        cx.reserve(bytes)?;
        self.clear(cx);
        *self.items() = values.into_iter().map(|value| value.slot()).collect();
        cx.heap().bytes += self.items().capacity() * size_of::<Slot>();
        Ok(())
    }

    /// Reverses the order of the elements.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn reverse(self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        if cx.heap().logs(self.header()) {
            let reversed = self.values().iter().rev().copied().collect();
            return self.replace_all(cx, reversed);
        }
        self.items().reverse();
        Ok(())
    }

    /// Exchanges two elements; false if one of them is missing.
    pub fn swap(self, cx: &mut Cx<'v>, i: usize, j: usize) -> bool {
        match (self.get(i), self.get(j)) {
            (Some(a), Some(b)) => self.set(cx, i, b) && self.set(cx, j, a),
            _ => false,
        }
    }
}
