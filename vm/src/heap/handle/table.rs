//! Maps and sets, but for what may call methods of keys: that is `ops::key`.

use hashbrown::{HashMap, HashSet};

use crate::cx::Cx;
use crate::heap::Heap;
use crate::heap::journal::Change;
use crate::heap::layout::{LONG, StrObject, TableObject};
use crate::heap::table::{Table, TableChange};
use crate::heap::value::{Gc, Slot, Str, Value, View, tag};
use crate::native::{Fault, Stop};

impl<'v> Gc<'v, TableObject> {
    /// The content. The reference must end before anything else touches the table, so it is never kept across a call
    /// into the machine.
    #[allow(clippy::mut_from_ref)]
    #[inline(always)]
    fn table(&self) -> &mut Table {
        // SAFETY: the object is live. The methods of this file are the only users and keep to the rule above, and a
        // machine is used by one thread at a time.
        unsafe { &mut (*self.as_ptr()).table }
    }

    /// Whether it is a set.
    pub fn is_set(self) -> bool {
        // SAFETY: the object is live.
        unsafe { (*self.header()).kind as u64 == tag::SET }
    }

    /// Number of entries.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.table().len()
    }

    /// Whether it has no entries.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value under a key that is an int.
    #[inline]
    pub fn get_int(self, cx: &mut Cx<'v>, key: i64) -> Option<Value<'v>> {
        self.get_int_in(cx.heap(), key)
    }

    /// [`get_int`](Self::get_int) for the machine itself.
    #[inline]
    pub(crate) fn get_int_in(self, heap: &Heap, key: i64) -> Option<Value<'v>> {
        let slot = self.table().find_int(heap.keyed.int(key), key)?;
        Some(self.value_at(slot))
    }

    /// The value under a key that is a string.
    #[inline]
    pub fn get_str(self, cx: &mut Cx<'v>, key: Str<'v>) -> Option<Value<'v>> {
        self.get_str_in(cx.heap(), key)
    }

    /// [`get_str`](Self::get_str) for the machine itself.
    #[inline]
    pub(crate) fn get_str_in(self, heap: &Heap, key: Str<'v>) -> Option<Value<'v>> {
        let slot = self.find_str(heap, key)?;
        Some(self.value_at(slot))
    }

    /// The value under a key that is an int or string, absent if there is none; nothing for other keys, and for those that
    /// have to be paid for.
    #[inline]
    pub(crate) fn get_plain(self, heap: &Heap, key: Slot) -> Option<Value<'v>> {
        let found = match key.view() {
            View::Int(key) => self.get_int_in(heap, key),
            // SAFETY: the caller's key is live.
            View::Str(key) if key.as_str().len() < LONG => self.get_str_in(heap, unsafe { Gc::from_ptr(key.as_ptr()) }),
            _ => return None,
        };
        Some(found.unwrap_or(Value::ABSENT))
    }

    /// The value under the string at an address, and its slot; `hint` is a slot to be tried first.
    #[inline]
    pub(crate) fn get_named(self, heap: &Heap, name: u64, hint: u64) -> Option<(Value<'v>, u64)> {
        if let Some(value) = self.table().value_of_text(hint, name) {
            // SAFETY: what a live table refers to is live.
            return Some((unsafe { value.rebrand() }, hint));
        }
        // SAFETY: the caller's address is that of a live string.
        let slot = self.find_str(heap, unsafe { Gc::from_ptr(name as *mut StrObject) })?;
        Some((self.value_at(slot), slot as u64))
    }

    /// Puts a value under a key that is an int or string, if there is room for it and the key need not be paid for; tells
    /// whether it has. Nothing is logged.
    #[inline]
    pub(crate) fn set_plain(self, heap: &Heap, key: Slot, value: Slot) -> bool {
        let (hash, slot) = match key.view() {
            View::Int(int) => {
                let hash = heap.keyed.int(int);
                (hash, self.table().find_int(hash, int))
            }
            // SAFETY: the caller's key is live.
            View::Str(text) if text.as_str().len() < LONG => {
                (text.keyed_hash(&heap.keyed), self.find_str(heap, unsafe { Gc::from_ptr(text.as_ptr()) }))
            }
            _ => return false,
        };
        let table = self.table();
        match slot {
            Some(slot) => {
                table.replace(slot, value);
            }
            None if table.has_room(1) => table.push(key, value, hash),
            None => return false,
        }
        true
    }

    /// The value under the key with this text, which need not be a string of the heap.
    pub fn get_text(self, cx: &mut Cx<'v>, key: &str) -> Option<Value<'v>> {
        let hash = cx.heap().keyed.str(key);
        let slot = self.find(hash, |entry| entry.as_str() == Some(key))?;
        Some(self.value_at(slot))
    }

    /// Adds an entry whose key has a `hash` of its own, which gave `given`; false if this very key was put here before.
    /// `filed` is of this table, to which nothing else is done meanwhile, and keeps many keys of one hash from being slow.
    ///
    /// # Errors
    /// There is no memory.
    pub(crate) fn add_filed(
        self,
        heap: &mut Heap,
        (key, hash, given): (Value<'v>, u64, Value<'v>),
        value: Value<'v>,
        filed: &mut FiledKeys,
    ) -> Result<bool, Fault<'v>> {
        if !self.table().has_room(1) {
            self.grow(heap, 1, false)?;
            filed.last.clear();
        }
        if !filed.met.insert(key.bits) {
            return Ok(false);
        }
        let last = filed.last.get(&hash).copied();
        let place = self.table().push_behind(key.slot(), value.slot(), hash, last);
        if let Some(place) = place {
            filed.last.insert(hash, place);
        }
        self.file(heap, given);
        Ok(true)
    }

    /// Keeps what the `hash` of instances in the key of the last entry gave.
    fn file(self, heap: &mut Heap, given: Value<'v>) {
        let before = self.table().owned_bytes();
        self.table().file(given.slot());
        heap.bytes = heap.bytes + self.table().owned_bytes() - before;
    }

    /// Takes out an entry and gives its value.
    pub(crate) fn remove_at(self, heap: &mut Heap, slot: u32) -> Value<'v> {
        let value = self.value_at(slot);
        let logged = heap.logs(self.header());
        let before = self.table().owned_bytes();
        let key = self.table().remove(slot, logged);
        if logged {
            heap.log(Change::Table(self.as_ptr(), TableChange::Removed { slot, key, value: value.slot() }));
        }
        heap.bytes = heap.bytes + self.table().owned_bytes() - before;
        value
    }

    /// Takes out all entries.
    pub fn clear(self, cx: &mut Cx<'v>) {
        let heap = cx.heap();
        let before = self.table().owned_bytes();
        let old = self.table().take();
        heap.bytes = heap.bytes + self.table().owned_bytes() - before;
        if heap.logs(self.header()) {
            heap.log(Change::Table(self.as_ptr(), TableChange::Cleared(Box::new(old))));
        }
    }

    /// Makes room for `more` new entries, so that adding them asks for no memory.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    #[inline]
    pub fn reserve(self, cx: &mut Cx<'v>, more: usize) -> Result<(), Fault<'v>> {
        if self.table().has_room(more) { Ok(()) } else { self.grow(cx.heap(), more, true) }
    }

    /// Makes room in an empty table for exactly so many entries, whose memory the caller has reserved.
    ///
    /// # Errors
    /// There is no memory.
    pub(crate) fn grow_to(self, heap: &mut Heap, count: usize) -> Result<(), Fault<'v>> {
        let before = self.table().owned_bytes();
        self.table().grow(count, false).map_err(|()| Fault::Stop(Stop::Heap))?;
        heap.bytes = heap.bytes + self.table().owned_bytes() - before;
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn grow(self, heap: &mut Heap, more: usize, checked: bool) -> Result<(), Fault<'v>> {
        let may_compact = !heap.logs(self.header());
        let table = self.table();
        let before = table.owned_bytes();
        if may_compact && table.compact_for(more) {
            heap.bytes = heap.bytes + table.owned_bytes() - before;
            if table.has_room(more) {
                return Ok(());
            }
        }
        let before = table.owned_bytes();
        let roomy = table.growth(more, true);
        let growth = if heap.has_room(roomy) { roomy } else { table.growth(more, false) };
        if checked && !heap.has_room(growth) {
            return Err(Fault::Collect(growth));
        }
        table.grow(more, growth == roomy).map_err(|()| Fault::Stop(Stop::Heap))?;
        heap.bytes = heap.bytes + table.owned_bytes() - before;
        Ok(())
    }

    /// The first entry.
    pub fn first(self) -> Option<(Value<'v>, Value<'v>)> {
        self.next(0).map(|(_, key, value)| (key, value))
    }

    /// The last entry.
    pub fn last(self) -> Option<(Value<'v>, Value<'v>)> {
        let slot = self.table().last()?;
        Some((self.key_at(slot), self.value_at(slot)))
    }

    /// The first entry at or after a position, and the position behind it. Iteration begins at 0. Positions keep their
    /// meaning while the table changes: entries that are added get higher ones.
    #[inline]
    pub fn next(self, position: u64) -> Option<(u64, Value<'v>, Value<'v>)> {
        let (slot, after) = self.table().next(position)?;
        Some((after, self.key_at(slot), self.value_at(slot)))
    }

    /// Number of entries before a position: the position that stands for the same place in a fresh copy.
    pub fn rank(self, position: u64) -> usize {
        self.table().rank(position)
    }

    /// The entries in order; each is looked up when its turn comes, so the table may change meanwhile.
    pub fn iter(self) -> Entries<'v> {
        Entries { table: self, position: 0 }
    }

    /// A copy of the keys, in order. The caller charges for it.
    pub fn keys(self) -> Vec<Value<'v>> {
        self.iter().map(|(key, _)| key).collect()
    }

    /// A copy of the values, in order. The caller charges for it.
    pub fn values(self) -> Vec<Value<'v>> {
        self.iter().map(|(_, value)| value).collect()
    }

    /// A new map or set with the same entries. Calls nothing.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn copy(self, cx: &mut Cx<'v>) -> Result<Gc<'v, TableObject>, Fault<'v>> {
        self.copy_as(cx, self.is_set())
    }

    /// A new set of its keys (or map with its entries, values of a set's being nil). Calls nothing.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn copy_as(self, cx: &mut Cx<'v>, set: bool) -> Result<Gc<'v, TableObject>, Fault<'v>> {
        cx.reserve(self.table().copied_bytes())?;
        cx.work(self.len() / 4)?;
        let copy = if set { cx.set() } else { cx.map() };
        *copy.table() = self.table().copied(set && !self.is_set());
        cx.heap().bytes += copy.table().owned_bytes();
        Ok(copy)
    }

    /// As [`next`](Self::next), with the entry's slot and the position behind it.
    #[inline]
    pub(crate) fn next_slot(self, position: u64) -> Option<(u32, u64)> {
        self.table().next(position)
    }

    /// The key in a slot.
    #[inline(always)]
    pub(crate) fn key_at(self, slot: u32) -> Value<'v> {
        // SAFETY: what a live table refers to is live.
        unsafe { self.table().key(slot).rebrand() }
    }

    /// The hash that the key in a slot is filed under.
    pub(crate) fn hash_at(self, slot: u32) -> u64 {
        self.table().hash(slot)
    }

    /// What the `hash` of instances in the key in a slot gave, as a tuple; absent if there are none.
    pub(crate) fn given_at(self, slot: u32) -> Value<'v> {
        // SAFETY: what a live table refers to is live.
        unsafe { self.table().filed(slot).rebrand() }
    }

    /// The value in a slot.
    #[inline(always)]
    pub(crate) fn value_at(self, slot: u32) -> Value<'v> {
        // SAFETY: what a live table refers to is live.
        unsafe { self.table().value(slot).rebrand() }
    }

    /// Puts a value in the place of that in a slot, which it gives.
    #[inline]
    pub(crate) fn replace_at(self, heap: &mut Heap, slot: u32, value: Value<'v>) -> Value<'v> {
        let old = self.table().replace(slot, value.slot());
        if heap.logs(self.header()) {
            heap.log(Change::Table(self.as_ptr(), TableChange::Replaced { slot, value: old }));
        }
        // SAFETY: it was in a live table just now.
        unsafe { old.rebrand() }
    }

    /// Adds an entry with a key that is not there: the key, its hash, and what the `hash` of instances in it gave. What one
    /// entry takes is let pass.
    pub(crate) fn add(
        self,
        heap: &mut Heap,
        (key, hash, given): (Value<'v>, u64, Value<'v>),
        value: Value<'v>,
    ) -> Result<(), Fault<'v>> {
        if !self.table().has_room(1) {
            self.grow(heap, 1, false)?;
        }
        self.table().push(key.slot(), value.slot(), hash);
        if !given.is_absent() {
            self.file(heap, given);
        }
        if heap.logs(self.header()) {
            heap.log(Change::Table(self.as_ptr(), TableChange::Added));
        }
        Ok(())
    }

    /// The slot of a key with this hash that is the same.
    #[inline]
    pub(crate) fn find(self, hash: u64, mut same: impl FnMut(Value<'v>) -> bool) -> Option<u32> {
        // SAFETY: what a live table refers to is live.
        self.table().find(hash, |key| same(unsafe { key.rebrand() }))
    }

    /// The slots of all keys with this hash, in no order.
    pub(crate) fn each_with_hash(self, hash: u64, f: impl FnMut(u32)) {
        self.table().each_with_hash(hash, f);
    }

    /// A number that changes with every change of the entries.
    pub(crate) fn stamp(self) -> u32 {
        self.table().stamp()
    }

    /// Counts changes from here on.
    pub(crate) fn begin(self) {
        self.table().begin();
    }

    /// The slot of an int, whose hash this is.
    #[inline]
    pub(crate) fn find_int(self, hash: u64, key: i64) -> Option<u32> {
        self.table().find_int(hash, key)
    }

    /// The slot of a string.
    #[inline]
    pub(crate) fn find_str(self, heap: &Heap, key: Str<'v>) -> Option<u32> {
        let bits = key.as_ptr() as u64;
        if let Some(slot) = self.table().find_small(tag::STR, bits) {
            return Some(slot);
        }
        let hash = key.keyed_hash(&heap.keyed);
        self.find(hash, |entry| entry.tag == tag::STR && (entry.bits == bits || entry.as_str() == Some(key.as_str())))
    }
}

/// The keys with a `hash` of their own that were put into a table so far.
#[derive(Default)]
pub(crate) struct FiledKeys {
    /// Their addresses.
    met: HashSet<u64>,
    /// Where in the index the last one with a hash is.
    last: HashMap<u64, usize>,
}

/// The entries of a map or set in order.
#[derive(Debug)]
pub struct Entries<'v> {
    table: Gc<'v, TableObject>,
    position: u64,
}

impl<'v> Iterator for Entries<'v> {
    type Item = (Value<'v>, Value<'v>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (after, key, value) = self.table.next(self.position)?;
        self.position = after;
        Some((key, value))
    }
}
