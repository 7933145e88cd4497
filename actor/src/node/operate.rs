//! What operators ask for and see.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use quipu_code::hash::GraphHash;
use quipu_stdlib::EngineEdition;
use serde::Serialize;

use super::Node;
use super::actor::Job;
use crate::store::{Action, Entry, Hold, ListedActor, StoreError, Swept};

/// One actor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Info {
    /// Its name.
    pub name: String,
    /// How often it was opened.
    pub epoch: u64,
    /// Its last step.
    pub seq: u64,
    /// The steps of its snapshots, newest first.
    pub snapshots: Vec<u64>,
    /// Replies that are kept.
    pub replies: usize,
    /// Calls that wait.
    pub waiting: usize,
    /// Bytes of its heap, if it is open and does nothing right now.
    pub heap_bytes: Option<usize>,
    /// Calls since its newest snapshot, likewise.
    pub since_snapshot: Option<u64>,
    /// Why it is held, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
}

/// A line of an actor's log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Logged {
    /// The step.
    pub seq: u64,
    /// `call`, `invoke` or `install`.
    pub action: &'static str,
    /// The name that was invoked or installed.
    pub name: Option<String>,
    /// The hash of the function.
    pub function: Option<GraphHash>,
    /// Bytes of the arguments.
    pub args: usize,
    /// Who asked: the beginning of the client's hash.
    pub client: String,
    /// The client's number for it.
    pub request: u64,
    /// The hash of what it gave.
    pub outcome: GraphHash,
    /// The edition of the engine that carried it out, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineEdition>,
}

impl Logged {
    /// Step `seq` as it is shown.
    pub fn new(seq: u64, entry: &Entry) -> Logged {
        let (action, name) = match &entry.action {
            Action::Call(_) => ("call", None),
            Action::Invoke(name) => ("invoke", Some(name.clone())),
            Action::Install(name, _) => ("install", Some(name.clone())),
        };
        Logged {
            seq,
            action,
            name,
            function: entry.action.function().copied(),
            args: entry.args.len(),
            client: format!("{:.16}", entry.client),
            request: entry.request,
            outcome: entry.outcome,
            engine: entry.engine,
        }
    }
}

/// What a node has done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct Figures {
    pub actors: u64,
    pub done: u64,
    pub failed: u64,
    pub stopped: u64,
    pub refused: u64,
    /// Requests that came again.
    pub repeated: u64,
    /// Calls that were made again in recovery.
    pub replayed: u64,
    pub snapshots: u64,
    /// Calls that broke a machine.
    pub panics: u64,
    /// Functions that were found in memory, in the store, and not at all.
    pub hits: u64,
    pub loads: u64,
    pub unknown: u64,
    /// Calls for which there was no room.
    pub busy: u64,
    /// Time in which calls ran.
    pub nanoseconds: u64,
    /// Commits of the store, and calls in them.
    pub commits: u64,
    pub steps: u64,
    pub waiting_bytes: u64,
    /// Names that are known now: actors that are open or have something to do.
    pub named: u64,
    /// Actors that were put away for others.
    pub displaced: u64,
    /// Bytes that actors and calls under way take, the most so far, and how many may be.
    pub memory_bytes: u64,
    pub memory_peak: u64,
    pub memory_limit: u64,
    /// Threads that carry calls out, and those of them that hold a core.
    pub threads: u64,
    pub holding: u64,
    /// Calls since the newest snapshots of the actors that are open, and bytes of their arguments.
    pub log_calls: u64,
    pub log_bytes: u64,
    /// Functions and code that are kept ready.
    pub cache_bytes: u64,
    pub store_bytes: u64,
    /// Actors that are held.
    pub held: u64,
}

impl Node {
    /// All actors of the store.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list(&self) -> Result<Vec<ListedActor>, StoreError> {
        self.0.shared.vault.with(|store| store.actors())
    }

    /// One actor; none if there is none with this name.
    ///
    /// # Errors
    /// Those of the store.
    pub fn info(&self, actor: &str) -> Result<Option<Info>, StoreError> {
        let found = self.0.shared.vault.with(|store| {
            let Some(listed) = store.actors()?.into_iter().find(|listed| listed.name == actor) else { return Ok(None) };
            Ok(Some((listed, store.snapshots(actor)?, store.replies(actor)?.len(), store.held(actor)?)))
        })?;
        let Some((listed, snapshots, replies, held)) = found else { return Ok(None) };
        let open = self.actors().get(actor).cloned();
        let waiting = open.as_ref().map_or(0, |actor| actor.queue().jobs.len());
        let core = open.as_ref().and_then(|actor| actor.core.try_lock().ok());
        let figures = core.as_ref().and_then(|core| Some(core.as_ref()?.figures()));
        Ok(Some(Info {
            name: listed.name,
            epoch: listed.epoch,
            seq: listed.seq,
            snapshots: snapshots.iter().map(|&(seq, _)| seq).collect(),
            replies,
            waiting,
            heap_bytes: figures.map(|(bytes, _)| bytes),
            since_snapshot: figures.map(|(_, since)| since),
            held,
        }))
    }

    /// At most `count` of the last calls of an actor that are still in the log, in order.
    ///
    /// # Errors
    /// Those of the store.
    pub fn log(&self, actor: &str, count: usize) -> Result<Vec<Logged>, StoreError> {
        let entries = self.0.shared.vault.with(|store| {
            let last = store.actors()?.into_iter().find(|listed| listed.name == actor).map_or(0, |listed| listed.seq);
            store.log(actor, last.saturating_sub(count as u64), count)
        })?;
        Ok(entries.iter().map(|(seq, entry)| Logged::new(*seq, entry)).collect())
    }

    /// Takes a snapshot of an actor, behind the calls that wait for it. Told is the step that it holds.
    pub fn snapshot(&self, actor: &str, reply: Box<dyn FnOnce(Result<u64, String>) + Send>) {
        let is_known = self.list().is_ok_and(|list| list.iter().any(|listed| listed.name == actor));
        if !is_known || self.0.pool.is_closed() {
            return reply(Err(format!("there is no actor {actor:?}")));
        }
        let actor = match self.actor(&Arc::from(actor)) {
            Ok(actor) => actor,
            Err(why) => return reply(Err(why)),
        };
        self.add(&actor, Job::Snapshot(reply));
    }

    /// Removes the functions, code and states that nothing in the store needs, or only counts them.
    ///
    /// # Errors
    /// Those of the store.
    pub fn gc(&self, dry_run: bool) -> Result<Swept, StoreError> {
        self.0.shared.vault.sweep(dry_run)
    }

    /// What it has done so far.
    pub fn figures(&self) -> Figures {
        let shared = &self.0.shared;
        let counters = &shared.counters;
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let (commits, steps) = shared.vault.counts();
        let (memory_bytes, memory_peak) = shared.memory.held();
        let (threads, holding) = shared.ready.threads();
        Figures {
            actors: shared.memory.open() as u64,
            named: self.actors().len() as u64,
            displaced: get(&counters.displaced),
            memory_bytes: memory_bytes as u64,
            memory_peak: memory_peak as u64,
            memory_limit: shared.memory.limit() as u64,
            done: get(&counters.done),
            failed: get(&counters.failed),
            stopped: get(&counters.stopped),
            refused: get(&counters.refused),
            repeated: get(&counters.repeated),
            replayed: get(&counters.replayed),
            snapshots: get(&counters.snapshots),
            panics: get(&counters.panics),
            hits: get(&counters.hits),
            loads: get(&counters.loads),
            unknown: get(&counters.unknown),
            busy: get(&counters.busy),
            nanoseconds: get(&counters.nanoseconds),
            commits,
            steps,
            waiting_bytes: shared.waiting.load(Ordering::Relaxed) as u64,
            threads: threads as u64,
            holding: holding as u64,
            log_calls: get(&counters.log_calls),
            log_bytes: get(&counters.log_bytes),
            cache_bytes: shared.functions.bytes() as u64,
            store_bytes: shared.vault.with(|store| store.size()).unwrap_or(0),
            held: shared.vault.with(|store| store.holds()).unwrap_or(0),
        }
    }
}
