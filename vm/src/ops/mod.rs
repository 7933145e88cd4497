//! What operators and built-in forms do with values; special methods of instances are looked up by the caller.

pub(crate) mod depth;
pub mod key;
pub mod equal;
