//! One actor's machine: its state, what is installed in it, and calls that happen whole or not at all.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use quipu_code::Code;
use quipu_code::hash::GraphHash;
use quipu_code::span::Source;
use quipu_lang::compile::compile;
use quipu_lang::parse::parse;
use quipu_lang::resolve::{NativeInfo, Natives};
use quipu_stdlib::Grant;
use quipu_vm::host::{Class, Host, HostType};
use quipu_vm::image::Form;
use quipu_vm::library::Library;
use quipu_vm::{
    Cx, ErrorKind, Failure, Fault, Image, Interrupt, Limits, Moment, NativeDef, Root, Stop, Value, View, Vm,
};

use crate::call::{Busy, CallOutcome, NoRoom, RemoteTraceLine, Room, Stopped};

/// The file whose functions run around those of clients; traces leave it out.
const DRIVER: &str = "<actor>";

/// What an action has given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Given {
    /// The image of the result.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub hash: GraphHash,
}

/// Why an action has given nothing.
#[derive(Debug)]
pub(super) enum Ended {
    /// It came to this end.
    With(CallOutcome),
    /// Somebody wanted it to stop.
    Interrupted,
}

/// What is to be done, with the functions at hand.
#[derive(Clone, Copy)]
pub(super) enum Doing<'a> {
    /// Call a function.
    Call(&'a Image),
    /// Call what is installed under a name.
    Invoke(&'a str),
    /// Install a function under a name.
    Install(&'a str, &'a Image),
}

/// Bounds of one action.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub fuel: Option<u64>,
    pub heap: usize,
    pub deadline: Option<Moment>,
    pub result: usize,
}

/// A machine with the state of an actor.
pub(super) struct Machine {
    vm: Vm,
    desk: Arc<Mutex<Desk>>,
    functions: Functions,
    state: Root,
    installed: Root,
}

/// Where a result is put before the call's changes are made final.
#[derive(Default)]
struct Desk {
    limit: usize,
    /// Where it has to fit in.
    room: Option<Arc<dyn Room>>,
    given: Option<Given>,
    is_too_long: bool,
    has_no_room: bool,
}

impl Desk {
    /// Whether there is room for so many bytes, which are taken then.
    fn fits(&mut self, length: usize) -> bool {
        let room = self.room.as_ref().map_or(Ok(()), |room| room.take(length));
        self.is_too_long = length > self.limit || room == Err(NoRoom::Ever);
        self.has_no_room = room == Err(NoRoom::Now);
        !self.is_too_long && !self.has_no_room
    }
}

/// A machine's desk as its driver holds it.
struct Tray(Arc<Mutex<Desk>>);

impl HostType for Tray {
    fn class() -> Class<Tray> {
        Class::new("actor.desk")
    }
}

/// The functions of the driver.
struct Functions {
    run: Root,
    install: Root,
    find: Root,
    pair: Root,
}

/// The names that the driver uses.
struct Any;

impl Natives for Any {
    fn find(&self, _: &str) -> Option<NativeInfo> {
        Some(NativeInfo::default())
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// The driver, compiled once.
fn driver() -> Option<&'static Code> {
    static CODE: OnceLock<Option<Code>> = OnceLock::new();
    let compiled = CODE.get_or_init(|| {
        let source = Source::new(DRIVER, include_str!("driver.qp"));
        compile(&parse(&source), &source, &[], &Any, &[]).ok().map(|unit| unit.main)
    });
    compiled.as_ref()
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the functions of clients can use, and the native with which the driver puts a result on a desk. All machines of a
/// process share it.
fn library() -> Arc<Library> {
    static LIBRARY: LazyLock<Arc<Library>> = LazyLock::new(|| {
        let mut library = quipu_stdlib::library(&Grant::pure());
        library.natives.insert("_keep".to_owned(), Arc::new(NativeDef::new("_keep", 2, keep)));
        library.classes.push(Arc::new(Tray::class().into_host_class()));
        Arc::new(library)
    });
    LIBRARY.clone()
}

/// Puts a value on a desk.
fn keep<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Result<Value<'v>, Fault<'v>> {
    let tray = match args[0].view() {
        View::Instance(instance) => instance.borrow::<Tray>().ok(),
        _ => None,
    };
    let Some(tray) = tray else { return Err(cx.fail(ErrorKind::Type, "there is no desk")) };
    let image = Image::of(cx, args[1])?;
    let bytes = image.dump(Form::default());
    cx.work(bytes.len() / 64)?;
    let mut desk = lock(&tray.0);
    if !desk.fits(bytes.len()) {
        return Err(cx.fail(ErrorKind::Value, "the result is too long"));
    }
    desk.given = Some(Given { hash: image.hash(), bytes });
    Ok(Value::NIL)
}

/// The longest image that people are shown as text, and the longest text.
const SHOWN: usize = 64 << 10;
const SHOWN_TEXT: usize = 1000;

/// What an image holds, as source, for people; shortened, and in a machine of its own.
pub(super) fn text(bytes: &[u8]) -> String {
    let long = || format!("an image of {} bytes", bytes.len());
    if bytes.len() > SHOWN {
        return long();
    }
    let shown = Image::parse(bytes, &()).ok().and_then(|image| {
        let mut vm = Machine::new(64 << 20).ok()?.vm;
        vm.set_limits(Limits { fuel: Some(1_000_000), heap: Some(64 << 20), ..Limits::default() });
        let value = vm.load(&image).ok()?;
        vm.repr(&value).ok()
    });
    let Some(shown) = shown else { return long() };
    match shown.char_indices().nth(SHOWN_TEXT) {
        Some((at, _)) => format!("{}...", &shown[..at]),
        None => shown,
    }
}

impl Machine {
    /// A machine with an empty map for its state.
    pub fn new(heap: usize) -> Result<Machine, Failure> {
        let desk = Arc::new(Mutex::new(Desk::default()));
        let mut vm = Vm::new(library(), Limits { heap: Some(heap), ..Limits::default() })?;
        // Functions may use clocks and files where they run later; here they are data.
        vm.keep_unbound(true);
        let broken = || Failure::Stop(Stop::Heap, Vec::new());
        let main = vm.instantiate(driver().ok_or_else(broken)?, &[])?;
        let tray = Tray(desk.clone());
        let tray = vm.enter(|cx| cx.made(tray).map(|tray| cx.root(tray)))?;
        // First comes the value of the file's last statement, then what it exports.
        let exports = vm.call(&main, &[])?;
        let make = vm.tuple_item(&exports, 1).ok_or_else(broken)?;
        let made = vm.call(&make, &[tray])?;
        let mut function = |index| vm.tuple_item(&made, index).ok_or_else(broken);
        let (run, install, find, empty, pair) = (function(0)?, function(1)?, function(2)?, function(3)?, function(4)?);
        let (state, installed) = (vm.call(&empty, &[])?, vm.call(&empty, &[])?);
        let functions = Functions { run, install, find, pair };
        Ok(Machine { vm, desk, functions, state, installed })
    }

    /// Begins with this state.
    pub fn begin(&mut self, state: &Image) -> Result<(), Failure> {
        self.state = self.vm.load(state)?;
        Ok(())
    }

    /// Goes on where an image of [`image`](Self::image) left off. Whether it is one.
    pub fn restore(&mut self, image: &Image) -> Result<bool, Failure> {
        let pair = self.vm.load(image)?;
        let (Some(state), Some(installed)) = (self.vm.tuple_item(&pair, 0), self.vm.tuple_item(&pair, 1)) else {
            return Ok(false);
        };
        (self.state, self.installed) = (state, installed);
        Ok(true)
    }

    /// The state and all that is installed.
    pub fn image(&mut self) -> Result<Image, Failure> {
        self.vm.set_limits(Limits::default());
        let pair = self.vm.call(&self.functions.pair, &[self.state.clone(), self.installed.clone()])?;
        self.vm.image(&pair)
    }

    /// Stops what it is doing from another thread.
    pub fn interrupt_handle(&self) -> Interrupt {
        self.vm.interrupt_handle()
    }

    /// Bytes of its heap.
    pub fn heap_bytes(&self) -> usize {
        self.vm.stats().heap_bytes
    }

    /// The next thing that is done has to fit in here with what it gives.
    pub fn make_room(&mut self, room: Option<Arc<dyn Room>>) {
        lock(&self.desk).room = room;
    }

    /// Does something whole or not at all.
    pub fn perform(&mut self, doing: Doing<'_>, args: &Image, bounds: &Bounds) -> Result<Given, Ended> {
        {
            let mut desk = lock(&self.desk);
            *desk = Desk { limit: bounds.result, room: desk.room.take(), ..Desk::default() };
        }
        let (fuel, heap, deadline) = (bounds.fuel, bounds.heap, bounds.deadline);
        self.vm.set_limits(Limits { fuel, heap: Some(heap), deadline, ..Limits::default() });
        let outcome = self.run(doing, args);
        self.vm.rest();
        let (given, room, is_too_long, has_no_room) = {
            let mut desk = lock(&self.desk);
            (desk.given.take(), desk.room.take(), desk.is_too_long, desk.has_no_room)
        };
        match (outcome, given) {
            (Ok(_), Some(given)) => Ok(given),
            (Ok(_), None) => Err(Ended::With(CallOutcome::Refused("the call gave nothing".to_owned()))),
            (Err(Failure::Stop(Stop::Interrupted, _)), _) => Err(Ended::Interrupted),
            (Err(Failure::Uncaught(_)), _) if has_no_room => Err(Ended::With(CallOutcome::Busy(Busy { after_ms: 50 }))),
            (Err(Failure::Uncaught(_)), _) if is_too_long => Err(Ended::With(CallOutcome::Stopped(Stopped::Result))),
            (Err(failure), _) => {
                let outcome = self.outcome(failure, bounds);
                Err(Ended::With(match room.map_or(Ok(()), |room| room.take(outcome.bytes())) {
                    Ok(()) => outcome,
                    // It has left no trace, and can be asked for again.
                    Err(NoRoom::Now) => CallOutcome::Busy(Busy { after_ms: 50 }),
                    Err(NoRoom::Ever) => CallOutcome::Stopped(Stopped::Result),
                }))
            }
        }
    }

    fn run(&mut self, doing: Doing<'_>, args: &Image) -> Result<Root, Failure> {
        let function = match doing {
            Doing::Call(image) => self.function(image)?,
            Doing::Invoke(name) => {
                let name_value = self.vm.string(name);
                let found = self.vm.call(&self.functions.find, &[self.installed.clone(), name_value])?;
                if self.vm.is_nil(&found) {
                    let message = format!("nothing is installed under the name {name:?}");
                    return self.vm.enter(|cx| Err(cx.fail(ErrorKind::Key, message)));
                }
                found
            }
            Doing::Install(name, image) => {
                let (function, name) = (self.function(image)?, self.vm.string(name));
                return self.vm.call(&self.functions.install, &[self.installed.clone(), name, function]);
            }
        };
        let args = self.vm.load(args)?;
        self.vm.call(&self.functions.run, &[function, self.state.clone(), args])
    }

    /// A function that was sent.
    fn function(&mut self, image: &Image) -> Result<Root, Failure> {
        self.vm.load(image)
    }

    /// What a client is told of a failure.
    fn outcome(&mut self, failure: Failure, bounds: &Bounds) -> CallOutcome {
        let uncaught = match failure {
            Failure::Uncaught(uncaught) => uncaught,
            Failure::Stop(stop, _) => {
                return CallOutcome::Stopped(match stop {
                    Stop::Fuel => Stopped::Fuel,
                    Stop::Heap => Stopped::Heap,
                    Stop::Time => Stopped::Time,
                    // An interrupt, or whatever else ends a call from outside.
                    _ => Stopped::Cancelled,
                });
            }
        };
        // Telling what has happened may take a little more than the call was allowed.
        let heap = bounds.heap.saturating_add(bounds.heap / 8).saturating_add(1 << 20);
        self.vm.set_limits(Limits { fuel: Some(10_000_000), heap: Some(heap), ..Limits::default() });
        let value = match self.vm.image(&uncaught.value).map(|image| image.dump(Form::default())) {
            Ok(bytes) if bytes.len() <= bounds.result => bytes,
            _ => match self.instead(&uncaught.message) {
                Ok(bytes) => bytes,
                Err(_) => return CallOutcome::Stopped(Stopped::Result),
            },
        };
        let lines = uncaught.trace.iter().filter(|line| &*line.file != DRIVER);
        let line = |line: &quipu_vm::trace::TraceLine| RemoteTraceLine {
            function: line.function.clone(),
            file: line.file.to_string(),
            line: line.line,
        };
        CallOutcome::Failed { value, trace: lines.map(line).collect(), omitted: uncaught.omitted as u64 }
    }

    /// An error value that stands for one that cannot be sent.
    fn instead(&mut self, message: &str) -> Result<Vec<u8>, Failure> {
        let short: String = message.chars().take(200).collect();
        let error = self.vm.enter(|cx| {
            match cx.fail(ErrorKind::NotPortable, format!("what was thrown cannot be sent: {short}")) {
                Fault::Thrown(value) => Ok(cx.root(value)),
                fault => Err(fault),
            }
        })?;
        Ok(self.vm.image(&error)?.dump(Form::default()))
    }
}
