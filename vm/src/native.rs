//! Functions that the host provides: how they are declared, and how they end.

use std::pin::Pin;

use crate::cx::{Cx, guarded};
use crate::door::dispose;
use crate::heap::Value;

/// What a native gives: a value, or why there is none.
pub type Outcome<'v> = Result<Value<'v>, Fault<'v>>;

/// A native as a plain function. The arguments are as many as the definition allows; a method's first is `self`.
///
/// It may be run twice for one call: when it asks for memory ([`Cx::reserve`]) and a collection has to come first. So
/// it reserves before it changes anything.
pub type NativeFn = for<'v> fn(&mut Cx<'v>, &[Value<'v>]) -> Outcome<'v>;

/// A native as a closure of the host, under the same rules as [`NativeFn`].
pub type HostFn = dyn for<'v> Fn(&mut Cx<'v>, &[Value<'v>]) -> Outcome<'v> + Send + Sync;

/// Why a native or instruction gives no value.
#[derive(Clone, Copy, Debug)]
pub enum Fault<'v> {
    /// A value is thrown.
    Thrown(Value<'v>),
    /// A limit of the host; cannot be caught.
    Stop(Stop),
    /// A collection is needed; the machine runs the native again after it.
    Collect(usize),
    /// The arguments are none of the common cases: the machine calls the definition's `fallback` instead.
    Defer,
}

impl Fault<'_> {
    /// The fault for storage, or to be told to the host.
    pub(crate) fn slot(self) -> Fault<'static> {
        match self {
            Fault::Thrown(value) => Fault::Thrown(value.slot()),
            Fault::Stop(stop) => Fault::Stop(stop),
            Fault::Collect(bytes) => Fault::Collect(bytes),
            Fault::Defer => Fault::Defer,
        }
    }
}

/// Limits of the host, which scripts cannot catch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Stop {
    /// Fuel is used up.
    Fuel,
    /// The heap is full.
    Heap,
    /// Time is up.
    Time,
    /// The interrupt handle was used.
    Interrupted,
    /// The program ended itself with this exit code.
    Exit(i32),
}

impl Stop {
    /// Its stable code, such as `Q0501`. None if the program ended itself.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Stop::Fuel => Some("Q0501"),
            Stop::Heap => Some("Q0502"),
            Stop::Time => Some("Q0503"),
            Stop::Interrupted => Some("Q0504"),
            Stop::Exit(_) => None,
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Fuel => f.write_str("out of fuel"),
            Stop::Heap => f.write_str("the heap is full"),
            Stop::Time => f.write_str("out of time"),
            Stop::Interrupted => f.write_str("interrupted"),
            Stop::Exit(code) => write!(f, "the program exited with code {code}"),
        }
    }
}

/// How a native is carried out.
#[non_exhaustive]
pub enum NativeRun {
    /// A plain function, as those of libraries are; see [`NativeDef::of_host`].
    Plain(NativeFn),
    /// A closure of the host.
    Host(Box<HostFn>),
    /// The machine itself: it changes frames or fibers.
    Control(Control),
    /// A closure of the host that begins something; its result comes later. Only runs that can wait may call it.
    Later(Box<LaterFn>),
}

impl std::fmt::Debug for NativeRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeRun").finish_non_exhaustive()
    }
}

/// What a native gives that has its result later: a future of something that makes the value.
pub type Later = Pin<Box<dyn Future<Output = Box<Answer>> + Send>>;

/// Makes the value that a native gives in the end.
pub type Answer = dyn for<'v> FnOnce(&mut Cx<'v>) -> Outcome<'v> + Send;

/// A native that begins something, under the same rules as [`NativeFn`].
pub type LaterFn = dyn for<'v> Fn(&mut Cx<'v>, &[Value<'v>]) -> Result<Later, Fault<'v>> + Send + Sync;

/// Natives that are part of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Control {
    /// `fiber.resume(v)`.
    Resume,
    /// `fiber.close()`.
    Close,
    /// `atomic(f)`.
    Atomic,
    /// `f.call(list)`.
    CallWith,
}

/// Natives whose common cases the run loop does itself. What it leaves out, it leaves to the function, so this changes
/// nothing but the time they take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[non_exhaustive]
pub enum Intrinsic {
    /// None of these.
    None,
    /// `list.push(x)`.
    ListPush,
    /// `list.len()`.
    ListLen,
    /// `str.len()`.
    StrLen,
    /// `map.get(k, default)`.
    MapGet,
    /// `map.has(k)`.
    MapHas,
}

/// The declaration of a native.
pub struct NativeDef {
    /// The name that code and images know it by.
    pub name: String,
    /// Number of arguments that must be given, `self` included.
    pub required: u8,
    /// Number of arguments that may follow.
    pub optional: u8,
    /// Whether any number of arguments may follow.
    pub rest: bool,
    /// What errors call it, if programs know it by another name.
    pub shown: Option<&'static str>,
    /// What it does.
    pub run: NativeRun,
    /// Name of the library function, written in the language, that takes over on [`Fault::Defer`].
    pub fallback: Option<&'static str>,
    /// Which of the natives that the run loop knows it is.
    pub intrinsic: Intrinsic,
}

impl Drop for NativeDef {
    /// What a closure holds is the host's.
    fn drop(&mut self) {
        if let NativeRun::Host(_) | NativeRun::Later(_) = self.run {
            dispose(std::mem::replace(&mut self.run, NativeRun::Control(Control::Resume)));
        }
    }
}

impl NativeDef {
    /// A native with a fixed number of arguments.
    pub fn new(name: impl Into<String>, required: u8, run: NativeFn) -> NativeDef {
        NativeDef {
            name: name.into(),
            required,
            optional: 0,
            rest: false,
            shown: None,
            run: NativeRun::Plain(run),
            fallback: None,
            intrinsic: Intrinsic::None,
        }
    }

    /// Allows this many more arguments.
    pub fn optional(mut self, optional: u8) -> NativeDef {
        self.optional = optional;
        self
    }

    /// Allows any number of further arguments.
    pub fn rest(mut self) -> NativeDef {
        self.rest = true;
        self
    }

    /// Names the library function that takes over on [`Fault::Defer`].
    pub fn fallback(mut self, name: &'static str) -> NativeDef {
        self.fallback = Some(name);
        self
    }

    /// The same as a closure of the host, whose panics become errors of the program. Those of a plain function pass
    /// through the program to whoever has called it.
    pub fn of_host(mut self) -> NativeDef {
        if let NativeRun::Plain(function) = self.run {
            self.run = NativeRun::Host(Box::new(function));
        }
        self
    }

    /// Calls it with arguments of which there are as many as it takes.
    ///
    /// # Errors
    /// What it throws; `type_error` for natives that the machine carries out itself.
    pub fn call<'v>(&self, cx: &mut Cx<'v>, arguments: &[Value<'v>]) -> Outcome<'v> {
        match &self.run {
            NativeRun::Plain(function) => function(cx, arguments),
            NativeRun::Host(function) => guarded(cx, &self.name, |cx| function(cx, arguments)),
            NativeRun::Control(_) | NativeRun::Later(_) => Err(Fault::Defer),
        }
    }

    /// Whether it can be called with this many arguments.
    pub fn accepts(&self, count: usize) -> bool {
        count >= self.required as usize && (self.rest || count <= self.required as usize + self.optional as usize)
    }
}

impl std::fmt::Debug for NativeDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeDef")
            .field("name", &self.name)
            .field("required", &self.required)
            .field("optional", &self.optional)
            .field("rest", &self.rest)
            .finish_non_exhaustive()
    }
}
