//! Functions of programs with Rust types for their arguments and results.

use quipu_code::counted;
use std::fmt;
use std::marker::PhantomData;

use super::convert::{FromValue, IntoValue, Mismatch};
use super::error::{give, given};
use crate::cx::{Cx, guarded};
use crate::error::ErrorKind;
use crate::failure::Failure;
use crate::heap::{Value, View};
use crate::native::{Fault, Outcome, Stop};
use crate::root::Root;
use crate::vm::Vm;

/// What can run functions and look into values: a [`Vm`] from outside, [`Cx`] inside of a native.
pub trait Host {
    /// Does something with the machine.
    ///
    /// # Errors
    /// What is thrown, or a limit.
    fn enter<R>(&mut self, action: impl for<'v> FnOnce(&mut Cx<'v>) -> Result<R, Fault<'v>>) -> Result<R, Failure>;

    /// A value made of a Rust one.
    ///
    /// # Errors
    /// What the conversion throws; the heap limit.
    fn make(&mut self, value: impl IntoValue) -> Result<Root, Failure> {
        self.enter(|cx| {
            let value = given(cx, value)?;
            Ok(cx.machine.root(value.slot()))
        })
    }

    /// A value as a Rust type.
    ///
    /// # Errors
    /// `type_error` with the path to what does not fit.
    fn get<T: FromValue>(&mut self, value: &Root) -> Result<T, Failure> {
        self.enter(|cx| {
            let value = cx.machine.rooted(value)?;
            guarded(cx, "from_value", |cx| T::from_value(cx, value).map_err(|mismatch| unfit(cx, &mismatch)))
        })
    }

    /// Calls a value with arguments and takes its result, in one go.
    ///
    /// # Errors
    /// What it throws, a limit, or a result that does not fit.
    fn invoke<A: IntoArguments, R: FromValue>(&mut self, function: &Root, arguments: A) -> Result<R, Failure> {
        self.enter(|cx| invoked(cx, function, arguments, |cx, function, arguments| cx.call(function, arguments)))
    }
}

fn invoked<'v, A: IntoArguments, R: FromValue>(
    cx: &mut Cx<'v>,
    function: &Root,
    arguments: A,
    call: impl FnOnce(&mut Cx<'v>, Value<'v>, &[Value<'v>]) -> Outcome<'v>,
) -> Result<R, Fault<'v>> {
    let function = cx.machine.rooted(function)?;
    // For the conversions; what the function calls of the host has doors of its own.
    guarded(cx, "invoke", |cx| {
        let result = arguments.with(cx, |cx, arguments| call(cx, function, arguments))?;
        R::from_value(cx, result).map_err(|mismatch| cx.fail(ErrorKind::Type, format!("the result: {mismatch}")))
    })
}

fn unfit<'v>(cx: &mut Cx<'v>, mismatch: &Mismatch) -> Fault<'v> {
    cx.fail(ErrorKind::Type, mismatch.to_string())
}

impl Host for Vm {
    fn enter<R>(&mut self, action: impl for<'v> FnOnce(&mut Cx<'v>) -> Result<R, Fault<'v>>) -> Result<R, Failure> {
        self.collect_if_due();
        let outcome = action(self.machine.cx_mut());
        // Everything that is kept has a handle now, so this is the place to collect what conversions have left.
        let outcome = outcome.map_err(|fault| self.failure(fault))?;
        if self.machine.heap.is_due() {
            self.machine.collect();
            if !self.machine.heap.has_room(0) {
                return Err(Failure::Stop(Stop::Heap, Vec::new()));
            }
        }
        Ok(outcome)
    }

    fn invoke<A: IntoArguments, R: FromValue>(&mut self, function: &Root, arguments: A) -> Result<R, Failure> {
        let nothing = self.holds_nothing();
        self.enter(|cx| {
            invoked(cx, function, arguments, |cx, function, arguments| {
                // The function has a handle, the new call has the arguments, and neither is used here afterwards.
                cx.machine.call_from_outside(function, arguments, nothing)
            })
        })
    }
}

impl<'w> Host for Cx<'w> {
    fn enter<R>(&mut self, action: impl for<'v> FnOnce(&mut Cx<'v>) -> Result<R, Fault<'v>>) -> Result<R, Failure> {
        let outcome: Result<R, Fault<'w>> = action(self);
        outcome.map_err(|fault| self.machine.failed(fault.slot()))
    }
}

/// The arguments of a call: a tuple of values, [`Root`]s among them. No other type can be this, as one that kept values
/// of its own during the call would find them gone.
pub trait IntoArguments: sealed::Tuple {
    /// How many there are.
    const COUNT: usize;

    /// Converts them and hands them on.
    ///
    /// # Errors
    /// What a conversion throws, or those of `then`.
    fn with<'v, R>(
        self,
        cx: &mut Cx<'v>,
        then: impl FnOnce(&mut Cx<'v>, &[Value<'v>]) -> Result<R, Fault<'v>>,
    ) -> Result<R, Fault<'v>>;
}

mod sealed {
    pub trait Tuple {}
}

macro_rules! arguments {
    ($($count:literal: $($T:ident $i:tt),*;)*) => {$(
        impl<$($T: IntoValue),*> sealed::Tuple for ($($T,)*) {}

        impl<$($T: IntoValue),*> IntoArguments for ($($T,)*) {
            const COUNT: usize = $count;

            #[inline]
            fn with<'v, R>(
                self,
                cx: &mut Cx<'v>,
                then: impl FnOnce(&mut Cx<'v>, &[Value<'v>]) -> Result<R, Fault<'v>>,
            ) -> Result<R, Fault<'v>> {
                let arguments: [Value<'v>; $count] = [$(give(cx, self.$i)?),*];
                then(cx, &arguments)
            }
        }
    )*};
}
arguments! {
    0: ;
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
}

/// A function of a program whose arguments and result have Rust types. That it takes so many arguments is checked once,
/// when it is bound.
pub struct Func<A, R> {
    root: Root,
    types: PhantomData<fn(A) -> R>,
}

impl<A: IntoArguments, R: FromValue> Func<A, R> {
    /// Calls it.
    ///
    /// # Errors
    /// What it throws, a limit, or a result that is not of type `R`.
    #[inline]
    pub fn call(&self, host: &mut impl Host, arguments: A) -> Result<R, Failure> {
        host.invoke(&self.root, arguments)
    }

    /// The function as a value.
    pub fn value(&self) -> &Root {
        &self.root
    }
}

impl<A, R> Clone for Func<A, R> {
    fn clone(&self) -> Func<A, R> {
        Func { root: self.root.clone(), types: PhantomData }
    }
}

impl<A, R> fmt::Debug for Func<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Func({:?})", self.root)
    }
}

impl<A: IntoArguments, R> FromValue for Func<A, R> {
    fn from_value<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Func<A, R>, Mismatch> {
        let wanted = || format!("a function of {}", counted(A::COUNT, "argument"));
        let (least, most) = match value.view() {
            View::Closure(closure) => {
                let body = closure.code().body();
                let most = if body.rest { usize::MAX } else { body.required as usize + body.optional as usize };
                (body.required as usize, most)
            }
            View::Native(native) => {
                let def = native.def();
                let most = if def.rest { usize::MAX } else { def.required as usize + def.optional as usize };
                (def.required as usize, most)
            }
            // Constructors and instances with `call` check their arguments themselves.
            View::Type(_) => (0, usize::MAX),
            View::Instance(instance) if instance.ty().method("call").is_some() => (0, usize::MAX),
            _ => return Err(Mismatch::new(wanted(), value)),
        };
        if (least..=most).contains(&A::COUNT) {
            return Ok(Func { root: cx.machine.root(value.slot()), types: PhantomData });
        }
        let takes = match (least, most) {
            (least, usize::MAX) => format!("at least {}", counted(least, "argument")),
            (least, most) if least == most => counted(least, "argument"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        Err(Mismatch::described(wanted(), format!("one that takes {takes}")))
    }
}

impl<A, R> IntoValue for Func<A, R> {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Result<Value<'v>, Fault<'v>> {
        cx.machine.rooted(&self.root)
    }
}
