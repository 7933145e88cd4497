//! What the targets for connections do: strangers before they are known, and clients that may say anything.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use quipu::actor::call::{Busy, Call, CodeBytes, Target};
use quipu::actor::client::{Core, Event, Function};
use quipu::actor::node::{Node, NodeOptions};
use quipu::actor::server::{
    CallHost, CancelCall, ConnectionLimits, Reply, ReplyTo, ServerSession, SessionOptions, ShownParts, Turn, replies_to,
};
use quipu::actor::store::MemoryStore;
use quipu::actor::wire::{Answer, Incoming, KeyRole, Link, MAX_MESSAGE, Question, Request, Ring, Secret, Violation};
use quipu::code::hash::{CodeHash, GraphHash};
use quipu::vm::image::{Form, Image};
use quipu::{Engine, Input, Session};

/// A host that nobody gets to.
struct Unreached;

impl CallHost for Unreached {
    fn call(&self, _: Call, _: ReplyTo, _: bool) -> Result<CancelCall, Busy> {
        unreachable!("a stranger calls")
    }

    fn has_code(&self, _: &CodeHash) -> bool {
        unreachable!("a stranger asks for code")
    }

    fn put_function(
        &self,
        _: &GraphHash,
        _: &[u8],
        _: &[CodeHash],
        _: &HashMap<CodeHash, CodeBytes>,
    ) -> Result<Vec<CodeHash>, String> {
        unreachable!("a stranger sends a function")
    }

    fn ask(&self, _: Question, _: &str, _: ReplyTo) {
        unreachable!("a stranger asks")
    }
}

/// Who knows none of these secrets is a stranger.
fn secrets() -> [Secret; 2] {
    [Secret::known([201; 32]), Secret::known([202; 32])]
}

/// Bytes of a stranger, in pieces, to a server with keys and to a client that expects one: nothing of them is decoded,
/// and no more is said than that the hello was wrong.
pub fn wire_preauth(data: &[u8]) {
    let Some((&piece, bytes)) = data.split_first() else { return };
    let piece = usize::from(piece).max(1);
    let [server, client] = secrets();
    let mut ring = Ring::default();
    ring.add(client.public(), KeyRole::Operator, "client");
    let keys = Some((server.clone(), Arc::new(ring)));
    let shown = Arc::new(ShownParts::new(10));
    let options = SessionOptions::default().keys(keys).shown(shown).fixed(Some([203; 32]));
    let mut session = ServerSession::new(Arc::new(Unreached), options);
    for piece in bytes.chunks(piece) {
        if session.feed(piece, &|_| Box::new(|_| {})).is_err() {
            break;
        }
    }
    assert!(!session.is_open() && session.peer().is_none() && session.messages() == 0 && session.calls() == 0);
    assert!(session.output().len() <= 8, "a stranger is told more than a hello");

    let mut core = Core::new([1; 16]);
    let link = Link::client(&client, &server.public(), MAX_MESSAGE, Some([204; 32])).expect("a link");
    core.connected(link);
    core.call(&"a".into(), Target::Function(GraphHash([1; 32])), None, vec![1]);
    let said = core.output().map_or(0, |output| output.len());
    for piece in bytes.chunks(piece) {
        if core.feed(piece).is_err() {
            break;
        }
    }
    assert!(core.events().is_empty(), "a stranger passes for the server");
    assert_eq!(core.output().map_or(0, |output| output.len()), said, "a stranger is sent a call");
}

/// What strangers say who know how to speak, to begin with.
pub fn strangers() -> Vec<(&'static str, Vec<u8>)> {
    let [server, client] = secrets();
    let other = Secret::known([5; 32]);
    let said = |link: Result<Link, Violation>| std::mem::take(link.expect("a link").output());
    let keyed = |own: &Secret, to: &Secret| said(Link::client(own, &to.public(), MAX_MESSAGE, Some([6; 32])));
    let first = keyed(&client, &server);
    // Of the one who is known, all but the end, which only the secret makes.
    let cut = first[..first.len() - 16].to_vec();
    // What a server says that is another one.
    let mut theirs = Link::server(Some((other.clone(), Arc::new(Ring::default()))), MAX_MESSAGE, Some([6; 32]));
    theirs.feed(&keyed(&client, &other));
    let _ = theirs.poll();
    let made = vec![
        ("stranger", keyed(&other, &server)),
        ("other_server", keyed(&client, &other)),
        ("cut", cut),
        ("plain", said(Ok(Link::plain_client(MAX_MESSAGE)))),
        ("full", Link::full().to_vec()),
        ("newer", b"\x8bQUIPw\x09\x01".to_vec()),
        ("accepted", [b"\x8bQUIPw\x01\x00\x38\x00".to_vec(), vec![3; 56]].concat()),
        ("their_answer", std::mem::take(theirs.output())),
    ];
    made.into_iter().map(|(name, bytes)| (name, [vec![16], bytes].concat())).collect()
}

/// Functions that are known to the target; the first one counts its calls.
const FUNCTIONS: [&str; 4] = [
    "|s| { s.n = s.get(\"n\", 0) + 1; s.n }",
    "|s, x| { let f = |y| { let g = |z| z + y; g(y) }; [f(x), s.get(\"n\", 0)] }",
    "fn make() { var n = 0; |s, x| { n += x; if n > 9 { throw n }; n } }\nmake()",
    "|s| { while true { s.n = nil } }",
];

/// A client's end and what the server makes of it.
struct Line {
    link: Link,
    session: ServerSession,
    sender: Sender<(Turn, Reply)>,
    replies: Receiver<(Turn, Reply)>,
    /// Calls of the counting function, by number, and whether they were answered with a result.
    counted: BTreeMap<u64, bool>,
    /// Whether the count can be told from the answers.
    is_plain: bool,
    /// Numbers of other calls.
    others: BTreeSet<u64>,
    is_broken: bool,
}

impl Line {
    fn new(node: &Node, common: &SessionOptions) -> Line {
        let limits = ConnectionLimits::default().message(1 << 16).calls(6).waiting(1 << 17);
        let session = ServerSession::new(Arc::new(node.clone()), common.clone().limits(limits));
        let (sender, replies) = channel();
        let link = Link::plain_client(MAX_MESSAGE);
        let (counted, others) = Default::default();
        let mut line = Line { link, session, sender, replies, counted, is_plain: true, others, is_broken: false };
        line.carry(None);
        line.say(&Request::Open { nonce: [1; 16] }.encode(), &GraphHash([0; 32]));
        line
    }

    fn say(&mut self, message: &[u8], counts: &GraphHash) {
        if let Ok(Request::Call { request, target, actor, .. }) = Request::decode(message) {
            match target {
                Target::Function(hash) if hash == *counts && actor == "a" => {
                    self.counted.entry(request).or_insert(false);
                }
                // What is installed may change the count as well.
                Target::Installed(_) | Target::Install(..) if actor == "a" => self.is_plain = false,
                _ => {
                    self.others.insert(request);
                }
            }
            // An answer to this number may be to either.
            self.is_plain &= !(self.counted.contains_key(&request) && self.others.contains(&request));
        }
        self.link.send(message);
        self.carry(None);
    }

    /// Bytes go up, a reply if there is one, and answers down.
    fn carry(&mut self, raw: Option<&[u8]>) {
        let sender = self.sender.clone();
        let back = replies_to(move |turn, reply| {
            let _ = sender.send((turn, reply));
        });
        let up = raw.map_or_else(|| std::mem::take(self.link.output()), <[u8]>::to_vec);
        if !self.is_broken && !self.session.is_ended() {
            self.is_broken = self.session.feed(&up, &back).is_err();
        }
        while let Ok((turn, reply)) = self.replies.try_recv() {
            self.session.reply(turn, reply, &back);
        }
        assert!(self.session.calls() <= 6, "more calls than it says that it takes");
        let down = std::mem::take(self.session.output());
        self.link.feed(&down);
        while let Ok(Some(input)) = self.link.poll() {
            let Incoming::Message(message) = input else { continue };
            let answer = Answer::decode(&message).unwrap_or_else(|found| panic!("the server says nonsense: {found}"));
            if let Answer::Done { request, .. } = answer
                && let Some(done) = self.counted.get_mut(&request)
            {
                *done = true;
            }
        }
    }

    /// Waits until the server has answered everything that it can answer.
    fn settle(&mut self) {
        while self.session.is_working() && !self.session.is_ended() {
            let (turn, reply) = self.replies.recv_timeout(Duration::from_secs(30)).expect("a reply");
            self.sender.send((turn, reply)).expect("a channel");
            self.carry(None);
        }
    }
}

/// What a client says that is let in: messages out of the bytes, right, wrong and in any order. The server answers each in
/// words that can be read, and goes on with others; the count of calls is that of its answers.
pub fn wire_session(data: &[u8]) {
    thread_local! {
        static KNOWN: (Vec<Image>, Vec<Vec<u8>>) = known();
    }
    KNOWN.with(|(functions, args)| converse(functions, args, data));
}

fn known() -> (Vec<Image>, Vec<Vec<u8>>) {
    let mut session = machine();
    let mut image = |text: &str| {
        let value = session.run(&Input::text("function", text)).expect("a value");
        session.vm().image(&value).expect("an image")
    };
    let args = ["[]", "[1]", "[[1, [2]], |x| x]"].map(|text| image(text).dump(Form::default()));
    (FUNCTIONS.map(&mut image).into(), args.into())
}

fn converse(functions: &[Image], args: &[Vec<u8>], data: &[u8]) {
    let options = NodeOptions::default().threads(1).fuel(3_000).heap(8 << 20).cache(12_000).queue(3);
    let node = Node::open(options, Box::new(MemoryStore::new())).expect("a node");
    let common = SessionOptions::default().shown(Arc::new(ShownParts::new(8)));
    let counts = functions[0].hash();
    let mut line = Line::new(&node, &common);
    let mut rest = data.iter().copied();
    while let Some(step) = rest.next() {
        let mut byte = || rest.next().unwrap_or(0);
        let function = &functions[usize::from(step >> 6)];
        let hash = function.hash();
        let message = match step & 15 {
            0 => (0..byte()).map(|_| byte()).collect(),
            1 => {
                let raw: Vec<u8> = (0..byte()).map(|_| byte()).collect();
                line.carry(Some(&raw));
                continue;
            }
            2..=4 => {
                let (request, args) = (byte().into(), args[usize::from(byte()) % args.len()].clone());
                let target = match step >> 4 & 3 {
                    0 | 1 => Target::Function(hash),
                    2 => Target::Installed("f".to_owned()),
                    _ => Target::Install("f".to_owned(), hash),
                };
                let actor = if step & 15 == 4 { "b" } else { "a" };
                Request::Call { request, actor: actor.to_owned(), target, args }.encode()
            }
            5 | 6 => {
                let codes = function.codes().iter().map(|code| code.hash()).collect();
                let image = function.dump(Form { thin: true, strip: true });
                let mut message = Request::Graph { hash, codes, image }.encode();
                if step & 15 == 6 {
                    let at = usize::from(byte()) % message.len();
                    message[at] ^= byte();
                }
                message
            }
            7 | 8 => {
                let mask = if step & 15 == 7 { u8::MAX } else { byte() };
                let asked = function.codes().iter().zip(0..).filter(|(_, at)| mask >> (at % 8) & 1 == 1);
                let codes = asked.map(|(code, _)| (code.encode(), code.encode_debug().unwrap_or_default())).collect();
                Request::Codes { hash, codes }.encode()
            }
            9 => Request::Cancel { request: byte().into() }.encode(),
            10 => Request::Ping(byte().into()).encode(),
            11 => vec![7, byte() & 127, byte() % 6, 1, b'a'],
            12 => Request::Open { nonce: [byte(); 16] }.encode(),
            13 => Request::Close.encode(),
            _ => {
                line.settle();
                continue;
            }
        };
        line.say(&message, &counts);
    }
    line.settle();
    let alive = !line.is_broken && !line.session.is_ended();
    let (calls, done) = (line.counted.len(), line.counted.values().filter(|done| **done).count());
    let is_plain = line.is_plain;
    drop(line.session);
    // Somebody else is served as if nothing had been.
    let mut core = Core::new([9; 16]);
    core.connected(Link::plain_client(MAX_MESSAGE));
    let mut session = ServerSession::new(Arc::new(node), common);
    let function = Image::parse(functions[0].dump(Form::default()), &()).expect("an image");
    let function = Arc::new(Function::new(function));
    let request = core.call(&"a".into(), Target::Function(counts), Some(function), args[0].clone());
    let (sender, replies) = channel();
    let back = replies_to(move |turn, reply| {
        let _ = sender.send((turn, reply));
    });
    let answer = 'answer: loop {
        let up = core.output().map(std::mem::take).unwrap_or_default();
        session.feed(&up, &back).expect("an honest client");
        if session.is_working() && session.output().is_empty() {
            let (turn, reply) = replies.recv_timeout(Duration::from_secs(30)).expect("a reply");
            session.reply(turn, reply, &back);
        }
        core.feed(&std::mem::take(session.output())).expect("an honest server");
        // It waits for nothing but room.
        core.tick(u64::MAX);
        for event in core.events() {
            if let Event::Answer(answered, answer) = event {
                assert_eq!(answered, request);
                break 'answer answer;
            }
        }
    };
    let Answer::Done { result, .. } = answer else {
        // Others may have put something into the state that cannot be counted.
        return assert!(!is_plain, "{answer:?}");
    };
    if is_plain {
        let count = count(&result);
        assert!((done + 1..=calls + 1).contains(&count) && (!alive || count == done + 1), "{count}: {done} of {calls}");
    }
}

/// The number that a result is.
fn count(result: &[u8]) -> usize {
    thread_local! {
        static SESSION: RefCell<Session> = RefCell::new(machine());
    }
    SESSION.with_borrow_mut(|session| {
        let value = session.vm().load(&Image::parse(result, &()).expect("an image")).expect("a value");
        session.vm().repr(&value).expect("a text").parse().expect("a number")
    })
}

fn machine() -> Session {
    Engine::new().session(quipu::vm::Limits::default()).expect("a session")
}

/// Conversations to begin with.
pub fn conversations() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("one_call", vec![2, 1, 0, 5, 7, 14]),
        ("three_calls", vec![5, 2, 1, 0, 7, 2, 2, 0, 2, 3, 0, 14]),
        ("twice", vec![5, 2, 1, 0, 7, 14, 2, 1, 0, 14]),
        ("nested", vec![0x42, 1, 1, 0x45, 0x48, 1, 0x48, 255, 14]),
        ("install", vec![0xb2, 1, 0, 0x85, 0x87, 14, 0xa2, 2, 1, 14, 0xa2, 3, 1, 14]),
        ("endless", vec![0xc2, 1, 0, 0xc5, 0xc7, 9, 1, 14]),
        ("cancel", vec![2, 1, 0, 9, 1, 2, 1, 0, 5, 7, 14]),
        ("wrong_graph", vec![2, 1, 0, 6, 40, 1, 14]),
        ("questions", vec![2, 1, 0, 5, 7, 14, 11, 5, 0, 11, 6, 1, 11, 7, 2, 11, 8, 3, 11, 9, 5, 14]),
        ("raw", vec![0, 3, 6, 7, 8, 1, 4, 2, 0, 1, 8]),
        ("many", (1..40).flat_map(|n| [2, n, 0]).chain([5, 7, 14]).collect()),
        ("out_of_order", vec![10, 3, 12, 1]),
        ("close", vec![5, 2, 1, 0, 7, 13]),
    ]
}
