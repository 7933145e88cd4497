//! Work that follows the depth of data goes on a stack of its own, which counts against the heap limit.

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
        if self.items.len() == self.items.capacity() {
            cx.reserve(self.items.len().max(64) * 2 * size_of::<T>())?;
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
