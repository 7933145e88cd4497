//! Messages: what client and server say to each other once they know who the other is.
//!
//! ```text
//! message  = length:number kind:u8 body     length counts kind and body
//! number   = 7 bits a byte, lowest first, the high bit says that more follow; shortest form only
//! text     = length:number bytes (UTF-8)    name = text of at most 255 bytes
//! hash     = 32 bytes
//!
//! from the client                                          from the server
//! 1 OPEN     nonce:16b                                     129 WELCOME  message:number calls:number
//! 2 CALL     request:number actor:name target image        130 DONE     request:number image
//!   target   = 0 hash | 1 name | 2 name hash               131 FAILED   request:number lines image
//! 3 GRAPH    hash count:number hash* image                   lines      = count (text text number)* omitted:number
//! 4 CODES    hash count:number (bytes bytes)*              132 STOPPED  request:number limit:u8
//! 5 CANCEL   request:number                                133 REFUSED  request:number text
//! 6 PING     number                                        134 NEED     hash what
//! 7 ASK      request:number question:u8 actor:name           what       = 0 | 1 count:number bits
//!   and step:number behind it, if the question is 7
//! 8 CLOSE                                                  135 BUSY     request:number milliseconds:number
//!                                                          136 PONG     number
//!                                                          137 ANSWER   request:number text
//!                                                          138 GOING
//! ```
//!
//! `image` is what is left of the message. Reading gives exactly what was written, and every message has one form.

use quipu_code::hash::{CodeHash, GraphHash};

use super::bytes::{Reader, put_bytes, put_number};
use super::violation::Violation;
use crate::call::{MAX_NAME, RemoteTraceLine, Stopped, Target};

/// The longest text that is shown to people.
const TEXT: usize = 1 << 20;

/// What a client says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// The first message. With the key it says who asks, over any number of connections.
    Open {
        /// Chosen at random by each client.
        nonce: [u8; 16],
    },
    /// Calls a function in an actor.
    Call {
        /// The client's number for it. The same number again asks for the same call again, not for another.
        request: u64,
        /// The actor.
        actor: String,
        /// What is called.
        target: Target,
        /// The image of the list of arguments.
        args: Vec<u8>,
    },
    /// The graph of a function.
    Graph {
        /// Its hash.
        hash: GraphHash,
        /// All code that it reaches, children before those they are nested in.
        codes: Vec<CodeHash>,
        /// Its thin image.
        image: Vec<u8>,
    },
    /// Code that the server has asked for, in the order of the graph's list.
    Codes {
        /// The hash of the graph.
        hash: GraphHash,
        /// The bytes of each code object, and its debug information, which may be empty.
        codes: Vec<(Vec<u8>, Vec<u8>)>,
    },
    /// The client is no longer interested.
    Cancel {
        /// In which call.
        request: u64,
    },
    /// Asks for a sign of life.
    Ping(u64),
    /// An operator's question.
    Ask {
        /// The client's number for it.
        request: u64,
        /// What is asked.
        question: Question,
        /// About which actor; may be empty.
        actor: String,
    },
    /// The client goes. Calls under way are cancelled.
    Close,
}

/// What operators can ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// All actors.
    List,
    /// One actor.
    Info,
    /// To take a snapshot of one actor.
    Snapshot,
    /// The last calls of one actor.
    Log,
    /// To remove what nothing needs.
    Gc,
    /// What that would remove.
    GcDry,
    /// To go on with what this engine makes of the calls of one actor.
    Accept,
    /// To go on after this step of one actor.
    To(u64),
}

/// The number of [`Question::To`].
const TO: u8 = 7;

/// What a server says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The answer to [`Request::Open`].
    Welcome {
        /// The most bytes of a message.
        message: u64,
        /// The most calls of this connection at once.
        calls: u64,
    },
    /// A call has ended well, and its outcome is kept.
    Done {
        /// Which call.
        request: u64,
        /// The image of what it gave.
        result: Vec<u8>,
    },
    /// A call has thrown. It has left no trace.
    Failed {
        /// Which call.
        request: u64,
        /// The calls under way there, innermost first.
        trace: Vec<RemoteTraceLine>,
        /// How many of them are left out.
        omitted: u64,
        /// The image of the thrown value.
        value: Vec<u8>,
    },
    /// A call was stopped. It has left no trace.
    Stopped {
        /// Which call.
        request: u64,
        /// Why.
        why: Stopped,
    },
    /// A call or question was not carried out.
    Refused {
        /// Which one.
        request: u64,
        /// Why, for people.
        why: String,
    },
    /// Something has to be sent before calls of this function can go on.
    Need {
        /// The hash of the graph.
        hash: GraphHash,
        /// What is missing.
        what: Need,
    },
    /// There is no room for this call now.
    Busy {
        /// Which call.
        request: u64,
        /// When it may be asked for again.
        after_ms: u64,
    },
    /// A sign of life.
    Pong(u64),
    /// The answer to an operator.
    Answer {
        /// To which question.
        request: u64,
        /// The answer, as JSON.
        text: String,
    },
    /// The server is going to close the connection. What it has not answered, it has not done.
    Going,
}

/// What a server lacks of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Need {
    /// Its graph.
    Graph,
    /// Code: for each entry in the graph's list, whether it is missing.
    Codes(Vec<bool>),
}

impl Request {
    /// Kind and body.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::new();
        match self {
            Request::Open { nonce } => {
                to.push(1);
                to.extend_from_slice(nonce);
            }
            Request::Call { request, actor, target, args } => {
                to.reserve(64 + args.len());
                to.push(2);
                put_number(&mut to, *request);
                put_bytes(&mut to, actor.as_bytes());
                match target {
                    Target::Function(hash) => {
                        to.push(0);
                        to.extend_from_slice(&hash.0);
                    }
                    Target::Installed(name) => {
                        to.push(1);
                        put_bytes(&mut to, name.as_bytes());
                    }
                    Target::Install(name, hash) => {
                        to.push(2);
                        put_bytes(&mut to, name.as_bytes());
                        to.extend_from_slice(&hash.0);
                    }
                }
                to.extend_from_slice(args);
            }
            Request::Graph { hash, codes, image } => {
                to.push(3);
                to.extend_from_slice(&hash.0);
                put_number(&mut to, codes.len() as u64);
                codes.iter().for_each(|code| to.extend_from_slice(&code.0));
                to.extend_from_slice(image);
            }
            Request::Codes { hash, codes } => {
                to.push(4);
                to.extend_from_slice(&hash.0);
                put_number(&mut to, codes.len() as u64);
                for (code, debug) in codes {
                    put_bytes(&mut to, code);
                    put_bytes(&mut to, debug);
                }
            }
            Request::Cancel { request } => {
                to.push(5);
                put_number(&mut to, *request);
            }
            Request::Ping(number) => {
                to.push(6);
                put_number(&mut to, *number);
            }
            Request::Ask { request, question, actor } => {
                to.push(7);
                put_number(&mut to, *request);
                to.push(question.number());
                put_bytes(&mut to, actor.as_bytes());
                if let Question::To(step) = question {
                    put_number(&mut to, *step);
                }
            }
            Request::Close => to.push(8),
        }
        to
    }

    /// Reads kind and body.
    ///
    /// # Errors
    /// Where the bytes are not those of a message.
    pub fn decode(bytes: &[u8]) -> Result<Request, Violation> {
        let mut from = Reader(bytes);
        let request = match from.byte()? {
            1 => Request::Open { nonce: from.array()? },
            2 => {
                let (request, actor) = (from.number()?, from.text(MAX_NAME)?.to_owned());
                let target = match from.byte()? {
                    0 => Target::Function(GraphHash(from.array()?)),
                    1 => Target::Installed(from.text(MAX_NAME)?.to_owned()),
                    2 => Target::Install(from.text(MAX_NAME)?.to_owned(), GraphHash(from.array()?)),
                    _ => return Err(Violation::Canonical),
                };
                Request::Call { request, actor, target, args: from.rest().to_vec() }
            }
            3 => {
                let hash = GraphHash(from.array()?);
                let count = from.count(32)?;
                let codes = (0..count).map(|_| from.array().map(CodeHash)).collect::<Result<_, _>>()?;
                Request::Graph { hash, codes, image: from.rest().to_vec() }
            }
            4 => {
                let hash = GraphHash(from.array()?);
                let count = from.count(2)?;
                let mut code = || Ok((from.bytes()?.to_vec(), from.bytes()?.to_vec()));
                Request::Codes { hash, codes: (0..count).map(|_| code()).collect::<Result<_, _>>()? }
            }
            5 => Request::Cancel { request: from.number()? },
            6 => Request::Ping(from.number()?),
            7 => {
                let (request, number) = (from.number()?, from.byte()?);
                let plain = Question::from_number(number);
                let actor = from.text(MAX_NAME)?.to_owned();
                let question = if number == TO { Question::To(from.number()?) } else { plain? };
                Request::Ask { request, question, actor }
            }
            8 => Request::Close,
            kind => return Err(Violation::Kind(kind)),
        };
        from.end()?;
        Ok(request)
    }
}

impl Answer {
    /// Kind and body.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::new();
        match self {
            Answer::Welcome { message, calls } => {
                to.push(129);
                put_number(&mut to, *message);
                put_number(&mut to, *calls);
            }
            Answer::Done { request, result } => {
                to.reserve(16 + result.len());
                to.push(130);
                put_number(&mut to, *request);
                to.extend_from_slice(result);
            }
            Answer::Failed { request, trace, omitted, value } => {
                to.push(131);
                put_number(&mut to, *request);
                put_number(&mut to, trace.len() as u64);
                for line in trace {
                    put_bytes(&mut to, line.function.as_bytes());
                    put_bytes(&mut to, line.file.as_bytes());
                    put_number(&mut to, line.line.into());
                }
                put_number(&mut to, *omitted);
                to.extend_from_slice(value);
            }
            Answer::Stopped { request, why } => {
                to.push(132);
                put_number(&mut to, *request);
                to.push(number_of(*why));
            }
            Answer::Refused { request, why } => {
                to.push(133);
                put_number(&mut to, *request);
                put_bytes(&mut to, why.as_bytes());
            }
            Answer::Need { hash, what } => {
                to.push(134);
                to.extend_from_slice(&hash.0);
                match what {
                    Need::Graph => to.push(0),
                    Need::Codes(missing) => {
                        to.push(1);
                        put_number(&mut to, missing.len() as u64);
                        let byte =
                            |bits: &[bool]| (0..).zip(bits).fold(0, |byte, (at, &bit)| byte | u8::from(bit) << at);
                        to.extend(missing.chunks(8).map(byte));
                    }
                }
            }
            Answer::Busy { request, after_ms } => {
                to.push(135);
                put_number(&mut to, *request);
                put_number(&mut to, *after_ms);
            }
            Answer::Pong(number) => {
                to.push(136);
                put_number(&mut to, *number);
            }
            Answer::Answer { request, text } => {
                to.push(137);
                put_number(&mut to, *request);
                put_bytes(&mut to, text.as_bytes());
            }
            Answer::Going => to.push(138),
        }
        to
    }

    /// Reads kind and body.
    ///
    /// # Errors
    /// Where the bytes are not those of a message.
    pub fn decode(bytes: &[u8]) -> Result<Answer, Violation> {
        let mut from = Reader(bytes);
        let answer = match from.byte()? {
            129 => Answer::Welcome { message: from.number()?, calls: from.number()? },
            130 => Answer::Done { request: from.number()?, result: from.rest().to_vec() },
            131 => {
                let request = from.number()?;
                let count = from.count(3)?;
                let mut line = || {
                    let (function, file) = (from.text(TEXT)?.to_owned(), from.text(TEXT)?.to_owned());
                    Ok(RemoteTraceLine { function, file, line: from.small()? })
                };
                let trace = (0..count).map(|_| line()).collect::<Result<_, _>>()?;
                Answer::Failed { request, trace, omitted: from.number()?, value: from.rest().to_vec() }
            }
            132 => Answer::Stopped { request: from.number()?, why: stopped_by(from.byte()?)? },
            133 => Answer::Refused { request: from.number()?, why: from.text(TEXT)?.to_owned() },
            134 => {
                let hash = GraphHash(from.array()?);
                let what = match from.byte()? {
                    0 => Need::Graph,
                    1 => Need::Codes(bits(&mut from)?),
                    _ => return Err(Violation::Canonical),
                };
                Answer::Need { hash, what }
            }
            135 => Answer::Busy { request: from.number()?, after_ms: from.number()? },
            136 => Answer::Pong(from.number()?),
            137 => Answer::Answer { request: from.number()?, text: from.text(usize::MAX)?.to_owned() },
            138 => Answer::Going,
            kind => return Err(Violation::Kind(kind)),
        };
        from.end()?;
        Ok(answer)
    }
}

/// Bits behind their number, eight a byte, lowest first; those left over in the last byte are 0.
fn bits(from: &mut Reader<'_>) -> Result<Vec<bool>, Violation> {
    let count = usize::try_from(from.number()?).map_err(|_| Violation::Body)?;
    let bytes = from.rest();
    if count.div_ceil(8) != bytes.len() {
        return Err(Violation::Body);
    }
    let bit = |index: usize| bytes[index / 8] >> (index % 8) & 1 == 1;
    if (count..bytes.len() * 8).any(bit) {
        return Err(Violation::Canonical);
    }
    Ok((0..count).map(bit).collect())
}

impl Question {
    /// Those that are a number and nothing else.
    const PLAIN: [Question; 7] = [
        Question::List,
        Question::Info,
        Question::Snapshot,
        Question::Log,
        Question::Gc,
        Question::GcDry,
        Question::Accept,
    ];

    fn number(self) -> u8 {
        match self {
            Question::List => 0,
            Question::Info => 1,
            Question::Snapshot => 2,
            Question::Log => 3,
            Question::Gc => 4,
            Question::GcDry => 5,
            Question::Accept => 6,
            Question::To(_) => TO,
        }
    }

    fn from_number(number: u8) -> Result<Question, Violation> {
        Question::PLAIN.into_iter().find(|question| question.number() == number).ok_or(Violation::Canonical)
    }
}

/// All that stops a call.
const STOPPED: [Stopped; 5] = [Stopped::Fuel, Stopped::Heap, Stopped::Time, Stopped::Result, Stopped::Cancelled];

/// The number of what stops a call.
fn number_of(why: Stopped) -> u8 {
    match why {
        Stopped::Fuel => 1,
        Stopped::Heap => 2,
        Stopped::Time => 3,
        Stopped::Result => 4,
        Stopped::Cancelled => 5,
    }
}

fn stopped_by(number: u8) -> Result<Stopped, Violation> {
    STOPPED.into_iter().find(|why| number_of(*why) == number).ok_or(Violation::Canonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn question() -> impl Strategy<Value = Question> {
        prop_oneof![prop::sample::select(Question::PLAIN.to_vec()), any::<u64>().prop_map(Question::To)]
    }

    fn graph() -> impl Strategy<Value = GraphHash> {
        any::<[u8; 32]>().prop_map(GraphHash)
    }

    fn requests() -> impl Strategy<Value = Request> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40);
        let target = prop_oneof![
            graph().prop_map(Target::Function),
            ".{0,20}".prop_map(Target::Installed),
            (".{0,20}", graph()).prop_map(|(name, hash)| Target::Install(name, hash)),
        ];
        prop_oneof![
            any::<[u8; 16]>().prop_map(|nonce| Request::Open { nonce }),
            (any::<u64>(), ".{0,20}", target, bytes()).prop_map(|(request, actor, target, args)| Request::Call {
                request,
                actor,
                target,
                args
            }),
            (graph(), prop::collection::vec(any::<[u8; 32]>().prop_map(CodeHash), 0..4), bytes())
                .prop_map(|(hash, codes, image)| Request::Graph { hash, codes, image }),
            (graph(), prop::collection::vec((bytes(), bytes()), 0..4))
                .prop_map(|(hash, codes)| Request::Codes { hash, codes }),
            any::<u64>().prop_map(|request| Request::Cancel { request }),
            any::<u64>().prop_map(Request::Ping),
            (any::<u64>(), question(), ".{0,20}").prop_map(|(request, question, actor)| Request::Ask {
                request,
                question,
                actor
            }),
            Just(Request::Close),
        ]
    }

    fn answers() -> impl Strategy<Value = Answer> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40);
        let line = (".{0,9}", ".{0,9}", any::<u32>()).prop_map(|(function, file, line)| RemoteTraceLine {
            function,
            file,
            line,
        });
        let need = prop_oneof![Just(Need::Graph), prop::collection::vec(any::<bool>(), 0..40).prop_map(Need::Codes)];
        prop_oneof![
            (any::<u64>(), any::<u64>()).prop_map(|(message, calls)| Answer::Welcome { message, calls }),
            (any::<u64>(), bytes()).prop_map(|(request, result)| Answer::Done { request, result }),
            (any::<u64>(), prop::collection::vec(line, 0..4), any::<u64>(), bytes())
                .prop_map(|(request, trace, omitted, value)| Answer::Failed { request, trace, omitted, value }),
            (any::<u64>(), prop::sample::select(STOPPED.to_vec()))
                .prop_map(|(request, why)| Answer::Stopped { request, why }),
            (any::<u64>(), ".{0,20}").prop_map(|(request, why)| Answer::Refused { request, why }),
            (graph(), need).prop_map(|(hash, what)| Answer::Need { hash, what }),
            (any::<u64>(), any::<u64>()).prop_map(|(request, after_ms)| Answer::Busy { request, after_ms }),
            any::<u64>().prop_map(Answer::Pong),
            (any::<u64>(), ".{0,20}").prop_map(|(request, text)| Answer::Answer { request, text }),
            Just(Answer::Going),
        ]
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(request in requests(), answer in answers()) {
            prop_assert_eq!(Request::decode(&request.encode()), Ok(request));
            prop_assert_eq!(Answer::decode(&answer.encode()), Ok(answer));
        }

        #[test]
        fn every_message_has_one_form(mut bytes in prop::collection::vec(any::<u8>(), 1..80), low in any::<u8>()) {
            bytes[0] = if low & 1 == 0 { low % 9 } else { 129 + low % 10 };
            if let Ok(request) = Request::decode(&bytes) {
                prop_assert_eq!(request.encode(), bytes);
            } else if let Ok(answer) = Answer::decode(&bytes) {
                prop_assert_eq!(answer.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_warm_call_takes_fewer_than_100_bytes_beside_its_arguments() {
        let call = Request::Call {
            request: u32::MAX.into(),
            actor: "accounts".into(),
            target: Target::Function(GraphHash([7; 32])),
            args: Vec::new(),
        };
        // Length of the frame, tag of the encryption, length of the message.
        assert!(call.encode().len() + 2 + 16 + 2 < 100);
    }
}
