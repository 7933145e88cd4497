//! Making a machine, and closures of code that stands alone.

use quipu_code::counted;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use quipu_code::{Code, FreeKind};

use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::{Heap, Slot, Value};
use crate::library::Library;
use crate::machine::{Limits, Machine, Stepping};
use crate::native::Fault;
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
