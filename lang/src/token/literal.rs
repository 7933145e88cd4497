//! What literals stand for: numbers, and strings with their escapes and indentation taken out.
//!
//! The lexer checks literals with these functions and reports what is wrong; the parser calls them again for the
//! values and need not look at errors.

use std::ops::Range;

/// The value of a number literal.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number {
    /// An integer's magnitude, at most 2^63.
    Int(u64),
    /// A float.
    Float(f64),
}

/// Why a number literal has no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BadNumber {
    /// It is not written as numbers are; with the reason.
    Malformed(&'static str),
    /// It is an integer beyond 64 bits.
    TooLarge,
}

/// The magnitude of the least `int`, which only a minus sign makes a value.
pub const LEAST_MAGNITUDE: u64 = 1 << 63;

/// The value of a number literal; zero if the lexer has found fault with it.
pub fn number_value(text: &str) -> Number {
    number(text).unwrap_or(Number::Int(0))
}

/// Whether the text of a number literal is that of a float, right or wrong.
pub(super) fn is_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let prefixed =
        bytes.len() > 1 && bytes[0] == b'0' && bytes[1].is_ascii_alphabetic() && !matches!(bytes[1], b'e' | b'E');
    !prefixed && bytes.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// Reads a number literal.
pub(super) fn number(text: &str) -> Result<Number, BadNumber> {
    if is_float(text) { float(text).map(Number::Float) } else { integer(text).map(Number::Int) }
}

fn integer(text: &str) -> Result<u64, BadNumber> {
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x', ..] => (16, &text[2..]),
        [b'0', b'b', ..] => (2, &text[2..]),
        [b'0', b'o', ..] => (8, &text[2..]),
        _ => (10, text),
    };
    check_digits(digits, radix)?;
    let mut value = 0u64;
    for digit in digits.chars().filter_map(|c| c.to_digit(radix)) {
        value = value
            .checked_mul(u64::from(radix))
            .and_then(|value| value.checked_add(u64::from(digit)))
            .filter(|&value| value <= LEAST_MAGNITUDE)
            .ok_or(BadNumber::TooLarge)?;
    }
    Ok(value)
}

fn float(text: &str) -> Result<f64, BadNumber> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            check_digits(whole, 10)?;
            check_digits(fraction, 10)?;
        }
        None => check_digits(mantissa, 10)?,
    }
    if let Some(exponent) = exponent {
        check_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent), 10)
            .map_err(|_| BadNumber::Malformed("the exponent needs digits only"))?;
    }
    text.replace('_', "").parse().map_err(|_| BadNumber::Malformed("this is no number"))
}

/// Digits of a radix, with single underscores between digits.
fn check_digits(digits: &str, radix: u32) -> Result<(), BadNumber> {
    let mut last_was_digit = false;
    for c in digits.chars() {
        if c.is_digit(radix) {
            last_was_digit = true;
        } else if c != '_' {
            return Err(BadNumber::Malformed(match (radix, c.is_ascii_digit()) {
                (2, true) => "binary digits are 0 and 1",
                (8, true) => "octal digits are 0 to 7",
                _ => "there is a letter among the digits",
            }));
        } else if !last_was_digit {
            return Err(BadNumber::Malformed("an underscore stands between two digits"));
        } else {
            last_was_digit = false;
        }
    }
    match (last_was_digit, digits.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => Err(BadNumber::Malformed("digits are missing")),
        (false, false) => Err(BadNumber::Malformed("an underscore stands between two digits")),
    }
}

/// The value of a string literal without interpolation, from its text with the quotes.
pub fn string_value(text: &str) -> Box<str> {
    if let Some(inner) = text.strip_prefix("\"\"\"") {
        let inner = inner.strip_suffix("\"\"\"").unwrap_or(inner);
        return text_value(&[inner]).pop().unwrap_or_default();
    }
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let inner = raw.get(hashes + 1..raw.len().saturating_sub(hashes + 1)).unwrap_or_default();
        return inner.replace("\r\n", "\n").into();
    }
    let inner = text.strip_prefix('"').unwrap_or(text);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    plain_text_value(inner)
}

/// The value of the text between the quotes and holes of a single-line string.
pub fn plain_text_value(raw: &str) -> Box<str> {
    if !raw.contains('\\') {
        return raw.into();
    }
    into_text(unescape(raw, Escapes::OfText, |_, _| ()))
}

/// The values of the texts between the quotes and holes of one multi-line string.
pub fn text_value(pieces: &[&str]) -> Vec<Box<str>> {
    dedent(pieces, |_, _| ())
        .into_iter()
        .map(
            |text| {
                if text.contains('\\') { into_text(unescape(&text, Escapes::OfText, |_, _| ())) } else { text.into() }
            },
        )
        .collect()
}

/// The value of `b"..."`, from its text with the quotes.
pub fn bytes_value(text: &str) -> Box<[u8]> {
    let inner = text.strip_prefix("b\"").unwrap_or(text);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    unescape(inner, Escapes::OfBytes, |_, _| ()).into()
}

fn into_text(bytes: Vec<u8>) -> Box<str> {
    match String::from_utf8(bytes) {
        Ok(text) => text.into(),
        // Only bytes literals make other than UTF-8.
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into(),
    }
}

/// Which escapes there are, and what `\xHH` means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    OfText,
    OfBytes,
}

/// Takes out escapes; calls `fault` with the place of each bad one and the reason.
pub(super) fn unescape(raw: &str, sort: Escapes, mut fault: impl FnMut(Range<usize>, &'static str)) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(ahead) = raw[at..].find('\\') {
        let start = at + ahead;
        out.extend_from_slice(&raw.as_bytes()[at..start]);
        let Some(letter) = raw[start + 1..].chars().next() else {
            fault(start..raw.len(), "nothing follows the backslash");
            return out;
        };
        at = start + 1 + letter.len_utf8();
        match letter {
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            'r' => out.push(b'\r'),
            '0' => out.push(0),
            '\\' | '"' | '$' => out.push(letter as u8),
            'x' => {
                let digits = raw.get(at..at + 2).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
                match digits.and_then(|text| u8::from_str_radix(text, 16).ok()) {
                    Some(value) => {
                        at += 2;
                        if sort == Escapes::OfBytes {
                            out.push(value);
                        } else {
                            push_char(&mut out, char::from(value));
                        }
                    }
                    None => fault(start..at, "two hex digits follow `\\x`"),
                }
            }
            'u' if sort == Escapes::OfText => match braced_code_point(&raw[at..]) {
                Ok((value, length)) => {
                    at += length;
                    push_char(&mut out, value);
                }
                Err((reason, length)) => {
                    at += length;
                    fault(start..at, reason);
                }
            },
            'u' => fault(start..at, "bytes have no `\\u{...}`; use `\\xHH`"),
            _ => fault(start..at, "there is no such escape"),
        }
    }
    out.extend_from_slice(&raw.as_bytes()[at..]);
    out
}

fn push_char(out: &mut Vec<u8>, value: char) {
    out.extend_from_slice(value.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Reads `{HEX}`; gives the character, or a reason, and how many bytes it took.
fn braced_code_point(text: &str) -> Result<(char, usize), (&'static str, usize)> {
    let Some(inside) = text.strip_prefix('{') else {
        return Err(("`\\u` takes hex digits in braces, as in `\\u{e9}`", 0));
    };
    let digits = inside.len() - inside.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
    if !inside[digits..].starts_with('}') {
        return Err(("`\\u{` takes hex digits and `}`", 1 + digits));
    }
    let length = digits + 2;
    if digits == 0 {
        return Err(("a code point is missing between the braces", length));
    }
    u32::from_str_radix(&inside[..digits], 16)
        .ok()
        .and_then(char::from_u32)
        .map(|value| (value, length))
        .ok_or(("this is no Unicode code point", length))
}

/// Takes the indentation off the lines of a multi-line string, whose text comes in pieces with holes between them.
///
/// The indentation is that of the closing line. The newline behind the opening quotes and the one before the closing
/// quotes go, blank lines become empty; `fault` gets the piece and the place in it of a line that is indented less.
pub(super) fn dedent(pieces: &[&str], mut fault: impl FnMut(usize, Range<usize>)) -> Vec<String> {
    let indentation = pieces
        .iter()
        .rev()
        .find_map(|piece| piece.rfind('\n').map(|newline| &piece[newline + 1..]))
        .map(|line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()])
        .unwrap_or_default();
    let last_piece = pieces.len().saturating_sub(1);
    let mut out = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.iter().enumerate() {
        let mut text = String::with_capacity(piece.len());
        let mut start = 0;
        for (number, line) in piece.split('\n').enumerate() {
            let is_last_line = start + line.len() == piece.len();
            let is_blank = line.trim_matches([' ', '\t', '\r']).is_empty();
            if number == 0 {
                // What stands behind the opening quotes or behind a hole is not at the start of a line.
                if index > 0 || !is_blank || is_last_line {
                    text.push_str(line);
                }
            } else if is_blank && is_last_line && index == last_piece {
                // The closing line: it and the newline before it go.
                if text.ends_with('\n') {
                    text.pop();
                }
            } else if !is_blank || (is_last_line && index < last_piece) {
                match line.strip_prefix(indentation) {
                    Some(rest) => text.push_str(rest),
                    None => {
                        fault(index, start..start + line.len());
                        text.push_str(line);
                    }
                }
            }
            if !is_last_line {
                if text.ends_with('\r') {
                    text.pop();
                }
                if number > 0 || index > 0 || !is_blank {
                    text.push('\n');
                }
            }
            start += line.len() + 1;
        }
        out.push(text);
    }
    out
}
