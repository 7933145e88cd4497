//! What a host gives its programs: natives, constants, types, and the standard library.

use std::collections::HashMap;
use std::sync::Arc;

use quipu_code::Code;

use crate::class::HostClass;
use crate::clock::Clock;
use crate::native::NativeDef;

/// What programs can use, shared by all machines of an engine. A machine makes values of it when they are first used.
#[derive(Default)]
pub struct Library {
    /// Natives of the host by name: `log`, or `geo.dist` for member `dist` of module `geo`. Names that begin with `_` are
    /// only for library code.
    pub natives: HashMap<String, Arc<NativeDef>>,
    /// Constants of the host by name.
    pub constants: HashMap<String, Constant>,
    /// Types of the host.
    pub classes: Vec<Arc<HostClass>>,
    /// What says how late it is: the system unless a host has another.
    pub clock: Option<Arc<dyn Clock>>,
    /// What there is beside those.
    pub standard: Option<Box<dyn StandardLibrary>>,
}

/// A library that makes its definitions when they are asked for. Most programs use few of them.
pub trait StandardLibrary: Send + Sync {
    /// What stands under a name, but for methods.
    fn find(&self, name: &str) -> Option<Provided>;

    /// A method of a built-in type.
    fn find_method(&self, type_name: &str, name: &str) -> Option<Provided>;

    /// Whether a call of a built-in type calls the function of its name.
    fn converts(&self, type_name: &str) -> bool;

    /// Library code: what [`Provided::Module`] refers to.
    fn module(&self, index: usize) -> Option<LibraryModule>;

    /// All names, those included that are only for library code.
    fn names(&self) -> Vec<String>;

    /// The names of all methods of a built-in type.
    fn methods_of(&self, type_name: &str) -> Vec<&'static str>;

    /// What methods may be called here that have this name in other languages, for the message that there is none.
    fn names_of_foreign(&self, _name: &str) -> &'static [&'static str] {
        &[]
    }

    /// What a function of the library may have been meant to be called with: a function of so many arguments, or none.
    fn advice_on_callback(&self, _function: &str, _takes: Option<usize>) -> Option<String> {
        None
    }

    /// What to call instead of a method that gives nil, where something was to be done with its result.
    fn advice_on_nothing(&self, _method: &str) -> Option<String> {
        None
    }
}

/// What a library provides under a name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Provided {
    /// A native.
    Native(Arc<NativeDef>),
    /// A constant.
    Constant(Constant),
    /// A type of the host.
    Class(Arc<HostClass>),
    /// The module with this index exports it.
    Module(usize),
}

impl Library {
    /// What stands under a name, but for methods.
    pub fn find(&self, name: &str) -> Option<Provided> {
        if let Some(class) = self.classes.iter().find(|class| class.name() == name) {
            return Some(Provided::Class(class.clone()));
        }
        if let Some(constant) = self.constants.get(name) {
            return Some(Provided::Constant(constant.clone()));
        }
        if let Some(native) = self.natives.get(name) {
            return Some(Provided::Native(native.clone()));
        }
        self.standard.as_ref()?.find(name)
    }

    /// A method of a built-in type.
    pub fn find_method(&self, type_name: &str, name: &str) -> Option<Provided> {
        self.standard.as_ref()?.find_method(type_name, name)
    }

    /// The names of all methods of a built-in type.
    pub fn methods_of(&self, type_name: &str) -> Vec<&'static str> {
        self.standard.as_ref().map_or_else(Vec::new, |standard| standard.methods_of(type_name))
    }

    /// What methods may be called here that have this name in other languages.
    pub fn names_of_foreign(&self, name: &str) -> &'static [&'static str] {
        self.standard.as_ref().map_or(&[], |standard| standard.names_of_foreign(name))
    }
}

/// The type that an export is a method of, or nothing, and its name there.
pub fn split(export: &str) -> (&str, &str) {
    match export.split_once("__") {
        Some((type_name, method)) if !type_name.is_empty() => (type_name, method),
        _ => ("", export),
    }
}

/// Library functions that are written in the language. A machine runs the module when one of its names is first used.
#[derive(Debug)]
pub struct LibraryModule {
    /// The main code, whose result is `(nil, export 0, ...)`. It must not depend on anything but the library.
    pub code: Code,
    /// The names of the exports: `list__map` becomes the method `map` of lists; others become natives (`min`) or
    /// fallbacks (`_min`).
    pub names: Vec<String>,
}

macro_rules! constants {
    ($($from:ty => $variant:ident),*) => {
        $(impl From<$from> for Constant {
            fn from(value: $from) -> Constant {
                Constant::$variant(value.into())
            }
        })*
    };
}
constants!(bool => Bool, i64 => Int, i32 => Int, f64 => Float, &str => Str, String => Str);

/// A value that a library provides under a name.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum Constant {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("classes", &self.classes).finish_non_exhaustive()
    }
}
