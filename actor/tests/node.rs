//! What a node does with calls: state, fresh cells, all or nothing, limits, requests that come again.

use std::collections::HashMap;
use std::time::Duration;

use crate::common::{Client, done, fat, image, node, node_with, shown};
use quipu_actor::call::{CallOutcome, Stopped, Target};
use quipu_actor::node::{Node, NodeOptions};
use quipu_actor::store::{MemoryStore, SqliteStore, Store};
use quipu_code::Code;
use quipu_code::hash::GraphHash;
use quipu_vm::Image;
use quipu_vm::image::Form;

const ADD: &str = "|state, by| { state.n = state.get(\"n\", 0) + by; state.n }";

/// A function that throws after changing the state.
const SPOIL: &str = "|state, x| { state.n = -1; state.other = [x]; throw [x: x] }";

#[test]
fn functions_change_the_state_they_are_given() {
    let node = node(MemoryStore::new());
    let client = Client::new(&node, 1);
    assert_eq!(client.call("a", ADD, "[5]"), "5");
    assert_eq!(client.call("a", ADD, "[3]"), "8");
    assert_eq!(client.call("b", ADD, "[1]"), "1");
    assert_eq!(client.call("a", "|state| state", "[]"), r#"["n": 8]"#);
}

#[test]
fn actors_begin_with_the_state_of_their_host() {
    let node = node_with(MemoryStore::new(), NodeOptions::default().init(Some(fat("[1, 2]"))));
    let client = Client::new(&node, 1);
    assert_eq!(client.call("a", "|list, x| { list.push(x); list }", "[3]"), "[1, 2, 3]");
    assert_eq!(client.call("b", "|list| list", "[]"), "[1, 2]");
    assert!(Node::open(NodeOptions::default().init(Some(b"none".to_vec())), Box::new(MemoryStore::new())).is_err());
}

#[test]
fn a_throw_leaves_no_trace() {
    let node = node(MemoryStore::new());
    let client = Client::new(&node, 1);
    client.call("a", ADD, "[1]");
    let CallOutcome::Failed { value, trace, omitted } = client.outcome("a", SPOIL, "[7]") else { panic!("it throws") };
    assert_eq!((shown(&value).as_str(), omitted), (r#"["x": 7]"#, 0));
    assert!(trace.iter().all(|line| line.file == "test.qp"), "{trace:?}");
    assert_eq!(client.call("a", "|state| state", "[]"), r#"["n": 1]"#);
}

#[test]
fn limits_leave_no_trace() {
    let options =
        NodeOptions::default().fuel(100_000).heap(32 << 20).time(Duration::from_secs(5)).result(10_000).args(10_000);
    let node = node_with(MemoryStore::new(), options);
    let client = Client::new(&node, 1);
    client.call("a", ADD, "[1]");
    let stopped = |text: &str| match client.outcome("a", text, "[]") {
        CallOutcome::Stopped(why) => why,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(stopped("|s| { s.n = 2; while true {} }"), Stopped::Fuel);
    assert_eq!(stopped("|s| { s.n = 2; \"x\".repeat(1_000_000_000) }"), Stopped::Heap);
    assert_eq!(stopped("|s| { s.n = 2; \"x\".repeat(20_000) }"), Stopped::Result);
    assert_eq!(stopped("|s| { s.n = 2; try { throw \"x\".repeat(20_000) } catch e { while true {} } }"), Stopped::Fuel);
    let CallOutcome::Failed { value, .. } = client.outcome("a", "|s| { s.n = 2; throw \"x\".repeat(20_000) }", "[]")
    else {
        panic!("it throws")
    };
    assert!(shown(&value).contains("what was thrown cannot be sent"));
    assert!(matches!(client.outcome("a", ADD, "[\"x\".repeat(20_000)]"), CallOutcome::Refused(_)));
    assert_eq!(client.call("a", "|state| state", "[]"), r#"["n": 1]"#);
}

#[test]
fn a_call_that_takes_too_long_leaves_no_trace() {
    let options = NodeOptions::default().fuel(u64::MAX).time(Duration::from_millis(200));
    let node = node_with(MemoryStore::new(), options);
    let client = Client::new(&node, 1);
    let outcome = client.outcome("a", "|s| { s.n = 2; while true {} }", "[]");
    assert_eq!(outcome, CallOutcome::Stopped(Stopped::Time));
    assert_eq!(client.call("a", "|state| state.len()", "[]"), "0");
}

#[test]
fn a_captured_cell_changed_during_a_call_is_fresh_in_the_next() {
    let node = node(MemoryStore::new());
    let client = Client::new(&node, 1);
    let counter = "fn counter() { var n = 0; |state| { n += 1; n } }\ncounter()";
    assert_eq!(client.call("a", counter, "[]"), "1");
    assert_eq!(client.call("a", counter, "[]"), "1");
}

#[test]
fn a_captured_cell_changed_during_an_aborted_call() {
    let node = node(MemoryStore::new());
    let client = Client::new(&node, 1);
    let text = "fn counter() { var n = 0; let seen = []; |state, ok| { n += 1; seen.push(n); state.n = n
        if not ok { throw seen.len() }
        (n, seen) } }\ncounter()";
    assert_eq!(client.call("a", text, "[true]"), "(1, [1])");
    let CallOutcome::Failed { value, .. } = client.outcome("a", text, "[false]") else { panic!("it throws") };
    assert_eq!(shown(&value), "1");
    assert_eq!(client.call("a", text, "[true]"), "(1, [1])");
    // The same where the cells are the actor's.
    let hash = client.send(text);
    done(client.target("a", Target::Install("f".to_owned(), hash), "[]"));
    let invoke = |ok: &str| client.target("a", Target::Installed("f".to_owned()), ok);
    assert_eq!(done(invoke("[true]")), "(1, [1])");
    assert!(matches!(invoke("[false]"), CallOutcome::Failed { .. }));
    assert_eq!(done(invoke("[true]")), "(2, [1, 2])");
}

#[test]
fn a_call_has_no_memory_of_earlier_ones() {
    let node = node(MemoryStore::new());
    let client = Client::new(&node, 1);
    // Two functions over one list, sent apart: each call has a list of its own, with what it held when it was sent.
    let program = |body: &str| format!("let list = [0]\nlet n = [a: 1]\n{body}");
    for _ in 0..3 {
        let push = program("|state, x| { list.push(x); n.a += x; (list, n.a) }");
        assert_eq!(client.call("a", &push, "[7]"), "([0, 7], 8)");
        assert_eq!(client.call("a", &program("|state| (list, n.a)"), "[]"), "([0], 1)");
    }
    // Arguments are the call's own too, unless it keeps them.
    assert_eq!(client.call("a", "|state, x| { x.push(1); x }", "[[]]"), "[1]");
    assert_eq!(client.call("a", "|state, x| { x.push(1); x }", "[[]]"), "[1]");
    assert_eq!(client.call("a", "|state| state", "[]"), "[:]");
}

#[test]
fn an_installed_function_keeps_its_cells_and_loses_what_a_throw_did() {
    let node = node(MemoryStore::new());
    let client = Client::new(&node, 1);
    let text = "fn counter() { var n = 0; |state, ok| { n += 1; state.n = n; assert(ok, \"no\"); n } }\ncounter()";
    let hash = client.send(text);
    let invoke = |ok: &str| client.target("a", Target::Installed("count".to_owned()), ok);
    assert!(matches!(invoke("[true]"), CallOutcome::Failed { .. }));
    assert_eq!(done(client.target("a", Target::Install("count".to_owned(), hash), "[]")), "nil");
    assert_eq!(done(invoke("[true]")), "1");
    assert!(matches!(invoke("[false]"), CallOutcome::Failed { .. }));
    assert_eq!(done(invoke("[true]")), "2");
    assert_eq!(client.call("a", "|state| state", "[]"), r#"["n": 2]"#);
    let no_function = client.send("[1]");
    assert!(matches!(
        client.target("a", Target::Install("count".to_owned(), no_function), "[]"),
        CallOutcome::Failed { .. }
    ));
}

#[test]
fn the_same_request_sent_twice_is_carried_out_once() {
    let node = node(MemoryStore::new());
    let client = Client::new(&node, 1);
    let target = Target::Function(client.send(ADD));
    let call = client.request(77, "a", target.clone(), "[5]");
    assert_eq!(done(client.wait(call.clone()).expect("an outcome")), "5");
    assert_eq!(done(client.wait(call).expect("an outcome")), "5");
    assert_eq!(done(client.wait(client.request(78, "a", target.clone(), "[5]")).expect("an outcome")), "10");
    let other = Client::new(&node, 2);
    assert_eq!(done(other.wait(other.request(77, "a", target, "[5]")).expect("an outcome")), "15");
    assert_eq!(node.figures().repeated, 1);
}

#[test]
fn unknown_functions_are_asked_for_and_only_the_missing_code() {
    let node = node(MemoryStore::new());
    let client = Client::new(&node, 1);
    let function = image("|state, x| { let f = |y| { let g = |z| z + y; g(y) }; f(x) }");
    let hash = function.hash();
    assert_eq!(client.target("a", Target::Function(hash), "[2]"), CallOutcome::Unknown);
    let thin_of = |image: &Image| image.dump(Form { thin: true, strip: true });
    let codes_of = |image: &Image| image.codes().iter().map(|code| code.hash()).collect::<Vec<_>>();
    let (thin, codes) = (thin_of(&function), codes_of(&function));
    let none = HashMap::new();
    assert_eq!(node.put_function(&hash, &thin, &codes, &none), Ok(codes.clone()), "nested code is asked for at once");
    let bytes = |code: &Code| (code.hash(), (code.encode(), code.encode_debug().unwrap_or_default()));
    let mut sent: HashMap<_, _> = function.codes().iter().map(bytes).collect();
    assert_eq!(sent.len(), 3);
    assert_eq!(node.put_function(&hash, &thin, &codes, &sent), Ok(Vec::new()));
    assert_eq!(done(client.target("a", Target::Function(hash), "[2]")), "4");
    // Another function with the same code needs none, if its sender says that it may be used.
    let other = image("fn make(n) = |state, x| { let f = |y| { let g = |z| z + y; g(y) }; f(x) }\nmake(1)");
    assert!(node.put_function(&other.hash(), &thin_of(&other), &codes[1..], &none).is_err());
    assert_eq!(node.put_function(&other.hash(), &thin_of(&other), &codes_of(&other), &none), Ok(Vec::new()));
    // Bytes under the hash of something else are refused, also where that is known.
    assert!(node.put_function(&GraphHash([9; 32]), &thin, &codes, &none).is_err());
    assert!(node.put_function(&hash, b"none", &codes, &none).is_err());
    sent.insert(codes[0], (b"none".to_vec(), Vec::new()));
    assert!(node.put_function(&hash, &thin, &codes, &sent).is_err());
}

#[test]
fn names_of_actors_are_short_and_can_be_shown() {
    let node = node(MemoryStore::new());
    let client = Client::new(&node, 1);
    assert!(matches!(client.outcome("", ADD, "[1]"), CallOutcome::Refused(_)));
    assert!(matches!(client.outcome("a\n", ADD, "[1]"), CallOutcome::Refused(_)));
    assert!(matches!(client.outcome(&"a".repeat(300), ADD, "[1]"), CallOutcome::Refused(_)));
}

#[test]
fn a_call_can_be_given_up() {
    let node = node_with(MemoryStore::new(), NodeOptions::default().fuel(u64::MAX));
    let client = Client::new(&node, 1);
    client.call("a", ADD, "[1]");
    let endless = Target::Function(client.send("|s| { s.n = 9; while true {} }"));
    let (running, told) = client.begin(client.request(50, "a", endless.clone(), "[]")).expect("room");
    let (waiting, told_too) = client.begin(client.request(51, "a", endless, "[]")).expect("room");
    node.cancel(&waiting);
    assert_eq!(told_too.recv(), Ok(CallOutcome::Stopped(Stopped::Cancelled)));
    std::thread::sleep(Duration::from_millis(20));
    node.cancel(&running);
    assert_eq!(told.recv(), Ok(CallOutcome::Stopped(Stopped::Cancelled)));
    node.cancel(&running);
    assert_eq!(client.call("a", "|state| state", "[]"), r#"["n": 1]"#);
}

#[test]
fn a_full_queue_is_busy() {
    let node = node_with(MemoryStore::new(), NodeOptions::default().fuel(u64::MAX).queue(2));
    let client = Client::new(&node, 1);
    let endless = Target::Function(client.send("|s| { while true {} }"));
    let mut begun = Vec::new();
    let busy = (0..4).find_map(|n| match client.begin(client.request(n, "a", endless.clone(), "[]")) {
        Ok(call) => {
            begun.push(call);
            None
        }
        Err(busy) => Some(busy),
    });
    assert!(busy.is_some());
    begun.iter().for_each(|(ticket, _)| node.cancel(ticket));
    while begun.iter().any(|(_, told)| told.try_recv().is_err()) {
        begun.iter().for_each(|(ticket, _)| node.cancel(ticket));
        begun.retain(|(_, told)| told.recv_timeout(Duration::from_millis(10)).is_err());
    }
}

/// Everything that matters comes back, by snapshot and by log.
fn comes_back(open: impl Fn() -> Box<dyn Store>) {
    for snapshot in [1, 3, 1000] {
        let open_node = || Node::open(NodeOptions::default().threads(2).snapshot(snapshot), open()).expect("a node");
        let name = format!("actor {snapshot}");
        let first = open_node();
        let client = Client::new(&first, 1);
        for n in 1..=10 {
            assert_eq!(client.call(&name, ADD, "[1]"), n.to_string());
        }
        let make = "fn counter() { var n = 0; |state| { n += 1; state.list = [|x| x + n]; n } }\ncounter()";
        let hash = client.send(make);
        let _ = client.target(&name, Target::Install("count".to_owned(), hash), "[]");
        let last = client.request(99, &name, Target::Installed("count".to_owned()), "[]");
        assert_eq!(done(client.wait(last.clone()).expect("an outcome")), "1");
        assert!(matches!(client.outcome(&name, SPOIL, "[7]"), CallOutcome::Failed { .. }));
        first.shutdown().expect("it is kept");
        assert!(client.begin(last.clone()).is_err());
        drop(first);

        let second = open_node();
        let client = Client::new(&second, 1);
        assert_eq!(done(client.wait(last).expect("an outcome")), "1", "the reply was kept");
        let read = Target::Function(client.send("|s| (s.n, s.list[0](10))"));
        assert_eq!(done(client.wait(client.request(100, &name, read, "[]")).expect("an outcome")), "(10, 11)");
        let next = client.request(101, &name, Target::Installed("count".to_owned()), "[]");
        assert_eq!(done(client.wait(next).expect("an outcome")), "2", "its cells were kept");
        let info = second.info(&name).expect("a store").expect("an actor");
        assert_eq!((info.seq, info.epoch), (14, 2));
        assert!(info.snapshots.len() <= 2);
        assert_ne!(second.gc(true).expect("a store").kept, 0);
        second.gc(false).expect("a store");
        second.shutdown().expect("it is kept");
        let checked = quipu_actor::node::check(&mut *open()).expect("a store");
        assert_eq!(checked.wrong, Vec::<String>::new());
    }
}

#[test]
fn an_actor_comes_back() {
    let memory = MemoryStore::new();
    comes_back(|| Box::new(memory.clone()));
}

#[test]
fn an_actor_comes_back_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    comes_back(|| Box::new(SqliteStore::open(&path).expect("a store")));
}

#[test]
fn an_actor_that_comes_back_holds_up_no_other() {
    let memory = MemoryStore::new();
    let first = node(memory.clone());
    let client = Client::new(&first, 1);
    for _ in 0..20 {
        client.call("slow", "|s| { for i in 0..100_000 { s.n = i } }", "[]");
    }
    client.call("quick", ADD, "[1]");
    // Without the snapshots of one that is shut down.
    drop(first);
    let second = node(memory);
    let client = Client::new(&second, 1);
    let add = Target::Function(client.send(ADD));
    let (_, slow) = client.begin(client.request(100, "slow", add.clone(), "[1]")).expect("room");
    while second.figures().actors == 0 {
        std::thread::yield_now();
    }
    for request in 100..110 {
        let quick = client.wait(client.request(request, "quick", add.clone(), "[1]"));
        assert_eq!(done(quick.expect("an outcome")), (request - 98).to_string());
    }
    assert!(slow.try_recv().is_err(), "it took no time to come back");
    assert_eq!(done(slow.recv().expect("an outcome")), "100000");
}

#[test]
fn history_is_bounded_by_compaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let options = || NodeOptions::default().snapshot(6).replies(10);
    let node = node_with(SqliteStore::open(&path).expect("a store"), options());
    let client = Client::new(&node, 1);
    let mut sizes = Vec::new();
    for round in 0..4 {
        for n in 0..150 {
            // Each a function of its own, so that code and graphs have to go as well.
            assert_eq!(
                client.call("a", &format!("|s| {{ s.n = {}; s.n }}", round * 150 + n), "[]"),
                (round * 150 + n).to_string()
            );
        }
        let info = node.info("a").expect("a store").expect("an actor");
        assert_eq!((info.seq, info.snapshots.len(), info.replies), (150 * (round + 1), 2, 10));
        assert!(node.log("a", 1000).expect("a store").len() <= 12);
        sizes.push(node.figures().store_bytes);
    }
    assert!(sizes[3] <= sizes[1] + (64 << 10), "{sizes:?}");
    // When this one is answered, the snapshot behind the last one is kept too, and nothing is under way any more.
    client.call("a", "|s| s.n", "[]");
    let would = node.gc(true).expect("a store");
    assert_eq!(node.gc(false), Ok(would));
    assert!(would.kept <= 2 * 12 + 2 && node.gc(true).expect("a store").blobs == 0, "{would:?}");
    node.shutdown().expect("it is kept");
}
