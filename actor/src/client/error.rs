//! Why a client has no answer.

use std::fmt;
use std::io;
use std::sync::Arc;

use quipu_vm::trace::Trace;

use crate::address::Address;
use crate::call::{RemoteTraceLine, Stopped};
use crate::wire::{Answer, Violation};

/// Why a call gave no value.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The function threw; the actor's state is as it was.
    Thrown {
        /// The image of what it threw.
        value: Vec<u8>,
        /// The calls that were under way there, innermost first.
        trace: Vec<RemoteTraceLine>,
        /// How many of them are left out.
        omitted: u64,
    },
    /// The server stopped it; the actor's state is as it was.
    Stopped(Stopped),
    /// The server did not carry it out.
    Refused(String),
    /// The connection cannot be made, or was lost and could not be made again.
    Lost(io::ErrorKind),
    /// The server closed the connection where this client's key was to be shown to it. It does not say why.
    TurnedAway,
    /// The server takes connections and closes them whenever this is sent.
    Broken,
    /// There was no answer in time. The call may have been carried out.
    Late,
    /// The server does not follow the protocol, or the keys do not fit.
    Protocol(Violation),
    /// The client was closed.
    Closed,
}

impl ClientError {
    /// Whether it is certain that the call has changed nothing.
    pub fn is_without_effect(&self) -> bool {
        matches!(self, ClientError::Thrown { .. } | ClientError::Stopped(_) | ClientError::Refused(_))
    }

    /// What is said of a connection to this address that could not be made.
    pub fn at(&self, address: &Address) -> String {
        let help = match self {
            ClientError::Lost(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => "; is `vm serve` running?",
            _ => "",
        };
        format!("{address}: {self}{help}")
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Thrown { .. } => write!(f, "the function threw"),
            ClientError::Stopped(why) => write!(f, "{why}"),
            ClientError::Refused(why) => write!(f, "the server refuses: {why}"),
            ClientError::Lost(kind) => write!(f, "no connection: {kind}"),
            ClientError::TurnedAway => write!(
                f,
                "the server closed the connection during the handshake: it does not know this key, or the key file has \
                 another server's"
            ),
            ClientError::Broken => {
                write!(f, "the server closes the connection whenever this is sent; it may say why in its log")
            }
            ClientError::Late => write!(f, "no answer in time; whether it was done is not known"),
            ClientError::Protocol(violation) => write!(f, "{violation}"),
            ClientError::Closed => write!(f, "the connection is closed"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> ClientError {
        ClientError::Lost(error.kind())
    }
}

impl From<Violation> for ClientError {
    fn from(violation: Violation) -> ClientError {
        ClientError::Protocol(violation)
    }
}

/// The calls that were under way in an actor, as traces have them.
pub fn calls_in(actor: &str, lines: Vec<RemoteTraceLine>) -> Vec<quipu_vm::trace::TraceLine> {
    let place: Arc<str> = format!("actor {actor}").into();
    // A server sends no more than that; who pretends to be one is not believed more.
    let lines = lines.into_iter().take(2 * Trace::KEPT);
    let call = |RemoteTraceLine { function, file, line }| quipu_vm::trace::TraceLine {
        function,
        file: file.into(),
        line,
        span: Default::default(),
        place: Some(place.clone()),
    };
    lines.map(call).collect()
}

/// What a last answer means: the image of the result, or JSON for operators.
pub(super) fn outcome(answer: Answer) -> Result<Vec<u8>, ClientError> {
    match answer {
        Answer::Done { result, .. } => Ok(result),
        Answer::Answer { text, .. } => Ok(text.into_bytes()),
        Answer::Failed { value, trace, omitted, .. } => Err(ClientError::Thrown { value, trace, omitted }),
        Answer::Stopped { why, .. } => Err(ClientError::Stopped(why)),
        Answer::Refused { why, .. } => Err(ClientError::Refused(why)),
        // The others are not the last that is heard of a request.
        _ => Err(ClientError::Protocol(Violation::Order)),
    }
}
