//! What built-in containers give when they are iterated, all at once. Everything else defers to code in the language,
//! because a fiber may yield, and a function or instance is the program's own.

use quipu_vm::{Cx, Fault, Value, View};

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
        View::List(list) => {
            charge(cx, list.len().min(most), 0)?;
            Ok(list.slice(0, most))
        }
        View::Tuple(tuple) => {
            let items = tuple.as_slice();
            charge(cx, items.len().min(most), 0)?;
            Ok(items[..items.len().min(most)].to_vec())
        }
        View::Set(set) => {
            charge(cx, set.len().min(most), 0)?;
            Ok(set.iter().map(|(member, _)| member).take(most).collect())
        }
        View::Map(map) => {
            charge(cx, map.len().min(most), OBJECT + 2 * SLOT)?;
            map.iter().take(most).map(|(key, value)| cx.tuple(&[key, value])).collect()
        }
        View::Str(text) => {
            charge(cx, text.as_str().len().min(most), OBJECT)?;
            let mut buffer = [0; 4];
            text.as_str().chars().take(most).map(|c| cx.str(c.encode_utf8(&mut buffer))).collect()
        }
        View::Bytes(bytes) => {
            let bytes = bytes.as_slice();
            charge(cx, bytes.len().min(most), 0)?;
            Ok(bytes.iter().take(most).map(|&byte| Value::int(byte.into())).collect())
        }
        View::Range(range) => {
            let len = usize::try_from(range.len()).unwrap_or(usize::MAX).min(most);
            charge(cx, len, 0)?;
            Ok((0..len).filter_map(|i| range.get(i as u128)).map(Value::int).collect())
        }
        _ => Err(Fault::Defer),
    }
}

/// Charges for a vector of `len` elements, each with an object of `each` bytes.
fn charge<'v>(cx: &mut Cx<'v>, len: usize, each: usize) -> Result<(), Fault<'v>> {
    cx.reserve(len.saturating_mul(SLOT + each).saturating_add(OBJECT))?;
    cx.work(if each == 0 { len / 16 } else { len / 4 })
}
