//! The heap: objects, their memory, the collector, and the undo log of `atomic`.
//!
//! This folder, the run loop and the machine that it works on are the only places with `unsafe`. The rules everything here relies on:
//!
//! 1. An object is made whole before a value that points to it exists, and never moves.
//! 2. The collector runs only when the machine asks between instructions; all roots are then in fibers, in the
//!    machine's tables and in the undo log.
//! 3. While Rust code that may hold values has called back into the machine, nothing is freed that existed when it did
//!    (see `held`).
//! 4. A reference into an object's memory (`&str`, `&[u8]`) is only given out for parts that never change.

mod kind;
pub(crate) mod value;
mod header;
mod items;
pub(crate) mod layout;
mod cells;
pub(crate) mod frame;
pub(crate) mod fiber;
pub(crate) mod prepared;
mod alloc;
mod text;
mod build;
pub(crate) mod host;
pub(crate) mod keyed;
mod index;
pub(crate) mod table;
pub(crate) mod handle;
pub(crate) mod journal;
pub(crate) mod change;
mod held;
mod edges;
mod by_kind;
mod collect;
mod tally;

pub(crate) use alloc::Heap;
pub(crate) use build::Object;
pub(crate) use cells::class_of;
pub(crate) use edges::Edge;
pub use host::{Ref, RefMut, Unavailable};
pub(crate) use kind::kinds;
pub use layout::Special;
pub(crate) use text::GROWING;
pub use value::{
    Bytes, CellRef, Closure, ErrorRef, Fiber, Gc, Instance, List, Map, Native, Range, Set, Str, Tuple, Type, Value,
    View,
};
pub(crate) use value::{Slot, name_of, tag};
