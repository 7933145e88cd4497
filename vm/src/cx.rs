//! What a native sees of the machine: making values, failing, reserving memory, calling back.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Duration;

use quipu_code::{Code, CodeHash};

use crate::door::{caught, told};
use crate::error::ErrorKind;
use crate::heap::fiber::FiberState;
use crate::heap::value::Brand;
use crate::heap::{Heap, List, Map, Set, Value, View, tag};
use crate::machine::Machine;
use crate::native::{Fault, Outcome, Stop};
use crate::root::Root;
use crate::trace::{Trace, TraceLine};

/// What the program's output is called where its host panics in it.
pub(crate) const OUTPUT: &str = "the output";

/// The machine as an active native sees it. Values it gives are good for the brand `'v`.
#[repr(transparent)]
pub struct Cx<'v> {
    pub(crate) machine: Machine,
    brand: PhantomData<Brand<'v>>,
}

impl<'v> Cx<'v> {
    pub(crate) fn heap(&mut self) -> &mut Heap {
        &mut self.machine.heap
    }

    /// Makes sure that `bytes` more fit into the heap. To be called before anything is changed.
    ///
    /// # Errors
    /// Asks the machine to collect and run the native again; if that does not help, the heap limit is hit.
    #[inline]
    pub fn reserve(&mut self, bytes: usize) -> Result<(), Fault<'v>> {
        if self.machine.heap.has_room(bytes) { Ok(()) } else { Err(Fault::Collect(bytes)) }
    }

    /// Charges fuel for work that grows with the input: about one unit for 16 simple steps or 64 bytes copied.
    ///
    /// # Errors
    /// The fuel is used up, time is up, or the interrupt handle was used.
    pub fn work(&mut self, units: usize) -> Result<(), Fault<'v>> {
        self.pay(units as u64)
    }

    /// The same where what is counted may be more than an address can say.
    #[inline]
    pub(crate) fn pay(&mut self, units: u64) -> Result<(), Fault<'v>> {
        self.machine.fuel = self.machine.fuel.saturating_sub_unsigned(units);
        if self.machine.fuel > 0 { Ok(()) } else { self.machine.next_slice().map_err(Fault::Stop) }
    }

    /// The most bytes that the heap may hold.
    pub fn heap_limit(&self) -> usize {
        self.machine.heap.limit
    }

    /// Charges fuel where there is no way to stop: the next safepoint does.
    pub(crate) fn owe(&mut self, units: usize) {
        self.machine.fuel = self.machine.fuel.saturating_sub_unsigned(units as u64);
    }

    /// Looks at the clock and the interrupt handle at once. A native that waits for something outside asks again and
    /// again, and waits no longer than this gives: what is left until the deadline, if there is one.
    ///
    /// # Errors
    /// Time is up, or the interrupt handle was used.
    pub fn waiting(&mut self) -> Result<Option<Duration>, Fault<'v>> {
        self.machine.stop_if_asked().map_err(Fault::Stop)?;
        Ok(self.machine.limits.deadline.map(|deadline| deadline.since(self.machine.now())))
    }

    /// A string.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    #[inline]
    pub fn str(&mut self, text: &str) -> Outcome<'v> {
        self.reserve(text.len())?;
        Ok(self.machine.heap.str(text).into())
    }

    /// A byte string.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn bytes(&mut self, bytes: &[u8]) -> Outcome<'v> {
        self.reserve(bytes.len())?;
        Ok(self.machine.heap.bytes(&[bytes]).into())
    }

    /// A tuple.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn tuple(&mut self, items: &[Value<'v>]) -> Outcome<'v> {
        self.reserve(size_of_val(items))?;
        Ok(self.machine.heap.tuple(items).into())
    }

    /// A list of these values.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub fn list(&mut self, items: Vec<Value<'v>>) -> Result<List<'v>, Fault<'v>> {
        self.reserve(items.capacity() * size_of::<Value<'_>>())?;
        Ok(self.machine.heap.list(items))
    }

    /// An empty map.
    pub fn map(&mut self) -> Map<'v> {
        self.machine.heap.table(tag::MAP)
    }

    /// An empty set.
    pub fn set(&mut self) -> Set<'v> {
        self.machine.heap.table(tag::SET)
    }

    /// A range. `step` is not 0.
    pub fn range(&mut self, start: i64, end: i64, step: i64, inclusive: bool) -> Value<'v> {
        debug_assert!(step != 0);
        self.machine.heap.range(start, end, step, inclusive).into()
    }

    /// A fiber that will call a function.
    pub fn fiber(&mut self, function: Value<'v>) -> Value<'v> {
        self.machine.heap.fiber(FiberState::new(function.slot())).into()
    }

    /// The fault of throwing a new error value.
    pub fn fail(&mut self, kind: ErrorKind, message: impl AsRef<str>) -> Fault<'v> {
        self.fail_with(kind, message, Value::NIL)
    }

    /// The fault of throwing a new error value with data.
    pub fn fail_with(&mut self, kind: ErrorKind, message: impl AsRef<str>, data: Value<'v>) -> Fault<'v> {
        let kind = self.machine.interned(kind.name());
        let message = self.machine.heap.str(message.as_ref()).into();
        Fault::Thrown(self.machine.heap.error(kind, message, data).into())
    }

    /// The fault of throwing a new error value whose message begins with the name of the native that is running, as in
    /// `list.insert: expected an int as position, got str`.
    pub fn fail_here(&mut self, kind: ErrorKind, message: impl AsRef<str>) -> Fault<'v> {
        self.fail_here_with(kind, message, Value::NIL)
    }

    /// The same with data.
    #[cold]
    pub fn fail_here_with(&mut self, kind: ErrorKind, message: impl AsRef<str>, data: Value<'v>) -> Fault<'v> {
        let message = message.as_ref();
        match self.native_name().map(|name| format!("{name}: {message}")) {
            Some(named) => self.fail_with(kind, named, data),
            None => self.fail_with(kind, message, data),
        }
    }

    /// The name of the native that is running, as programs know it. None outside of natives, though it may still be that
    /// of the last one there.
    pub fn native_name(&self) -> Option<&str> {
        self.machine.native().map(|native| native.shown.unwrap_or(&native.name))
    }

    /// The fault of throwing a value that was thrown outside of this machine, with the calls that were under way there,
    /// innermost first, and how many of them are left out.
    pub fn throw_from(&mut self, value: Value<'v>, calls: Vec<TraceLine>, omitted: usize) -> Fault<'v> {
        let trace = Trace { elsewhere: calls, omitted, ..Trace::default() };
        match value.view() {
            View::Error(error) => {
                self.machine.heap.change_trace(error, |known| known.unwrap_or_else(|| Box::new(trace)));
            }
            _ => self.machine.last_trace = Some(Box::new(trace)),
        }
        Fault::Thrown(value)
    }

    /// Calls a function from inside a native. It runs on a fiber of its own; a `yield` out of it is an error.
    ///
    /// # Errors
    /// What the function throws, or a limit.
    pub fn call(&mut self, function: Value<'v>, args: &[Value<'v>]) -> Outcome<'v> {
        self.machine.call_back(function, args)
    }

    /// The value that a handle stands for.
    ///
    /// # Errors
    /// `value_error` when it is a handle of another machine.
    pub fn rooted(&mut self, root: &Root) -> Outcome<'v> {
        self.machine.rooted(root)
    }

    /// A handle to a value, which keeps it alive beyond this call.
    pub fn root(&mut self, value: Value<'v>) -> Root {
        self.machine.root(value.slot())
    }

    /// The value that the library provides under a name.
    ///
    /// # Errors
    /// A limit that is hit while the part of the library is loaded that it is in.
    pub fn native(&mut self, name: &str) -> Result<Option<Value<'v>>, Fault<'v>> {
        self.machine.provided(name)
    }

    /// What a part of the host keeps for this machine, made when it is first asked for: caches, queues, whatever belongs to
    /// one machine and not to all of an engine. It holds no values but [`Root`]s. Programs do not see it,
    /// images do not take it along, and its memory is not counted.
    pub fn extension<T: Default + Send + 'static>(&mut self) -> &mut T {
        self.machine.extension()
    }

    /// All code that this machine has, by hash: where the code of thin images is found.
    pub fn codes(&self) -> HashMap<CodeHash, Code> {
        self.machine.codes.iter().map(|(&(hash, _), prepared)| (hash, prepared.code().clone())).collect()
    }

    /// Writes out what the program's output holds back.
    ///
    /// # Errors
    /// As [`Cx::write`].
    pub fn flush(&mut self) -> Result<(), Fault<'v>> {
        self.machine.strain();
        let flushed = caught(|| self.machine.output.flush());
        self.written(flushed)
    }

    /// The function of the library that the program has called and that calls this native, if it is written in the language:
    /// for messages that name what the program knows.
    pub fn library_function(&mut self) -> Option<String> {
        self.machine.trace().library_function()
    }

    /// Writes program output.
    ///
    /// # Errors
    /// `io_error` when the output is closed or full; `error` when the host's output panics.
    pub fn write(&mut self, text: &str) -> Result<(), Fault<'v>> {
        self.machine.strain();
        let written = caught(|| self.machine.output.write_all(text.as_bytes()));
        self.written(written)
    }

    fn written(&mut self, result: Result<std::io::Result<()>, String>) -> Result<(), Fault<'v>> {
        let result = match result {
            Ok(result) => result,
            Err(text) => return Err(panicked(self, OUTPUT, &text)),
        };
        match result {
            Ok(()) => Ok(()),
            // A reader that has gone away ends the program silently, as it does other filters.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Fault::Stop(Stop::Exit(0))),
            Err(error) => Err(self.fail(ErrorKind::Io, format!("cannot write the output: {error}"))),
        }
    }
}

impl std::fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cx").finish_non_exhaustive()
    }
}

/// Runs a function of the host; a panic in it becomes an error of the program.
#[inline]
pub(crate) fn guarded<'v, T>(
    cx: &mut Cx<'v>,
    name: &str,
    run: impl FnOnce(&mut Cx<'v>) -> Result<T, Fault<'v>>,
) -> Result<T, Fault<'v>> {
    cx.machine.strain();
    match caught(|| run(cx)) {
        Ok(outcome) => outcome,
        Err(text) => Err(panicked(cx, name, &text)),
    }
}

/// The fault that a panic in the host's code becomes.
#[cold]
pub(crate) fn panicked<'v>(cx: &mut Cx<'v>, name: &str, text: &str) -> Fault<'v> {
    cx.fail(ErrorKind::Plain, told(name, text))
}
