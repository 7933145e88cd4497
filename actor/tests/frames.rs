//! The bytes of every hello, frame and message stay what they were: `tests/golden/frames` has them. `GOLDEN=write` adds new
//! ones and changes none.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use quipu_actor::call::{RemoteTraceLine, Stopped, Target};
use quipu_actor::wire::{Answer, Incoming, KeyRole, Link, MAX_MESSAGE, Need, Question, Request, Ring, Secret};
use quipu_code::hash::{CodeHash, GraphHash};

fn requests() -> Vec<(&'static str, Request)> {
    let call = |target| Request::Call { request: 300, actor: "bank".into(), target, args: vec![1, 2, 3] };
    vec![
        ("open", Request::Open { nonce: *b"0123456789abcdef" }),
        ("call", call(Target::Function(GraphHash([0xaa; 32])))),
        ("call_installed", call(Target::Installed("pay".into()))),
        ("call_install", call(Target::Install("pay".into(), GraphHash([0xaa; 32])))),
        (
            "graph",
            Request::Graph {
                hash: GraphHash([0xaa; 32]),
                codes: vec![CodeHash([0xbb; 32]), CodeHash([0xcc; 32])],
                image: vec![4, 5],
            },
        ),
        (
            "codes",
            Request::Codes { hash: GraphHash([0xaa; 32]), codes: vec![(vec![6, 7], vec![]), (vec![8], vec![9])] },
        ),
        ("cancel", Request::Cancel { request: 300 }),
        ("ping", Request::Ping(u64::MAX)),
        ("ask", Request::Ask { request: 1, question: Question::GcDry, actor: String::new() }),
        ("close", Request::Close),
    ]
}

fn answers() -> Vec<(&'static str, Answer)> {
    let trace = vec![RemoteTraceLine { function: "pay".into(), file: "bank.qp".into(), line: 12 }];
    vec![
        ("welcome", Answer::Welcome { message: 1 << 24, calls: 64 }),
        ("done", Answer::Done { request: 300, result: vec![1, 2, 3] }),
        ("failed", Answer::Failed { request: 300, trace, omitted: 2, value: vec![7] }),
        ("stopped", Answer::Stopped { request: 300, why: Stopped::Fuel }),
        ("refused", Answer::Refused { request: 300, why: "no".into() }),
        ("need_graph", Answer::Need { hash: GraphHash([0xaa; 32]), what: Need::Graph }),
        ("need_codes", Answer::Need { hash: GraphHash([0xaa; 32]), what: Need::Codes(vec![true; 9]) }),
        ("busy", Answer::Busy { request: 300, after_ms: 50 }),
        ("pong", Answer::Pong(u64::MAX)),
        ("answer", Answer::Answer { request: 1, text: "{}".into() }),
        ("going", Answer::Going),
    ]
}

/// What both sides send until they know one another, then one message each way.
fn conversation(mut client: Link, mut server: Link) -> String {
    let mut text = String::new();
    let mut carry = |what: &str, from: &mut Link, to: &mut Link| {
        let bytes = std::mem::take(from.output());
        let _ = writeln!(text, "{what} {}", hex(&bytes));
        to.feed(&bytes);
        to.poll().unwrap().unwrap()
    };
    assert!(matches!(carry("client", &mut client, &mut server), Incoming::Open(_)));
    assert!(matches!(carry("server", &mut server, &mut client), Incoming::Open(_)));
    client.send(&Request::Ping(7).encode());
    assert_eq!(carry("client", &mut client, &mut server), Incoming::Message(Request::Ping(7).encode()));
    server.send(&Answer::Pong(7).encode());
    assert_eq!(carry("server", &mut server, &mut client), Incoming::Message(Answer::Pong(7).encode()));
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn golden(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/frames").join(name);
    match std::fs::read_to_string(&path) {
        Ok(expected) => assert_eq!(found, expected, "{name}"),
        Err(_) if std::env::var_os("GOLDEN").is_some_and(|value| value == "write") => {
            std::fs::write(&path, found).unwrap();
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

#[test]
fn messages_have_the_bytes_that_they_had() {
    let mut text = String::new();
    for (name, request) in requests() {
        let bytes = request.encode();
        assert_eq!(Request::decode(&bytes), Ok(request));
        let _ = writeln!(text, "{name} {}", hex(&bytes));
    }
    for (name, answer) in answers() {
        let bytes = answer.encode();
        assert_eq!(Answer::decode(&bytes), Ok(answer));
        let _ = writeln!(text, "{name} {}", hex(&bytes));
    }
    golden("messages_1.txt", &text);
}

/// What operators can ask for since there are actors that are held.
#[test]
fn questions_have_the_bytes_that_they_had() {
    let mut text = String::new();
    for (name, question) in [("accept", Question::Accept), ("to", Question::To(300))] {
        let request = Request::Ask { request: 1, question, actor: "bank".into() };
        let bytes = request.encode();
        assert_eq!(Request::decode(&bytes), Ok(request));
        assert!(Request::decode(&bytes[..bytes.len() - 1]).is_err());
        let _ = writeln!(text, "{name} {}", hex(&bytes));
    }
    golden("questions_1.txt", &text);
}

#[test]
fn conversations_have_the_bytes_that_they_had() {
    golden("plain_1.txt", &conversation(Link::plain_client(MAX_MESSAGE), Link::server(None, MAX_MESSAGE, None)));
    let (ann, server) = (Secret::known([1; 32]), Secret::known([2; 32]));
    let mut ring = Ring::default();
    ring.add(ann.public(), KeyRole::Client, "ann");
    let client = Link::client(&ann, &server.public(), MAX_MESSAGE, Some([3; 32])).unwrap();
    let server = Link::server(Some((server, Arc::new(ring))), MAX_MESSAGE, Some([4; 32]));
    golden("keys_1.txt", &conversation(client, server));
}

#[test]
fn cut_off_messages_are_refused() {
    // A message that ends in an image can end anywhere in it.
    let open_ended = ["call", "call_install", "call_installed", "graph", "done", "failed"];
    let all = requests().into_iter().map(|(name, request)| (name, request.encode()));
    for (name, bytes) in all.chain(answers().into_iter().map(|(name, answer)| (name, answer.encode()))) {
        for length in 0..bytes.len() {
            let read = (Request::decode(&bytes[..length]).is_ok(), Answer::decode(&bytes[..length]).is_ok());
            assert!(read == (false, false) || open_ended.contains(&name), "{name} {length}");
        }
        let longer = [&bytes[..], &[0]].concat();
        let read = (Request::decode(&longer).is_ok(), Answer::decode(&longer).is_ok());
        assert!(read == (false, false) || open_ended.contains(&name), "{name}");
    }
}
