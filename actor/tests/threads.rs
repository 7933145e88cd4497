//! Calls that take long keep no thread from others.

mod common;

use std::time::{Duration, Instant};

use common::{Client, done};
use quipu_actor::Key;
use quipu_actor::node::{Call, Node, Options, Origin, Outcome};
use quipu_actor::store::Memory;
use quipu_actor::wire::{Stopped, Target};

const ADD: &str = "|state, by| { state.n = state.get(\"n\", 0) + by; state.n }";
const ENDLESS: &str = "|state| { while true {} }";

/// The time of a call that runs to its end.
const LONG: Duration = Duration::from_secs(6);

/// Ten times what is measured by hand on a machine that does nothing else.
const SOON: Duration = Duration::from_secs(1);

fn node(threads: usize) -> Node {
    let options = Options { threads, fuel: u64::MAX, time: LONG, ..Options::default() };
    Node::open(options, Box::new(Memory::new())).unwrap()
}

#[test]
fn a_small_call_does_not_wait_for_four_long_ones_on_four_threads() {
    let node = node(4);
    let client = Client::new(&node, 1);
    let (add, endless) = (Target::Function(client.send(ADD)), Target::Function(client.send(ENDLESS)));
    let long: Vec<_> = (0..4)
        .map(|n| client.begin(client.request(100 + n, &format!("long {n}"), endless.clone(), "[]")).unwrap().1)
        .collect();
    let mut slowest = Duration::ZERO;
    for n in 1..=4 {
        // Actors that are there, and actors that have to be made.
        for actor in ["fifth", &format!("new {n}")] {
            let began = Instant::now();
            done(client.target(actor, add.clone(), "[1]"));
            slowest = slowest.max(began.elapsed());
        }
    }
    println!("the slowest took {slowest:?}");
    assert!(slowest < SOON, "{slowest:?}");
    // They were under way meanwhile.
    assert!(long.iter().all(|call| matches!(call.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty))));
    for call in long {
        assert_eq!(call.recv().unwrap(), Outcome::Stopped(Stopped::Time));
    }
}

#[test]
fn there_are_no_more_threads_than_that_and_what_waits_is_done_in_the_end() {
    let node = node(2);
    let client = Client::new(&node, 1);
    let endless = Target::Function(client.send("|state| { for i in 0..3_000_000 {}; state.done = true; 1 }"));
    let calls: Vec<_> = (0..200)
        .map(|n| client.begin(client.request(100 + n, &format!("long {n}"), endless.clone(), "[]")).unwrap().1)
        .collect();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let mut most = 0;
    for call in calls {
        let outcome = loop {
            most = most.max(node.figures().threads);
            assert!(threads() < 200, "{}", threads());
            match call.recv_timeout(Duration::from_millis(10)) {
                Ok(outcome) => break outcome,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(error) => panic!("{error}"),
            }
        };
        assert!(matches!(outcome, Outcome::Done(_) | Outcome::Stopped(Stopped::Time)), "{outcome:?}");
    }
    assert!(most <= 64, "{most}");
    node.shutdown().unwrap();
}

#[test]
fn one_key_does_not_take_all_threads() {
    let node = node(2);
    let client = Client::new(&node, 1);
    let (add, endless) = (Target::Function(client.send(ADD)), Target::Function(client.send(ENDLESS)));
    let of = |key: u8, request: u64, actor: &str, target: &Target, args: &str| Call {
        origin: Origin { key: Some(Key([key; 32])), room: None },
        ..client.request(request, actor, target.clone(), args)
    };
    let long: Vec<_> =
        (0..100).map(|n| client.begin(of(1, n, &format!("long {n}"), &endless, "[]")).unwrap()).collect();
    // Two more of them each 50 ms, until there are as many as there may be.
    let until = Instant::now() + 2 * LONG;
    while node.figures().threads <= 40 {
        assert!(Instant::now() < until, "{:?}", node.figures());
        std::thread::sleep(Duration::from_millis(10));
    }
    let began = Instant::now();
    done(client.wait(of(2, 1000, "other", &add, "[1]")).unwrap());
    println!("took {:?} beside {} threads", began.elapsed(), node.figures().threads);
    assert!(began.elapsed() < 2 * SOON, "{:?}", began.elapsed());
    long.iter().for_each(|(ticket, _)| node.cancel(ticket));
    for (_, told) in long {
        assert!(matches!(told.recv().unwrap(), Outcome::Stopped(_)));
    }
}
