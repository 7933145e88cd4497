//! The collector: marks what the roots reach, without recursion, and frees the rest.

use std::alloc::dealloc;

use super::alloc::{FIRST_THRESHOLD, Heap, Large, due_before, large_layout};
use super::by_kind;
use super::cells::{FreeCell, SIZES, overwrite};
use super::edges::Marker;
use super::layout::*;
use super::value::tag;

impl Heap {
    /// Finds every object that is reached from what `roots` marks, from the undo log, or that is held (see `held`).
    /// Afterwards [`Heap::is_live`] tells them from the others, so that the caller can drop weak
    /// references; then it calls [`Heap::sweep`].
    pub fn mark(&mut self, roots: impl FnOnce(&mut Marker)) {
        self.collections += 1;
        self.settle();
        self.color = if self.color == 1 { 2 } else { 1 };
        let mut marker = Marker { stack: Vec::new(), color: self.color, of_strings: 0, of_texts: 0 };
        roots(&mut marker);
        self.journal.trace(&mut marker);
        if self.held() > 0 {
            self.mark_older(&mut marker);
        }
        while let Some(header) = marker.stack.pop() {
            // SAFETY: only headers of live objects are pushed.
            unsafe { marker.references(header) };
        }
        self.shared = marker.of_strings.saturating_sub(marker.of_texts);
        self.kept_shared = self.shared;
    }

    /// Frees every object that the last [`Heap::mark`] did not reach.
    pub fn sweep(&mut self) {
        self.sweep_cells();
        self.sweep_large();
        self.kept = self.bytes;
        self.threshold = self.bytes.saturating_mul(2).max(FIRST_THRESHOLD).min(due_before(self.kept, self.limit));
        if self.held() == 0 {
            self.held.inside = 0;
        }
        if self.stress {
            // The next allocation makes the next collection due; the instruction that asked for this one goes on.
            self.threshold = self.bytes + 1;
        }
    }

    /// A collection is due at the next occasion: much of what there is may be nobody's by now.
    pub fn make_due(&mut self) {
        self.threshold = self.threshold.min(self.bytes);
        self.held.outside = self.held.outside.min(self.bytes);
        // Nor is the memory that it takes needed any more.
        self.kept = 0;
    }

    /// Whether it is worth looking for what a machine that rests does not need.
    pub fn has_grown_since_rest(&self) -> bool {
        self.bytes >= self.rested.saturating_mul(2).max(FIRST_THRESHOLD)
    }

    /// What there is now is needed at rest.
    pub fn has_rested(&mut self) {
        self.rested = self.bytes;
    }

    /// Sets the most bytes there may be.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        let due = due_before(self.kept, limit);
        self.threshold = self.threshold.min(due);
        self.held.inside = self.held.inside.min(due);
        self.held.outside = self.held.outside.min(due);
    }

    /// Collects whenever it is possible, or as usual.
    pub fn set_stress(&mut self, on: bool) {
        self.stress = on;
        self.threshold = if on { 0 } else { self.bytes };
        self.held.inside = 0;
    }

    /// Whether the last marking reached an object.
    ///
    /// # Safety
    /// The object must not have been freed.
    pub unsafe fn is_live(&self, header: *const Header) -> bool {
        // SAFETY: the caller's word.
        unsafe { (*header).color == self.color }
    }

    /// The color of objects that the last collection reached or that were made since.
    pub fn live_color(&self) -> u8 {
        self.color
    }

    /// Objects that an active native may hold count as reached.
    fn mark_older(&mut self, marker: &mut Marker) {
        let oldest = self.oldest_free();
        let all =
            self.blocks.iter().flat_map(|block| block.cells()).chain(self.large.iter().map(|object| object.header));
        for header in all {
            // SAFETY: cells and large objects begin with a header.
            unsafe {
                if (*header).kind != 0 && (*header).birth < oldest {
                    marker.header(header);
                }
            }
        }
    }

    fn sweep_cells(&mut self) {
        let mut free = [std::ptr::null_mut::<FreeCell>(); SIZES.len()];
        let mut kept = Vec::with_capacity(self.blocks.len());
        // Empty blocks are kept while they are needed until the next collection, to spare the system's allocator. That is
        // due at twice what was left by the last one, or will be by this one.
        let needed = self.bytes.min(self.kept.saturating_mul(2)).max(FIRST_THRESHOLD);
        let mut spare = if self.stress { 0 } else { needed };
        for block in std::mem::take(&mut self.blocks).into_iter().rev() {
            let class = block.class;
            let before = free[class];
            let mut live = false;
            for header in block.cells().rev() {
                // SAFETY: every cell begins with a header; an unmarked object is reached by nobody, so its cell may
                // be turned into a free one.
                unsafe {
                    if (*header).kind != 0 {
                        if (*header).color == self.color {
                            live = true;
                            continue;
                        }
                        self.finalise(header);
                        self.spoil(header, SIZES[class] as usize);
                        self.bytes -= SIZES[class] as usize;
                    }
                    header.cast::<FreeCell>().write(FreeCell { header: Header::FREE, next: free[class] });
                    free[class] = header.cast();
                }
            }
            if live || spare > 0 {
                spare = spare.saturating_sub(if live { 0 } else { block.size });
                kept.push(block);
            } else {
                // Nothing in it lives, so the list must not lead into it any more.
                free[class] = before;
                block.release();
            }
        }
        kept.reverse();
        self.blocks = kept;
        self.free = free;
    }

    fn sweep_large(&mut self) {
        let mut large = std::mem::take(&mut self.large);
        large.retain(|object| {
            // SAFETY: large objects begin with a header; an unmarked one is reached by nobody.
            let live = unsafe { (*object.header).color == self.color };
            if !live {
                // SAFETY: as above; it leaves the list with this.
                unsafe { self.free_large(*object) };
            }
            live
        });
        self.large = large;
    }

    /// Frees an object with memory of its own.
    ///
    /// # Safety
    /// Nobody may refer to it any more.
    unsafe fn free_large(&mut self, object: Large) {
        // SAFETY: the object is whole, and was allocated with this layout.
        unsafe {
            self.finalise(object.header);
            let layout = large_layout(object.size);
            self.spoil(object.header, object.size);
            self.bytes -= layout.size();
            dealloc(object.header.cast(), layout);
        }
    }

    /// Overwrites what is freed where missing roots are looked for, so that whoever still uses it goes wrong at once.
    ///
    /// # Safety
    /// The memory is so many bytes long, belongs to the heap, and nobody needs what is in it.
    unsafe fn spoil(&self, header: *mut Header, size: usize) {
        if self.stress || cfg!(debug_assertions) {
            // SAFETY: the caller's word.
            unsafe { overwrite(header.cast(), size) };
        }
    }

    /// Drops what an object owns outside its cell. Where code of the host is dropped, by itself or through definitions of
    /// natives and types, its panics stay there.
    ///
    /// # Safety
    /// `header` must be the header of a whole object that is not used afterwards.
    #[inline(always)]
    unsafe fn finalise(&mut self, header: *mut Header) {
        // SAFETY: the caller's word.
        unsafe {
            // Most have nothing, and need no call.
            if (*header).kind as u64 >= tag::FIRST_FINALISED {
                self.bytes -= by_kind::finalise(header);
            }
        }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        for block in std::mem::take(&mut self.blocks) {
            for header in block.cells() {
                // SAFETY: every cell begins with a header, and nothing is used after the heap.
                unsafe {
                    if (*header).kind != 0 {
                        self.finalise(header);
                    }
                }
            }
            block.release();
        }
        for object in std::mem::take(&mut self.large) {
            // SAFETY: nothing is used after the heap.
            unsafe { self.free_large(object) };
        }
    }
}
