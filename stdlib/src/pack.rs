//! The module `bytes`: numbers in binary form. Its types are in `bytes.qp`.

use quipu_code::counted;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{count, expected, int, number, text};
use crate::entry::{Entry, native};
use crate::items::SLOT;
use crate::text::beginning;

pub(crate) const NATIVES: &[Entry] = &[
    native("pack(format, ..values)", "The values in binary form, one for each field of the format.", pack),
    native(
        "unpack(format, bytes, from = 0)",
        "A tuple of the values of a format's fields, read from a position on.",
        unpack,
    ),
    native("size(format)", "How many bytes the fields of a format take.", size),
    native("join(parts, sep = b\"\")", "All parts in one bytes, with another one between them.", join),
    native("zeros(n)", "`n` bytes that are 0.", zeros),
];

pub(crate) const INTERNALS: &[Entry] = &[
    native("_bytes_part(part)", "A bytes from what a builder takes.", part).shown("Builder.push"),
    native("_bytes_pack(format, ..values)", "As `bytes.pack`.", pack).shown("bytes.pack"),
    native("_bytes_unpack(format, bytes, from)", "As `bytes.unpack`.", unpack).shown("bytes.unpack"),
    native("_bytes_size(format)", "As `bytes.size`.", size).shown("bytes.size"),
    native("_bytes_join(parts)", "As `bytes.join`.", join).shown("bytes.join"),
];

/// A part of a format: what stands there, and how often.
struct Field {
    kind: Kind,
    count: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An int: bytes, whether it has a sign, whether the low end comes first.
    Int(usize, bool, bool),
    /// A float: bytes, whether the low end comes first.
    Float(usize, bool),
    /// Bytes, `count` of them as one value.
    Bytes,
    /// Bytes without meaning.
    Pad,
}

impl Field {
    fn width(&self) -> usize {
        let each = match self.kind {
            Kind::Int(width, ..) | Kind::Float(width, _) => width,
            Kind::Bytes | Kind::Pad => 1,
        };
        each.saturating_mul(self.count)
    }

    fn values(&self) -> usize {
        match self.kind {
            Kind::Bytes => 1,
            Kind::Pad => 0,
            _ => self.count,
        }
    }
}

/// Reads one field: `u16le`, `f64be*3`, `bytes*16`, `pad*2`.
fn field(text: &str) -> Result<Field, &'static str> {
    let (name, count) = match text.split_once('*') {
        Some((name, count)) if count.bytes().all(|b| b.is_ascii_digit()) => {
            (name, count.parse().map_err(|_| "a count is missing or too large")?)
        }
        Some(_) => return Err("a count must be digits"),
        None => (text, 1),
    };
    let (bare, order) = match name.strip_suffix("le") {
        Some(bare) => (bare, Some(true)),
        None => name.strip_suffix("be").map_or((name, None), |bare| (bare, Some(false))),
    };
    let kind = match (bare, order) {
        ("u8", None) => Kind::Int(1, false, true),
        ("i8", None) => Kind::Int(1, true, true),
        ("bytes", None) => Kind::Bytes,
        ("pad", None) => Kind::Pad,
        ("u16", Some(little)) => Kind::Int(2, false, little),
        ("i16", Some(little)) => Kind::Int(2, true, little),
        ("u32", Some(little)) => Kind::Int(4, false, little),
        ("i32", Some(little)) => Kind::Int(4, true, little),
        ("u64", Some(little)) => Kind::Int(8, false, little),
        ("i64", Some(little)) => Kind::Int(8, true, little),
        ("f32", Some(little)) => Kind::Float(4, little),
        ("f64", Some(little)) => Kind::Float(8, little),
        ("u16" | "i16" | "u32" | "i32" | "u64" | "i64" | "f32" | "f64", None) => {
            return Err("more than one byte needs an order, le or be");
        }
        _ => return Err("the fields are u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 bytes pad"),
    };
    Ok(Field { kind, count })
}

fn format<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Vec<Field>, Fault<'v>> {
    let text = text(cx, value, "format")?.as_str();
    cx.reserve(text.len().saturating_mul(size_of::<Field>()))?;
    cx.work(1 + text.len() / 16)?;
    let fields =
        text.split_whitespace().map(|part| field(part).map_err(|what| format!("`{}`: {what}", beginning(part))));
    fields.collect::<Result<_, _>>().map_err(|message: String| cx.fail_here(ErrorKind::Value, message))
}

fn width(fields: &[Field]) -> usize {
    fields.iter().fold(0, |sum: usize, field| sum.saturating_add(field.width()))
}

fn size<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let fields = format(cx, args[0])?;
    match i64::try_from(width(&fields)) {
        Ok(width) => Ok(Value::int(width)),
        Err(_) => Err(cx.fail_here(ErrorKind::Overflow, "the size is beyond the range of int")),
    }
}

fn pack<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let fields = format(cx, args[0])?;
    let wanted = fields.iter().fold(0, |sum: usize, field| sum.saturating_add(field.values()));
    let given = args.len() - 1;
    if wanted != given {
        return Err(cx.fail_here(ErrorKind::Value, format!("the format has {}, got {given}", counted(wanted, "value"))));
    }
    let width = width(&fields);
    cx.reserve(width.saturating_mul(2))?;
    cx.work(width / 16)?;
    let mut packed = Vec::with_capacity(width);
    let mut values = args[1..].iter();
    for field in fields {
        match field.kind {
            Kind::Pad => packed.resize(packed.len() + field.count, 0),
            Kind::Bytes => {
                let value = values.next().copied().unwrap_or(Value::NIL);
                let View::Bytes(bytes) = value.view() else { return Err(expected(cx, "bytes", value)) };
                let (wanted, got) = (field.count, bytes.as_slice().len());
                if wanted != got {
                    return Err(
                        cx.fail_here(ErrorKind::Value, format!("expected {}, got {got}", counted(wanted, "byte")))
                    );
                }
                packed.extend_from_slice(bytes.as_slice());
            }
            Kind::Int(width, signed, little) => {
                for &value in values.by_ref().take(field.count) {
                    let number = int(cx, value, "value")?;
                    if !fits(number, width, signed) {
                        let name = format!("{}{}", if signed { "i" } else { "u" }, width * 8);
                        return Err(cx.fail_here(ErrorKind::Overflow, format!("{number} does not fit {name}")));
                    }
                    append(&mut packed, &number.to_le_bytes()[..width], little);
                }
            }
            Kind::Float(width, little) => {
                for &value in values.by_ref().take(field.count) {
                    let float = number(cx, value)?;
                    match width {
                        4 => append(&mut packed, &(float as f32).to_le_bytes(), little),
                        _ => append(&mut packed, &float.to_le_bytes(), little),
                    }
                }
            }
        }
    }
    cx.bytes(&packed)
}

/// Whether a number can be written in so many bytes.
fn fits(number: i64, width: usize, signed: bool) -> bool {
    let bits = width as u32 * 8;
    match signed {
        true if bits == 64 => true,
        true => (-(1 << (bits - 1))..1 << (bits - 1)).contains(&number),
        false => number >= 0 && (bits >= 63 || number < 1 << bits),
    }
}

fn append(packed: &mut Vec<u8>, low_first: &[u8], little: bool) {
    if little { packed.extend_from_slice(low_first) } else { packed.extend(low_first.iter().rev()) }
}

fn unpack<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let fields = format(cx, args[0])?;
    let View::Bytes(bytes) = args[1].view() else { return Err(expected(cx, "bytes", args[1])) };
    let from = match args.get(2) {
        Some(&from) => count(cx, from, "position", 0)?,
        None => 0,
    };
    let width = width(&fields);
    let mut rest = bytes.as_slice().get(from..).unwrap_or(&[]);
    if rest.len() < width {
        let message = format!("needs {} from position {from} on, there are {}", counted(width, "byte"), rest.len());
        return Err(cx.fail_here(ErrorKind::Value, message));
    }
    let values = fields.iter().map(Field::values).sum::<usize>();
    cx.reserve(values.saturating_mul(2 * SLOT).saturating_add(width))?;
    cx.work(width / 16)?;
    let mut read = Vec::with_capacity(values);
    for field in fields {
        let (part, after) = rest.split_at(field.width());
        rest = after;
        match field.kind {
            Kind::Pad => {}
            Kind::Bytes => read.push(cx.bytes(part)?),
            Kind::Int(width, signed, little) => {
                for bytes in part.chunks_exact(width) {
                    let word = word(bytes, little);
                    let unused = 64 - width as u32 * 8;
                    let number = if signed { (word << unused) as i64 >> unused } else { word as i64 };
                    if !signed && number < 0 {
                        let message = format!("{word} is beyond the range of int");
                        return Err(cx.fail_here(ErrorKind::Overflow, message));
                    }
                    read.push(Value::int(number));
                }
            }
            Kind::Float(width, little) => {
                for bytes in part.chunks_exact(width) {
                    let word = word(bytes, little);
                    let float = if width == 4 { f32::from_bits(word as u32).into() } else { f64::from_bits(word) };
                    read.push(Value::float(float));
                }
            }
        }
    }
    cx.tuple(&read)
}

/// Up to eight bytes as a number.
fn word(bytes: &[u8], little: bool) -> u64 {
    let join = |word: u64, &byte: &u8| word << 8 | u64::from(byte);
    if little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) }
}

fn join<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let View::List(list) = args[0].view() else { return Err(expected(cx, "a list of bytes", args[0])) };
    let between = match args.get(1).map(|sep| sep.view()) {
        None => &[][..],
        Some(View::Bytes(sep)) => sep.as_slice(),
        Some(_) => return Err(expected(cx, "bytes as separator", args[1])),
    };
    cx.reserve(list.len().saturating_mul(size_of::<&[u8]>()))?;
    let mut parts = Vec::with_capacity(list.len());
    for value in list.iter() {
        match value.view() {
            View::Bytes(part) => parts.push(part.as_slice()),
            _ => return Err(expected(cx, "a list of bytes", value)),
        }
    }
    let separators = between.len().saturating_mul(parts.len().saturating_sub(1));
    let length = parts.iter().fold(separators, |length, part| length.saturating_add(part.len()));
    cx.reserve(length.saturating_mul(2))?;
    cx.work(length / 64 + parts.len() / 16)?;
    cx.bytes(&parts.join(between))
}

fn zeros<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let count = count(cx, args[0], "count", 0)?;
    cx.reserve(count.saturating_mul(2))?;
    cx.work(count / 64)?;
    cx.bytes(&vec![0; count])
}

fn part<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args[0].view() {
        View::Bytes(_) => Ok(args[0]),
        View::Str(text) => {
            cx.work(text.as_str().len() / 64)?;
            cx.bytes(text.as_str().as_bytes())
        }
        View::Int(byte) => match u8::try_from(byte) {
            Ok(byte) => cx.bytes(&[byte]),
            Err(_) => Err(cx.fail_here(ErrorKind::Value, format!("a byte is from 0 to 255, got {byte}"))),
        },
        _ => Err(expected(cx, "a bytes, str or int", args[0])),
    }
}
