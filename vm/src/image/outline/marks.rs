//! The pass over a graph that notes where its values and nodes stand.

use std::collections::HashMap;

use quipu_code::{Code, CodeHash};

use super::{Outline, Part, count};
use crate::graph::error::Rule;
use crate::graph::read::{Shape, Sink};
use crate::graph::tag::{Content, Node};
use crate::heap::Slot;
use crate::run::snapshot::Pause;

/// Notes where values and nodes begin and end. What they are is read again when it is looked at.
pub(super) struct Marks<'i> {
    outline: Outline<'i>,
    known: HashMap<CodeHash, &'i Code>,
    /// Where the reference that is being read begins.
    begin: usize,
    /// Where what was read last ends.
    end: usize,
}

/// Where a frozen value, or new instance, begins whose parts are being read.
pub(super) enum Open {
    Frozen {
        begin: usize,
        /// Its place among all in the order in which they begin.
        place: usize,
        /// Where the names of a type stand.
        names: Option<usize>,
    },
    Node {
        begin: usize,
    },
}

impl<'i> Marks<'i> {
    pub fn new(graph: &'i [u8], known: HashMap<CodeHash, &'i Code>) -> Marks<'i> {
        Marks { outline: Outline::with_room(graph, 0, 0), known, begin: 0, end: 0 }
    }

    /// The outline of the graph that was read; of nothing if it could not be read.
    pub fn end(self, is_whole: bool) -> Outline<'i> {
        let mut outline = self.outline;
        if !is_whole {
            return Outline::with_room(&[], 0, 0);
        }
        let mut from = outline.reader(0);
        let counts = (count(&mut from), count(&mut from));
        outline.root = if counts.1.is_some() { outline.reference(&mut from).unwrap_or_default() } else { Part::Nil };
        outline
    }

    /// Notes a frozen value without parts; its end is told next.
    fn leaf(&mut self) -> Result<(), Rule> {
        // The check has found that there are not more than this.
        self.outline.order.push(self.outline.begins.len() as u32);
        self.outline.begins.push(self.begin);
        Ok(())
    }
}

impl<'i> Sink<'i> for Marks<'i> {
    type Ref = ();
    type Open = Open;

    fn begins(&mut self, at: usize) {
        self.begin = at;
    }

    fn ends(&mut self, at: usize) {
        self.end = at;
        let outline = &mut self.outline;
        if outline.ends.len() < outline.begins.len() {
            outline.ends.push(at);
        }
        if outline.node_ends.len() < outline.node_begins.len() {
            outline.node_ends.push(at);
        }
    }

    fn content(&mut self, at: usize) {
        self.outline.contents.push(at);
    }

    fn counts(&mut self, frozen: usize, nodes: usize) -> Result<(), Rule> {
        self.outline = Outline::with_room(self.outline.graph, frozen, nodes);
        Ok(())
    }

    fn code(&mut self, hash: CodeHash) -> Result<(), Rule> {
        // An image has all code that its graph names.
        let &code = self.known.get(&hash).ok_or(Rule::Nothing { what: "code", number: 0 })?;
        self.outline.codes.push((self.begin, code));
        Ok(())
    }

    fn immediate(&mut self, _: Slot) -> Result<(), Rule> {
        Ok(())
    }

    fn frozen(&mut self, _: u64) -> Result<(), Rule> {
        Ok(())
    }

    fn node(&mut self, _: u64) -> Result<(), Rule> {
        Ok(())
    }

    fn text(&mut self, _: &'i str) -> Result<(), Rule> {
        self.leaf()
    }

    fn bytes(&mut self, _: &'i [u8]) -> Result<(), Rule> {
        self.leaf()
    }

    fn range(&mut self, _: i64, _: i64, _: i64, _: bool) -> Result<(), Rule> {
        self.leaf()
    }

    fn native(&mut self, _: &'i str) -> Result<(), Rule> {
        self.leaf()
    }

    fn new_node(&mut self, _: Node) -> Result<(), Rule> {
        self.outline.node_begins.push(self.begin);
        Ok(())
    }

    fn open(&mut self, shape: Shape<'i>) -> Result<Open, Rule> {
        let begin = self.begin;
        if matches!(shape, Shape::Instance | Shape::Host) {
            return Ok(Open::Node { begin });
        }
        let names = matches!(shape, Shape::Type(_)).then_some(self.end);
        let place = self.outline.order.len();
        self.outline.order.push(0);
        Ok(Open::Frozen { begin, place, names })
    }

    fn part(&mut self, _: &mut Open, (): ()) -> Result<(), Rule> {
        Ok(())
    }

    fn close(&mut self, open: Open) -> Result<(), Rule> {
        let outline = &mut self.outline;
        match open {
            Open::Node { begin } => {
                outline.node_begins.push(begin);
                outline.node_ends.push(self.end);
            }
            Open::Frozen { begin, place, names } => {
                let number = outline.begins.len() as u32;
                outline.begins.push(begin);
                outline.ends.push(self.end);
                if let Some(order) = outline.order.get_mut(place) {
                    *order = number;
                }
                outline.types.extend(names.map(|names| (number, names)));
            }
        }
        Ok(())
    }

    fn kind_of(&self, node: usize) -> Option<(Node, usize)> {
        let (node, mut from) = self.outline.node_at(node)?;
        let fields = match node.content() {
            Content::Fields => self.outline.type_names(self.outline.reference(&mut from)?)?.0,
            _ => 0,
        };
        Some((node, fields))
    }

    fn one(&mut self, _: usize, (): ()) -> Result<(), Rule> {
        Ok(())
    }

    fn list(&mut self, _: usize, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn item(&mut self, (): ()) -> Result<(), Rule> {
        Ok(())
    }

    fn list_end(&mut self, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn packed(&mut self, _: usize, _: bool, _: &'i [[u8; 8]]) -> Result<(), Rule> {
        Ok(())
    }

    fn table(&mut self, _: usize, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn entry(&mut self, _: usize, (): (), _: Option<()>, _: Option<()>) -> Result<(), Rule> {
        Ok(())
    }

    fn field(&mut self, _: usize, _: usize, (): ()) -> Result<(), Rule> {
        Ok(())
    }

    fn fresh(&mut self, _: usize, (): ()) -> Result<(), Rule> {
        Ok(())
    }

    fn done(&mut self, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn suspended(&mut self, _: usize, _: Pause, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn frame(&mut self, (): (), _: u8, _: u64, _: u64) -> Result<(), Rule> {
        Ok(())
    }

    fn register(&mut self, (): ()) -> Result<(), Rule> {
        Ok(())
    }

    fn frame_end(&mut self) -> Result<(), Rule> {
        Ok(())
    }

    fn suspended_end(&mut self, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn neighbours(&mut self, _: usize, (): (), _: Option<()>) -> Result<(), Rule> {
        Ok(())
    }
}
