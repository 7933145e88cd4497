//! Which objects a graph that is being written has met, by address.
//!
//! ```text
//! address >> 12 ──> page: one number for every 16 bytes;   number: 0 not met, else (n + 1) * 2, plus 1 for a node
//! ```
//!
//! Objects are at least 16 bytes long, so no two begin in the same ones. Objects that are made one after the other mostly
//! lie side by side, and so do their numbers here, which a hash table would scatter over the memory.

use std::cell::Cell;

use hashbrown::HashMap;

const PAGE: usize = 12;
const GRAIN: usize = 4;

/// How many values and nodes can be told apart.
pub(super) const MOST: usize = (1 << 31) - (1 << 16);

/// What a reference refers to, once it is written: equal ones are the same value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Id {
    /// A value without parts, by tag and bits.
    Immediate(u64, u64),
    Frozen(u64),
    Node(u64),
}

pub(super) struct Met {
    /// Where the numbers of a page are.
    pages: HashMap<usize, u32>,
    numbers: Vec<[u32; 1 << (PAGE - GRAIN)]>,
    /// The page that was looked at last.
    last: Cell<(usize, u32)>,
}

impl Default for Met {
    fn default() -> Met {
        // No object is in the first page.
        Met { pages: HashMap::new(), numbers: Vec::new(), last: Cell::new((0, 0)) }
    }
}

impl Met {
    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<[u32; 1 << (PAGE - GRAIN)]>() + self.pages.allocation_size()
    }

    #[inline]
    fn page(&self, address: usize) -> Option<usize> {
        let (last, index) = self.last.get();
        if last == address >> PAGE && last != 0 {
            return Some(index as usize);
        }
        let &index = self.pages.get(&(address >> PAGE))?;
        self.last.set((address >> PAGE, index));
        Some(index as usize)
    }

    /// What the object at this address is known as.
    #[inline]
    pub fn get(&self, address: usize) -> Option<Id> {
        let number = self.numbers.get(self.page(address)?)?[address >> GRAIN & 0xff];
        let index = u64::from(number >> 1).checked_sub(1)?;
        Some(if number & 1 == 1 { Id::Node(index) } else { Id::Frozen(index) })
    }

    /// Keeps what the object at this address is known as, or forgets it.
    #[inline]
    pub fn set(&mut self, address: usize, id: Option<Id>) {
        let number = match id {
            Some(Id::Frozen(number)) => (number as u32 + 1) << 1,
            Some(Id::Node(number)) => (number as u32 + 1) << 1 | 1,
            _ => 0,
        };
        let index = match self.page(address) {
            Some(index) => index,
            None => {
                let index = self.numbers.len();
                self.numbers.push([0; 1 << (PAGE - GRAIN)]);
                self.pages.insert(address >> PAGE, index as u32);
                index
            }
        };
        if let Some(page) = self.numbers.get_mut(index) {
            page[address >> GRAIN & 0xff] = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_and_strangers_keep_their_numbers() {
        let mut met = Met::default();
        let addresses = [0x1000, 0x1010, 0x1ff8, 0x2000, usize::MAX >> 17 & !0xf, 0x1028];
        for (number, &address) in addresses.iter().enumerate() {
            assert!(met.get(address).is_none());
            let id = if number % 2 == 0 { Id::Node(number as u64) } else { Id::Frozen(number as u64) };
            met.set(address, Some(id));
        }
        for (number, &address) in addresses.iter().enumerate() {
            let id = if number % 2 == 0 { Id::Node(number as u64) } else { Id::Frozen(number as u64) };
            assert!(met.get(address) == Some(id));
        }
        met.set(0x1010, None);
        assert!(met.get(0x1010).is_none() && met.get(0x1000) == Some(Id::Node(0)));
    }

    #[test]
    fn largest_numbers_fit() {
        let mut met = Met::default();
        met.set(0x1000, Some(Id::Node(MOST as u64)));
        assert!(met.get(0x1000) == Some(Id::Node(MOST as u64)));
    }
}
