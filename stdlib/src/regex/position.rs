//! Byte offsets to positions, which count code points.

use quipu_vm::heap::Str;
use quipu_vm::ops::places;
use quipu_vm::{Cx, Fault};

use crate::charge::{count_chars, pieces};

/// From so many bytes on characters are not counted each time.
const FAR: usize = 1024;

/// The positions of rising offsets in one text.
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
    ///
    /// # Errors
    /// A limit.
    pub fn of(&mut self, cx: &mut Cx<'v>, offset: usize) -> Result<usize, Fault<'v>> {
        if self.text.is_ascii() {
            return Ok(offset);
        }
        let between = self.text.as_str().get(self.offset..offset).unwrap_or("");
        if between.len() < FAR {
            self.position += count_chars(cx, between)?;
        } else {
            // It costs as much as counting would.
            pieces(cx, between, 64, |_, _| Ok(()))?;
            self.position = places::chars_before(cx, self.text, offset)?;
        }
        self.offset = offset;
        Ok(self.position)
    }
}
