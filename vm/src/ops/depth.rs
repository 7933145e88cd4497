//! Memory for work that follows the depth or the number of data: it never lies on the Rust stack, and counts against
//! the heap limit.

use hashbrown::{HashMap, HashSet};

use crate::cx::Cx;
use crate::native::Fault;

/// A stack of what is still to be done.
pub(crate) struct Depth<T> {
    items: Vec<T>,
}

impl<T> Depth<T> {
    pub fn new() -> Depth<T> {
        Depth { items: Vec::new() }
    }

    /// Adds an item, unless there is no memory for it within the limit.
    #[inline]
    pub fn push<'v>(&mut self, cx: &mut Cx<'v>, item: T) -> Result<(), Fault<'v>> {
        if self.items.len() == self.items.capacity() && self.items.len() >= 64 {
            cx.reserve(self.items.len() * 2 * size_of::<T>())?;
        }
        self.items.push(item);
        Ok(())
    }

    pub fn pop(&mut self) -> Option<T> {
        self.items.pop()
    }

    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.items.last_mut()
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }
}

/// Pairs of objects that were met while comparing, kept as classes of objects taken to be equal: so comparing takes
/// no more steps than there are objects, however they share parts and whatever cycles they make.
#[derive(Default)]
pub(crate) struct Met {
    parents: HashMap<usize, usize>,
    itself: HashSet<usize>,
    /// Pairs met before anything was kept.
    early: u32,
}

/// Most comparisons are of small data, which need no memory of what was met.
const EARLY: u32 = 100;

impl Met {
    /// Whether the pair follows from nothing met before, so that it has to be looked into.
    pub fn is_new<'v>(&mut self, cx: &mut Cx<'v>, a: usize, b: usize) -> Result<bool, Fault<'v>> {
        if self.early < EARLY {
            self.early += 1;
            return Ok(true);
        }
        let count = self.parents.len() + self.itself.len();
        if count >= 1024 && count.is_power_of_two() {
            cx.reserve(count * 64)?;
        }
        if a == b {
            return Ok(self.itself.insert(a));
        }
        let (a, b) = (self.class(a), self.class(b));
        if a != b {
            self.parents.insert(a, b);
        }
        Ok(a != b)
    }

    /// The object that stands for the class of `object`.
    fn class(&mut self, mut object: usize) -> usize {
        while let Some(&parent) = self.parents.get(&object) {
            if let Some(&next) = self.parents.get(&parent) {
                // Halving the way keeps it short.
                self.parents.insert(object, next);
            }
            object = parent;
        }
        object
    }
}
