//! Names as small numbers, so that scopes are arrays.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// A name's number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Symbol(pub u32);

/// The names of one source with their numbers.
#[derive(Debug, Default)]
pub struct Symbols<'s> {
    numbers: HashMap<&'s str, Symbol, RandomState>,
    names: Vec<&'s str>,
}

impl<'s> Symbols<'s> {
    /// The number of a name, a new one if need be.
    pub fn intern(&mut self, name: &'s str) -> Symbol {
        let next = Symbol(self.names.len() as u32);
        let symbol = *self.numbers.entry(name).or_insert(next);
        if symbol == next {
            self.names.push(name);
        }
        symbol
    }

    /// The name with this number.
    pub fn name(&self, symbol: Symbol) -> &'s str {
        self.names[symbol.0 as usize]
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.names.len()
    }
}
