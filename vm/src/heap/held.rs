//! Older and younger objects: numbers for the beginnings of `atomic`s and of calls into the machine, and what the
//! collector keeps for Rust code that holds values meanwhile.
//!
//! Every such beginning takes the next number, and an object's `birth` is the latest number there was when it was made.
//! So an object existed before a beginning if its birth is below that one's number. Numbers run out after four thousand
//! million beginnings. Then those that are still in use are numbered anew from 1, and all births with them.

use super::Heap;
use super::layout::{FiberObject, Header};
use super::value::tag;

impl Heap {
    /// Begins an `atomic`.
    pub fn begin_atomic(&mut self) {
        let number = self.next_number();
        self.journal.begin(number);
    }

    /// From now on nothing is freed that exists already.
    #[inline]
    pub fn hold(&mut self) {
        let number = self.next_number();
        if self.held.numbers.is_empty() {
            self.held.outside = self.threshold;
            self.threshold = self.threshold.max(self.held.inside);
        }
        self.held.numbers.push(number);
    }

    /// How many times [`hold`](Self::hold) was called that are not over.
    pub fn held(&self) -> usize {
        self.held.numbers.len()
    }

    /// Ends all but the first so many.
    #[inline]
    pub fn release(&mut self, count: usize) {
        if count >= self.held.numbers.len() {
            return;
        }
        self.held.numbers.truncate(count);
        if count == 0 {
            self.held.inside = if self.stress { 0 } else { self.threshold };
            self.threshold = self.held.outside;
        }
    }

    /// Objects born before this number are kept.
    pub fn oldest_free(&self) -> u32 {
        self.held.numbers.last().copied().unwrap_or(0)
    }

    /// A number above the birth of every object there is, and the birth of those that are made from now on.
    #[inline]
    fn next_number(&mut self) -> u32 {
        if self.birth == u32::MAX {
            self.renumber();
        }
        self.birth += 1;
        self.birth
    }

    /// Makes all numbers as small as they can be without a change to what is older than what.
    #[cold]
    fn renumber(&mut self) {
        let mut used: Vec<u32> = self.journal.numbers().chain(self.held.numbers.iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        // A birth becomes the count of numbers in use up to it. So number `i` in order becomes `i + 1`, and a birth
        // stays below those numbers that it was below. There are fewer of them than `u32` counts, as each stands for a
        // call under way.
        let rank = |number: u32| used.partition_point(|&used| used <= number) as u32;
        // The `atomic` that a fiber was copied for; if that is over, none, as its rank would be that of another one.
        let copied = |number: u32| if used.binary_search(&number).is_ok() { rank(number) } else { 0 };
        let blocks = self.blocks.iter().flat_map(|block| block.cells());
        for header in blocks.chain(self.large.iter().map(|object| object.header)) {
            // SAFETY: cells and large objects begin with a header, and the kind says which layout the object has.
            unsafe {
                if (*header).kind == Header::FREE.kind {
                    continue;
                }
                (*header).birth = rank((*header).birth);
                if (*header).kind as u64 == tag::FIBER {
                    let snapshot = &raw mut (*header.cast::<FiberObject>()).state.snapshot;
                    *snapshot = copied(*snapshot);
                }
            }
        }
        self.journal.renumber(rank, copied);
        self.held.numbers.iter_mut().for_each(|number| *number = rank(*number));
        self.birth = used.len() as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::{List, Value};
    use super::*;

    fn heap() -> Heap {
        Heap::new(1 << 30, 1)
    }

    fn push(heap: &mut Heap, list: List<'static>, int: i64) {
        assert!(list.push_in(heap, Value::int(int)).is_ok());
    }

    fn ints(list: List<'static>) -> Vec<i64> {
        list.to_vec().into_iter().filter_map(Value::as_int).collect()
    }

    /// With numbers that run out after so many more.
    fn near_the_end(more: u32) -> Heap {
        let mut heap = heap();
        heap.birth = u32::MAX - more;
        heap
    }

    #[test]
    fn atomics_are_undone_and_kept_over_the_end_of_the_numbers() {
        for more in 0..12 {
            let mut heap = near_the_end(more);
            let list = heap.list(Vec::new());
            heap.begin_atomic();
            push(&mut heap, list, 1);
            let young = heap.list(Vec::new());
            heap.begin_atomic();
            push(&mut heap, list, 2);
            push(&mut heap, young, 2);
            heap.begin_atomic();
            push(&mut heap, list, 3);
            heap.journal.commit();
            let youngest = heap.list(Vec::new());
            heap.begin_atomic();
            push(&mut heap, youngest, 4);
            push(&mut heap, list, 4);
            heap.journal.roll_back();
            assert_eq!((ints(list), ints(youngest)), (vec![1, 2, 3], vec![]), "{more}");
            push(&mut heap, youngest, 5);
            heap.journal.roll_back();
            // What was made inside of an `atomic` that is undone is left alone.
            assert_eq!((ints(list), ints(young), ints(youngest)), (vec![1], vec![], vec![5]), "{more}");
            push(&mut heap, young, 6);
            if more % 2 == 0 {
                heap.journal.commit();
                assert_eq!(ints(list), [1], "{more}");
            } else {
                heap.journal.roll_back();
                assert_eq!((ints(list), ints(young)), (vec![], vec![6]), "{more}");
            }
            assert!(heap.birth > u32::MAX - 12 || heap.birth < 12);
        }
    }

    #[test]
    fn what_callers_hold_is_kept_over_the_end_of_the_numbers() {
        for more in 0..8 {
            let mut heap = near_the_end(more);
            let alive = |heap: &Heap| heap.tally(|_| true).count(tag::LIST);
            heap.list(Vec::new());
            heap.hold();
            heap.list(Vec::new());
            heap.begin_atomic();
            heap.list(Vec::new());
            heap.hold();
            heap.list(Vec::new());
            heap.hold();
            heap.list(Vec::new());
            for (held, kept) in [(3, 4), (2, 3), (1, 1), (0, 0)] {
                heap.release(held);
                heap.mark(|_| ());
                heap.sweep();
                assert_eq!(alive(&heap), kept, "{more} {held}");
            }
            heap.journal.roll_back();
        }
    }

    #[test]
    fn millions_of_beginnings_in_a_row() {
        let mut heap = near_the_end(1000);
        let list = heap.list(Vec::new());
        for _ in 0..3000 {
            heap.begin_atomic();
            heap.hold();
            push(&mut heap, list, 1);
            heap.release(0);
            heap.journal.roll_back();
        }
        assert!(ints(list).is_empty() && heap.birth < 6000);
    }
}
