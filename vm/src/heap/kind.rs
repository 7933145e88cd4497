//! The table of kinds: every kind of object once, with what the heap, programs and graphs have to know of it.
//!
//! A row is a tag, which is the kind in the header of an object, with the variant of [`View`](super::View), the layout and
//! the handle; what programs call it, and what accounts of memory do; and its form in graphs, with the number that it has
//! there and what errors about graphs call it; for a node also which objects of the kind have this form, its content and what
//! loading it takes at least (see `graph::tag` and `graph::weight`). What it refers to, what it owns and how one is made that
//! is to be filled stand with its layout (`layout::Layout`).
//!
//! Tags are known to the fast paths of handlers. Numbers in graphs and weights are part of the format: they are never
//! changed or reused.

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
            /// The bytes of strings; only those refer to it.
            23 TEXT TextObject, "text of strings";
            /// Data of the host, inside of an instance only.
            31 HOST HostObject, "host object";
        }
    };
}
pub(crate) use kinds;
