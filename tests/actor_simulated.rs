//! A server and several clients from one seed, with all that is between and below them: connections are cut at any byte,
//! what was sent is lost, comes twice or late, commits fail, disks are full, the power goes while something is written.
//! Whatever happens, each call is carried out once and answered with what it did.
//!
//! `SEEDS=100000` tries more seeds than the usual thousand, from `FROM` on; `SEED=7` tries only one.
#![cfg(feature = "actor")]

#[path = "simulated/dice.rs"]
mod dice;
#[path = "simulated/disk.rs"]
mod disk;
#[path = "simulated/history.rs"]
mod history;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use quipu::actor::ClientId;
use quipu::actor::call::{Busy, Call, CallOrigin, CallOutcome, CodeBytes, Stopped, Target};
use quipu::actor::client::{Core, Event, Function};
use quipu::actor::node::{Node, NodeOptions, check as check_store};
use quipu::actor::server::{
    CallHost, CancelCall, ConnectionLimits, Reply, ReplyTo, RoomLimits, Rooms, ServerSession, SessionOptions,
    ShownParts, Turn, replies_to,
};
use quipu::actor::store::suite::conforms;
use quipu::actor::wire::{Answer, KeyRole, Link, MAX_MESSAGE, Question, Ring, Secret};
use quipu::code::hash::{CodeHash, GraphHash};
use quipu::vm::image::{Form, Image};
use quipu::{Engine, Input};

use dice::{Dice, Fault};
use disk::{Disk, Fate};
use history::{Ask, Asked, check};

const INIT: &str = "[list: [], id: 0, moved: 0, a: 100, b: 100, c: 100]";

const FUNCTIONS: [&str; 8] = [
    "|s, x| { s.list.push(x); s.list.len() }",
    "|s| { s.id += 1; s.id }",
    "|s, from, to, n| {
        s[from] -= n
        s.moved += 1
        if s[from] < 0 { throw error(\"too little\") }
        s[to] += n
        s.moved
    }",
    "fn make() { var n = 0; |s| { n += 1; n } }\nmake()",
    "|s| [s.a + s.b + s.c, s.list.len(), s.id, s.moved]",
    "|s| { s.list.push(-1); s.a += 5; s.id = -1; throw s.list.len() }",
    "|s| { s.list = nil; s.moved = -7; while true {} }",
    "|s| s.list",
];

const ACTORS: [&str; 2] = ["x", "y"];

/// What all seeds share: functions and images, which take longer to make than a seed to run.
struct Known {
    functions: Vec<Arc<Function>>,
    init: Vec<u8>,
    /// Arguments: none, one number, two accounts and an amount.
    none: Vec<u8>,
    numbers: Vec<Vec<u8>>,
    transfers: Vec<Vec<u8>>,
}

thread_local! {
    static SESSION: RefCell<quipu::Session> =
        RefCell::new(Engine::new().session(quipu::vm::Limits::default()).unwrap());
}

fn image(text: &str) -> Image {
    SESSION.with_borrow_mut(|session| {
        let value = session.run(&Input::text("value", text)).unwrap();
        session.vm().image(&value).unwrap()
    })
}

fn bytes(text: &str) -> Vec<u8> {
    image(text).dump(Form::default())
}

/// The numbers in a result.
fn numbers(result: &[u8]) -> Vec<i64> {
    let text = SESSION.with_borrow_mut(|session| {
        let value = session.vm().load(&Image::parse(result, &()).unwrap()).unwrap();
        session.vm().repr(&value).unwrap()
    });
    text.trim_matches(['[', ']']).split(", ").filter_map(|number| number.parse().ok()).collect()
}

impl Known {
    fn new() -> Known {
        let account = |n: usize| ["a", "b", "c"][n % 3];
        let transfer = |n: usize| format!("[\"{}\", \"{}\", {}]", account(n), account(n / 3), n / 9 * 15);
        Known {
            functions: FUNCTIONS.iter().map(|text| Arc::new(Function::new(image(text)))).collect(),
            init: bytes(INIT),
            none: bytes("[]"),
            numbers: (0..500).map(|n| bytes(&format!("[{n}]"))).collect(),
            transfers: (0..45).map(|n| bytes(&transfer(n))).collect(),
        }
    }
}

/// Faults that have happened, over all seeds.
type Counts = HashMap<Fault, u64>;

/// A node, and who has come to it with what.
struct Watched {
    node: Node,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    requests: BTreeSet<(ClientId, u64)>,
    last: HashMap<ClientId, u64>,
    faults: Vec<Fault>,
}

impl CallHost for Watched {
    fn call(&self, call: Call, reply: ReplyTo, now: bool) -> Result<CancelCall, Busy> {
        let (client, request) = (call.client, call.request);
        let taken = CallHost::call(&self.node, call, reply, now);
        let mut seen = self.seen.lock().unwrap();
        if taken.is_err() {
            seen.faults.push(Fault::Busy);
            return taken;
        }
        if !seen.requests.insert((client, request)) {
            seen.faults.push(Fault::Duplicate);
        }
        let last = seen.last.entry(client).or_default();
        if std::mem::replace(last, request.max(*last)) > request {
            seen.faults.push(Fault::Reorder);
        }
        taken
    }

    fn has_code(&self, code: &CodeHash) -> bool {
        self.node.has_code(code)
    }

    fn put_function(
        &self,
        hash: &GraphHash,
        image: &[u8],
        codes: &[CodeHash],
        sent: &HashMap<CodeHash, CodeBytes>,
    ) -> Result<Vec<CodeHash>, String> {
        self.node.put_function(hash, image, codes, sent)
    }

    fn ask(&self, _: Question, _: &str, reply: ReplyTo) {
        reply(Reply::Told(Ok("{}".to_owned())));
    }
}

/// One connection with what is under way on it.
struct Wire {
    client: usize,
    session: ServerSession,
    /// Replies of the host for this session.
    replies: Arc<Mutex<VecDeque<(Turn, Reply)>>>,
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    /// Whether the client still holds its end, and the server its own.
    client_end: bool,
    server_end: bool,
    /// Bytes were changed on the way; encryption finds out.
    tampered: bool,
}

impl Wire {
    fn back(replies: &Arc<Mutex<VecDeque<(Turn, Reply)>>>) -> impl Fn(Turn) -> ReplyTo + use<> {
        let replies = replies.clone();
        replies_to(move |turn, reply| replies.lock().unwrap().push_back((turn, reply)))
    }

    fn close_server(&mut self) {
        self.session.abandon();
        self.server_end = false;
    }
}

struct World<'k> {
    dice: Dice,
    known: &'k Known,
    counts: &'k mut Counts,
    disk: Disk,
    is_file: bool,
    options: NodeOptions,
    node: Node,
    seen: Arc<Mutex<Seen>>,
    shown: Arc<ShownParts>,
    rooms: Arc<Rooms>,
    keys: bool,
    clients: Vec<Core>,
    wires: Vec<Wire>,
    asked: BTreeMap<(usize, u64), Asked>,
    installed: [bool; 2],
    now: u64,
}

fn secret(number: usize) -> Secret {
    Secret::known([number as u8 + 1; 32])
}

impl<'k> World<'k> {
    fn new(seed: u64, known: &'k Known, counts: &'k mut Counts) -> World<'k> {
        let mut dice = Dice::new(seed);
        let clients = (0..1 + dice.roll(3)).map(|number| Core::new([number as u8; 16])).collect();
        // Fuel for calls on the spot: enough for none, for some, and for all of them.
        let quick = [0, 60, 5_000][dice.at(3)];
        let options = NodeOptions::default()
            .init(Some(known.init.clone()))
            .threads(0)
            .fuel(5_000)
            .quick(quick)
            .queue(1 + dice.at(5))
            .cache(3_000 + dice.at(30_000))
            .snapshot(1 + dice.roll(9));
        // Files and encryption are slow beside everything else here.
        let is_file = dice.once_in(16);
        let mut disk = Disk::new(is_file, &mut dice);
        let node = Node::open(options.clone(), disk.open()).unwrap();
        World {
            keys: dice.once_in(12),
            dice,
            known,
            counts,
            disk,
            is_file,
            options,
            node,
            seen: Arc::default(),
            shown: Arc::new(ShownParts::new(8)),
            rooms: Rooms::new(RoomLimits::default(), Arc::default()),
            clients,
            wires: Vec::new(),
            asked: BTreeMap::new(),
            installed: [false; 2],
            now: 0,
        }
    }

    fn happened(&mut self, fault: Fault) {
        *self.counts.entry(fault).or_default() += 1;
    }

    fn connect(&mut self, client: usize) {
        let fixed = [self.dice.roll(256) as u8; 32];
        let (link, keys) = if self.keys {
            let mut ring = Ring::default();
            (0..self.clients.len()).for_each(|client| ring.add(secret(client).public(), KeyRole::Client, "client"));
            let link = Link::client(&secret(client), &secret(99).public(), MAX_MESSAGE, Some(fixed)).unwrap();
            (link, Some((secret(99), Arc::new(ring))))
        } else {
            (Link::plain_client(MAX_MESSAGE), None)
        };
        self.clients[client].connected(link);
        let host = Arc::new(Watched { node: self.node.clone(), seen: self.seen.clone() });
        let limits = ConnectionLimits::default().calls(1 + self.dice.at(6));
        let options = SessionOptions::default().keys(keys).limits(limits).fixed(Some(fixed));
        let session = ServerSession::new(host, options.rooms(self.rooms.clone()).shown(self.shown.clone()));
        self.wires.push(Wire {
            client,
            session,
            replies: Arc::default(),
            up: VecDeque::new(),
            down: VecDeque::new(),
            client_end: true,
            server_end: true,
            tampered: false,
        });
    }

    fn wire_of(&self, client: usize) -> Option<usize> {
        self.wires.iter().position(|wire| wire.client == client && wire.client_end)
    }

    /// Everything that has something to say puts it on its wire; clients hear what has come for them.
    fn settle(&mut self) {
        for client in 0..self.clients.len() {
            if let (Some(wire), Some(output)) = (self.wire_of(client), self.clients[client].output()) {
                self.wires[wire].up.extend(output.drain(..));
            }
            for event in self.clients[client].events() {
                if let Event::Answer(request, answer) = event {
                    self.hear(client, request, answer);
                }
            }
        }
        for wire in self.wires.iter_mut().filter(|wire| wire.server_end) {
            wire.down.extend(wire.session.output().drain(..));
            wire.server_end = !wire.session.is_ended();
        }
    }

    fn hear(&mut self, client: usize, request: u64, answer: Answer) {
        let of = self.asked[&(client, request)].clone();
        let was_over = |other: &&Asked| other.actor == of.actor && other.to.is_some_and(|to| to < of.from);
        let is_installed = self.asked.values().filter(was_over).any(|other| other.ask == Ask::Install);
        let asked = self.asked.get_mut(&(client, request)).expect("it was asked for");
        assert_eq!(asked.to, None, "answered twice");
        asked.to = Some(self.now);
        match (asked.ask, answer) {
            (Ask::Throw | Ask::Endless, Answer::Done { .. }) => panic!("what cannot end well has"),
            (_, Answer::Done { result, .. }) => asked.gave = numbers(&result),
            (Ask::Throw | Ask::Transfer, Answer::Failed { .. }) => {}
            (Ask::Endless, Answer::Stopped { why: Stopped::Fuel, .. }) => {}
            // It may not be there yet.
            (Ask::Invoke, Answer::Failed { .. }) if !is_installed => {}
            (ask, answer) => panic!("{ask:?}: {answer:?}"),
        }
    }

    /// Some bytes arrive at one end of one connection.
    fn deliver(&mut self, most: usize) {
        if self.wires.is_empty() {
            return;
        }
        let at = self.dice.at(self.wires.len());
        let length = 1 + self.dice.at(most);
        let wire = &mut self.wires[at];
        if self.dice.once_in(2) {
            let bytes: Vec<u8> = wire.up.drain(..length.min(wire.up.len())).collect();
            if wire.server_end {
                let fed = wire.session.feed(&bytes, &Wire::back(&wire.replies));
                assert!(fed.is_ok() || wire.tampered, "{fed:?}");
                if fed.is_err() {
                    wire.close_server();
                }
            }
            // What was under way is read before the end is noticed.
            if !wire.client_end && wire.up.is_empty() && wire.server_end {
                wire.close_server();
            }
        } else {
            let bytes: Vec<u8> = wire.down.drain(..length.min(wire.down.len())).collect();
            if wire.client_end {
                let client = wire.client;
                let fed = self.clients[client].feed(&bytes);
                assert!(fed.is_ok() || wire.tampered, "{fed:?}");
                if fed.is_err() || !wire.server_end && wire.down.is_empty() {
                    wire.client_end = false;
                    self.clients[client].disconnected();
                }
            }
        }
        self.wires.retain(|wire| wire.client_end || wire.server_end);
    }

    fn replies(&mut self) {
        for wire in self.wires.iter_mut().filter(|wire| wire.server_end) {
            let replies = std::mem::take(&mut *wire.replies.lock().unwrap());
            let back = Wire::back(&wire.replies);
            for (turn, reply) in replies {
                wire.session.reply(turn, reply, &back);
            }
        }
    }

    fn ask(&mut self) {
        let client = self.dice.at(self.clients.len());
        let actor = self.dice.at(ACTORS.len());
        let known = self.known;
        let next = self.asked.len();
        let (ask, function, args) = match self.dice.roll(16) {
            0..4 => (Ask::Append(next as i64), 0, &known.numbers[next]),
            4..6 => (Ask::Id, 1, &known.none),
            6..10 => (Ask::Transfer, 2, &known.transfers[self.dice.at(known.transfers.len())]),
            10 if !self.installed[actor] => (Ask::Install, 3, &known.none),
            10 | 11 => (Ask::Invoke, 3, &known.none),
            12 | 13 => (Ask::Read, 4, &known.none),
            14 => (Ask::Throw, 5, &known.none),
            _ => (Ask::Endless, 6, &known.none),
        };
        let hash = known.functions[function].hash();
        let target = match ask {
            Ask::Install => Target::Install("count".to_owned(), hash),
            Ask::Invoke => Target::Installed("count".to_owned()),
            _ => Target::Function(hash),
        };
        self.installed[actor] |= ask == Ask::Install;
        let function = (ask != Ask::Invoke).then(|| known.functions[function].clone());
        let request = self.clients[client].call(&ACTORS[actor].into(), target, function, args.clone());
        let (from, to, gave) = (self.now, None, Vec::new());
        self.asked.insert((client, request), Asked { actor, ask, from, to, gave, cancelled: false });
    }

    /// The client's end of a connection goes, and some of what it sent is lost.
    fn cut_client(&mut self, at: usize) {
        let wire = &mut self.wires[at];
        if !wire.client_end {
            return;
        }
        wire.client_end = false;
        let client = wire.client;
        let before = wire.up.len();
        let kept = self.dice.at(1 + before);
        self.wires[at].up.truncate(kept);
        self.clients[client].disconnected();
        self.happened(Fault::Cut);
        if kept < before {
            self.happened(Fault::Drop);
        }
    }

    /// The server's end goes, and some of what it said is lost.
    fn cut_server(&mut self, at: usize) {
        let wire = &mut self.wires[at];
        if !wire.server_end {
            return;
        }
        wire.close_server();
        let before = wire.down.len();
        let kept = self.dice.at(1 + before);
        self.wires[at].down.truncate(kept);
        self.happened(Fault::Cut);
        if kept < before {
            self.happened(Fault::Drop);
        }
    }

    /// Some bytes on an encrypted connection are lost, doubled or come in another order.
    fn tamper(&mut self, at: usize) {
        let wire = &mut self.wires[at];
        let bytes = if self.dice.once_in(2) { &mut wire.up } else { &mut wire.down };
        if bytes.len() < 4 {
            return;
        }
        let start = self.dice.at(bytes.len() - 2);
        let length = 1 + self.dice.at((bytes.len() - start) / 2);
        let part: Vec<u8> = bytes.range(start..start + length).copied().collect();
        let rest = bytes.split_off(start + length);
        let fault = match self.dice.roll(3) {
            0 => {
                bytes.truncate(start);
                bytes.extend(rest);
                Fault::Drop
            }
            1 => {
                bytes.extend(part);
                bytes.extend(rest);
                Fault::Duplicate
            }
            _ => {
                bytes.truncate(start);
                bytes.extend(rest.range(..length.min(rest.len())));
                bytes.extend(part);
                bytes.extend(rest.range(length.min(rest.len())..));
                Fault::Reorder
            }
        };
        wire.tampered = true;
        self.happened(fault);
    }

    /// The server dies and another one takes its place. What it had said and not sent is lost.
    fn restart(&mut self) {
        let dice = &mut self.dice;
        for wire in self.wires.iter_mut().filter(|wire| wire.server_end) {
            wire.server_end = false;
            let kept = dice.at(1 + wire.down.len());
            wire.down.truncate(kept);
        }
        self.disk.power_off();
        self.node = Node::open(self.options.clone(), self.disk.open()).unwrap();
        self.shown = Arc::new(ShownParts::new(8));
    }

    fn kill(&mut self) {
        self.happened(Fault::Kill);
        self.restart();
    }

    /// What waits is committed, and maybe that fails; then nothing goes on before the server is started again.
    fn write(&mut self) {
        let fate = match self.dice.roll(40) {
            0 => Fate::FailsKept,
            1 | 2 => Fate::FailsGone,
            3..8 if self.is_file => Fate::Torn,
            _ => Fate::Kept,
        };
        let is_full = self.dice.once_in(2);
        *self.disk.fate.lock().unwrap() = fate;
        self.node.write();
        let came_true = *self.disk.fate.lock().unwrap() != fate || self.node.failure().is_some();
        *self.disk.fate.lock().unwrap() = Fate::Kept;
        match fate {
            _ if !came_true => {}
            Fate::Kept => {}
            Fate::FailsGone if is_full => self.happened(Fault::Full),
            Fate::FailsGone | Fate::FailsKept => self.happened(Fault::Sync),
            Fate::Torn => {
                self.happened(Fault::Torn);
                self.kill();
            }
        }
    }

    fn trouble(&mut self) {
        match self.dice.roll(9) {
            0 | 1 if !self.wires.is_empty() => {
                let at = self.dice.at(self.wires.len());
                self.cut_client(at);
            }
            2 if !self.wires.is_empty() => {
                let at = self.dice.at(self.wires.len());
                self.cut_server(at);
            }
            3 | 4 if self.keys && !self.wires.is_empty() => {
                let at = self.dice.at(self.wires.len());
                self.tamper(at);
            }
            5 if self.dice.once_in(3) => self.kill(),
            6 if self.node.failure().is_some() => self.restart(),
            7 => {
                let open = |asked: &Asked| asked.to.is_none() && !asked.cancelled;
                let open: Vec<_> = self.asked.iter().filter(|(_, asked)| open(asked)).map(|(name, _)| *name).collect();
                if !open.is_empty() && self.dice.once_in(2) {
                    let name = open[self.dice.at(open.len())];
                    self.clients[name.0].cancel(name.1);
                    self.asked.get_mut(&name).expect("it is there").cancelled = true;
                    self.happened(Fault::Cancelled);
                }
            }
            8 => {
                let _ = self.node.gc(self.dice.once_in(2));
            }
            _ => {}
        }
    }

    fn run(mut self) {
        for _ in 0..300 {
            self.now += 1;
            match self.dice.roll(14) {
                0 | 1 => self.ask(),
                2 if self.dice.once_in(3) => self.trouble(),
                3 | 4 => {
                    self.node.turn();
                }
                5 => self.write(),
                6 => self.replies(),
                7 => (0..self.clients.len()).for_each(|client| {
                    if self.wire_of(client).is_none() && self.dice.once_in(3) {
                        self.connect(client);
                    }
                }),
                _ => self.deliver(400),
            }
            let now = self.now;
            self.clients.iter_mut().for_each(|client| client.tick(now * 10));
            self.settle();
        }
        self.finish();
        self.check();
    }

    /// From here on everything works, and everything comes to its end.
    fn finish(&mut self) {
        if self.node.failure().is_some() {
            self.restart();
        }
        for at in 0..self.wires.len() {
            if self.wires[at].tampered {
                self.cut_client(at);
                self.cut_server(at);
            }
        }
        for round in 0.. {
            assert!(round < 100_000, "it does not come to an end");
            self.now += 1;
            for client in 0..self.clients.len() {
                if self.wire_of(client).is_none() {
                    self.connect(client);
                }
                let now = self.now;
                self.clients[client].tick(now * 10);
            }
            self.deliver(5000);
            self.node.turn();
            self.node.write();
            self.replies();
            self.settle();
            if self.clients.iter().all(|client| !client.is_waiting()) {
                break;
            }
        }
    }

    fn check(mut self) {
        self.wires.clear();
        let faults = std::mem::take(&mut self.seen.lock().unwrap().faults);
        faults.into_iter().for_each(|fault| self.happened(fault));
        *self.counts.entry(Fault::Evicted).or_default() += self.node.figures().unknown;
        for (name, asked) in &self.asked {
            assert!(asked.to.is_some() || asked.cancelled, "{name:?} was not answered");
        }
        for (at, actor) in ACTORS.iter().enumerate() {
            let asked: Vec<&Asked> = self.asked.values().filter(|asked| asked.actor == at).collect();
            if asked.is_empty() {
                continue;
            }
            let list = self.look(actor, 7);
            let state = self.look(actor, 4);
            assert_eq!(state[0], 300, "money was made or lost");
            check(&asked, &list, state[2], state[3]);
        }
        self.node.shutdown().unwrap();
        let checked = check_store(&mut *self.disk.open()).unwrap();
        assert_eq!(checked.wrong, Vec::<String>::new());
    }

    /// What a function says that is called without a connection.
    fn look(&self, actor: &str, function: usize) -> Vec<i64> {
        let target = Target::Function(self.known.functions[function].hash());
        let image = image(FUNCTIONS[function]).dump(Form::default());
        self.node.put_function(&self.known.functions[function].hash(), &image, &[], &HashMap::new()).unwrap();
        let outcome = Arc::new(Mutex::new(None));
        let told = outcome.clone();
        let call = Call {
            actor: actor.into(),
            client: ClientId([255; 32]),
            request: function as u64,
            target,
            args: self.known.none.clone(),
            origin: CallOrigin::default(),
        };
        self.node.submit(call, Box::new(move |outcome| *told.lock().unwrap() = Some(outcome))).unwrap();
        while self.node.turn() || self.node.write() {}
        match outcome.lock().unwrap().take() {
            Some(CallOutcome::Done(result)) => numbers(&result),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn disks_that_do_not_fail_are_stores() {
    for is_file in [false, true] {
        let disk = RefCell::new(Disk::new(is_file, &mut Dice::new(1)));
        let open = || disk.borrow_mut().open();
        conforms(open(), |before| {
            drop(before);
            open()
        });
    }
}

#[test]
fn whatever_happens_each_call_is_carried_out_once() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let from = number("FROM").unwrap_or(0);
            from..from + number("SEEDS").unwrap_or(1000)
        }
    };
    let is_usual = seeds.clone().count() >= 1000;
    // Each world is one thread's; there are as many at a time as processors.
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get());
    let mut counts = Counts::new();
    std::thread::scope(|scope| {
        let work = |worker: usize| {
            let known = Known::new();
            let mut counts = Counts::new();
            for seed in seeds.clone().skip(worker).step_by(workers) {
                let run = std::panic::AssertUnwindSafe(|| World::new(seed, &known, &mut counts).run());
                assert!(std::panic::catch_unwind(run).is_ok(), "SEED={seed}");
            }
            counts
        };
        let all: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        for worker in all {
            for (fault, count) in worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                *counts.entry(fault).or_default() += count;
            }
        }
    });
    for fault in Fault::ALL {
        let count = counts.get(&fault).copied().unwrap_or(0);
        println!("{fault:?}: {count}");
        assert!(count > 0 || !is_usual, "{fault:?} never happens");
    }
}
