//! A store in memory: the model of what every other one does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quipu_code::hash::{CodeHash, GraphHash};

use super::bytes::{Sum, blob_sum};
use super::contract::{
    BlobId, Change, Claim, CommitStep, CutOff, Entry, Hold, Kept, ListedActor, Snapshot, Store, StoreError, Swept,
};
use crate::identity::ClientId;

/// Keeps everything as long as the process lives. Clones are the same store.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    actors: BTreeMap<String, Actor>,
    blobs: BTreeMap<BlobId, Held>,
}

/// Step and bytes; no bytes if only the fact is still known.
type Reply = (u64, Option<Arc<[u8]>>);

#[derive(Default)]
struct Actor {
    claim: Option<Claim>,
    log: BTreeMap<u64, Entry>,
    replies: BTreeMap<(ClientId, u64), Reply>,
    snapshots: BTreeMap<u64, GraphHash>,
    held: Option<Hold>,
    cut: Vec<CutOff>,
    /// The states of snapshots that were cut off.
    cut_states: Vec<GraphHash>,
    /// How often something was cut off.
    turns: u64,
}

struct Held {
    bytes: Vec<u8>,
    links: Vec<CodeHash>,
    sum: Sum,
}

opaque!(MemoryStore);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        // No change is left half made: everything that can fail comes before it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn put(&mut self, id: BlobId, bytes: &[u8], links: &[CodeHash]) {
        self.blobs.entry(id).or_insert_with(|| Held {
            bytes: bytes.to_vec(),
            links: links.to_vec(),
            sum: blob_sum(id, bytes),
        });
    }

    fn step(&mut self, step: &CommitStep) {
        step.blobs.iter().for_each(|blob| self.put(blob.id, &blob.bytes, &blob.links));
        let Some(actor) = self.actors.get_mut(&*step.actor) else { return };
        actor.claim = Some(Claim { epoch: step.epoch, seq: step.seq });
        actor.log.insert(step.seq, step.entry.clone());
        for forgotten in &step.forgotten {
            let key = (forgotten.client, forgotten.request);
            match forgotten.mark {
                true => {
                    if let Some(kept) = actor.replies.get_mut(&key) {
                        kept.1 = None;
                    }
                }
                false => {
                    actor.replies.remove(&key);
                }
            }
        }
        actor.replies.insert((step.entry.client, step.entry.request), (step.seq, Some(step.reply.clone())));
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        self.put(BlobId::State(snapshot.hash), &snapshot.bytes, &[]);
        let Some(actor) = self.actors.get_mut(&*snapshot.actor) else { return };
        actor.snapshots.insert(snapshot.seq, snapshot.hash);
        actor.snapshots = actor.snapshots.split_off(&snapshot.from);
        actor.log = actor.log.split_off(&(snapshot.from + 1));
    }

    fn hold(&mut self, name: &str, held: Option<Hold>) {
        if let Some(actor) = self.actors.get_mut(name) {
            actor.held = held;
        }
    }

    fn cut(&mut self, name: &str, seq: u64, anew: bool) {
        let Some(actor) = self.actors.get_mut(name) else { return };
        actor.turns += 1;
        for (at, entry) in actor.log.split_off(&(seq + 1)) {
            let kept = actor.replies.get(&(entry.client, entry.request)).filter(|(step, _)| *step == at);
            let reply = kept.and_then(|(_, reply)| reply.as_ref()).map(|reply| reply.to_vec());
            actor.cut.push(CutOff { turn: actor.turns, seq: at, entry, reply });
        }
        actor.replies.retain(|_, (step, _)| *step <= seq);
        actor.cut_states.extend(actor.snapshots.split_off(&if anew { 0 } else { seq + 1 }).into_values());
        if let Some(claim) = &mut actor.claim {
            claim.seq = seq;
        }
        actor.held = None;
    }

    /// Blobs that something needs.
    fn needed(&self) -> BTreeSet<BlobId> {
        let mut needed = BTreeSet::new();
        for actor in self.actors.values() {
            needed.extend(actor.snapshots.values().chain(&actor.cut_states).map(|&hash| BlobId::State(hash)));
            let entries = actor.log.values().chain(actor.cut.iter().map(|cut| &cut.entry));
            let functions = entries.filter_map(|entry| entry.action.function());
            needed.extend(functions.map(|&hash| BlobId::Graph(hash)));
        }
        let links = needed.iter().filter_map(|key| self.blobs.get(key)).flat_map(|held| &held.links);
        let codes: Vec<_> = links.map(|&hash| BlobId::Code(hash)).collect();
        needed.extend(codes);
        needed
    }
}

impl Store for MemoryStore {
    fn is_durable(&self) -> bool {
        false
    }

    fn claim(&mut self, actor: &str) -> Result<Claim, StoreError> {
        let mut content = self.content();
        let actor = content.actors.entry(actor.to_owned()).or_default();
        let before = actor.claim.unwrap_or(Claim { epoch: 0, seq: 0 });
        let claim = Claim { epoch: before.epoch + 1, ..before };
        actor.claim = Some(claim);
        Ok(claim)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut content = self.content();
        let mut reached: BTreeMap<&str, u64> = BTreeMap::new();
        for change in changes {
            let (name, epoch) = change.of();
            let claim = content.actors.get(&**name).and_then(|actor| actor.claim);
            let claim = claim.filter(|claim| claim.epoch == epoch).ok_or(StoreError::Stale(name.to_string()))?;
            let seq = reached.entry(name).or_insert(claim.seq);
            let fits = match change {
                Change::Step(step) => {
                    *seq += 1;
                    step.seq == *seq
                }
                Change::Snapshot(snapshot) => snapshot.seq <= *seq,
                Change::Hold { .. } | Change::Free { .. } => true,
                Change::Cut { seq: to, anew, .. } => {
                    to <= seq && !(*anew && *to > 0) && {
                        *seq = *to;
                        true
                    }
                }
            };
            if !fits {
                return Err(StoreError::Stale(name.to_string()));
            }
        }
        for change in changes {
            match change {
                Change::Step(step) => content.step(step),
                Change::Snapshot(snapshot) => content.snapshot(snapshot),
                Change::Hold { actor, held, .. } => content.hold(actor, Some(held.clone())),
                Change::Free { actor, .. } => content.hold(actor, None),
                Change::Cut { actor, seq, anew, .. } => content.cut(actor, *seq, *anew),
            }
        }
        Ok(())
    }

    fn blob(&mut self, id: BlobId) -> Result<Option<Vec<u8>>, StoreError> {
        let content = self.content();
        let Some(held) = content.blobs.get(&id) else { return Ok(None) };
        if blob_sum(id, &held.bytes) != held.sum {
            return Err(StoreError::Damaged("a blob has changed".to_owned()));
        }
        Ok(Some(held.bytes.clone()))
    }

    fn snapshots(&mut self, actor: &str) -> Result<Vec<(u64, GraphHash)>, StoreError> {
        let content = self.content();
        let actor = content.actors.get(actor);
        Ok(actor.map_or_else(Vec::new, |actor| actor.snapshots.iter().rev().map(|(&seq, &hash)| (seq, hash)).collect()))
    }

    fn log(&mut self, actor: &str, after: u64, count: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        let content = self.content();
        let Some(actor) = content.actors.get(actor) else { return Ok(Vec::new()) };
        let entries = actor.log.range(after.saturating_add(1)..).take(count);
        Ok(entries.map(|(&seq, entry)| (seq, entry.clone())).collect())
    }

    fn replies(&mut self, actor: &str) -> Result<Vec<Kept>, StoreError> {
        let content = self.content();
        let Some(actor) = content.actors.get(actor) else { return Ok(Vec::new()) };
        let mut kept: Vec<Kept> = (actor.replies.iter())
            .map(|(&(client, request), (seq, reply))| Kept {
                client,
                request,
                seq: *seq,
                reply: reply.as_ref().map(|reply| reply.to_vec()),
            })
            .collect();
        kept.sort_by_key(|kept| kept.seq);
        Ok(kept)
    }

    fn held(&mut self, actor: &str) -> Result<Option<Hold>, StoreError> {
        Ok(self.content().actors.get(actor).and_then(|actor| actor.held.clone()))
    }

    fn holds(&mut self) -> Result<u64, StoreError> {
        Ok(self.content().actors.values().filter(|actor| actor.held.is_some()).count() as u64)
    }

    fn cut_off(&mut self, actor: &str, count: usize) -> Result<Vec<CutOff>, StoreError> {
        let content = self.content();
        let cut = content.actors.get(actor).map_or(&[][..], |actor| &actor.cut);
        Ok(cut[cut.len().saturating_sub(count)..].to_vec())
    }

    fn actors(&mut self) -> Result<Vec<ListedActor>, StoreError> {
        let content = self.content();
        let claimed = content.actors.iter().filter_map(|(name, actor)| Some((name, actor.claim?, &actor.held)));
        let listed = claimed.map(|(name, Claim { epoch, seq }, held)| {
            let held = held.as_ref().map(|held| held.step);
            ListedActor { name: name.clone(), epoch, seq, held }
        });
        Ok(listed.collect())
    }

    fn sweep(&mut self, dry_run: bool) -> Result<Swept, StoreError> {
        let mut content = self.content();
        let needed = content.needed();
        let mut swept = Swept::default();
        content.blobs.retain(|key, held| {
            let stays = needed.contains(key);
            match stays {
                true => swept.kept += 1,
                false => {
                    swept.blobs += 1;
                    swept.bytes += held.bytes.len() as u64;
                }
            }
            stays || dry_run
        });
        Ok(swept)
    }

    fn size(&mut self) -> Result<u64, StoreError> {
        let content = self.content();
        let blobs: usize = content.blobs.values().map(|held| held.bytes.len()).sum();
        let logs = content.actors.values().flat_map(|actor| actor.log.values()).map(|entry| entry.args.len() + 200);
        let replies = content.actors.values().flat_map(|actor| actor.replies.values());
        let replies = replies.map(|(_, reply)| 150 + reply.as_ref().map_or(0, |reply| reply.len()));
        Ok((blobs + logs.sum::<usize>() + replies.sum::<usize>()) as u64)
    }

    fn check(&mut self) -> Result<Vec<String>, StoreError> {
        let content = self.content();
        let missing = content.needed().into_iter().filter(|key| !content.blobs.contains_key(key)).count();
        let broken = content.blobs.iter().filter(|(id, held)| blob_sum(**id, &held.bytes) != held.sum);
        let found = [(missing, "blobs are missing"), (broken.count(), "blobs are damaged")];
        Ok(found.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect())
    }
}
