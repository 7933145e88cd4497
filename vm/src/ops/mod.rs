//! What operators and built-in forms do with values. Operators on instances with a special method for them never get
//! here: the run loop calls the method.

pub(crate) mod meter;
pub(crate) mod depth;
pub mod arith;
pub mod key;
pub mod equal;
pub mod order;
pub mod text;
pub mod versions;
pub mod places;
pub mod index;

pub use arith::Operator;

#[cfg(test)]
mod tests;
