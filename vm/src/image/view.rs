//! An image's graph as plain data, for tools that show, compare and draw it. No machine is needed.

use std::collections::HashMap;

use quipu_lang::code::{Code, CodeHash};

use super::Image;
use crate::graph::error::Rule;
use crate::graph::progress::Progress;
use crate::graph::read::{Shape, Sink, TypeShape, read};
use crate::graph::tag as t;
use crate::heap::{Slot, tag};
use crate::run::snapshot::Pause;

/// The graph of an image. Numbers are those of the canonical order: equal graphs have equal views.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The value.
    pub root: Part,
    /// Values without an identity, each once, after those they consist of.
    pub frozen: Vec<Frozen>,
    /// What has an identity, in the order in which it is reached.
    pub nodes: Vec<Node>,
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
    /// Number of a frozen value.
    Frozen(usize),
    /// Number of a node.
    Node(usize),
}

/// A value that has no identity of its own.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Frozen {
    Str(String),
    Bytes(Vec<u8>),
    Tuple(Vec<Part>),
    Range {
        start: i64,
        end: i64,
        step: i64,
        inclusive: bool,
    },
    /// What the host provides under a name.
    Native(String),
    /// A function; the owner is the type whose method it is, if it makes use of that.
    Function {
        code: CodeHash,
        owner: Option<Part>,
        captures: Vec<Part>,
    },
    Type {
        name: String,
        fields: Vec<String>,
        constructor: Member,
        methods: Vec<(String, Member)>,
    },
    Error {
        kind: Part,
        message: Part,
        data: Part,
    },
}

/// The constructor or a method of a type.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its code.
    pub code: CodeHash,
    /// What it captures.
    pub captures: Vec<Part>,
}

/// What has an identity.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Node {
    /// The place of a variable that closures share.
    Cell {
        is_var: bool,
        content: Part,
    },
    List(Vec<Part>),
    /// Keys and values in order.
    Map(Vec<(Part, Part)>),
    Set(Vec<Part>),
    Instance {
        ty: Part,
        fields: Vec<Part>,
    },
    /// Data of the host, as it writes them.
    Host {
        ty: Part,
        data: Part,
    },
    Fiber(FiberView),
}

/// The state of a fiber.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum FiberView {
    Fresh(Part),
    /// Its frames, outermost first.
    Suspended(Vec<FrameView>),
    /// One that the host has stopped, or that waits for such a one.
    Stopped {
        frames: Vec<FrameView>,
        /// Whether the innermost frame's instruction is still to run.
        is_next: bool,
        /// The fiber that has resumed it, or nil.
        resumer: Part,
        /// The fiber that it has resumed.
        resumed: Option<Part>,
    },
    Done,
}

/// A call that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameView {
    /// The function.
    pub function: Part,
    /// The instruction that waits.
    pub at: u32,
    /// The registers that matter, in order.
    pub registers: Vec<Part>,
}

impl FiberView {
    /// Its frames, outermost first, if it is under way.
    pub fn frames(&self) -> &[FrameView] {
        match self {
            FiberView::Suspended(frames) | FiberView::Stopped { frames, .. } => frames,
            FiberView::Fresh(_) | FiberView::Done => &[],
        }
    }

    /// The numbers of the registers that matter in a frame, if its code is known.
    pub fn live(&self, frame: usize, code: &Code) -> Vec<u16> {
        let frames = self.frames();
        let Some(at) = frames.get(frame).map(|frame| frame.at) else { return Vec::new() };
        let pause = match self {
            FiberView::Stopped { is_next: true, .. } => Pause::Next,
            FiberView::Stopped { .. } => Pause::Resume,
            _ => Pause::Yield,
        };
        pause.innermost(frame + 1, frames.len()).live(code, at).unwrap_or_default()
    }
}

impl Image {
    /// Its graph as plain data.
    pub fn view(&self) -> View {
        let mut reader = ViewReader { codes: Vec::new(), view: View::default(), items: Vec::new(), frames: Vec::new() };
        // The graph of an image was checked, or just written.
        match read(&self.graph, &mut reader, &mut Progress::silent()) {
            Ok((root, _)) => View { root, ..reader.view },
            Err(_) => View::default(),
        }
    }

    /// The code with this hash.
    pub fn code(&self, hash: &CodeHash) -> Option<&Code> {
        self.codes.iter().find(|code| code.hash() == *hash)
    }

    /// All code by hash, for opening thin images.
    pub fn code_table(&self) -> HashMap<CodeHash, Code> {
        self.codes.iter().map(|code| (code.hash(), code.clone())).collect()
    }
}

/// For numbers that no checked graph has.
const NO_CODE: CodeHash = CodeHash([0; 32]);

enum Open<'a> {
    Tuple(Vec<Part>),
    Closure { code: CodeHash, owned: bool, parts: Vec<Part> },
    Type(TypeShape<'a>, Vec<Part>),
    Error(Vec<Part>),
    Instance(Part),
    Host(Part),
}

struct ViewReader {
    codes: Vec<CodeHash>,
    view: View,
    /// The elements of the list, or the frames of the fiber, that is being read.
    items: Vec<Part>,
    frames: Vec<FrameView>,
}

impl ViewReader {
    fn add_frozen(&mut self, value: Frozen) -> Result<Part, Rule> {
        self.view.frozen.push(value);
        Ok(Part::Frozen(self.view.frozen.len() - 1))
    }

    fn add_node(&mut self, node: Node) -> Result<Part, Rule> {
        self.view.nodes.push(node);
        Ok(Part::Node(self.view.nodes.len() - 1))
    }

    fn text_of(&self, part: Option<&Part>) -> String {
        match part {
            Some(&Part::Frozen(number)) => match self.view.frozen.get(number) {
                Some(Frozen::Str(text)) => text.clone(),
                _ => String::new(),
            },
            _ => String::new(),
        }
    }

    fn code_at(&self, number: usize) -> CodeHash {
        self.codes.get(number).copied().unwrap_or(NO_CODE)
    }

    fn declared_type(&mut self, shape: TypeShape<'_>, parts: &[Part]) -> Frozen {
        let mut parts = parts.iter();
        let name = self.text_of(parts.next());
        let fields = (0..shape.fields).map(|_| self.text_of(parts.next())).collect();
        let mut constructor = Member { code: NO_CODE, captures: Vec::new() };
        let mut methods = Vec::with_capacity(shape.methods);
        for (index, member) in shape.members().enumerate() {
            let name = if index > 0 { self.text_of(parts.next()) } else { String::new() };
            let captures = parts.by_ref().take(member.captures).copied().collect();
            let made = Member { code: self.code_at(member.code), captures };
            if index > 0 { methods.push((name, made)) } else { constructor = made }
        }
        Frozen::Type { name, fields, constructor, methods }
    }
}

impl<'a> Sink<'a> for ViewReader {
    type Ref = Part;
    type Open = Open<'a>;

    fn counts(&mut self, _: usize, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn code(&mut self, hash: CodeHash) -> Result<(), Rule> {
        self.codes.push(hash);
        Ok(())
    }

    fn immediate(&mut self, value: Slot) -> Result<Part, Rule> {
        Ok(match value.tag {
            tag::NIL => Part::Nil,
            tag::FALSE => Part::Bool(false),
            tag::TRUE => Part::Bool(true),
            tag::INT => Part::Int(value.bits as i64),
            tag::FLOAT => Part::Float(f64::from_bits(value.bits)),
            tag::PLACE => Part::Place(value.bits),
            _ => Part::Absent,
        })
    }

    fn frozen(&mut self, number: u64) -> Result<Part, Rule> {
        Ok(Part::Frozen(number as usize))
    }

    fn node(&mut self, number: u64) -> Result<Part, Rule> {
        Ok(Part::Node(number as usize))
    }

    fn text(&mut self, text: &'a str) -> Result<Part, Rule> {
        self.add_frozen(Frozen::Str(text.to_owned()))
    }

    fn bytes(&mut self, bytes: &'a [u8]) -> Result<Part, Rule> {
        self.add_frozen(Frozen::Bytes(bytes.to_vec()))
    }

    fn range(&mut self, start: i64, end: i64, step: i64, inclusive: bool) -> Result<Part, Rule> {
        self.add_frozen(Frozen::Range { start, end, step, inclusive })
    }

    fn native(&mut self, name: &'a str) -> Result<Part, Rule> {
        self.add_frozen(Frozen::Native(name.to_owned()))
    }

    fn new_node(&mut self, kind: u8) -> Result<Part, Rule> {
        self.add_node(match kind {
            t::CELL | t::VAR => Node::Cell { is_var: kind == t::VAR, content: Part::Absent },
            t::LIST => Node::List(Vec::new()),
            t::MAP => Node::Map(Vec::new()),
            t::SET => Node::Set(Vec::new()),
            _ => Node::Fiber(FiberView::Done),
        })
    }

    fn open(&mut self, shape: Shape<'a>) -> Result<Open<'a>, Rule> {
        Ok(match shape {
            Shape::Tuple { .. } => Open::Tuple(Vec::new()),
            Shape::Closure { code, owned, .. } => Open::Closure { code: self.code_at(code), owned, parts: Vec::new() },
            Shape::Type(shape) => Open::Type(shape, Vec::new()),
            Shape::Error => Open::Error(Vec::new()),
            Shape::Instance => Open::Instance(Part::Nil),
            Shape::Host => Open::Host(Part::Nil),
        })
    }

    fn part(&mut self, open: &mut Open<'a>, part: Part) -> Result<(), Rule> {
        match open {
            Open::Tuple(parts) | Open::Closure { parts, .. } | Open::Type(_, parts) | Open::Error(parts) => {
                parts.push(part);
            }
            Open::Instance(ty) | Open::Host(ty) => *ty = part,
        }
        Ok(())
    }

    fn close(&mut self, open: Open<'a>) -> Result<Part, Rule> {
        let value = match open {
            Open::Tuple(parts) => Frozen::Tuple(parts),
            Open::Closure { code, owned, mut parts } => {
                let owner = if owned && !parts.is_empty() { Some(parts.remove(0)) } else { None };
                Frozen::Function { code, owner, captures: parts }
            }
            Open::Type(shape, parts) => self.declared_type(shape, &parts),
            Open::Error(parts) => {
                let part = |index: usize| parts.get(index).copied().unwrap_or_default();
                Frozen::Error { kind: part(0), message: part(1), data: part(2) }
            }
            Open::Host(ty) => return self.add_node(Node::Host { ty, data: Part::Nil }),
            Open::Instance(ty) => {
                let fields = match ty {
                    Part::Frozen(number) => match self.view.frozen.get(number) {
                        Some(Frozen::Type { fields, .. }) => fields.len(),
                        _ => 0,
                    },
                    _ => 0,
                };
                return self.add_node(Node::Instance { ty, fields: vec![Part::Nil; fields] });
            }
        };
        self.add_frozen(value)
    }

    fn kind_of(&self, node: usize) -> Option<(u8, usize)> {
        Some(match self.view.nodes.get(node)? {
            Node::Cell { .. } => (t::CELL, 0),
            Node::List(_) => (t::LIST, 0),
            Node::Map(_) => (t::MAP, 0),
            Node::Set(_) => (t::SET, 0),
            Node::Instance { fields, .. } => (t::INSTANCE, fields.len()),
            Node::Host { .. } => (t::HOST, 1),
            Node::Fiber(_) => (t::FIBER, 0),
        })
    }

    fn cell(&mut self, node: usize, new: Part) -> Result<(), Rule> {
        if let Some(Node::Cell { content, .. }) = self.view.nodes.get_mut(node) {
            *content = new;
        }
        Ok(())
    }

    fn list(&mut self, _: usize, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn item(&mut self, item: Part) -> Result<(), Rule> {
        self.items.push(item);
        Ok(())
    }

    fn list_end(&mut self, node: usize) -> Result<(), Rule> {
        let read = std::mem::take(&mut self.items);
        if let Some(Node::List(items)) = self.view.nodes.get_mut(node) {
            *items = read;
        }
        Ok(())
    }

    fn packed(&mut self, node: usize, floats: bool, bits: &'a [[u8; 8]]) -> Result<(), Rule> {
        let part = |bits: &[u8; 8]| match floats {
            true => Part::Float(f64::from_le_bytes(*bits)),
            false => Part::Int(i64::from_le_bytes(*bits)),
        };
        if let Some(Node::List(items)) = self.view.nodes.get_mut(node) {
            *items = bits.iter().map(part).collect();
        }
        Ok(())
    }

    fn table(&mut self, _: usize, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn entry(&mut self, node: usize, key: Part, _: Option<Part>, value: Option<Part>) -> Result<(), Rule> {
        match self.view.nodes.get_mut(node) {
            Some(Node::Map(entries)) => entries.push((key, value.unwrap_or_default())),
            Some(Node::Set(members)) => members.push(key),
            _ => {}
        }
        Ok(())
    }

    fn field(&mut self, node: usize, index: usize, value: Part) -> Result<(), Rule> {
        if let Some(Node::Host { data, .. }) = self.view.nodes.get_mut(node) {
            *data = value;
        }
        if let Some(Node::Instance { fields, .. }) = self.view.nodes.get_mut(node)
            && let Some(field) = fields.get_mut(index)
        {
            *field = value;
        }
        Ok(())
    }

    fn fresh(&mut self, node: usize, function: Part) -> Result<(), Rule> {
        if let Some(node) = self.view.nodes.get_mut(node) {
            *node = Node::Fiber(FiberView::Fresh(function));
        }
        Ok(())
    }

    fn done(&mut self, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn suspended(&mut self, _: usize, _: Pause, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn frame(&mut self, function: Part, _: u8, at: u64, _: u64) -> Result<(), Rule> {
        self.frames.push(FrameView { function, at: at as u32, registers: Vec::new() });
        Ok(())
    }

    fn register(&mut self, value: Part) -> Result<(), Rule> {
        if let Some(frame) = self.frames.last_mut() {
            frame.registers.push(value);
        }
        Ok(())
    }

    fn frame_end(&mut self) -> Result<(), Rule> {
        Ok(())
    }

    fn suspended_end(&mut self, node: usize) -> Result<(), Rule> {
        let frames = std::mem::take(&mut self.frames);
        if let Some(node) = self.view.nodes.get_mut(node) {
            *node = Node::Fiber(FiberView::Suspended(frames));
        }
        Ok(())
    }

    fn neighbours(&mut self, node: usize, resumer: Part, resumed: Option<Part>) -> Result<(), Rule> {
        if let Some(Node::Fiber(fiber)) = self.view.nodes.get_mut(node)
            && let FiberView::Suspended(frames) = fiber
        {
            let frames = std::mem::take(frames);
            *fiber = FiberView::Stopped { frames, is_next: resumed.is_none(), resumer, resumed };
        }
        Ok(())
    }
}
