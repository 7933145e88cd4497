//! What operations on values do that scripts cannot show: laws, models, depth, and exact undoing.

mod laws;
mod long;
mod model;
mod instances;
mod depth;
mod costs;

use std::sync::Arc;

use crate::cx::Cx;
use crate::heap::layout::{Method, Specials, TypeData};
use crate::heap::{Special, Type, Value};
use crate::library::Library;
use crate::machine::{Limits, Machine};
use crate::native::{Fault, NativeDef, NativeFn};

/// Runs a test on a machine without a library.
fn with_cx(test: impl for<'v> FnOnce(&mut Cx<'v>)) {
    with_limits(Limits::default(), test);
}

fn with_limits(limits: Limits, test: impl for<'v> FnOnce(&mut Cx<'v>)) {
    test(Machine::new(Arc::new(Library::default()), limits).cx_mut());
}

/// The value of an outcome, or the text of the fault as the panic.
#[track_caller]
fn ok<T>(outcome: Result<T, Fault<'_>>) -> T {
    match outcome {
        Ok(value) => value,
        Err(fault) => panic!("{}", fault_text(fault)),
    }
}

fn fault_text(fault: Fault<'_>) -> String {
    match fault {
        Fault::Thrown(value) => match value.view() {
            crate::View::Error(error) => {
                format!("{}: {}", error.kind(), error.message().as_str().unwrap_or("?"))
            }
            _ => "thrown".into(),
        },
        Fault::Stop(stop) => format!("{stop:?}"),
        Fault::Collect(bytes) => format!("Collect {bytes}"),
        Fault::Defer => "Defer".into(),
    }
}

/// The text of the fault that must come.
#[track_caller]
fn fault<T>(outcome: Result<T, Fault<'_>>) -> String {
    match outcome {
        Ok(_) => panic!("no fault"),
        Err(fault) => fault_text(fault),
    }
}

/// A declared type whose special methods are natives.
fn declare<'v>(cx: &mut Cx<'v>, name: &str, fields: &[&str], specials: &[(Special, u8, NativeFn)]) -> Type<'v> {
    let name = Value::from(cx.heap().str(name)).slot();
    let fields = fields.iter().map(|field| Value::from(cx.heap().str(field)).slot()).collect();
    let mut special = Specials::default();
    let mut methods = Vec::new();
    for &(which, arity, function) in specials {
        let name = Value::from(cx.heap().str(which.name())).slot();
        let def = NativeDef::new(which.name(), arity, function);
        let closure = Value::from(cx.heap().native(Arc::new(def))).slot();
        methods.push(Method { name, instance: true, closure });
        special.0[which as usize] = methods.len() as u16;
    }
    let methods = methods.into_boxed_slice();
    cx.heap().ty(TypeData {
        name,
        builtin: 0,
        constructor: Value::NIL,
        plain: true,
        fields,
        methods,
        special,
        host: None,
        twin: None,
    })
}
