//! The time as a node sees it: what idles, and what may happen how often. Tests have one of their own.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a node has been there.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// One that says what this says, which must never go back.
    pub fn new(now: impl Fn() -> Duration + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// The time.
    pub fn now(&self) -> Duration {
        (self.0)()
    }
}

impl Default for Clock {
    /// The system's, from now on.
    fn default() -> Clock {
        let begun = Instant::now();
        Clock::new(move || begun.elapsed())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
