//! All tests of the front end: one program is linked for them.

#[path = "../../tests/support/damage.rs"]
#[allow(dead_code, reason = "texts are damaged elsewhere")]
mod damage;
mod front;

mod captures;
mod golden;
mod hostile_sources;
mod incomplete;
mod limits;
mod mutations;
mod patches;
mod scripts;
mod tokens;
mod trees;
