//! A table of facts about places in the text, which later passes ask for in nearly the same order.

use std::cell::Cell;

/// Facts keyed by byte offset. Asking in the order of the text costs nothing; any other order a binary search.
#[derive(Debug)]
pub struct Table<T> {
    entries: Vec<(u32, T)>,
    next: Cell<usize>,
}

impl<T: Copy> Table<T> {
    /// Takes the facts in any order; of several at one offset it keeps the first.
    pub fn new(mut entries: Vec<(u32, T)>) -> Table<T> {
        if !entries.is_sorted_by_key(|entry| entry.0) {
            entries.sort_by_key(|entry| entry.0);
        }
        Table { entries, next: Cell::new(0) }
    }

    /// The fact about this offset.
    pub fn get(&self, offset: u32) -> Option<T> {
        let mut index = self.next.get();
        if self.entries.get(index).is_none_or(|entry| entry.0 != offset) {
            index = self.entries.partition_point(|entry| entry.0 < offset);
        }
        let &(found, fact) = self.entries.get(index)?;
        if found != offset {
            return None;
        }
        self.next.set(index + 1);
        Some(fact)
    }
}
