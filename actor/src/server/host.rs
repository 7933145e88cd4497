//! What the server needs from whoever carries calls out.

use std::collections::HashMap;

use quipu_code::hash::{CodeHash, GraphHash};

use crate::call::{Busy, Call, CallOutcome, CodeBytes};
use crate::wire::Question;

/// Gives up a call that is under way. Its outcome is told all the same.
pub type CancelCall = Box<dyn FnOnce() + Send>;

/// Takes what has become of a request.
pub type ReplyTo = Box<dyn FnOnce(Reply) + Send>;

/// What has become of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Of a call.
    Called(CallOutcome),
    /// Of an operator's question: JSON, or why there is none.
    Told(Result<String, String>),
    /// Nobody knows. The connection is closed, so that the client asks again elsewhere or later.
    Lost,
}

/// Carries calls out.
pub trait CallHost: Send + Sync {
    /// Takes a call; `reply` is told how it ended, maybe before this returns. If `now`, the client waits for nothing else,
    /// and a short call may be carried out on this thread.
    ///
    /// # Errors
    /// There is no room.
    fn call(&self, call: Call, reply: ReplyTo, now: bool) -> Result<CancelCall, Busy>;

    /// Whether a code object is at hand, so that it need not be sent.
    fn has_code(&self, code: &CodeHash) -> bool;

    /// Takes a function: its hash, its thin image, and code that has come with it. Of what is known already it may use
    /// `codes`, which its sender has shown, and nothing else. Gives those of `codes` that are missing.
    ///
    /// # Errors
    /// The bytes are not an image, or that of another function; the code is none, or other code; more is needed than
    /// `codes`.
    fn put_function(
        &self,
        hash: &GraphHash,
        image: &[u8],
        codes: &[CodeHash],
        sent: &HashMap<CodeHash, CodeBytes>,
    ) -> Result<Vec<CodeHash>, String>;

    /// Answers an operator.
    fn ask(&self, question: Question, actor: &str, reply: ReplyTo);

    /// Its own numbers for monitoring, in the text format that Prometheus reads.
    fn metrics(&self) -> String {
        String::new()
    }
}
