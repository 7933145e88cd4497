//! What is known of the registers at a point of a function, by the rules that make code sound.
//!
//! Each set holds the registers of which something is true on every path to the point; where paths meet, what is in both
//! stays. A register is in one of `values`, `maybe`, `cells` and the three of an iterator, or nothing is known of it.

/// Sets of registers, of which there are at most 64.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct State {
    /// Written and not lost, whatever is in it.
    pub assigned: u64,
    /// Holds a value or absent.
    pub maybe: u64,
    /// Holds a value.
    pub values: u64,
    /// Holds a cell.
    pub cells: u64,
    /// Holds a cell of a `var`.
    pub vars: u64,
    /// The first of the three registers of an iterator.
    pub iterators: u64,
}

/// One register as a set.
pub fn bit(register: u16) -> u64 {
    1 << register
}

/// So many registers from one on.
pub fn bits(first: u16, count: u16) -> u64 {
    (0..count).fold(0, |set, i| set | bit(first + i))
}

impl State {
    pub const NOTHING: State = State { assigned: 0, maybe: 0, values: 0, cells: 0, vars: 0, iterators: 0 };
    pub const ALL: State = State { assigned: !0, maybe: !0, values: !0, cells: !0, vars: !0, iterators: !0 };

    /// What both know.
    pub fn meet(self, other: State) -> State {
        State {
            assigned: self.assigned & other.assigned,
            maybe: self.maybe & other.maybe,
            values: self.values & other.values,
            cells: self.cells & other.cells,
            vars: self.vars & other.vars,
            iterators: self.iterators & other.iterators,
        }
    }

    /// Nothing is known any more of a register, nor of an iterator that it is a part of.
    pub fn forget(&mut self, register: u16) {
        let one = bit(register);
        self.assigned &= !one;
        self.maybe &= !one;
        self.values &= !one;
        self.cells &= !one;
        self.vars &= !one;
        self.iterators &= !(one | one >> 1 | one >> 2);
    }

    /// Nothing is known of the registers from one on.
    pub fn lose(&mut self, first: u16) {
        (first..64).for_each(|register| self.forget(register));
    }

    pub fn put_maybe(&mut self, register: u16) {
        self.forget(register);
        self.assigned |= bit(register);
        self.maybe |= bit(register);
    }

    pub fn put_value(&mut self, register: u16) {
        self.put_maybe(register);
        self.values |= bit(register);
    }

    pub fn put_cell(&mut self, register: u16, is_var: bool) {
        self.forget(register);
        self.assigned |= bit(register);
        self.cells |= bit(register);
        if is_var {
            self.vars |= bit(register);
        }
    }

    pub fn put_iterator(&mut self, first: u16) {
        (first..first + 3).for_each(|register| self.forget(register));
        self.assigned |= bits(first, 3);
        self.iterators |= bit(first);
    }
}
