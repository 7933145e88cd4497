//! The checksum of what stores hold.

use super::contract::BlobId;

/// Under which everything stored is summed up; kind and version in one.
const CONTEXT: &str = "quipu store v1";

quipu_code::hashes! {
    /// A checksum of something stored.
    pub(super) struct Sum;
}

/// A checksum over parts, each with its length.
pub(super) fn sum(parts: &[&[u8]]) -> Sum {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    Sum(hasher.finalize().into())
}

/// The checksum of a blob.
pub(super) fn blob_sum(id: BlobId, bytes: &[u8]) -> Sum {
    let (kind, hash) = id.parts();
    sum(&[b"blob", &[kind], hash, bytes])
}
