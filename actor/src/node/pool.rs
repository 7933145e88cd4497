//! The threads that carry calls out: each takes an actor that has something to do, and does some of it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::actor::Actor;
use super::shared::Shared;

/// Calls of one actor before another one gets a turn.
const TURNS: usize = 32;

/// Bytes of a thread's stack. Depth of values and calls does not use it, nesting of code does.
const STACK: usize = 8 << 20;

/// Threads, and the actors that wait for one.
pub(super) struct Pool {
    ready: Arc<Ready>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Ready {
    list: Mutex<List>,
    some: Condvar,
}

#[derive(Default)]
struct List {
    actors: VecDeque<Arc<Actor>>,
    is_closed: bool,
}

impl Ready {
    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, actor: Arc<Actor>) {
        self.list().actors.push_back(actor);
        self.some.notify_one();
    }

    /// The next actor, if one waits.
    fn try_pop(&self) -> Option<Arc<Actor>> {
        self.list().actors.pop_front()
    }

    /// The next actor, or none when it is over.
    fn pop(&self) -> Option<Arc<Actor>> {
        let mut list = self.list();
        loop {
            if let Some(actor) = list.actors.pop_front() {
                return Some(actor);
            }
            if list.is_closed {
                return None;
            }
            list = self.some.wait(list).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Pool {
    /// Begins with as many threads as the options say.
    pub fn new(shared: &Arc<Shared>) -> std::io::Result<Pool> {
        let pool = Pool { ready: Arc::default(), threads: Mutex::default() };
        for number in 0..shared.options.threads {
            let (ready, shared) = (pool.ready.clone(), shared.clone());
            let builder = std::thread::Builder::new().name(format!("actors {number}")).stack_size(STACK);
            let thread = builder.spawn(move || work(&ready, &shared))?;
            pool.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(pool)
    }

    /// Lets a thread see to an actor.
    pub fn schedule(&self, actor: Arc<Actor>) {
        self.ready.push(actor);
    }

    /// Carries out a call of an actor for which nothing else waits, on this thread, if it is a quick one. The rest is seen
    /// to as usual.
    pub fn hurry(&self, actor: Arc<Actor>, shared: &Shared) {
        actor.try_turn(shared);
        pass_on(actor, &self.ready);
    }

    /// Does one thing that waits, on this thread. Whether something was there.
    pub fn turn(&self, shared: &Shared) -> bool {
        self.ready.try_pop().is_some_and(|actor| see_to(actor, &self.ready, shared, 1))
    }

    /// Whether it takes nothing more.
    pub fn is_closed(&self) -> bool {
        self.ready.list().is_closed
    }

    /// Waits until everything is done that was scheduled.
    pub fn close(&self) {
        self.ready.list().is_closed = true;
        self.ready.some.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The last handle of a node may be dropped by a thread of its own.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn work(ready: &Ready, shared: &Shared) {
    while let Some(actor) = ready.pop() {
        see_to(actor, ready, shared, TURNS);
    }
}

/// Does at most so many things that wait for an actor. Whether something was there.
fn see_to(actor: Arc<Actor>, ready: &Ready, shared: &Shared, turns: usize) -> bool {
    let done = (0..turns).take_while(|_| actor.turn(shared)).count();
    pass_on(actor, ready);
    done > 0
}

/// Lets go of an actor that is scheduled: others see to it, if something waits.
fn pass_on(actor: Arc<Actor>, ready: &Ready) {
    let mut queue = actor.queue();
    if queue.jobs.is_empty() {
        queue.is_scheduled = false;
    } else {
        drop(queue);
        ready.push(actor);
    }
}
