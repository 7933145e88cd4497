//! How programs reach actors: what a host that knows sockets does for the library, which does not.

use std::fmt::Debug;
use std::time::Duration;

use quipu_vm::Image;
use quipu_vm::trace::TraceLine;

/// Connects to servers of actors.
pub trait Dial: Debug + Send + Sync {
    /// Connects. `go_on` is asked from time to time whether to wait on.
    ///
    /// # Errors
    /// There is no server, or it does not let this client in.
    fn dial(&self, to: &Endpoint<'_>, go_on: &mut dyn FnMut() -> bool) -> Result<Box<dyn Connection>, Trouble>;
}

/// Where to connect to, and how.
#[derive(Clone, Debug)]
pub struct Endpoint<'a> {
    /// `HOST:PORT` or `unix:PATH`.
    pub address: &'a str,
    /// The file with the program's own key and the server's.
    pub key_file: Option<&'a str>,
    /// How long anything may take; the host's own choice if there is none.
    pub timeout: Option<Duration>,
}

/// A connection to a server. It ends when it is dropped.
pub trait Connection: Send {
    /// Has something done in an actor, and gives the image of the result. `go_on` is asked from time to time whether to
    /// wait on.
    ///
    /// # Errors
    /// There is no result.
    fn call(
        &mut self,
        actor: &str,
        asked: RemoteCall<'_>,
        args: Vec<u8>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<u8>, Trouble>;
}

/// What an actor is asked for.
#[derive(Debug)]
pub enum RemoteCall<'a> {
    /// To call this function.
    Call(Image),
    /// To call what is installed under a name.
    Invoke(&'a str),
    /// To install a function under a name.
    Install(&'a str, Image),
}

/// Why there is no result.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trouble {
    /// The function has thrown; the actor is as it was.
    Thrown {
        /// The image of the value.
        value: Vec<u8>,
        /// The calls that were under way there, innermost first.
        calls: Vec<TraceLine>,
        /// How many of them are left out.
        omitted: usize,
    },
    /// The program asks for something that cannot be.
    Wrong(String),
    /// The server has not done it; the actor is as it was.
    Refused(&'static str, String),
    /// Nobody knows whether it was done: the reason in a word, and as a sentence.
    Lost(&'static str, String),
    /// The program does not wait any more.
    GivenUp,
}
