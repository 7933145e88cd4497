//! One connection from the server's side, without IO: bytes and replies go in, bytes and calls come out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::host::{Call, CancelCall, Host, Outcome, Reply};
use super::metrics::Metrics;
use super::shown::Shown;
use crate::wire::{Answer, Hash, Input, Link, Need, Peer, Request, Ring, Role, Secret, Stopped, Target, Violation};

/// Under which clients are named; kind and version in one.
const CLIENT: &str = "quipu actor client v1";

/// How often a function's code is asked for before its calls are refused: a host may forget code at any time, but not
/// all the time.
const ROUNDS: u32 = 4;

/// What one connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest message.
    pub message: usize,
    /// The most calls under way.
    pub calls: usize,
    /// The most bytes of arguments and functions that wait for something.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { message: 16 << 20, calls: 256, waiting: 64 << 20 }
    }
}

/// Makes the callback through which a reply to this request comes back to the session.
pub type Return<'s> = &'s dyn Fn(u64) -> super::ReplyTo;

/// One connection.
pub struct Session {
    link: Link,
    host: Arc<dyn Host>,
    shown: Arc<Shown>,
    metrics: Arc<Metrics>,
    limits: Limits,
    /// How many messages have come in.
    messages: u64,
    peer: Option<Peer>,
    client: Option<Hash>,
    /// Calls and questions that the host has, by request.
    running: HashMap<u64, Running>,
    /// Calls that wait for a function, in the order in which they came.
    parked: Vec<Call>,
    /// Functions that are on their way, by hash.
    uploads: HashMap<Hash, Upload>,
    /// Bytes in `parked` and `uploads`.
    waiting: usize,
    ended: bool,
}

struct Running {
    cancel: Option<CancelCall>,
    /// The call, should the host ask for its function again. Arguments are few or cheap beside running them.
    call: Option<Call>,
    since: Instant,
}

/// A function of which something is still to come.
struct Upload {
    codes: Vec<Hash>,
    image: Vec<u8>,
    /// What was asked for last: for each code whether it is missing. Empty while the graph itself is awaited.
    asked: Vec<bool>,
    rounds: u32,
    /// Bytes of code that have come.
    sent: usize,
}

impl Session {
    /// A session over a new connection.
    pub fn new(
        host: Arc<dyn Host>,
        shown: Arc<Shown>,
        metrics: Arc<Metrics>,
        keys: Option<(Secret, Arc<Ring>)>,
        limits: Limits,
        fixed: Option<[u8; 32]>,
    ) -> Session {
        Session {
            link: Link::server(keys, limits.message, fixed),
            host,
            shown,
            metrics,
            limits,
            messages: 0,
            peer: None,
            client: None,
            running: HashMap::new(),
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
        self.link.feed(bytes);
        while !self.ended
            && let Some(input) = self.link.poll()?
        {
            match input {
                Input::Open(peer) => self.peer = Some(peer),
                Input::Message(message) => {
                    self.messages += 1;
                    let request = Request::decode(&message)?;
                    self.metrics.request(&request);
                    self.request(request, back)?;
                }
            }
        }
        Ok(())
    }

    /// Takes a reply from the host.
    pub fn reply(&mut self, request: u64, reply: Reply, back: Return<'_>) {
        let Some(running) = self.running.remove(&request) else { return };
        if let Reply::Called(outcome) = &reply
            && *outcome != Outcome::Unknown
        {
            self.metrics.took(running.since.elapsed());
        }
        let answer = match reply {
            Reply::Called(Outcome::Unknown) => match running.call {
                Some(call) => {
                    if let Some(hash) = hash_of(&call.target) {
                        self.shown.forget(self.key(), &hash);
                    }
                    return self.call(call, back);
                }
                None => return,
            },
            Reply::Called(Outcome::Done(result)) => Answer::Done { request, result },
            Reply::Called(Outcome::Failed { value, trace, omitted }) => {
                Answer::Failed { request, trace, omitted, value }
            }
            Reply::Called(Outcome::Stopped(why)) => Answer::Stopped { request, why },
            Reply::Called(Outcome::Refused(why)) | Reply::Told(Err(why)) => Answer::Refused { request, why },
            Reply::Lost => return self.abandon(),
            Reply::Told(Ok(text)) => Answer::Answer { request, text },
        };
        self.answer(&answer);
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
        self.uploads.clear();
        self.waiting = 0;
        if self.link.is_open() {
            self.answer(&Answer::Going);
        }
    }

    /// Cancels whatever is under way, because nobody is there to hear of it.
    pub fn abandon(&mut self) {
        self.ended = true;
        self.parked.clear();
        self.uploads.clear();
        self.running.drain().filter_map(|(_, running)| running.cancel).for_each(|cancel| cancel());
    }

    fn request(&mut self, request: Request, back: Return<'_>) -> Result<(), Violation> {
        let Some(client) = self.client else {
            let Request::Open { nonce } = request else { return Err(Violation::Order) };
            self.client = Some(self.name_client(&nonce));
            let Limits { message, calls, .. } = self.limits;
            self.answer(&Answer::Welcome { message: message as u64, calls: calls as u64 });
            return Ok(());
        };
        match request {
            Request::Open { .. } => return Err(Violation::Order),
            Request::Call { request, actor, target, args } => {
                if self.running.contains_key(&request) || self.parked.iter().any(|call| call.request == request) {
                    return Err(Violation::Order);
                }
                if self.calls() >= self.limits.calls || self.waiting + args.len() > self.limits.waiting {
                    self.answer(&Answer::Busy { request, after_ms: 20 });
                } else {
                    self.call(Call { actor: actor.into(), client, request, target, args }, back);
                }
            }
            Request::Graph { hash, codes, image } => self.graph(hash, codes, image, back),
            Request::Codes { hash, codes } => self.codes(hash, &codes, back),
            Request::Cancel { request } => self.cancel(request),
            Request::Ping(number) => self.answer(&Answer::Pong(number)),
            Request::Ask { request, question, actor } => {
                if self.running.contains_key(&request) {
                    return Err(Violation::Order);
                }
                if self.peer.as_ref().is_none_or(|peer| peer.role < Role::Operator) {
                    self.answer(&Answer::Refused { request, why: "only operators may ask that".to_owned() });
                } else {
                    self.running.insert(request, Running { cancel: None, call: None, since: Instant::now() });
                    self.host.ask(question, &actor, back(request));
                }
            }
            Request::Close => self.abandon(),
        }
        Ok(())
    }

    /// Key and nonce together, so that nobody can pass for a client with another key.
    fn name_client(&self, nonce: &[u8; 16]) -> Hash {
        let mut hasher = blake3::Hasher::new_derive_key(CLIENT);
        match self.key() {
            Some(key) => hasher.update(&[1]).update(&key.0),
            None => hasher.update(&[0]),
        };
        hasher.update(nonce);
        hasher.finalize().into()
    }

    fn key(&self) -> Option<crate::wire::Key> {
        self.peer.as_ref().and_then(|peer| peer.key)
    }

    /// Hands a call to the host, or keeps it until its function is there.
    fn call(&mut self, call: Call, back: Return<'_>) {
        if let Some(hash) = hash_of(&call.target) {
            match self.shown.find(self.key(), &hash) {
                Some(size) => self.metrics.warm(size),
                None => {
                    self.waiting += call.args.len();
                    self.parked.push(call);
                    if !self.uploads.contains_key(&hash) {
                        self.ask_for_graph(hash);
                    }
                    return;
                }
            }
        }
        let request = call.request;
        let since = Instant::now();
        let kept = hash_of(&call.target).map(|_| call.clone());
        match self.host.call(call, back(request)) {
            Ok(cancel) => {
                self.running.insert(request, Running { cancel: Some(cancel), call: kept, since });
            }
            Err(busy) => self.answer(&Answer::Busy { request, after_ms: busy.after_ms }),
        }
    }

    fn ask_for_graph(&mut self, hash: Hash) {
        let upload = Upload { codes: Vec::new(), image: Vec::new(), asked: Vec::new(), rounds: 0, sent: 0 };
        self.uploads.insert(hash, upload);
        self.answer(&Answer::Need { hash, what: Need::Graph });
    }

    fn graph(&mut self, hash: Hash, codes: Vec<Hash>, image: Vec<u8>, back: Return<'_>) {
        self.drop_upload(&hash);
        let size = image.len() + 32 * codes.len();
        if self.waiting + size > self.limits.waiting {
            return self.refuse(&hash, "too much is on its way already");
        }
        self.waiting += size;
        let asked = codes.iter().map(|code| self.shown.find(self.key(), code).is_none()).collect();
        self.uploads.insert(hash, Upload { codes, image, asked, rounds: 0, sent: 0 });
        self.advance(hash, back);
    }

    /// Asks for what is missing of a function, or hands it over.
    fn advance(&mut self, hash: Hash, back: Return<'_>) {
        let key = self.key();
        let Some(upload) = self.uploads.get_mut(&hash) else { return };
        if !upload.asked.contains(&true) {
            match self.host.put_graph(&hash, &upload.image) {
                Ok(missing) if missing.is_empty() => {
                    let size = upload.image.len() + upload.sent;
                    self.drop_upload(&hash);
                    self.shown.add(key, hash, size);
                    return self.release(&hash, back);
                }
                // It was shown once, and is forgotten.
                Ok(missing) => {
                    missing.iter().for_each(|code| self.shown.forget(key, code));
                    upload.asked = upload.codes.iter().map(|code| missing.contains(code)).collect();
                    if !upload.asked.contains(&true) {
                        self.drop_upload(&hash);
                        return self.refuse(&hash, "the list of its code is not complete");
                    }
                }
                Err(why) => {
                    self.drop_upload(&hash);
                    return self.refuse(&hash, &why);
                }
            }
        }
        upload.rounds += 1;
        if upload.rounds > ROUNDS {
            self.drop_upload(&hash);
            return self.refuse(&hash, "its code does not become complete");
        }
        let asked = upload.asked.clone();
        self.answer(&Answer::Need { hash, what: Need::Codes(asked) });
    }

    fn codes(&mut self, hash: Hash, codes: &[(Vec<u8>, Vec<u8>)], back: Return<'_>) {
        let key = self.key();
        let Some(upload) = self.uploads.get_mut(&hash) else { return };
        let asked: Vec<Hash> =
            upload.codes.iter().zip(&upload.asked).filter(|(_, asked)| **asked).map(|(code, _)| *code).collect();
        upload.asked.fill(false);
        upload.sent += codes.iter().map(|(code, debug)| code.len() + debug.len()).sum::<usize>();
        let mut trouble = (asked.len() != codes.len()).then(|| "other code was asked for".to_owned());
        for (expected, (code, debug)) in asked.iter().zip(codes) {
            match self.host.put_code(code, debug) {
                Ok(found) if found == *expected => self.shown.add(key, found, code.len()),
                Ok(_) => trouble = Some("the code has another hash".to_owned()),
                Err(why) => trouble = Some(why),
            }
            if trouble.is_some() {
                break;
            }
        }
        match trouble {
            // Code that is nested in it may be forgotten although it was shown: once more, from the beginning.
            Some(_) if asked.len() == codes.len() && asked.len() < upload.codes.len() => {
                upload.codes.iter().for_each(|code| self.shown.forget(key, code));
                upload.asked.fill(true);
                self.advance(hash, back);
            }
            Some(why) => {
                self.drop_upload(&hash);
                self.refuse(&hash, &why);
            }
            None => self.advance(hash, back),
        }
    }

    fn drop_upload(&mut self, hash: &Hash) {
        if let Some(upload) = self.uploads.remove(hash) {
            self.waiting = self.waiting.saturating_sub(upload.image.len() + 32 * upload.codes.len());
        }
    }

    /// The calls that wait for a function, which do so no longer.
    fn unpark(&mut self, hash: &Hash) -> Vec<Call> {
        let (freed, parked) =
            std::mem::take(&mut self.parked).into_iter().partition(|call| hash_of(&call.target) == Some(*hash));
        self.parked = parked;
        let freed: Vec<Call> = freed;
        let bytes: usize = freed.iter().map(|call| call.args.len()).sum();
        self.waiting = self.waiting.saturating_sub(bytes);
        freed
    }

    fn release(&mut self, hash: &Hash, back: Return<'_>) {
        self.unpark(hash).into_iter().for_each(|call| self.call(call, back));
    }

    fn refuse(&mut self, hash: &Hash, why: &str) {
        for call in self.unpark(hash) {
            self.answer(&Answer::Refused { request: call.request, why: why.to_owned() });
        }
    }

    fn cancel(&mut self, request: u64) {
        if let Some(at) = self.parked.iter().position(|call| call.request == request) {
            let call = self.parked.remove(at);
            self.waiting = self.waiting.saturating_sub(call.args.len());
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

fn hash_of(target: &Target) -> Option<Hash> {
    match target {
        Target::Function(hash) | Target::Install(_, hash) => Some(*hash),
        Target::Installed(_) => None,
    }
}
