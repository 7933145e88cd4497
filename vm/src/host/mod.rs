//! What a host works with: handles to values, conversions, typed natives and functions, types of its own.

mod root;
pub mod convert;
mod error;
pub mod function;
pub mod call;

pub use call::{Func, Host, IntoArguments};
pub use convert::{Blob, Entries, FromValue, IntoValue, Mismatch};
pub use error::HostError;
pub use function::{Arguments, IntoNative, Parameter, Rest};
pub(crate) use root::Dropped;
pub use root::Root;
