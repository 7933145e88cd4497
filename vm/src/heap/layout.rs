//! What stands in the memory of each kind of object, behind its header.

use std::sync::Arc;

use super::fiber::FiberState;
pub(crate) use super::header::{Header, flag};
use super::prepared::Prepared;
use super::table::Table;
use super::value::Slot;
use crate::class::HostClass;
use crate::native::NativeDef;

/// An immutable string; its UTF-8 bytes follow.
#[repr(C)]
pub struct StrObject {
    pub(crate) header: Header,
    /// Keyed hash of the bytes, 0 while not computed.
    pub(crate) hash: u64,
    pub(crate) len: usize,
}

/// An immutable byte string; its bytes follow.
#[repr(C)]
pub struct BytesObject {
    pub(crate) header: Header,
    pub(crate) len: usize,
}

/// A tuple; its elements follow.
#[repr(C)]
pub struct TupleObject {
    pub(crate) header: Header,
    pub(crate) len: usize,
}

/// An arithmetic sequence of ints; `end` is excluded unless the INCLUSIVE flag is set.
#[repr(C)]
pub struct RangeObject {
    pub(crate) header: Header,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) step: i64,
}

/// A mutable box for one variable.
#[repr(C)]
pub struct CellObject {
    pub(crate) header: Header,
    /// `ABSENT` until it is initialised.
    pub(crate) value: Slot,
}

/// A function: prepared code and what it took from outside; the captures follow.
#[repr(C)]
pub struct ClosureObject {
    pub(crate) header: Header,
    pub(crate) code: *const Prepared,
}

/// An instance; as many fields as its type has follow.
#[repr(C)]
pub struct InstanceObject {
    pub(crate) header: Header,
    pub(crate) ty: *mut TypeObject,
}

/// A list.
#[repr(C)]
pub struct ListObject {
    pub(crate) header: Header,
    pub(crate) items: Vec<Slot>,
}

/// A map or a set.
#[repr(C)]
pub struct TableObject {
    pub(crate) header: Header,
    pub(crate) table: Table,
}

/// A type, built in or declared.
#[repr(C)]
pub struct TypeObject {
    pub(crate) header: Header,
    pub(crate) data: TypeData,
}

/// What a type consists of.
pub(crate) struct TypeData {
    /// Its name, a string.
    pub name: Slot,
    /// For a built-in type the tag of its values (`TRUE` stands for both bools, `CLOSURE` for all functions), else 0.
    pub builtin: u64,
    /// What a call of the type calls: the constructor closure, or the conversion function.
    pub constructor: Slot,
    /// Whether the constructor does nothing but take every field as given.
    pub plain: bool,
    /// Field names, strings that are constants of the declaring code.
    pub fields: Box<[Slot]>,
    /// Methods in order of the text.
    pub methods: Box<[Method]>,
    /// Indexes into `methods` of the special ones.
    pub special: Specials,
    /// What the host says of it, if its instances hold the host's data. Then it has no fields.
    pub host: Option<Arc<HostClass>>,
}

/// A method of a declared type.
#[derive(Clone, Copy)]
pub(crate) struct Method {
    /// Its name, a string.
    pub name: Slot,
    /// Whether it takes `self`.
    pub instance: bool,
    /// The closure.
    pub closure: Slot,
}

macro_rules! specials {
    ($($name:ident),*) => {
        /// The special methods, by the operator or form that looks for them.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs, non_camel_case_types)]
        #[repr(u8)]
        pub enum Special { $($name),* }

        impl Special {
            /// All of them.
            pub const ALL: &'static [Special] = &[$(Special::$name),*];

            /// The method's name.
            #[allow(unreachable_patterns)]
            pub const fn name(self) -> &'static str {
                match self {
                    Special::r#mod => "mod",
                    $(Special::$name => stringify!($name)),*
                }
            }
        }
    };
}

specials!(str, eq, hash, cmp, add, sub, mul, div, floordiv, r#mod, pow, neg, get, set, call, iter, len, contains);

/// For each special method the method's index plus one, or 0.
#[derive(Clone, Copy, Default)]
pub(crate) struct Specials(pub [u16; 18]);

/// A fiber.
#[repr(C)]
pub struct FiberObject {
    pub(crate) header: Header,
    pub(crate) state: FiberState,
}

/// An error value.
#[repr(C)]
pub struct ErrorObject {
    pub(crate) header: Header,
    pub(crate) data: ErrorData,
}

/// What an error value holds.
pub(crate) struct ErrorData {
    /// Its kind, a string.
    pub kind: Slot,
    /// Its message, a string.
    pub message: Slot,
    /// What it is about.
    pub data: Slot,
    /// Where it was thrown, innermost frame first; empty until then.
    pub trace: Option<Box<crate::trace::Trace>>,
    /// The host's own error that it stands for.
    pub host: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// A function the host provides.
#[repr(C)]
pub struct NativeObject {
    pub(crate) header: Header,
    pub(crate) def: Arc<NativeDef>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size_of::<Header>(), 8);
        assert_eq!(size_of::<StrObject>(), 24);
        assert_eq!(size_of::<TupleObject>(), 16);
        assert_eq!(size_of::<CellObject>(), 24);
        assert_eq!(size_of::<ClosureObject>(), 16);
        assert_eq!(size_of::<InstanceObject>(), 16);
        assert_eq!(size_of::<ListObject>(), 32);
        assert_eq!(Special::ALL.len(), Specials::default().0.len());
    }
}
