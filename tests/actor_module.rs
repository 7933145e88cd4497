//! `import actor` against a server: what goes there and back, what is thrown, and what must not leave.
#![cfg(feature = "actor")]

use std::time::{Duration, Instant};

use crate::server;
use crate::support::{Expected, Setup, run};
use quipu::actor::node::NodeOptions;
use quipu::vm::{Limits, Moment};
use quipu::{Engine, Input};

/// Runs a program with the expectations in it; `a` is a connection to an actor of its own.
fn check(name: &str, program: &str) {
    for setup in [Setup::USUAL, Setup::STRESS, Setup::CALLS] {
        let engine = server::engine(&server::start(NodeOptions::default().fuel(1_000_000)));
        let text = format!("import actor\nlet a = actor.connect(\"127.0.0.1:7300\", [actor: \"{name}\"])\n{program}");
        run(&engine, &Input::text(name, text.as_str()), &Expected::read(&text), setup).unwrap();
    }
}

#[test]
fn values_go_there_and_back() {
    check(
        "values",
        r#"
let list = [1, "a", b"b", (1.5, nil), [k: set([2])]]
list.push(list)
let back = a.call(|state, xs| { state["xs"] = xs; xs }, list)
print(same(back, list), same(back[5], back), hash(back) == hash(list))  #> false true true
type Point(x, y)
let p = a.call(|state, p| Point(p.y, p.x), Point(1, 2))
print(p is Point, p)  #> true Point(2, 1)
print(a.call(|state| state.xs.len()))  #> 6
"#,
    );
}

#[test]
fn closures_and_cycles_of_them_go_there_and_back() {
    check(
        "closures",
        r#"
fn pair() {
  var n = 0
  let inc = || { n += 1; n }
  (inc, || n)
}
let (inc, get) = a.call(|state| { let p = pair(); p[0](); p })
print(inc(), get())  #> 2 2
fn even(n) = if n == 0 { true } else { odd(n - 1) }
fn odd(n) = if n == 0 { false } else { even(n - 1) }
print(a.call(|state, f, n| f(n), even, 10))  #> true
let steps = a.call(|state| { let f = fiber(|| { yield 1; yield 2 }); f.resume(); f })
print(steps.resume())  #> 2
"#,
    );
}

#[test]
fn a_call_has_no_memory_of_earlier_ones_and_what_is_installed_has() {
    check(
        "cells",
        r#"
var n = 0
let count = |state| { n += 1; n }
print(a.call(count), a.call(count), n)  #> 1 1 0
n = 10
print(a.call(count))  #> 11
a.install("count", count)
print(a.invoke("count"), a.invoke("count"), n)  #> 11 12 10
a.install("fail", |state| { n += 1; throw error("no") })
try { a.invoke("fail") } catch e { print(e.message) }  #> no
try { a.invoke("nothing") } catch e { print(e.kind) }  #> key_error
"#,
    );
}

#[test]
fn errors_arrive_with_kind_message_data_and_trace() {
    check(
        "errors",
        r#"
fn pay(state, amount) {
  state["paid"] = amount
  throw error("too little", [missing: 3])
}
fn caller() {
  let got = a.call(pay, 7)
  got
}
try { caller() } catch e {
  print(e.kind, e.message, e.data)  #> error too little ["missing": 3]
  let names = e.trace.map(|line| (line.fn, line.get("place")))
  print(names[0], names[1][1])  #> ("pay", "actor errors") nil
  print("caller" in names.map(|n| n[0]), e.trace[0].line)  #> true 6
}
try { a.call(|state| [1][5]) } catch e { print(e.kind) }  #> index_error
try { a.call(|state| { throw [1, 2] }) } catch e { print(e) }  #> [1, 2]
print(a.call(|state| state))  #> [:]
try { a.call(|state| { while true {} }) } catch e { print(e.kind, e.data, e.message) }  #> error stopped Connection.call: the call used up its fuel
try { a.call(1) } catch e { print(e.kind) }  #> type_error
"#,
    );
}

#[test]
fn what_belongs_to_the_process_does_not_leave() {
    check(
        "leave",
        r#"
let hold = [kept: a]
try { a.call(|state| hold) } catch e { print(e.kind, "hold" in e.message) }  #> not_portable true
try { a.call(|state, x| x, a) } catch e { print(e.kind) }  #> not_portable
import image
try { image.dump(a) } catch e { print(e.kind, e.message.contains(".line")) }  #> not_portable true
import fs
try { a.call(|state| fs.exists("x")) } catch e { print(e.kind, e.message, e.data) }  #> capability_error cannot be called here: the host does not provide `fs.exists` ["fs.exists"]
let forged = type_of(a)(1, "x", "y")
try { forged.call(|state| 1) } catch e { print(e.kind) }  #> type_error
"#,
    );
}

#[test]
fn jobs_wait_as_data_for_those_who_can_run_them() {
    check(
        "jobs",
        r#"
import fs
import time
fn job(n) = || { let t = time.now(); if n > 1 { fs.exists("x") } else { "job ${n}" } }
let (one, two) = (job(1), job(2))
a.call(|state, jobs| { state.jobs = jobs; nil }, [one, two, fs.read])
# There they are equal, hashed and shown as here, but cannot be called.
print(a.call(|state| hash(state.jobs[0])) == hash(one), a.call(|state| hash(state.jobs[2])) == hash(fs.read))  #> true true
print(a.call(|state| state.jobs[2]))  #> <fn fs.read>
print(a.call(|state| str(state.jobs[2])), a.call(|state| state.jobs[2] == state.jobs[2]))  #> <fn fs.read> true
try { a.call(|state| state.jobs[0]()) } catch e { print(e.kind, e.data) }  #> capability_error ["time.now", "fs.exists"]
try { a.call(|state| state.jobs[2]("x")) } catch e { print(e.kind, e.data) }  #> capability_error ["fs.read"]
# What they lack does not stop what is done before, nor is it kept when that is undone.
try { a.call(|state| { state.done = 1; state.jobs[0]() }) } catch e { print(e.kind) }  #> capability_error
print(a.call(|state| state.keys()))  #> ["jobs"]
# Whoever gets them has them bound.
let next = a.call(|state| state.jobs.pop())
print(next == fs.read, hash(next) == hash(fs.read))  #> true true
let (second, first) = (a.call(|state| state.jobs.pop()), a.call(|state| state.jobs.pop()))
print(first(), second())  #> job 1 false
# A function can hand on what it cannot call.
print(a.call(|state| [fs.exists, time.now])[0]("nothing here"))  #> false
# What programs there load for themselves is refused as ever.
import image
let bytes = image.dump(one)
try { a.call(|state, bytes| image.load(bytes), bytes) } catch e { print(e.kind) }  #> image_error
"#,
    );
}

#[test]
fn connections_that_cannot_be() {
    check(
        "wrong",
        r#"
fn kind(f) = try { f() } catch e { (e.kind, e.data) }
print(kind(|| actor.connect("127.0.0.1:7300", [acter: "x"])))  #> ("value_error", nil)
print(kind(|| actor.connect("127.0.0.1:7300", [timeout: 0])))  #> ("value_error", nil)
print(kind(|| actor.connect("127.0.0.1:7300", [key: "no such file"])))  #> ("value_error", nil)
print(kind(|| actor.connect(7300)))  #> ("type_error", nil)
print(kind(|| a.invoke("x" * 300)))  #> ("value_error", nil)
a.close()
a.close()
print(kind(|| a.call(|state| 1)))  #> ("io_error", nil)
"#,
    );
    // Nobody listens on the second port.
    let text = "import actor\ntry { actor.connect(\"127.0.0.1:1\", [timeout: 2]) } catch e { print(e.kind, e.data) }  #> io_error lost\n\
                try { actor.connect(\"nowhere\") } catch e { print(e.kind) }  #> value_error";
    let engine = Engine::granting(&quipu::stdlib::Grant::all(Vec::new()));
    run(&engine, &Input::text("nobody", text), &Expected::read(text), Setup::USUAL).unwrap();
}

#[test]
fn waiting_for_an_actor_ends_with_the_limits_of_the_program() {
    let address = server::start(NodeOptions::default().fuel(u64::MAX));
    let engine = server::engine(&address);
    let limits = Limits { deadline: Some(Moment::now() + Duration::from_millis(300)), ..Limits::default() };
    let mut session = engine.session(limits).unwrap();
    let text = "import actor\nactor.connect(\"\", [actor: \"slow\"]).call(|state| { while true {} })";
    let began = Instant::now();
    let error = session.run(&Input::text("slow", text)).err().unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{error}");
    assert_eq!(error.to_string(), "out of time");
}

#[test]
fn the_module_is_a_capability() {
    let engine = Engine::granting(&quipu::stdlib::Grant::pure());
    let text = "import actor  #? Q0218\nlet a = actor.connect(\"x\")  #? Q0218\n";
    run(&engine, &Input::text("refused", text), &Expected::read(text), Setup::USUAL).unwrap();
}

#[test]
fn traces_of_uncaught_errors_say_what_ran_in_the_actor() {
    let engine = server::engine(&server::start(NodeOptions::default()));
    let mut session = engine.session(Limits::default()).unwrap();
    let text =
        "import actor\nlet a = actor.connect(\"\")\nfn fail(state) {\n  throw error(\"no\")\n}\na.call(fail)\nprint(1)";
    let error = session.run(&Input::text("main.qp", text)).err().unwrap();
    let report = session.report(&error);
    assert!(report.contains("  fail at main.qp:4, in actor main\n  <main> at main.qp:6"), "{report}");
    assert!(report.contains("6 | a.call(fail)"), "{report}");
}
