//! The bytes of a graph: their grammar, and the number of every kind of reference and node.
//!
//! A graph is a value and all it reaches. *Frozen* values (strings, tuples, functions, types, ...) stand where they are
//! first reached, equal ones once; *nodes* (cells, lists, maps, sets, instances, fibers) are only numbered where they
//! are first reached, and their content follows in the order of their numbers. So there is one way to write a graph
//! down, no number has to be written where something is new, and nothing refers to what is not there yet.
//!
//! ```text
//! graph    = frozen:n nodes:n reference content*     the root, then the content of every node
//!
//! reference = NIL | FALSE | TRUE | INT i64 | FLOAT 8 bytes | SMALL + i     i in -16..=111
//!           | ABSENT | PLACE n                        in registers only
//!           | FROZEN n | NODE n                       met before: its number
//!           | STR text | BYTES bytes | RANGE i64 i64 i64 inclusive:flag | NATIVE text
//!           | TUPLE n reference*
//!           | CLOSURE code n reference*               captures
//!           | OWNED code n reference reference*       the type it belongs to, captures
//!           | TYPE fields:n methods:n code n (instance:flag code n)* reference*
//!                 shape: constructor, methods; then name, fields, captures, and name and captures of each method
//!           | ERROR reference reference reference     kind, message, data
//!           | CELL | VAR | LIST | MAP | SET | FIBER   a new node
//!           | INSTANCE reference                      a new node, and its type
//!           | HOST reference                          a new node with data of the host, and its type, which is a NATIVE
//!
//! content  = of a cell:     reference | ABSENT        not initialised
//!            of a list:     n reference* | n INTS (8 bytes)* | n FLOATS (8 bytes)*
//!            of a map:      n (key reference)*
//!            of a set:      n key*
//!            of an instance: reference*               as many as its type has fields
//!            of the host:   reference                     its data, as BYTES
//!            of a fiber:    0 reference | 3                   fresh, done
//!                         | 1 n frame*                        suspended at a `yield`
//!                         | 2 n frame* resumer                stopped before an instruction
//!                         | 4 n frame* resumer reference      waits for the stopped fiber that it has resumed
//! resumer  = NIL | reference                      the fiber that has resumed it; none for the outermost of a run
//! key      = reference | FILED reference reference    the second: what its `hash` methods gave, as a tuple
//! frame    = reference kind:u8 at:n n reference*      function, instruction that waits (for a stopped fiber's innermost
//!                                                 frame: that is next), live registers; outermost first
//! code     = n                                        met before, or the next number and the 32 bytes of its hash
//! ```
//!
//! Frozen values are numbered where they end, so what they consist of has lower numbers. `n` and `i64` are canonical
//! numbers, `text` and `bytes` have their length before them. A list of eight or more elements that are all ints, or all
//! floats, is packed. NaN has the bits `7ff8000000000000`.
#![allow(missing_docs)]

pub const NIL: u8 = 0x00;
pub const FALSE: u8 = 0x01;
pub const TRUE: u8 = 0x02;
pub const INT: u8 = 0x03;
pub const FLOAT: u8 = 0x04;
pub const ABSENT: u8 = 0x05;
pub const PLACE: u8 = 0x06;

pub const FROZEN: u8 = 0x08;
pub const NODE: u8 = 0x09;

pub const STR: u8 = 0x10;
pub const BYTES: u8 = 0x11;
pub const TUPLE: u8 = 0x12;
pub const RANGE: u8 = 0x13;
pub const CLOSURE: u8 = 0x14;
pub const OWNED: u8 = 0x15;
pub const TYPE: u8 = 0x16;
pub const ERROR: u8 = 0x17;
pub const NATIVE: u8 = 0x18;

pub const CELL: u8 = 0x20;
pub const VAR: u8 = 0x21;
pub const INSTANCE: u8 = 0x22;
pub const LIST: u8 = 0x23;
pub const MAP: u8 = 0x24;
pub const SET: u8 = 0x25;
pub const FIBER: u8 = 0x26;
pub const HOST: u8 = 0x27;

pub const INTS: u8 = 0x30;
pub const FLOATS: u8 = 0x31;
pub const FILED: u8 = 0x32;

/// Ints from [`LEAST_SMALL`] on are one byte from here on.
pub const SMALL: u8 = 0x80;
pub const LEAST_SMALL: i64 = -16;
pub const MOST_SMALL: i64 = LEAST_SMALL + (u8::MAX - SMALL) as i64;

/// States of a fiber.
pub const FRESH: u8 = 0;
pub const SUSPENDED: u8 = 1;
pub const STOPPED: u8 = 2;
pub const DONE: u8 = 3;
pub const WAITING: u8 = 4;

/// The least number of elements of a list that is packed.
pub const PACKED: usize = 8;

/// The bits of every NaN.
pub const NAN: u64 = 0x7ff8_0000_0000_0000;

/// The byte of a small int.
pub fn small(int: i64) -> Option<u8> {
    (LEAST_SMALL..=MOST_SMALL).contains(&int).then(|| SMALL + (int - LEAST_SMALL) as u8)
}

/// The bits of a float as graphs have them.
pub fn float_bits(bits: u64) -> u64 {
    if f64::from_bits(bits).is_nan() { NAN } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_ints_are_one_byte() {
        assert_eq!(
            (small(-17), small(-16), small(0), small(111), small(112)),
            (None, Some(0x80), Some(0x90), Some(0xff), None)
        );
    }

    #[test]
    fn every_nan_is_one_and_both_zeros_stay() {
        assert_eq!(float_bits((-f64::NAN).to_bits() | 5), NAN);
        assert_eq!(float_bits((-0.0f64).to_bits()), (-0.0f64).to_bits());
    }
}
