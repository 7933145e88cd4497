//! Methods of lists that call nothing, or only compare. Those that take functions are in `list.qp`.

use quipu_code::counted;
use quipu_vm::heap::{List, Special};
use quipu_vm::native::Intrinsic;
use quipu_vm::ops::equal::equal;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{count, expected, int, switch, this_list};
use crate::charge::{PIECE, Text, Values};
use crate::entry::{Entry, native};
use crate::items::{self, OBJECT, SLOT};
use crate::order;

pub(crate) const METHODS: &[Entry] = &[
    native("len()", "Number of elements.", len).known(Intrinsic::ListLen),
    native("is_empty()", "Whether there are no elements.", is_empty),
    native("push(x)", "Appends an element.", push).known(Intrinsic::ListPush),
    native("pop()", "Removes the last element and gives it; throws `index_error` when there is none.", pop),
    native("insert(i, x)", "Puts an element in before position `i`; `i` may be the length.", insert),
    native("remove_at(i)", "Removes the element at a position and gives it.", remove_at),
    native("extend(it)", "Appends everything that an iterable gives.", extend).or("_list_extend"),
    native("clear()", "Removes all elements.", clear),
    native("copy()", "A new list of the same elements.", copy),
    native("first()", "The first element, or nil.", first),
    native("last()", "The last element, or nil.", last),
    native("index_of(x)", "The position of the first element that equals x, or nil.", index_of).or("_index_of"),
    native("contains(x)", "Whether an element equals x.", contains).or("_contains"),
    native("concat(it)", "A new list of the elements and then everything that an iterable gives.", concat)
        .or("_list_concat"),
    native("zip(it)", "A list of tuples of an element and one of another iterable, as long as both last.", zip)
        .or("_list_zip"),
    native("enumerate()", "A list of tuples `(i, x)` of position and element.", enumerate),
    native("sum()", "The sum of the elements; 0 when there are none.", crate::core::sum).shown("sum").or("_sum"),
    native("min()", "The smallest element; throws `index_error` when there is none.", min).shown("min").or("_min"),
    native("max()", "The greatest element; throws `index_error` when there is none.", max).shown("max").or("_max"),
    native("join(sep = \"\")", "All elements, which must be strings, in one string.", join),
    native("take(n)", "The first `n` elements.", take),
    native("drop(n)", "All but the first `n` elements.", drop),
    native(
        "sort(cmp = nil, options = [:])",
        "Sorts in place, by a comparator that gives a signed int if there is one; stable.",
        sort,
    )
    .or("_list_sort"),
    native("sorted(cmp = nil, options = [:])", "A new, sorted list; as `sort`.", sorted).or("_list_sorted"),
    native("reverse()", "Reverses the order in place.", reverse),
    native("reversed()", "A new list in reverse order.", reversed),
    native("unique()", "The elements without those that equal an earlier one.", unique).or("_list_unique"),
    native("chunks(n)", "A list of lists of `n` elements each; the last one may be shorter.", chunks),
    native("windows(n)", "A list of lists of every `n` neighbours.", windows),
    native("to_tuple()", "A tuple of the elements.", to_tuple),
];

pub(crate) const INTERNALS: &[Entry] = &[
    native("_copy_items(to, at, from, start, end)", "Copies from[start..end] over to[at..].", copy_items),
    native("_is_reverse(cmp, options)", "Whether a sort is to be in falling order.", |cx, args| {
        Ok(Value::bool(is_reverse(cx, args)?))
    })
    .shown("sort"),
    native("_replace_items(list, items, n)", "Gives a list of `n` elements new ones.", replace_items).shown("sort"),
    native("_sorted_by_keys(items, keys)", "The items by rising keys; stable.", sorted_by_keys)
        .or("_sorted_by_keys_slow"),
];

fn len<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::int(this_list(cx, args)?.len() as i64))
}

fn is_empty<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_list(cx, args)?.is_empty()))
}

fn push<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_list(cx, args)?.push(cx, args[1])?;
    Ok(Value::NIL)
}

fn pop<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match this_list(cx, args)?.pop(cx) {
        Some(last) => Ok(last),
        None => Err(cx.fail_here(ErrorKind::Index, "the list is empty")),
    }
}

/// A position among `len` elements, counted from the end if it is negative.
fn position<'v>(cx: &mut Cx<'v>, value: Value<'v>, len: usize) -> Result<usize, Fault<'v>> {
    let index = int(cx, value, "position")?;
    let from_start = if index < 0 { index.checked_add_unsigned(len as u64) } else { Some(index) };
    match from_start.and_then(|i| usize::try_from(i).ok()).filter(|&i| i < len) {
        Some(position) => Ok(position),
        None => Err(out_of_range(cx, index, len)),
    }
}

fn out_of_range<'v>(cx: &mut Cx<'v>, index: i64, len: usize) -> Fault<'v> {
    let message = format!("position {index} is out of range for a list of {}", counted(len, "element"));
    cx.fail_here_with(ErrorKind::Index, message, Value::int(index))
}

fn insert<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let len = list.len();
    let at = match args[1].as_int() {
        Some(index) if index == len as i64 => len,
        _ => position(cx, args[1], len)?,
    };
    cx.work((len - at) / 16)?;
    list.insert(cx, at, args[2])?;
    Ok(Value::NIL)
}

fn remove_at<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let at = position(cx, args[1], list.len())?;
    cx.work((list.len() - at) / 16)?;
    Ok(list.remove(cx, at).unwrap_or(Value::NIL))
}

fn extend<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let more = items::collect(cx, args[1])?;
    cx.work(more.len() / 64)?;
    // The list grows while the elements are held apart.
    cx.reserve(more.len().saturating_mul(2 * SLOT))?;
    list.extend_from_slice(cx, &more)?;
    Ok(Value::NIL)
}

fn clear<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_list(cx, args)?.clear(cx);
    Ok(Value::NIL)
}

/// A new list of the elements from `start` up to `end`.
fn part<'v>(cx: &mut Cx<'v>, list: List<'v>, start: usize, end: usize) -> Outcome<'v> {
    let items = items::part(cx, list, start, end)?;
    Ok(cx.list(items)?.into())
}

fn copy<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    part(cx, list, 0, usize::MAX)
}

fn first<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(this_list(cx, args)?.first().unwrap_or(Value::NIL))
}

fn last<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(this_list(cx, args)?.last().unwrap_or(Value::NIL))
}

fn index_of<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let found = search(cx, list.iter(), args[1])?;
    Ok(found.map_or(Value::NIL, |index| Value::int(index as i64)))
}

fn contains<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    Ok(Value::bool(search(cx, list.iter(), args[1])?.is_some()))
}

/// The place of the first value that equals `wanted`. Defers when the program's `eq` is to decide, which may yield.
pub(crate) fn search<'v>(
    cx: &mut Cx<'v>,
    values: impl Iterator<Item = Value<'v>>,
    wanted: Value<'v>,
) -> Result<Option<usize>, Fault<'v>> {
    if wanted.special(Special::eq).is_some() {
        return Err(Fault::Defer);
    }
    for (index, value) in values.enumerate() {
        if index % 8 == 7 {
            cx.work(1)?;
        }
        if value.special(Special::eq).is_some() {
            return Err(Fault::Defer);
        }
        if equal(cx, value, wanted)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn concat<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let more = items::collect(cx, args[1])?;
    let mut all = Values::with_room(cx, list.len().saturating_add(2 * more.len()))?;
    all.extend_from_list(cx, list)?;
    all.extend(cx, &more)?;
    all.list(cx)
}

fn zip<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    // The other one may be a range far longer than the list.
    let others = items::collect_up_to(cx, args[1], list.len())?;
    let len = list.len().min(others.len());
    let mut pairs = Values::with_room(cx, len)?;
    pairs.reserve(cx, len * (OBJECT + 3 * SLOT))?;
    for (x, y) in list.iter().zip(others) {
        pairs.push_tuple(cx, &[x, y])?;
    }
    pairs.list(cx)
}

fn enumerate<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let mut pairs = Values::with_room(cx, list.len())?;
    pairs.reserve(cx, list.len() * (OBJECT + 2 * SLOT))?;
    for (i, x) in list.iter().enumerate() {
        pairs.push_tuple(cx, &[Value::int(i as i64), x])?;
    }
    pairs.list(cx)
}

fn min<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    order::extreme(cx, &args[..1], order::Extreme::Min)
}

fn max<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    order::extreme(cx, &args[..1], order::Extreme::Max)
}

fn join<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let separator = match args.get(1) {
        Some(&separator) => crate::args::text(cx, separator, "separator")?.as_str(),
        None => "",
    };
    let mut length = separator.len().saturating_mul(list.len().saturating_sub(1));
    for (i, value) in list.iter().enumerate() {
        if i.is_multiple_of(PIECE / SLOT) {
            cx.work((list.len() - i).min(PIECE / SLOT) / 16)?;
        }
        match value.as_str() {
            Some(part) => length = length.saturating_add(part.len()),
            None => {
                let kind = value.kind_name();
                // The function there is code of the program; what joins its results is code of the library.
                if cx.library_function().as_deref() == Some("regex.replace") {
                    let message =
                        format!("regex.replace: the function must give a str, got {kind}; `str(..)` converts");
                    return Err(cx.fail(ErrorKind::Type, message));
                }
                let message = format!("expected strs only, got {kind} at position {i}; `map(str)` converts");
                return Err(cx.fail_here(ErrorKind::Type, message));
            }
        }
    }
    Text::joined(cx, length, list.iter().map(|part| part.as_str().unwrap_or("")), separator)
}

fn take<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let n = count(cx, args[1], "count", 0)?;
    part(cx, list, 0, n)
}

fn drop<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let n = count(cx, args[1], "count", 0)?;
    part(cx, list, n, usize::MAX)
}

/// Whether the arguments of a sort ask for falling order: a comparator, an option map, or one behind the other.
fn is_reverse<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Result<bool, Fault<'v>> {
    let is_map = |value: &Value<'v>| matches!(value.view(), View::Map(_));
    let given = match args {
        [options] => Some(options).filter(|options| is_map(options)),
        [options, none] if none.is_nil() => Some(options).filter(|options| is_map(options)),
        [map, _] if is_map(map) => return Err(expected(cx, "a function as comparator", *map)),
        [_, options] => Some(options),
        _ => None,
    };
    given.map_or(Ok(false), |&options| switch(cx, options, "reverse"))
}

/// The sorted elements, unless the program has to compare them.
fn in_order<'v>(cx: &mut Cx<'v>, list: List<'v>, args: &[Value<'v>]) -> Result<Vec<Value<'v>>, Fault<'v>> {
    let reverse = is_reverse(cx, args)?;
    if args.first().is_some_and(|cmp| !matches!(cmp.view(), View::Nil | View::Map(_))) {
        return Err(Fault::Defer);
    }
    let mut items = items::part(cx, list, 0, usize::MAX)?;
    if !reverse {
        return order::sorted(cx, items);
    }
    // Turned round before and after, so that equal elements keep their order in falling order, too.
    cx.work(items.len() / 8)?;
    items.reverse();
    let mut sorted = order::sorted(cx, items)?;
    sorted.reverse();
    Ok(sorted)
}

fn sort<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let sorted = in_order(cx, list, &args[1..])?;
    list.replace_all(cx, sorted)?;
    Ok(Value::NIL)
}

fn sorted<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let sorted = in_order(cx, list, &args[1..])?;
    Ok(cx.list(sorted)?.into())
}

fn reverse<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    cx.work(list.len() / 16)?;
    list.reverse(cx)?;
    Ok(Value::NIL)
}

fn reversed<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let len = list.len();
    let values = items::one_by_one(cx, len, (0..len).rev().filter_map(|i| list.get(i)))?;
    Ok(cx.list(values)?.into())
}

fn unique<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let seen = cx.set();
    let mut kept = Values::default();
    for value in list.iter() {
        let plain = match value.view() {
            View::Float(float) => !float.is_nan(),
            view => matches!(view, View::Nil | View::Bool(_) | View::Int(_) | View::Str(_) | View::Bytes(_)),
        };
        if !plain {
            return Err(Fault::Defer);
        }
        kept.steps(cx, 16)?;
        kept.reserve(cx, 0)?;
        if seen.add_member(cx, value)? {
            kept.push(cx, value)?;
        }
    }
    kept.list(cx)
}

fn chunks<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let n = count(cx, args[1], "size", 1)?;
    let chunks = list.len().div_ceil(n);
    parts(cx, list, chunks, n, n)
}

/// A list of `count` lists of at most `length` elements, which begin `step` elements apart.
fn parts<'v>(cx: &mut Cx<'v>, list: List<'v>, count: usize, step: usize, length: usize) -> Outcome<'v> {
    let each = length.min(list.len());
    let bytes = each.saturating_mul(SLOT).saturating_add(OBJECT);
    let mut all = Values::with_room(cx, count)?;
    all.reserve(cx, (count.saturating_sub(1)).saturating_mul(bytes))?;
    for i in 0..count {
        all.steps(cx, 8)?;
        all.reserve(cx, bytes)?;
        let start = i * step;
        let part = items::part(cx, list, start, start.saturating_add(length))?;
        let part = cx.list(part)?.into();
        all.push(cx, part)?;
    }
    all.list(cx)
}

fn windows<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let n = count(cx, args[1], "size", 1)?;
    let windows = (list.len() + 1).saturating_sub(n);
    parts(cx, list, windows, 1, n)
}

fn to_tuple<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let list = this_list(cx, args)?;
    let mut values = Values::with_room(cx, list.len())?;
    values.extend_from_list(cx, list)?;
    values.tuple(cx)
}

fn copy_items<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (Some(to), Some(from)) = (args[0].as_list(), args[2].as_list()) else {
        return Err(cx.fail_here(ErrorKind::Type, "expected lists"));
    };
    let at = count(cx, args[1], "position", 0)?;
    let start = count(cx, args[3], "position", 0)?;
    let end = count(cx, args[4], "position", 0)?;
    let count = end.min(from.len()).saturating_sub(start);
    let mut done = 0;
    while done < count {
        let piece = (count - done).min(PIECE / SLOT);
        cx.work(piece / 16)?;
        for offset in done..done + piece {
            let Some(value) = from.get(start + offset) else { break };
            to.set(cx, at + offset, value);
        }
        done += piece;
    }
    Ok(Value::NIL)
}

fn replace_items<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (Some(list), Some(items)) = (args[0].as_list(), args[1].as_list()) else {
        return Err(cx.fail_here(ErrorKind::Type, "expected lists"));
    };
    if args[2].as_int() != Some(list.len() as i64) {
        return Err(cx.fail_here(ErrorKind::Changed, "the size of the list changed while it was being sorted"));
    }
    let items = items::part(cx, items, 0, usize::MAX)?;
    list.replace_all(cx, items)?;
    Ok(Value::NIL)
}

fn sorted_by_keys<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (Some(items), Some(keys)) = (args[0].as_list(), args[1].as_list()) else {
        return Err(cx.fail_here(ErrorKind::Type, "expected lists"));
    };
    cx.reserve(items.len() * SLOT + OBJECT)?;
    let keys = items::part(cx, keys, 0, usize::MAX)?;
    let order = order::sorted_positions(cx, &keys)?;
    cx.reserve(items.len() * (SLOT + size_of::<usize>()) + keys.len() * SLOT + OBJECT)?;
    let values = items::one_by_one(cx, order.len(), order.iter().filter_map(|&position| items.get(position)))?;
    Ok(cx.list(values)?.into())
}
