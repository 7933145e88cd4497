//! The node: all actors of one server, each with a machine of its own. It knows no socket.
//!
//! ```text
//!   call ──queue──> actor ──function, arguments──> machine   atomic: the state changes whole or not at all
//!                     │                               │
//!                     │<────────── result ────────────┘
//!                     ▼
//!                   vault ──many steps at once──> store ──> replies
//! ```
//!
//! Actors run in parallel, each of them one call at a time. A reply is given when the call, and every call that it may
//! have seen the effects of, is kept.

mod memory;
mod names;
mod options;
mod functions;
mod machine;
mod replies;
mod vault;
mod access;
mod shared;
mod recover;
mod release;
mod actor;
mod pool;
mod make_room;
mod idle;
mod operate;
mod check;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::Thread;

use quipu_code::hash::{CodeHash, GraphHash};

use crate::call::{Busy, Call, CallOutcome, CodeBytes, MAX_NAME, OutcomeTo, Stopped};
use crate::store::{Store, StoreError};
use actor::{Actor, Job};
use functions::Functions;
use make_room::make_room;
use memory::{Memory, OPENED};
use names::Names;
use pool::{Pool, Ready, retire};
use shared::{Counters, Kept, Shared};
use vault::Vault;

pub use check::{Checked, check};
pub use operate::{Figures, Info, Logged};
pub use options::NodeOptions;
pub use recover::RecoverError;
pub use release::{Cut, ReleaseError, Released, Standing, Way, held, release, standing};

/// Bytes of a function that is opened without asking for memory first.
const SMALL: usize = 64 << 10;

/// Bytes of states that may wait for the store when a node ends.
const STATES: usize = 64 << 20;

/// All actors of one server. Cheap to clone; when the last clone is dropped, what was taken is carried out and kept, unless
/// the node has no threads: then it ends where it stands.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    pool: Pool,
    /// Looks for actors that nobody calls.
    idle: OnceLock<Thread>,
}

/// A call that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket {
    actor: Arc<str>,
    number: u64,
}

/// Why there is no node.
#[derive(Debug)]
#[non_exhaustive]
pub enum NodeError {
    /// The store.
    Store(StoreError),
    /// The state with which actors begin is no image, or none that can be used here.
    Init(String),
    /// There is no thread to be had.
    Thread(std::io::Error),
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Store(error) => error.fmt(f),
            NodeError::Init(what) => write!(f, "the first state cannot be used: {what}"),
            NodeError::Thread(error) => write!(f, "no thread: {error}"),
        }
    }
}

impl std::error::Error for NodeError {}

opaque!(Node);

impl Node {
    /// A node with the actors of a store. They are brought back when they are first called.
    ///
    /// # Errors
    /// The state with which actors begin is none; the store cannot be read; there is no thread.
    pub fn open(options: NodeOptions, mut store: Box<dyn Store>) -> Result<Node, NodeError> {
        let first = recover::begin(&options).map_err(|error| match error {
            RecoverError::Init(what) => NodeError::Init(what),
            error => NodeError::Init(error.to_string()),
        })?;
        store.actors().map_err(NodeError::Store)?;
        let memory = Memory::new(options.memory, options.actors.max(1));
        let kept = Kept::new(&memory, store.is_durable());
        let shared = Arc::new(Shared {
            functions: Functions::new(options.cache),
            vault: Vault::new(store, options.threads > 0).map_err(NodeError::Thread)?,
            ready: Ready::new(options.threads, options.clock.clone()),
            actors: Mutex::default(),
            kept,
            memory,
            fresh: first.heap_bytes() + memory::BESIDE,
            names: Names::new(options.new_names),
            numbers: AtomicU64::new(0),
            uses: AtomicU64::new(1),
            leaving: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            counters: Counters::default(),
            options,
        });
        let pool = Pool::new(&shared).map_err(NodeError::Thread)?;
        let inner = Arc::new(Inner { shared, pool, idle: OnceLock::new() });
        if inner.shared.options.threads > 0 {
            let _ = inner.idle.set(idle::watch(&inner).map_err(NodeError::Thread)?);
        }
        Ok(Node(inner))
    }

    /// Takes a call. `reply` is told how it ended, in the order in which calls of one actor ended.
    ///
    /// # Errors
    /// There is no room; nothing was done, and `reply` is dropped.
    pub fn submit(&self, call: Call, reply: OutcomeTo) -> Result<Ticket, Busy> {
        self.take(call, reply, false)
    }

    /// As [`submit`](Self::submit); but if nothing else waits for the actor and the call is a short one, it is carried out
    /// on this thread before this returns, which saves two changes of threads. `reply` may be told before it returns.
    ///
    /// # Errors
    /// As of [`submit`](Self::submit).
    pub fn submit_now(&self, call: Call, reply: OutcomeTo) -> Result<Ticket, Busy> {
        self.take(call, reply, self.0.shared.options.quick > 0)
    }

    fn take(&self, call: Call, reply: OutcomeTo, now: bool) -> Result<Ticket, Busy> {
        let shared = &self.0.shared;
        let busy = |after_ms| {
            shared.counters.busy.fetch_add(1, Ordering::Relaxed);
            Busy { after_ms }
        };
        let ticket = Ticket { actor: call.actor.clone(), number: 0 };
        if call.args.len() > shared.options.args {
            reply(CallOutcome::Refused(format!("the arguments are longer than {} bytes", shared.options.args)));
            return Ok(ticket);
        }
        let actor = match self.actor(&call.actor) {
            Ok(actor) => actor,
            Err(why) => {
                reply(CallOutcome::Refused(why));
                return Ok(ticket);
            }
        };
        let refuse = |after_ms| {
            // One that was only named by this call is not to stay.
            retire(&actor, shared);
            Err(busy(after_ms))
        };
        if self.0.pool.is_closed() || shared.vault.failure().is_some() {
            return refuse(1000);
        }
        let size = call.args.len();
        if shared.waiting.fetch_add(size, Ordering::Relaxed) + size > shared.options.waiting {
            shared.waiting.fetch_sub(size, Ordering::Relaxed);
            return refuse(50);
        }
        let mut queue = actor.queue();
        if queue.jobs.len() >= shared.options.queue {
            shared.waiting.fetch_sub(size, Ordering::Relaxed);
            drop(queue);
            return refuse(20);
        }
        let number = shared.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        queue.jobs.push_back(Job::Call { number, call, reply });
        let is_new = !std::mem::replace(&mut queue.is_scheduled, true);
        drop(queue);
        match (is_new, now) {
            (true, true) => self.0.pool.hurry(actor),
            (true, false) => self.0.pool.schedule(actor),
            (false, _) => {}
        }
        Ok(Ticket { number, ..ticket })
    }

    /// Gives up a call. Whoever made it is told its outcome all the same: it may have been over.
    pub fn cancel(&self, ticket: &Ticket) {
        let Some(actor) = self.actors().get(&ticket.actor).cloned() else { return };
        let mut queue = actor.queue();
        let at = queue.jobs.iter().position(|job| matches!(job, Job::Call { number, .. } if *number == ticket.number));
        if let Some(Job::Call { call, reply, .. }) = at.and_then(|at| queue.jobs.remove(at)) {
            drop(queue);
            let shared = &self.0.shared;
            shared.waiting.fetch_sub(call.args.len(), Ordering::Relaxed);
            let outcome = CallOutcome::Stopped(Stopped::Cancelled);
            shared.counters.count(&outcome);
            return reply(outcome);
        }
        if queue.current == Some(ticket.number) {
            queue.is_cancelled = true;
            if let Some(interrupt) = &queue.interrupt {
                interrupt.interrupt();
            }
        }
    }

    /// Whether a code object is at hand.
    pub fn has_code(&self, code: &CodeHash) -> bool {
        self.0.shared.functions.has_code(code)
    }

    /// Takes a function: its hash, its image, thin or not, and code that has come with it. Of the code that is known it
    /// may use `codes` and nothing else. Gives those of `codes` that are neither known nor sent.
    ///
    /// # Errors
    /// The bytes are no image, or that of another function; the code is none, or other code; more is needed than `codes`.
    pub fn put_function(
        &self,
        hash: &GraphHash,
        image: &[u8],
        codes: &[CodeHash],
        sent: &HashMap<CodeHash, CodeBytes>,
    ) -> Result<Vec<CodeHash>, String> {
        let shared = &self.0.shared;
        let length = image.len() + sent.values().map(|(code, debug)| code.len() + debug.len()).sum::<usize>();
        let mut hold = shared.memory.hold();
        if length > SMALL {
            // What opening it may take at most, as far as that can be had.
            let wanted = length.saturating_mul(OPENED).min(shared.memory.limit() / 4);
            if !make_room(shared, || hold.resize(wanted)) {
                return Err("there is no memory for a function of this size now: it can be sent again".to_owned());
            }
        }
        shared.functions.put(hash, image, codes, sent)
    }

    /// Carries out what waits longest, on this thread. Whether something was there. For nodes without threads.
    pub fn turn(&self) -> bool {
        self.0.pool.turn()
    }

    /// Keeps what waits for the store, in one commit, on this thread, and gives the replies that waited for it. Whether
    /// something was there. For nodes without threads.
    pub fn write(&self) -> bool {
        self.0.shared.vault.write()
    }

    /// Why nothing can be kept any more, if that is so. A host then stops, and opens the store again.
    pub fn failure(&self) -> Option<StoreError> {
        self.0.shared.vault.failure()
    }

    /// Takes no more calls, carries out those that were taken, and waits until they are kept and told. Leaves a snapshot of
    /// every actor that is open.
    ///
    /// # Errors
    /// The store failed.
    pub fn shutdown(&self) -> Result<(), StoreError> {
        while self.0.shared.options.threads == 0 && (self.turn() || self.write()) {}
        self.0.pool.close();
        self.keep_states();
        self.0.close();
        self.failure().map_or(Ok(()), Err)
    }

    /// Takes a snapshot of every open actor that has calls behind its newest, so that nothing has to be repeated, be it on
    /// another engine.
    fn keep_states(&self) {
        let shared = &self.0.shared;
        if shared.vault.failure().is_some() {
            return;
        }
        let actors: Vec<Arc<Actor>> = self.actors().values().cloned().collect();
        let mut bytes = 0;
        for actor in actors {
            bytes += actor.keep_state(shared);
            if bytes > STATES {
                bytes = 0;
                // So that not all of them wait in memory.
                let _ = shared.vault.wait();
            }
        }
        while shared.vault.write() {}
    }

    /// Has something done in an actor, behind what waits for it.
    fn add(&self, actor: &Arc<Actor>, job: Job) {
        let mut queue = actor.queue();
        queue.jobs.push_back(job);
        let is_new = !std::mem::replace(&mut queue.is_scheduled, true);
        drop(queue);
        if is_new {
            self.0.pool.schedule(actor.clone());
        }
    }

    fn actors(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Actor>>> {
        self.0.shared.actors()
    }

    /// The actor with this name, which is made if it is not there.
    fn actor(&self, name: &Arc<str>) -> Result<Arc<Actor>, String> {
        let mut actors = self.actors();
        if let Some(actor) = actors.get(name) {
            return Ok(actor.clone());
        }
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return Err("this is no name for an actor".to_owned());
        }
        let actor = Arc::new(Actor::new(name.clone()));
        actors.insert(name.clone(), actor.clone());
        Ok(actor)
    }
}

impl Inner {
    fn close(&self) {
        self.pool.close();
        self.shared.vault.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(idle) = self.idle.get() {
            idle.unpark();
        }
        self.close();
    }
}
