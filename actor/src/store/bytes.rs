//! Checksums, and hashes as operators see them.

use super::{Hash, Kind};

/// Under which everything stored is summed up; kind and version in one.
const CONTEXT: &str = "quipu store v1";

/// A checksum over parts, each with its length.
pub(super) fn sum(parts: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The checksum of a blob.
pub(super) fn blob_sum(kind: Kind, hash: &Hash, bytes: &[u8]) -> Hash {
    sum(&[b"blob", &[kind as u8], hash, bytes])
}

/// A hash as operators see it.
pub(crate) fn digits(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn hex<S: serde::Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&digits(hash))
}

pub(super) fn hex_or_nothing<S: serde::Serializer>(hash: &Option<Hash>, to: S) -> Result<S::Ok, S::Error> {
    match hash {
        Some(hash) => hex(hash, to),
        None => to.serialize_none(),
    }
}
