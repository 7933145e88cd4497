//! Methods of tuples.

use quipu_vm::{Cx, Outcome, Value};

use crate::args::this_tuple;
use crate::entry::{Entry, native};
use crate::items;
use crate::list::search;

pub(crate) const METHODS: &[Entry] = &[
    native("len()", "Number of elements.", len),
    native("is_empty()", "Whether there are no elements.", is_empty),
    native("to_list()", "A list of the elements.", to_list),
    native("contains(x)", "Whether an element equals x.", contains).or("_contains"),
    native("index_of(x)", "The position of the first element that equals x, or nil.", index_of).or("_index_of"),
];

fn len<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::int(this_tuple(cx, args)?.as_slice().len() as i64))
}

fn is_empty<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_tuple(cx, args)?.as_slice().is_empty()))
}

fn to_list<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_tuple(cx, args)?;
    let items = items::collect(cx, args[0])?;
    Ok(cx.list(items)?.into())
}

fn contains<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let items = this_tuple(cx, args)?.as_slice();
    Ok(Value::bool(search(cx, items.iter().copied(), args[1])?.is_some()))
}

fn index_of<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let items = this_tuple(cx, args)?.as_slice();
    let found = search(cx, items.iter().copied(), args[1])?;
    Ok(found.map_or(Value::NIL, |index| Value::int(index as i64)))
}
