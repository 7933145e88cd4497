//! What a node is asked to do, and what it answers.

use std::sync::Arc;

use crate::wire::{Hash, Stopped, Target, TraceLine};

/// A call, as it came from a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The actor. One that is not there yet is made.
    pub actor: Arc<str>,
    /// Who asks.
    pub client: Hash,
    /// The client's number for this call. The same number again is the same call again, and is not run a second time.
    pub request: u64,
    /// What is called.
    pub target: Target,
    /// The image of the list of arguments.
    pub args: Vec<u8>,
}

/// How a call has ended. All but [`Done`](Outcome::Done) have left no trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Well, and that is kept: the image of the result.
    Done(Vec<u8>),
    /// It has thrown.
    Failed {
        /// The image of what it has thrown.
        value: Vec<u8>,
        /// The calls that were under way, innermost first.
        trace: Vec<TraceLine>,
        /// How many of them are left out.
        omitted: u64,
    },
    /// A limit was hit.
    Stopped(Stopped),
    /// It was not carried out, for a reason that people are told.
    Refused(String),
    /// The function is not known, or not any more.
    Unknown,
}

impl Outcome {
    /// In a few words, without what a program has made.
    pub(super) fn summary(&self) -> String {
        match self {
            Outcome::Done(_) => "done".to_owned(),
            Outcome::Failed { .. } => "it throws".to_owned(),
            Outcome::Stopped(why) => format!("stopped: {why:?}").to_lowercase(),
            Outcome::Refused(why) => why.clone(),
            Outcome::Unknown => "the function is unknown".to_owned(),
        }
    }
}

/// Takes the outcome of a call. It is dropped without being told if the store fails: then nobody knows the outcome
/// before the store is opened again, and the client asks again.
pub type ReplyTo = Box<dyn FnOnce(Outcome) + Send>;

/// There is no room for a call now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Busy {
    /// When there may be some.
    pub after_ms: u64,
}

/// A call that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket {
    pub(super) actor: Arc<str>,
    pub(super) number: u64,
}
