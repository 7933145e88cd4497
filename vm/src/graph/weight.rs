//! What loading a graph may cost in memory, as the writer and the reader both work it out from the graph alone.
//!
//! An image is at least a sixteenth of this long, so that a few bytes cannot ask for much memory: a file that is
//! shorter is filled up when it is written, and refused when it is read. The numbers are part of the format. They are
//! upper bounds of what this version takes, which the test `image_memory` compares.

use super::tag::{Content, Node};

/// Memory for the two passes over a graph.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weight {
    check: u64,
    build: u64,
}

/// Memory for a frozen value that is under way.
const NESTED: u64 = 80;

/// What checking a graph of so many frozen values and nodes keeps of them, whatever they are.
pub(crate) fn of_check(frozen: usize, nodes: usize) -> usize {
    frozen.saturating_mul(36).saturating_add(nodes.saturating_mul(8))
}

impl Weight {
    /// The memory that is needed at one time.
    pub fn total(self, deepest: usize) -> u64 {
        self.check.max(self.build) + NESTED * deepest as u64
    }

    /// What stays when all is done.
    pub fn built(self) -> u64 {
        self.build
    }

    fn frozen(&mut self, object: u64) {
        self.check += 36;
        self.build += 8 + object;
    }

    fn node(&mut self, object: u64) {
        self.check += 8;
        self.build += 8 + object;
    }

    /// A reference that stands in a tuple, a capture, an element, a field or a register.
    #[inline]
    pub fn slot(&mut self) {
        self.build += 16;
    }

    /// The elements of a packed list.
    pub fn packed(&mut self, length: usize) {
        self.build += 16 * length as u64;
    }

    pub fn text(&mut self, length: usize) {
        self.frozen(40 + length as u64);
    }

    pub fn range(&mut self) {
        self.frozen(48);
    }

    pub fn native(&mut self) {
        self.frozen(0);
    }

    pub fn tuple(&mut self) {
        self.frozen(24);
    }

    pub fn closure(&mut self) {
        self.frozen(24);
    }

    pub fn error(&mut self) {
        self.frozen(80);
    }

    /// A type; its names and captures are slots.
    pub fn ty(&mut self, fields: usize, methods: usize) {
        self.frozen(256 + 16 * fields as u64 + 96 * methods as u64);
        self.check += 96 + 16 * (fields + methods) as u64;
    }

    /// An entry beside its key and value.
    pub fn entry(&mut self) {
        self.build += 28;
    }

    /// What instances in a key are filed under.
    pub fn filed(&mut self) {
        self.build += 128;
    }

    /// A new node, without its content.
    pub fn new_node(&mut self, node: Node) {
        self.node(node.weight());
        if node.content() == Content::Frames {
            self.check += 8;
        }
    }

    /// A frame whose registers up to `span` matter.
    pub fn frame(&mut self) {
        self.build += 24;
    }

    /// A stopped fiber's neighbours.
    pub fn run(&mut self) {
        self.check += 96;
        self.build += 16;
    }

    /// The registers of a suspended fiber.
    pub fn registers(&mut self, count: usize) {
        self.build += 16 * count as u64;
    }
}
