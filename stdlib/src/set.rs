//! Methods of sets that call nothing but `hash` and `eq` of members. Those that take functions are in `set.qp`.

use quipu_vm::heap::Set;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::this_set;
use crate::charge::Meter;
use crate::entry::{Entry, native};
use crate::items;

pub(crate) const METHODS: &[Entry] = &[
    native("len()", "Number of members.", len),
    native("is_empty()", "Whether there are no members.", is_empty),
    native("has(x)", "Whether x is a member.", has),
    native("add(x)", "Makes x a member, if it is none.", add),
    native("remove(x)", "Removes a member; throws `key_error` if it is none.", remove),
    native("union(it)", "A new set of the members and everything that an iterable gives.", union).or("_set_union"),
    native("intersection(it)", "A new set of the members that an iterable gives too.", intersection)
        .or("_set_intersection"),
    native("difference(it)", "A new set of the members that an iterable does not give.", difference)
        .or("_set_difference"),
    native("is_subset(it)", "Whether an iterable gives every member.", is_subset).or("_set_is_subset"),
    native("to_list()", "A list of the members.", to_list),
    native("clear()", "Removes all members.", clear),
    native("copy()", "A new set of the same members.", copy),
];

fn len<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::int(this_set(cx, args)?.len() as i64))
}

fn is_empty<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_set(cx, args)?.is_empty()))
}

fn has<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_set(cx, args)?.contains(cx, args[1])?))
}

fn add<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_set(cx, args)?.add_member(cx, args[1])?;
    Ok(Value::NIL)
}

fn remove<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match this_set(cx, args)?.remove(cx, args[1])? {
        Some(_) => Ok(Value::NIL),
        None => Err(cx.fail_here_with(ErrorKind::Key, "there is no such member", args[1])),
    }
}

/// The set that a method was called on, and the other one. What is no set defers.
fn both<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Result<(Set<'v>, Set<'v>), Fault<'v>> {
    let this = this_set(cx, args)?;
    match args[1].view() {
        View::Set(other) => Ok((this, other)),
        _ => Err(Fault::Defer),
    }
}

fn union<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (this, other) = both(cx, args)?;
    cx.work(this.len() / 4)?;
    let all = this.copy(cx)?;
    all.reserve(cx, other.len())?;
    let mut meter = Meter::default();
    for (member, _) in other.iter() {
        meter.steps(cx, 8)?;
        all.add_member(cx, member)?;
    }
    meter.settle(cx)?;
    Ok(all.into())
}

/// The members for which it is `wanted` that they are in the other set.
fn select<'v>(cx: &mut Cx<'v>, this: Set<'v>, other: Set<'v>, wanted: bool) -> Outcome<'v> {
    let kept = cx.set();
    let mut meter = Meter::default();
    for (member, _) in this.iter() {
        meter.steps(cx, 8)?;
        if other.contains(cx, member)? == wanted {
            kept.add_member(cx, member)?;
        }
    }
    meter.settle(cx)?;
    Ok(kept.into())
}

fn intersection<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (this, other) = both(cx, args)?;
    select(cx, this, other, true)
}

fn difference<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (this, other) = both(cx, args)?;
    select(cx, this, other, false)
}

fn is_subset<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (this, other) = both(cx, args)?;
    if this.len() > other.len() {
        return Ok(Value::FALSE);
    }
    let mut meter = Meter::default();
    for (member, _) in this.iter() {
        meter.steps(cx, 8)?;
        if !other.contains(cx, member)? {
            return Ok(Value::FALSE);
        }
    }
    meter.settle(cx)?;
    Ok(Value::TRUE)
}

fn to_list<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let set = this_set(cx, args)?;
    let members = items::one_by_one(cx, set.len(), set.iter().map(|(member, _)| member))?;
    Ok(cx.list(members)?.into())
}

fn clear<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_set(cx, args)?.clear(cx);
    Ok(Value::NIL)
}

fn copy<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let set = this_set(cx, args)?;
    crate::map::copied(cx, set)
}
