//! Where the characters of a text stand. What is found out of a long one is kept beside it, so that the next question about any
//! place in it takes no longer for all that stands before. Nothing here costs fuel: callers pay by what is to be counted, as if
//! nothing were kept.

use crate::cx::Cx;
use crate::heap::Str;
use crate::native::Fault;

/// How many code points a text has.
///
/// # Errors
/// Time is up, or the interrupt handle was used.
#[inline]
pub fn char_count<'v>(cx: &mut Cx<'v>, text: Str<'v>) -> Result<usize, Fault<'v>> {
    let len = text.as_str().len();
    if text.is_ascii() { Ok(len) } else { chars_before(cx, text, len) }
}

/// The byte at which code point number `number` begins, the length for the one behind the last; nothing beyond that.
///
/// # Errors
/// As [`char_count`].
#[inline]
pub fn byte_of_char<'v>(cx: &mut Cx<'v>, text: Str<'v>, number: usize) -> Result<Option<usize>, Fault<'v>> {
    if !text.is_ascii() {
        look_through(cx, text)?;
    }
    Ok(text.byte_of_char(number))
}

/// How many code points begin before a byte that is within the text.
///
/// # Errors
/// As [`char_count`].
pub fn chars_before<'v>(cx: &mut Cx<'v>, text: Str<'v>, byte: usize) -> Result<usize, Fault<'v>> {
    if !text.is_ascii() {
        look_through(cx, text)?;
    }
    Ok(text.chars_before(byte.min(text.as_str().len())))
}

/// Sees to it that it is known where the characters of a text stand, if it is long and there is memory for it.
#[inline(never)]
fn look_through<'v>(cx: &mut Cx<'v>, text: Str<'v>) -> Result<(), Fault<'v>> {
    while cx.heap().look_further(text) {
        cx.machine.stop_if_asked().map_err(Fault::Stop)?;
    }
    Ok(())
}
