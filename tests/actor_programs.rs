//! The programs in `examples/actor` and the commands in `docs/actor.md`, against `vm serve`; and how that ends.
#![cfg(feature = "serve")]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Run, Scratch, command, vm_in};
use crate::support;

/// A server that ends with the test.
struct Server(Child);

impl Server {
    /// Starts `vm` with these words in a folder, waits for its first line and gives that.
    fn start(folder: &Path, words: &[&str]) -> (Server, String) {
        let mut child = command(words).current_dir(folder).stdin(Stdio::null()).spawn().unwrap();
        let line = line(child.stdout.as_mut().unwrap());
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

/// The next line, and nothing of what is behind it.
fn line(from: &mut impl Read) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while line.last() != Some(&b'\n') && from.read(&mut byte).unwrap() == 1 {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
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
fn a_connection_goes_on_with_a_server_that_was_killed_and_comes_back() {
    let scratch = Scratch::new("actor_reconnects");
    let server = Server::on(&scratch.0);
    let program = "import actor\nimport io\nlet a = actor.connect(\"unix:s\")\n\
                   let add = |state| { state.n = state.get(\"n\", 0) + 1; state.n }\n\
                   while true { print(a.call(add)); io.flush(); if io.read_line() == nil { break } }\n";
    scratch.file("again.qp", program);
    let mut client = command(&["again.qp"]).current_dir(&scratch.0).spawn().unwrap();
    let (mut input, mut output) = (client.stdin.take().unwrap(), client.stdout.take().unwrap());
    assert_eq!(line(&mut output), "1\n");
    drop(server);
    let server = Server::on(&scratch.0);
    input.write_all(b"\n").unwrap();
    assert_eq!(line(&mut output), "2\n");
    // Without a server, a call is an error in the end, and no wait for ever.
    drop(server);
    input.write_all(b"\n").unwrap();
    let said = client.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8(said.stderr).unwrap().contains("io_error: Connection.call: "));
}

#[test]
fn keys_let_in_those_who_are_known() {
    let scratch = Scratch::new("actor_keys");
    let add = |file: &str, line: &str| {
        let path = scratch.0.join(file);
        let text = fs::read_to_string(&path).unwrap() + line + "\n";
        fs::write(path, text).unwrap();
    };
    let key = |file: &str| vm_in(&scratch.0, &["actor", "key", file]).ends(0).out.trim().to_owned();
    let [own, ann, bob, eve] = ["server.keys", "ann.keys", "bob.keys", "eve.keys"].map(key);
    assert_eq!((own.len(), key("server.keys")), (64, own.clone()), "a key that is there is shown");
    add("server.keys", &format!("client ann {ann}\noperator bob {bob}"));
    let serve = ["serve", "--listen", "127.0.0.1:0", "--key-file", "server.keys"];
    let (_server, line) = Server::start(&scratch.0, &serve);
    let address = line.trim().strip_prefix("listening on ").unwrap();
    for file in ["ann.keys", "bob.keys", "eve.keys"] {
        add(file, &format!("server {address} {own}"));
    }
    let call = |keys: &[&str]| vm_in(&scratch.0, &[&["call", address, "-e", "|state| 7"], keys].concat());
    call(&["--key-file", "ann.keys"]).ends(0).prints("7\n").says_nothing();
    let list = |file| vm_in(&scratch.0, &["actor", "list", address, "--key-file", file]);
    list("bob.keys").ends(0);
    list("ann.keys").ends(1).says("only operators may ask that");
    // Strangers are told nothing; those without a key, or with another server's, what is wrong.
    call(&["--key-file", "eve.keys"]).ends(2).says(address).says("it does not know this key");
    call(&[]).ends(2).says("key");
    let other = scratch.0.join("other.keys");
    fs::write(&other, fs::read_to_string(scratch.0.join("ann.keys")).unwrap().replace(&own, &eve)).unwrap();
    for (mode, says) in [(0o644, "others can read this key file; `chmod 600` it"), (0o600, address)] {
        fs::set_permissions(&other, Permissions::from_mode(mode)).unwrap();
        call(&["--key-file", "other.keys"]).ends(2).says(says);
    }
    scratch.file("no.keys", "print(1)\n");
    call(&["--key-file", "no.keys"]).ends(2).says("`no.keys`: this is no key file: line 1 is none of");
    // From a program.
    let program = |file: &str| {
        format!("import actor\nprint(actor.connect(\"{address}\", [key: \"{file}\"]).call(|state, n| n + 1, 1))\n")
    };
    for (file, code, out) in [("ann.keys", 0, "2\n"), ("eve.keys", 1, "")] {
        scratch.file("call.qp", program(file));
        vm_in(&scratch.0, &["call.qp"]).ends(code).prints(out);
    }
    scratch.file("bare.qp", format!("import actor\nactor.connect(\"{address}\")\n"));
    vm_in(&scratch.0, &["bare.qp"]).ends(1).says("io_error: actor.connect: ");
}

#[test]
fn what_cannot_be_reached_or_listened_on_is_named() {
    let scratch = Scratch::new("actor_named");
    let vm = |words: &[&str]| vm_in(&scratch.0, words);
    vm(&["call", "unix:s", "-e", "|state| 1"]).ends(2).says("unix:s: no connection: ").says("is `vm serve` running?");
    scratch.file("a.qp", "import actor\nactor.connect(\"127.0.0.1:1\")");
    vm(&["a.qp"]).ends(1).says("127.0.0.1:1: no connection: connection refused; is `vm serve` running?");
    for option in ["--listen", "--metrics"] {
        vm(&["serve", option, "7421"]).ends(2).says("expected HOST:PORT, such as 127.0.0.1:7300");
    }
    vm(&["serve", "--unix", "no/s"]).ends(1).says("cannot listen on unix:no/s: No such file or directory");
    let (_server, line) = Server::start(&scratch.0, &["serve", "--listen", "127.0.0.1:0", "--data", "data.db"]);
    let address = line.trim().strip_prefix("listening on ").unwrap();
    vm(&["serve", "--listen", address]).ends(1).says(&format!("cannot listen on {address}: "));
    let begun = Instant::now();
    vm(&["serve", "--unix", "s", "--data", "data.db"]).ends(2).says("data.db: ");
    assert!(begun.elapsed() < Duration::from_secs(4));
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

#[test]
fn a_server_tells_what_it_does() {
    let scratch = scratch("actor_told");
    let words = ["--json", "serve", "--unix", "s", "--log", "debug", "--metrics", "127.0.0.1:0"];
    let (server, _) = Server::start(&scratch.0, &words);
    vm_in(&scratch.0, &["call", "unix:s", "-e", "|state| { state[\"n\"] = 1 }"]).ends(0);
    vm_in(&scratch.0, &["call", "unix:s", "-e", "|state| state.m"]).ends(1);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0));
    let lines: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&str> = lines
        .iter()
        .filter(|line| line["message"] == "call" && line["actor"] == "main" && line["level"] == "DEBUG")
        .filter_map(|line| line["outcome"].as_str())
        .collect();
    assert_eq!(outcomes, ["done", "it throws"], "{said}");
    for message in ["listening", "made", "disconnected", "stopping", "stopped"] {
        assert!(lines.iter().any(|line| line["message"] == message), "{message}: {said}");
    }
    let run = vm_in(&scratch.0, &["serve", "--log", "all"]).ends(2);
    run.says("expected off, error, warn, info or debug");
}

#[test]
fn a_server_shows_its_numbers() {
    let scratch = scratch("actor_numbers");
    let (mut server, _) =
        Server::start(&scratch.0, &["serve", "--unix", "s", "--data", "data.db", "--metrics", "127.0.0.1:0"]);
    let line = line(server.0.stdout.as_mut().unwrap());
    let address = line.trim().strip_prefix("metrics at http://").unwrap().strip_suffix("/metrics").unwrap();
    for _ in 0..3 {
        example(&scratch, "counter", &["2"]);
    }
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let value = |name: &str| -> f64 {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
    };
    // Each of the three processes has sent the function, and the server has kept the code that it had.
    assert_eq!(value("quipu_calls_total"), 6.0);
    assert_eq!(value("quipu_node_calls_total{outcome=\"done\"}"), 6.0);
    assert_eq!(value("quipu_call_seconds_count"), 6.0);
    assert_eq!((value("quipu_node_actors"), value("quipu_node_log_calls")), (1.0, 6.0));
    assert!(value("quipu_warm_calls_total") >= 3.0 && value("quipu_saved_bytes_total") > 100.0);
    for name in ["functions_bytes", "log_bytes", "store_bytes", "commits_total", "run_seconds_total"] {
        assert!(value(&format!("quipu_node_{name}")) > 0.0, "{name}");
    }
    // Every number says what it is.
    for line in page.lines().filter(|line| line.starts_with("quipu_")) {
        let name = line.split(['{', ' ']).next().unwrap();
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(page.contains(&format!("# HELP {name} ")), "{name}");
    }
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
