//! What strings and byte strings have in common: positions, searching, joining.

use memchr::memmem;
use quipu_vm::{Cx, Fault, Outcome};

use crate::items::SLOT;

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

/// The first occurrence of some bytes in others. Its time is linear whatever they are.
pub(crate) fn find_bytes<'v>(cx: &mut Cx<'v>, bytes: &[u8], part: &[u8]) -> Result<Option<usize>, Fault<'v>> {
    cx.work((bytes.len() + part.len()) / 64)?;
    Ok(memmem::find(bytes, part))
}

/// The parts in one string, with the separator between them.
pub(crate) fn join<'v>(cx: &mut Cx<'v>, parts: &[&str], separator: &str) -> Outcome<'v> {
    let separators = separator.len().saturating_mul(parts.len().saturating_sub(1));
    let length = parts.iter().fold(separators, |length, part| length.saturating_add(part.len()));
    cx.reserve(length.saturating_add(STRING))?;
    cx.work(length / 64 + parts.len() / 16)?;
    let mut joined = String::with_capacity(length);
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            joined.push_str(separator);
        }
        joined.push_str(part);
    }
    cx.str(&joined)
}

/// `text`, `count` times.
pub(crate) fn repeat<'v>(cx: &mut Cx<'v>, text: &str, count: usize) -> Outcome<'v> {
    let length = text.len().saturating_mul(count);
    cx.reserve(length.saturating_add(STRING))?;
    cx.work(length / 64)?;
    cx.str(&text.repeat(count))
}

/// A list of these strings, all of them parts of a text of `length` bytes.
pub(crate) fn list<'v>(cx: &mut Cx<'v>, parts: &[&str], length: usize) -> Outcome<'v> {
    cx.reserve(parts.len().saturating_mul(SLOT + STRING).saturating_add(length))?;
    cx.work(parts.len() / 4 + length / 64)?;
    let mut strings = Vec::with_capacity(parts.len());
    for part in parts {
        strings.push(cx.str(part)?);
    }
    Ok(cx.list(strings)?.into())
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
