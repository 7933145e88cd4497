//! Equality by value, and sameness. Neither uses the Rust stack for depth, and both end on cyclic data.

use hashbrown::HashMap;

use super::depth::{Depth, Met};
use super::meter::{Cost, ENTER, Meter, STEP};
use crate::cx::Cx;
use crate::heap::{Closure, ErrorRef, List, Map, Special, Tuple, Type, Value, View, tag};
use crate::native::Fault;

/// Whether `a == b`. May call the `eq` of instances.
///
/// # Errors
/// What `eq` throws; a limit.
#[inline]
pub fn equal<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> {
    if is_weighty(a, b) {
        return metered(cx, a, b, Mode::Equal);
    }
    match shallow(a, b) {
        Some(equal) => Ok(equal),
        None => metered(cx, a, b, Mode::Equal),
    }
}

/// Whether two keys are one: as [`equal`], but an instance is never the same key as anything else.
pub(crate) fn equal_keys<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> {
    metered(cx, a, b, Mode::Keys)
}

/// Whether two values are byte strings, or long enough strings, of one length: so that comparing them has to be paid for.
#[inline]
pub(crate) fn is_weighty<'v>(a: Value<'v>, b: Value<'v>) -> bool {
    // Most values are told by their tags.
    a.tag == b.tag && matches!(a.tag, tag::STR | tag::BYTES) && is_long(a, b)
}

#[inline(never)]
fn is_long<'v>(a: Value<'v>, b: Value<'v>) -> bool {
    bytes_of(a, b).is_some_and(|(a, b)| a.len() >= 64 && a.len() == b.len())
}

/// The bytes of two strings or of two byte strings.
#[inline]
pub(super) fn bytes_of<'v>(a: Value<'v>, b: Value<'v>) -> Option<(&'v [u8], &'v [u8])> {
    match (a.view(), b.view()) {
        (View::Str(a), View::Str(b)) => Some((a.as_str().as_bytes(), b.as_str().as_bytes())),
        (View::Bytes(a), View::Bytes(b)) => Some((a.as_slice(), b.as_slice())),
        _ => None,
    }
}

/// Whether two values are equal, or nothing if their parts or methods decide.
#[inline]
pub(crate) fn shallow<'v>(a: Value<'v>, b: Value<'v>) -> Option<bool> {
    Some(match (a.view(), b.view()) {
        (View::Int(a), View::Int(b)) => a == b,
        (View::Float(a), View::Float(b)) => a == b,
        (View::Int(a), View::Float(b)) | (View::Float(b), View::Int(a)) => exact_int(b) == Some(a),
        (View::Str(a), View::Str(b)) => a == b || a.as_str() == b.as_str(),
        (View::Bytes(a), View::Bytes(b)) => a.as_slice() == b.as_slice(),
        (View::Range(a), View::Range(b)) => a.content() == b.content(),
        (View::Native(a), View::Native(b)) => a == b || a.name() == b.name(),
        (View::Instance(_), _) | (_, View::Instance(_)) => {
            if a.special(Special::eq).is_some() || b.special(Special::eq).is_some() {
                return None;
            }
            a.is_identical(b)
        }
        (View::Tuple(_), View::Tuple(_))
        | (View::List(_), View::List(_))
        | (View::Map(_), View::Map(_))
        | (View::Set(_), View::Set(_))
        | (View::Closure(_), View::Closure(_))
        | (View::Type(_), View::Type(_))
        | (View::Error(_), View::Error(_)) => return None,
        _ => a.is_identical(b),
    })
}

/// The int that a float is exactly.
pub fn exact_int(float: f64) -> Option<i64> {
    // The bounds are powers of two, so the comparison with them is exact.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    ((-LIMIT..LIMIT).contains(&float) && float.trunc() == float).then_some(float as i64)
}

/// Two containers of equal size, how far their elements have been compared, and for those without identity what it has cost.
enum Step<'v> {
    Tuples(Tuple<'v>, Tuple<'v>, usize, Cost),
    Lists(List<'v>, List<'v>, usize),
    Maps(Map<'v>, Map<'v>, u64),
    Errors(ErrorRef<'v>, ErrorRef<'v>, u8, Cost),
}

impl Step<'_> {
    /// What the containers have cost; nothing for those with identity.
    fn cost(&mut self) -> Option<&mut Cost> {
        match self {
            Step::Tuples(.., cost) | Step::Errors(.., cost) => Some(cost),
            Step::Lists(..) | Step::Maps(..) => None,
        }
    }
}

/// What makes two values one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// `==`.
    Equal,
    /// Keys of maps: as `==`, but instances are one only with themselves or by their own `eq`.
    Keys,
    /// `same`: identity for what has one.
    Same,
}

fn metered<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>, mode: Mode) -> Result<bool, Fault<'v>> {
    let mut meter = Meter::default();
    let equal = deep(cx, &mut meter, a, b, mode)?;
    meter.settle(cx)?;
    Ok(equal)
}

fn deep<'v>(cx: &mut Cx<'v>, meter: &mut Meter, a: Value<'v>, b: Value<'v>, mode: Mode) -> Result<bool, Fault<'v>> {
    let mut stack: Depth<Step<'v>> = Depth::new();
    let mut met = Met::default();
    let (mut a, mut b) = (a, b);
    loop {
        meter.add(cx, STEP)?;
        let mut cost = Cost::NONE;
        cost.add(STEP);
        let simple = match bytes_of(a, b) {
            Some((x, y)) => {
                cost.add(x.len() as u64);
                Some(meter.equal(cx, x, y)?)
            }
            None if mode == Mode::Same => shallow_same(a, b),
            None => shallow(a, b),
        };
        let equal = match simple {
            Some(equal) => equal,
            None => match (a.view(), b.view()) {
                (View::Instance(_), _) | (_, View::Instance(_)) => {
                    // Its `eq` is asked each time.
                    cost = Cost::UNKEPT;
                    instances(cx, a, b, mode == Mode::Keys)?
                }
                (View::Closure(_), _) | (View::Type(_), _) => same_functions(cx, meter, a, b, &mut cost)?,
                (first, second) => {
                    meter.add(cx, ENTER)?;
                    cost.add(ENTER);
                    let is_early = met.is_early();
                    let (x, y) = (a.bits as usize, b.bits as usize);
                    let begun = if is_early { Cost::UNKEPT } else { cost };
                    let step = match (first, second) {
                        (View::Tuple(x), View::Tuple(y)) if x.len() == y.len() => Step::Tuples(x, y, 0, begun),
                        (View::List(x), View::List(y)) if x.len() == y.len() => Step::Lists(x, y, 0),
                        (View::Map(x), View::Map(y)) | (View::Set(x), View::Set(y)) if x.len() == y.len() => {
                            Step::Maps(x, y, 0)
                        }
                        (View::Error(x), View::Error(y)) => Step::Errors(x, y, 0, begun),
                        _ => return Ok(false),
                    };
                    match step {
                        Step::Tuples(..) | Step::Errors(..) => match met.cost(x, y) {
                            Some(parts) => cost.again(cx, meter, parts)?,
                            None => {
                                stack.push(cx, step)?;
                                // It tells its container when it is done.
                                cost = Cost::NONE;
                            }
                        },
                        Step::Lists(..) | Step::Maps(..) => {
                            if is_early || met.is_new(cx, x, y)? {
                                if let Some(container) = stack.last_mut().and_then(Step::cost) {
                                    container.join(cost);
                                }
                                cost = Cost::NONE;
                                stack.push(cx, step)?;
                            }
                        }
                    }
                    true
                }
            },
        };
        if !equal {
            return Ok(false);
        }
        if cost != Cost::NONE
            && let Some(container) = stack.last_mut().and_then(Step::cost)
        {
            container.join(cost);
        }
        // The next pair of the innermost containers.
        loop {
            let Some(step) = stack.last_mut() else { return Ok(true) };
            let pair = match step {
                Step::Tuples(x, y, next, _) => {
                    *next += 1;
                    x.get(*next - 1).zip(y.get(*next - 1))
                }
                Step::Lists(x, y, next) => {
                    *next += 1;
                    let pair = (x.get(*next - 1), y.get(*next - 1));
                    match pair {
                        // An `eq` may have changed one of them.
                        (Some(_), None) | (None, Some(_)) => return Ok(false),
                        (x, y) => x.zip(y),
                    }
                }
                Step::Errors(x, y, next, _) => {
                    *next += 1;
                    match *next {
                        1 => Some((x.kind_value(), y.kind_value())),
                        2 => Some((x.message(), y.message())),
                        3 => Some((x.data(), y.data())),
                        _ => None,
                    }
                }
                Step::Maps(x, y, position) => {
                    let (x, y) = (*x, *y);
                    match x.next_key(*position) {
                        Some((after, key, value)) => {
                            *position = after;
                            meter.add(cx, ENTER + key.weight())?;
                            match y.get_key(cx, &key)? {
                                Some(other) => Some((value, other)),
                                None => return Ok(false),
                            }
                        }
                        None if x.len() != y.len() => return Ok(false),
                        None => None,
                    }
                }
            };
            match pair {
                Some(next) => {
                    (a, b) = next;
                    break;
                }
                None => {
                    let (x, y, cost) = match *step {
                        Step::Tuples(x, y, _, cost) => (x.address(), y.address(), cost),
                        Step::Errors(x, y, _, cost) => (x.address(), y.address(), cost),
                        Step::Lists(..) | Step::Maps(..) => (0, 0, Cost::NONE),
                    };
                    stack.pop();
                    if cost == Cost::NONE {
                        continue;
                    }
                    if let Some(parts) = cost.kept() {
                        met.keep(cx, x, y, parts)?;
                    }
                    if let Some(container) = stack.last_mut().and_then(Step::cost) {
                        container.join(cost);
                    }
                }
            }
        }
    }
}

/// Whether two values are the same, or nothing if their parts decide.
fn shallow_same<'v>(a: Value<'v>, b: Value<'v>) -> Option<bool> {
    Some(match (a.view(), b.view()) {
        (View::Tuple(_), View::Tuple(_))
        | (View::Error(_), View::Error(_))
        | (View::Closure(_), View::Closure(_))
        | (View::Type(_), View::Type(_)) => return None,
        (View::Range(_), View::Range(_)) | (View::Native(_), View::Native(_)) => shallow(a, b) == Some(true),
        // Their bits differ by the machine that made them; in images and hashes they are one.
        (View::Float(x), View::Float(y)) if x.is_nan() && y.is_nan() => true,
        _ => a.is_identical(b),
    })
}

/// Whether two values are equal of which one is an instance with `eq`. The left one is asked if it can be.
fn instances<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>, keys: bool) -> Result<bool, Fault<'v>> {
    let methods = (a.special(Special::eq), b.special(Special::eq));
    // An instance is always found where it was filed, whatever its `eq` says of itself.
    if keys && (a.is_identical(b) || methods.0.is_none() || methods.1.is_none()) {
        return Ok(a.is_identical(b));
    }
    let answer = match methods {
        (Some(eq), _) => cx.call(eq, &[a, b])?,
        (None, Some(eq)) => cx.call(eq, &[b, a])?,
        (None, None) => return Ok(a.is_identical(b)),
    };
    Ok(answer.is_truthy())
}

/// Whether `same(a, b)`: identity for what has one, content for the rest. Calls nothing.
///
/// # Errors
/// A limit.
pub fn same<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> {
    metered(cx, a, b, Mode::Same)
}

/// [`same`] for functions and types, and what they hold. Adds what it costs to `price`.
fn same_functions<'v>(
    cx: &mut Cx<'v>,
    meter: &mut Meter,
    a: Value<'v>,
    b: Value<'v>,
    price: &mut Cost,
) -> Result<bool, Fault<'v>> {
    let mut todo: Depth<(Value<'v>, Value<'v>)> = Depth::new();
    let mut met = Met::default();
    todo.push(cx, (a, b))?;
    while let Some((a, b)) = todo.pop() {
        meter.add(cx, STEP)?;
        price.add(STEP);
        let simple = match bytes_of(a, b) {
            Some((x, y)) => {
                price.add(x.len() as u64);
                Some(meter.equal(cx, x, y)?)
            }
            None => shallow_same(a, b),
        };
        match simple {
            Some(true) => continue,
            Some(false) => return Ok(false),
            None => {}
        }
        meter.add(cx, ENTER)?;
        price.add(ENTER);
        // A type and its functions refer to one another.
        if (a.tag == tag::TYPE || !met.is_early()) && !met.is_new(cx, a.bits as usize, b.bits as usize)? {
            continue;
        }
        match (a.view(), b.view()) {
            (View::Tuple(x), View::Tuple(y)) if x.len() == y.len() => {
                for pair in x.as_slice().iter().copied().zip(y.as_slice().iter().copied()) {
                    todo.push(cx, pair)?;
                }
            }
            (View::Error(x), View::Error(y)) => {
                todo.push(cx, (x.kind_value(), y.kind_value()))?;
                todo.push(cx, (x.message(), y.message()))?;
                todo.push(cx, (x.data(), y.data()))?;
            }
            (View::Closure(x), View::Closure(y)) => {
                if !same_code(x, y) {
                    return Ok(false);
                }
                closure_parts(cx, &mut todo, x, y)?;
            }
            // What is one here may be two elsewhere, and costs as much as two that are equal.
            (View::Type(x), View::Type(y)) if x == y => meter.add(cx, shape_price(x))?,
            (View::Type(x), View::Type(y)) => match frozen(cx, meter, x, y)? {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => type_parts(cx, &mut todo, x, y)?,
            },
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn same_code(x: Closure<'_>, y: Closure<'_>) -> bool {
    x.code().hash() == y.code().hash() && x.capture_count() == y.capture_count()
}

fn closure_parts<'v>(
    cx: &mut Cx<'v>,
    todo: &mut Depth<(Value<'v>, Value<'v>)>,
    x: Closure<'v>,
    y: Closure<'v>,
) -> Result<(), Fault<'v>> {
    for pair in x.captures().zip(y.captures()) {
        todo.push(cx, pair)?;
    }
    if x.code().uses_owner()
        && let (Some(x), Some(y)) = (x.owner(), y.owner())
    {
        todo.push(cx, (x.into(), y.into()))?;
    }
    Ok(())
}

/// Whether the names in two declarations agree, so that their functions are left to compare.
fn same_shape(x: Type<'_>, y: Type<'_>) -> bool {
    !x.is_builtin()
        && !y.is_builtin()
        && !x.is_host()
        && !y.is_host()
        && x.name() == y.name()
        && x.field_names().eq(y.field_names())
        && x.method_names().eq(y.method_names())
        && x.methods().map(|method| method.instance).eq(y.methods().map(|method| method.instance))
}

/// Whether a type is another one: `is`. Small ones cost nothing, as where the two are one object.
///
/// # Errors
/// A limit.
pub(crate) fn same_type<'v>(cx: &mut Cx<'v>, x: Type<'v>, y: Type<'v>) -> Result<bool, Fault<'v>> {
    if !same_shape(x, y) {
        return Ok(false);
    }
    let mut meter = Meter::default();
    let same = frozen(cx, &mut meter, x, y)?;
    meter.settle(cx)?;
    same.map_or_else(|| equal(cx, x.into(), y.into()), Ok)
}

/// What comparing two types of one shape costs beside the texts, tuples and errors that their functions capture. Small ones
/// cost nothing, as where the two are one, which is not looked into.
fn shape_price(x: Type<'_>) -> u64 {
    const SMALL: usize = 64;
    let parts = x.field_names().len() + x.method_names().len();
    if parts < SMALL { 0 } else { parts as u64 * (STEP + ENTER) }
}

fn type_parts<'v>(
    cx: &mut Cx<'v>,
    todo: &mut Depth<(Value<'v>, Value<'v>)>,
    x: Type<'v>,
    y: Type<'v>,
) -> Result<(), Fault<'v>> {
    todo.push(cx, (x.constructor(), y.constructor()))?;
    for pair in x.methods().map(|method| method.function).zip(y.methods().map(|method| method.function)) {
        todo.push(cx, pair)?;
    }
    Ok(())
}

/// Whether two types that reach no mutable state are the same graph; nothing if mutable state is reached, or if they
/// differ only in which cells they share: then they are compared as functions are.
fn frozen<'v>(cx: &mut Cx<'v>, meter: &mut Meter, x: Type<'v>, y: Type<'v>) -> Result<Option<bool>, Fault<'v>> {
    let mut todo: Depth<(Value<'v>, Value<'v>)> = Depth::new();
    let mut met = Met::default();
    let mut cells: HashMap<usize, usize> = HashMap::new();
    let mut back: HashMap<usize, usize> = HashMap::new();
    let mut is_frozen = true;
    todo.push(cx, (x.into(), y.into()))?;
    while let Some((a, b)) = todo.pop() {
        let price = match a.view() {
            View::Tuple(_) | View::Error(_) => STEP + ENTER,
            _ => 0,
        };
        meter.add(cx, price)?;
        let composed = matches!(a.tag, tag::TUPLE | tag::CLOSURE | tag::TYPE | tag::ERROR);
        let is_pair = composed && a.tag == b.tag;
        if is_pair && (a.tag == tag::TYPE || !met.is_early()) && !met.is_new(cx, a.bits as usize, b.bits as usize)? {
            continue;
        }
        match (a.view(), b.view()) {
            (View::Tuple(x), View::Tuple(y)) if x.len() == y.len() => {
                for pair in x.as_slice().iter().copied().zip(y.as_slice().iter().copied()) {
                    todo.push(cx, pair)?;
                }
            }
            (View::Error(x), View::Error(y)) => {
                todo.push(cx, (x.kind_value(), y.kind_value()))?;
                todo.push(cx, (x.message(), y.message()))?;
                todo.push(cx, (x.data(), y.data()))?;
            }
            (View::Closure(x), View::Closure(y)) if same_code(x, y) => closure_parts(cx, &mut todo, x, y)?,
            (View::Type(x), View::Type(y)) if x == y && x.is_builtin() => {}
            (View::Type(x), View::Type(y)) if same_shape(x, y) => {
                meter.add(cx, shape_price(x))?;
                type_parts(cx, &mut todo, x, y)?;
            }
            (View::Cell(x), View::Cell(y)) => {
                let (to, from) = (x.address(), y.address());
                let seen = (cells.insert(to, from), back.insert(from, to));
                if x.is_var() || y.is_var() || x.get().is_absent() || y.get().is_absent() {
                    is_frozen = false;
                } else {
                    match seen {
                        (None, None) => todo.push(cx, (x.get(), y.get()))?,
                        (Some(b), Some(a)) if b == from && a == to => {}
                        _ => is_frozen = false,
                    }
                }
            }
            (View::List(_) | View::Map(_) | View::Set(_) | View::Instance(_) | View::Fiber(_), _) => {
                is_frozen = false;
            }
            (View::Nil | View::Bool(_) | View::Int(_) | View::Float(_), _) if a.is_identical(b) => {}
            (View::Str(_) | View::Bytes(_), _) => match bytes_of(a, b) {
                Some((x, y)) if meter.equal(cx, x, y)? => {}
                _ => return Ok(Some(false)),
            },
            (View::Range(_) | View::Native(_), _) if shallow(a, b) == Some(true) => {}
            _ => return Ok(Some(false)),
        }
    }
    Ok(is_frozen.then_some(true))
}
