//! Actors that nobody calls are put away: their state stays in the store, and their memory is free for others.

use std::sync::Arc;
use std::thread::Thread;
use std::time::Duration;

use super::actor::Job;
use super::{Inner, Node};

/// The longest time between two looks.
const LOOK: Duration = Duration::from_secs(10);

/// Begins to look for them. The thread ends when it is woken and the node is gone.
pub(super) fn watch(inner: &Arc<Inner>) -> std::io::Result<Thread> {
    let (idle, clock) = (inner.shared.options.idle, inner.shared.options.clock.clone());
    let (node, pause) = (Arc::downgrade(inner), (idle / 4).clamp(Duration::from_millis(1), LOOK));
    let mut next = clock.now().saturating_add(pause);
    let look = move || {
        loop {
            clock.park_until(next);
            let Some(inner) = node.upgrade() else { return };
            let now = clock.now();
            if now >= next {
                next = now.saturating_add(pause);
                if let Some(since) = now.checked_sub(idle) {
                    Node(inner).rest(since);
                }
            }
        }
    };
    Ok(std::thread::Builder::new().name("actors idle".to_owned()).spawn(look)?.thread().clone())
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
