//! Walking through all that a value reaches.

use super::cursor::Cursor;
use super::{Outline, Part, Place};
use crate::graph::stack::Stack;

/// A walk through all that a value reaches, depth first. It keeps where it is in each whole that it is in, and a bit or
/// two for each value and node.
pub struct Walk<'o, 'i> {
    outline: &'o Outline<'i>,
    /// The wholes that it is in, each with how far it has come.
    open: Stack<Cursor<'i>>,
    met: Bits,
    above: Bits,
    is_begun: bool,
}

/// A part that a walk has come to.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'i> {
    /// How many wholes it is in.
    pub depth: usize,
    /// The innermost of them.
    pub whole: Part,
    /// Where in that it stands.
    pub place: Place<'i>,
    /// The part.
    pub part: Part,
    /// Whether it was met before.
    pub met: Met,
}

/// Whether something that has parts was met before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Met {
    /// It was not, or has no parts. Its parts come next.
    First,
    /// It was. Its parts are left out.
    Again,
    /// The walk is in it: this closes a cycle. Its parts are left out.
    Above,
}

impl<'o, 'i> Walk<'o, 'i> {
    pub(super) fn new(outline: &'o Outline<'i>) -> Walk<'o, 'i> {
        let (frozen, nodes) = outline.counts();
        let bits = || Bits { frozen, words: vec![0; (frozen + nodes).div_ceil(64)] };
        Walk { outline, open: Stack::new(), met: bits(), above: bits(), is_begun: false }
    }

    /// How many parts are left of the wholes that the walk is in, without those that they consist of.
    pub fn left(mut self) -> usize {
        let mut left = !self.is_begun as usize;
        while let Some(mut cursor) = self.open.pop() {
            while cursor.next(self.outline).is_some() {
                left += 1;
            }
        }
        left
    }

    fn visit(&mut self, whole: Part, place: Place<'i>, part: Part) -> Visit<'i> {
        let depth = self.open.len();
        let has_parts = self.outline.parts(part).next().is_some();
        let met = match Cursor::new(self.outline, part) {
            Some(cursor) if has_parts => {
                if self.above.has(part) {
                    Met::Above
                } else if self.met.has(part) {
                    Met::Again
                } else {
                    self.met.set(part, true);
                    self.above.set(part, true);
                    self.open.push(cursor);
                    Met::First
                }
            }
            _ => Met::First,
        };
        Visit { depth, whole, place, part, met }
    }
}

impl<'i> Iterator for Walk<'_, 'i> {
    type Item = Visit<'i>;

    fn next(&mut self) -> Option<Visit<'i>> {
        if !std::mem::replace(&mut self.is_begun, true) {
            return Some(self.visit(Part::Nil, Place::Root, self.outline.root()));
        }
        loop {
            let top = self.open.last_mut()?;
            let whole = top.whole();
            if let Some((place, part)) = top.next(self.outline) {
                return Some(self.visit(whole, place, part));
            }
            self.above.set(whole, false);
            self.open.pop();
        }
    }
}

/// A bit for each frozen value, and behind them for each node.
struct Bits {
    frozen: usize,
    words: Vec<u64>,
}

impl Bits {
    fn index(&self, part: Part) -> Option<usize> {
        match part {
            Part::Frozen(number) => Some(number),
            Part::Node(number) => Some(self.frozen + number),
            _ => None,
        }
    }

    fn has(&self, part: Part) -> bool {
        let word = |index: usize| self.words.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1);
        self.index(part).is_some_and(word)
    }

    fn set(&mut self, part: Part, on: bool) {
        let Some(index) = self.index(part) else { return };
        if let Some(word) = self.words.get_mut(index / 64) {
            let bit = 1 << (index % 64);
            if on { *word |= bit } else { *word &= !bit }
        }
    }
}

impl std::fmt::Debug for Walk<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk").finish_non_exhaustive()
    }
}
