//! A connection without sockets: a client's link, a server's session, and a node behind it.

#![allow(dead_code)]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use quipu_actor::call::Target;
use quipu_actor::server::{
    CallHost, Reply, RoomLimits, Rooms, ServerSession, SessionOptions, ShownParts, Turn, replies_to,
};
use quipu_actor::wire::{Answer, Incoming, KeyRole, Link, MAX_MESSAGE, Need, Request, Ring, Secret, Violation};
use quipu_code::hash::GraphHash;
use quipu_vm::Image;
use quipu_vm::image::Form;

/// What the connections of one server share.
#[derive(Clone)]
pub struct Place {
    pub host: Arc<dyn CallHost>,
    pub shown: Arc<ShownParts>,
    pub rooms: Arc<Rooms>,
    /// Whom it lets in; everybody if there is nobody.
    pub keys: Vec<Secret>,
}

/// One connection.
pub struct Line {
    link: Link,
    session: ServerSession,
    sender: Sender<(Turn, Reply)>,
    replies: Receiver<(Turn, Reply)>,
    next: u64,
    /// How often something was asked for: graphs, code.
    pub needs: (usize, usize),
}

fn own() -> Secret {
    Secret::known([99; 32])
}

impl Place {
    /// A server that needs no keys.
    pub fn new(host: Arc<dyn CallHost>) -> Place {
        let rooms = Rooms::new(RoomLimits::default(), Arc::default());
        Place { host, shown: Arc::new(ShownParts::new(1000)), rooms, keys: Vec::new() }
    }

    /// A connection whose client has introduced itself.
    pub fn connect(&self, key: Option<&Secret>) -> Line {
        let server = key.map(|_| {
            let mut ring = Ring::default();
            self.keys.iter().for_each(|key| ring.add(key.public(), KeyRole::Client, "client"));
            (own(), Arc::new(ring))
        });
        let options = SessionOptions::default().keys(server).rooms(self.rooms.clone()).shown(self.shown.clone());
        let session = ServerSession::new(self.host.clone(), options);
        let link = match key {
            None => Link::plain_client(MAX_MESSAGE),
            Some(key) => Link::client(key, &own().public(), MAX_MESSAGE, None).expect("a link"),
        };
        let (sender, replies) = channel();
        let mut line = Line { link, session, sender, replies, next: 0, needs: (0, 0) };
        // Client and server greet each other.
        while !line.link.is_open() {
            line.carry().expect("a greeting");
            assert!(line.link.poll().expect("a greeting").is_some());
        }
        line.say(&Request::Open { nonce: [7; 16] }).expect("an opening");
        assert!(matches!(line.hear(), Answer::Welcome { .. }));
        line
    }
}

impl Line {
    fn carry(&mut self) -> Result<(), Violation> {
        let sender = self.sender.clone();
        let back = replies_to(move |turn, reply| {
            let _ = sender.send((turn, reply));
        });
        let up = std::mem::take(self.link.output());
        self.session.feed(&up, &back)?;
        if self.session.output().is_empty()
            && self.session.calls() > 0
            && let Ok((turn, reply)) = self.replies.recv_timeout(Duration::from_secs(20))
        {
            self.session.reply(turn, reply, &back);
        }
        let down = std::mem::take(self.session.output());
        self.link.feed(&down);
        Ok(())
    }

    /// The client says something.
    pub fn say(&mut self, request: &Request) -> Result<(), Violation> {
        self.link.send(&request.encode());
        self.carry()
    }

    /// What the server says next.
    pub fn hear(&mut self) -> Answer {
        for _ in 0..100 {
            if let Some(Incoming::Message(message)) = self.link.poll().expect("a message") {
                return Answer::decode(&message).expect("an answer");
            }
            self.carry().expect("nothing wrong");
        }
        panic!("the server says nothing");
    }

    /// Whether the server has closed the connection.
    pub fn is_ended(&self) -> bool {
        self.session.is_ended()
    }

    /// Begins a call of whatever has this hash.
    pub fn begin(&mut self, hash: GraphHash, args: &[u8]) -> u64 {
        self.next += 1;
        let (target, args) = (Target::Function(hash), args.to_vec());
        self.say(&Request::Call { request: self.next, actor: "a".to_owned(), target, args }).expect("a call");
        self.next
    }

    /// Calls a function as an honest client does, and gives the last answer.
    pub fn call(&mut self, function: &Image, args: &[u8]) -> Answer {
        self.begin(function.hash(), args);
        loop {
            match self.hear() {
                Answer::Need { what: Need::Graph, .. } => {
                    self.needs.0 += 1;
                    self.say(&graph(function)).expect("a graph");
                }
                Answer::Need { what: Need::Codes(missing), .. } => {
                    self.needs.1 += 1;
                    self.say(&codes(function, &missing)).expect("code");
                }
                answer => return answer,
            }
        }
    }
}

/// A function's graph, as a client sends it.
pub fn graph(function: &Image) -> Request {
    let codes = function.codes().iter().map(|code| code.hash()).collect();
    Request::Graph { hash: function.hash(), codes, image: function.dump(Form { thin: true, strip: true }) }
}

/// The code that is asked for.
pub fn codes(function: &Image, missing: &[bool]) -> Request {
    let asked = function.codes().iter().zip(missing).filter(|(_, missing)| **missing);
    let codes = asked.map(|(code, _)| (code.encode(), code.encode_debug().unwrap_or_default())).collect();
    Request::Codes { hash: function.hash(), codes }
}
