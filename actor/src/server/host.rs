//! What the server needs from whoever carries calls out.

use crate::wire::{Hash, Question};

pub use crate::node::{Busy, Call, Outcome};

/// Gives up a call that is under way. Its outcome is told all the same.
pub type CancelCall = Box<dyn FnOnce() + Send>;

/// Takes what has become of a request.
pub type ReplyTo = Box<dyn FnOnce(Reply) + Send>;

/// What has become of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Of a call.
    Called(Outcome),
    /// Of an operator's question: JSON, or why there is none.
    Told(Result<String, String>),
    /// Nobody knows. The connection is closed, so that the client asks again elsewhere or later.
    Lost,
}

/// Carries calls out.
pub trait Host: Send + Sync {
    /// Takes a call; `reply` is told how it ended, maybe before this returns.
    ///
    /// # Errors
    /// There is no room.
    fn call(&self, call: Call, reply: ReplyTo) -> Result<CancelCall, Busy>;

    /// Takes a function: its hash and its thin image. Gives the code that is missing, if any is.
    ///
    /// # Errors
    /// The bytes are not an image, or that of another function.
    fn put_graph(&self, hash: &Hash, image: &[u8]) -> Result<Vec<Hash>, String>;

    /// Takes a code object with its debug information, and gives the hash that it has.
    ///
    /// # Errors
    /// The bytes are none.
    fn put_code(&self, code: &[u8], debug: &[u8]) -> Result<Hash, String>;

    /// Answers an operator.
    fn ask(&self, question: Question, actor: &str, reply: ReplyTo);

    /// Its own numbers for monitoring, in the text format that Prometheus reads.
    fn metrics(&self) -> String {
        String::new()
    }
}
