//! What a host gives its programs: natives, methods of built-in types, and library functions written in the language.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use quipu_lang::code::Code;

use crate::host::class::HostClass;
use crate::native::NativeDef;

/// Natives and library code, shared by all machines of an engine. A machine makes values of them when they are first used.
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
    /// Where methods and the exports of modules are; made for the first machine, after which nothing may be added.
    index: OnceLock<Index>,
}

/// What a library provides under a name.
#[derive(Clone, Copy)]
pub(crate) enum Provided<'l> {
    Native(&'l Arc<NativeDef>),
    Constant(&'l Constant),
    Class(&'l Arc<HostClass>),
    /// The module with this index exports it.
    Module(usize),
}

/// Methods and exports by the hash of their names, which are the host's own and few.
type Index = HashTable<Place>;

#[derive(Clone, Copy)]
enum Place {
    /// One of `methods`.
    Method(usize),
    /// A module and one of its names.
    Export(usize, usize),
}

impl Library {
    /// What stands under a name, but for methods.
    pub(crate) fn find(&self, name: &str) -> Option<Provided<'_>> {
        if let Some(class) = self.classes.iter().find(|class| class.name() == name) {
            return Some(Provided::Class(class));
        }
        if let Some(found) = self.find_indexed("", name) {
            return Some(found);
        }
        let constant = self.constants.get(name).map(Provided::Constant);
        constant.or_else(|| self.natives.get(name).map(Provided::Native))
    }

    /// A method of a built-in type.
    pub(crate) fn find_method(&self, type_name: &str, name: &str) -> Option<Provided<'_>> {
        self.find_indexed(type_name, name)
    }

    /// The names of all methods of a built-in type.
    pub(crate) fn methods_of<'l>(&'l self, type_name: &'l str) -> impl Iterator<Item = &'l str> {
        let written = self.modules.iter().flat_map(|module| &module.names).map(|name| split(name));
        let methods = self.methods.iter().map(|&(of, name, _)| (of, name)).chain(written);
        methods.filter(move |&(of, _)| of == type_name).map(|(_, name)| name)
    }

    fn find_indexed(&self, type_name: &str, name: &str) -> Option<Provided<'_>> {
        let index = self.index.get_or_init(|| self.indexed());
        let hash = hash_of((type_name, name));
        match *index.find(hash, |&place| self.names_at(place) == (type_name, name))? {
            Place::Method(at) => Some(Provided::Native(&self.methods[at].2)),
            Place::Export(module, _) => Some(Provided::Module(module)),
        }
    }

    fn indexed(&self) -> Index {
        let methods = (0..self.methods.len()).map(Place::Method);
        let exports = self.modules.iter().enumerate();
        let exports = exports.flat_map(|(at, module)| (0..module.names.len()).map(move |name| Place::Export(at, name)));
        let count = self.methods.len() + self.modules.iter().map(|module| module.names.len()).sum::<usize>();
        let mut index = Index::with_capacity(count);
        for place in methods.chain(exports) {
            index.insert_unique(hash_of(self.names_at(place)), place, |&place| hash_of(self.names_at(place)));
        }
        index
    }

    fn names_at(&self, place: Place) -> (&str, &str) {
        match place {
            Place::Method(at) => (self.methods[at].0, self.methods[at].1),
            Place::Export(module, name) => split(&self.modules[module].names[name]),
        }
    }
}

fn hash_of(names: (&str, &str)) -> u64 {
    FixedState::default().hash_one(names)
}

/// The type that an export is a method of, or nothing, and its name there.
pub(crate) fn split(export: &str) -> (&str, &str) {
    match export.split_once("__") {
        Some((type_name, method)) if !type_name.is_empty() => (type_name, method),
        _ => ("", export),
    }
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
