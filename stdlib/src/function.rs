//! Methods of functions.

use quipu_vm::native::Control;
use quipu_vm::{Cx, Fault, Outcome, Value, View};

use crate::args::expected;
use crate::entry::{Entry, control, native};

pub(crate) const METHODS: &[Entry] = &[
    control("call(args)", "Calls the function with the elements of a list as arguments.", Control::CallWith),
    native("free_vars()", "A map from the names of the variables it takes from outside to their values.", free_vars),
];

/// Variables that are not initialised yet have no value, so they are left out.
fn free_vars<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let variables = cx.map();
    let closure = match args[0].view() {
        View::Closure(closure) => closure,
        View::Native(_) => return Ok(variables.into()),
        _ => return Err(expected(cx, "a function", args[0])),
    };
    let names = closure.code().debug().map_or(&[][..], |debug| &debug.free);
    variables.reserve(cx, closure.capture_count())?;
    for (index, captured) in closure.captures().enumerate() {
        let value = match captured.view() {
            View::Cell(cell) => cell.get(),
            _ => captured,
        };
        if value.is_absent() {
            continue;
        }
        let mut name = names.get(index).cloned().unwrap_or_else(|| format!("free {index}"));
        // Two variables of one name, from different scopes, can both be captured.
        let plain = name.clone();
        let mut copy = 2;
        while variables.get_text(cx, &name).is_some() {
            cx.work(8)?;
            name = format!("{plain} ({copy})");
            copy += 1;
        }
        let name = cx.str(&name)?;
        variables.insert(cx, name, value)?;
    }
    Ok::<_, Fault<'v>>(variables.into())
}
