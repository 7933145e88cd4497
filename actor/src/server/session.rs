//! One connection from the server's side, without IO: bytes and replies go in, bytes and calls come out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use quipu_code::hash::{CodeHash, GraphHash};

use super::host::{CallHost, CancelCall, Reply, ReplyTo};
use super::metrics::Metrics;
use super::options::{ConnectionLimits, RoomLimits, SHOWN};
use super::room::{READ, Rooms, Share, Stay};
use super::shown::ShownParts;
use crate::call::{Call, CallOrigin, CallOutcome, NoRoom, Room, Stopped, Target};
use crate::clock::ServerClock;
use crate::identity::{ClientId, Key};
use crate::wire::{Answer, Incoming, KeyRole, Link, Need, Peer, Request, Ring, Secret, Violation};

/// Under which clients are named; kind and version in one.
const CLIENT: &str = "quipu actor client v1";

/// What a function that is on its way takes beside its bytes, about.
const UPLOAD: usize = 300;

/// What a call takes beside its arguments, about.
const CALL: usize = 1 << 10;

/// When a client may ask again for what there is no room for.
const AGAIN_MS: u64 = 50;

/// What each code object that a function needs takes until it is there, about: its hash, in what is asked for and what has
/// come.
const LISTED: usize = 100;

const TOO_MUCH: &str = "too much is on its way already";

options! {
    /// What a session has in common with the others of its server, and what its own client may take.
    #[derive(Clone, Debug)]
    pub struct SessionOptions {
        /// The server's secret, and whom it lets in; everybody if there is none.
        pub keys: Option<(Secret, Arc<Ring>)>,
        /// What the connection may take.
        pub limits: ConnectionLimits,
        /// The room of the server, with what is counted there.
        pub rooms: Arc<Rooms>,
        /// Who has shown which functions and code.
        pub shown: Arc<ShownParts>,
        /// The time.
        pub clock: ServerClock,
        /// Takes the place of entropy in the handshake, for tests in which the same is said twice.
        pub fixed: Option<[u8; 32]>,
    }
}

impl Default for SessionOptions {
    /// Those of a server that shares nothing with others.
    fn default() -> SessionOptions {
        SessionOptions {
            keys: None,
            limits: ConnectionLimits::default(),
            rooms: Rooms::new(RoomLimits::default(), Arc::default()),
            shown: Arc::new(ShownParts::new(SHOWN)),
            clock: ServerClock::default(),
            fixed: None,
        }
    }
}

/// One try of one request. A host that had no room may still say something of that try when the next one is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn {
    request: u64,
    number: u64,
}

/// Makes the callback through which the reply to this try comes back to the session.
pub type Return<'s> = &'s dyn Fn(Turn) -> ReplyTo;

/// Makes such callbacks, each of which hands its reply on with the try that it is for.
pub fn replies_to(take: impl Fn(Turn, Reply) + Clone + Send + 'static) -> impl Fn(Turn) -> ReplyTo {
    move |turn| {
        let take = take.clone();
        Box::new(move |reply| take(turn, reply))
    }
}

/// One connection.
pub struct ServerSession {
    link: Link,
    host: Arc<dyn CallHost>,
    shown: Arc<ShownParts>,
    metrics: Arc<Metrics>,
    clock: ServerClock,
    limits: ConnectionLimits,
    /// How many messages have come in.
    messages: u64,
    peer: Option<Peer>,
    client: Option<ClientId>,
    /// Calls and questions that the host has, by request.
    running: HashMap<u64, Running>,
    /// How often something was handed to the host.
    turns: u64,
    /// Calls that wait for a function, in the order in which they came.
    parked: Vec<(Call, Arc<Stay>)>,
    /// Functions that are on their way, by hash.
    uploads: HashMap<GraphHash, Upload>,
    /// Bytes in `parked` and `uploads`.
    waiting: usize,
    /// What all of this takes.
    share: Arc<Share>,
    /// Calls whose outcomes are in the output.
    outgoing: Vec<Arc<Stay>>,
    ended: bool,
}

struct Running {
    turn: Turn,
    cancel: Option<CancelCall>,
    /// The call, should the host ask for its function again. Arguments are few or cheap beside running them.
    call: Option<Call>,
    /// What it takes until its outcome is sent.
    stay: Arc<Stay>,
    since: Duration,
}

/// A function of which something is still to come.
#[derive(Default)]
struct Upload {
    codes: Vec<CodeHash>,
    image: Vec<u8>,
    /// Code that was asked for and has not come.
    asked: HashSet<CodeHash>,
    /// Code that has come and its debug information, kept until the function is whole: a host may forget code at any time.
    sent: HashMap<CodeHash, (Vec<u8>, Vec<u8>)>,
    /// Bytes of all that.
    size: usize,
    /// When something of it last came in; none before it was asked for.
    since: Option<Duration>,
}

opaque!(ServerSession);

impl ServerSession {
    /// A session over a new connection.
    pub fn new(host: Arc<dyn CallHost>, options: SessionOptions) -> ServerSession {
        let SessionOptions { keys, limits, rooms, shown, clock, fixed } = options;
        ServerSession {
            link: Link::server(keys, limits.message, fixed),
            host,
            shown,
            share: Share::new(&rooms),
            outgoing: Vec::new(),
            metrics: rooms.metrics().clone(),
            clock,
            limits,
            messages: 0,
            peer: None,
            client: None,
            running: HashMap::new(),
            turns: 0,
            parked: Vec::new(),
            uploads: HashMap::new(),
            waiting: 0,
            ended: false,
        }
    }

    /// Takes bytes from the client.
    ///
    /// # Errors
    /// The client broke the protocol; the connection is to be closed.
    pub fn feed(&mut self, bytes: &[u8], back: Return<'_>) -> Result<(), Violation> {
        self.let_go_of_what_is_sent();
        self.link.feed(bytes);
        while !self.ended
            && let Some(input) = self.link.poll()?
        {
            match input {
                Incoming::Open(peer) => {
                    self.share.belongs_to(peer.key);
                    self.peer = Some(peer);
                }
                Incoming::Message(message) => {
                    self.messages += 1;
                    let request = Request::decode(&message)?;
                    drop(message);
                    // What it was read into is free again, before it counts as what it is.
                    self.share.buffers(self.link.held());
                    self.metrics.request(&request);
                    self.request(request, back)?;
                }
            }
        }
        self.share.buffers(self.link.held());
        Ok(())
    }

    /// Bytes of what has come in and is not a message yet.
    pub fn held(&self) -> usize {
        self.link.held()
    }

    /// Whether there is room to read more. If not, the client has to wait.
    pub fn has_room(&self) -> bool {
        !self.share.is_full(READ)
    }

    /// Since when, by its clock, the client has not sent what a call of its own needs.
    pub fn owes_since(&self) -> Option<Duration> {
        self.uploads.values().filter_map(|upload| upload.since).min()
    }

    /// What was sent is not kept any more.
    pub fn let_go_of_what_is_sent(&mut self) {
        if self.link.output().is_empty() {
            self.outgoing.clear();
        }
    }

    /// Takes a reply from the host. One to a try that is over says nothing.
    pub fn reply(&mut self, turn: Turn, reply: Reply, back: Return<'_>) {
        self.let_go_of_what_is_sent();
        let request = turn.request;
        if self.running.get(&request).is_none_or(|running| running.turn != turn) {
            return;
        }
        let Some(running) = self.running.remove(&request) else { return };
        if let Reply::Called(outcome) = &reply
            && *outcome != CallOutcome::Unknown
        {
            self.metrics.took(self.clock.since(running.since));
        }
        let answer = match reply {
            Reply::Called(CallOutcome::Unknown) => match running.call {
                Some(call) => {
                    if let Some(hash) = hash_of(&call.target) {
                        self.shown.forget(self.key(), hash);
                    }
                    return self.call((call, running.stay), back);
                }
                None => return,
            },
            Reply::Called(CallOutcome::Done(result)) => Answer::Done { request, result },
            Reply::Called(CallOutcome::Failed { value, trace, omitted }) => {
                Answer::Failed { request, trace, omitted, value }
            }
            Reply::Called(CallOutcome::Busy(busy)) => Answer::Busy { request, after_ms: busy.after_ms },
            Reply::Called(CallOutcome::Stopped(why)) => Answer::Stopped { request, why },
            Reply::Called(CallOutcome::Refused(why)) | Reply::Told(Err(why)) => Answer::Refused { request, why },
            Reply::Lost => return self.abandon(),
            Reply::Told(Ok(text)) => match running.stay.take(text.len()) {
                Ok(()) => Answer::Answer { request, text },
                Err(_) => Answer::Busy { request, after_ms: AGAIN_MS },
            },
        };
        drop(running.call);
        running.stay.is_told();
        self.metrics.answer(&answer);
        let message = answer.encode();
        // A long result is not kept twice.
        drop(answer);
        self.link.send(&message);
        self.outgoing.push(running.stay);
    }

    /// The bytes for the client. Whoever sends them removes them.
    pub fn output(&mut self) -> &mut Vec<u8> {
        self.link.output()
    }

    /// Whether the client is known and has introduced itself.
    pub fn is_open(&self) -> bool {
        self.client.is_some()
    }

    /// Whether a message has begun and not ended.
    pub fn is_within(&self) -> bool {
        self.link.is_within()
    }

    /// How many messages have come in whole.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether the connection is to be closed when all is sent.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether the client waits for something that is not its own to do.
    pub fn is_working(&self) -> bool {
        !self.running.is_empty()
    }

    /// How many calls are under way.
    pub fn calls(&self) -> usize {
        self.running.len() + self.parked.len()
    }

    /// Who the client is.
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// Tells the client that the server goes. Calls that wait for a function are not begun any more.
    pub fn go(&mut self) {
        self.parked.clear();
        self.drop_uploads();
        self.waiting = 0;
        if self.link.is_open() {
            self.answer(&Answer::Going);
        }
    }

    /// Cancels whatever is under way, because nobody is there to hear of it.
    pub fn abandon(&mut self) {
        self.ended = true;
        self.parked.clear();
        self.drop_uploads();
        self.running.drain().filter_map(|(_, running)| running.cancel).for_each(|cancel| cancel());
    }

    fn request(&mut self, request: Request, back: Return<'_>) -> Result<(), Violation> {
        let Some(client) = self.client else {
            let Request::Open { nonce } = request else { return Err(Violation::Order) };
            self.client = Some(self.name_client(&nonce));
            let ConnectionLimits { message, calls, .. } = self.limits;
            self.answer(&Answer::Welcome { message: message as u64, calls: calls as u64 });
            return Ok(());
        };
        match request {
            Request::Open { .. } => return Err(Violation::Order),
            Request::Call { request, actor, target, args } => {
                if self.is_under_way(request) {
                    return Err(Violation::Order);
                }
                if self.calls() >= self.limits.calls || self.waiting + args.len() > self.limits.waiting {
                    self.answer(&Answer::Busy { request, after_ms: 20 });
                    return Ok(());
                }
                // A call of a function is kept a second time, in case that has to be asked for.
                let copies = if hash_of(&target).is_some() { 2 } else { 1 };
                match Stay::new(&self.share, CALL + copies * args.len()) {
                    Ok(stay) => {
                        let room: Arc<dyn Room> = stay.clone();
                        let origin = CallOrigin { key: self.key(), room: Some(room) };
                        self.call((Call { actor: actor.into(), client, request, target, args, origin }, stay), back);
                    }
                    Err(NoRoom::Now) => self.answer(&Answer::Busy { request, after_ms: AGAIN_MS }),
                    Err(NoRoom::Ever) => {
                        let why = "its arguments are longer than what may wait on a connection".to_owned();
                        self.answer(&Answer::Refused { request, why });
                    }
                }
            }
            Request::Graph { hash, codes, image } => self.graph(hash, codes, image, back),
            Request::Codes { hash, codes } => self.codes(hash, codes, back),
            Request::Cancel { request } => self.cancel(request),
            Request::Ping(number) => self.answer(&Answer::Pong(number)),
            Request::Ask { request, question, actor } => {
                if self.is_under_way(request) {
                    return Err(Violation::Order);
                }
                if self.peer.as_ref().is_none_or(|peer| peer.role < KeyRole::Operator) {
                    self.answer(&Answer::Refused { request, why: "only operators may ask that".to_owned() });
                } else if self.calls() >= self.limits.calls {
                    self.answer(&Answer::Busy { request, after_ms: 20 });
                } else {
                    let Ok(stay) = Stay::new(&self.share, CALL) else {
                        self.answer(&Answer::Busy { request, after_ms: AGAIN_MS });
                        return Ok(());
                    };
                    let turn = self.turn(request);
                    let since = self.clock.now();
                    self.running.insert(request, Running { turn, cancel: None, call: None, stay, since });
                    self.host.ask(question, &actor, back(turn));
                }
            }
            Request::Close => self.abandon(),
        }
        Ok(())
    }

    /// Key and nonce together, so that nobody can pass for a client with another key.
    fn name_client(&self, nonce: &[u8; 16]) -> ClientId {
        let mut hasher = blake3::Hasher::new_derive_key(CLIENT);
        match self.key() {
            Some(key) => hasher.update(&[1]).update(&key.0),
            None => hasher.update(&[0]),
        };
        hasher.update(nonce);
        ClientId(hasher.finalize().into())
    }

    fn key(&self) -> Option<Key> {
        self.peer.as_ref().and_then(|peer| peer.key)
    }

    /// Hands a call to the host, or keeps it until its function is there.
    fn call(&mut self, (call, stay): (Call, Arc<Stay>), back: Return<'_>) {
        if let Some(hash) = hash_of(&call.target) {
            match self.shown.find(self.key(), hash) {
                Some(size) => self.metrics.warm(size),
                None => {
                    self.waiting += call.args.len();
                    self.parked.push((call, stay));
                    if !self.uploads.contains_key(&hash) {
                        self.ask_for_graph(hash);
                    }
                    return;
                }
            }
        }
        let request = call.request;
        let since = self.clock.now();
        let kept = hash_of(&call.target).map(|_| call.clone());
        let turn = self.turn(request);
        match self.host.call(call, back(turn), self.running.is_empty()) {
            Ok(cancel) => {
                self.running.insert(request, Running { turn, cancel: Some(cancel), call: kept, stay, since });
            }
            Err(busy) => self.answer(&Answer::Busy { request, after_ms: busy.after_ms }),
        }
    }

    fn is_under_way(&self, request: u64) -> bool {
        self.running.contains_key(&request) || self.parked.iter().any(|(call, _)| call.request == request)
    }

    fn turn(&mut self, request: u64) -> Turn {
        self.turns += 1;
        Turn { request, number: self.turns }
    }

    fn ask_for_graph(&mut self, hash: GraphHash) {
        self.uploads.insert(hash, Upload { since: Some(self.clock.now()), ..Upload::default() });
        self.answer(&Answer::Need { hash, what: Need::Graph });
    }

    fn graph(&mut self, hash: GraphHash, codes: Vec<CodeHash>, image: Vec<u8>, back: Return<'_>) {
        self.drop_upload(&hash);
        let size = UPLOAD + image.len() + LISTED * codes.len();
        if self.waiting + size > self.limits.waiting {
            return self.refuse(&hash, TOO_MUCH);
        }
        if !self.makes_room(&hash, size) {
            return;
        }
        let key = self.key();
        // Who has not shown code is asked for it, whether the host has it or not.
        let is_missing = |code: &CodeHash| self.shown.find(key, *code).is_none() || !self.host.has_code(code);
        let asked = codes.iter().filter(|code| is_missing(code)).copied().collect();
        self.uploads
            .insert(hash, Upload { codes, image, asked, sent: HashMap::new(), size, since: Some(self.clock.now()) });
        self.advance(hash, back);
    }

    /// Asks for what is missing of a function, or hands it over.
    fn advance(&mut self, hash: GraphHash, back: Return<'_>) {
        let key = self.key();
        let Some(upload) = self.uploads.get_mut(&hash) else { return };
        if upload.asked.is_empty() {
            match self.host.put_function(&hash, &upload.image, &upload.codes, &upload.sent) {
                Ok(missing) if missing.is_empty() => {
                    upload.codes.iter().for_each(|code| self.shown.add(key, *code, 0));
                    let size = upload.size;
                    self.drop_upload(&hash);
                    self.shown.add(key, hash, size);
                    return self.release(&hash, back);
                }
                // Forgotten since it was asked about. What has been sent by now stays here, so this comes to an end.
                Ok(missing) => {
                    upload.asked = missing.into_iter().collect();
                }
                Err(why) => {
                    self.drop_upload(&hash);
                    return self.refuse(&hash, &why);
                }
            }
        }
        let missing = upload.codes.iter().map(|code| upload.asked.contains(code)).collect();
        self.answer(&Answer::Need { hash, what: Need::Codes(missing) });
    }

    /// Takes code. A function may have been asked for twice, so code may come that is here already, or not all of it at
    /// once; only code of other functions is none that anybody asked for.
    fn codes(&mut self, hash: GraphHash, codes: Vec<(Vec<u8>, Vec<u8>)>, back: Return<'_>) {
        let now = self.clock.now();
        let Some(upload) = self.uploads.get_mut(&hash) else { return };
        if upload.codes.is_empty() && upload.image.is_empty() {
            return;
        }
        upload.since = Some(now);
        let listed: HashSet<CodeHash> = upload.codes.iter().copied().collect();
        let mut trouble = None;
        for (code, debug) in codes {
            let (found, size) = (CodeHash::of(&code), code.len() + debug.len());
            if !listed.contains(&found) {
                trouble = Some("other code was asked for");
            } else if self.waiting + size > self.limits.waiting {
                trouble = Some(TOO_MUCH);
            } else if upload.asked.contains(&found) {
                if self.share.take(size).is_err() {
                    return self.put_off(&hash);
                }
                upload.asked.remove(&found);
                upload.sent.insert(found, (code, debug));
                upload.size += size;
                self.waiting += size;
            }
            if trouble.is_some() {
                break;
            }
        }
        if let Some(why) = trouble {
            self.drop_upload(&hash);
            return self.refuse(&hash, why);
        }
        if upload.asked.is_empty() {
            self.advance(hash, back);
        }
    }

    fn drop_upload(&mut self, hash: &GraphHash) {
        if let Some(upload) = self.uploads.remove(hash) {
            self.share.give(upload.size);
            self.waiting = self.waiting.saturating_sub(upload.size);
        }
    }

    fn drop_uploads(&mut self) {
        let size = std::mem::take(&mut self.uploads).values().map(|upload| upload.size).sum();
        self.share.give(size);
    }

    /// Takes room for a function that has come in. If there is none, its calls have to be asked for again.
    fn makes_room(&mut self, hash: &GraphHash, size: usize) -> bool {
        let has_room = self.share.take(size).is_ok();
        match has_room {
            true => self.waiting += size,
            false => self.put_off(hash),
        }
        has_room
    }

    /// There is no room for a function now: whoever waits for it is told to ask again.
    fn put_off(&mut self, hash: &GraphHash) {
        self.drop_upload(hash);
        for (call, _) in self.unpark(hash) {
            self.answer(&Answer::Busy { request: call.request, after_ms: AGAIN_MS });
        }
    }

    /// The calls that wait for a function, which do so no longer.
    fn unpark(&mut self, hash: &GraphHash) -> Vec<(Call, Arc<Stay>)> {
        let (freed, parked) =
            std::mem::take(&mut self.parked).into_iter().partition(|(call, _)| hash_of(&call.target) == Some(*hash));
        self.parked = parked;
        let freed: Vec<(Call, Arc<Stay>)> = freed;
        let bytes: usize = freed.iter().map(|(call, _)| call.args.len()).sum();
        self.waiting = self.waiting.saturating_sub(bytes);
        freed
    }

    fn release(&mut self, hash: &GraphHash, back: Return<'_>) {
        self.unpark(hash).into_iter().for_each(|call| self.call(call, back));
    }

    fn refuse(&mut self, hash: &GraphHash, why: &str) {
        for (call, _) in self.unpark(hash) {
            self.answer(&Answer::Refused { request: call.request, why: why.to_owned() });
        }
    }

    fn cancel(&mut self, request: u64) {
        if let Some(at) = self.parked.iter().position(|(call, _)| call.request == request) {
            let (call, _) = self.parked.remove(at);
            self.waiting = self.waiting.saturating_sub(call.args.len());
            // A client that waits for nothing may not answer either, and what was asked for is not to stay for ever.
            if let Some(hash) = hash_of(&call.target)
                && !self.parked.iter().any(|(other, _)| hash_of(&other.target) == Some(hash))
            {
                self.drop_upload(&hash);
            }
            self.answer(&Answer::Stopped { request, why: Stopped::Cancelled });
        } else if let Some(cancel) = self.running.get_mut(&request).and_then(|running| running.cancel.take()) {
            cancel();
        }
    }

    fn answer(&mut self, answer: &Answer) {
        self.metrics.answer(answer);
        self.link.send(&answer.encode());
    }
}

fn hash_of(target: &Target) -> Option<GraphHash> {
    match target {
        Target::Function(hash) | Target::Install(_, hash) => Some(*hash),
        Target::Installed(_) => None,
    }
}
