//! Who needs memory that is not there puts the actor away that was called longest ago.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::actor::Actor;
use super::pool::pass_on;
use super::shared::Shared;

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
