//! JSON texts to values.
//!
//! Values that are complete but not yet in a container wait on one stack; every open container knows where on it its
//! own begin. So a container is made at once, in the size it needs, when its end is read.

use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};

use crate::args::text;
use crate::items::{OBJECT, SLOT};

/// The value of a JSON text.
pub(super) fn parse<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let text = text(cx, args[0], "text")?.as_str();
    let mut parser = Parser {
        text,
        at: 0,
        paid: 0,
        values: Vec::new(),
        open: Vec::new(),
        keys: [Value::NIL; KEYS],
        unescaped: String::new(),
    };
    parser.document(cx)
}

/// How many keys are remembered.
const KEYS: usize = 512;

/// Longer keys are not looked up among those remembered.
const LONGEST_KEY: usize = 64;

/// Bytes read between two looks at the limits.
const PIECE: usize = 4096;

/// Elements of a container that are moved into it without a charge of their own.
const MANY: usize = 1024;

struct Parser<'v> {
    text: &'v str,
    /// The next byte.
    at: usize,
    /// Up to which byte fuel was charged for.
    paid: usize,
    /// Values and keys that wait for their container's end.
    values: Vec<Value<'v>>,
    open: Vec<Open>,
    /// Keys met, by a rough hash. Most documents have few and repeat them.
    keys: [Value<'v>; KEYS],
    unescaped: String,
}

/// A container whose end has not been read.
#[derive(Clone, Copy)]
struct Open {
    /// Where it begins in the text, which also says what it is.
    start: usize,
    /// Where its values begin.
    first: usize,
}

/// What is wrong at some byte of the text.
type Wrong = (usize, String);

/// Why there is no value.
enum Stop<'v> {
    Wrong(Wrong),
    Fault(Fault<'v>),
}

impl<'v> From<Fault<'v>> for Stop<'v> {
    fn from(fault: Fault<'v>) -> Stop<'v> {
        Stop::Fault(fault)
    }
}

impl From<Wrong> for Stop<'_> {
    fn from(wrong: Wrong) -> Self {
        Stop::Wrong(wrong)
    }
}

impl<'v> Parser<'v> {
    fn document(&mut self, cx: &mut Cx<'v>) -> Outcome<'v> {
        self.values_to_the_end(cx).map_err(|stop| match stop {
            Stop::Fault(fault) => fault,
            Stop::Wrong((at, what)) => fault(cx, self.text, at, &what),
        })
    }

    fn values_to_the_end(&mut self, cx: &mut Cx<'v>) -> Result<Value<'v>, Stop<'v>> {
        loop {
            self.skip_space();
            if self.at >= self.paid {
                self.pay(cx)?;
            }
            let mut value = match self.peek() {
                Some(b'"') => {
                    let text = self.string(cx)?;
                    self.string_value(cx, text)?
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b'{') => {
                    self.enter(cx)?;
                    if self.peek() != Some(b'}') {
                        self.key(cx)?;
                        continue;
                    }
                    self.leave();
                    cx.map().into()
                }
                Some(b'[') => {
                    self.enter(cx)?;
                    if self.peek() != Some(b']') {
                        continue;
                    }
                    self.leave();
                    cx.list(Vec::new())?.into()
                }
                Some(b't') => self.word("true", Value::TRUE)?,
                Some(b'f') => self.word("false", Value::FALSE)?,
                Some(b'n') => self.word("null", Value::NIL)?,
                _ => return Err(self.no_value()),
            };
            // The value may be the last one of a container, which then is a value itself, and so on.
            loop {
                self.skip_space();
                let Some(&open) = self.open.last() else {
                    return match self.peek() {
                        None => Ok(value),
                        Some(_) => Err((self.at, format!("expected nothing after the value, got {}", self.found())))?,
                    };
                };
                self.keep(cx, value)?;
                let is_map = self.text.as_bytes()[open.start] == b'{';
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.skip_space();
                        if is_map {
                            self.key(cx)?;
                        } else if self.peek() == Some(b']') {
                            return Err(self.trailing_comma());
                        }
                        break;
                    }
                    Some(b']') if !is_map => {
                        cx.work(1)?;
                        let count = self.values.len() - open.first;
                        if count > MANY {
                            cx.reserve(self.held() + count * SLOT)?;
                            cx.work(count / 16)?;
                        }
                        let items = self.values[open.first..].to_vec();
                        self.values.truncate(open.first);
                        self.leave();
                        value = cx.list(items)?.into();
                    }
                    Some(b'}') if is_map => {
                        cx.work(1)?;
                        let map = cx.map();
                        map.reserve(cx, (self.values.len() - open.first) / 2)?;
                        for piece in self.values[open.first..].chunks(2 * MANY) {
                            if piece.len() == 2 * MANY {
                                cx.work(MANY / 4)?;
                            }
                            for entry in piece.chunks_exact(2) {
                                map.insert(cx, entry[0], entry[1])?;
                            }
                        }
                        self.values.truncate(open.first);
                        self.leave();
                        value = map.into();
                    }
                    _ => {
                        let end = if is_map { "}" } else { "]" };
                        Err((self.at, format!("expected `,` or `{end}`, got {}", self.found())))?;
                    }
                }
            }
        }
    }

    /// Charges for the next piece before it is read, with what a long string or number was read beyond the last one, and
    /// makes sure that what is held fits beside the values.
    #[inline(never)]
    fn pay(&mut self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        let end = (self.at + PIECE).min(self.text.len());
        cx.work(end.saturating_sub(self.paid) / 5)?;
        self.paid = self.at + PIECE;
        cx.reserve(self.held())
    }

    /// Bytes that are held apart from the heap.
    fn held(&self) -> usize {
        self.values.capacity() * SLOT + self.open.capacity() * size_of::<Open>() + self.unescaped.capacity()
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline(always)]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn keep(&mut self, cx: &mut Cx<'v>, value: Value<'v>) -> Result<(), Fault<'v>> {
        if self.values.len() == self.values.capacity() {
            cx.reserve(self.held() + self.values.len() * SLOT)?;
        }
        self.values.push(value);
        Ok(())
    }

    fn enter(&mut self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        if self.open.len() == self.open.capacity() {
            cx.reserve(self.held() + self.open.len() * size_of::<Open>())?;
        }
        // What the container itself takes.
        cx.reserve(2 * OBJECT)?;
        self.open.push(Open { start: self.at, first: self.values.len() });
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn leave(&mut self) {
        self.open.pop();
        self.at += 1;
    }

    /// A key and the colon behind it.
    fn key(&mut self, cx: &mut Cx<'v>) -> Result<(), Stop<'v>> {
        match self.peek() {
            Some(b'"') => {}
            Some(b'}') => return Err(self.trailing_comma()),
            _ => Err((self.at, format!("expected a string as key, got {}", self.found())))?,
        }
        let text = self.string(cx)?;
        let key = if text.map_or(self.unescaped.len(), |(start, end)| end - start) <= LONGEST_KEY {
            self.known_key(cx, text)?
        } else {
            self.string_value(cx, text)?
        };
        self.keep(cx, key)?;
        self.skip_space();
        if self.peek() != Some(b':') {
            Err((self.at, format!("expected `:` after the key, got {}", self.found())))?;
        }
        self.at += 1;
        Ok(())
    }

    /// A short key, as the same string object as the last time.
    fn known_key(&mut self, cx: &mut Cx<'v>, text: Option<(usize, usize)>) -> Outcome<'v> {
        let text = match text {
            Some((start, end)) => &self.text[start..end],
            None => &self.unescaped,
        };
        let known = &mut self.keys[place(text.as_bytes())];
        if known.as_str() != Some(text) {
            *known = cx.str(text)?;
        }
        Ok(*known)
    }

    fn string_value(&self, cx: &mut Cx<'v>, text: Option<(usize, usize)>) -> Outcome<'v> {
        cx.str(match text {
            Some((start, end)) => &self.text[start..end],
            None => &self.unescaped,
        })
    }

    /// Reads a string. Gives where its text stands, or nothing if it had to be unescaped.
    #[inline]
    fn string(&mut self, cx: &mut Cx<'v>) -> Result<Option<(usize, usize)>, Stop<'v>> {
        let start = self.at + 1;
        let end = self.plain_end(cx, start)?;
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Some((start, end)));
        }
        self.escaped_string(cx, end)?;
        Ok(None)
    }

    /// The end of what stands for itself in a string, charged for where that is far away.
    #[inline]
    fn plain_end(&mut self, cx: &mut Cx<'v>, start: usize) -> Result<usize, Fault<'v>> {
        let bytes = self.text.as_bytes();
        let near = bytes.len().min(start + PIECE);
        let end = plain_end(&bytes[..near], start);
        if end < near || near == bytes.len() { Ok(end) } else { self.far_end(cx, near) }
    }

    #[cold]
    fn far_end(&mut self, cx: &mut Cx<'v>, mut end: usize) -> Result<usize, Fault<'v>> {
        let bytes = self.text.as_bytes();
        loop {
            let near = bytes.len().min(end + PIECE);
            cx.work(near.saturating_sub(self.paid) / 16)?;
            self.paid = self.paid.max(near);
            end = plain_end(&bytes[..near], end);
            if end < near || near == bytes.len() {
                return Ok(end);
            }
        }
    }

    /// Reads the rest of a string, whose text up to `end` is plain.
    #[inline(never)]
    fn escaped_string(&mut self, cx: &mut Cx<'v>, mut end: usize) -> Result<(), Stop<'v>> {
        let opening = self.at;
        let bytes = self.text.as_bytes();
        let mut start = opening + 1;
        self.unescaped.clear();
        loop {
            if self.unescaped.capacity() - self.unescaped.len() < end - start + 4 {
                cx.reserve(self.held() + self.unescaped.capacity() + end - start)?;
            }
            self.unescaped.push_str(&self.text[start..end]);
            self.at = end;
            if self.at >= self.paid {
                self.pay(cx)?;
            }
            match bytes.get(end) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    let c = self.escape()?;
                    self.unescaped.push(c);
                }
                Some(&control) => {
                    let what = format!("a control character in a string has to be written as \\u{control:04x}");
                    return Err((end, what).into());
                }
                None => return Err((opening, "the string that begins here has no end".to_owned()).into()),
            }
            start = self.at;
            end = self.plain_end(cx, start)?;
        }
    }

    /// Reads an escape sequence.
    fn escape(&mut self) -> Result<char, Wrong> {
        let start = self.at;
        self.at += 2;
        Ok(match self.text.as_bytes().get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.four_digits(start)?;
                let code = if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    let second = self.four_digits(start)?;
                    // Whatever is no second half gives no character.
                    if (0xdc00..0xe000).contains(&second) {
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    } else {
                        first
                    }
                } else {
                    first
                };
                let half = || (start, "half of a surrogate pair is no character".to_string());
                char::from_u32(code).ok_or_else(half)?
            }
            _ => {
                let found = self.text[start + 1..].chars().next();
                let found = found.map_or("the end".to_string(), |c| format!("`\\{}`", c.escape_debug()));
                return Err((start, format!("expected an escape sequence of JSON, got {found}")));
            }
        })
    }

    fn four_digits(&mut self, start: usize) -> Result<u32, Wrong> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let code = digits.and_then(|digits| {
            digits.iter().try_fold(0, |code, &digit| Some(code << 4 | char::from(digit).to_digit(16)?))
        });
        self.at += 4;
        code.ok_or_else(|| (start, "expected four hexadecimal digits after `\\u`".into()))
    }

    #[inline]
    fn number(&mut self) -> Result<Value<'v>, Wrong> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let is_negative = bytes[start] == b'-';
        let first = start + is_negative as usize;
        let mut at = first;
        // Wraps beyond nineteen digits; then it is not used.
        let mut mantissa = 0u64;
        let digits = |at: &mut usize, mantissa: &mut u64| {
            let from = *at;
            while let Some(digit @ b'0'..=b'9') = bytes.get(*at) {
                *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
                *at += 1;
            }
            *at - from
        };
        let mut count = digits(&mut at, &mut mantissa);
        if count == 0 {
            return Err(self.no_digit(at, "after `-`"));
        }
        if count > 1 && bytes[first] == b'0' {
            return Err((first, "a number does not begin with a 0 in front of other digits".into()));
        }
        let mut scale = 0i64;
        let has_point = bytes.get(at) == Some(&b'.');
        if has_point {
            at += 1;
            let decimals = digits(&mut at, &mut mantissa);
            if decimals == 0 {
                return Err(self.no_digit(at, "after the point"));
            }
            count += decimals;
            scale = -(decimals as i64);
        }
        let has_exponent = matches!(bytes.get(at), Some(b'e' | b'E'));
        if has_exponent {
            at += 1;
            let sign = bytes.get(at).copied();
            at += matches!(sign, Some(b'-' | b'+')) as usize;
            let mut exponent = 0;
            let length = digits(&mut at, &mut exponent);
            if length == 0 {
                return Err(self.no_digit(at, "as exponent"));
            }
            let exponent = if length > 9 { 1_000_000_000 } else { exponent as i64 };
            scale += if sign == Some(b'-') { -exponent } else { exponent };
        }
        self.at = at;
        if !has_point && !has_exponent {
            if count <= 18 {
                let int = mantissa as i64;
                return Ok(Value::int(if is_negative { -int } else { int }));
            }
            if let Ok(int) = self.text[start..at].parse() {
                return Ok(Value::int(int));
            }
        }
        // Both are exact, so that the one operation rounds as it should.
        if count <= 19 && mantissa < 1 << 53 && scale.unsigned_abs() < TENS.len() as u64 {
            let ten = TENS[scale.unsigned_abs() as usize];
            let float = if scale < 0 { mantissa as f64 / ten } else { mantissa as f64 * ten };
            return Ok(Value::float(if is_negative { -float } else { float }));
        }
        match self.text[start..at].parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Value::float(float)),
            _ => Err((start, "the number is beyond the range of float".into())),
        }
    }

    fn word(&mut self, word: &str, value: Value<'v>) -> Result<Value<'v>, Stop<'v>> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.no_value());
        }
        self.at += word.len();
        Ok(value)
    }

    #[cold]
    fn no_digit(&self, at: usize, place: &str) -> Wrong {
        (at, format!("expected a digit {place}, got {}", found(self.text, at)))
    }

    #[cold]
    fn trailing_comma<T: From<Wrong>>(&self) -> T {
        (self.at, format!("expected something after `,`, got {}", self.found())).into()
    }

    #[cold]
    fn no_value(&self) -> Stop<'v> {
        let rest = &self.text[self.at..];
        let hint = match rest.as_bytes().first() {
            None if !self.open.is_empty() => {
                let open = self.open.last().map_or(0, |open| open.start);
                let (line, column) = place_in(self.text, open);
                return (self.at, format!("the text ends inside of what line {line}, column {column} begins")).into();
            }
            Some(b'\'') => "; strings stand in double quotes",
            Some(b'/') => "; JSON has no comments",
            Some(b'+' | b'.') => "; numbers begin with a digit or `-`",
            Some(0xef) if rest.starts_with('\u{feff}') => "; a byte order mark is no part of JSON",
            Some(b'a'..=b'z' | b'A'..=b'Z') => "; the words of JSON are true, false and null",
            _ => "",
        };
        (self.at, format!("expected a value, got {}{hint}", self.found())).into()
    }

    fn found(&self) -> String {
        found(self.text, self.at)
    }
}

/// The powers of ten that are exact as floats.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Where a key is remembered.
fn place(key: &[u8]) -> usize {
    let mut hash = key.len() as u64;
    for chunk in key.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % KEYS
}

/// The first byte from `at` on that does not stand for itself in a string: a quote, a backslash, a control character.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    // Eight bytes at once: the lowest high bit that is set marks the first byte found. Borrows spoil only those above.
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let equals = |byte: u8| {
            let difference = word ^ (ONES * u64::from(byte));
            difference.wrapping_sub(ONES) & !difference
        };
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (equals(b'"') | equals(b'\\') | control) & HIGH;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at)
        && !matches!(byte, b'"' | b'\\' | 0..0x20)
    {
        at += 1;
    }
    at
}

/// What stands at a byte, for messages.
fn found(text: &str, at: usize) -> String {
    let rest = text.get(at..).unwrap_or("");
    match rest.chars().next() {
        None => "the end of the text".into(),
        Some(c) if c.is_ascii_alphanumeric() => {
            let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).take(20).collect();
            format!("`{word}`")
        }
        Some(c) => format!("`{}`", c.escape_debug()),
    }
}

/// Line and column of a byte, both from 1; columns count code points.
fn place_in(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
}

/// The error about a place in the text.
#[cold]
fn fault<'v>(cx: &mut Cx<'v>, text: &str, at: usize, what: &str) -> Fault<'v> {
    let (line, column) = place_in(text, at);
    let data = cx.map();
    for (name, number) in [("line", line), ("column", column)] {
        let entry = cx.str(name).and_then(|name| data.insert(cx, name, Value::int(number as i64)));
        if let Err(fault) = entry {
            return fault;
        }
    }
    cx.fail_here_with(ErrorKind::Json, format!("line {line}, column {column}: {what}"), data.into())
}

#[cfg(test)]
mod tests {
    use super::plain_end;

    #[test]
    fn plain_text_ends_at_quotes_backslashes_and_control_characters() {
        for stop in [b'"', b'\\', 0, 1, 0x1f] {
            for place in 0..40 {
                let mut bytes = [0x20, 0x7f, 0x80, 0xff, 0x21, 0x23, 0x5b, 0x5d].repeat(5);
                assert_eq!(plain_end(&bytes, 0), 40);
                bytes[place] = stop;
                for start in 0..=place {
                    assert_eq!(plain_end(&bytes, start), place, "{stop} at {place} from {start}");
                }
            }
        }
    }
}
