//! Order: `<`, `<=`, `>`, `>=`, and what sorting goes by.

use std::cmp::Ordering;

use super::depth::{Depth, Met};
use super::equal::{bytes_of, equal, shallow};
use super::meter::{self, Cost, ENTER, Meter, STEP};
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::{List, Special, Tuple, Value, View, tag};
use crate::native::Fault;

/// How `a` stands to `b`; nothing when one of them is NaN, so that no comparison holds. `symbol` is the operator that
/// an error names. May call the `cmp` of instances, and the `eq` of values that have no order but may be equal.
///
/// # Errors
/// `type_error` for values without an order; what the methods throw; a limit.
#[inline]
pub fn compare<'v>(cx: &mut Cx<'v>, symbol: &str, a: Value<'v>, b: Value<'v>) -> Result<Option<Ordering>, Fault<'v>> {
    if let Some((x, y)) = bytes_of(a, b) {
        // Short ones cost nothing but the comparison itself.
        let is_short = x.len().min(y.len()) < 64;
        return Ok(Some(if is_short { x.cmp(y) } else { meter::compare(cx, x, y)? }));
    }
    match plain(a, b) {
        Plain::Order(order) => Ok(order),
        Plain::Deep => {
            let mut meter = Meter::default();
            let order = deep(cx, &mut meter, symbol, a, b)?;
            meter.settle(cx)?;
            Ok(order)
        }
        Plain::None => Err(unordered(cx, symbol, a, b)),
    }
}

enum Plain {
    Order(Option<Ordering>),
    /// Elements or a method decide.
    Deep,
    /// There is no order between such values.
    None,
}

#[inline]
fn plain<'v>(a: Value<'v>, b: Value<'v>) -> Plain {
    Plain::Order(match (a.view(), b.view()) {
        (View::Int(a), View::Int(b)) => Some(a.cmp(&b)),
        (View::Float(a), View::Float(b)) => a.partial_cmp(&b),
        (View::Int(a), View::Float(b)) => int_to_float(a, b),
        (View::Float(a), View::Int(b)) => int_to_float(b, a).map(Ordering::reverse),
        (View::Str(a), View::Str(b)) => Some(a.as_str().cmp(b.as_str())),
        (View::Bytes(a), View::Bytes(b)) => Some(a.as_slice().cmp(b.as_slice())),
        (View::Tuple(_), View::Tuple(_)) | (View::List(_), View::List(_)) => return Plain::Deep,
        (View::Instance(_), _) if a.special(Special::cmp).is_some() => return Plain::Deep,
        _ => return Plain::None,
    })
}

/// The exact order of an int and a float.
pub(crate) fn int_to_float(a: i64, b: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() {
        None
    } else if b >= LIMIT {
        Some(Ordering::Less)
    } else if b < -LIMIT {
        Some(Ordering::Greater)
    } else {
        // The whole part fits an int; if it ties, the fraction decides.
        let whole = b.trunc();
        Some(a.cmp(&(whole as i64)).then(whole.partial_cmp(&b)?))
    }
}

enum Step<'v> {
    /// With what they have cost.
    Tuples(Tuple<'v>, Tuple<'v>, usize, Cost),
    Lists(List<'v>, List<'v>, usize),
}

/// What the innermost tuples have cost, unless lists are within.
fn cost_of<'s>(stack: &'s mut Depth<Step<'_>>) -> Option<&'s mut Cost> {
    match stack.last_mut() {
        Some(Step::Tuples(.., cost)) => Some(cost),
        _ => None,
    }
}

fn deep<'v>(
    cx: &mut Cx<'v>,
    meter: &mut Meter,
    symbol: &str,
    a: Value<'v>,
    b: Value<'v>,
) -> Result<Option<Ordering>, Fault<'v>> {
    let mut stack: Depth<Step<'v>> = Depth::new();
    let mut met = Met::default();
    let (mut a, mut b) = (a, b);
    loop {
        meter.add(cx, STEP)?;
        let mut cost = Cost::NONE;
        cost.add(STEP);
        let simple = match bytes_of(a, b) {
            Some((x, y)) => {
                cost.add(x.len().min(y.len()) as u64);
                Plain::Order(Some(meter.compare(cx, x, y)?))
            }
            None => plain(a, b),
        };
        let order = match simple {
            Plain::Order(order) => order,
            Plain::Deep => {
                meter.add(cx, ENTER)?;
                cost.add(ENTER);
                let (at, bt) = (a.bits as usize, b.bits as usize);
                match (a.view(), b.view()) {
                    (View::Tuple(x), View::Tuple(y)) => {
                        let is_early = met.is_early();
                        match met.cost(at, bt) {
                            Some(parts) => cost.again(cx, meter, parts)?,
                            None => {
                                let begun = if is_early { Cost::UNKEPT } else { cost };
                                stack.push(cx, Step::Tuples(x, y, 0, begun))?;
                                cost = Cost::NONE;
                            }
                        }
                        Some(Ordering::Equal)
                    }
                    (View::List(x), View::List(y)) => {
                        if met.is_early() || met.is_new(cx, at, bt)? {
                            if let Some(container) = cost_of(&mut stack) {
                                container.join(cost);
                            }
                            cost = Cost::NONE;
                            stack.push(cx, Step::Lists(x, y, 0))?;
                        }
                        Some(Ordering::Equal)
                    }
                    _ => {
                        // Its `cmp` is asked each time.
                        cost = Cost::UNKEPT;
                        Some(by_method(cx, a, b)?)
                    }
                }
            }
            Plain::None if stack.len() > 0 => {
                let equal = match shallow(a, b) {
                    Some(equal) => equal,
                    None => {
                        cost = Cost::UNKEPT;
                        equal(cx, a, b)?
                    }
                };
                if !equal {
                    return Err(unordered(cx, symbol, a, b));
                }
                Some(Ordering::Equal)
            }
            Plain::None => return Err(unordered(cx, symbol, a, b)),
        };
        if order != Some(Ordering::Equal) {
            return Ok(order);
        }
        if cost != Cost::NONE
            && let Some(container) = cost_of(&mut stack)
        {
            container.join(cost);
        }
        loop {
            let Some(step) = stack.last_mut() else { return Ok(Some(Ordering::Equal)) };
            let pair = match step {
                Step::Tuples(x, y, next, _) => {
                    *next += 1;
                    (x.get(*next - 1), y.get(*next - 1))
                }
                Step::Lists(x, y, next) => {
                    *next += 1;
                    (x.get(*next - 1), y.get(*next - 1))
                }
            };
            match pair {
                (Some(x), Some(y)) => {
                    (a, b) = (x, y);
                    break;
                }
                (None, Some(_)) => return Ok(Some(Ordering::Less)),
                (Some(_), None) => return Ok(Some(Ordering::Greater)),
                (None, None) => {
                    if let Some(Step::Tuples(x, y, _, cost)) = stack.pop() {
                        if let Some(parts) = cost.kept() {
                            met.keep(cx, x.address(), y.address(), parts)?;
                        }
                        if let Some(container) = cost_of(&mut stack) {
                            container.join(cost);
                        }
                    }
                }
            }
        }
    }
}

/// The order that the `cmp` of `a` gives.
fn by_method<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Result<Ordering, Fault<'v>> {
    let Some(method) = a.special(Special::cmp) else { return Err(unordered(cx, "<", a, b)) };
    let answer = cx.call(method, &[a, b])?;
    match answer.as_int() {
        Some(sign) => Ok(sign.cmp(&0)),
        None => {
            let (kind, given) = (a.kind_name(), answer.kind_name());
            Err(cx.fail(ErrorKind::Type, format!("`cmp` of {kind} must give an int, not {given}")))
        }
    }
}

#[cold]
fn unordered<'v>(cx: &mut Cx<'v>, symbol: &str, a: Value<'v>, b: Value<'v>) -> Fault<'v> {
    let (x, y) = (a.kind_name(), b.kind_name());
    let what = if x == y && a.tag == b.tag {
        format!("cannot order two values of type {x} with `{symbol}`")
    } else {
        format!("cannot order {x} and {y} with `{symbol}`")
    };
    let advice = if a.tag == tag::INSTANCE { format!("; {x} has no method `cmp`") } else { String::new() };
    cx.fail(ErrorKind::Type, what + &advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_and_floats_are_ordered_exactly() {
        use Ordering::*;
        let cases = [
            (1, 1.5, Less),
            (2, 1.5, Greater),
            (-1, -1.5, Greater),
            (-2, -1.5, Less),
            (0, -0.0, Equal),
            (0, 0.5, Less),
            (0, -0.5, Greater),
            (9_007_199_254_740_993, 9_007_199_254_740_992.0, Greater),
            (i64::MAX, 9_223_372_036_854_775_808.0, Less),
            (i64::MIN, -9_223_372_036_854_775_808.0, Equal),
            (i64::MIN, -9_223_372_036_854_777_856.0, Greater),
            (0, f64::INFINITY, Less),
            (0, f64::NEG_INFINITY, Greater),
        ];
        for (int, float, order) in cases {
            assert_eq!(int_to_float(int, float), Some(order), "{int} and {float}");
        }
        assert_eq!(int_to_float(0, f64::NAN), None);
    }
}
