//! How an actor comes back: the newest snapshot that is whole, and all calls since, each of which must give what it gave.
//! One that does not come back is held, with the step and both results.

use std::fmt;
use std::sync::Arc;

use quipu_code::hash::GraphHash;
use quipu_stdlib::engine_edition;
use quipu_vm::{Failure, Image};

use super::access::Access;
use super::functions::Functions;
use super::machine::{Bounds, Doing, Ended, Given, Machine, text};
use super::options::NodeOptions;
use super::vault::Vault;
use crate::call::CallOutcome;
use crate::store::{Action, BlobId, Change, Claim, Entry, Hold, StoreError};

/// Entries that are read at once.
const PAGE: usize = 256;

/// An actor that is as it was.
pub(super) struct Recovered {
    pub machine: Machine,
    /// Steps of its snapshots, oldest first.
    pub snapshots: Vec<u64>,
    /// Bytes of the newest one.
    pub state_bytes: usize,
    /// Calls that were made again.
    pub replayed: u64,
}

/// Why an actor does not come back.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RecoverError {
    /// The store.
    Store(StoreError),
    /// A step cannot be repeated as it was, or there is no state to begin with.
    Held(Box<Hold>),
    /// The state with which it is to begin is none.
    Init(String),
}

impl fmt::Display for RecoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecoverError::Store(error) => error.fmt(f),
            RecoverError::Held(held) => held.fmt(f),
            RecoverError::Init(what) => write!(f, "the first state cannot be used: {what}"),
        }
    }
}

impl std::error::Error for RecoverError {}

impl From<StoreError> for RecoverError {
    fn from(error: StoreError) -> RecoverError {
        RecoverError::Store(error)
    }
}

impl RecoverError {
    /// What whoever calls the actor is told; others have to know of what is no hold.
    pub(super) fn refusal(self, actor: &str) -> String {
        match self {
            RecoverError::Held(held) => held.refusal(actor),
            error => {
                tracing::error!(actor, %error, "does not come back");
                error.to_string()
            }
        }
    }
}

impl fmt::Display for Hold {
    /// Where and why, and nothing that a program has made.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            0 => write!(f, "{}", self.reason)?,
            step => write!(f, "call {step} cannot be repeated: {}", self.reason)?,
        }
        match &self.written {
            Some(written) if *written != self.engine => {
                let (written, engine) = (format!("{written:.8}"), format!("{:.8}", self.engine));
                write!(f, " (engine {written} carried it out, this is {engine})")
            }
            _ => Ok(()),
        }
    }
}

impl Hold {
    /// That the actor is held, and who can do what.
    fn refusal(&self, actor: &str) -> String {
        let to = match self.step {
            0 => "vm actor recover ADDRESS NAME --to 0".to_owned(),
            step => format!("vm actor recover ADDRESS NAME --to {}` or `--accept", step - 1),
        };
        format!("the actor {actor:?} is held, and nothing of it is lost: {self}; its operator goes on with `{to}`")
    }
}

/// A machine in the state with which actors begin.
pub(super) fn begin(options: &NodeOptions) -> Result<Machine, RecoverError> {
    let failed = |failure: Failure| RecoverError::Init(failure.to_string());
    let mut machine = Machine::new(options.heap).map_err(failed)?;
    if let Some(init) = &options.init {
        let image = Image::parse(init, &()).map_err(|error| RecoverError::Init(error.to_string()))?;
        machine.begin(&image).map_err(failed)?;
    }
    Ok(machine)
}

/// What is done with a step that gives something else than it gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Strictness {
    /// The actor is held.
    Same,
    /// What it gives now counts; one that gives nothing has done nothing.
    Whatever,
}

/// Nothing, unless an actor is held that this engine could not bring back. What another engine could not, it tries.
pub(super) fn not_held(vault: &Vault, actor: &str) -> Result<(), RecoverError> {
    match vault.with(|store| store.held(actor))? {
        Some(held) if held.engine == engine_edition() => Err(RecoverError::Held(Box::new(held))),
        _ => Ok(()),
    }
}

/// Brings an actor back that was claimed and has a snapshot. If it does not come back, it is held from now on.
pub(super) fn recover_or_hold(
    vault: &Vault,
    functions: &Functions,
    actor: &Arc<str>,
    claim: Claim,
) -> Result<Recovered, RecoverError> {
    let (actor, epoch) = (actor.clone(), claim.epoch);
    match recover(&mut &*vault, functions, &actor, claim.seq) {
        Ok(recovered) => {
            if vault.with(|store| store.held(&actor))?.is_some() {
                vault.commit(Change::Free { actor, epoch }, Box::new(|| {}));
            }
            Ok(recovered)
        }
        Err(RecoverError::Held(held)) => {
            tracing::error!(actor = &*actor, held = %held, "held");
            vault.commit(Change::Hold { actor, epoch, held: (*held).clone() }, Box::new(|| {}));
            // Whoever is told can look it up.
            vault.wait()?;
            Err(RecoverError::Held(held))
        }
        Err(error) => Err(error),
    }
}

/// Brings an actor back that is at step `seq` and has a snapshot.
pub(super) fn recover(
    store: &mut impl Access,
    functions: &Functions,
    actor: &str,
    seq: u64,
) -> Result<Recovered, RecoverError> {
    repeat_all(store, functions, actor, seq, Strictness::Same).map(|(recovered, _)| recovered)
}

/// Steps that give something else than they gave.
#[derive(Default)]
pub(super) struct Differing {
    pub count: u64,
    /// The first of them.
    pub first: Vec<Hold>,
}

/// Steps of which it is told what they give.
const TOLD: usize = 100;

/// Brings an actor back, and gives what was found of steps that give something else.
pub(super) fn repeat_all(
    store: &mut impl Access,
    functions: &Functions,
    actor: &str,
    seq: u64,
    strictness: Strictness,
) -> Result<(Recovered, Differing), RecoverError> {
    let snapshots = store.with(|store| store.snapshots(actor))?;
    let mut found = None;
    for &(at, hash) in snapshots.iter().filter(|(at, _)| *at <= seq) {
        if let Some((machine, bytes)) = load(store, &hash) {
            found = Some((machine, at, bytes));
            break;
        }
    }
    let held = |step, reason: &str| RecoverError::Held(Box::new(found_at(step, reason.to_owned())));
    let (mut machine, mut at, state_bytes) = found.ok_or_else(|| held(0, "no snapshot of it can be read"))?;
    let (mut replayed, mut differing) = (0, Differing::default());
    while at < seq {
        let count = usize::try_from(seq - at).unwrap_or(PAGE).min(PAGE);
        let mut read = |count| store.with(|store| store.log(actor, at, count));
        let page = match read(count) {
            // Only what is before the entry that has changed can be repeated, and only one by one shows which that is.
            Err(StoreError::Damaged(_)) => read(1),
            page => page,
        };
        let page = match page {
            Ok(page) => page,
            Err(StoreError::Damaged(what)) => return Err(held(at + 1, &what)),
            Err(error) => return Err(error.into()),
        };
        if page.is_empty() {
            return Err(held(at + 1, "it is not in the log"));
        }
        for (found, entry) in page {
            at += 1;
            if found != at {
                return Err(held(at, "it is not in the log"));
            }
            replayed += 1;
            let Err(trouble) = repeat(&mut machine, store, functions, &entry) else { continue };
            let (mut held, is_broken) = match trouble {
                Trouble::Store(error) => return Err(error.into()),
                Trouble::Step(held) => (held, false),
                Trouble::Broken(held) => (held, true),
            };
            differing.count += 1;
            let ends = is_broken || strictness == Strictness::Same;
            if !ends && differing.first.len() == TOLD {
                continue;
            }
            held.step = at;
            held.gave_text = told(store, actor, at)?;
            if ends {
                return Err(RecoverError::Held(held));
            }
            differing.first.push(*held);
        }
    }
    let snapshots = snapshots.iter().rev().map(|&(at, _)| at).filter(|at| *at <= seq).collect();
    Ok((Recovered { machine, snapshots, state_bytes, replayed }, differing))
}

/// What a client was told of a step, as source, if that is still kept.
fn told(store: &mut impl Access, actor: &str, step: u64) -> Result<Option<String>, StoreError> {
    let kept = match store.with(|store| store.replies(actor)) {
        Ok(kept) => kept,
        Err(StoreError::Damaged(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let reply = kept.into_iter().find(|kept| kept.seq == step).and_then(|kept| kept.reply);
    Ok(reply.map(|bytes| text(&bytes)))
}

/// What was found at a step.
fn found_at(step: u64, reason: String) -> Hold {
    let engine = engine_edition();
    Hold { step, reason, written: None, engine, gave: None, gave_text: None, gives: None, gives_text: None }
}

/// A machine with the state of a snapshot, if that is whole, and its bytes.
pub(super) fn load(store: &mut impl Access, hash: &GraphHash) -> Option<(Machine, usize)> {
    let bytes = store.with(|store| store.blob(BlobId::State(*hash))).ok()??;
    let image = Image::parse(&bytes, &()).ok().filter(|image| image.hash() == *hash)?;
    let mut machine = Machine::new(usize::MAX).ok()?;
    machine.restore(&image).ok()?.then_some((machine, bytes.len()))
}

/// Why a call was not repeated as it was.
enum Trouble {
    Store(StoreError),
    Step(Box<Hold>),
    /// The machine cannot be used any more.
    Broken(Box<Hold>),
}

/// Makes a call again, which has to give the same.
fn repeat(machine: &mut Machine, store: &mut impl Access, functions: &Functions, entry: &Entry) -> Result<(), Trouble> {
    let held = |reason: String| Hold { written: entry.engine, gave: Some(entry.outcome), ..found_at(0, reason) };
    let impossible = |reason: String| Trouble::Step(Box::new(held(reason)));
    let args =
        Image::parse(&entry.args, &()).map_err(|error| impossible(format!("its arguments cannot be read: {error}")))?;
    let function = match entry.action.function() {
        None => None,
        Some(hash) => match functions.get(hash) {
            Some(function) => Some(function),
            None => functions.load(hash, store).map_err(|error| match error {
                StoreError::Damaged(what) => impossible(what),
                error => Trouble::Store(error),
            })?,
        },
    };
    let doing = match (&entry.action, &function) {
        (Action::Call(_), Some(function)) => Doing::Call(&function.image),
        (Action::Install(name, _), Some(function)) => Doing::Install(name, &function.image),
        (Action::Invoke(name), _) => Doing::Invoke(name),
        (_, None) => return Err(impossible("its function is not in the store".to_owned())),
    };
    // It ended well under limits then; how far it was from them is not the same in a machine that has just begun.
    let bounds = Bounds { fuel: None, heap: usize::MAX, deadline: None, result: usize::MAX };
    let perform = std::panic::AssertUnwindSafe(|| machine.perform(doing, &args, &bounds));
    let Ok(ended) = std::panic::catch_unwind(perform) else {
        return Err(Trouble::Broken(Box::new(held("it breaks the machine".to_owned()))));
    };
    match ended {
        Ok(given) if given.hash == entry.outcome => Ok(()),
        Ok(Given { bytes, hash }) => Err(Trouble::Step(Box::new(Hold {
            gives: Some(hash),
            gives_text: Some(text(&bytes)),
            ..held("it gives something else now".to_owned())
        }))),
        Err(Ended::With(outcome)) => {
            let reason = format!("it gives nothing now: {}", outcome.summary());
            let gives_text = Some(match outcome {
                CallOutcome::Failed { value, .. } => format!("throws {}", text(&value)),
                outcome => outcome.summary(),
            });
            Err(Trouble::Step(Box::new(Hold { gives_text, ..held(reason) })))
        }
        Err(Ended::Interrupted) => Err(impossible("it was interrupted".to_owned())),
    }
}
