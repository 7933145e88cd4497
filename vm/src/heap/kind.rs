//! The table of kinds: every kind of object once, with what the heap, programs and graphs have to know of it.
//!
//! A row is a tag, which is the kind in the header of an object, with the variant of [`View`](super::View), the layout and
//! the handle; what programs call it, and what accounts of memory do; and its form in graphs, with the number that it has
//! there and what errors about graphs call it; for a node also which objects of the kind have this form, its content and what
//! loading it takes at least (see `graph::tag` and `graph::weight`). What it refers to, what it owns and how one is made that
//! is to be filled stand with its layout ([`Layout`]).
//!
//! Tags are known to the fast paths of handlers. Numbers in graphs and weights are part of the format: they are never
//! changed or reused.

use super::Heap;
use super::edges::Edges;
use super::host::HostObject;
use super::layout::*;
use super::value::{Value, tag};

/// Calls the given macro with the whole table.
macro_rules! kinds {
    ($mac:ident) => {
        $mac! {
            /// A string.
            16 STR Str: StrObject as Str, "str", "str";
                frozen [Str STR 0x10 "a str"] nodes [];
            /// A byte string.
            17 BYTES Bytes: BytesObject as Bytes, "bytes", "bytes";
                frozen [Bytes BYTES 0x11 "bytes"] nodes [];
            /// A tuple.
            18 TUPLE Tuple: TupleObject as Tuple, "tuple", "tuple";
                frozen [Tuple TUPLE 0x12 "a tuple"] nodes [];
            /// A range.
            19 RANGE Range: RangeObject as Range, "range", "range";
                frozen [Range RANGE 0x13 "a range"] nodes [];
            /// A cell.
            20 CELL Cell: CellObject as CellRef, "cell", "shared variable";
                frozen [] nodes [0: Cell CELL 0x20 "a cell" One 16, 1: Var VAR 0x21 "a cell" One 16];
            /// A closure.
            21 CLOSURE Closure: ClosureObject as Closure, "function", "function";
                frozen [Closure CLOSURE 0x14 "a function", Owned OWNED 0x15 "a function"] nodes [];
            /// An instance of a declared type.
            22 INSTANCE Instance: InstanceObject as Instance, "instance", "instance";
                frozen [] nodes [0: Instance INSTANCE 0x22 "an instance" Fields 24, 1: Host HOST 0x27 "an instance" Data 24];
            /// A list.
            24 LIST List: ListObject as List, "list", "list";
                frozen [] nodes [0: List LIST 0x23 "a list" Elements 32];
            /// A map.
            25 MAP Map: TableObject as Map, "map", "map";
                frozen [] nodes [0: Map MAP 0x24 "a map" Entries 112];
            /// A set: a map whose values are nil.
            26 SET Set: TableObject as Set, "set", "set";
                frozen [] nodes [0: Set SET 0x25 "a set" Keys 112];
            /// A type, built in or declared.
            27 TYPE Type: TypeObject as Type, "type", "type";
                frozen [Type TYPE 0x16 "a type"] nodes [];
            /// A fiber.
            28 FIBER Fiber: FiberObject as Fiber, "fiber", "fiber";
                frozen [] nodes [0: Fiber FIBER 0x26 "a fiber" Frames 208];
            /// An error value.
            29 ERROR Error: ErrorObject as ErrorRef, "error", "error";
                frozen [Error ERROR 0x17 "an error"] nodes [];
            /// A function the host provides.
            30 NATIVE Native: NativeObject as Native, "function", "native";
                frozen [Native NATIVE 0x18 "something the host provides"] nodes [];
            hidden
            /// Data of the host, inside of an instance only.
            31 HOST HostObject, "host object";
        }
    };
}
pub(crate) use kinds;

macro_rules! define_kinds {
    (
        $($(#[$doc:meta])* $number:literal $tag:ident $view:ident: $layout:ident as $handle:ident, $name:literal,
            $account:literal; frozen $frozen:tt nodes $nodes:tt;)*
        hidden $(#[$hidden_doc:meta])* $hidden:literal $hidden_tag:ident $hidden_layout:ident, $hidden_account:literal;
    ) => {
        /// Kinds of objects and what accounts of memory call them.
        pub(super) const ACCOUNTS: &[(u64, &str)] = &[$((tag::$tag, $account),)* (tag::$hidden_tag, $hidden_account)];

        /// Kinds that own nothing come first, and first of all those that refer to nothing: the collector looks at that.
        const _: () = {
            $(assert!($layout::OWNS == (tag::$tag >= tag::FIRST_FINALISED));)*
            $(assert!($layout::IS_LEAF == (tag::$tag <= tag::LAST_LEAF));)*
            assert!($hidden_layout::OWNS);
        };

        /// Says what an object refers to.
        ///
        /// # Safety
        /// `header` must be the header of a live object.
        #[inline(always)]
        pub(super) unsafe fn edges(header: *mut Header, to: &mut impl Edges) {
            // SAFETY: the kind says which layout the object has, and the object is whole (rule 1 of the heap).
            unsafe {
                match (*header).kind as u64 {
                    $(tag::$tag => Layout::edges(header.cast::<$layout>(), to),)*
                    tag::$hidden_tag => Layout::edges(header.cast::<$hidden_layout>(), to),
                    // There is no other kind.
                    _ => {}
                }
            }
        }

        impl Heap {
            /// An object of a kind, in one of its forms, that is to be filled with what it refers to. None for kinds that
            /// are not made like that.
            pub(crate) fn blank<'v>(&mut self, tag: u64, form: usize) -> Option<Value<'v>> {
                match tag {
                    $(tag::$tag => Some($layout::blank(self, tag, form)?.into()),)*
                    _ => None,
                }
            }
        }

        impl<'v> Value<'v> {
            /// Which of the forms of its kind it has.
            #[inline]
            pub(crate) fn form(self) -> usize {
                // SAFETY: the tag says which layout the object has, which is live.
                unsafe {
                    match self.tag {
                        $(tag::$tag => Layout::form(self.bits as *mut $layout),)*
                        _ => 0,
                    }
                }
            }

            /// Fills in the only value that it refers to, of which no program knows yet; false if it is no such object.
            pub(crate) fn fill(self, content: Value<'v>) -> bool {
                // SAFETY: as above.
                unsafe {
                    match self.tag {
                        $(tag::$tag => Layout::fill(self.bits as *mut $layout, content.slot()),)*
                        _ => false,
                    }
                }
            }
        }

        /// Bytes that an object owns outside its cell.
        ///
        /// # Safety
        /// `header` must be the header of a whole object.
        pub(super) unsafe fn owned_bytes(header: *mut Header) -> usize {
            // SAFETY: as above.
            unsafe {
                match (*header).kind as u64 {
                    $(tag::$tag => Layout::owned_bytes(header.cast::<$layout>()),)*
                    tag::$hidden_tag => Layout::owned_bytes(header.cast::<$hidden_layout>()),
                    _ => 0,
                }
            }
        }

        /// Drops what an object owns outside its cell.
        ///
        /// # Safety
        /// `header` must be the header of a whole object that is not used afterwards.
        pub(super) unsafe fn finalise(header: *mut Header) {
            // SAFETY: as above.
            unsafe {
                match (*header).kind as u64 {
                    $(tag::$tag => Layout::finalise(header.cast::<$layout>()),)*
                    tag::$hidden_tag => Layout::finalise(header.cast::<$hidden_layout>()),
                    _ => {}
                }
            }
        }
    };
}
kinds!(define_kinds);
