//! What a host works with: handles to values, conversions, typed natives and functions, types of its own.

pub mod convert;
pub mod container;
mod error;
pub mod function;
pub mod call;
pub mod class;
mod lent;
mod data;
#[cfg(feature = "async")]
pub mod future;

pub use crate::class::HostClass;
pub use crate::door::{caught, dispose};
pub use crate::heap::{Ref, RefMut, Unavailable};
pub use crate::root::Root;
pub use call::{Func, Host, IntoArguments};
pub use class::{Class, HostType};
pub use container::{ListOf, MapOf};
pub use convert::{Blob, Entries, FromValue, IntoValue, Mismatch};
pub use data::{HostSerde, Serde};
pub use error::HostError;
pub use function::{Arguments, IntoNative, Parameter, Rest};
#[cfg(feature = "async")]
pub use future::IntoAsyncNative;
pub use lent::Scope;
