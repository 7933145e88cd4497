//! Handles: values that a host holds, alive until the last clone is dropped.

use std::sync::{Arc, Mutex};

/// A value that its machine keeps alive until the last clone is dropped. Cheap to clone; it can move between threads,
/// but only its own machine can look into it.
#[derive(Clone)]
pub struct Root(Arc<Place>);

struct Place {
    index: usize,
    dropped: Dropped,
}

/// Places of handles that were dropped, which can be used again. Tells machines apart, too.
pub(crate) type Dropped = Arc<Mutex<Vec<usize>>>;

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(mut dropped) = self.dropped.lock() {
            dropped.push(self.index);
        }
    }
}

impl Root {
    /// A handle to what stands in a place of the machine with this list.
    pub(crate) fn new(index: usize, dropped: &Dropped) -> Root {
        Root(Arc::new(Place { index, dropped: dropped.clone() }))
    }

    /// The place, if the handle is of the machine with this list.
    pub(crate) fn place_in(&self, dropped: &Dropped) -> Option<usize> {
        Arc::ptr_eq(&self.0.dropped, dropped).then_some(self.0.index)
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Root({})", self.0.index)
    }
}
