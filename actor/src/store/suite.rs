//! What every store must do, in whatever it keeps things: for the tests of those who write one.
//!
//! ```
//! use quipu_actor::store::{MemoryStore, suite};
//!
//! let memory = MemoryStore::new();
//! suite::conforms(Box::new(memory.clone()), |_| Box::new(memory.clone()));
//! ```

use quipu_code::hash::{CodeHash, GraphHash};
use quipu_stdlib::EngineEdition;

use super::contract::{
    Action, BlobId, Change, Claim, CommitStep, Entry, Forgotten, Hold, Snapshot, Store, StoreError, StoredBlob, Swept,
};
use crate::identity::ClientId;

/// Asks a store that is empty for everything that is said of [stores](Store). `reopen` gives the same store anew, and takes
/// away the one before.
///
/// # Panics
/// The store does something else.
pub fn conforms(mut store: Box<dyn Store>, reopen: impl Fn(Box<dyn Store>) -> Box<dyn Store>) {
    // Nothing is there.
    assert_eq!(store.actors(), Ok(Vec::new()));
    assert_eq!(store.blob(code(1)), Ok(None));
    assert_eq!(store.log("a", 0, 10), Ok(Vec::new()));
    assert_eq!(store.replies("a"), Ok(Vec::new()));
    // Nobody commits to what is not theirs.
    assert!(matches!(store.commit(&steps("a", 1, 1..=1)), Err(StoreError::Stale(_))));
    assert_eq!(store.claim("a"), Ok(Claim { epoch: 1, seq: 0 }));
    assert_eq!(store.claim("b"), Ok(Claim { epoch: 1, seq: 0 }));
    store.commit(&[snapshot("a", 1, 0, 0)]).expect("a snapshot");
    // Several actors in one commit; steps come one after the other.
    let both = [steps("a", 1, 1..=3), steps("b", 1, 1..=2)].concat();
    store.commit(&both).expect("steps");
    for wrong in [steps("a", 1, 3..=3), steps("a", 1, 5..=5), steps("a", 2, 4..=4)] {
        assert!(matches!(store.commit(&wrong), Err(StoreError::Stale(_))));
    }
    assert!(matches!(store.commit(&[snapshot("a", 1, 9, 0)]), Err(StoreError::Stale(_))));
    // All or nothing, over all actors.
    let half = [steps("b", 1, 3..=3), steps("a", 1, 7..=7)].concat();
    assert!(matches!(store.commit(&half), Err(StoreError::Stale(_))));
    assert_eq!(store.log("b", 0, 10).expect("a log").len(), 2);
    assert_eq!(store.blob(function(1003)).expect("a store"), Some(b"blob 1003".to_vec()));
    // It stays, and who claims it again has it alone.
    store = reopen(store);
    assert_eq!(store.claim("a"), Ok(Claim { epoch: 2, seq: 3 }));
    assert!(matches!(store.commit(&steps("a", 1, 4..=4)), Err(StoreError::Stale(_))));
    store.commit(&steps("a", 2, 4..=6)).expect("steps");
    let log = store.log("a", 1, 3).expect("a log");
    assert_eq!(log.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(log[0].1, step("a", 1, 2).entry);
    let replies = store.replies("a").expect("replies");
    assert_eq!(
        replies.iter().map(|kept| (kept.request, kept.seq)).collect::<Vec<_>>(),
        (1..=6).map(|n| (n, n)).collect::<Vec<_>>()
    );
    // Replies are forgotten, some of them with a mark.
    let forgotten = vec![
        Forgotten { client: ClientId(hash(7)), request: 1, mark: false },
        Forgotten { client: ClientId(hash(7)), request: 2, mark: true },
    ];
    store.commit(&[Change::Step(CommitStep { forgotten, ..step("a", 2, 7) })]).expect("a step");
    let replies = store.replies("a").expect("replies");
    assert_eq!((replies.len(), replies[0].request, replies[0].reply.as_ref()), (6, 2, None));
    assert_eq!(replies[1].reply.as_deref(), Some(&b"reply 3"[..]));
    // Snapshots, and the history before them.
    store.commit(&[snapshot("a", 2, 5, 0)]).expect("a snapshot");
    store.commit(&[snapshot("a", 2, 7, 5)]).expect("a snapshot");
    store = reopen(store);
    assert_eq!(store.snapshots("a"), Ok(vec![(7, graph(5007)), (5, graph(5005))]));
    assert_eq!(store.log("a", 0, 10).expect("a log").iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [6, 7]);
    // What nothing needs is swept: the functions of a's steps 3 to 5 (b has 1 and 2) and the first state.
    assert_eq!(store.check(), Ok(Vec::new()));
    let swept = store.sweep(true).expect("a sweep");
    assert_eq!((swept.blobs, swept.kept), (4, 4 + 1 + 2));
    assert_eq!(store.sweep(false), Ok(swept));
    assert_eq!(store.sweep(false), Ok(Swept { kept: swept.kept, ..Swept::default() }));
    assert_eq!(store.blob(function(1004)), Ok(None));
    assert!(store.blob(code(1)).expect("a store").is_some());
    assert_eq!(store.check(), Ok(Vec::new()));
    // What was swept can come again.
    store.commit(&[Change::Step(CommitStep { blobs: step("a", 2, 4).blobs, ..step("a", 3 - 1, 8) })]).expect("a step");
    assert!(store.blob(function(1004)).expect("a store").is_some());
    let listed = store.actors().expect("actors");
    assert_eq!(
        listed.iter().map(|l| (l.name.as_str(), l.epoch, l.seq, l.held)).collect::<Vec<_>>(),
        [("a", 2, 8, None), ("b", 1, 2, None)]
    );
    assert!(store.size().expect("a size") > 0);
    store = holds(store, &reopen);
    cuts(store, &reopen);
}

/// Actors are held and held no more. `a` is at step 8 in epoch 2.
fn holds(mut store: Box<dyn Store>, reopen: &impl Fn(Box<dyn Store>) -> Box<dyn Store>) -> Box<dyn Store> {
    let held = Hold {
        step: 8,
        reason: "it gives something else".to_owned(),
        written: None,
        engine: EngineEdition(hash(99)),
        gave: Some(graph(8)),
        gave_text: Some("8".to_owned()),
        gives: None,
        gives_text: None,
    };
    let hold = |epoch, step| Change::Hold { actor: "a".into(), epoch, held: Hold { step, ..held.clone() } };
    assert!(matches!(store.commit(&[hold(1, 8)]), Err(StoreError::Stale(_))));
    assert_eq!((store.held("a"), store.holds()), (Ok(None), Ok(0)));
    store.commit(&[hold(2, 7)]).expect("a hold");
    store.commit(&[hold(2, 8)]).expect("another");
    store = reopen(store);
    assert_eq!((store.held("a"), store.held("b"), store.holds()), (Ok(Some(held.clone())), Ok(None), Ok(1)));
    assert_eq!(store.actors().expect("actors")[0].held, Some(8));
    let free = |epoch| Change::Free { actor: "a".into(), epoch };
    assert!(matches!(store.commit(&[free(1)]), Err(StoreError::Stale(_))));
    store.commit(&[free(2)]).expect("it is free");
    assert_eq!((store.held("a"), store.holds()), (Ok(None), Ok(0)));
    store.commit(&[hold(2, 8)]).expect("a hold");
    store
}

/// What is cut off is gone and kept, and what it needs stays.
fn cuts(mut store: Box<dyn Store>, reopen: &impl Fn(Box<dyn Store>) -> Box<dyn Store>) {
    let cut = |epoch, seq, anew| Change::Cut { actor: "a".into(), epoch, seq, anew };
    for wrong in [cut(1, 6, false), cut(2, 9, false), cut(2, 6, true)] {
        assert!(matches!(store.commit(&[wrong]), Err(StoreError::Stale(_))));
    }
    assert_eq!(store.cut_off("a", 10), Ok(Vec::new()));
    store.commit(&[cut(2, 6, false)]).expect("a cut");
    store = reopen(store);
    assert_eq!(store.claim("a"), Ok(Claim { epoch: 3, seq: 6 }));
    assert_eq!((store.held("a"), store.holds()), (Ok(None), Ok(0)));
    assert_eq!(store.snapshots("a"), Ok(vec![(5, graph(5005))]));
    assert_eq!(store.log("a", 0, 10).expect("a log").iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [6]);
    assert_eq!(store.replies("a").expect("replies").iter().map(|kept| kept.seq).max(), Some(6));
    let found = store.cut_off("a", 10).expect("steps");
    assert_eq!(found.iter().map(|cut| (cut.turn, cut.seq)).collect::<Vec<_>>(), [(1, 7), (1, 8)]);
    assert_eq!(found[0].entry, step("a", 2, 7).entry);
    assert_eq!(found[0].reply.as_deref(), Some(&b"reply 7"[..]));
    assert_eq!(store.cut_off("a", 1).expect("steps"), found[1..]);
    assert_eq!(store.cut_off("b", 9), Ok(Vec::new()));
    // It goes on, and is cut again, together with what comes after.
    let other = CommitStep { blobs: step("a", 3, 8).blobs, ..step("a", 3, 7) };
    store.commit(&[Change::Step(other.clone()), cut(3, 6, false), Change::Step(other)]).expect("a step");
    assert_eq!(store.claim("a"), Ok(Claim { epoch: 4, seq: 7 }));
    store.sweep(false).expect("a sweep");
    assert!(store.blob(function(1007)).expect("a store").is_some());
    assert!(store.blob(state(5007)).expect("a store").is_some());
    assert_eq!(store.check(), Ok(Vec::new()));
    // From the beginning.
    store.commit(&[cut(4, 0, true)]).expect("a cut");
    store = reopen(store);
    assert_eq!(store.claim("a"), Ok(Claim { epoch: 5, seq: 0 }));
    assert_eq!((store.snapshots("a"), store.log("a", 0, 10)), (Ok(Vec::new()), Ok(Vec::new())));
    let found = store.cut_off("a", 10).expect("steps");
    assert_eq!(
        found.iter().map(|cut| (cut.turn, cut.seq)).collect::<Vec<_>>(),
        [(1, 7), (1, 8), (2, 7), (3, 6), (3, 7)]
    );
    assert_eq!(store.log("b", 0, 10).expect("a log").len(), 2);
    store.sweep(false).expect("a sweep");
    assert_eq!(store.check(), Ok(Vec::new()));
    store.commit(&[snapshot("a", 5, 0, 0)]).expect("a snapshot");
    store.commit(&steps("a", 5, 1..=1)).expect("a step");
}

fn hash(n: u64) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&n.to_le_bytes());
    hash
}

fn graph(n: u64) -> GraphHash {
    GraphHash(hash(n))
}

/// The id of the function that step `n - 1000` of an actor needs.
pub fn function(n: u64) -> BlobId {
    BlobId::Graph(graph(n))
}

fn code(n: u64) -> BlobId {
    BlobId::Code(CodeHash(hash(n)))
}

fn state(n: u64) -> BlobId {
    BlobId::State(graph(n))
}

fn blob(n: u64) -> Vec<u8> {
    format!("blob {n}").into_bytes()
}

/// Step `seq` of an actor, with a function of its own and one code object that all functions share.
fn step(actor: &str, epoch: u64, seq: u64) -> CommitStep {
    let entry = Entry {
        action: Action::Call(graph(1000 + seq)),
        args: format!("args {seq}").into_bytes(),
        client: ClientId(hash(7)),
        request: seq,
        outcome: graph(seq),
        engine: seq.is_multiple_of(2).then(|| EngineEdition(hash(99))),
    };
    let blobs = [
        StoredBlob { id: code(1), bytes: blob(1), links: Vec::new() },
        StoredBlob { id: function(1000 + seq), bytes: blob(1000 + seq), links: vec![CodeHash(hash(1))] },
    ];
    let reply = format!("reply {seq}").into_bytes().into();
    CommitStep { actor: actor.into(), epoch, seq, entry, reply, forgotten: Vec::new(), blobs: blobs.into() }
}

fn snapshot(actor: &str, epoch: u64, seq: u64, from: u64) -> Change {
    let (hash, bytes) = (graph(5000 + seq), blob(5000 + seq));
    Change::Snapshot(Snapshot { actor: actor.into(), epoch, seq, from, hash, bytes })
}

/// The steps of an actor from one to another.
pub fn steps(actor: &str, epoch: u64, range: std::ops::RangeInclusive<u64>) -> Vec<Change> {
    range.map(|seq| Change::Step(step(actor, epoch, seq))).collect()
}
