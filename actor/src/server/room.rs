//! Room for what waits: what clients have sent and nobody has carried out, and what they were told and have not taken.
//!
//! ```text
//!   server ─┬─ key ─┬─ connection: its buffers, functions on their way
//!           │       │      └─ call: arguments until it is told, outcome until it is sent
//!           │       └─ ...
//!           └─ ...
//! ```
//!
//! Each byte counts three times: for its connection, for the key of its client, and for the server. Where there is no room
//! a server does not read, a call is not begun, and a result that does not fit is undone; the client is told to ask again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::metrics::{Metrics, add};
use super::options::RoomLimits;
use crate::call::{NoRoom, Room};
use crate::identity::Key;

/// A connection that has no more than this waiting may use the last of the room, so that those who want little are served
/// while others want much.
const LITTLE: usize = 64 << 10;

/// What a connection takes at once when it reads.
pub(super) const READ: usize = 16 << 10;

/// The room of a server.
pub struct Rooms {
    most: RoomLimits,
    taken: Mutex<Taken>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_key: HashMap<Option<Key>, usize>,
}

/// What one connection takes of it.
pub(super) struct Share {
    rooms: Arc<Rooms>,
    /// Whose it is; nobody's before the client is known.
    key: OnceLock<Option<Key>>,
    /// Changed with `taken` locked.
    bytes: AtomicUsize,
    /// Those of them that are buffers.
    buffers: AtomicUsize,
    /// How much an outcome had that did not fit, and less each time that a call is not begun for it.
    wanted: AtomicUsize,
}

/// What one call takes, until nothing is kept of it any more.
pub(super) struct Stay {
    share: Arc<Share>,
    /// For what was asked, and for what is told.
    asked: AtomicUsize,
    told: AtomicUsize,
}

opaque!(Rooms);

impl Rooms {
    /// All of it.
    pub fn new(most: RoomLimits, metrics: Arc<Metrics>) -> Arc<Rooms> {
        Arc::new(Rooms { most, taken: Mutex::default(), metrics })
    }

    /// What is counted of it, and of the sessions in it.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        let taken = self.taken();
        taken.all == 0 && taken.by_key.is_empty()
    }
}

/// The part of a room that may be used by those who have much waiting.
fn large(most: usize) -> usize {
    most - most / 8
}

impl Share {
    /// Nothing yet.
    pub fn new(rooms: &Arc<Rooms>) -> Arc<Share> {
        let (key, bytes, buffers, wanted) = Default::default();
        Arc::new(Share { rooms: rooms.clone(), key, bytes, buffers, wanted })
    }

    /// It is known now whose it is.
    pub fn belongs_to(&self, key: Option<Key>) {
        let mut taken = self.rooms.taken();
        let bytes = self.bytes.load(Ordering::Relaxed);
        if self.key.set(key).is_ok() && bytes > 0 {
            *taken.by_key.entry(key).or_default() += bytes;
        }
    }

    /// Takes room for so many bytes.
    pub fn take(&self, bytes: usize) -> Result<(), NoRoom> {
        let most = self.rooms.most;
        if bytes > most.connection.min(large(most.key)).min(large(most.server)) {
            return Err(NoRoom::Ever);
        }
        let mut taken = self.rooms.taken();
        if !self.fits(&taken, bytes) {
            add(&self.rooms.metrics.no_room, 1);
            return Err(NoRoom::Now);
        }
        self.change(&mut taken, bytes, 0);
        Ok(())
    }

    /// Whether there is none for so many.
    pub fn is_full(&self, bytes: usize) -> bool {
        !self.fits(&self.rooms.taken(), bytes)
    }

    /// Gives room back.
    pub fn give(&self, bytes: usize) {
        if bytes > 0 {
            self.change(&mut self.rooms.taken(), 0, bytes);
        }
    }

    /// Its buffers take so much now, whether there is room or not: what was read is there.
    pub fn buffers(&self, bytes: usize) {
        let before = self.buffers.swap(bytes, Ordering::Relaxed);
        if before != bytes {
            self.change(&mut self.rooms.taken(), bytes, before);
        }
    }

    fn fits(&self, taken: &Taken, bytes: usize) -> bool {
        let most = self.rooms.most;
        let own = self.bytes.load(Ordering::Relaxed).saturating_add(bytes);
        let of_key = self.key.get().and_then(|key| taken.by_key.get(key)).copied().unwrap_or(0);
        let part = |most| if own <= LITTLE.min(most) { most } else { large(most) };
        own <= most.connection
            && of_key.saturating_add(bytes) <= part(most.key)
            && taken.all.saturating_add(bytes) <= part(most.server)
    }

    fn change(&self, taken: &mut Taken, more: usize, less: usize) {
        let changed = |bytes: usize| bytes.saturating_add(more).saturating_sub(less);
        self.bytes.store(changed(self.bytes.load(Ordering::Relaxed)), Ordering::Relaxed);
        taken.all = changed(taken.all);
        self.rooms.metrics.waits(taken.all);
        if let Some(key) = self.key.get() {
            let of_key = taken.by_key.entry(*key).or_default();
            *of_key = changed(*of_key);
            if *of_key == 0 {
                taken.by_key.remove(key);
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give(self.bytes.load(Ordering::Relaxed));
    }
}

impl Stay {
    /// A call for which so many bytes have come in.
    pub fn new(share: &Arc<Share>, asked: usize) -> Result<Arc<Stay>, NoRoom> {
        share.take(asked)?;
        Ok(Arc::new(Stay { share: share.clone(), asked: AtomicUsize::new(asked), told: AtomicUsize::new(0) }))
    }

    /// The outcome is there, and what was asked is not kept any more.
    pub fn is_told(&self) {
        self.share.give(self.asked.swap(0, Ordering::Relaxed));
    }
}

impl Room for Stay {
    fn take(&self, bytes: usize) -> Result<(), NoRoom> {
        let taken = self.share.take(bytes);
        match taken {
            Ok(()) => {
                self.told.fetch_add(bytes, Ordering::Relaxed);
            }
            Err(_) => self.share.wanted.store(bytes, Ordering::Relaxed),
        }
        taken
    }

    /// What did not fit last time is not made again before it may fit; others, which are smaller, wait for a while only.
    fn is_full(&self) -> bool {
        let wanted = self.share.wanted.load(Ordering::Relaxed);
        let is_full = self.share.is_full(wanted.max(1));
        add(&self.share.rooms.metrics.no_room, usize::from(is_full));
        self.share.wanted.store(if is_full { wanted / 2 } else { 0 }, Ordering::Relaxed);
        is_full
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.share.give(self.asked.load(Ordering::Relaxed) + self.told.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1 << 10;

    fn rooms() -> Arc<Rooms> {
        Rooms::new(RoomLimits { connection: 640 * KIB, key: 1600 * KIB, server: 3200 * KIB }, Arc::default())
    }

    fn share(rooms: &Arc<Rooms>, key: u8) -> Arc<Share> {
        let share = Share::new(rooms);
        share.belongs_to(Some(Key([key; 32])));
        share
    }

    #[test]
    fn a_connection_a_key_and_a_server_have_limits_and_little_fits_longest() {
        let rooms = rooms();
        let one = share(&rooms, 1);
        assert_eq!((one.take(641 * KIB), one.take(600 * KIB)), (Err(NoRoom::Ever), Ok(())));
        assert_eq!((one.take(41 * KIB), one.is_full(40 * KIB)), (Err(NoRoom::Now), false));
        let second = share(&rooms, 1);
        assert_eq!(second.take(640 * KIB), Ok(()));
        // Of the key's room, 1,400 KiB are for those who want much.
        let third = share(&rooms, 1);
        assert_eq!((third.take(200 * KIB), third.take(160 * KIB)), (Err(NoRoom::Now), Ok(())));
        let little = share(&rooms, 1);
        assert_eq!((little.take(64 * KIB), little.take(KIB)), (Ok(()), Err(NoRoom::Now)));
        // Others have theirs, until the server's is used.
        let others: Vec<_> = (2..5).map(|key| share(&rooms, key)).collect();
        assert_eq!(others.iter().filter(|other| other.take(500 * KIB).is_ok()).count(), 2);
        assert_eq!(share(&rooms, 9).take(60 * KIB), Ok(()));
        drop((one, second, third, little, others));
        assert!(rooms.is_empty());
    }

    #[test]
    fn what_a_call_takes_goes_with_it() {
        let rooms = rooms();
        let share = share(&rooms, 1);
        share.buffers(100);
        let stay = Stay::new(&share, 1000).unwrap();
        let other = stay.clone();
        assert_eq!(stay.take(500), Ok(()));
        stay.is_told();
        drop(stay);
        assert_eq!(rooms.taken().all, 600);
        drop(other);
        assert_eq!(rooms.taken().all, 100);
        share.buffers(0);
        assert!(!share.is_full(640 * KIB) && share.is_full(641 * KIB));
    }

    #[test]
    fn what_did_not_fit_is_not_made_again_at_once() {
        let rooms = rooms();
        let share = share(&rooms, 1);
        share.take(400 * KIB).unwrap();
        let stay = Stay::new(&share, 0).unwrap();
        assert!(!stay.is_full());
        assert_eq!(stay.take(500 * KIB), Err(NoRoom::Now));
        assert_eq!([(); 3].map(|()| stay.is_full()), [true, true, false]);
        assert_eq!(stay.take(500 * KIB), Err(NoRoom::Now));
        share.give(400 * KIB);
        assert!(!stay.is_full());
    }

    #[test]
    fn what_came_before_the_client_was_known_is_its_own() {
        let rooms = rooms();
        let share = Share::new(&rooms);
        share.buffers(300);
        share.belongs_to(None);
        assert_eq!(rooms.taken().by_key.get(&None), Some(&300));
        share.buffers(200);
        drop(share);
        assert!(rooms.is_empty());
    }
}
