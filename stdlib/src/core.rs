//! The built-in functions, and the conversions that calling a built-in type stands for.

use std::borrow::Cow;

use quipu_vm::heap::Special;
use quipu_vm::native::Control;
use quipu_vm::ops::key::can_be_key;
use quipu_vm::ops::{equal, text as show};
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{expected, expected_by, int, text};
use crate::charge::{Meter, PIECE, count_chars};
use crate::entry::{Entry, control, native};
use crate::format;
use crate::items::{self, SLOT};
use crate::order::{self, Extreme};
use crate::range;

/// Names of the built-in types.
pub(crate) const TYPES: &[&str] =
    &["bool", "int", "float", "str", "bytes", "tuple", "range", "function", "list", "map", "set", "fiber", "error"];

pub(crate) const NATIVES: &[Entry] = &[
    native("print(..values)", "Writes the values with one space between and a newline after.", print).or("_print"),
    native("write(..values)", "Writes the values with nothing between or after.", write).or("_write"),
    native("repr(v)", "A value as it would stand in source.", repr),
    native("format(v, spec)", "A value as a format spec says, such as `>8.2`.", format::format).or("_format"),
    native("type_of(v)", "The type of a value.", type_of),
    native("len(v)", "How many characters, bytes, elements, entries or members there are.", len).or("_len"),
    native("min(..values)", "The least of the values, or of what a single iterable gives.", min).or("_min"),
    native("max(..values)", "The greatest of the values, or of what a single iterable gives.", max).or("_max"),
    native("sum(it)", "The sum of what an iterable gives; 0 when it gives nothing.", sum).or("_sum"),
    native("abs(x)", "A number without its sign.", abs),
    native("round(x)", "The nearest int; halves go to the even one.", round),
    native("floor(x)", "The greatest int that is not above x.", floor),
    native("ceil(x)", "The smallest int that is not below x.", ceil),
    native("chr(n)", "The string of the code point with this number.", chr),
    native("ord(s)", "The number of the only code point of a string.", ord),
    native("same(a, b)", "Whether two values are one: identity for what has one, content for the rest.", same),
    native("assert(c, message = nil)", "Throws `assert_error` unless c counts as true.", assert),
    native("code_hash(f)", "The content hash of a function's code.", code_hash),
    native("hash(v)", "The content hash of a value and all it reaches.", hash),
    control("atomic(f)", "Calls a function, and undoes everything it changed if it throws.", Control::Atomic),
];

/// What calling a built-in type does; each has the type's name.
pub(crate) const CONVERSIONS: &[Entry] = &[
    native("bool(v)", "false for nil and false, true for all else.", bool),
    native("int(v)", "An int from a string, or from a number by cutting off the fraction.", int_of),
    native("float(v)", "A float from a string or number.", float),
    native("str(v)", "A value as people read it.", str_of).or("_str"),
    native("bytes(v)", "The UTF-8 bytes of a string, or bytes from an iterable of ints.", bytes).or("_bytes"),
    native("list(it = [])", "A list of what an iterable gives.", list).or("_list"),
    native("tuple(it = ())", "A tuple of what an iterable gives.", tuple).or("_tuple"),
    native("map(it = [:])", "A map of the pairs that an iterable gives.", map).or("_map"),
    native("set(it = [])", "A set of what an iterable gives.", set).or("_set"),
    native(
        "range(a, b = nil, step = 1)",
        "The ints from a up to b, b excluded; from 0 up to a if there is no b.",
        range_of,
    ),
    native("fiber(f)", "A fiber that will run a function.", fiber),
    native("error(message, data = nil)", "An error value, to be thrown.", error),
];

pub(crate) const INTERNALS: &[Entry] = &[
    native("_fail(kind, message)", "Throws an error value of some kind.", fail),
    native("_fail_with(kind, message, data)", "Throws an error value of some kind with data.", fail).shown("_fail"),
    native("_brief(v)", "A value as source, cut if it is long.", |cx, args| {
        let shown = show::repr_short(cx, args[0])?;
        cx.str(&shown)
    }),
    native("_kind(v)", "The name of a value's type, for messages.", kind),
    native("_is_key(v)", "Whether a value can be a key.", is_key),
    native("_addend(v)", "v, if a sum can begin with it.", addend).shown("sum"),
    native("_check_count(native, n, least)", "Throws unless n is an int from `least` on.", check_count),
    native("_check_iterable(native, v)", "Throws unless v can be iterated.", check_iterable),
];

/// The text of each value; defers when one has a `str` of its own. What they take together fits twice, so that they can be
/// joined.
fn texts<'v>(cx: &mut Cx<'v>, values: &[Value<'v>]) -> Result<Vec<Cow<'v, str>>, Fault<'v>> {
    if values.iter().any(|value| value.special(Special::str).is_some()) {
        return Err(Fault::Defer);
    }
    cx.reserve(values.len() * size_of::<Cow<'_, str>>())?;
    let mut texts = Vec::with_capacity(values.len());
    let mut bytes = 0usize;
    for &value in values {
        let text = show::str_text(cx, value)?;
        bytes = bytes.saturating_add(text.len());
        cx.reserve(bytes.saturating_mul(2))?;
        texts.push(text);
    }
    Ok(texts)
}

fn print<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    // One write for a line keeps lines whole; most have one value, which needs no joining.
    let texts = texts(cx, args)?;
    cx.work(texts.iter().map(|text| text.len()).sum::<usize>() / 64)?;
    let mut line = texts.join(" ");
    line.push('\n');
    put_out(cx, &line)
}

/// Writes a text, a long one in pieces.
fn put_out<'v>(cx: &mut Cx<'v>, text: &str) -> Outcome<'v> {
    let mut rest = text;
    while rest.len() > PIECE {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        cx.write(piece)?;
        cx.waiting()?;
        rest = after;
    }
    cx.write(rest)?;
    Ok(Value::NIL)
}

fn write<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    for text in texts(cx, args)? {
        cx.work(text.len() / 64)?;
        put_out(cx, &text)?;
    }
    Ok(Value::NIL)
}

fn repr<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    show::repr(cx, args[0])
}

fn type_of<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(match args[0].view() {
        View::Instance(instance) => instance.ty().into(),
        // The names of built-in types stand for the types.
        _ => cx.native(args[0].type_name())?.unwrap_or(Value::NIL),
    })
}

fn len<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let len = match args[0].view() {
        View::Str(text) => return crate::str::length(cx, text),
        View::Range(range) => return range::length(cx, range.len()),
        View::Bytes(bytes) => bytes.as_slice().len(),
        View::Tuple(tuple) => tuple.as_slice().len(),
        View::List(list) => list.len(),
        View::Map(map) => map.len(),
        View::Set(set) => set.len(),
        View::Instance(instance) if instance.ty().special(Special::len).is_some() => return Err(Fault::Defer),
        _ => {
            let kind = args[0].kind_name();
            return Err(cx.fail_here(ErrorKind::Type, format!("a value of type {kind} has no length")));
        }
    };
    Ok(Value::int(len as i64))
}

fn min<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    order::extreme(cx, args, Extreme::Min)
}

fn max<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    order::extreme(cx, args, Extreme::Max)
}

pub(crate) fn sum<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let sum = match args[0].view() {
        View::Range(range) => {
            // (first + last) * len / 2; each factor may be odd, the product is even.
            let len = range.len();
            let ends = range.get(0).zip(range.get(len.saturating_sub(1)));
            let (first, last) = ends.map_or((0, 0), |(first, last)| (first as i128, last as i128));
            (first + last).checked_mul(len as i128).and_then(|twice| i64::try_from(twice / 2).ok()).map(Value::int)
        }
        View::List(list) => sum_up(cx, list.iter())?,
        View::Tuple(tuple) => sum_up(cx, tuple.as_slice().iter().copied())?,
        View::Set(set) => sum_up(cx, set.iter().map(|(member, _)| member))?,
        View::Bytes(bytes) => {
            let mut sum = 0;
            for piece in bytes.as_slice().chunks(PIECE) {
                cx.work(piece.len() / 64)?;
                sum += piece.iter().map(|&byte| i64::from(byte)).sum::<i64>();
            }
            Some(Value::int(sum))
        }
        _ => return Err(Fault::Defer),
    };
    sum.ok_or_else(|| cx.fail_here(ErrorKind::Overflow, "the result is beyond the range of int"))
}

/// The sum of numbers, ints as long as all are; none when they overflow. Defers when there are instances, which may
/// have an `add`.
fn sum_up<'v>(cx: &mut Cx<'v>, values: impl Iterator<Item = Value<'v>>) -> Result<Option<Value<'v>>, Fault<'v>> {
    let mut ints = 0i64;
    let mut floats = None;
    for (i, value) in values.enumerate() {
        if i % 64 == 63 {
            cx.work(4)?;
        }
        match (value.view(), &mut floats) {
            (View::Int(int), None) => match ints.checked_add(int) {
                Some(sum) => ints = sum,
                None => return Ok(None),
            },
            (View::Int(int), Some(sum)) => *sum += int as f64,
            (View::Float(float), Some(sum)) => *sum += float,
            (View::Float(float), None) => floats = Some(ints as f64 + float),
            (View::Instance(_), _) => return Err(Fault::Defer),
            _ => return Err(expected(cx, "numbers", value)),
        }
    }
    Ok(Some(floats.map_or(Value::int(ints), Value::float)))
}

fn abs<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args[0].view() {
        View::Int(int) => match int.checked_abs() {
            Some(int) => Ok(Value::int(int)),
            None => Err(cx.fail_here(ErrorKind::Overflow, "the result is beyond the range of int")),
        },
        View::Float(float) => Ok(Value::float(float.abs())),
        _ => Err(expected(cx, "a number", args[0])),
    }
}

/// A number made whole by `rule`, as an int.
pub(crate) fn to_int<'v>(cx: &mut Cx<'v>, value: Value<'v>, rule: fn(f64) -> f64) -> Outcome<'v> {
    match value.view() {
        View::Int(_) => Ok(value),
        View::Float(float) if float.is_nan() => Err(cx.fail_here(ErrorKind::Value, "nan is no int")),
        View::Float(float) => match equal::exact_int(rule(float)) {
            Some(int) => Ok(Value::int(int)),
            None => {
                let message = format!("{float:e} is beyond the range of int");
                Err(cx.fail_here_with(ErrorKind::Overflow, message, value))
            }
        },
        _ => Err(expected(cx, "a number", value)),
    }
}

fn round<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    to_int(cx, args[0], f64::round_ties_even)
}

pub(crate) fn floor<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    to_int(cx, args[0], f64::floor)
}

pub(crate) fn ceil<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    to_int(cx, args[0], f64::ceil)
}

fn chr<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let number = int(cx, args[0], "code point")?;
    match u32::try_from(number).ok().and_then(char::from_u32) {
        Some(c) => cx.str(c.encode_utf8(&mut [0; 4])),
        None => Err(cx.fail_here(ErrorKind::Value, format!("there is no code point {number}"))),
    }
}

fn ord<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let text = text(cx, args[0], "character")?;
    let mut chars = text.as_str().chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(Value::int(u32::from(c).into())),
        _ => {
            let len = count_chars(cx, text.as_str())?;
            Err(cx.fail_here(ErrorKind::Value, format!("expected a str of one character, got one of {len}")))
        }
    }
}

fn same<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(equal::same(cx, args[0], args[1])?))
}

fn assert<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    if args[0].is_truthy() {
        return Ok(Value::NIL);
    }
    let message = match args.get(1) {
        Some(message) if !message.is_nil() => show::str_text(cx, *message)?,
        _ => Cow::Borrowed("the assertion does not hold"),
    };
    Err(cx.fail(ErrorKind::Assert, message))
}

fn hash<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let hash = quipu_vm::graph::hash(cx, args[0])?;
    cx.str(&hash.to_string())
}

fn code_hash<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args[0].view() {
        View::Closure(closure) => cx.str(&closure.code().hash().to_string()),
        View::Native(native) => {
            let name = native.name();
            Err(cx.fail_here(ErrorKind::Type, format!("`{name}` is provided by the host, so it has no code")))
        }
        _ => Err(expected(cx, "a function", args[0])),
    }
}

fn bool<'v>(_: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(args[0].is_truthy()))
}

fn int_of<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let Some(text) = args[0].as_str() else {
        return match args[0].view() {
            View::Int(_) | View::Float(_) => to_int(cx, args[0], f64::trunc),
            _ => Err(expected(cx, "a str or a number", args[0])),
        };
    };
    cx.work(text.len() / 64)?;
    match text.trim().parse() {
        Ok(int) => Ok(Value::int(int)),
        Err(error) if matches!(error.kind(), PosOverflow | NegOverflow) => {
            // The digits that are too many say nothing of what stands behind them.
            cx.work(text.len() / 16)?;
            let digits = text.trim().trim_start_matches(['+', '-']);
            match digits.bytes().all(|byte| byte.is_ascii_digit()) {
                true => Err(cx.fail_here(ErrorKind::Overflow, "the number is beyond the range of int")),
                false => Err(unreadable(cx, "an int", args[0])),
            }
        }
        Err(_) => Err(unreadable(cx, "an int", args[0])),
    }
}

fn float<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let Some(text) = args[0].as_str() else {
        return match args[0].view() {
            View::Int(int) => Ok(Value::float(int as f64)),
            View::Float(_) => Ok(args[0]),
            _ => Err(expected(cx, "a str or a number", args[0])),
        };
    };
    cx.work(text.len() / 64)?;
    match text.trim().parse() {
        Ok(float) => Ok(Value::float(float)),
        Err(_) => Err(unreadable(cx, "a float", args[0])),
    }
}

/// The error of a text that is no number.
fn unreadable<'v>(cx: &mut Cx<'v>, wanted: &str, text: Value<'v>) -> Fault<'v> {
    match show::repr_short(cx, text) {
        Ok(shown) => cx.fail_here_with(ErrorKind::Value, format!("{shown} is not {wanted}"), text),
        Err(fault) => fault,
    }
}

fn str_of<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    if args[0].special(Special::str).is_some() {
        return Err(Fault::Defer);
    }
    show::to_str(cx, args[0])
}

fn bytes<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args[0].view() {
        View::Str(text) => {
            cx.work(text.as_str().len() / 64)?;
            return cx.bytes(text.as_str().as_bytes());
        }
        View::Bytes(_) => return Ok(args[0]),
        View::Nil | View::Bool(_) | View::Int(_) | View::Float(_) => {
            return Err(expected(cx, "a str or an iterable of ints", args[0]));
        }
        _ => {}
    }
    let items = items::collect(cx, args[0])?;
    cx.reserve(items.len().saturating_mul(SLOT + 2))?;
    let mut bytes = Vec::with_capacity(items.len());
    let mut meter = Meter::default();
    for item in items {
        meter.steps(cx, 1)?;
        match int(cx, item, "byte")?.try_into() {
            Ok(byte) => bytes.push(byte),
            Err(_) => {
                return Err(cx.fail_here_with(ErrorKind::Value, "a byte is an int from 0 to 255", item));
            }
        }
    }
    meter.settle(cx)?;
    cx.bytes(&bytes)
}

fn list<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let items = match args.first() {
        Some(&it) => items::collect(cx, it)?,
        None => Vec::new(),
    };
    Ok(cx.list(items)?.into())
}

fn tuple<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args.first() {
        Some(&it) if matches!(it.view(), View::Tuple(_)) => Ok(it),
        Some(&it) => {
            let items = items::collect(cx, it)?;
            cx.tuple(&items)
        }
        None => cx.tuple(&[]),
    }
}

fn map<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args.first().map(|it| it.view()) {
        None => Ok(cx.map().into()),
        Some(View::Map(map)) => crate::map::copied(cx, map),
        Some(_) => Err(Fault::Defer),
    }
}

fn set<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args.first().map(|it| it.view()) {
        None => Ok(cx.set().into()),
        Some(View::Set(set)) => crate::map::copied(cx, set),
        Some(_) => {
            let items = items::collect(cx, args[0])?;
            let held = items.len() * SLOT;
            let set = cx.set();
            for piece in items.chunks(1024) {
                // The set grows while the items are held apart.
                cx.reserve(held)?;
                cx.work(piece.len() / 2)?;
                for &item in piece {
                    set.add_member(cx, item)?;
                }
            }
            Ok(set.into())
        }
    }
}

fn range_of<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let first = int(cx, args[0], "bound")?;
    let (start, end) = match args.get(1) {
        Some(end) if !end.is_nil() => (first, int(cx, *end, "bound")?),
        _ => (0, first),
    };
    let step = match args.get(2) {
        Some(&step) => int(cx, step, "step")?,
        None => 1,
    };
    if step == 0 {
        return Err(cx.fail_here(ErrorKind::Value, "the step must not be 0"));
    }
    Ok(cx.range(start, end, step, false))
}

fn fiber<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args[0].view() {
        View::Closure(_) | View::Native(_) | View::Type(_) => Ok(cx.fiber(args[0])),
        View::Instance(instance) if instance.ty().special(Special::call).is_some() => Ok(cx.fiber(args[0])),
        _ => Err(expected(cx, "a function", args[0])),
    }
}

fn error<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let message = text(cx, args[0], "message")?.as_str();
    cx.reserve(message.len())?;
    cx.work(message.len() / 64)?;
    let data = args.get(1).copied().unwrap_or(Value::NIL);
    match cx.fail_with(ErrorKind::Plain, message, data) {
        Fault::Thrown(error) => Ok(error),
        fault => Err(fault),
    }
}

fn fail<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let kind = text(cx, args[0], "kind")?.as_str();
    let message = text(cx, args[1], "message")?.as_str();
    let data = args.get(2).copied().unwrap_or(Value::NIL);
    cx.reserve(message.len())?;
    cx.work(message.len() / 64)?;
    Err(cx.fail_with(ErrorKind::from_name(kind).unwrap_or(ErrorKind::Plain), message, data))
}

fn kind<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    cx.str(args[0].kind_name())
}

fn is_key<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(can_be_key(cx, args[0])?))
}

fn addend<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args[0].view() {
        View::Int(_) | View::Float(_) => Ok(args[0]),
        View::Instance(instance) if instance.ty().special(Special::add).is_some() => Ok(args[0]),
        _ => Err(expected(cx, "numbers", args[0])),
    }
}

fn check_count<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let native = text(cx, args[0], "name")?.as_str();
    let least = int(cx, args[2], "bound")?;
    match args[1].as_int() {
        None => Err(expected_by(cx, native, "an int as count", args[1])),
        Some(count) if count < least => {
            let message = format!("{native}: the count must be at least {least}, got {count}");
            Err(cx.fail(ErrorKind::Value, message))
        }
        Some(_) => Ok(Value::NIL),
    }
}

fn check_iterable<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let fits = match args[1].view() {
        View::Nil | View::Bool(_) | View::Int(_) | View::Float(_) | View::Type(_) | View::Error(_) => false,
        View::Instance(instance) => instance.ty().special(Special::iter).is_some(),
        _ => true,
    };
    if fits {
        return Ok(Value::NIL);
    }
    let native = text(cx, args[0], "name")?.as_str();
    Err(expected_by(cx, native, "an iterable", args[1]))
}
