//! The store as all actors share it: one thread writes for all of them, many steps at a time.
//!
//! An actor goes on with its next call before the last one is on disk. What its clients are told waits: replies stand in
//! the same queue as the steps, each behind everything that it may rest on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::store::{Change, Store, StoreError, Swept};

/// Something to do when all that was committed before is kept.
pub(super) type After = Box<dyn FnOnce() + Send>;

/// Items that may wait for the disk.
const WAITING: usize = 8192;

/// The most changes and bytes of one commit.
const BATCH: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;

/// Bytes that may wait for the disk before large changes wait for their turn, so that small ones are kept soon; and from
/// how many bytes on one is large.
const QUEUED: usize = 4 << 20;
const LARGE: usize = 64 << 10;

/// Snapshots after which the store is swept.
const SNAPSHOTS: u64 = 16;

enum Item {
    Commit(Box<Change>, After),
    After(After),
}

/// A store and who writes to it.
pub(super) struct Vault {
    shared: Arc<Shared>,
    /// None if nothing outlives the process: then there is nothing to wait for.
    sender: Mutex<Option<SyncSender<Item>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// What waits, if no thread of its own writes it.
    inbox: Mutex<Option<Receiver<Item>>>,
    is_durable: bool,
    has_thread: bool,
}

struct Shared {
    /// None when it is closed.
    store: Mutex<Option<Box<dyn Store>>>,
    failure: OnceLock<StoreError>,
    commits: AtomicU64,
    steps: AtomicU64,
    snapshots: AtomicU64,
    /// Bytes that wait to be written.
    queued: Mutex<usize>,
    written: Condvar,
}

impl Shared {
    fn queued(&self) -> MutexGuard<'_, usize> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, Option<Box<dyn Store>>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits, unless something has failed before.
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        if let Some(failure) = self.failure.get() {
            return Err(failure.clone());
        }
        let mut guard = self.store();
        let Some(store) = guard.as_mut() else { return Err(closed()) };
        let mut outcome = store.commit(changes);
        let count = |is: fn(&Change) -> bool| changes.iter().filter(|change| is(change)).count() as u64;
        let snapshots = count(|change| matches!(change, Change::Snapshot(_)));
        let steps = count(|change| matches!(change, Change::Step(_)));
        let before = self.snapshots.fetch_add(snapshots, Ordering::Relaxed);
        if outcome.is_ok() && before / SNAPSHOTS != (before + snapshots) / SNAPSHOTS {
            outcome = store.sweep(false).map(|swept| {
                tracing::info!(blobs = swept.blobs, bytes = swept.bytes, kept = swept.kept, "swept");
            });
        }
        drop(guard);
        match &outcome {
            Ok(()) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.steps.fetch_add(steps, Ordering::Relaxed);
            }
            Err(error) => {
                tracing::error!(%error, "nothing can be kept any more");
                let _ = self.failure.set(error.clone());
            }
        }
        outcome
    }
}

impl Vault {
    /// Begins to write to a store; with a thread of its own, or when it is told to.
    pub fn new(store: Box<dyn Store>, has_thread: bool) -> std::io::Result<Vault> {
        let is_durable = store.is_durable();
        let shared = Arc::new(Shared {
            store: Mutex::new(Some(store)),
            failure: OnceLock::new(),
            commits: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            snapshots: AtomicU64::new(0),
            queued: Mutex::default(),
            written: Condvar::new(),
        });
        let (mut sender, mut thread, mut inbox) = (None, None, None);
        if is_durable {
            let (to, from) = sync_channel(WAITING);
            sender = Some(to);
            if has_thread {
                let writer = shared.clone();
                let builder = std::thread::Builder::new().name("actor store".to_owned());
                thread = Some(builder.spawn(move || write(&writer, &from))?);
            } else {
                inbox = Some(from);
            }
        }
        let (sender, thread, inbox) = (Mutex::new(sender), Mutex::new(thread), Mutex::new(inbox));
        Ok(Vault { shared, sender, thread, inbox, is_durable, has_thread })
    }

    /// Keeps a change, and does something when it is kept. If that fails, `after` is dropped.
    pub fn commit(&self, change: Change, after: After) {
        if self.is_durable {
            self.queue(size(&change));
            return self.send(Item::Commit(Box::new(change), after));
        }
        if self.shared.commit(&[change]).is_ok() {
            after();
        }
    }

    /// Does something when everything that was to be kept until now is kept. If that fails, `after` is dropped.
    pub fn after(&self, after: After) {
        if self.is_durable {
            return self.send(Item::After(after));
        }
        if self.shared.failure.get().is_none() {
            after();
        }
    }

    /// Counts what is about to wait for the disk. A large change waits here while there is much of it.
    fn queue(&self, size: usize) {
        let mut queued = self.shared.queued();
        while self.has_thread && size >= LARGE && *queued > 0 && *queued + size > QUEUED && self.failure().is_none() {
            // It is looked again now and then in case that the store fails, and nothing is written any more.
            let waited = self.shared.written.wait_timeout(queued, Duration::from_millis(100));
            queued = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *queued += size;
    }

    fn send(&self, item: Item) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // After the end, what was not kept is not told either.
        if let Some(sender) = sender {
            let _ = sender.send(item);
        }
    }

    /// Writes what waits, in one commit, if no thread does that. Whether something was there.
    pub fn write(&self) -> bool {
        let inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((inbox, first)) = inbox.as_ref().and_then(|inbox| Some((inbox, inbox.try_recv().ok()?))) else {
            return false;
        };
        write_from(&self.shared, inbox, first);
        true
    }

    /// Waits until everything that was to be kept until now is kept.
    pub fn wait(&self) -> Result<(), StoreError> {
        let (to, from) = sync_channel(1);
        self.after(Box::new(move || {
            let _ = to.send(());
        }));
        while self.write() {}
        match from.recv() {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failure().unwrap_or_else(closed)),
        }
    }

    /// Reads the store, or does something rare with it.
    pub fn with<T>(&self, action: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        let outcome = match self.shared.store().as_mut() {
            Some(store) => action(&mut **store),
            None => return Err(closed()),
        };
        // Damage concerns one actor; a store that cannot be read is of no use to any.
        if let Err(error @ StoreError::Io(_)) = &outcome {
            let _ = self.shared.failure.set(error.clone());
        }
        outcome
    }

    /// Removes what nothing needs.
    pub fn sweep(&self, dry_run: bool) -> Result<Swept, StoreError> {
        self.with(|store| store.sweep(dry_run))
    }

    /// Why nothing can be kept any more.
    pub fn failure(&self) -> Option<StoreError> {
        self.shared.failure.get().cloned()
    }

    /// Commits and steps so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.commits.load(Ordering::Relaxed), self.shared.steps.load(Ordering::Relaxed))
    }

    /// Writes what is left, ends, and closes the store.
    pub fn close(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
        self.shared.store().take();
    }
}

fn closed() -> StoreError {
    StoreError::Io("it is closed".to_owned())
}

/// Writes whatever waits, again and again.
fn write(shared: &Shared, from: &Receiver<Item>) {
    while let Ok(first) = from.recv() {
        write_from(shared, from, first);
    }
}

/// Writes this and whatever else waits, in one commit.
fn write_from(shared: &Shared, from: &Receiver<Item>, first: Item) {
    let (mut changes, mut afters) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(item) = next {
        match item {
            Item::Commit(change, after) => {
                bytes += size(&change);
                changes.push(*change);
                afters.push(after);
            }
            Item::After(after) => afters.push(after),
        }
        let is_full = changes.len() >= BATCH || bytes >= BATCH_BYTES;
        next = if is_full { None } else { from.try_recv().ok() };
    }
    let is_kept = match changes.is_empty() {
        true => shared.failure.get().is_none(),
        false => shared.commit(&changes).is_ok(),
    };
    {
        let mut queued = shared.queued();
        *queued = queued.saturating_sub(bytes);
        shared.written.notify_all();
    }
    if is_kept {
        afters.into_iter().for_each(|after| after());
    }
}

fn size(change: &Change) -> usize {
    match change {
        Change::Step(step) => step.entry.args.len() + step.reply.len() + 500,
        Change::Snapshot(snapshot) => snapshot.bytes.len(),
        Change::Hold { .. } | Change::Free { .. } | Change::Cut { .. } => 500,
    }
}
