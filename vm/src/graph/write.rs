//! Writing a graph: its canonical bytes, and numbers for its nodes. Frozen values get theirs in `intern`.
//!
//! Nothing here recurses: frozen values that are under way stand on a stack of their own, nodes wait in a queue.

use hashbrown::{HashMap, HashTable};
use quipu_code::canonical::Writer;
use quipu_code::{Code, CodeHash, Holds};

use super::met::{self, Id, Met};
use super::parts::{is_content, owner, part_of, type_parts};
use super::path::{self, Obstacle};
use super::progress::Progress;
use super::rules;
use super::tag::{self as t, Content, Form, Frozen, Node};
use super::weight::Weight;
use crate::class;
use crate::cx::Cx;
use crate::heap::{Closure, Edge, Fiber, Instance, List, Map, Type, Value, View, tag};
use crate::native::{Fault, Stop};
use crate::run::iterate;
use crate::run::snapshot::{AtRest, FrameView, Frames, Links, MARGIN, at_rest};

/// A graph as it is written.
pub(crate) struct Graph<'v> {
    /// Number of frozen values and of nodes, which stand before the rest.
    head: Vec<u8>,
    stream: Vec<u8>,
    /// The code objects that it names, in order of first use.
    pub codes: Vec<&'v Code>,
    /// The names of what the host provides, in order of first use.
    pub natives: Vec<Box<str>>,
    /// Whether it reaches anything that can change.
    pub is_mutable: bool,
    /// What loading it may take.
    pub memory: u64,
    /// Its functions, in order.
    pub functions: Vec<Closure<'v>>,
}

impl Graph<'_> {
    /// Its bytes, in two parts.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.head, &self.stream]
    }

    /// Its bytes as one, for which a long stream is moved and not copied.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.stream;
        bytes.splice(0..0, self.head);
        bytes
    }
}

/// Writes the graph of a value.
///
/// # Errors
/// `not_portable` with the path to what has no place in a graph; a limit.
pub(crate) fn write<'v>(cx: &mut Cx<'v>, root: Value<'v>, progress: &mut Progress<'_>) -> Result<Graph<'v>, Fault<'v>> {
    progress.begin();
    let mut writer = GraphWriter::default();
    match writer.run(cx, root, progress) {
        Ok(()) => {
            let mut head = Writer::new();
            head.count(writer.frozen.len());
            head.count(writer.nodes.len());
            Ok(Graph {
                head: head.into_bytes(),
                stream: writer.out.into_bytes(),
                codes: writer.codes,
                natives: writer.natives,
                is_mutable: writer.is_mutable,
                memory: writer.weight.total(writer.deepest),
                functions: writer.functions,
            })
        }
        Err(Trouble::Fault(fault)) => Err(fault),
        Err(Trouble::Obstacle(obstacle)) => Err(path::not_portable(cx, root, obstacle)),
    }
}

/// Why a graph cannot be written.
pub(super) enum Trouble<'v> {
    Fault(Fault<'v>),
    Obstacle(Obstacle),
}

impl<'v> From<Fault<'v>> for Trouble<'v> {
    fn from(fault: Fault<'v>) -> Trouble<'v> {
        Trouble::Fault(fault)
    }
}

pub(super) type Done<'v, T = ()> = Result<T, Trouble<'v>>;

/// A frozen value, or a new instance with its type, whose parts are being written.
pub(super) struct Open<'v> {
    pub(super) value: Value<'v>,
    /// Where its bytes begin.
    pub(super) start: usize,
    /// How many frozen values and nodes there were then.
    pub(super) known: usize,
    /// The part that is written next.
    pub(super) next: usize,
    /// Where the ids of its parts begin.
    pub(super) ids: usize,
    /// For a type: where its parts begin, laid out one after the other.
    pub(super) parts: usize,
    /// What all before it takes.
    pub(super) before: (Weight, usize),
}

#[derive(Default)]
pub(super) struct GraphWriter<'v> {
    pub(super) out: Writer,
    /// Nodes by number; those from `run`'s position on wait for their content to be written.
    pub(super) nodes: Vec<Value<'v>>,
    /// One object for each frozen value, by number.
    pub(super) frozen: Vec<Value<'v>>,
    /// Objects met so far.
    pub(super) met: Met,
    /// Functions of frames that the host provides under a name, but that stand for themselves there.
    pub(super) running: HashMap<usize, Id>,
    /// Numbers of frozen values by content.
    pub(super) interned: HashTable<(u32, u32)>,
    pub(super) codes: Vec<&'v Code>,
    pub(super) code_numbers: HashMap<CodeHash, usize>,
    pub(super) natives: Vec<Box<str>>,
    pub(super) functions: Vec<Closure<'v>>,
    pub(super) open: Vec<Open<'v>>,
    pub(super) ids: Vec<Id>,
    pub(super) parts: Vec<Value<'v>>,
    pub(super) is_mutable: bool,
    pub(super) steps: usize,
    pub(super) weight: Weight,
    /// How deep frozen values nest, and how deep what is written now stands in a frame's function.
    pub(super) deepest: usize,
    pub(super) outer: usize,
}

/// The most bytes that stand before the stream.
const HEAD: usize = 18;

/// How many steps are charged at once. One takes four times as long as other simple steps.
const STEPS: usize = 1024;

/// Bytes from which on a text is looked at alone.
const LONG: usize = 4096;

impl<'v> GraphWriter<'v> {
    fn run(&mut self, cx: &mut Cx<'v>, root: Value<'v>, progress: &mut Progress<'_>) -> Done<'v> {
        held(root, root, Holds::Value)?;
        self.reference(cx, root)?;
        let mut next = 0;
        while let Some(&node) = self.nodes.get(next) {
            next += 1;
            progress.at(self.out.len(), None);
            self.content(cx, node)?;
        }
        cx.work(self.steps / 4 + self.out.len() / 64)?;
        Ok(())
    }

    /// Charges for a step, and sees to it that what is written so far fits beside the heap.
    #[inline]
    fn step(&mut self, cx: &mut Cx<'v>) -> Done<'v> {
        self.steps += 1;
        if self.steps >= STEPS {
            cx.work(self.steps / 4)?;
            self.steps %= 4;
            let tables = self.nodes.len() * 32 + self.frozen.len() * 48 + self.open.len() * 112 + self.met.bytes() * 2;
            cx.reserve(self.out.len() * 2 + tables)?;
            if self.known() > met::MOST {
                return Err(Fault::Stop(Stop::Heap).into());
            }
        }
        Ok(())
    }

    /// Sees to it that a text that is about to be written fits beside the heap.
    pub(super) fn beside(&self, cx: &mut Cx<'v>, length: usize) -> Done<'v> {
        if length >= LONG {
            cx.reserve((self.out.len() + length) * 2)?;
        }
        Ok(())
    }

    /// Writes a reference, and what it refers to if that is frozen and new.
    fn reference(&mut self, cx: &mut Cx<'v>, value: Value<'v>) -> Done<'v> {
        if !value.is_object() {
            self.step(cx)?;
            return self.immediate(value);
        }
        let mut value = value;
        loop {
            self.step(cx)?;
            // Nothing is open before and after, so all that is on the stack belongs to this reference.
            let mut id = match self.begin(cx, value)? {
                Some(id) => id,
                None => match self.part(0)? {
                    Some(part) => {
                        self.deepest = self.deepest.max(self.outer + self.open.len());
                        self.weight.slot();
                        value = part;
                        continue;
                    }
                    None => self.end(cx)?,
                },
            };
            loop {
                let Some(top) = self.open.last_mut() else { return Ok(()) };
                self.ids.push(id);
                top.next += 1;
                let next = top.next;
                if let Some(part) = self.part(next)? {
                    self.weight.slot();
                    value = part;
                    break;
                }
                id = self.end(cx)?;
            }
        }
    }

    fn immediate(&mut self, value: Value<'v>) -> Done<'v> {
        match value.tag {
            tag::INT => match t::small(value.bits as i64) {
                Some(byte) => self.out.u8(byte),
                None => {
                    self.out.u8(t::INT);
                    self.out.i64(value.bits as i64);
                }
            },
            tag::NIL => self.out.u8(t::NIL),
            tag::FALSE => self.out.u8(t::FALSE),
            tag::TRUE => self.out.u8(t::TRUE),
            tag::FLOAT => {
                self.out.u8(t::FLOAT);
                self.out.raw(&t::float_bits(value.bits).to_le_bytes());
            }
            _ => self.out.u8(t::ABSENT),
        }
        Ok(())
    }

    /// Writes a value up to its parts: its id if it has none, or is known.
    fn begin(&mut self, cx: &mut Cx<'v>, value: Value<'v>) -> Done<'v, Option<Id>> {
        if !value.is_object() {
            self.immediate(value)?;
            let bits = if value.tag == tag::FLOAT { t::float_bits(value.bits) } else { value.bits };
            return Ok(Some(Id::Immediate(value.tag, bits)));
        }
        // Long leaves are paid for wherever they stand, as equal ones that are not one object are read again: which of them
        // are one is no matter of the program's, and may differ once it was in an image.
        let length = match value.view() {
            View::Str(text) => text.as_str().len(),
            View::Bytes(bytes) => bytes.as_slice().len(),
            _ => 0,
        };
        if matches!(value.view(), View::Str(_) | View::Bytes(_)) {
            // They are hashed, and looked for among those that were met.
            self.steps += 2;
        }
        if length >= 64 {
            cx.work(length / 64)?;
            if length >= 1 << 16 {
                cx.reserve((self.out.len() + length) * 2)?;
            }
        }
        if let Some(id) = self.met.get(value.bits as usize) {
            self.write_id(id);
            return Ok(Some(id));
        }
        let (start, known, ids, parts) = (self.out.len(), self.known(), self.ids.len(), self.parts.len());
        let before = (self.weight, self.deepest);
        match Form::of(value) {
            Form::Node(node) => {
                self.weight.new_node(node);
                // A `let` has its value once and for all, when it has one.
                self.is_mutable |= node != Node::Cell
                    || matches!(value.edge(is_content, 0), Some((_, content)) if content.is_absent());
                if !matches!(node.content(), Content::Fields | Content::Data) {
                    return Ok(Some(self.node(value, node.tag())));
                }
                self.out.u8(node.tag());
            }
            Form::Frozen(kind) => match (kind, value.view()) {
                (Frozen::Str | Frozen::Bytes | Frozen::Range, _) => return self.leaf(cx, value).map(Some),
                (Frozen::Native, View::Native(native)) => return self.named(cx, value, native.name()).map(Some),
                (Frozen::Tuple, View::Tuple(tuple)) => {
                    self.weight.tuple();
                    self.out.u8(t::TUPLE);
                    self.out.count(tuple.len());
                }
                (Frozen::Closure | Frozen::Owned, View::Closure(closure)) => {
                    if let Some(name) = cx.machine.library_name(closure) {
                        return self.named(cx, value, &name).map(Some);
                    }
                    self.closure_shape(closure);
                }
                (Frozen::Type, View::Type(ty)) => {
                    if ty.is_builtin() {
                        return self.named(cx, value, ty.name()).map(Some);
                    }
                    if let Some(class) = ty.host_class() {
                        return self.named(cx, value, class.name()).map(Some);
                    }
                    self.type_shape(ty);
                }
                (Frozen::Error, _) => {
                    self.weight.error();
                    self.out.u8(t::ERROR);
                }
                (Frozen::Native | Frozen::Tuple | Frozen::Closure | Frozen::Owned | Frozen::Type, _) => {
                    return Err(Trouble::Obstacle(Obstacle::NoValue(value.bits as usize)));
                }
            },
            // Immediates were dealt with above; what is hidden from programs is no value.
            Form::Immediate => return Err(Trouble::Obstacle(Obstacle::NoValue(value.bits as usize))),
        }
        self.open.push(Open { value, start, known, next: 0, ids, parts, before });
        Ok(None)
    }

    pub(super) fn known(&self) -> usize {
        self.frozen.len() + self.nodes.len()
    }

    pub(super) fn write_id(&mut self, id: Id) {
        match id {
            Id::Frozen(number) => {
                self.out.u8(t::FROZEN);
                self.out.count(number as usize);
            }
            Id::Node(number) => {
                self.out.u8(t::NODE);
                self.out.count(number as usize);
            }
            Id::Immediate(..) => {}
        }
    }

    fn node(&mut self, value: Value<'v>, kind: u8) -> Id {
        self.out.u8(kind);
        self.number_node(value)
    }

    fn number_node(&mut self, value: Value<'v>) -> Id {
        let id = Id::Node(self.nodes.len() as u64);
        self.nodes.push(value);
        self.met.set(value.bits as usize, Some(id));
        id
    }

    fn code(&mut self, code: &'v Code) {
        let next = self.codes.len();
        let number = *self.code_numbers.entry(code.hash()).or_insert(next);
        self.out.count(number);
        if number == next {
            self.out.raw(&code.hash().0);
            self.codes.push(code);
        }
    }

    fn closure_shape(&mut self, closure: Closure<'v>) {
        self.weight.closure();
        self.out.u8(if owner(closure).is_some() { t::OWNED } else { t::CLOSURE });
        self.code(closure.code());
        self.out.count(closure.capture_count());
    }

    fn type_shape(&mut self, ty: Type<'v>) {
        self.weight.ty(ty.field_count(), ty.methods().len());
        self.out.u8(t::TYPE);
        self.out.count(ty.field_count());
        self.out.count(ty.methods().len());
        self.member(ty.constructor());
        for method in ty.methods() {
            self.out.u8(method.instance.into());
            self.member(method.function);
        }
        type_parts(ty, |_, part| self.parts.push(part));
    }

    /// A constructor or method in the shape of its type.
    fn member(&mut self, function: Value<'v>) {
        if let View::Closure(closure) = function.view() {
            self.code(closure.code());
            self.out.count(closure.capture_count());
        }
    }

    /// The part of the innermost open value with this number, which has to be what may stand there; none behind the last.
    fn part(&self, index: usize) -> Done<'v, Option<Value<'v>>> {
        let Some(top) = self.open.last() else { return Ok(None) };
        if let View::Type(_) = top.value.view() {
            // The captures of constructors and methods stand among names; whoever made the type has compared them.
            return Ok(self.parts[top.parts..].get(index).copied());
        }
        let Some((edge, part)) = part_of(top.value, index) else { return Ok(None) };
        let holds = match top.value.view() {
            View::Closure(closure) if edge == Edge::Free => {
                closure.code().free_holds(index - usize::from(owner(closure).is_some()))
            }
            _ => Holds::Value,
        };
        held(top.value, part, holds)?;
        Ok(Some(part))
    }

    /// All parts of the innermost open value are written.
    fn end(&mut self, cx: &mut Cx<'v>) -> Done<'v, Id> {
        let Some(top) = self.open.pop() else { return Ok(Id::Immediate(tag::NIL, 0)) };
        let id = if top.value.tag == tag::INSTANCE { self.number_node(top.value) } else { self.intern(cx, &top) };
        self.ids.truncate(top.ids);
        self.parts.truncate(top.parts);
        Ok(id)
    }

    fn content(&mut self, cx: &mut Cx<'v>, node: Value<'v>) -> Done<'v> {
        let Form::Node(kind) = Form::of(node) else { return Ok(()) };
        match (kind.content(), node.view()) {
            (Content::One, _) => self.slots(cx, node, Holds::Perhaps),
            (Content::Fields, _) => self.slots(cx, node, Holds::Value),
            (Content::Data, View::Instance(instance)) => self.host(cx, instance),
            (Content::Elements, View::List(list)) => self.list(cx, list),
            (Content::Entries, View::Map(map)) => self.table(cx, map, true),
            (Content::Keys, View::Set(set)) => self.table(cx, set, false),
            (Content::Frames, View::Fiber(fiber)) => self.fiber(cx, fiber),
            (Content::Data | Content::Elements | Content::Entries | Content::Keys | Content::Frames, _) => {
                Err(Trouble::Obstacle(Obstacle::NoValue(node.bits as usize)))
            }
        }
    }

    /// The content of a node that is what it refers to, in order.
    fn slots(&mut self, cx: &mut Cx<'v>, node: Value<'v>, holds: Holds) -> Done<'v> {
        let mut next = 0;
        while let Some((_, content)) = node.edge(is_content, next) {
            next += 1;
            self.weight.slot();
            held(node, content, holds)?;
            self.reference(cx, content)?;
        }
        Ok(())
    }

    /// Data of the host, as the host writes them.
    fn host(&mut self, cx: &mut Cx<'v>, instance: Instance<'v>) -> Done<'v> {
        cx.machine.strain();
        match class::saved(cx, instance)? {
            Some(Ok(bytes)) => {
                cx.reserve(bytes.len())?;
                let bytes: Value<'v> = cx.heap().bytes(&[&bytes]).into();
                self.weight.slot();
                self.reference(cx, bytes)
            }
            _ => Err(Trouble::Obstacle(Obstacle::Host(instance.address()))),
        }
    }

    fn list(&mut self, cx: &mut Cx<'v>, list: List<'v>) -> Done<'v> {
        self.out.count(list.len());
        if list.len() >= t::PACKED {
            for (of, packed) in [(tag::INT, t::INTS), (tag::FLOAT, t::FLOATS)] {
                if list.is_all(of) {
                    self.out.u8(packed);
                    return self.packed(cx, list, of == tag::FLOAT);
                }
            }
        }
        self.slots(cx, list.into(), Holds::Value)
    }

    fn packed(&mut self, cx: &mut Cx<'v>, list: List<'v>, floats: bool) -> Done<'v> {
        cx.reserve(list.len() * 8)?;
        self.weight.packed(list.len());
        self.out.reserve(list.len() * 8 + HEAD);
        let mut chunk = [[0; 8]; 512];
        let mut start = 0;
        loop {
            let count = list.copy_bits(start, &mut chunk);
            if count == 0 {
                return Ok(());
            }
            start += count;
            if floats {
                for bits in &mut chunk[..count] {
                    *bits = t::float_bits(u64::from_le_bytes(*bits)).to_le_bytes();
                }
            }
            self.out.raw(chunk[..count].as_flattened());
            cx.work(count / 8)?;
        }
    }

    fn table(&mut self, cx: &mut Cx<'v>, table: Map<'v>, values: bool) -> Done<'v> {
        self.out.count(table.len());
        let mut position = 0;
        while let Some((after, key, value)) = table.next_key(position) {
            position = after;
            self.weight.entry();
            self.weight.slot();
            if key.given().is_absent() {
                self.reference(cx, key.value())?;
            } else {
                self.weight.filed();
                self.out.u8(t::FILED);
                self.reference(cx, key.value())?;
                self.reference(cx, key.given())?;
            }
            if values {
                self.weight.slot();
                held(table.into(), value, Holds::Value)?;
                self.reference(cx, value)?;
            }
        }
        Ok(())
    }

    fn fiber(&mut self, cx: &mut Cx<'v>, fiber: Fiber<'v>) -> Done<'v> {
        match at_rest(fiber) {
            AtRest::Fresh(function) => {
                self.weight.slot();
                self.out.u8(t::FRESH);
                held(fiber.into(), function, Holds::Value)?;
                self.reference(cx, function)
            }
            AtRest::Suspended(frames) => {
                self.out.u8(t::SUSPENDED);
                self.frames(cx, fiber, frames)
            }
            AtRest::Stopped(frames, Links { resumer, resumed }) => {
                self.out.u8(if resumed.is_some() { t::WAITING } else { t::STOPPED });
                self.frames(cx, fiber, frames)?;
                self.weight.run();
                self.reference(cx, resumer.map_or(Value::NIL, Value::from))?;
                resumed.map_or(Ok(()), |resumed| self.reference(cx, resumed.into()))
            }
            AtRest::Done => {
                self.out.u8(t::DONE);
                Ok(())
            }
            AtRest::Running => Err(Trouble::Obstacle(Obstacle::RunningFiber(fiber.address()))),
        }
    }

    fn frames(&mut self, cx: &mut Cx<'v>, fiber: Fiber<'v>, frames: Frames<'v>) -> Done<'v> {
        self.out.count(frames.len());
        self.weight.frame();
        let (mut base, mut top) = (1, 0);
        for frame in frames {
            top = top.max(base + frame.closure.code().body().registers as usize);
            base += self.frame(cx, fiber, &frame)?;
        }
        self.weight.registers(top + MARGIN);
        Ok(())
    }

    /// Writes a frame; gives how many registers it takes up to the last that matters.
    fn frame(&mut self, cx: &mut Cx<'v>, fiber: Fiber<'v>, frame: &FrameView<'v>) -> Done<'v, usize> {
        self.weight.frame();
        self.running(cx, frame.closure)?;
        self.out.u8(frame.kind as u8);
        self.out.count(frame.at as usize);
        let live = frame.live();
        let holds = rules::held_in_frame(frame.closure.code(), frame.at, &live);
        self.out.count(live.len());
        for (&register, holds) in live.iter().zip(holds) {
            let mut value = frame.register(register);
            match holds {
                Some(Holds::Iterator) => {
                    let kind = |behind: u16| rules::kind_of(frame.register(register.wrapping_add(behind)));
                    if !rules::is_iterator([kind(0), kind(1), kind(2)]) {
                        return Err(Trouble::Obstacle(Obstacle::NoValue(fiber.address())));
                    }
                }
                Some(holds) => held(fiber.into(), value, holds)?,
                // They belong to the iterator.
                None => {
                    let before = |registers: u16| frame.register(register.wrapping_sub(registers));
                    if before(1).tag == tag::PLACE
                        && let View::Map(table) | View::Set(table) = before(2).view()
                    {
                        value = iterate::in_graph(table, value);
                    }
                }
            }
            if value.tag == tag::PLACE {
                // The register before it has the table; removed entries must not show.
                let rank = match frame.register(register.wrapping_sub(1)).view() {
                    View::Map(table) | View::Set(table) => table.rank(value.bits),
                    _ => 0,
                };
                self.out.u8(t::PLACE);
                self.out.count(rank);
            } else {
                self.reference(cx, value)?;
            }
        }
        Ok(live.last().map_or(0, |&last| last as usize + 1))
    }

    /// The function of a frame: always its code, even where the host provides it under a name, because the position in
    /// it means nothing in other code.
    fn running(&mut self, cx: &mut Cx<'v>, closure: Closure<'v>) -> Done<'v> {
        if cx.machine.library_name(closure).is_none() {
            return self.reference(cx, closure.into());
        }
        if let Some(&id) = self.running.get(&closure.address()) {
            self.write_id(id);
            return Ok(());
        }
        let (start, known, ids, parts) = (self.out.len(), self.known(), self.ids.len(), self.parts.len());
        let before = (self.weight, self.deepest);
        self.closure_shape(closure);
        let mut written = Vec::with_capacity(closure.capture_count());
        for index in 0.. {
            let Some((_, part)) = part_of(closure.into(), index) else { break };
            self.weight.slot();
            self.deepest = self.deepest.max(1);
            self.outer = 1;
            self.reference(cx, part)?;
            self.outer = 0;
            written.push(self.id_of(part).unwrap_or(Id::Immediate(tag::NIL, 0)));
        }
        self.ids.extend(written);
        let open = Open { value: closure.into(), start, known, next: 0, ids, parts, before };
        let by_name = self.met.get(closure.address());
        let id = self.intern(cx, &open);
        self.ids.truncate(ids);
        self.met.set(closure.address(), by_name);
        self.running.insert(closure.address(), id);
        Ok(())
    }
}

/// That something may stand where this is held: what could not be read again is not written.
#[inline]
fn held<'v>(holder: Value<'v>, value: Value<'v>, holds: Holds) -> Done<'v> {
    // Most are values where values are wanted.
    let is_value = !matches!(value.tag, tag::ABSENT | tag::PLACE | tag::CELL);
    if is_value && matches!(holds, Holds::Value | Holds::Perhaps) || rules::fits(rules::kind_of(value), holds) {
        return Ok(());
    }
    Err(Trouble::Obstacle(Obstacle::NoValue(holder.bits as usize)))
}
