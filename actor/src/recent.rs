//! What was asked for lately, by key: a cache of bounded size that forgets what nobody asked for in a while.

use std::collections::HashMap;
use std::hash::Hash;

/// Two generations of entries: what is used moves to the young one, and when that is full, the old one is dropped.
/// Every operation takes the same time, however much is in it.
#[derive(Debug)]
pub(crate) struct Recent<K, T> {
    young: Generation<K, T>,
    old: Generation<K, T>,
    /// What a generation may weigh.
    limit: usize,
}

#[derive(Debug)]
struct Generation<K, T> {
    entries: HashMap<K, (T, usize)>,
    /// What they weigh.
    weight: usize,
}

impl<K, T> Default for Generation<K, T> {
    fn default() -> Generation<K, T> {
        Generation { entries: HashMap::new(), weight: 0 }
    }
}

impl<K: Hash + Eq, T> Generation<K, T> {
    fn put(&mut self, key: K, value: T, weight: usize) {
        self.weight += weight;
        if let Some((_, before)) = self.entries.insert(key, (value, weight)) {
            self.weight -= before;
        }
    }

    fn take(&mut self, key: &K) -> Option<(T, usize)> {
        let taken = self.entries.remove(key)?;
        self.weight -= taken.1;
        Some(taken)
    }
}

impl<K: Hash + Eq + Clone, T: Clone> Recent<K, T> {
    /// An empty cache whose entries weigh at most this, by what is said of each of them; but the last one is there in any
    /// case.
    pub fn new(limit: usize) -> Recent<K, T> {
        Recent { young: Generation::default(), old: Generation::default(), limit: limit.div_ceil(2) }
    }

    /// What all entries weigh.
    #[cfg(any(test, feature = "server"))]
    pub fn weight(&self) -> usize {
        self.young.weight + self.old.weight
    }

    /// What is known under a key.
    pub fn get(&mut self, key: &K) -> Option<T> {
        if let Some((value, _)) = self.young.entries.get(key) {
            return Some(value.clone());
        }
        let (value, weight) = self.old.take(key)?;
        self.put(key.clone(), value.clone(), weight);
        Some(value)
    }

    /// Adds an entry, or puts it in the place of another.
    pub fn put(&mut self, key: K, value: T, weight: usize) {
        self.forget(&key);
        if self.young.weight.saturating_add(weight) > self.limit {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.put(key, value, weight);
    }

    /// Forgets an entry.
    pub fn forget(&mut self, key: &K) {
        self.young.take(key);
        self.old.take(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_weight_is_bounded() {
        let mut cache = Recent::new(1000);
        for n in 0..1000 {
            cache.put(n, n, 10);
            assert_eq!(cache.get(&0), Some(0));
            assert!(cache.young.entries.len() + cache.old.entries.len() <= 100 && cache.weight() <= 1000);
        }
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.get(&999), Some(999));
    }

    #[test]
    fn replacing_an_entry_counts_it_once() {
        let mut cache = Recent::new(1000);
        for n in 0..1000 {
            cache.put(7, n, 100);
            cache.put(n % 3, n, 50);
        }
        assert_eq!((cache.get(&7), cache.weight()), (Some(999), 250));
    }

    #[test]
    fn what_is_forgotten_is_in_neither_generation() {
        let mut cache = Recent::new(40);
        for n in 0..4 {
            cache.put(n, n, 10);
        }
        for n in 0..4 {
            cache.forget(&n);
            assert_eq!(cache.get(&n), None);
        }
        assert_eq!(cache.weight(), 0);
    }

    #[test]
    fn one_that_is_too_heavy_is_there_until_the_next() {
        let mut cache = Recent::new(10);
        cache.put("heavy", 1, 1000);
        assert_eq!(cache.get(&"heavy"), Some(1));
        (0..2).for_each(|_| cache.put("light", 2, 1));
        assert_eq!((cache.get(&"light"), cache.weight() <= 1001), (Some(2), true));
        let mut none = Recent::new(0);
        none.put("a", 1, 1);
        assert_eq!(none.get(&"a"), Some(1));
    }
}
