//! Numbers that nobody outside can guess, for the keys of hashes that programs, graphs and peers choose the input of. Nothing
//! that a program sees depends on them.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A secret that no other hash has. It comes from the system, or, where the standard library finds no source of entropy
/// (`wasm32-unknown-unknown`), from addresses: there a program can aim at collisions, which cost it time and nobody else.
pub(crate) fn secret() -> u64 {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(COUNTER.fetch_add(1, Ordering::Relaxed))
}
