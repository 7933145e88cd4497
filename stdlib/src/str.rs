//! Methods of strings. Positions and lengths are in code points.

use quipu_vm::heap::Str;
use quipu_vm::native::Intrinsic;
use quipu_vm::ops::places;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};

use crate::args::{count, int, text as text_arg, this_str};
use crate::charge::{Meter, PIECE, Text, Values, count_chars, pieces};
use crate::entry::{Entry, native};
use crate::items;
use crate::text::{self, Occurrences, clamp};

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
    native("to_list()", "A list of the code points as strings.", chars).shown("str.chars"),
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
    let this = this_str(cx, args)?;
    length(cx, this)
}

/// Number of code points.
pub(crate) fn length<'v>(cx: &mut Cx<'v>, text: Str<'v>) -> Outcome<'v> {
    if !text.is_ascii() {
        cx.work(text.as_str().len() / 64)?;
    }
    Ok(Value::int(places::char_count(cx, text)? as i64))
}

fn is_empty<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(this_str(cx, args)?.as_str().is_empty()))
}

/// Cases may change the length, so the text grows as it comes.
fn upper<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str();
    let mut all = Text::with_room(cx, this.len())?;
    pieces(cx, this, 16, |cx, piece| all.push(cx, &piece.to_uppercase()))?;
    all.str(cx)
}

/// A sigma is another letter where it ends a word, so pieces are cut between two letters, and lowered with both.
fn lower<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str();
    let mut all = Text::with_room(cx, this.len())?;
    let has_sigma = this.len() > PIECE && text::find_bytes(cx, this.as_bytes(), "Σ".as_bytes())?.is_some();
    let mut at = 0;
    while at < this.len() {
        let end = at + if has_sigma { cut(&this[at..]) } else { this[at..].floor_char_boundary(PIECE) };
        cx.work((end - at) / 16)?;
        let (before, after) = match has_sigma {
            true => (this[..at].chars().next_back(), this[end..].chars().next()),
            false => (None, None),
        };
        let start = at - before.map_or(0, char::len_utf8);
        let lowered = this[start..end + after.map_or(0, char::len_utf8)].to_lowercase();
        let length = |c: char| c.to_lowercase().map(char::len_utf8).sum::<usize>();
        all.push(cx, &lowered[before.map_or(0, length)..lowered.len() - after.map_or(0, length)])?;
        at = end;
    }
    all.str(cx)
}

/// Whether a character is a letter with cases of those that stand beside a sigma. Others may be such that do not count.
fn is_cased(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{391}'..='\u{3a1}' | '\u{3a3}'..='\u{3c9}' | '\u{410}'..='\u{44f}')
}

/// Where a piece of a text ends: between two letters that have cases, or else at the end.
fn cut(text: &str) -> usize {
    let from = text.floor_char_boundary(PIECE);
    let mut has_case = false;
    for (offset, c) in text[from..].char_indices() {
        let had_case = std::mem::replace(&mut has_case, is_cased(c));
        if had_case && has_case {
            return from + offset;
        }
    }
    text.len()
}

/// The string without white space at one end or both: itself if there is none.
fn trimmed<'v>(cx: &mut Cx<'v>, whole: Str<'v>, at_start: bool, at_end: bool) -> Outcome<'v> {
    let mut text = whole.as_str();
    let mut goes_on = at_start;
    while goes_on {
        let (piece, after) = text.split_at(text.floor_char_boundary(PIECE));
        let bare = piece.trim_start();
        cx.work((piece.len() - bare.len()) / 32)?;
        text = &text[piece.len() - bare.len()..];
        goes_on = bare.is_empty() && !after.is_empty();
    }
    goes_on = at_end;
    while goes_on {
        let (before, piece) = text.split_at(text.ceil_char_boundary(text.len().saturating_sub(PIECE)));
        let bare = piece.trim_end();
        cx.work((piece.len() - bare.len()) / 32)?;
        text = &text[..before.len() + bare.len()];
        goes_on = bare.is_empty() && !before.is_empty();
    }
    if text.len() == whole.as_str().len() {
        return Ok(whole.into());
    }
    cx.work(text.len() / 64)?;
    cx.str(text)
}

fn trim<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?;
    trimmed(cx, this, true, true)
}

fn trim_start<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?;
    trimmed(cx, this, true, false)
}

fn trim_end<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?;
    trimmed(cx, this, false, true)
}

/// A separator or the like, which must not be empty.
fn some_text<'v>(cx: &mut Cx<'v>, value: Value<'v>, role: &str) -> Result<&'v str, Fault<'v>> {
    let text = text_arg(cx, value, role)?.as_str();
    if text.is_empty() {
        return Err(cx.fail_here(ErrorKind::Value, format!("the {role} must not be empty")));
    }
    Ok(text)
}

fn split<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str();
    let separator = match args.get(1) {
        Some(separator) if !separator.is_nil() => some_text(cx, *separator, "separator")?,
        _ => return words(cx, this),
    };
    // Most parts are short; a list that has become too roomy is made smaller in the end.
    let mut parts = Values::with_room(cx, (this.len() / 16).clamp(4, 64))?;
    let mut start = 0;
    let mut separators = Occurrences::new(cx, this.as_bytes(), separator.as_bytes())?;
    while let Some(at) = separators.next(cx)? {
        parts.push_str(cx, &this[start..at])?;
        start = at + separator.len();
    }
    parts.push_str(cx, &this[start..])?;
    parts.list(cx)
}

/// The words between white space.
fn words<'v>(cx: &mut Cx<'v>, text: &'v str) -> Outcome<'v> {
    let mut words = Values::default();
    let (mut at, mut begun) = (0, None);
    pieces(cx, text, 32, |cx, piece| {
        for (offset, c) in piece.char_indices() {
            if !c.is_whitespace() {
                begun = begun.or(Some(at + offset));
            } else if let Some(start) = begun.take() {
                words.push_str(cx, &text[start..at + offset])?;
            }
        }
        at += piece.len();
        Ok(())
    })?;
    if let Some(start) = begun {
        words.push_str(cx, &text[start..])?;
    }
    words.list(cx)
}

fn lines<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str();
    let mut lines = Values::default();
    let mut start = 0;
    let mut ends = Occurrences::new(cx, this.as_bytes(), b"\n")?;
    while let Some(at) = ends.next(cx)? {
        let line = &this[start..at];
        lines.push_str(cx, line.strip_suffix('\r').unwrap_or(line))?;
        start = at + 1;
    }
    if start < this.len() {
        lines.push_str(cx, &this[start..])?;
    }
    lines.list(cx)
}

fn chars<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    this_str(cx, args)?;
    let chars = items::collect(cx, args[0])?;
    Ok(cx.list(chars)?.into())
}

fn bytes<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str();
    cx.work(this.len() / 64)?;
    cx.bytes(this.as_bytes())
}

fn contains<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str();
    let part = text_arg(cx, args[1], "part")?.as_str();
    Ok(Value::bool(text::find_bytes(cx, this.as_bytes(), part.as_bytes())?.is_some()))
}

fn starts_with<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str().as_bytes();
    let part = text_arg(cx, args[1], "part")?.as_str().as_bytes();
    let start = this.get(..part.len());
    Ok(Value::bool(start.map_or(Ok(false), |start| text::is_same(cx, start, part))?))
}

fn ends_with<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str().as_bytes();
    let part = text_arg(cx, args[1], "part")?.as_str().as_bytes();
    let end = this.len().checked_sub(part.len()).map(|start| &this[start..]);
    Ok(Value::bool(end.map_or(Ok(false), |end| text::is_same(cx, end, part))?))
}

fn find<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?;
    let part = text_arg(cx, args[1], "part")?.as_str();
    let from = match args.get(2) {
        Some(&from) => int(cx, from, "start")?,
        None => 0,
    };
    let text = this.as_str();
    if !this.is_ascii() {
        // Positions are counted out.
        let counted = if from < 0 { text.len() } else { usize::try_from(from).unwrap_or(usize::MAX).min(text.len()) };
        cx.work(counted / 64)?;
    }
    // Counting from the end needs the length; beyond the end there is nothing, not even the empty string.
    let from = match usize::try_from(from) {
        Ok(from) => from,
        Err(_) if from > 0 => usize::MAX,
        Err(_) => clamp(from, places::char_count(cx, this)?),
    };
    let Some(start) = places::byte_of_char(cx, this, from)? else { return Ok(Value::NIL) };
    let Some(found) = text::find_bytes(cx, &text.as_bytes()[start..], part.as_bytes())? else { return Ok(Value::NIL) };
    let between = if this.is_ascii() { found } else { count_chars(cx, &text[start..start + found])? };
    Ok(Value::int((from + between) as i64))
}

fn replace<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?;
    let old = some_text(cx, args[1], "text to be replaced")?;
    let new = text_arg(cx, args[2], "replacement")?.as_str();
    let text = this.as_str();
    let mut occurrences = 0usize;
    let mut found = Occurrences::new(cx, text.as_bytes(), old.as_bytes())?;
    let mut meter = Meter::default();
    while found.next(cx)?.is_some() {
        meter.steps(cx, 2)?;
        occurrences += 1;
    }
    meter.settle(cx)?;
    if occurrences == 0 {
        return Ok(this.into());
    }
    let length = (text.len() - occurrences * old.len()).saturating_add(occurrences.saturating_mul(new.len()));
    let mut replaced = Text::with_room(cx, length)?;
    let mut start = 0;
    let mut found = Occurrences::new(cx, text.as_bytes(), old.as_bytes())?;
    while let Some(at) = found.next(cx)? {
        replaced.push(cx, &text[start..at])?;
        replaced.push(cx, new)?;
        start = at + old.len();
    }
    replaced.push(cx, &text[start..])?;
    replaced.str(cx)
}

fn repeat<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str();
    let n = count(cx, args[1], "count", 0)?;
    text::repeat(cx, this, n)
}

fn pad_start<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    pad(cx, args, true)
}

fn pad_end<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    pad(cx, args, false)
}

fn pad<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], at_start: bool) -> Outcome<'v> {
    let this = this_str(cx, args)?;
    let width = int(cx, args[1], "width")?;
    let fill = match args.get(2) {
        Some(&fill) => text_arg(cx, fill, "fill")?.as_str(),
        None => " ",
    };
    if fill.chars().nth(1).is_some() || fill.is_empty() {
        return Err(cx.fail_here(ErrorKind::Value, "the fill must be one character"));
    }
    if !this.is_ascii() {
        cx.work(this.as_str().len() / 64)?;
    }
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(places::char_count(cx, this)?);
    if missing == 0 {
        return Ok(this.into());
    }
    let text = this.as_str();
    let length = fill.len().saturating_mul(missing).saturating_add(text.len());
    let mut padded = Text::with_room(cx, length)?;
    if !at_start {
        padded.push(cx, text)?;
    }
    padded.push_times(cx, fill, missing)?;
    if at_start {
        padded.push(cx, text)?;
    }
    padded.str(cx)
}

fn reversed<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str();
    let mut reversed = Text::with_room(cx, this.len())?;
    let mut rest = this;
    while !rest.is_empty() {
        let (before, piece) = rest.split_at(rest.ceil_char_boundary(rest.len().saturating_sub(PIECE)));
        cx.work(piece.len() / 16)?;
        let turned: String = piece.chars().rev().collect();
        reversed.push(cx, &turned)?;
        rest = before;
    }
    reversed.str(cx)
}

fn code<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let this = this_str(cx, args)?;
    let index = int(cx, args[1], "position")?;
    if this.is_ascii() {
        if let Some(&byte) = usize::try_from(index).ok().and_then(|at| this.as_str().as_bytes().get(at)) {
            return Ok(Value::int(byte.into()));
        }
    } else {
        cx.work(this.as_str().len() / 64)?;
    }
    let from_start = match index {
        ..0 => index.checked_add_unsigned(places::char_count(cx, this)? as u64),
        _ => Some(index),
    };
    let at = match from_start.and_then(|i| usize::try_from(i).ok()) {
        Some(i) => places::byte_of_char(cx, this, i)?,
        None => None,
    };
    match at.and_then(|at| this.as_str()[at..].chars().next()) {
        Some(c) => Ok(Value::int(u32::from(c).into())),
        None => {
            let count = places::char_count(cx, this)?;
            let message = format!("position {index} is out of range for a str of {count}");
            Err(cx.fail_here_with(ErrorKind::Index, message, Value::int(index)))
        }
    }
}

/// Whether there are characters and all of them are of a sort.
fn all<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], sort: fn(char) -> bool) -> Outcome<'v> {
    let this = this_str(cx, args)?.as_str();
    let mut all = !this.is_empty();
    let mut rest = this;
    while all && !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        cx.work(piece.len() / 16)?;
        all = piece.chars().all(sort);
        rest = after;
    }
    Ok(Value::bool(all))
}

fn is_digit<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    all(cx, args, |c| c.is_ascii_digit())
}

fn is_alpha<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    all(cx, args, char::is_alphabetic)
}

fn is_space<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    all(cx, args, char::is_whitespace)
}
