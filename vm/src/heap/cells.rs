//! Memory for small objects: blocks cut into cells of one size class, with a free list for each class.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::null_mut;

use super::header::Header;

/// Bytes of the first block of a class. A machine that does little takes little.
const FIRST_BLOCK: usize = 1024;

/// How often the size of a class's blocks doubles, up to 64 KiB.
const DOUBLINGS: u8 = 6;

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
    /// Bytes it takes.
    pub size: usize,
}

impl Block {
    /// The size of a class's next block after this many.
    fn size_after(blocks: u8) -> usize {
        FIRST_BLOCK << blocks.min(DOUBLINGS)
    }

    /// # Safety
    /// The size is one that [`size_after`](Self::size_after) gives.
    unsafe fn layout(size: usize) -> Layout {
        // SAFETY: such sizes are powers of two, at least 16 and far from overflowing.
        unsafe { Layout::from_size_align_unchecked(size, 16) }
    }

    /// The block of a class after so many others, its cells all free and chained in address order, with its first cell.
    pub fn new(class: usize, blocks: u8) -> (Block, *mut FreeCell) {
        let size = Block::size_after(blocks);
        // SAFETY: the size is as it has to be.
        let layout = unsafe { Block::layout(size) };
        // SAFETY: the layout has a size.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        let block = Block { start, class, size };
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
        let cell = SIZES[self.class] as usize;
        let start = self.start;
        // SAFETY: `i * cell + cell` is at most the block's size.
        (0..self.size / cell).map(move |i| unsafe { start.add(i * cell).cast() })
    }

    /// Gives the memory back.
    pub fn release(self) {
        // SAFETY: allocated in `new` with the same layout, that of `size`, and given up by value.
        unsafe { dealloc(self.start, Block::layout(self.size)) };
    }
}

/// Fills memory that is about to be freed with a pattern that is no header, address or instruction.
///
/// # Safety
/// The memory is so many bytes long, and nobody needs what is in it.
pub(crate) unsafe fn overwrite(memory: *mut u8, size: usize) {
    // SAFETY: the caller's word.
    unsafe { memory.write_bytes(0xdd, size) };
    // The optimiser must not think that nobody looks at it any more.
    std::hint::black_box(memory);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_grow() {
        assert_eq!([0, 1, 6, 7, 255].map(Block::size_after), [1 << 10, 2 << 10, 64 << 10, 64 << 10, 64 << 10]);
    }

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
