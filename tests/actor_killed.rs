//! The real server is killed again and again while clients call it: nothing that was acknowledged is lost, nothing is done
//! twice, and what is left on disk is whole.
//!
//! `CYCLES=2000` kills it more often than the usual fifty times.
#![cfg(feature = "serve")]

#[path = "support/served.rs"]
mod served;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use quipu::actor::client::{ClientError, Function};
use quipu::actor::wire::Question;

use served::{Caller, Server};

const INIT: &str = "[list: [], a: 100, b: 100]";

/// Notes who called with which number, moves money, and gives the place of the note.
const NOTE: &str = "|s, who, n| { s.list.push((who, n)); s.a -= n % 7; s.b += n % 7; s.list.len() }";

const WRITERS: usize = 4;

fn check(folder: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_vm"))
        .args(["serve".as_ref(), "--check".as_ref(), folder.join("store").as_os_str()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Calls until it is told to stop. Gives the place that each number was given, or none where nobody knows.
fn write(folder: PathBuf, who: usize, stop: Arc<AtomicBool>) -> Vec<Option<usize>> {
    let mut caller = Caller::connect(&folder);
    let note = Arc::new(Function::new(caller.image(NOTE)));
    let mut places = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let args = format!("[{who}, {}]", places.len());
        places.push(match caller.call(&note, &args) {
            Ok(place) => Some(place.parse().unwrap()),
            Err(ClientError::Lost(_) | ClientError::Late) => None,
            Err(error) => panic!("{error}"),
        });
    }
    places
}

#[test]
fn nothing_is_lost_and_nothing_done_twice_by_a_server_that_is_killed() {
    let cycles: u64 = std::env::var("CYCLES").map_or(50, |cycles| cycles.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    std::fs::write(place.join("init.qp"), INIT).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|who| {
            let (place, stop) = (place.clone(), stop.clone());
            thread::spawn(move || write(place, who, stop))
        })
        .collect();
    // Somebody has snapshots taken all the time, so that they are cut off as well.
    let operator = {
        let (place, stop) = (place.clone(), stop.clone());
        thread::spawn(move || {
            let mut caller = Caller::connect(&place);
            while !stop.load(Ordering::Relaxed) {
                let _ = caller.client.ask(Question::Snapshot, &"main".into());
                let _ = caller.client.ask(Question::Gc, &"".into());
                thread::sleep(Duration::from_millis(70));
            }
        })
    };
    let mut random = 88_172_645_463_325_252u64;
    for cycle in 0..cycles {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut server = Server::start(&place, &["--data", "store", "--init", "init.qp"]);
        // Some die while they begin.
        if cycle % 5 == 4 {
            thread::sleep(Duration::from_micros(random % 60_000));
        } else {
            server.wait_until_it_listens();
            thread::sleep(Duration::from_micros(random % 200_000));
        }
        server.kill();
        if cycle % 10 == 9 {
            check(&place);
        }
    }
    // The last one ends in peace.
    let mut server = Server::start(&place, &["--data", "store", "--init", "init.qp"]);
    server.wait_until_it_listens();
    stop.store(true, Ordering::Relaxed);
    let places: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    operator.join().unwrap();
    let mut caller = Caller::connect(&place);
    let read = Arc::new(Function::new(caller.image("|s| s.list")));
    let list = caller.call(&read, "[]").unwrap();
    let sum = Arc::new(Function::new(caller.image("|s| (s.a + s.b, s.list.map(|note| note[1] % 7).sum() + s.a)")));
    assert_eq!(caller.call(&sum, "[]").unwrap(), "(200, 100)");
    caller.client.close();
    let ended = Command::new("kill").arg(server.child.id().to_string()).status().unwrap();
    assert!(ended.success() && server.child.wait().unwrap().success());
    check(&place);

    let notes: Vec<(usize, usize)> = list
        .trim_matches(['[', ']'])
        .split_terminator("), ")
        .map(|note| note.trim_matches(['(', ')']).split_once(", ").unwrap())
        .map(|(who, n)| (who.parse().unwrap(), n.parse().unwrap()))
        .collect();
    let mut found = HashMap::new();
    for (at, note) in notes.iter().enumerate() {
        assert_eq!(found.insert(*note, at + 1), None, "{note:?} was done twice");
    }
    let (mut acknowledged, mut unknown) = (0, 0);
    for (who, places) in places.iter().enumerate() {
        for (n, place) in places.iter().enumerate() {
            match place {
                Some(_) => {
                    acknowledged += 1;
                    assert_eq!(found.get(&(who, n)), place.as_ref(), "call {n} of {who} is lost");
                }
                None => unknown += 1,
            }
        }
    }
    assert!(acknowledged as u64 > cycles, "{acknowledged} calls in {cycles} cycles");
    println!("{cycles} cycles, {acknowledged} calls acknowledged, {unknown} of which nobody knows");
}
