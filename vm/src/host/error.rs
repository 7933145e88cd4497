//! Errors of the host that pass through programs, with their type.

use std::error::Error;
use std::sync::Arc;

use super::convert::IntoValue;
use crate::cx::{Cx, guarded};
use crate::error::ErrorKind;
use crate::failure::{Failure, Uncaught};
use crate::heap::{Value, View};
use crate::native::{Fault, Outcome};
use crate::run::guard::Lifted;

/// An error of the host on its way through a program, which sees an error value with its message.
#[derive(Clone, Debug)]
pub struct HostError(Arc<dyn Error + Send + Sync>);

impl HostError {
    /// The error.
    pub fn get(&self) -> &Arc<dyn Error + Send + Sync> {
        &self.0
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for HostError {
    fn from(error: E) -> HostError {
        HostError(Arc::new(error))
    }
}

/// The error is thrown. One that came out of a call into the program goes on as what it was.
impl<T: IntoValue, E: Into<HostError>> IntoValue for Result<T, E> {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        match self {
            Ok(value) => value.into_value(cx),
            Err(error) => Err(thrown(cx, error.into())),
        }
    }
}

fn thrown<'v>(cx: &mut Cx<'v>, error: HostError) -> Fault<'v> {
    match error.0.downcast_ref::<Failure>() {
        Some(Failure::Uncaught(uncaught)) => match cx.machine.rooted(&uncaught.value) {
            Ok(value) => return Fault::Thrown(value),
            Err(fault) => return fault,
        },
        Some(Failure::Stop(stop, _)) => return Fault::Stop(*stop),
        None => {}
    }
    // The message stands for what caused it, too.
    let mut message = error.0.to_string();
    let mut cause = error.0.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = inner.source();
    }
    let fault = cx.fail(ErrorKind::Plain, message);
    if let Fault::Thrown(value) = fault
        && let View::Error(thrown) = value.view()
    {
        thrown.set_host(error.0);
    }
    fault
}

impl Uncaught {
    /// The host's own error that was thrown, if it is one of this type.
    pub fn host<E: Error + 'static>(&self) -> Option<&E> {
        self.host.as_deref().and_then(|error| (error as &(dyn Error + 'static)).downcast_ref())
    }
}

impl Failure {
    /// The host's own error that was thrown, if it is one of this type.
    pub fn host<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            Failure::Uncaught(uncaught) => uncaught.host(),
            Failure::Stop(..) => None,
        }
    }
}

impl<'v> Cx<'v> {
    /// A value made of something that cannot be had a second time, such as an answer from outside. The heap limit waits
    /// for the next safepoint, so that this native is not run again.
    ///
    /// # Errors
    /// What the conversion throws.
    pub fn made(&mut self, value: impl IntoValue) -> Outcome<'v> {
        give(self, value)
    }
}

/// Makes a value of something of the host's outside of its natives, which a panic in the conversion would leave.
pub(crate) fn given<'v>(cx: &mut Cx<'v>, value: impl IntoValue) -> Outcome<'v> {
    guarded(cx, "into_value", |cx| give(cx, value))
}

/// Makes a value of what a function of the host gave. It has run and cannot run again, so the heap limit waits for the
/// next safepoint.
pub(crate) fn give<'v>(cx: &mut Cx<'v>, value: impl IntoValue) -> Outcome<'v> {
    let lifted = Lifted::begin(&mut cx.machine);
    match value.into_value(lifted.machine.cx_mut()) {
        Err(Fault::Collect(_) | Fault::Defer) => Ok(Value::NIL),
        value => value,
    }
}
