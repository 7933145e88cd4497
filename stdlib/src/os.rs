//! The module `os`: the process. Its `args` are made in `os.qp`.

use quipu_vm::native::Stop;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};

use crate::args::int;
use crate::entry::{Entry, native};

pub(crate) const NATIVES: &[Entry] =
    &[native("exit(code = 0)", "Ends the program with an exit code from 0 to 255.", exit)];

fn exit<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let code = match args.first() {
        Some(&code) => int(cx, code, "os.exit", "exit code")?,
        None => 0,
    };
    match u8::try_from(code) {
        Ok(code) => Err(Fault::Stop(Stop::Exit(code.into()))),
        Err(_) => Err(cx.fail(ErrorKind::Value, format!("os.exit: an exit code is from 0 to 255, got {code}"))),
    }
}
