//! A stack that grows without moving what is on it, so that it never takes twice its memory.

/// Entries that are allocated at once.
const CHUNK: usize = 1024;

pub(crate) struct Stack<T> {
    full: Vec<Vec<T>>,
    top: Vec<T>,
}

impl<T> Stack<T> {
    pub fn new() -> Stack<T> {
        Stack { full: Vec::new(), top: Vec::new() }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.full.len() * CHUNK + self.top.len()
    }

    pub fn push(&mut self, entry: T) {
        if self.top.len() == CHUNK {
            let full = std::mem::replace(&mut self.top, Vec::with_capacity(CHUNK));
            self.full.push(full);
        }
        self.top.push(entry);
    }

    pub fn pop(&mut self) -> Option<T> {
        if self.top.is_empty() {
            self.top = self.full.pop()?;
        }
        self.top.pop()
    }

    pub fn last_mut(&mut self) -> Option<&mut T> {
        if self.top.is_empty() {
            self.top = self.full.pop()?;
        }
        self.top.last_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_comes_back() {
        let mut stack = Stack::new();
        for i in 0..3 * CHUNK {
            stack.push(i);
        }
        for i in (0..3 * CHUNK).rev() {
            assert_eq!(stack.last_mut(), Some(&mut { i }));
            assert_eq!(stack.len(), i + 1);
            assert_eq!(stack.pop(), Some(i));
        }
        assert_eq!(stack.pop(), None);
        stack.push(7);
        assert_eq!((stack.pop(), stack.len()), (Some(7), 0));
    }
}
