//! After a limit, an interrupt or a panic the machine is as good as new: whatever was under way, and however it was begun,
//! it holds nothing any more, and small programs run behind it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::Duration;

use quipu::vm::host::Host;
use quipu::vm::{Budget, Limits, Moment, NativeDef, Root, Step};
use quipu::{Engine, Input, Session};

/// Bytes that a machine may have: most bombs fill them.
const HEAP: usize = 2_000_000;

/// What fills a heap, as statements of a function. `TYPES` stand before it.
const BOMBS: &[(&str, &str)] = &[
    ("a chain of tuples", "var x = nil\nwhile true { x = (x, 1) }"),
    ("a chain of lists", "var x = nil\nwhile true { x = [x] }"),
    ("a chain of instances", "var x = nil\nwhile true { x = Node(x) }"),
    ("a chain of closures", "var x = || 0\nwhile true { let y = x\n x = || y }"),
    ("a chain of cells", "var x = nil\nwhile true { var y = x\n x = || { y = [y]\n y } }"),
    ("a chain of errors", "var x = nil\nwhile true { x = error(\"e\", x) }"),
    ("a list that grows", "let x = []\nwhile true { x.push([]) }"),
    ("a map that grows", "let x = [:]\nvar i = 0\nwhile true { x[i] = i\n i += 1 }"),
    ("a set that grows", "let x = set([])\nvar i = 0\nwhile true { x.add(\"k${i}\")\n i += 1 }"),
    ("a string that grows", "var x = \"x\"\nwhile true { x = x + x }"),
    ("bytes that grow", "var x = b\"x\"\nwhile true { x = x + x }"),
    ("a tuple that grows", "var x = (1,)\nwhile true { x = x + x }"),
    ("many fibers", "let x = []\nwhile true { let f = fiber(|| { yield 1 })\n f.resume()\n x.push(f) }"),
    ("deep calls", "deep(0)"),
    ("deep fibers", "deep_fiber(0)"),
    ("a list of a huge range", "(0..9000000000000000000).to_list()"),
    ("a regex", "let x = []\nwhile true { x.push(regex.compile(\"a{1,30}${x.len()}\")) }"),
    ("JSON", "let x = json.parse(\"[\" * 400000 + \"]\" * 400000)\nvar y = x\nwhile true { y = [y] }"),
    ("garbage and a chain", "var x = nil\nwhile true { x = (x, [1, 2, 3].map(|y| y + 1)) }"),
    ("a log to undo", "let x = [0]\natomic(|| { while true { x[0] += 1 } })"),
];

const TYPES: &str = "import regex\nimport json\ntype Node(next)\n\
    fn deep(n) = [n, deep(n + 1)]\n\
    fn deep_fiber(n) { let f = fiber(|| [n, deep_fiber(n + 1)])\n f.resume() }\n";

/// How a bomb is begun.
const WAYS: &[(&str, Way)] = &[
    ("run", |session, bomb| session.run(&Input::text("bomb.qp", format!("{TYPES}{bomb}"))).is_ok()),
    ("call", |session, bomb| {
        let f = function(session, &format!("|| {{\n{bomb}\n}}"));
        session.vm().call(&f, &[]).is_ok()
    }),
    ("invoke", |session, bomb| {
        let f = function(session, &format!("|_| {{\n{bomb}\n}}"));
        session.vm().invoke::<_, Root>(&f, (1,)).is_ok()
    }),
    ("step", |session, bomb| {
        let f = function(session, &format!("|| {{\n{bomb}\n}}"));
        let mut run = session.vm().start(&f, &[]).unwrap();
        match session.vm().step(&mut run, Budget::Unlimited) {
            // It was interrupted, and could go on.
            Ok(_) => true,
            // The host goes on having the run.
            Err(_) => {
                session.vm().set_output(Box::new(Kept(run)));
                false
            }
        }
    }),
    ("steps", |session, bomb| {
        let f = function(session, &format!("|| {{\n{bomb}\n}}"));
        let mut run = session.vm().start(&f, &[]).unwrap();
        loop {
            match session.vm().step(&mut run, Budget::Fuel(1000)) {
                Ok(Step::OutOfBudget) => {}
                Ok(_) => return true,
                Err(_) => return false,
            }
        }
    }),
    ("in a fiber", |session, bomb| {
        session.run(&Input::text("bomb.qp", format!("{TYPES}fiber(|| {{\n{bomb}\n}}).resume()"))).is_ok()
    }),
    ("in atomic", |session, bomb| {
        session
            .run(&Input::text("bomb.qp", format!("{TYPES}let f = fiber(|| {{\n{bomb}\n}})\natomic(|| f.resume())")))
            .is_ok()
    }),
    ("below a native", |session, bomb| {
        let text = format!(
            "{TYPES}type Key(n) {{ fn eq(self, o) = false\n fn hash(self) {{\n{bomb}\n}} }}\nlet m = [:]\nfor i in 0..20 {{ m[Key(i)] = 1 }}"
        );
        session.run(&Input::text("bomb.qp", text)).is_ok()
    }),
];

type Way = fn(&mut Session, &str) -> bool;

/// An output that keeps a run, and writes nothing.
struct Kept(#[allow(dead_code, reason = "it is to be kept")] quipu::vm::Run);

impl std::io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn function(session: &mut Session, text: &str) -> Root {
    session.run(&Input::text("function.qp", format!("{TYPES}{text}"))).unwrap()
}

const SMALL: &[(&str, &str)] = &[
    ("1 + 1", "2"),
    ("let xs = []\nfor i in 0..1000 { xs.push([i]) }\nxs.len()", "1000"),
    ("var s = \"\"\nfor i in 0..100 { s = s + \"${i}\" }\ns.len()", "190"),
    ("let m = [:]\nfor i in 0..500 { m[\"k${i}\"] = (i, i) }\nm.len()", "500"),
    ("let f = fiber(|| { for i in 0..50 { yield i } })\nsum([..f])", "1225"),
    ("fn down(n) = if n == 0 { 0 } else { 1 + down(n - 1) }\ndown(500)", "500"),
    ("let xs = [3, 1, 2]\natomic(|| xs.sort())\nxs", "[1, 2, 3]"),
    ("import json\njson.stringify(json.parse(\"[1, {\\\"a\\\": 2}]\"))", "\"[1,{\\\"a\\\":2}]\""),
    ("(\"ab\" * 10000).len()", "20000"),
];

/// Runs small programs.
fn small(session: &mut Session, what: &str) {
    for (text, expected) in SMALL {
        let value =
            session.run(&Input::text("small.qp", *text)).unwrap_or_else(|error| panic!("{what}: {text}: {error}"));
        assert_eq!(session.vm().repr(&value).unwrap_or_else(|error| panic!("{what}: {error:?}")), *expected, "{what}");
    }
}

/// Lets a bomb go off under limits that `begin` sets, and looks at the machine. Whether it came to an end of its own.
fn tried(
    session: &mut Session,
    (way_name, way): &(&str, Way),
    (bomb_name, bomb): &(&str, &str),
    before: usize,
    begin: &dyn Fn(&mut Session) -> Option<JoinHandle<()>>,
) -> bool {
    let what = format!("{bomb_name}, {way_name}");
    let other = begin(session);
    let is_ok = catch_unwind(AssertUnwindSafe(|| way(session, bomb))).unwrap_or(false);
    session.vm().set_limits(Limits { heap: Some(HEAP), ..Limits::default() });
    // An interrupt that came too late stops this and nothing else.
    other.map(JoinHandle::join);
    let _ = session.run(&Input::text("late.qp", "for i in 0..3 { }"));
    small(session, &what);
    let after = held(session);
    assert!(after < before + 100_000, "{what}: {after} bytes are left, {before} were there");
    session.vm().set_output(Box::new(std::io::sink()));
    is_ok
}

/// Bytes that a machine has after a collection.
fn held(session: &mut Session) -> usize {
    session.vm().set_gc_stress(true);
    session.run(&Input::text("small.qp", "[1]")).unwrap();
    session.vm().set_gc_stress(false);
    session.vm().stats().heap_bytes
}

fn session(engine: &Engine) -> (Session, usize) {
    let mut session = engine.session(Limits { heap: Some(HEAP), ..Limits::default() }).unwrap();
    small(&mut session, "before");
    function(&mut session, "1");
    small(&mut session, "before");
    let before = held(&mut session);
    (session, before)
}

#[test]
fn the_heap() {
    let engine = Engine::new();
    for way in WAYS {
        let (mut session, before) = session(&engine);
        for bomb in BOMBS {
            let heap = |session: &mut Session| {
                session.vm().set_limits(Limits { heap: Some(HEAP), ..Limits::default() });
                None
            };
            assert!(!tried(&mut session, way, bomb, before, &heap), "{}, {}: nothing stopped it", way.0, bomb.0);
        }
    }
}

#[test]
fn fuel_time_and_interrupts() {
    let engine = Engine::new();
    for way in WAYS {
        let (mut session, before) = session(&engine);
        for bomb in BOMBS {
            let fuel = |session: &mut Session| {
                session.vm().set_limits(Limits { heap: Some(1 << 28), fuel: Some(60_000), ..Limits::default() });
                None
            };
            tried(&mut session, way, bomb, before, &fuel);
            let time = |session: &mut Session| {
                let deadline = Some(Moment::now() + Duration::from_millis(40));
                session.vm().set_limits(Limits { heap: Some(1 << 28), deadline, ..Limits::default() });
                None
            };
            tried(&mut session, way, bomb, before, &time);
            let interrupt = |session: &mut Session| {
                session.vm().set_limits(Limits { heap: Some(1 << 28), ..Limits::default() });
                let handle = session.vm().interrupt_handle();
                Some(std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(20));
                    handle.interrupt();
                }))
            };
            tried(&mut session, way, bomb, before, &interrupt);
        }
    }
}

#[test]
fn panics() {
    let boom = NativeDef::new("boom", 0, |_, _| panic!("boom"));
    let engine = Engine::builder().define(boom).build().unwrap();
    for way in WAYS {
        let (mut session, before) = session(&engine);
        for (name, text) in &BOMBS[..12] {
            // It has much in its hands when the host panics.
            let text = text.replacen(
                "while true {",
                "var turns = 0\nwhile true {\nturns += 1\nif turns == 12 { boom() }\n",
                1,
            );
            let heap = |session: &mut Session| {
                session.vm().set_limits(Limits { heap: Some(HEAP), ..Limits::default() });
                None
            };
            tried(&mut session, way, &(name, &text), before, &heap);
        }
    }
}
