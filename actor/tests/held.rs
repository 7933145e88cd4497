//! Actors that do not come back as they were are held, lose nothing, and go on when somebody has decided how; others do not
//! notice. A node that is shut down leaves nothing to repeat.

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use crate::common;
use crate::common::{Client, done, node_with};
use quipu_actor::call::{CallOutcome, Target};
use quipu_actor::node::{Node, NodeOptions, ReleaseError, Way, check, held, release, standing};
use quipu_actor::server::CallHost;
use quipu_actor::store::{Action, Entry, MemoryStore, SqliteStore, Store};
use quipu_code::hash::GraphHash;
use quipu_stdlib::EngineEdition;
use quipu_stdlib::engine_edition;

const ADD: &str = "|state, by| { state.n = state.get(\"n\", 0) + by; state.n }";

/// A store with two actors of ten calls each.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn path(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn filled() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        let node = place.open();
        let client = Client::new(&node, 1);
        for n in 1..=10 {
            assert_eq!(client.call("a", ADD, "[1]"), n.to_string());
            assert_eq!(client.call("b", ADD, "[2]"), (2 * n).to_string());
        }
        // Without the snapshots of one that is shut down.
        drop(node);
        place
    }

    fn open(&self) -> Node {
        node_with(SqliteStore::open(&self.path()).unwrap(), NodeOptions::default())
    }

    fn forged(self, seq: u64, change: impl FnOnce(&mut Entry)) -> Place {
        SqliteStore::open(&self.path()).unwrap().forge("a", seq, change).unwrap();
        self
    }
}

fn refusal(outcome: CallOutcome) -> String {
    match outcome {
        CallOutcome::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

/// A call by somebody who has made none before.
fn call(node: &Node, request: u64, actor: &str, args: &str) -> CallOutcome {
    let client = Client::new(node, 9);
    let add = Target::Function(client.send(ADD));
    client.wait(client.request(request, actor, add, args)).unwrap()
}

fn snapshot(node: &Node, actor: &str) -> Result<u64, String> {
    let (to, from) = sync_channel(1);
    node.snapshot(actor, Box::new(move |step| to.send(step).unwrap()));
    from.recv().unwrap()
}

#[test]
fn rows_name_the_engine_and_another_one_repeats_them() {
    let place = Place::filled();
    let engine = |node: &Node| node.log("a", 100).unwrap().last().unwrap().engine;
    let node = place.open();
    assert_eq!(engine(&node), Some(engine_edition()));
    drop(node);
    // That another engine has written them is no fault, if they give the same.
    let place =
        place.forged(4, |entry| entry.engine = Some(EngineEdition([5; 32]))).forged(5, |entry| entry.engine = None);
    let node = place.open();
    assert_eq!(done(call(&node, 1, "a", "[5]")), "15");
    assert_eq!((node.figures().replayed, node.figures().held), (10, 0));
}

#[test]
fn a_step_that_gives_something_else_holds_its_actor_and_no_other() {
    let place = Place::filled().forged(7, |entry| {
        entry.outcome = GraphHash([7; 32]);
        entry.engine = Some(EngineEdition([5; 32]));
    });
    let mut node = place.open();
    for turn in 0..2 {
        let why = refusal(call(&node, 1, "a", "[5]"));
        for part in ["held", "call 7", "vm actor recover", "--to 6", "--accept", "05050505"] {
            assert!(why.contains(part), "{part}: {why}");
        }
        assert!(snapshot(&node, "a").unwrap_err().contains("held"));
        // A request that was carried out is not answered either: it may be one that is taken back.
        assert_eq!(done(call(&node, 100 + turn, "b", "[1]")), (21 + turn).to_string());
        let info = node.info("a").unwrap().unwrap();
        let held = info.held.unwrap();
        assert_eq!((held.step, held.written, held.engine), (7, Some(EngineEdition([5; 32])), engine_edition()));
        assert_eq!((held.gave, held.gave_text.as_deref()), (Some(GraphHash([7; 32])), Some("7")));
        assert_eq!((held.gives.is_some(), held.gives_text.as_deref()), (true, Some("7")));
        assert_eq!((info.seq, node.log("a", 100).unwrap().len()), (10, 10));
        let listed = node.list().unwrap();
        assert_eq!(
            listed.iter().map(|it| (it.name.as_str(), it.held)).collect::<Vec<_>>(),
            [("a", Some(7)), ("b", None)]
        );
        assert_eq!(node.figures().held, 1);
        assert!(node.metrics().contains("quipu_node_held_actors 1\n"));
        // It stays held, and is not repeated again.
        node.shutdown().unwrap();
        drop(node);
        node = place.open();
        assert_eq!(node.figures().replayed, 0);
    }
}

#[test]
fn a_held_actor_goes_on_from_the_step_before() {
    let place = Place::filled().forged(7, |entry| entry.outcome = GraphHash([7; 32]));
    let node = place.open();
    refusal(call(&node, 1, "a", "[5]"));
    drop(node);
    let mut store = SqliteStore::open(&place.path()).unwrap();
    assert_eq!(held(&mut store).unwrap().iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["a"]);
    // It has to lead there.
    let release = |store: &mut SqliteStore, way, dry| release(store, "a", way, dry);
    assert_eq!(release(&mut store, Way::To(11), false), Err(ReleaseError::Ahead { seq: 10 }));
    assert!(matches!(release(&mut store, Way::To(7), false), Err(ReleaseError::Held(held)) if held.step == 7));
    assert!(release(&mut store, Way::To(8), false).unwrap_err().to_string().contains("--to 6"));
    let would = release(&mut store, Way::To(6), true).unwrap();
    assert_eq!((would.seq, would.cut, would.dry_run), (6, 4, true));
    assert_eq!(standing(&mut store, "a").unwrap().seq, 10);
    let released = release(&mut store, Way::To(6), false).unwrap();
    assert_eq!((released.seq, released.cut, released.dry_run), (6, 4, false));
    // What was cut off is kept and can be shown.
    let standing = standing(&mut store, "a").unwrap();
    assert_eq!((standing.seq, standing.held, standing.cut.len()), (6, None, 4));
    assert_eq!((standing.cut[0].step.seq, standing.cut[0].turn, standing.cut[0].reply.as_deref()), (7, 1, Some("7")));
    drop(store);
    let node = place.open();
    assert_eq!(done(call(&node, 1, "a", "[5]")), "11");
    // A client that asks again for what was taken back has it done anew.
    {
        let client = Client::new(&node, 1);
        let add = Target::Function(client.send(ADD));
        let again = |request| done(client.wait(client.request(request, "a", add.clone(), "[1]")).unwrap());
        // Of the client's requests, every second one was for this actor.
        assert_eq!((again(11), again(15)), ("6".to_owned(), "12".to_owned()));
    }
    node.shutdown().unwrap();
    drop(node);
    assert_eq!(check(&mut SqliteStore::look(&place.path()).unwrap()).unwrap().wrong, Vec::<String>::new());
}

#[test]
fn a_held_actor_goes_on_with_what_this_engine_gives() {
    // One that gives something else, and one that gives nothing any more.
    let place = Place::filled();
    let throwing = {
        let node = place.open();
        let client = Client::new(&node, 3);
        client.call("c", "|s| if s.has(\"n\") { throw \"no\" } else { 1 }", "[]");
        client.send("|s| if s.has(\"n\") { throw \"no\" } else { 1 }")
    };
    let place = place.forged(4, |entry| entry.outcome = GraphHash([4; 32])).forged(7, |entry| {
        entry.action = Action::Call(throwing);
        entry.args = common::fat("[]");
    });
    let node = place.open();
    assert!(refusal(call(&node, 1, "a", "[5]")).contains("call 4"));
    drop(node);
    let mut store = SqliteStore::open(&place.path()).unwrap();
    let would = release(&mut store, "a", Way::Accept, true).unwrap();
    let released = release(&mut store, "a", Way::Accept, false).unwrap();
    assert_eq!((would.accepted, &would.first), (5, &released.first));
    assert_eq!(released.first.iter().map(|held| held.step).collect::<Vec<_>>(), [4, 7, 8, 9, 10]);
    assert_eq!(released.first[1].gives_text.as_deref(), Some("throws \"no\""));
    assert_eq!((released.seq, released.cut), (10, 0));
    // The rows are what they were.
    assert_eq!(store.log("a", 0, 100).unwrap()[3].1.outcome, GraphHash([4; 32]));
    drop(store);
    let node = place.open();
    assert_eq!(done(call(&node, 1, "a", "[5]")), "14");
    assert_eq!((node.figures().replayed, node.figures().held), (0, 0));
    node.shutdown().unwrap();
    drop(node);
    assert_eq!(check(&mut SqliteStore::look(&place.path()).unwrap()).unwrap().wrong, Vec::<String>::new());
}

fn sql(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_function_or_state_that_cannot_be_read_holds_the_actor() {
    let place = Place::filled().forged(3, |entry| entry.action = Action::Call(GraphHash([1; 32])));
    let node = place.open();
    assert!(
        refusal(call(&node, 1, "a", "[5]")).contains("call 3 cannot be repeated: its function is not in the store")
    );
    drop(node);
    let mut store = SqliteStore::open(&place.path()).unwrap();
    release(&mut store, "a", Way::To(2), false).unwrap();
    drop(store);
    let node = place.open();
    assert_eq!(done(call(&node, 1, "a", "[5]")), "7");
    drop(node);
    // A row that is damaged.
    let place = Place::filled();
    sql(&place.path(), "UPDATE log SET args = x'00' WHERE seq = 6 AND actor = (SELECT id FROM actor WHERE name = 'a')");
    let node = place.open();
    let why = refusal(call(&node, 1, "a", "[5]"));
    assert!(why.contains("call 6") && why.contains("has changed") && why.contains("--to 5"), "{why}");
    assert_eq!(done(call(&node, 1, "b", "[1]")), "21");
    drop(node);
    let mut store = SqliteStore::open(&place.path()).unwrap();
    release(&mut store, "a", Way::To(5), false).unwrap();
    drop(store);
    assert_eq!(done(call(&place.open(), 1, "a", "[5]")), "10");
    // No state to begin with: only from the beginning.
    let place = Place::filled();
    sql(&place.path(), "DELETE FROM blob WHERE kind = 3");
    let node = place.open();
    assert!(refusal(call(&node, 1, "a", "[5]")).contains("no snapshot of it can be read"));
    assert_eq!(node.info("a").unwrap().unwrap().held.unwrap().step, 0);
    drop(node);
    let mut store = SqliteStore::open(&place.path()).unwrap();
    for way in [Way::Accept, Way::To(3)] {
        assert!(release(&mut store, "a", way, false).unwrap_err().to_string().contains("--to 0"));
    }
    assert_eq!(release(&mut store, "a", Way::To(0), false).unwrap().cut, 10);
    assert!(release(&mut store, "nobody", Way::To(0), false).unwrap_err().to_string().contains("\"nobody\""));
    drop(store);
    let node = place.open();
    assert_eq!(done(call(&node, 1, "a", "[5]")), "5");
}

#[test]
fn an_engine_that_can_repeat_what_another_could_not_lets_the_actor_go_on() {
    let place = Place::filled().forged(7, |entry| entry.outcome = GraphHash([7; 32]));
    let node = place.open();
    refusal(call(&node, 1, "a", "[5]"));
    let gives = node.info("a").unwrap().unwrap().held.unwrap().gives.unwrap();
    drop(node);
    // What is right for this engine; and the hold is another's.
    let place = place.forged(7, |entry| entry.outcome = gives);
    assert!(refusal(call(&place.open(), 2, "a", "[5]")).contains("held"));
    let mut store = SqliteStore::open(&place.path()).unwrap();
    let epoch = store.claim("a").unwrap().epoch;
    let held = store.held("a").unwrap().unwrap();
    let other = quipu_actor::store::Hold { engine: EngineEdition([5; 32]), ..held };
    store.commit(&[quipu_actor::store::Change::Hold { actor: "a".into(), epoch, held: other }]).unwrap();
    drop(store);
    let node = place.open();
    assert_eq!(done(call(&node, 3, "a", "[5]")), "15");
    assert_eq!((node.figures().held, node.info("a").unwrap().unwrap().held), (0, None));
}

/// A node that is shut down leaves nothing to repeat, be it in memory or in a file, with threads or without.
fn nothing_is_left(store: impl Fn() -> Box<dyn Store>, threads: usize) {
    let open = || Node::open(NodeOptions::default().threads(threads), store()).unwrap();
    let call = |node: &Node, request, actor: &str| {
        let client = Client::new(node, 1);
        let add = Target::Function(client.send(ADD));
        let (_, told) = client.begin(client.request(request, actor, add, "[1]")).unwrap();
        while threads == 0 && (node.turn() || node.write()) {}
        done(told.recv().unwrap())
    };
    let node = open();
    for request in 1..=6 {
        call(&node, request, "a");
        call(&node, request, "b");
    }
    node.shutdown().unwrap();
    assert_eq!(node.figures().snapshots, 2 + 2);
    drop(node);
    let node = open();
    assert_eq!((call(&node, 7, "a"), call(&node, 7, "b"), node.figures().replayed), ("7".into(), "7".into(), 0));
    drop(node);
    // One that only goes leaves its log.
    let node = open();
    assert_eq!((call(&node, 8, "a"), node.figures().replayed), ("8".into(), 1));
    // What has nothing new needs no snapshot.
    node.shutdown().unwrap();
    drop(node);
    let node = open();
    assert_eq!(call(&node, 8, "a"), "8");
    node.shutdown().unwrap();
    assert_eq!((node.figures().replayed, node.figures().snapshots), (0, 0));
}

#[test]
fn a_node_that_is_shut_down_leaves_nothing_to_repeat() {
    for threads in [0, 2] {
        let memory = MemoryStore::new();
        nothing_is_left(|| Box::new(memory.clone()), threads);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        nothing_is_left(|| Box::new(SqliteStore::open(&path).unwrap()), threads);
    }
}
