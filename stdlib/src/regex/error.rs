//! Errors about patterns and replacements.

use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};

/// The fault of a pattern that cannot be compiled, whoever needs it; its data is a map with the position.
pub(super) fn uncompiled<'v>(cx: &mut Cx<'v>, message: &str, position: Option<usize>) -> Fault<'v> {
    match data(cx, position) {
        Ok(data) => cx.fail_with(ErrorKind::Value, format!("regex.compile: {message}"), data),
        Err(fault) => fault,
    }
}

/// The fault of something else that is wrong at a position.
pub(super) fn fault<'v>(cx: &mut Cx<'v>, message: &str, position: usize) -> Fault<'v> {
    match data(cx, Some(position)) {
        Ok(data) => cx.fail_here_with(ErrorKind::Value, message, data),
        Err(fault) => fault,
    }
}

fn data<'v>(cx: &mut Cx<'v>, position: Option<usize>) -> Outcome<'v> {
    let data = cx.map();
    if let Some(position) = position {
        let name = cx.str("position")?;
        data.insert(cx, name, Value::int(position as i64))?;
    }
    Ok(data.into())
}
