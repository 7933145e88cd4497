//! Names that functions made by chance use.

/// What the library provides.
pub const NATIVES: &[&str] = &[
    "print", "len", "list", "str", "repr", "int", "float", "bool", "tuple", "map", "set", "range", "bytes", "fiber",
    "error", "abs", "min", "max", "sum", "type_of", "same", "hash", "atomic", "format", "chr", "round", "assert",
    "exit",
];

/// Methods that forms of the language look for, and some that only calls do.
pub const SPECIAL: &[&str] = &[
    "str", "eq", "hash", "cmp", "add", "sub", "mul", "neg", "get", "set", "call", "iter", "len", "contains", "m", "n",
    "div", "pow",
];

/// Methods and fields.
pub const MEMBERS: &[&str] = &[
    "len",
    "push",
    "get",
    "map",
    "keys",
    "items",
    "sort",
    "sorted",
    "resume",
    "resume",
    "resume",
    "close",
    "close",
    "done",
    "call",
    "m",
    "n",
    "iter",
    "str",
    "add",
    "contains",
    "take",
    "upper",
    "x",
    "y",
    "z",
    "data",
    "message",
    "remove",
    "pop",
    "first",
    "last",
    "join",
    "split",
    "reversed",
    "filter",
    "fold",
    "get_or_insert",
    "group_by",
    "a",
    "kind",
    "has",
    "to_list",
    "enumerate",
];
