//! Elements, fields, slices and membership of the built-in kinds.

use quipu_code::closest;

use super::equal::{equal, exact_int, is_weighty, shallow};
use super::meter::{ENTER, LONG, LOOKED_AT, Meter, STEP, look_at};
use super::places;
use super::text::repr_short;
use crate::class::{self, HostClass};
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::{ErrorRef, Instance, List, Map, Range, Str, Type, Value, View, tag};
use crate::native::{Fault, Outcome};

/// `object[index]`.
///
/// # Errors
/// `type_error`, `index_error`, `key_error`; what methods of keys throw; as [`Cx::reserve`].
pub fn get_index<'v>(cx: &mut Cx<'v>, object: Value<'v>, index: Value<'v>) -> Outcome<'v> {
    if index.tag == tag::RANGE
        && let View::Range(range) = index.view()
        && matches!(object.tag, tag::LIST | tag::TUPLE | tag::STR | tag::BYTES | tag::RANGE)
    {
        return slice_by(cx, object, range);
    }
    match object.view() {
        View::List(list) => match place(cx, object, index, list.len())?.and_then(|at| list.get(at)) {
            Some(item) => Ok(item),
            None => Err(out_of_range(cx, object, index, list.len() as u64)),
        },
        View::Map(map) => match map.get(cx, index)? {
            Some(value) => Ok(value),
            None => Err(missing_key(cx, map, index)),
        },
        View::Tuple(tuple) => match place(cx, object, index, tuple.len())?.and_then(|at| tuple.get(at)) {
            Some(item) => Ok(item),
            None => Err(out_of_range(cx, object, index, tuple.len() as u64)),
        },
        View::Str(text) => {
            let len = char_count(cx, text)?;
            match place(cx, object, index, len)? {
                Some(at) => {
                    let part = char_range(cx, text, at, at + 1)?;
                    cx.str(part)
                }
                None => Err(out_of_range(cx, object, index, len as u64)),
            }
        }
        View::Bytes(bytes) => {
            let bytes = bytes.as_slice();
            match place(cx, object, index, bytes.len())?.and_then(|at| bytes.get(at)) {
                Some(&byte) => Ok(Value::int(byte.into())),
                None => Err(out_of_range(cx, object, index, bytes.len() as u64)),
            }
        }
        View::Range(range) => {
            let number = int_index(cx, object, index)?;
            let from_end = if number < 0 { range.len() as i128 } else { 0 };
            let at = u128::try_from(number as i128 + from_end).ok();
            match at.and_then(|at| range.get(at)) {
                Some(number) => Ok(Value::int(number)),
                None => Err(out_of_range(cx, object, index, range.len().min(u64::MAX.into()) as u64)),
            }
        }
        _ => {
            let advice = match object.view() {
                View::Instance(_) => "; its type has no method `get`",
                View::Set(_) => "; a set has members, which `in` finds",
                _ => "",
            };
            Err(cx.fail(ErrorKind::Type, format!("{} has no elements to index{advice}", object.kind_name())))
        }
    }
}

/// What `object[index] ??= value` finds there: nil where a map lacks the key.
///
/// # Errors
/// As [`get_index`], but for the `key_error`.
pub fn get_index_or_nil<'v>(cx: &mut Cx<'v>, object: Value<'v>, index: Value<'v>) -> Outcome<'v> {
    match object.view() {
        View::Map(map) => Ok(map.get(cx, index)?.unwrap_or(Value::NIL)),
        _ => get_index(cx, object, index),
    }
}

/// `object[index] = value`.
///
/// # Errors
/// `type_error`, `index_error`; what methods of keys throw; as [`Cx::reserve`].
pub fn set_index<'v>(cx: &mut Cx<'v>, object: Value<'v>, index: Value<'v>, value: Value<'v>) -> Result<(), Fault<'v>> {
    match object.view() {
        View::List(list) => {
            let done = match place(cx, object, index, list.len())? {
                Some(at) => list.set(cx, at, value),
                None => false,
            };
            if done { Ok(()) } else { Err(out_of_range(cx, object, index, list.len() as u64)) }
        }
        View::Map(map) => {
            map.insert(cx, index, value)?;
            Ok(())
        }
        _ => {
            let advice = match object.view() {
                View::Instance(_) => "; its type has no method `set`",
                View::Set(_) => "; a set takes members by `add`",
                View::Tuple(_) => "; a list can be changed",
                View::Str(_) | View::Bytes(_) => "; it never changes",
                _ => "",
            };
            let message = format!("cannot assign to an element of {}{advice}", object.kind_name());
            Err(cx.fail(ErrorKind::Type, message))
        }
    }
}

fn int_index<'v>(cx: &mut Cx<'v>, object: Value<'v>, index: Value<'v>) -> Result<i64, Fault<'v>> {
    match index.as_int() {
        Some(int) => Ok(int),
        None => {
            let (kind, given) = (object.kind_name(), index.kind_name());
            Err(cx.fail(ErrorKind::Type, format!("a {kind} is indexed by an int, not {given}")))
        }
    }
}

/// The place that an index means; nothing if it is out of range.
#[inline]
fn place<'v>(cx: &mut Cx<'v>, object: Value<'v>, index: Value<'v>, len: usize) -> Result<Option<usize>, Fault<'v>> {
    let index = match index.as_int() {
        Some(int) => int,
        None => int_index(cx, object, index)?,
    };
    // Lengths are far below 2^63, so that nothing overflows.
    let at = if index < 0 { index.wrapping_add(len as i64) } else { index };
    Ok(usize::try_from(at).ok().filter(|&at| at < len))
}

#[cold]
fn out_of_range<'v>(cx: &mut Cx<'v>, object: Value<'v>, index: Value<'v>, len: u64) -> Fault<'v> {
    let kind = object.kind_name();
    let part = match (object.tag, len) {
        (tag::STR, 1) => "character",
        (tag::STR, _) => "characters",
        (tag::BYTES, 1) => "byte",
        (tag::BYTES, _) => "bytes",
        (_, 1) => "element",
        _ => "elements",
    };
    let index = index.as_int().unwrap_or(0);
    let message = match len {
        0 => format!("index {index} is out of range: the {kind} is empty"),
        _ => format!("index {index} is out of range: the {kind} has {len} {part}"),
    };
    cx.fail(ErrorKind::Index, message)
}

/// How many bytes are looked at between two looks at the limits.
const PIECE: usize = 64 << 10;

/// The number of code points, paid for as if they were counted.
///
/// # Errors
/// A limit.
fn char_count<'v>(cx: &mut Cx<'v>, text: Str<'v>) -> Result<usize, Fault<'v>> {
    if !text.is_ascii() {
        look_at(cx, text.as_str().len())?;
    }
    places::char_count(cx, text)
}

/// The byte at which code point number `number` of a text begins, or the length if there is none, paid for as if it were looked
/// for from byte `from` on: piece after piece is counted, and the one that it is in once more.
fn byte_of_char<'v>(cx: &mut Cx<'v>, text: Str<'v>, from: usize, number: usize) -> Result<usize, Fault<'v>> {
    let len = text.as_str().len();
    let (at, counted) = match places::byte_of_char(cx, text, number)? {
        Some(at) if at < len => {
            let before = (at - from) / PIECE * PIECE;
            let piece = PIECE.min(len - from - before);
            (at, before / LOOKED_AT + 2 * (piece / LOOKED_AT))
        }
        _ => (len, (len - from) / LOOKED_AT),
    };
    cx.work(counted)?;
    Ok(at)
}

/// The code points from number `start` up to number `end`; at once for ASCII.
fn char_range<'v>(cx: &mut Cx<'v>, text: Str<'v>, start: usize, end: usize) -> Result<&'v str, Fault<'v>> {
    if end <= start {
        return Ok("");
    }
    if text.is_ascii() {
        let end = end.min(text.as_str().len());
        return Ok(text.as_str().get(start..end).unwrap_or(""));
    }
    let from = byte_of_char(cx, text, 0, start)?;
    let to = byte_of_char(cx, text, from, end)?;
    Ok(text.as_str().get(from..to).unwrap_or(""))
}

/// How many keys are looked through for one that may have been meant.
const SUGGESTED_FROM: usize = 1000;

/// The error of a key that a map does not have.
#[cold]
pub(crate) fn missing_key<'v>(cx: &mut Cx<'v>, map: Map<'v>, key: Value<'v>) -> Fault<'v> {
    let shown = match repr_short(cx, key) {
        Ok(shown) => shown,
        Err(fault) => return fault,
    };
    let mut message = format!("no key {shown}");
    if let Some(text) = key.as_str() {
        if let Some(near) = close(text, map.iter().take(SUGGESTED_FROM).filter_map(|(key, _)| key.as_str())) {
            message += &format!("; did you mean \"{near}\"?");
        } else if is_method(cx, map.into(), key) {
            message += &called(text);
        }
    }
    cx.fail_with(ErrorKind::Key, message, key)
}

/// The closest name, not looked for where names are too long to be mistyped.
fn close<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    const LONGEST: usize = 64;
    if wanted.len() > LONGEST {
        return None;
    }
    closest(wanted, names.filter(|name| name.len() <= LONGEST))
}

fn is_method<'v>(cx: &mut Cx<'v>, object: Value<'v>, name: Value<'v>) -> bool {
    name.as_str().is_some_and(|name| cx.machine.has_builtin_method(object.tag, name))
}

/// `object.name`, not called.
///
/// # Errors
/// `field_error`, `key_error`; as [`Cx::reserve`].
pub fn get_field<'v>(cx: &mut Cx<'v>, object: Value<'v>, name: Value<'v>) -> Outcome<'v> {
    match field(cx, object, name)? {
        Some(value) => Ok(value),
        None => Err(missing_field(cx, object, name)),
    }
}

/// What `object.name ??= value` finds there: nil where a map lacks the key.
///
/// # Errors
/// As [`get_field`], but for the `key_error`.
pub fn get_field_or_nil<'v>(cx: &mut Cx<'v>, object: Value<'v>, name: Value<'v>) -> Outcome<'v> {
    match object.view() {
        View::Map(_) => get_field_safe(cx, object, name),
        _ => get_field(cx, object, name),
    }
}

/// `object?.name`, not called: nil when the object is nil or has no such field or key.
///
/// # Errors
/// As [`Cx::reserve`].
pub fn get_field_safe<'v>(cx: &mut Cx<'v>, object: Value<'v>, name: Value<'v>) -> Outcome<'v> {
    Ok(field(cx, object, name)?.unwrap_or(Value::NIL))
}

/// The field or key of a value, if it has it.
fn field<'v>(cx: &mut Cx<'v>, object: Value<'v>, name: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
    let View::Str(name) = name.view() else { return Ok(None) };
    let text = name.as_str();
    Ok(match object.view() {
        View::Map(map) => {
            if text.len() >= LONG {
                look_at(cx, text.len())?;
            }
            map.get_str(cx, name)
        }
        View::Instance(instance) => match instance_field(instance, name) {
            None => class::get_field(cx, instance, text)?,
            found => found,
        },
        View::Type(ty) if text == "name" => Some(ty.name_value()),
        View::Closure(closure) => match text {
            "name" => Some(cx.str(closure.name().unwrap_or(""))?),
            "arity" => {
                let body = closure.code().body();
                Some(Value::int(body.required as i64 + body.optional as i64))
            }
            _ => None,
        },
        View::Native(native) => match text {
            "name" => Some(cx.str(native.name())?),
            "arity" => Some(Value::int(native.def().required as i64 + native.def().optional as i64)),
            _ => None,
        },
        View::Error(error) => match text {
            "kind" => Some(error.kind_value()),
            "message" => Some(error.message()),
            "data" => Some(error.data()),
            "trace" => Some(trace(cx, error)?),
            "during" => Some(error.during()),
            _ => None,
        },
        _ => None,
    })
}

fn instance_field<'v>(instance: Instance<'v>, name: Str<'v>) -> Option<Value<'v>> {
    instance.get(instance.ty().field_index_of(name)?)
}

/// `e.trace`: a list of maps, the innermost call first.
fn trace<'v>(cx: &mut Cx<'v>, error: ErrorRef<'v>) -> Outcome<'v> {
    let trace = error.trace().unwrap_or_default();
    let keys = ["fn", "file", "line"].map(|key| cx.machine.interned(key));
    let mut lines = Vec::new();
    for line in trace.lines() {
        let map = cx.map();
        let values = [cx.str(&line.function)?, cx.str(&line.file)?, Value::int(line.line.into())];
        for (key, value) in keys.into_iter().zip(values) {
            map.insert(cx, key, value)?;
        }
        if let Some(place) = line.place {
            let (key, place) = (cx.machine.interned("place"), cx.str(&place)?);
            map.insert(cx, key, place)?;
        }
        lines.push(map.into());
    }
    cx.list(lines).map(Value::from)
}

#[cold]
fn missing_field<'v>(cx: &mut Cx<'v>, object: Value<'v>, name: Value<'v>) -> Fault<'v> {
    let text = name.as_str().unwrap_or("");
    let (kind, advice) = match object.view() {
        View::Map(map) => return missing_key(cx, map, name),
        View::Instance(instance) => {
            let ty = instance.ty();
            let advice = member_advice(ty, text, ty.field_names());
            (ty.name(), advice + &cx.machine.other_version(object.slot()))
        }
        View::Type(ty) if !ty.is_builtin() => {
            let advice = member_advice(ty, text, ["name"].into_iter());
            return cx.fail(ErrorKind::Field, format!("the type {} has no field `{text}`{advice}", ty.name()));
        }
        _ if is_method(cx, object, name) => (object.kind_name(), called(text)),
        View::Nil => ("nil", "; `?.` gives nil instead of an error".into()),
        View::Error(_) => ("error", near(text, ["kind", "message", "data", "trace", "during"].into_iter())),
        View::Closure(_) | View::Native(_) => ("function", near(text, ["name", "arity"].into_iter())),
        _ => (object.kind_name(), String::new()),
    };
    cx.fail(ErrorKind::Field, format!("{kind} has no field `{text}`{advice}"))
}

fn called(name: &str) -> String {
    format!("; the method is called with `{name}()`")
}

fn near<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> String {
    close(wanted, names).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Advice on a name that is no field of a declared type or of its instances.
fn member_advice<'v>(ty: Type<'v>, wanted: &str, fields: impl Iterator<Item = &'v str> + Clone) -> String {
    if ty.method(wanted).is_some() {
        return called(wanted);
    }
    let of_host = ty.host_class().into_iter().flat_map(|class| class.getters.keys().map(String::as_str));
    let fields = fields.chain(of_host);
    match close(wanted, fields.clone().chain(ty.method_names())) {
        Some(name) if fields.clone().any(|field| field == name) => format!("; did you mean `{name}`?"),
        Some(name) => format!("; did you mean the method `{name}()`?"),
        None => match (fields.collect::<Vec<_>>(), ty.host_class()) {
            (_, Some(class)) => host_members(class),
            (fields, None) if fields.is_empty() || fields.len() > 8 => String::new(),
            (fields, None) => format!("; it has `{}`", fields.join("`, `")),
        },
    }
}

/// What values of a host's type have: nothing else says it to those who write programs.
pub(crate) fn host_members(class: &HostClass) -> String {
    /// How many are named.
    const MOST: usize = 12;
    let mut fields: Vec<&str> = class.getters.keys().map(String::as_str).collect();
    fields.sort_unstable();
    let methods = class.methods.iter().filter(|(_, is_method, _)| *is_method).map(|(name, ..)| format!("{name}()"));
    let names: Vec<String> = fields.into_iter().map(str::to_owned).chain(methods).collect();
    match names.len().saturating_sub(MOST) {
        _ if names.is_empty() => "; it has no fields and no methods".into(),
        0 => format!("; it has {}", names.join(", ")),
        more => format!("; it has {} and {more} more", names[..MOST].join(", ")),
    }
}

/// `object.name = value`.
///
/// # Errors
/// `type_error`, `field_error`; as [`Cx::reserve`].
pub fn set_field<'v>(cx: &mut Cx<'v>, object: Value<'v>, name: Value<'v>, value: Value<'v>) -> Result<(), Fault<'v>> {
    match (object.view(), name.view()) {
        (View::Map(map), _) => {
            map.insert(cx, name, value)?;
            Ok(())
        }
        (View::Instance(instance), View::Str(text)) => {
            if let Some(index) = instance.ty().field_index_of(text) {
                instance.set(cx, index, value);
                return Ok(());
            }
            if class::set_field(cx, instance, text.as_str(), value)? {
                return Ok(());
            }
            let (ty, text) = (instance.ty(), text.as_str());
            let advice = match ty.method(text) {
                Some(_) => "; a method cannot be replaced".into(),
                None if ty.host_class().is_some_and(|class| class.getters.contains_key(text)) => {
                    return Err(
                        cx.fail(ErrorKind::Field, format!("the field `{text}` of {} can only be read", ty.name()))
                    );
                }
                None => member_advice(ty, text, ty.field_names()),
            };
            Err(cx.fail(ErrorKind::Field, format!("{} has no field `{text}`{advice}", ty.name())))
        }
        _ => {
            let (kind, name) = (object.kind_name(), name.as_str().unwrap_or(""));
            Err(cx.fail(
                ErrorKind::Type,
                format!("cannot assign to `{name}` of {kind}; only instances and maps have fields that change"),
            ))
        }
    }
}

/// `object[start..end]`, with nil for an open end: a copy of what lies between, as far as there is any.
///
/// # Errors
/// `type_error`; as [`Cx::reserve`].
pub fn slice<'v>(
    cx: &mut Cx<'v>,
    object: Value<'v>,
    start: Value<'v>,
    end: Value<'v>,
    is_inclusive: bool,
) -> Outcome<'v> {
    let len = match object.view() {
        View::List(list) => list.len() as u128,
        View::Tuple(tuple) => tuple.len() as u128,
        View::Bytes(bytes) => bytes.as_slice().len() as u128,
        View::Str(text) => char_count(cx, text)? as u128,
        View::Range(range) => range.len(),
        _ => {
            let message = format!("{} cannot be sliced", object.kind_name());
            return Err(cx.fail(ErrorKind::Type, message));
        }
    };
    let len = len as i128;
    let start = bound(cx, start, len)?.unwrap_or(0).clamp(0, len);
    let end = bound(cx, end, len)?.map_or(len, |end| end + is_inclusive as i128).clamp(start, len);
    let (from, to) = (start as usize, end as usize);
    match object.view() {
        View::List(list) => {
            charge(cx, (to - from) * size_of::<Value<'_>>())?;
            cx.list(list.slice(from, to)).map(Value::from)
        }
        View::Tuple(tuple) => {
            charge(cx, (to - from) * size_of::<Value<'_>>())?;
            cx.tuple(tuple.as_slice().get(from..to).unwrap_or(&[]))
        }
        View::Bytes(bytes) => {
            charge(cx, to - from)?;
            cx.bytes(bytes.as_slice().get(from..to).unwrap_or(&[]))
        }
        View::Str(text) => {
            let part = char_range(cx, text, from, to)?;
            charge(cx, part.len())?;
            Ok(cx.heap().str_joined(&[part], part.len(), text.is_ascii() || part.is_ascii()).into())
        }
        View::Range(range) => Ok(subrange(cx, range, start as u128, end as u128)),
        _ => Ok(Value::NIL),
    }
}

/// `object[range]`: what the same bounds written in the brackets give.
fn slice_by<'v>(cx: &mut Cx<'v>, object: Value<'v>, range: Range<'v>) -> Outcome<'v> {
    let (start, end, step, is_inclusive) = range.content();
    if step != 1 {
        let message = format!("a {} is sliced by a range without a step", object.kind_name());
        return Err(cx.fail(ErrorKind::Value, message));
    }
    slice(cx, object, Value::int(start), Value::int(end), is_inclusive)
}

/// A bound of a slice, counted from the end if negative.
fn bound<'v>(cx: &mut Cx<'v>, bound: Value<'v>, len: i128) -> Result<Option<i128>, Fault<'v>> {
    match bound.view() {
        View::Nil => Ok(None),
        View::Int(int) => Ok(Some(if int < 0 { int as i128 + len } else { int as i128 })),
        _ => {
            let message = format!("the bounds of a slice are ints, not {}", bound.kind_name());
            Err(cx.fail(ErrorKind::Type, message))
        }
    }
}

/// The part of a range from element number `from` up to number `to`.
fn subrange<'v>(cx: &mut Cx<'v>, range: Range<'v>, from: u128, to: u128) -> Value<'v> {
    let (start, end, step, is_inclusive) = range.content();
    let heap = cx.heap();
    match (range.get(from), range.get(to)) {
        (Some(first), Some(after)) => heap.range(first, after, step, false),
        // It goes on to the end, so the end can stay.
        (Some(first), None) => heap.range(first, end, step, is_inclusive),
        (None, _) => heap.range(start, start, step, false),
    }
    .into()
}

fn charge<'v>(cx: &mut Cx<'v>, bytes: usize) -> Result<(), Fault<'v>> {
    cx.reserve(bytes)?;
    cx.work(bytes / 64)
}

/// `item in container`. May call the `eq` and `hash` of instances.
///
/// # Errors
/// `type_error`; what the methods throw; a limit.
pub fn contains<'v>(cx: &mut Cx<'v>, item: Value<'v>, container: Value<'v>) -> Result<bool, Fault<'v>> {
    match (container.view(), item.view()) {
        (View::Map(table) | View::Set(table), _) => table.contains(cx, item),
        (View::List(list), _) => Ok(position(cx, list, item)?.is_some()),
        (View::Tuple(tuple), _) => {
            let mut meter = Meter::default();
            for &element in tuple.as_slice() {
                if is_equal(cx, &mut meter, element, item)? {
                    meter.settle(cx)?;
                    return Ok(true);
                }
            }
            meter.settle(cx)?;
            Ok(false)
        }
        (View::Range(range), View::Int(int)) => Ok(range.position(int).is_some()),
        (View::Range(range), View::Float(float)) => {
            Ok(exact_int(float).is_some_and(|int| range.position(int).is_some()))
        }
        (View::Range(_), _) => Ok(false),
        (View::Str(text), View::Str(part)) => text_contains(cx, text.as_str(), part.as_str()),
        (View::Bytes(bytes), View::Int(byte)) => {
            let Ok(byte) = u8::try_from(byte) else { return Ok(false) };
            for piece in bytes.as_slice().chunks(PIECE) {
                look_at(cx, piece.len())?;
                if piece.contains(&byte) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (View::Bytes(bytes), View::Bytes(part)) => Ok(find_bytes(cx, bytes.as_slice(), part.as_slice(), 0)?.is_some()),
        (View::Str(_) | View::Bytes(_), _) => {
            let (kind, given) = (container.kind_name(), item.kind_name());
            let article = if given == "int" || given == "error" { "an" } else { "a" };
            Err(cx.fail(ErrorKind::Type, format!("a {kind} cannot contain {article} {given}")))
        }
        _ => {
            let advice = if container.tag == tag::INSTANCE { "; its type has no method `contains`" } else { "" };
            let message = format!("`in` cannot look into {}{advice}", container.kind_name());
            Err(cx.fail(ErrorKind::Type, message))
        }
    }
}

/// The place of the first element of a list that equals `item`. May call the `eq` of instances.
///
/// # Errors
/// What `eq` throws; a limit.
pub fn position<'v>(cx: &mut Cx<'v>, list: List<'v>, item: Value<'v>) -> Result<Option<usize>, Fault<'v>> {
    let mut meter = Meter::default();
    let mut at = 0;
    while let Some(element) = list.get(at) {
        if is_equal(cx, &mut meter, element, item)? {
            meter.settle(cx)?;
            return Ok(Some(at));
        }
        at += 1;
    }
    meter.settle(cx)?;
    Ok(None)
}

#[inline]
fn is_equal<'v>(cx: &mut Cx<'v>, meter: &mut Meter, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> {
    meter.add(cx, STEP)?;
    if a.tag == tag::INT && b.tag == tag::INT {
        return Ok(a.bits == b.bits);
    }
    match shallow(a, b) {
        Some(equal) if !is_weighty(a, b) => Ok(equal),
        _ => {
            meter.add(cx, ENTER)?;
            equal(cx, a, b)
        }
    }
}

/// Whether a text has a part. Looked for in pieces, each paid for before: they overlap by what the part is longer than a
/// character.
fn text_contains<'v>(cx: &mut Cx<'v>, text: &str, part: &str) -> Result<bool, Fault<'v>> {
    let size = PIECE.max(part.len());
    let mut rest = text;
    while rest.len() >= part.len() {
        let mut end = rest.len().min(size + part.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        cx.work((end + part.len()) / 16)?;
        if rest[..end].contains(part) {
            return Ok(true);
        }
        if end == rest.len() {
            break;
        }
        let mut next = end - part.len();
        while !rest.is_char_boundary(next) {
            next -= 1;
        }
        rest = &rest[next..];
    }
    Ok(false)
}

/// Where `part` first occurs in `bytes` at or after `from`, in time that grows with their sum.
///
/// # Errors
/// As [`Cx::reserve`]; a limit.
pub fn find_bytes<'v>(cx: &mut Cx<'v>, bytes: &[u8], part: &[u8], from: usize) -> Result<Option<usize>, Fault<'v>> {
    let Some(rest) = bytes.get(from..) else { return Ok(None) };
    let Some((&first, tail)) = part.split_first() else { return Ok(Some(from)) };
    // Short parts cannot make the simple way slow.
    if part.len() <= 8 {
        let mut at = from;
        while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= part.len()) {
            let piece = &rest[..rest.len().min(PIECE + tail.len())];
            cx.work(piece.len() / 16)?;
            let mut starts = piece.windows(part.len()).enumerate();
            if let Some((found, _)) = starts.find(|(_, w)| w[0] == first && &w[1..] == tail) {
                return Ok(Some(at + found));
            }
            at += PIECE;
        }
        return Ok(None);
    }
    // Knuth, Morris and Pratt: `back[i]` is how much of the part is still matched when what follows its first i bytes
    // does not fit.
    if part.len() > rest.len() {
        return Ok(None);
    }
    cx.reserve(part.len() * size_of::<usize>())?;
    let mut back = vec![0usize; part.len()];
    let mut matched = 0;
    for i in 1..part.len() {
        if i % PIECE == 1 {
            cx.work((part.len() - i).min(PIECE) / 16)?;
        }
        while matched > 0 && part[i] != part[matched] {
            matched = back[matched - 1];
        }
        matched += (part[i] == part[matched]) as usize;
        back[i] = matched;
    }
    matched = 0;
    for (number, piece) in rest.chunks(PIECE).enumerate() {
        cx.work(piece.len() / 16)?;
        for (at, &byte) in piece.iter().enumerate() {
            while matched > 0 && byte != part[matched] {
                matched = back[matched - 1];
            }
            matched += (byte == part[matched]) as usize;
            if matched == part.len() {
                return Ok(Some(from + number * PIECE + at + 1 - matched));
            }
        }
    }
    Ok(None)
}
