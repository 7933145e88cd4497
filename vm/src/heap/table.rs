//! Maps and sets: entries in order of insertion, and an index over their keyed hashes.
//!
//! ```text
//!  entries, by insertion, 32 bytes each               index (none up to eight slots)
//!  | meta | key | value | hash | meta | ...            hash -> slot
//!    ^ slot 0                    ^ slot 1
//!  meta:  | number (48 bits) | tag of the value (8 bits) | tag of the key (8 bits) |
//! ```
//!
//! Every entry has a number, counted up over the life of the table and kept when entries move to close gaps; positions
//! of loops are such numbers, so a loop never notices where entries stand. A removed entry leaves a gap (its tag is
//! ABSENT) that stays until the table is compacted, which never happens while an `atomic` may have to put it back.

use hashbrown::HashMap;

use super::edges::{Edge, Edges, Marker};
use super::index::Index;
use super::value::{Slot, Value, tag};

/// Up to this many slots there is no index: looking at all hashes is faster.
const SMALL: usize = 8;

/// A key, its value, and the hash it is filed under. Both tags stand in one word, so that two entries share a line of the
/// cache.
#[derive(Clone, Copy)]
#[repr(C)]
struct Entry {
    /// The key's tag in the lowest byte, the value's in the next one, the entry's number above.
    meta: u64,
    bits: u64,
    value: u64,
    hash: u64,
}

impl Entry {
    fn new(number: u64, key: Slot, value: Slot, hash: u64) -> Entry {
        Entry { meta: number << 16 | value.tag << 8 | key.tag, bits: key.bits, value: value.bits, hash }
    }

    #[inline(always)]
    fn tag(&self) -> u64 {
        self.meta & 0xff
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        self.meta >> 16
    }

    #[inline(always)]
    fn key(&self) -> Slot {
        Value::raw(self.tag(), self.bits)
    }

    #[inline(always)]
    fn value(&self) -> Slot {
        Value::raw(self.meta >> 8 & 0xff, self.value)
    }

    #[inline(always)]
    fn set_value(&mut self, value: Slot) {
        self.meta = self.meta & !0xff00 | value.tag << 8;
        self.value = value.bits;
    }

    /// Turns it into a gap, which keeps number and hash.
    fn clear(&mut self) {
        self.meta = self.number() << 16 | tag::NIL << 8 | tag::ABSENT;
        self.value = 0;
    }

    #[inline(always)]
    fn is_gap(&self) -> bool {
        self.tag() == tag::ABSENT
    }
}

/// The content of a map or set.
#[derive(Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    index: Index,
    /// Entries that are no gaps.
    live: u32,
    /// Counts insertions and removals, wrapping; what is undone has not been.
    stamp: u32,
    /// Slots at the front that are gaps.
    head: u32,
    /// The slot that a loop asked for last.
    hint: u32,
    /// Number of the next entry.
    number: u64,
    /// What the `hash` of instances in a key gave, by number of the entry, for keys that have such.
    filed: Option<Box<HashMap<u64, Slot>>>,
}

/// What a change to a table replaced.
pub(crate) enum TableChange {
    /// An entry was added at the end.
    Added,
    /// The value in a slot was replaced.
    Replaced {
        /// The slot.
        slot: u32,
        /// The value before.
        value: Slot,
    },
    /// An entry was taken out; its number and hash are still in the gap.
    Removed {
        /// The slot.
        slot: u32,
        /// Its key.
        key: Slot,
        /// Its value.
        value: Slot,
    },
    /// All entries were taken out.
    Cleared(Box<Table>),
}

impl Table {
    /// Number of entries.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.live as usize
    }

    /// Changes with every insertion and removal.
    pub fn stamp(&self) -> u32 {
        self.stamp
    }

    /// What it has is what it had from the first: the stamp is 0.
    pub fn begin(&mut self) {
        self.stamp = 0;
    }

    /// The key in a slot; absent if there is none.
    #[inline(always)]
    pub fn key(&self, slot: u32) -> Slot {
        self.entries.get(slot as usize).map_or(Value::ABSENT, Entry::key)
    }

    /// The value in a slot.
    #[inline(always)]
    pub fn value(&self, slot: u32) -> Slot {
        self.entries.get(slot as usize).map_or(Value::ABSENT, Entry::value)
    }

    /// The value in a slot, if its key is the string at this address.
    #[inline(always)]
    pub fn value_of_text(&self, slot: u64, address: u64) -> Option<Slot> {
        let entry = self.entries.get(usize::try_from(slot).ok()?)?;
        (entry.bits == address && entry.tag() == tag::STR).then(|| entry.value())
    }

    /// The hash of the key in a slot.
    pub fn hash(&self, slot: u32) -> u64 {
        self.entries.get(slot as usize).map_or(0, |entry| entry.hash)
    }

    /// What the `hash` of instances in the key of a slot gave; absent if there are none.
    #[inline]
    pub fn filed(&self, slot: u32) -> Slot {
        let number = |filed: &HashMap<u64, Slot>| filed.get(&self.entries.get(slot as usize)?.number()).copied();
        self.filed.as_deref().and_then(number).unwrap_or(Value::ABSENT)
    }

    /// Keeps what the `hash` of instances in the last entry's key gave.
    pub fn file(&mut self, filed: Slot) {
        self.filed.get_or_insert_default().insert(self.number - 1, filed);
    }

    fn unfile(&mut self, number: u64) {
        if let Some(filed) = &mut self.filed {
            filed.remove(&number);
        }
    }

    /// Replaces the value in a slot and gives the one before.
    #[inline(always)]
    pub fn replace(&mut self, slot: u32, value: Slot) -> Slot {
        match self.entries.get_mut(slot as usize) {
            Some(entry) => {
                let old = entry.value();
                entry.set_value(value);
                old
            }
            None => Value::ABSENT,
        }
    }

    #[inline(always)]
    fn is_indexed(&self) -> bool {
        self.entries.len() > SMALL
    }

    /// The slot of the entry with this hash whose key `same` accepts.
    #[inline(always)]
    pub fn find(&self, hash: u64, mut same: impl FnMut(Slot) -> bool) -> Option<u32> {
        if self.is_indexed() {
            let entries = &self.entries[..];
            return self.index.find(hash, |slot| {
                entries.get(slot as usize).is_some_and(|entry| entry.hash == hash && same(entry.key()))
            });
        }
        let mut entries = self.entries.iter();
        entries.position(|entry| entry.hash == hash && !entry.is_gap() && same(entry.key())).map(|slot| slot as u32)
    }

    /// The slot of an int key, whose hash is given.
    #[inline(always)]
    pub fn find_int(&self, hash: u64, int: i64) -> Option<u32> {
        self.find(
            hash,
            |key| {
                if key.tag == tag::INT { key.bits as i64 == int } else { key.as_float() == Some(int as f64) }
            },
        )
    }

    /// The slot of a key with these bits, if looking for it costs less than a hash.
    #[inline(always)]
    pub fn find_small(&self, tag: u64, bits: u64) -> Option<u32> {
        if self.is_indexed() {
            return None;
        }
        self.entries.iter().position(|entry| entry.bits == bits && entry.tag() == tag).map(|slot| slot as u32)
    }

    /// Calls `f` with the slot of every entry with this hash, in no certain order.
    pub fn each_with_hash(&self, hash: u64, mut f: impl FnMut(u32)) {
        if self.is_indexed() {
            self.index.find(hash, |slot| {
                if self.entries[slot as usize].hash == hash {
                    f(slot);
                }
                false
            });
            return;
        }
        for (slot, entry) in self.entries.iter().enumerate() {
            if entry.hash == hash && !entry.is_gap() {
                f(slot as u32);
            }
        }
    }

    /// Adds an entry whose key is new. There must be room.
    pub fn push(&mut self, key: Slot, value: Slot, hash: u64) {
        self.push_behind(key, value, hash, None);
    }

    /// The same, and gives its place in the index, if it has one: where the next entry with this hash is looked for, as
    /// long as nothing but such pushes changes the table.
    pub fn push_behind(&mut self, key: Slot, value: Slot, hash: u64, last: Option<usize>) -> Option<usize> {
        let slot = self.entries.len() as u32;
        self.entries.push(Entry::new(self.number, key, value, hash));
        self.number += 1;
        self.live += 1;
        self.stamp = self.stamp.wrapping_add(1);
        if self.entries.len() == SMALL + 1 {
            self.build_index();
        } else if self.is_indexed() {
            return Some(self.index.insert_behind(hash, slot, last));
        }
        None
    }

    fn build_index(&mut self) {
        self.index.clear();
        for (slot, entry) in self.entries.iter().enumerate() {
            if !entry.is_gap() {
                self.index.insert(entry.hash, slot as u32);
            }
        }
    }

    /// Takes the entry out of a slot and gives its key. `logged` says that it may have to come back.
    pub fn remove(&mut self, slot: u32, logged: bool) -> Slot {
        let indexed = self.is_indexed();
        let Some(entry) = self.entries.get_mut(slot as usize).filter(|entry| !entry.is_gap()) else {
            return Value::ABSENT;
        };
        let (key, hash, number) = (entry.key(), entry.hash, entry.number());
        entry.clear();
        if indexed {
            let entries = &self.entries[..];
            self.index.remove(hash, slot, |slot| entries[slot as usize].hash);
        }
        self.live -= 1;
        self.stamp = self.stamp.wrapping_add(1);
        while self.entries.get(self.head as usize).is_some_and(Entry::is_gap) {
            self.head += 1;
        }
        if !logged {
            self.unfile(number);
            while self.entries.len() > self.head as usize && self.entries.last().is_some_and(Entry::is_gap) {
                self.drop_last();
            }
            if self.live == 0 {
                self.take();
            } else if self.entries.len() > 32 && self.len() < self.entries.len() / 4 {
                self.compact();
            }
        }
        key
    }

    /// Drops a gap at the end.
    fn drop_last(&mut self) {
        self.entries.pop();
        if self.entries.len() == SMALL {
            self.index = Index::default();
        }
    }

    /// Empties the table and gives what was in it. Numbers go on.
    pub fn take(&mut self) -> Table {
        let (stamp, number) = (self.stamp.wrapping_add(1), self.number);
        std::mem::replace(self, Table { stamp, number, ..Table::default() })
    }

    /// Closes all gaps and gives memory back.
    fn compact(&mut self) {
        if let Some(filed) = &mut self.filed {
            for gap in self.entries.iter().filter(|entry| entry.is_gap()) {
                filed.remove(&gap.number());
            }
        }
        self.entries.retain(|entry| !entry.is_gap());
        self.head = 0;
        if self.entries.capacity() / 4 > self.entries.len() {
            self.entries.shrink_to(self.entries.len() * 2);
        }
        if !self.is_indexed() {
            self.index = Index::default();
            return;
        }
        // The index there is has room for more than what is left.
        if self.index.room() / 4 > self.entries.len()
            && let Some(smaller) = Index::with_room(self.entries.len() * 2)
        {
            self.index = smaller;
        }
        self.build_index();
    }

    /// Compacts if there are so many gaps that it pays. Gives whether it did.
    pub fn compact_for(&mut self, more: usize) -> bool {
        let gaps = self.entries.len() - self.len();
        let pays = gaps >= more && gaps > self.entries.len() / 4;
        if pays {
            self.compact();
        }
        pays
    }

    /// Whether `more` entries can be added without new memory.
    #[inline(always)]
    pub fn has_room(&self, more: usize) -> bool {
        let len = self.entries.len();
        self.entries.capacity() - len >= more && (len + more <= SMALL || self.index.room() >= self.len() + more)
    }

    fn wanted(&self, more: usize, roomy: bool) -> usize {
        let least = self.entries.len().saturating_add(more);
        if roomy { least.max(self.entries.capacity() * 2).max(4) } else { least }
    }

    /// How many bytes [`grow`](Self::grow) takes.
    pub fn growth(&self, more: usize, roomy: bool) -> usize {
        let wanted = self.wanted(more, roomy);
        let entries = wanted.saturating_sub(self.entries.capacity()).saturating_mul(size_of::<Entry>());
        let index = if wanted <= SMALL || self.index.room() >= wanted { 0 } else { Index::bytes_for(wanted) };
        entries.saturating_add(index)
    }

    /// Makes room for `more` entries, or for twice as many as there are. Fails when there is no memory.
    pub fn grow(&mut self, more: usize, roomy: bool) -> Result<(), ()> {
        let wanted = self.wanted(more, roomy);
        if wanted >= u32::MAX as usize {
            return Err(());
        }
        self.entries.try_reserve_exact(wanted - self.entries.len()).map_err(|_| ())?;
        if wanted > SMALL && self.index.room() < wanted {
            // Filled again from the entries, which lie in order; moving the old index over would jump among them.
            self.index = Index::with_room(wanted).ok_or(())?;
            if self.is_indexed() {
                self.build_index();
            }
        }
        Ok(())
    }

    /// The last entry's slot.
    pub fn last(&self) -> Option<u32> {
        self.entries.iter().rposition(|entry| !entry.is_gap()).map(|slot| slot as u32)
    }

    /// The slot of the first entry whose number is `position` or more, and the position behind it.
    #[inline]
    pub fn next(&mut self, position: u64) -> Option<(u32, u64)> {
        // As long as nothing was ever compacted, numbers are slots.
        if let Some(entry) = self.entries.get(position as usize)
            && entry.number() == position
            && !entry.is_gap()
        {
            return Some((position as u32, position + 1));
        }
        self.next_slow(position)
    }

    #[inline(never)]
    fn next_slow(&mut self, position: u64) -> Option<(u32, u64)> {
        let mut slot = self.slot_of(position);
        while let Some(entry) = self.entries.get(slot) {
            if !entry.is_gap() {
                self.hint = slot as u32;
                return Some((slot as u32, entry.number() + 1));
            }
            slot += 1;
        }
        None
    }

    /// The first slot, gap or not, whose number is `position` or more.
    fn slot_of(&self, position: u64) -> usize {
        let head = self.head as usize;
        if self.entries.get(head).is_none_or(|entry| entry.number() >= position) {
            return head;
        }
        // A loop asks for one slot after the other.
        let hint = self.hint as usize;
        if self.entries.get(hint).is_some_and(|entry| entry.number() < position)
            && self.entries.get(hint + 1).is_none_or(|entry| entry.number() >= position)
        {
            return hint + 1;
        }
        self.entries.partition_point(|entry| entry.number() < position)
    }

    /// Number of entries before a position.
    pub fn rank(&self, position: u64) -> usize {
        self.entries[..self.slot_of(position)].iter().filter(|entry| !entry.is_gap()).count()
    }

    /// Bytes that a copy takes.
    pub fn copied_bytes(&self) -> usize {
        Table::default().growth(self.len(), false)
    }

    /// A copy without gaps, whose numbers begin at 0; without values if it becomes a set.
    pub fn copied(&self, keys_only: bool) -> Table {
        let mut copy = Table::default();
        copy.entries.reserve_exact(self.len());
        for entry in self.entries.iter().filter(|entry| !entry.is_gap()) {
            let value = if keys_only { Value::NIL } else { entry.value() };
            copy.entries.push(Entry::new(copy.number, entry.key(), value, entry.hash));
            copy.number += 1;
            if let Some(&filed) = self.filed.as_ref().and_then(|filed| filed.get(&entry.number())) {
                copy.file(filed);
            }
        }
        copy.live = self.live;
        if copy.is_indexed() {
            copy.index = Index::new(copy.entries.len());
            copy.build_index();
        }
        copy
    }

    /// What it refers to: keys, each with its value, in order, and what keys are filed under.
    #[inline(always)]
    pub fn edges(&self, to: &mut impl Edges) {
        for entry in &self.entries {
            if !entry.is_gap() {
                to.slot(Edge::Key, entry.key());
                to.slot(Edge::Entry, entry.value());
            }
        }
        // Those of gaps too, which may be put back.
        self.filed.iter().flat_map(|filed| filed.values()).for_each(|&slot| to.slot(Edge::Filed, slot));
    }

    /// Bytes behind its pointers.
    pub fn owned_bytes(&self) -> usize {
        let filed = self.filed.as_ref().map_or(0, |filed| filed.allocation_size());
        self.entries.capacity() * size_of::<Entry>() + self.index.bytes() + filed
    }

    /// Puts back what a change replaced; all later changes have been undone.
    pub fn undo(&mut self, change: TableChange) {
        // Loops go on over what is as it was.
        if !matches!(change, TableChange::Replaced { .. }) {
            self.stamp = self.stamp.wrapping_sub(1);
        }
        match change {
            TableChange::Added => {
                if let Some(entry) = self.entries.last().copied().filter(|entry| !entry.is_gap()) {
                    let slot = self.entries.len() as u32 - 1;
                    if self.is_indexed() {
                        let entries = &self.entries[..];
                        self.index.remove(entry.hash, slot, |slot| entries[slot as usize].hash);
                    }
                    self.live -= 1;
                    self.unfile(entry.number());
                    self.drop_last();
                    self.head = self.head.min(slot);
                }
            }
            TableChange::Replaced { slot, value } => {
                self.replace(slot, value);
            }
            TableChange::Removed { slot, key, value } => {
                let indexed = self.is_indexed();
                let Some(entry) = self.entries.get_mut(slot as usize) else { return };
                *entry = Entry::new(entry.number(), key, value, entry.hash);
                let hash = entry.hash;
                self.live += 1;
                self.head = self.head.min(slot);
                if indexed {
                    self.index.insert(hash, slot);
                }
            }
            TableChange::Cleared(old) => {
                let (stamp, number) = (self.stamp, self.number);
                *self = Table { stamp, number, ..*old };
            }
        }
    }
}

impl TableChange {
    /// Marks what it may put back.
    pub fn trace(&self, marker: &mut Marker) {
        match self {
            TableChange::Added => {}
            TableChange::Replaced { value, .. } => marker.slot(*value),
            TableChange::Removed { key, value, .. } => {
                marker.slot(*key);
                marker.slot(*value);
            }
            TableChange::Cleared(old) => old.edges(marker),
        }
    }

    /// Bytes it holds on to beside itself.
    pub fn owned_bytes(&self) -> usize {
        match self {
            TableChange::Cleared(old) => size_of::<Table>() + old.owned_bytes(),
            _ => 0,
        }
    }
}
