//! Sorting, least and greatest. Instances defer: their `cmp` is code of the program, which may yield.

use std::cmp::Ordering;

use quipu_vm::ops::order::compare;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::charge::{Meter, PIECE};
use crate::items;

/// What a list of values has in common, which decides how it is sorted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Ints,
    Floats,
    Strs,
    /// Anything else that the machine can compare, or that is found out to be incomparable.
    Others,
}

fn sort_of(values: &[Value<'_>]) -> Option<Sort> {
    let mut common = None;
    for value in values {
        let sort = match value.view() {
            View::Int(_) => Sort::Ints,
            View::Float(_) => Sort::Floats,
            View::Str(_) => Sort::Strs,
            View::Instance(_) => return None,
            _ => Sort::Others,
        };
        if common.is_some_and(|common| common != sort) {
            common = Some(Sort::Others);
        } else {
            common = Some(sort);
        }
    }
    Some(common.unwrap_or(Sort::Others))
}

/// Strings up to this length are compared without a charge of their own.
const SHORT: usize = 256;

/// How many values are sorted between two looks at the limits.
const RUN: usize = 4096;

/// The values in rising order; equal ones keep theirs.
pub(crate) fn sorted<'v>(cx: &mut Cx<'v>, values: Vec<Value<'v>>) -> Result<Vec<Value<'v>>, Fault<'v>> {
    match prepare(cx, &values)? {
        Sort::Ints => in_runs(cx, values, |a, b| a.as_int().cmp(&b.as_int())),
        Sort::Floats => in_runs(cx, values, |a, b| float_order(as_float(*a), as_float(*b))),
        Sort::Strs => {
            let mut keyed = Vec::with_capacity(values.len());
            for piece in values.chunks(RUN) {
                cx.work(piece.len() / 16)?;
                keyed.extend(piece.iter().map(|&value| (prefix(value), value)));
            }
            drop(values);
            let keyed = in_runs(cx, keyed, |a, b| a.0.cmp(&b.0).then_with(|| a.1.as_str().cmp(&b.1.as_str())))?;
            let len = keyed.len();
            items::one_by_one(cx, len, keyed.into_iter().map(|(_, value)| value))
        }
        Sort::Others => merge_sort(cx, values, |value| *value),
    }
}

/// The positions of keys, in rising order of the keys.
pub(crate) fn sorted_positions<'v>(cx: &mut Cx<'v>, keys: &[Value<'v>]) -> Result<Vec<usize>, Fault<'v>> {
    let sort = prepare(cx, keys)?;
    let mut positions = Vec::with_capacity(keys.len());
    for start in (0..keys.len()).step_by(RUN) {
        let end = keys.len().min(start + RUN);
        cx.work((end - start) / 16)?;
        positions.extend(start..end);
    }
    match sort {
        Sort::Ints => in_runs(cx, positions, |&i, &j| keys[i].as_int().cmp(&keys[j].as_int())),
        Sort::Floats => in_runs(cx, positions, |&i, &j| float_order(as_float(keys[i]), as_float(keys[j]))),
        Sort::Strs => {
            let prefixes: Vec<u64> = keys.iter().map(|&key| prefix(key)).collect();
            let text = |i: usize| keys[i].as_str();
            in_runs(cx, positions, |&i, &j| prefixes[i].cmp(&prefixes[j]).then_with(|| text(i).cmp(&text(j))))
        }
        Sort::Others => merge_sort(cx, positions, |&i| keys[i]),
    }
}

/// Asks for the memory of sorting values, and finds out how to do it.
fn prepare<'v>(cx: &mut Cx<'v>, values: &[Value<'v>]) -> Result<Sort, Fault<'v>> {
    cx.reserve(values.len().saturating_mul(4 * items::SLOT))?;
    cx.work(values.len() / 16)?;
    let sort = sort_of(values).ok_or(Fault::Defer)?;
    let long = |value: &Value<'_>| value.as_str().is_some_and(|text| text.len() > SHORT);
    // Long strings are compared one by one, each comparison charged by their length.
    Ok(if sort == Sort::Strs && values.iter().any(long) { Sort::Others } else { sort })
}

/// Sorts what is compared in a moment: the standard library sorts short runs, which are merged here.
fn in_runs<'v, T: Copy>(
    cx: &mut Cx<'v>,
    mut from: Vec<T>,
    order: impl Fn(&T, &T) -> Ordering,
) -> Result<Vec<T>, Fault<'v>> {
    for run in from.chunks_mut(RUN) {
        cx.work(run.len() / 8 * (usize::BITS - run.len().leading_zeros()) as usize)?;
        run.sort_by(&order);
    }
    if from.len() <= RUN {
        return Ok(from);
    }
    let mut to = from.clone();
    let mut width = RUN;
    while width < from.len() {
        for start in (0..from.len()).step_by(2 * width) {
            let middle = (start + width).min(from.len());
            let end = (middle + width).min(from.len());
            let (mut i, mut j) = (start, middle);
            for piece in to[start..end].chunks_mut(RUN) {
                cx.work(piece.len() / 8)?;
                for place in piece {
                    let right = i == middle || (j < end && order(&from[j], &from[i]) == Ordering::Less);
                    let next = if right { &mut j } else { &mut i };
                    *place = from[*next];
                    *next += 1;
                }
            }
        }
        std::mem::swap(&mut from, &mut to);
        width *= 2;
    }
    Ok(from)
}

/// The first bytes of a string as a number, which orders most strings without looking at them again: they lie far apart
/// in memory.
fn prefix(value: Value<'_>) -> u64 {
    let text = value.as_str().unwrap_or("").as_bytes();
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(bytes)
}

fn as_float(value: Value<'_>) -> f64 {
    value.as_float().unwrap_or(f64::NAN)
}

/// The order of floats; nan has none, and goes to the end.
fn float_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// A stable merge sort from the bottom up. Unlike the standard library's, it may end in the middle, and does not mind
/// an order that contradicts itself.
fn merge_sort<'v, T: Copy>(
    cx: &mut Cx<'v>,
    mut from: Vec<T>,
    key: impl Fn(&T) -> Value<'v>,
) -> Result<Vec<T>, Fault<'v>> {
    let mut meter = Meter::default();
    let mut to = from.clone();
    let mut width = 1;
    while width < from.len() {
        for start in (0..from.len()).step_by(2 * width) {
            let middle = (start + width).min(from.len());
            let end = (middle + width).min(from.len());
            let (mut i, mut j) = (start, middle);
            for place in &mut to[start..end] {
                meter.steps(cx, 2)?;
                let right = if i == middle {
                    true
                } else if j == end {
                    false
                } else {
                    is_less(cx, &mut meter, key(&from[j]), key(&from[i]))?
                };
                let next = if right { &mut j } else { &mut i };
                *place = from[*next];
                *next += 1;
            }
        }
        std::mem::swap(&mut from, &mut to);
        width *= 2;
    }
    meter.settle(cx)?;
    Ok(from)
}

/// The order of two strings, charged for by their length.
fn text_order<'v>(cx: &mut Cx<'v>, meter: &mut Meter, a: &str, b: &str) -> Result<Ordering, Fault<'v>> {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    for (a, b) in a.chunks(PIECE).zip(b.chunks(PIECE)) {
        meter.bytes(cx, a.len().min(b.len()))?;
        match a.cmp(b) {
            Ordering::Equal => {}
            // Where one piece ends before the other does, so does its string.
            order => return Ok(order),
        }
    }
    Ok(a.len().cmp(&b.len()))
}

fn is_less<'v>(cx: &mut Cx<'v>, meter: &mut Meter, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> {
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Ok(text_order(cx, meter, a, b)? == Ordering::Less);
    }
    if let (Some(a), Some(b)) = (number(a), number(b))
        && (a.is_nan() || b.is_nan())
    {
        return Ok(float_order(a, b) == Ordering::Less);
    }
    Ok(compare(cx, "<", a, b)? == Some(Ordering::Less))
}

fn number(value: Value<'_>) -> Option<f64> {
    value.as_float().or(value.as_int().map(|int| int as f64))
}

/// Which end to look for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extreme {
    Min,
    Max,
}

/// The least or greatest of several arguments, or of what a single one gives; the first of equals.
pub(crate) fn extreme<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], which: Extreme) -> Outcome<'v> {
    let (symbol, wanted) = match which {
        Extreme::Min => ("<", Ordering::Less),
        Extreme::Max => (">", Ordering::Greater),
    };
    let collected;
    let values = match *args {
        [only] => {
            if let View::Range(range) = only.view()
                && let (Some(first), Some(last)) = (range.get(0), range.get(range.len().saturating_sub(1)))
            {
                return Ok(Value::int(if which == Extreme::Min { first.min(last) } else { first.max(last) }));
            }
            collected = items::collect(cx, only)?;
            &collected[..]
        }
        _ => args,
    };
    cx.work(values.len() / 16)?;
    if values.iter().any(|value| matches!(value.view(), View::Instance(_))) {
        return Err(Fault::Defer);
    }
    let Some((&first, rest)) = values.split_first() else {
        return Err(cx.fail_here(ErrorKind::Index, "there is nothing to choose from"));
    };
    let mut best = first;
    let mut meter = Meter::default();
    for &value in rest {
        meter.steps(cx, 1)?;
        let better = match (value.view(), best.view()) {
            (View::Int(value), View::Int(best)) => value.cmp(&best) == wanted,
            (View::Float(value), View::Float(best)) => value.partial_cmp(&best) == Some(wanted),
            (View::Str(value), View::Str(best)) => text_order(cx, &mut meter, value.as_str(), best.as_str())? == wanted,
            _ => compare(cx, symbol, value, best)? == Some(wanted),
        };
        if better {
            best = value;
        }
    }
    meter.settle(cx)?;
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_goes_to_the_end_and_zeros_are_equal() {
        let mut floats = [f64::NAN, 1.0, -0.0, f64::NEG_INFINITY, 0.0, f64::NAN];
        floats.sort_by(|a, b| float_order(*a, *b));
        assert_eq!(floats[..4], [f64::NEG_INFINITY, -0.0, 0.0, 1.0]);
        assert!(floats[1].is_sign_negative() && floats[4].is_nan() && floats[5].is_nan());
    }
}
