//! Many actors in little memory: they take turns, and the node stays within its bounds.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::common::{Client, done, node_with};
use quipu_actor::call::{Call, CallOrigin, CallOutcome, Stopped, Target};
use quipu_actor::node::{Node, NodeOptions};
use quipu_actor::store::{MemoryStore, SqliteStore};
use quipu_actor::{Key, ServerClock};

const ADD: &str = "|state, by| { state.n = state.get(\"n\", 0) + by; state.n }";

/// Replies and states on their way to the store are taken before they are counted.
const SLACK: u64 = 1 << 20;

fn in_a_file(folder: &tempfile::TempDir, options: NodeOptions) -> Node {
    node_with(SqliteStore::open(&folder.path().join("store")).unwrap(), options)
}

/// Calls until there is room. Gives how often there was none.
fn patient(client: &Client<'_>, call: &Call) -> (CallOutcome, usize) {
    for refused in 0..1000 {
        match client.wait(call.clone()) {
            None | Some(CallOutcome::Busy(_)) => std::thread::sleep(Duration::from_millis(5)),
            Some(outcome) => return (outcome, refused),
        }
    }
    panic!("there never is room");
}

#[test]
fn more_actors_than_may_be_open_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let node = in_a_file(&folder, NodeOptions::default().actors(3));
    let client = Client::new(&node, 1);
    let add = Target::Function(client.send(ADD));
    for round in 1..=3 {
        for actor in 0..10 {
            let call = client.request(round * 100 + actor, &format!("a{actor}"), add.clone(), "[1]");
            assert_eq!(done(patient(&client, &call).0), round.to_string());
            let figures = node.figures();
            assert!(figures.actors <= 3 && figures.named <= 4, "{figures:?}");
        }
    }
    let figures = node.figures();
    assert!(figures.displaced >= 27, "{figures:?}");
    // They went behind a snapshot each, so that none had to repeat anything.
    assert_eq!(figures.replayed, 0);
}

#[test]
fn states_that_do_not_fit_together_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let memory = 32 << 20;
    let node = in_a_file(&folder, NodeOptions::default().memory(memory));
    let client = Client::new(&node, 1);
    let grow = Target::Function(
        client.send("|s, x| { s.list = s.get(\"list\", []); s.list.push((x + \"${s.list.len()}\").repeat(1_000_000)); s.list.len() }"),
    );
    let look = Target::Function(client.send("|s| s.list.map(|text| text.len()).sum()"));
    for round in 1..=3 {
        for actor in 0..8 {
            let call = client.request(round * 100 + actor, &format!("a{actor}"), grow.clone(), "[\"x\"]");
            assert_eq!(done(patient(&client, &call).0), round.to_string());
        }
    }
    for actor in 0..8 {
        let call = client.request(1000 + actor, &format!("a{actor}"), look.clone(), "[]");
        assert_eq!(done(patient(&client, &call).0), "6000000");
    }
    let figures = node.figures();
    println!("{figures:?}");
    assert!(figures.displaced > 8 && figures.actors < 8, "{figures:?}");
    // A snapshot that is not in the store yet may go beyond.
    assert!(figures.memory_peak <= memory as u64 + 8_000_000, "{figures:?}");
}

#[test]
fn a_call_that_would_go_beyond_the_whole_is_stopped_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let memory = 24 << 20;
    let node = in_a_file(&folder, NodeOptions::default().memory(memory));
    let client = Client::new(&node, 1);
    assert_eq!(client.call("a", ADD, "[1]"), "1");
    let grow = "|s| { s.n = 9; s.list = []; while true { s.list.push(\"x\".repeat(100_000)) } }";
    assert_eq!(client.outcome("a", grow, "[]"), CallOutcome::Stopped(Stopped::Heap));
    // Most of it may be had by one alone.
    let large = "|s| { let list = []; for i in 0..100 { list.push(\"x\".repeat(100_000)) }; list.len() }";
    assert_eq!(client.call("b", large, "[]"), "100");
    assert_eq!(client.call("a", ADD, "[1]"), "2");
    assert!(node.figures().memory_peak <= memory as u64 + SLACK, "{:?}", node.figures());
}

#[test]
fn calls_that_need_the_memory_at_once_are_told_to_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let memory = 24 << 20;
    let node = node_with(
        SqliteStore::open(&folder.path().join("store")).unwrap(),
        NodeOptions::default().memory(memory).fuel(u64::MAX),
    );
    let function = Client::new(&node, 1).send(
        "|s| { let list = []; for i in 0..90 { list.push(\"x\".repeat(100_000)); for j in 0..1_000 {} }; list.len() }",
    );
    let refused = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (node, refused) = (&node, &refused);
            scope.spawn(move || {
                let client = Client::new(node, number + 2);
                for request in 0..5 {
                    let call = client.request(request, &format!("a{number}"), Target::Function(function), "[]");
                    let (outcome, times) = patient(&client, &call);
                    assert_eq!(done(outcome), "90");
                    refused.fetch_add(times, Ordering::Relaxed);
                }
            });
        }
    });
    println!("told to come again: {refused:?}; {:?}", node.figures());
    assert!(node.figures().memory_peak <= memory as u64 + SLACK, "{:?}", node.figures());
}

#[test]
fn a_key_names_so_many_new_actors_an_hour() {
    let (clock, hand) = ServerClock::by_hand();
    let minute = Duration::from_secs(60);
    let node = node_with(MemoryStore::new(), NodeOptions::default().new_names(3).clock(clock));
    let client = Client::new(&node, 1);
    let add = Target::Function(client.send(ADD));
    let mut request = 0;
    let mut call = |key: u8, actor: &str| {
        request += 1;
        let call = client.request(request, actor, add.clone(), "[1]");
        client.wait(Call { origin: CallOrigin { key: Some(Key([key; 32])), room: None }, ..call }).unwrap()
    };
    for actor in ["a", "b", "c"] {
        assert_eq!(done(call(1, actor)), "1");
    }
    hand.advance(20 * minute);
    for _ in 0..100 {
        let CallOutcome::Refused(why) = call(1, "d") else { panic!("it has named three") };
        assert!(why.starts_with("3 new actors in an hour") && why.contains("40 minutes"), "{why}");
    }
    // What is there answers; and others have names of their own.
    assert_eq!(done(call(1, "a")), "2");
    assert_eq!(done(call(2, "d")), "1");
    assert_eq!(done(call(1, "d")), "2");
    hand.advance(39 * minute);
    assert!(matches!(call(1, "e"), CallOutcome::Refused(_)), "the hour is not over");
    hand.advance(minute);
    assert_eq!(done(call(1, "e")), "1");
    assert_eq!(node.list().unwrap().len(), 5, "what was refused is not there");
}

#[test]
fn names_that_were_refused_or_put_away_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let node = in_a_file(&folder, NodeOptions::default().actors(5).new_names(20));
    let client = Client::new(&node, 1);
    let add = Target::Function(client.send(ADD));
    let mut refused = 0;
    for number in 0..300 {
        let call = client.request(number, &format!("a{number}"), add.clone(), "[1]");
        match patient(&client, &call).0 {
            CallOutcome::Refused(_) => refused += 1,
            outcome => assert_eq!(done(outcome), "1"),
        }
    }
    assert_eq!(refused, 280);
    std::thread::sleep(Duration::from_millis(50));
    assert!(node.figures().named <= 5, "{:?}", node.figures());
    assert_eq!(node.list().unwrap().len(), 20);
}

#[test]
fn a_store_in_memory_counts_too() {
    let node = node_with(MemoryStore::new(), NodeOptions::default().memory(32 << 20).snapshot(1_000_000));
    let client = Client::new(&node, 1);
    let last = Target::Function(client.send("|s, x| { s.last = x.len(); x }"));
    let args = format!("[\"{}\"]", "x".repeat(100 << 10));
    let mut refused = false;
    for number in 0..1000 {
        let call = client.request(number, &format!("a{}", number % 20), last.clone(), &args);
        match patient(&client, &call).0 {
            CallOutcome::Refused(why) => {
                assert!(why.contains("a file to keep it in"), "{why}");
                refused = true;
                break;
            }
            outcome => assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}"),
        }
    }
    assert!(refused, "{:?}", node.figures());
}
