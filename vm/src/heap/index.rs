//! An index from hashes to slots: open addressing with linear probing.
//!
//! ```text
//!  bucket:  | upper half of the hash (32 bits) | slot + 1 (32 bits) |    0: empty
//! ```
//!
//! A lookup touches one line of the cache here and one where the entry is. Removal moves later buckets of the run back
//! (Knuth, The Art of Computer Programming, volume 3, algorithm 6.4R), so there are no tombstones.

/// Slots by hash; several may have the same one.
#[derive(Default)]
pub(super) struct Index {
    /// A power of two of them, or none.
    buckets: Box<[u64]>,
}

/// Where a hash belongs: the part of it that a bucket keeps.
#[inline(always)]
fn half(hash: u64) -> u64 {
    hash >> 32
}

impl Index {
    /// An index for so many slots; none if there is no memory for it.
    pub fn with_room(slots: usize) -> Option<Index> {
        let count = count_for(slots)?;
        let mut buckets = Vec::new();
        buckets.try_reserve_exact(count).ok()?;
        buckets.resize(count, 0);
        Some(Index { buckets: buckets.into_boxed_slice() })
    }

    /// The same where running out of memory ends the process, as it does for every small allocation.
    pub fn new(slots: usize) -> Index {
        Index { buckets: vec![0; count_for(slots).unwrap_or(usize::MAX)].into_boxed_slice() }
    }

    /// How many slots it can hold: up to 13 of 16 buckets, beyond which runs get long.
    #[inline(always)]
    pub fn room(&self) -> usize {
        self.buckets.len() / 16 * 13
    }

    /// Bytes that an index for so many slots takes.
    pub fn bytes_for(slots: usize) -> usize {
        count_for(slots).map_or(usize::MAX, |count| count * size_of::<u64>())
    }

    /// Bytes behind its pointer.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.buckets)
    }

    /// Forgets all slots.
    pub fn clear(&mut self) {
        self.buckets.fill(0);
    }

    /// The first slot with about this hash that `is_it` accepts.
    #[inline(always)]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let buckets = &self.buckets[..];
        let mask = buckets.len().wrapping_sub(1);
        let mut at = half(hash) as usize;
        loop {
            // There is always an empty bucket; an index without buckets has none to look at.
            let bucket = *buckets.get(at & mask)?;
            if bucket == 0 {
                return None;
            }
            if half(bucket) == half(hash) {
                let slot = bucket as u32 - 1;
                if is_it(slot) {
                    return Some(slot);
                }
            }
            at += 1;
        }
    }

    /// Adds a slot. There must be room.
    #[inline]
    pub fn insert(&mut self, hash: u64, slot: u32) {
        let mask = self.buckets.len().wrapping_sub(1);
        let mut at = half(hash) as usize;
        while let Some(bucket) = self.buckets.get_mut(at & mask) {
            if *bucket == 0 {
                *bucket = half(hash) << 32 | (u64::from(slot) + 1);
                return;
            }
            at += 1;
        }
    }

    /// Takes a slot out, if it is there.
    pub fn remove(&mut self, hash: u64, slot: u32) {
        let mask = self.buckets.len().wrapping_sub(1);
        let wanted = half(hash) << 32 | (u64::from(slot) + 1);
        let mut hole = half(hash) as usize & mask;
        loop {
            match self.buckets.get(hole) {
                None | Some(0) => return,
                Some(&bucket) if bucket == wanted => break,
                Some(_) => hole = (hole + 1) & mask,
            }
        }
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let bucket = self.buckets[at];
            if bucket == 0 {
                break;
            }
            // It may move back to the hole unless its own place lies behind the hole.
            let home = half(bucket) as usize & mask;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.buckets[hole] = bucket;
                hole = at;
            }
        }
        self.buckets[hole] = 0;
    }
}

/// The number of buckets for so many slots.
fn count_for(slots: usize) -> Option<usize> {
    let least = slots.checked_mul(16)?.div_ceil(13);
    least.max(16).checked_next_power_of_two().filter(|&count| count <= 1 << 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_a_list_of_pairs() {
        let mut state = 5u64;
        let mut next = |limit: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % limit
        };
        let mut index = Index::with_room(400).unwrap();
        let mut model: Vec<(u64, u32)> = Vec::new();
        for slot in 0..20_000 {
            // Few hashes, so that runs are long and hashes repeat; some belong into the last buckets.
            let hash = (next(600) << 32) | (0xfff0_0000_0000 * next(2));
            if model.len() < 400 && next(2) == 0 {
                index.insert(hash, slot);
                model.push((hash, slot));
            } else if !model.is_empty() {
                let (hash, slot) = model.swap_remove(next(model.len() as u64) as usize);
                index.remove(hash, slot);
                assert_eq!(index.find(hash, |found| found == slot), None);
            }
            if let Some(&(hash, slot)) = model.get(next(400) as usize) {
                assert_eq!(index.find(hash, |found| found == slot), Some(slot));
            }
        }
        for (hash, slot) in model.drain(..) {
            assert_eq!(index.find(hash, |found| found == slot), Some(slot));
            index.remove(hash, slot);
        }
        assert!(index.buckets.iter().all(|&bucket| bucket == 0));
    }

    #[test]
    fn an_empty_one_has_nothing() {
        let mut index = Index::default();
        assert_eq!(index.find(1, |_| true), None);
        index.remove(1, 0);
        assert_eq!(index.room(), 0);
        assert!(Index::bytes_for(usize::MAX) == usize::MAX && Index::with_room(usize::MAX).is_none());
    }
}
