//! A disk for a simulated server: a model of a store or a real file, and commits that fail as they are told to.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use quipu::actor::store::{
    BlobId, Change, Claim, CutOff, Entry, Hold, Kept, ListedActor, MemoryStore, SqliteStore, Store, StoreError, Swept,
};
use quipu::code::hash::GraphHash;

use super::dice::Dice;

/// What becomes of the next commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is kept.
    Kept,
    /// It fails although it is kept.
    FailsKept,
    /// It fails and nothing of it is kept.
    FailsGone,
    /// The power goes while it is written.
    Torn,
}

/// What outlives a server.
pub struct Disk {
    pub fate: Arc<Mutex<Fate>>,
    keeper: Keeper,
}

enum Keeper {
    Model(MemoryStore),
    /// Files in a folder that goes away; `turn` is the number of the folder in it, `torn` what comes after.
    File {
        folder: tempfile::TempDir,
        turn: u64,
        torn: Arc<Mutex<Option<Files>>>,
        dice: Dice,
    },
}

/// What the power left of a store, until it is opened again.
type Remains = Arc<Mutex<Option<Files>>>;

/// A store's file and its log.
struct Files {
    base: Vec<u8>,
    log: Vec<u8>,
}

impl Disk {
    pub fn new(is_file: bool, dice: &mut Dice) -> Disk {
        let keeper = if is_file {
            // Where syncing costs nothing, if there is such a place.
            let place = ["/dev/shm".into(), std::env::temp_dir()]
                .into_iter()
                .find_map(|place: PathBuf| tempfile::Builder::new().prefix("quipu").tempdir_in(place).ok());
            let folder = place.expect("a folder");
            Keeper::File { folder, turn: 0, torn: Arc::default(), dice: dice.clone() }
        } else {
            Keeper::Model(MemoryStore::new())
        };
        Disk { fate: Arc::new(Mutex::new(Fate::Kept)), keeper }
    }

    /// The power goes: nothing is written any more, also by whoever still has the files open.
    pub fn power_off(&mut self) {
        if let Keeper::File { folder, turn, torn, .. } = &mut self.keeper {
            let path = folder.path().join(format!("{turn}"));
            let log = std::fs::read(format!("{}-wal", path.display())).unwrap_or_default();
            let files = Files { base: std::fs::read(&path).expect("a file"), log };
            torn.lock().expect("files").get_or_insert(files);
        }
    }

    /// The store as it is found after whatever has happened.
    pub fn open(&mut self) -> Box<dyn Store> {
        *self.fate.lock().expect("a fate") = Fate::Kept;
        let fate = self.fate.clone();
        match &mut self.keeper {
            Keeper::Model(memory) => Box::new(Faulty { store: Box::new(memory.clone()), fate, torn: None }),
            Keeper::File { folder, turn, torn, dice } => {
                if let Some(files) = torn.lock().expect("files").take() {
                    *turn += 1;
                    std::fs::write(folder.path().join(format!("{turn}")), files.base).expect("a file");
                    std::fs::write(folder.path().join(format!("{turn}-wal")), files.log).expect("a file");
                }
                let path = folder.path().join(format!("{turn}"));
                let store = Box::new(SqliteStore::open(&path).expect("a store"));
                dice.roll(2);
                Box::new(Faulty { store, fate, torn: Some((path, torn.clone(), dice.clone())) })
            }
        }
    }
}

struct Faulty {
    store: Box<dyn Store>,
    fate: Arc<Mutex<Fate>>,
    /// For a file: where it is, where its remains are put, and what decides which.
    torn: Option<(PathBuf, Remains, Dice)>,
}

fn failed() -> StoreError {
    StoreError::Io("the disk is gone".to_owned())
}

impl Faulty {
    /// Writes all of it, and keeps a part of that: what was in the log before is there, of the rest some.
    fn tear(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let Some((path, torn, dice)) = &mut self.torn else { return Ok(()) };
        let log_path = PathBuf::from(format!("{}-wal", path.display()));
        let read = |path: &PathBuf| std::fs::read(path).unwrap_or_default();
        let before = read(&log_path).len();
        self.store.commit(changes)?;
        let (base, mut log) = (read(path), read(&log_path));
        let cut = before + dice.at(log.len() - before + 1);
        match dice.roll(3) {
            0 => log.truncate(cut),
            1 => log[cut..].fill(0),
            _ => log[cut..].iter_mut().for_each(|byte| *byte ^= dice.roll(256) as u8),
        }
        *torn.lock().expect("files") = Some(Files { base, log });
        Ok(())
    }
}

impl Store for Faulty {
    fn is_durable(&self) -> bool {
        true
    }

    fn claim(&mut self, actor: &str) -> Result<Claim, StoreError> {
        self.store.claim(actor)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let fate = std::mem::replace(&mut *self.fate.lock().expect("a fate"), Fate::Kept);
        match fate {
            Fate::Kept => return self.store.commit(changes),
            Fate::FailsKept => self.store.commit(changes)?,
            Fate::FailsGone => {}
            Fate::Torn => self.tear(changes)?,
        }
        Err(failed())
    }

    fn blob(&mut self, id: BlobId) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.blob(id)
    }

    fn snapshots(&mut self, actor: &str) -> Result<Vec<(u64, GraphHash)>, StoreError> {
        self.store.snapshots(actor)
    }

    fn log(&mut self, actor: &str, after: u64, count: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        self.store.log(actor, after, count)
    }

    fn replies(&mut self, actor: &str) -> Result<Vec<Kept>, StoreError> {
        self.store.replies(actor)
    }

    fn held(&mut self, actor: &str) -> Result<Option<Hold>, StoreError> {
        self.store.held(actor)
    }

    fn holds(&mut self) -> Result<u64, StoreError> {
        self.store.holds()
    }

    fn cut_off(&mut self, actor: &str, count: usize) -> Result<Vec<CutOff>, StoreError> {
        self.store.cut_off(actor, count)
    }

    fn actors(&mut self) -> Result<Vec<ListedActor>, StoreError> {
        self.store.actors()
    }

    fn sweep(&mut self, dry_run: bool) -> Result<Swept, StoreError> {
        self.store.sweep(dry_run)
    }

    fn size(&mut self) -> Result<u64, StoreError> {
        self.store.size()
    }

    fn check(&mut self) -> Result<Vec<String>, StoreError> {
        self.store.check()
    }
}
