//! How functions get to a server: what is asked for, what is forgotten, and what nobody gets who only knows a hash.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common;
use crate::common::{fat, image, node_with, shown};
use crate::line::{Line, Place, codes, graph};
use quipu_actor::call::{Busy, Call, CallOutcome, CodeBytes};
use quipu_actor::node::{Node, NodeOptions};
use quipu_actor::server::{CallHost, CancelCall, Reply, ReplyTo, ShownParts};
use quipu_actor::store::MemoryStore;
use quipu_actor::wire::{Answer, Need, Question, Request, Secret};
use quipu_code::hash::{CodeHash, GraphHash};
use quipu_vm::image::Form;

fn place(cache: usize) -> Place {
    Place::new(Arc::new(node_with(MemoryStore::new(), NodeOptions::default().cache(cache))))
}

fn result(answer: Answer) -> String {
    match answer {
        Answer::Done { result, .. } => shown(&result),
        other => panic!("{other:?}"),
    }
}

/// A function in which functions are nested so deep. No two of them are the same for different `n`.
fn nested(depth: usize, n: usize) -> quipu_vm::Image {
    let inner =
        (0..depth).fold(format!("|x| x + {n}"), |inner, level| format!("|x| {{ let f = {inner}; f(x) + {level} }}"));
    image(&format!("|state, x| {{ let f = {inner}; f(x) }}"))
}

#[test]
fn a_function_takes_one_round_however_deep_its_code_is_nested() {
    let place = place(64 << 20);
    let mut line = place.connect(None);
    let function = nested(20, 5);
    assert_eq!(function.codes().len(), 22);
    assert_eq!(result(line.call(&function, &fat("[1]"))), "196");
    assert_eq!(line.needs, (1, 1));
    assert_eq!(result(line.call(&function, &fat("[1]"))), "196");
    assert_eq!(line.needs, (1, 1));
}

#[test]
fn eviction_between_have_and_call() {
    // What was shown and is forgotten is asked for again, all of it at once.
    let place = place(60_000);
    let mut line = place.connect(None);
    let function = nested(20, 0);
    assert_eq!(result(line.call(&function, &fat("[1]"))), "191");
    for n in 1..40 {
        assert_eq!(result(line.call(&nested(20, n), &fat("[1]"))), (191 + n).to_string());
    }
    // The function itself is in the node's store; another one over the same nested code needs that code again.
    let deep =
        (0..20).fold("|x| x + 0".to_owned(), |inner, level| format!("|x| {{ let f = {inner}; f(x) + {level} }}"));
    let again = image(&format!("|state, x| {{ let f = {deep}; f(x) * 1 }}"));
    line.needs = (0, 0);
    assert_eq!(result(line.call(&again, &fat("[1]"))), "191");
    assert_eq!(line.needs, (1, 1));
}

/// `FUNCTIONS=100000` sends more than the usual two thousand.
#[test]
fn a_cache_of_a_mebibyte_under_many_functions() {
    let count: usize = std::env::var("FUNCTIONS").map_or(2_000, |count| count.parse().expect("a number"));
    // With few snapshots between them, what is evicted goes from the store as well.
    let options = NodeOptions::default().cache(1 << 20).snapshot(10);
    let place = Place {
        shown: Arc::new(ShownParts::new(1 << 20)),
        ..Place::new(Arc::new(node_with(MemoryStore::new(), options)))
    };
    let mut line = place.connect(None);
    let mut vm = common::machine();
    let mut make = |n: usize| {
        let value = common::run(&mut vm, &format!("let k = {n}\n|state, x| x * {n} + k"));
        vm.image(&value).expect("a portable value")
    };
    let args = fat("[2]");
    let mut again = 0;
    for n in 0..count {
        assert_eq!(result(line.call(&make(n), &args)), (3 * n).to_string());
        let before = line.needs;
        // One from any time before, and one from a moment ago.
        for old in [n * 7919 % (n + 1), n.saturating_sub(3)] {
            assert_eq!(result(line.call(&make(old), &args)), (3 * old).to_string());
        }
        again += line.needs.0 - before.0;
    }
    println!("{count} functions, {} graphs asked for, {again} of them again", line.needs.0);
    assert!(again > count / 10 && line.needs.0 < 2 * count + 10, "{again}");
}

#[test]
fn functions_larger_than_the_cache_can_be_called() {
    let place = place(1000);
    let mut line = place.connect(None);
    for n in 0..5 {
        assert_eq!(result(line.call(&nested(20, n), &fat("[1]"))), (191 + n).to_string());
    }
}

#[test]
fn a_known_hash_gives_nobody_the_function() {
    let mut place = place(64 << 20);
    let keys = [Secret::known([1; 32]), Secret::known([2; 32])];
    place.keys = keys.to_vec();
    let function = image("let secret = 7\n|state, x| secret + x");
    assert_eq!(result(place.connect(Some(&keys[0])).call(&function, &fat("[1]"))), "8");
    let hash = function.hash();
    let thin = function.dump(Form { thin: true, strip: true });
    let all: Vec<CodeHash> = function.codes().iter().map(|code| code.hash()).collect();
    let asks = |line: &mut Line, what: Need| assert_eq!(line.hear(), Answer::Need { hash, what });
    // Its hash alone, and bytes that are something else.
    for image in [b"none".to_vec(), Vec::new(), nested(1, 1).dump(Form { thin: true, strip: true })] {
        let mut line = place.connect(Some(&keys[1]));
        line.begin(hash, &fat("[1]"));
        asks(&mut line, Need::Graph);
        line.say(&Request::Graph { hash, codes: Vec::new(), image }).expect("a message");
        assert!(matches!(line.hear(), Answer::Refused { .. }));
        line.begin(hash, &fat("[1]"));
        asks(&mut line, Need::Graph);
    }
    // Its graph, and of its code only the hashes.
    let mut line = place.connect(Some(&keys[1]));
    line.begin(hash, &fat("[1]"));
    asks(&mut line, Need::Graph);
    line.say(&Request::Graph { hash, codes: Vec::new(), image: thin.clone() }).expect("a message");
    assert!(matches!(line.hear(), Answer::Refused { .. }));
    line.begin(hash, &fat("[1]"));
    asks(&mut line, Need::Graph);
    line.say(&Request::Graph { hash, codes: all.clone(), image: thin }).expect("a message");
    asks(&mut line, Need::Codes(vec![true; all.len()]));
    line.say(&Request::Codes { hash, codes: vec![(b"none".to_vec(), Vec::new()); all.len()] }).expect("a message");
    assert!(matches!(line.hear(), Answer::Refused { .. }));
    // With everything it is a function as good as any.
    assert_eq!(result(line.call(&function, &fat("[2]"))), "9");
}

#[test]
fn nested_code_of_others_is_not_lent() {
    let mut place = place(64 << 20);
    let keys = [Secret::known([1; 32]), Secret::known([2; 32])];
    place.keys = keys.to_vec();
    let inner = "|x| x * 1234567";
    let victim = image(&format!("|state, x| {{ let f = {inner}; f(x) }}"));
    assert_eq!(result(place.connect(Some(&keys[0])).call(&victim, &fat("[1]"))), "1234567");
    // Who has the outer code may have the hash of the inner one from it.
    let mut line = place.connect(Some(&keys[1]));
    let Request::Graph { hash, codes: all, image } = graph(&victim) else { panic!("a graph") };
    let outer = victim.codes().iter().find(|code| !code.body().children.is_empty()).expect("a code with children");
    line.begin(hash, &fat("[1]"));
    line.hear();
    line.say(&Request::Graph { hash, codes: vec![outer.hash()], image }).expect("a message");
    assert_eq!(line.hear(), Answer::Need { hash, what: Need::Codes(vec![true]) });
    line.say(&Request::Codes { hash, codes: vec![(outer.encode(), Vec::new())] }).expect("a message");
    assert!(matches!(line.hear(), Answer::Refused { .. }));
    assert_eq!(all.len(), 2);
}

#[test]
fn answers_to_unknown_hashes_are_alike() {
    let mut place = place(64 << 20);
    let keys = [Secret::known([1; 32]), Secret::known([2; 32]), Secret::known([3; 32])];
    place.keys = keys[..2].to_vec();
    let functions = [nested(1, 1), nested(2, 2)];
    // Each has sent one of them, and calls both.
    for (key, function) in keys.iter().zip(&functions) {
        assert!(matches!(place.connect(Some(key)).call(function, &fat("[1]")), Answer::Done { .. }));
    }
    for (at, key) in keys[..2].iter().enumerate() {
        for (of, function) in functions.iter().enumerate() {
            let mut line = place.connect(Some(key));
            line.begin(function.hash(), &fat("[1]"));
            match line.hear() {
                Answer::Done { .. } => assert_eq!(at, of),
                Answer::Need { hash, what: Need::Graph } => assert!(at != of && hash == function.hash()),
                other => panic!("{other:?}"),
            }
            let mut unknown = function.hash();
            unknown.0[0] ^= 1;
            line.begin(unknown, &fat("[1]"));
            assert_eq!(line.hear(), Answer::Need { hash: unknown, what: Need::Graph });
        }
    }
}

#[test]
fn every_bit_of_what_is_sent_is_checked() {
    let place = place(64 << 20);
    let mut line = place.connect(None);
    let function = image("let a = [1, \"two\"]\n|state, x| a.map(|y| (x, y))");
    let Request::Graph { hash, codes: all, image: thin } = graph(&function) else { panic!("a graph") };
    let Request::Codes { codes: bodies, .. } = codes(&function, &vec![true; all.len()]) else { panic!("code") };
    for bit in 0..thin.len() * 8 {
        let mut image = thin.clone();
        image[bit / 8] ^= 1 << (bit % 8);
        line.begin(hash, &fat("[1]"));
        line.hear();
        line.say(&Request::Graph { hash, codes: all.clone(), image }).expect("a message");
        if let Answer::Need { .. } = line.hear() {
            line.say(&Request::Codes { hash, codes: bodies.clone() }).expect("a message");
            assert!(matches!(line.hear(), Answer::Refused { .. }), "bit {bit} of the graph");
        }
    }
    let (at, bits) = (0, bodies[0].0.len() * 8);
    for bit in 0..bits {
        let mut wrong = bodies.clone();
        wrong[at].0[bit / 8] ^= 1 << (bit % 8);
        line.begin(hash, &fat("[1]"));
        line.hear();
        line.say(&graph(&function)).expect("a message");
        line.hear();
        line.say(&Request::Codes { hash, codes: wrong }).expect("a message");
        assert!(matches!(line.hear(), Answer::Refused { .. }), "bit {bit} of the code");
    }
    assert_eq!(result(line.call(&function, &fat("[0]"))), "[(0, 1), (0, \"two\")]");
}

#[test]
fn a_redefined_helper_is_seen_by_the_next_send() {
    let place = place(64 << 20);
    let mut line = place.connect(None);
    let program = |body: &str| image(&format!("fn helper(x) = {body}\n|state, x| helper(x)"));
    assert_eq!(result(line.call(&program("x + 1"), &fat("[10]"))), "11");
    assert_eq!(result(line.call(&program("x * 2"), &fat("[10]"))), "20");
    assert_eq!(result(line.call(&program("x + 1"), &fat("[10]"))), "11");
}

#[test]
fn what_is_cancelled_is_not_waited_for() {
    let place = place(64 << 20);
    let mut line = place.connect(None);
    let function = nested(1, 1);
    for _ in 0..300 {
        // More than may wait at once, so each has to go in full.
        let request = line.begin(function.hash(), &vec![0; 1 << 20]);
        assert!(matches!(line.hear(), Answer::Need { what: Need::Graph, .. }));
        line.say(&Request::Cancel { request }).expect("a message");
        assert!(matches!(line.hear(), Answer::Stopped { .. }));
    }
    assert!(matches!(line.call(&function, &fat("[1]")), Answer::Done { .. }));
}

/// Has no room at first, and says of the call that it did not take that it is lost, but later.
struct Hesitant {
    node: Node,
    is_full: AtomicBool,
    stale: Mutex<Option<ReplyTo>>,
}

impl CallHost for Hesitant {
    fn call(&self, call: Call, reply: ReplyTo, _: bool) -> Result<CancelCall, Busy> {
        if self.is_full.swap(false, Ordering::Relaxed) {
            *self.stale.lock().expect("a reply") = Some(reply);
            return Err(Busy { after_ms: 1 });
        }
        if let Some(stale) = self.stale.lock().expect("a reply").take() {
            stale(Reply::Lost);
        }
        reply(Reply::Called(CallOutcome::Done(call.args)));
        Ok(Box::new(|| {}))
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
        reply(Reply::Told(Ok(String::new())));
    }
}

#[test]
fn what_is_said_of_a_call_that_was_not_taken_harms_no_later_one() {
    let node = node_with(MemoryStore::new(), NodeOptions::default());
    let host = Hesitant { node, is_full: AtomicBool::new(true), stale: Mutex::default() };
    let mut line = Place::new(Arc::new(host)).connect(None);
    let function = nested(1, 1);
    let Answer::Busy { request, .. } = line.call(&function, b"args") else { panic!("there was room") };
    let target = quipu_actor::call::Target::Function(function.hash());
    line.say(&Request::Call { request, actor: "a".to_owned(), target, args: b"args".to_vec() }).expect("a call");
    assert_eq!(line.hear(), Answer::Done { request, result: b"args".to_vec() });
    assert!(!line.is_ended());
}
