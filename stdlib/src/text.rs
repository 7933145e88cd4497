//! What strings and byte strings have in common: positions, searching, repeating.

use memchr::memmem;
use quipu_vm::{Cx, Fault, Outcome};

use crate::charge::{PIECE, Text};

/// Bytes of a string object without its text, rounded up as the heap does.
pub(crate) const STRING: usize = 40;

/// A position among `len` elements: negative ones count from the end, and what is beyond an end is that end.
pub(crate) fn clamp(index: i64, len: usize) -> usize {
    if index < 0 {
        len.saturating_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX))
    } else {
        usize::try_from(index).unwrap_or(usize::MAX).min(len)
    }
}

/// Finds the occurrences of some bytes in others, which are looked at in pieces. The time is linear whatever they are.
pub(crate) struct Occurrences<'t> {
    finder: memmem::Finder<'t>,
    bytes: &'t [u8],
    /// Where the next search begins.
    at: usize,
    /// How many of the bytes are charged for.
    paid: usize,
}

impl<'t> Occurrences<'t> {
    /// Those of `part` that do not overlap.
    pub(crate) fn new<'v>(cx: &mut Cx<'v>, bytes: &'t [u8], part: &'t [u8]) -> Result<Occurrences<'t>, Fault<'v>> {
        cx.work(part.len() / 32)?;
        Ok(Occurrences { finder: memmem::Finder::new(part), bytes, at: 0, paid: 0 })
    }

    /// Where the next one begins.
    #[inline]
    pub(crate) fn next<'v>(&mut self, cx: &mut Cx<'v>) -> Result<Option<usize>, Fault<'v>> {
        let part = self.finder.needle().len();
        loop {
            if let Some(found) = self.finder.find(&self.bytes[self.at..self.paid])
                && self.paid > 0
            {
                let found = self.at + found;
                self.at = found + part;
                return Ok(Some(found));
            }
            if self.paid == self.bytes.len() {
                // Nothing but an empty part is found in nothing.
                return Ok((part == 0 && self.at == 0).then_some(0));
            }
            // What begins in the last piece may end in the next.
            self.at = self.at.max((self.paid + 1).saturating_sub(part.max(1)));
            let piece = (self.bytes.len() - self.paid).min(PIECE.max(part));
            cx.work(piece / 32)?;
            self.paid += piece;
        }
    }
}

/// The first occurrence of some bytes in others.
pub(crate) fn find_bytes<'v>(cx: &mut Cx<'v>, bytes: &[u8], part: &[u8]) -> Result<Option<usize>, Fault<'v>> {
    Occurrences::new(cx, bytes, part)?.next(cx)
}

/// Whether two byte strings of the same length are the same, compared in pieces.
pub(crate) fn is_same<'v>(cx: &mut Cx<'v>, a: &[u8], b: &[u8]) -> Result<bool, Fault<'v>> {
    for (a, b) in a.chunks(PIECE).zip(b.chunks(PIECE)) {
        cx.work(a.len() / 64)?;
        if a != b {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The beginning of a text, for messages, whose memory nobody asks for.
pub(crate) fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(200)]
}

/// `text`, `count` times.
pub(crate) fn repeat<'v>(cx: &mut Cx<'v>, text: &str, count: usize) -> Outcome<'v> {
    let mut all = Text::with_room(cx, text.len().saturating_mul(count))?;
    all.push_times(cx, text, count)?;
    all.str(cx)
}

#[cfg(test)]
mod tests {
    use super::clamp;

    #[test]
    fn positions_are_clamped_to_both_ends() {
        assert_eq!([0, 2, 9, i64::MAX].map(|i| clamp(i, 5)), [0, 2, 5, 5]);
        assert_eq!([-1, -5, -6, i64::MIN].map(|i| clamp(i, 5)), [4, 0, 0, 0]);
    }
}
