//! What a host works with: handles to values, conversions, typed natives and functions, types of its own.

mod root;
pub mod convert;
mod error;
pub mod function;
pub mod call;
pub mod class;
mod data;

pub use crate::heap::{Ref, RefMut, Unavailable};
pub use call::{Func, Host, IntoArguments};
pub use class::{Class, HostClass, HostType};
pub use convert::{Blob, Entries, FromValue, IntoValue, Mismatch};
pub use data::{HostSerde, Serde};
pub use error::HostError;
pub use function::{Arguments, IntoNative, Parameter, Rest};
pub(crate) use root::Dropped;
pub use root::Root;
