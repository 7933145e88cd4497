//! Canonical bytes of code objects.

use super::object::{Body, CodeHash};

pub(super) fn hash(body: &Body) -> CodeHash {
    CodeHash(*blake3::hash(format!("{body:?}").as_bytes()).as_bytes())
}
