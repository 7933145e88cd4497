//! What is said of types that have the same name and are not the same.

use super::equal::same_type;
use crate::cx::Cx;
use crate::heap::{Type, View};

/// Where a type was declared, such as `bank.qp:3`, if that is known.
pub fn place(ty: Type<'_>) -> Option<String> {
    let View::Closure(constructor) = ty.constructor().view() else { return None };
    let code = constructor.code();
    let debug = code.debug()?;
    Some(format!("{}:{}", debug.file, debug.line))
}

/// A type as errors name it: with its place.
pub(crate) fn described(ty: Type<'_>) -> String {
    match place(ty) {
        Some(place) => format!("{} of {place}", ty.name()),
        None => ty.name().to_owned(),
    }
}

/// What stands between two types with one name, for an error: none if the names differ or the types are the same.
pub(crate) fn other_version<'v>(cx: &mut Cx<'v>, own: Type<'v>, meant: Type<'v>) -> Option<String> {
    if own.name() != meant.name() || meant.is_builtin() || same_type(cx, own, meant).unwrap_or(true) {
        return None;
    }
    let fields = |ty: Type<'v>| {
        let names: Vec<&str> = ty.field_names().collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let article = if own.name().starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    let (one, other) = (described(own), described(meant));
    let (has, wanted) = (fields(own), fields(meant));
    Some(format!("{article} {one}, not the {other}: another version or another type (fields {has}; {wanted})"))
}
