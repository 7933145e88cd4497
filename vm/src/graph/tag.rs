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

use crate::heap::{Value, kinds, tag};

pub const NIL: u8 = 0x00;
pub const FALSE: u8 = 0x01;
pub const TRUE: u8 = 0x02;
pub const INT: u8 = 0x03;
pub const FLOAT: u8 = 0x04;
pub const ABSENT: u8 = 0x05;
pub const PLACE: u8 = 0x06;

pub const FROZEN: u8 = 0x08;
pub const NODE: u8 = 0x09;

/// What the content of a node consists of, as the grammar above has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    /// That of a cell.
    One,
    /// That of an instance.
    Fields,
    /// That of the host's data.
    Data,
    /// That of a list.
    Elements,
    /// That of a map.
    Entries,
    /// That of a set.
    Keys,
    /// That of a fiber.
    Frames,
}

/// How a value stands in a graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// It is no object, or none that has a place there.
    Immediate,
    Frozen(Frozen),
    Node(Node),
}

macro_rules! define_forms {
    (
        $($(#[$doc:meta])* $number:literal $tag:ident $view:ident: $layout:ident as $handle:ident, $name:literal,
            $account:literal;
            frozen [$($frozen:ident $frozen_tag:ident $frozen_number:literal $frozen_name:literal),*]
            nodes [$($form:literal: $node:ident $node_tag:ident $node_number:literal $node_name:literal $content:ident
                $weight:literal),*];)*
        hidden $($hidden:tt)*
    ) => {
        $($(pub const $frozen_tag: u8 = $frozen_number;)* $(pub const $node_tag: u8 = $node_number;)*)*

        /// The kinds of frozen values.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Frozen {
            $($($frozen,)*)*
        }

        /// The kinds of nodes.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Node {
            $($($node,)*)*
        }

        impl Frozen {
            pub const fn tag(self) -> u8 {
                match self {
                    $($(Frozen::$frozen => $frozen_number,)*)*
                }
            }

            pub const fn of(tag: u8) -> Option<Frozen> {
                match tag {
                    $($($frozen_number => Some(Frozen::$frozen),)*)*
                    _ => None,
                }
            }
        }

        impl Node {
            pub const fn tag(self) -> u8 {
                match self {
                    $($(Node::$node => $node_number,)*)*
                }
            }

            pub const fn of(tag: u8) -> Option<Node> {
                match tag {
                    $($($node_number => Some(Node::$node),)*)*
                    _ => None,
                }
            }

            pub const fn content(self) -> Content {
                match self {
                    $($(Node::$node => Content::$content,)*)*
                }
            }

            /// What loading it takes beside its content.
            pub(super) const fn weight(self) -> u64 {
                match self {
                    $($(Node::$node => $weight,)*)*
                }
            }

            /// The kind of its object, and which form of that it is.
            pub const fn kind(self) -> (u64, usize) {
                match self {
                    $($(Node::$node => (tag::$tag, $form),)*)*
                }
            }
        }

        impl Form {
            #[inline]
            pub fn of(value: Value<'_>) -> Form {
                match value.tag {
                    $(tag::$tag => match value.form() {
                        $($form => Form::Node(Node::$node),)*
                        _ => define_forms!(@first $($frozen)*),
                    },)*
                    _ => Form::Immediate,
                }
            }
        }

        /// What errors call something of the kind with this number.
        pub(super) const fn name(number: u8) -> &'static str {
            match number {
                NIL => "nil",
                FALSE | TRUE => "a bool",
                INT => "an int",
                FLOAT => "a float",
                ABSENT => "nothing",
                PLACE => "a place",
                $($($frozen_number => $frozen_name,)* $($node_number => $node_name,)*)*
                _ => "something unknown",
            }
        }
    };
    (@first) => { Form::Immediate };
    (@first $first:ident $($rest:ident)*) => { Form::Frozen(Frozen::$first) };
}
kinds!(define_forms);

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
