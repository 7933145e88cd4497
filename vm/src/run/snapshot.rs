//! Fibers at rest as graphs see them: their frames from the outermost one inwards, with the registers that matter.

use quipu_lang::code::Op;

use super::fiber::Status;
use super::frame::Kind;
use crate::heap::{Closure, Fiber, Gc, Value};

/// What a fiber that does not run consists of.
pub(crate) enum AtRest<'v> {
    /// It will call this function.
    Fresh(Value<'v>),
    /// It waits in the innermost of these frames.
    Suspended(Frames<'v>),
    /// It is over.
    Done,
    /// It runs, or waits for a fiber that it resumed, so its position is the machine's.
    Running,
}

/// The frames of a suspended fiber, outermost first.
pub(crate) struct Frames<'v> {
    fiber: Fiber<'v>,
    next: usize,
    base: usize,
}

/// A frame of a suspended fiber.
pub(crate) struct FrameView<'v> {
    /// The function.
    pub closure: Closure<'v>,
    /// What becomes of its result.
    pub kind: Kind,
    /// The instruction that waits.
    pub at: u32,
    fiber: Fiber<'v>,
    base: usize,
}

/// Looks at a fiber.
pub(crate) fn at_rest(fiber: Fiber<'_>) -> AtRest<'_> {
    // SAFETY: the fiber is live, and the reference ends here.
    let state = unsafe { &(*fiber.as_ptr()).state };
    match state.status {
        // SAFETY: what a live fiber's first register refers to is live.
        Status::Fresh => AtRest::Fresh(state.stack.first().map_or(Value::NIL, |slot| unsafe { slot.rebrand() })),
        Status::Suspended => AtRest::Suspended(Frames { fiber, next: 1, base: 0 }),
        Status::Done => AtRest::Done,
        Status::Running => AtRest::Running,
    }
}

impl Frames<'_> {
    /// How many frames there are.
    pub fn len(&self) -> usize {
        // SAFETY: the fiber is live, and the reference ends here.
        unsafe { (*self.fiber.as_ptr()).state.top }
    }
}

impl<'v> Iterator for Frames<'v> {
    type Item = FrameView<'v>;

    fn next(&mut self) -> Option<FrameView<'v>> {
        // SAFETY: the fiber is live. Nothing changes it while the reference is there.
        let state = unsafe { &(*self.fiber.as_ptr()).state };
        if self.next > state.top {
            return None;
        }
        let frame = state.frames.get(self.next)?;
        self.base += frame.delta as usize;
        self.next += 1;
        // What waits in a frame is what the frame above it will return to.
        let pc = if self.next > state.top { state.pc } else { state.frames.get(self.next)?.ret };
        // SAFETY: frames above the lowest have a live closure, which keeps its code.
        let (closure, at) = unsafe { (Gc::from_ptr(frame.closure), (*(*frame.closure).code).index_before(pc)) };
        Some(FrameView { closure, kind: frame.kind, at, fiber: self.fiber, base: self.base })
    }
}

impl<'v> FrameView<'v> {
    /// A register.
    pub fn register(&self, register: u16) -> Value<'v> {
        // SAFETY: the fiber is live, the reference ends here, and what its registers refer to is live.
        unsafe {
            let stack = &(*self.fiber.as_ptr()).state.stack;
            stack.get(self.base + register as usize).map_or(Value::NIL, |slot| slot.rebrand())
        }
    }
}

/// What becomes of the result of a function that an instruction has called, if it is one that calls functions.
#[expect(dead_code, reason = "for reading graphs")]
pub(crate) fn result_of(op: Op) -> Option<Kind> {
    Some(match op {
        Op::Call | Op::CallList | Op::CallMethod | Op::CallMethodList => Kind::Plain,
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::Mod | Op::Pow | Op::Neg | Op::GetIndex => {
            Kind::Plain
        }
        Op::Eq | Op::In => Kind::Truth,
        Op::Ne | Op::NotIn => Kind::Untruth,
        Op::Lt => Kind::Less,
        Op::Le => Kind::LessEqual,
        Op::Gt => Kind::Greater,
        Op::Ge => Kind::GreaterEqual,
        Op::ToStr => Kind::Text,
        Op::SetIndex => Kind::Discard,
        Op::Iter => Kind::Iterator,
        Op::Next => Kind::Element,
        _ => return None,
    })
}
