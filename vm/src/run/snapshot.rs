//! Functions, types and fibers at rest as graphs see them, and as they are made again from graphs.
//!
//! Of a fiber a graph has the frames from the outermost one inwards, with the registers that matter.

use quipu_code::{Code, Op, Outcome};

pub(crate) use super::stack::MARGIN;
use crate::heap::fiber::{FiberState, Status};
use crate::heap::frame::{Frame, Kind};
use crate::heap::layout::{FiberObject, Method};
use crate::heap::{Closure, Fiber, Gc, Slot, Type, Value};
use crate::machine::Machine;

/// What a fiber that does not run consists of.
pub(crate) enum AtRest<'v> {
    /// It will call this function.
    Fresh(Value<'v>),
    /// It waits at a `yield` in the innermost of these frames.
    Suspended(Frames<'v>),
    /// The host has stopped it, or the fiber that it waits for.
    Stopped(Frames<'v>, Links<'v>),
    /// It is over.
    Done,
    /// It runs, or waits for a fiber that it resumed, so its position is the machine's.
    Running,
}

/// The neighbours of a stopped fiber in its run.
pub(crate) struct Links<'v> {
    /// The fiber that has resumed it.
    pub resumer: Option<Fiber<'v>>,
    /// The fiber that it has resumed and waits for; if there is none, it goes on at the instruction itself.
    pub resumed: Option<Fiber<'v>>,
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
    /// The instruction that waits, or the one that is next in a fiber that was stopped there. The number of instructions
    /// where a result is only passed on to the caller.
    pub at: u32,
    is_next: bool,
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
        Status::Paused | Status::Waiting => {
            let other = |fiber: *mut FiberObject| {
                // SAFETY: a live fiber's neighbours are live.
                (!fiber.is_null()).then(|| unsafe { Gc::from_ptr(fiber) })
            };
            let links = Links { resumer: other(state.resumer), resumed: other(state.resumed) };
            AtRest::Stopped(Frames { fiber, next: 1, base: 0 }, links)
        }
        Status::Done => AtRest::Done,
        Status::Running | Status::Owed => AtRest::Running,
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
        let is_next = self.next > state.top && state.status == Status::Paused;
        // SAFETY: frames above the lowest have a live closure, which keeps its code.
        let (closure, code) = unsafe { (Gc::from_ptr(frame.closure), &*(*frame.closure).code) };
        let at = match code.index_before(pc) {
            // The first instruction has none before it.
            at if is_next => at.wrapping_add(1),
            // The machine's own instruction that returns what it is given.
            u32::MAX => code.code().body().words.len() as u32,
            at => at,
        };
        Some(FrameView { closure, kind: frame.kind, at, is_next, fiber: self.fiber, base: self.base })
    }
}

impl<'v> FrameView<'v> {
    /// The registers that matter.
    pub fn live(&self) -> Vec<u16> {
        let code = self.closure.code();
        let live = if self.is_next { code.live_before(self.at) } else { code.live_during(self.at) };
        // Only instructions of the code wait, or the one that has no registers.
        live.unwrap_or_default()
    }

    /// A register.
    pub fn register(&self, register: u16) -> Value<'v> {
        // SAFETY: the fiber is live, the reference ends here, and what its registers refer to is live.
        unsafe {
            let stack = &(*self.fiber.as_ptr()).state.stack;
            stack.get(self.base + register as usize).map_or(Value::NIL, |slot| slot.rebrand())
        }
    }
}

/// Whether the number of a kind of frame says what becomes of the result of a function that an instruction has called.
pub(crate) fn is_result(kind: u8) -> bool {
    kind <= Kind::Iterator as u8 || kind == Kind::Lookup as u8
}

/// The constructor or a method of a type that is made.
pub(crate) struct Member<'a, 'v> {
    /// A method's name.
    pub name: Value<'v>,
    /// Whether it takes `self`.
    pub instance: bool,
    pub code: &'a Code,
    pub captures: &'a [Value<'v>],
}

/// How the innermost frame of a fiber waits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Pause {
    /// At a `yield`.
    #[default]
    Yield,
    /// Before an instruction.
    Next,
    /// For a fiber that it has resumed.
    Resume,
}

impl Pause {
    /// How frame `number` of `count` waits, the outermost being the first: all but the innermost wait for the next.
    pub fn innermost(self, number: usize, count: usize) -> Pause {
        if number == count { self } else { Pause::Resume }
    }

    /// The registers that matter in a frame that waits like this; none if there is no such instruction.
    pub fn live(self, code: &Code, at: u32) -> Option<Vec<u16>> {
        match self {
            Pause::Next => code.live_before(at),
            // What only passes a result on needs nothing.
            Pause::Resume if at as usize == code.body().words.len() => Some(Vec::new()),
            _ => code.live_during(at),
        }
    }
}

/// The registers and frames of a fiber that is made suspended or stopped.
pub(crate) struct Suspended<'v> {
    pause: Pause,
    /// Number of frames.
    count: usize,
    stack: Vec<Slot>,
    frames: Vec<Frame>,
    base: usize,
    /// The innermost frame so far: its function, and the instruction that waits.
    top: Option<(Closure<'v>, u32)>,
    live: std::vec::IntoIter<u16>,
    span: usize,
}

impl Machine {
    /// A closure whose captures are still to be filled, before a program sees it. None if the code has no place in this
    /// type, or in none.
    ///
    /// Whoever fills it puts cells where the code takes cells.
    pub(crate) fn closure_to_fill<'v>(&mut self, code: &Code, owner: Option<Type<'v>>) -> Option<Closure<'v>> {
        let fits = match owner {
            Some(ty) => code.uses_owner() && (code.is_method() || code.constructs(ty.field_count())),
            None => !code.uses_owner(),
        };
        let prepared = self.prepared(code);
        // SAFETY: the machine has just prepared the code, and keeps it for the closure. That it fits its type was found
        // above; that cells stand where the code takes cells was found when the graph was checked.
        fits.then(|| unsafe { self.heap.closure_to_fill(prepared, owner) })
    }

    /// A type. None if its constructor or a method is none, or takes other captures.
    pub(crate) fn declared_type<'v>(
        &mut self,
        name: Value<'v>,
        fields: &[Value<'v>],
        constructor: &Member<'_, 'v>,
        methods: &[Member<'_, 'v>],
    ) -> Option<Type<'v>> {
        let is_method =
            |method: &Member| method.code.is_method() && (!method.instance || method.code.body().required > 0);
        if !constructor.code.constructs(fields.len())
            || !methods.iter().all(is_method)
            || methods.len() >= u16::MAX.into()
        {
            return None;
        }
        let name = self.interned(name.as_str()?).slot();
        let fields: Option<Box<[Slot]>> =
            fields.iter().map(|field| Some(self.interned(field.as_str()?).slot())).collect();
        let ty = self.declare(name, fields?);
        let constructor = self.member(ty, constructor)?;
        let methods: Option<Box<[Method]>> = methods
            .iter()
            .map(|method| {
                let name = self.interned(method.name.as_str()?).slot();
                Some(Method { name, instance: method.instance, closure: self.member(ty, method)? })
            })
            .collect();
        self.complete(ty, constructor, methods?);
        Some(ty)
    }

    fn member<'v>(&mut self, ty: Type<'v>, member: &Member<'_, 'v>) -> Option<Slot> {
        if member.code.body().free.len() != member.captures.len() {
            return None;
        }
        let prepared = self.prepared(member.code);
        // SAFETY: the machine has just prepared the code, and keeps it for the closure. The caller has found that it
        // fits the type; that cells stand where the code takes cells was found when the graph was checked.
        let closure = unsafe { self.heap.closure_to_fill(prepared, Some(ty)) };
        member.captures.iter().enumerate().for_each(|(index, &capture)| closure.fill(index, capture));
        Some(Value::from(closure).slot())
    }

    /// A fiber that will call a function.
    pub(crate) fn fresh_fiber(&mut self, function: Value<'_>) -> FiberState {
        FiberState::new(function.slot())
    }

    /// A fiber that is over.
    pub(crate) fn finished_fiber(&mut self) -> FiberState {
        let mut state = FiberState::new(Value::NIL);
        state.status = Status::Done;
        state
    }

    /// Puts a fiber that nobody has seen yet into a state.
    pub(crate) fn set_fiber(&mut self, fiber: Fiber<'_>, state: FiberState) {
        // SAFETY: the fiber is live, and nothing refers into its state.
        let old = unsafe { std::mem::replace(&mut (*fiber.as_ptr()).state, state) };
        // SAFETY: as above; the reference ends here.
        let bytes = unsafe { (*fiber.as_ptr()).state.owned_bytes() };
        self.heap.bytes = self.heap.bytes + bytes - old.owned_bytes();
    }

    /// Adds a frame in which `function` waits at an instruction, with its registers still to come. None if it cannot wait
    /// there, or for a frame of this kind.
    pub(crate) fn push_waiting<'v>(
        &mut self,
        to: &mut Suspended<'v>,
        function: Closure<'v>,
        kind: u8,
        at: u32,
    ) -> Option<()> {
        let code = function.code();
        let registers = code.body().registers as usize;
        // Positions are in words that are there.
        // SAFETY: the closure is live and keeps its prepared code.
        self.fill_in(unsafe { &*(*function.as_ptr()).code });
        let live = to.pause.innermost(to.frames.len(), to.count).live(code, at)?;
        let mut frame =
            Frame { ret: std::ptr::null(), closure: function.as_ptr(), delta: 1, dst: 0, kind: Kind::Entry };
        match to.top {
            None if kind == Kind::Entry as u8 => {}
            None => return None,
            Some((caller, waiting)) => {
                let word = *caller.code().body().words.get(waiting as usize)?;
                frame.kind = Kind::of(word.op()?.outcome()?);
                frame.dst = word.a();
                if frame.kind as u8 != kind {
                    return None;
                }
                frame.ret = self.position_behind(caller, waiting)?;
                frame.delta = to.span as u32;
            }
        }
        to.base += frame.delta as usize;
        to.frames.push(frame);
        to.span = live.last().map_or(0, |&last| last as usize + 1);
        let needed = to.base + registers + MARGIN;
        if needed > to.stack.len() {
            to.stack.resize(needed, Value::NIL);
        }
        to.live = live.into_iter();
        to.top = Some((function, at));
        Some(())
    }

    /// Ends a fiber's frames; none if the innermost one cannot wait as the fiber does.
    pub(crate) fn suspend(&mut self, made: Suspended<'_>) -> Option<FiberState> {
        let (function, at) = made.top?;
        let mut state = FiberState::new(Value::NIL);
        let word = function.code().body().words.get(at as usize).copied();
        (state.status, state.pc) = match made.pause {
            Pause::Yield => {
                let word = word.filter(|word| word.op() == Some(Op::Yield))?;
                state.wanted = word.a();
                (Status::Suspended, self.position_behind(function, at)?)
            }
            Pause::Next => (Status::Paused, self.position_of(function, at)?),
            Pause::Resume => match word {
                None => (Status::Waiting, super::calls::RETURN.as_ptr()),
                Some(word) if word.op()?.resumes() => (Status::Waiting, self.position_behind(function, at)?),
                Some(_) => return None,
            },
        };
        state.base = made.base;
        state.top = made.frames.len() - 1;
        state.stack = made.stack.into_boxed_slice();
        state.frames = made.frames.into_boxed_slice();
        Some(state)
    }

    /// Makes a stopped fiber wait for another one, which it has resumed where it stands. None if it does not wait.
    pub(crate) fn link(&mut self, waiting: Fiber<'_>, resumed: Fiber<'_>) -> Option<()> {
        // SAFETY: both are live, and the references end here.
        let (state, other) = unsafe { (&mut (*waiting.as_ptr()).state, &raw mut (*resumed.as_ptr()).state) };
        if state.status != Status::Waiting {
            return None;
        }
        state.resumed = resumed.as_ptr();
        let frame = state.frames.get(state.top)?;
        // SAFETY: frames above the lowest have a live closure, which keeps its code.
        let code = unsafe { &*(*frame.closure).code };
        let word = code.code().body().words.get(code.index_before(state.pc) as usize);
        let dst = word.map_or(0, |word| word.a());
        let iterated = word.and_then(|word| word.op()?.outcome()) == Some(Outcome::Element);
        // SAFETY: as above; a fiber that waited for itself was refused by the checker of graphs.
        unsafe {
            (*other).resumer = waiting.as_ptr();
            (*other).dst = dst;
            (*other).iterated = iterated;
        }
        Some(())
    }

    /// Where a function goes on after an instruction.
    fn position_behind(&self, function: Closure<'_>, at: u32) -> Option<*const u64> {
        // Every path ends, so an instruction that goes on has one behind it.
        self.position_of(function, at.checked_add(1)?)
    }

    /// Where an instruction of a function is.
    fn position_of(&self, function: Closure<'_>, at: u32) -> Option<*const u64> {
        let count = function.code().body().words.len();
        // SAFETY: the closure is live and keeps its prepared code.
        let prepared = unsafe { &*(*function.as_ptr()).code };
        ((at as usize) < count).then(|| prepared.word(at))
    }
}

impl<'v> Suspended<'v> {
    /// For so many frames, and registers if their number is known.
    pub fn new(pause: Pause, frames: usize, registers: usize) -> Suspended<'v> {
        let mut made = Suspended {
            pause,
            count: frames,
            stack: Vec::with_capacity(registers),
            frames: Vec::with_capacity(frames + 1),
            base: 0,
            top: None,
            live: Vec::new().into_iter(),
            span: 0,
        };
        made.frames.push(Frame::EMPTY);
        made
    }

    /// Fills the next register that matters; none if there is no more.
    pub fn register(&mut self, value: Value<'v>) -> Option<()> {
        let register = self.live.next()? as usize;
        *self.stack.get_mut(self.base + register)? = value.slot();
        Some(())
    }

    /// Whether all registers that matter are filled.
    pub fn is_filled(&self) -> bool {
        self.live.len() == 0
    }
}
