//! Conversions between values of programs and Rust types.
//!
//! | Rust | language |
//! | --- | --- |
//! | `()` | nil |
//! | `bool`, `String`, `&str` | bool, str |
//! | `i8` to `i64`, `u8` to `u64`, `isize`, `usize` | int, if it is in range |
//! | `f64`, `f32` | float; an int is taken too |
//! | [`Blob`] | bytes |
//! | `Vec<T>`, `[T; N]`, `VecDeque<T>` | list; a tuple is taken too |
//! | `HashMap<K, V>`, `BTreeMap<K, V>`, [`Entries<K, V>`](Entries) | map |
//! | `HashSet<T>`, `BTreeSet<T>` | set |
//! | tuples | tuple |
//! | `Option<T>` | nil or the value |
//! | [`ListOf<T>`](super::ListOf), [`MapOf<K, V>`](super::MapOf), [`Func<A, R>`](super::Func) | the list, map or function itself |
//! | [`Root`] | any value |

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;
use std::hash::Hash;

use crate::cx::Cx;
use crate::heap::{Map, Value, View};
use crate::native::Outcome;
use crate::root::Root;

/// A Rust type that values of programs can be taken as.
pub trait FromValue: Sized {
    /// Whether a parameter of this type may be left out.
    #[doc(hidden)]
    const IS_OPTION: bool = false;

    /// Takes a value apart.
    ///
    /// # Errors
    /// The value is of another kind, or out of range.
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Self, Mismatch>;
}

/// A Rust type that can be made a value of programs.
pub trait IntoValue {
    /// Makes the value.
    ///
    /// # Errors
    /// What a `Result` has as its error is thrown; a number may be out of the range of int.
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v>;
}

/// A value that is not what was wanted, and where in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    expected: String,
    found: String,
    /// The way to it, the last step first.
    path: Vec<String>,
}

impl Mismatch {
    /// `expected` with its article: "an int", "a list".
    pub fn new(expected: impl Into<String>, found: Value<'_>) -> Mismatch {
        Mismatch { expected: expected.into(), found: found.kind_name().to_owned(), path: Vec::new() }
    }

    /// With a description of what was found.
    pub fn described(expected: impl Into<String>, found: impl Into<String>) -> Mismatch {
        Mismatch { expected: expected.into(), found: found.into(), path: Vec::new() }
    }

    /// The same, in an element of a container: `[3]`, `.name`.
    #[must_use]
    pub fn inside(mut self, step: impl Into<String>) -> Mismatch {
        self.path.push(step.into());
        self
    }

    /// What was wanted, with its article.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What was found.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// The way from the value to the part that is wrong: `[3].name`; empty for the value itself.
    pub fn path(&self) -> String {
        self.path.iter().rev().map(String::as_str).collect()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        let at = if path.is_empty() { "" } else { " at " };
        write!(f, "expected {}{at}{path}, got {}", self.expected, self.found)
    }
}

impl std::error::Error for Mismatch {}

/// A byte string.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Blob(pub Vec<u8>);

/// A map as its entries, in order.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Entries<K, V>(pub Vec<(K, V)>);

impl FromValue for () {
    fn from_value<'v>(_: &mut Cx<'v>, value: Value<'v>) -> Result<(), Mismatch> {
        if value.is_nil() { Ok(()) } else { Err(Mismatch::new("nil", value)) }
    }
}

impl IntoValue for () {
    fn into_value<'v>(self, _: &mut Cx<'v>) -> Outcome<'v> {
        Ok(Value::NIL)
    }
}

impl FromValue for bool {
    fn from_value<'v>(_: &mut Cx<'v>, value: Value<'v>) -> Result<bool, Mismatch> {
        match value.view() {
            View::Bool(truth) => Ok(truth),
            _ => Err(Mismatch::new("a bool", value)),
        }
    }
}

impl IntoValue for bool {
    fn into_value<'v>(self, _: &mut Cx<'v>) -> Outcome<'v> {
        Ok(Value::bool(self))
    }
}

macro_rules! ints {
    ($($int:ty),*) => {$(
        impl FromValue for $int {
            #[inline]
            fn from_value<'v>(_: &mut Cx<'v>, value: Value<'v>) -> Result<$int, Mismatch> {
                match value.as_int().map(|int| (<$int>::try_from(int), int)) {
                    Some((Ok(int), _)) => Ok(int),
                    Some((Err(_), int)) => {
                        let expected = format!("an int from {} to {}", <$int>::MIN, <$int>::MAX);
                        Err(Mismatch::described(expected, int.to_string()))
                    }
                    None => Err(Mismatch::new("an int", value)),
                }
            }
        }

        impl IntoValue for $int {
            #[inline]
            fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
                match i64::try_from(self) {
                    Ok(int) => Ok(Value::int(int)),
                    Err(_) => Err(cx.fail(crate::ErrorKind::Overflow, format!("{self} is beyond the range of int"))),
                }
            }
        }
    )*};
}
ints!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

macro_rules! floats {
    ($($float:ty),*) => {$(
        impl FromValue for $float {
            #[inline]
            fn from_value<'v>(_: &mut Cx<'v>, value: Value<'v>) -> Result<$float, Mismatch> {
                match value.view() {
                    View::Float(float) => Ok(float as $float),
                    View::Int(int) => Ok(int as $float),
                    _ => Err(Mismatch::new("a number", value)),
                }
            }
        }

        impl IntoValue for $float {
            #[inline]
            fn into_value<'v>(self, _: &mut Cx<'v>) -> Outcome<'v> {
                Ok(Value::float(self.into()))
            }
        }
    )*};
}
floats!(f32, f64);

impl FromValue for String {
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<String, Mismatch> {
        cx.owe(value.as_str().map_or(0, str::len) / 64);
        value.as_str().map(str::to_owned).ok_or_else(|| Mismatch::new("a str", value))
    }
}

impl IntoValue for String {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        self.as_str().into_value(cx)
    }
}

impl IntoValue for &str {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        cx.owe(self.len() / 64);
        cx.str(self)
    }
}

impl FromValue for Blob {
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Blob, Mismatch> {
        match value.view() {
            View::Bytes(bytes) => {
                cx.owe(bytes.as_slice().len() / 64);
                Ok(Blob(bytes.as_slice().to_vec()))
            }
            _ => Err(Mismatch::new("bytes", value)),
        }
    }
}

impl IntoValue for Blob {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        self.0.as_slice().into_value(cx)
    }
}

impl IntoValue for &[u8] {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        cx.owe(self.len() / 64);
        cx.bytes(self)
    }
}

impl FromValue for Root {
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Root, Mismatch> {
        Ok(cx.machine.root(value.slot()))
    }
}

impl IntoValue for Root {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        (&self).into_value(cx)
    }
}

impl IntoValue for &Root {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        cx.machine.rooted(self)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const IS_OPTION: bool = true;

    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Option<T>, Mismatch> {
        if value.is_nil() { Ok(None) } else { T::from_value(cx, value).map(Some) }
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        self.map_or(Ok(Value::NIL), |value| value.into_value(cx))
    }
}

/// How many values are converted for a unit of fuel.
pub(super) const PER_UNIT: usize = 8;

/// Calls `take` with every element of a list or tuple.
fn elements<'v>(
    cx: &mut Cx<'v>,
    value: Value<'v>,
    mut take: impl FnMut(&mut Cx<'v>, Value<'v>) -> Result<(), Mismatch>,
) -> Result<(), Mismatch> {
    let at = |index: usize| move |mismatch: Mismatch| mismatch.inside(format!("[{index}]"));
    cx.owe(length(value) / PER_UNIT);
    match value.view() {
        View::List(list) => {
            let mut index = 0;
            // By number: a conversion of the host's own may change the list.
            while let Some(item) = list.get(index) {
                take(cx, item).map_err(at(index))?;
                index += 1;
            }
            Ok(())
        }
        View::Tuple(tuple) => {
            tuple.as_slice().iter().enumerate().try_for_each(|(index, &item)| take(cx, item).map_err(at(index)))
        }
        _ => Err(Mismatch::new("a list", value)),
    }
}

fn length(value: Value<'_>) -> usize {
    match value.view() {
        View::List(list) => list.len(),
        View::Tuple(tuple) => tuple.len(),
        _ => 0,
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Vec<T>, Mismatch> {
        let mut items = Vec::with_capacity(length(value));
        elements(cx, value, |cx, item| {
            items.push(T::from_value(cx, item)?);
            Ok(())
        })?;
        Ok(items)
    }
}

impl<T: FromValue> FromValue for VecDeque<T> {
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<VecDeque<T>, Mismatch> {
        Vec::from_value(cx, value).map(VecDeque::from)
    }
}

impl<T: FromValue, const N: usize> FromValue for [T; N] {
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<[T; N], Mismatch> {
        let items = Vec::from_value(cx, value)?;
        let found = items.len();
        items.try_into().map_err(|_| Mismatch::described(format!("a list of {N}"), format!("one of {found}")))
    }
}

/// A list of what an iterator gives.
fn list<'v, T: IntoValue>(cx: &mut Cx<'v>, items: impl ExactSizeIterator<Item = T>) -> Outcome<'v> {
    cx.owe(items.len() / PER_UNIT);
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        values.push(item.into_value(cx)?);
    }
    cx.list(values).map(Value::from)
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        list(cx, self.into_iter())
    }
}

impl<T: IntoValue> IntoValue for VecDeque<T> {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        list(cx, self.into_iter())
    }
}

impl<T: IntoValue, const N: usize> IntoValue for [T; N] {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        list(cx, self.into_iter())
    }
}

/// The entries of a map, converted.
fn entries<'v, K: FromValue, V: FromValue>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Vec<(K, V)>, Mismatch> {
    let View::Map(map) = value.view() else { return Err(Mismatch::new("a map", value)) };
    cx.owe(map.len() * 2 / PER_UNIT);
    let mut entries = Vec::with_capacity(map.len());
    for (key, content) in map.iter().collect::<Vec<_>>() {
        let name = |cx: &mut Cx<'v>| match key.as_str() {
            Some(text) => format!(".{text}"),
            None => format!("[{}]", crate::ops::text::repr_short(cx, key).unwrap_or_default()),
        };
        let wanted = K::from_value(cx, key).map_err(|mismatch| mismatch.inside(" as a key"))?;
        match V::from_value(cx, content) {
            Ok(content) => entries.push((wanted, content)),
            Err(mismatch) => return Err(mismatch.inside(name(cx))),
        }
    }
    Ok(entries)
}

/// A map with these entries; of equal keys the last counts.
fn map<'v, K: IntoValue, V: IntoValue>(cx: &mut Cx<'v>, entries: impl Iterator<Item = (K, V)>) -> Outcome<'v> {
    let map: Map<'v> = cx.map();
    for (key, value) in entries {
        let (key, value) = (key.into_value(cx)?, value.into_value(cx)?);
        map.insert(cx, key, value)?;
    }
    cx.owe(map.len() * 2 / PER_UNIT);
    Ok(map.into())
}

impl<K: FromValue, V: FromValue> FromValue for Entries<K, V> {
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Entries<K, V>, Mismatch> {
        entries(cx, value).map(Entries)
    }
}

impl<K: IntoValue, V: IntoValue> IntoValue for Entries<K, V> {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        map(cx, self.0.into_iter())
    }
}

macro_rules! maps {
    ($($map:ident: $($bound:path),*;)*) => {$(
        impl<K: FromValue $(+ $bound)*, V: FromValue> FromValue for $map<K, V> {
            fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<$map<K, V>, Mismatch> {
                Ok(entries(cx, value)?.into_iter().collect())
            }
        }

        impl<K: IntoValue, V: IntoValue> IntoValue for $map<K, V> {
            fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
                map(cx, self.into_iter())
            }
        }
    )*};
}
maps! {
    HashMap: Hash, Eq;
    BTreeMap: Ord;
}

macro_rules! sets {
    ($($set:ident: $($bound:path),*;)*) => {$(
        impl<T: FromValue $(+ $bound)*> FromValue for $set<T> {
            fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<$set<T>, Mismatch> {
                let View::Set(set) = value.view() else { return Err(Mismatch::new("a set", value)) };
                cx.owe(set.len() * 2 / PER_UNIT);
                let members: Vec<Value<'v>> = set.iter().map(|(member, _)| member).collect();
                members.into_iter().map(|member| T::from_value(cx, member)).collect()
            }
        }

        impl<T: IntoValue> IntoValue for $set<T> {
            fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
                let set = cx.set();
                for member in self {
                    let member = member.into_value(cx)?;
                    set.insert(cx, member, Value::NIL)?;
                }
                cx.owe(set.len() * 2 / PER_UNIT);
                Ok(Value::from(set))
            }
        }
    )*};
}
sets! {
    HashSet: Hash, Eq;
    BTreeSet: Ord;
}

macro_rules! tuples {
    ($($count:literal: $($T:ident $i:tt),*;)*) => {$(
        impl<$($T: FromValue),*> FromValue for ($($T,)*) {
            fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<($($T,)*), Mismatch> {
                let View::Tuple(tuple) = value.view() else {
                    return Err(Mismatch::new(concat!("a tuple of ", $count), value));
                };
                let items = tuple.as_slice();
                if items.len() != $count {
                    return Err(Mismatch::described(concat!("a tuple of ", $count), format!("one of {}", items.len())));
                }
                Ok(($($T::from_value(cx, items[$i]).map_err(|m| m.inside(concat!("[", $i, "]")))?,)*))
            }
        }

        impl<$($T: IntoValue),*> IntoValue for ($($T,)*) {
            fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
                let items = [$(self.$i.into_value(cx)?),*];
                cx.tuple(&items)
            }
        }
    )*};
}
tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
}
