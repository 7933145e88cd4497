//! A fiber's own registers and frames, and where it stands.

use super::edges::Marker;
use super::frame::Frame;
use super::layout::FiberObject;
use super::value::{Slot, Value};

/// What a fiber is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Status {
    /// Not resumed yet; its function stands in register 0.
    Fresh = 0,
    /// Stopped at a `yield`.
    Suspended = 1,
    /// It runs, or waits for a fiber that it resumed.
    Running = 2,
    /// It has returned or thrown.
    Done = 3,
    /// The host has stopped it before an instruction: the innermost fiber of a run.
    Paused = 4,
    /// It has resumed a fiber that the host has stopped, or that waits for such a one.
    Waiting = 5,
    /// The host owes it the result of a native: the innermost fiber of a run.
    Owed = 6,
}

/// The state of a fiber.
///
/// While it runs, the machine's `pc`, `base` and `fp` are the truth and `pc`, `base` and `top` here are stale.
pub(crate) struct FiberState {
    /// All registers; slots above the running frame hold old values that the collector clears.
    pub stack: Box<[Slot]>,
    /// All frames; `frames[1..=top]` are under way, `frames[0]` is nobody's.
    pub frames: Box<[Frame]>,
    /// Where the innermost frame goes on.
    pub pc: *const u64,
    /// Its first register.
    pub base: usize,
    /// Its frame.
    pub top: usize,
    /// Fresh, suspended, running or done.
    pub status: Status,
    /// Whether a call from Rust runs in it, which a `yield` cannot cross.
    pub boundary: bool,
    /// The fiber that resumed it.
    pub resumer: *mut FiberObject,
    /// The fiber that it resumed, while both are stopped by the host.
    pub resumed: *mut FiberObject,
    /// The resumer's register for what this one yields or returns.
    pub dst: u16,
    /// Whether the resumer iterates (absent at the end) or called `resume`.
    pub iterated: bool,
    /// The register that the next resume's argument goes into.
    pub wanted: u16,
    /// Frames of all fibers that wait for this one, for the depth limit.
    pub depth: usize,
    /// Number of `atomic`s that were under way when it was last resumed.
    pub atomics: usize,
    /// Registers from `base` on that a native in the running frame has as its arguments, or 0.
    pub window: usize,
    /// The `atomic` that has a snapshot of this fiber, so that it takes only one.
    pub snapshot: u32,
}

/// A copy of what a resume changes.
pub(crate) struct FiberSnapshot {
    stack: Box<[Slot]>,
    frames: Box<[Frame]>,
    pc: *const u64,
    base: usize,
    top: usize,
    status: Status,
    resumer: *mut FiberObject,
    resumed: *mut FiberObject,
    dst: u16,
    iterated: bool,
    wanted: u16,
    pub snapshot: u32,
}

impl FiberState {
    /// A fiber that will call what stands in `function`.
    pub fn new(function: Slot) -> FiberState {
        FiberState {
            stack: Box::new([function]),
            frames: Box::new([]),
            pc: std::ptr::null(),
            base: 0,
            top: 0,
            status: Status::Fresh,
            boundary: false,
            resumer: std::ptr::null_mut(),
            resumed: std::ptr::null_mut(),
            dst: 0,
            iterated: false,
            wanted: 0,
            depth: 0,
            atomics: 0,
            window: 0,
            snapshot: 0,
        }
    }

    /// Whether its registers and frames are few enough to be kept for another call.
    pub fn is_small(&self) -> bool {
        const MOST: usize = 16 << 10;
        self.owned_bytes() <= MOST
    }

    /// Bytes of its registers and frames.
    pub fn owned_bytes(&self) -> usize {
        size_of_val(&*self.stack) + size_of_val(&*self.frames)
    }

    /// Gives up its registers and frames, of which nobody has use any more, and says how many bytes they were.
    pub fn let_go(&mut self) -> usize {
        let bytes = self.owned_bytes();
        self.stack = Box::new([]);
        self.frames = Box::new([]);
        bytes
    }

    /// How many registers are in use.
    pub fn used(&self) -> usize {
        match self.status {
            Status::Fresh => 1,
            Status::Done => 0,
            Status::Suspended | Status::Running | Status::Paused | Status::Waiting | Status::Owed => {
                let registers = match self.frames.get(self.top) {
                    // SAFETY: frames above the lowest have a live closure, whose code the machine keeps.
                    Some(frame) if self.top > 0 => unsafe { (*(*frame.closure).code).registers() },
                    _ => 0,
                };
                (self.base + registers.max(self.window)).min(self.stack.len())
            }
        }
    }

    /// Marks what its registers, frames and resumer refer to. The machine stores the running fiber's position first.
    pub fn trace(&mut self, marker: &mut Marker) {
        let used = self.used();
        let (live, dead) = self.stack.split_at_mut(used);
        live.iter().for_each(|&slot| marker.slot(slot));
        // Old values above must not outlive what they refer to: a later frame would find them in its registers.
        dead.fill(Value::NIL);
        if !matches!(self.status, Status::Fresh | Status::Done) {
            for frame in self.frames.get(1..=self.top).unwrap_or(&[]) {
                marker.header(frame.closure.cast());
            }
        }
        for other in [self.resumer, self.resumed] {
            if !other.is_null() {
                marker.header(other.cast());
            }
        }
    }

    /// A copy of what running it will change.
    pub fn snapshot(&self) -> FiberSnapshot {
        let frames = match self.status {
            Status::Fresh | Status::Done => 0,
            Status::Suspended | Status::Running | Status::Paused | Status::Waiting | Status::Owed => self.top + 1,
        };
        FiberSnapshot {
            stack: self.stack[..self.used()].into(),
            frames: self.frames[..frames.min(self.frames.len())].into(),
            pc: self.pc,
            base: self.base,
            top: self.top,
            status: self.status,
            resumer: self.resumer,
            resumed: self.resumed,
            dst: self.dst,
            iterated: self.iterated,
            wanted: self.wanted,
            snapshot: self.snapshot,
        }
    }

    /// Goes back to a copy.
    pub fn restore(&mut self, snapshot: FiberSnapshot) {
        // Registers and frames never shrink, so the copies fit.
        let used = snapshot.stack.len().min(self.stack.len());
        self.stack[..used].copy_from_slice(&snapshot.stack[..used]);
        let frames = snapshot.frames.len().min(self.frames.len());
        self.frames[..frames].copy_from_slice(&snapshot.frames[..frames]);
        self.pc = snapshot.pc;
        self.base = snapshot.base;
        self.top = snapshot.top;
        self.status = snapshot.status;
        self.resumer = snapshot.resumer;
        self.resumed = snapshot.resumed;
        self.dst = snapshot.dst;
        self.iterated = snapshot.iterated;
        self.wanted = snapshot.wanted;
        self.snapshot = snapshot.snapshot;
    }
}

impl FiberSnapshot {
    /// Bytes it takes.
    pub fn owned_bytes(&self) -> usize {
        size_of::<FiberSnapshot>() + size_of_val(&*self.stack) + size_of_val(&*self.frames)
    }

    /// Marks what it may put back.
    pub fn trace(&self, marker: &mut Marker) {
        self.stack.iter().for_each(|&slot| marker.slot(slot));
        self.frames.iter().skip(1).for_each(|frame| marker.header(frame.closure.cast()));
        for fiber in [self.resumer, self.resumed] {
            if !fiber.is_null() {
                marker.header(fiber.cast());
            }
        }
    }
}
