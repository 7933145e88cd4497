//! The time by which deadlines are kept and watched machines are measured. The machine asks the clock that its library has,
//! and nobody else asks the system.

use std::fmt::Debug;
use std::ops::Add;
use std::time::Duration;

/// A moment on a clock: how much time had gone by on it since its beginning.
///
/// ```
/// use std::time::Duration;
///
/// use quipu_vm::Moment;
///
/// let soon = Moment::now() + Duration::from_secs(10);
/// assert!(soon > Moment::now() && soon.since(Moment::now()) <= Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Moment(Duration);

/// What says how late it is: the system, unless a host hands a machine another ([`Library::clock`](crate::library::Library)).
pub trait Clock: Debug + Send + Sync {
    /// The time. It never goes back.
    fn now(&self) -> Moment;
}

impl Moment {
    /// Now, by the system's clock, which begins when this process first looks at it. On targets whose standard library has no
    /// clock (`wasm32-unknown-unknown`) it stands still: there a host hands in its own.
    pub fn now() -> Moment {
        system()
    }

    /// So much after a clock began.
    pub const fn after(time: Duration) -> Moment {
        Moment(time)
    }

    /// How much time lies between an earlier moment and this: none if that was later.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    /// The moment so much later, or the end of all time if that is beyond it.
    fn add(self, time: Duration) -> Moment {
        Moment(self.0.saturating_add(time))
    }
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn system() -> Moment {
    use std::sync::LazyLock;
    use std::time::Instant;

    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Moment(BEGUN.elapsed())
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn system() -> Moment {
    Moment::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_no_bounds_that_anybody_meets() {
        let (early, late) = (Moment::after(Duration::from_secs(1)), Moment::after(Duration::from_secs(3)));
        assert_eq!((late.since(early), early.since(late)), (Duration::from_secs(2), Duration::ZERO));
        assert_eq!(late + Duration::MAX, Moment::after(Duration::MAX));
        let first = Moment::now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(Moment::now().since(first) >= Duration::from_millis(2));
    }
}
