//! The natives under module `actor`: connections to servers of actors. What programs see is in `actor.qp`.
//!
//! A native may have to be run again after a collection, but a call must not be sent twice. So whatever asks for memory
//! comes before it is sent, and its answer is made into a value regardless of the limit.

use std::time::Duration;

use quipu_vm::host::{Class, HostType, IntoValue, RefMut};
use quipu_vm::image::Form;
use quipu_vm::native::HostFn;
use quipu_vm::{Cx, ErrorKind, Fault, Image, Outcome, Value, View};

use crate::args::{expected, number, text};
use crate::dial::{Connection, Endpoint, RemoteCall, Trouble};
use crate::entry::{Entry, hosted, native};
use crate::grant::{Capability, Grant};

pub(crate) const INTERNALS: &[Entry] = &[
    hosted("_actor_connect(address, options)", "A connection to a server of actors.", connect)
        .shown("actor.connect")
        .needing(Capability::Net),
    native("_actor_call(line, actor, f, args)", "Calls a function in an actor.", call)
        .shown("Connection.call")
        .needing(Capability::Net),
    native("_actor_invoke(line, actor, name, args)", "Calls what is installed in an actor.", invoke)
        .shown("Connection.invoke")
        .needing(Capability::Net),
    native("_actor_install(line, actor, name, f)", "Installs a function in an actor.", install)
        .shown("Connection.install")
        .needing(Capability::Net),
    native("_actor_close(line)", "Ends a connection.", close).shown("Connection.close").needing(Capability::Net),
];

/// A connection as programs hold it; none when it was closed.
pub(crate) struct Connected(Option<Box<dyn Connection>>);

impl HostType for Connected {
    fn class() -> Class<Connected> {
        Class::new("actor.connection")
    }
}

fn connect(grant: &Grant) -> Box<HostFn> {
    let (dialer, may_read) = (grant.dialer.clone(), grant.capabilities.has(Capability::Fs));
    Box::new(move |cx, args| {
        let to = destination(cx, args, may_read)?;
        let Some(dialer) = &dialer else {
            return Err(cx.fail_here(ErrorKind::Capability, "the host has nothing to connect with"));
        };
        match waiting(cx, |go_on| dialer.dial(&to, go_on))? {
            Ok(line) => cx.made(Connected(Some(line))),
            Err(trouble) => Err(failed(cx, trouble)),
        }
    })
}

fn destination<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], may_read: bool) -> Result<Endpoint<'v>, Fault<'v>> {
    let address = text(cx, args[0], "address")?.as_str();
    let View::Map(options) = args[1].view() else { return Err(expected(cx, "a map of options", args[1])) };
    let (mut key_file, mut timeout) = (None, None);
    for (key, value) in options.iter().filter(|(_, value)| !value.is_nil()) {
        match key.as_str() {
            Some("key") if !may_read => {
                return Err(cx.fail_here(ErrorKind::Capability, "a key file needs the capability fs"));
            }
            Some("key") => key_file = Some(text(cx, value, "key file")?.as_str()),
            Some("actor") => drop(text(cx, value, "actor")?),
            Some("timeout") => {
                timeout = Duration::try_from_secs_f64(number(cx, value)?).ok().filter(|time| !time.is_zero());
                if timeout.is_none() {
                    let message = "a timeout is a number of seconds above 0";
                    return Err(cx.fail_here(ErrorKind::Value, message));
                }
            }
            _ => {
                let shown = quipu_vm::ops::text::repr_short(cx, key)?;
                let message = format!("there is no option {shown}, only key, actor, timeout");
                return Err(cx.fail_here(ErrorKind::Value, message));
            }
        }
    }
    Ok(Endpoint { address, key_file, timeout })
}

fn call<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let function = Image::of(cx, args[2])?;
    ask(cx, args, RemoteCall::Call(function), args[3])
}

fn invoke<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let name = text(cx, args[2], "name")?.as_str();
    ask(cx, args, RemoteCall::Invoke(name), args[3])
}

fn install<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let name = text(cx, args[2], "name")?.as_str();
    let function = Image::of(cx, args[3])?;
    let none = cx.list(Vec::new())?;
    ask(cx, args, RemoteCall::Install(name, function), none.into())
}

fn close<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    line(cx, args[0])?.0 = None;
    Ok(Value::NIL)
}

/// Sends a call and waits for its answer. `args` are those of the native, `list` what the function is given.
fn ask<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], asked: RemoteCall<'_>, list: Value<'v>) -> Outcome<'v> {
    let actor = text(cx, args[1], "actor")?.as_str();
    let list = Image::of(cx, list)?.dump(Form::default());
    cx.work(list.len() / 64)?;
    let mut connected = line(cx, args[0])?;
    let Some(line) = connected.0.as_mut() else {
        return Err(cx.fail_here(ErrorKind::Io, "the connection is closed"));
    };
    match waiting(cx, |go_on| line.call(actor, asked, list, go_on))? {
        Ok(answer) => match Image::parse(&answer, &()) {
            Ok(image) => cx.made(Content(image)),
            Err(error) => Err(failed(cx, Trouble::Lost("protocol", format!("the result is broken: {error}")))),
        },
        Err(trouble) => Err(failed(cx, trouble)),
    }
}

/// A value out of an image.
struct Content(Image);

impl IntoValue for Content {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        self.0.load(cx)
    }
}

fn line<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<RefMut<'v, Connected>, Fault<'v>> {
    let found = match value.view() {
        View::Instance(instance) => instance.borrow_mut::<Connected>().ok(),
        _ => None,
    };
    found.ok_or_else(|| expected(cx, "a connection that `actor.connect` has made", value))
}

/// Waits for something outside, as long as the machine's host lets it.
fn waiting<'v, T>(cx: &mut Cx<'v>, wait: impl FnOnce(&mut dyn FnMut() -> bool) -> T) -> Result<T, Fault<'v>> {
    let mut stop = None;
    let given = wait(&mut || {
        stop = cx.waiting().err();
        stop.is_none()
    });
    match stop {
        Some(fault) => Err(fault),
        None => Ok(given),
    }
}

/// What a program sees of trouble. Nothing here may ask for a collection, as the call would be sent again.
fn failed<'v>(cx: &mut Cx<'v>, trouble: Trouble) -> Fault<'v> {
    let (kind, reason, message) = match trouble {
        Trouble::Thrown { value, calls, omitted } => {
            let thrown = match Image::parse(&value, &()) {
                Ok(image) => cx.made(Content(image)),
                Err(error) => Err(cx.fail_here(ErrorKind::Io, format!("what was thrown is broken: {error}"))),
            };
            return match thrown {
                Ok(value) => cx.throw_from(value, calls, omitted),
                Err(fault) => fault,
            };
        }
        Trouble::Wrong(message) => return cx.fail_here(ErrorKind::Value, message),
        Trouble::Refused(reason, message) => (ErrorKind::Plain, reason, message),
        Trouble::Lost(reason, message) => (ErrorKind::Io, reason, message),
        Trouble::GivenUp => (ErrorKind::Io, "cancelled", "nobody waits any more".to_owned()),
    };
    let reason = cx.made(reason).unwrap_or(Value::NIL);
    cx.fail_here_with(kind, message, reason)
}
