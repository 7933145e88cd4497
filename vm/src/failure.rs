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
}

/// One line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Uncaught(uncaught) => match &uncaught.kind {
                Some(kind) => write!(f, "{kind}: {}", uncaught.message),
                None => write!(f, "uncaught value: {}", uncaught.message),
            },
            Failure::Stop(stop, _) => write!(f, "{stop}"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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
        let root = self.root(value);
        let cx = self.cx_mut();
        let show = |cx: &mut crate::Cx<'static>, value: Slot| -> String {
            crate::ops::text::repr_short(cx, value).unwrap_or_else(|_| "...".to_owned())
        };
        let (kind, message, data, trace) = match value.view() {
            View::Error(error) => {
                let message = error.message().as_str().unwrap_or_default().to_owned();
                let data = error.data();
                let data = if data.is_nil() { None } else { Some(show(cx, data)) };
                (Some(error.kind().to_owned()), message, data, error.trace().unwrap_or_default())
            }
            _ => {
                let shown = show(cx, value);
                (None, shown, None, self.last_trace.take().map(|trace| *trace).unwrap_or_default())
            }
        };
        let host = match value.view() {
            View::Error(error) => error.host(),
            _ => None,
        };
        let lines = trace.lines().collect();
        let omitted = trace.omitted;
        Failure::Uncaught(Box::new(Uncaught { kind, message, data, value: root, host, trace: lines, omitted }))
    }
}
