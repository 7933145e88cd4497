//! Natives made of plain Rust functions and closures, by the types of their parameters.

use super::convert::{FromValue, IntoValue};
use super::error::give;
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::Value;
use crate::native::{Fault, HostFn, Intrinsic, NativeDef, NativeRun, Outcome};

/// A type that a native can have as a parameter: every [`FromValue`] type, `&str`, `&[u8]`, [`Rest`]. A trailing
/// `Option` may be left out by the caller.
pub trait Parameter {
    /// The parameter as the function sees it.
    type Item<'a>;
    /// Whether it may be left out.
    const OPTIONAL: bool = false;
    /// Whether it takes all arguments that are left.
    const REST: bool = false;

    /// Takes it from the arguments that are left.
    ///
    /// # Errors
    /// The argument is of another kind.
    fn take<'a>(cx: &mut Cx<'a>, arguments: &mut Arguments<'_, 'a>) -> Result<Self::Item<'a>, Fault<'a>>;
}

/// The arguments of a call.
#[derive(Debug)]
pub struct Arguments<'s, 'v> {
    name: &'s str,
    all: &'s [Value<'v>],
    next: usize,
}

impl<'s, 'v> Arguments<'s, 'v> {
    pub(super) fn new(name: &'s str, all: &'s [Value<'v>]) -> Arguments<'s, 'v> {
        Arguments { name, all, next: 0 }
    }

    /// The name of the function.
    pub fn name(&self) -> &'s str {
        self.name
    }

    /// The next argument; nil if there is none left.
    pub fn next_value(&mut self) -> Value<'v> {
        let value = self.all.get(self.next).copied().unwrap_or(Value::NIL);
        self.next += 1;
        value
    }

    /// Whether there is another one.
    pub fn is_empty(&self) -> bool {
        self.next >= self.all.len()
    }

    /// The next argument as a Rust type.
    ///
    /// # Errors
    /// `type_error` that names the function and the argument.
    pub fn next<T: FromValue>(&mut self, cx: &mut Cx<'v>) -> Result<T, Fault<'v>> {
        let value = self.next_value();
        T::from_value(cx, value).map_err(|mismatch| self.mismatch(cx, &mismatch))
    }

    /// The error of the argument that was taken last.
    pub fn mismatch(&self, cx: &mut Cx<'v>, mismatch: &super::Mismatch) -> Fault<'v> {
        let (name, number, path) = (self.name, self.next, mismatch.path());
        let at = if path.is_empty() { String::new() } else { format!(" at {path}") };
        let (expected, found) = (mismatch.expected(), mismatch.found());
        cx.fail(ErrorKind::Type, format!("{name}: expected {expected} as argument {number}{at}, got {found}"))
    }
}

/// All arguments that are left.
#[derive(Clone, Default, Debug)]
pub struct Rest<T>(pub Vec<T>);

impl<T: FromValue> Parameter for T {
    type Item<'a> = T;
    const OPTIONAL: bool = T::IS_OPTION;

    #[inline]
    fn take<'a>(cx: &mut Cx<'a>, arguments: &mut Arguments<'_, 'a>) -> Result<T, Fault<'a>> {
        arguments.next(cx)
    }
}

impl Parameter for &str {
    type Item<'a> = &'a str;

    #[inline]
    fn take<'a>(cx: &mut Cx<'a>, arguments: &mut Arguments<'_, 'a>) -> Result<&'a str, Fault<'a>> {
        let value = arguments.next_value();
        match value.as_str() {
            Some(text) => Ok(text),
            None => Err(arguments.mismatch(cx, &super::Mismatch::new("a str", value))),
        }
    }
}

impl Parameter for &[u8] {
    type Item<'a> = &'a [u8];

    fn take<'a>(cx: &mut Cx<'a>, arguments: &mut Arguments<'_, 'a>) -> Result<&'a [u8], Fault<'a>> {
        let value = arguments.next_value();
        match value.view() {
            crate::heap::View::Bytes(bytes) => Ok(bytes.as_slice()),
            _ => Err(arguments.mismatch(cx, &super::Mismatch::new("bytes", value))),
        }
    }
}

impl<T: FromValue> Parameter for Rest<T> {
    type Item<'a> = Rest<T>;
    const REST: bool = true;

    fn take<'a>(cx: &mut Cx<'a>, arguments: &mut Arguments<'_, 'a>) -> Result<Rest<T>, Fault<'a>> {
        let mut rest = Vec::new();
        while !arguments.is_empty() {
            rest.push(arguments.next(cx)?);
        }
        Ok(Rest(rest))
    }
}

/// A Rust function that can be a native. Values of the host are `Ref<'_, T>` and `RefMut<'_, T>` among its parameters: other
/// calls may have them at the same time, so a plain `&T` is none. `Marker` tells shapes of functions apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a native: a parameter is not a type that programs have values for, or the result is not",
    note = "a value of the host is taken as `Ref<'_, T>` or `RefMut<'_, T>`, never as `&T` or `&mut T`"
)]
pub trait IntoNative<Marker> {
    /// The native under a name.
    fn into_native(self, name: String) -> NativeDef;
}

/// Required and optional parameters, and whether there are any number more.
fn shape(parameters: &[(bool, bool)]) -> (u8, u8, bool) {
    let rest = parameters.iter().any(|&(_, rest)| rest);
    let named = parameters.len() - rest as usize;
    let required = parameters.iter().rposition(|&(optional, rest)| !optional && !rest).map_or(0, |last| last + 1);
    // Functions with more than a handful of parameters are none (see `functions!` and `methods!`).
    (required as u8, (named - required) as u8, rest)
}

pub(super) fn define(name: String, parameters: &[(bool, bool)], run: Box<HostFn>) -> NativeDef {
    define_run(name, parameters, NativeRun::Host(run))
}

pub(super) fn define_run(name: String, parameters: &[(bool, bool)], run: NativeRun) -> NativeDef {
    let (required, optional, rest) = shape(parameters);
    NativeDef { name, required, optional, rest, shown: None, run, fallback: None, intrinsic: Intrinsic::None }
}

/// Gives a closure the type that natives have.
pub(super) fn typed(
    run: impl for<'v> Fn(&mut Cx<'v>, &[Value<'v>]) -> Outcome<'v> + Send + Sync + 'static,
) -> Box<HostFn> {
    Box::new(run)
}

macro_rules! functions {
    ($(($($P:ident $p:ident),*);)*) => {$(
        impl<Func, Ret, $($P: Parameter),*> IntoNative<fn($($P),*) -> Ret> for Func
        where
            Func: Send + Sync + 'static,
            Ret: IntoValue,
            Func: Fn($($P),*) -> Ret + for<'a> Fn($($P::Item<'a>),*) -> Ret,
        {
            #[allow(unused_variables, unused_mut)]
            fn into_native(self, name: String) -> NativeDef {
                /// Called by the types that the function sees, which the bound above allows but does not pick.
                fn call<Ret, $($P),*>(function: impl Fn($($P),*) -> Ret, $($p: $P),*) -> Ret {
                    function($($p),*)
                }
                let own = name.clone();
                let run = typed(move |cx, arguments| {
                    let mut arguments = Arguments::new(&own, arguments);
                    $(let $p = <$P as Parameter>::take(cx, &mut arguments)?;)*
                    let given = call(&self, $($p),*);
                    give(cx, given)
                });
                define(name, &[$(($P::OPTIONAL, $P::REST)),*], run)
            }
        }

        impl<Func, Ret, $($P: Parameter),*> IntoNative<fn(&mut Cx<'_>, $($P),*) -> Ret> for Func
        where
            Func: Send + Sync + 'static,
            Ret: IntoValue,
            Func: for<'c, 'v> Fn(&'c mut Cx<'v>, $($P),*) -> Ret
                + for<'c, 'v, 'a> Fn(&'c mut Cx<'v>, $($P::Item<'a>),*) -> Ret,
        {
            #[allow(unused_variables, unused_mut)]
            fn into_native(self, name: String) -> NativeDef {
                #[allow(clippy::too_many_arguments, reason = "as many as the function has")]
                fn call<'c, 'v, Ret, $($P),*>(
                    function: impl Fn(&'c mut Cx<'v>, $($P),*) -> Ret,
                    cx: &'c mut Cx<'v>,
                    $($p: $P),*
                ) -> Ret {
                    function(cx, $($p),*)
                }
                let own = name.clone();
                let run = typed(move |cx, arguments| {
                    let mut arguments = Arguments::new(&own, arguments);
                    $(let $p = <$P as Parameter>::take(cx, &mut arguments)?;)*
                    let given = call(&self, cx, $($p),*);
                    give(cx, given)
                });
                define(name, &[$(($P::OPTIONAL, $P::REST)),*], run)
            }
        }
    )*};
}
functions! {
    ();
    (A a);
    (A a, B b);
    (A a, B b, C c);
    (A a, B b, C c, D d);
    (A a, B b, C c, D d, E e);
    (A a, B b, C c, D d, E e, F f);
}
