//! What a call is: who wants what of which actor, and how it ends. Whoever sends, carries or carries out calls takes it from
//! here.

use std::fmt;
use std::sync::Arc;

use quipu_code::hash::GraphHash;

use crate::identity::{ClientId, Key};

/// The most bytes of a name: of an actor, and of what is installed in one.
pub const MAX_NAME: usize = 255;

/// A call, as it came from a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The actor. One that is not there yet is made.
    pub actor: Arc<str>,
    /// Who asks.
    pub client: ClientId,
    /// The client's number for this call. The same number again is the same call again, and is not run a second time.
    pub request: u64,
    /// What is called.
    pub target: Target,
    /// The image of the list of arguments.
    pub args: Vec<u8>,
    /// Where it comes from.
    pub origin: CallOrigin,
}

/// What a call calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The function with this hash.
    Function(GraphHash),
    /// The function that is installed under this name.
    Installed(String),
    /// Nothing: it installs the function with this hash under this name.
    Install(String, GraphHash),
}

/// Where a call comes from: whose it is, and where its outcome waits until somebody takes it.
#[derive(Clone, Default)]
pub struct CallOrigin {
    /// The key of who asks; none where the system vouches for everybody.
    pub key: Option<Key>,
    /// Room for the outcome; without it the outcome may be of any size. It is kept as long as something of the call is.
    pub room: Option<Arc<dyn Room>>,
}

/// Room for what waits until a client takes it.
pub trait Room: Send + Sync {
    /// Takes room for so many bytes of the outcome of a call.
    ///
    /// # Errors
    /// There is none.
    fn take(&self, bytes: usize) -> Result<(), NoRoom>;

    /// Whether there is none, so that the call need not be begun.
    fn is_full(&self) -> bool;
}

/// Why there is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoRoom {
    /// Too much waits now.
    Now,
    /// There never is so much.
    Ever,
}

impl PartialEq for CallOrigin {
    fn eq(&self, other: &CallOrigin) -> bool {
        self.key == other.key
    }
}

impl Eq for CallOrigin {}

impl fmt::Debug for CallOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOrigin").field("key", &self.key).field("has_room", &self.room.is_some()).finish()
    }
}

/// How a call has ended. All but [`Done`](CallOutcome::Done) have left no trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallOutcome {
    /// Well, and that is kept: the image of the result.
    Done(Vec<u8>),
    /// It has thrown.
    Failed {
        /// The image of what it has thrown.
        value: Vec<u8>,
        /// The calls that were under way, innermost first.
        trace: Vec<RemoteTraceLine>,
        /// How many of them are left out.
        omitted: u64,
    },
    /// A limit was hit.
    Stopped(Stopped),
    /// It was not carried out, for a reason that people are told.
    Refused(String),
    /// The function is not known, or not any more.
    Unknown,
    /// There was no room for it: it was not carried out, and can be asked for again.
    Busy(Busy),
}

/// Why a call was stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Stopped {
    Fuel,
    Heap,
    Time,
    Result,
    Cancelled,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stopped::Fuel => "the call used up its fuel",
            Stopped::Heap => "the call used up its memory",
            Stopped::Time => "the call ran out of time",
            Stopped::Result => "the result of the call is too large",
            Stopped::Cancelled => "the call was cancelled",
        })
    }
}

/// A call that was under way in the actor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteTraceLine {
    /// The function's name.
    pub function: String,
    /// Its file.
    pub file: String,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
}

impl CallOutcome {
    /// Bytes of what is told of it, about.
    pub fn bytes(&self) -> usize {
        match self {
            CallOutcome::Done(bytes) => bytes.len(),
            CallOutcome::Failed { value, trace, .. } => {
                let lines = trace.iter().map(|line| line.function.len() + line.file.len() + 80);
                value.len() + lines.sum::<usize>()
            }
            CallOutcome::Refused(why) => why.len(),
            CallOutcome::Stopped(_) | CallOutcome::Unknown | CallOutcome::Busy(_) => 0,
        }
    }

    /// In a few words, without what a program has made.
    #[cfg(feature = "server")]
    pub(crate) fn summary(&self) -> String {
        match self {
            CallOutcome::Done(_) => "done".to_owned(),
            CallOutcome::Failed { .. } => "it throws".to_owned(),
            CallOutcome::Stopped(why) => format!("stopped: {why:?}").to_lowercase(),
            CallOutcome::Refused(why) => why.clone(),
            CallOutcome::Unknown => "the function is unknown".to_owned(),
            CallOutcome::Busy(_) => "there is no room".to_owned(),
        }
    }
}

/// The bytes of a code object and of its debug information, which may be empty.
pub type CodeBytes = (Vec<u8>, Vec<u8>);

/// Takes the outcome of a call. It is dropped without being told if the store fails: then nobody knows the outcome
/// before the store is opened again, and the client asks again.
pub type OutcomeTo = Box<dyn FnOnce(CallOutcome) + Send>;

/// There is no room for a call now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Busy {
    /// When there may be some.
    pub after_ms: u64,
}
