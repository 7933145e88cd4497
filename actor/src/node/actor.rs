//! One actor: who waits for it, and what becomes of each call.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quipu_stdlib::engine_edition;
use quipu_vm::image::Form;
use quipu_vm::{Image, Interrupt};

use super::machine::{Bounds, Doing, Ended, Given, Machine};
use super::make_room::make_room;
use super::memory::{BESIDE, Hold, OPENED, Place};
use super::recover::{RecoverError, begin, not_held, recover_or_hold};
use super::replies::{Replies, Request};
use super::shared::{Log, Shared};
use crate::call::{Busy, Call, CallOrigin, CallOutcome, NoRoom, OutcomeTo, Stopped, Target};
use crate::identity::Key;
use crate::store::{Action, BlobId, Change, CommitStep, Entry, Snapshot, StoreError, StoredBlob};

/// Bytes of log entries after which a snapshot is taken, unless the state is larger.
const LOGGED: usize = 16 << 20;

/// When a client may ask again whose outcomes have no room, and one for whose actor there is no memory.
const ROOM_MS: u64 = 50;
const MEMORY_MS: u64 = 100;

/// What clients are told when a server without a file has no memory left for what it keeps.
const KEPT: &str = "the memory is full of what this server keeps: it needs more, or a file to keep it in";

/// An actor of a node.
pub(super) struct Actor {
    pub name: Arc<str>,
    pub queue: Mutex<Queue>,
    /// Only the thread that carries out its calls locks it for long. None before the first call, and after a call that
    /// broke the machine.
    pub core: Mutex<Option<Core>>,
    /// Whether there is a machine, so that nobody has to lock it to know.
    pub is_open: AtomicBool,
}

/// Who waits for an actor.
#[derive(Default)]
pub(super) struct Queue {
    pub jobs: VecDeque<Job>,
    /// A thread has it, or will.
    pub is_scheduled: bool,
    /// The call that was taken out of the queue and is not over.
    pub current: Option<u64>,
    /// What stops the machine, while it runs that call.
    pub interrupt: Option<Interrupt>,
    /// The call under way is to stop.
    pub is_cancelled: bool,
    /// When it last did something: the time, and what the node counts.
    pub used: Option<(Duration, u64)>,
}

/// Something to do in an actor.
pub(super) enum Job {
    /// A call.
    Call { number: u64, call: Call, reply: OutcomeTo },
    /// A snapshot; told is the step that it holds.
    Snapshot(Box<dyn FnOnce(Result<u64, String>) + Send>),
    /// A snapshot that is due.
    Due,
    /// To be put away, unless there is something else to do by now.
    Rest,
}

/// How far a call is carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// To its end, whatever that takes.
    Whole,
    /// To its end if that is near; else it is as if it had not begun.
    Quick,
}

/// What has become of a call.
enum Carried {
    /// It has given a result, which is to be kept.
    Done { action: Action, given: Given, blobs: Arc<[StoredBlob]> },
    /// It has ended in a way that may rest on calls which are not on disk yet.
    Ended(CallOutcome),
    /// It was not begun.
    Refused(CallOutcome),
    /// Nobody knows.
    Lost,
    /// It is not a quick one, and has left no trace.
    Long,
}

/// The longest arguments of a quick call.
const QUICK_ARGS: usize = 4096;

/// The longest result of a quick call: nobody waits for the disk on the thread that brings it.
const QUICK_RESULT: usize = 32 << 10;

/// How long a quick call may take where threads wait that have time for the others.
const QUICK_TIME: Duration = Duration::from_millis(5);

/// An actor's machine, and where it stands.
pub(super) struct Core {
    machine: Machine,
    epoch: u64,
    seq: u64,
    replies: Replies,
    /// Calls and bytes of the log since the newest snapshot.
    since: u64,
    since_bytes: usize,
    /// The memory that it takes.
    hold: Hold,
    _place: Place,
    /// Steps of the snapshots, oldest first.
    snapshots: Vec<u64>,
    state_bytes: usize,
    /// What was counted of the log behind the newest snapshot.
    log: Log,
}

impl Actor {
    pub fn new(name: Arc<str>) -> Actor {
        Actor { name, queue: Mutex::default(), core: Mutex::new(None), is_open: AtomicBool::new(false) }
    }

    pub fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what waits longest. Whether something was there.
    pub fn turn(&self, shared: &Arc<Shared>) -> bool {
        let Some(job) = self.queue().next(shared) else { return false };
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        match job {
            Job::Call { call, reply, .. } => {
                shared.waiting.fetch_sub(call.args.len(), Ordering::Relaxed);
                // One that is carried out to its end is not given back.
                let _ = self.call(&mut core, shared, call, reply, Pace::Whole);
                self.queue().end();
            }
            Job::Due => {
                if let Some(core) = &mut *core {
                    core.snapshot_if_due(shared, &self.name);
                }
            }
            Job::Snapshot(reply) => match self.open(&mut core, shared, &CallOrigin::default()) {
                Ok(core) => match core.snapshot(shared, &self.name) {
                    Ok(()) => {
                        let seq = core.seq;
                        shared.vault.after(Box::new(move || reply(Ok(seq))));
                    }
                    Err(why) => reply(Err(why)),
                },
                Err(outcome) => reply(Err(outcome.summary())),
            },
            Job::Rest => self.rest(&mut core, shared, false),
        }
        true
    }

    /// Carries out the call that waits longest, if it is a short one; else it goes on waiting.
    pub fn try_turn(&self, shared: &Arc<Shared>) {
        let Some(job) = self.queue().next(shared) else { return };
        let Job::Call { number, call, reply } = job else { return self.queue().jobs.push_front(job) };
        let size = call.args.len();
        let open = match self.core.try_lock() {
            Ok(mut core) if core.is_some() && size <= QUICK_ARGS => {
                self.call(&mut core, shared, call, reply, Pace::Quick)
            }
            _ => Some((call, reply)),
        };
        let mut queue = self.queue();
        queue.end();
        match open {
            Some((call, reply)) => queue.jobs.push_front(Job::Call { number, call, reply }),
            None => drop(shared.waiting.fetch_sub(size, Ordering::Relaxed)),
        }
    }

    /// Puts the machine away, behind a snapshot of what is not in one yet. If it must go, it does without: then its calls are
    /// repeated when it is opened again.
    fn rest(&self, core: &mut Option<Core>, shared: &Arc<Shared>, must: bool) {
        let Some(there) = core else { return };
        if !self.queue().jobs.is_empty() && !must {
            return;
        }
        if there.since > 0
            && let Err(why) = there.snapshot(shared, &self.name)
        {
            tracing::warn!(actor = &*self.name, why, "no snapshot");
            if !must {
                return;
            }
        }
        tracing::info!(actor = &*self.name, "put away");
        self.close(core, shared);
    }

    /// Puts the machine away for others that need its memory. The caller has scheduled this actor for itself.
    pub fn yield_to_others(&self, shared: &Arc<Shared>) {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        self.rest(&mut core, shared, true);
    }

    /// Whether it has done nothing since then, and does nothing.
    pub fn is_idle_since(&self, time: Duration) -> bool {
        let queue = self.queue();
        queue.jobs.is_empty() && !queue.is_scheduled && queue.used.is_none_or(|(used, _)| used <= time)
    }

    /// Since when an open actor has nothing to do, by what the node counts.
    pub fn idle_since(&self) -> Option<u64> {
        if !self.is_open.load(Ordering::Relaxed) {
            return None;
        }
        let queue = self.queue();
        (queue.jobs.is_empty() && !queue.is_scheduled).then(|| queue.used.map_or(0, |(_, count)| count))
    }

    /// Whether its machine is put away.
    pub fn is_away(&self) -> bool {
        self.core.try_lock().is_ok_and(|core| core.is_none())
    }

    /// Carries a call out and tells how it ended; gives it back if it is not a quick one and should be.
    fn call(
        &self,
        core: &mut Option<Core>,
        shared: &Arc<Shared>,
        call: Call,
        reply: OutcomeTo,
        pace: Pace,
    ) -> Option<(Call, OutcomeTo)> {
        let carried = self.carry_out(core, shared, &call, pace);
        if let Some(core) = core {
            core.settle();
        }
        match carried {
            Carried::Done { action, given, blobs } => {
                let Some(core) = core else { return None };
                let Call { args, client, request, origin, .. } = call;
                let engine = Some(engine_edition());
                let entry = Entry { action, args, client, request, outcome: given.hash, engine };
                shared.keeps(entry.args.len() + given.bytes.len());
                core.keep(shared, &self.name, entry, given, blobs, (reply, origin));
                core.settle();
                match pace {
                    Pace::Whole => core.snapshot_if_due(shared, &self.name),
                    Pace::Quick if core.is_due(shared) => self.queue().jobs.push_back(Job::Due),
                    Pace::Quick => {}
                }
            }
            Carried::Ended(outcome) => shared.vault.after(Box::new(move || {
                reply(outcome);
                drop(call);
            })),
            Carried::Refused(outcome) => reply(outcome),
            Carried::Lost => {}
            Carried::Long => return Some((call, reply)),
        }
        None
    }

    fn carry_out(&self, core: &mut Option<Core>, shared: &Arc<Shared>, call: &Call, pace: Pace) -> Carried {
        let room = call.origin.room.as_deref();
        if room.is_some_and(|room| room.is_full()) {
            return Carried::busy(shared, pace, ROOM_MS);
        }
        if shared.kept.is_full() {
            return Carried::refused(shared, CallOutcome::Refused(KEPT.to_owned()));
        }
        let function = match &call.target {
            Target::Installed(_) => None,
            // Reading them from the store takes its time.
            Target::Function(hash) | Target::Install(_, hash) if pace == Pace::Quick => match shared.ready(hash) {
                Some(function) => Some(function),
                None => return Carried::Long,
            },
            Target::Function(hash) | Target::Install(_, hash) => match shared.function(hash) {
                Ok(Some(function)) => Some(function),
                Ok(None) => return Carried::Refused(CallOutcome::Unknown),
                Err(why) => return Carried::refused(shared, CallOutcome::Refused(why)),
            },
        };
        let core_now = match self.open(core, shared, &call.origin) {
            Ok(core) => core,
            Err(CallOutcome::Busy(busy)) => return Carried::busy(shared, pace, busy.after_ms),
            Err(outcome) => return Carried::refused(shared, outcome),
        };
        let repeated = match core_now.replies.find(&call.client, call.request) {
            Request::New => None,
            Request::Replied(bytes) => match room.map_or(Ok(()), |room| room.take(bytes.len())) {
                Ok(()) => Some(CallOutcome::Done(bytes.to_vec())),
                Err(NoRoom::Now) => return Carried::busy(shared, pace, ROOM_MS),
                Err(NoRoom::Ever) => Some(CallOutcome::Stopped(Stopped::Result)),
            },
            Request::Carried => Some(CallOutcome::Refused(format!(
                "request {} was carried out, but its reply is no longer kept",
                call.request
            ))),
            Request::Old => {
                Some(CallOutcome::Refused(format!("request {} is older than what is remembered", call.request)))
            }
        };
        if let Some(outcome) = repeated {
            shared.counters.repeated.fetch_add(1, Ordering::Relaxed);
            return Carried::Ended(outcome);
        }
        // What opening an image may take at most, as far as that can be had.
        let beside = match call.args.len() {
            0..=QUICK_ARGS => 0,
            length => length.saturating_mul(OPENED).min(shared.memory.limit() / 4),
        };
        if beside > 0 {
            let wanted = core_now.weight() + beside;
            if !make_room(shared, || core_now.hold.resize(wanted)) {
                return match core_now.no_memory(shared) {
                    CallOutcome::Busy(busy) => Carried::busy(shared, pace, busy.after_ms),
                    outcome => Carried::refused(shared, outcome),
                };
            }
        }
        let args = match Image::parse(&call.args, &()) {
            Ok(args) => args,
            Err(error) => {
                return Carried::Refused(CallOutcome::Refused(format!("the arguments are no image: {error}")));
            }
        };
        let action = match &call.target {
            Target::Function(hash) => Action::Call(*hash),
            Target::Installed(name) => Action::Invoke(name.clone()),
            Target::Install(name, hash) => Action::Install(name.clone(), *hash),
        };
        let ended = {
            let doing = match (&action, &function) {
                (Action::Call(_), Some(function)) => Doing::Call(&function.image),
                (Action::Install(name, _), Some(function)) => Doing::Install(name, &function.image),
                (Action::Invoke(name), _) => Doing::Invoke(name),
                (_, None) => return Carried::Refused(CallOutcome::Unknown),
            };
            // The machine is given up if this panics, so nobody sees it half changed.
            let run = std::panic::AssertUnwindSafe(|| self.perform(core_now, shared, call, doing, &args, beside, pace));
            std::panic::catch_unwind(run)
        };
        let outcome = match ended {
            Ok(Ok(given)) => {
                let blobs = function.map_or_else(|| Arc::from([]), |function| function.blobs.clone());
                return Carried::Done { action, given, blobs };
            }
            // Whatever was in its way, it has left no trace, and telling of it may take longer than the call itself.
            Ok(Err(outcome)) if pace == Pace::Quick && outcome != CallOutcome::Stopped(Stopped::Cancelled) => {
                return Carried::Long;
            }
            Ok(Err(CallOutcome::Busy(busy))) => return Carried::busy(shared, pace, busy.after_ms),
            Ok(Err(outcome)) => outcome,
            Err(_) => {
                self.close(core, shared);
                tracing::error!(actor = &*self.name, "a call broke the machine");
                shared.counters.panics.fetch_add(1, Ordering::Relaxed);
                CallOutcome::Refused("the call broke the machine, and has left no trace".to_owned())
            }
        };
        shared.counters.count(&outcome);
        tracing::debug!(actor = &*self.name, outcome = outcome.summary(), "call");
        Carried::Ended(outcome)
    }

    /// Runs a call, under the limits of the node, unless it was cancelled.
    ///
    /// While others need the memory it gets a little more than it has. If that is not enough, it is undone and begins anew
    /// with four times as much, up to what one actor may have.
    #[allow(clippy::too_many_arguments)]
    fn perform(
        &self,
        core: &mut Core,
        shared: &Arc<Shared>,
        call: &Call,
        doing: Doing<'_>,
        args: &Image,
        beside: usize,
        pace: Pace,
    ) -> Result<Given, CallOutcome> {
        {
            let mut queue = self.queue();
            if queue.is_cancelled {
                return Err(CallOutcome::Stopped(Stopped::Cancelled));
            }
            queue.interrupt = Some(core.machine.interrupt_handle());
        }
        let (options, memory) = (&shared.options, &shared.memory);
        let began = options.clock.now();
        let base = core.machine.heap_bytes();
        // Beside the heap there are the replies and the image of the arguments. What is made of a result fits in the heap.
        let rest = (core.weight() - base).saturating_add(beside);
        let mut bounds = Bounds {
            fuel: Some(match pace {
                Pace::Whole => options.fuel,
                Pace::Quick => options.quick.min(options.fuel),
            }),
            heap: options.heap,
            deadline: Some(options.clock.deadline(match pace {
                Pace::Quick if options.threads > 0 => QUICK_TIME.min(options.time),
                _ => options.time,
            })),
            result: match pace {
                Pace::Whole => options.result,
                Pace::Quick => options.result.min(QUICK_RESULT),
            },
        };
        if !memory.is_ample(options.heap.saturating_add(rest).saturating_sub(core.hold.bytes())) {
            bounds.heap = options.heap.min(base.saturating_add(memory.step()));
        }
        let mut has_room = match pace {
            Pace::Whole => make_room(shared, || core.hold.resize(bounds.heap.saturating_add(rest))),
            Pace::Quick => core.hold.resize(bounds.heap.saturating_add(rest)),
        };
        let outcome = loop {
            if !has_room {
                break Err(core.no_memory(shared));
            }
            core.machine.make_room(call.origin.room.clone());
            match core.machine.perform(doing, args, &bounds) {
                Ok(given) => break Ok(given),
                Err(Ended::With(CallOutcome::Stopped(Stopped::Heap)))
                    if bounds.heap < options.heap && pace == Pace::Whole =>
                {
                    let more = bounds.heap.saturating_sub(base).max(1);
                    let wanted = options.heap.min(base.saturating_add(more.saturating_mul(4)));
                    let had = bounds.heap;
                    bounds.heap = wanted;
                    has_room = make_room(shared, || core.hold.resize(wanted.saturating_add(rest)));
                    if !has_room {
                        // All that there is, if that is worth another try.
                        bounds.heap = memory.left().saturating_add(core.hold.bytes()).saturating_sub(rest);
                        has_room = bounds.heap >= had.saturating_add(more / 4)
                            && core.hold.resize(bounds.heap.saturating_add(rest));
                    }
                }
                Err(Ended::With(outcome)) => break Err(outcome),
                Err(Ended::Interrupted) if self.queue().is_cancelled => {
                    break Err(CallOutcome::Stopped(Stopped::Cancelled));
                }
                // Meant for a call that was over before it was noticed.
                Err(Ended::Interrupted) => {}
            }
        };
        self.queue().interrupt = None;
        shared.counters.took(options.clock.since(began));
        outcome
    }

    /// Forgets the actor's machine; it is brought back when it is needed.
    pub fn close(&self, core: &mut Option<Core>, shared: &Shared) {
        if let Some(closed) = core.take() {
            self.is_open.store(false, Ordering::Relaxed);
            shared.counters.unlogged(closed.log);
        }
    }

    /// The actor's machine; brought back from the store if it is not there.
    fn open<'c>(
        &self,
        core: &'c mut Option<Core>,
        shared: &Arc<Shared>,
        origin: &CallOrigin,
    ) -> Result<&'c mut Core, CallOutcome> {
        let opened = match core.take() {
            Some(there) => there,
            // What was committed has to be in the store before it is read.
            None => {
                let refused = |error: RecoverError| CallOutcome::Refused(error.refusal(&self.name));
                shared.vault.wait().map_err(|error| CallOutcome::Refused(error.to_string()))?;
                not_held(&shared.vault, &self.name).map_err(refused)?;
                let (hold, place) = Core::make_room(shared, &self.name, origin)?;
                let mut opened = Core::open(shared, &self.name, hold, place).map_err(refused)?;
                opened.settle();
                if !make_room(shared, || !shared.memory.is_over()) {
                    shared.counters.unlogged(opened.log);
                    return Err(match opened.weight() > shared.memory.limit() {
                        true => {
                            CallOutcome::Refused(format!("it takes {} bytes, and there are fewer", opened.weight()))
                        }
                        false => CallOutcome::Busy(Busy { after_ms: MEMORY_MS }),
                    });
                }
                self.is_open.store(true, Ordering::Relaxed);
                opened
            }
        };
        Ok(core.insert(opened))
    }

    /// Takes a snapshot if there are calls behind the newest, when nothing is carried out any more. Gives its bytes.
    pub fn keep_state(&self, shared: &Shared) -> usize {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(core) = core.as_mut().filter(|core| core.snapshots.last() != Some(&core.seq)) else { return 0 };
        match core.snapshot(shared, &self.name) {
            Ok(()) => core.state_bytes,
            Err(why) => {
                tracing::warn!(actor = &*self.name, why, "no snapshot");
                0
            }
        }
    }
}

impl Carried {
    /// The call was not carried out, or nobody knows: if the store has failed, it may be one that comes again.
    fn refused(shared: &Shared, outcome: CallOutcome) -> Carried {
        match shared.vault.failure() {
            None => Carried::Refused(outcome),
            Some(_) => Carried::Lost,
        }
    }

    /// There is no room. One that should be quick waits for its turn.
    fn busy(shared: &Shared, pace: Pace, after_ms: u64) -> Carried {
        if pace == Pace::Quick {
            return Carried::Long;
        }
        let outcome = CallOutcome::Busy(Busy { after_ms });
        shared.counters.count(&outcome);
        Carried::refused(shared, outcome)
    }
}

impl Queue {
    /// The key of the client that waits longest.
    pub fn next_key(&self) -> Option<Key> {
        match self.jobs.front()? {
            Job::Call { call, .. } => call.origin.key,
            _ => None,
        }
    }

    /// Takes out what waits longest.
    fn next(&mut self, shared: &Shared) -> Option<Job> {
        let job = self.jobs.pop_front()?;
        if let Job::Call { number, .. } = &job {
            (self.current, self.is_cancelled) = (Some(*number), false);
        }
        self.used = Some((shared.options.clock.now(), shared.uses.fetch_add(1, Ordering::Relaxed)));
        Some(job)
    }

    /// The call that was taken out is over.
    fn end(&mut self) {
        (self.current, self.interrupt) = (None, None);
    }
}

impl Core {
    /// Makes room for an actor that is to be opened, or made if its client may name new ones.
    fn make_room(shared: &Arc<Shared>, name: &Arc<str>, origin: &CallOrigin) -> Result<(Hold, Place), CallOutcome> {
        let (options, memory) = (&shared.options, &shared.memory);
        let refused = |error: StoreError| CallOutcome::Refused(error.to_string());
        let newest = shared.vault.with(|store| Ok(store.snapshots(name)?.first().copied())).map_err(refused)?;
        let expected = match newest {
            None => {
                shared.names.ask(origin.key, options.clock.now(), false).map_err(CallOutcome::Refused)?;
                shared.fresh
            }
            // It was within these limits before.
            Some(_) if memory.is_ample(options.heap) => options.heap,
            Some((_, hash)) => {
                let length =
                    shared.vault.with(|store| Ok(store.blob(BlobId::State(hash))?.map_or(0, |bytes| bytes.len())));
                let whole = length.map_err(refused)?.saturating_mul(OPENED / 2).saturating_add(BESIDE + memory.step());
                whole.min(memory.limit() / 2)
            }
        };
        let (mut hold, mut place) = (memory.hold(), None);
        let has_room = make_room(shared, || hold.resize(expected)) && {
            make_room(shared, || {
                place = memory.place();
                place.is_some()
            })
        };
        let place = place.filter(|_| has_room).ok_or(CallOutcome::Busy(Busy { after_ms: MEMORY_MS }))?;
        if newest.is_none() {
            shared.names.ask(origin.key, options.clock.now(), true).map_err(CallOutcome::Refused)?;
        }
        Ok((hold, place))
    }

    fn open(shared: &Shared, name: &Arc<str>, hold: Hold, place: Place) -> Result<Core, RecoverError> {
        let options = &shared.options;
        let mut replies = Replies::new(options);
        let began = options.clock.now();
        let claim = shared.vault.with(|store| store.claim(name))?;
        if claim.seq == 0 && shared.vault.with(|store| store.snapshots(name))?.is_empty() {
            let machine = begin(options)?;
            let (epoch, seq) = (claim.epoch, 0);
            let (since, since_bytes, snapshots, state_bytes) = (0, 0, Vec::new(), 0);
            let log = Log::default();
            let _place = place;
            let mut core =
                Core { machine, epoch, seq, replies, since, since_bytes, hold, _place, snapshots, state_bytes, log };
            core.snapshot(shared, name).map_err(RecoverError::Init)?;
            tracing::info!(actor = &**name, "made");
            return Ok(core);
        }
        replies.restore(shared.vault.with(|store| store.replies(name))?);
        let recovered = recover_or_hold(&shared.vault, &shared.functions, name, claim)?;
        shared.counters.replayed.fetch_add(recovered.replayed, Ordering::Relaxed);
        tracing::info!(actor = &**name, seq = claim.seq, replayed = recovered.replayed, took = ?options.clock.since(began), "recovered");
        let log = Log { calls: recovered.replayed, bytes: 0 };
        shared.counters.logged(log);
        Ok(Core {
            machine: recovered.machine,
            epoch: claim.epoch,
            seq: claim.seq,
            replies,
            since: recovered.replayed,
            since_bytes: 0,
            hold,
            _place: place,
            snapshots: recovered.snapshots,
            state_bytes: recovered.state_bytes,
            log,
        })
    }

    /// Keeps a call that has ended well, and tells the client when it is kept.
    fn keep(
        &mut self,
        shared: &Shared,
        name: &Arc<str>,
        entry: Entry,
        given: Given,
        blobs: Arc<[StoredBlob]>,
        (reply, origin): (OutcomeTo, CallOrigin),
    ) {
        self.seq += 1;
        self.since += 1;
        self.since_bytes += entry.args.len();
        let log = Log { calls: 1, bytes: entry.args.len() as u64 };
        shared.counters.logged(log);
        (self.log.calls, self.log.bytes) = (self.log.calls + log.calls, self.log.bytes + log.bytes);
        tracing::debug!(actor = &**name, seq = self.seq, outcome = "done", "call");
        let bytes: Arc<[u8]> = given.bytes.into();
        let forgotten = self.replies.add(entry.client, entry.request, self.seq, bytes.clone());
        let (actor, epoch, seq) = (name.clone(), self.epoch, self.seq);
        let step = CommitStep { actor, epoch, seq, entry, reply: bytes.clone(), forgotten, blobs };
        shared.counters.done.fetch_add(1, Ordering::Relaxed);
        shared.vault.commit(
            Change::Step(step),
            Box::new(move || {
                reply(CallOutcome::Done(bytes.to_vec()));
                // Until here it was kept in memory for the store.
                drop(origin);
            }),
        );
    }

    /// Bytes that it takes.
    fn weight(&self) -> usize {
        self.machine.heap_bytes() + self.replies.weight() + BESIDE
    }

    /// What is told when there is no memory for a call: to come again, unless it was alone with all of it.
    fn no_memory(&self, shared: &Shared) -> CallOutcome {
        let held = shared.memory.held().0.saturating_sub(shared.kept.bytes());
        match held.saturating_sub(self.hold.bytes()) < shared.memory.limit() / 8 {
            true => CallOutcome::Stopped(Stopped::Heap),
            false => CallOutcome::Busy(Busy { after_ms: MEMORY_MS }),
        }
    }

    /// Holds what it takes, and no more.
    fn settle(&mut self) {
        let weight = self.weight();
        self.hold.settle(weight);
    }

    /// Whether so much is logged that a snapshot pays.
    fn is_due(&self, shared: &Shared) -> bool {
        self.since >= shared.options.snapshot.max(self.state_bytes as u64 / 64)
            || self.since_bytes >= LOGGED.max(self.state_bytes)
    }

    fn snapshot_if_due(&mut self, shared: &Shared, name: &Arc<str>) {
        if self.is_due(shared)
            && let Err(why) = self.snapshot(shared, name)
        {
            // The log stays whole, so nothing is lost; the next try comes after as many calls again.
            tracing::warn!(actor = &**name, why, "no snapshot");
            (self.since, self.since_bytes) = (0, 0);
        }
    }

    /// Takes a snapshot. The one before stays, and the calls since then, in case this one cannot be read.
    fn snapshot(&mut self, shared: &Shared, name: &Arc<str>) -> Result<(), String> {
        // An image, its bytes, and the image of these.
        let wanted = self.weight().saturating_add(self.machine.heap_bytes().saturating_mul(3));
        let _beyond = (!self.hold.resize(wanted)).then(|| shared.memory.beyond());
        let outcome = self.take_snapshot(shared, name);
        self.settle();
        outcome
    }

    fn take_snapshot(&mut self, shared: &Shared, name: &Arc<str>) -> Result<(), String> {
        let image = self.machine.image().map_err(|failure| failure.to_string())?;
        let bytes = image.dump(Form::default());
        // What cannot be read now could not be later, when the one before this and the calls since then are gone.
        let opened = Image::parse(&bytes, &()).map_err(|error| format!("it cannot be read again: {error}"))?;
        if opened.hash() != image.hash() {
            return Err("it is another state when it is read again".to_owned());
        }
        self.state_bytes = bytes.len();
        shared.keeps(bytes.len());
        let from = self.snapshots.last().copied().unwrap_or(0);
        self.snapshots.retain(|&at| at >= from && at != self.seq);
        self.snapshots.push(self.seq);
        (self.since, self.since_bytes) = (0, 0);
        shared.counters.unlogged(std::mem::take(&mut self.log));
        tracing::info!(actor = &**name, seq = self.seq, bytes = self.state_bytes, "snapshot");
        shared.counters.snapshots.fetch_add(1, Ordering::Relaxed);
        let hash = image.hash();
        // Until it is in the store.
        let mut hold = shared.memory.hold();
        hold.settle(bytes.len());
        let (actor, epoch, seq) = (name.clone(), self.epoch, self.seq);
        let from = from.min(seq);
        let snapshot = Snapshot { actor, epoch, seq, hash, bytes, from };
        shared.vault.commit(Change::Snapshot(snapshot), Box::new(move || drop(hold)));
        Ok(())
    }

    /// Bytes of the heap and calls since the newest snapshot.
    pub fn figures(&self) -> (usize, u64) {
        (self.machine.heap_bytes(), self.since)
    }
}
