//! Methods of byte strings.

use data_encoding::HEXLOWER;
use quipu_vm::{Cx, ErrorKind, Outcome, Value, View};

use crate::args::{expected, int, this_bytes};
use crate::base64;
use crate::charge::{PIECE, Text};
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
    Ok(Value::int(this_bytes(cx, args)?.as_slice().len() as i64))
}

fn is_empty<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_bytes(cx, args)?.as_slice().is_empty()))
}

fn to_str<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = this_bytes(cx, args)?.as_slice();
    let mut text = Text::with_room(cx, bytes.len())?;
    let mut at = 0;
    while at < bytes.len() {
        let piece = &bytes[at..bytes.len().min(at + PIECE)];
        cx.work(piece.len() / 64)?;
        let valid = match std::str::from_utf8(piece) {
            Ok(valid) => valid,
            // A code point may be cut by the piece's end.
            Err(error) if error.error_len().is_none() && at + piece.len() < bytes.len() => {
                std::str::from_utf8(&piece[..error.valid_up_to()]).unwrap_or("")
            }
            Err(error) => {
                let at = at + error.valid_up_to();
                let message = format!("these are not UTF-8, from byte {at} on");
                return Err(cx.fail_here_with(ErrorKind::Value, message, Value::int(at as i64)));
            }
        };
        if valid.len() == bytes.len() {
            return cx.str(valid);
        }
        text.push(cx, valid)?;
        at += valid.len();
    }
    text.str(cx)
}

fn hex<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = this_bytes(cx, args)?;
    base64::encoded(cx, bytes.into(), &HEXLOWER)
}

fn to_list<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_bytes(cx, args)?;
    let items = items::collect(cx, args[0])?;
    Ok(cx.list(items)?.into())
}

fn find<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = this_bytes(cx, args)?.as_slice();
    let from = match args.get(2) {
        Some(&from) => int(cx, from, "start")?,
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
        _ => return Err(expected(cx, "a bytes or an int", args[1])),
    };
    if from > bytes.len() as i64 {
        return Ok(Value::NIL);
    }
    let from = clamp(from, bytes.len());
    let found = text::find_bytes(cx, &bytes[from..], part)?;
    Ok(found.map_or(Value::NIL, |at| Value::int((from + at) as i64)))
}

fn slice<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = this_bytes(cx, args)?.as_slice();
    let start = clamp(int(cx, args[1], "start")?, bytes.len());
    let end = match args.get(2) {
        Some(end) if !end.is_nil() => clamp(int(cx, *end, "end")?, bytes.len()),
        _ => bytes.len(),
    };
    let part = bytes.get(start..end).unwrap_or(&[]);
    cx.work(part.len() / 64)?;
    cx.bytes(part)
}
