//! Byte offsets to positions, which count code points.

use quipu_vm::heap::Str;

/// The positions of rising offsets in one text; counts every code point once.
pub(super) struct Positions<'v> {
    text: Str<'v>,
    offset: usize,
    position: usize,
}

impl<'v> Positions<'v> {
    pub fn new(text: Str<'v>) -> Positions<'v> {
        Positions { text, offset: 0, position: 0 }
    }

    /// The position of an offset, which is not below the one before.
    pub fn of(&mut self, offset: usize) -> usize {
        if self.text.is_ascii() {
            return offset;
        }
        self.position += self.text.as_str().get(self.offset..offset).map_or(0, |between| between.chars().count());
        self.offset = offset;
        self.position
    }
}
