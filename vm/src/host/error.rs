//! Errors of the host that pass through programs, with their type.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::convert::IntoValue;
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::failure::{Failure, Uncaught};
use crate::heap::{Value, View};
use crate::native::{Fault, Outcome};

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

/// Runs a function of the host; a panic in it becomes an error of the program.
pub(crate) fn guarded<'v, T>(
    cx: &mut Cx<'v>,
    name: &str,
    run: impl FnOnce(&mut Cx<'v>) -> Result<T, Fault<'v>>,
) -> Result<T, Fault<'v>> {
    cx.machine.strain();
    let limit = cx.machine.heap.limit;
    // What the machine does in between is over when a panic comes by: it never calls a function of the host while
    // anything of its own is half done, but for the heap limit, which conversions lift.
    match catch_unwind(AssertUnwindSafe(|| run(cx))) {
        Ok(outcome) => outcome,
        Err(panic) => {
            cx.machine.heap.limit = limit;
            let message = format!("{name}: the host's function panicked: {}", text_of(&*panic));
            Err(cx.fail(ErrorKind::Plain, message))
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "without a message",
    }
}

/// Makes a value of what a function of the host gave. It has run and cannot run again, so the heap limit waits for the
/// next safepoint.
pub(crate) fn give<'v>(cx: &mut Cx<'v>, value: impl IntoValue) -> Outcome<'v> {
    let limit = std::mem::replace(&mut cx.machine.heap.limit, usize::MAX);
    let value = value.into_value(cx);
    cx.machine.heap.limit = limit;
    match value {
        Err(Fault::Collect(_) | Fault::Defer) => Ok(Value::NIL),
        value => value,
    }
}
