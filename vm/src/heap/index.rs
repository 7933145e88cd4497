//! An index from hashes to slots: open addressing with linear probing in words of four bytes.
//!
//! ```text
//!  upper half of a hash:  | home (k bits) | tag (32 - k bits) |
//!  bucket:                | tag (32 - k bits) | slot + 1 (k bits) |       0: empty; there are 2^k buckets
//! ```
//!
//! At most half of the buckets are in use, so slots fit k bits, and a lookup touches mostly one line of the cache here and
//! one where the entry is. Removal moves later buckets of the run back (Knuth, The Art of Computer Programming, volume 3,
//! algorithm 6.4R), so there are no tombstones.

/// Slots by hash; several may have the same one.
#[derive(Default)]
pub(super) struct Index {
    /// A power of two of them, or none.
    buckets: Box<[u32]>,
    /// How many bits of a hash tell its home.
    bits: u32,
}

/// The part of a hash that matters here.
#[inline(always)]
fn half(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl Index {
    /// An index for so many slots; none if there is no memory for it.
    pub fn with_room(slots: usize) -> Option<Index> {
        let bits = bits_for(slots)?;
        let mut buckets = Vec::new();
        buckets.try_reserve_exact(1 << bits).ok()?;
        buckets.resize(1 << bits, 0);
        Some(Index { buckets: buckets.into_boxed_slice(), bits })
    }

    /// The same where running out of memory ends the process, as it does for every small allocation.
    pub fn new(slots: usize) -> Index {
        let bits = bits_for(slots).unwrap_or(usize::BITS - 2);
        Index { buckets: vec![0; 1 << bits].into_boxed_slice(), bits }
    }

    /// How many slots it can hold, and the number that all of them must stay below.
    #[inline(always)]
    pub fn room(&self) -> usize {
        self.buckets.len() / 2
    }

    /// Bytes that an index for so many slots takes.
    pub fn bytes_for(slots: usize) -> usize {
        bits_for(slots).map_or(usize::MAX, |bits| size_of::<u32>() << bits)
    }

    /// Bytes behind its pointer.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.buckets)
    }

    /// Forgets all slots.
    pub fn clear(&mut self) {
        self.buckets.fill(0);
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        // An index without buckets has no home to look at either, so its shift may be any.
        (half(hash) >> ((32 - self.bits) % 32)) as usize
    }

    /// The first slot with about this hash that `is_it` accepts.
    #[inline(always)]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mask = self.buckets.len().wrapping_sub(1);
        let tag = half(hash) << self.bits;
        let mut at = self.home(hash);
        loop {
            // There is always an empty bucket; an index without buckets has none to look at.
            let bucket = *self.buckets.get(at)?;
            if bucket == 0 {
                return None;
            }
            let slot = (bucket ^ tag).wrapping_sub(1);
            if slot >> self.bits == 0 && is_it(slot) {
                return Some(slot);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a slot. There must be room.
    #[inline]
    pub fn insert(&mut self, hash: u64, slot: u32) {
        self.insert_behind(hash, slot, None);
    }

    /// The same, and gives the bucket. If the last slot with this hash went into a bucket that is known, and nothing was
    /// taken out since, there is no room before that.
    #[inline]
    pub fn insert_behind(&mut self, hash: u64, slot: u32, last: Option<usize>) -> usize {
        let mask = self.buckets.len().wrapping_sub(1);
        let mut at = last.unwrap_or_else(|| self.home(hash));
        while let Some(bucket) = self.buckets.get_mut(at) {
            if *bucket == 0 {
                *bucket = half(hash) << self.bits | (slot + 1);
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    /// Takes a slot out, if it is there. `hash_of` gives the hashes of other slots.
    pub fn remove(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        let mask = self.buckets.len().wrapping_sub(1);
        let wanted = half(hash) << self.bits | (slot + 1);
        let mut hole = self.home(hash);
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
            let home = self.home(hash_of((bucket & mask as u32) - 1));
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.buckets[hole] = bucket;
                hole = at;
            }
        }
        self.buckets[hole] = 0;
    }
}

/// For so many slots, the number of buckets as a power of two.
fn bits_for(slots: usize) -> Option<u32> {
    let buckets = slots.checked_mul(2)?.max(16).checked_next_power_of_two()?;
    Some(buckets.trailing_zeros()).filter(|&bits| bits < 32)
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
        let mut hashes = [0; 400];
        let mut free: Vec<u32> = (0..400).collect();
        for _ in 0..40_000 {
            // Few homes, so that runs are long and hashes repeat; some are the last buckets.
            let hash = (next(3) << 55) | (next(40) << 32) | (0xfff0_0000_0000_0000 * next(2));
            if next(2) == 0
                && let Some(slot) = free.pop()
            {
                index.insert(hash, slot);
                hashes[slot as usize] = hash;
                model.push((hash, slot));
            } else if !model.is_empty() {
                let (hash, slot) = model.swap_remove(next(model.len() as u64) as usize);
                index.remove(hash, slot, |slot| hashes[slot as usize]);
                free.push(slot);
                assert_eq!(index.find(hash, |found| found == slot), None);
            }
            if let Some(&(hash, slot)) = model.get(next(400) as usize) {
                assert_eq!(index.find(hash, |found| found == slot), Some(slot));
            }
        }
        for (hash, slot) in model.drain(..) {
            assert_eq!(index.find(hash, |found| found == slot), Some(slot));
            index.remove(hash, slot, |slot| hashes[slot as usize]);
        }
        assert!(index.buckets.iter().all(|&bucket| bucket == 0));
    }

    #[test]
    fn an_empty_one_has_nothing() {
        let mut index = Index::default();
        assert_eq!(index.find(1, |_| true), None);
        assert_eq!(index.find(u64::MAX, |_| true), None);
        index.remove(1, 0, |_| 0);
        assert_eq!(index.room(), 0);
        assert!(Index::bytes_for(usize::MAX) == usize::MAX && Index::with_room(usize::MAX).is_none());
    }
}
