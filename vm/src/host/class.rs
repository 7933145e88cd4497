//! Types of the host that programs can use: methods, fields, a constructor, and a form for images.

use std::any::TypeId;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::convert::{FromValue, IntoValue, Mismatch};
use super::function::{Arguments, IntoNative, Parameter};
use crate::class::{Codec, HostClass, Load, Save};
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::{Instance, Ref, RefMut, Type, Unavailable, View};
use crate::native::{Fault, NativeDef, Outcome};

/// A Rust type whose values programs can hold, once its class is given to the engine.
pub trait HostType: Send + Sized + 'static {
    /// What programs can do with it.
    fn class() -> Class<Self>;
}

/// What programs can do with values of a Rust type.
pub struct Class<T> {
    class: HostClass,
    of: PhantomData<fn(T)>,
}

impl<T> fmt::Debug for Class<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Class").field("name", &self.class.name).finish_non_exhaustive()
    }
}

impl<T: HostType> Class<T> {
    /// A class under a name: `Player`, or `game.Player@1` for member `Player` of module `game` in version 1. The version is
    /// what images bind to.
    pub fn new(name: impl Into<String>) -> Class<T> {
        let class = HostClass {
            name: name.into(),
            type_id: TypeId::of::<T>(),
            constructor: None,
            methods: Vec::new(),
            getters: HashMap::new(),
            setters: HashMap::new(),
            codec: None,
        };
        Class { class, of: PhantomData }
    }

    fn named(&self, member: &str) -> String {
        format!("{}.{member}", self.class.short_name())
    }

    /// What a call of the type does; the function gives a `T`, or a `Result` with one.
    #[must_use]
    pub fn constructor<M>(mut self, function: impl IntoNative<M>) -> Class<T> {
        let name = self.class.short_name().to_owned();
        self.class.constructor = Some(Arc::new(function.into_native(name)));
        self
    }

    /// A method: a function whose first parameter is `&T`. `str`, `eq`, `add` and the other special names mean what they
    /// mean in declared types.
    #[must_use]
    pub fn method<M>(mut self, name: &str, function: impl IntoMethod<T, M>) -> Class<T> {
        let method = Arc::new(function.into_method(self.named(name)));
        self.class.methods.push((name.to_owned(), true, method));
        self
    }

    /// A method: a function whose first parameter is `&mut T`.
    #[must_use]
    pub fn method_mut<M>(mut self, name: &str, function: impl IntoMethodMut<T, M>) -> Class<T> {
        let method = Arc::new(function.into_method_mut(self.named(name)));
        self.class.methods.push((name.to_owned(), true, method));
        self
    }

    /// A function of the type, without `self`; or a method whose first parameter is [`Ref<T>`](Ref) or a value.
    #[must_use]
    pub fn function<M>(mut self, name: &str, is_method: bool, function: impl IntoNative<M>) -> Class<T> {
        let function = Arc::new(function.into_native(self.named(name)));
        self.class.methods.push((name.to_owned(), is_method, function));
        self
    }

    /// A field that programs can read.
    #[must_use]
    pub fn getter<R: IntoValue + 'static>(
        mut self,
        name: &str,
        get: impl Fn(&T) -> R + Send + Sync + 'static,
    ) -> Class<T> {
        let native = (move |data: Ref<'_, T>| get(&data)).into_native(self.named(name));
        self.class.getters.insert(name.to_owned(), Arc::new(native));
        self
    }

    /// A field that programs can write.
    #[must_use]
    pub fn setter<V: FromValue + 'static>(
        mut self,
        name: &str,
        set: impl Fn(&mut T, V) + Send + Sync + 'static,
    ) -> Class<T> {
        let native = (move |mut data: RefMut<'_, T>, value: V| set(&mut data, value)).into_native(self.named(name));
        self.class.setters.insert(name.to_owned(), Arc::new(native));
        self
    }

    /// How a value goes into images and comes out of them. The version is that in the class's name.
    #[must_use]
    pub fn portable<E: Error + 'static>(
        mut self,
        save: impl Fn(&T) -> Vec<u8> + Send + Sync + 'static,
        load: impl Fn(&[u8]) -> Result<T, E> + Send + Sync + 'static,
    ) -> Class<T> {
        let save: Box<Save> = Box::new(move |instance| match instance.borrow::<T>() {
            Ok(data) => Ok(save(&data)),
            Err(unavailable) => Err(unavailable.to_string()),
        });
        let load: Box<Load> = Box::new(move |bytes| match load(bytes) {
            Ok(data) => Ok(Box::new(data)),
            Err(error) => Err(error.to_string()),
        });
        self.class.codec = Some(Codec { save, load });
        self
    }

    /// The class without its Rust type, as libraries have it.
    pub fn into_host_class(self) -> HostClass {
        self.class
    }
}

/// An instance's data, or the error of an argument that has none.
fn borrowed<'v, R>(
    cx: &mut Cx<'v>,
    arguments: &mut Arguments<'_, 'v>,
    expected: &str,
    borrow: impl FnOnce(Instance<'v>) -> Result<R, Unavailable>,
) -> Result<R, Fault<'v>> {
    let value = arguments.next_value();
    let View::Instance(instance) = value.view() else {
        return Err(arguments.mismatch(cx, &Mismatch::new(expected, value)));
    };
    match borrow(instance) {
        Ok(data) => Ok(data),
        Err(Unavailable::OtherType) => Err(arguments.mismatch(cx, &Mismatch::new(expected, value))),
        Err(other) => {
            let message = format!("{}: {} cannot be used: {other}", arguments.name(), value.kind_name());
            Err(cx.fail(ErrorKind::Value, message))
        }
    }
}

fn expected<T: HostType>() -> String {
    let name = std::any::type_name::<T>();
    format!("a {}", name.rsplit_once("::").map_or(name, |(_, name)| name))
}

impl<T: HostType> Parameter for Ref<'_, T> {
    type Item<'a> = Ref<'a, T>;

    fn take<'a>(cx: &mut Cx<'a>, arguments: &mut Arguments<'_, 'a>) -> Result<Ref<'a, T>, Fault<'a>> {
        borrowed(cx, arguments, &expected::<T>(), Instance::borrow)
    }
}

impl<T: HostType> Parameter for RefMut<'_, T> {
    type Item<'a> = RefMut<'a, T>;

    fn take<'a>(cx: &mut Cx<'a>, arguments: &mut Arguments<'_, 'a>) -> Result<RefMut<'a, T>, Fault<'a>> {
        borrowed(cx, arguments, &expected::<T>(), Instance::borrow_mut)
    }
}

/// A value of the host becomes an instance that owns it.
impl<T: HostType> IntoValue for T {
    fn into_value<'v>(self, cx: &mut Cx<'v>) -> Outcome<'v> {
        let ty = class_of::<T>(cx)?;
        match cx.heap().host_instance(ty, self) {
            Some(instance) => Ok(instance.into()),
            None => Err(unknown::<T>(cx)),
        }
    }
}

/// The type that programs see for a Rust type.
pub(crate) fn class_of<'v, T: HostType>(cx: &mut Cx<'v>) -> Result<Type<'v>, Fault<'v>> {
    match cx.machine.host_type(TypeId::of::<T>()) {
        Some(ty) => Ok(ty),
        None => Err(unknown::<T>(cx)),
    }
}

fn unknown<'v, T: HostType>(cx: &mut Cx<'v>) -> Fault<'v> {
    cx.fail(ErrorKind::Type, format!("the engine was not given the class of {}", std::any::type_name::<T>()))
}

/// A Rust function that can be a method for reading. `Marker` is always inferred.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a method: its first parameter is not `&T`, or another is not a type that programs have values for",
    note = "another value of the host is taken as `Ref<'_, T>` or `RefMut<'_, T>`"
)]
pub trait IntoMethod<T, Marker> {
    /// The native under a name.
    fn into_method(self, name: String) -> NativeDef;
}

/// A Rust function that can be a method for changing. `Marker` is always inferred.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a method: its first parameter is not `&mut T`, or another is not a type that programs have values for",
    note = "another value of the host is taken as `Ref<'_, T>` or `RefMut<'_, T>`"
)]
pub trait IntoMethodMut<T, Marker> {
    /// The native under a name.
    fn into_method_mut(self, name: String) -> NativeDef;
}

macro_rules! methods {
    ($trait:ident $into:ident $guard:ident $reference:ty; $(($($P:ident $p:ident),*);)*) => {$(
        impl<Func, Ret, T: HostType, $($P: Parameter),*> $trait<T, fn(T, $($P),*) -> Ret> for Func
        where
            Func: Send + Sync + 'static,
            Ret: IntoValue,
            Func: for<'t> Fn($reference, $($P),*) -> Ret + for<'t, 'a> Fn($reference, $($P::Item<'a>),*) -> Ret,
        {
            #[allow(unused_mut)]
            fn $into(self, name: String) -> NativeDef {
                /// Called by the types that the function sees, which the bound above allows but does not pick.
                fn call<'t, Ret, T, $($P),*>(
                    function: impl Fn($reference, $($P),*) -> Ret,
                    data: $reference,
                    $($p: $P),*
                ) -> Ret {
                    function(data, $($p),*)
                }
                let own = name.clone();
                let run = super::function::typed(move |cx, arguments| {
                    let mut arguments = Arguments::new(&own, arguments);
                    let mut data = <$guard<'_, T> as Parameter>::take(cx, &mut arguments)?;
                    $(let $p = <$P as Parameter>::take(cx, &mut arguments)?;)*
                    #[allow(clippy::explicit_auto_deref)]
                    let given = call::<Ret, T, $($P::Item<'_>),*>(&self, methods!(@deref $guard data), $($p),*);
                    drop(data);
                    super::error::give(cx, given)
                });
                super::function::define(name, &[(false, false), $(($P::OPTIONAL, $P::REST)),*], run)
            }
        }
    )*};
    (@deref Ref $data:ident) => { &*$data };
    (@deref RefMut $data:ident) => { &mut *$data };
}
methods! { IntoMethod into_method Ref &'t T;
    (); (A a); (A a, B b); (A a, B b, C c); (A a, B b, C c, D d);
}
methods! { IntoMethodMut into_method_mut RefMut &'t mut T;
    (); (A a); (A a, B b); (A a, B b, C c); (A a, B b, C c, D d);
}
