//! Methods of fibers.

use quipu_vm::native::Control;
use quipu_vm::{Cx, Outcome, Value, View};

use crate::args::expected;
use crate::entry::{Entry, control, native};

pub(crate) const METHODS: &[Entry] = &[
    control(
        "resume(v = nil)",
        "Runs the fiber to its next `yield`, or to its end, and gives the value.",
        Control::Resume,
    ),
    control(
        "close()",
        "Ends the fiber: what it has deferred runs. A fiber that is done stays so; one that runs cannot be closed.",
        Control::Close,
    ),
    native("done()", "Whether the fiber has come to its end.", done),
];

fn done<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match args[0].view() {
        View::Fiber(fiber) => Ok(Value::bool(fiber.is_done())),
        _ => Err(expected(cx, "a fiber", args[0])),
    }
}
