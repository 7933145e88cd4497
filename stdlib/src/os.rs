//! The module `os`: the process that the program runs in. Its `args` and `run` are in `os.qp`, other processes in
//! `process`.

use quipu_vm::native::{HostFn, Stop};
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};

use crate::args::{int, text};
use crate::charge::Values;
use crate::entry::{Entry, hosted, native};
use crate::grant::{Capability, Grant};
use crate::process;

pub(crate) const NATIVES: &[Entry] = &[
    native("exit(code = 0)", "Ends the program with an exit code from 0 to 255.", exit),
    native(
        "env(name = nil, default = nil)",
        "The environment variable with a name, or else a map of all of them.",
        env,
    ),
    native("cwd()", "The folder that paths are relative to.", cwd),
    native("platform()", "The operating system: \"linux\", \"macos\", \"windows\" ...", |cx, _| {
        cx.str(std::env::consts::OS)
    }),
    native("arch()", "The processor's architecture: \"x86_64\", \"aarch64\" ...", |cx, _| {
        cx.str(std::env::consts::ARCH)
    }),
    native("cpus()", "How many threads can run at once.", |_, _| {
        Ok(Value::int(std::thread::available_parallelism().map_or(1, |count| count.get() as i64)))
    }),
    native("pid()", "The number of the process.", |_, _| Ok(Value::int(std::process::id().into()))),
];

pub(crate) const INTERNALS: &[Entry] = &[
    hosted("_os_args()", "The strings after the program's path.", args).needing(Capability::Os),
    hosted("_os_process(action, ..rest)", "Starts, waits for and reads other processes.", process::native)
        .shown("os.run")
        .needing(Capability::Os),
];

fn args(grant: &Grant) -> Box<HostFn> {
    let args = grant.args.clone();
    Box::new(move |cx, _| {
        let mut values = Values::with_room(cx, args.len())?;
        for arg in &args {
            values.push_str(cx, arg)?;
        }
        values.list(cx)
    })
}

fn exit<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let code = match args.first() {
        Some(&code) => int(cx, code, "exit code")?,
        None => 0,
    };
    match u8::try_from(code) {
        Ok(code) => Err(Fault::Stop(Stop::Exit(code.into()))),
        Err(_) => Err(cx.fail_here(ErrorKind::Value, format!("an exit code is from 0 to 255, got {code}"))),
    }
}

fn env<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let Some(&name) = args.first().filter(|name| !name.is_nil()) else { return whole_env(cx) };
    let name = text(cx, name, "name")?.as_str();
    // What no variable can be called is not there; asking the system for it would panic.
    let there = !name.is_empty() && !name.contains(['=', '\0']);
    match there.then(|| std::env::var_os(name)).flatten() {
        None => Ok(args.get(1).copied().unwrap_or(Value::NIL)),
        Some(value) => match value.to_str() {
            Some(value) => cx.str(value),
            None => Err(cx.fail_here(ErrorKind::Value, format!("the value of {name} is not UTF-8"))),
        },
    }
}

/// All variables whose name and value are text.
fn whole_env<'v>(cx: &mut Cx<'v>) -> Outcome<'v> {
    let map = cx.map();
    for (name, value) in std::env::vars_os() {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
            cx.work(2)?;
            let (name, value) = (cx.str(name)?, cx.str(value)?);
            map.insert(cx, name, value)?;
        }
    }
    Ok(map.into())
}

fn cwd<'v>(cx: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
    match std::env::current_dir() {
        Ok(folder) => match folder.to_str() {
            Some(folder) => cx.str(folder),
            None => Err(cx.fail_here(ErrorKind::Io, "the folder's path is not UTF-8")),
        },
        Err(error) => Err(cx.fail_here(ErrorKind::Io, error.to_string())),
    }
}
