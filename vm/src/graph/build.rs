//! Building a graph in the heap of a machine from bytes that were checked.
//!
//! Nothing of a program runs meanwhile, so nothing is collected, and objects need no roots: what has to be run first,
//! because the library loads itself in parts, is run before the first object is made.

use quipu_code::{Code, CodeHash};

use super::check::Facts;
use super::error::{GraphError, Rule};
use super::progress::Progress;
use super::read::{Shape, Sink, TypeShape, read};
use super::tag::{Form, Node};
use crate::class;
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::handle::FiledKeys;
use crate::heap::{Closure, Fiber, Instance, Object, Slot, Tuple, Type, Value, View, tag};
use crate::native::Fault;
use crate::ops::key::{Key, Known};
use crate::run::snapshot::{Member, Pause, Suspended};

/// Why a graph was not built.
pub(crate) enum Trouble<'v> {
    /// A limit, or an error of the machine.
    Fault(Fault<'v>),
    /// A rule that only a machine can check is broken.
    Rule(GraphError),
    /// The host provides nothing under these names.
    Missing(Vec<Box<str>>),
}

impl<'v> From<Fault<'v>> for Trouble<'v> {
    fn from(fault: Fault<'v>) -> Trouble<'v> {
        Trouble::Fault(fault)
    }
}

/// Builds a graph. `facts` are what checking these very bytes with this code has found.
pub(crate) fn build<'v>(
    cx: &mut Cx<'v>,
    bytes: &[u8],
    facts: &Facts,
    code: &dyn Fn(&CodeHash) -> Option<Code>,
    progress: &mut Progress<'_>,
) -> Result<Value<'v>, Trouble<'v>> {
    let natives = bind(cx, &facts.natives)?;
    let memory = usize::try_from(facts.weight.built()).unwrap_or(usize::MAX);
    cx.reserve(memory)?;
    cx.work(bytes.len() / 8)?;
    let codes: Option<Vec<Code>> = facts.codes.iter().map(code).collect();
    let Some(codes) = codes else {
        return Err(Trouble::Rule(GraphError { at: 0, rule: Rule::Counts("code objects") }));
    };
    if !facts.stacks.is_empty() {
        // The code of frames is filled in while they are built, when nothing may be run any more.
        codes.iter().try_for_each(|code| cx.machine.provide_for(code))?;
    }
    let mut builder = Builder {
        codes,
        natives: natives.into_iter(),
        stacks: facts.stacks.iter().copied(),
        frozen: Vec::with_capacity(facts.counts.0),
        nodes: Vec::with_capacity(facts.counts.1),
        items: Vec::new(),
        filed: FiledKeys::default(),
        keys: Known::default(),
        fiber: None,
        links: Vec::new(),
        fault: None,
        cx,
    };
    match read(bytes, &mut builder, progress) {
        Ok((root, _)) => {
            // Both ends of a link have their content only now.
            for (fiber, resumed) in std::mem::take(&mut builder.links) {
                let linked = builder.cx.machine.link(fiber, resumed);
                linked.ok_or(Trouble::Rule(GraphError { at: bytes.len(), rule: Rule::Run }))?;
            }
            Ok(root)
        }
        Err(error) => Err(builder.fault.map_or(Trouble::Rule(error), Trouble::Fault)),
    }
}

/// What the host provides under each of these names.
///
/// # Errors
/// All names under which there is nothing that can be captured.
pub(crate) fn bind<'v>(cx: &mut Cx<'v>, names: &[Box<str>]) -> Result<Vec<Value<'v>>, Trouble<'v>> {
    let (mut found, mut missing) = (Vec::with_capacity(names.len()), Vec::new());
    for name in names {
        match cx.machine.provided_or_unbound(name)? {
            Some(value) if matches!(value.tag, tag::NATIVE | tag::CLOSURE | tag::TYPE) => found.push(value),
            _ => missing.push(name.clone()),
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(Trouble::Missing(missing)) }
}

/// A frozen value, or new instance, whose parts are being read.
enum Open<'a, 'v> {
    Tuple(Tuple<'v>, usize),
    Closure(Closure<'v>, usize),
    /// Its type comes first.
    Owned(usize),
    Type(TypeShape<'a>, Vec<Value<'v>>),
    Error([Value<'v>; 3], usize),
    Instance(Option<Instance<'v>>),
    Host(Option<Instance<'v>>),
}

struct Builder<'b, 'm, 'v> {
    cx: &'m mut Cx<'v>,
    codes: Vec<Code>,
    natives: std::vec::IntoIter<Value<'v>>,
    stacks: std::iter::Copied<std::slice::Iter<'b, usize>>,
    frozen: Vec<Object<'v>>,
    nodes: Vec<Object<'v>>,
    /// Elements of the list that is being read.
    items: Vec<Value<'v>>,
    /// Keys of the map or set that is being read.
    filed: FiledKeys,
    /// Hashes of parts of keys.
    keys: Known,
    fiber: Option<Suspended<'v>>,
    /// Fibers that wait for a stopped one, and that one.
    links: Vec<(Fiber<'v>, Fiber<'v>)>,
    /// Why it cannot go on, if not for a broken rule.
    fault: Option<Fault<'v>>,
}

impl<'v> Builder<'_, '_, 'v> {
    fn failed(&mut self, fault: Fault<'v>) -> Rule {
        self.fault = Some(fault);
        Rule::Memory
    }

    fn add_frozen(&mut self, value: Value<'v>) -> Result<Value<'v>, Rule> {
        self.frozen.push(Object::new(value).ok_or(Rule::NotProvided)?);
        Ok(value)
    }

    fn add_node(&mut self, value: Value<'v>) -> Result<Value<'v>, Rule> {
        self.nodes.push(Object::new(value).ok_or(Rule::NotProvided)?);
        Ok(value)
    }

    fn node_at(&self, node: usize) -> Result<Value<'v>, Rule> {
        let object = self.nodes.get(node).ok_or(Rule::Nothing { what: "node", number: node as u64 })?;
        Ok(object.value())
    }

    fn closure(&mut self, code: usize, owner: Option<Type<'v>>) -> Result<Closure<'v>, Rule> {
        let code = self.codes.get(code).ok_or(Rule::Nothing { what: "code", number: code as u64 })?;
        self.cx.machine.closure_to_fill(code, owner).ok_or(Rule::Owner)
    }

    fn declared_type(&mut self, shape: TypeShape<'_>, parts: &[Value<'v>]) -> Result<Value<'v>, Rule> {
        let wrong = Rule::Constructor;
        let (&name, rest) = parts.split_first().ok_or(wrong)?;
        let (fields, mut rest) = rest.split_at_checked(shape.fields).ok_or(wrong)?;
        let mut members = Vec::with_capacity(shape.methods + 1);
        for (index, member) in shape.members().enumerate() {
            let mut name = name;
            if index > 0 {
                (name, rest) = rest.split_first().map(|(&name, rest)| (name, rest)).ok_or(wrong)?;
            }
            let (captures, others) = rest.split_at_checked(member.captures).ok_or(wrong)?;
            rest = others;
            let code = self.codes.get(member.code).ok_or(wrong)?;
            members.push(Member { name, instance: member.instance, code, captures });
        }
        let (constructor, methods) = members.split_first().ok_or(wrong)?;
        self.cx.machine.declared_type(name, fields, constructor, methods).map(Value::from).ok_or(wrong)
    }
}

impl<'a, 'v> Sink<'a> for Builder<'_, '_, 'v> {
    type Ref = Value<'v>;
    type Open = Open<'a, 'v>;

    fn counts(&mut self, _: usize, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn code(&mut self, _: CodeHash) -> Result<(), Rule> {
        Ok(())
    }

    #[inline]
    fn immediate(&mut self, value: Slot) -> Result<Value<'v>, Rule> {
        Ok(value.immediate().unwrap_or(Value::NIL))
    }

    #[inline]
    fn frozen(&mut self, number: u64) -> Result<Value<'v>, Rule> {
        let object = usize::try_from(number).ok().and_then(|number| self.frozen.get(number));
        object.map(|object| object.value()).ok_or(Rule::Nothing { what: "value", number })
    }

    #[inline]
    fn node(&mut self, number: u64) -> Result<Value<'v>, Rule> {
        let object = usize::try_from(number).ok().and_then(|number| self.nodes.get(number));
        object.map(|object| object.value()).ok_or(Rule::Nothing { what: "node", number })
    }

    fn text(&mut self, text: &'a str) -> Result<Value<'v>, Rule> {
        let value = self.cx.heap().str(text).into();
        self.add_frozen(value)
    }

    fn bytes(&mut self, bytes: &'a [u8]) -> Result<Value<'v>, Rule> {
        let value = self.cx.heap().bytes(&[bytes]).into();
        self.add_frozen(value)
    }

    fn range(&mut self, start: i64, end: i64, step: i64, inclusive: bool) -> Result<Value<'v>, Rule> {
        let value = self.cx.range(start, end, step, inclusive);
        self.add_frozen(value)
    }

    fn native(&mut self, _: &'a str) -> Result<Value<'v>, Rule> {
        let value = self.natives.next().ok_or(Rule::NotProvided)?;
        self.add_frozen(value)
    }

    fn new_node(&mut self, node: Node) -> Result<Value<'v>, Rule> {
        let (kind, form) = node.kind();
        let value = self.cx.heap().blank(kind, form).ok_or(Rule::Unknown { what: "node", number: node.tag() })?;
        self.add_node(value)
    }

    fn open(&mut self, shape: Shape<'a>) -> Result<Open<'a, 'v>, Rule> {
        Ok(match shape {
            Shape::Tuple { parts } => Open::Tuple(self.cx.heap().tuple_to_fill(parts), 0),
            Shape::Closure { code, owned: true, .. } => Open::Owned(code),
            Shape::Closure { code, .. } => Open::Closure(self.closure(code, None)?, 0),
            Shape::Type(shape) => Open::Type(shape, Vec::with_capacity(1 + shape.fields + shape.methods)),
            Shape::Error => Open::Error([Value::NIL; 3], 0),
            Shape::Instance => Open::Instance(None),
            Shape::Host => Open::Host(None),
        })
    }

    #[inline]
    fn part(&mut self, open: &mut Open<'a, 'v>, part: Value<'v>) -> Result<(), Rule> {
        match open {
            Open::Tuple(tuple, next) => {
                tuple.fill(*next, part);
                *next += 1;
            }
            Open::Closure(closure, next) => {
                closure.fill(*next, part);
                *next += 1;
            }
            Open::Owned(code) => {
                let View::Type(owner) = part.view() else { return Err(Rule::Owner) };
                *open = Open::Closure(self.closure(*code, Some(owner))?, 0);
            }
            Open::Type(_, parts) => parts.push(part),
            Open::Error(parts, next) => {
                if let Some(place) = parts.get_mut(*next) {
                    *place = part;
                }
                *next += 1;
            }
            Open::Host(instance) => {
                let View::Type(ty) = part.view() else { return Err(Rule::NotProvided) };
                *instance = self.cx.heap().host_instance_to_fill(ty);
            }
            Open::Instance(instance) => {
                let View::Type(ty) = part.view() else { return Err(Rule::Constructor) };
                *instance = Some(self.cx.heap().blank_instance(ty));
            }
        }
        Ok(())
    }

    fn close(&mut self, open: Open<'a, 'v>) -> Result<Value<'v>, Rule> {
        let value = match open {
            Open::Tuple(tuple, _) => tuple.into(),
            Open::Closure(closure, _) => closure.into(),
            Open::Owned(_) => return Err(Rule::Owner),
            Open::Type(shape, parts) => self.declared_type(shape, &parts)?,
            Open::Error([kind, message, data], _) => self.cx.heap().error(kind, message, data).into(),
            Open::Host(instance) => {
                let instance = instance.ok_or(Rule::NotProvided)?;
                return self.add_node(instance.into());
            }
            Open::Instance(instance) => {
                let instance = instance.ok_or(Rule::Constructor)?;
                return self.add_node(instance.into());
            }
        };
        self.add_frozen(value)
    }

    fn kind_of(&self, node: usize) -> Option<(Node, usize)> {
        let value = self.nodes.get(node)?.value();
        let Form::Node(kind) = Form::of(value) else { return None };
        Some((kind, if let View::Instance(instance) = value.view() { instance.len() } else { 0 }))
    }

    fn one(&mut self, node: usize, content: Value<'v>) -> Result<(), Rule> {
        if self.node_at(node)?.fill(content) { Ok(()) } else { Err(Rule::Counts("nodes")) }
    }

    fn list(&mut self, _: usize, length: usize) -> Result<(), Rule> {
        self.items = Vec::with_capacity(length);
        Ok(())
    }

    #[inline]
    fn item(&mut self, item: Value<'v>) -> Result<(), Rule> {
        self.items.push(item);
        Ok(())
    }

    fn list_end(&mut self, node: usize) -> Result<(), Rule> {
        let items = std::mem::take(&mut self.items);
        match self.node_at(node)?.view() {
            View::List(list) => list.fill(self.cx.heap(), items),
            _ => return Err(Rule::Counts("nodes")),
        }
        Ok(())
    }

    fn packed(&mut self, node: usize, floats: bool, bits: &'a [[u8; 8]]) -> Result<(), Rule> {
        let bits = bits.iter().map(|bits| u64::from_le_bytes(*bits));
        self.items = match floats {
            true => bits.map(|bits| Value::float(f64::from_bits(bits))).collect(),
            false => bits.map(|bits| Value::int(bits as i64)).collect(),
        };
        self.list_end(node)
    }

    fn table(&mut self, node: usize, length: usize) -> Result<(), Rule> {
        self.filed = FiledKeys::default();
        match self.node_at(node)?.view() {
            // No more room than there are entries, or many small ones would take more than the graph says.
            View::Map(table) | View::Set(table) => {
                table.grow_to(self.cx.heap(), length).map_err(|fault| self.failed(fault))
            }
            _ => Ok(()),
        }
    }

    fn entry(
        &mut self,
        node: usize,
        key: Value<'v>,
        filed: Option<Value<'v>>,
        value: Option<Value<'v>>,
    ) -> Result<(), Rule> {
        let filed = match filed.map(Value::view) {
            None => None,
            Some(View::Tuple(filed)) => Some(filed),
            Some(_) => return Err(Rule::Key),
        };
        let key = match Key::again(self.cx, key, filed, &mut self.keys) {
            Ok(Some(key)) => key,
            // It was no key, and the message is not for here.
            Ok(None) | Err(Fault::Thrown(_)) => return Err(Rule::Key),
            Err(fault) => return Err(self.failed(fault)),
        };
        let (View::Map(table) | View::Set(table)) = self.node_at(node)?.view() else { return Err(Rule::Key) };
        match table.insert_again(self.cx, &key, value.unwrap_or(Value::NIL), &mut self.filed) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Rule::EqualKeys),
            Err(fault) => Err(self.failed(fault)),
        }
    }

    fn field(&mut self, node: usize, index: usize, value: Value<'v>) -> Result<(), Rule> {
        if let View::Instance(instance) = self.node_at(node)?.view() {
            if let View::Bytes(bytes) = value.view()
                && let Some(class) = instance.ty().host_class()
            {
                self.cx.machine.strain();
                return class::load(instance, bytes.as_slice()).map_err(|text| {
                    let message = format!("the data of {} cannot be loaded: {text}", class.name());
                    let fault = self.cx.fail(ErrorKind::Image, message);
                    self.failed(fault)
                });
            }
            instance.set(self.cx, index, value);
        }
        Ok(())
    }

    fn fresh(&mut self, node: usize, function: Value<'v>) -> Result<(), Rule> {
        if let View::Fiber(fiber) = self.node_at(node)?.view() {
            let state = self.cx.machine.fresh_fiber(function);
            self.cx.machine.set_fiber(fiber, state);
        }
        Ok(())
    }

    fn done(&mut self, node: usize) -> Result<(), Rule> {
        if let View::Fiber(fiber) = self.node_at(node)?.view() {
            let state = self.cx.machine.finished_fiber();
            self.cx.machine.set_fiber(fiber, state);
        }
        Ok(())
    }

    fn suspended(&mut self, _: usize, pause: Pause, frames: usize) -> Result<(), Rule> {
        let registers = self.stacks.next().ok_or(Rule::Counts("fibers"))?;
        self.fiber = Some(Suspended::new(pause, frames, registers));
        Ok(())
    }

    fn frame(&mut self, function: Value<'v>, kind: u8, at: u64, _: u64) -> Result<(), Rule> {
        let wrong = Rule::Waiting { at };
        let (Some(fiber), View::Closure(closure)) = (&mut self.fiber, function.view()) else { return Err(wrong) };
        let at = u32::try_from(at).map_err(|_| wrong)?;
        self.cx.machine.push_waiting(fiber, closure, kind, at).ok_or(wrong)
    }

    fn register(&mut self, value: Value<'v>) -> Result<(), Rule> {
        let wrong = Rule::Registers { needed: 0, found: 0 };
        self.fiber.as_mut().and_then(|fiber| fiber.register(value)).ok_or(wrong)
    }

    fn frame_end(&mut self) -> Result<(), Rule> {
        match &self.fiber {
            Some(fiber) if fiber.is_filled() => Ok(()),
            _ => Err(Rule::Registers { needed: 0, found: 0 }),
        }
    }

    fn suspended_end(&mut self, node: usize) -> Result<(), Rule> {
        let wrong = Rule::Waiting { at: 0 };
        let made = self.fiber.take().ok_or(wrong)?;
        let state = self.cx.machine.suspend(made).ok_or(wrong)?;
        if let View::Fiber(fiber) = self.node_at(node)?.view() {
            self.cx.machine.set_fiber(fiber, state);
        }
        Ok(())
    }

    fn neighbours(&mut self, node: usize, _: Value<'v>, resumed: Option<Value<'v>>) -> Result<(), Rule> {
        if let Some(View::Fiber(resumed)) = resumed.map(Value::view)
            && let View::Fiber(fiber) = self.node_at(node)?.view()
        {
            self.links.push((fiber, resumed));
        }
        Ok(())
    }
}
