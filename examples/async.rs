//! Functions of the host that have their results later. The program just calls them; any executor will do.
//!
//! ```sh
//! cargo run --example async
//! ```

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io::{self, Write};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use quipu::vm::Limits;
use quipu::{Engine, Input};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor: it waits for one future. Programs for real have one of a library.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}

/// Is ready after a while, told by a thread.
async fn sleep(time: Duration) {
    let end = Instant::now() + time;
    poll_fn(|context| {
        let now = Instant::now();
        if now >= end {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        thread::spawn(move || {
            thread::sleep(end - now);
            waker.wake();
        });
        Poll::Pending
    })
    .await;
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let engine = Engine::builder()
        .async_native("http.get", |path: String| async move {
            sleep(Duration::from_millis(5)).await;
            match path.as_str() {
                "/users" => Ok("ann,bob".to_owned()),
                _ => Err(io::Error::other(format!("404 for {path}"))),
            }
        })
        .build()?;
    let mut session = engine.session(Limits::default())?;
    // No `await` in the program: it waits inside of library functions, loops and fibers alike.
    let source = r#"
import http
|paths| paths.map(|path| try { http.get(path).split(",") } catch e { e.message })
"#;
    let fetch = session.run(&Input::text("fetch.qp", source))?;
    let paths = vec!["/users".to_owned(), "/orders".to_owned()];
    let all = block_on(session.vm().call_async::<_, quipu::vm::Root>(&fetch, (paths,)))?;
    writeln!(out, "{}", session.repr(&all)?)?;
    Ok(())
}
