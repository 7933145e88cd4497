//! The module `base64`: bytes as text of 64 letters.

use data_encoding::{BASE64, BASE64URL_NOPAD, DecodeKind, Encoding};
use quipu_vm::{Cx, ErrorKind, Outcome, Value, View};

use crate::args::{expected, text};
use crate::entry::{Entry, native};
use crate::text::STRING;

pub(crate) const NATIVES: &[Entry] = &[
    native("encode(bytes)", "The bytes in base64, padded with `=`.", encode),
    native("decode(text)", "The bytes that padded base64 stands for.", decode),
    native("encode_url(bytes)", "The bytes in the variant for addresses and file names, without padding.", encode_url),
    native("decode_url(text)", "The bytes that the variant for addresses stands for, padded or not.", decode_url),
];

fn encode<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    encoded(cx, args[0], "base64.encode", &BASE64)
}

fn decode<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    decoded(cx, args[0], "base64.decode", &BASE64)
}

fn encode_url<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    encoded(cx, args[0], "base64.encode_url", &BASE64URL_NOPAD)
}

fn decode_url<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let padded = text(cx, args[0], "base64.decode_url", "text")?.as_str();
    let bare = padded.trim_end_matches('=');
    if bare.len() == padded.len() || padded.len() - bare.len() > 2 || padded.len() % 4 != 0 {
        return decoded(cx, args[0], "base64.decode_url", &BASE64URL_NOPAD);
    }
    let bare = cx.str(bare)?;
    decoded(cx, bare, "base64.decode_url", &BASE64URL_NOPAD)
}

/// Bytes in an encoding.
pub(crate) fn encoded<'v>(cx: &mut Cx<'v>, value: Value<'v>, native: &str, encoding: &Encoding) -> Outcome<'v> {
    let bytes = match value.view() {
        View::Bytes(bytes) => bytes.as_slice(),
        View::Str(_) => return Err(expected(cx, native, "bytes (a str has the method bytes())", value)),
        _ => return Err(expected(cx, native, "bytes", value)),
    };
    // No encoding here takes more than two letters for a byte. The text is made apart, and then copied.
    cx.reserve(bytes.len().saturating_mul(4).saturating_add(STRING))?;
    cx.work(bytes.len() / 32)?;
    cx.str(&encoding.encode(bytes))
}

/// The bytes of a text in an encoding.
pub(crate) fn decoded<'v>(cx: &mut Cx<'v>, value: Value<'v>, native: &str, encoding: &Encoding) -> Outcome<'v> {
    let text = text(cx, value, native, "text")?;
    cx.reserve(text.as_str().len().saturating_mul(2).saturating_add(STRING))?;
    cx.work(text.as_str().len() / 32)?;
    match encoding.decode(text.as_str().as_bytes()) {
        Ok(bytes) => cx.bytes(&bytes),
        Err(error) => {
            let at = text.as_str().floor_char_boundary(error.position);
            let position = text.as_str()[..at].chars().count();
            let found = text.as_str()[at..].chars().next();
            let what = match (error.kind, found) {
                (DecodeKind::Symbol, Some(c)) => {
                    format!("`{}` at position {position} is none of the letters", c.escape_debug())
                }
                (DecodeKind::Padding, _) => format!("the padding at position {position} is wrong"),
                (DecodeKind::Trailing, _) => {
                    format!("the letter at position {position} has bits that stand for nothing")
                }
                _ => format!("the text is cut off at position {position}"),
            };
            let message = format!("{native}: {what}");
            Err(cx.fail_with(ErrorKind::Value, message, Value::int(position as i64)))
        }
    }
}
