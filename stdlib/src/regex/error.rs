//! Errors about patterns and replacements.

use quipu_vm::{Cx, ErrorKind, Fault, Value};

/// The error about a pattern or replacement, with the position it is about.
#[cold]
pub(super) fn fault<'v>(cx: &mut Cx<'v>, message: &str, position: Option<usize>) -> Fault<'v> {
    let data = cx.map();
    if let Some(position) = position {
        let entry = cx.str("position").and_then(|name| data.insert(cx, name, Value::int(position as i64)));
        if let Err(fault) = entry {
            return fault;
        }
    }
    cx.fail_with(ErrorKind::Value, message, data.into())
}
