//! The threads that carry calls out: each takes an actor that has something to do, and does some of it.
//!
//! ```text
//!   ready ──actor──> thread that holds a core ──a call ends──> ready, if more waits for the actor
//!                        │ a call has run for a while
//!                        ▼
//!                    thread that holds none        another one takes the next actor in its place
//! ```
//!
//! As many threads hold a core as the options say. A long call does not, so that short ones never wait for a few long ones;
//! the system shares the cores among all of them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use super::actor::Actor;
use super::shared::Shared;
use crate::clock::ServerClock;
use crate::identity::Key;

/// Calls of one actor before another one gets a turn.
const TURNS: usize = 32;

/// How long a call holds a core.
const HELD: Duration = Duration::from_millis(50);

/// The most threads, with those whose calls are long.
const MOST: usize = 64;

/// The most threads on which long calls of one key are under way, so that there are some left for others. Clients without
/// keys are not told apart.
const OF_A_KEY: usize = 48;

/// After how much time without work a thread ends, if there are more than hold cores.
const SPARE: Duration = Duration::from_secs(10);

/// Bytes of a thread's stack. Depth of values and calls does not use it, nesting of code does.
const STACK: usize = 8 << 20;

/// Actors that have something to do, and the threads that see to them.
pub(super) struct Ready {
    list: Mutex<List>,
    /// There is an actor, and a core to be held.
    some: Condvar,
    /// Takes cores from calls that hold them for too long.
    watcher: OnceLock<Thread>,
    /// How many threads may hold a core.
    cores: usize,
    /// The time of seats.
    clock: ServerClock,
}

#[derive(Default)]
struct List {
    actors: VecDeque<Arc<Actor>>,
    /// The threads that there are, by number, and what ends with each of them.
    seats: HashMap<usize, Arc<Seat>>,
    threads: HashMap<usize, JoinHandle<()>>,
    /// Threads that wait.
    idle: usize,
    /// The number of the next thread.
    next: usize,
    /// Threads whose calls are long, by the key of these.
    long: HashMap<Key, usize>,
    /// The watcher waits for a thread to hold a core.
    is_watcher_asleep: bool,
    is_closed: bool,
    /// All threads have ended, or are about to.
    is_over: bool,
}

/// A thread, as others see it.
#[derive(Default)]
struct Seat {
    /// When its call began, in nanoseconds.
    began: AtomicU64,
    /// It holds a core. Changed with the list locked.
    holds: AtomicBool,
    /// Whose call it began with, and whether that counts as a long one.
    key: Mutex<(Option<Key>, bool)>,
}

/// The threads of a node.
pub(super) struct Pool {
    shared: Arc<Shared>,
    watcher: Mutex<Option<JoinHandle<()>>>,
}

impl Ready {
    /// Nothing to do yet, for so many threads.
    pub fn new(cores: usize, clock: ServerClock) -> Ready {
        let (list, some, watcher) = Default::default();
        Ready { list, some, watcher, cores, clock }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next actor, if one waits.
    fn try_pop(&self) -> Option<Arc<Actor>> {
        self.list().actors.pop_front()
    }

    /// Nanoseconds that count in seats.
    fn now(&self) -> u64 {
        u64::try_from(self.clock.now().as_nanos()).unwrap_or(u64::MAX)
    }

    /// How many threads there are, and how many of them hold a core.
    pub fn threads(&self) -> (usize, usize) {
        let list = self.list();
        (list.seats.len(), list.holding())
    }
}

impl List {
    /// How many threads hold a core.
    fn holding(&self) -> usize {
        self.seats.values().filter(|seat| seat.holds.load(Ordering::Relaxed)).count()
    }

    /// Takes out the next actor whose turn it is: one of a key with many long calls has to wait.
    fn take(&mut self) -> Option<Arc<Actor>> {
        let is_served = |actor: &Arc<Actor>| {
            let key = if self.long.is_empty() { None } else { actor.queue().next_key() };
            key.and_then(|key| self.long.get(&key)).is_none_or(|long| *long < OF_A_KEY)
        };
        let at = if self.is_closed { Some(0) } else { self.actors.iter().position(is_served) };
        self.actors.remove(at?)
    }

    /// The call of this seat is a long one from now on, or no more.
    fn is_long(&mut self, seat: &Seat, is_long: bool) {
        let mut of = seat.key.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(key), was) = (of.0, std::mem::replace(&mut of.1, is_long)) else { return };
        match (was, is_long) {
            (false, true) => *self.long.entry(key).or_default() += 1,
            (true, false) => {
                if let Some(long) = self.long.get_mut(&key) {
                    *long -= 1;
                    if *long == 0 {
                        self.long.remove(&key);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Lets a thread see to an actor.
pub(super) fn schedule(shared: &Arc<Shared>, actor: Arc<Actor>) {
    let mut list = shared.ready.list();
    list.actors.push_back(actor);
    if list.holding() < shared.ready.cores {
        provide(shared, &mut list);
        drop(list);
        shared.ready.some.notify_one();
    }
}

/// Makes a thread where all are busy with long calls.
fn provide(shared: &Arc<Shared>, list: &mut List) {
    let ready = &shared.ready;
    let is_wanted = !list.actors.is_empty() && list.idle == 0 && list.holding() < ready.cores;
    if is_wanted
        && list.seats.len() < MOST.max(ready.cores)
        && !list.is_closed
        && let Err(error) = add_thread(shared, list)
    {
        // Those that are there go on.
        tracing::warn!(%error, "no thread");
    }
}

fn add_thread(shared: &Arc<Shared>, list: &mut List) -> std::io::Result<()> {
    let number = list.next;
    let seat = Arc::new(Seat::default());
    let builder = std::thread::Builder::new().name(format!("actors {number}")).stack_size(STACK);
    let (shared, own) = (shared.clone(), seat.clone());
    let thread = builder.spawn(move || {
        while let Some(actor) = pop(&shared, number, &own) {
            let goes_on = || {
                own.began.store(shared.ready.now(), Ordering::Relaxed);
                own.holds.load(Ordering::Relaxed)
            };
            see_to(actor, &shared, TURNS, goes_on);
        }
    })?;
    list.next += 1;
    list.seats.insert(number, seat);
    list.threads.insert(number, thread);
    Ok(())
}

/// The next actor for a thread, which holds a core from then on; none when it is over.
fn pop(shared: &Arc<Shared>, number: usize, seat: &Seat) -> Option<Arc<Actor>> {
    let ready = &shared.ready;
    let mut list = ready.list();
    seat.holds.store(false, Ordering::Relaxed);
    list.is_long(seat, false);
    loop {
        if list.holding() < ready.cores
            && let Some(actor) = list.take()
        {
            let key = actor.queue().next_key();
            *seat.key.lock().unwrap_or_else(PoisonError::into_inner) = (key, false);
            seat.began.store(ready.now(), Ordering::Relaxed);
            seat.holds.store(true, Ordering::Relaxed);
            if std::mem::take(&mut list.is_watcher_asleep)
                && let Some(watcher) = ready.watcher.get()
            {
                watcher.unpark();
            }
            provide(shared, &mut list);
            return Some(actor);
        }
        if list.is_closed && list.actors.is_empty() {
            list.seats.remove(&number);
            return None;
        }
        list.idle += 1;
        let waited = ready.some.wait_timeout(list, SPARE).unwrap_or_else(PoisonError::into_inner);
        list = waited.0;
        list.idle -= 1;
        if waited.1.timed_out() && list.actors.is_empty() && list.seats.len() > ready.cores && !list.is_closed {
            // Nobody waits for this thread any more.
            list.seats.remove(&number);
            list.threads.remove(&number);
            return None;
        }
    }
}

/// Takes cores from calls that hold them for too long.
fn watch(shared: &Arc<Shared>) {
    let ready = &shared.ready;
    // Nobody else sets it.
    let _ = ready.watcher.set(std::thread::current());
    while let Some(next) = look(shared) {
        match next {
            Some(time) => ready.clock.park_until(Duration::from_nanos(time)),
            None => std::thread::park(),
        }
    }
}

/// Takes cores from calls that have held them for too long. Gives the time of the next look, if a thread holds one; nothing
/// when it is over.
fn look(shared: &Arc<Shared>) -> Option<Option<u64>> {
    let ready = &shared.ready;
    let mut list = ready.list();
    if list.is_over {
        return None;
    }
    let (now, held) = (ready.now(), HELD.as_nanos() as u64);
    let mut next = None::<u64>;
    let seats: Vec<Arc<Seat>> = list.seats.values().cloned().collect();
    for seat in seats.iter().filter(|seat| seat.holds.load(Ordering::Relaxed)) {
        let until = seat.began.load(Ordering::Relaxed).saturating_add(held);
        if until > now {
            next = Some(next.map_or(until, |next| next.min(until)));
        } else {
            seat.holds.store(false, Ordering::Relaxed);
            list.is_long(seat, true);
            provide(shared, &mut list);
            ready.some.notify_one();
        }
    }
    list.is_watcher_asleep = next.is_none();
    Some(next)
}

impl Pool {
    /// Begins with as many threads as the options say.
    pub fn new(shared: &Arc<Shared>) -> std::io::Result<Pool> {
        let pool = Pool { shared: shared.clone(), watcher: Mutex::default() };
        for _ in 0..shared.ready.cores {
            add_thread(shared, &mut shared.ready.list())?;
        }
        if shared.ready.cores > 0 {
            let builder = std::thread::Builder::new().name("actors watch".to_owned());
            let shared = shared.clone();
            let thread = builder.spawn(move || watch(&shared))?;
            *pool.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        }
        Ok(pool)
    }

    /// Lets a thread see to an actor.
    pub fn schedule(&self, actor: Arc<Actor>) {
        schedule(&self.shared, actor);
    }

    /// Carries out a call of an actor for which nothing else waits, on this thread, if it is a quick one. The rest is seen
    /// to as usual.
    pub fn hurry(&self, actor: Arc<Actor>) {
        actor.try_turn(&self.shared);
        pass_on(actor, &self.shared);
    }

    /// Does one thing that waits, on this thread. Whether something was there.
    pub fn turn(&self) -> bool {
        self.shared.ready.try_pop().is_some_and(|actor| see_to(actor, &self.shared, 1, || true))
    }

    /// Whether it takes nothing more.
    pub fn is_closed(&self) -> bool {
        self.shared.ready.list().is_closed
    }

    /// Waits until everything is done that was scheduled.
    pub fn close(&self) {
        let ready = &self.shared.ready;
        let threads = {
            let mut list = ready.list();
            list.is_closed = true;
            std::mem::take(&mut list.threads)
        };
        ready.some.notify_all();
        for thread in threads.into_values() {
            // The last handle of a node may be dropped by a thread of its own.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
        ready.list().is_over = true;
        if let Some(watcher) = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take() {
            watcher.thread().unpark();
            let _ = watcher.join();
        }
    }
}

/// Does at most so many things that wait for an actor, as long as it may. Whether something was there.
fn see_to(actor: Arc<Actor>, shared: &Arc<Shared>, turns: usize, goes_on: impl Fn() -> bool) -> bool {
    let done = (0..turns).take_while(|_| goes_on() && actor.turn(shared)).count();
    pass_on(actor, shared);
    done > 0
}

/// Lets go of an actor that is scheduled: others see to it, if something waits.
pub(super) fn pass_on(actor: Arc<Actor>, shared: &Arc<Shared>) {
    let mut queue = actor.queue();
    if queue.jobs.is_empty() {
        queue.is_scheduled = false;
        drop(queue);
        retire(&actor, shared);
    } else {
        drop(queue);
        schedule(shared, actor);
    }
}

/// Forgets an actor that has nothing to do and is not open. It is made again when somebody calls it.
pub(super) fn retire(actor: &Arc<Actor>, shared: &Shared) {
    if actor.is_open.load(Ordering::Relaxed) {
        return;
    }
    let mut actors = shared.actors();
    // Whoever is about to call it has it already, and another one of its name must not be made meanwhile. Nobody can get it
    // now, as that takes the lock; and who has it later than that sees to it himself.
    let is_alone =
        actors.get(&actor.name).is_some_and(|known| Arc::ptr_eq(known, actor)) && Arc::strong_count(actor) == 2;
    let queue = actor.queue();
    let is_idle = queue.jobs.is_empty() && !queue.is_scheduled;
    drop(queue);
    if is_alone && is_idle && !actor.is_open.load(Ordering::Relaxed) {
        actors.remove(&actor.name);
    }
}
