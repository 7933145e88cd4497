//! Lists.

use crate::cx::Cx;
use crate::heap::Heap;
use crate::heap::items::Items;
use crate::heap::journal::Change;
use crate::heap::layout::ListObject;
use crate::heap::value::{Gc, Slot, Value};
use crate::native::Fault;

/// From so many elements on a list has room before the first one when elements come and go there: shorter ones move them.
const FRONT_FROM: usize = 16;

impl<'v> Gc<'v, ListObject> {
    /// The elements. The reference must end before anything else touches the list.
    #[allow(clippy::mut_from_ref)]
    #[inline(always)]
    fn items(&self) -> &mut Items {
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
        self.make_room(heap, 1)?;
        self.log_growth(heap);
        // SAFETY: the room has just been made.
        unsafe { self.items().push(value.slot()) };
        Ok(())
    }

    /// Appends elements in order.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn extend_from_slice(self, cx: &mut Cx<'v>, values: &[Value<'v>]) -> Result<(), Fault<'v>> {
        let heap = cx.heap();
        self.make_room(heap, values.len())?;
        self.log_growth(heap);
        let items = self.items();
        // SAFETY: the room for so many has just been made.
        values.iter().for_each(|value| unsafe { items.push(value.slot()) });
        Ok(())
    }

    /// Makes room for `more` elements behind the last one.
    #[inline]
    fn make_room(self, heap: &mut Heap, more: usize) -> Result<(), Fault<'v>> {
        let items = self.items();
        if items.capacity() - items.len() >= more { Ok(()) } else { self.make_room_slow(heap, more) }
    }

    #[cold]
    #[inline(never)]
    fn make_room_slow(self, heap: &mut Heap, more: usize) -> Result<(), Fault<'v>> {
        let items = self.items();
        // Moving elements is paid for by those that were taken off before them.
        if items.front() >= more.max(items.len()) {
            items.slide(0);
            return Ok(());
        }
        items.change(|items| heap.grow(items, more))
    }

    /// Makes room for an element before the first one.
    fn make_front(self, heap: &mut Heap) -> Result<(), Fault<'v>> {
        let items = self.items();
        if items.front() > 0 {
            return Ok(());
        }
        // Moving elements is paid for by those that get room: as many as half of them, or as there are.
        if items.capacity() - items.len() <= items.len() / 2 {
            items.change(|items| heap.grow(items, 1))?;
        }
        let free = items.capacity() - items.len();
        items.slide(free - free / 4);
        Ok(())
    }

    /// Gives back memory that is no longer needed.
    fn shrink(self, heap: &mut Heap) {
        let items = self.items();
        let old = items.slots();
        if old > 64 && items.len() < old / 4 {
            items.change(|items| items.shrink_to(old / 2));
            heap.bytes -= (old - items.slots()) * size_of::<Slot>();
        }
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
            self.items().truncate(self.len() - 1);
            self.shrink(cx.heap());
        }
        Some(last)
    }

    /// Puts an element in before number `index`; at the end if that is the length or more.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn insert(self, cx: &mut Cx<'v>, index: usize, value: Value<'v>) -> Result<(), Fault<'v>> {
        let heap = cx.heap();
        let index = index.min(self.len());
        let at_front = index == 0 && self.len() >= FRONT_FROM;
        match at_front {
            true => self.make_front(heap)?,
            false => self.make_room(heap, 1)?,
        }
        if heap.logs(self.header()) {
            heap.log(Change::Inserted(self.as_ptr(), index));
        }
        match self.items() {
            items if at_front => _ = items.put_first(value.slot()),
            // SAFETY: the room has just been made.
            items if index == items.len() => unsafe { items.push(value.slot()) },
            items => items.change(|items| items.insert(index, value.slot())),
        }
        Ok(())
    }

    /// Takes out element number `index`.
    pub fn remove(self, cx: &mut Cx<'v>, index: usize) -> Option<Value<'v>> {
        let value = self.get(index)?;
        let heap = cx.heap();
        if heap.logs(self.header()) {
            heap.log(Change::Removed(self.as_ptr(), index, value.slot()));
        }
        match self.items() {
            items if index == 0 && items.len() >= FRONT_FROM => _ = items.take_first(),
            items => {
                items.copy_within(index + 1.., index);
                items.truncate(items.len() - 1);
            }
        }
        self.shrink(heap);
        Some(value)
    }

    /// Drops all elements from number `len` on.
    pub fn truncate(self, cx: &mut Cx<'v>, len: usize) {
        if len >= self.len() {
            return;
        }
        let heap = cx.heap();
        if heap.logs(self.header()) {
            heap.log(Change::Shrunk(self.as_ptr(), self.items()[len..].to_vec()));
        }
        self.items().truncate(len);
        self.shrink(heap);
    }

    /// Drops all elements.
    pub fn clear(self, cx: &mut Cx<'v>) {
        let heap = cx.heap();
        let old = std::mem::take(self.items()).into_vec();
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
        *self.items() = values.into_iter().map(|value| value.slot()).collect::<Vec<_>>().into();
        cx.heap().bytes += self.items().slots() * size_of::<Slot>();
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
