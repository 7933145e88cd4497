//! Programs that never end by themselves are stopped by their fuel, whatever they spend it on.

use quipu::vm::{Failure, Limits, Stop};
use quipu::{Engine, Error, Input};

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
