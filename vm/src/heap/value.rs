//! The value: a tag and a payload, sixteen bytes, `Copy`.
//!
//! `Value<'v>` is branded: `'v` stands for a stretch of time in which nothing the holder can see is freed. The
//! collector runs only between instructions, and while a native is active it frees only objects younger than the
//! native's last call back into the machine (see `collect`), so every value a native gets or makes stays valid for
//! its whole brand. A brand is chosen by the machine (`for<'v>`), so values cannot be kept beyond it or mixed up.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::kind::kinds;
use super::layout::*;

/// The tags. From [`tag::STR`] on the payload is a pointer to an object of that kind.
pub mod tag {
    /// `nil`.
    pub const NIL: u64 = 0;
    /// `false`.
    pub const FALSE: u64 = 1;
    /// `true`.
    pub const TRUE: u64 = 2;
    /// An i64.
    pub const INT: u64 = 3;
    /// The bits of an f64.
    pub const FLOAT: u64 = 4;
    /// The internal marker: no argument, no element, no key, cell not initialised.
    pub const ABSENT: u64 = 5;
    /// A place in the order of a map or set, in the second register of an iterator only. It has a tag of its own because
    /// it counts removed entries too, and so means something else in a fresh copy of the table.
    pub const PLACE: u64 = 6;
    /// The last of the kinds whose objects refer to no value, which come first.
    pub(crate) const LAST_LEAF: u64 = BYTES;
    /// The first kind whose objects own memory outside the heap's cells and so need a finaliser.
    pub const FIRST_FINALISED: u64 = LIST;

    macro_rules! define_tags {
        (
            $($(#[$doc:meta])* $number:literal $tag:ident $view:ident: $layout:ident as $handle:ident, $name:literal,
                $account:literal; frozen $frozen:tt nodes $nodes:tt;)*
            hidden $($(#[$hidden_doc:meta])* $hidden:literal $hidden_tag:ident $hidden_layout:ident, $hidden_account:literal;)*
        ) => {
            $($(#[$doc])* pub const $tag: u64 = $number;)*
            $($(#[$hidden_doc])* pub const $hidden_tag: u64 = $hidden;)*
        };
    }
    crate::heap::kind::kinds!(define_tags);
}

/// A value of the language. See the module for what `'v` means.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Value<'v> {
    pub(crate) tag: u64,
    pub(crate) bits: u64,
    brand: Brand<'v>,
}

/// Makes a type invariant in `'v`.
pub(crate) type Brand<'v> = PhantomData<Cell<&'v ()>>;

/// A value at rest in the heap or on a stack: valid as long as the collector can reach it.
pub(crate) type Slot = Value<'static>;

/// A typed pointer to an object of the heap, `Copy`, branded like [`Value`].
pub struct Gc<'v, T> {
    ptr: NonNull<T>,
    brand: Brand<'v>,
}

impl<T> Clone for Gc<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Gc<'_, T> {}

impl<T> PartialEq for Gc<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.ptr == other.ptr
    }
}

impl<T> Eq for Gc<'_, T> {}

impl<'v, T> Gc<'v, T> {
    /// Wraps a pointer to an object.
    ///
    /// # Safety
    /// `ptr` must point to a live, initialised object of kind `T` that stays live for `'v`.
    pub(crate) unsafe fn from_ptr(ptr: *mut T) -> Gc<'v, T> {
        // SAFETY: the caller says it points to an object.
        Gc { ptr: unsafe { NonNull::new_unchecked(ptr) }, brand: PhantomData }
    }

    /// The object's address.
    pub(crate) fn as_ptr(self) -> *mut T {
        self.ptr.as_ptr()
    }

    /// The object's address as a number, which tells objects apart as long as they live.
    pub fn address(self) -> usize {
        self.ptr.as_ptr() as usize
    }

    /// The object's header.
    pub(crate) fn header(self) -> *mut Header {
        self.ptr.as_ptr().cast()
    }
}

macro_rules! define_views {
    (
        $($(#[$doc:meta])* $number:literal $tag:ident $view:ident: $layout:ident as $handle:ident, $name:literal,
            $account:literal; frozen $frozen:tt nodes $nodes:tt;)*
        hidden $($hidden:tt)*
    ) => {
        /// A value taken apart for matching.
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs)]
        pub enum View<'v> {
            Nil,
            Bool(bool),
            Int(i64),
            Float(f64),
            /// The internal marker; never the value of a program's variable.
            Absent,
            $($view(Gc<'v, $layout>),)*
        }

        impl<'v> Value<'v> {
            /// Takes the value apart. Inlined, so that asking for one kind is one comparison.
            #[inline(always)]
            pub fn view(self) -> View<'v> {
                match self.tag {
                    tag::NIL => View::Nil,
                    tag::FALSE => View::Bool(false),
                    tag::TRUE => View::Bool(true),
                    tag::INT => View::Int(self.bits as i64),
                    tag::FLOAT => View::Float(f64::from_bits(self.bits)),
                    // SAFETY: a value with an object tag is only made from a `Gc` of that kind (`From` below) or from a
                    // slot that held one, and the brand says the object is live for `'v`.
                    $(tag::$tag => View::$view(unsafe { Gc::from_ptr(self.bits as *mut $layout) }),)*
                    _ => View::Absent,
                }
            }

        }

        /// What programs call values with this tag.
        pub(crate) const fn name_of(tag: u64) -> &'static str {
            match tag {
                tag::NIL => "nil",
                tag::FALSE | tag::TRUE => "bool",
                tag::INT => "int",
                tag::FLOAT => "float",
                $(tag::$tag => $name,)*
                _ => "absent",
            }
        }
    };
}
kinds!(define_views);

impl<'v> Value<'v> {
    /// `nil`.
    pub const NIL: Value<'v> = Value::raw(tag::NIL, 0);
    /// The internal marker.
    pub const ABSENT: Value<'v> = Value::raw(tag::ABSENT, 0);
    /// `true`.
    pub const TRUE: Value<'v> = Value::raw(tag::TRUE, 0);
    /// `false`.
    pub const FALSE: Value<'v> = Value::raw(tag::FALSE, 0);

    pub(crate) const fn raw(tag: u64, bits: u64) -> Value<'v> {
        Value { tag, bits, brand: PhantomData }
    }

    /// A bool.
    pub const fn bool(b: bool) -> Value<'v> {
        Value::raw(tag::FALSE + b as u64, 0)
    }

    /// An int.
    pub const fn int(i: i64) -> Value<'v> {
        Value::raw(tag::INT, i as u64)
    }

    /// A float.
    pub const fn float(f: f64) -> Value<'v> {
        Value::raw(tag::FLOAT, f.to_bits())
    }

    /// A place in the order of a map or set.
    pub(crate) const fn place(place: u64) -> Value<'v> {
        Value::raw(tag::PLACE, place)
    }

    /// Whether it counts as true in a condition: everything but nil and false.
    pub const fn is_truthy(self) -> bool {
        self.tag > tag::FALSE
    }

    /// Whether it is nil.
    pub const fn is_nil(self) -> bool {
        self.tag == tag::NIL
    }

    /// Whether it is the internal marker.
    pub const fn is_absent(self) -> bool {
        self.tag == tag::ABSENT
    }

    /// Whether its payload is a pointer.
    pub(crate) const fn is_object(self) -> bool {
        self.tag >= tag::STR
    }

    /// The number if it is an int.
    pub const fn as_int(self) -> Option<i64> {
        if self.tag == tag::INT { Some(self.bits as i64) } else { None }
    }

    /// The number if it is a float.
    pub const fn as_float(self) -> Option<f64> {
        if self.tag == tag::FLOAT { Some(f64::from_bits(self.bits)) } else { None }
    }

    /// The text if it is a string.
    #[inline(always)]
    pub fn as_str(self) -> Option<&'v str> {
        match self.view() {
            View::Str(s) => Some(s.as_str()),
            _ => None,
        }
    }

    /// The list if it is one.
    pub fn as_list(self) -> Option<List<'v>> {
        match self.view() {
            View::List(list) => Some(list),
            _ => None,
        }
    }

    /// The name of the value's built-in type, as `type_of(v).name` gives it; `instance` for instances.
    pub fn type_name(self) -> &'static str {
        name_of(self.tag)
    }

    /// Whether both are the same bits: the same immediate or the same object.
    pub const fn is_identical(self, other: Value<'_>) -> bool {
        self.tag == other.tag && self.bits == other.bits
    }

    /// The same value under another brand.
    ///
    /// # Safety
    /// The object it points to, if any, must stay live for `'w`.
    pub(crate) const unsafe fn rebrand<'w>(self) -> Value<'w> {
        Value::raw(self.tag, self.bits)
    }

    /// The value for any time, if it refers to no object.
    #[inline]
    pub fn immediate<'w>(self) -> Option<Value<'w>> {
        (!self.is_object()).then(|| Value::raw(self.tag, self.bits))
    }

    /// The value for storage in an object that the collector knows.
    pub(crate) const fn slot(self) -> Slot {
        Value::raw(self.tag, self.bits)
    }
}

macro_rules! from_object {
    // Maps and sets share a layout; the header tells them apart.
    (TableObject MAP) => {
        impl<'v> From<Gc<'v, TableObject>> for Value<'v> {
            fn from(table: Gc<'v, TableObject>) -> Value<'v> {
                // SAFETY: the object is live for `'v`, and every object begins with its header.
                let kind = unsafe { (*table.header()).kind };
                Value::raw(kind as u64, table.as_ptr() as u64)
            }
        }
    };
    (TableObject SET) => {};
    ($object:ident $tag:ident) => {
        impl<'v> From<Gc<'v, $object>> for Value<'v> {
            fn from(object: Gc<'v, $object>) -> Value<'v> {
                Value::raw(tag::$tag, object.as_ptr() as u64)
            }
        }
    };
}

macro_rules! define_handles {
    (
        $($(#[$doc:meta])* $number:literal $tag:ident $view:ident: $layout:ident as $handle:ident, $name:literal,
            $account:literal; frozen $frozen:tt nodes $nodes:tt;)*
        hidden $($hidden:tt)*
    ) => {
        $($(#[$doc])* pub type $handle<'v> = Gc<'v, $layout>;)*
        $(from_object!($layout $tag);)*
    };
}
kinds!(define_handles);

/// Whatever of it can be shown without the machine.
impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.view() {
            View::Bool(truth) => truth.fmt(f),
            View::Int(int) => int.fmt(f),
            View::Float(float) => write!(f, "{float:?}"),
            View::Str(text) => write!(f, "{:?}", text.as_str()),
            _ => f.write_str(self.kind_name()),
        }
    }
}

impl<T> std::fmt::Debug for Gc<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_sixteen_bytes() {
        assert_eq!(size_of::<Value<'_>>(), 16);
        assert_eq!(align_of::<Value<'_>>(), align_of::<u64>());
    }
}
