//! Types that meet their other versions: in many places, in files, and in actors.
#![cfg(feature = "serve")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use quipu::stdlib::Grant;
use quipu::vm::Limits;
use quipu::{Engine, Input};

use crate::served::Server;

/// Instances in keys, values, sets, closures, fibers and tuples, some of which share.
const MANY: &str = r#"
import image
let Old = { type Account(owner, balance); Account }
let New = { type Account(owner, balance, limit = -100, log = nil); Account }
let state = [maps: [:], set: set([]), closures: [], fibers: [], list: []]
let all = []
for i in 0..100_000 {
  let a = Old("owner ${i}", i)
  all.push(a)
  match i % 5 {
    0 => { state.maps[i] = a }
    1 => { state.set.add(a) }
    2 => { state.closures.push(|| a) }
    3 => { if i % 50 == 3 { let f = fiber(|| { yield 1; a }); f.resume(); state.fibers.push(f) } else { state.maps[a] = i } }
    _ => { state.list.push((a, i)) }
  }
}
let answer = image.upgrade(state, [New])
assert(answer == [changed: 100_000, kept: []])
for (i, a) in all.enumerate() { assert(a is New and a.limit == -100 and a.balance == i) }
assert(same(state.closures[3](), all[17]) and same(state.fibers[1].resume(), all[53]) and state.maps[all[4 * 5 + 3]] == 23)
assert(all[1] in state.set and same(state.list[0][0], all[4]))
"#;

#[test]
fn a_hundred_thousand_instances_change_at_once() {
    let mut session = Engine::granting(&Grant::all(Vec::new())).session(Limits::default()).unwrap();
    let begun = Instant::now();
    session.run(&Input::text("many.qp", MANY)).unwrap_or_else(|error| panic!("{}", session.report(&error)));
    // All of it takes 1.6 s where it was measured, optimised; half of that is the upgrade.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

const OLD: &str = "export type Account(owner, balance) {\n  fn pay(self, n) { self.balance -= n }\n}\n";
const NEW: &str = "export type Account(owner, balance, limit = 0) {
  fn pay(self, n) {
    if self.balance - n < self.limit { throw error(\"${self.owner} cannot pay ${n}\") }
    self.balance -= n
  }
}
";
const STATE: &str = "import \"./bank\" as bank\n[ann: bank.Account(\"ann\", 7)]\n";

fn vm(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vm")).args(words).current_dir(folder).output().unwrap()
}

/// What a command prints that ends well.
fn told(folder: &Path, words: &[&str]) -> String {
    let output = vm(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn bank() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bank.qp"), OLD).unwrap();
    fs::write(folder.path().join("state.qp"), STATE).unwrap();
    folder
}

#[test]
fn an_image_gets_the_types_of_a_program() {
    let folder = bank();
    let folder = folder.path();
    told(folder, &["image", "save", "state.qp", "-o", "a.qpi"]);
    fs::write(folder.join("bank.qp"), NEW).unwrap();
    assert_eq!(told(folder, &["image", "upgrade", "a.qpi", "bank.qp", "-o", "b.qpi"]), "1 instance changed\n");
    let json = told(folder, &["image", "upgrade", "a.qpi", "bank.qp", "-o", "b.qpi", "--json"]);
    assert_eq!(json, "{\"changed\":1,\"kept\":[]}\n");
    assert_eq!(told(folder, &["image", "run", "b.qpi"]), "[\"ann\": Account(\"ann\", 7, 0)]\n");
    // The old one is as it was, and a second upgrade finds nothing to do.
    assert_eq!(told(folder, &["image", "run", "a.qpi"]), "[\"ann\": Account(\"ann\", 7)]\n");
    assert_eq!(told(folder, &["image", "upgrade", "b.qpi", "bank.qp", "-o", "c.qpi"]), "0 instances changed\n");
    assert_eq!(fs::read(folder.join("b.qpi")).unwrap(), fs::read(folder.join("c.qpi")).unwrap());
    for (words, code, error) in [
        (["image", "upgrade", "a.qpi", "state.qp", "-o", "d.qpi"], 2, "`state.qp` exports no type"),
        (["image", "upgrade", "bank.qp", "bank.qp", "-o", "d.qpi"], 5, "bank.qp"),
        (["image", "upgrade", "a.qpi", "none.qp", "-o", "d.qpi"], 2, "none.qp"),
    ] {
        let output = vm(folder, &words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(error), "{told}");
        assert!(!folder.join("d.qpi").exists());
    }
}

#[test]
fn an_actor_gets_the_types_of_a_program() {
    let folder = bank();
    let path = folder.path();
    let mut server = Server::start(path, &["--data", "bank.db", "--init", "state.qp"]);
    server.wait_until_it_listens();
    fs::write(path.join("bank.qp"), NEW).unwrap();
    fs::write(path.join("pay.qp"), "|state, n| { state.ann.pay(n); state.ann.balance }").unwrap();
    // The method is mended, but the state has the type that it was stored with.
    assert_eq!(told(path, &["call", "unix:socket", "pay.qp", "100"]), "-93\n");
    let dry = ["actor", "upgrade", "unix:socket", "main", "bank.qp", "--dry-run"];
    assert_eq!(told(path, &dry), "1 instance changed\n");
    assert_eq!(told(path, &["call", "unix:socket", "pay.qp", "0"]), "-93\n");
    assert_eq!(told(path, &dry[..5]), "1 instance changed\n");
    let output = vm(path, &["call", "unix:socket", "pay.qp", "100"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("ann cannot pay 100"));
    assert_eq!(told(path, &dry[..5]), "0 instances changed\n");
    // What was thrown while it was worked out is told, and nothing has changed.
    fs::write(
        path.join("bad.qp"),
        "export type Account(all) { fn upgrade(old) { throw error(\"not ${old.owner}\") } }",
    )
    .unwrap();
    let output = vm(path, &["actor", "upgrade", "unix:socket", "main", "bad.qp"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not ann"));
    drop(server);
    // It is in the log as any call, and comes back so.
    let mut server = Server::start(path, &["--data", "bank.db", "--init", "state.qp"]);
    server.wait_until_it_listens();
    assert_eq!(told(path, &["call", "unix:socket", "-e", "|state| state"]), "[\"ann\": Account(\"ann\", -93, 0)]\n");
}
