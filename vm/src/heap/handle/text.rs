//! Strings and byte strings.

use crate::heap::keyed::Keyed;
use crate::heap::layout::{BytesObject, StrObject, flag};
use crate::heap::value::Gc;

/// From this length on strings are looked at in pieces, and paid for.
pub(crate) const LONG: usize = 1024;

impl<'v> Gc<'v, StrObject> {
    /// The text.
    #[inline(always)]
    pub fn as_str(self) -> &'v str {
        let object = self.as_ptr();
        // SAFETY: the bytes follow the object, were copied from `str`s when it was made, never change, and live for
        // `'v`.
        unsafe {
            let bytes = std::slice::from_raw_parts(object.add(1).cast::<u8>(), (*object).len);
            std::str::from_utf8_unchecked(bytes)
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
        // SAFETY: the object is live, and its flags never change.
        unsafe { (*self.header()).flags & flag::ASCII != 0 }
    }

    /// Number of code points; at once for ASCII.
    pub fn char_count(self) -> usize {
        if self.is_ascii() { self.as_str().len() } else { self.as_str().chars().count() }
    }

    /// The byte at which code point number `index` begins, or the length for the one after the last; at once for
    /// ASCII.
    pub fn byte_of_char(self, index: usize) -> Option<usize> {
        let text = self.as_str();
        if self.is_ascii() { (index <= text.len()).then_some(index) } else { nth_char(text.as_bytes(), index) }
    }

    /// The code points from number `start` up to number `end`, both within the length.
    pub fn char_range(self, start: usize, end: usize) -> &'v str {
        let text = self.as_str();
        if end <= start {
            return "";
        }
        if self.is_ascii() {
            return text.get(start..end).unwrap_or("");
        }
        let rest = &text[self.byte_of_char(start).unwrap_or(text.len())..];
        let bytes = rest.char_indices().nth(end - start).map_or(rest.len(), |(at, _)| at);
        &rest[..bytes]
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
    bytes.iter().filter(|&&byte| is_first(byte)).count()
}

/// The byte at which code point number `number` begins, or the length for the one after the last.
pub(crate) fn nth_char(bytes: &[u8], number: usize) -> Option<usize> {
    // Counting is many times faster than stepping.
    const PIECE: usize = 512;
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
