//! What a host gives its programs: natives, methods of built-in types, and library functions written in the language.

use std::collections::HashMap;
use std::sync::Arc;

use quipu_lang::code::Code;

use crate::host::class::HostClass;
use crate::native::NativeDef;

/// Natives and library code, shared by all machines of an engine.
#[derive(Default)]
pub struct Library {
    /// Natives by name. Names that begin with `_` are only for library code; `math.sin` is member `sin` of module `math`.
    pub natives: HashMap<String, Arc<NativeDef>>,
    /// Constants by name, such as `math.pi`.
    pub constants: HashMap<String, Constant>,
    /// Methods in Rust: the tag name of the built-in type (`list`, `str`, ...), the method's name, the definition.
    pub methods: Vec<(&'static str, &'static str, Arc<NativeDef>)>,
    /// Types of the host.
    pub classes: Vec<Arc<HostClass>>,
    /// Library functions in the language, by module.
    pub modules: Vec<Module>,
    /// Functions that a built-in type calls to convert: type name and the native's or library function's name.
    pub conversions: Vec<(&'static str, &'static str)>,
}

/// Library functions that are written in the language. A machine runs the module when one of its names is first used.
pub struct Module {
    /// Gives the main code, whose result is `(nil, export 0, ...)`. It must not depend on anything but the library.
    pub code: fn(usize) -> Code,
    /// What `code` is given.
    pub index: usize,
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
pub enum Constant {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
}
