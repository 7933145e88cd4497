//! Money is moved while the store fails and the process dies at every commit boundary: nothing that was acknowledged is
//! lost, nothing happens twice, and the sum stays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::common::{Client, done, fat, node_with, shown};
use quipu_actor::call::{CallOutcome, Target};
use quipu_actor::node::NodeOptions;
use quipu_actor::store::suite::conforms;
use quipu_actor::store::{
    BlobId, Change, Claim, CutOff, Entry, Hold, Kept, ListedActor, MemoryStore, Store, StoreError, Swept,
};
use quipu_code::hash::GraphHash;

const TRANSFER: &str = "|state, from, to, amount| {
    state[from] -= amount
    state.moved = state.get(\"moved\", 0) + 1
    if state[from] < 0 { throw error(\"too little\") }
    state[to] += amount
    state.moved
}";

/// When a store stops to work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// Nothing of the commit is kept.
    Before,
    /// The commit is kept, but nobody is told.
    After,
}

/// A store whose commits fail for good from one on. What was kept is in `memory`, as on a disk.
struct Failing {
    memory: MemoryStore,
    left: Arc<Mutex<u64>>,
    fault: Fault,
    is_durable: bool,
}

impl Store for Failing {
    fn is_durable(&self) -> bool {
        self.is_durable
    }

    fn claim(&mut self, actor: &str) -> Result<Claim, StoreError> {
        self.memory.claim(actor)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut left = self.left.lock().expect("a number");
        if *left > 0 {
            *left -= 1;
            return self.memory.commit(changes);
        }
        if self.fault == Fault::After {
            self.memory.commit(changes)?;
        }
        // It would work the next time, so a node that tries again is found out.
        *left = u64::MAX;
        Err(StoreError::Io("the disk is gone".to_owned()))
    }

    fn blob(&mut self, id: BlobId) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.blob(id)
    }

    fn snapshots(&mut self, actor: &str) -> Result<Vec<(u64, GraphHash)>, StoreError> {
        self.memory.snapshots(actor)
    }

    fn log(&mut self, actor: &str, after: u64, count: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        self.memory.log(actor, after, count)
    }

    fn replies(&mut self, actor: &str) -> Result<Vec<Kept>, StoreError> {
        self.memory.replies(actor)
    }

    fn held(&mut self, actor: &str) -> Result<Option<Hold>, StoreError> {
        self.memory.held(actor)
    }

    fn holds(&mut self) -> Result<u64, StoreError> {
        self.memory.holds()
    }

    fn cut_off(&mut self, actor: &str, count: usize) -> Result<Vec<CutOff>, StoreError> {
        self.memory.cut_off(actor, count)
    }

    fn actors(&mut self) -> Result<Vec<ListedActor>, StoreError> {
        self.memory.actors()
    }

    fn sweep(&mut self, dry_run: bool) -> Result<Swept, StoreError> {
        self.memory.sweep(dry_run)
    }

    fn size(&mut self) -> Result<u64, StoreError> {
        self.memory.size()
    }

    fn check(&mut self) -> Result<Vec<String>, StoreError> {
        self.memory.check()
    }
}

/// Moves money through `lives` processes, each of which dies at a commit that the seed decides.
fn bank(seed: u64, lives: u64) {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let memory = MemoryStore::new();
    let options = NodeOptions::default().init(Some(fat("[a: 100, b: 100, c: 100]"))).snapshot(1 + next(6)).replies(64);
    let mut acknowledged: HashMap<u64, String> = HashMap::new();
    let mut request = 0;
    let mut pending = None;
    for _ in 0..lives {
        let fault = if next(2) == 0 { Fault::Before } else { Fault::After };
        let left = Arc::new(Mutex::new(next(12)));
        let store = Failing { memory: memory.clone(), left, fault, is_durable: next(2) == 0 };
        let node = node_with(store, options.clone());
        let client = Client::new(&node, 1);
        let target = Target::Function(client.send(TRANSFER));
        loop {
            let args = pending.take().unwrap_or_else(|| {
                request += 1;
                let (from, to) = (next(3), next(3));
                format!("[\"{}\", \"{}\", {}]", ["a", "b", "c"][from as usize], ["a", "b", "c"][to as usize], next(60))
            });
            match client.wait(client.request(request, "bank", target.clone(), &args)) {
                Some(CallOutcome::Done(bytes)) => {
                    acknowledged.insert(request, shown(&bytes));
                }
                Some(CallOutcome::Failed { .. }) => {}
                // Nobody knows; it is asked for again in the next life, as a client does it.
                _ => {
                    pending = Some(args);
                    break;
                }
            }
        }
        assert!(node.failure().is_some());
    }
    let node = node_with(memory.clone(), options);
    let client = Client::new(&node, 1);
    if let Some(args) = pending {
        let target = Target::Function(client.send(TRANSFER));
        if let Some(CallOutcome::Done(bytes)) = client.wait(client.request(request, "bank", target, &args)) {
            acknowledged.insert(request, shown(&bytes));
        }
    }
    let read = Target::Function(client.send("|s| (s.a + s.b + s.c, s.get(\"moved\", 0))"));
    let state = done(client.wait(client.request(request + 1, "bank", read, "[]")).expect("an outcome"));
    // Each that has ended well counted itself, so the numbers are those from 1 on: none missing, none twice.
    assert_eq!(state, format!("(300, {})", acknowledged.len()), "seed {seed}");
    let mut numbers: Vec<u64> = acknowledged.values().map(|number| number.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=acknowledged.len() as u64).collect::<Vec<_>>(), "seed {seed}");
    drop(node);
    let mut memory = memory;
    assert_eq!(quipu_actor::node::check(&mut memory).expect("a store").wrong, Vec::<String>::new(), "seed {seed}");
}

#[test]
fn a_store_that_does_not_fail_yet_conforms() {
    let memory = MemoryStore::new();
    let open = || {
        let left = Arc::new(Mutex::new(u64::MAX));
        Box::new(Failing { memory: memory.clone(), left, fault: Fault::Before, is_durable: true })
    };
    conforms(open(), |_| open());
}

#[test]
fn money_stays_whatever_fails_when() {
    let seeds = std::env::var("BANK_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40);
    (1..=seeds).for_each(|seed| bank(seed, 6));
}
