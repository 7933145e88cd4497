//! A cache of bounded size that forgets what was not asked for in a while.

use std::collections::HashMap;
use std::hash::Hash;

/// Two generations of entries: what is used moves to the young one, and when that is full, the old one is dropped.
/// Every operation takes the same time, however much is in it.
pub(super) struct Generations<K, T> {
    young: HashMap<K, (T, usize)>,
    old: HashMap<K, (T, usize)>,
    /// Bytes of the young generation, and how many it may have.
    bytes: usize,
    limit: usize,
}

impl<K: Copy + Eq + Hash, T: Clone> Generations<K, T> {
    /// An empty cache of at most this many bytes.
    pub fn new(limit: usize) -> Generations<K, T> {
        Generations { young: HashMap::new(), old: HashMap::new(), bytes: 0, limit: limit / 2 }
    }

    /// Bytes of all entries.
    pub fn bytes(&self) -> usize {
        self.bytes + self.old.values().map(|(_, size)| size).sum::<usize>()
    }

    /// What is known under a hash.
    pub fn get(&mut self, hash: &K) -> Option<T> {
        if let Some((value, _)) = self.young.get(hash) {
            return Some(value.clone());
        }
        let (value, size) = self.old.remove(hash)?;
        self.put(*hash, value.clone(), size);
        Some(value)
    }

    /// Adds an entry, or puts it in the place of another.
    pub fn put(&mut self, hash: K, value: T, size: usize) {
        if self.bytes.saturating_add(size) > self.limit {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += size;
        if let Some((_, before)) = self.young.insert(hash, (value, size)) {
            self.bytes -= before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_size_is_bounded() {
        let mut cache = Generations::new(1000);
        let hash = |n: u32| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&n.to_le_bytes());
            hash
        };
        for n in 0..1000 {
            cache.put(hash(n), n, 10);
            assert_eq!(cache.get(&hash(0)), Some(0));
            assert!(cache.young.len() + cache.old.len() <= 100);
        }
        assert_eq!(cache.get(&hash(1)), None);
        assert_eq!(cache.get(&hash(999)), Some(999));
    }

    #[test]
    fn replacing_an_entry_counts_it_once() {
        let mut cache = Generations::new(1000);
        (0..1000).for_each(|n| cache.put([7; 32], n, 100));
        assert_eq!(cache.get(&[7; 32]), Some(999));
        assert!(cache.bytes <= 500);
    }
}
