//! Which functions and code each client has shown to have. A hash is a name and not a right: who has not sent a function
//! cannot call it, and does not learn whether the server knows it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use quipu_code::hash::{CodeHash, GraphHash};

use crate::identity::Key;
use crate::recent::Recent;

/// What can be shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Part {
    /// A function.
    Function(GraphHash),
    /// A code object.
    Code(CodeHash),
}

impl From<GraphHash> for Part {
    fn from(hash: GraphHash) -> Part {
        Part::Function(hash)
    }
}

impl From<CodeHash> for Part {
    fn from(hash: CodeHash) -> Part {
        Part::Code(hash)
    }
}

/// What was shown, by key. Clients without one are one and the same to the system that lets them in.
pub struct ShownParts {
    by_key: Mutex<HashMap<Option<Key>, Recent<Part, usize>>>,
    most: usize,
}

impl std::fmt::Debug for ShownParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownParts").field("most", &self.most).finish_non_exhaustive()
    }
}

impl ShownParts {
    /// Remembers about so many hashes for each key.
    pub fn new(most: usize) -> ShownParts {
        ShownParts { by_key: Mutex::default(), most }
    }

    /// How many bytes it has, if this key's owner has shown it lately.
    pub fn find(&self, key: Option<Key>, part: impl Into<Part>) -> Option<usize> {
        self.with(key, |recent| recent.get(&part.into()))
    }

    /// Remembers that the owner has it, and how many bytes it has.
    pub fn add(&self, key: Option<Key>, part: impl Into<Part>, size: usize) {
        self.with(key, |recent| recent.put(part.into(), size, 1));
    }

    /// Forgets it.
    pub fn forget(&self, key: Option<Key>, part: impl Into<Part>) {
        self.with(key, |recent| recent.forget(&part.into()));
    }

    fn with<T>(&self, key: Option<Key>, act: impl FnOnce(&mut Recent<Part, usize>) -> T) -> T {
        // What is kept there is whole between any two steps.
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        act(by_key.entry(key).or_insert_with(|| Recent::new(self.most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_memory_is_bounded() {
        let shown = ShownParts::new(20);
        let hash = |n: u8| CodeHash([n; 32]);
        shown.add(None, hash(0), 9);
        for n in 1..200 {
            shown.add(None, hash(n), 1);
            assert_eq!((shown.find(None, hash(0)), shown.find(None, hash(n))), (Some(9), Some(1)));
        }
        assert_eq!(shown.find(None, hash(100)), None);
        shown.with(None, |recent| assert!(recent.weight() <= 20));
        shown.forget(None, hash(0));
        assert_eq!(shown.find(None, hash(0)), None);
    }

    #[test]
    fn what_one_has_shown_another_has_not() {
        let shown = ShownParts::new(10);
        shown.add(Some(Key([1; 32])), GraphHash([7; 32]), 3);
        assert_eq!(shown.find(Some(Key([1; 32])), GraphHash([7; 32])), Some(3));
        assert_eq!(shown.find(Some(Key([2; 32])), GraphHash([7; 32])), None);
        assert_eq!(shown.find(None, GraphHash([7; 32])), None);
    }
}
