//! Methods of strings. Positions and lengths are in code points.

use memchr::memmem;
use quipu_vm::heap::Str;
use quipu_vm::native::Intrinsic;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};

use crate::args::{count, int, text as text_arg, this_str};
use crate::entry::{Entry, native};
use crate::items;
use crate::text::{self, STRING, clamp};

pub(crate) const METHODS: &[Entry] = &[
    native("len()", "Number of code points.", len).known(Intrinsic::StrLen),
    native("is_empty()", "Whether there are none.", is_empty),
    native("upper()", "The text in upper case.", upper),
    native("lower()", "The text in lower case.", lower),
    native("trim()", "The text without white space at both ends.", trim),
    native("trim_start()", "The text without white space at its start.", trim_start),
    native("trim_end()", "The text without white space at its end.", trim_end),
    native("split(sep = nil)", "The parts between separators; without one the words between white space.", split),
    native("lines()", "The lines, without their ends.", lines),
    native("chars()", "A list of the code points as strings.", chars),
    native("to_list()", "A list of the code points as strings.", chars),
    native("bytes()", "The text's UTF-8 bytes.", bytes),
    native("contains(part)", "Whether `part` occurs in it.", contains),
    native("starts_with(part)", "Whether it begins with `part`.", starts_with),
    native("ends_with(part)", "Whether it ends with `part`.", ends_with),
    native("find(part, from = 0)", "The position of the first occurrence from `from` on, or nil.", find),
    native("replace(a, b)", "The text with every `a` replaced by `b`.", replace),
    native("repeat(n)", "The text `n` times.", repeat),
    native("pad_start(width, fill = \" \")", "The text made `width` long by fill characters before it.", pad_start),
    native("pad_end(width, fill = \" \")", "The text made `width` long by fill characters after it.", pad_end),
    native("reversed()", "The code points in reverse order.", reversed),
    native("code(i)", "The number of the code point at a position.", code),
    native("is_digit()", "Whether it has characters and all are digits from 0 to 9.", is_digit),
    native("is_alpha()", "Whether it has characters and all are letters.", is_alpha),
    native("is_space()", "Whether it has characters and all are white space.", is_space),
];

fn len<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.len")?;
    length(cx, this)
}

/// Number of code points.
pub(crate) fn length<'v>(cx: &mut Cx<'v>, text: Str<'v>) -> Outcome<'v> {
    if !text.is_ascii() {
        cx.work(text.as_str().len() / 64)?;
    }
    Ok(Value::int(text.char_count() as i64))
}

fn is_empty<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_str(cx, args, "str.is_empty")?.as_str().is_empty()))
}

/// Cases may change the length: at most three code points of at most three bytes come from one of two bytes.
fn upper<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.upper")?.as_str();
    cx.reserve(this.len().saturating_mul(3) + STRING)?;
    cx.work(this.len() / 16)?;
    cx.str(&this.to_uppercase())
}

fn lower<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.lower")?.as_str();
    cx.reserve(this.len().saturating_mul(3) + STRING)?;
    cx.work(this.len() / 16)?;
    cx.str(&this.to_lowercase())
}

/// A part of a string: the string itself if that is all of it.
fn part<'v>(cx: &mut Cx<'v>, whole: Str<'v>, part: &'v str) -> Outcome<'v> {
    cx.work(whole.as_str().len() / 64)?;
    if part.len() == whole.as_str().len() { Ok(whole.into()) } else { cx.str(part) }
}

fn trim<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.trim")?;
    part(cx, this, this.as_str().trim())
}

fn trim_start<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.trim_start")?;
    part(cx, this, this.as_str().trim_start())
}

fn trim_end<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.trim_end")?;
    part(cx, this, this.as_str().trim_end())
}

/// A separator or the like, which must not be empty.
fn some_text<'v>(cx: &mut Cx<'v>, value: Value<'v>, native: &str, role: &str) -> Result<&'v str, Fault<'v>> {
    let text = text_arg(cx, value, native, role)?.as_str();
    if text.is_empty() {
        return Err(cx.fail(ErrorKind::Value, format!("{native}: the {role} must not be empty")));
    }
    Ok(text)
}

fn split<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.split")?.as_str();
    let separator = match args.get(1) {
        Some(separator) if !separator.is_nil() => Some(some_text(cx, *separator, "str.split", "separator")?),
        _ => None,
    };
    cx.work(this.len() / 64)?;
    let parts: Vec<&str> = match separator {
        None => this.split_whitespace().collect(),
        Some(separator) => {
            let mut start = 0;
            let mut parts = Vec::new();
            for at in memmem::find_iter(this.as_bytes(), separator) {
                parts.push(&this[start..at]);
                start = at + separator.len();
            }
            parts.push(&this[start..]);
            parts
        }
    };
    text::list(cx, &parts, this.len())
}

fn lines<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.lines")?.as_str();
    cx.work(this.len() / 64)?;
    let lines: Vec<&str> = this.lines().collect();
    text::list(cx, &lines, this.len())
}

fn chars<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_str(cx, args, "str.chars")?;
    let chars = items::collect(cx, args[0])?;
    Ok(cx.list(chars)?.into())
}

fn bytes<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.bytes")?.as_str();
    cx.work(this.len() / 64)?;
    cx.bytes(this.as_bytes())
}

fn contains<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.contains")?.as_str();
    let part = text_arg(cx, args[1], "str.contains", "part")?.as_str();
    Ok(Value::bool(text::find_bytes(cx, this.as_bytes(), part.as_bytes())?.is_some()))
}

fn starts_with<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.starts_with")?.as_str();
    let part = text_arg(cx, args[1], "str.starts_with", "part")?.as_str();
    Ok(Value::bool(this.starts_with(part)))
}

fn ends_with<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.ends_with")?.as_str();
    let part = text_arg(cx, args[1], "str.ends_with", "part")?.as_str();
    Ok(Value::bool(this.ends_with(part)))
}

fn find<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.find")?;
    let part = text_arg(cx, args[1], "str.find", "part")?.as_str();
    let from = match args.get(2) {
        Some(&from) => int(cx, from, "str.find", "start")?,
        None => 0,
    };
    let text = this.as_str();
    // Counting from the end needs the length; beyond the end there is nothing, not even the empty string.
    let from = if from < 0 { clamp(from, this.char_count()) } else { usize::try_from(from).unwrap_or(usize::MAX) };
    let Some(start) = this.byte_of_char(from) else { return Ok(Value::NIL) };
    let Some(found) = text::find_bytes(cx, &text.as_bytes()[start..], part.as_bytes())? else { return Ok(Value::NIL) };
    let between = if this.is_ascii() { found } else { text[start..start + found].chars().count() };
    Ok(Value::int((from + between) as i64))
}

fn replace<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.replace")?;
    let old = some_text(cx, args[1], "str.replace", "text to be replaced")?;
    let new = text_arg(cx, args[2], "str.replace", "replacement")?.as_str();
    let text = this.as_str();
    cx.work(text.len() / 64)?;
    let finder = memmem::Finder::new(old);
    let occurrences = finder.find_iter(text.as_bytes()).count();
    if occurrences == 0 {
        return Ok(this.into());
    }
    let length = (text.len() - occurrences * old.len()).saturating_add(occurrences.saturating_mul(new.len()));
    cx.reserve(length.saturating_add(STRING))?;
    cx.work(length / 64 + occurrences / 16)?;
    let mut replaced = String::with_capacity(length);
    let mut start = 0;
    for at in finder.find_iter(text.as_bytes()) {
        replaced.push_str(&text[start..at]);
        replaced.push_str(new);
        start = at + old.len();
    }
    replaced.push_str(&text[start..]);
    cx.str(&replaced)
}

fn repeat<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.repeat")?.as_str();
    let n = count(cx, args[1], "str.repeat", "count", 0)?;
    text::repeat(cx, this, n)
}

fn pad_start<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    pad(cx, args, "str.pad_start", true)
}

fn pad_end<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    pad(cx, args, "str.pad_end", false)
}

fn pad<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], native: &str, at_start: bool) -> Outcome<'v> {
    let this = this_str(cx, args, native)?;
    let width = int(cx, args[1], native, "width")?;
    let fill = match args.get(2) {
        Some(&fill) => text_arg(cx, fill, native, "fill")?.as_str(),
        None => " ",
    };
    if fill.chars().nth(1).is_some() || fill.is_empty() {
        return Err(cx.fail(ErrorKind::Value, format!("{native}: the fill must be one character")));
    }
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(this.char_count());
    if missing == 0 {
        return Ok(this.into());
    }
    let text = this.as_str();
    let length = fill.len().saturating_mul(missing).saturating_add(text.len());
    cx.reserve(length.saturating_add(STRING))?;
    cx.work(length / 64)?;
    let padding = fill.repeat(missing);
    cx.str(&if at_start { padding + text } else { text.to_string() + &padding })
}

fn reversed<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.reversed")?.as_str();
    cx.reserve(this.len() + STRING)?;
    cx.work(this.len() / 16)?;
    let reversed: String = this.chars().rev().collect();
    cx.str(&reversed)
}

fn code<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args, "str.code")?;
    let index = int(cx, args[1], "str.code", "position")?;
    if !this.is_ascii() {
        cx.work(this.as_str().len() / 64)?;
    }
    let from_start = if index < 0 { index.checked_add_unsigned(this.char_count() as u64) } else { Some(index) };
    let at = from_start.and_then(|i| usize::try_from(i).ok()).and_then(|i| this.byte_of_char(i));
    match at.and_then(|at| this.as_str()[at..].chars().next()) {
        Some(c) => Ok(Value::int(u32::from(c).into())),
        None => {
            let message = format!("str.code: position {index} is out of range for a str of {}", this.char_count());
            Err(cx.fail_with(ErrorKind::Index, message, Value::int(index)))
        }
    }
}

/// Whether there are characters and all of them are of a sort.
fn all<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], native: &str, sort: fn(char) -> bool) -> Outcome<'v> {
    let this = this_str(cx, args, native)?.as_str();
    cx.work(this.len() / 64)?;
    Ok(Value::bool(!this.is_empty() && this.chars().all(sort)))
}

fn is_digit<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    all(cx, args, "str.is_digit", |c| c.is_ascii_digit())
}

fn is_alpha<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    all(cx, args, "str.is_alpha", char::is_alphabetic)
}

fn is_space<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    all(cx, args, "str.is_space", char::is_whitespace)
}
