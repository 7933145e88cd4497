//! A host that panics wherever code of it runs: programs see an error, and the machine is as good as before.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quipu::load::{Location, Resolver};
use quipu::vm::host::{Class, FromValue, Func, Host, HostType, IntoValue, ListOf, MapOf, Mismatch};
use quipu::vm::image::{CodeTable, Form, Image, Progress};
use quipu::vm::{Budget, Cx, Failure, Limits, NativeDef, Outcome, Root, Step, Value, Vm};
use quipu::{Builder, Capabilities, Capability, Engine, Input, Session};
use quipu_code::{Code, CodeHash};

thread_local! {
    /// Whether what runs on this thread panics.
    static ARMED: Cell<bool> = const { Cell::new(true) };
}

fn explode(text: &str) {
    if ARMED.get() {
        panic!("{text}");
    }
}

/// Does something with a host that does not panic.
fn calmly<T>(action: impl FnOnce() -> T) -> T {
    ARMED.set(false);
    let given = action();
    ARMED.set(true);
    given
}

/// Panics here are what is tested, so they are not shown. The others are.
fn quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.location().is_none_or(|at| !at.file().ends_with("panicking_host.rs"))
                || info.payload_as_str().is_some_and(|text| text.contains("assert"))
            {
                hook(info);
            }
        }));
    });
}

/// Panics when it is dropped, with another one like it.
struct Angry(u32);

impl Drop for Angry {
    fn drop(&mut self) {
        if self.0 > 0 {
            panic_any(Angry(self.0 - 1));
        }
    }
}

/// An output that panics at an exclamation mark, and when it is flushed.
struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.contains(&b'!') {
            explode("write");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        explode("flush");
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        explode("output dropped");
    }
}

struct Thing(i64);

impl HostType for Thing {
    fn class() -> Class<Thing> {
        Class::<Thing>::new("Thing")
            .constructor(|n: i64| {
                if n < 0 {
                    explode("constructor");
                }
                Thing(n)
            })
            .getter("get", |_| explode("getter"))
            .getter("n", |thing| thing.0)
            .setter("set", |_, _: i64| explode("setter"))
            .method("method", |_: &Thing| explode("method"))
            .method_mut("method_mut", |thing: &mut Thing| {
                explode("method_mut");
                thing.0 += 1;
            })
            .method("eq", |_: &Thing, _: Any| -> bool {
                explode("eq");
                true
            })
            .portable(
                |thing| {
                    explode("save");
                    thing.0.to_le_bytes().to_vec()
                },
                |bytes| {
                    explode("load");
                    Ok::<_, io::Error>(Thing(i64::from_le_bytes(bytes.try_into().unwrap_or_default())))
                },
            )
    }
}

/// Any value.
struct Any;

impl FromValue for Any {
    fn from_value<'v>(_: &mut Cx<'v>, _: Value<'v>) -> Result<Any, Mismatch> {
        Ok(Any)
    }
}

/// Panics when it is freed.
struct Heavy;

impl Drop for Heavy {
    fn drop(&mut self) {
        explode("dropped");
    }
}

impl HostType for Heavy {
    fn class() -> Class<Heavy> {
        Class::new("Heavy").constructor(|| Heavy)
    }
}

/// Panics when it is converted, after having called back.
struct Bad;

impl IntoValue for Bad {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        let list = cx.list(vec![Value::NIL; 10])?;
        explode("into_value");
        Ok(list.into())
    }
}

impl FromValue for Bad {
    fn from_value<'v>(_: &mut Cx<'v>, _: Value<'v>) -> Result<Bad, Mismatch> {
        explode("from_value");
        Ok(Bad)
    }
}

/// An error that panics when it is shown, or when it is dropped.
#[derive(Debug)]
struct BadError {
    in_display: bool,
}

impl std::fmt::Display for BadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.in_display {
            explode("display");
        }
        f.write_str("a bad error")
    }
}

impl std::error::Error for BadError {}

impl Drop for BadError {
    fn drop(&mut self) {
        if !self.in_display {
            explode("error dropped");
        }
    }
}

fn plain<'v>(_: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
    explode("plain");
    Ok(Value::NIL)
}

fn builder() -> Builder {
    quiet();
    Engine::builder()
        .capabilities(Capabilities::PURE.with(Capability::Io))
        .native("boom", || explode("typed"))
        .define(NativeDef::new("plain", 0, plain))
        .native("payload", || -> () { panic_any(Angry(3)) })
        .native("bad", || Bad)
        .native("take_bad", |_: Bad| ())
        .native("fail", |in_display: bool| Err::<(), BadError>(BadError { in_display }))
        .native("relay", |cx: &mut Cx<'_>, f: Func<(), Root>| f.call(cx, ()))
        .native("relay_args", |cx: &mut Cx<'_>, f: Func<(Bad,), Root>| f.call(cx, (Bad,)))
        .native("enter", |cx: &mut Cx<'_>, f: Root| {
            cx.enter(|cx| {
                let f = cx.rooted(&f)?;
                let given = cx.call(f, &[])?;
                Ok(cx.root(given))
            })
        })
        .class::<Thing>()
        .class::<Heavy>()
}

fn session_of(builder: Builder) -> Session {
    let engine = builder.build().unwrap();
    let mut session = engine.session(Limits { heap: Some(256 << 20), ..Limits::default() }).unwrap();
    session.set_output(Box::new(Output));
    session
}

/// Uses everything a machine has, so many times.
const USE: &str = r#"import image
type P(x) { fn eq(self, o) = self.x == o.x }
|n| {
    let lists = []
    for i in 0..n { lists.push([i, "${i}", |x| x + i]) }
    var sum = 0
    for l in lists { sum += l[2](1) - l[0] }
    var undone = 0
    for i in 0..n // 20 {
        try { atomic(|| { undone += 1; atomic(|| { undone += 1; lists.push(1) }); throw "no" }) } catch e { nil }
    }
    let fibers = [0, 0]
    for i in 0..n // 20 {
        let f = fiber(|a| { let b = yield a + 1; yield b + 1; 0 })
        fibers[0] += f.resume(1) + f.resume(2)
        fibers.push(f)
        if fibers.len() > 100 { fibers.remove_at(2) }
    }
    let copies = image.load(image.dump(lists[0..n // 20]))
    for c in copies { sum += c[2](1) - c[0] }
    let equal = [P(1), P(n)] == [P(1), P(n)]
    lists.sort(|a, b| b[0] - a[0])
    [sum, undone, fibers[0], lists.len(), equal, lists[0][0], copies.len()]
}"#;

/// Lets a call go on by a few instructions at a time until it fails.
fn in_steps(vm: &mut Vm, function: &Root, arguments: &[Root]) -> Failure {
    let mut run = match vm.start(function, arguments) {
        Ok(run) => run,
        Err(failure) => return failure,
    };
    loop {
        match vm.step(&mut run, Budget::Instructions(3)) {
            Ok(Step::OutOfBudget) => {}
            Ok(_) => panic!("assert it fails"),
            Err(failure) => {
                let over = vm.step(&mut run, Budget::Unlimited).err().unwrap();
                assert_eq!(over.to_string(), "fiber_error: the fiber is done");
                return failure;
            }
        }
    }
}

/// Whether the machine does what it should.
fn check(session: &mut impl Tested, function: &Root, context: &str) {
    check_with(session, function, context, 2_000);
}

fn check_with(session: &mut impl Tested, function: &Root, context: &str, many: i64) {
    for (stress, n) in [(false, many), (true, 40)] {
        session.machine().set_gc_stress(stress);
        let given: Root =
            session.machine().invoke(function, (n,)).unwrap_or_else(|error| panic!("{context}: assert {error:?}"));
        let expected = format!("[{}, 0, {}, {n}, true, {}, {}]", n + n / 20, n / 20 * 5, n - 1, n / 20);
        assert_eq!(session.machine().repr(&given).unwrap(), expected, "assert {context}");
    }
    session.machine().set_gc_stress(false);
}

trait Tested {
    fn machine(&mut self) -> &mut Vm;
}

impl Tested for Session {
    fn machine(&mut self) -> &mut Vm {
        self.vm()
    }
}

impl Tested for Vm {
    fn machine(&mut self) -> &mut Vm {
        self
    }
}

/// What panics, and what is said of it.
const PLACES: &[(&str, &str)] = &[
    ("print(\"!\")", "the output: the host's function panicked: write"),
    ("io.flush()", "the output: the host's function panicked: flush"),
    ("boom()", "boom: the host's function panicked: typed"),
    ("plain()", "plain: the host's function panicked: plain"),
    ("payload()", "payload: the host's function panicked: without a message"),
    ("bad()", "bad: the host's function panicked: into_value"),
    ("take_bad(1)", "take_bad: the host's function panicked: from_value"),
    ("relay_args(|x| x)", "invoke: the host's function panicked: into_value"),
    ("fail(true)", "fail: the host's function panicked: display"),
    ("Thing(-1)", "Thing: the host's function panicked: constructor"),
    ("Thing(1).get", "Thing.get: the host's function panicked: getter"),
    ("{ let t = Thing(1); t.set = 3 }", "Thing.set: the host's function panicked: setter"),
    ("Thing(1).method()", "Thing.method: the host's function panicked: method"),
    ("Thing(1).method_mut()", "Thing.method_mut: the host's function panicked: method_mut"),
    ("Thing(1) == 3", "Thing.eq: the host's function panicked: eq"),
    ("[[Thing(1)]] == [[3]]", "Thing.eq: the host's function panicked: eq"),
    ("image.dump([Thing(1)])", "Thing: the host's function panicked: save"),
    ("hash(Thing(1))", "Thing: the host's function panicked: save"),
    ("image.load(saved)", "the data of Thing cannot be loaded: Thing: the host's function panicked: load"),
];

/// What stands around it; `X` is a function that panics.
const CONTEXTS: &[&str] = &[
    "X()",
    "relay(X)",
    "enter(X)",
    "relay(|| [relay(|| [X()])])",
    "atomic(X)",
    "atomic(|| { seen.push(1); relay(|| { seen.push(2); atomic(|| { seen.push(3); X() }) }) })",
    "fiber(X).resume()",
    "relay(|| fiber(|| atomic(|| fiber(X).resume())).resume())",
    "{ let old = fiber(|| { yield 1; X() }); old.resume(); relay(|| atomic(|| old.resume())) }",
    "[1].map(|_| X())",
    "[P(1)] == [P(2)]",
    "[3, 2, 1].sort(|a, b| X())",
    "str(P(1))",
];

fn program(context: &str) -> String {
    format!(
        "import image\nimport io\n|panics, saved| {{ let seen = []\nlet X = panics\ntype P(x) {{ fn eq(self, o) = X()\nfn str(self) = X() }}\n\
         {context} }}"
    )
}

#[test]
fn a_panic_is_an_error_wherever_it_comes_from() {
    let mut session = session_of(builder());
    let function = session.run(&Input::text("use.qp", USE)).unwrap();
    let saved = calmly(|| session.run(&Input::text("t.qp", "import image\nimage.dump(Thing(7))")).unwrap());
    for &(place, expected) in PLACES {
        let panics = session
            .run(&Input::text("p.qp", format!("import image\nimport io\n|saved| || {place}")))
            .unwrap_or_else(|error| panic!("assert {place}: {error}"));
        let panics: Root = session.invoke(&panics, (saved.clone(),)).unwrap();
        for context in CONTEXTS {
            let about = format!("{place} in {context}");
            let caught = program(&format!("try {{ {context} }} catch e {{ (e.message, seen) }}"));
            let caught = session.run(&Input::text("c.qp", caught)).unwrap();
            let uncaught = session.run(&Input::text("c.qp", program(context))).unwrap();
            for stress in [false, true] {
                session.vm().set_gc_stress(stress);
                let (message, seen): (String, Vec<i64>) =
                    session.invoke(&caught, (panics.clone(), saved.clone())).unwrap();
                // What `atomic` has begun is undone.
                assert_eq!((message.as_str(), seen.as_slice()), (expected, [].as_slice()), "assert {about}");
                let error = session.invoke::<_, Root>(&uncaught, (panics.clone(), saved.clone())).unwrap_err();
                assert!(error.to_string().ends_with(expected), "assert {about}: {error}");
                let by_steps = in_steps(session.vm(), &uncaught, &[panics.clone(), saved.clone()]);
                assert!(by_steps.to_string().ends_with(expected), "assert {about}: {by_steps}");
            }
            session.vm().set_gc_stress(false);
        }
        check(&mut session, &function, place);
    }
    calmly(|| drop(session));
}

#[test]
fn an_output_that_panics_below_a_native_that_calls_back() {
    let builder = builder().native("h.twice", |cx: &mut Cx<'_>, f: Func<(i64,), i64>| f.call(cx, (1,)));
    let mut session = session_of(builder);
    let text = "import h\nlet r = []\n\
        for i in 0..3 { try { h.twice(|x| { print(\"!\"); x }) } catch e { r.push(e.message) } }\n\
        let g = []\nfor i in 0..200000 { g.push([i]) }\nr.push(\"${g.len()}\")\nr";
    let ran = session.run(&Input::text("a.qp", text)).unwrap();
    let said = "the output: the host's function panicked: write";
    assert_eq!(session.get::<Vec<String>>(&ran).unwrap(), [said, said, said, "200000"]);
    let ran = session.run(&Input::text("b.qp", "let g = []\nfor i in 0..200000 { g.push([i]) }\ng.len()")).unwrap();
    assert_eq!(session.get::<i64>(&ran).unwrap(), 200_000);
    calmly(|| drop(session));
}

/// A machine whose natives are those of a library: nothing catches their panics.
fn unguarded() -> (Engine, Vm) {
    fn back<'v>(cx: &mut Cx<'v>, arguments: &[Value<'v>]) -> Outcome<'v> {
        cx.call(arguments[0], &[])
    }
    // The engine is only for its compiler.
    let engine = builder().native("shield", || ()).build().unwrap();
    let mut library = quipu::stdlib::library(&quipu::stdlib::Grant::pure());
    for native in
        [NativeDef::new("plain", 0, plain), NativeDef::new("relay", 1, back), NativeDef::new("enter", 1, back)]
    {
        library.natives.insert(native.name.clone(), Arc::new(native));
    }
    // What passes through the others ends in this one.
    library.natives.insert("shield".to_owned(), Arc::new(NativeDef::new("shield", 1, back).of_host()));
    let vm = Vm::new(Arc::new(library), Limits { heap: Some(256 << 20), ..Limits::default() }).unwrap();
    (engine, vm)
}

fn function_of(engine: &Engine, vm: &mut Vm, text: &str) -> Root {
    let program = engine.compile(&Input::text("t.qp", text)).unwrap_or_else(|error| panic!("assert {error}"));
    let main = vm.instantiate(&program.modules.last().unwrap().unit.main, &[]).unwrap();
    let exports = vm.call(&main, &[]).unwrap();
    vm.tuple_item(&exports, 0).unwrap()
}

#[test]
fn a_panic_that_nothing_catches_leaves_a_whole_machine() {
    let (engine, mut vm) = unguarded();
    let function = function_of(&engine, &mut vm, USE);
    let list = function_of(&engine, &mut vm, "|| []");
    let mut bytes = 0;
    for round in 0..4 {
        for context in CONTEXTS {
            let text = format!(
                "|seen, kept| {{ let X = || {{ kept.push(fiber(|| plain())); kept[kept.len() - 1].resume() }}\n\
                 type P(x) {{ fn eq(self, o) = X()\nfn str(self) = X() }}\n\
                 try {{ {context} }} catch e {{ seen.push(4) }} }}"
            );
            let failing = function_of(&engine, &mut vm, &text);
            for stress in [false, true] {
                vm.set_gc_stress(stress);
                for way in 0..4 {
                    let (seen, kept) = (vm.call(&list, &[]).unwrap(), vm.call(&list, &[]).unwrap());
                    let arguments = [seen.clone(), kept.clone()];
                    let panicked = catch_unwind(AssertUnwindSafe(|| match way {
                        0 => vm.call(&failing, &arguments).map(|_| ()),
                        1 => vm.invoke::<_, ()>(&failing, (&seen, &kept)),
                        2 => vm.enter(|cx| {
                            let arguments = [cx.rooted(&arguments[0])?, cx.rooted(&arguments[1])?];
                            let failing = cx.rooted(&failing)?;
                            cx.call(failing, &arguments).map(|_| ())
                        }),
                        _ => Err(in_steps(&mut vm, &failing, &arguments)),
                    }));
                    let about = format!("{context} {stress} {way}");
                    // `invoke` has a door of its own, for conversions.
                    assert_eq!(panicked.is_err(), way != 1, "assert {about}");
                    assert!(vm.get::<Vec<i64>>(&seen).unwrap().is_empty(), "assert {about}");
                    // The fiber is over, unless an `atomic` has put everything back.
                    let done = function_of(&engine, &mut vm, "|kept| kept.map(|f| f.done())");
                    let done: Vec<bool> = vm.invoke(&done, (&kept,)).unwrap();
                    let expected: &[bool] = if context.contains("atomic") { &[] } else { &[true] };
                    assert_eq!(done, expected, "assert {about}");
                }
                vm.set_gc_stress(false);
            }
        }
        check(&mut vm, &function, "unguarded");
        vm.set_gc_stress(true);
        vm.call(&list, &[]).unwrap();
        vm.set_gc_stress(false);
        // Nothing of what was given up stays.
        match round {
            0 => bytes = vm.stats().heap_bytes,
            _ => assert!(vm.stats().heap_bytes < bytes + 20_000, "assert {bytes} {}", vm.stats().heap_bytes),
        }
    }
}

#[test]
fn fibers_that_panics_have_ended_are_freed() {
    let (engine, mut vm) = unguarded();
    let failing = function_of(&engine, &mut vm, "|| relay(|| fiber(|| relay(|| plain())).resume())");
    let mut panicked = |times: u32| {
        for _ in 0..times {
            assert!(catch_unwind(AssertUnwindSafe(|| vm.call(&failing, &[]))).is_err(), "assert it panics");
        }
        vm.set_gc_stress(true);
        let _ = catch_unwind(AssertUnwindSafe(|| vm.call(&failing, &[])));
        vm.set_gc_stress(false);
        vm.stats().heap_bytes
    };
    let (few, many) = (panicked(10), panicked(2_000));
    assert!(many < few + 20_000, "assert {few} {many}");
}

#[test]
fn a_panic_that_is_caught_further_out_leaves_a_whole_program() {
    let (engine, mut vm) = unguarded();
    let function = function_of(&engine, &mut vm, USE);
    for context in CONTEXTS {
        let text = format!(
            "|n| {{ let seen = []\nlet X = || plain()\ntype P(x) {{ fn eq(self, o) = X()\nfn str(self) = X() }}\n\
             var tries = 0\nlet fails = || {{ tries += n; {context} }}\n\
             let told = [1, 2].map(|_| try {{ shield(fails) }} catch e {{ e.message }})\n(told, tries, seen.len()) }}"
        );
        let program = function_of(&engine, &mut vm, &text);
        for stress in [false, true] {
            vm.set_gc_stress(stress);
            let (told, tries, seen): (Vec<String>, i64, i64) = vm.invoke(&program, (7,)).unwrap();
            let said = "shield: the host's function panicked: plain";
            assert_eq!((told, tries, seen), (vec![said.to_owned(); 2], 14, 0), "assert {context} {stress}");
        }
        vm.set_gc_stress(false);
    }
    check(&mut vm, &function, "further out");
}

#[test]
fn what_panics_when_it_is_freed_is_freed() {
    let mut session = session_of(builder());
    let function = session.run(&Input::text("use.qp", USE)).unwrap();
    let heavy = "for i in 0..300 { Heavy(); try { fail(false) } catch e { nil } }";
    let text = format!("|| {{ {heavy}\nrelay(|| {{ {heavy} }})\nfiber(|| atomic(|| {{ {heavy} }})).resume()\n1 }}");
    let make = session.run(&Input::text("t.qp", text)).unwrap();
    for stress in [false, true] {
        session.vm().set_gc_stress(stress);
        assert_eq!(session.invoke::<_, i64>(&make, ()).unwrap(), 1);
        check(&mut session, &function, "freed");
    }
    session.set_output(Box::new(Output));
    session.set_output(Box::new(Output));
    check(&mut session, &function, "output");
    let kept = session.run(&Input::text("t.qp", "[Heavy(), Heavy(), Thing(1)]")).unwrap();
    drop((kept, session));
}

#[test]
fn what_natives_hold_may_panic_when_it_is_dropped() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Held;
    impl Drop for Held {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            panic_any(Angry(2));
        }
    }
    let holding = |_: &str| {
        let held = Held;
        move || {
            let _ = &held;
            1
        }
    };
    struct Travels;
    impl HostType for Travels {
        fn class() -> Class<Travels> {
            let (saving, loading) = (Held, Held);
            let save = move |_: &Travels| {
                let _ = &saving;
                Vec::new()
            };
            let load = move |_: &[u8]| {
                let _ = &loading;
                Ok::<_, io::Error>(Travels)
            };
            Class::new("Travels").constructor(|| Travels).portable(save, load)
        }
    }
    let builder = builder().native("one", holding("one")).native("two", holding("two")).class::<Travels>();
    let mut session = session_of(builder);
    let ran = session.run(&Input::text("t.qp", "if Travels() is Travels { one() + two() }")).unwrap();
    assert_eq!(session.get::<i64>(&ran).unwrap(), 2);
    let dropped = catch_unwind(AssertUnwindSafe(|| drop((ran, session))));
    let is_over = dropped.is_ok();
    // What it would have thrown panics when it is dropped.
    std::mem::forget(dropped);
    assert!(is_over, "assert nothing is thrown");
    assert_eq!(DROPPED.load(Ordering::Relaxed), 4);
}

#[test]
fn conversions_for_the_host_fail() {
    let mut session = session_of(builder());
    let function = session.run(&Input::text("use.qp", USE)).unwrap();
    let same = session.run(&Input::text("t.qp", "|x = 0| x")).unwrap();
    let one = session.vm().int(1);
    let said = |failure: Failure| failure.to_string();
    let list = calmly(|| ListOf::<Bad>::new(&mut session, [Bad]).unwrap());
    let map = MapOf::<i64, Bad>::new(&mut session, []).unwrap();
    for (given, expected) in [
        (said(session.make(Bad).unwrap_err()), "error: into_value: the host's function panicked: into_value"),
        (said(session.get::<Bad>(&one).err().unwrap()), "error: from_value: the host's function panicked: from_value"),
        (
            said(session.invoke::<_, i64>(&same, (Bad,)).unwrap_err()),
            "error: invoke: the host's function panicked: into_value",
        ),
        (
            said(session.invoke::<_, Bad>(&same, (1,)).err().unwrap()),
            "error: invoke: the host's function panicked: from_value",
        ),
        (
            said(list.push(&mut session, Bad).unwrap_err()),
            "error: into_value: the host's function panicked: into_value",
        ),
        (said(list.get(&mut session, 0).err().unwrap()), "error: from_value: the host's function panicked: from_value"),
        (
            said(map.insert(&mut session, 1, Bad).unwrap_err()),
            "error: into_value: the host's function panicked: into_value",
        ),
        (session.vm().flush().unwrap_err().to_string(), "the output: the host's function panicked: flush"),
    ] {
        assert_eq!(given, expected);
    }
    check(&mut session, &function, "conversions");
    // The limit of the heap holds again.
    session.set_limits(Limits { heap: Some(2 << 20), fuel: Some(1 << 24), ..Limits::default() });
    assert!(session.make(Bad).is_err());
    let error = session.run(&Input::text("t.qp", "let g = []\nwhile true { g.push([1]) }")).err().unwrap();
    assert_eq!(error.to_string(), "the heap is full");
    // A panic of the closure itself is the host's own.
    let panicked = catch_unwind(AssertUnwindSafe(|| session.enter(|_| -> Result<(), _> { panic!("mine") })));
    assert!(panicked.is_err());
    session.set_limits(Limits::default());
    check(&mut session, &function, "enter");
    calmly(|| drop(session));
}

struct Table;

impl CodeTable for Table {
    fn code(&self, _: &CodeHash) -> Option<Code> {
        panic!("table")
    }
}

#[test]
fn who_helps_with_images_panics() {
    let mut session = session_of(builder());
    let function = session.run(&Input::text("use.qp", USE)).unwrap();
    let value = session.run(&Input::text("t.qp", "let xs = list(0..1000)\n|| xs.len()")).unwrap();
    let image = session.vm().image(&value).unwrap();
    let bytes = image.dump(Form::default());
    let progress = || Progress::new(|_, _| panic!("listener"));
    let expected = "progress: the host's function panicked: listener";
    let error = session.vm().image_with_progress(&value, &mut progress()).err().unwrap();
    assert_eq!(error.to_string(), format!("image_error: {expected}"));
    let error = session.vm().load_with_progress(&image, &mut progress()).err().unwrap();
    assert_eq!(error.to_string(), format!("image_error: {expected}"));
    let opened = Image::parse_with_progress(bytes.as_slice(), &(), &mut progress());
    assert_eq!(opened.err().unwrap().to_string(), expected);
    let thin = image.dump(Form { thin: true, strip: false });
    let opened = Image::parse(thin.as_slice(), &Table);
    assert_eq!(opened.err().unwrap().to_string(), "the code table: the host's function panicked: table");
    let loaded = session.vm().load(&Image::parse(thin.as_slice(), &session_codes(&image)).ok().unwrap()).unwrap();
    assert_eq!(session.invoke::<_, i64>(&loaded, ()).unwrap(), 1000);
    check(&mut session, &function, "images");
    calmly(|| drop(session));
}

fn session_codes(image: &Image) -> HashMap<CodeHash, Code> {
    image.codes().iter().map(|code| (code.hash(), code.clone())).collect()
}

#[cfg_attr(not(feature = "report"), allow(dead_code, reason = "what it does is told by reports"))]
struct Lost(&'static str);

impl Resolver for Lost {
    fn locate(&self, _: Option<&Location>, path: &str) -> Option<Location> {
        if self.0 == "locate" {
            explode("locate");
        }
        Some(Location { id: path.to_owned(), name: path.to_owned() })
    }

    fn read(&self, _: &Location) -> io::Result<Vec<u8>> {
        if self.0 == "read" {
            explode("read");
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn candidates(&self, _: Option<&Location>, _: &str) -> Vec<String> {
        explode("candidates");
        Vec::new()
    }
}

#[cfg(feature = "report")]
#[test]
fn a_resolver_that_panics_finds_nothing() {
    for at in ["locate", "read", "candidates"] {
        let mut session = session_of(builder().resolver(Lost(at)));
        let function = session.run(&Input::text("use.qp", USE)).unwrap();
        let error = session.run(&Input::text("t.qp", "import \"./other\"\n1")).err().unwrap();
        let text = session.report(&error);
        assert_eq!(text.contains("the resolver panicked"), at != "candidates", "{text}");
        let error = session.run(&Input::file("t.qp")).err().unwrap().to_string();
        assert_eq!(error.contains(&format!("the resolver panicked: {at}")), at != "candidates", "{error}");
        check(&mut session, &function, at);
        calmly(|| drop(session));
    }
}

#[test]
fn a_machine_that_met_many_panics_does_much() {
    let mut session = session_of(builder());
    let function = session.run(&Input::text("use.qp", USE)).unwrap();
    let text = "let f = |n| if n == 0 { boom() } else { relay(|| atomic(|| fiber(|| f(n - 1)).resume())) }\n\
        |n| { var caught = 0; for i in 0..n { try { f(3) } catch e { caught += 1 } }; caught }";
    let text = text.replace("let f = |n|", "fn f(n) =");
    let many = session.run(&Input::text("t.qp", text)).unwrap();
    assert_eq!(session.invoke::<_, i64>(&many, (2_000,)).unwrap(), 2_000);
    check_with(&mut session, &function, "many", 200_000);
    calmly(|| drop(session));
}

#[cfg(feature = "async")]
mod later {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Panics when it is asked so often, or is ready then and panics when it is dropped.
    struct Turns(u32, bool);

    impl Future for Turns {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            if self.0 == 0 {
                if self.1 {
                    explode("poll");
                }
                return Poll::Ready(());
            }
            self.0 -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }

    impl Drop for Turns {
        fn drop(&mut self) {
            if !self.1 {
                explode("future dropped");
            }
        }
    }

    fn call(session: &mut Session, text: &str, polls: u32) -> Option<String> {
        let function = session.run(&Input::text("<t>", text)).unwrap();
        let given = {
            let mut future = pin!(session.vm().call_async::<_, Root>(&function, ()));
            let mut context = Context::from_waker(Waker::noop());
            (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
                Poll::Ready(given) => Some(given),
                Poll::Pending => None,
            })
        };
        given.map(|given| match given {
            Ok(value) => session.repr(&value).unwrap(),
            Err(failure) => failure.to_string(),
        })
    }

    #[test]
    fn natives_with_later_results_panic() {
        let builder = builder()
            .async_native("begin", || {
                explode("begin");
                async {}
            })
            .async_native("poll", |turns: u32| Turns(turns, true))
            .async_native("dropped", |turns: u32| Turns(turns, false))
            .async_native("answer", || async { Bad });
        let mut session = session_of(builder);
        let function = session.run(&Input::text("use.qp", USE)).unwrap();
        for (text, expected) in [
            ("begin()", "begin: the host's function panicked: begin"),
            ("poll(0)", "poll: the host's function panicked: poll"),
            ("poll(3)", "poll: the host's function panicked: poll"),
            ("answer()", "answer: the host's function panicked: into_value"),
            ("dropped(0)", "dropped: the host's function panicked: future dropped"),
            ("dropped(2)", "dropped: the host's function panicked: future dropped"),
        ] {
            for stress in [false, true] {
                session.vm().set_gc_stress(stress);
                let (caught, expected) = (format!("{expected:?}"), format!("error: {expected}"));
                assert_eq!(
                    call(&mut session, &format!("|| try {{ {text} }} catch e {{ e.message }}"), 100),
                    Some(caught)
                );
                let fiber = format!("|| {{ let x = fiber(|| {{ let y = {text}; y }}).resume(); x }}");
                assert_eq!(call(&mut session, &fiber, 100), Some(expected.clone()), "{text}");
                assert_eq!(call(&mut session, &format!("|| {text}"), 100), Some(expected));
                // Dropped before it is over.
                call(&mut session, &format!("|| {text}"), 1);
            }
            check(&mut session, &function, text);
        }
        calmly(|| drop(session));
    }
}
