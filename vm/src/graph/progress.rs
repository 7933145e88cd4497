//! How far long work on a graph has come, for those who wait for it.

/// Bytes between two tellings.
const EVERY: usize = 256 << 10;

/// Tells somebody how many bytes of a graph are done, and of how many where that is known.
pub struct Progress<'l> {
    tell: Option<Box<Listener<'l>>>,
    next: usize,
}

type Listener<'l> = dyn FnMut(usize, Option<usize>) + 'l;

impl<'l> Progress<'l> {
    /// Tells nobody.
    pub fn silent() -> Progress<'l> {
        Progress { tell: None, next: usize::MAX }
    }

    /// Calls this now and then with the bytes that are done, and all bytes.
    pub fn new(tell: impl FnMut(usize, Option<usize>) + 'l) -> Progress<'l> {
        Progress { tell: Some(Box::new(tell)), next: 0 }
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
            tell(done, of);
        }
    }
}
