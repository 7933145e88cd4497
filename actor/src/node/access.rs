//! How a store is had by those who only read: shared with others, or alone.

use super::vault::Vault;
use crate::store::{Store, StoreError};

/// A store that is had for a moment, again and again: others go on with theirs while an actor repeats its calls.
pub(super) trait Access {
    /// Has it for this.
    fn with<T>(&mut self, action: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError>;
}

impl Access for &Vault {
    fn with<T>(&mut self, action: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        Vault::with(self, action)
    }
}

/// A store that nobody else has.
pub(super) struct Alone<'s>(pub &'s mut dyn Store);

impl Access for Alone<'_> {
    fn with<T>(&mut self, action: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        action(self.0)
    }
}
