//! Where a run stands, and the growth of its stack.

use quipu_code::Word;

use crate::error::ErrorKind;
use crate::heap::frame::Frame;
use crate::heap::{Slot, Value};
use crate::machine::Machine;
use crate::native::Fault;

/// Registers that every frame can count on without a check of its own.
pub(crate) const MARGIN: usize = 64;

type Done = Result<(), Fault<'static>>;

impl Machine {
    /// Moves the position out of the handlers' registers.
    #[inline(always)]
    pub(super) fn store(&mut self, pc: *const u64, base: *mut Slot, fp: *mut Frame) {
        self.pc = pc;
        self.base = base;
        self.fp = fp;
    }

    /// Writes the running fiber's position into the fiber, where the collector and the images look for it.
    pub(crate) fn park(&mut self) {
        if self.fiber.is_null() {
            return;
        }
        // SAFETY: the running fiber is live, and `base` and `fp` point into its stack and frames.
        unsafe {
            let state = &mut (*self.fiber).state;
            state.pc = self.pc;
            state.base = self.base.offset_from(state.stack.as_ptr()) as usize;
            state.top = self.fp.offset_from(state.frames.as_ptr()) as usize;
        }
    }

    /// Takes the position from the fiber that is to run.
    pub(crate) fn unpark(&mut self) {
        // SAFETY: the fiber is live; its position was written by `park` and is inside its stack and frames.
        unsafe {
            let state = &mut (*self.fiber).state;
            self.pc = state.pc;
            self.base = state.stack.as_mut_ptr().add(state.base);
            self.fp = state.frames.as_mut_ptr().add(state.top);
            let end = state.frames.len().min(self.limits.depth.saturating_sub(state.depth).max(1));
            self.frames_end = state.frames.as_mut_ptr().add(end);
            // Wrapping: a stack shorter than the margin gives a limit below its start, so that every call grows it.
            self.stack_limit = state.stack.as_mut_ptr().wrapping_add(state.stack.len()).wrapping_sub(MARGIN);
        }
    }

    /// A call found no room.
    pub(super) fn grow(&mut self, _: Word) -> Done {
        // SAFETY: `fp` and `base` point into the running fiber's frames and stack.
        unsafe {
            if self.fp.add(1) >= self.frames_end {
                self.grow_frames()?;
            }
            // A callee's registers begin among the caller's, and it has at most `MARGIN` of them.
            let frame = (*(*(*self.fp).closure).code).registers();
            self.ensure(frame + MARGIN)
        }
    }

    /// Makes sure that `count` registers from the base on exist.
    pub(super) fn ensure(&mut self, count: usize) -> Done {
        // SAFETY: the running fiber is live, and `base` points into its stack.
        unsafe {
            let state = &mut (*self.fiber).state;
            let base = self.base.offset_from(state.stack.as_ptr()) as usize;
            let needed = base + count + MARGIN;
            if needed <= state.stack.len() {
                return Ok(());
            }
            let size = needed.max(state.stack.len() * 2);
            let more = (size - state.stack.len()) * size_of::<Slot>();
            if !self.heap.has_room(more) {
                return Err(Fault::Collect(more));
            }
            self.heap.bytes += more;
            self.park();
            (*self.fiber).state.stack = longer(std::mem::take(&mut (*self.fiber).state.stack), size, Value::NIL);
            self.unpark();
            Ok(())
        }
    }

    /// The fault of passing the limit of calls.
    pub(super) fn too_deep(&mut self) -> Fault<'static> {
        let message = format!("more than {} calls are under way at once", self.limits.depth);
        self.failure(ErrorKind::StackOverflow, message)
    }

    /// Makes room for more frames, up to the depth limit.
    pub(super) fn grow_frames(&mut self) -> Done {
        // SAFETY: the running fiber is live, and `fp` points into its frames.
        unsafe {
            let state = &mut (*self.fiber).state;
            let allowed = self.limits.depth.saturating_sub(state.depth);
            let used = self.fp.offset_from(state.frames.as_ptr()) as usize + 1;
            if used >= allowed {
                return Err(self.too_deep());
            }
            if used < state.frames.len() {
                return Ok(());
            }
            let size = (state.frames.len() * 2).max(8);
            let more = (size - state.frames.len()) * size_of::<Frame>();
            if !self.heap.has_room(more) {
                return Err(Fault::Collect(more));
            }
            self.heap.bytes += more;
            self.park();
            (*self.fiber).state.frames = longer(std::mem::take(&mut (*self.fiber).state.frames), size, Frame::EMPTY);
            self.unpark();
            Ok(())
        }
    }
}

/// The same with more behind it. The allocator moves what is large without having it twice.
fn longer<T: Clone>(items: Box<[T]>, size: usize, fill: T) -> Box<[T]> {
    let mut items = items.into_vec();
    items.reserve_exact(size - items.len());
    items.resize(size, fill);
    items.into_boxed_slice()
}
