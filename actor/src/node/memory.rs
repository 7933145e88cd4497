//! The memory of all actors of a node together: what their states take, and what calls that are under way may add.
//!
//! Whoever is about to take memory holds it here first, so the sum stays below the limit. Each actor that is open holds what
//! it takes, and while it carries out a call, what the call may add.

use std::fs::read_to_string;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What an open actor takes beside its values, about: its machine's own tables, and what the node knows of it.
pub(super) const BESIDE: usize = 64 << 10;

/// How many times its bytes an image may take while it is opened.
pub(super) const OPENED: usize = 16;

/// The least that a call may add before it asks again.
const LEAST: usize = 256 << 10;

/// Bytes that are held, and actors that are open, of all that may be.
pub(super) struct Memory {
    limit: usize,
    bytes: AtomicUsize,
    /// The most that were held at once.
    peak: AtomicUsize,
    places: usize,
    open: AtomicUsize,
    /// For snapshots that do not fit beside the rest: one at a time.
    beyond: Mutex<()>,
}

/// Memory that is held, and given back in the end.
pub(super) struct Hold {
    memory: Arc<Memory>,
    bytes: usize,
}

/// The place of an open actor.
pub(super) struct Place(Arc<Memory>);

impl Memory {
    /// So many bytes, for so many actors.
    pub fn new(limit: usize, places: usize) -> Arc<Memory> {
        let (bytes, peak, open) = Default::default();
        Arc::new(Memory { limit, bytes, peak, places, open, beyond: Mutex::default() })
    }

    /// How many bytes there are.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many are held, and how many were held at most.
    pub fn held(&self) -> (usize, usize) {
        (self.bytes.load(Ordering::Relaxed), self.peak.load(Ordering::Relaxed))
    }

    /// How many actors are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Nothing yet.
    pub fn hold(self: &Arc<Memory>) -> Hold {
        Hold { memory: self.clone(), bytes: 0 }
    }

    /// A place for an actor that is about to be open, if there is one.
    pub fn place(self: &Arc<Memory>) -> Option<Place> {
        let more = |open: usize| (open < self.places).then_some(open + 1);
        let taken = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.is_ok().then(|| Place(self.clone()))
    }

    /// Whether half of it is free when so many more are held: then nobody has to be sparing.
    pub fn is_ample(&self, more: usize) -> bool {
        self.bytes.load(Ordering::Relaxed).saturating_add(more) <= self.limit / 2
    }

    /// How many bytes are free.
    pub fn left(&self) -> usize {
        self.limit.saturating_sub(self.bytes.load(Ordering::Relaxed))
    }

    /// Whether more is held than there is.
    pub fn is_over(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.limit
    }

    /// How much a call may add before it asks again, where everybody has to be sparing.
    pub fn step(&self) -> usize {
        (self.limit / 256).max(LEAST)
    }

    /// Only one at a time goes beyond.
    pub fn beyond(&self) -> MutexGuard<'_, ()> {
        self.beyond.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, bytes: usize) -> bool {
        let more = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.limit);
        let taken = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if let Ok(before) = taken {
            self.peak.fetch_max(before + bytes, Ordering::Relaxed);
        }
        taken.is_ok()
    }
}

impl Hold {
    /// How much is held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds so many bytes from now on, if there are so many.
    pub fn resize(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes && !self.memory.take(bytes - self.bytes) {
            return false;
        }
        if bytes < self.bytes {
            self.memory.bytes.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
        true
    }

    /// Holds so many bytes, which are taken already, whether there are so many or not.
    pub fn settle(&mut self, bytes: usize) {
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            let before = self.memory.bytes.fetch_add(more, Ordering::Relaxed);
            self.memory.peak.fetch_max(before.saturating_add(more), Ordering::Relaxed);
            self.bytes = bytes;
        } else {
            self.resize(bytes);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.resize(0);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Three quarters of the memory of this machine, or of what the system lets this process have where that is less.
pub(super) fn usual() -> usize {
    let machine = read_to_string("/proc/meminfo").ok().and_then(|text| {
        let kib = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        kib.trim().trim_end_matches("kB").trim().parse::<usize>().ok()?.checked_mul(1 << 10)
    });
    let own = group().into_iter().filter_map(|file| read_to_string(file).ok()?.trim().parse::<usize>().ok()).min();
    // Where nobody says, a machine of 8 GiB is assumed.
    let all = machine.unwrap_or(8 << 30).min(own.unwrap_or(usize::MAX));
    all / 4 * 3
}

/// Files in which the limit of this process's control group may stand, and those of the groups around it.
fn group() -> Vec<String> {
    let groups = read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut path = path.trim_end_matches('/');
        loop {
            files.push(format!("{root}{path}/{name}"));
            match path.rfind('/') {
                Some(at) => path = &path[..at],
                None => break,
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_within_the_limit_and_comes_back() {
        let memory = Memory::new(1000, 2);
        let (mut one, mut other) = (memory.hold(), memory.hold());
        assert!(one.resize(600) && !other.resize(401) && other.resize(400) && !one.resize(601));
        assert!(one.resize(100) && other.resize(900));
        drop(other);
        assert_eq!((memory.held(), memory.is_over()), ((100, 1000), false));
        one.settle(1200);
        assert!(memory.is_over() && !memory.hold().resize(1));
        assert!(one.resize(500) && memory.is_ample(0) && !memory.is_ample(1));
        let places = (memory.place(), memory.place());
        assert!(places.0.is_some() && places.1.is_some() && memory.place().is_none());
        drop(places);
        assert_eq!(memory.open(), 0);
    }

    #[test]
    fn a_machine_has_some_memory() {
        assert!(usual() > 64 << 20);
    }
}
