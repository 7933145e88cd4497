//! The programs in `examples/actor` and the commands in `docs/actor.md`, against `vm serve`; and how that ends.
#![cfg(feature = "cli")]

mod support;
#[path = "support/program.rs"]
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program::{Run, Scratch, command, vm_in};

/// A server that ends with the test.
struct Server(Child);

impl Server {
    /// Starts `vm` with these words in a folder, waits for its first line and gives that.
    fn start(folder: &Path, words: &[&str]) -> (Server, String) {
        let mut child = command(words).current_dir(folder).stdin(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        // Whatever else it says fits into the pipe.
        child.stdout = Some(output.into_inner());
        (Server(child), line)
    }

    fn on(folder: &Path) -> Server {
        let (server, line) = Server::start(folder, &["serve", "--unix", "s", "--data", "data.db"]);
        assert_eq!(line, "listening on unix:s\n");
        server
    }

    /// Asks it to end, waits, and gives its exit code and what it said.
    fn stop(mut self) -> (Option<i32>, String) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // That it has ended already is all right.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder with the examples in it.
fn scratch(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    for entry in fs::read_dir("examples/actor").unwrap() {
        let file = entry.unwrap().path();
        scratch
            .file(&format!("examples/actor/{}", file.file_name().unwrap().to_str().unwrap()), fs::read(&file).unwrap());
    }
    scratch
}

fn example(scratch: &Scratch, name: &str, words: &[&str]) -> Run {
    let file = format!("examples/actor/{name}.qp");
    vm_in(&scratch.0, &[&[file.as_str(), "unix:s"], words].concat()).ends(0)
}

#[test]
fn examples_print_what_is_expected() {
    let scratch = scratch("actor_examples");
    let server = Server::on(&scratch.0);
    for name in ["counter", "bank", "chat", "jobs", "memo"] {
        let printed = example(&scratch, name, &[]).out;
        let stored = Path::new("examples/expected/actor").join(name).with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&stored, &printed).unwrap();
        }
        assert_eq!(printed, fs::read_to_string(&stored).unwrap(), "{name}");
    }
    // What one process has computed, the next one finds, also after a restart.
    assert_eq!(server.stop(), (Some(0), String::new()));
    let _server = Server::on(&scratch.0);
    assert_eq!(example(&scratch, "memo", &[]).out, "168\n168\n");
}

/// Runs several of an example at once and gives what each printed.
fn together(scratch: &Scratch, name: &str, runs: &[&[&str]]) -> Vec<String> {
    let file = format!("examples/actor/{name}.qp");
    let start = |words: &&[&str]| {
        command(&[&[file.as_str(), "unix:s"], *words].concat()).current_dir(&scratch.0).spawn().unwrap()
    };
    let running: Vec<Child> = runs.iter().map(start).collect();
    let end = |child: Child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    running.into_iter().map(end).collect()
}

#[test]
fn processes_that_share_an_actor_do_not_disturb_one_another() {
    let scratch = scratch("actor_shared");
    let _server = Server::on(&scratch.0);
    let printed = together(&scratch, "counter", &[&["50"][..]; 8]).concat();
    let numbers: BTreeSet<u32> = printed.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!((numbers.len(), numbers.first(), numbers.last()), (400, Some(&1), Some(&400)));

    for name in ["ann", "ben", "cleo"] {
        example(&scratch, "bank", &["open", name, "100"]).prints("");
    }
    let payments: Vec<[&str; 4]> = ["ann", "ben", "cleo", "ann"]
        .windows(2)
        .flat_map(|pair| ["10", "70", "120"].map(|amount| ["pay", pair[0], pair[1], amount]))
        .collect();
    together(&scratch, "bank", &payments.iter().map(|words| &words[..]).collect::<Vec<_>>());
    let shown = example(&scratch, "bank", &["show"]).out;
    let amounts: Vec<i64> = shown.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(amounts.len() == 3 && amounts.iter().sum::<i64>() == 300 && amounts.iter().all(|&n| n >= 0), "{shown}");

    example(&scratch, "jobs", &["put", "40"]);
    together(&scratch, "jobs", &[&["work", "a"], &["work", "b"], &["work", "c"]]);
    let results = example(&scratch, "jobs", &["results"]).out;
    let expected: String = (1..=40).map(|n| format!("job {n}: {}\n", n * n)).collect();
    assert_eq!(results, expected);
}

#[test]
fn a_server_that_is_told_to_end_finishes_what_it_has_begun() {
    let scratch = scratch("actor_stop");
    let server = Server::on(&scratch.0);
    let slow = "|state| { var n = 0\nwhile n < 5_000_000 { n += 1 }\nstate[\"n\"] = n\nn }";
    let call = command(&["call", "unix:s", "-e", slow]).current_dir(&scratch.0).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    // Begun when the actor is there.
    while vm_in(&scratch.0, &["actor", "list", "unix:s"]).ends(0).out == "[]\n" {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(server.stop(), (Some(0), String::new()));
    let run = Run::new(&["call"], call.wait_with_output().unwrap()).ends(0).prints("5000000\n");
    run.says_nothing();
    assert!(!scratch.0.join("s").exists(), "the socket file stays");
    let _server = Server::on(&scratch.0);
    vm_in(&scratch.0, &["call", "unix:s", "-e", "|state| state"]).ends(0).prints("[\"n\": 5000000]\n");
}

/// Blocks marked `console` in the page: `$` and a command, then what it prints, in which `...` stands for anything. `&` starts
/// a server, `kill %1` ends it.
#[test]
fn commands_in_the_book_print_what_it_says() {
    let scratch = scratch("actor_book");
    let text = fs::read_to_string("docs/actor.md").unwrap();
    let mut server = None;
    for (line, block) in support::blocks(&text, "console") {
        for command in block.split("$ ").skip(1) {
            let (command, expected) = command.split_once('\n').unwrap_or((command, ""));
            let words = words(command);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let printed = match words[..] {
                ["kill", "%1"] => {
                    let (code, said) = server.take().map(Server::stop).unwrap();
                    assert_eq!((code, said.as_str()), (Some(0), ""));
                    String::new()
                }
                ["vm", ref words @ .., "&"] => {
                    let (started, printed) = Server::start(&scratch.0, words);
                    server = Some(started);
                    printed
                }
                ["vm", ref words @ ..] => vm_in(&scratch.0, words).ends(0).out,
                _ => panic!("docs/actor.md:{line}: {command}"),
            };
            assert!(
                support::fits(&printed, expected),
                "docs/actor.md:{line}: {command}\n{printed}expected\n{expected}"
            );
        }
    }
}

/// The words of a command, as a shell would take them apart: quotes are single ones.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (index, part) in command.split('\'').enumerate() {
        let mut parts = if index % 2 == 0 { part.split(' ').collect() } else { vec![part] }.into_iter();
        if let (Some(word), Some(part)) = (words.last_mut(), parts.next()) {
            word.push_str(part);
        }
        words.extend(parts.map(str::to_owned));
    }
    words.retain(|word| !word.is_empty());
    words
}
