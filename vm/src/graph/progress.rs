//! How far long work on a graph has come, for those who wait for it.

use crate::door::{caught, dispose, told};

/// Bytes between two tellings.
const EVERY: usize = 256 << 10;

/// Tells somebody how many bytes of a graph are done, and of how many where that is known.
pub struct Progress<'l> {
    tell: Option<Box<Listener<'l>>>,
    next: usize,
    /// What the listener said when it panicked, after which it hears no more.
    panic: Option<String>,
}

type Listener<'l> = dyn FnMut(usize, Option<usize>) + 'l;

impl<'l> Progress<'l> {
    /// Tells nobody.
    pub fn silent() -> Progress<'l> {
        Progress { tell: None, next: usize::MAX, panic: None }
    }

    /// Calls this now and then with the bytes that are done, and all bytes.
    pub fn new(tell: impl FnMut(usize, Option<usize>) + 'l) -> Progress<'l> {
        Progress { tell: Some(Box::new(tell)), next: 0, panic: None }
    }

    /// Begins a new piece of work.
    pub(crate) fn begin(&mut self) {
        if self.tell.is_some() {
            self.next = 0;
        }
    }

    #[inline]
    pub(crate) fn at(&mut self, done: usize, of: Option<usize>) {
        if done >= self.next {
            self.tell(done, of);
        }
    }

    #[cold]
    fn tell(&mut self, done: usize, of: Option<usize>) {
        if let Some(tell) = &mut self.tell {
            self.next = done + EVERY;
            if let Err(text) = caught(|| tell(done, of)) {
                self.next = usize::MAX;
                self.panic = Some(told("progress", &text));
                dispose(self.tell.take());
            }
        }
    }

    /// What the work that is over came to: a panic of the listener is told only now.
    pub(crate) fn outcome(&mut self) -> Result<(), String> {
        self.panic.take().map_or(Ok(()), Err)
    }
}

impl std::fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").field("next", &self.next).field("panic", &self.panic).finish_non_exhaustive()
    }
}
