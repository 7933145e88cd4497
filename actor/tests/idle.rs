//! Actors that nobody calls are put away and come back as they were, whoever calls them at that moment.

use std::time::{Duration, Instant};

use crate::common::{Client, done, node_with};
use quipu_actor::ServerClock;
use quipu_actor::call::Target;
use quipu_actor::node::NodeOptions;
use quipu_actor::store::{MemoryStore, SqliteStore, Store};

const ADD: &str = "|state, by| { state.n = state.get(\"n\", 0) + by; state.n }";

fn restless(idle: Duration, clock: ServerClock) -> NodeOptions {
    NodeOptions::default().idle(idle).clock(clock)
}

/// Waits for what another thread does, moving on as long as it is not done.
fn until(what: &str, mut is_there: impl FnMut() -> bool, mut move_on: impl FnMut()) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        move_on();
        std::thread::yield_now();
    }
}

#[test]
fn an_actor_that_was_put_away_is_as_it_was() {
    let (clock, hand) = ServerClock::by_hand();
    let hour = Duration::from_secs(3600);
    let node = node_with(MemoryStore::new(), restless(hour, clock));
    let client = Client::new(&node, 1);
    let add = Target::Function(client.send(ADD));
    let first = client.request(50, "a", add.clone(), "[5]");
    assert_eq!(done(client.wait(first.clone()).unwrap()), "5");
    let counter = "fn counter() { var n = 0; |state| { n += 1; n } }\ncounter()";
    let install = Target::Install("count".to_owned(), client.send(counter));
    assert_eq!(done(client.wait(client.request(51, "a", install, "[]")).unwrap()), "nil");
    assert_eq!(done(client.wait(client.request(52, "a", Target::Installed("count".to_owned()), "[]")).unwrap()), "1");

    until("it stays", || node.figures().actors == 0, || hand.advance(hour));
    assert_eq!((node.figures().log_calls, node.figures().log_bytes), (0, 0));
    // A request that comes again is known, and the state and the cells are there.
    assert_eq!(done(client.wait(first).unwrap()), "5");
    assert_eq!(done(client.wait(client.request(53, "a", add, "[2]")).unwrap()), "7");
    assert_eq!(done(client.wait(client.request(54, "a", Target::Installed("count".to_owned()), "[]")).unwrap()), "2");
    // The snapshot has all of it.
    assert_eq!(node.figures().replayed, 0);
}

#[test]
fn one_is_put_away_while_another_that_was_called_since_stays() {
    let (clock, hand) = ServerClock::by_hand();
    let minute = Duration::from_secs(60);
    let node = node_with(MemoryStore::new(), restless(10 * minute, clock));
    let client = Client::new(&node, 1);
    client.call("busy", ADD, "[1]");
    for _ in 0..20 {
        client.call("idle", ADD, "[1]");
        until(
            "it stays",
            || node.figures().actors == 1,
            || {
                client.call("busy", ADD, "[1]");
                hand.advance(3 * minute);
                client.call("busy", ADD, "[1]");
            },
        );
    }
    // Each of them has one snapshot from its beginning, and one for every time that it was put away.
    assert_eq!(node.figures().snapshots, 2 + 20);
    assert_eq!((client.call("idle", "|s| s.n", "[]"), node.figures().replayed), ("20".to_owned(), 0));
}

/// Clients that pause about as long as it takes to be put away, by a clock that is moved whenever one of them has called.
fn hurried(store: impl Store + 'static) {
    let (clock, hand) = ServerClock::by_hand();
    let node = node_with(store, restless(Duration::from_millis(2), clock));
    let add = Client::new(&node, 0).send(ADD);
    std::thread::scope(|scope| {
        for number in 1..5 {
            let (node, hand) = (&node, &hand);
            scope.spawn(move || {
                let client = Client::new(node, number);
                for request in 0..100u64 {
                    let actor = ["a", "b"][request as usize % 2];
                    done(client.target(actor, Target::Function(add), "[1]"));
                    hand.advance(Duration::from_micros(500 * (request % 9)));
                }
            });
        }
    });
    let client = Client::new(&node, 9);
    for actor in ["a", "b"] {
        assert_eq!(client.call(actor, "|state| state.n", "[]"), "200");
    }
}

#[test]
fn nothing_is_lost_on_the_way_in_memory() {
    hurried(MemoryStore::new());
}

#[test]
fn nothing_is_lost_on_the_way_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    hurried(SqliteStore::open(&folder.path().join("store")).unwrap());
}
