//! The client without IO and without a clock: calls and bytes go in, bytes and answers come out.
//!
//! It lives longer than its connections. A call that has no answer when one is lost is sent again over the next, under the
//! same number.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use quipu_code::hash::GraphHash;

use super::function::Function;
use crate::call::{MAX_NAME, Target};
use crate::recent::Recent;
use crate::wire::{Answer, Incoming, Link, Need, Question, Request, Violation};

/// How many functions it remembers to have sent.
const REMEMBERED: usize = 8192;

/// What has come from the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The server is known and takes calls.
    Open,
    /// The answer to a call or question: the last that is heard of this request.
    Answer(u64, Answer),
    /// A sign of life.
    Pong(u64),
    /// The server is about to close the connection.
    Going,
}

/// A client, apart from sockets and time.
pub struct Core {
    link: Option<Link>,
    nonce: [u8; 16],
    next: u64,
    /// What has no answer yet, in the order in which it was asked.
    pending: BTreeMap<u64, Pending>,
    /// Requests that are not sent yet.
    queue: VecDeque<u64>,
    /// Requests that the server had no room for, with the time from which they can be sent again.
    later: Vec<(u64, u64)>,
    /// How many requests are sent and have no answer.
    sent: usize,
    /// How many the server takes at once; none before it says so.
    most: usize,
    /// The longest message that the server takes.
    longest: u64,
    known: Recent<GraphHash, ()>,
    now: u64,
    events: Vec<Event>,
}

struct Pending {
    asked: Asked,
    sent: bool,
}

enum Asked {
    Call { actor: Arc<str>, target: Target, function: Option<Arc<Function>>, args: Vec<u8> },
    Question(Question, Arc<str>),
}

opaque!(Core);

impl Core {
    /// A client with a nonce of its own, which it shares with nobody and keeps.
    pub fn new(nonce: [u8; 16]) -> Core {
        Core {
            link: None,
            nonce,
            next: 1,
            pending: BTreeMap::new(),
            queue: VecDeque::new(),
            later: Vec::new(),
            sent: 0,
            most: 0,
            longest: 0,
            known: Recent::new(REMEMBERED),
            now: 0,
            events: Vec::new(),
        }
    }

    /// There is a new connection.
    pub fn connected(&mut self, link: Link) {
        self.disconnected();
        self.link = Some(link);
    }

    /// The connection is gone. What has no answer waits for the next one.
    pub fn disconnected(&mut self) {
        self.link = None;
        self.most = 0;
        self.sent = 0;
        self.later.clear();
        self.pending.values_mut().for_each(|pending| pending.sent = false);
        self.queue = self.pending.keys().copied().collect();
    }

    /// Whether there is a connection on which the server has not introduced itself yet.
    pub fn is_greeting(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.is_open())
    }

    /// Asks for a call and gives its number. `function` is that of the target; none for an installed one.
    pub fn call(&mut self, actor: &Arc<str>, target: Target, function: Option<Arc<Function>>, args: Vec<u8>) -> u64 {
        self.ask(Asked::Call { actor: actor.clone(), target, function, args })
    }

    /// Asks an operator's question.
    pub fn question(&mut self, question: Question, actor: &Arc<str>) -> u64 {
        self.ask(Asked::Question(question, actor.clone()))
    }

    fn ask(&mut self, asked: Asked) -> u64 {
        let request = self.next;
        self.next += 1;
        self.pending.insert(request, Pending { asked, sent: false });
        self.queue.push_back(request);
        self.flush();
        request
    }

    /// Nobody waits for this answer any more. The call may have been carried out all the same.
    pub fn cancel(&mut self, request: u64) {
        let Some(pending) = self.pending.remove(&request) else { return };
        self.queue.retain(|queued| *queued != request);
        self.later.retain(|(_, later)| *later != request);
        if pending.sent {
            self.sent -= 1;
            self.send(&Request::Cancel { request });
        }
        self.flush();
    }

    /// Asks for a sign of life.
    pub fn ping(&mut self, number: u64) {
        if self.most > 0 {
            self.send(&Request::Ping(number));
        }
    }

    /// Says that it goes.
    pub fn close(&mut self) {
        if self.most > 0 {
            self.send(&Request::Close);
        }
    }

    /// It is this many milliseconds since some beginning.
    pub fn tick(&mut self, now: u64) {
        self.now = now;
        let due: Vec<u64> = self.later.extract_if(.., |(at, _)| *at <= now).map(|(_, request)| request).collect();
        self.queue.extend(due);
        self.flush();
    }

    /// When the next [`tick`](Self::tick) is due, if one is.
    pub fn next_tick(&self) -> Option<u64> {
        self.later.iter().map(|(at, _)| *at).min()
    }

    /// Takes bytes from the server.
    ///
    /// # Errors
    /// The server broke the protocol; the connection is to be closed.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        if let Some(link) = &mut self.link {
            link.feed(bytes);
        }
        while let Some(link) = &mut self.link
            && let Some(input) = link.poll()?
        {
            match input {
                Incoming::Open(_) => {
                    let nonce = self.nonce;
                    self.send(&Request::Open { nonce });
                }
                Incoming::Message(message) => {
                    let event = self.answer(Answer::decode(&message)?)?;
                    self.events.extend(event);
                }
            }
        }
        self.flush();
        Ok(())
    }

    /// What has happened since it was last asked.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The bytes for the server. Whoever sends them removes them.
    pub fn output(&mut self) -> Option<&mut Vec<u8>> {
        self.link.as_mut().map(Link::output).filter(|output| !output.is_empty())
    }

    /// Whether there is something without an answer.
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    fn answer(&mut self, answer: Answer) -> Result<Option<Event>, Violation> {
        if self.most == 0 && !matches!(answer, Answer::Welcome { .. }) {
            return Err(Violation::Order);
        }
        let request = match &answer {
            Answer::Welcome { message, calls } => {
                if self.most > 0 {
                    return Err(Violation::Order);
                }
                self.most = usize::try_from(*calls).unwrap_or(usize::MAX).max(1);
                self.longest = *message;
                return Ok(Some(Event::Open));
            }
            Answer::Need { hash, what } => {
                self.known.forget(hash);
                let function = self.pending.values().find_map(|pending| match &pending.asked {
                    Asked::Call { function: Some(function), .. } if function.hash() == *hash => Some(function.clone()),
                    _ => None,
                });
                // Of a call that was cancelled, the server does not need the function any more.
                if let Some(function) = function {
                    self.known.put(*hash, (), 1);
                    self.send(&match what {
                        Need::Graph => function.graph(),
                        Need::Codes(missing) => function.codes(missing),
                    });
                }
                return Ok(None);
            }
            Answer::Busy { request, after_ms } => {
                if let Some(pending) = self.pending.get_mut(request)
                    && std::mem::take(&mut pending.sent)
                {
                    self.sent -= 1;
                    // However long the server says, one looks again within seconds.
                    self.later.push((self.now.saturating_add((*after_ms).clamp(1, 5000)), *request));
                }
                return Ok(None);
            }
            Answer::Pong(number) => return Ok(Some(Event::Pong(*number))),
            Answer::Going => return Ok(Some(Event::Going)),
            Answer::Done { request, .. }
            | Answer::Failed { request, .. }
            | Answer::Stopped { request, .. }
            | Answer::Refused { request, .. }
            | Answer::Answer { request, .. } => *request,
        };
        // Answers to what was cancelled may be under way.
        let Some(pending) = self.pending.remove(&request) else { return Ok(None) };
        if pending.sent {
            self.sent -= 1;
        }
        Ok(Some(Event::Answer(request, answer)))
    }

    /// Sends what is queued, as much as the server takes.
    fn flush(&mut self) {
        while self.sent < self.most
            && let Some(request) = self.queue.pop_front()
        {
            let Some(pending) = self.pending.get(&request) else { continue };
            let (first, message) = match &pending.asked {
                Asked::Call { actor, target, function, args } => {
                    let new = function.as_ref().filter(|function| self.known.get(&function.hash()).is_none());
                    let (actor, target, args) = (actor.to_string(), target.clone(), args.clone());
                    let first = new.map(|function| {
                        self.known.put(function.hash(), (), 1);
                        function.graph()
                    });
                    (first, Request::Call { request, actor, target, args })
                }
                Asked::Question(question, actor) => {
                    (None, Request::Ask { request, question: *question, actor: actor.to_string() })
                }
            };
            if let Some(why) = wrong_name(&message) {
                self.refuse(request, why);
                continue;
            }
            let messages: Vec<Vec<u8>> = first.iter().chain([&message]).map(Request::encode).collect();
            if messages.iter().any(|message| message.len() as u64 > self.longest) {
                let why = format!("the call is longer than the {} bytes that the server takes", self.longest);
                self.refuse(request, why);
                continue;
            }
            if let Some(pending) = self.pending.get_mut(&request) {
                pending.sent = true;
                self.sent += 1;
            }
            if let Some(link) = &mut self.link {
                messages.iter().for_each(|message| link.send(message));
            }
        }
    }

    /// Answers what is not sent, because the server would close the connection.
    fn refuse(&mut self, request: u64, why: String) {
        self.pending.remove(&request);
        self.events.push(Event::Answer(request, Answer::Refused { request, why }));
    }

    fn send(&mut self, request: &Request) {
        if let Some(link) = &mut self.link {
            link.send(&request.encode());
        }
    }
}

/// What is wrong with a name in a request, if something is.
fn wrong_name(request: &Request) -> Option<String> {
    let names = match request {
        Request::Call { actor, target: Target::Function(_), .. } | Request::Ask { actor, .. } => [actor, ""],
        Request::Call { actor, target: Target::Installed(name) | Target::Install(name, _), .. } => {
            [actor, name.as_str()]
        }
        _ => ["", ""],
    };
    let long = names.into_iter().find(|name| name.len() > MAX_NAME)?;
    Some(format!("a name has at most {MAX_NAME} bytes, and this one has {}", long.len()))
}
