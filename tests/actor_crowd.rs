//! The real server under many who want little and few who want much: slow connections, large calls, an operator.
//!
//! `CONNECTIONS=5000` says how many are slow; as many as files may be open otherwise, but not more than 5,000.
#![cfg(feature = "serve")]

#[path = "support/served.rs"]
mod served;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quipu::actor::client::{ClientError, Function};
use quipu::vm::image::Form;

use served::{Caller, Server};

/// How many connections can be had, with some files left for others.
fn connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let most = line.split_whitespace().nth(3).unwrap().parse::<usize>().unwrap_or(5000);
    let wanted = std::env::var("CONNECTIONS").map_or(5000, |number| number.parse().unwrap());
    wanted.min(most.saturating_sub(200))
}

#[test]
fn slow_connections_do_not_hurt_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    server.wait_until_it_listens();
    let mut caller = Caller::connect(folder.path());
    let function = Arc::new(Function::new(caller.image("|s, x| { s.n = s.get(\"n\", 0) + x; s.n }")));
    let mut calls = 0;
    let mut slowest = Duration::ZERO;
    let mut call = |caller: &mut Caller| {
        calls += 1;
        let began = Instant::now();
        assert_eq!(caller.call(&function, "[1]").unwrap(), calls.to_string());
        slowest = slowest.max(began.elapsed());
    };
    call(&mut caller);
    let before = server.status("VmRSS");
    // Some say nothing, some a message a byte at a time, some nothing after all that belongs to the beginning.
    let hello = b"\x8bQUIPw\x01\x00";
    let open = [&[18, 0, 17, 1][..], &[5; 16]].concat();
    let count = connections();
    let mut slow: Vec<UnixStream> = Vec::new();
    for at in 0..count {
        let mut stream = UnixStream::connect(folder.path().join("socket")).unwrap();
        match at % 3 {
            0 => {}
            1 => stream.write_all(&[&hello[..], &open, &[200, 0]].concat()).unwrap(),
            _ => stream.write_all(&[&hello[..], &open].concat()).unwrap(),
        }
        stream.set_nonblocking(true).unwrap();
        slow.push(stream);
        if at % 100 == 0 {
            call(&mut caller);
        }
    }
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(6500) {
        for stream in slow.iter_mut().skip(1).step_by(3) {
            stream.write_all(&[9]).unwrap();
        }
        call(&mut caller);
        std::thread::sleep(Duration::from_millis(100));
    }
    let each = (server.status("VmHWM") - before) / count;
    // Who had said nothing is gone by now; the others have done nothing wrong yet.
    let mut gone = [0; 3];
    for (at, stream) in slow.iter_mut().enumerate() {
        let mut bytes = [0; 64];
        let end = loop {
            match stream.read(&mut bytes) {
                Ok(0) => break true,
                Ok(_) => {}
                Err(error) => break error.kind() != ErrorKind::WouldBlock,
            }
        };
        gone[at % 3] += usize::from(end);
    }
    println!("{count} connections, {each} bytes each, {calls} calls, the slowest {slowest:?}; closed: {gone:?}");
    assert_eq!(gone, [count.div_ceil(3), 0, 0]);
    assert!(each < 16 << 10, "{each} bytes for a connection");
    assert!(slowest < Duration::from_secs(4), "{slowest:?} for a call");
}

#[test]
fn a_hundred_calls_with_payloads_of_a_megabyte_leave_memory_flat() {
    let folder = tempfile::tempdir().unwrap();
    for words in [&["--data", "store"][..], &[]] {
        let mut server = Server::start(folder.path(), words);
        server.wait_until_it_listens();
        let mut caller = Caller::connect(folder.path());
        let function = Arc::new(Function::new(caller.image("|s, x| { s.last = x; x + \"y\" }")));
        let payload = "x".repeat(1 << 20);
        let args = {
            let vm = caller.session.vm();
            let text = vm.string(&payload);
            let list = vm.list(&[text]).unwrap();
            vm.image(&list).unwrap().dump(Form::default())
        };
        let mut call = |times: usize| {
            for _ in 0..times {
                let result = caller.bytes(&function, args.clone()).unwrap();
                assert!(result.len() > payload.len());
            }
        };
        // Until it has as many replies, log and history as it keeps.
        call(90);
        let before = server.status("VmHWM");
        call(100);
        let more = server.status("VmHWM") - before;
        println!("{} bytes, and {more} more", before);
        // A hundred megabytes went in, and as many came out. Threads that take turns keep some of it each.
        assert!(more < 24 << 20, "{words:?}: {more} bytes more");
        server.kill();
    }
}

#[test]
fn gc_tells_what_it_would_remove_and_removes_that() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &["--data", "store"]);
    server.wait_until_it_listens();
    let mut caller = Caller::connect(folder.path());
    for n in 0..30 {
        let function = Arc::new(Function::new(caller.image(&format!("|s| {{ s.n = {n}; s.n }}"))));
        assert_eq!(caller.call(&function, "[]").unwrap(), n.to_string());
    }
    let vm = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vm"))
            .args(["actor", words[0], "unix:socket"])
            .args(&words[1..])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let number = |name: &str| {
            let from = text.find(&format!("\"{name}\":")).map(|at| at + name.len() + 3)?;
            text[from..].split([',', '}']).next()?.parse::<u64>().ok()
        };
        (number("blobs"), number("kept"))
    };
    // Two snapshots later, nothing needs the functions before them.
    vm(&["snapshot", "main"]);
    let function = Arc::new(Function::new(caller.image("|s| s.n")));
    caller.call(&function, "[]").unwrap();
    vm(&["snapshot", "main"]);
    let (would, kept) = vm(&["gc", "--dry-run"]);
    // Graph and code of each of them, and the first, empty state.
    assert!(would >= Some(60), "{would:?}");
    assert_eq!(vm(&["gc", "--dry-run"]), (would, kept));
    assert_eq!(vm(&["gc"]), (would, kept));
    assert_eq!(vm(&["gc", "--dry-run"]), (Some(0), kept));
    assert_eq!(caller.call(&function, "[]").unwrap(), "29");
}

#[test]
fn what_clients_are_told_of_failures_names_nothing_of_the_server() {
    let folder = tempfile::Builder::new().prefix("hidden_place").tempdir().unwrap();
    let mut server = Server::start(folder.path(), &["--data", "secret_store", "--fuel", "1_000_000", "--heap", "64M"]);
    server.wait_until_it_listens();
    let mut caller = Caller::connect(folder.path());
    let mut told = Vec::new();
    let none = caller.image("[]").dump(Form::default());
    for text in [
        "|s| nothing_here.x",
        "|s| throw error(\"no\")",
        "|s| s.a.b.c",
        "|s| { while true {} }",
        "|s| \"x\".repeat(1_000_000_000)",
        "|s| [fiber(|| nil)].map(|f| f.resume()).sum() + s",
        "|s, a, b, c| nil",
        "|s| { yield 1 }",
        "[1, 2]",
    ] {
        let Ok(value) = caller.session.run(&quipu::Input::text("call", text)) else { continue };
        let Ok(image) = caller.session.vm().image(&value) else { continue };
        match caller.bytes(&Arc::new(Function::new(image)), none.clone()) {
            Ok(_) => {}
            Err(ClientError::Thrown { value, trace, .. }) => told.push(format!("{value:?} {trace:?}")),
            Err(error) => told.push(error.to_string()),
        }
    }
    let function = Arc::new(Function::new(caller.image("|s| 1")));
    let no_image = caller.bytes(&function, b"none".to_vec());
    told.push(no_image.unwrap_err().to_string());
    told.push(caller.client.ask(quipu::actor::wire::Question::Info, &"nobody".into()).unwrap_err().to_string());
    assert!(told.len() > 6, "{told:?}");
    for text in &told {
        let shown = text.to_lowercase();
        for secret in ["hidden_place", "secret_store", "/tmp", "/home", "/root", ".rs:", "0x"] {
            assert!(!shown.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn functions_in_an_actor_reach_nothing_outside() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    server.wait_until_it_listens();
    for (code, name) in [
        ("import fs\n|s| fs.read(\"/etc/passwd\")", "fs.read"),
        ("import os\n|s| os.run([\"true\"])", "os.run"),
        ("import os\n|s| os.env(\"HOME\")", "os.env"),
        ("import time\n|s| time.now()", "time.now"),
        ("import io\n|s| io.read_line()", "io.read_line"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_vm"))
            .args(["call", "unix:socket", "-e", code])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(&format!("cannot be called here: the host does not provide `{name}`")), "{told}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn escapes_of_a_guest_are_shown_and_not_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    server.wait_until_it_listens();
    for code in [
        "|s| throw error(\"red: \\u{1b}[31m \\u{9b}2J \\u{7}\")",
        "|s| throw \"\\u{1b}]0;title\\u{7}\"",
        "|s| [\"\\u{1b}[2J\": \"\\u{9b}2J\"]",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_vm"))
            .args(["call", "unix:socket", "-e", code])
            .current_dir(folder.path())
            .output()
            .unwrap();
        for text in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(text);
            assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{7}']), "{code}: {text:?}");
        }
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{code}");
    }
}
