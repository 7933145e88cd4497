//! What built-in containers give when they are iterated, all at once. Everything else defers to code in the language,
//! because a fiber may yield, and a function or instance is the program's own.

use quipu_vm::heap::List;
use quipu_vm::{Cx, Fault, Value, View};

use crate::charge::{PIECE, Values, count_chars};

/// Bytes of an element.
pub(crate) const SLOT: usize = size_of::<Value<'_>>();

/// Bytes of a small object, without what it holds.
pub(crate) const OBJECT: usize = 48;

/// Everything that a built-in container gives.
pub(crate) fn collect<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Vec<Value<'v>>, Fault<'v>> {
    collect_up_to(cx, value, usize::MAX)
}

/// What a built-in container gives, but at most `most` elements.
pub(crate) fn collect_up_to<'v>(cx: &mut Cx<'v>, value: Value<'v>, most: usize) -> Result<Vec<Value<'v>>, Fault<'v>> {
    match value.view() {
        View::List(list) => part(cx, list, 0, most),
        View::Tuple(tuple) => {
            let items = tuple.as_slice();
            let items = &items[..items.len().min(most)];
            let mut values = Values::with_room(cx, items.len())?;
            values.extend(cx, items)?;
            values.into_vec(cx)
        }
        View::Set(set) => one_by_one(cx, set.len().min(most), set.iter().map(|(member, _)| member)),
        View::Map(map) => {
            let len = map.len().min(most);
            let mut values = Values::with_room(cx, len)?;
            values.reserve(cx, len.saturating_mul(OBJECT + 2 * SLOT))?;
            for (key, value) in map.iter().take(most) {
                values.push_tuple(cx, &[key, value])?;
            }
            values.into_vec(cx)
        }
        View::Str(text) => {
            let whole = text.as_str();
            let len = if text.is_ascii() { whole.len() } else { count_chars(cx, whole)? }.min(most);
            let mut values = Values::with_room(cx, len)?;
            values.reserve(cx, len.saturating_mul(OBJECT))?;
            let mut buffer = [0; 4];
            for c in whole.chars().take(most) {
                values.push_str(cx, c.encode_utf8(&mut buffer))?;
            }
            values.into_vec(cx)
        }
        View::Bytes(bytes) => {
            let bytes = bytes.as_slice();
            one_by_one(cx, bytes.len().min(most), bytes.iter().map(|&byte| Value::int(byte.into())))
        }
        View::Range(range) => {
            let len = usize::try_from(range.len()).unwrap_or(usize::MAX).min(most);
            one_by_one(cx, len, (0..len).filter_map(|i| range.get(i as u128)).map(Value::int))
        }
        _ => Err(Fault::Defer),
    }
}

/// The elements of a list from `start` up to `end`, copied in pieces.
pub(crate) fn part<'v>(cx: &mut Cx<'v>, list: List<'v>, start: usize, end: usize) -> Result<Vec<Value<'v>>, Fault<'v>> {
    let end = end.min(list.len());
    let len = end.saturating_sub(start);
    if len <= PIECE / SLOT {
        cx.reserve(len * SLOT + OBJECT)?;
        cx.work(len / 16)?;
        return Ok(list.slice(start, end));
    }
    one_by_one(cx, len, (start..end).filter_map(|index| list.get(index)))
}

/// At most `len` values, as they come.
pub(crate) fn one_by_one<'v>(
    cx: &mut Cx<'v>,
    len: usize,
    mut given: impl Iterator<Item = Value<'v>>,
) -> Result<Vec<Value<'v>>, Fault<'v>> {
    cx.reserve(len.saturating_mul(SLOT).saturating_add(OBJECT))?;
    let mut values = Vec::with_capacity(len);
    while values.len() < len {
        let piece = (len - values.len()).min(PIECE / SLOT);
        cx.work(piece / 16)?;
        let before = values.len();
        values.extend(given.by_ref().take(piece));
        if values.len() < before + piece {
            break;
        }
    }
    Ok(values)
}
