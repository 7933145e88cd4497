//! Where everything in an image's graph stands, for tools that show, compare and draw it. No machine is needed.
//!
//! ```text
//!   graph   ... TUPLE 2 | STR 1 "a" | LIST | ... content of #0 | content of #1 ...
//!               ^begin              ^end              ^contents
//! ```
//!
//! Nothing is built: one pass over the graph notes where values and nodes begin and end, and what is looked at is read from
//! the bytes then. So it takes a few bytes for each of them, which is less than building the value takes.

mod cursor;
mod marks;
mod offsets;
mod walk;

use std::collections::HashMap;

use quipu_code::canonical::Reader;
use quipu_code::{Code, CodeHash};

use super::Image;
use crate::graph::progress::Progress;
use crate::graph::read::{Members, read, read_code};
use crate::graph::tag::{self as t, Content, Frozen, Node};

use cursor::{Cursor, TypeCursor};
use marks::Marks;
use offsets::Offsets;

pub use walk::{Met, Visit, Walk};

/// The graph of an image, to be looked at. Numbers are those of the canonical order: equal graphs have equal outlines.
pub struct Outline<'i> {
    graph: &'i [u8],
    root: Part,
    /// Where frozen values begin and end, by number. They are numbered where they end.
    begins: Offsets,
    ends: Offsets,
    /// The numbers of frozen values in the order in which they begin.
    order: Vec<u32>,
    /// Where nodes are met first: begin and end of the reference, by number, which is the order of the ends.
    node_begins: Offsets,
    node_ends: Offsets,
    /// Where the contents of nodes begin, by number.
    contents: Offsets,
    /// The numbers of types in order, and where their names begin.
    types: Vec<(u32, usize)>,
    /// The code objects by number, and where what names them first begins.
    codes: Vec<(usize, &'i Code)>,
}

/// A value where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Part {
    /// Nil.
    #[default]
    Nil,
    /// True or false.
    Bool(bool),
    /// An int.
    Int(i64),
    /// A float.
    Float(f64),
    /// Nothing: the content of a cell that is not initialised.
    Absent,
    /// How far a loop over the map or set in the register before has come.
    Place(u64),
    /// Number of a frozen value: one without an identity.
    Frozen(usize),
    /// Number of a node: what has an identity.
    Node(usize),
}

/// What a frozen value or a node is, apart from its parts.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum Thing<'i> {
    Str(&'i str),
    Bytes(&'i [u8]),
    /// A tuple of so many elements.
    Tuple(usize),
    Range {
        start: i64,
        end: i64,
        step: i64,
        inclusive: bool,
    },
    /// What the host provides under a name.
    Native(&'i str),
    /// A function with this code.
    Function(&'i Code),
    /// A type with this name.
    Type(&'i str),
    Error,
    /// The place of a variable that closures share.
    Cell {
        is_var: bool,
    },
    /// Containers of so many elements.
    List(usize),
    Map(usize),
    Set(usize),
    /// An instance of a type.
    Instance(Part),
    /// Data of the host, and their type.
    Host(Part),
    Fiber(FiberStage),
}

impl Thing<'_> {
    /// What it is, in a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Thing::Str(_) => "string",
            Thing::Bytes(_) => "bytes",
            Thing::Tuple(_) => "tuple",
            Thing::Range { .. } => "range",
            Thing::Native(_) => "native",
            Thing::Function(_) => "function",
            Thing::Type(_) => "type",
            Thing::Error => "error",
            Thing::Cell { is_var: true } => "cell of a var",
            Thing::Cell { is_var: false } => "cell",
            Thing::List(_) => "list",
            Thing::Map(_) => "map",
            Thing::Set(_) => "set",
            Thing::Instance(_) => "instance",
            Thing::Host(_) => "data of the host",
            Thing::Fiber(_) => "fiber",
        }
    }
}

/// How far a fiber has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FiberStage {
    /// It has not begun.
    Fresh,
    /// It waits at a `yield`.
    Suspended,
    /// The host has stopped it, or it waits for such a one.
    Stopped,
    /// It has ended.
    Done,
}

/// Where in a whole a part stands.
#[derive(Clone, Copy, Debug)]
pub enum Place<'i> {
    /// It is the value of the image.
    Root,
    /// An element of a list, a tuple or a set.
    Item(usize),
    /// What a map has for this key.
    Entry(Part),
    /// A field of an instance.
    Field(usize),
    /// What a cell holds.
    Content,
    /// The type whose method a function is.
    Owner,
    /// What a function captures.
    Capture(usize),
    /// What a method of a type captures; its constructor has no name.
    MemberCapture {
        /// The method's name.
        name: Option<Part>,
        /// The method's code.
        code: &'i Code,
        /// Which of its captures.
        index: usize,
    },
    /// The kind of an error.
    Kind,
    /// The message of an error.
    Message,
    /// The data of an error, or of the host.
    Data,
    /// The function of a fiber that has not begun.
    Function,
    /// The function of a frame.
    Frame {
        /// Which frame, the outermost being the first.
        frame: usize,
        /// The instruction that waits.
        at: u32,
    },
    /// A register that matters in a frame.
    Register {
        /// Which frame.
        frame: usize,
        /// The function of the frame.
        function: Part,
        /// The instruction that waits.
        at: u32,
        /// How many registers that matter stand before.
        index: usize,
        /// The number of the register.
        register: Option<u16>,
    },
    /// The fiber that has resumed this one.
    Resumer,
    /// The fiber that this one has resumed.
    Resumed,
}

impl Image {
    /// Where everything in its graph stands.
    pub fn outline(&self) -> Outline<'_> {
        let codes: HashMap<CodeHash, &Code> = self.codes.iter().map(|code| (code.hash(), code)).collect();
        let mut marks = Marks::new(&self.graph, codes);
        // The graph of an image was checked, or just written.
        let is_whole = read(&self.graph, &mut marks, &mut Progress::silent()).is_ok();
        marks.end(is_whole)
    }
}

impl<'i> Outline<'i> {
    /// Nothing yet, with room for so many frozen values and nodes.
    fn with_room(graph: &'i [u8], frozen: usize, nodes: usize) -> Outline<'i> {
        let room = |count| Offsets::new(count, graph.len());
        Outline {
            graph,
            root: Part::Nil,
            begins: room(frozen),
            ends: room(frozen),
            order: Vec::with_capacity(frozen),
            node_begins: room(nodes),
            node_ends: room(nodes),
            contents: room(nodes),
            types: Vec::new(),
            codes: Vec::new(),
        }
    }

    /// The value.
    pub fn root(&self) -> Part {
        self.root
    }

    /// What a part is, if it is more than a plain value.
    pub fn thing(&self, part: Part) -> Option<Thing<'i>> {
        match part {
            Part::Frozen(number) => self.frozen(number),
            Part::Node(number) => self.node(number),
            _ => None,
        }
    }

    /// Its parts in order, and where in it they stand.
    pub fn parts(&self, part: Part) -> Parts<'_, 'i> {
        Parts { outline: self, cursor: Cursor::new(self, part) }
    }

    /// All that the value reaches, depth first. What was met before is met again, and not entered.
    pub fn walk(&self) -> Walk<'_, 'i> {
        Walk::new(self)
    }

    /// The names of a type's fields.
    pub fn fields(&self, ty: Part) -> impl Iterator<Item = &'i str> {
        let (fields, mut from) = self.type_names(ty).unwrap_or((0, Reader::new(&[])));
        // The type's own name stands before them.
        let names = (0..=fields).map_while(move |_| self.reference(&mut from));
        names.skip(1).map(|name| self.text(name))
    }

    /// The constructor of a type, without a name, and its methods.
    pub fn members(&self, ty: Part) -> impl Iterator<Item = (&'i str, &'i Code)> {
        let mut cursor = TypeCursor::new(self, ty);
        std::iter::from_fn(move || {
            let (name, code) = cursor.as_mut()?.next_member(self)?;
            Some((name.map_or("", |name| self.text(name)), code))
        })
    }

    /// How many frozen values and nodes there are.
    fn counts(&self) -> (usize, usize) {
        (self.begins.len(), self.node_begins.len())
    }

    /// What stands in the graph from here on.
    fn reader(&self, at: usize) -> Reader<'i> {
        Reader::new(self.graph.get(at..).unwrap_or_default())
    }

    fn position(&self, from: &Reader<'_>) -> usize {
        self.graph.len() - from.left()
    }

    /// Reads a reference, and steps over what stands there in full.
    fn reference(&self, from: &mut Reader<'i>) -> Option<Part> {
        let begin = self.position(from);
        let tag = from.u8().ok()?;
        Some(match tag {
            t::NIL => Part::Nil,
            t::FALSE | t::TRUE => Part::Bool(tag == t::TRUE),
            t::INT => Part::Int(from.shortest_i64().ok()?),
            t::FLOAT => Part::Float(f64::from_le_bytes(from.raw(8).ok()?.try_into().ok()?)),
            t::ABSENT => Part::Absent,
            t::PLACE => Part::Place(from.shortest_count().ok()?),
            t::SMALL.. => Part::Int(t::LEAST_SMALL + (tag - t::SMALL) as i64),
            t::FROZEN => Part::Frozen(count(from)?),
            t::NODE => Part::Node(count(from)?),
            _ if let Some(node) = Node::of(tag) => {
                if matches!(node.content(), Content::Fields | Content::Data) {
                    // The type, which is no instance itself.
                    self.reference(from)?;
                }
                Part::Node(self.node_ends.find(self.position(from))?)
            }
            _ => {
                let begun = |&number: &u32| self.begins.get(number as usize);
                let number = *self.order.get(self.order.binary_search_by_key(&Some(begin), begun).ok()?)? as usize;
                *from = self.reader(self.ends.get(number)?);
                Part::Frozen(number)
            }
        })
    }

    fn frozen(&self, number: usize) -> Option<Thing<'i>> {
        let (tag, mut from) = self.frozen_at(number)?;
        Some(match tag {
            Frozen::Str => Thing::Str(from.text().ok()?),
            Frozen::Bytes => Thing::Bytes(from.bytes().ok()?),
            Frozen::Native => Thing::Native(from.text().ok()?),
            Frozen::Tuple => Thing::Tuple(count(&mut from)?),
            Frozen::Range => Thing::Range {
                start: from.shortest_i64().ok()?,
                end: from.shortest_i64().ok()?,
                step: from.shortest_i64().ok()?,
                inclusive: from.u8().ok()? == 1,
            },
            Frozen::Closure | Frozen::Owned => Thing::Function(self.code_at(number)?.0),
            Frozen::Type => {
                let (_, mut names) = self.type_names(Part::Frozen(number))?;
                Thing::Type(self.text(self.reference(&mut names)?))
            }
            Frozen::Error => Thing::Error,
        })
    }

    fn node(&self, number: usize) -> Option<Thing<'i>> {
        let (node, mut from) = self.node_at(number)?;
        let mut content = self.content_at(number);
        Some(match node {
            Node::Cell => Thing::Cell { is_var: false },
            Node::Var => Thing::Cell { is_var: true },
            Node::List => Thing::List(count(&mut content)?),
            Node::Map => Thing::Map(count(&mut content)?),
            Node::Set => Thing::Set(count(&mut content)?),
            Node::Instance => Thing::Instance(self.reference(&mut from)?),
            Node::Host => Thing::Host(self.reference(&mut from)?),
            Node::Fiber => Thing::Fiber(match content.u8().ok()? {
                t::FRESH => FiberStage::Fresh,
                t::SUSPENDED => FiberStage::Suspended,
                t::DONE => FiberStage::Done,
                _ => FiberStage::Stopped,
            }),
        })
    }

    /// A frozen value's kind, and what follows it.
    fn frozen_at(&self, number: usize) -> Option<(Frozen, Reader<'i>)> {
        let mut from = self.reader(self.begins.get(number)?);
        Some((Frozen::of(from.u8().ok()?)?, from))
    }

    /// A node's kind where it is met first, and what follows it.
    fn node_at(&self, number: usize) -> Option<(Node, Reader<'i>)> {
        let mut from = self.reader(self.node_begins.get(number)?);
        Some((Node::of(from.u8().ok()?)?, from))
    }

    fn content_at(&self, node: usize) -> Reader<'i> {
        self.reader(self.contents.get(node).unwrap_or(self.graph.len()))
    }

    /// How many fields a type has, and where its name and theirs stand.
    fn type_names(&self, ty: Part) -> Option<(usize, Reader<'i>)> {
        let Part::Frozen(number) = ty else { return None };
        let index = self.types.binary_search_by_key(&number, |&(number, _)| number as usize).ok()?;
        let (_, mut shape) = self.frozen_at(number)?;
        Some((count(&mut shape)?, self.reader(self.types.get(index)?.1)))
    }

    /// The constructor and the methods of a type as its shape has them.
    fn type_members(&self, number: usize) -> Option<std::iter::Take<Members<'i>>> {
        let (_, mut shape) = self.frozen_at(number)?;
        let (_, methods) = (count(&mut shape)?, count(&mut shape)?);
        Some(Members::new(shape, self.codes_before(number)).take(methods + 1))
    }

    /// A text of the graph.
    fn text(&self, part: Part) -> &'i str {
        match self.thing(part) {
            Some(Thing::Str(text)) => text,
            _ => "",
        }
    }

    /// The code of a function, and what stands behind it.
    fn code_at(&self, number: usize) -> Option<(&'i Code, Reader<'i>)> {
        let (_, mut from) = self.frozen_at(number)?;
        let (code, _) = read_code(&mut from, &mut self.codes_before(number)).ok()?;
        Some((self.code(code)?, from))
    }

    /// A code object by its number.
    fn code(&self, number: usize) -> Option<&'i Code> {
        Some(self.codes.get(number)?.1)
    }

    /// How many code objects are named before a frozen value.
    fn codes_before(&self, number: usize) -> usize {
        let value = self.begins.get(number);
        self.codes.partition_point(|&(begin, _)| Some(begin) < value)
    }
}

/// The parts of something, and where in it they stand.
pub struct Parts<'o, 'i> {
    outline: &'o Outline<'i>,
    cursor: Option<Cursor<'i>>,
}

impl<'i> Iterator for Parts<'_, 'i> {
    type Item = (Place<'i>, Part);

    fn next(&mut self) -> Option<(Place<'i>, Part)> {
        self.cursor.as_mut()?.next(self.outline)
    }
}

fn count(from: &mut Reader<'_>) -> Option<usize> {
    usize::try_from(from.shortest_count().ok()?).ok()
}

impl std::fmt::Debug for Outline<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outline").field("bytes", &self.graph.len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Parts<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}
