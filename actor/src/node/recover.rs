//! How an actor comes back: the newest snapshot that is whole, and all calls since, each of which must give what it gave.

use std::fmt;

use quipu_vm::{Failure, Image};

use super::functions::Functions;
use super::machine::{Bounds, Doing, Ended, Machine};
use super::options::Options;
use super::vault::Vault;
use crate::store::{Action, Entry, Hash, Kind, Store, StoreError};

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
pub enum RecoverError {
    /// The store.
    Store(StoreError),
    /// No snapshot of it can be used.
    NoSnapshot,
    /// A call gives something else than it gave, or nothing.
    Diverged {
        /// The step.
        seq: u64,
        /// What it is.
        what: String,
    },
    /// The state with which it is to begin is none.
    Init(String),
}

impl fmt::Display for RecoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecoverError::Store(error) => error.fmt(f),
            RecoverError::NoSnapshot => write!(f, "no snapshot of the actor can be read"),
            RecoverError::Diverged { seq, what } => write!(f, "call {seq} cannot be repeated: {what}"),
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

/// A machine in the state with which actors begin.
pub(super) fn begin(options: &Options) -> Result<Machine, RecoverError> {
    let failed = |failure: Failure| RecoverError::Init(failure.to_string());
    let mut machine = Machine::new(options.heap).map_err(failed)?;
    if let Some(init) = &options.init {
        let image = Image::open(init, &()).map_err(|error| RecoverError::Init(error.to_string()))?;
        machine.begin(&image).map_err(failed)?;
    }
    Ok(machine)
}

/// A store that is had for a moment, again and again: others go on with theirs while an actor repeats its calls.
pub(super) trait Access {
    /// Has it for this.
    fn with<T>(&mut self, action: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError>;
}

impl Access for &Vault {
    fn with<T>(&mut self, action: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        Vault::with(self, action)
    }
}

/// A store that nobody else has.
pub(super) struct Alone<'s>(pub &'s mut dyn Store);

impl Access for Alone<'_> {
    fn with<T>(&mut self, action: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        action(self.0)
    }
}

/// Brings an actor back that is at step `seq` and has a snapshot.
pub(super) fn recover(
    store: &mut impl Access,
    functions: &Functions,
    actor: &str,
    seq: u64,
) -> Result<Recovered, RecoverError> {
    let snapshots = store.with(|store| store.snapshots(actor))?;
    let mut found = None;
    for &(at, hash) in snapshots.iter().filter(|(at, _)| *at <= seq) {
        if let Some((machine, bytes)) = load(store, &hash) {
            found = Some((machine, at, bytes));
            break;
        }
    }
    let (mut machine, mut at, state_bytes) = found.ok_or(RecoverError::NoSnapshot)?;
    let mut replayed = 0;
    while at < seq {
        let page = store.with(|store| store.log(actor, at, PAGE))?;
        if page.is_empty() {
            return Err(RecoverError::Diverged { seq: at + 1, what: "it is not in the log".to_owned() });
        }
        for (found, entry) in page.into_iter().filter(|(found, _)| *found <= seq) {
            at += 1;
            if found != at {
                return Err(RecoverError::Diverged { seq: at, what: "it is not in the log".to_owned() });
            }
            repeat(&mut machine, store, functions, &entry).map_err(|what| RecoverError::Diverged { seq: at, what })?;
            replayed += 1;
        }
    }
    let snapshots = snapshots.iter().rev().map(|&(at, _)| at).collect();
    Ok(Recovered { machine, snapshots, state_bytes, replayed })
}

/// A machine with the state of a snapshot, if that is whole, and its bytes.
fn load(store: &mut impl Access, hash: &Hash) -> Option<(Machine, usize)> {
    let bytes = store.with(|store| store.blob(Kind::State, hash)).ok()??;
    let image = Image::open(&bytes, &()).ok().filter(|image| image.hash() == *hash)?;
    let mut machine = Machine::new(usize::MAX).ok()?;
    machine.restore(&image).ok()?.then_some((machine, bytes.len()))
}

/// Makes a call again, which has to give the same.
fn repeat(machine: &mut Machine, store: &mut impl Access, functions: &Functions, entry: &Entry) -> Result<(), String> {
    let args = Image::open(&entry.args, &()).map_err(|error| error.to_string())?;
    let function = match entry.action.function() {
        None => None,
        Some(hash) => match functions.get(hash) {
            Some(function) => Some(function),
            None => functions.load(hash, store).map_err(|error| error.to_string())?,
        },
    };
    let doing = match (&entry.action, &function) {
        (Action::Call(_), Some(function)) => Doing::Call(&function.image),
        (Action::Install(name, _), Some(function)) => Doing::Install(name, &function.image),
        (Action::Invoke(name), _) => Doing::Invoke(name),
        (_, None) => return Err("its function is not in the store".to_owned()),
    };
    // It ended well under limits then; how far it was from them is not the same in a machine that has just begun.
    let bounds = Bounds { fuel: None, heap: usize::MAX, deadline: None, result: usize::MAX };
    match machine.perform(doing, &args, &bounds) {
        Ok(given) if given.hash == entry.outcome => Ok(()),
        Ok(_) => Err("it gives something else now".to_owned()),
        Err(Ended::With(outcome)) => Err(format!("it gives nothing now: {}", outcome.summary())),
        Err(Ended::Interrupted) => Err("it was interrupted".to_owned()),
    }
}
