//! Why a call from the host gave no value.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::ErrorKind;
use crate::heap::{Slot, View};
use crate::machine::Machine;
use crate::native::{Fault, Stop};
use crate::root::Root;
use crate::trace::TraceLine;

/// How many errors are told that were under way, each when the one before it was thrown.
const DURING: usize = 8;

/// Why a call from the host gave no value. Shown, also by `Debug`, it is one line, so that `main` may return it.
#[derive(Clone)]
pub enum Failure {
    /// The program threw something that nothing in it caught.
    Uncaught(Box<Uncaught>),
    /// A limit was hit, with the calls under way then, innermost first.
    Stop(Stop, Vec<TraceLine>),
}

/// A thrown value that nothing caught.
#[derive(Clone)]
pub struct Uncaught {
    /// The kind of the error value; `None` if another value was thrown.
    pub kind: Option<String>,
    /// Its message, or the thrown value as source.
    pub message: String,
    /// Its data as source, if there is any.
    pub data: Option<String>,
    /// The thrown value.
    pub value: Root,
    /// The host's own error that it stands for.
    pub host: Option<Arc<dyn Error + Send + Sync>>,
    /// The calls that were under way, innermost first.
    pub trace: Vec<TraceLine>,
    /// How many calls in the middle of `trace` are left out, and after which entry.
    pub omitted: usize,
    /// What was being thrown already when something deferred threw this.
    pub during: Option<Box<Uncaught>>,
}

/// One line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Uncaught(uncaught) => uncaught.fmt(f),
            Failure::Stop(stop, _) => write!(f, "{stop}"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One line.
impl fmt::Display for Uncaught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Some(kind) => write!(f, "{kind}: {}", self.message),
            None => write!(f, "uncaught value: {}", self.message),
        }
    }
}

impl fmt::Debug for Uncaught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uncaught").field("kind", &self.kind).field("message", &self.message).finish_non_exhaustive()
    }
}

impl Uncaught {
    /// The stable code of the error, such as `Q0405`, which `vm explain` explains.
    pub fn code(&self) -> &'static str {
        match &self.kind {
            Some(kind) => ErrorKind::from_name(kind).unwrap_or(ErrorKind::Plain).code(),
            None => "Q0421",
        }
    }
}

impl Failure {
    /// Its stable code, such as `Q0405` for a key that is not there or `Q0501` for used up fuel. None if the program ended
    /// itself.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Failure::Uncaught(uncaught) => Some(uncaught.code()),
            Failure::Stop(stop, _) => stop.code(),
        }
    }

    /// The calls that were under way, innermost first.
    pub fn trace(&self) -> &[TraceLine] {
        match self {
            Failure::Uncaught(uncaught) => &uncaught.trace,
            Failure::Stop(_, trace) => trace,
        }
    }

    /// The value that was thrown; none if a limit was hit.
    pub fn value(&self) -> Option<&Root> {
        match self {
            Failure::Uncaught(uncaught) => Some(&uncaught.value),
            Failure::Stop(..) => None,
        }
    }

    /// The limit that was hit, or that the program ended itself.
    pub fn stop(&self) -> Option<Stop> {
        match self {
            Failure::Uncaught(_) => None,
            Failure::Stop(stop, _) => Some(*stop),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Failure::Uncaught(uncaught) => uncaught.host.as_deref().map(|error| error as &(dyn Error + 'static)),
            Failure::Stop(..) => None,
        }
    }
}

impl Machine {
    /// What a fault is to the host.
    pub(crate) fn failed(&mut self, fault: Fault<'static>) -> Failure {
        let value = match fault {
            Fault::Thrown(value) => value,
            Fault::Stop(stop) => {
                let trace = self.stop_trace.take().unwrap_or_default();
                return Failure::Stop(stop, trace.lines().collect());
            }
            Fault::Collect(_) | Fault::Defer => return Failure::Stop(Stop::Heap, Vec::new()),
        };
        Failure::Uncaught(Box::new(self.uncaught(value, DURING)))
    }

    /// What a thrown value is to the host, with so many others that were under way before it.
    fn uncaught(&mut self, value: Slot, others: usize) -> Uncaught {
        let root = self.root(value);
        let cx = self.cx_mut();
        let show = |cx: &mut crate::Cx<'static>, value: Slot| -> String {
            crate::ops::text::repr_short(cx, value).unwrap_or_else(|_| "...".to_owned())
        };
        let mut uncaught = match value.view() {
            View::Error(error) => {
                let data = error.data();
                let trace = error.trace().unwrap_or_default();
                Uncaught {
                    kind: Some(error.kind().to_owned()),
                    message: error.message().as_str().unwrap_or_default().to_owned(),
                    data: if data.is_nil() { None } else { Some(show(cx, data)) },
                    value: root,
                    host: error.host(),
                    trace: trace.lines().collect(),
                    omitted: trace.omitted,
                    during: None,
                }
            }
            _ => {
                let message = show(cx, value);
                let trace = self.last_trace.take().map(|trace| *trace).unwrap_or_default();
                let (trace, omitted) = (trace.lines().collect(), trace.omitted);
                Uncaught { kind: None, message, data: None, value: root, host: None, trace, omitted, during: None }
            }
        };
        if let View::Error(error) = value.view()
            && !error.during().is_nil()
            && let Some(others) = others.checked_sub(1)
        {
            uncaught.during = Some(Box::new(self.uncaught(error.during().slot(), others)));
        }
        uncaught
    }
}
