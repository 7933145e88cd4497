//! Values to JSON texts.

use std::collections::HashSet;
use std::io::Write;

use quipu_vm::heap::{List, Map};
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::expected;
use crate::text::beginning;

/// The JSON text of a value.
pub(super) fn stringify<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let indent = match args.get(1).map(|indent| indent.view()) {
        None | Some(View::Nil) => None,
        Some(View::Int(width @ 0..=MOST_INDENT)) => Some(" ".repeat(width as usize)),
        Some(View::Int(width)) => {
            let message = format!("the indent must be from 0 to {MOST_INDENT}, got {width}");
            return Err(cx.fail_here(ErrorKind::Value, message));
        }
        Some(View::Str(text)) => match text.as_str() {
            blanks if blanks.bytes().all(|b| b == b' ' || b == b'\t') && blanks.len() as i64 <= MOST_INDENT => {
                Some(blanks.to_string())
            }
            _ => {
                let message = format!("the indent must be at most {MOST_INDENT} blanks or tabs");
                return Err(cx.fail_here(ErrorKind::Value, message));
            }
        },
        Some(_) => return Err(expected(cx, "an int or a str as indent", args[1])),
    };
    let mut writer = Writer { out: Vec::new(), paid: 0, indent, open: Vec::new(), deep: HashSet::new() };
    writer.value(cx, args[0])?;
    cx.work(writer.out.len().saturating_sub(writer.paid) / 16 + writer.out.len() / 64)?;
    cx.reserve(writer.out.capacity().saturating_add(writer.out.len()))?;
    match std::str::from_utf8(&writer.out) {
        Ok(text) => cx.str(text),
        // Only whole strings and ASCII were written.
        Err(_) => Err(cx.fail_here(ErrorKind::Json, "the text is not UTF-8")),
    }
}

/// The widest indentation of one level.
const MOST_INDENT: i64 = 16;

/// Bytes written between two looks at the limits.
const PIECE: usize = 4096;

/// How many open containers are looked through one by one to find a cycle.
const SHALLOW: usize = 16;

struct Writer<'v> {
    out: Vec<u8>,
    /// Bytes that fuel was charged for.
    paid: usize,
    /// What stands before an entry, for each level.
    indent: Option<String>,
    open: Vec<Open<'v>>,
    /// The addresses of open containers beyond the first few.
    deep: HashSet<usize>,
}

/// A container of which a part is written.
struct Open<'v> {
    content: Content<'v>,
    address: usize,
    /// How many of its entries were begun, or the position behind the last key.
    next: u64,
}

#[derive(Clone, Copy)]
enum Content<'v> {
    List(List<'v>),
    Tuple(&'v [Value<'v>]),
    /// With the key whose value is being written.
    Map(Map<'v>, Value<'v>),
}

impl<'v> Writer<'v> {
    fn value(&mut self, cx: &mut Cx<'v>, root: Value<'v>) -> Result<(), Fault<'v>> {
        let mut value = root;
        loop {
            self.room(cx, 64)?;
            match value.view() {
                View::Str(text) => self.string(cx, text.as_str())?,
                View::Int(int) => self.int(int),
                View::Float(float) => self.float(cx, float)?,
                View::Nil => self.out.extend_from_slice(b"null"),
                View::Bool(true) => self.out.extend_from_slice(b"true"),
                View::Bool(false) => self.out.extend_from_slice(b"false"),
                View::List(list) if list.is_empty() => self.out.extend_from_slice(b"[]"),
                View::List(list) => self.enter(cx, Content::List(list), list.address(), b'[')?,
                View::Tuple(tuple) if tuple.is_empty() => self.out.extend_from_slice(b"[]"),
                View::Tuple(tuple) => self.enter(cx, Content::Tuple(tuple.as_slice()), tuple.address(), b'[')?,
                View::Map(map) if map.is_empty() => self.out.extend_from_slice(b"{}"),
                View::Map(map) => self.enter(cx, Content::Map(map, Value::NIL), map.address(), b'{')?,
                _ => return Err(self.no_json(cx, value)),
            }
            match self.next(cx)? {
                Some(next) => value = next,
                None => return Ok(()),
            }
        }
    }

    /// Ends containers that are written, and begins the next entry of the innermost one that is not.
    fn next(&mut self, cx: &mut Cx<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        loop {
            let Some(open) = self.open.last_mut() else { return Ok(None) };
            let is_first = open.next == 0;
            let (next, end) = match &mut open.content {
                Content::List(list) => (list.get(open.next as usize), b']'),
                Content::Tuple(items) => (items.get(open.next as usize).copied(), b']'),
                Content::Map(map, key) => match map.next(open.next) {
                    Some((after, next_key, value)) => {
                        // One is added below.
                        open.next = after - 1;
                        *key = next_key;
                        (Some(value), b'}')
                    }
                    None => (None, b'}'),
                },
            };
            if let Some(value) = next {
                open.next += 1;
                let key = match open.content {
                    Content::Map(_, key) => Some(key),
                    _ => None,
                };
                if !is_first {
                    self.out.push(b',');
                }
                self.line(cx)?;
                if let Some(key) = key {
                    let Some(text) = key.as_str() else { return Err(self.no_key(cx, key)) };
                    self.string(cx, text)?;
                    self.out.extend_from_slice(if self.indent.is_some() { b": " } else { b":" });
                }
                return Ok(Some(value));
            }
            let address = open.address;
            self.open.pop();
            if self.open.len() >= SHALLOW {
                self.deep.remove(&address);
            }
            self.line(cx)?;
            self.out.push(end);
        }
    }

    fn enter(&mut self, cx: &mut Cx<'v>, content: Content<'v>, address: usize, begin: u8) -> Result<(), Fault<'v>> {
        if self.open.iter().take(SHALLOW).any(|open| open.address == address) || self.deep.contains(&address) {
            return Err(self.fail(cx, "the value contains itself"));
        }
        if self.open.len() == self.open.capacity() {
            cx.reserve(self.open.len() * 2 * size_of::<Open<'_>>())?;
        }
        if self.open.len() >= SHALLOW {
            if self.deep.len() == self.deep.capacity() {
                cx.reserve(self.deep.len() * 32)?;
            }
            self.deep.insert(address);
        }
        self.open.push(Open { content, address, next: 0 });
        self.out.push(begin);
        Ok(())
    }

    /// Charges for what was written and for what is about to be, and makes sure that it is allowed.
    #[inline]
    fn room(&mut self, cx: &mut Cx<'v>, more: usize) -> Result<(), Fault<'v>> {
        let written = self.out.len().saturating_add(more);
        if written >= self.paid + PIECE {
            cx.work((written - self.paid) / 16)?;
            self.paid = written;
        }
        if self.out.capacity() < written {
            let growth = self.out.capacity().max(more);
            cx.reserve(self.out.capacity().saturating_add(growth))?;
            self.out.reserve(growth);
        }
        Ok(())
    }

    /// Begins a line, if there are lines.
    #[inline]
    fn line(&mut self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        if self.indent.is_some() { self.indented_line(cx) } else { Ok(()) }
    }

    #[inline(never)]
    fn indented_line(&mut self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        let depth = self.open.len();
        let width = self.indent.as_ref().map_or(0, String::len);
        self.room(cx, depth.saturating_mul(width).saturating_add(64))?;
        self.out.push(b'\n');
        if let Some(indent) = &self.indent {
            (0..depth).for_each(|_| self.out.extend_from_slice(indent.as_bytes()));
        }
        Ok(())
    }

    fn string(&mut self, cx: &mut Cx<'v>, text: &str) -> Result<(), Fault<'v>> {
        self.room(cx, text.len() + 64)?;
        self.out.push(b'"');
        let bytes = text.as_bytes();
        let mut start = 0;
        loop {
            let end = super::parse::plain_end(bytes, start);
            self.out.extend_from_slice(&bytes[start..end]);
            let Some(&byte) = bytes.get(end) else { break };
            self.room(cx, bytes.len() - end + 64)?;
            self.out.push(b'\\');
            match byte {
                b'"' | b'\\' => self.out.push(byte),
                b'\n' => self.out.push(b'n'),
                b'\r' => self.out.push(b'r'),
                b'\t' => self.out.push(b't'),
                0x8 => self.out.push(b'b'),
                0xc => self.out.push(b'f'),
                // Writing to a vector cannot fail.
                _ => _ = write!(self.out, "u{byte:04x}"),
            }
            start = end + 1;
        }
        self.out.push(b'"');
        Ok(())
    }

    fn int(&mut self, int: i64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = int.unsigned_abs();
        while rest >= 100 {
            at -= 2;
            digits[at..at + 2].copy_from_slice(two_digits(rest % 100));
            rest /= 100;
        }
        if rest >= 10 {
            at -= 2;
            digits[at..at + 2].copy_from_slice(two_digits(rest));
        } else {
            at -= 1;
            digits[at] = b'0' + rest as u8;
        }
        if int < 0 {
            self.out.push(b'-');
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    fn float(&mut self, cx: &mut Cx<'v>, float: f64) -> Result<(), Fault<'v>> {
        if !float.is_finite() {
            return Err(self.fail(cx, &format!("JSON has no number {}", quipu_vm::ops::text::float_text(float))));
        }
        // Writing to a vector cannot fail.
        let _ = write!(self.out, "{float:?}");
        Ok(())
    }

    #[cold]
    fn no_json(&self, cx: &mut Cx<'v>, value: Value<'v>) -> Fault<'v> {
        let hint = match value.view() {
            View::Set(_) | View::Range(_) => "; its to_list() can be written",
            View::Bytes(_) => "; its hex() or base64.encode can be written",
            View::Instance(_) => "; a map of its fields can be written",
            View::Error(_) => "; its message can be written",
            _ => "",
        };
        let kind = value.kind_name();
        self.fail(cx, &format!("JSON has no {kind}{hint}"))
    }

    #[cold]
    fn no_key(&self, cx: &mut Cx<'v>, key: Value<'v>) -> Fault<'v> {
        let kind = key.kind_name();
        self.fail(cx, &format!("JSON has only strings as keys, not {kind}; str(key) makes one"))
    }

    /// The error about what is being written, with the way to it.
    #[cold]
    fn fail(&self, cx: &mut Cx<'v>, what: &str) -> Fault<'v> {
        let path = self.path();
        let data = cx.map();
        let entry = cx.str("path").and_then(|name| {
            let path = cx.str(&path)?;
            data.insert(cx, name, path)
        });
        match entry {
            Ok(_) => cx.fail_here_with(ErrorKind::Json, format!("{path}: {what}"), data.into()),
            Err(fault) => fault,
        }
    }

    /// The way from the root, written as source; of a long one the end.
    fn path(&self) -> String {
        const LONGEST: usize = 20;
        let skipped = self.open.len().saturating_sub(LONGEST);
        let mut path = String::from(if skipped > 0 { "..." } else { "v" });
        for open in &self.open[skipped..] {
            match open.content {
                Content::Map(_, key) => match key.as_str() {
                    Some(name) if is_name(name) => path.extend([".", name]),
                    Some(name) => path.push_str(&format!("[{:?}]", beginning(name))),
                    None => path.push_str(".keys()"),
                },
                _ => path.push_str(&format!("[{}]", open.next.saturating_sub(1))),
            }
        }
        path
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 40
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && text.chars().next().is_some_and(|c| !c.is_numeric())
}

/// The digits of a number below 100.
fn two_digits(number: u64) -> &'static [u8] {
    const DIGITS: &[u8; 200] =
        b"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    let at = (number % 100) as usize * 2;
    &DIGITS[at..at + 2]
}
