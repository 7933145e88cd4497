//! The module `io`: standard input, output and error. The rest of it is in `io.qp`.

use memchr::memchr;
use quipu_vm::native::HostFn;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};

use crate::args::{count, text};
use crate::entry::{Entry, hosted, native};
use crate::grant::{Capability, Grant};
use crate::streams::{Input, Streams, Stuck};

pub(crate) const NATIVES: &[Entry] = &[
    hosted("read_line()", "The next line of standard input without its line end; nil at the end.", read_line),
    hosted("read_all()", "The rest of standard input as a str.", |grant| {
        with_input(grant, |cx, input, _| {
            all(cx, input, usize::MAX)?;
            cx.work(input.read().len() / 64)?;
            cx.reserve(input.read().len().saturating_mul(2))?;
            let text = decode(cx, input.read())?;
            let value = cx.str(text)?;
            input.used(input.read().len());
            Ok(value)
        })
    }),
    hosted(
        "read_bytes(n = nil)",
        "At most n bytes of standard input, or all that are left; fewer only at the end.",
        |grant| {
            with_input(grant, |cx, input, args| {
                let most = match args.first() {
                    Some(n) if !n.is_nil() => count(cx, *n, "number of bytes", 0)?,
                    _ => usize::MAX,
                };
                all(cx, input, most)?;
                let most = most.min(input.read().len());
                cx.work(most / 64)?;
                cx.reserve(input.read().len().saturating_add(most))?;
                let value = cx.bytes(&input.read()[..most])?;
                input.used(most);
                Ok(value)
            })
        },
    ),
    native("flush()", "Writes out what standard output holds back.", |cx, _| {
        cx.flush()?;
        Ok(Value::NIL)
    }),
];

pub(crate) const INTERNALS: &[Entry] = &[
    hosted("_io_read_line()", "The next line of standard input.", read_line)
        .shown("io.read_line")
        .needing(Capability::Io),
    hosted("_io_write_error(text)", "Writes to standard error.", |grant| {
        let streams = grant.streams.clone();
        Box::new(move |cx, args| write_error(cx, args, &streams))
    })
    .shown("io.eprint")
    .needing(Capability::Io),
];

/// A native that reads the input. Whatever it takes out of it, it takes out last, because it may be run again.
fn with_input(grant: &Grant, run: for<'v> fn(&mut Cx<'v>, &mut Input, &[Value<'v>]) -> Outcome<'v>) -> Box<HostFn> {
    let streams = grant.streams.clone();
    Box::new(move |cx, args| run(cx, &mut streams.input(), args))
}

fn read_line(grant: &Grant) -> Box<HostFn> {
    with_input(grant, |cx, input, _| {
        let mut searched = 0;
        let (line, used) = loop {
            match memchr(b'\n', &input.read()[searched..]) {
                Some(at) => break (searched + at, searched + at + 1),
                None if input.ended() => break (input.read().len(), input.read().len()),
                None => searched = input.read().len(),
            }
            input.more(cx).map_err(|stuck| fault(cx, stuck))?;
        };
        if used == 0 {
            return Ok(Value::NIL);
        }
        let text = &input.read()[..line];
        let text = if used > line { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        cx.work(text.len() / 64)?;
        let line = decode(cx, text)?;
        let value = cx.str(line)?;
        input.used(used);
        Ok(value)
    })
}

/// Reads until there are so many bytes, or all.
fn all<'v>(cx: &mut Cx<'v>, input: &mut Input, most: usize) -> Result<(), Fault<'v>> {
    while input.read().len() < most && !input.ended() {
        input.more(cx).map_err(|stuck| fault(cx, stuck))?;
    }
    Ok(())
}

fn fault<'v>(cx: &mut Cx<'v>, stuck: Stuck<'v>) -> Fault<'v> {
    match stuck {
        Stuck::Fault(fault) => fault,
        Stuck::Io(error) => cx.fail_here(ErrorKind::Io, format!("cannot read standard input: {error}")),
    }
}

fn decode<'v, 'b>(cx: &mut Cx<'v>, bytes: &'b [u8]) -> Result<&'b str, Fault<'v>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let at = error.valid_up_to();
            let message = format!("the input is not UTF-8 from byte {at} on; `io.read_bytes` takes any");
            Err(cx.fail_here(ErrorKind::Value, message))
        }
    }
}

fn write_error<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], streams: &Streams) -> Outcome<'v> {
    let message = text(cx, args[0], "message")?;
    // What was printed before is seen before.
    cx.flush()?;
    match streams.write_error(message.as_str()) {
        Ok(()) => Ok(Value::NIL),
        Err(error) => Err(cx.fail_here(ErrorKind::Io, format!("cannot write standard error: {error}"))),
    }
}
