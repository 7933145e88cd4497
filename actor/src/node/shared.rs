//! What all actors of a node share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quipu_code::hash::GraphHash;

use super::actor::Actor;
use super::functions::{Function, Functions};
use super::memory::{Hold, Memory};
use super::names::Names;
use super::options::NodeOptions;
use super::pool::Ready;
use super::vault::Vault;
use crate::call::CallOutcome;

/// What a step takes in a store beside its bytes, about.
const STEP: usize = 500;

/// How much a store in memory may grow before it is looked at again, at least.
const LOOK: usize = 4 << 20;

/// Options, functions, the store, and what is counted.
pub(super) struct Shared {
    pub options: NodeOptions,
    pub functions: Functions,
    pub vault: Vault,
    pub ready: Ready,
    /// Actors that are open, or have something to do.
    pub actors: Mutex<HashMap<Arc<str>, Arc<Actor>>>,
    pub memory: Arc<Memory>,
    /// What the store takes of it.
    pub kept: Kept,
    /// What an actor takes that has just been made.
    pub fresh: usize,
    pub names: Names,
    /// The number of the last call, and how often an actor has done something.
    pub numbers: AtomicU64,
    pub uses: AtomicU64,
    /// Actors that are put away right now.
    pub leaving: AtomicUsize,
    /// Bytes of arguments that wait.
    pub waiting: AtomicUsize,
    pub counters: Counters,
}

/// The memory that a store takes which has no file.
pub(super) struct Kept {
    /// None if it has one.
    hold: Option<Mutex<Hold>>,
    /// Bytes that were added since somebody looked.
    added: AtomicUsize,
    limit: usize,
}

impl Kept {
    pub fn new(memory: &Arc<Memory>, is_durable: bool) -> Kept {
        let hold = (!is_durable).then(|| Mutex::new(memory.hold()));
        Kept { hold, added: AtomicUsize::new(0), limit: memory.limit() / 4 * 3 }
    }

    /// How much that is.
    pub fn bytes(&self) -> usize {
        self.hold.as_ref().map_or(0, |hold| lock(hold).bytes())
    }

    /// Whether there is no room for any more.
    pub fn is_full(&self) -> bool {
        self.hold.is_some() && self.bytes() > self.limit
    }
}

fn lock(hold: &Mutex<Hold>) -> MutexGuard<'_, Hold> {
    hold.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Actors that were put away for others.
    pub displaced: AtomicU64,
}

impl Shared {
    /// The actors that are known by name now.
    pub fn actors(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Actor>>> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store keeps so many bytes more, at most. If that is in memory, it is looked how much it takes, once in a while.
    pub fn keeps(&self, bytes: usize) {
        let Some(hold) = &self.kept.hold else { return };
        let bytes = bytes + STEP;
        let added = self.kept.added.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let before = lock(hold).bytes();
        if added < (before / 8).max(LOOK.min(self.memory.limit() / 64)) {
            return;
        }
        self.kept.added.store(0, Ordering::Relaxed);
        if let Ok(size) = self.vault.with(|store| store.size()) {
            lock(hold).settle(usize::try_from(size).unwrap_or(usize::MAX));
        }
    }

    /// A function, if it is in memory.
    pub fn ready(&self, hash: &GraphHash) -> Option<Arc<Function>> {
        let function = self.functions.get(hash)?;
        self.counters.hits.fetch_add(1, Ordering::Relaxed);
        Some(function)
    }

    /// A function, from memory or from the store.
    pub fn function(&self, hash: &GraphHash) -> Result<Option<Arc<Function>>, String> {
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
    pub fn count(&self, outcome: &CallOutcome) {
        let counter = match outcome {
            CallOutcome::Done(_) => &self.done,
            CallOutcome::Failed { .. } => &self.failed,
            CallOutcome::Stopped(_) => &self.stopped,
            CallOutcome::Refused(_) | CallOutcome::Unknown => &self.refused,
            CallOutcome::Busy(_) => &self.busy,
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
