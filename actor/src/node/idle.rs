//! Actors that nobody calls are put away: their state stays in the store, and their memory is free for others. Who needs
//! memory that is not there does so with the one that was called longest ago.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::Thread;
use std::time::Duration;

use super::actor::{Actor, Job};
use super::pool::pass_on;
use super::shared::Shared;
use super::{Inner, Node};

/// The longest time between two looks.
const LOOK: Duration = Duration::from_secs(10);

/// Begins to look for them. The thread ends when it is woken and the node is gone.
pub(super) fn watch(inner: &Arc<Inner>) -> std::io::Result<Thread> {
    let idle = inner.shared.options.idle;
    let (node, pause) = (Arc::downgrade(inner), (idle / 4).clamp(Duration::from_millis(1), LOOK));
    let builder = std::thread::Builder::new().name("actors idle".to_owned());
    Ok(builder.spawn(move || look(&node, pause, idle))?.thread().clone())
}

fn look(node: &Weak<Inner>, pause: Duration, idle: Duration) {
    loop {
        std::thread::park_timeout(pause);
        let Some(inner) = node.upgrade() else { return };
        if let Some(since) = inner.shared.options.clock.now().checked_sub(idle) {
            Node(inner).rest(since);
        }
    }
}

impl Node {
    /// Puts actors away that have done nothing since then.
    fn rest(&self, since: Duration) {
        let mut resting = Vec::new();
        self.actors().retain(|_, actor| {
            if !actor.is_idle_since(since) {
                return true;
            }
            if !actor.is_away() {
                resting.push(actor.clone());
                return true;
            }
            // Whoever is about to call it has it already, and another one of its name must not be made meanwhile.
            // Nobody can get it now, as that takes the lock.
            Arc::strong_count(actor) > 1
        });
        for actor in resting {
            self.add(&actor, Job::Rest);
        }
    }
}

/// Puts actors away that have nothing to do, the one that was called longest ago first, until there is room. Whether there
/// is some.
pub(super) fn make_room(shared: &Arc<Shared>, mut has_room: impl FnMut() -> bool) -> bool {
    while !has_room() {
        if put_idlest_away(shared) {
            continue;
        }
        // What others are putting away will be there in a moment.
        if shared.leaving.load(Ordering::Relaxed) == 0 {
            return has_room();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Puts the actor away that has had nothing to do for longest. Whether there was one.
fn put_idlest_away(shared: &Arc<Shared>) -> bool {
    let Some(actor) = idlest(shared) else { return false };
    shared.leaving.fetch_add(1, Ordering::Relaxed);
    actor.yield_to_others(shared);
    shared.counters.displaced.fetch_add(1, Ordering::Relaxed);
    shared.leaving.fetch_sub(1, Ordering::Relaxed);
    pass_on(actor, shared);
    true
}

/// That actor, scheduled for who asks.
fn idlest(shared: &Shared) -> Option<Arc<Actor>> {
    loop {
        let idle = shared
            .actors()
            .values()
            .filter_map(|actor| Some((actor.idle_since()?, actor.clone())))
            .min_by_key(|idle| idle.0);
        let (since, actor) = idle?;
        let mut queue = actor.queue();
        let is_idle = queue.jobs.is_empty() && !queue.is_scheduled;
        if is_idle && queue.used.map_or(0, |(_, count)| count) == since {
            queue.is_scheduled = true;
            drop(queue);
            return Some(actor);
        }
        // Somebody has called it meanwhile; there may be another one.
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
