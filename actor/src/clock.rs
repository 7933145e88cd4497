//! The time by which something is decided: who idles, who is late, what may happen how often. It is handed in, and nobody
//! else asks the system, so that tests can have a time that they move by hand.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use quipu_vm::Moment;

/// How much time has gone by since it was made. It never goes back.
#[derive(Clone)]
pub struct ServerClock(Arc<Time>);

/// Moves the clock that was made with it, which stands still otherwise.
#[derive(Clone)]
pub struct Hand(ServerClock);

enum Time {
    /// By the system, since then.
    System(Instant),
    /// By hand.
    Moved(Mutex<Moved>),
}

#[derive(Default)]
struct Moved {
    now: Duration,
    /// Who wants to know when it has moved.
    waiting: Vec<Waker>,
}

impl ServerClock {
    /// One that goes only when its hand is moved. A call that is carried out meanwhile has its
    /// [time](crate::node::NodeOptions::time) by the system's clock all the same, at which machines look.
    pub fn by_hand() -> (ServerClock, Hand) {
        let clock = ServerClock(Arc::new(Time::Moved(Mutex::default())));
        (clock.clone(), Hand(clock))
    }

    /// The time.
    pub fn now(&self) -> Duration {
        match &*self.0 {
            Time::System(begun) => begun.elapsed(),
            Time::Moved(moved) => lock(moved).now,
        }
    }

    /// How much has gone by since that time.
    pub(crate) fn since(&self, time: Duration) -> Duration {
        self.now().saturating_sub(time)
    }

    /// The end of something that may take so long, for machines.
    pub(crate) fn deadline(&self, time: Duration) -> Moment {
        Moment::now() + time
    }

    /// Waits on this thread until that time has come, or somebody unparks it.
    pub(crate) fn park_until(&self, time: Duration) {
        match &*self.0 {
            Time::System(begun) => std::thread::park_timeout(time.saturating_sub(begun.elapsed())),
            Time::Moved(moved) => {
                let waker = Waker::from(Arc::new(Parked(std::thread::current())));
                if !has_come(moved, time, &waker) {
                    std::thread::park();
                    lock(moved).waiting.retain(|waiting| !waiting.will_wake(&waker));
                }
            }
        }
    }

    /// Waits until that time has come.
    pub(crate) async fn until(&self, time: Duration) {
        match &*self.0 {
            Time::System(begun) => match begun.checked_add(time) {
                Some(end) => tokio::time::sleep_until(end.into()).await,
                None => pending().await,
            },
            Time::Moved(moved) => {
                poll_fn(|cx| match has_come(moved, time, cx.waker()) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                })
                .await;
            }
        }
    }

    /// Does something, unless it takes longer than that.
    pub(crate) async fn within<T>(&self, time: Duration, action: impl Future<Output = T>) -> Option<T> {
        let end = self.now().saturating_add(time);
        tokio::select! {
            biased;
            done = action => Some(done),
            () = self.until(end) => None,
        }
    }
}

impl Hand {
    /// The time.
    pub fn now(&self) -> Duration {
        self.0.now()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        if let Time::Moved(moved) = &*self.0.0 {
            let waiting = {
                let mut moved = lock(moved);
                moved.now = moved.now.saturating_add(by);
                std::mem::take(&mut moved.waiting)
            };
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

/// Whether that time has come; if not, it is told when the clock has moved.
fn has_come(moved: &Mutex<Moved>, time: Duration, waker: &Waker) -> bool {
    let mut moved = lock(moved);
    let has_come = moved.now >= time;
    if !has_come && !moved.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
        moved.waiting.push(waker.clone());
    }
    has_come
}

fn lock(moved: &Mutex<Moved>) -> MutexGuard<'_, Moved> {
    moved.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread that waits.
struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Parked>) {
        self.0.unpark();
    }
}

impl Default for ServerClock {
    /// The system's, from now on.
    fn default() -> ServerClock {
        ServerClock(Arc::new(Time::System(Instant::now())))
    }
}

impl fmt::Debug for ServerClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerClock").field(&self.now()).finish()
    }
}

impl fmt::Debug for Hand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hand").field(&self.0.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_clock_goes_as_its_hand_is_moved() {
        let (clock, hand) = ServerClock::by_hand();
        assert_eq!((clock.now(), clock.since(SECOND)), (Duration::ZERO, Duration::ZERO));
        hand.advance(3 * SECOND);
        assert_eq!((clock.now(), clock.since(SECOND)), (3 * SECOND, 2 * SECOND));
        hand.advance(Duration::MAX);
        assert_eq!(clock.now(), Duration::MAX);
    }

    #[test]
    fn a_thread_waits_until_its_time_has_come() {
        let (clock, hand) = ServerClock::by_hand();
        let other = clock.clone();
        let waiter = std::thread::spawn(move || {
            let mut looks = 0;
            while other.now() < 1000 * SECOND {
                other.park_until(1000 * SECOND);
                looks += 1;
            }
            looks
        });
        (0..1000).for_each(|_| hand.advance(SECOND));
        // It was woken by every move at most.
        assert!(waiter.join().unwrap() <= 1001);
        let Time::Moved(moved) = &*clock.0 else { panic!("it is moved by hand") };
        assert!(lock(moved).waiting.is_empty());
    }

    #[test]
    fn what_takes_too_long_is_given_up() {
        let (clock, hand) = ServerClock::by_hand();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            assert_eq!(clock.within(SECOND, async { 7 }).await, Some(7));
            let (given_up, ()) = tokio::join!(clock.within(SECOND, pending::<()>()), async { hand.advance(SECOND) });
            assert_eq!(given_up, None);
            assert_eq!(ServerClock::default().within(Duration::MAX, async { 8 }).await, Some(8));
            assert_eq!(ServerClock::default().within(Duration::ZERO, pending::<()>()).await, None);
        });
    }
}
