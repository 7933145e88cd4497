//! Runs in steps: what the host sees of them, and what programs see that are given one.

use quipu::vm::image::{Form, Image};
use quipu::vm::{Budget, Failure, Limits, Root, Run, Step, Stop};
use quipu::{Engine, Input, Session};

fn session() -> Session {
    Engine::new().session(Limits::default()).unwrap()
}

fn function(session: &mut Session, text: &str) -> Root {
    session.run(&Input::text("<test>", text)).unwrap()
}

fn start(session: &mut Session, text: &str) -> Run {
    let function = function(session, text);
    session.vm().start(&function, &[]).unwrap()
}

/// The step as text: `out`, `= value`, `yield value`, or the error.
fn step(session: &mut Session, run: &mut Run, budget: Budget) -> String {
    let step = session.vm().step(run, budget);
    text(session, step)
}

fn text(session: &mut Session, step: Result<Step, Failure>) -> String {
    match step {
        Ok(Step::Done(value)) => format!("= {}", session.vm().repr(&value).unwrap()),
        Ok(Step::Yield(value)) => format!("yield {}", session.vm().repr(&value).unwrap()),
        Ok(Step::OutOfBudget) => "out".to_owned(),
        Ok(other) => format!("{other:?}").to_lowercase(),
        Err(failure) => format!("{failure:?}"),
    }
}

const SUM: &str = "fn sum(n = 1000) { var s = 0\n for i in 0..n { s += i }\n s }\nsum";

#[test]
fn fuel_runs_out_and_the_run_goes_on() {
    let mut session = session();
    let mut run = start(&mut session, SUM);
    let mut steps = 0;
    let last = loop {
        let before = session.vm().stats().fuel_used;
        let step = step(&mut session, &mut run, Budget::Fuel(10));
        let used = session.vm().stats().fuel_used - before;
        if step != "out" {
            assert!(used <= 10);
            break step;
        }
        assert_eq!(used, 10);
        steps += 1;
    };
    assert_eq!((last.as_str(), steps), ("= 499500", 99));
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "fiber_error: the fiber is done");
}

#[test]
fn no_fuel_is_no_step() {
    let mut session = session();
    let mut run = start(&mut session, SUM);
    for _ in 0..3 {
        assert_eq!(step(&mut session, &mut run, Budget::Fuel(0)), "out");
        assert_eq!(step(&mut session, &mut run, Budget::Instructions(0)), "out");
    }
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "= 499500");
}

#[test]
fn several_runs_take_turns() {
    let mut session = session();
    let sum = function(&mut session, SUM);
    let mut runs: Vec<Run> = (0..20)
        .map(|n| {
            let n = session.vm().int(n * 50);
            session.vm().start(&sum, &[n]).unwrap()
        })
        .collect();
    let mut results = vec![None; runs.len()];
    while results.iter().any(Option::is_none) {
        for (run, result) in runs.iter_mut().zip(&mut results) {
            if result.is_none() {
                let step = step(&mut session, run, Budget::Fuel(7));
                *result = (step != "out").then_some(step);
            }
        }
    }
    let expected: Vec<_> = (0..20i64).map(|n| Some(format!("= {}", n * 50 * (n * 50 - 1) / 2))).collect();
    assert_eq!(results, expected);
}

#[test]
fn yields_come_to_the_host_and_values_go_back() {
    let mut session = session();
    let mut run = start(&mut session, "|| { let a = yield 1\n let b = [2].map(|x| yield x)\n [a, b] }");
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "yield 1");
    let ten = session.vm().int(10);
    let sent = session.vm().resume(&mut run, &ten, Budget::Unlimited);
    assert_eq!(text(&mut session, sent), "yield 2");
    let eleven = session.vm().int(11);
    let sent = session.vm().resume(&mut run, &eleven, Budget::Unlimited);
    assert_eq!(text(&mut session, sent), "= [10, [11]]");
}

#[test]
fn arguments_defaults_and_natives() {
    let mut session = session();
    let add = function(&mut session, "fn add(a, b = 2, ..rest) = [a, b, rest]\nadd");
    let one = session.vm().int(1);
    let mut run = session.vm().start(&add, std::slice::from_ref(&one)).unwrap();
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "= [1, 2, []]");
    assert!(session.vm().start(&add, &[]).is_err_and(|e| format!("{e:?}").starts_with("arity_error")));
    let native = function(&mut session, "len");
    let text = session.vm().string("four");
    let mut run = session.vm().start(&native, &[text]).unwrap();
    assert_eq!(step(&mut session, &mut run, Budget::Fuel(0)), "= 4");
    assert!(session.vm().start(&one, &[]).is_err_and(|e| format!("{e:?}").contains("cannot be called")));
}

#[test]
fn what_is_thrown_ends_the_run_and_nothing_else() {
    let mut session = session();
    let mut run = start(&mut session, "|| { let f = fiber(|| throw \"no\")\n f.resume() }");
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "uncaught value: \"no\"");
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "fiber_error: the fiber is done");
    let mut run = start(&mut session, SUM);
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "= 499500");
}

#[test]
fn a_limit_of_the_machine_ends_the_run() {
    let mut session = session();
    let mut run = start(&mut session, "|| { while true {} }");
    session.vm().set_limits(Limits { fuel: Some(1000), ..Limits::default() });
    let stopped = session.vm().step(&mut run, Budget::Unlimited);
    assert!(matches!(stopped, Err(Failure::Stop(Stop::Fuel, _))));
    session.vm().set_limits(Limits::default());
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "fiber_error: the fiber is done");
}

#[test]
fn an_interrupted_run_goes_on() {
    let mut session = session();
    let mut run = start(&mut session, SUM);
    session.vm().interrupt_handle().interrupt();
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "interrupted");
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "= 499500");
}

#[test]
fn no_stop_inside_atomic_or_below_a_native() {
    let mut session = session();
    let text = "
        type Key(n) { fn eq(self, o) { for i in 0..100 { }\n self.n == o.n }\n fn hash(self) = 0 }
        || {
            let xs = []
            let m = [:]
            for k in 0..3 { m[Key(k)] = k }
            atomic(|| { for i in 0..100 { xs.push(i) } })
            xs.len() + m.len()
        }";
    let mut run = start(&mut session, text);
    let mut steps = 0;
    let last = loop {
        let step = step(&mut session, &mut run, Budget::Instructions(1));
        if step != "out" {
            break step;
        }
        steps += 1;
        // Wherever it stops it can be saved.
        session.vm().image(run.fiber()).unwrap();
    };
    assert_eq!(last, "= 103");
    assert!(steps > 30, "{steps}");
}

#[test]
fn a_run_in_an_image_brings_its_fibers_along() {
    let engine = Engine::new();
    let mut session = engine.session(Limits::default()).unwrap();
    let text = "
        fn numbers(n) { for i in 0..n { yield i }\n \"end\" }
        fn relay(f) { for x in f { yield x * 2 }\n 7 }
        || {
            let f = fiber(|| relay(fiber(|| numbers(30))))
            var s = 0
            for x in f { s += x }
            s
        }";
    let mut run = start(&mut session, text);
    let mut pieces = 0;
    let value = loop {
        match step(&mut session, &mut run, Budget::Instructions(3)).as_str() {
            "out" => {}
            other => break other.to_owned(),
        }
        pieces += 1;
        let image = session.vm().image(run.fiber()).unwrap();
        let opened = Image::parse(image.dump(Form::default()), &()).unwrap();
        session = engine.session(Limits::default()).unwrap();
        let fiber = session.vm().load(&opened).unwrap();
        run = session.vm().run_of(&fiber).unwrap();
    };
    assert_eq!(value, "= 870");
    assert!(pieces > 90, "{pieces}");
}

#[test]
fn a_program_resumes_a_run_that_was_stopped() {
    let mut session = session();
    let mut run =
        start(&mut session, "|| { let f = fiber(|| { var s = 0\n for i in 0..100 { s += i }\n s })\n f.resume() + 1 }");
    assert_eq!(step(&mut session, &mut run, Budget::Fuel(40)), "out");
    let resume = function(
        &mut session,
        "|f| { let undone = try { atomic(|| { f.resume()\n throw 1 }) } catch e { e }\n [undone, f.done(), f.resume(), f.done()] }",
    );
    let result = session.vm().call(&resume, &[run.fiber().clone()]).unwrap();
    assert_eq!(session.vm().repr(&result).unwrap(), "[1, false, 4951, true]");
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "fiber_error: the fiber is done");
}

#[test]
fn the_inner_fiber_of_a_stopped_run_belongs_to_it() {
    let mut session = session();
    let inner = function(&mut session, "fiber(|| { for i in 0..100 { }\n 5 })");
    let outer = function(&mut session, "|f| f.resume() + 1");
    let mut run = session.vm().start(&outer, std::slice::from_ref(&inner)).unwrap();
    assert_eq!(step(&mut session, &mut run, Budget::Fuel(40)), "out");
    let resume = function(&mut session, "|f| try { f.resume() } catch e { e.message }");
    let result = session.vm().call(&resume, std::slice::from_ref(&inner)).unwrap();
    assert_eq!(session.vm().repr(&result).unwrap(), "\"the fiber is running already\"");
    let mut part = session.vm().run_of(&inner).unwrap();
    assert_eq!(step(&mut session, &mut part, Budget::Unlimited), "fiber_error: the fiber is running already");
    // Its image has the whole run in it.
    let image = session.vm().image(&inner).unwrap();
    let again = session.vm().load(&image).unwrap();
    let mut part = session.vm().run_of(&again).unwrap();
    assert_eq!(step(&mut session, &mut part, Budget::Unlimited), "fiber_error: the fiber is running already");
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "= 6");
}

#[test]
fn a_stopped_run_survives_collections() {
    let mut session = session();
    session.vm().set_gc_stress(true);
    let mut run = start(
        &mut session,
        "|| { let xs = []\n for i in 0..50 { xs.push([i, \"${i}\"]) }\n xs.map(|x| x[1].len()).sum() }",
    );
    let mut other = start(&mut session, "|| { let ys = [:]\n for i in 0..50 { ys[i] = \"y${i}\" }\n ys.len() }");
    let (mut a, mut b) = ("out".to_owned(), "out".to_owned());
    while a == "out" || b == "out" {
        if a == "out" {
            a = step(&mut session, &mut run, Budget::Instructions(5));
        }
        if b == "out" {
            b = step(&mut session, &mut other, Budget::Instructions(3));
        }
    }
    assert_eq!((a.as_str(), b.as_str()), ("= 90", "= 50"));
}

#[test]
fn a_run_belongs_to_its_machine() {
    let (mut one, mut two) = (session(), session());
    let mut run = start(&mut one, SUM);
    assert_eq!(
        step(&mut two, &mut run, Budget::Unlimited),
        "value_error: a value of another machine was given to this one"
    );
    assert_eq!(step(&mut one, &mut run, Budget::Unlimited), "= 499500");
}

#[test]
fn depth_counts_over_all_fibers_of_a_run() {
    let mut session = session();
    let text = "
        fn down(n) = if n == 0 { for i in 0..100 {}\n 0 } else { 1 + down(n - 1) }
        || { let f = fiber(|| down(50))\n f.resume() }";
    let mut run = start(&mut session, text);
    assert_eq!(step(&mut session, &mut run, Budget::Fuel(80)), "out");
    session.vm().set_limits(Limits { depth: 20, ..Limits::default() });
    assert!(step(&mut session, &mut run, Budget::Unlimited).starts_with("stack_overflow"));
    session.vm().set_limits(Limits::default());
    assert_eq!(step(&mut session, &mut run, Budget::Unlimited), "= 50");
}
