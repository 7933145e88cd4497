//! Quipu: a bytecode VM with a small language whose closures can be hashed, stored and sent.

pub use quipu_lang as lang;
pub use quipu_stdlib as stdlib;
pub use quipu_vm as vm;
