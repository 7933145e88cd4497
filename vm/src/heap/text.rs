//! The memory of long texts: room behind them for what is appended, and where their characters stand.
//!
//! ```text
//!   "so far"           StrObject, SHARED ──┐
//!   "so far, so good"  StrObject, SHARED ──┤
//!                                          v
//!                     TextObject: used, room │ so far, so good│.........│
//!                         │                  0               used      room
//!                         └─> places: the bytes where characters number 128, 256, 384 .. begin
//! ```
//!
//! A string is a beginning of what a text has. What is used of a text never changes; a string that ends where the text is used
//! up may be continued behind it, once, so nobody sees more than its own bytes. Each text is at most half as long again as the
//! string that it was made for, so a short string never keeps a long text alive.

use std::ptr::null_mut;

use super::Heap;
use super::alloc::{due_before, fill_with};
use super::handle::text::{chars_in, nth_char};
use super::layout::{LONG, StrObject, TextObject, flag};
use super::value::{Gc, tag};

/// From this length on a string is made with room behind it when it is appended to for the second time.
pub(crate) const GROWING: usize = 256;

/// Of every so many characters the place of one is kept.
const EVERY: usize = 128;

/// More than a string in a text takes beside its bytes.
const WITHOUT_BYTES: usize = 64;

/// So many bytes are looked at at a time to find out where characters stand: fewer than that many characters.
const BLOCK: usize = 64;

impl Heap {
    /// A string whose bytes lie in a text with so much room, at least as much as the parts need.
    pub(super) fn str_with_room<'v>(&mut self, parts: &[&str], room: usize, flags: u8) -> Gc<'v, StrObject> {
        let text = self.text_with_room(room);
        // SAFETY: the text was made just now, and nothing collects in between.
        unsafe { self.str_behind(text, 0, parts, flags) }
    }

    /// A text whose parts repeat this one until it is so long, a multiple of its length.
    pub(super) fn str_repeated_with_room<'v>(&mut self, part: &str, len: usize, flags: u8) -> Gc<'v, StrObject> {
        let text = self.text_with_room(len);
        // SAFETY: the text was made just now with so much room; all of that is filled.
        unsafe {
            fill_with(text.add(1).cast(), part, len);
            (*text).used = len;
            self.str_behind(text, len, &[], flags)
        }
    }

    /// A text of which nothing is used so far.
    fn text_with_room(&mut self, room: usize) -> *mut TextObject {
        // SAFETY: all fields are written at once, and nobody looks at bytes that are not used.
        unsafe {
            let text = self.alloc_raw(tag::TEXT, 0, size_of::<TextObject>() + room).cast::<TextObject>();
            (*text).used = 0;
            (*text).room = room;
            (*text).places = null_mut();
            (*text).seen = 0;
            (*text).count = 0;
            text
        }
    }

    /// The string of the first `len` bytes of a text, which are all that are used, and these parts.
    ///
    /// # Safety
    /// The text is live.
    unsafe fn str_behind<'v>(
        &mut self,
        text: *mut TextObject,
        len: usize,
        parts: &[&str],
        flags: u8,
    ) -> Gc<'v, StrObject> {
        // SAFETY: what is written lies behind what is used, so no string has it, and within the room: that is compared.
        // The new object is filled at once.
        unsafe {
            let added = parts.iter().map(|part| part.len()).sum::<usize>();
            assert!(
                (*text).used == len && (*text).room - len >= added,
                "a text has room for what is written behind it"
            );
            let mut to = text.add(1).cast::<u8>().add(len);
            for part in parts {
                to.copy_from_nonoverlapping(part.as_ptr(), part.len());
                to = to.add(part.len());
            }
            (*text).used = len + added;
            let size = size_of::<StrObject>() + size_of::<*mut TextObject>();
            let object = self.alloc_raw(tag::STR, flags | flag::SHARED, size).cast::<StrObject>();
            (*object).hash = 0;
            (*object).len = (*text).used;
            object.add(1).cast::<*mut TextObject>().write(text);
            Gc::from_ptr(object)
        }
    }

    /// Bytes that have to be free for a string that begins with `first` and has `added` bytes more.
    pub fn needed_to_append(first: Gc<'_, StrObject>, added: usize) -> usize {
        let old = first.as_str().len();
        let fits = first.room_behind().is_some_and(|room| room >= added);
        if fits { WITHOUT_BYTES } else { old.saturating_add(added) }
    }

    /// The string made of these parts with this length together, the first of which is `first`; `ascii` says whether all of them are. What is
    /// appended to again and again gets room for more, once: copying it each time would be quadratic.
    pub fn str_appended<'v>(
        &mut self,
        first: Gc<'v, StrObject>,
        parts: &[&str],
        len: usize,
        ascii: bool,
    ) -> Gc<'v, StrObject> {
        debug_assert!(parts.first().is_some_and(|part| std::ptr::eq(*part, first.as_str())));
        let flags = flag::JOINED | if ascii { flag::ASCII } else { 0 };
        let old = first.as_str().len();
        let behind = first.room_behind();
        if let (Some(text), Some(room)) = (first.text(), behind)
            && room >= len - old
        {
            // SAFETY: a string keeps its text; the room has just been compared.
            let string = unsafe { self.str_behind(text, old, &parts[1..], flags) };
            self.shared = self.shared.saturating_add(old);
            // Most of these strings are nobody's by now; an eighth of what is free stays free, as for all others.
            if self.counted() >= due_before(self.kept.saturating_add(self.kept_shared), self.limit) {
                self.threshold = self.threshold.min(self.bytes);
            }
            return string;
        }
        // Where much is added, copying what was there does not matter. Whoever is appended to several times gives room to
        // the first only.
        let is_joined = first.take_joined();
        let is_last = behind.is_some() || first.text().is_none();
        let with_more = len + len / 2;
        if is_joined && is_last && len - old < old / 8 && self.has_room(with_more) {
            return self.str_with_room(parts, with_more, flags);
        }
        if !ascii && len >= LONG { self.str_with_room(parts, len, flags) } else { self.str_flat(parts, len, flags) }
    }

    /// Finds out where the next characters of a string stand, some thousands of them. Whether that is worth going on: false when
    /// all of them are known, and where that is not kept.
    pub fn look_further(&mut self, of: Gc<'_, StrObject>) -> bool {
        const PIECE: usize = 1 << 20;
        let Some(text) = of.text() else { return false };
        // SAFETY: a string keeps its text, and a text its places; of both only numbers are written, which nobody refers to.
        unsafe {
            if (*text).seen >= of.as_str().len() {
                return false;
            }
            if (*text).places.is_null() {
                let size = ((*text).room / EVERY + 1) * size_of::<usize>();
                if !self.has_room(size) {
                    return false;
                }
                (*text).places = self.bytes_to_fill(size).as_ptr();
            }
            let places = (*text).places.add(1).cast::<usize>();
            let bytes = of.as_str().as_bytes();
            let end = bytes.len().min((*text).seen + PIECE);
            for block in bytes[(*text).seen..end].chunks(BLOCK) {
                let count = chars_in(block);
                // The first of the block whose place is kept, if there is one.
                let wanted = (*text).count.next_multiple_of(EVERY);
                if (*text).count + count > wanted {
                    let at = nth_char(block, wanted - (*text).count).unwrap_or(block.len());
                    // There is one for every so many characters, of which each is a byte at least.
                    places.add(wanted / EVERY).write((*text).seen + at);
                }
                (*text).seen += block.len();
                (*text).count += count;
            }
            (*text).seen < bytes.len()
        }
    }
}

impl<'v> Gc<'v, StrObject> {
    /// The text that its bytes lie in, if they do not follow the object.
    #[inline(always)]
    pub(super) fn text(self) -> Option<*mut TextObject> {
        let object = self.as_ptr();
        // SAFETY: the object is live, and the flag says that the address of a text follows it.
        unsafe {
            let is_shared = (*object).header.flags & flag::SHARED != 0;
            is_shared.then(|| object.add(1).cast::<*mut TextObject>().read())
        }
    }

    /// How many bytes can be appended to it in its place; nothing where others stand behind it.
    fn room_behind(self) -> Option<usize> {
        let text = self.text()?;
        // SAFETY: a string keeps its text.
        let (used, room) = unsafe { ((*text).used, (*text).room) };
        (used == self.as_str().len()).then(|| room - used)
    }

    /// Bytes that its text has memory for.
    #[cfg(test)]
    pub(crate) fn room(self) -> usize {
        // SAFETY: a string keeps its text.
        self.text().map_or(self.as_str().len(), |text| unsafe { (*text).room })
    }

    /// Whether it was made by appending and nothing has been appended to it; something has now.
    fn take_joined(self) -> bool {
        // SAFETY: the object is live, and nobody refers to its flags.
        unsafe {
            let flags = &raw mut (*self.header()).flags;
            let was = *flags & flag::JOINED != 0;
            *flags &= !flag::JOINED;
            was
        }
    }

    /// The places that are kept of its characters: characters and bytes that have been looked at, and where every so many
    /// begin. None where not all of it has been looked at.
    fn places(self) -> Option<(usize, usize, &'v [usize])> {
        let text = self.text()?;
        // SAFETY: a string keeps its text and this its places, of which those are written whose characters are counted. They
        // are never written again.
        unsafe {
            let (count, seen) = ((*text).count, (*text).seen);
            if (*text).places.is_null() || seen < self.as_str().len() {
                return None;
            }
            let places = (*text).places.add(1).cast::<usize>();
            Some((count, seen, std::slice::from_raw_parts(places, count.div_ceil(EVERY))))
        }
    }

    /// The byte at which character number `number` begins, the length for the one behind the last; nothing beyond that.
    #[inline]
    pub(crate) fn byte_of_char(self, number: usize) -> Option<usize> {
        if self.is_ascii() { (number <= self.as_str().len()).then_some(number) } else { self.place_of(number) }
    }

    /// The same where characters may have several bytes.
    fn place_of(self, number: usize) -> Option<usize> {
        let bytes = self.as_str().as_bytes();
        let Some((_, _, places)) = self.places() else { return nth_char(bytes, number) };
        // Where there is no such place, the string may end among the characters behind the last one.
        let near = (number / EVERY).min(places.len().checked_sub(1)?);
        let rest = bytes.get(places[near]..)?;
        Some(
            places[near]
                + nth_char(
                    rest.get(..(number - near * EVERY + 1).checked_mul(4)?).unwrap_or(rest),
                    number - near * EVERY,
                )?,
        )
    }

    /// How many characters begin before a byte of it.
    pub(crate) fn chars_before(self, byte: usize) -> usize {
        let bytes = self.as_str().as_bytes();
        if self.is_ascii() {
            return byte;
        }
        let Some((count, seen, places)) = self.places() else { return chars_in(&bytes[..byte]) };
        if byte == seen {
            return count;
        }
        let near = places.partition_point(|&place| place <= byte).saturating_sub(1);
        near * EVERY + chars_in(&bytes[places.get(near).copied().unwrap_or(0)..byte])
    }
}
