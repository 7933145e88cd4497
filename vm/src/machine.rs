//! The machine as data: heap, tables, limits, where the running fiber stands, what its host wants of it. What it does is with
//! the subjects, above all in `run`.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use quipu_code::CodeHash;
use quipu_code::hash::GraphHash;

use crate::clock::Moment;
use crate::heap::frame::Frame;
use crate::heap::layout::{FiberObject, TypeObject};
use crate::heap::prepared::Prepared;
use crate::heap::{Closure, Heap, Slot, Value, tag};
use crate::library::Library;
use crate::native::{Fault, Later, NativeDef, Stop};
use crate::root::Dropped;
use crate::trace::Trace;
use crate::watch::{Pauses, Sample, Tally};

/// Bounds on what programs may use, for all that a machine does. [`Vm::with_limits`](crate::Vm::with_limits) has others for
/// a single call.
///
/// Programs cannot catch what they run into, but for the depth, and the machine can be used afterwards.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Turns of loops, calls, and work of natives in units that take about as long. A count for the machine's life:
    /// [`Vm::set_limits`](crate::Vm::set_limits) begins a new one.
    pub fuel: Option<u64>,
    /// Bytes of the heap, fibers included. Where addresses have 32 bits it is 512 MiB at most.
    pub heap: Option<usize>,
    /// Calls that may be under way at once, over all fibers that wait for one another.
    pub depth: usize,
    /// When to stop, by the machine's clock: a moment, so it is for one stretch of work.
    pub deadline: Option<Moment>,
}

impl Default for Limits {
    fn default() -> Limits {
        let heap = usize::try_from(4_u64 << 30).unwrap_or(usize::MAX >> 3);
        Limits { fuel: None, heap: Some(heap), depth: 200_000, deadline: None }
    }
}

/// What a handler does: position behind its word, registers, machine, its word, frame.
pub(crate) type Handler = unsafe fn(*const u64, *mut Slot, *mut Machine, u64, *mut Frame) -> Exit;

/// Why handlers stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The run is over; the machine says how.
    Over,
    /// The next instruction is up, in builds that dispatch by a loop.
    #[allow(dead_code)]
    Next,
}

/// One machine. It belongs to one thread at a time and shares nothing that changes with others.
pub(crate) struct Machine {
    /// The handler of every instruction number. Here an indexed jump through the pointer to the machine reaches it.
    pub handlers: [Handler; 256],
    // Read by the run loop at every call; kept together.
    /// The last register base that leaves room for a frame of the usual size.
    pub stack_limit: *mut Slot,
    /// The frame after the last one that may be used.
    pub frames_end: *mut Frame,
    /// Where the running fiber stands while the run loop is not in registers: next instruction, first register, frame.
    pub pc: *const u64,
    pub base: *mut Slot,
    pub fp: *mut Frame,
    /// Fuel left in the current slice.
    pub fuel: i64,
    /// The running fiber; null between runs.
    pub fiber: *mut FiberObject,
    /// What the run ended with.
    pub result: Slot,
    /// Why the run ended, if a limit was hit.
    pub stop: Option<Stop>,
    /// The run is over.
    pub over: bool,
    /// It is over because nothing caught `result`.
    pub thrown: bool,
    /// The last native asked for memory, and runs again.
    pub retrying: bool,
    /// Fuel used before the instruction of the native that was called last on the fast path.
    pub native_began: u64,
    /// The native that was called last, which says its name in errors. It is live, or null: it was when it was called, and
    /// collections between instructions forget it.
    pub native: *const NativeDef,
    /// What a native called from its own instruction ended with.
    pub fault: Option<Fault<'static>>,
    /// Where the limit was hit.
    pub stop_trace: Option<Box<Trace>>,

    /// Collect wherever the library or the host may be called (see `strain`).
    pub call_stress: bool,
    pub heap: Heap,
    /// Fuel used before the current slice began.
    pub fuel_used: u64,
    /// Fuel that will be used when the current slice is.
    pub slice_end: u64,
    pub limits: Limits,
    pub interrupt: Arc<AtomicBool>,
    /// Where the steps of the host stand.
    pub stepping: Stepping,
    /// What is counted while the machine is watched.
    pub account: Option<Box<Account>>,
    /// Calls from natives into the machine that are under way.
    pub nesting: u32,
    /// Fibers whose natives have called back into the machine; null for a call from outside any run.
    pub waiting: Vec<*mut FiberObject>,
    /// A fiber that a call from Rust has used, with room for the next such call; null if there is none. No value refers to it.
    pub spare: *mut FiberObject,

    /// Prepared code by hash and debug information.
    pub codes: HashMap<(CodeHash, usize), Box<Prepared>>,
    /// What the host provides.
    pub library: Arc<Library>,
    /// What was made of it so far, built-in types included, by name.
    pub natives: HashMap<Box<str>, Slot>,
    /// Natives that stand for what the library does not provide, as long as something refers to them.
    pub unbound: HashMap<Box<str>, Slot>,
    /// Whether there are such.
    pub keeps_unbound: bool,
    /// Methods of built-in types that were used so far, by tag (see `type_tag`) and name; empty while there are none.
    pub methods: Vec<HashMap<Box<str>, Slot>>,
    /// Types of the host, by the Rust types that they are of.
    pub host_types: HashMap<TypeId, *mut TypeObject>,
    /// Names of error kinds and other strings used again and again.
    pub strings: HashMap<Box<str>, Slot>,
    /// Values the host holds.
    pub roots: Vec<Slot>,
    pub free_roots: Vec<usize>,
    pub dropped: Dropped,
    /// What unwinds without being thrown, or waits for something deferred.
    pub unwinding: Unwinding,
    /// Whether what was deferred runs when the interrupt handle was used.
    pub unwinds_on_interrupt: bool,
    /// Where the value thrown last was thrown, if it was not an error value.
    pub last_trace: Option<Box<Trace>>,
    /// Hashes of graphs that reach nothing that can change, with the fuel that they took, by the address of the root.
    /// Emptied by collections.
    pub graph_hashes: HashMap<usize, (GraphHash, u64)>,
    /// Names of what the library provides and is written in the language, by address. Filled when first asked for.
    pub library_names: std::cell::OnceCell<HashMap<usize, Arc<str>>>,
    /// What parts of the host keep for this machine, by type.
    pub extensions: HashMap<TypeId, Box<dyn Any + Send>>,
    /// Where `print` writes.
    pub output: Box<dyn std::io::Write + Send>,
}

/// Why the run loop came back to the host.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Event {
    /// The function returned, threw, or hit a limit.
    #[default]
    Ended,
    /// It yielded a value.
    Yielded,
    /// Its budget is used up.
    Paused,
    /// The interrupt handle was used.
    Interrupted,
    /// A native has begun something whose result the host is to bring.
    Owed,
}

/// Where the steps of the host stand.
#[derive(Default)]
pub(crate) struct Stepping {
    /// Whether the run loop runs for a step.
    pub on: bool,
    /// The fuel, counted from the machine's beginning, at which the run is to stop.
    pub pause_at: Option<u64>,
    /// Instructions that are left, while they are counted.
    pub left: u64,
    /// What the last step ended with.
    pub event: Event,
    /// Whether the host waits for natives that have their results later, and what the last one has begun.
    pub waits: bool,
    pub later: Option<Promised>,
}

/// What a native has begun and promised the result of.
pub(crate) struct Promised {
    /// The native's name.
    #[cfg_attr(not(feature = "async"), expect(dead_code, reason = "only who waits asks for it"))]
    pub name: String,
    /// Its result; only dropping takes it out.
    pub future: Option<Later>,
}

/// What unwinds, or waits until it goes on with that.
#[derive(Default)]
pub(crate) struct Unwinding {
    /// Fibers that are ending, the innermost last.
    pub ends: Vec<End>,
    /// Where values were thrown for which something deferred runs first. Errors know it themselves.
    pub aside: Vec<Aside>,
    /// An error that has come while a run ended, on its way through a native.
    pub error: Option<Slot>,
    /// Why the run ends, and until when that may take.
    pub grace: Option<(Stop, Moment)>,
    /// Whether there is any of that.
    pub is_under_way: bool,
}

/// A fiber that is ending.
pub(crate) struct End {
    pub fiber: *mut FiberObject,
    /// Why the run ends; none if only this fiber is closed.
    pub stop: Option<Stop>,
    /// What something deferred has thrown meanwhile.
    pub error: Option<Slot>,
    /// Where the run was.
    pub trace: Option<Box<Trace>>,
}

/// Where a value was thrown for which something deferred runs first, in this frame.
pub(crate) struct Aside {
    pub fiber: *mut FiberObject,
    pub frame: isize,
    pub trace: Box<Trace>,
}

impl Unwinding {
    /// Calls `f` with every value that it holds.
    pub fn for_each_value(&self, mut f: impl FnMut(Slot)) {
        self.ends.iter().filter_map(|end| end.error).chain(self.error).for_each(&mut f);
    }

    /// Forgets fibers that are about to be freed.
    pub fn retain(&mut self, is_live: impl Fn(*mut FiberObject) -> bool) {
        self.aside.retain(|aside| is_live(aside.fiber));
    }

    /// Whether a fiber is ending.
    pub fn ends(&self, fiber: *mut FiberObject) -> bool {
        self.ends.iter().any(|end| end.fiber == fiber)
    }

    /// Whether any fiber is.
    pub fn is_ending(&self) -> bool {
        !self.ends.is_empty()
    }

    /// Whether the run has had its time to end.
    pub fn is_late(&self, now: impl FnOnce() -> Moment) -> bool {
        self.grace.is_some_and(|(_, until)| now() >= until)
    }
}

/// What is counted while the machine is watched.
pub(crate) struct Account {
    /// Instructions by number.
    pub counts: [u64; 256],
    /// Instructions until the next look, and between two.
    pub left: u64,
    pub period: u64,
    /// Fuel used when the last instruction began.
    pub fuel: u64,
    pub hits: u64,
    pub misses: u64,
    /// Objects that there were at first, and those that were freed since.
    pub before: Tally,
    pub freed: Tally,
    pub pauses: Pauses,
    /// Samples by the addresses of their calls' code and the instructions in them.
    pub samples: HashMap<Box<[(usize, u32)]>, Sample>,
    pub looked: Moment,
}

/// What a call of a function shows that need protect nothing from the collector. Only who has a `Vm` gets one: natives have
/// what is in the box, and never the box.
pub(crate) struct HoldsNothing(());

impl HoldsNothing {
    /// Says that no Rust code has values of this machine that it uses after the call that is made with this.
    pub fn of(_: &mut Box<Machine>) -> HoldsNothing {
        HoldsNothing(())
    }
}

// SAFETY: a machine owns everything its pointers refer to, and nothing it shares through `Arc` is changed.
unsafe impl Send for Machine {}

impl Machine {
    /// What a part of the host keeps for this machine.
    pub fn extension<T: Default + Send + 'static>(&mut self) -> &mut T {
        let kept = self.extensions.entry(TypeId::of::<T>()).or_insert_with(|| Box::<T>::default());
        kept.downcast_mut().expect("it is filed under its type")
    }

    /// The native that was called last, if nothing was collected between instructions since.
    pub fn native(&self) -> Option<&NativeDef> {
        // SAFETY: it was live when it was called, its object keeps it, and objects are freed by collections alone. Those
        // between instructions forget it. Others free nothing that there was before: they come while a native runs or has
        // called back, and what is called back may forget it, but puts it in again when it ends.
        unsafe { self.native.as_ref() }
    }

    /// A string that lives as long as the machine.
    pub fn interned<'v>(&mut self, text: &str) -> Value<'v> {
        let slot = match self.strings.get(text) {
            Some(&slot) => slot,
            None => {
                let slot = Value::from(self.heap.str(text)).slot();
                self.strings.insert(text.into(), slot);
                slot
            }
        };
        // SAFETY: the table is a root, and nothing is taken out of it.
        unsafe { slot.rebrand() }
    }

    /// The name under which programs know a function of the library that is written in the language.
    pub fn library_name(&self, closure: Closure<'_>) -> Option<Arc<str>> {
        let names = self.library_names.get_or_init(|| {
            let is_public = |name: &str| !name.starts_with('_') && !name.starts_with("type.");
            let natives = self.natives.iter().filter(|(name, slot)| slot.tag == tag::CLOSURE && is_public(name));
            let mut names: Vec<(usize, Arc<str>)> =
                natives.map(|(name, slot)| (slot.bits as usize, Arc::from(&**name))).collect();
            // Of several names the first one counts.
            names.sort_by(|x, y| y.1.cmp(&x.1));
            names.into_iter().collect()
        });
        names.get(&closure.address()).cloned()
    }
}
