//! Reading a graph: its grammar, once, for those who check it and those who build it.

use quipu_code::CodeHash;
use quipu_code::canonical::{CanonicalError, Reader};

use super::error::{GraphError, Rule};
use super::progress::Progress;
use super::stack::Stack;
use super::tag::{self as t, Content, Node};
use crate::heap::{Slot, Value};
use crate::run::snapshot::Pause;

/// The frozen value or new instance whose parts follow.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'a> {
    Tuple {
        parts: usize,
    },
    /// Its captures follow; if it is owned, the type before them.
    Closure {
        code: usize,
        captures: usize,
        owned: bool,
    },
    /// Name, fields, the constructor's captures, each method's name and captures follow.
    Type(TypeShape<'a>),
    /// Kind, message and data follow.
    Error,
    /// Its type follows.
    Instance,
    /// Its type follows, which the host provides.
    Host,
}

/// What a type consists of before its names and captures.
#[derive(Clone, Copy)]
pub(crate) struct TypeShape<'a> {
    pub fields: usize,
    pub methods: usize,
    members: &'a [u8],
    codes: usize,
}

/// The constructor or a method of a type.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    /// Whether it takes `self`; a constructor does not.
    pub instance: bool,
    pub code: usize,
    pub captures: usize,
}

/// The constructor and the methods of a type, in order.
#[derive(Clone)]
pub(crate) struct Members<'a> {
    bytes: Reader<'a>,
    codes: usize,
    is_method: bool,
}

/// What is done with a graph as it is read. Numbers of nodes, frozen values and codes count up from 0.
pub(crate) trait Sink<'a> {
    /// Something that was read and can be referred to.
    type Ref: Copy;
    /// A frozen value, or new instance, whose parts are being read.
    type Open;

    /// The reference that is read next begins here.
    #[inline]
    fn begins(&mut self, _at: usize) {}
    /// What was read last, or is closed next, ends here.
    #[inline]
    fn ends(&mut self, _at: usize) {}
    /// The content of the next node begins here.
    #[inline]
    fn content(&mut self, _at: usize) {}

    /// How many frozen values and nodes there will be.
    fn counts(&mut self, frozen: usize, nodes: usize) -> Result<(), Rule>;
    /// A code object is named for the first time.
    fn code(&mut self, hash: CodeHash) -> Result<(), Rule>;

    fn immediate(&mut self, value: Slot) -> Result<Self::Ref, Rule>;
    fn frozen(&mut self, number: u64) -> Result<Self::Ref, Rule>;
    fn node(&mut self, number: u64) -> Result<Self::Ref, Rule>;
    fn text(&mut self, text: &'a str) -> Result<Self::Ref, Rule>;
    fn bytes(&mut self, bytes: &'a [u8]) -> Result<Self::Ref, Rule>;
    fn range(&mut self, start: i64, end: i64, step: i64, inclusive: bool) -> Result<Self::Ref, Rule>;
    fn native(&mut self, name: &'a str) -> Result<Self::Ref, Rule>;
    /// A new node that is no instance.
    fn new_node(&mut self, node: Node) -> Result<Self::Ref, Rule>;
    fn open(&mut self, shape: Shape<'a>) -> Result<Self::Open, Rule>;
    fn part(&mut self, open: &mut Self::Open, part: Self::Ref) -> Result<(), Rule>;
    fn close(&mut self, open: Self::Open) -> Result<Self::Ref, Rule>;

    /// The kind of a node whose content comes next, and how many fields it has; none if there is no such node.
    fn kind_of(&self, node: usize) -> Option<(Node, usize)>;
    /// The content of a node that has only this.
    fn one(&mut self, node: usize, content: Self::Ref) -> Result<(), Rule>;
    fn list(&mut self, node: usize, length: usize) -> Result<(), Rule>;
    fn item(&mut self, item: Self::Ref) -> Result<(), Rule>;
    fn list_end(&mut self, node: usize) -> Result<(), Rule>;
    fn packed(&mut self, node: usize, floats: bool, bits: &'a [[u8; 8]]) -> Result<(), Rule>;
    fn table(&mut self, node: usize, length: usize) -> Result<(), Rule>;
    fn entry(
        &mut self,
        node: usize,
        key: Self::Ref,
        filed: Option<Self::Ref>,
        value: Option<Self::Ref>,
    ) -> Result<(), Rule>;
    fn field(&mut self, node: usize, index: usize, value: Self::Ref) -> Result<(), Rule>;
    fn fresh(&mut self, node: usize, function: Self::Ref) -> Result<(), Rule>;
    fn done(&mut self, node: usize) -> Result<(), Rule>;
    fn suspended(&mut self, node: usize, pause: Pause, frames: usize) -> Result<(), Rule>;
    fn frame(&mut self, function: Self::Ref, kind: u8, at: u64, registers: u64) -> Result<(), Rule>;
    fn register(&mut self, value: Self::Ref) -> Result<(), Rule>;
    fn frame_end(&mut self) -> Result<(), Rule>;
    fn suspended_end(&mut self, node: usize) -> Result<(), Rule>;
    /// The neighbours of the stopped fiber that has just ended: who has resumed it, nil if nobody has, and whom it has.
    fn neighbours(&mut self, node: usize, resumer: Self::Ref, resumed: Option<Self::Ref>) -> Result<(), Rule>;
}

/// Reads a whole graph into a sink; gives the root and the deepest nesting of frozen values.
pub(crate) fn read<'a, S: Sink<'a>>(
    bytes: &'a [u8],
    sink: &mut S,
    progress: &mut Progress<'_>,
) -> Result<(S::Ref, usize), GraphError> {
    progress.begin();
    let mut graph = Graph {
        from: Reader::new(bytes),
        length: bytes.len(),
        begun: 0,
        codes: 0,
        open: Stack::new(),
        deepest: 0,
        sink,
        progress,
    };
    match graph.run() {
        Ok(root) => Ok((root, graph.deepest)),
        Err(rule) => Err(GraphError { at: graph.begun, rule }),
    }
}

struct Graph<'a, 's, 'l, S: Sink<'a>> {
    from: Reader<'a>,
    length: usize,
    /// Where the part that is being read begins.
    begun: usize,
    /// How many code objects were named.
    codes: usize,
    open: Stack<Open<S::Open>>,
    deepest: usize,
    sink: &'s mut S,
    progress: &'s mut Progress<'l>,
}

struct Open<T> {
    value: T,
    /// Parts that are still to come.
    left: usize,
}

/// How many frozen values and nodes a graph says that it has.
pub(crate) fn counts(bytes: &[u8]) -> Result<(usize, usize), CanonicalError> {
    let mut from = Reader::new(bytes);
    Ok((count(&mut from)?, count(&mut from)?))
}

/// How many of what takes at least a byte each.
fn count(from: &mut Reader<'_>) -> Result<usize, CanonicalError> {
    let count = from.shortest_count()?;
    if count > from.left() as u64 {
        return Err(CanonicalError::Truncated);
    }
    Ok(count as usize)
}

impl<'a, S: Sink<'a>> Graph<'a, '_, '_, S> {
    fn run(&mut self) -> Result<S::Ref, Rule> {
        // Every frozen value and every node is at least a byte.
        let frozen = self.count()?;
        let nodes = self.count()?;
        self.sink.counts(frozen, nodes)?;
        let root = self.reference()?;
        let mut node = 0;
        while let Some((kind, fields)) = self.sink.kind_of(node) {
            self.begin();
            self.progress.at(self.begun, Some(self.length));
            self.sink.content(self.begun);
            self.content(node, kind, fields)?;
            node += 1;
        }
        self.begin();
        if node != nodes {
            return Err(Rule::Counts("nodes"));
        }
        if self.from.left() > 0 {
            return Err(CanonicalError::Trailing.into());
        }
        Ok(root)
    }

    #[inline]
    fn begin(&mut self) {
        self.begun = self.position();
    }

    #[inline]
    fn position(&self) -> usize {
        self.length - self.from.left()
    }

    fn number(&mut self) -> Result<u64, Rule> {
        Ok(self.from.shortest_count()?)
    }

    /// How many things follow, each of which is at least a byte.
    fn count(&mut self) -> Result<usize, Rule> {
        Ok(count(&mut self.from)?)
    }

    fn text(&mut self) -> Result<&'a str, Rule> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| CanonicalError::Malformed.into())
    }

    fn bytes(&mut self) -> Result<&'a [u8], Rule> {
        let length = self.count()?;
        Ok(self.from.raw(length)?)
    }

    fn flag(&mut self) -> Result<bool, Rule> {
        match self.from.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            number => Err(Rule::Unknown { what: "flag", number }),
        }
    }

    fn code(&mut self) -> Result<usize, Rule> {
        let number = read_code(&mut self.from, &mut self.codes)?;
        if let (_, Some(hash)) = number {
            self.sink.code(hash)?;
        }
        Ok(number.0)
    }

    /// Reads a reference, and what it refers to if that is frozen and new.
    fn reference(&mut self) -> Result<S::Ref, Rule> {
        loop {
            self.begin();
            self.sink.begins(self.begun);
            let leaf = self.leaf()?;
            self.sink.ends(self.position());
            let mut done = match leaf {
                Ok(leaf) => leaf,
                Err((shape, parts)) => {
                    // Every part is at least a byte.
                    if parts > self.from.left() {
                        return Err(CanonicalError::Truncated.into());
                    }
                    let value = self.sink.open(shape)?;
                    if parts > 0 {
                        self.open.push(Open { value, left: parts });
                        self.deepest = self.deepest.max(self.open.len());
                        continue;
                    }
                    self.sink.close(value)?
                }
            };
            loop {
                // Nothing was open before, so all that is open belongs to this reference.
                let Some(top) = self.open.last_mut() else { return Ok(done) };
                self.sink.part(&mut top.value, done)?;
                top.left -= 1;
                if top.left > 0 {
                    break;
                }
                let Some(top) = self.open.pop() else { return Ok(done) };
                self.sink.ends(self.position());
                done = self.sink.close(top.value)?;
            }
        }
    }

    /// Reads a reference that has no parts, or the shape of one that has some, and how many.
    #[inline]
    #[allow(clippy::type_complexity)]
    fn leaf(&mut self) -> Result<Result<S::Ref, (Shape<'a>, usize)>, Rule> {
        let tag = self.from.u8()?;
        if tag >= t::SMALL {
            return self.sink.immediate(Value::int(t::LEAST_SMALL + (tag - t::SMALL) as i64)).map(Ok);
        }
        let leaf = match tag {
            t::NIL => self.sink.immediate(Value::NIL),
            t::FALSE => self.sink.immediate(Value::FALSE),
            t::TRUE => self.sink.immediate(Value::TRUE),
            t::ABSENT => self.sink.immediate(Value::ABSENT),
            t::INT => {
                let int = self.from.shortest_i64()?;
                if t::small(int).is_some() {
                    return Err(Rule::Form("a small int"));
                }
                self.sink.immediate(Value::int(int))
            }
            t::FLOAT => {
                let mut bits = [0; 8];
                bits.copy_from_slice(self.from.raw(8)?);
                let bits = u64::from_le_bytes(bits);
                if t::float_bits(bits) != bits {
                    return Err(Rule::Form("a NaN"));
                }
                self.sink.immediate(Value::float(f64::from_bits(bits)))
            }
            t::PLACE => {
                let place = self.number()?;
                self.sink.immediate(Value::place(place))
            }
            t::FROZEN => {
                let number = self.number()?;
                self.sink.frozen(number)
            }
            t::NODE => {
                let number = self.number()?;
                self.sink.node(number)
            }
            t::STR => {
                let text = self.text()?;
                self.sink.text(text)
            }
            t::BYTES => {
                let bytes = self.bytes()?;
                self.sink.bytes(bytes)
            }
            t::RANGE => {
                let (start, end) = (self.from.shortest_i64()?, self.from.shortest_i64()?);
                let (step, inclusive) = (self.from.shortest_i64()?, self.flag()?);
                if step == 0 {
                    return Err(Rule::Step);
                }
                self.sink.range(start, end, step, inclusive)
            }
            t::NATIVE => {
                let name = self.text()?;
                self.sink.native(name)
            }
            t::TUPLE => {
                let parts = self.count()?;
                return Ok(Err((Shape::Tuple { parts }, parts)));
            }
            t::CLOSURE | t::OWNED => {
                let (code, captures, owned) = (self.code()?, self.count()?, tag == t::OWNED);
                return Ok(Err((Shape::Closure { code, captures, owned }, captures + owned as usize)));
            }
            t::TYPE => {
                let (shape, parts) = self.type_shape()?;
                return Ok(Err((Shape::Type(shape), parts)));
            }
            t::ERROR => return Ok(Err((Shape::Error, 3))),
            number => match Node::of(number).map(|node| (node, node.content())) {
                None => Err(Rule::Unknown { what: "reference", number }),
                Some((_, Content::Fields)) => return Ok(Err((Shape::Instance, 1))),
                Some((_, Content::Data)) => return Ok(Err((Shape::Host, 1))),
                Some((node, Content::One | Content::Elements | Content::Entries | Content::Keys | Content::Frames)) => {
                    self.sink.new_node(node)
                }
            },
        };
        leaf.map(Ok)
    }

    fn type_shape(&mut self) -> Result<(TypeShape<'a>, usize), Rule> {
        let (fields, methods) = (self.count()?, self.count()?);
        let (rest, codes) = (self.from.clone(), self.codes);
        let mut parts = 1 + fields + methods;
        for number in 0..=methods {
            if number > 0 {
                self.flag()?;
            }
            self.code()?;
            // The sum stays below the square of the number of bytes, and is compared with what is left by the caller.
            parts = parts.saturating_add(self.count()?);
        }
        let length = rest.left() - self.from.left();
        let members = rest.clone().raw(length)?;
        Ok((TypeShape { fields, methods, members, codes }, parts))
    }

    fn content(&mut self, node: usize, kind: Node, fields: usize) -> Result<(), Rule> {
        match kind.content() {
            Content::One => {
                let content = self.reference()?;
                self.sink.one(node, content)
            }
            Content::Elements => self.list(node),
            Content::Entries => self.table(node, true),
            Content::Keys => self.table(node, false),
            Content::Data => {
                let data = self.reference()?;
                self.sink.field(node, 0, data)
            }
            Content::Fields => {
                for index in 0..fields {
                    let value = self.reference()?;
                    self.sink.field(node, index, value)?;
                }
                Ok(())
            }
            Content::Frames => self.fiber(node),
        }
    }

    fn list(&mut self, node: usize) -> Result<(), Rule> {
        let length = self.count()?;
        if length >= t::PACKED {
            let floats = match self.from.clone().u8()? {
                t::INTS => Some(false),
                t::FLOATS => Some(true),
                _ => None,
            };
            if let Some(floats) = floats {
                self.from.u8()?;
                let bytes = length.checked_mul(8).ok_or(CanonicalError::Truncated)?;
                let (bits, _) = self.from.raw(bytes)?.as_chunks();
                return self.sink.packed(node, floats, bits);
            }
        }
        self.sink.list(node, length)?;
        for _ in 0..length {
            let item = self.reference()?;
            self.sink.item(item)?;
        }
        self.sink.list_end(node)
    }

    fn table(&mut self, node: usize, valued: bool) -> Result<(), Rule> {
        let length = self.count()?;
        self.sink.table(node, length)?;
        for _ in 0..length {
            self.entry(node, valued)?;
        }
        Ok(())
    }

    fn entry(&mut self, node: usize, valued: bool) -> Result<(), Rule> {
        let filed = self.from.clone().u8()? == t::FILED;
        if filed {
            self.from.u8()?;
        }
        let key = self.reference()?;
        let filed = if filed { Some(self.reference()?) } else { None };
        let value = if valued { Some(self.reference()?) } else { None };
        self.sink.entry(node, key, filed, value)
    }

    fn fiber(&mut self, node: usize) -> Result<(), Rule> {
        match self.from.u8()? {
            t::FRESH => {
                let function = self.reference()?;
                self.sink.fresh(node, function)
            }
            t::DONE => self.sink.done(node),
            t::SUSPENDED => self.frames(node, Pause::Yield),
            t::STOPPED => {
                self.frames(node, Pause::Next)?;
                let resumer = self.reference()?;
                self.sink.neighbours(node, resumer, None)
            }
            t::WAITING => {
                self.frames(node, Pause::Resume)?;
                let (resumer, resumed) = (self.reference()?, self.reference()?);
                self.sink.neighbours(node, resumer, Some(resumed))
            }
            number => Err(Rule::Unknown { what: "state of a fiber", number }),
        }
    }

    fn frames(&mut self, node: usize, pause: Pause) -> Result<(), Rule> {
        let frames = self.count()?;
        self.sink.suspended(node, pause, frames)?;
        for _ in 0..frames {
            let function = self.reference()?;
            let (kind, at, registers) = (self.from.u8()?, self.number()?, self.count()?);
            self.sink.frame(function, kind, at, registers as u64)?;
            for _ in 0..registers {
                let value = self.reference()?;
                self.sink.register(value)?;
            }
            self.sink.frame_end()?;
        }
        self.sink.suspended_end(node)
    }
}

/// Reads the number of a code object, and its hash if it is named for the first time.
pub(crate) fn read_code(from: &mut Reader<'_>, codes: &mut usize) -> Result<(usize, Option<CodeHash>), Rule> {
    let number = from.shortest_count()?;
    if number > *codes as u64 {
        return Err(Rule::Nothing { what: "code", number });
    }
    if number < *codes as u64 {
        return Ok((number as usize, None));
    }
    *codes += 1;
    let mut hash = CodeHash([0; 32]);
    hash.0.copy_from_slice(from.raw(32)?);
    Ok((number as usize, Some(hash)))
}

impl<'a> TypeShape<'a> {
    /// The constructor and the methods, in order.
    pub fn members(&self) -> Members<'a> {
        Members::new(Reader::new(self.members), self.codes)
    }
}

impl<'a> Members<'a> {
    /// The constructor and the methods that stand here, behind so many codes that were named.
    pub fn new(bytes: Reader<'a>, codes: usize) -> Members<'a> {
        Members { bytes, codes, is_method: false }
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let instance = std::mem::replace(&mut self.is_method, true) && self.bytes.u8().ok()? == 1;
        let (code, _) = read_code(&mut self.bytes, &mut self.codes).ok()?;
        let captures = self.bytes.shortest_count().ok()? as usize;
        Some(Member { instance, code, captures })
    }
}
