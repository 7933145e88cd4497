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
///
/// Objects with identity count as met when they are looked into; others, of which there may be one or many equal ones,
/// when they were found equal, with what that cost: whoever meets them again pays it again.
#[derive(Default)]
pub(crate) struct Met {
    parents: HashMap<usize, usize>,
    itself: HashSet<usize>,
    costs: HashMap<usize, u64>,
    /// Pairs met before anything was kept.
    early: u32,
}

/// Most comparisons are of small data, which need no memory of what was met.
const EARLY: u32 = 100;

impl Met {
    /// Counts a pair that is met; whether so few were that nothing is kept of it.
    pub fn is_early(&mut self) -> bool {
        let is_early = self.early < EARLY;
        self.early += u32::from(is_early);
        is_early
    }

    /// Whether a pair of objects with identity follows from nothing met before, so that it has to be looked into.
    pub fn is_new<'v>(&mut self, cx: &mut Cx<'v>, a: usize, b: usize) -> Result<bool, Fault<'v>> {
        self.reserve(cx)?;
        if a == b {
            return Ok(self.itself.insert(a));
        }
        Ok(self.join(a, b).is_some())
    }

    /// What it cost to find a pair equal, if that follows from what was met before.
    pub fn cost(&mut self, a: usize, b: usize) -> Option<u64> {
        let class = self.class(a);
        if a != b && class != self.class(b) {
            return None;
        }
        self.costs.get(&class).copied()
    }

    /// A pair of objects without identity was found equal.
    pub fn keep<'v>(&mut self, cx: &mut Cx<'v>, a: usize, b: usize, cost: u64) -> Result<(), Fault<'v>> {
        self.reserve(cx)?;
        self.join(a, b);
        let class = self.class(b);
        self.costs.insert(class, cost);
        Ok(())
    }

    /// Makes one class of those of two objects; nothing if they are one already.
    fn join(&mut self, a: usize, b: usize) -> Option<usize> {
        let (a, b) = (self.class(a), self.class(b));
        if a == b {
            return None;
        }
        self.parents.insert(a, b);
        Some(b)
    }

    fn reserve<'v>(&self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        let count = self.parents.len() + self.itself.len() + self.costs.len();
        if count >= 1024 { cx.reserve(count * 128) } else { Ok(()) }
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
