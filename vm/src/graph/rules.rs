//! What may stand where in a graph: one table for who writes graphs and who checks them, so that whatever is written can be
//! read again, and for who asserts it of registers.

use quipu_code::{Code, Holds};

use super::tag::{self as t, Form};
use crate::heap::{Value, tag};

/// Whether something of a graph's kind may stand where this is held. The first register of an iterator is dealt with by
/// [`is_iterator`].
pub(crate) fn fits(kind: u8, holds: Holds) -> bool {
    let is_cell = matches!(kind, t::CELL | t::VAR);
    match holds {
        Holds::Value => !is_cell && !matches!(kind, t::ABSENT | t::PLACE),
        Holds::Perhaps => !is_cell && kind != t::PLACE,
        Holds::Cell => is_cell,
        Holds::Var => kind == t::VAR,
        Holds::Iterator => false,
    }
}

/// Whether these are the registers of an iterator; see the table in `run::iterate`.
pub(crate) fn is_iterator([first, second, third]: [u8; 3]) -> bool {
    let wanted = match first {
        t::INT | t::LIST => (t::INT, t::INT),
        t::TUPLE | t::STR | t::BYTES => (t::INT, t::NIL),
        t::MAP | t::SET => (t::PLACE, t::INT),
        t::FIBER | t::CLOSURE | t::OWNED | t::NATIVE => (t::NIL, t::NIL),
        _ => return false,
    };
    (second, third) == wanted
}

/// The kind under which an immediate value with this tag stands in a graph.
#[inline]
pub(crate) fn of_immediate(tag: u64) -> u8 {
    match tag {
        tag::NIL => t::NIL,
        tag::FALSE => t::FALSE,
        tag::TRUE => t::TRUE,
        tag::INT => t::INT,
        tag::FLOAT => t::FLOAT,
        tag::PLACE => t::PLACE,
        _ => t::ABSENT,
    }
}

/// The kind under which a value stands in a graph, as far as the rules tell kinds apart.
pub(crate) fn kind_of(value: Value<'_>) -> u8 {
    match Form::of(value) {
        Form::Frozen(frozen) => frozen.tag(),
        Form::Node(node) => node.tag(),
        Form::Immediate => of_immediate(value.tag),
    }
}

/// What each register that matters in a waiting frame has to hold, in their order; none for those behind the first of an
/// iterator.
pub(super) fn held_in_frame(code: &Code, at: u32, live: &[u16]) -> Vec<Option<Holds>> {
    match code.held_before(at) {
        Some(held) => live.iter().map(|&register| held.of(register)).collect(),
        // What only passes a result on has no registers that matter.
        None => Vec::new(),
    }
}
