//! Values as text: `str` shows for people, `repr` shows as source. Depth is data, so nothing here recurses.

use std::borrow::Cow;
use std::fmt::Write;

use hashbrown::HashSet;

use super::depth::Depth;
use super::meter::{ENTER, Meter};
use crate::cx::Cx;
use crate::heap::{Closure, ErrorRef, Instance, List, Map, Range, Tuple, Value, View, tag};
use crate::native::{Fault, Outcome};

/// `str(v)` as a string of the heap. A `str` method of an instance is up to the caller.
///
/// # Errors
/// As [`Cx::reserve`] and [`Cx::work`].
pub fn to_str<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Outcome<'v> {
    if value.tag == tag::STR {
        return Ok(value);
    }
    let text = str_text(cx, value)?;
    cx.str(&text)
}

/// `repr(v)` as a string of the heap.
///
/// # Errors
/// As [`Cx::reserve`] and [`Cx::work`].
pub fn repr<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Outcome<'v> {
    let text = repr_text(cx, value)?;
    cx.str(&text)
}

/// `str(v)` as a text. A `str` method of an instance is up to the caller.
///
/// # Errors
/// As [`Cx::reserve`] and [`Cx::work`].
pub fn str_text<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Cow<'v, str>, Fault<'v>> {
    match value.view() {
        View::Str(text) => Ok(Cow::Borrowed(text.as_str())),
        View::Nil => Ok(Cow::Borrowed("nil")),
        View::Bool(truth) => Ok(Cow::Borrowed(if truth { "true" } else { "false" })),
        // An error is shown by what it says, the kind first unless that says nothing.
        View::Error(error) if error.message().tag == tag::STR => Ok(Cow::Owned(error_text(error))),
        _ => repr_text(cx, value).map(Cow::Owned),
    }
}

/// `repr(v)` as a text.
///
/// # Errors
/// As [`Cx::reserve`] and [`Cx::work`].
pub fn repr_text<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<String, Fault<'v>> {
    let mut out = Out { text: String::new(), limit: usize::MAX, paid: 0, meter: Meter::default() };
    write(cx, &mut out, value)?;
    Ok(out.text)
}

/// The beginning of `repr(v)`, for messages.
///
/// # Errors
/// As [`Cx::reserve`] and [`Cx::work`].
pub fn repr_short<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<String, Fault<'v>> {
    const LIMIT: usize = 60;
    let mut out = Out { text: String::new(), limit: LIMIT, paid: 0, meter: Meter::default() };
    write(cx, &mut out, value)?;
    let mut text = out.text;
    if text.chars().count() > LIMIT {
        text = text.chars().take(LIMIT - 3).collect::<String>() + "...";
    }
    Ok(text)
}

/// A float as source: the shortest digits that read back as the same number, always with a point or an exponent.
pub fn float_text(float: f64) -> String {
    if float.is_nan() { "nan".into() } else { format!("{float:?}") }
}

/// What an error says, its kind first.
fn error_text(error: ErrorRef<'_>) -> String {
    let message = error.message().as_str().unwrap_or("");
    match error.kind() {
        "error" => message.to_owned(),
        kind => format!("{kind}: {message}"),
    }
}

/// The text so far.
struct Out {
    text: String,
    /// Past this many bytes nothing more is needed.
    limit: usize,
    /// Bytes that fuel was charged for.
    paid: usize,
    /// What values and containers cost beside their text.
    meter: Meter,
}

impl Out {
    fn is_full(&self) -> bool {
        self.text.len() > self.limit
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Pays for the rest.
    fn settle<'v>(&mut self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        let unpaid = self.text.len() - self.paid;
        self.paid = self.text.len();
        self.meter.add(cx, unpaid as u64 * BYTE)?;
        self.meter.settle(cx)
    }

    /// Charges for what was written since the last time, and makes sure that as much again is allowed.
    fn charge<'v>(&mut self, cx: &mut Cx<'v>, more: usize) -> Result<(), Fault<'v>> {
        let unpaid = self.text.len() - self.paid;
        if unpaid >= 1024 {
            self.meter.add(cx, unpaid as u64 * BYTE)?;
            self.paid = self.text.len();
        }
        if self.text.capacity() - self.text.len() < more {
            let capacity = self.text.capacity().max(more).saturating_mul(2);
            if capacity > 1024 {
                cx.reserve(capacity)?;
            }
            self.text.reserve(more);
        }
        Ok(())
    }
}

/// A container whose elements are being written, and the next of them.
enum Open<'v> {
    List(List<'v>, usize),
    Tuple(Tuple<'v>, usize),
    /// The position, and the value whose key has just been written.
    Map(Map<'v>, u64, Option<Value<'v>>),
    Set(Map<'v>, u64),
    Instance(Instance<'v>, usize),
    Error(ErrorRef<'v>, usize),
}

/// The containers that are open, so that a cycle is seen where it closes.
#[derive(Default)]
struct Path {
    short: Vec<u64>,
    long: HashSet<u64>,
}

impl Path {
    /// How many are looked through one by one.
    const SHORT: usize = 16;

    fn contains(&self, object: u64) -> bool {
        self.short.contains(&object) || self.long.contains(&object)
    }

    fn enter<'v>(&mut self, cx: &mut Cx<'v>, object: u64) -> Result<(), Fault<'v>> {
        if self.short.len() < Path::SHORT {
            self.short.push(object);
            return Ok(());
        }
        if self.long.len() == self.long.capacity() && self.long.len() > 1024 {
            cx.reserve(self.long.len() * 32)?;
        }
        self.long.insert(object);
        Ok(())
    }

    /// Leaves the object that was entered last.
    fn leave(&mut self, object: u64) {
        if !self.long.remove(&object) {
            self.short.pop();
        }
    }
}

fn write<'v>(cx: &mut Cx<'v>, out: &mut Out, root: Value<'v>) -> Result<(), Fault<'v>> {
    write_all(cx, out, root)?;
    out.settle(cx)
}

fn write_all<'v>(cx: &mut Cx<'v>, out: &mut Out, root: Value<'v>) -> Result<(), Fault<'v>> {
    let mut stack: Depth<(Open<'v>, u64)> = Depth::new();
    let mut path = Path::default();
    let mut value = root;
    loop {
        out.charge(cx, 64)?;
        let open = match value.view() {
            View::List(list) => Some((Open::List(list, 0), "[")),
            View::Tuple(tuple) => Some((Open::Tuple(tuple, 0), "(")),
            View::Map(map) if map.is_empty() => {
                out.push("[:]");
                None
            }
            View::Map(map) => Some((Open::Map(map, 0, None), "[")),
            View::Set(set) => Some((Open::Set(set, 0), "set([")),
            View::Instance(instance) if instance.ty().is_host() => {
                out.push("<");
                out.push(instance.ty().name());
                out.push(">");
                None
            }
            View::Instance(instance) => Some((Open::Instance(instance, 0), "(")),
            View::Error(error) => Some((Open::Error(error, 0), "(")),
            _ => {
                leaf(cx, out, value)?;
                None
            }
        };
        match open {
            Some(_) if path.contains(value.bits) => out.push("..."),
            Some((open, text)) => {
                match value.view() {
                    View::Instance(instance) => out.push(instance.ty().name()),
                    View::Error(error) => out.push(error.kind()),
                    _ => {}
                }
                out.push(text);
                out.meter.add(cx, ENTER)?;
                path.enter(cx, value.bits)?;
                stack.push(cx, (open, value.bits))?;
            }
            None => {}
        }
        // The next element of the innermost container, or its end.
        loop {
            if out.is_full() {
                return Ok(());
            }
            let Some((open, object)) = stack.last_mut() else { return Ok(()) };
            let (next, is_first, end) = match open {
                Open::List(list, next) => {
                    *next += 1;
                    (list.get(*next - 1), *next == 1, "]")
                }
                Open::Tuple(tuple, next) => {
                    *next += 1;
                    // The comma tells a tuple of one from parentheses.
                    (tuple.get(*next - 1), *next == 1, if tuple.len() == 1 { ",)" } else { ")" })
                }
                Open::Map(map, position, waiting) => match waiting.take() {
                    Some(value) => {
                        out.push(": ");
                        (Some(value), true, "]")
                    }
                    None => {
                        let is_first = *position == 0;
                        match map.next(*position) {
                            Some((after, key, value)) => {
                                (*position, *waiting) = (after, Some(value));
                                if needs_parentheses(key) {
                                    out.push(if is_first { "(" } else { ", (" });
                                    leaf(cx, out, key)?;
                                    out.push(")");
                                    continue;
                                }
                                (Some(key), is_first, "]")
                            }
                            None => (None, is_first, "]"),
                        }
                    }
                },
                Open::Set(set, position) => {
                    let is_first = *position == 0;
                    let next = set.next(*position);
                    *position = next.map_or(*position, |(after, _, _)| after);
                    (next.map(|(_, member, _)| member), is_first, "])")
                }
                Open::Instance(instance, next) => {
                    *next += 1;
                    (instance.get(*next - 1), *next == 1, ")")
                }
                Open::Error(error, next) => {
                    *next += 1;
                    let part = match *next {
                        1 => Some(error.message()),
                        2 => Some(error.data()).filter(|data| !data.is_nil()),
                        _ => None,
                    };
                    (part, *next == 1, ")")
                }
            };
            match next {
                Some(next) => {
                    if !is_first {
                        out.push(", ");
                    }
                    value = next;
                    break;
                }
                None => {
                    out.push(end);
                    path.leave(*object);
                    stack.pop();
                }
            }
        }
    }
}

/// Whether a key's text would be a bare name, which stands for a string in a map literal.
fn needs_parentheses(key: Value<'_>) -> bool {
    match key.view() {
        View::Nil | View::Bool(_) | View::Type(_) => true,
        View::Float(float) => float.is_infinite() && float > 0.0,
        _ => false,
    }
}

/// A value without elements.
fn leaf<'v>(cx: &mut Cx<'v>, out: &mut Out, value: Value<'v>) -> Result<(), Fault<'v>> {
    match value.view() {
        View::Str(text) => return quote(cx, out, text.as_str()),
        View::Bytes(bytes) => return quote_bytes(cx, out, bytes.as_slice()),
        View::Nil => out.push("nil"),
        View::Bool(truth) => out.push(if truth { "true" } else { "false" }),
        // Writing into a String cannot fail.
        View::Int(int) => _ = write!(out.text, "{int}"),
        View::Float(float) => out.push(&float_text(float)),
        View::Range(range) => range_text(&mut out.text, range),
        View::Closure(closure) => _ = write!(out.text, "<fn{}>", function_name(closure)),
        View::Native(native) => _ = write!(out.text, "<fn {}>", native.name()),
        View::Type(ty) => out.push(ty.name()),
        other => {
            debug_assert!(matches!(other, View::Fiber(_) | View::Cell(_) | View::Absent));
            _ = write!(out.text, "<{}>", value.type_name());
        }
    }
    Ok(())
}

/// A blank and the function's name, or nothing for a function without one.
fn function_name(closure: Closure<'_>) -> String {
    match closure.name() {
        Some(name) if !name.starts_with('<') => format!(" {name}"),
        _ => String::new(),
    }
}

fn range_text(out: &mut String, range: Range<'_>) {
    let (start, end, step, is_inclusive) = range.content();
    let dots = if is_inclusive { "..=" } else { ".." };
    // Writing into a String cannot fail.
    _ = match step {
        1 => write!(out, "{start}{dots}{end}"),
        _ => write!(out, "({start}{dots}{end}).step({step})"),
    };
}

/// What a byte of text costs, in parts.
const BYTE: u64 = 4;

/// How many bytes are written between two looks at the limits.
const PIECE: usize = 4096;

/// A string as source.
fn quote<'v>(cx: &mut Cx<'v>, out: &mut Out, text: &str) -> Result<(), Fault<'v>> {
    out.push("\"");
    let mut rest = text;
    while !rest.is_empty() && !out.is_full() {
        let mut end = rest.len().min(PIECE);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        out.charge(cx, end)?;
        escape(&mut out.text, &rest[..end], rest.as_bytes().get(end) == Some(&b'{'));
        rest = &rest[end..];
    }
    out.push("\"");
    Ok(())
}

/// Writes a part of a string; `brace` says that `{` follows it.
fn escape(out: &mut String, text: &str, brace: bool) {
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let after = at + c.len_utf8();
        let escaped = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\t' => "\\t",
            '\r' => "\\r",
            '\0' => "\\0",
            '$' if text.as_bytes().get(after).map_or(brace, |&next| next == b'{') => "\\$",
            _ if is_invisible(c) => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        plain = after;
        if escaped.is_empty() {
            // Writing into a String cannot fail.
            _ = write!(out, "\\u{{{:x}}}", c as u32);
        } else {
            out.push_str(escaped);
        }
    }
    out.push_str(&text[plain..]);
}

/// Whether a character would not be seen, or would change how others are shown.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A byte string as source.
fn quote_bytes<'v>(cx: &mut Cx<'v>, out: &mut Out, bytes: &[u8]) -> Result<(), Fault<'v>> {
    out.push("b\"");
    for piece in bytes.chunks(PIECE) {
        if out.is_full() {
            break;
        }
        out.charge(cx, piece.len())?;
        for &byte in piece {
            match byte {
                b'"' => out.push("\\\""),
                b'\\' => out.push("\\\\"),
                b'\n' => out.push("\\n"),
                b'\t' => out.push("\\t"),
                b'\r' => out.push("\\r"),
                b'\0' => out.push("\\0"),
                b' '..=b'~' => out.text.push(byte as char),
                // Writing into a String cannot fail.
                _ => _ = write!(out.text, "\\x{byte:02x}"),
            }
        }
    }
    out.push("\"");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_have_a_point_or_an_exponent() {
        let cases = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e16"),
            (0.0001, "0.0001"),
            (0.00001, "1e-5"),
            (1e-7, "1e-7"),
            (1.2345678901234568e20, "1.2345678901234568e20"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (-f64::NAN, "nan"),
        ];
        for (float, text) in cases {
            assert_eq!(float_text(float), text);
        }
    }

    #[test]
    fn strings_are_escaped_as_source() {
        let cases = [
            ("plain é 😀", "plain é 😀"),
            ("\"\\\n\t\r\0", "\\\"\\\\\\n\\t\\r\\0"),
            ("${x} $x $", "\\${x} $x $"),
            ("\u{7f}\u{1b}\u{feff}", "\\u{7f}\\u{1b}\\u{feff}"),
        ];
        for (text, escaped) in cases {
            let mut out = String::new();
            escape(&mut out, text, false);
            assert_eq!(out, escaped);
        }
    }
}
