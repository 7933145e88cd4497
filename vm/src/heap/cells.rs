//! Memory for small objects: blocks cut into cells of one size class, with a free list for each class.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::null_mut;

use super::layout::Header;

/// Bytes of a block.
pub(super) const BLOCK: usize = 64 * 1024;

/// The largest object that gets a cell, in bytes.
pub(crate) const LARGEST: usize = 512;

/// Sizes of the cells of each class in bytes; class 0 is for objects with memory of their own.
pub(super) const SIZES: [u16; 22] =
    [0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 304, 352, 400, 448, 512];

/// The class for an object of `size` bytes, `size <= LARGEST`.
pub(crate) const fn class_of(size: usize) -> usize {
    if size <= 256 {
        size.div_ceil(16)
    } else {
        let mut class = 17;
        while (SIZES[class] as usize) < size {
            class += 1;
        }
        class
    }
}

/// A free cell: a header of kind 0 and the next free cell of its class.
#[repr(C)]
pub(super) struct FreeCell {
    pub header: Header,
    pub next: *mut FreeCell,
}

/// A block of cells of one class.
pub(super) struct Block {
    pub start: *mut u8,
    pub class: usize,
}

impl Block {
    const LAYOUT: Layout = match Layout::from_size_align(BLOCK, 4096) {
        Ok(layout) => layout,
        Err(_) => panic!("the block layout is a constant"),
    };

    /// A block whose cells are all free, chained in address order, with its first and last cell.
    pub fn new(class: usize) -> (Block, *mut FreeCell) {
        // SAFETY: the layout has a size.
        let start = unsafe { alloc(Block::LAYOUT) };
        if start.is_null() {
            handle_alloc_error(Block::LAYOUT);
        }
        let block = Block { start, class };
        let mut next = null_mut();
        for cell in block.cells().rev() {
            // SAFETY: `cells` stay inside the block, are aligned to 16 and at least 16 bytes long.
            unsafe { cell.cast::<FreeCell>().write(FreeCell { header: Header::FREE, next }) };
            next = cell.cast();
        }
        (block, next)
    }

    /// The addresses of its cells.
    pub fn cells(&self) -> impl DoubleEndedIterator<Item = *mut Header> + use<> {
        let size = SIZES[self.class] as usize;
        let start = self.start;
        // SAFETY: `i * size + size <= BLOCK`.
        (0..BLOCK / size).map(move |i| unsafe { start.add(i * size).cast() })
    }

    /// Gives the memory back.
    pub fn release(self) {
        // SAFETY: allocated in `new` with the same layout, and given up by value.
        unsafe { dealloc(self.start, Block::LAYOUT) };
    }
}

impl Header {
    pub(super) const FREE: Header = Header { kind: 0, color: 0, flags: 0, class: 0, birth: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_fits_its_class() {
        for size in 1..=LARGEST {
            let class = class_of(size);
            assert!(SIZES[class] as usize >= size);
            assert!((SIZES[class - 1] as usize) < size);
            assert_eq!(SIZES[class] % 16, 0);
        }
    }
}
