//! The module `base64`: bytes as text of 64 letters.

use data_encoding::{BASE64, BASE64URL_NOPAD, DecodeError, DecodeKind, Encoding};
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{expected, text};
use crate::charge::{Text, count_chars};
use crate::entry::{Entry, native};

pub(crate) const NATIVES: &[Entry] = &[
    native("encode(bytes)", "The bytes in base64, padded with `=`.", encode),
    native("decode(text)", "The bytes that padded base64 stands for.", decode),
    native("encode_url(bytes)", "The bytes in the variant for addresses and file names, without padding.", encode_url),
    native("decode_url(text)", "The bytes that the variant for addresses stands for, padded or not.", decode_url),
];

fn encode<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    encoded(cx, args[0], &BASE64)
}

fn decode<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    decoded(cx, args[0], &BASE64)
}

fn encode_url<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    encoded(cx, args[0], &BASE64URL_NOPAD)
}

fn decode_url<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let padded = text(cx, args[0], "text")?.as_str();
    // Three are too many, and more need not be counted.
    let padding = padded.bytes().rev().take(3).take_while(|&byte| byte == b'=').count();
    if padding == 0 || padding > 2 || padded.len() % 4 != 0 {
        return decoded(cx, args[0], &BASE64URL_NOPAD);
    }
    let bare = &padded[..padded.len() - padding];
    cx.work(bare.len() / 64)?;
    let bare = cx.str(bare)?;
    decoded(cx, bare, &BASE64URL_NOPAD)
}

/// Bytes or letters between two looks at the limits: whole groups of them in every encoding here, so that pieces go
/// together as if they were one.
const PIECE: usize = 48 << 10;

/// Bytes in an encoding.
pub(crate) fn encoded<'v>(cx: &mut Cx<'v>, value: Value<'v>, encoding: &Encoding) -> Outcome<'v> {
    let bytes = match value.view() {
        View::Bytes(bytes) => bytes.as_slice(),
        View::Str(_) => return Err(expected(cx, "bytes (a str has the method bytes())", value)),
        _ => return Err(expected(cx, "bytes", value)),
    };
    let mut text = Text::with_room(cx, encoding.encode_len(bytes.len()))?;
    for piece in bytes.chunks(PIECE) {
        cx.work(piece.len() / 64)?;
        text.push(cx, &encoding.encode(piece))?;
    }
    text.str(cx)
}

/// What letters stand for, which are decoded in pieces, or what is wrong with them.
fn in_pieces<'v>(
    cx: &mut Cx<'v>,
    letters: &[u8],
    encoding: &Encoding,
) -> Result<Result<Vec<u8>, DecodeError>, Fault<'v>> {
    let most = match encoding.decode_len(letters.len()) {
        Ok(most) => most,
        Err(error) => return Ok(Err(error)),
    };
    cx.reserve(most.saturating_mul(2))?;
    let mut bytes = Vec::with_capacity(most);
    for (number, piece) in letters.chunks(PIECE).enumerate() {
        cx.work(piece.len() / 64)?;
        match encoding.decode(piece) {
            Ok(part) => {
                // The decoder takes padding behind every group of four.
                let before = &piece[..piece.len().min(letters.len().saturating_sub(2 + number * PIECE))];
                if part.len() < piece.len() / 4 * 3 && before.contains(&b'=') {
                    let at = before.iter().take_while(|&&byte| byte != b'=').count();
                    return Ok(Err(DecodeError { position: number * PIECE + at, kind: DecodeKind::Padding }));
                }
                bytes.extend_from_slice(&part);
            }
            Err(error) => {
                return Ok(Err(DecodeError { position: number * PIECE + error.position, ..error }));
            }
        }
    }
    Ok(Ok(bytes))
}

/// The bytes of a text in an encoding.
pub(crate) fn decoded<'v>(cx: &mut Cx<'v>, value: Value<'v>, encoding: &Encoding) -> Outcome<'v> {
    let text = text(cx, value, "text")?;
    match in_pieces(cx, text.as_str().as_bytes(), encoding)? {
        Ok(bytes) => {
            cx.reserve(bytes.capacity() + bytes.len())?;
            cx.work(bytes.len() / 64)?;
            cx.bytes(&bytes)
        }
        Err(error) => {
            let at = text.as_str().floor_char_boundary(error.position);
            let position = count_chars(cx, &text.as_str()[..at])?;
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
            Err(cx.fail_here_with(ErrorKind::Value, what, Value::int(position as i64)))
        }
    }
}
