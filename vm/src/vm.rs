//! A machine as its host sees it: loading code, calling functions, keeping values, and what went wrong.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quipu_code::Code;
use quipu_code::hash::GraphHash;

use crate::clock::Moment;
use crate::cx::OUTPUT;
use crate::door::{caught, dispose, told};
use crate::failure::Failure;
use crate::graph::progress::Progress;
use crate::heap::{Slot, Value, View};
use crate::image::Image;
use crate::library::Library;
use crate::machine::{HoldsNothing, Limits, Machine};
use crate::native::{Fault, Stop};
use crate::root::Root;
use crate::watch::{Watch, Watched};

/// A machine with a heap of its own. It can move between threads.
pub struct Vm {
    pub(crate) machine: Box<Machine>,
}

/// Stops a machine from another thread.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Makes the program stop at its next safepoint.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// What does the same when it is set, for handlers of signals, which may do little else.
    pub fn into_flag(self) -> Arc<AtomicBool> {
        self.0
    }
}

/// A function that a value reaches.
#[derive(Debug)]
pub struct FunctionInfo {
    /// Its code, with its name and lines if they are known.
    pub code: Code,
    /// The hash of the function and all it reaches.
    pub hash: GraphHash,
}

/// Figures of a machine.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
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
    /// A machine with everything of a library. It makes values of that when programs use it.
    ///
    /// # Errors
    /// None yet: there is nothing to be run before a program is.
    pub fn new(library: Arc<Library>, limits: Limits) -> Result<Vm, Failure> {
        Ok(Vm { machine: Box::new(Machine::new(library, limits)) })
    }

    /// The names of all instructions that a machine may run, also those that stand for several or in the places of others.
    pub fn instructions() -> impl Iterator<Item = &'static str> {
        crate::run::watch::instructions().map(|(_, name)| name)
    }

    /// Now, by this machine's clock.
    pub fn now(&self) -> Moment {
        self.machine.now()
    }

    /// A handle that stops this machine from another thread.
    pub fn interrupt_handle(&self) -> Interrupt {
        Interrupt(self.machine.interrupt.clone())
    }

    /// Whether what a program has deferred runs when the interrupt handle was used, for at most two seconds, as it does when
    /// the program ends itself. Off by default: an interrupt stops the program where it is.
    pub fn unwind_on_interrupt(&mut self, on: bool) {
        self.machine.unwinds_on_interrupt = on;
    }

    /// Where the program's output goes; nowhere by default.
    pub fn set_output(&mut self, output: Box<dyn Write + Send>) {
        dispose(std::mem::replace(&mut self.machine.output, output));
    }

    /// Writes out what the output holds back.
    ///
    /// # Errors
    /// Those of the output; one of kind `Other` when it panics.
    pub fn flush(&mut self) -> std::io::Result<()> {
        let output = &mut self.machine.output;
        caught(|| output.flush()).unwrap_or_else(|text| Err(std::io::Error::other(told(OUTPUT, &text))))
    }

    /// Collects at every possible place, which finds missing roots; very slow.
    pub fn set_gc_stress(&mut self, on: bool) {
        self.machine.heap.set_stress(on);
    }

    /// Collects wherever the library or the host may be called, without freeing what there was, which finds those who rely
    /// on what may be gone by then; very slow.
    pub fn set_call_stress(&mut self, on: bool) {
        self.machine.call_stress = on;
    }

    /// Begins to watch the machine; what was seen before is forgotten. A watched machine is slower.
    pub fn watch(&mut self, watch: Watch) {
        self.machine.watch(watch);
    }

    /// Ends watching and gives what was seen; None if the machine was not watched.
    pub fn watched(&mut self) -> Option<Watched> {
        self.machine.watched()
    }

    /// A closure of main code, with a value for each of its free variables.
    ///
    /// # Errors
    /// `value_error` when there are more or fewer values than free variables, when the code shares a variable with other
    /// functions, or belongs to a declared type: closures of such code are made where they are declared, or by an image.
    /// A value belongs to another machine.
    pub fn instantiate(&mut self, code: &Code, captures: &[Root]) -> Result<Root, Failure> {
        let captures = self.slots(captures)?;
        let outcome = self.machine.close(code, &captures);
        self.outcome(outcome)
    }

    /// Calls a function to its end.
    ///
    /// # Errors
    /// What it throws, or the limit it hits.
    pub fn call(&mut self, function: &Root, args: &[Root]) -> Result<Root, Failure> {
        self.collect_if_due();
        let function = self.slot(function)?;
        let args = self.slots(args)?;
        let nothing = self.holds_nothing();
        let outcome = self.machine.call_from_outside(function, &args, nothing);
        self.outcome(outcome)
    }

    /// The image of a value and all it reaches.
    ///
    /// # Errors
    /// `not_portable` when it reaches a running fiber; a limit.
    pub fn image(&mut self, value: &Root) -> Result<Image, Failure> {
        self.image_with_progress(value, &mut Progress::silent())
    }

    /// [`image`](Self::image), telling how far it has come: bytes that are written; how many there will be is not known.
    ///
    /// # Errors
    /// As [`image`](Self::image).
    pub fn image_with_progress(&mut self, value: &Root, progress: &mut Progress<'_>) -> Result<Image, Failure> {
        let value = self.slot(value)?;
        let outcome = self.collecting(|cx| Image::of_with_progress(cx, value, progress));
        outcome.map_err(|fault| self.failure(fault))
    }

    /// The value of an image, built anew in this machine.
    ///
    /// # Errors
    /// `image_error` with all names that this machine's host does not provide; a limit.
    pub fn load(&mut self, image: &Image) -> Result<Root, Failure> {
        self.load_with_progress(image, &mut Progress::silent())
    }

    /// [`load`](Self::load), telling how far it has come.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with_progress(&mut self, image: &Image, progress: &mut Progress<'_>) -> Result<Root, Failure> {
        let keeps_unbound = self.machine.keeps_unbound;
        let outcome = self.collecting(|cx| {
            if keeps_unbound { image.load_unbound(cx, progress) } else { image.load_with_progress(cx, progress) }
        });
        self.outcome(outcome)
    }

    /// Whether [`load`](Self::load) keeps functions as data that name what this machine's host does not provide. Such natives
    /// are *unbound*: equal to the bound ones, hashed, shown and saved as those, and bound wherever the function goes where
    /// the host provides them. Calling one throws `capability_error` with all names that the function lacks. Off by
    /// default. What programs load for themselves is refused as ever.
    pub fn keep_unbound(&mut self, on: bool) {
        self.machine.keeps_unbound = on;
    }

    /// [`load`](Self::load) where not everything that this machine provides is for the image, as
    /// [`Image::load_within`] says.
    ///
    /// # Errors
    /// As [`Image::load_within`].
    pub fn load_within(&mut self, image: &Image, allows: impl Fn(&str) -> bool) -> Result<Root, Failure> {
        let outcome = self.collecting(|cx| image.load_within(cx, &allows));
        self.outcome(outcome)
    }

    /// The hash of a value and all it reaches, as `hash(v)` gives it.
    ///
    /// # Errors
    /// `not_portable` when it reaches a running fiber; a limit.
    pub fn hash(&mut self, value: &Root) -> Result<GraphHash, Failure> {
        let value = self.slot(value)?;
        let outcome = self.collecting(|cx| crate::graph::hash(cx, value));
        outcome.map_err(|fault| self.failure(fault))
    }

    /// The functions that a value reaches, itself included, each with its hash, in the canonical order of the graph.
    ///
    /// # Errors
    /// As [`image`](Self::image).
    pub fn functions(&mut self, value: &Root) -> Result<Vec<FunctionInfo>, Failure> {
        let value = self.slot(value)?;
        let outcome = self.collecting(|cx| {
            let functions = crate::graph::write::write(cx, value, &mut Progress::silent())?.functions;
            let info = |function: crate::heap::Closure<'static>| {
                let hash = crate::graph::hash(cx, function.into())?;
                Ok(FunctionInfo { code: function.code().clone(), hash })
            };
            functions.into_iter().map(info).collect()
        });
        outcome.map_err(|fault| self.failure(fault))
    }

    /// Says that no Rust code has values of this machine that it uses after the call that is made with this. The caller
    /// sees to its own; no other has any, as nobody has the machine itself while a native or a closure of `enter` runs.
    pub(crate) fn holds_nothing(&mut self) -> HoldsNothing {
        HoldsNothing::of(&mut self.machine)
    }

    /// Collects if that is due, as it is when a run was given up. Nothing runs, and all that is in use has a handle.
    pub(crate) fn collect_if_due(&mut self) {
        if self.machine.heap.is_due() {
            self.machine.collect();
        }
    }

    /// Frees what nothing refers to, if the heap has become twice as large as at the last rest, and has two MiB at least.
    /// Hosts with many machines call it when one has done its work: what a call has left would stay until the next ones have
    /// made as much again.
    pub fn rest(&mut self) {
        if self.machine.heap.has_grown_since_rest() {
            self.machine.heap.make_due();
            self.machine.collect();
            self.machine.heap.has_rested();
        }
    }

    /// Does what a native would do, and does it again after a collection if that is asked for.
    fn collecting<T>(
        &mut self,
        mut action: impl FnMut(&mut crate::Cx<'static>) -> Result<T, Fault<'static>>,
    ) -> Result<T, Fault<'static>> {
        self.collect_if_due();
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
        let View::Tuple(tuple) = self.slot(tuple).ok()?.view() else { return None };
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
        let mut slots = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            slots.push((key.as_str(), self.slot(value)?));
        }
        let entries = slots;
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
    ///
    /// # Errors
    /// A value belongs to another machine.
    pub fn list(&mut self, items: &[Root]) -> Result<Root, Failure> {
        let items = self.slots(items)?;
        let value = Value::from(self.machine.heap.list(items)).slot();
        Ok(self.root(value))
    }

    /// `nil`.
    pub fn nil(&mut self) -> Root {
        self.root(Value::NIL)
    }

    /// Whether a value is nil.
    pub fn is_nil(&mut self, value: &Root) -> bool {
        self.slot(value).is_ok_and(Value::is_nil)
    }

    /// A value as source, as `repr` gives it.
    ///
    /// # Errors
    /// A limit that is hit on the way.
    pub fn repr(&mut self, value: &Root) -> Result<String, Failure> {
        let value = self.slot(value)?;
        let text = self.collecting(|cx| crate::ops::text::repr(cx, value));
        match text {
            Ok(text) => Ok(text.as_str().unwrap_or_default().to_owned()),
            Err(fault) => Err(self.failure(fault)),
        }
    }

    /// What a part of the host keeps for this machine; natives find it with [`Cx::extension`](crate::Cx::extension).
    pub fn extension<T: Default + Send + 'static>(&mut self) -> &mut T {
        self.machine.extension()
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

    /// The value that a handle stands for.
    pub(crate) fn slot(&mut self, root: &Root) -> Result<Slot, Failure> {
        match self.machine.rooted(root) {
            Ok(slot) => Ok(slot),
            Err(fault) => Err(self.failure(fault)),
        }
    }

    pub(crate) fn slots(&mut self, roots: &[Root]) -> Result<Vec<Slot>, Failure> {
        roots.iter().map(|root| self.slot(root)).collect()
    }

    pub(crate) fn root(&mut self, value: Slot) -> Root {
        self.machine.root(value)
    }

    fn outcome(&mut self, outcome: Result<Slot, Fault<'static>>) -> Result<Root, Failure> {
        match outcome {
            Ok(value) => Ok(self.root(value)),
            Err(fault) => Err(self.failure(fault)),
        }
    }

    pub(crate) fn failure(&mut self, fault: Fault<'static>) -> Failure {
        self.machine.failed(fault)
    }
}

impl std::fmt::Debug for Vm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vm").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
