//! What every object begins with: one word.
//!
//! ```text
//!   63            32 31     24 23     16 15      8 7       0
//!  +----------------+---------+---------+---------+---------+
//!  |     birth      |  class  |  flags  |  color  |  kind   |
//!  +----------------+---------+---------+---------+---------+
//! ```
//!
//! `kind` is the tag of values that point here (0: the cell is free), `color` the mark of the last collection that
//! reached it, `birth` the number of the latest `atomic` or call-back that had begun when it was made, and `class` the
//! size class of its cell (0: its memory is its own).

/// The first word of every object.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Header {
    pub(crate) kind: u8,
    pub(crate) color: u8,
    pub(crate) flags: u8,
    pub(crate) class: u8,
    pub(crate) birth: u32,
}

/// Flags of a header; what a bit means depends on the kind.
pub(crate) mod flag {
    /// A string: every byte is ASCII.
    pub const ASCII: u8 = 1;
    /// A string: its bytes lie in a text.
    pub const SHARED: u8 = 2;
    /// A string: it was made by appending, and nothing has been appended to it so far.
    pub const JOINED: u8 = 4;
    /// A cell: of a `var`.
    pub const VAR: u8 = 1;
    /// A closure: one more slot after the captures holds the type it belongs to.
    pub const OWNED: u8 = 1;
    /// A range: it was written with `..=`, so its end is the last element's bound.
    pub const INCLUSIVE: u8 = 1;
}

impl Header {
    /// That of a free cell.
    pub(super) const FREE: Header = Header { kind: 0, color: 0, flags: 0, class: 0, birth: 0 };
}
