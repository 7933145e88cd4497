//! How programs compile texts: what a host that has a compiler does for the library, which has none.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use quipu_code::Code;
use quipu_vm::native::HostFn;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{expected, text};
use crate::grant::Grant;

/// Compiles texts.
pub trait Compile: Debug + Send + Sync {
    /// Compiles a text among variables with these names, which it may not assign to. Of several with one name the last
    /// counts.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the text.
    fn compile(&self, text: &str, names: &[&str]) -> Result<CompiledText, Vec<Finding>>;
}

/// A text as a function without parameters.
#[derive(Debug)]
pub struct CompiledText {
    /// Its code, which takes values only.
    pub code: Code,
    /// Where the values of its free variables come from: the numbers of the names.
    pub captures: Vec<usize>,
}

/// Something that is wrong with a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Its stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The line it is on, from 1.
    pub line: u32,
    /// Where on its line it begins, in code points from 1.
    pub column: u32,
    /// What to do about it.
    pub help: Option<String>,
}

/// Longer texts are compiled on a thread of their own, so that limits are looked at meanwhile.
const SHORT: usize = 40_000;

/// How long to wait between two looks at the limits.
const PAUSE: Duration = Duration::from_millis(2);

/// Fuel for a text, whatever is in it.
const LEAST: usize = 400;

/// Fuel for each byte of a text.
const PER_BYTE: usize = 16;

/// What compiling takes in memory for each byte of a text, for all that there is at one time: tokens, trees, tables, code.
const MEMORY: usize = 160;

/// The native `code.compile`.
pub(crate) fn compile(grant: &Grant) -> Box<HostFn> {
    let compiler = grant.compiler.clone();
    Box::new(move |cx, args| {
        let source = text(cx, args[0], "text")?.as_str();
        let (names, values) = variables(cx, args.get(1).copied())?;
        let Some(compiler) = &compiler else {
            return Err(cx.fail_here(ErrorKind::Capability, "the host has nothing to compile with"));
        };
        cx.reserve(source.len().saturating_mul(MEMORY))?;
        cx.work(source.len().saturating_mul(PER_BYTE).saturating_add(LEAST + names.len()))?;
        match compiled(cx, compiler, source, names)? {
            Ok(CompiledText { code, captures }) => {
                let captures: Vec<Value<'_>> =
                    captures.iter().map(|&number| values.get(number).copied().unwrap_or(Value::NIL)).collect();
                cx.close(&code, &captures)
            }
            Err(findings) => Err(failed(cx, &findings)),
        }
    })
}

/// The names and values of a map of variables.
fn variables<'v>(cx: &mut Cx<'v>, map: Option<Value<'v>>) -> Result<(Vec<&'v str>, Vec<Value<'v>>), Fault<'v>> {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    let Some(map) = map else { return Ok((names, values)) };
    let View::Map(map) = map.view() else { return Err(expected(cx, "a map from names to values", map)) };
    cx.reserve(map.len().saturating_mul(size_of::<(&str, Value<'_>)>()))?;
    for (key, value) in map.iter() {
        let Some(name) = key.as_str() else { return Err(expected(cx, "a map whose keys are names", key)) };
        names.push(name);
        values.push(value);
    }
    Ok((names, values))
}

/// Has a text compiled, and stops when a limit says so; a thread that is at it then ends by itself.
fn compiled<'v>(
    cx: &mut Cx<'v>,
    compiler: &Arc<dyn Compile>,
    source: &str,
    names: Vec<&str>,
) -> Result<Result<CompiledText, Vec<Finding>>, Fault<'v>> {
    if source.len() > SHORT {
        let (compiler, text) = (compiler.clone(), source.to_owned());
        let owned: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let (done, waits) = channel();
        let work = move || {
            let names: Vec<&str> = owned.iter().map(String::as_str).collect();
            // Nobody waits any more if it was stopped.
            let _ = done.send(compiler.compile(&text, &names));
        };
        // Where no thread can be had the text is compiled here.
        if std::thread::Builder::new().name("compile".to_owned()).spawn(work).is_ok() {
            loop {
                cx.waiting()?;
                match waits.recv_timeout(PAUSE) {
                    Ok(done) => return Ok(done),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(cx.fail_here(ErrorKind::Capability, "the compiler of the host panicked"));
                    }
                }
            }
        }
    }
    Ok(compiler.compile(source, &names))
}

/// The error that has all findings in its data.
fn failed<'v>(cx: &mut Cx<'v>, findings: &[Finding]) -> Fault<'v> {
    match list(cx, findings) {
        Ok(list) => cx.fail_with(ErrorKind::Compile, message(findings), list),
        Err(fault) => fault,
    }
}

/// The first finding, and how many more there are.
fn message(findings: &[Finding]) -> String {
    let Some(first) = findings.first() else { return "the text does not compile".to_owned() };
    let more = match findings.len() - 1 {
        0 => String::new(),
        1 => ", and there is 1 more error".to_owned(),
        more => format!(", and there are {more} more errors"),
    };
    format!("line {}, column {}: {}{more}", first.line, first.column, first.message)
}

fn list<'v>(cx: &mut Cx<'v>, findings: &[Finding]) -> Outcome<'v> {
    cx.work(findings.len())?;
    let mut maps = Vec::with_capacity(findings.len());
    for finding in findings {
        let map = cx.map();
        let help = match &finding.help {
            Some(help) => cx.str(help)?,
            None => Value::NIL,
        };
        let entries = [
            ("code", cx.str(finding.code)?),
            ("message", cx.str(&finding.message)?),
            ("line", Value::int(finding.line.into())),
            ("column", Value::int(finding.column.into())),
            ("help", help),
        ];
        for (key, value) in entries {
            let key = cx.str(key)?;
            map.insert(cx, key, value)?;
        }
        maps.push(map.into());
    }
    Ok(cx.list(maps)?.into())
}
