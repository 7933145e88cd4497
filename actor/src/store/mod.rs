//! Stores: where actors are kept, behind one trait, and what every backend of it must keep to.
//!
//! ```text
//! an actor   epoch, seq                 the epoch grows with every claim; seq is that of its last step
//! a step     actor, epoch, seq          one call that has ended well, in one piece:
//!            entry                        what was called, with what, by whom, on which engine, the hash of what it gave
//!            reply                        what the client is told, so that a repeated request is not run again
//!            forgotten                    replies that are no longer kept
//!            blobs                        functions that the entry needs
//! a snapshot actor, seq -> blob         the state after that step
//! a hold     actor -> held              why it does not come back; it carries out nothing until somebody has decided
//! cut off    actor, turn, step, reply   steps that somebody has taken back
//! a blob     kind, hash -> bytes, links  a graph, a code object or a state
//! ```
//!
//! Whatever a store gives back, it has checked against a checksum it made when it was told. An error of a store is
//! final: whoever gets one stops, and opens it again.

mod contract;
mod bytes;
mod memory;
#[cfg(feature = "sqlite")]
mod rows;
#[cfg(feature = "sqlite")]
mod private;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod suite;

pub use contract::{
    Action, BlobId, Change, Claim, CommitStep, CutOff, Entry, Forgotten, Hold, Kept, ListedActor, STORE_VERSION,
    Snapshot, Store, StoreError, StoredBlob, Swept,
};
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
