//! Calls that are carried out on the thread that brings them: the short ones, and nothing of the others.

use std::sync::{Arc, Mutex};

use crate::common::{Client, done, node_with};
use quipu_actor::call::{Call, CallOutcome, Target};
use quipu_actor::node::{Node, NodeOptions};
use quipu_actor::store::MemoryStore;

/// A node that does nothing by itself, with an actor `a` that is awake.
fn node(quick: u64) -> Node {
    let options = NodeOptions::default().threads(0).quick(quick).snapshot(5);
    let node = Node::open(options, Box::new(MemoryStore::default())).unwrap();
    let client = Client::new(&node, 9);
    let get = Target::Function(client.send("|state| state"));
    let awake = begin(&node, client.request(1, "a", get, "[]"));
    assert!(awake.lock().unwrap().is_none(), "an actor that has to be made first is no quick affair");
    while node.turn() {}
    assert_eq!(done(awake.lock().unwrap().take().unwrap()), "[:]");
    node
}

fn begin(node: &Node, call: Call) -> Arc<Mutex<Option<CallOutcome>>> {
    let told = Arc::new(Mutex::new(None));
    let tell = told.clone();
    node.submit_now(call, Box::new(move |outcome| *tell.lock().unwrap() = Some(outcome))).unwrap();
    told
}

const ADD: &str = "|state, by| { state.n = state.get(\"n\", 0) + by; state.n }";
const LONG: &str = "|state, by| { state.n = state.get(\"n\", 0) + by; for i in 0..100_000 {}; state.n }";

#[test]
fn a_short_call_is_over_at_once() {
    let node = node(20_000);
    let client = Client::new(&node, 1);
    let add = Target::Function(client.send(ADD));
    for request in 1..=3 {
        let told = begin(&node, client.request(request, "a", add.clone(), "[2]"));
        assert_eq!(done(told.lock().unwrap().take().unwrap()), (2 * request).to_string());
    }
    assert!(!node.turn(), "nothing waits");
    let again = begin(&node, client.request(2, "a", add, "[2]"));
    assert_eq!(done(again.lock().unwrap().take().unwrap()), "4", "one that comes again is not carried out again");
}

#[test]
fn a_long_call_is_handed_over_and_happens_once() {
    let node = node(20_000);
    let client = Client::new(&node, 1);
    let (add, long) = (Target::Function(client.send(ADD)), Target::Function(client.send(LONG)));
    let told = begin(&node, client.request(1, "a", long, "[10]"));
    assert!(told.lock().unwrap().is_none());
    // Who comes later waits, however short the call.
    let later = begin(&node, client.request(2, "a", add, "[1]"));
    assert!(later.lock().unwrap().is_none());
    while node.turn() {}
    assert_eq!(done(told.lock().unwrap().take().unwrap()), "10");
    assert_eq!(done(later.lock().unwrap().take().unwrap()), "11");
}

#[test]
fn a_call_that_throws_is_told_of_by_the_thread_that_has_time() {
    let node = node(20_000);
    let client = Client::new(&node, 1);
    let throw = Target::Function(client.send("|state| { state.n = 1; throw \"no\" }"));
    let told = begin(&node, client.request(1, "a", throw, "[]"));
    assert!(told.lock().unwrap().is_none());
    while node.turn() {}
    assert!(matches!(told.lock().unwrap().take(), Some(CallOutcome::Failed { .. })));
    let get = Target::Function(client.send("|state| state"));
    assert_eq!(done(begin(&node, client.request(2, "a", get, "[]")).lock().unwrap().take().unwrap()), "[:]");
}

#[test]
fn none_is_tried_where_that_is_not_wanted_and_none_with_long_arguments() {
    let (never, always) = (node(0), node(20_000));
    let long = format!("[{:?}]", "x".repeat(5000));
    for (node, args) in [(&never, "[1]"), (&always, &long)] {
        let client = Client::new(node, 1);
        let keep = Target::Function(client.send("|state, by| { state.n = by; nil }"));
        let told = begin(node, client.request(1, "a", keep, args));
        assert!(told.lock().unwrap().is_none());
        while node.turn() {}
        assert_eq!(done(told.lock().unwrap().take().unwrap()), "nil");
    }
}

#[test]
fn a_snapshot_that_is_due_is_taken_by_another_thread() {
    let node = node(20_000);
    let client = Client::new(&node, 1);
    let add = Target::Function(client.send(ADD));
    let snapshots = || node.figures().snapshots;
    let before = snapshots();
    for request in 1..=4 {
        begin(&node, client.request(request, "a", add.clone(), "[1]"));
    }
    assert_eq!(snapshots(), before);
    assert!(node.turn(), "a snapshot waits");
    assert_eq!(snapshots(), before + 1);
    assert!(!node.turn());
}

#[test]
fn a_call_given_up_while_it_waits_is_not_carried_out() {
    let node = node(20_000);
    let client = Client::new(&node, 1);
    let (add, long) = (Target::Function(client.send(ADD)), Target::Function(client.send(LONG)));
    let told = Arc::new(Mutex::new(None));
    let tell = told.clone();
    let call = client.request(1, "a", long, "[10]");
    let ticket = node.submit_now(call, Box::new(move |outcome| *tell.lock().unwrap() = Some(outcome))).unwrap();
    node.cancel(&ticket);
    assert!(matches!(told.lock().unwrap().take(), Some(CallOutcome::Stopped(_))));
    while node.turn() {}
    assert_eq!(done(begin(&node, client.request(2, "a", add, "[1]")).lock().unwrap().take().unwrap()), "1");
}

#[test]
fn callers_on_many_threads_lose_nothing() {
    let node = node_with(MemoryStore::default(), NodeOptions::default().snapshot(50));
    let (add, long) = (Client::new(&node, 1).send(ADD), Client::new(&node, 1).send(LONG));
    std::thread::scope(|scope| {
        for number in 1..=4 {
            let (node, targets) = (&node, [Target::Function(add), Target::Function(long)]);
            scope.spawn(move || {
                let client = Client::new(node, number);
                for request in 1..=100 {
                    let target = targets[usize::from(request % 10 == 0)].clone();
                    let (to, from) = std::sync::mpsc::sync_channel(1);
                    let call = client.request(request, "a", target, "[1]");
                    node.submit_now(call, Box::new(move |outcome| to.send(outcome).unwrap())).unwrap();
                    assert!(matches!(from.recv().unwrap(), CallOutcome::Done(_)));
                }
            });
        }
    });
    assert_eq!(Client::new(&node, 9).call("a", "|state| state.n", "[]"), "400");
}
