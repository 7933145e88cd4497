//! The elements of a list: one piece of memory, with room behind the last element and, where elements come and go at the
//! front, before the first.
//!
//! ```text
//!             first                 first + len            first + room
//!   │ front │ n │ element .. element │                      │
//!               ^                                             `room` is this, or `!room` while there is such a front;
//!               the slot before the first element says how long it is
//! ```
//!
//! Handlers see elements where they are, and append where `room` says that there is room; for lists with a front it never
//! does, so those are appended to on the slow path. Whatever neither takes elements off the front nor puts them there works on
//! a `Vec` without a front.

use std::mem::{ManuallyDrop, forget, replace, take};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::value::Slot;

/// The elements of a list.
pub(crate) struct Items {
    /// The first element, inside of memory that a `Vec` has taken.
    first: NonNull<Slot>,
    len: usize,
    /// Slots from the first element to the end of the memory; their complement, which is negative, if there are free ones before
    /// it, too.
    room: isize,
}

impl Default for Items {
    #[inline]
    fn default() -> Items {
        Vec::new().into()
    }
}

impl From<Vec<Slot>> for Items {
    #[inline]
    fn from(items: Vec<Slot>) -> Items {
        let mut items = ManuallyDrop::new(items);
        // A vector's memory has fewer than `isize::MAX` bytes, and slots have 16 each.
        let (len, room) = (items.len(), items.capacity() as isize);
        // SAFETY: a vector's pointer is never null.
        Items { first: unsafe { NonNull::new_unchecked(items.as_mut_ptr()) }, len, room }
    }
}

impl Drop for Items {
    #[inline]
    fn drop(&mut self) {
        let (memory, slots) = self.memory();
        // SAFETY: the parts are those of a vector, and nobody uses them afterwards; slots need not be dropped.
        drop(unsafe { Vec::from_raw_parts(memory, 0, slots) });
    }
}

impl Deref for Items {
    type Target = [Slot];

    #[inline(always)]
    fn deref(&self) -> &[Slot] {
        // SAFETY: so many elements stand there.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl DerefMut for Items {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [Slot] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }
}

impl Items {
    /// Whether a handler may append an element.
    #[inline(always)]
    pub fn has_room(&self) -> bool {
        (self.len as isize) < self.room
    }

    /// How many elements fit without more memory, from where the first one stands.
    #[inline]
    pub fn capacity(&self) -> usize {
        (if self.room < 0 { !self.room } else { self.room }) as usize
    }

    /// Free slots before the first element.
    #[inline]
    pub fn front(&self) -> usize {
        // SAFETY: a negative room says that there is a slot before the first element, which holds their number.
        if self.room < 0 { unsafe { (*self.first.as_ptr().sub(1)).bits as usize } } else { 0 }
    }

    /// All slots that there is memory for.
    #[inline]
    pub fn slots(&self) -> usize {
        self.front() + self.capacity()
    }

    /// Appends an element.
    ///
    /// # Safety
    /// There are fewer than [`capacity`](Self::capacity).
    #[inline(always)]
    pub unsafe fn push(&mut self, item: Slot) {
        // SAFETY: the caller's word.
        unsafe { self.first.as_ptr().add(self.len).write(item) };
        self.len += 1;
    }

    /// Takes off the elements from number `len` on.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Takes the first element off.
    pub fn take_first(&mut self) -> Option<Slot> {
        let first = self.deref().first().copied()?;
        let (memory, slots) = self.memory();
        // What is empty needs no front.
        let front = if self.len == 1 { 0 } else { self.front() + 1 };
        // SAFETY: the other elements stand where they stood.
        unsafe { self.set(memory, slots, front, self.len - 1) };
        Some(first)
    }

    /// Puts an element before the first one, if there is room.
    pub fn put_first(&mut self, item: Slot) -> bool {
        let front = self.front();
        if front > 0 {
            let (memory, slots) = self.memory();
            // SAFETY: the slot before the first element is free, and is filled before it is one; the others stand where they
            // stood.
            unsafe {
                memory.add(front - 1).write(item);
                self.set(memory, slots, front - 1, self.len + 1);
            }
        }
        front > 0
    }

    /// Puts an element before the first one, with room for more if there is none.
    pub fn insert_first(&mut self, item: Slot) {
        if !self.put_first(item) {
            self.change(|items| items.reserve(items.len().max(4)));
            self.slide((self.capacity() - self.len).div_ceil(2));
            self.put_first(item);
        }
    }

    /// Moves the elements so that so many free slots stand before them, as far as there are any.
    pub fn slide(&mut self, front: usize) {
        let (memory, slots) = self.memory();
        let front = front.min(slots - self.len);
        // SAFETY: the elements fit behind so many slots.
        unsafe {
            memory.add(front).copy_from(self.first.as_ptr(), self.len);
            self.set(memory, slots, front, self.len);
        }
    }

    /// Where the memory begins, and how many slots it has.
    fn memory(&self) -> (*mut Slot, usize) {
        let front = self.front();
        // SAFETY: so many slots stand before the first element.
        (unsafe { self.first.as_ptr().sub(front) }, front + self.capacity())
    }

    /// Says where the elements are.
    ///
    /// # Safety
    /// The memory has so many slots, the first `front` of which are free, and `len` elements stand behind these.
    unsafe fn set(&mut self, memory: *mut Slot, slots: usize, front: usize, len: usize) {
        debug_assert!(front + len <= slots);
        let room = (slots - front) as isize;
        // SAFETY: the caller's word; the first element is within the memory, or where it ends.
        unsafe {
            self.first = NonNull::new_unchecked(memory.add(front));
            if front > 0 {
                memory.add(front - 1).write(Slot::int(front as i64));
            }
        }
        (self.len, self.room) = (len, if front > 0 { !room } else { room });
    }

    /// Does something with the elements as a vector. They keep no front.
    #[inline]
    pub fn change<T>(&mut self, change: impl FnOnce(&mut Vec<Slot>) -> T) -> T {
        let mut items = take(self).into_vec();
        let value = change(&mut items);
        // What is replaced owns nothing.
        forget(replace(self, items.into()));
        value
    }

    /// The elements as a vector.
    #[inline]
    pub fn into_vec(mut self) -> Vec<Slot> {
        if self.room < 0 {
            self.slide(0);
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: the parts are those of a vector, and the elements begin where its memory does.
        unsafe { Vec::from_raw_parts(this.first.as_ptr(), this.len, this.capacity()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn elements_are_where_a_deque_has_them(steps in proptest::collection::vec((0..9u8, any::<u8>()), 0..200)) {
            let (mut items, mut model) = (Items::default(), VecDeque::new());
            for (number, (what, size)) in steps.into_iter().enumerate() {
                let item = Slot::int(number as i64);
                match what {
                    0..3 => {
                        if items.len() == items.capacity() {
                            items.change(|items| items.reserve(1 + size as usize % 8));
                        }
                        // SAFETY: there is room.
                        unsafe { items.push(item) };
                        model.push_back(number as i64);
                    }
                    3..5 => assert_eq!(items.take_first().and_then(Slot::as_int), model.pop_front()),
                    5..7 => {
                        if items.put_first(item) {
                            model.push_front(number as i64);
                        }
                    }
                    7 => items.slide(size as usize % 16),
                    _ => {
                        items.truncate(size as usize);
                        model.truncate(size as usize);
                    }
                }
                assert!(items.iter().filter_map(|item| item.as_int()).eq(model.iter().copied()));
                assert!(items.front() + items.len() <= items.slots());
                assert_eq!(items.has_room(), items.front() == 0 && items.len() < items.capacity());
            }
            assert_eq!(items.into_vec().len(), model.len());
        }
    }
}
