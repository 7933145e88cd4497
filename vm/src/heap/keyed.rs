//! Keyed hashes: a program that does not know the key cannot choose keys that collide.

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;
use std::hash::Hasher;

/// The secret of a machine's hash tables.
pub(crate) struct Keyed {
    first: u64,
    second: u64,
    shared: SharedSeed,
}

/// What a hash is of, so that equal bytes of different kinds differ.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Domain {
    Atom = 1,
    Float = 2,
    Bytes = 3,
    Tuple = 4,
    Type = 5,
    Identity = 6,
    Filed = 7,
}

impl Keyed {
    pub fn new(seed: u64) -> Keyed {
        let first = fold(seed ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93);
        let second = fold(seed ^ 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db) | 1;
        Keyed { first, second, shared: SharedSeed::from_u64(fold(seed ^ 0x8ebc_6af0_9c88_c6e3, second)) }
    }

    /// Of an int. A product alone spreads ints with equal distances by luck: with one secret in a hundred they stand in a
    /// few long runs. Folding loses the distances, and the second product carries what was folded into the upper bits.
    #[inline(always)]
    pub fn int(&self, int: i64) -> u64 {
        fold(int as u64 ^ self.first, self.second).wrapping_mul(self.second)
    }

    /// Of a string; never 0.
    #[inline]
    pub fn str(&self, text: &str) -> u64 {
        self.raw_bytes(text.as_bytes(), self.second).max(1)
    }

    /// Of a byte string.
    pub fn bytes(&self, bytes: &[u8]) -> u64 {
        self.raw_bytes(bytes, self.second ^ Domain::Bytes as u64)
    }

    fn raw_bytes(&self, bytes: &[u8], seed: u64) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.first ^ seed, &self.shared);
        hasher.write(bytes);
        // The length keeps strings apart that differ in trailing zeros only.
        hasher.write_u64(bytes.len() as u64);
        hasher.finish()
    }

    /// Of a word of some kind.
    pub fn word(&self, domain: Domain, word: u64) -> u64 {
        self.join(self.join(self.first, domain as u64), word)
    }

    /// Continues a hash.
    pub fn join(&self, hash: u64, next: u64) -> u64 {
        fold(hash.rotate_left(29) ^ next ^ self.first, self.second).wrapping_add(hash)
    }
}

/// The product of two words, its halves folded together, so that every bit has met every other.
#[inline(always)]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_lead_to_different_hashes() {
        let (a, b) = (Keyed::new(1), Keyed::new(2));
        assert_ne!(a.int(7), b.int(7));
        assert_ne!(a.str("key"), b.str("key"));
        assert_ne!(a.str("key"), a.bytes(b"key"));
        assert_ne!(a.str("a"), a.str("a\0"));
    }

    #[test]
    fn ints_spread_over_both_ends_of_the_word() {
        let keyed = Keyed::new(3);
        let mut low = std::collections::HashSet::new();
        let mut high = std::collections::HashSet::new();
        for i in 0..4096 {
            let hash = keyed.int(i << 32);
            low.insert(hash & 0xfff);
            high.insert(hash >> 57);
        }
        assert!(low.len() > 2400, "{}", low.len());
        assert_eq!(high.len(), 128);
    }

    /// The steps that an index with linear probing, less than half full, takes for ints with equal distances: with no secret
    /// more than for random ints.
    #[test]
    fn no_secret_makes_ints_run_together() {
        type Pattern = fn(u64) -> u64;
        let patterns: [(&str, Pattern); 8] = [
            ("in order", |i| i),
            ("downwards", |i| i.wrapping_neg()),
            ("in steps of 8", |i| i * 8),
            ("in steps of 1,000", |i| i * 1000),
            ("in the middle bits", |i| i << 32),
            ("in the upper bits", |i| i << 50),
            ("pairs in halves", |i| ((i / 44) << 32) | (i % 44)),
            ("random", |i| fold(i ^ 0x1234_5678_9abc_def0, 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xd6e8_feb8_6659_fd93)),
        ];
        for (name, pattern) in patterns {
            for seed in 0..400 {
                let keyed = Keyed::new(seed);
                let mut used = [false; 4096];
                let mut steps = 0;
                for i in 0..1900 {
                    let mut at = (keyed.int(pattern(i) as i64) >> 52) as usize;
                    steps += 1;
                    while std::mem::replace(&mut used[at], true) {
                        at = (at + 1) % used.len();
                        steps += 1;
                    }
                }
                assert!(steps < 2 * 1900, "{name}, seed {seed}: {steps} steps for 1900 ints");
            }
        }
    }
}
