//! A machine as its host sees it: loading code, calling functions, keeping values, and what went wrong.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use quipu_lang::code::Code;

use crate::heap::{Slot, Value, View};
use crate::image::Image;
use crate::library::Library;
use crate::native::{Fault, Stop};
use crate::run::machine::{Limits, Machine};
use crate::trace::TraceLine;

/// A machine with a heap of its own. It can move between threads.
pub struct Vm {
    pub(crate) machine: Box<Machine>,
    /// Roots that were dropped and whose places can be used again.
    dropped: Arc<Mutex<Vec<u32>>>,
}

/// A value that its machine keeps alive until the last clone is dropped.
#[derive(Clone)]
pub struct Root(Arc<RootPlace>);

struct RootPlace {
    index: u32,
    dropped: Arc<Mutex<Vec<u32>>>,
}

impl Drop for RootPlace {
    fn drop(&mut self) {
        if let Ok(mut dropped) = self.dropped.lock() {
            dropped.push(self.index);
        }
    }
}

/// Stops a machine from another thread.
#[derive(Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Makes the program stop at its next safepoint.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Why a call from the host gave no value.
#[derive(Clone)]
pub enum Failure {
    /// The program threw something that nothing in it caught.
    Uncaught(Box<Uncaught>),
    /// A limit was hit, with the calls under way then, innermost first.
    Stop(Stop, Vec<TraceLine>),
}

/// A thrown value that nothing caught.
#[derive(Clone)]
pub struct Uncaught {
    /// The kind of the error value; `None` if another value was thrown.
    pub kind: Option<String>,
    /// Its message, or the thrown value as source.
    pub message: String,
    /// Its data as source, if there is any.
    pub data: Option<String>,
    /// The thrown value.
    pub value: Root,
    /// The calls that were under way, innermost first.
    pub trace: Vec<TraceLine>,
    /// How many calls in the middle of `trace` are left out, and after which entry.
    pub omitted: usize,
}

impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Uncaught(uncaught) => {
                write!(f, "{}: {}", uncaught.kind.as_deref().unwrap_or("thrown"), uncaught.message)
            }
            Failure::Stop(stop, _) => write!(f, "{stop:?}"),
        }
    }
}

/// A function that a value reaches.
pub struct FunctionInfo {
    /// Its code, with its name and lines if they are known.
    pub code: Code,
    /// The hash of the function and all it reaches.
    pub hash: [u8; 32],
}

/// Figures of a machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Bytes of all objects, including garbage that was not collected yet.
    pub heap_bytes: usize,
    /// Collections so far.
    pub collections: u64,
    /// Fuel used so far.
    pub fuel_used: u64,
    /// Code objects that are prepared.
    pub codes: usize,
}

impl Vm {
    /// A machine with everything of a library.
    ///
    /// # Errors
    /// What the library's own code throws.
    pub fn new(library: Arc<Library>, limits: Limits) -> Result<Vm, Failure> {
        match Machine::new(library, limits) {
            Ok(machine) => Ok(Vm { machine: Box::new(machine), dropped: Arc::default() }),
            Err(Fault::Stop(stop)) => Err(Failure::Stop(stop, Vec::new())),
            Err(_) => Err(Failure::Stop(Stop::Heap, Vec::new())),
        }
    }

    /// Sets new limits; fuel counts from now.
    pub fn set_limits(&mut self, limits: Limits) {
        self.machine.heap.limit = limits.heap;
        self.machine.heap.threshold = self.machine.heap.threshold.min(limits.heap);
        self.machine.limits = limits;
        self.machine.fuel = 0;
        self.machine.slice = 0;
        self.machine.fuel_used = 0;
    }

    /// A handle that stops this machine from another thread.
    pub fn interrupt_handle(&self) -> Interrupt {
        Interrupt(self.machine.interrupt.clone())
    }

    /// Where the program's output goes; nowhere by default.
    pub fn set_output(&mut self, output: Box<dyn Write + Send>) {
        self.machine.output = output;
    }

    /// Writes out what the output holds back.
    ///
    /// # Errors
    /// Those of the output.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.machine.output.flush()
    }

    /// Collects at every possible place, which finds missing roots; very slow.
    pub fn set_gc_stress(&mut self, on: bool) {
        self.machine.heap.stress = on;
        self.machine.heap.threshold = if on { 0 } else { self.machine.heap.bytes };
    }

    /// A closure of main code, with a value for each of its free variables.
    ///
    /// # Errors
    /// None at present.
    pub fn instantiate(&mut self, code: &Code, captures: &[Root]) -> Result<Root, Failure> {
        let captures: Vec<Slot> = captures.iter().map(|root| self.slot(root)).collect();
        let closure = self.machine.close(code, &captures);
        Ok(self.root(closure))
    }

    /// Calls a function to its end.
    ///
    /// # Errors
    /// What it throws, or the limit it hits.
    pub fn call(&mut self, function: &Root, args: &[Root]) -> Result<Root, Failure> {
        let function = self.slot(function);
        let args: Vec<Slot> = args.iter().map(|root| self.slot(root)).collect();
        let outcome = self.machine.call_back(function, &args);
        self.outcome(outcome)
    }

    /// The image of a value and all it reaches.
    ///
    /// # Errors
    /// `not_portable` when it reaches a running fiber; a limit.
    pub fn freeze(&mut self, value: &Root) -> Result<Image, Failure> {
        let value = self.slot(value);
        let outcome = self.collecting(|cx| Image::freeze(cx, value));
        outcome.map_err(|fault| self.failure(fault))
    }

    /// The value of an image, built anew in this machine.
    ///
    /// # Errors
    /// `image_error` with all names that this machine's host does not provide; a limit.
    pub fn thaw(&mut self, image: &Image) -> Result<Root, Failure> {
        let outcome = self.collecting(|cx| image.thaw(cx));
        self.outcome(outcome)
    }

    /// The hash of a value and all it reaches, as `hash(v)` gives it.
    ///
    /// # Errors
    /// `not_portable` when it reaches a running fiber; a limit.
    pub fn hash(&mut self, value: &Root) -> Result<[u8; 32], Failure> {
        let value = self.slot(value);
        let outcome = self.collecting(|cx| crate::graph::hash(cx, value));
        outcome.map_err(|fault| self.failure(fault))
    }

    /// The functions that a value reaches, itself included, each with its hash, in the canonical order of the graph.
    ///
    /// # Errors
    /// As [`freeze`](Self::freeze).
    pub fn functions(&mut self, value: &Root) -> Result<Vec<FunctionInfo>, Failure> {
        let value = self.slot(value);
        let outcome = self.collecting(|cx| {
            let functions = crate::graph::write::write(cx, value)?.functions;
            let info = |function: crate::heap::Closure<'static>| {
                let hash = crate::graph::hash(cx, function.into())?;
                Ok(FunctionInfo { code: function.code().clone(), hash })
            };
            functions.into_iter().map(info).collect()
        });
        outcome.map_err(|fault| self.failure(fault))
    }

    /// Does what a native would do, and does it again after a collection if that is asked for.
    fn collecting<T>(
        &mut self,
        mut action: impl FnMut(&mut crate::Cx<'static>) -> Result<T, Fault<'static>>,
    ) -> Result<T, Fault<'static>> {
        match action(self.machine.cx_mut()) {
            Err(Fault::Collect(bytes)) => {
                self.machine.collect();
                if !self.machine.heap.has_room(bytes) {
                    return Err(Fault::Stop(Stop::Heap));
                }
                action(self.machine.cx_mut())
            }
            outcome => outcome,
        }
    }

    /// An element of a tuple.
    pub fn tuple_item(&mut self, tuple: &Root, index: usize) -> Option<Root> {
        let View::Tuple(tuple) = self.slot(tuple).view() else { return None };
        let item = tuple.as_slice().get(index)?.slot();
        Some(self.root(item))
    }

    /// A string.
    pub fn string(&mut self, text: &str) -> Root {
        let value = Value::from(self.machine.heap.str(text)).slot();
        self.root(value)
    }

    /// An int.
    pub fn int(&mut self, int: i64) -> Root {
        self.root(Value::int(int))
    }

    /// A float.
    pub fn float(&mut self, float: f64) -> Root {
        self.root(Value::float(float))
    }

    /// `true` or `false`.
    pub fn bool(&mut self, truth: bool) -> Root {
        self.root(Value::bool(truth))
    }

    /// A map with string keys; of equal ones the last counts.
    ///
    /// # Errors
    /// A limit.
    pub fn map(&mut self, entries: &[(String, Root)]) -> Result<Root, Failure> {
        let entries: Vec<(&str, Slot)> = entries.iter().map(|(key, value)| (key.as_str(), self.slot(value))).collect();
        let outcome = self.collecting(|cx| {
            let map = cx.map();
            for &(key, value) in &entries {
                let key = cx.str(key)?;
                map.insert(cx, key, value)?;
            }
            Ok(map.into())
        });
        self.outcome(outcome)
    }

    /// A list.
    pub fn list(&mut self, items: &[Root]) -> Root {
        let items: Vec<Slot> = items.iter().map(|root| self.slot(root)).collect();
        let value = Value::from(self.machine.heap.list(items)).slot();
        self.root(value)
    }

    /// `nil`.
    pub fn nil(&mut self) -> Root {
        self.root(Value::NIL)
    }

    /// Whether a value is nil.
    pub fn is_nil(&self, value: &Root) -> bool {
        self.slot(value).is_nil()
    }

    /// A value as source, as `repr` gives it.
    ///
    /// # Errors
    /// A limit that is hit on the way.
    pub fn repr(&mut self, value: &Root) -> Result<String, Failure> {
        let value = self.slot(value);
        let text = crate::ops::text::repr(self.machine.cx_mut(), value);
        match text {
            Ok(text) => Ok(text.as_str().unwrap_or_default().to_owned()),
            Err(fault) => Err(self.failure(fault)),
        }
    }

    /// Figures.
    pub fn stats(&self) -> Stats {
        Stats {
            heap_bytes: self.machine.heap.bytes,
            collections: self.machine.heap.collections,
            fuel_used: self.machine.total_fuel_used(),
            codes: self.machine.codes.len(),
        }
    }

    pub(crate) fn slot(&self, root: &Root) -> Slot {
        // A root of another machine has another list of places, and stands for nil here.
        if !Arc::ptr_eq(&root.0.dropped, &self.dropped) {
            return Value::NIL;
        }
        self.machine.roots.get(root.0.index as usize).copied().unwrap_or(Value::NIL)
    }

    pub(crate) fn root(&mut self, value: Slot) -> Root {
        if let Ok(mut dropped) = self.dropped.lock() {
            for index in dropped.drain(..) {
                self.machine.roots[index as usize] = Value::NIL;
                self.machine.free_roots.push(index);
            }
        }
        let index = match self.machine.free_roots.pop() {
            Some(index) => {
                self.machine.roots[index as usize] = value;
                index
            }
            None => {
                self.machine.roots.push(value);
                self.machine.roots.len() as u32 - 1
            }
        };
        Root(Arc::new(RootPlace { index, dropped: self.dropped.clone() }))
    }

    fn outcome(&mut self, outcome: Result<Slot, Fault<'static>>) -> Result<Root, Failure> {
        match outcome {
            Ok(value) => Ok(self.root(value)),
            Err(fault) => Err(self.failure(fault)),
        }
    }

    pub(crate) fn failure(&mut self, fault: Fault<'static>) -> Failure {
        let value = match fault {
            Fault::Thrown(value) => value,
            Fault::Stop(stop) => {
                let trace = self.machine.stop_trace.take().unwrap_or_default();
                return Failure::Stop(stop, trace.entries().map(|entry| entry.line()).collect());
            }
            Fault::Collect(_) | Fault::Defer => return Failure::Stop(Stop::Heap, Vec::new()),
        };
        let root = self.root(value);
        let cx = self.machine.cx_mut();
        let show = |cx: &mut crate::Cx<'static>, value: Slot| -> String {
            crate::ops::text::repr_short(cx, value).unwrap_or_else(|_| "...".to_owned())
        };
        let (kind, message, data, trace) = match value.view() {
            View::Error(error) => {
                let message = error.message().as_str().unwrap_or_default().to_owned();
                let data = error.data();
                let data = if data.is_nil() { None } else { Some(show(cx, data)) };
                (Some(error.kind().to_owned()), message, data, error.trace().unwrap_or_default())
            }
            _ => {
                let shown = show(cx, value);
                (None, shown, None, self.machine.last_trace.take().map(|trace| *trace).unwrap_or_default())
            }
        };
        let lines = trace.entries().map(|entry| entry.line()).collect();
        Failure::Uncaught(Box::new(Uncaught { kind, message, data, value: root, trace: lines, omitted: trace.omitted }))
    }
}
