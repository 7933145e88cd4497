//! The face of Quipu for WebAssembly, without logic: a text goes in, a text comes out.
//!
//! A host calls [`alloc`](exports::alloc) and writes a name and the text of a program behind it to the memory that it is
//! given, calls [`run`](exports::run), and reads what [`answer`](exports::answer) points to. `run.mjs` does so.

mod run;
#[allow(unsafe_code)]
pub mod exports;
