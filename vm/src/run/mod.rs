//! The run loop: prepared code, frames, fibers, and the handlers that carry instructions out.

pub(crate) mod prepare;
mod fuse;
mod dispatch;
pub(crate) mod end;
#[cfg(debug_assertions)]
mod operands;
mod handlers;
mod safepoint;
mod collect;
mod stack;
pub(crate) mod guard;
mod unwind;
mod calls;
pub(crate) mod types;
mod operators;
pub(crate) mod iterate;
mod switch;
pub(crate) mod step;
pub(crate) mod watch;
mod start;
mod provide;
mod roots;
pub(crate) mod snapshot;
