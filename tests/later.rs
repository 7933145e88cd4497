//! Natives that have their results later, on an executor of a few lines.
#![cfg(feature = "async")]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use quipu::vm::host::{Host, Serde};
use quipu::vm::{Limits, Root};
use quipu::{Engine, Input, Session};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park_timeout(Duration::from_secs(5)),
        }
    }
}

/// Is ready after so many turns, each of which wakes from another thread.
struct Turns(u32);

impl Future for Turns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        let waker = context.waker().clone();
        thread::spawn(move || waker.wake());
        Poll::Pending
    }
}

static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

fn session() -> Session {
    let engine = Engine::builder()
        .async_native("fetch", |key: String, turns: Option<u32>| async move {
            Turns(turns.unwrap_or(2)).await;
            format!("<{key}>")
        })
        .async_native("fail", || async {
            Turns(1).await;
            Err::<i64, _>(std::io::Error::other("the line is dead"))
        })
        .async_native("never", || {
            ALIVE.fetch_add(1, Ordering::Relaxed);
            let counted = Counted;
            async move {
                let _counted = counted;
                std::future::pending::<()>().await;
            }
        })
        .native("relay", |cx: &mut quipu::vm::Cx<'_>, f: Root| cx.invoke::<_, Root>(&f, ()))
        .build()
        .unwrap();
    engine.session(Limits::default()).unwrap()
}

fn call(session: &mut Session, text: &str) -> String {
    let function = session.run(&Input::text("<t>", text)).unwrap();
    match block_on(session.vm().call_async::<_, Root>(&function, ())) {
        Ok(value) => session.repr(&value).unwrap(),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn results_come_later() {
    let mut session = session();
    for (text, expected) in [
        ("|| fetch(\"a\")", "\"<a>\""),
        ("|| { let a = fetch(\"a\"); let b = fetch(\"b\", 0); a + b }", "\"<a><b>\""),
        ("|| [\"x\", \"y\"].map(|k| fetch(k))", "[\"<x>\", \"<y>\"]"),
        ("|| { let f = fiber(|| { yield fetch(\"in\"); 1 }); [f.resume(), f.resume()] }", "[\"<in>\", 1]"),
        ("|| try { fail() } catch e { [e.kind, e.message] }", "[\"error\", \"the line is dead\"]"),
        ("|| { let x = fail(); x }", "error: the line is dead"),
        ("|| fail()", "error: the line is dead"),
        ("|| { var s = 0; for i in 0..300_000 { s += i }; [s, fetch(\"z\")] }", "[44999850000, \"<z>\"]"),
        (
            "|| atomic(|| fetch(\"a\"))",
            "error: fetch has its result later and cannot be called inside of atomic, in a special method or below a native that calls back",
        ),
        (
            "|| relay(|| fetch(\"a\"))",
            "error: fetch has its result later and cannot be called inside of atomic, in a special method or below a native that calls back",
        ),
        ("|| { yield 1 }", "fiber_error: yield outside of a fiber"),
        ("|| 1 + 1", "2"),
    ] {
        assert_eq!(call(&mut session, text), expected, "{text}");
    }
    let error = session.run(&Input::text("<t>", "fetch(\"a\")")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error: fetch has its result later and cannot be called where the host does not wait for it"
    );
}

#[test]
fn results_come_later_when_every_allocation_collects() {
    let mut session = session();
    session.vm().set_gc_stress(true);
    assert_eq!(
        call(&mut session, "|| { let xs = [[1], [2]]; xs.map(|x| [x, fetch(\"${x}\")]) }"),
        "[[[1], \"<[1]>\"], [[2], \"<[2]>\"]]"
    );
}

#[test]
fn a_call_that_is_dropped_is_over() {
    let mut session = session();
    let function = session.run(&Input::text("<t>", "|| { never(); 1 }")).unwrap();
    {
        let mut future = pin!(session.vm().call_async::<_, i64>(&function, ()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert_eq!(ALIVE.load(Ordering::Relaxed), 1);
    }
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
    assert_eq!(call(&mut session, "|| fetch(\"after\")"), "\"<after>\"");
}

#[test]
fn many_machines_on_threads() {
    let threads: Vec<_> = (0..4)
        .map(|n| {
            thread::spawn(move || {
                let mut session = session();
                let function = session
                    .run(&Input::text(
                        "<t>",
                        "|n| { var s = 0; for i in 0..50 { s += fetch(\"${i}\", 1).len() }; [s, n] }",
                    ))
                    .unwrap();
                let Serde(pair): Serde<(i64, i64)> = block_on(session.vm().call_async(&function, (n,)))
                    .map(|v: Serde<Vec<i64>>| Serde((v.0[0], v.0[1])))
                    .unwrap();
                pair
            })
        })
        .collect();
    for (n, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), (190, n as i64));
    }
}
