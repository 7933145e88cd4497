//! Graphs: a value and all it reaches, as canonical bytes and as the hash of them.
//!
//! The hash is of exactly the bytes that images carry, so whoever has the bytes can compute it. It covers code by its
//! hash, and nothing that a program cannot see: no address, no order of a hash table, no time, no history.

pub mod tag;
mod met;
mod parts;
pub(crate) mod rules;
pub(crate) mod write;
mod intern;
pub mod error;
mod path;
pub mod versions;
pub(crate) mod read;
pub mod progress;
pub(crate) mod stack;
pub(crate) mod weight;
pub(crate) mod check;
pub(crate) mod build;

use quipu_code::hash::GraphHash;

use crate::cx::Cx;
use crate::heap::{Value, tag as value_tag};
use crate::native::Fault;
use progress::Progress;

/// Under which graphs are hashed; kind and version in one.
pub const CONTEXT: &str = "quipu graph v1";

/// How many hashes are kept at most.
const KEPT: usize = 4096;

/// The hash of a value and all it reaches: what `hash(v)` gives.
///
/// # Errors
/// `not_portable` when a running fiber is reached; a limit.
pub fn hash<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<GraphHash, Fault<'v>> {
    let kept = matches!(value.tag, value_tag::CLOSURE | value_tag::TYPE | value_tag::TUPLE | value_tag::ERROR);
    let address = value.bits as usize;
    if kept && let Some(&(hash, price)) = cx.machine.graph_hashes.get(&address) {
        // What is kept depends on the machine's history, which must not show in the fuel that a program takes.
        cx.pay(price)?;
        return Ok(hash);
    }
    let before = cx.machine.total_fuel_used();
    let graph = write::write(cx, value, &mut Progress::silent())?;
    let price = cx.machine.total_fuel_used() - before;
    let hash = hash_of(graph.parts());
    // An undone `atomic` may leave a variable uninitialised that was written once; so nothing is kept inside.
    if kept && !graph.is_mutable && !cx.heap().journal.is_on() {
        if cx.machine.graph_hashes.len() >= KEPT {
            cx.machine.graph_hashes.clear();
        }
        cx.machine.graph_hashes.insert(address, (hash, price));
    }
    Ok(hash)
}

/// The hash of a graph's bytes, given in parts.
pub(crate) fn hash_of(parts: [&[u8]; 2]) -> GraphHash {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    for part in parts {
        hasher.update(part);
    }
    GraphHash(hasher.finalize().into())
}
