//! Stores that were filled by engines of before come back: `tests/golden/stores/engine_N` has one that was closed, one whose
//! server was killed, and what each call gave and each state was. `GOLDEN=write` fills a folder that is not there yet, for
//! the engine that there is, with the calls in `calls.txt`; it changes none.
#![cfg(feature = "actor")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use quipu::actor::ClientId;
use quipu::actor::call::{Call, CallOrigin, CallOutcome, Target};
use quipu::actor::node::{Node, NodeOptions, Way, check, release};
use quipu::actor::store::SqliteStore;
use quipu::code::hash::GraphHash;
use quipu::vm::Limits;
use quipu::vm::image::{Form, Image};
use quipu::{Engine, Input, Session};

/// The folder that `GOLDEN=write` fills.
const CURRENT: &str = "engine_2";

const CLIENT: ClientId = ClientId([7; 32]);

/// A line of `calls.txt`.
enum Line<'t> {
    Call { actor: &'t str, args: &'t str, code: &'t str },
    Install { actor: &'t str, name: &'t str, code: &'t str },
    Invoke { actor: &'t str, name: &'t str, args: &'t str },
    Snapshot { actor: &'t str },
}

impl Line<'_> {
    fn actor(&self) -> &str {
        match self {
            Line::Call { actor, .. }
            | Line::Install { actor, .. }
            | Line::Invoke { actor, .. }
            | Line::Snapshot { actor } => actor,
        }
    }
}

fn line(text: &str) -> Option<Line<'_>> {
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    if let Some(actor) = text.strip_suffix(" !") {
        return Some(Line::Snapshot { actor });
    }
    let (actor, rest) = text.split_once([' ', ':']).expect("an actor");
    if let Some((name, args)) = rest.strip_prefix("@ ").and_then(|rest| rest.split_once(' ')) {
        return Some(Line::Invoke { actor, name, args });
    }
    if let Some((name, code)) = rest.strip_prefix("+ ").and_then(|rest| rest.split_once(": ")) {
        return Some(Line::Install { actor, name, code });
    }
    match text[actor.len()..].strip_prefix(": ") {
        Some(code) => Some(Line::Call { actor, args: "[]", code }),
        None => rest.split_once(": ").map(|(args, code)| Line::Call { actor, args, code }),
    }
}

/// A node without threads, and a machine that functions and arguments are made with.
struct Driven {
    node: Node,
    session: Session,
}

impl Driven {
    fn open(path: &Path) -> Driven {
        let options = NodeOptions::default().threads(0);
        let node = Node::open(options, Box::new(SqliteStore::open(path).unwrap())).unwrap();
        Driven { node, session: Engine::new().session(Limits::default()).unwrap() }
    }

    fn image(&mut self, code: &str) -> Image {
        // Each in a machine of its own, so that what one declares is not there for the others.
        let mut session = Engine::new().session(Limits::default()).unwrap();
        let value = session.run(&Input::text("call", code)).unwrap_or_else(|error| panic!("{code}: {error}"));
        session.vm().image(&value).unwrap()
    }

    fn send(&mut self, code: &str) -> GraphHash {
        let image = self.image(code);
        let missing = self.node.put_function(&image.hash(), &image.dump(Form::default()), &[], &HashMap::new());
        assert_eq!(missing, Ok(Vec::new()));
        image.hash()
    }

    fn outcome(&mut self, request: u64, actor: &str, target: Target, args: &str) -> CallOutcome {
        let args = self.image(args).dump(Form::default());
        let (to, from) = sync_channel(1);
        let call = Call { actor: actor.into(), client: CLIENT, request, target, args, origin: CallOrigin::default() };
        let reply = Box::new(move |outcome| to.send(outcome).unwrap());
        self.node.submit(call, reply).unwrap();
        while self.node.turn() || self.node.write() {}
        from.recv().unwrap()
    }

    /// Carries a line out. Gives what came of it, or none if that is nothing.
    fn carry_out(&mut self, request: u64, line: &Line<'_>) -> Option<CallOutcome> {
        Some(match *line {
            Line::Call { actor, args, code } => {
                let function = self.send(code);
                self.outcome(request, actor, Target::Function(function), args)
            }
            Line::Install { actor, name, code } => {
                let function = self.send(code);
                self.outcome(request, actor, Target::Install(name.to_owned(), function), "[]")
            }
            Line::Invoke { actor, name, args } => {
                self.outcome(request, actor, Target::Installed(name.to_owned()), args)
            }
            Line::Snapshot { actor } => {
                let (to, from) = sync_channel(1);
                self.node.snapshot(actor, Box::new(move |step| to.send(step).unwrap()));
                while self.node.turn() || self.node.write() {}
                from.recv().unwrap().unwrap();
                return None;
            }
        })
    }

    /// An outcome as text, and the hash of what it holds.
    fn shown(&mut self, outcome: &CallOutcome) -> (String, GraphHash) {
        let CallOutcome::Done(bytes) = outcome else { panic!("{outcome:?}") };
        let image = Image::parse(bytes, &()).unwrap();
        let value = self.session.vm().load(&image).unwrap();
        (self.session.vm().repr(&value).unwrap(), image.hash())
    }

    /// The hash of an actor's state. That is a call too.
    fn state(&mut self, request: u64, actor: &str) -> String {
        let function = self.send("|s| s");
        let outcome = self.outcome(request, actor, Target::Function(function), "[]");
        self.shown(&outcome).1.to_string()
    }
}

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/stores")
}

/// A copy of a store, with the log of a server that was killed if there is one.
fn copied(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    let wal = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    if wal(from).exists() {
        fs::copy(wal(from), wal(to)).unwrap();
    }
}

/// Fills a folder with the stores of today's engine.
fn fill(folder: &Path) {
    let calls = fs::read_to_string(golden().join("calls.txt")).unwrap();
    let lines: Vec<&str> = calls.lines().filter(|text| line(text).is_some()).collect();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store");
    let mut expected = String::new();
    fs::create_dir_all(folder).unwrap();
    let mut driven = Driven::open(&path);
    for (index, text) in lines.iter().enumerate() {
        // It comes back from a file before more is added; what stands in the log of the killed one is not much.
        if index == lines.len() / 2 || index == lines.len() - 5 {
            drop(driven);
            driven = Driven::open(&path);
        }
        let outcome = driven.carry_out(index as u64 + 1, &line(text).unwrap());
        let _ = writeln!(expected, "{text}");
        if let Some(outcome) = outcome {
            assert!(matches!(outcome, CallOutcome::Done(_)), "{text}: {outcome:?}");
            let (shown, hash) = driven.shown(&outcome);
            let _ = writeln!(expected, "#> {hash:.16} {shown}");
        }
    }
    copied(&path, &folder.join("killed.db"));
    let names: Vec<(String, u64)> = driven.node.list().unwrap().into_iter().map(|it| (it.name, it.seq)).collect();
    // Without the snapshots of one that is shut down, so that there is something to repeat.
    drop(driven);
    fs::copy(&path, folder.join("closed.db")).unwrap();
    let mut driven = Driven::open(&path);
    for (name, seq) in names {
        let _ = writeln!(expected, "#= {name} {seq} {}", driven.state(10_000, &name));
    }
    fs::write(folder.join("expected.txt"), expected).unwrap();
}

#[test]
fn stores_of_engines_of_before_come_back() {
    let current = golden().join(CURRENT);
    if !current.exists() && std::env::var_os("GOLDEN").is_some() {
        fill(&current);
    }
    let mut folders: Vec<PathBuf> = fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    assert!(folders.contains(&current), "the stores of {CURRENT} are gone");
    for folder in folders {
        let expected = fs::read_to_string(folder.join("expected.txt")).unwrap();
        for name in ["closed.db", "killed.db"] {
            comes_back(&folder.join(name), &expected);
        }
    }
}

/// All replies are told again, all calls repeated with what they gave, and all states as they were. What a later engine gives
/// otherwise on purpose stands in lines `#! ACTOR STEP WHY`: these actors are held there, and go on when that is accepted.
fn comes_back(stored: &Path, expected: &str) {
    let shown = stored.display();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store");
    copied(stored, &path);
    let words = |mark: &'static str| {
        let lines = expected.lines().filter_map(move |line| line.strip_prefix(mark));
        lines.map(|line| line.split(' ').collect::<Vec<_>>())
    };
    let held: BTreeMap<&str, u64> = words("#! ").map(|words| (words[0], words[1].parse().unwrap())).collect();
    let checked = check(&mut SqliteStore::look(&path).unwrap()).unwrap();
    let wrong: Vec<&String> = (checked.wrong.iter())
        .filter(|line| !held.iter().any(|(name, step)| line.starts_with(&format!("actor `{name}`: call {step} "))))
        .collect();
    assert_eq!(wrong, Vec::<&String>::new(), "{shown}");
    assert_eq!(checked.wrong.len(), held.len(), "{shown}: these come back: {held:?}");
    assert_eq!(checked.actors as usize + held.len(), words("#= ").count(), "{shown}");
    let mut driven = Driven::open(&path);
    let lines: Vec<&str> = expected.lines().collect();
    let mut request = 0;
    for (index, text) in lines.iter().enumerate() {
        let Some(line) = line(text) else { continue };
        request += 1;
        let Some(wanted) = lines.get(index + 1).and_then(|line| line.strip_prefix("#> ")) else { continue };
        if held.contains_key(line.actor()) {
            continue;
        }
        // A request that comes again is told what it was told, and is not carried out again.
        let outcome = driven.carry_out(request, &line).unwrap();
        let (text_now, hash) = driven.shown(&outcome);
        assert_eq!(format!("{hash:.16} {text_now}"), wanted, "{shown}: {text}");
    }
    assert!(driven.node.figures().replayed > 20, "{shown}");
    for state in words("#= ").filter(|state| !held.contains_key(state[0])) {
        let [name, seq, hash] = state[..] else { panic!("{state:?}") };
        assert_eq!(driven.node.info(name).unwrap().unwrap().seq.to_string(), seq, "{shown}: {name}");
        assert_eq!(driven.state(10_000, name), hash, "{shown}: {name}");
    }
    for (name, step) in &held {
        let function = driven.send("|s| s");
        let outcome = driven.outcome(10_000, name, Target::Function(function), "[]");
        assert!(matches!(outcome, CallOutcome::Refused(_)), "{shown}: {name}: {outcome:?}");
        assert_eq!(driven.node.info(name).unwrap().unwrap().held.map(|held| held.step), Some(*step), "{shown}: {name}");
    }
    driven.node.shutdown().unwrap();
    drop(driven);
    let mut store = SqliteStore::open(&path).unwrap();
    for name in held.keys() {
        let released = release(&mut store, name, Way::Accept, false).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert!(released.accepted > 0, "{shown}: {name}");
    }
    assert_eq!(check(&mut store).unwrap().wrong, Vec::<String>::new(), "{shown}");
    drop(store);
    let mut driven = Driven::open(&path);
    for name in words("#= ").map(|state| state[0]) {
        driven.state(10_001, name);
    }
    assert_eq!(driven.node.figures().replayed, 0, "{shown}: a node that was shut down leaves nothing to repeat");
}
