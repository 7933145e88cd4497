//! What all actors of a node share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::call::Outcome;
use super::functions::{Function, Functions};
use super::options::Options;
use super::pool::Ready;
use super::vault::Vault;
use crate::store::Hash;

/// Options, functions, the store, and what is counted.
pub(super) struct Shared {
    pub options: Options,
    pub functions: Functions,
    pub vault: Vault,
    pub ready: Ready,
    /// Bytes of arguments that wait.
    pub waiting: AtomicUsize,
    pub counters: Counters,
}

/// Calls, and bytes of their arguments.
#[derive(Clone, Copy, Default)]
pub(super) struct Log {
    pub calls: u64,
    pub bytes: u64,
}

/// What is counted.
#[derive(Default)]
pub(super) struct Counters {
    pub done: AtomicU64,
    pub failed: AtomicU64,
    pub stopped: AtomicU64,
    pub refused: AtomicU64,
    pub repeated: AtomicU64,
    pub replayed: AtomicU64,
    pub snapshots: AtomicU64,
    pub panics: AtomicU64,
    pub hits: AtomicU64,
    pub loads: AtomicU64,
    pub unknown: AtomicU64,
    pub busy: AtomicU64,
    pub nanoseconds: AtomicU64,
    pub log_calls: AtomicU64,
    pub log_bytes: AtomicU64,
}

impl Shared {
    /// A function, if it is in memory.
    pub fn ready(&self, hash: &Hash) -> Option<Arc<Function>> {
        let function = self.functions.get(hash)?;
        self.counters.hits.fetch_add(1, Ordering::Relaxed);
        Some(function)
    }

    /// A function, from memory or from the store.
    pub fn function(&self, hash: &Hash) -> Result<Option<Arc<Function>>, String> {
        if let Some(function) = self.ready(hash) {
            return Ok(Some(function));
        }
        let loaded = self.functions.load(hash, &mut &self.vault).map_err(|error| error.to_string())?;
        let counter = if loaded.is_some() { &self.counters.loads } else { &self.counters.unknown };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(loaded)
    }
}

impl Counters {
    /// Counts a call that did not end well.
    pub fn count(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Done(_) => &self.done,
            Outcome::Failed { .. } => &self.failed,
            Outcome::Stopped(_) => &self.stopped,
            Outcome::Refused(_) | Outcome::Unknown => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call, or those of a recovery, that a snapshot does not hold yet.
    pub fn logged(&self, log: Log) {
        self.log_calls.fetch_add(log.calls, Ordering::Relaxed);
        self.log_bytes.fetch_add(log.bytes, Ordering::Relaxed);
    }

    /// Counts such calls no more.
    pub fn unlogged(&self, log: Log) {
        self.log_calls.fetch_sub(log.calls, Ordering::Relaxed);
        self.log_bytes.fetch_sub(log.bytes, Ordering::Relaxed);
    }

    /// Counts the time of a call.
    pub fn took(&self, time: Duration) {
        self.nanoseconds.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }
}
