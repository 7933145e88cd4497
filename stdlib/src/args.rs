//! Checks of arguments, and what to say when one does not fit.

use quipu_vm::heap::Map;
use quipu_vm::heap::Str;
use quipu_vm::{Cx, ErrorKind, Fault, Value, View};

/// The fault of an argument of the wrong type: "list.insert: expected an int as position, got str".
pub(crate) fn expected<'v>(cx: &mut Cx<'v>, wanted: &str, got: Value<'v>) -> Fault<'v> {
    let got = got.kind_name();
    cx.fail_here(ErrorKind::Type, format!("expected {wanted}, got {got}"))
}

/// The same in the name of something else: a function in the language, or a type.
pub(crate) fn expected_by<'v>(cx: &mut Cx<'v>, name: &str, wanted: &str, got: Value<'v>) -> Fault<'v> {
    let got = got.kind_name();
    cx.fail(ErrorKind::Type, format!("{name}: expected {wanted}, got {got}"))
}

/// An int. `role` says what it is for.
#[inline]
pub(crate) fn int<'v>(cx: &mut Cx<'v>, value: Value<'v>, role: &str) -> Result<i64, Fault<'v>> {
    match value.as_int() {
        Some(int) => Ok(int),
        None => Err(expected(cx, &format!("an int as {role}"), value)),
    }
}

/// An int from `least` on, as a size in memory.
#[inline]
pub(crate) fn count<'v>(cx: &mut Cx<'v>, value: Value<'v>, role: &str, least: i64) -> Result<usize, Fault<'v>> {
    let count = int(cx, value, role)?;
    if count < least {
        return Err(cx.fail_here(ErrorKind::Value, format!("the {role} must be at least {least}, got {count}")));
    }
    // On a machine with small addresses, what does not fit is more than there can be of anything.
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// An int or float, as a float.
#[inline]
pub(crate) fn number<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<f64, Fault<'v>> {
    match value.view() {
        View::Int(int) => Ok(int as f64),
        View::Float(float) => Ok(float),
        _ => Err(expected(cx, "a number", value)),
    }
}

/// A string. `role` says what it is for.
#[inline]
pub(crate) fn text<'v>(cx: &mut Cx<'v>, value: Value<'v>, role: &str) -> Result<Str<'v>, Fault<'v>> {
    match value.view() {
        View::Str(text) => Ok(text),
        _ => Err(expected(cx, &format!("a str as {role}"), value)),
    }
}

/// The method's own value, which the machine has found by its type. A method called as a function could be given
/// another one.
macro_rules! receiver {
    ($name:ident, $view:ident, $handle:ident, $wanted:literal) => {
        #[inline]
        pub(crate) fn $name<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Result<quipu_vm::heap::$handle<'v>, Fault<'v>> {
            match args[0].view() {
                View::$view(value) => Ok(value),
                _ => Err(expected(cx, $wanted, args[0])),
            }
        }
    };
}

receiver!(this_str, Str, Str, "a str");
receiver!(this_bytes, Bytes, Bytes, "a bytes");
receiver!(this_tuple, Tuple, Tuple, "a tuple");
receiver!(this_range, Range, Range, "a range");
receiver!(this_list, List, List, "a list");
receiver!(this_map, Map, Map, "a map");
receiver!(this_set, Set, Set, "a set");

/// Checks the names of options.
pub(crate) fn check_options<'v>(cx: &mut Cx<'v>, options: Map<'v>, known: &[&str]) -> Result<(), Fault<'v>> {
    for (key, _) in options.iter() {
        if !key.as_str().is_some_and(|key| known.contains(&key)) {
            let shown = quipu_vm::ops::text::repr_short(cx, key)?;
            let message = format!("there is no option {shown}, only {}", known.join(", "));
            return Err(cx.fail_here(ErrorKind::Value, message));
        }
    }
    Ok(())
}

/// Whether the only option there is is on.
pub(crate) fn switch<'v>(cx: &mut Cx<'v>, options: Value<'v>, name: &str) -> Result<bool, Fault<'v>> {
    let View::Map(map) = options.view() else { return Err(expected(cx, "a map of options", options)) };
    check_options(cx, map, &[name])?;
    match map.get_text(cx, name).map(|value| (value, value.view())) {
        None => Ok(false),
        Some((_, View::Bool(on))) => Ok(on),
        Some((value, _)) => Err(expected(cx, &format!("a bool as {name}"), value)),
    }
}
