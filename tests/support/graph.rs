//! The graph of an image as plain data, read and written as `graph::tag` draws it by code that the machine has no part in.
//!
//! Frozen values and nodes stand in two tables, and values refer to them by their index. Reading keeps the numbers of
//! the bytes; writing finds the canonical ones anew, so a graph may be changed in any way in between.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;

use quipu::code::CodeHash;
use quipu::code::canonical::{Reader, Writer};
use quipu::vm::graph::tag as t;

/// What a variable, a register or a part of something holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Value {
    Nil,
    False,
    True,
    Absent,
    Int(i64),
    /// By its bits.
    Float(u64),
    Place(u64),
    Frozen(usize),
    Node(usize),
}

/// A value without an identity: equal ones are one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Frozen {
    Str(String),
    Bytes(Vec<u8>),
    Range { start: i64, end: i64, step: i64, inclusive: bool },
    Native(String),
    Tuple(Vec<Value>),
    Closure { function: Function, owner: Option<Value> },
    Type { name: Value, fields: Vec<Value>, constructor: Function, methods: Vec<Method> },
    Error { kind: Value, message: Value, data: Value },
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Function {
    pub code: CodeHash,
    pub captures: Vec<Value>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Method {
    pub name: Value,
    pub instance: bool,
    pub function: Function,
}

/// A thing with an identity of its own.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    Cell { var: bool, content: Value },
    List(Vec<Value>),
    Map(Vec<Entry>),
    Set(Vec<Entry>),
    Instance { ty: Value, fields: Vec<Value> },
    Host { ty: Value, data: Value },
    Fiber(Fiber),
}

/// A key, what its `hash` methods gave if there are some, and its value in a map.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub key: Value,
    pub filed: Option<Value>,
    pub value: Option<Value>,
}

/// A fiber. What its state has no use for is not written.
#[derive(Clone, PartialEq, Debug)]
pub struct Fiber {
    pub state: State,
    /// Of a fresh one: what it will call.
    pub function: Value,
    pub frames: Vec<Frame>,
    pub resumer: Value,
    pub resumed: Value,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Fresh,
    Suspended,
    Stopped,
    Done,
    Waiting,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Frame {
    pub function: Value,
    pub kind: u8,
    pub at: u64,
    /// Those that are live, in order.
    pub registers: Vec<Value>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Graph {
    pub root: Value,
    pub frozen: Vec<Frozen>,
    pub nodes: Vec<Node>,
}

/// The canonical bytes of a graph, and what they name, in order of first use.
pub struct Written {
    pub bytes: Vec<u8>,
    pub codes: Vec<CodeHash>,
    pub natives: Vec<String>,
}

impl Frozen {
    /// All values in it, in the order of the bytes.
    pub fn parts(&mut self) -> Vec<&mut Value> {
        match self {
            Frozen::Str(_) | Frozen::Bytes(_) | Frozen::Range { .. } | Frozen::Native(_) => Vec::new(),
            Frozen::Tuple(parts) => parts.iter_mut().collect(),
            Frozen::Closure { function, owner } => owner.iter_mut().chain(&mut function.captures).collect(),
            Frozen::Error { kind, message, data } => vec![kind, message, data],
            Frozen::Type { name, fields, constructor, methods } => {
                let mut parts = vec![name];
                parts.extend(fields);
                parts.extend(&mut constructor.captures);
                for method in methods {
                    parts.push(&mut method.name);
                    parts.extend(&mut method.function.captures);
                }
                parts
            }
        }
    }

    /// The functions that it is made of.
    pub fn functions(&mut self) -> Vec<&mut Function> {
        match self {
            Frozen::Closure { function, .. } => vec![function],
            Frozen::Type { constructor, methods, .. } => {
                let methods = methods.iter_mut().map(|method| &mut method.function);
                std::iter::once(constructor).chain(methods).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Node {
    /// All values in it, in the order of the bytes.
    pub fn parts(&mut self) -> Vec<&mut Value> {
        match self {
            Node::Cell { content, .. } => vec![content],
            Node::List(items) => items.iter_mut().collect(),
            Node::Map(entries) | Node::Set(entries) => entries
                .iter_mut()
                .flat_map(|entry| std::iter::once(&mut entry.key).chain(&mut entry.filed).chain(&mut entry.value))
                .collect(),
            Node::Instance { ty, fields } => std::iter::once(ty).chain(fields).collect(),
            Node::Host { ty, data } => vec![ty, data],
            Node::Fiber(fiber) => fiber.parts(),
        }
    }
}

impl Fiber {
    /// One in which nothing waits.
    pub fn fresh(function: Value) -> Fiber {
        Fiber { state: State::Fresh, function, frames: Vec::new(), resumer: Value::Nil, resumed: Value::Nil }
    }

    fn parts(&mut self) -> Vec<&mut Value> {
        let mut parts = Vec::new();
        if self.state == State::Fresh {
            parts.push(&mut self.function);
        } else if self.state != State::Done {
            for frame in &mut self.frames {
                parts.push(&mut frame.function);
                parts.extend(&mut frame.registers);
            }
        }
        if matches!(self.state, State::Stopped | State::Waiting) {
            parts.push(&mut self.resumer);
        }
        if self.state == State::Waiting {
            parts.push(&mut self.resumed);
        }
        parts
    }
}

impl State {
    pub const ALL: [State; 5] = [State::Fresh, State::Suspended, State::Stopped, State::Done, State::Waiting];

    fn number(self) -> u8 {
        match self {
            State::Fresh => t::FRESH,
            State::Suspended => t::SUSPENDED,
            State::Stopped => t::STOPPED,
            State::Done => t::DONE,
            State::Waiting => t::WAITING,
        }
    }
}

impl Graph {
    /// Reads the graph of an image that was opened, which can have nothing wrong.
    pub fn read(bytes: &[u8]) -> Graph {
        let graph = Graph { root: Value::Nil, frozen: Vec::new(), nodes: Vec::new() };
        let mut parser = Parser { from: Reader::new(bytes), codes: Vec::new(), graph };
        let counts = (parser.count(), parser.count());
        parser.graph.root = parser.reference();
        let mut node = 0;
        while node < parser.graph.nodes.len() {
            let content = parser.content(parser.graph.nodes[node].clone());
            parser.graph.nodes[node] = content;
            node += 1;
        }
        assert_eq!(counts, (parser.graph.frozen.len(), node), "the graph has other numbers than it says");
        assert_eq!(parser.from.left(), 0, "there is something behind the graph");
        parser.graph
    }

    /// Writes all that is reached from the root. None if a frozen value contains itself, which has no bytes.
    pub fn write(&self) -> Option<Written> {
        let mut encoder = Encoder {
            graph: self,
            out: Writer::new(),
            frozen: vec![Met::Not; self.frozen.len()],
            interned: HashMap::new(),
            nodes: vec![Met::Not; self.nodes.len()],
            queue: Vec::new(),
            codes: Vec::new(),
            natives: Vec::new(),
        };
        encoder.reference(self.root)?;
        let mut next = 0;
        while let Some(&node) = encoder.queue.get(next) {
            encoder.content(&self.nodes[node])?;
            next += 1;
        }
        let mut head = Writer::new();
        head.count(encoder.interned.len());
        head.count(encoder.queue.len());
        let mut bytes = head.into_bytes();
        bytes.extend(encoder.out.as_bytes());
        Some(Written { bytes, codes: encoder.codes, natives: encoder.natives })
    }
}

struct Parser<'a> {
    from: Reader<'a>,
    codes: Vec<CodeHash>,
    graph: Graph,
}

impl Parser<'_> {
    fn byte(&mut self) -> u8 {
        self.from.u8().unwrap()
    }

    fn count(&mut self) -> usize {
        self.from.shortest_count().unwrap() as usize
    }

    fn int(&mut self) -> i64 {
        self.from.shortest_i64().unwrap()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.count();
        self.from.raw(length).unwrap().to_vec()
    }

    fn text(&mut self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    fn references(&mut self, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.reference()).collect()
    }

    fn reference(&mut self) -> Value {
        let frozen = match self.byte() {
            t::NIL => return Value::Nil,
            t::FALSE => return Value::False,
            t::TRUE => return Value::True,
            t::ABSENT => return Value::Absent,
            t::INT => return Value::Int(self.int()),
            small @ t::SMALL.. => return Value::Int(t::LEAST_SMALL + i64::from(small - t::SMALL)),
            t::FLOAT => return Value::Float(self.bits()),
            t::PLACE => return Value::Place(self.count() as u64),
            t::FROZEN => return Value::Frozen(self.count()),
            t::NODE => return Value::Node(self.count()),
            kind @ (t::CELL | t::VAR) => {
                return self.add_node(Node::Cell { var: kind == t::VAR, content: Value::Absent });
            }
            t::LIST => return self.add_node(Node::List(Vec::new())),
            t::MAP => return self.add_node(Node::Map(Vec::new())),
            t::SET => return self.add_node(Node::Set(Vec::new())),
            t::FIBER => return self.add_node(Node::Fiber(Fiber::fresh(Value::Nil))),
            t::INSTANCE => {
                let ty = self.reference();
                return self.add_node(Node::Instance { ty, fields: Vec::new() });
            }
            t::HOST => {
                let ty = self.reference();
                return self.add_node(Node::Host { ty, data: Value::Nil });
            }
            t::STR => Frozen::Str(self.text()),
            t::BYTES => Frozen::Bytes(self.bytes()),
            t::RANGE => {
                let (start, end, step) = (self.int(), self.int(), self.int());
                Frozen::Range { start, end, step, inclusive: self.byte() == 1 }
            }
            t::NATIVE => Frozen::Native(self.text()),
            t::TUPLE => {
                let length = self.count();
                Frozen::Tuple(self.references(length))
            }
            kind @ (t::CLOSURE | t::OWNED) => {
                let (code, captures) = (self.code(), self.count());
                let owner = (kind == t::OWNED).then(|| self.reference());
                Frozen::Closure { function: Function { code, captures: self.references(captures) }, owner }
            }
            t::TYPE => self.declared_type(),
            t::ERROR => {
                let (kind, message) = (self.reference(), self.reference());
                Frozen::Error { kind, message, data: self.reference() }
            }
            tag => panic!("no reference has the tag {tag:#x}"),
        };
        self.graph.frozen.push(frozen);
        Value::Frozen(self.graph.frozen.len() - 1)
    }

    fn bits(&mut self) -> u64 {
        u64::from_le_bytes(*self.from.raw(8).unwrap().first_chunk().unwrap())
    }

    fn add_node(&mut self, node: Node) -> Value {
        self.graph.nodes.push(node);
        Value::Node(self.graph.nodes.len() - 1)
    }

    fn code(&mut self) -> CodeHash {
        let number = self.count();
        if number == self.codes.len() {
            self.codes.push(CodeHash(*self.from.raw(32).unwrap().first_chunk().unwrap()));
        }
        self.codes[number]
    }

    fn declared_type(&mut self) -> Frozen {
        let (fields, methods) = (self.count(), self.count());
        let constructor = (self.code(), self.count());
        let shapes: Vec<_> = (0..methods).map(|_| (self.byte() == 1, self.code(), self.count())).collect();
        let name = self.reference();
        let fields = self.references(fields);
        let constructor = Function { code: constructor.0, captures: self.references(constructor.1) };
        let method = |(instance, code, captures)| {
            let name = self.reference();
            Method { name, instance, function: Function { code, captures: self.references(captures) } }
        };
        Frozen::Type { name, fields, constructor, methods: shapes.into_iter().map(method).collect() }
    }

    fn content(&mut self, node: Node) -> Node {
        match node {
            Node::Cell { var, .. } => Node::Cell { var, content: self.reference() },
            Node::List(_) => Node::List(self.items()),
            Node::Map(_) => Node::Map(self.entries(true)),
            Node::Set(_) => Node::Set(self.entries(false)),
            Node::Host { ty, .. } => Node::Host { ty, data: self.reference() },
            Node::Fiber(_) => Node::Fiber(self.fiber()),
            Node::Instance { ty, .. } => {
                let fields = self.graph.field_count(ty);
                Node::Instance { ty, fields: self.references(fields) }
            }
        }
    }

    fn items(&mut self) -> Vec<Value> {
        let length = self.count();
        let packed = if length >= t::PACKED { self.from.clone().u8().unwrap() } else { 0 };
        if packed != t::INTS && packed != t::FLOATS {
            return self.references(length);
        }
        self.byte();
        let item = |bits| if packed == t::INTS { Value::Int(bits as i64) } else { Value::Float(bits) };
        (0..length).map(|_| item(self.bits())).collect()
    }

    fn entries(&mut self, valued: bool) -> Vec<Entry> {
        let count = self.count();
        let entry = |_| {
            let is_filed = self.from.clone().u8() == Ok(t::FILED);
            if is_filed {
                self.byte();
            }
            let key = self.reference();
            let filed = is_filed.then(|| self.reference());
            Entry { key, filed, value: valued.then(|| self.reference()) }
        };
        (0..count).map(entry).collect()
    }

    fn fiber(&mut self) -> Fiber {
        let number = self.byte();
        let state = State::ALL.into_iter().find(|state| state.number() == number).unwrap();
        let mut fiber = Fiber { state, ..Fiber::fresh(Value::Nil) };
        if state == State::Fresh {
            fiber.function = self.reference();
        } else if state != State::Done {
            let frames = self.count();
            fiber.frames = (0..frames).map(|_| self.frame()).collect();
        }
        if matches!(state, State::Stopped | State::Waiting) {
            fiber.resumer = self.reference();
        }
        if state == State::Waiting {
            fiber.resumed = self.reference();
        }
        fiber
    }

    fn frame(&mut self) -> Frame {
        let (function, kind, at) = (self.reference(), self.byte(), self.count() as u64);
        let registers = self.count();
        Frame { function, kind, at, registers: self.references(registers) }
    }
}

impl Graph {
    /// How many fields instances of a type have.
    pub fn field_count(&self, ty: Value) -> usize {
        match ty {
            Value::Frozen(number) => match &self.frozen[number] {
                Frozen::Type { fields, .. } => fields.len(),
                _ => 0,
            },
            _ => 0,
        }
    }
}

/// Whether something of the model has a canonical number already.
#[derive(Clone, Copy)]
enum Met {
    Not,
    /// Its parts are being written.
    Open,
    Number(usize),
}

struct Encoder<'g> {
    graph: &'g Graph,
    out: Writer,
    frozen: Vec<Met>,
    /// The frozen values by content, of which the parts are canonical numbers.
    interned: HashMap<Frozen, usize>,
    nodes: Vec<Met>,
    /// Nodes in the order of their canonical numbers.
    queue: Vec<usize>,
    codes: Vec<CodeHash>,
    natives: Vec<String>,
}

impl Encoder<'_> {
    /// Writes a reference; gives it back with canonical numbers.
    fn reference(&mut self, value: Value) -> Option<Value> {
        match value {
            Value::Nil => self.out.u8(t::NIL),
            Value::False => self.out.u8(t::FALSE),
            Value::True => self.out.u8(t::TRUE),
            Value::Absent => self.out.u8(t::ABSENT),
            Value::Int(int) => match t::small(int) {
                Some(byte) => self.out.u8(byte),
                None => {
                    self.out.u8(t::INT);
                    self.out.i64(int);
                }
            },
            Value::Float(bits) => {
                let bits = t::float_bits(bits);
                self.out.u8(t::FLOAT);
                self.out.raw(&bits.to_le_bytes());
                return Some(Value::Float(bits));
            }
            Value::Place(place) => {
                self.out.u8(t::PLACE);
                self.out.count(place as usize);
            }
            Value::Frozen(number) => return self.frozen(number).map(Value::Frozen),
            Value::Node(number) => return self.node(number).map(Value::Node),
        }
        Some(value)
    }

    fn known(&mut self, tag: u8, number: usize) -> Option<usize> {
        self.out.u8(tag);
        self.out.count(number);
        Some(number)
    }

    fn frozen(&mut self, number: usize) -> Option<usize> {
        match self.frozen[number] {
            Met::Number(known) => return self.known(t::FROZEN, known),
            Met::Open => return None,
            Met::Not => self.frozen[number] = Met::Open,
        }
        let start = self.out.len();
        let mut content = self.graph.frozen[number].clone();
        self.shape(&mut content);
        for part in content.parts() {
            *part = self.reference(*part)?;
        }
        let next = self.interned.len();
        let known = *self.interned.entry(content).or_insert(next);
        self.frozen[number] = Met::Number(known);
        if known < next {
            // All its parts were known too, or it would be new: nothing but these bytes has to be taken back.
            self.out.truncate(start);
            return self.known(t::FROZEN, known);
        }
        if let Frozen::Native(name) = &self.graph.frozen[number] {
            self.natives.push(name.clone());
        }
        Some(known)
    }

    /// What stands before the parts of a frozen value.
    fn shape(&mut self, frozen: &mut Frozen) {
        match frozen {
            Frozen::Str(text) => {
                self.out.u8(t::STR);
                self.out.text(text);
            }
            Frozen::Bytes(bytes) => {
                self.out.u8(t::BYTES);
                self.out.bytes(bytes);
            }
            Frozen::Range { start, end, step, inclusive } => {
                self.out.u8(t::RANGE);
                [start, end, step].iter().for_each(|part| self.out.i64(**part));
                self.out.u8((*inclusive).into());
            }
            Frozen::Native(name) => {
                self.out.u8(t::NATIVE);
                self.out.text(name);
            }
            Frozen::Tuple(parts) => {
                self.out.u8(t::TUPLE);
                self.out.count(parts.len());
            }
            Frozen::Closure { function, owner } => {
                self.out.u8(if owner.is_some() { t::OWNED } else { t::CLOSURE });
                self.function(function);
            }
            Frozen::Type { fields, constructor, methods, .. } => {
                self.out.u8(t::TYPE);
                self.out.count(fields.len());
                self.out.count(methods.len());
                self.function(constructor);
                for method in methods {
                    self.out.u8(method.instance.into());
                    self.function(&method.function);
                }
            }
            Frozen::Error { .. } => self.out.u8(t::ERROR),
        }
    }

    fn function(&mut self, function: &Function) {
        let known = self.codes.iter().position(|code| *code == function.code);
        self.out.count(known.unwrap_or(self.codes.len()));
        if known.is_none() {
            self.out.raw(&function.code.0);
            self.codes.push(function.code);
        }
        self.out.count(function.captures.len());
    }

    fn node(&mut self, number: usize) -> Option<usize> {
        match self.nodes[number] {
            Met::Number(known) => return self.known(t::NODE, known),
            Met::Open => return None,
            Met::Not => self.nodes[number] = Met::Open,
        }
        match self.graph.nodes[number] {
            Node::Cell { var, .. } => self.out.u8(if var { t::VAR } else { t::CELL }),
            Node::List(_) => self.out.u8(t::LIST),
            Node::Map(_) => self.out.u8(t::MAP),
            Node::Set(_) => self.out.u8(t::SET),
            Node::Fiber(_) => self.out.u8(t::FIBER),
            // These are numbered behind their types.
            Node::Instance { ty, .. } => {
                self.out.u8(t::INSTANCE);
                self.reference(ty)?;
            }
            Node::Host { ty, .. } => {
                self.out.u8(t::HOST);
                self.reference(ty)?;
            }
        }
        let next = self.queue.len();
        self.nodes[number] = Met::Number(next);
        self.queue.push(number);
        Some(next)
    }

    fn content(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Cell { content, .. } => self.reference(*content).map(drop),
            Node::List(items) => self.items(items),
            Node::Map(entries) | Node::Set(entries) => {
                self.out.count(entries.len());
                for entry in entries {
                    if entry.filed.is_some() {
                        self.out.u8(t::FILED);
                    }
                    let parts = [Some(entry.key), entry.filed, entry.value];
                    self.references(&parts.into_iter().flatten().collect::<Vec<_>>())?;
                }
                Some(())
            }
            Node::Instance { fields, .. } => self.references(fields),
            Node::Host { data, .. } => self.reference(*data).map(drop),
            Node::Fiber(fiber) => self.fiber(fiber),
        }
    }

    fn references(&mut self, values: &[Value]) -> Option<()> {
        values.iter().try_for_each(|&value| self.reference(value).map(drop))
    }

    fn items(&mut self, items: &[Value]) -> Option<()> {
        self.out.count(items.len());
        let int = |value: &Value| if let Value::Int(int) = value { Some(*int as u64) } else { None };
        let float = |value: &Value| if let Value::Float(bits) = value { Some(t::float_bits(*bits)) } else { None };
        if items.len() >= t::PACKED {
            let ints: Option<Vec<u64>> = items.iter().map(int).collect();
            let floats: Option<Vec<u64>> = items.iter().map(float).collect();
            for (packed, bits) in [(t::INTS, ints), (t::FLOATS, floats)] {
                if let Some(bits) = bits {
                    self.out.u8(packed);
                    bits.iter().for_each(|bits| self.out.raw(&bits.to_le_bytes()));
                    return Some(());
                }
            }
        }
        self.references(items)
    }

    fn fiber(&mut self, fiber: &Fiber) -> Option<()> {
        self.out.u8(fiber.state.number());
        if fiber.state == State::Fresh {
            self.reference(fiber.function)?;
        } else if fiber.state != State::Done {
            self.out.count(fiber.frames.len());
            for frame in &fiber.frames {
                self.reference(frame.function)?;
                self.out.u8(frame.kind);
                self.out.count(frame.at as usize);
                self.out.count(frame.registers.len());
                self.references(&frame.registers)?;
            }
        }
        if matches!(fiber.state, State::Stopped | State::Waiting) {
            self.reference(fiber.resumer)?;
        }
        if fiber.state == State::Waiting {
            self.reference(fiber.resumed)?;
        }
        Some(())
    }
}
