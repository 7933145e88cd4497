//! Methods of maps that call nothing but `hash` and `eq` of keys. Those that take functions are in `map.qp`.

use quipu_vm::heap::Map;
use quipu_vm::native::Intrinsic;
use quipu_vm::{Cx, Fault, Outcome, Value, View};

use crate::args::this_map;
use crate::entry::{Entry, native};
use crate::items::{self, SLOT};
use crate::order;

pub(crate) const METHODS: &[Entry] = &[
    native("len()", "Number of entries.", len),
    native("is_empty()", "Whether there are no entries.", is_empty),
    native("get(k, default = nil)", "The value of a key, or the default when it is missing.", get)
        .known(Intrinsic::MapGet),
    native("has(k)", "Whether there is an entry with this key.", has).known(Intrinsic::MapHas),
    native("remove(k)", "Removes an entry and gives its value; nil when there is none.", remove),
    native("keys()", "A list of the keys.", keys),
    native("values()", "A list of the values.", values),
    native("items()", "A list of tuples `(k, v)`.", items),
    native("update(other)", "Puts in every entry of another map, or every pair of an iterable.", update)
        .or("_map_update"),
    native("clear()", "Removes all entries.", clear),
    native("copy()", "A new map of the same entries.", copy),
    native("sorted_keys()", "A sorted list of the keys.", sorted_keys).or("_map_sorted_keys"),
];

fn len<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::int(this_map(cx, args)?.len() as i64))
}

fn is_empty<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_map(cx, args)?.is_empty()))
}

fn get<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let found = this_map(cx, args)?.get(cx, args[1])?;
    Ok(found.or(args.get(2).copied()).unwrap_or(Value::NIL))
}

fn has<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_map(cx, args)?.contains(cx, args[1])?))
}

fn remove<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(this_map(cx, args)?.remove(cx, args[1])?.unwrap_or(Value::NIL))
}

fn keys<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let map = this_map(cx, args)?;
    let keys = items::one_by_one(cx, map.len(), map.iter().map(|(key, _)| key))?;
    Ok(cx.list(keys)?.into())
}

fn values<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let map = this_map(cx, args)?;
    let values = items::one_by_one(cx, map.len(), map.iter().map(|(_, value)| value))?;
    Ok(cx.list(values)?.into())
}

fn items<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_map(cx, args)?;
    let items = items::collect(cx, args[0])?;
    Ok(cx.list(items)?.into())
}

fn update<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let map = this_map(cx, args)?;
    let View::Map(other) = args[1].view() else { return Err(Fault::Defer) };
    map.reserve(cx, other.len())?;
    if map != other {
        // The entries are read before a key's methods could change the other map.
        cx.reserve(other.len() * 2 * SLOT)?;
        cx.work(other.len() / 16)?;
        let entries: Vec<_> = other.iter().collect();
        for piece in entries.chunks(1024) {
            cx.work(piece.len() / 2)?;
            for &(key, value) in piece {
                map.insert(cx, key, value)?;
            }
        }
    }
    Ok(Value::NIL)
}

fn clear<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let map = this_map(cx, args)?;
    cx.work(map.len() / 16)?;
    map.clear(cx);
    Ok(Value::NIL)
}

fn copy<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let map = this_map(cx, args)?;
    copied(cx, map)
}

/// A copy of a map or set.
pub(crate) fn copied<'v>(cx: &mut Cx<'v>, table: Map<'v>) -> Outcome<'v> {
    cx.work(table.len() / 4)?;
    Ok(table.copy(cx)?.into())
}

fn sorted_keys<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let map = this_map(cx, args)?;
    let keys = items::one_by_one(cx, map.len(), map.iter().map(|(key, _)| key))?;
    let sorted = order::sorted(cx, keys)?;
    Ok(cx.list(sorted)?.into())
}
