//! Making a machine, and closures of code that stands alone.

use quipu_code::counted;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use quipu_code::{Code, Constant, FreeKind};

use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::prepared::Prepared;
use crate::heap::{Heap, Slot, Value};
use crate::library::Library;
use crate::machine::{Limits, Machine, Stepping};
use crate::native::{Fault, Outcome};
use crate::secret::secret;

impl Machine {
    /// A machine that has made nothing yet: what the library provides becomes a value when a program first uses it.
    pub(crate) fn new(library: Arc<Library>, limits: Limits) -> Machine {
        Machine {
            handlers: super::dispatch::TABLE,
            stack_limit: std::ptr::null_mut(),
            frames_end: std::ptr::null_mut(),
            pc: std::ptr::null(),
            base: std::ptr::null_mut(),
            fp: std::ptr::null_mut(),
            fuel: 0,
            fiber: std::ptr::null_mut(),
            result: Value::NIL,
            stop: None,
            over: false,
            thrown: false,
            fault: None,
            stop_trace: None,
            call_stress: cfg!(quipu_strained),
            heap: Heap::new(limits.heap_bytes(), secret()),
            fuel_used: 0,
            slice_end: 0,
            limits,
            interrupt: Arc::new(AtomicBool::new(false)),
            unwinding: Default::default(),
            unbound: HashMap::new(),
            keeps_unbound: false,
            unwinds_on_interrupt: false,
            stepping: Stepping::default(),
            account: None,
            nesting: 0,
            retrying: false,
            native_began: 0,
            native: std::ptr::null(),
            waiting: Vec::new(),
            spare: std::ptr::null_mut(),
            codes: HashMap::new(),
            natives: HashMap::new(),
            methods: Vec::new(),
            host_types: HashMap::new(),
            strings: HashMap::new(),
            roots: Vec::new(),
            free_roots: Vec::new(),
            dropped: Default::default(),
            last_trace: None,
            graph_hashes: HashMap::new(),
            library_names: std::cell::OnceCell::new(),
            library,
            extensions: HashMap::new(),
            output: Box::new(std::io::sink()),
        }
    }

    /// A closure of code that has only value captures, as main code has.
    ///
    /// # Errors
    /// `value_error` when there are not as many as the code takes, or when it needs more than values.
    pub(crate) fn close<'v>(&mut self, code: &Code, captures: &[Slot]) -> Result<Slot, Fault<'v>> {
        let (wanted, given) = (code.body().free.len(), captures.len());
        let name = || code.debug().map_or("the function", |debug| debug.name.as_str());
        if code.uses_owner() {
            let message = format!("{} belongs to a type, and is made where that is declared", name());
            return Err(self.cx_mut().fail(ErrorKind::Value, message));
        }
        if code.body().free.contains(&FreeKind::Cell) {
            let message = format!("{} shares variables with other functions, and is made beside them", name());
            return Err(self.cx_mut().fail(ErrorKind::Value, message));
        }
        if wanted != given {
            let message = format!("{} takes {} from outside, not {given}", name(), counted(wanted, "value"));
            return Err(self.cx_mut().fail(ErrorKind::Value, message));
        }
        let prepared = self.prepared(code);
        // SAFETY: the code is prepared, kept by the closure, and gets as many captures as it lists, all of them values.
        Ok(Value::from(unsafe { self.heap.closure(prepared, captures.iter().copied(), None) }).slot())
    }

    /// Has the heap count what prepared code and the code of its closure sites take, for as long as the machine keeps that.
    pub(super) fn count(&mut self, prepared: *const Prepared) {
        let mut waiting = vec![prepared];
        while let Some(prepared) = waiting.pop() {
            // SAFETY: the machine keeps what it has prepared, at least until it collects.
            let prepared = unsafe { &*prepared };
            if prepared.counted.get() == 0 {
                prepared.counted.set(memory_of_one(prepared.code()));
                self.heap.bytes += prepared.counted.get();
                waiting.extend(prepared.children());
            }
        }
    }

    /// The machine as natives see it.
    pub(crate) fn cx_mut<'v>(&mut self) -> &mut Cx<'v> {
        // SAFETY: `Cx` is a transparent wrapper. The brand is the caller's: values it gets are used before the next
        // collection, or are protected by `call_back`.
        unsafe { &mut *(self as *mut Machine).cast::<Cx<'v>>() }
    }

    /// As `cx_mut`, from the pointer that handlers have.
    ///
    /// # Safety
    /// `vm` is valid and there is no other reference to the machine.
    #[inline(always)]
    pub(super) unsafe fn cx<'a, 'v>(vm: *mut Machine) -> &'a mut Cx<'v> {
        // SAFETY: the caller's word.
        unsafe { &mut *vm.cast::<Cx<'v>>() }
    }
}

impl<'v> Cx<'v> {
    /// A closure of code that takes only values from outside. What the code takes counts as memory of the machine for as long
    /// as that keeps it.
    ///
    /// # Errors
    /// As [`Vm::instantiate`](crate::Vm::instantiate), and as [`Cx::reserve`].
    pub fn close(&mut self, code: &Code, captures: &[Value<'v>]) -> Outcome<'v> {
        self.reserve(memory_of(code))?;
        let captures: Vec<Slot> = captures.iter().map(|value| value.slot()).collect();
        let closure = self.machine.close(code, &captures)?;
        let prepared = self.machine.prepared(code);
        self.machine.count(prepared);
        // SAFETY: it has just been made, and the brand is that of the native that is running.
        Ok(unsafe { closure.rebrand() })
    }
}

/// About what code and all code in it take, in bytes.
fn memory_of(code: &Code) -> usize {
    // Code nests at most 255 deep.
    memory_of_one(code) + code.body().children.iter().map(memory_of).sum::<usize>()
}

/// About what code takes without its children: the code object with its debug information, and prepared.
fn memory_of_one(code: &Code) -> usize {
    /// For a word, its prepared form, and on average its cache and its position.
    const WORD: usize = 40;
    /// For a constant and its place in the pool, without its text.
    const CONSTANT: usize = 64;
    const SITE: usize = 96;
    let body = code.body();
    let texts = body.constants.iter().map(|constant| match constant {
        Constant::Str(text) => text.len(),
        Constant::Bytes(bytes) => bytes.len(),
        Constant::Int(_) | Constant::Float(_) => 0,
    });
    let tables = WORD * body.words.len() + CONSTANT * body.constants.len() + SITE * body.closures.len();
    1024 + tables + texts.sum::<usize>()
}
