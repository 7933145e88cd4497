//! Runs a program in memory and compares what happens with the expectations beside its lines.
//!
//! `#> text` is the next line of output, `#! kind: part` the uncaught error of that line, `#? Q0123: part` a compile
//! error whose primary span begins on that line. Markers are read from the bare text, wherever they stand.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod cut;
pub mod generate;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quipu::vm::{Failure, Limits, Moment};
use quipu::{Engine, Error, Input};

/// What a program is to do.
#[derive(Default, Debug)]
pub struct Expected {
    /// Lines of output.
    output: Vec<String>,
    /// Line, kind and part of the message of the uncaught error.
    thrown: Option<(u32, String, String)>,
    /// Line, code and part of the title of each compile error.
    errors: Vec<(u32, String, String)>,
}

impl Expected {
    /// Reads the markers of a program.
    pub fn read(text: &str) -> Expected {
        let mut expected = Expected::default();
        for (line, number) in text.lines().zip(1..) {
            let Some((mark, rest)) = marker(line) else { continue };
            let (head, part) = rest.split_once(':').unwrap_or((rest, ""));
            let (head, part) = (head.trim().to_owned(), part.trim().to_owned());
            match mark {
                '>' => expected.output.push(rest.to_owned()),
                '!' => expected.thrown = Some((number, head, part)),
                _ => expected.errors.push((number, head, part)),
            }
        }
        expected
    }

    /// Whether the program is to end badly.
    pub fn fails(&self) -> bool {
        self.thrown.is_some() || !self.errors.is_empty()
    }
}

/// The first marker of a line: its sign and what follows it.
fn marker(line: &str) -> Option<(char, &str)> {
    for (at, _) in line.match_indices('#') {
        let begins = line[..at].chars().next_back().is_none_or(char::is_whitespace);
        let mut rest = line[at + 1..].chars();
        let sign = rest.next();
        let rest = rest.as_str();
        if let Some(sign @ ('>' | '!' | '?')) = sign
            && begins
            && (rest.starts_with(' ') || (rest.is_empty() && sign == '>'))
        {
            return Some((sign, rest.strip_prefix(' ').unwrap_or(rest)));
        }
    }
    None
}

/// How programs are run.
#[derive(Clone, Copy)]
pub struct Setup {
    /// Collect at every allocation.
    pub gc_stress: bool,
    /// Collect at every call.
    pub call_stress: bool,
    /// Stop before random instructions, save, and go on in another machine.
    pub cut: bool,
    /// Most time for one program.
    pub time: Duration,
}

impl Setup {
    /// As a user would.
    pub const USUAL: Setup = Setup { gc_stress: false, call_stress: false, cut: false, time: Duration::from_secs(20) };
    /// With a collection at every allocation.
    pub const STRESS: Setup = Setup { gc_stress: true, call_stress: false, cut: false, time: Duration::from_secs(60) };
    /// In pieces.
    pub const CUT: Setup = Setup { gc_stress: false, call_stress: false, cut: true, time: Duration::from_secs(30) };
    /// With a collection at every call.
    pub const CALLS: Setup = Setup { gc_stress: false, call_stress: true, cut: false, time: Duration::from_secs(60) };
    /// The same in pieces.
    pub const CALLS_CUT: Setup = Setup { cut: true, ..Setup::CALLS };
}

/// Runs a program and says how it differs from its expectations.
pub fn run(engine: &Engine, input: &Input, expected: &Expected, setup: Setup) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| run_unguarded(engine, input, expected, setup)))
        .unwrap_or_else(|_| Err("panicked".to_owned()))
}

fn run_unguarded(engine: &Engine, input: &Input, expected: &Expected, setup: Setup) -> Result<(), String> {
    let deadline = Some(Moment::now() + setup.time);
    let limits = Limits { fuel: Some(2_000_000_000), heap: Some(1 << 30), deadline, ..Limits::default() };
    let output = Captured::default();
    let mut session = engine.session(limits.clone()).map_err(|_| "the library does not start".to_owned())?;
    session.vm().set_output(Box::new(output.clone()));
    session.vm().set_gc_stress(setup.gc_stress);
    session.vm().set_call_stress(setup.call_stress);
    let mut wrong = String::new();
    let result = if setup.cut {
        let mut uncut = engine.session(limits.clone()).map_err(|_| "the library does not start".to_owned())?;
        let fuel = cut::whole(&mut uncut, input).fuel;
        let ended = cut::cut(engine, &mut session, &limits, &output, input, setup.call_stress);
        if ended.fuel != fuel {
            let _ = writeln!(wrong, "fuel {} after {} cuts, {fuel} without", ended.fuel, ended.cuts);
        }
        ended.result.map(|_| ())
    } else {
        session.run(input).map(|_| ())
    };
    let _ = session.vm().flush();
    let printed = output.text();
    let lines: Vec<&str> = match printed.strip_suffix('\n').unwrap_or(&printed) {
        "" if printed.is_empty() => Vec::new(),
        text => text.split('\n').collect(),
    };
    if lines != expected.output {
        let first = lines.iter().zip(&expected.output).take_while(|(a, b)| a == b).count();
        let show = |line: Option<&str>| line.map_or("nothing".to_owned(), |line| format!("{line:?}"));
        let wanted = show(expected.output.get(first).map(String::as_str));
        let _ = writeln!(wrong, "output line {}: {}, expected {wanted}", first + 1, show(lines.get(first).copied()));
    }
    match result {
        Ok(()) => {
            for (line, kind, _) in expected.thrown.iter().chain(&expected.errors) {
                let _ = writeln!(wrong, "line {line}: no error, expected {kind}");
            }
        }
        Err(Error::Invalid(sources)) => {
            let mut wanted: Vec<_> = expected.errors.iter().collect();
            for diagnostics in &sources {
                for diagnostic in &diagnostics.list {
                    let (line, _) = diagnostics.source.line_column(diagnostic.primary.span.start);
                    let fits = |(l, code, part): &&(u32, String, String)| {
                        *l == line && code == diagnostic.code && diagnostic.title.contains(part.as_str())
                    };
                    match wanted.iter().position(fits) {
                        Some(found) => drop(wanted.remove(found)),
                        None => {
                            let name = diagnostics.source.name();
                            let _ = writeln!(wrong, "{name}:{line}: {}: {}", diagnostic.code, diagnostic.title);
                        }
                    }
                }
            }
            for (line, code, part) in wanted {
                let _ = writeln!(wrong, "line {line}: no {code} {part}");
            }
            if let Some((line, kind, _)) = &expected.thrown {
                let _ = writeln!(wrong, "line {line}: does not compile, expected {kind}");
            }
        }
        Err(Error::Failed(Failure::Uncaught(uncaught))) => {
            let main = input.name();
            let line = uncaught.trace.iter().find(|call| *call.file == *main).map(|call| call.line);
            let (kind, message) = match &uncaught.kind {
                Some(kind) => (kind.clone(), uncaught.message.clone()),
                None => ("throw".to_owned(), session.vm().repr(&uncaught.value).unwrap_or_default()),
            };
            match &expected.thrown {
                Some((l, k, part)) if Some(*l) == line && *k == kind && message.contains(part.as_str()) => {}
                Some((l, k, part)) => {
                    let _ = writeln!(wrong, "line {line:?}: {kind}: {message}, expected line {l}: {k}: {part}");
                }
                None => {
                    let _ = writeln!(wrong, "line {line:?}: {kind}: {message}");
                }
            }
            for (line, code, _) in &expected.errors {
                let _ = writeln!(wrong, "line {line}: compiles, expected {code}");
            }
        }
        Err(Error::Failed(Failure::Stop(stop, trace))) => {
            let _ = writeln!(wrong, "stopped: {stop:?} at {:?}", trace.first().map(|call| call.line));
        }
        Err(other) => {
            let _ = writeln!(wrong, "{other}");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

const NOT_RUN: &str = "not run";

/// Fails with a list of what went wrong, by name, unless nothing did.
pub fn assert_all<'n>(names: impl IntoIterator<Item = &'n str>, results: Vec<Result<(), String>>) {
    let all = results.len();
    let (mut list, mut failures, mut not_run) = (String::new(), 0, 0);
    for (name, result) in names.into_iter().zip(results) {
        match result {
            Ok(()) => {}
            Err(wrong) if wrong == NOT_RUN => not_run += 1,
            Err(wrong) => {
                failures += 1;
                let _ = writeln!(list, "{name}\n    {}", wrong.trim().replace('\n', "\n    "));
            }
        }
    }
    assert!(failures == 0, "{failures} of {all} fail, {not_run} were not run:\n{list}");
}

/// How many programs may hang before the rest is given up.
const MOST_HANGING: usize = 4;

/// Does the work for every item on all processors and gives what it says, in order. A program that hangs for three
/// times as long as it may take cannot be stopped; its thread is left behind and what is not done by then fails.
pub fn parallel<T: Send + Sync + 'static>(
    items: Vec<T>,
    time: Duration,
    work: impl Fn(&T) -> Result<(), String> + Send + Sync + 'static,
) -> Vec<Result<(), String>> {
    let mut results = vec![Err(NOT_RUN.to_owned()); items.len()];
    let shared = Arc::new((items, AtomicUsize::new(0), work));
    let (sender, receiver) = channel();
    let worker = || {
        let (shared, sender) = (shared.clone(), sender.clone());
        std::thread::spawn(move || {
            let (items, next, work) = &*shared;
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { break };
                let _ = sender.send((index, None));
                let _ = sender.send((index, Some(work(item))));
            }
        });
    };
    (0..std::thread::available_parallelism().map_or(1, |count| count.get())).for_each(|_| worker());
    let mut running = HashMap::new();
    let (mut left, mut hanging) = (results.len(), 0);
    while left > 0 && hanging < MOST_HANGING {
        match receiver.recv_timeout(Duration::from_secs(1)) {
            Ok((index, None)) => drop(running.insert(index, Instant::now())),
            Ok((index, Some(result))) => {
                // What was given up may come to an end after all.
                if running.remove(&index).is_some() {
                    results[index] = result;
                    left -= 1;
                }
            }
            Err(_) => {
                let hung: Vec<usize> =
                    running.iter().filter(|(_, at)| at.elapsed() > time * 3).map(|(i, _)| *i).collect();
                for index in hung {
                    running.remove(&index);
                    results[index] = Err("hangs".to_owned());
                    left -= 1;
                    hanging += 1;
                    worker();
                }
            }
        }
    }
    results
}

/// Output that is kept.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// What was written so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The blocks of a Markdown text that are fenced with this very mark, each with the number of its first line.
pub fn blocks(text: &str, mark: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, bool, String)> = None;
    for (line, number) in text.lines().zip(1..) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((number + 1, info.trim() == mark, String::new())),
            (Some(_), Some(_)) => {
                if let Some((number, true, body)) = open.take() {
                    found.push((number, body));
                }
            }
            (Some((_, _, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// Whether a text is the expected one line by line; `...` within a line stands for any text.
pub fn fits(text: &str, expected: &str) -> bool {
    let fits_line = |(line, expected): (&str, &str)| {
        let mut parts = expected.split("...");
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = line.strip_prefix(first) else { return false };
        let mut open = false;
        for part in parts {
            open = true;
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.is_empty() || open && expected.ends_with("...")
    };
    text.lines().count() == expected.lines().count() && text.lines().zip(expected.lines()).all(fits_line)
}
