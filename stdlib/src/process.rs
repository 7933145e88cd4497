//! Other processes, for `os.run`: one native that starts, waits for, reads and forgets them.
//!
//! A native may have to be run again after a collection, but a process must not be started twice. So the steps are
//! apart, and only those that change nothing make values.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use quipu_vm::native::HostFn;
use quipu_vm::{Cx, ErrorKind, Fault, Value, View};

use crate::args::{check_options, expected, int, text};
use crate::disk::failed;
use crate::grant::Grant;
use crate::streams::PATIENCE;

/// A process under way, or one that has ended and was not forgotten.
struct Running {
    name: String,
    child: Child,
    /// Its exit code, when it has ended: minus the signal's number if a signal ended it.
    code: Option<i64>,
    deadline: Option<(Instant, f64)>,
    /// It was ended because its time was over.
    late: bool,
    /// Whether what it writes is wanted as bytes.
    bytes: bool,
    threads: Vec<JoinHandle<()>>,
    outputs: [Arc<Mutex<Vec<u8>>>; 2],
}

/// A process that nobody waits for any more is ended.
impl Drop for Running {
    fn drop(&mut self) {
        if self.code.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[derive(Default)]
struct Processes {
    next: i64,
    running: HashMap<i64, Running>,
}

/// The native, with the processes of one library.
pub(crate) fn native(_: &Grant) -> Box<HostFn> {
    let processes = Mutex::new(Processes::default());
    Box::new(move |cx, args| {
        let action = text(cx, args[0], "action")?.as_str();
        if let ("start", &[_, program, list, options]) = (action, args) {
            let running = start(cx, program, list, options)?;
            let mut processes = lock(&processes);
            processes.next += 1;
            let id = processes.next;
            processes.running.insert(id, running);
            return Ok(Value::int(id));
        }
        let &[_, id] = args else { return Err(cx.fail_here(ErrorKind::Value, "no such step")) };
        let id = int(cx, id, "process")?;
        // Others may start processes while this one is waited for.
        let taken = lock(&processes).running.remove(&id);
        let Some(mut running) = taken else {
            return Err(cx.fail_here(ErrorKind::Value, "no such process"));
        };
        let result = match action {
            "wait" => wait(cx, &mut running).map(Value::int),
            "out" => cx.bytes(&lock(&running.outputs[0])),
            "err" => cx.bytes(&lock(&running.outputs[1])),
            "close" => return Ok(Value::NIL),
            _ => return Err(cx.fail_here(ErrorKind::Value, "no such step")),
        };
        // After a collection it is asked again; anything else that goes wrong is final.
        if !matches!(result, Err(Fault::Stop(_) | Fault::Thrown(_))) {
            lock(&processes).running.insert(id, running);
        }
        result
    })
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `os.run` may be told beside the program and its arguments.
const OPTIONS: &[&str] = &["stdin", "cwd", "env", "timeout", "bytes"];

fn start<'v>(cx: &mut Cx<'v>, program: Value<'v>, args: Value<'v>, options: Value<'v>) -> Result<Running, Fault<'v>> {
    let program = text(cx, program, "program")?;
    let View::List(args) = args.view() else { return Err(expected(cx, "a list of arguments", args)) };
    let View::Map(options) = options.view() else { return Err(expected(cx, "a map of options", options)) };
    check_options(cx, options, OPTIONS)?;
    let option = |cx: &mut Cx<'v>, name| options.get_text(cx, name).filter(|value| !value.is_nil());
    let mut command = Command::new(program.as_str());
    for arg in args.iter() {
        command.arg(text(cx, arg, "argument")?.as_str());
    }
    let folder = match option(cx, "cwd") {
        Some(folder) => Some(text(cx, folder, "folder")?),
        None => None,
    };
    if let Some(folder) = folder {
        command.current_dir(folder.as_str());
    }
    if let Some(env) = option(cx, "env") {
        let View::Map(env) = env.view() else { return Err(expected(cx, "a map as env", env)) };
        for (name, value) in env.iter() {
            let name = text(cx, name, "variable")?.as_str();
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(cx.fail_here(ErrorKind::Value, "an environment variable cannot have this name"));
            }
            match value.is_nil() {
                true => command.env_remove(name),
                false => command.env(name, text(cx, value, "value of a variable")?.as_str()),
            };
        }
    }
    let deadline = match option(cx, "timeout") {
        None => None,
        Some(value) => {
            let seconds = crate::args::number(cx, value)?;
            let Ok(time) = Duration::try_from_secs_f64(seconds) else {
                return Err(cx.fail_here(ErrorKind::Value, "the timeout must be a number of seconds from 0 on"));
            };
            Instant::now().checked_add(time).map(|deadline| (deadline, seconds))
        }
    };
    let stdin = match option(cx, "stdin").map(|value| (value, value.view())) {
        None => None,
        Some((_, View::Str(text))) => Some(input(cx, text.as_str().as_bytes())?),
        Some((_, View::Bytes(bytes))) => Some(input(cx, bytes.as_slice())?),
        Some((value, _)) => return Err(expected(cx, "a str or bytes as stdin", value)),
    };
    command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            // The system does not say which of the two it means. The folder is looked into as the process would do.
            let entered =
                folder.and_then(|folder| Some((folder, Path::new(folder.as_str()).join(".").metadata().err()?)));
            return Err(match entered {
                Some((folder, error)) => failed(cx, folder, &error),
                None => failed(cx, program, &error),
            });
        }
    };
    let bytes = option(cx, "bytes").is_some_and(|value| value.is_truthy());
    let name = program.as_str().to_owned();
    let mut running = Running {
        name,
        child,
        code: None,
        deadline,
        late: false,
        bytes,
        threads: Vec::new(),
        outputs: Default::default(),
    };
    if let (Some(stdin), Some(mut pipe)) = (stdin, running.child.stdin.take()) {
        // A process that does not read all of its input is no mistake.
        running.spawn(move || drop(pipe.write_all(&stdin)));
    }
    if let Some(pipe) = running.child.stdout.take() {
        running.collect(pipe, 0);
    }
    if let Some(pipe) = running.child.stderr.take() {
        running.collect(pipe, 1);
    }
    Ok(running)
}

/// A copy of what the process is to read.
fn input<'v>(cx: &mut Cx<'v>, bytes: &[u8]) -> Result<Vec<u8>, Fault<'v>> {
    cx.reserve(bytes.len())?;
    cx.work(bytes.len() / 64)?;
    Ok(bytes.to_vec())
}

impl Running {
    fn spawn(&mut self, work: impl FnOnce() + Send + 'static) {
        // Without a thread the pipe is closed, which the process sees as the end.
        self.threads.extend(std::thread::Builder::new().name("pipe".to_owned()).spawn(work));
    }

    fn collect(&mut self, mut pipe: impl Read + Send + 'static, output: usize) {
        let to = self.outputs[output].clone();
        self.spawn(move || {
            let mut chunk = vec![0; 1 << 16];
            while let Ok(count) = pipe.read(&mut chunk) {
                if count == 0 {
                    break;
                }
                lock(&to).extend_from_slice(&chunk[..count]);
            }
        });
    }

    /// Ends the process. What it has written is read a little longer; somebody else may hold its pipes.
    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let end = Instant::now() + 5 * PATIENCE;
        while Instant::now() < end && !self.threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(PATIENCE / 10);
        }
    }

    fn ended(&mut self) -> std::io::Result<bool> {
        if self.code.is_none()
            && let Some(status) = self.child.try_wait()?
        {
            #[cfg(unix)]
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            #[cfg(not(unix))]
            let signal = None::<i32>;
            let code = status.code().or(signal.map(|signal| -signal)).unwrap_or(-1);
            self.code = Some(code.into());
        }
        Ok(self.code.is_some() && self.threads.iter().all(JoinHandle::is_finished))
    }
}

/// The error of a process whose time was over, with what it has written.
fn too_late<'v>(cx: &mut Cx<'v>, running: &Running) -> Fault<'v> {
    let data = cx.map();
    let filled = (|| {
        for (key, output) in ["out", "err"].into_iter().zip(&running.outputs) {
            let written = lock(output);
            // Text may be cut off within a character, which makes the rest no less worth seeing.
            let value = match running.bytes {
                true => cx.bytes(&written)?,
                false => cx.str(&String::from_utf8_lossy(&written))?,
            };
            let key = cx.str(key)?;
            data.insert(cx, key, value)?;
        }
        let (key, reason) = (cx.str("reason")?, cx.str("timeout")?);
        data.insert(cx, key, reason)
    })();
    let seconds = running.deadline.map_or(0.0, |(_, seconds)| seconds);
    match filled {
        Ok(_) => {
            let message = format!("{} did not end within {seconds} s", running.name);
            cx.fail_here_with(ErrorKind::Io, message, data.into())
        }
        Err(fault) => fault,
    }
}

/// Waits until the process has ended and all it wrote is there.
fn wait<'v>(cx: &mut Cx<'v>, running: &mut Running) -> Result<i64, Fault<'v>> {
    let mut pause = Duration::from_micros(100);
    loop {
        if running.late {
            return Err(too_late(cx, running));
        }
        match running.ended() {
            Ok(true) => return Ok(running.code.unwrap_or(-1)),
            Ok(false) => {}
            Err(error) => return Err(cx.fail_here(ErrorKind::Io, format!("{}: {error}", running.name))),
        }
        // It is read while it is written, so its end is no place to find out that it does not fit.
        cx.reserve(running.outputs.iter().map(|output| lock(output).len().saturating_mul(2)).sum())?;
        cx.waiting()?;
        if let Some((deadline, _)) = running.deadline
            && Instant::now() >= deadline
        {
            running.late = true;
            running.end();
            continue;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_is_ended() {
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let running = Running {
            name: String::new(),
            child,
            code: None,
            deadline: None,
            late: false,
            bytes: false,
            threads: Vec::new(),
            outputs: Default::default(),
        };
        drop(running);
    }
}
