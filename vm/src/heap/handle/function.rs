//! Closures, their cells, natives and fibers.

use quipu_code::Code;

use crate::cx::Cx;
use crate::heap::Heap;
use crate::heap::fiber::Status;
use crate::heap::journal::Change;
use crate::heap::layout::{CellObject, ClosureObject, FiberObject, NativeObject, flag};
use crate::heap::value::{Gc, Slot, Type, Value, View};
use crate::native::NativeDef;

impl<'v> Gc<'v, ClosureObject> {
    /// Its code object.
    pub fn code(self) -> &'v Code {
        // SAFETY: the closure is live for `'v`, the machine keeps its code as long, and it never changes.
        unsafe { (*(*self.as_ptr()).code).code() }
    }

    /// Number of captures.
    pub fn capture_count(self) -> usize {
        // SAFETY: as for `code`.
        unsafe { (*(*self.as_ptr()).code).captures() }
    }

    fn slot(self, index: usize) -> Value<'v> {
        // SAFETY: callers stay within captures and owner, which follow the object and are live as long as it is.
        unsafe { (*self.as_ptr().add(1).cast::<Slot>().add(index)).rebrand() }
    }

    /// Capture number `index`: a value, or a cell.
    pub fn capture(self, index: usize) -> Option<Value<'v>> {
        (index < self.capture_count()).then(|| self.slot(index))
    }

    /// The captures, in the order of the free-variable list.
    pub fn captures(self) -> impl ExactSizeIterator<Item = Value<'v>> + use<'v> {
        (0..self.capture_count()).map(move |index| self.slot(index))
    }

    /// The type whose method or constructor it is.
    pub fn owner(self) -> Option<Type<'v>> {
        // SAFETY: the object is live.
        let owned = unsafe { (*self.header()).flags & flag::OWNED != 0 };
        match owned.then(|| self.slot(self.capture_count())).map(Value::view) {
            Some(View::Type(ty)) => Some(ty),
            _ => None,
        }
    }

    /// The function's own name as debug information has it.
    pub fn name(self) -> Option<&'v str> {
        self.code().debug().map(|debug| debug.name.as_str())
    }
}

impl<'v> Gc<'v, CellObject> {
    /// Its content; the absent marker while it is not initialised.
    #[inline(always)]
    pub fn get(self) -> Value<'v> {
        // SAFETY: the object is live, and what it refers to as well.
        unsafe { (*self.as_ptr()).value.rebrand() }
    }

    /// Whether it belongs to a `var`.
    pub fn is_var(self) -> bool {
        // SAFETY: the object is live.
        unsafe { (*self.header()).flags & flag::VAR != 0 }
    }

    /// Replaces its content.
    #[inline(always)]
    pub fn set(self, cx: &mut Cx<'v>, value: Value<'v>) {
        self.set_in(cx.heap(), value);
    }

    /// [`set`](Self::set) for the machine itself.
    #[inline(always)]
    pub(crate) fn set_in(self, heap: &mut Heap, value: Value<'v>) {
        // SAFETY: the object is live, and nothing refers into it.
        let old = unsafe { std::mem::replace(&mut (*self.as_ptr()).value, value.slot()) };
        if heap.logs(self.header()) {
            heap.log(Change::Cell(self.as_ptr(), old));
        }
    }
}

impl<'v> Gc<'v, NativeObject> {
    /// Its declaration.
    pub fn def(self) -> &'v NativeDef {
        // SAFETY: the object is live for `'v`, and its declaration never changes.
        unsafe { &(*self.as_ptr()).def }
    }

    /// The name that code and images know it by.
    pub fn name(self) -> &'v str {
        &self.def().name
    }
}

impl Gc<'_, FiberObject> {
    fn status(self) -> Status {
        // SAFETY: the object is live.
        unsafe { (*self.as_ptr()).state.status }
    }

    /// Whether it has returned or thrown.
    pub fn is_done(self) -> bool {
        self.status() == Status::Done
    }

    /// Whether it runs or waits for a fiber that it resumed.
    pub fn is_running(self) -> bool {
        self.status() == Status::Running
    }
}
