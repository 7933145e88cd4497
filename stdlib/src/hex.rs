//! The module `hex`: bytes as hexadecimal digits.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use quipu_vm::{Cx, Outcome, Value};

use crate::base64;
use crate::entry::{Entry, native};

pub(crate) const NATIVES: &[Entry] = &[
    native("encode(bytes)", "Two lower-case digits for each byte.", encode),
    native("decode(text)", "The bytes that digits stand for, in lower or upper case.", decode),
];

fn encode<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    base64::encoded(cx, args[0], &HEXLOWER)
}

fn decode<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    base64::decoded(cx, args[0], &HEXLOWER_PERMISSIVE)
}
