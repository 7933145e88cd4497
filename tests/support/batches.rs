//! Numbered pieces of work in processes of their own, so that a crash or a hang is the failure of one piece.
//!
//! The test starts its own program again with the numbers in the environment. That process says on its standard output
//! which piece it is at, and what is wrong with it:
//!
//! ```text
//! @begin NUMBER
//! @note NUMBER TEXT       about what it does just now
//! @tell NUMBER TEXT       for the test to count
//! @wrong NUMBER MESSAGE
//! ```

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Where a process of a batch finds its numbers, with a blank between two.
const BATCH: &str = "QUIPU_TEST_BATCH";

/// Most pieces that one process is given.
const PIECES: usize = 200;

/// Something that went wrong.
#[derive(Debug)]
pub struct Wrong {
    pub number: usize,
    pub message: String,
}

/// Whether this process is one that does a batch.
pub fn is_batch() -> bool {
    std::env::var_os(BATCH).is_some()
}

/// Says what a piece does just now; that is told if it goes wrong.
pub fn note(number: usize, text: &str) {
    if is_batch() {
        println!("@note {number} {}", text.escape_default());
    }
}

/// Says something about a piece that the test wants to know of all of them.
pub fn tell(number: usize, text: &str) {
    if is_batch() {
        println!("@tell {number} {}", text.escape_default());
    }
}

/// This program again, for one test: `test` is `concat!(module_path!(), "::name")`.
pub fn again(test: &str) -> Command {
    // The harness leaves the name of the program out.
    let name = test.split_once("::").map_or(test, |(_, name)| name);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--include-ignored"]);
    command
}

/// What the pieces came to.
#[derive(Default)]
pub struct Report {
    /// What went wrong, in order.
    pub wrong: Vec<Wrong>,
    /// What they told, in any order.
    pub told: Vec<String>,
}

/// Does the pieces with these numbers, each within `time`, and begins none any more some time after `until`. `test` is the
/// test that calls this, as [`again`] has it; it does the same in the processes that it starts, and there this does not
/// return.
pub fn in_processes(
    test: &str,
    numbers: &[usize],
    time: Duration,
    until: Option<Instant>,
    mut work: impl FnMut(usize) -> Result<(), String>,
) -> Report {
    if let Ok(batch) = std::env::var(BATCH) {
        for number in batch.split(' ').filter_map(|number| number.parse().ok()) {
            println!("@begin {number}");
            let done = catch_unwind(AssertUnwindSafe(|| work(number)));
            if let Err(message) = done.unwrap_or_else(|panic| Err(format!("panicked: {}", text_of(&*panic)))) {
                println!("@wrong {number} {}", message.escape_default());
            }
        }
        std::process::exit(0);
    }
    let workers = thread::available_parallelism().map_or(1, |count| count.get());
    let size = (numbers.len() / (8 * workers)).clamp(1, PIECES);
    let batches: Vec<&[usize]> = numbers.chunks(size).collect();
    let (next, report) = (AtomicUsize::new(0), Mutex::new(Report::default()));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(&batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if until.is_some_and(|until| Instant::now() > until) {
                        break;
                    }
                    let found = whole_batch(test, batch, time);
                    let mut report = report.lock().unwrap();
                    report.wrong.extend(found.wrong);
                    report.told.extend(found.told);
                }
            });
        }
    });
    let mut report = report.into_inner().unwrap();
    report.wrong.sort_by_key(|wrong| wrong.number);
    report
}

/// Does a batch, in a new process after every piece that ends one.
fn whole_batch(test: &str, mut batch: &[usize], time: Duration) -> Report {
    let mut report = Report::default();
    while !batch.is_empty() {
        let Some(last) = one_process(test, batch, time, &mut report) else { break };
        let at = batch.iter().position(|&number| number == last).expect("it is one of the batch");
        batch = &batch[at + 1..];
    }
    report
}

/// Starts a process for a batch. Gives the piece that it did not come past, if there is one.
fn one_process(test: &str, batch: &[usize], time: Duration, report: &mut Report) -> Option<usize> {
    let list: Vec<String> = batch.iter().map(usize::to_string).collect();
    let mut command = again(test);
    command.env(BATCH, list.join(" "));
    command.env("TMPDIR", env!("CARGO_TARGET_TMPDIR")).env_remove("RUST_BACKTRACE");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let said = thread::spawn(move || last_words(stderr));
    let mut last = Last::default();
    let hangs = follow(&mut child, time, &mut last, batch, report);
    if hangs {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    if status.success() && last.number.is_some() {
        return None;
    }
    let (number, said) = (last.number.unwrap_or(batch[0]), said.join().unwrap());
    let what = if hangs { "hangs".to_owned() } else { format!("{status}") };
    report.wrong.push(Wrong { number, message: format!("{}: {what}: {said}", last.note) });
    Some(number)
}

/// The piece that a process is at, and its note.
#[derive(Default)]
struct Last {
    number: Option<usize>,
    note: String,
}

/// Reads what a process says until it ends or hangs, which is given.
fn follow(child: &mut Child, time: Duration, last: &mut Last, batch: &[usize], report: &mut Report) -> bool {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (sender, receiver) = channel();
    thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    loop {
        // What the harness prints may stand before it on the line.
        let line = match receiver.recv_timeout(time) {
            Ok(line) => line,
            Err(error) => return error == RecvTimeoutError::Timeout,
        };
        let Some((_, line)) = line.split_once('@') else { continue };
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (number, message) = rest.split_once(' ').unwrap_or((rest, ""));
        let Some(number) = number.parse().ok().filter(|number| batch.contains(number)) else { continue };
        match what {
            "begin" => *last = Last { number: Some(number), note: String::new() },
            "note" => last.note = message.to_owned(),
            "tell" => report.told.push(message.to_owned()),
            "wrong" => report.wrong.push(Wrong { number, message: format!("{}: {message}", last.note) }),
            _ => {}
        }
    }
}

/// What a sanitizer found, or the first lines of the last panic, or whatever else was said.
fn last_words(mut from: impl Read) -> String {
    let mut text = Vec::new();
    let _ = from.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    if let Some(found) = text.lines().find(|line| line.starts_with("SUMMARY: ")) {
        return found.to_owned();
    }
    let from = text.rfind("panicked at").unwrap_or(0);
    text[from..].lines().take(2).collect::<Vec<_>>().join(" ")
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "without a message",
    }
}
