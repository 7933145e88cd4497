//! Maps and sets: entries in order of insertion, and an index over their keyed hashes.

use super::trace::Marker;

/// The content of a map or set.
#[derive(Default)]
pub(crate) struct Table {}

/// What a change to a table replaced.
pub(crate) enum TableChange {}

impl Table {
    pub fn trace(&self, _marker: &mut Marker) {}
    pub fn owned_bytes(&self) -> usize {
        0
    }
    pub fn undo(&mut self, _change: TableChange) {}
}

impl TableChange {
    pub fn trace(&self, _marker: &mut Marker) {}
}
