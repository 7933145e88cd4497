//! Maps and sets.

use hashbrown::{HashMap, HashSet};

use crate::cx::Cx;
use crate::heap::Heap;
use crate::heap::journal::Change;
use crate::heap::layout::{StrObject, TableObject};
use crate::heap::table::{Table, TableChange};
use crate::heap::value::{Gc, Slot, Str, Value, View, tag};
use crate::native::{Fault, Stop};
use crate::ops::key;
use crate::ops::meter::{LONG, look_at};

pub use crate::ops::key::Key;

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

    /// The value under a key. May call the key's `hash` and `eq`.
    ///
    /// # Errors
    /// The value cannot be a key; what the key's methods throw.
    #[inline]
    pub fn get(self, cx: &mut Cx<'v>, key: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        match key.view() {
            View::Int(int) => Ok(self.get_int(cx, int)),
            View::Str(text) => {
                pay_for(cx, text)?;
                Ok(self.get_str(cx, text))
            }
            _ => {
                let key = Key::new(cx, key)?;
                self.get_key(cx, &key)
            }
        }
    }

    /// Whether there is an entry with this key. May call the key's `hash` and `eq`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn contains(self, cx: &mut Cx<'v>, key: Value<'v>) -> Result<bool, Fault<'v>> {
        Ok(self.get(cx, key)?.is_some())
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

    /// The value under a prepared key. May call the key's `eq`.
    ///
    /// # Errors
    /// What the key's methods throw; `changed` if they change this table.
    pub fn get_key(self, cx: &mut Cx<'v>, key: &Key<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        Ok(self.find_key(cx, key)?.map(|slot| self.value_at(slot)))
    }

    /// Puts a value under a key and gives the one that was there. May call the key's `hash` and `eq`.
    ///
    /// # Errors
    /// The value cannot be a key; what the key's methods throw; `changed` if they change this table; as
    /// [`Cx::reserve`].
    pub fn insert(self, cx: &mut Cx<'v>, key: Value<'v>, value: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        if let View::Str(text) = key.view() {
            pay_for(cx, text)?;
        }
        let heap = cx.heap();
        let (hash, slot) = match key.view() {
            View::Int(int) => {
                let hash = heap.keyed.int(int);
                (hash, self.table().find_int(hash, int))
            }
            View::Str(text) => (text.keyed_hash(&heap.keyed), self.find_str(heap, text)),
            _ => return self.insert_slow(cx, key, value),
        };
        if let Some(slot) = slot {
            return Ok(Some(self.replace_at(heap, slot, value)));
        }
        self.reserve(cx, 1)?;
        self.add(cx.heap(), &Key::plain(key, hash), value)?;
        Ok(None)
    }

    fn insert_slow(self, cx: &mut Cx<'v>, key: Value<'v>, value: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        // Room comes first: if it has to be made, everything runs again, and the key's methods must not run twice.
        self.reserve(cx, 1)?;
        let key = Key::new(cx, key)?;
        self.insert_key(cx, &key, value)
    }

    /// Puts a value under a prepared key and gives the one that was there. May call the key's `eq`.
    ///
    /// # Errors
    /// What the key's methods throw; `changed` if they change this table; as [`Cx::reserve`].
    pub fn insert_key(self, cx: &mut Cx<'v>, key: &Key<'v>, value: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        self.reserve(cx, 1)?;
        match self.find_key(cx, key)? {
            Some(slot) => Ok(Some(self.replace_at(cx.heap(), slot, value))),
            None => {
                // Methods of the key may have used up the room; what one entry takes is let pass.
                self.add(cx.heap(), key, value)?;
                Ok(None)
            }
        }
    }

    /// Adds an entry that stood in another table; false if there is one with an equal key. Calls nothing: two keys of which
    /// one has been asked for its `hash` are told apart by identity, as they were where they come from. `filed` is of
    /// this table, to which nothing else is done meanwhile, and keeps many keys of one hash from being slow.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn insert_again(
        self,
        cx: &mut Cx<'v>,
        key: &Key<'v>,
        value: Value<'v>,
        filed: &mut FiledKeys,
    ) -> Result<bool, Fault<'v>> {
        if !key.given().is_absent() {
            if !self.table().has_room(1) {
                self.grow(cx.heap(), 1, false)?;
                filed.last.clear();
            }
            if !filed.met.insert(key.value().bits) {
                return Ok(false);
            }
            let last = filed.last.get(&key.hash()).copied();
            let place = self.table().push_behind(key.value().slot(), value.slot(), key.hash(), last);
            if let Some(place) = place {
                filed.last.insert(key.hash(), place);
            }
            self.file(cx.heap(), key);
            return Ok(true);
        }
        let found = if key.is_deep() {
            self.find_key(cx, key)?.is_some()
        } else {
            self.find(key.hash(), |entry| key::is_same(entry, key.value())).is_some()
        };
        if !found {
            self.add(cx.heap(), key, value)?;
        }
        Ok(!found)
    }

    /// Keeps what the `hash` of instances in the key of the last entry gave.
    fn file(self, heap: &mut Heap, key: &Key<'v>) {
        let before = self.table().owned_bytes();
        self.table().file(key.given().slot());
        heap.bytes = heap.bytes + self.table().owned_bytes() - before;
    }

    /// Adds a member to a set; true if it is new. May call its `hash` and `eq`.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn add_member(self, cx: &mut Cx<'v>, member: Value<'v>) -> Result<bool, Fault<'v>> {
        Ok(self.insert(cx, member, Value::NIL)?.is_none())
    }

    /// Takes out the entry with a key and gives its value. May call the key's `hash` and `eq`.
    ///
    /// # Errors
    /// The value cannot be a key; what the key's methods throw; `changed` if they change this table.
    pub fn remove(self, cx: &mut Cx<'v>, key: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        let key = Key::new(cx, key)?;
        self.remove_key(cx, &key)
    }

    /// Takes out the entry with a prepared key and gives its value. May call the key's `eq`.
    ///
    /// # Errors
    /// What the key's methods throw; `changed` if they change this table.
    pub fn remove_key(self, cx: &mut Cx<'v>, key: &Key<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        let Some(slot) = self.find_key(cx, key)? else { return Ok(None) };
        let value = self.value_at(slot);
        let heap = cx.heap();
        let logged = heap.logs(self.header());
        let before = self.table().owned_bytes();
        let key = self.table().remove(slot, logged);
        if logged {
            heap.log(Change::Table(self.as_ptr(), TableChange::Removed { slot, key, value: value.slot() }));
        }
        heap.bytes = heap.bytes + self.table().owned_bytes() - before;
        Ok(Some(value))
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

    /// As [`next`](Self::next), with the key as it is filed here.
    pub(crate) fn next_key(self, position: u64) -> Option<(u64, Key<'v>, Value<'v>)> {
        let (slot, after) = self.table().next(position)?;
        // SAFETY: what a live table refers to is live.
        let filed = unsafe { self.table().filed(slot).rebrand() };
        Some((after, Key::filed(self.key_at(slot), self.table().hash(slot), filed), self.value_at(slot)))
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

    #[inline(always)]
    fn key_at(self, slot: u32) -> Value<'v> {
        // SAFETY: what a live table refers to is live.
        unsafe { self.table().key(slot).rebrand() }
    }

    #[inline(always)]
    fn value_at(self, slot: u32) -> Value<'v> {
        // SAFETY: what a live table refers to is live.
        unsafe { self.table().value(slot).rebrand() }
    }

    #[inline]
    fn replace_at(self, heap: &mut Heap, slot: u32, value: Value<'v>) -> Value<'v> {
        let old = self.table().replace(slot, value.slot());
        if heap.logs(self.header()) {
            heap.log(Change::Table(self.as_ptr(), TableChange::Replaced { slot, value: old }));
        }
        // SAFETY: it was in a live table just now.
        unsafe { old.rebrand() }
    }

    fn add(self, heap: &mut Heap, key: &Key<'v>, value: Value<'v>) -> Result<(), Fault<'v>> {
        if !self.table().has_room(1) {
            self.grow(heap, 1, false)?;
        }
        self.table().push(key.value().slot(), value.slot(), key.hash());
        if !key.given().is_absent() {
            self.file(heap, key);
        }
        if heap.logs(self.header()) {
            heap.log(Change::Table(self.as_ptr(), TableChange::Added));
        }
        Ok(())
    }

    #[inline]
    fn find(self, hash: u64, mut same: impl FnMut(Value<'v>) -> bool) -> Option<u32> {
        // SAFETY: what a live table refers to is live.
        self.table().find(hash, |key| same(unsafe { key.rebrand() }))
    }

    #[inline]
    fn find_str(self, heap: &Heap, key: Str<'v>) -> Option<u32> {
        let bits = key.as_ptr() as u64;
        if let Some(slot) = self.table().find_small(tag::STR, bits) {
            return Some(slot);
        }
        let hash = key.keyed_hash(&heap.keyed);
        self.find(hash, |entry| entry.tag == tag::STR && (entry.bits == bits || entry.as_str() == Some(key.as_str())))
    }

    /// Finds the entry of a prepared key. Keys with methods of their own are asked in order of insertion, so that what
    /// they see depends on nothing hidden.
    fn find_key(self, cx: &mut Cx<'v>, key: &Key<'v>) -> Result<Option<u32>, Fault<'v>> {
        if !key.is_deep() {
            return Ok(self.find(key.hash(), |entry| key::is_same(entry, key.value())));
        }
        let mut candidates = Candidates::default();
        self.table().each_with_hash(key.hash(), |slot| candidates.add(slot));
        for slot in candidates.in_order() {
            let stamp = self.table().stamp();
            let is_equal = key::is_equal(cx, key.value(), self.key_at(slot))?;
            if self.table().stamp() != stamp {
                return Err(key::changed(cx, self.is_set()));
            }
            if is_equal {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }
}

/// Charges for the hash of a long key and for comparing it, whether the hash is known already or not.
#[inline]
fn pay_for<'v>(cx: &mut Cx<'v>, key: Str<'v>) -> Result<(), Fault<'v>> {
    let len = key.as_str().len();
    if len < LONG { Ok(()) } else { look_at(cx, len) }
}

/// The keys with a `hash` of their own that were put into a table so far.
#[derive(Default)]
pub(crate) struct FiledKeys {
    /// Their addresses.
    met: HashSet<u64>,
    /// Where in the index the last one with a hash is.
    last: HashMap<u64, usize>,
}

/// Slots of entries with one hash: nearly always one.
#[derive(Default)]
struct Candidates {
    first: Option<u32>,
    others: Vec<u32>,
}

impl Candidates {
    fn add(&mut self, slot: u32) {
        match self.first {
            None => self.first = Some(slot),
            Some(_) => self.others.push(slot),
        }
    }

    fn in_order(mut self) -> impl Iterator<Item = u32> {
        if let Some(first) = self.first
            && !self.others.is_empty()
        {
            self.others.push(first);
            self.others.sort_unstable();
            self.first = None;
        }
        self.first.into_iter().chain(self.others)
    }
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
