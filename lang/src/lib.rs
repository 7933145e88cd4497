//! Quipu's front end: source text becomes tokens, a syntax tree, resolved scopes and at last checked code objects.
//! It knows nothing of values, heaps or running.

#![warn(clippy::missing_errors_doc)]

pub mod diagnostic;
pub mod spec;
pub mod token;
pub mod ast;
pub mod parse;
pub mod resolve;
pub mod compile;
