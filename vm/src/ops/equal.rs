//! Equality by value, and sameness.

use crate::cx::Cx;
use crate::heap::{Value, View};
use crate::native::Fault;

/// Whether `a == b`. May call the `eq` of instances.
///
/// # Errors
/// What `eq` throws; a limit.
pub fn equal<'v>(_cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> {
    Ok(shallow(a, b).unwrap_or(false))
}

/// Whether two keys are one: as [`equal`], but an instance is never the same key as anything else.
pub(crate) fn equal_keys<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> {
    equal(cx, a, b)
}

/// Whether `same(a, b)`: identity for what has one, content for the rest. Calls nothing.
///
/// # Errors
/// A limit.
pub fn same<'v>(_cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> {
    Ok(a.is_identical(b))
}

/// Whether two values are equal, unless their parts or methods decide.
#[inline]
pub(crate) fn shallow<'v>(a: Value<'v>, b: Value<'v>) -> Option<bool> {
    Some(match (a.view(), b.view()) {
        (View::Int(a), View::Int(b)) => a == b,
        (View::Float(a), View::Float(b)) => a == b,
        (View::Int(a), View::Float(b)) | (View::Float(b), View::Int(a)) => exact_int(b) == Some(a),
        (View::Str(a), View::Str(b)) => a == b || a.as_str() == b.as_str(),
        (View::Bytes(a), View::Bytes(b)) => a.as_slice() == b.as_slice(),
        _ => a.is_identical(b),
    })
}

/// The int that a float is exactly.
pub(crate) fn exact_int(float: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (float >= -LIMIT && float < LIMIT && float.trunc() == float).then_some(float as i64)
}
