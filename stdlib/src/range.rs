//! Methods of ranges that call nothing. Those that take functions are in `range.qp`.

use quipu_vm::{Cx, ErrorKind, Outcome, Value, View};

use crate::args::{int, this_range};
use crate::entry::{Entry, native};
use crate::items;

pub(crate) const METHODS: &[Entry] = &[
    native("len()", "Number of ints in it.", len),
    native("is_empty()", "Whether there are none in it.", is_empty),
    native("contains(x)", "Whether x is one of its ints.", contains),
    native("step(n)", "The range with the same bounds that goes on by `n`, down if `n` is negative.", step),
    native("reversed()", "The range of the same ints in reverse order.", reversed),
    native("to_list()", "A list of the ints.", to_list),
];

fn len<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let range = this_range(cx, args)?;
    length(cx, range.len())
}

/// The length of a range as an int.
pub(crate) fn length<'v>(cx: &mut Cx<'v>, len: u128) -> Outcome<'v> {
    match i64::try_from(len) {
        Ok(len) => Ok(Value::int(len)),
        Err(_) => Err(cx.fail_here(ErrorKind::Overflow, "there are more ints in it than an int can count")),
    }
}

fn is_empty<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_range(cx, args)?.is_empty()))
}

fn contains<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let range = this_range(cx, args)?;
    let number = match args[1].view() {
        View::Int(int) => Some(int),
        View::Float(float) => quipu_vm::ops::equal::exact_int(float),
        _ => None,
    };
    Ok(Value::bool(number.is_some_and(|number| range.position(number).is_some())))
}

fn step<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let range = this_range(cx, args)?;
    let step = int(cx, args[1], "step")?;
    if step == 0 {
        return Err(cx.fail_here(ErrorKind::Value, "the step must not be 0"));
    }
    Ok(cx.range(range.start(), range.end(), step, range.is_inclusive()))
}

fn reversed<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let range = this_range(cx, args)?;
    let len = range.len();
    let (Some(first), Some(last)) = (range.get(0), range.get(len.saturating_sub(1))) else {
        return Ok(cx.range(0, 0, 1, false));
    };
    // The step down from the only element is never taken.
    let step = if len == 1 { Some(-1) } else { range.step().checked_neg() };
    match step {
        Some(step) => Ok(cx.range(last, first, step, true)),
        None => Err(cx.fail_here(ErrorKind::Overflow, "the step is beyond the range of int")),
    }
}

fn to_list<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_range(cx, args)?;
    let items = items::collect(cx, args[0])?;
    Ok(cx.list(items)?.into())
}
