//! Strings and byte strings.

use crate::heap::keyed::Keyed;
use crate::heap::layout::{BytesObject, StrObject, flag};
use crate::heap::value::Gc;

impl<'v> Gc<'v, StrObject> {
    /// The text.
    #[inline(always)]
    pub fn as_str(self) -> &'v str {
        let object = self.as_ptr();
        // SAFETY: the bytes follow the object or its text, which lives as long; they were copied from `str`s when it was made,
        // never change, and live for `'v`.
        unsafe {
            let bytes = match self.text() {
                None => object.add(1).cast::<u8>(),
                Some(text) => text.add(1).cast::<u8>(),
            };
            std::str::from_utf8_unchecked(std::slice::from_raw_parts(bytes, (*object).len))
        }
    }

    /// Its keyed hash, computed once.
    #[inline(always)]
    pub(crate) fn keyed_hash(self, keyed: &Keyed) -> u64 {
        // SAFETY: the object is live; nothing refers into it but to its text, which this does not touch.
        unsafe {
            if (*self.as_ptr()).hash == 0 {
                (*self.as_ptr()).hash = keyed.str(self.as_str());
            }
            (*self.as_ptr()).hash
        }
    }

    /// Whether every character is one byte.
    #[inline(always)]
    pub fn is_ascii(self) -> bool {
        // SAFETY: the object is live, and this of its flags never changes.
        unsafe { (*self.header()).flags & flag::ASCII != 0 }
    }
}

impl<'v> Gc<'v, BytesObject> {
    /// The bytes.
    #[inline(always)]
    pub fn as_slice(self) -> &'v [u8] {
        let object = self.as_ptr();
        // SAFETY: the bytes follow the object, never change, and live for `'v`.
        unsafe { std::slice::from_raw_parts(object.add(1).cast::<u8>(), (*object).len) }
    }
}

/// How many code points begin in a part of a text.
pub(crate) fn chars_in(bytes: &[u8]) -> usize {
    // So many fit a byte, and a sum of bytes is many at a time.
    const PIECE: usize = 192;
    let count = |piece: &[u8]| piece.iter().map(|&byte| is_first(byte) as u8).sum::<u8>() as usize;
    bytes.chunks(PIECE).map(count).sum()
}

/// The byte at which code point number `number` begins, or the length for the one after the last.
pub(crate) fn nth_char(bytes: &[u8], number: usize) -> Option<usize> {
    // Counting is many times faster than stepping.
    const PIECE: usize = 64;
    let (mut at, mut left) = (0, number);
    for piece in bytes.chunks_exact(PIECE) {
        let count = chars_in(piece);
        if count > left {
            break;
        }
        (at, left) = (at + PIECE, left - count);
    }
    let mut starts = (at..bytes.len()).filter(|&at| is_first(bytes[at])).chain([bytes.len()]);
    starts.nth(left)
}

/// Whether a byte of a text begins a code point.
fn is_first(byte: u8) -> bool {
    byte as i8 >= -0x40
}
