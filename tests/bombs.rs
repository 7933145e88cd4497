//! Programs that ask for too much: each ends in time and within its memory, with a typed error or the right result, as a
//! program, in a session and as a call of an actor; and whatever it ran in works on.
//!
//! What may become of a program of `tests/bombs` stands behind it: `#> text` is the beginning of what it prints when it comes
//! to its end, `#! word` is a limit (`heap`, `fuel`, `time`), a kind of error or the code of a compile error. Several of them
//! are alternatives, as faster machines come to other limits first. `BOMBS=part` picks some by name.
#![cfg(all(feature = "serve", target_os = "linux"))]

#[path = "support/batches.rs"]
mod batches;
#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
mod served;

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use quipu::actor::call::{Stopped, Target};
use quipu::actor::client::{ClientError, Function};
use quipu::stdlib::{Grant, Streams};
use quipu::vm::image::{Form, Image};
use quipu::vm::{Failure, Limits, Moment, Stop};
use quipu::{Engine, Error, Input, Session};
use wait4::Wait4;

use program::Scratch;
use served::{Caller, Server};

const HEAP: usize = 64 << 20;
const FUEL: u64 = 1_000_000_000_000;
const TIME: Duration = Duration::from_secs(2);

/// How long past the deadline a bomb may take. It is a tenth of that on an idle machine.
const LATE: Duration = Duration::from_secs(1);

/// What may be resident: a quarter above the limit, and what a process is without any values.
const RESIDENT: u64 = (HEAP + HEAP / 4 + (24 << 20)) as u64;

/// How many run at once.
const WORKERS: usize = 2;

struct Bomb {
    name: String,
    text: String,
    /// What it may end with.
    ends: Vec<String>,
    /// The beginnings of what it may print.
    prints: Vec<String>,
}

impl Bomb {
    /// Whether it may end like this: the word of its end, or what it has printed.
    fn check(&self, end: Result<&str, &str>) -> Result<(), String> {
        let (is_right, what) = match end {
            Ok(printed) => (self.prints.iter().any(|start| printed.starts_with(start)), format!("prints {printed:?}")),
            Err(end) => (self.ends.iter().any(|word| word == end), format!("ends in {end}")),
        };
        let expected = format!("{} {:?}", self.ends.join(", "), self.prints);
        if is_right { Ok(()) } else { Err(format!("{what}, not in one of {expected}")) }
    }

    /// Whether it reaches for something that servers do not have, or does not compile.
    fn is_for_programs(&self) -> bool {
        self.name == "sleep" || self.name.starts_with("compile") || self.ends.iter().any(|end| end.starts_with('Q'))
    }
}

/// All bombs in order; every tenth of them in builds that are slow.
fn bombs() -> Vec<Bomb> {
    let chosen = std::env::var("BOMBS").unwrap_or_default();
    let mut files: Vec<_> = fs::read_dir("tests/bombs").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_str().is_some_and(|name| name.contains(&chosen)));
    files.sort();
    if std::env::var("RUSTFLAGS").is_ok_and(|flags| flags.contains("quipu_strained") || flags.contains("quipu_loose")) {
        files = files.into_iter().step_by(10).collect();
    }
    assert!(!files.is_empty());
    let read = |file: std::path::PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let marked = |mark: &str| text.lines().filter_map(|line| line.strip_prefix(mark)).map(str::to_owned).collect();
        let (ends, prints) = (marked("#! "), marked("#> "));
        Bomb { name: file.file_stem().unwrap().to_str().unwrap().to_owned(), ends, prints, text }
    };
    files.into_iter().map(read).collect()
}

/// Does something with each, some at once, and tells all that went wrong.
fn each(bombs: &[Bomb], work: impl Fn(&Bomb) -> Result<(), String> + Sync) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(bomb) = bombs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(message) = work(bomb) {
                        wrong.lock().unwrap().push(format!("{}: {message}", bomb.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), bombs.len(), wrong.join("\n"));
}

/// Set for the process in which the next test does its work.
const ALONE: &str = "QUIPU_BOMBS_ALONE";

#[test]
fn programs_stay_within_their_limits() {
    // The peak of a process counts from that of the one that began it, which others here may have made large.
    if std::env::var_os(ALONE).is_none() {
        let alone = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "programs_stay_within_their_limits", "--nocapture"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        print!("{}", String::from_utf8_lossy(&alone.stdout));
        assert!(alone.status.success(), "{}", String::from_utf8_lossy(&alone.stderr));
        return;
    }
    let scratch = Scratch::new("bombs");
    each(&bombs(), |bomb| {
        let (out, err) = (scratch.0.join(format!("{}.out", bomb.name)), scratch.0.join(format!("{}.err", bomb.name)));
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_vm"))
            .args(["--heap", "64M", "--timeout", "2s", "--fuel", &FUEL.to_string()])
            .arg(format!("tests/bombs/{}.qp", bomb.name))
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let (id, (over, until)) = (child.id(), channel::<()>());
        let guard = thread::spawn(move || {
            if until.recv_timeout(Duration::from_secs(60)).is_err() {
                _ = Command::new("kill").args(["-9", &id.to_string()]).status();
            }
        });
        let used = child.wait4().unwrap();
        let (took, worked) = (began.elapsed(), used.rusage.utime + used.rusage.stime);
        over.send(()).unwrap();
        guard.join().unwrap();
        let (out, err) = (fs::read(&out).unwrap(), fs::read_to_string(&err).unwrap());
        println!("{:16} {took:7.2?} {worked:7.2?} {:4} MiB  {}", bomb.name, used.rusage.maxrss >> 20, first(&err));
        let end = match used.status.code() {
            Some(0) => Ok(String::from_utf8_lossy(&out[..out.len().min(100)])),
            Some(_) => Err(end_in(&err)),
            None => return Err(format!("is killed: {}", used.status)),
        };
        bomb.check(end.as_deref().map_err(String::as_str))?;
        if used.rusage.maxrss > RESIDENT {
            return Err(format!("{} MiB are resident, of {} at most", used.rusage.maxrss >> 20, RESIDENT >> 20));
        }
        // Where others run at once, time passes that is not the program's.
        if took > TIME + LATE && (worked > TIME + LATE / 2 || took > 5 * TIME) {
            return Err(format!("it takes {took:?}"));
        }
        Ok(())
    });
}

fn first(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

/// The word for what an error says first.
fn end_in(err: &str) -> String {
    let line = first(err).strip_prefix("error[").and_then(|rest| rest.split_once("]: "));
    let Some((code, title)) = line else { return first(err).to_owned() };
    match title {
        "the heap is full" => "heap".to_owned(),
        "out of time" => "time".to_owned(),
        "out of fuel" => "fuel".to_owned(),
        _ if code.starts_with("Q04") => title.split(':').next().unwrap_or(title).to_owned(),
        _ => code.to_owned(),
    }
}

/// Programs that a machine that is as good as new does, with what they give.
const SMALL: [(&str, &str); 5] = [
    ("1 + 1", "2"),
    ("range(1000).map(|i| [i]).map(|x| x[0]).sum()", "499500"),
    ("let m = [:]; for i in 0..1000 { m[\"k${i}\"] = (i, i) }; m.k7", "(7, 7)"),
    ("(\"x\" * 16_000_000).len()", "16000000"),
    ("let f = fiber(|| { yield [1] * 1_000_000 }); f.resume().len()", "1000000"),
];

#[test]
fn sessions_work_on() {
    let bombs = bombs();
    let numbers: Vec<usize> = (0..bombs.len()).collect();
    let engine =
        Engine::granting(&Grant { streams: Streams::new(std::io::empty(), std::io::sink()), ..Grant::all(Vec::new()) });
    let limits = |time: Duration| Limits {
        fuel: Some(FUEL),
        heap: Some(HEAP),
        deadline: Some(Moment::now() + time),
        ..Limits::default()
    };
    let time = Duration::from_secs(60);
    let report = batches::in_processes(concat!(module_path!(), "::sessions_work_on"), &numbers, time, None, |number| {
        let bomb = &bombs[number];
        // A quarter of the time is enough to fill the machine, or to be stopped by the clock.
        let mut session = engine.session(limits(TIME / 4)).map_err(|error| error.to_string())?;
        session.vm().set_output(Box::new(std::io::sink()));
        let ended = session.run(&Input::text("bomb.qp", bomb.text.as_str()));
        let end = ended.as_ref().err().map(word_of);
        match end.as_deref() {
            None if bomb.prints.is_empty() => return Err("comes to its end".to_owned()),
            None | Some("time" | "heap") => {}
            Some(end) => bomb.check(Err(end))?,
        }
        drop(ended);
        works(&mut session, limits(time))
    });
    let tell = |wrong: &batches::Wrong| format!("{}: {}", bombs[wrong.number].name, wrong.message);
    let wrong: Vec<String> = report.wrong.iter().map(tell).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), bombs.len(), wrong.join("\n"));
}

/// The word for what a program ended with.
fn word_of(error: &Error) -> String {
    match error {
        Error::Failed(Failure::Uncaught(uncaught)) => uncaught.kind.clone().unwrap_or_default(),
        Error::Failed(Failure::Stop(Stop::Heap, _)) => "heap".to_owned(),
        Error::Failed(Failure::Stop(Stop::Time, _)) => "time".to_owned(),
        Error::Failed(Failure::Stop(Stop::Fuel, _)) => "fuel".to_owned(),
        Error::Invalid(found) => found[0].list[0].code.to_string(),
        other => other.to_string(),
    }
}

/// Whether small programs do what they do in a new machine.
fn works(session: &mut Session, limits: Limits) -> Result<(), String> {
    for (text, expected) in SMALL {
        session.vm().set_limits(limits.clone());
        let value = match session.run(&Input::text("small.qp", text)) {
            Ok(value) => value,
            Err(error) => return Err(format!("then `{text}` ends in {}", word_of(&error))),
        };
        let shown = session.vm().repr(&value).map_err(|failure| format!("then `{text}`: {failure}"))?;
        if shown != expected {
            return Err(format!("then `{text}` gives {shown}, not {expected}"));
        }
    }
    Ok(())
}

#[test]
fn actors_stay_within_their_limits_and_others_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let fuel = FUEL.to_string();
    let mut server = Server::start(folder.path(), &["--heap", "64M", "--timeout", "2s", "--fuel", &fuel]);
    server.wait_until_it_listens();
    let (is_over, slowest) = (AtomicBool::new(false), Mutex::new(Duration::ZERO));
    let mut bombs = bombs();
    bombs.retain(|bomb| !bomb.is_for_programs());
    thread::scope(|scope| {
        // Somebody else's actor, who is asked all the time.
        let other = scope.spawn(|| {
            let mut caller = Caller::connect(folder.path());
            let count = Arc::new(Function::new(caller.image("|s| { s.n = s.get(\"n\", 0) + 1; s.n }")));
            let mut calls = 0;
            while !is_over.load(Ordering::Relaxed) {
                let began = Instant::now();
                calls += 1;
                assert_eq!(call(&mut caller, "other", &count), Ok(calls.to_string()));
                let mut slowest = slowest.lock().unwrap();
                *slowest = began.elapsed().max(*slowest);
                drop(slowest);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let callers: Mutex<Vec<Caller>> = Mutex::default();
        let done = thread::scope(|scope| {
            scope
                .spawn(|| {
                    each(&bombs, |bomb| {
                        let kept = callers.lock().unwrap().pop();
                        let mut caller = kept.unwrap_or_else(|| Caller::connect(folder.path()));
                        let done = bomb_as_call(&mut caller, bomb);
                        println!(
                            "{:16} {:4} MiB {:4} MiB",
                            bomb.name,
                            server.status("VmRSS") >> 20,
                            server.status("VmHWM") >> 20
                        );
                        callers.lock().unwrap().push(caller);
                        done
                    });
                })
                .join()
        });
        is_over.store(true, Ordering::Relaxed);
        other.join().unwrap();
        done.unwrap();
    });
    let (slowest, peak) = (slowest.into_inner().unwrap(), server.status("VmHWM"));
    println!("another actor is answered within {slowest:?}; the server takes {} MiB at most", peak >> 20);
    assert!(slowest < Duration::from_secs(1), "another actor waits for {slowest:?}");
    // Each of those who call at once has a machine; the others rest, and keep what they need until the next collection.
    let most = WORKERS * (HEAP + HEAP / 4) + bombs.len() * (4 << 20) + (64 << 20);
    assert!(peak <= most, "the server takes {} MiB, of {} at most", peak >> 20, most >> 20);
}

/// Calls a function without arguments in an actor; what it gives, or the word for why it gives nothing.
fn call(caller: &mut Caller, actor: &str, function: &Arc<Function>) -> Result<String, String> {
    let args = caller.image("[]").dump(Form::default());
    let target = Target::Function(function.hash());
    let bytes = match caller.client.call(&actor.into(), target, Some(function.clone()), args, &mut || Ok(())) {
        Ok(bytes) => bytes,
        Err(ClientError::Stopped(Stopped::Heap)) => return Err("heap".to_owned()),
        Err(ClientError::Stopped(Stopped::Time)) => return Err("time".to_owned()),
        Err(ClientError::Stopped(Stopped::Fuel)) => return Err("fuel".to_owned()),
        Err(ClientError::Thrown { value, .. }) => {
            let shown = shown(caller, &value);
            return Err(shown.split('(').next().unwrap_or(&shown).to_owned());
        }
        Err(error) => return Err(error.to_string()),
    };
    Ok(shown(caller, &bytes))
}

fn shown(caller: &mut Caller, bytes: &[u8]) -> String {
    let value = caller.session.vm().load(&Image::parse(bytes, &()).unwrap()).unwrap();
    caller.session.vm().repr(&value).unwrap()
}

/// Lets an actor of its own carry out a bomb, and then something small.
fn bomb_as_call(caller: &mut Caller, bomb: &Bomb) -> Result<(), String> {
    let (imports, rest): (Vec<&str>, Vec<&str>) = bomb.text.lines().partition(|line| line.starts_with("import "));
    let text = format!("{}\n|s| {{\n{}\nnil\n}}", imports.join("\n"), rest.join("\n"));
    let function = Arc::new(Function::new(caller.image(&text)));
    let began = Instant::now();
    let end = call(caller, &bomb.name, &function);
    let took = began.elapsed();
    println!("{:16} {took:7.2?} {end:?}", bomb.name);
    match &end {
        Ok(_) if bomb.prints.is_empty() => return Err("comes to its end".to_owned()),
        Ok(_) => {}
        Err(word) => bomb.check(Err(word))?,
    }
    let small = Arc::new(Function::new(caller.image("|s| { let xs = [1] * 1_000_000; (s.len(), xs.len()) }")));
    match call(caller, &bomb.name, &small) {
        Ok(shown) if shown == "(0, 1000000)" => {}
        other => return Err(format!("then the actor gives {other:?}")),
    }
    if took > 3 * (TIME + LATE) { Err(format!("it takes {took:?}")) } else { Ok(()) }
}
