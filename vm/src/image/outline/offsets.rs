//! Offsets in a graph: four bytes each, where the graph is no longer than that allows.

pub(super) enum Offsets {
    Short(Vec<u32>),
    Long(Vec<u64>),
}

impl Offsets {
    /// Room for so many offsets up to this one.
    pub fn new(count: usize, longest: usize) -> Offsets {
        match u32::try_from(longest) {
            Ok(_) => Offsets::Short(Vec::with_capacity(count)),
            Err(_) => Offsets::Long(Vec::with_capacity(count)),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Offsets::Short(offsets) => offsets.len(),
            Offsets::Long(offsets) => offsets.len(),
        }
    }

    pub fn push(&mut self, offset: usize) {
        match self {
            // None is longer than the longest.
            Offsets::Short(offsets) => offsets.push(offset as u32),
            Offsets::Long(offsets) => offsets.push(offset as u64),
        }
    }

    /// An offset by its number.
    #[inline]
    pub fn get(&self, number: usize) -> Option<usize> {
        match self {
            Offsets::Short(offsets) => offsets.get(number).map(|&offset| offset as usize),
            Offsets::Long(offsets) => offsets.get(number).map(|&offset| offset as usize),
        }
    }

    /// The number of an offset, where they are in order.
    pub fn find(&self, offset: usize) -> Option<usize> {
        match self {
            Offsets::Short(offsets) => offsets.binary_search(&u32::try_from(offset).ok()?).ok(),
            Offsets::Long(offsets) => offsets.binary_search(&(offset as u64)).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lengths_are_alike() {
        // Where addresses have 32 bits there is one length.
        for longest in [100, usize::MAX >> 2] {
            let mut offsets = Offsets::new(3, longest);
            [7, 50, longest].into_iter().for_each(|offset| offsets.push(offset));
            assert_eq!((offsets.len(), offsets.get(2), offsets.get(3)), (3, Some(longest), None));
            assert_eq!((offsets.find(50), offsets.find(51)), (Some(1), None));
        }
    }
}
