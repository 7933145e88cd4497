//! Programs that never end by themselves are stopped by their fuel, whatever they spend it on.

use quipu::vm::host::Func;
use quipu::vm::{Cx, Failure, Limits, Stop};
use quipu::{Engine, Error, Input, Session};

const ENDLESS: &[&str] = &[
    "while true {}",
    // Calls in tail position that are not plain.
    "fn f(n, d = 1) = f(n)\nf(1)",
    "fn f(n, ..r) = f(n + 1)\nf(1)",
    "fn f(n, d = 1) = nil ?? f(n)\nf(1)",
    "fn f(n, d = 1) = match n { 0 => 0, _ => f(n) }\nf(1)",
    "fn f(n, d = 1) = try { throw n } catch e { f(e) }\nf(1)",
    "fn even(n, d = 1) = odd(n)\nfn odd(n, d = 1) = even(n)\neven(1)",
    "fn f(x) = f.call([x])\nf(1)",
    "fn f(..r) = f(..r)\nf(1, 2)",
    "type S(a) { fn m(self, n = 1) = self.m() }\nS(1).m()",
    "type S(a) { fn m(self, ..r) = self.m(..r) }\nS(1).m(2)",
    "type S(a) { fn call(self) = self() }\nS(1)()",
    // Calls that double at every level, none of which is a plain one.
    "fn f(n, d = 1) = if n == 0 { 0 } else { f(n - 1) + f(n - 1) }\nf(100)",
    "type S(n) { fn neg(self) = try { -self } catch _ { -self } }\n-S(1)",
    "type S(n) { fn add(self, o) = try { self + o } catch _ { self + o } }\nS(1) + S(2)",
    "type S(n) { fn eq(self, o) = try { self == o } catch _ { self == o } }\nS(1) == S(1)",
    "type S(n) { fn str(self) = try { str(self) } catch _ { str(self) } }\nstr(S(1))",
    "type S(n) { fn get(self, i) = try { self[i] } catch _ { self[i] } }\nS(1)[1]",
    // Iterators that give nothing but iterators.
    "type S(a) { fn iter(self) = self }\nfor x in S(1) {}",
    "type S(a) { fn iter(self) = S(self.a) }\nlist(S(1))",
    "type S(a) { fn iter(self) = S(self.a) }\n[..S(1)]",
    "type S(a) { fn iter(self) = T(self) }\ntype T(a) { fn iter(self) = self.a }\nfor x in S(1) {}",
    "import iter\ntype S(a) { fn iter(self) = self }\niter.of(S(1)).first()",
];

#[test]
fn fuel_ends_every_program_and_always_at_the_same_point() {
    let engine = Engine::new();
    for text in ENDLESS {
        let used = [(); 2].map(|()| {
            let mut session = engine.session(Limits { fuel: Some(300_000), ..Limits::default() }).unwrap();
            match session.run(&Input::text("endless.qp", *text)) {
                Err(Error::Failed(Failure::Stop(Stop::Fuel, _))) => session.vm().stats().fuel_used,
                Err(error) => panic!("{text}: {error}"),
                Ok(_) => panic!("{text}: it ends"),
            }
        });
        assert_eq!(used[0], used[1], "{text}");
        assert!(used[0].abs_diff(300_000) < 3_000, "{text}: {}", used[0]);
    }
}

#[test]
fn an_interrupt_ends_every_program() {
    let engine = Engine::new();
    for text in ENDLESS {
        let mut session = engine.session(Limits::default()).unwrap();
        let interrupt = session.vm().interrupt_handle();
        let ended = std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(20));
                interrupt.interrupt();
            });
            session.run(&Input::text("endless.qp", *text))
        });
        let stopped = matches!(ended, Err(Error::Failed(Failure::Stop(Stop::Interrupted, _))));
        assert!(stopped, "{text}: {:?}", ended.err().map(|error| error.to_string()));
    }
}

/// Garbage that is older than a native stays while the native calls back. A collection comes before that is all there is
/// room for.
#[test]
fn comparing_inside_of_lists_takes_no_more_room_than_outside() {
    let run = |heap: usize, comparison: &str| -> Result<(), String> {
        let text = format!(
            "type P(x) {{ fn eq(self, o) = self.x == o.x }}\n\
             var n = 0\nfor i in 0..10_000 {{ if {comparison} {{ n += 1 }} }}\nn"
        );
        let mut session = Engine::new().session(Limits { heap: Some(heap), ..Limits::default() }).unwrap();
        match session.run(&Input::text("<t>", text)) {
            Ok(value) => {
                assert_eq!(session.repr(&value).unwrap(), "10000");
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    };
    let mut limits: Vec<usize> = (10..60).map(|step| step * 3_001).collect();
    limits.extend((1..=40).map(|step| step * 100_003));
    for heap in limits {
        let outside = run(heap, "P(i) == P(i)");
        for inside in ["[P(i)] == [P(i)]", "[[P(i)], [P(i)]] == [[P(i)], [P(i)]]", "(1, P(i)) == (1, P(i))"] {
            assert_eq!(run(heap, inside), outside, "{heap} {inside}");
        }
        assert!(heap < 150_000 || outside.is_ok(), "{heap} {outside:?}");
    }
}

/// What a call back takes is garbage when it is over, and programs that live near their limit go on.
#[test]
fn calls_back_that_make_much_leave_room_for_the_next_one() {
    let text = "type P(x) { fn eq(self, o) { let waste = list(0..200); self.x == o.x and waste.len() == 200 } }\n\
        let kept = list(0..20_000)\n\
        var n = 0\nfor i in 0..3_000 { if [P(i), P(1)] == [P(i), P(1)] { n += 1 } }\n[n, kept.len()]";
    for heap in [600_000, 800_000, 1 << 20, 3 << 20] {
        let mut session = Engine::new().session(Limits { heap: Some(heap), ..Limits::default() }).unwrap();
        let value = session.run(&Input::text("<t>", text)).unwrap_or_else(|error| panic!("{heap}: {error}"));
        assert_eq!(session.repr(&value).unwrap(), "[3000, 20000]");
        let collections = session.vm().stats().collections;
        assert!(collections < 3_000, "{heap} {collections}");
    }
}

/// A function that cannot be made ready to run, because what it needs of the library cannot be loaded, has not begun: its
/// own handlers do not catch that.
#[test]
fn a_function_that_was_never_ready_catches_nothing() {
    let engine = Engine::builder()
        .native("h.call", |cx: &mut Cx<'_>, f: Func<(), i64>| f.call(cx, ()))
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    let text = "import h\nimport iter\nfn f() { try { iter.of([1]).count() } catch e { 100 } }\n\
                fn deep(n) = if n == 0 { f() } else { 1 + h.call(|| deep(n - 1)) }\n";
    let (mut done, mut failed) = (0, 0);
    for depth in 90..105 {
        let mut session = engine.session(Limits::default()).unwrap();
        let first = session.run(&Input::text("deep.qp", format!("{text}deep({depth})")));
        match first {
            Ok(value) => {
                assert_eq!(session.vm().repr(&value).unwrap(), (depth + 1).to_string());
                done += 1;
            }
            Err(error) => {
                assert!(error.to_string().contains("within one another"), "{error}");
                failed += 1;
            }
        }
        let after = session.run(&Input::text("after.qp", format!("{text}deep(3)"))).unwrap();
        assert_eq!(session.vm().repr(&after).unwrap(), "4");
    }
    assert!(done > 0 && failed > 1, "{done} done, {failed} failed");
}

/// Loading the library takes none of the program's depth, so it makes no difference when that is done.
#[test]
fn the_library_is_loaded_at_any_depth() {
    let engine = Engine::new();
    let text = "import iter\nfn f() { try { iter.of([1]).count() } catch e { e.kind } }\nf()";
    for depth in 1..30 {
        let run = |session: &mut Session| {
            let value = session.run(&Input::text("f.qp", text));
            value.map(|value| session.vm().repr(&value).unwrap()).map_err(|error| error.to_string())
        };
        let mut session = engine.session(Limits { depth, ..Limits::default() }).unwrap();
        let (first, second) = (run(&mut session), run(&mut session));
        assert_eq!(first, second, "with {depth} calls");
    }
}

/// The function of a fiber, and the `iter` of what another `iter` gave, are called from where there is no way back. If there
/// is no room for what they need, a collection makes it.
#[test]
fn calls_from_where_there_is_no_way_back_have_all_the_room_there_is() {
    let wide = format!("if n >= 0 {{ return [n] }}\n({})", "n, ".repeat(3_000));
    let fiber = format!("fn wide(n) {{ {wide} }}\nfn once(n) = fiber(wide).resume(n).len()");
    let iter = format!(
        "type Wide(n) {{ fn iter(self) {{ let n = self.n; {wide} }} }}\ntype Other(n) {{ fn iter(self) = Wide(self.n) }}\n\
         fn count(n) {{ var all = 0; for _ in Other(n) {{ all += 1 }}; all }}\nfn once(n) = fiber(count).resume(n)"
    );
    for functions in [fiber, iter] {
        let text =
            format!("{functions}\nvar all = 0\nfor i in 0..200 {{ all += once(i) + list(0..2_000).len() }}\nall");
        for heap in (200_000..400_000).step_by(10_007) {
            let mut session = Engine::new().session(Limits { heap: Some(heap), ..Limits::default() }).unwrap();
            let value = session.run(&Input::text("<t>", text.as_str()));
            let value = value.unwrap_or_else(|error| panic!("{heap}: {error}"));
            assert_eq!(session.repr(&value).unwrap(), "400200");
        }
    }
}
