//! Stores of every version open, check and go on for ever: `tests/golden/stores` has one of each. `GOLDEN=write` adds that of
//! the current version if it is not there, and changes none.

use std::fs;
use std::path::PathBuf;

use crate::common::{Client, done, fat, node_with};
use quipu_actor::call::Target;
use quipu_actor::node::{Node, NodeOptions, check};
use quipu_actor::store::{STORE_VERSION, SqliteStore};

const PAY: &str = "|s, from, to, n| {
    s[from] -= n
    if s[from] < 0 { throw error(\"too little\") }
    s[to] += n
    s.log.push((from, to, n))
    s.log.len()
}";

const COUNTER: &str = "fn make() { var n = 0; |s, by| { n += by; s.count = n; n } }\nmake()";

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/stores")
}

fn options() -> NodeOptions {
    NodeOptions::default().init(Some(fat("[a: 100, b: 50, log: []]"))).snapshot(12)
}

fn counter() -> Target {
    Target::Installed("count".to_owned())
}

/// What happens in a store before it is put away: two actors, snapshots, calls behind them, installed functions.
fn fill(node: &Node) {
    let client = Client::new(node, 1);
    for n in 0..30 {
        let (from, to) = if n % 2 == 0 { ("a", "b") } else { ("b", "a") };
        client.call("bank", PAY, &format!("[\"{from}\", \"{to}\", {n}]"));
    }
    let hash = client.send(COUNTER);
    done(client.target("other", Target::Install("count".to_owned(), hash), "[]"));
    assert_eq!(done(client.target("other", counter(), "[5]")), "5");
    assert_eq!(
        client.call("other", "|s| { s.f = |x| x + s.count; s.me = s; s.text = b\"bytes\"; s.set = set([1]) }", "[]"),
        "nil"
    );
    let last = client.request(1000, "other", counter(), "[2]");
    assert_eq!(done(client.wait(last).expect("an outcome")), "7");
}

#[test]
fn stores_of_every_version_go_on() {
    let written = golden().join(format!("{STORE_VERSION}.db"));
    if !written.exists() && std::env::var_os("GOLDEN").is_some() {
        fs::create_dir_all(golden()).expect("a folder");
        let node = node_with(SqliteStore::open(&written).expect("a store"), options());
        fill(&node);
        // Without the snapshots that a node takes when it is shut down, so that there is something to repeat.
        drop(node);
    }
    assert!(written.exists(), "the store of version {STORE_VERSION} is gone");
    let mut files: Vec<PathBuf> =
        fs::read_dir(golden()).expect("a folder").map(|it| it.expect("a file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "db"));
    for file in files {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store");
        fs::copy(file, &path).expect("a copy");
        let open = || SqliteStore::open(&path).expect("a store");
        let checked = check(&mut SqliteStore::look(&path).expect("a store")).expect("a store");
        assert_eq!((checked.actors, checked.wrong), (2, Vec::new()));
        assert!(checked.replayed > 5, "{}", checked.replayed);
        let node = node_with(open(), options());
        let client = Client::new(&node, 1);
        let ask = |request, actor: &str, target, args: &str| {
            done(client.wait(client.request(request, actor, target, args)).expect("an outcome"))
        };
        let function = |text: &str| Target::Function(client.send(text));
        assert_eq!(
            ask(900, "bank", function("|s| (s.a, s.b, s.log.len(), s.log[-1])"), "[]"),
            "(115, 35, 30, (\"b\", \"a\", 29))"
        );
        assert_eq!(ask(901, "bank", function(PAY), "[\"a\", \"b\", 15]"), "31");
        // Its last reply is remembered, its installed function goes on.
        assert_eq!(ask(1000, "other", counter(), "[2]"), "7");
        assert_eq!(ask(1001, "other", counter(), "[3]"), "10");
        let looked = ask(1002, "other", function("|s| (s.f(1), same(s.me, s), s.text, s.set)"), "[]");
        assert_eq!(looked, "(11, true, b\"bytes\", set([1]))");
        node.shutdown().expect("it is kept");
        assert_eq!(check(&mut open()).expect("a store").wrong, Vec::<String>::new());
    }
}
