//! A server and several clients from one seed: connections are cut, bytes come late and in pieces, the server is busy, forgets
//! functions and starts anew. Whatever happens, each call is carried out once and answered with what it did.
//!
//! `SEEDS=100000` tries more seeds than the usual thousand, `SEED=7` only one.
#![cfg(feature = "actor")]

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use quipu::actor::client::{Core, Event, Function};
use quipu::actor::server::{
    Busy, Call, CancelCall, CodeBytes, Host, Limits, Metrics, Outcome, Reply, ReplyTo, Session, Shown, Turn,
};
use quipu::actor::wire::{Answer, Hash, Link, MAX_MESSAGE, Question, Ring, Role, Secret, Stopped, Target};
use quipu::lang::code::{Code, CodeHash};
use quipu::vm::image::Image;
use quipu::{Engine, Input};

/// Numbers from a seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn once_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// Carries calls out in its own way: it writes them down. It believes no client, as a real one would not.
#[derive(Default)]
struct Model {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    codes: HashMap<CodeHash, Code>,
    graphs: HashSet<Hash>,
    /// What was carried out, in order: client, request, function, arguments.
    log: Vec<(Hash, u64, Hash, Vec<u8>)>,
    outcomes: HashMap<(Hash, u64), Outcome>,
    /// Calls that were taken and not carried out yet.
    queue: VecDeque<(Call, ReplyTo)>,
    cancelled: HashSet<(Hash, u64)>,
    full: bool,
}

struct Shared(Arc<Model>);

impl Host for Shared {
    fn call(&self, call: Call, reply: ReplyTo) -> Result<CancelCall, Busy> {
        let mut inner = self.0.inner.lock().unwrap();
        if inner.full {
            return Err(Busy { after_ms: 3 });
        }
        let name = (call.client, call.request);
        inner.cancelled.remove(&name);
        inner.queue.push_back((call, reply));
        let model = self.0.clone();
        Ok(Box::new(move || {
            model.inner.lock().unwrap().cancelled.insert(name);
        }))
    }

    fn has_code(&self, code: &Hash) -> bool {
        self.0.inner.lock().unwrap().codes.contains_key(&CodeHash(*code))
    }

    fn put_function(
        &self,
        hash: &Hash,
        image: &[u8],
        codes: &[Hash],
        sent: &HashMap<Hash, CodeBytes>,
    ) -> Result<Vec<Hash>, String> {
        let mut inner = self.0.inner.lock().unwrap();
        for code in codes.iter().rev().chain(codes) {
            if let Some((bytes, _)) = sent.get(code)
                && let Ok(code) = Code::decode(bytes, |hash| inner.codes.get(hash).cloned())
            {
                inner.codes.insert(code.hash(), code);
            }
        }
        let missing: Vec<Hash> =
            codes.iter().filter(|code| !inner.codes.contains_key(&CodeHash(**code))).copied().collect();
        if !missing.is_empty() {
            return Ok(missing);
        }
        match Image::open(image, &inner.codes) {
            Ok(image) if image.hash() == *hash => {
                inner.graphs.insert(*hash);
                Ok(Vec::new())
            }
            Ok(_) => Err("another hash".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn ask(&self, _: Question, _: &str, reply: ReplyTo) {
        reply(Reply::Told(Ok("{}".to_owned())));
    }
}

impl Model {
    /// Carries out one of the calls that wait, and tells how it went.
    fn work(&self) {
        let mut inner = self.inner.lock().unwrap();
        let Some((call, reply)) = inner.queue.pop_front() else { return };
        let name = (call.client, call.request);
        let Target::Function(function) = call.target else { panic!("only functions are called") };
        let outcome = match inner.outcomes.get(&name) {
            Some(outcome) => outcome.clone(),
            None if inner.cancelled.contains(&name) => Outcome::Stopped(Stopped::Cancelled),
            None if !inner.graphs.contains(&function) => Outcome::Unknown,
            None => {
                let result = (inner.log.len() as u64).to_le_bytes();
                inner.log.push((call.client, call.request, function, call.args));
                inner.outcomes.insert(name, Outcome::Done(result.to_vec()));
                Outcome::Done(result.to_vec())
            }
        };
        drop(inner);
        reply(Reply::Called(outcome));
    }
}

/// One connection with what is under way on it.
struct Wire {
    client: usize,
    session: Session,
    /// Replies of the host for this session.
    replies: Arc<Mutex<VecDeque<(Turn, Reply)>>>,
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    /// Whether the client still holds its end, and the server its own.
    client_end: bool,
    server_end: bool,
}

impl Wire {
    fn back(replies: &Arc<Mutex<VecDeque<(Turn, Reply)>>>) -> impl Fn(Turn) -> ReplyTo + use<> {
        let replies = replies.clone();
        move |turn| {
            let replies = replies.clone();
            Box::new(move |reply| replies.lock().unwrap().push_back((turn, reply)))
        }
    }
}

struct World {
    dice: Dice,
    model: Arc<Model>,
    shown: Arc<Shown>,
    metrics: Arc<Metrics>,
    keys: bool,
    clients: Vec<Core>,
    wires: Vec<Wire>,
    functions: Vec<Arc<Function>>,
    /// By client and request: the function and arguments, and the answer.
    asked: HashMap<(usize, u64), (Hash, Vec<u8>)>,
    answered: HashMap<(usize, u64), Vec<u8>>,
    cancelled: HashSet<(usize, u64)>,
    now: u64,
}

fn secret(number: usize) -> Secret {
    Secret::known([number as u8 + 1; 32])
}

impl World {
    fn new(seed: u64, functions: &[Arc<Function>]) -> World {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let clients = (0..1 + dice.roll(3)).map(|number| Core::new([number as u8; 16])).collect();
        World {
            // Encryption is slow beside everything else here.
            keys: dice.once_in(20),
            dice,
            model: Arc::default(),
            shown: Arc::new(Shown::new(6)),
            metrics: Arc::default(),
            clients,
            wires: Vec::new(),
            functions: functions.to_vec(),
            asked: HashMap::new(),
            answered: HashMap::new(),
            cancelled: HashSet::new(),
            now: 0,
        }
    }

    fn connect(&mut self, client: usize) {
        let fixed = [self.dice.roll(256) as u8; 32];
        let (link, keys) = if self.keys {
            let mut ring = Ring::default();
            (0..self.clients.len()).for_each(|client| ring.add(secret(client).public(), Role::Client, "client"));
            let link = Link::client(&secret(client), &secret(99).public(), MAX_MESSAGE, Some(fixed)).unwrap();
            (link, Some((secret(99), Arc::new(ring))))
        } else {
            (Link::plain_client(MAX_MESSAGE), None)
        };
        self.clients[client].connected(link);
        let host = Arc::new(Shared(self.model.clone()));
        let limits = Limits { calls: 1 + self.dice.roll(6) as usize, ..Limits::default() };
        let session = Session::new(host, self.shown.clone(), self.metrics.clone(), keys, limits, Some(fixed));
        self.wires.push(Wire {
            client,
            session,
            replies: Arc::default(),
            up: VecDeque::new(),
            down: VecDeque::new(),
            client_end: true,
            server_end: true,
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
                let Event::Answer(request, answer) = event else { continue };
                match answer {
                    Answer::Done { result, .. } => {
                        let before = self.answered.insert((client, request), result);
                        assert!(before.is_none(), "answered twice");
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        for wire in self.wires.iter_mut().filter(|wire| wire.server_end) {
            wire.down.extend(wire.session.output().drain(..));
        }
    }

    /// Some bytes arrive at one end of one connection.
    fn deliver(&mut self, most: u64) {
        if self.wires.is_empty() {
            return;
        }
        let at = self.dice.roll(self.wires.len() as u64) as usize;
        let length = 1 + self.dice.roll(most) as usize;
        let wire = &mut self.wires[at];
        if self.dice.once_in(2) {
            let bytes: Vec<u8> = wire.up.drain(..length.min(wire.up.len())).collect();
            if wire.server_end {
                wire.session.feed(&bytes, &Wire::back(&wire.replies)).unwrap();
            }
            // What was under way is read before the end is noticed.
            if !wire.client_end && wire.up.is_empty() && wire.server_end {
                wire.session.abandon();
                wire.server_end = false;
            }
        } else {
            let bytes: Vec<u8> = wire.down.drain(..length.min(wire.down.len())).collect();
            if wire.client_end {
                let client = wire.client;
                self.clients[client].feed(&bytes).unwrap();
                if !self.wires[at].server_end && self.wires[at].down.is_empty() {
                    self.wires[at].client_end = false;
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
            replies.into_iter().for_each(|(turn, reply)| wire.session.reply(turn, reply, &back));
        }
    }

    fn ask(&mut self) {
        let client = self.dice.roll(self.clients.len() as u64) as usize;
        let function = self.functions[self.dice.roll(self.functions.len() as u64) as usize].clone();
        let args = vec![self.dice.roll(256) as u8; self.dice.roll(50) as usize];
        let hash = function.hash();
        let request = self.clients[client].call(&"a".into(), Target::Function(hash), Some(function), args.clone());
        self.asked.insert((client, request), (hash, args));
        if self.dice.once_in(20) {
            self.cancelled.insert((client, request));
        }
    }

    fn trouble(&mut self) {
        match self.dice.roll(8) {
            // The client's end goes, or the server's.
            0 | 1 if !self.wires.is_empty() => {
                let at = self.dice.roll(self.wires.len() as u64) as usize;
                if self.wires[at].client_end {
                    self.wires[at].client_end = false;
                    let client = self.wires[at].client;
                    self.clients[client].disconnected();
                    // Some of what was sent is lost.
                    let kept = self.dice.roll(1 + self.wires[at].up.len() as u64) as usize;
                    self.wires[at].up.truncate(kept);
                }
            }
            2 if !self.wires.is_empty() => {
                let at = self.dice.roll(self.wires.len() as u64) as usize;
                self.wires[at].session.abandon();
                self.wires[at].server_end = false;
                let kept = self.dice.roll(1 + self.wires[at].down.len() as u64) as usize;
                self.wires[at].down.truncate(kept);
            }
            3 => {
                let mut inner = self.model.inner.lock().unwrap();
                inner.graphs.clear();
                if self.dice.once_in(2) {
                    inner.codes.clear();
                }
            }
            4 => {
                let mut inner = self.model.inner.lock().unwrap();
                inner.full = !inner.full;
            }
            // A restart: only what was carried out is known afterwards.
            5 if self.dice.once_in(4) => {
                for wire in &mut self.wires {
                    wire.session.abandon();
                    wire.server_end = false;
                }
                let mut inner = self.model.inner.lock().unwrap();
                inner.graphs.clear();
                inner.codes.clear();
                inner.queue.clear();
                self.shown = Arc::new(Shown::new(6));
            }
            6 => {
                if let Some((client, request)) = self.cancelled.iter().next().copied() {
                    self.clients[client].cancel(request);
                }
            }
            _ => {}
        }
    }

    fn run(mut self) {
        for _ in 0..400 {
            self.now += 1;
            match self.dice.roll(12) {
                0 | 1 => self.ask(),
                2 if self.dice.once_in(3) => self.trouble(),
                3 => self.model.work(),
                4 => self.replies(),
                5 => (0..self.clients.len()).for_each(|client| {
                    if self.wire_of(client).is_none() && self.dice.once_in(3) {
                        self.connect(client);
                    }
                }),
                _ => self.deliver(400),
            }
            let now = self.now;
            self.clients.iter_mut().for_each(|client| client.tick(now));
            self.settle();
        }
        // From here on everything works, and everything comes to its end.
        self.model.inner.lock().unwrap().full = false;
        for round in 0.. {
            assert!(round < 100_000, "it does not come to an end");
            self.now += 1;
            for client in 0..self.clients.len() {
                if self.wire_of(client).is_none() {
                    self.connect(client);
                }
                let now = self.now;
                self.clients[client].tick(now);
            }
            self.deliver(5000);
            self.model.work();
            self.replies();
            self.settle();
            if self.clients.iter().all(|client| !client.is_waiting()) {
                break;
            }
        }
        self.check();
    }

    fn check(&self) {
        let inner = self.model.inner.lock().unwrap();
        let mut seen = HashSet::new();
        assert!(inner.log.iter().all(|(client, request, ..)| seen.insert((client, request))), "carried out twice");
        for (name, (hash, args)) in &self.asked {
            match self.answered.get(name) {
                Some(result) => {
                    let at = u64::from_le_bytes(result[..].try_into().unwrap()) as usize;
                    let (_, request, function, found) = &inner.log[at];
                    assert_eq!((*request, function, found), (name.1, hash, args), "answered with another call");
                }
                None => assert!(self.cancelled.contains(name), "not answered"),
            }
        }
        let results: HashSet<_> = self.answered.values().collect();
        assert_eq!(results.len(), self.answered.len(), "one call was carried out for two");
    }
}

#[test]
fn whatever_happens_each_call_is_carried_out_once() {
    let engine = Engine::new();
    let mut session = engine.session(quipu::vm::Limits::default()).unwrap();
    let sources = ["|s| 1", "|s, n| { s[n] = |x| x + n; s.len() }", "let k = 5; |s| [1, 2].map(|x| x + k)"];
    let functions = sources.map(|source| {
        let value = session.run(&Input::text("function", source)).unwrap();
        Arc::new(Function::new(session.vm().freeze(&value).unwrap()))
    });
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(1000),
    };
    for seed in seeds {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| World::new(seed, &functions).run()));
        assert!(outcome.is_ok(), "SEED={seed}");
    }
}
