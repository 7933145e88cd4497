//! The tests that can share a process: one program is linked for all of them. What measures the memory of its own process
//! is a program of its own, `[[test]]` in `Cargo.toml`.

#[path = "../../tests/support/damage.rs"]
#[allow(dead_code, reason = "texts are damaged elsewhere")]
mod damage;
mod front;

mod captures;
mod golden;
mod hostile_sources;
mod limits;
mod mutations;
mod scripts;
mod tokens;
mod trees;
