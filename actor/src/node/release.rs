//! How an actor that is held goes on: back to the step before, or with what this engine makes of its calls.

use std::fmt;
use std::sync::{Arc, PoisonError};

use quipu_code::hash::GraphHash;
use quipu_vm::Image;
use quipu_vm::image::Form;
use serde::Serialize;

use super::Node;
use super::access::{Access, Alone};
use super::functions::Functions;
use super::machine::text;
use super::operate::Logged;
use super::options::NodeOptions;
use super::recover::{RecoverError, Strictness, repeat_all};
use crate::store::{Change, CutOff, Hold, Snapshot, Store, StoreError};

/// How an actor is to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// From its state after this step. Later ones are cut off, and kept apart. After step 0 it begins anew.
    To(u64),
    /// From the state to which its calls lead on this engine. Their entries in the log stay what they are.
    Accept,
}

/// What has become of an actor, or would.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Released {
    /// The actor.
    pub name: String,
    /// The step at which it goes on.
    pub seq: u64,
    /// Steps that were cut off.
    pub cut: u64,
    /// Steps whose results on this engine count in place of those they gave.
    pub accepted: u64,
    /// The first hundred of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<Hold>,
    /// Whether nothing was changed.
    pub dry_run: bool,
}

/// Why an actor does not go on.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The store.
    Store(StoreError),
    /// There is no actor of this name.
    Unknown(String),
    /// It has not come to this step.
    Ahead {
        /// The step it is at.
        seq: u64,
    },
    /// What is in the store does not lead there.
    Held(Box<Hold>),
    /// The state cannot be kept.
    State(String),
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReleaseError::Store(error) => error.fmt(f),
            ReleaseError::Unknown(name) => {
                write!(f, "there is no actor {name:?}; `vm actor list` shows those that there are")
            }
            ReleaseError::Ahead { seq } => write!(f, "the actor is at step {seq}; choose a step before that"),
            ReleaseError::Held(held) if held.step == 0 => {
                write!(f, "{held}; go back to a copy of the file, or begin the actor anew with `--to 0`")
            }
            ReleaseError::Held(held) => write!(f, "{held}; choose `--to {}`", held.step - 1),
            ReleaseError::State(what) => {
                write!(f, "the state cannot be kept: {what}; choose `--to` with an earlier step")
            }
        }
    }
}

impl std::error::Error for ReleaseError {}

impl From<StoreError> for ReleaseError {
    fn from(error: StoreError) -> ReleaseError {
        ReleaseError::Store(error)
    }
}

impl From<RecoverError> for ReleaseError {
    fn from(error: RecoverError) -> ReleaseError {
        match error {
            RecoverError::Store(error) => ReleaseError::Store(error),
            RecoverError::Held(held) => ReleaseError::Held(held),
            RecoverError::Init(what) => ReleaseError::State(what),
        }
    }
}

/// What is to be changed in the store.
enum Changes {
    Accept { hash: GraphHash, bytes: Vec<u8>, from: u64 },
    Cut { seq: u64, anew: bool },
}

/// Lets an actor of a store go on that nobody else has open. Whoever had it before can commit no more.
///
/// # Errors
/// What is in the store does not lead there; nothing was changed then. Or the store failed.
pub fn release(store: &mut dyn Store, name: &str, way: Way, dry_run: bool) -> Result<Released, ReleaseError> {
    release_in(&mut Alone(store), &Functions::new(NodeOptions::default().cache), name, way, dry_run)
}

/// The same for a store that others have too.
pub(super) fn release_in(
    store: &mut impl Access,
    functions: &Functions,
    name: &str,
    way: Way,
    dry_run: bool,
) -> Result<Released, ReleaseError> {
    let listed = store.with(|store| store.actors())?.into_iter().find(|listed| listed.name == name);
    let at = listed.ok_or_else(|| ReleaseError::Unknown(name.to_owned()))?.seq;
    let actor: Arc<str> = name.into();
    let mut released = Released { name: name.to_owned(), seq: at, cut: 0, accepted: 0, first: Vec::new(), dry_run };
    let changes = match way {
        Way::To(seq) if seq > at => return Err(ReleaseError::Ahead { seq: at }),
        Way::To(seq) => {
            (released.seq, released.cut) = (seq, at - seq);
            match repeat_all(store, functions, name, seq, Strictness::Same) {
                Ok(_) => Changes::Cut { seq, anew: false },
                // What there is at step 0 may be what cannot be read, or be gone.
                Err(RecoverError::Held(_)) if seq == 0 => Changes::Cut { seq, anew: true },
                Err(error) => return Err(error.into()),
            }
        }
        Way::Accept => {
            let (mut recovered, differing) = repeat_all(store, functions, name, at, Strictness::Whatever)?;
            (released.accepted, released.first) = (differing.count, differing.first);
            let failed = |what: &dyn fmt::Display| ReleaseError::State(what.to_string());
            let image = recovered.machine.image().map_err(|failure| failed(&failure))?;
            let bytes = image.dump(Form::default());
            let again = Image::parse(&bytes, &()).map_err(|error| failed(&error))?;
            if again.hash() != image.hash() {
                return Err(failed(&"it is another one when it is read again"));
            }
            let hash = image.hash();
            // All that is in the log stays, behind the oldest snapshot.
            Changes::Accept { hash, bytes, from: recovered.snapshots.first().copied().unwrap_or(0) }
        }
    };
    if dry_run {
        return Ok(released);
    }
    store.with(|store| {
        let epoch = store.claim(name)?.epoch;
        store.commit(&match changes {
            Changes::Accept { hash, bytes, from } => {
                let snapshot = Snapshot { actor: actor.clone(), epoch, seq: at, hash, bytes, from };
                vec![Change::Snapshot(snapshot), Change::Free { actor, epoch }]
            }
            Changes::Cut { seq, anew } => vec![Change::Cut { actor, epoch, seq, anew }],
        })
    })?;
    Ok(released)
}

impl Node {
    /// Lets an actor go on, behind the call that it carries out right now. Those that wait for it are carried out then.
    ///
    /// # Errors
    /// As of [`release`].
    pub fn release(&self, name: &str, way: Way) -> Result<Released, ReleaseError> {
        let shared = &self.0.shared;
        if !self.list()?.iter().any(|listed| listed.name == name) {
            return Err(ReleaseError::Unknown(name.to_owned()));
        }
        let actor = self.actor(&Arc::from(name)).map_err(ReleaseError::State)?;
        let mut core = actor.core.lock().unwrap_or_else(PoisonError::into_inner);
        actor.close(&mut core, shared);
        shared.vault.wait()?;
        let released = release_in(&mut &shared.vault, &shared.functions, name, way, false)?;
        tracing::warn!(actor = name, seq = released.seq, cut = released.cut, "goes on");
        Ok(released)
    }
}

/// Where an actor stands whose server does not run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Its last step.
    pub seq: u64,
    /// The steps of its snapshots, newest first.
    pub snapshots: Vec<u64>,
    /// Why it is held, if it is.
    pub held: Option<Hold>,
    /// The last steps that were cut off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<Cut>,
}

/// A step that was cut off.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Cut {
    /// Counts from 1 how often something of this actor was cut off.
    pub turn: u64,
    /// What was done.
    #[serde(flatten)]
    pub step: Logged,
    /// What the client was told, as source, if that was still kept.
    pub reply: Option<String>,
}

/// Steps that were cut off and are shown.
const CUTS: usize = 100;

/// Where an actor stands, and what was cut off of it.
///
/// # Errors
/// Those of the store; there is no such actor.
pub fn standing(store: &mut dyn Store, name: &str) -> Result<Standing, ReleaseError> {
    let listed = store.actors()?.into_iter().find(|listed| listed.name == name);
    let seq = listed.ok_or_else(|| ReleaseError::Unknown(name.to_owned()))?.seq;
    let snapshots = store.snapshots(name)?.into_iter().map(|(at, _)| at).collect();
    let shown = |cut: CutOff| Cut {
        turn: cut.turn,
        step: Logged::new(cut.seq, &cut.entry),
        reply: cut.reply.map(|bytes| text(&bytes)),
    };
    let cut = store.cut_off(name, CUTS)?.into_iter().map(shown).collect();
    Ok(Standing { name: name.to_owned(), seq, snapshots, held: store.held(name)?, cut })
}

/// All actors that are held.
///
/// # Errors
/// Those of the store.
pub fn held(store: &mut dyn Store) -> Result<Vec<Standing>, ReleaseError> {
    let listed = store.actors()?.into_iter().filter(|listed| listed.held.is_some());
    listed.map(|listed| standing(store, &listed.name)).collect()
}
