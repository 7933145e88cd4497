//! What stores keep, and what each of them can do.

use std::fmt;
use std::sync::Arc;

use quipu_code::hash::{CodeHash, GraphHash};
use quipu_stdlib::EngineEdition;

use crate::identity::ClientId;

/// The version of what is stored, in every backend.
pub const STORE_VERSION: u32 = 2;

/// What a blob is known by: its kind, and a hash. The kinds have numbers in what is stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BlobId {
    /// 1: the thin image of a function, under its graph's hash. It links to its code.
    Graph(GraphHash),
    /// 2: a code object and its debug information, under the code's hash.
    Code(CodeHash),
    /// 3: the image of an actor's state, under its graph's hash.
    State(GraphHash),
}

impl BlobId {
    /// The number of the kind, and the hash.
    pub fn parts(&self) -> (u8, &[u8; 32]) {
        match self {
            BlobId::Graph(hash) => (1, &hash.0),
            BlobId::Code(hash) => (2, &hash.0),
            BlobId::State(hash) => (3, &hash.0),
        }
    }

    /// What has this kind and hash.
    pub fn of(kind: u8, hash: [u8; 32]) -> Option<BlobId> {
        Some(match kind {
            1 => BlobId::Graph(GraphHash(hash)),
            2 => BlobId::Code(CodeHash(hash)),
            3 => BlobId::State(GraphHash(hash)),
            _ => return None,
        })
    }
}

/// Bytes under a hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredBlob {
    /// What they are known by.
    pub id: BlobId,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The code objects that are needed with it.
    pub links: Vec<CodeHash>,
}

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// A function was called.
    Call(GraphHash),
    /// What is installed under this name was called.
    Invoke(String),
    /// A function was installed under this name.
    Install(String, GraphHash),
}

impl Action {
    /// The function that the entry cannot be repeated without.
    pub fn function(&self) -> Option<&GraphHash> {
        match self {
            Action::Call(hash) | Action::Install(_, hash) => Some(hash),
            Action::Invoke(_) => None,
        }
    }
}

/// One line of an actor's log: enough to do it again, and to see whether the same came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What was done.
    pub action: Action,
    /// The image of the list of arguments, with its code.
    pub args: Vec<u8>,
    /// Who asked.
    pub client: ClientId,
    /// The client's number for it.
    pub request: u64,
    /// The hash of what it gave.
    pub outcome: GraphHash,
    /// The edition of the engine that carried it out; none in what was written before that was kept.
    pub engine: Option<EngineEdition>,
}

/// A reply that is no longer kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forgotten {
    /// Whose.
    pub client: ClientId,
    /// For which request.
    pub request: u64,
    /// Whether it stays known that the request was carried out.
    pub mark: bool,
}

/// A call that has ended well, and all that has to be kept with it.
#[derive(Clone, Debug)]
pub struct CommitStep {
    /// The actor.
    pub actor: Arc<str>,
    /// The epoch in which it was claimed.
    pub epoch: u64,
    /// One more than that of the step before.
    pub seq: u64,
    /// For the log.
    pub entry: Entry,
    /// For the client.
    pub reply: Arc<[u8]>,
    /// What is forgotten in its place.
    pub forgotten: Vec<Forgotten>,
    /// What the entry needs. Those that are there already stay as they are.
    pub blobs: Arc<[StoredBlob]>,
}

/// The state of an actor after a step.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The actor.
    pub actor: Arc<str>,
    /// The epoch in which it was claimed.
    pub epoch: u64,
    /// The last step that is in it.
    pub seq: u64,
    /// The hash of the state.
    pub hash: GraphHash,
    /// The image of the state.
    pub bytes: Vec<u8>,
    /// Snapshots before this step, and entries up to it, are not needed any more.
    pub from: u64,
}

/// Why an actor does not come back. It is held until somebody decides how it goes on; nothing of it is lost.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Hold {
    /// The step that cannot be repeated; 0 if no state can be read to begin with.
    pub step: u64,
    /// Why, for people.
    pub reason: String,
    /// The edition of the engine that carried the step out, if that is known.
    pub written: Option<EngineEdition>,
    /// The edition of the engine that could not repeat it.
    pub engine: EngineEdition,
    /// The hash of what the step gave.
    pub gave: Option<GraphHash>,
    /// That, as source, if it is still kept.
    pub gave_text: Option<String>,
    /// The hash of what it gives now.
    pub gives: Option<GraphHash>,
    /// That, as source, or how it ends now.
    pub gives_text: Option<String>,
}

/// What is to be kept, in order. All of it or nothing.
#[derive(Clone, Debug)]
pub enum Change {
    /// A step.
    Step(CommitStep),
    /// A snapshot.
    Snapshot(Snapshot),
    /// An actor that is held from now on.
    Hold {
        /// The actor.
        actor: Arc<str>,
        /// The epoch in which it was claimed.
        epoch: u64,
        /// Why.
        held: Hold,
    },
    /// An actor that is held no more.
    Free {
        /// The actor.
        actor: Arc<str>,
        /// The epoch in which it was claimed.
        epoch: u64,
    },
    /// All steps and snapshots after one are taken back, and kept apart. The actor is held no more.
    Cut {
        /// The actor.
        actor: Arc<str>,
        /// The epoch in which it was claimed.
        epoch: u64,
        /// The last step that stays.
        seq: u64,
        /// Whether all snapshots go, so that it begins anew. Only with step 0.
        anew: bool,
    },
}

impl Change {
    /// The actor, and the epoch in which it was claimed.
    pub fn of(&self) -> (&Arc<str>, u64) {
        match self {
            Change::Step(CommitStep { actor, epoch, .. })
            | Change::Snapshot(Snapshot { actor, epoch, .. })
            | Change::Hold { actor, epoch, .. }
            | Change::Free { actor, epoch }
            | Change::Cut { actor, epoch, .. } => (actor, *epoch),
        }
    }
}

/// A step that was taken back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CutOff {
    /// Counts from 1 how often something of this actor was cut off.
    pub turn: u64,
    /// The step.
    pub seq: u64,
    /// What was done.
    pub entry: Entry,
    /// What the client was told, if that was still kept.
    pub reply: Option<Vec<u8>>,
}

/// An actor that was claimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Larger than that of every claim before.
    pub epoch: u64,
    /// Its last step.
    pub seq: u64,
}

/// A reply that is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Whose.
    pub client: ClientId,
    /// For which request.
    pub request: u64,
    /// The step that gave it.
    pub seq: u64,
    /// What the client was told; none if only the fact is still known.
    pub reply: Option<Vec<u8>>,
}

/// An actor as operators see it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ListedActor {
    /// Its name.
    pub name: String,
    /// The epoch of its last claim.
    pub epoch: u64,
    /// Its last step.
    pub seq: u64,
    /// The step at which it is held, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
}

/// What a sweep has removed, or would.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Swept {
    /// Blobs that nothing needs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that stay.
    pub kept: u64,
}

/// Why a store does not do what it is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// Reading, writing or making durable has failed. What was to be written may be there or not.
    Io(String),
    /// What it holds is not what it was told to hold.
    Damaged(String),
    /// Somebody else has claimed the actor, or the step is not the next one.
    Stale(String),
    /// It is of a newer version.
    Newer {
        /// The version that was found.
        found: u32,
    },
    /// Somebody else has it open.
    InUse,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Io(what) => write!(f, "the store failed: {what}"),
            StoreError::Damaged(what) => write!(f, "the store is damaged: {what}"),
            StoreError::Stale(actor) => write!(f, "actor `{actor}` was claimed by somebody else"),
            StoreError::Newer { found } => {
                write!(f, "the store has version {found}, and this program knows versions up to {STORE_VERSION}")
            }
            StoreError::InUse => write!(f, "the store is in use by another process"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Where actors are kept. Whether one keeps to what is said here, [`suite::conforms`](super::suite::conforms) asks.
pub trait Store: Send {
    /// Whether what is committed outlives the process.
    fn is_durable(&self) -> bool;

    /// Takes an actor over; whoever had it before can commit no more. An unknown one begins at step 0.
    ///
    /// # Errors
    /// Those of the store.
    fn claim(&mut self, actor: &str) -> Result<Claim, StoreError>;

    /// Keeps these changes. When it returns they are kept for good, all of them.
    ///
    /// # Errors
    /// One of them does not fit, and none is kept; or the store failed.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;

    /// A blob, checked.
    ///
    /// # Errors
    /// It is not what was put there.
    fn blob(&mut self, id: BlobId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Steps of an actor's snapshots and the hashes of their states, newest first.
    ///
    /// # Errors
    /// Those of the store.
    fn snapshots(&mut self, actor: &str) -> Result<Vec<(u64, GraphHash)>, StoreError>;

    /// At most `count` entries of an actor behind step `after`, in order, checked.
    ///
    /// # Errors
    /// An entry is not what was put there.
    fn log(&mut self, actor: &str, after: u64, count: usize) -> Result<Vec<(u64, Entry)>, StoreError>;

    /// The replies that are kept for an actor, by step.
    ///
    /// # Errors
    /// Those of the store.
    fn replies(&mut self, actor: &str) -> Result<Vec<Kept>, StoreError>;

    /// Why an actor is held, if it is.
    ///
    /// # Errors
    /// It is not what was put there.
    fn held(&mut self, actor: &str) -> Result<Option<Hold>, StoreError>;

    /// How many actors are held.
    ///
    /// # Errors
    /// Those of the store.
    fn holds(&mut self) -> Result<u64, StoreError>;

    /// What was cut off of an actor, the last `count` steps of it, in order, checked.
    ///
    /// # Errors
    /// A step is not what was put there.
    fn cut_off(&mut self, actor: &str, count: usize) -> Result<Vec<CutOff>, StoreError>;

    /// All actors, by name.
    ///
    /// # Errors
    /// Those of the store.
    fn actors(&mut self) -> Result<Vec<ListedActor>, StoreError>;

    /// Removes the blobs that no entry and no snapshot needs, or only counts them.
    ///
    /// # Errors
    /// Those of the store.
    fn sweep(&mut self, dry_run: bool) -> Result<Swept, StoreError>;

    /// Bytes that it takes, about.
    ///
    /// # Errors
    /// Those of the store.
    fn size(&mut self) -> Result<u64, StoreError>;

    /// Checks everything that can be checked without running anything. Gives what is wrong.
    ///
    /// # Errors
    /// It cannot be read at all.
    fn check(&mut self) -> Result<Vec<String>, StoreError>;
}
