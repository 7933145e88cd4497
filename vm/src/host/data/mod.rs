//! Rust types with serde's derives, to values and back.
//!
//! Structs are maps with string keys; an instance of a declared type is taken as a struct too, by its fields. A variant
//! without data is its name, one with data a map of one entry: `["Move": [x: 1, y: 2]]`. Bytes are bytes, `None` and units
//! are nil, tuples are tuples.

mod read;
mod write;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Host;
use super::convert::{FromValue, IntoValue, Mismatch};
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::failure::Failure;
use crate::heap::Value;
use crate::native::Outcome;
use crate::root::Root;

/// How deep data may be nested: what reads it calls itself for every level.
const DEPTH: usize = 128;

/// A type with serde's derives as a parameter, argument or result.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Serde<T>(pub T);

impl<T: DeserializeOwned> FromValue for Serde<T> {
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Serde<T>, Mismatch> {
        let reader = read::Reader { cx, value, depth: 0 };
        T::deserialize(reader).map(Serde).map_err(|trouble| trouble.into_mismatch(value))
    }
}

impl<T: Serialize> IntoValue for Serde<T> {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        match self.0.serialize(write::Writer { cx }) {
            Ok(value) => Ok(value),
            Err(trouble) => Err(cx.fail(ErrorKind::Value, trouble.to_string())),
        }
    }
}

/// Conversions by serde, for everything that has a machine.
pub trait HostSerde: Host {
    /// A value made of data.
    ///
    /// # Errors
    /// `value_error` when the data say that they cannot be written, or when a key of a map can be none.
    fn to_value<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<Root, Failure> {
        self.make(Serde(data))
    }

    /// Data made of a value.
    ///
    /// # Errors
    /// `type_error` with the path to what does not fit.
    fn data_of<T: DeserializeOwned>(&mut self, value: &Root) -> Result<T, Failure> {
        self.get::<Serde<T>>(value).map(|data| data.0)
    }
}

impl<H: Host> HostSerde for H {}

impl Root {
    /// The value as data, by serde.
    ///
    /// # Errors
    /// `type_error` with the path to what does not fit.
    pub fn to<T: DeserializeOwned>(&self, host: &mut impl Host) -> Result<T, Failure> {
        host.data_of(self)
    }
}

/// Why data cannot be converted, and where.
#[derive(Clone, Debug)]
enum Trouble {
    Mismatch(Mismatch),
    /// What the type itself says, and the way to it, the last step first.
    Custom(String, Vec<String>),
}

impl Trouble {
    fn inside(self, step: String) -> Trouble {
        match self {
            Trouble::Mismatch(mismatch) => Trouble::Mismatch(mismatch.inside(step)),
            Trouble::Custom(text, mut path) => {
                path.push(step);
                Trouble::Custom(text, path)
            }
        }
    }

    fn into_mismatch(self, value: Value<'_>) -> Mismatch {
        match self {
            Trouble::Mismatch(mismatch) => mismatch,
            Trouble::Custom(text, path) => {
                let mismatch = Mismatch::described("data that fits", format!("{} ({text})", value.kind_name()));
                path.into_iter().fold(mismatch, Mismatch::inside)
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Mismatch(mismatch) => mismatch.fmt(f),
            Trouble::Custom(text, path) if path.is_empty() => f.write_str(text),
            Trouble::Custom(text, path) => {
                let path: String = path.iter().rev().map(String::as_str).collect();
                write!(f, "{text} (at {path})")
            }
        }
    }
}

impl std::error::Error for Trouble {}

impl serde::ser::Error for Trouble {
    fn custom<T: fmt::Display>(text: T) -> Trouble {
        Trouble::Custom(text.to_string(), Vec::new())
    }
}

impl serde::de::Error for Trouble {
    fn custom<T: fmt::Display>(text: T) -> Trouble {
        Trouble::Custom(text.to_string(), Vec::new())
    }
}
