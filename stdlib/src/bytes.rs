//! Methods of byte strings.

use std::fmt::Write;

use quipu_vm::{Cx, ErrorKind, Outcome, Value, View};

use crate::args::{expected, int, this_bytes};
use crate::entry::{Entry, native};
use crate::items;
use crate::text::{self, clamp};

pub(crate) const METHODS: &[Entry] = &[
    native("len()", "Number of bytes.", len),
    native("is_empty()", "Whether there are none.", is_empty),
    native("to_str()", "The string that the bytes encode; throws `value_error` if they are not UTF-8.", to_str),
    native("hex()", "The bytes as lower-case hexadecimal digits, two for each.", hex),
    native("to_list()", "A list of the bytes as ints.", to_list),
    native("find(part, from = 0)", "The position of the first occurrence of a bytes or one byte, or nil.", find),
    native("slice(start, end = nil)", "The bytes from `start` up to `end`; negative ones count from the end.", slice),
];

fn len<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::int(this_bytes(cx, args, "bytes.len")?.as_slice().len() as i64))
}

fn is_empty<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_bytes(cx, args, "bytes.is_empty")?.as_slice().is_empty()))
}

fn to_str<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = this_bytes(cx, args, "bytes.to_str")?.as_slice();
    cx.work(bytes.len() / 64)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => cx.str(text),
        Err(error) => {
            let at = error.valid_up_to();
            let message = format!("bytes.to_str: these are not UTF-8, from byte {at} on");
            Err(cx.fail_with(ErrorKind::Value, message, Value::int(at as i64)))
        }
    }
}

fn hex<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = this_bytes(cx, args, "bytes.hex")?.as_slice();
    cx.reserve(bytes.len().saturating_mul(2))?;
    cx.work(bytes.len() / 16)?;
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    cx.str(&digits)
}

fn to_list<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_bytes(cx, args, "bytes.to_list")?;
    let items = items::collect(cx, args[0])?;
    Ok(cx.list(items)?.into())
}

fn find<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = this_bytes(cx, args, "bytes.find")?.as_slice();
    let from = match args.get(2) {
        Some(&from) => int(cx, from, "bytes.find", "start")?,
        None => 0,
    };
    let one;
    let part = match args[1].view() {
        View::Bytes(part) => part.as_slice(),
        View::Int(byte) => match u8::try_from(byte) {
            Ok(byte) => {
                one = [byte];
                &one[..]
            }
            Err(_) => return Ok(Value::NIL),
        },
        _ => return Err(expected(cx, "bytes.find", "a bytes or an int", args[1])),
    };
    if from > bytes.len() as i64 {
        return Ok(Value::NIL);
    }
    let from = clamp(from, bytes.len());
    let found = text::find_bytes(cx, &bytes[from..], part)?;
    Ok(found.map_or(Value::NIL, |at| Value::int((from + at) as i64)))
}

fn slice<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = this_bytes(cx, args, "bytes.slice")?.as_slice();
    let start = clamp(int(cx, args[1], "bytes.slice", "start")?, bytes.len());
    let end = match args.get(2) {
        Some(end) if !end.is_nil() => clamp(int(cx, *end, "bytes.slice", "end")?, bytes.len()),
        _ => bytes.len(),
    };
    let part = bytes.get(start..end).unwrap_or(&[]);
    cx.work(part.len() / 64)?;
    cx.bytes(part)
}
