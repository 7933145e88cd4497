//! A server with little room, over real sockets: what waits stays within it, and what is refused is told.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{Client, done, fat, node_with};
use quipu_actor::Address;
use quipu_actor::call::Target;
use quipu_actor::node::{Node, NodeOptions};
use quipu_actor::server::{ConnectionLimits, Metrics, RoomLimits, Server, ServerOptions};
use quipu_actor::store::MemoryStore;
use quipu_actor::wire::{Answer, Incoming, Link, Request};
use quipu_code::hash::GraphHash;
use tokio::sync::oneshot;

const KIB: usize = 1 << 10;

fn room() -> RoomLimits {
    RoomLimits::default().connection(1024 * KIB).key(3072 * KIB).server(4096 * KIB)
}

/// The longest message.
const MESSAGE: usize = 256 * KIB;

struct Running {
    node: Node,
    metrics: Arc<Metrics>,
    path: PathBuf,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
    _runtime: tokio::runtime::Runtime,
}

/// A server with an actor `a` that gives 100 KB when `large` is invoked, and the length of its argument by `length`.
fn start(frame: Duration) -> Running {
    let node = node_with(MemoryStore::new(), NodeOptions::default());
    let client = Client::new(&node, 1);
    for (name, code) in [("large", "|s| \"x\".repeat(100_000)"), ("length", "|s, x| x.len()"), ("one", "|s| 1")] {
        let install = Target::Install(name.to_owned(), client.send(code));
        assert_eq!(done(client.target("a", install, "[]")), "nil");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let limits = ConnectionLimits::default().message(MESSAGE);
    let options = ServerOptions::new(Address::Unix(path.clone())).room(room()).limits(limits).frame(frame);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.block_on(Server::bind(options, Arc::new(node.clone()))).unwrap();
    let metrics = server.metrics();
    let (stop, stopped) = oneshot::channel::<()>();
    runtime.spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running { node, metrics, path, _folder: folder, _stop: stop, _runtime: runtime }
}

impl Running {
    fn figure(&self, name: &str) -> usize {
        let text = self.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("quipu_{name} "))).unwrap();
        line.parse().unwrap()
    }

    /// How many calls are carried out or told to come again.
    fn ended(&self) -> u64 {
        let figures = self.node.figures();
        figures.done + figures.busy
    }

    /// Until something holds, at most 20 seconds.
    fn wait(&self, holds: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(20);
        while !holds() {
            assert!(Instant::now() < until, "{}", self.metrics.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

struct Raw {
    link: Link,
    stream: UnixStream,
}

impl Raw {
    fn connect(server: &Running, nonce: u8) -> Raw {
        let stream = UnixStream::connect(&server.path).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut raw = Raw { link: Link::plain_client(64 << 20), stream };
        raw.flush();
        while !raw.link.is_open() {
            raw.read();
            let _ = raw.link.poll().unwrap();
        }
        raw.link.send(&Request::Open { nonce: [nonce; 16] }.encode());
        raw.flush();
        assert!(matches!(raw.hear(), Some(Answer::Welcome { .. })));
        raw
    }

    fn call(&mut self, request: u64, name: &str, args: Vec<u8>) {
        let target = Target::Installed(name.to_owned());
        self.link.send(&Request::Call { request, actor: "a".to_owned(), target, args }.encode());
        self.flush();
    }

    fn flush(&mut self) {
        let bytes = std::mem::take(self.link.output());
        self.stream.write_all(&bytes).unwrap();
    }

    /// Whether something came.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(length @ 1..) => {
                self.link.feed(&bytes[..length]);
                true
            }
            _ => false,
        }
    }

    /// The next answer; none when the server has closed the connection.
    fn hear(&mut self) -> Option<Answer> {
        loop {
            if let Some(Incoming::Message(message)) = self.link.poll().unwrap() {
                return Some(Answer::decode(&message).unwrap());
            }
            if !self.read() {
                return None;
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_undone_and_told_and_can_be_asked_for_again() {
    let server = start(Duration::from_secs(30));
    let before = server.ended();
    let mut raw = Raw::connect(&server, 1);
    for request in 1..=100 {
        raw.call(request, "large", fat("[]"));
    }
    // Several times what fits is made before anything of it is taken, until the server reads no more.
    let carried_out = || server.figure("calls_total") as u64;
    server.wait(|| {
        let calls = carried_out();
        std::thread::sleep(Duration::from_millis(100));
        calls > 0 && server.ended() == before + calls && carried_out() == calls
    });
    let refused = server.node.figures().busy as usize;
    assert!(refused >= 20, "{refused} of {} were refused", carried_out());
    let (mut done, mut again) = (0, Vec::new());
    for _ in 0..100 {
        match raw.hear().unwrap() {
            Answer::Done { result, .. } if result.len() > 100_000 => done += 1,
            Answer::Busy { request, .. } => again.push(request),
            other => panic!("{other:?}"),
        }
    }
    println!("{done} fitted, peak {}", server.figure("waiting_bytes_peak"));
    assert!(done >= 5 && again.len() >= refused, "{done} fitted");
    assert!(server.figure("waiting_bytes_peak") <= room().connection, "{}", server.figure("waiting_bytes_peak"));
    for &request in &again {
        raw.call(request, "large", fat("[]"));
        assert!(matches!(raw.hear().unwrap(), Answer::Done { .. }));
    }
    assert!(server.figure("no_room_total") >= again.len());
    drop(raw);
    server.wait(|| server.figure("waiting_bytes") == 0);
    assert_eq!(server.node.figures().panics, 0);
}

#[test]
fn one_that_never_takes_its_answers_is_sent_away_and_others_are_served() {
    let server = start(Duration::from_secs(2));
    let mut hostile: Vec<Raw> = (1..=8).map(|nonce| Raw::connect(&server, nonce)).collect();
    for raw in &mut hostile {
        for request in 1..=100 {
            raw.call(request, "large", fat("[]"));
        }
    }
    std::thread::sleep(Duration::from_millis(300));
    let mut modest = Raw::connect(&server, 9);
    for request in 1..=20 {
        let began = Instant::now();
        modest.call(request, "one", fat("[]"));
        assert!(matches!(modest.hear().unwrap(), Answer::Done { .. }));
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    assert!(server.figure("waiting_bytes_peak") <= room().server + 8 * 64 * KIB);
    server.wait(|| server.figure("waiting_bytes") <= 9 * 64 * KIB);
    // Those who had much are gone with it; who was only told to ask again has taken that.
    assert!(server.figure("connections_open") < 8, "{}", server.figure("connections_open"));
    modest.call(21, "large", fat("[]"));
    assert!(matches!(modest.hear().unwrap(), Answer::Done { .. }));
}

#[test]
fn messages_that_are_not_whole_count_and_end() {
    let server = start(Duration::from_secs(2));
    // A message of 200 KiB each, but for its last byte.
    let request = Request::Call {
        request: 1,
        actor: "a".to_owned(),
        target: Target::Installed("length".to_owned()),
        args: fat(&format!("[\"{}\"]", "x".repeat(200 * KIB))),
    };
    let mut hostile: Vec<Raw> = (1..=40).map(|nonce| Raw::connect(&server, nonce)).collect();
    for raw in &mut hostile {
        raw.link.send(&request.encode());
        let mut bytes = std::mem::take(raw.link.output());
        bytes.pop();
        raw.stream.set_nonblocking(true).unwrap();
        // More than the system holds back for a server that does not read is not sent.
        let _ = raw.stream.write(&bytes);
    }
    std::thread::sleep(Duration::from_millis(300));
    let peak = server.figure("waiting_bytes_peak");
    assert!(peak <= room().server, "{peak}");
    let mut modest = Raw::connect(&server, 99);
    let began = Instant::now();
    modest.call(1, "one", fat("[]"));
    assert!(matches!(modest.hear().unwrap(), Answer::Done { .. }));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    server.wait(|| server.figure("connections_open") == 1);
    assert!(server.figure("waiting_bytes") < 64 * KIB);
}

#[test]
fn a_function_that_never_comes_ends_the_connection_that_was_asked_for_it() {
    let server = start(Duration::from_secs(1));
    let mut raw = Raw::connect(&server, 1);
    let target = Target::Function(GraphHash([7; 32]));
    raw.link.send(&Request::Call { request: 1, actor: "a".to_owned(), target, args: fat("[]") }.encode());
    raw.flush();
    assert!(matches!(raw.hear(), Some(Answer::Need { .. })));
    let began = Instant::now();
    assert_eq!(raw.hear(), None);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(server.figure("waiting_bytes"), 0);
}
