//! Calls that take long keep no thread from others.

mod common;

use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::{Client, done};
use quipu_actor::Key;
use quipu_actor::call::{Call, CallOrigin, CallOutcome, Stopped, Target};
use quipu_actor::node::{Node, NodeOptions};
use quipu_actor::store::MemoryStore;

const ADD: &str = "|state, by| { state.n = state.get(\"n\", 0) + by; state.n }";
const ENDLESS: &str = "|state| { while true {} }";

/// The time of calls that are to be under way until somebody gives them up, however busy the machine is.
const LONG: Duration = Duration::from_secs(120);

fn node(threads: usize, time: Duration) -> Node {
    let options = NodeOptions::default().threads(threads).fuel(u64::MAX).time(time);
    Node::open(options, Box::new(MemoryStore::new())).unwrap()
}

/// Each of these tests takes all cores, so that they come one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether none of these calls has ended: whoever was served meanwhile has waited for none of them.
fn are_under_way<'c>(mut calls: impl Iterator<Item = &'c Receiver<CallOutcome>>) -> bool {
    calls.all(|call| matches!(call.try_recv(), Err(TryRecvError::Empty)))
}

#[test]
fn a_small_call_does_not_wait_for_four_long_ones_on_four_threads() {
    let _turn = alone();
    let node = node(4, LONG);
    let client = Client::new(&node, 1);
    let (add, endless) = (Target::Function(client.send(ADD)), Target::Function(client.send(ENDLESS)));
    let long: Vec<_> = (0..4)
        .map(|n| client.begin(client.request(100 + n, &format!("long {n}"), endless.clone(), "[]")).unwrap())
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
    assert!(are_under_way(long.iter().map(|(_, told)| told)), "{slowest:?}");
    long.iter().for_each(|(ticket, _)| node.cancel(ticket));
    for (_, told) in long {
        assert_eq!(told.recv().unwrap(), CallOutcome::Stopped(Stopped::Cancelled));
    }
}

#[test]
fn there_are_no_more_threads_than_that_and_what_waits_is_done_in_the_end() {
    let _turn = alone();
    let node = node(2, Duration::from_secs(6));
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
        assert!(matches!(outcome, CallOutcome::Done(_) | CallOutcome::Stopped(Stopped::Time)), "{outcome:?}");
    }
    assert!(most <= 64, "{most}");
    node.shutdown().unwrap();
}

#[test]
fn one_key_does_not_take_all_threads() {
    let _turn = alone();
    let node = node(2, LONG);
    let client = Client::new(&node, 1);
    let (add, endless) = (Target::Function(client.send(ADD)), Target::Function(client.send(ENDLESS)));
    let of = |key: u8, request: u64, actor: &str, target: &Target, args: &str| Call {
        origin: CallOrigin { key: Some(Key([key; 32])), room: None },
        ..client.request(request, actor, target.clone(), args)
    };
    let long: Vec<_> =
        (0..100).map(|n| client.begin(of(1, n, &format!("long {n}"), &endless, "[]")).unwrap()).collect();
    // Two more of them each 50 ms, until there are as many as there may be.
    let until = Instant::now() + LONG;
    while node.figures().threads <= 40 {
        assert!(Instant::now() < until, "{:?}", node.figures());
        std::thread::sleep(Duration::from_millis(10));
    }
    let began = Instant::now();
    done(client.wait(of(2, 1000, "other", &add, "[1]")).unwrap());
    println!("took {:?} beside {} threads", began.elapsed(), node.figures().threads);
    assert!(are_under_way(long.iter().map(|(_, told)| told)), "{:?}", began.elapsed());
    long.iter().for_each(|(ticket, _)| node.cancel(ticket));
    for (_, told) in long {
        assert!(matches!(told.recv().unwrap(), CallOutcome::Stopped(_)));
    }
}
