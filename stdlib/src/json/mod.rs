//! The module `json`: texts to values and back, in one pass each and without recursion, because depth is data.

mod parse;
mod stringify;

use crate::entry::{Entry, native};

pub(crate) const NATIVES: &[Entry] = &[
    native("parse(text)", "The value that a JSON text stands for.", parse::parse),
    native("stringify(v, indent = nil)", "The JSON text of a value.", stringify::stringify),
];
