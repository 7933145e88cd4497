//! Lists and maps of programs that a host holds and works on in place, with Rust types for what is in them.

use std::fmt;
use std::marker::PhantomData;

use super::Host;
use super::convert::{Entries, FromValue, IntoValue, Mismatch};
use super::error::given;
use crate::cx::{Cx, guarded};
use crate::error::ErrorKind;
use crate::failure::Failure;
use crate::heap::{self, Value, View};
use crate::native::{Fault, Outcome};
use crate::root::Root;

/// A list that a program and its host share. Elements are converted as they are read and written; a program may put in
/// something else, which is an error when it is read.
pub struct ListOf<T> {
    root: Root,
    types: PhantomData<fn(T) -> T>,
}

/// A map that a program and its host share. Keys and values are converted as they are read and written.
pub struct MapOf<K, V> {
    root: Root,
    types: PhantomData<fn(K) -> V>,
}

impl<T: FromValue + IntoValue> ListOf<T> {
    /// A new list.
    ///
    /// # Errors
    /// What converting an element throws; the heap limit.
    pub fn new(host: &mut impl Host, items: impl IntoIterator<Item = T>) -> Result<ListOf<T>, Failure> {
        let root = host.make(items.into_iter().collect::<Vec<T>>())?;
        Ok(ListOf { root, types: PhantomData })
    }

    /// How many elements it has.
    ///
    /// # Errors
    /// It is of another machine.
    pub fn len(&self, host: &mut impl Host) -> Result<usize, Failure> {
        host.enter(|cx| Ok(self.list(cx)?.len()))
    }

    /// Whether it has no elements.
    ///
    /// # Errors
    /// It is of another machine.
    pub fn is_empty(&self, host: &mut impl Host) -> Result<bool, Failure> {
        Ok(self.len(host)? == 0)
    }

    /// The element at an index, if there is one.
    ///
    /// # Errors
    /// `type_error` when it is not of type `T`.
    pub fn get(&self, host: &mut impl Host, index: usize) -> Result<Option<T>, Failure> {
        host.enter(|cx| self.list(cx)?.get(index).map(|value| taken(cx, value, || format!("[{index}]"))).transpose())
    }

    /// Replaces the element at an index; gives whether there is one.
    ///
    /// # Errors
    /// What the conversion throws; the heap limit.
    pub fn set(&self, host: &mut impl Host, index: usize, item: T) -> Result<bool, Failure> {
        host.enter(|cx| {
            let item = given(cx, item)?;
            Ok(self.list(cx)?.set(cx, index, item))
        })
    }

    /// Adds an element at the end.
    ///
    /// # Errors
    /// What the conversion throws; the heap limit.
    pub fn push(&self, host: &mut impl Host, item: T) -> Result<(), Failure> {
        host.enter(|cx| {
            let item = given(cx, item)?;
            self.list(cx)?.push(cx, item)
        })
    }

    /// Takes the last element off, if there is one.
    ///
    /// # Errors
    /// `type_error` when it is not of type `T`; it stays then.
    pub fn pop(&self, host: &mut impl Host) -> Result<Option<T>, Failure> {
        host.enter(|cx| {
            let list = self.list(cx)?;
            let Some(last) = list.last() else { return Ok(None) };
            let item = taken(cx, last, || format!("[{}]", list.len() - 1))?;
            list.pop(cx);
            Ok(Some(item))
        })
    }

    fn list<'v>(&self, cx: &mut Cx<'v>) -> Result<heap::List<'v>, Fault<'v>> {
        match cx.machine.rooted(&self.root)?.view() {
            View::List(list) => Ok(list),
            _ => Err(cx.fail(ErrorKind::Type, "it is no list")),
        }
    }
}

impl<K: FromValue + IntoValue, V: FromValue + IntoValue> MapOf<K, V> {
    /// A new map.
    ///
    /// # Errors
    /// What converting an entry throws; `type_error` for a key that can change; the heap limit.
    pub fn new(host: &mut impl Host, entries: impl IntoIterator<Item = (K, V)>) -> Result<MapOf<K, V>, Failure> {
        let root = host.make(Entries(entries.into_iter().collect()))?;
        Ok(MapOf { root, types: PhantomData })
    }

    /// How many entries it has.
    ///
    /// # Errors
    /// It is of another machine.
    pub fn len(&self, host: &mut impl Host) -> Result<usize, Failure> {
        host.enter(|cx| Ok(self.map(cx)?.len()))
    }

    /// Whether it has no entries.
    ///
    /// # Errors
    /// It is of another machine.
    pub fn is_empty(&self, host: &mut impl Host) -> Result<bool, Failure> {
        Ok(self.len(host)? == 0)
    }

    /// The value of a key, if it is there.
    ///
    /// # Errors
    /// `type_error` when it is not of type `V`; what converting or comparing keys throws.
    pub fn get(&self, host: &mut impl Host, key: impl IntoValue) -> Result<Option<V>, Failure> {
        host.enter(|cx| {
            let key = given(cx, key)?;
            let found = self.map(cx)?.get(cx, key)?;
            found.map(|value| taken(cx, value, || "the value of a key".to_owned())).transpose()
        })
    }

    /// Puts an entry in, and gives whether the key was there before.
    ///
    /// # Errors
    /// What converting the entry throws; `type_error` for a key that can change; the heap limit.
    pub fn insert(&self, host: &mut impl Host, key: K, value: V) -> Result<bool, Failure> {
        host.enter(|cx| {
            let (key, value) = (given(cx, key)?, given(cx, value)?);
            Ok(self.map(cx)?.insert(cx, key, value)?.is_some())
        })
    }

    /// Takes an entry out, and gives whether it was there.
    ///
    /// # Errors
    /// What converting or comparing keys throws.
    pub fn remove(&self, host: &mut impl Host, key: impl IntoValue) -> Result<bool, Failure> {
        host.enter(|cx| {
            let key = given(cx, key)?;
            Ok(self.map(cx)?.remove(cx, key)?.is_some())
        })
    }

    /// All entries, in order.
    ///
    /// # Errors
    /// `type_error` when one of them is of other types.
    pub fn entries(&self, host: &mut impl Host) -> Result<Vec<(K, V)>, Failure> {
        host.enter(|cx| {
            let map = self.map(cx)?;
            let entry =
                |(key, value)| Ok((taken(cx, key, || "a key".to_owned())?, taken(cx, value, || "a value".to_owned())?));
            map.iter().map(entry).collect()
        })
    }

    fn map<'v>(&self, cx: &mut Cx<'v>) -> Result<heap::Map<'v>, Fault<'v>> {
        match cx.machine.rooted(&self.root)?.view() {
            View::Map(map) => Ok(map),
            _ => Err(cx.fail(ErrorKind::Type, "it is no map")),
        }
    }
}

/// A value as a Rust type.
fn taken<'v, T: FromValue>(cx: &mut Cx<'v>, value: Value<'v>, place: impl FnOnce() -> String) -> Result<T, Fault<'v>> {
    guarded(cx, "from_value", |cx| {
        T::from_value(cx, value).map_err(|mismatch| cx.fail(ErrorKind::Type, format!("{}: {mismatch}", place())))
    })
}

macro_rules! handle {
    ($Handle:ident <$($T:ident),*>, $kind:literal, $View:ident) => {
        impl<$($T),*> $Handle<$($T),*> {
            /// It as a value.
            pub fn value(&self) -> &Root {
                &self.root
            }
        }

        impl<$($T),*> Clone for $Handle<$($T),*> {
            fn clone(&self) -> Self {
                $Handle { root: self.root.clone(), types: PhantomData }
            }
        }

        impl<$($T),*> fmt::Debug for $Handle<$($T),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($Handle), "({:?})"), self.root)
            }
        }

        impl<$($T),*> FromValue for $Handle<$($T),*> {
            fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Self, Mismatch> {
                match value.view() {
                    View::$View(_) => Ok($Handle { root: cx.machine.root(value.slot()), types: PhantomData }),
                    _ => Err(Mismatch::new($kind, value)),
                }
            }
        }

        impl<$($T),*> IntoValue for $Handle<$($T),*> {
            fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
                cx.machine.rooted(&self.root)
            }
        }

        impl<$($T),*> IntoValue for &$Handle<$($T),*> {
            fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
                cx.machine.rooted(&self.root)
            }
        }
    };
}
handle!(ListOf<T>, "a list", List);
handle!(MapOf<K, V>, "a map", Map);
