//! Changes to the image of a suspended program: anything in it becomes something else, and the rest of the file is put
//! right again, so that nothing but the change itself can be what is wrong with it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::{BTreeMap, HashMap, HashSet};

use quipu::code::canonical::Writer;
use quipu::code::effects::native;
use quipu::code::{Body, Code, CodeHash, Constant, Field, FreeKind, Op, Outcome, Role};
use quipu::vm::image::Image;

use crate::damage::Numbers;
use crate::graph::{Entry, Fiber, Frame, Frozen, Function, Graph, Node, State, Value};
use crate::parts::{HEAD, Parts};

/// The flag of a file with names and lines.
const DEBUG: u8 = 2;

/// An image taken apart.
#[derive(Clone)]
pub struct Subject {
    pub graph: Graph,
    pub codes: HashMap<CodeHash, Code>,
}

/// The registers that a frame keeps; none if there is no such instruction.
type Live = Option<Vec<u16>>;

impl Subject {
    pub fn of(image: &Image) -> Subject {
        let codes = image.codes().iter().map(|code| (code.hash(), code.clone())).collect();
        Subject { graph: Graph::read(image.graph()), codes }
    }

    /// The file, but for its fill. None if there is no such graph.
    pub fn parts(&self) -> Option<Parts> {
        let graph = self.graph.write()?;
        let (mut seen, mut codes) = (HashSet::new(), Vec::new());
        graph.codes.iter().for_each(|hash| self.add_code(hash, &mut seen, &mut codes));
        let mut names: Vec<String> = Vec::new();
        for name in graph.natives.iter().cloned().chain(codes.iter().flat_map(|code| natives_of(code.body()))) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut parts = Parts {
            start: HEAD,
            needs: table(&names),
            code: Vec::new(),
            graph: graph.bytes,
            debug: Vec::new(),
            fill: 0,
        };
        parts.code = table(&codes.iter().map(|code| code.encode()).collect::<Vec<_>>());
        if codes.iter().any(|code| code.debug().is_some()) {
            parts.start[10] |= DEBUG;
            parts.debug = table(&codes.iter().map(|code| code.encode_debug().unwrap_or_default()).collect::<Vec<_>>());
        }
        Some(parts)
    }

    fn add_code<'s>(&'s self, hash: &CodeHash, seen: &mut HashSet<CodeHash>, to: &mut Vec<&'s Code>) {
        if seen.insert(*hash)
            && let Some(code) = self.codes.get(hash)
        {
            code.body().children.iter().for_each(|child| self.add_code(&child.hash(), seen, to));
            to.push(code);
        }
    }

    /// Changes one thing, and repairs what depends on it. Says what was changed; nothing if there was no such thing.
    pub fn change(&mut self, numbers: &mut Numbers) -> Option<String> {
        let before = self.lives();
        let what = match numbers.below(100) {
            0..40 => self.change_value(numbers),
            40..50 => self.change_iterator(numbers),
            50..54 => self.swap_registers(numbers),
            54..58 => self.change_cell(numbers),
            58..64 => self.change_position(numbers),
            64..68 => self.change_frames(numbers),
            68..72 => self.change_state(numbers),
            72..76 => self.change_links(numbers),
            76..80 => self.change_function(numbers),
            80..84 => self.change_size(numbers),
            84..90 => self.change_handler(numbers),
            _ => self.change_operand(numbers),
        }?;
        self.settle(&before, numbers);
        Some(what)
    }
}

// Numbers that depend on others.
impl Subject {
    /// The code of a function.
    fn code(&self, function: Value) -> Option<&Code> {
        let Value::Frozen(number) = function else { return None };
        match self.graph.frozen.get(number)? {
            Frozen::Closure { function, .. } => self.codes.get(&function.code),
            _ => None,
        }
    }

    fn live(&self, fiber: &Fiber, index: usize) -> Live {
        let frame = &fiber.frames[index];
        let code = self.code(frame.function)?;
        let is_innermost = index + 1 == fiber.frames.len();
        let at = u32::try_from(frame.at).ok()?;
        match fiber.state {
            State::Stopped if is_innermost => code.live_before(at),
            State::Waiting if is_innermost && at as usize == code.body().words.len() => Some(Vec::new()),
            _ => code.live_during(at),
        }
    }

    fn lives(&self) -> BTreeMap<(usize, usize), Live> {
        let mut lives = BTreeMap::new();
        for (node, content) in self.graph.nodes.iter().enumerate() {
            if let Node::Fiber(fiber) = content {
                (0..fiber.frames.len()).for_each(|frame| drop(lives.insert((node, frame), self.live(fiber, frame))));
            }
        }
        lives
    }

    /// Every frame keeps the registers that it must keep now: those that it had under the same number, and any values
    /// for the others. Closures have as many captures as their code takes, instances as many fields as their type has.
    fn settle(&mut self, before: &BTreeMap<(usize, usize), Live>, numbers: &mut Numbers) {
        for ((node, index), live) in self.lives() {
            let (Some(live), old) = (live, before.get(&(node, index)).cloned().flatten().unwrap_or_default()) else {
                continue;
            };
            let Node::Fiber(fiber) = &self.graph.nodes[node] else { continue };
            let had = &fiber.frames[index].registers;
            if live == old && live.len() == had.len() {
                continue;
            }
            let kept: HashMap<u16, Value> = old.into_iter().zip(had.iter().copied()).collect();
            let registers =
                live.iter().map(|register| kept.get(register).copied().unwrap_or_else(|| self.filler(numbers)));
            let registers = registers.collect();
            if let Node::Fiber(fiber) = &mut self.graph.nodes[node] {
                fiber.frames[index].registers = registers;
            }
        }
        for number in 0..self.graph.frozen.len() {
            let mut frozen = self.graph.frozen[number].clone();
            for function in frozen.functions() {
                self.settle_captures(function, numbers);
            }
            self.graph.frozen[number] = frozen;
        }
        for number in 0..self.graph.nodes.len() {
            if let Node::Instance { ty, .. } = self.graph.nodes[number] {
                let count = self.graph.field_count(ty);
                if let Node::Instance { fields, .. } = &mut self.graph.nodes[number] {
                    fields.resize(count, Value::Nil);
                }
            }
        }
    }

    fn settle_captures(&mut self, function: &mut Function, numbers: &mut Numbers) {
        let Some(code) = self.codes.get(&function.code) else { return };
        let kinds = code.body().free.clone();
        function.captures.truncate(kinds.len());
        for &kind in &kinds[function.captures.len()..] {
            let capture = match kind {
                FreeKind::Value => Value::Nil,
                FreeKind::Cell => self.any_cell(numbers),
            };
            function.captures.push(capture);
        }
    }

    fn filler(&self, numbers: &mut Numbers) -> Value {
        match numbers.below(4) {
            0 if !self.graph.nodes.is_empty() => Value::Node(numbers.below(self.graph.nodes.len())),
            1 => Value::Int(1),
            _ => Value::Nil,
        }
    }
}

// Values.
impl Subject {
    fn parts_of(&mut self, thing: Thing) -> Vec<&mut Value> {
        match thing {
            Thing::Frozen(number) => self.graph.frozen[number].parts(),
            Thing::Node(number) => self.graph.nodes[number].parts(),
        }
    }

    /// Something that has parts: half of the time a fiber, because its registers are what nobody else can write to.
    fn any_thing(&mut self, numbers: &mut Numbers) -> Option<Thing> {
        let (frozen, nodes) = (self.graph.frozen.len(), self.graph.nodes.len());
        let fibers = self.fibers();
        for _ in 0..20 {
            let thing = match numbers.below(8) {
                0..5 if !fibers.is_empty() => Thing::Node(fibers[numbers.below(fibers.len())]),
                5 if frozen > 0 => Thing::Frozen(numbers.below(frozen)),
                _ if nodes > 0 => Thing::Node(numbers.below(nodes)),
                _ => continue,
            };
            if !self.parts_of(thing).is_empty() {
                return Some(thing);
            }
        }
        None
    }

    fn fibers(&self) -> Vec<usize> {
        let is_fiber = |&node: &usize| matches!(self.graph.nodes[node], Node::Fiber(_));
        (0..self.graph.nodes.len()).filter(is_fiber).collect()
    }

    /// A fiber with frames that are written, by its number.
    fn any_fiber(&self, numbers: &mut Numbers) -> Option<usize> {
        let has_frames = |&node: &usize| match &self.graph.nodes[node] {
            Node::Fiber(fiber) => {
                !fiber.frames.is_empty() && matches!(fiber.state, State::Suspended | State::Stopped | State::Waiting)
            }
            _ => false,
        };
        one_of(&self.fibers().into_iter().filter(has_frames).collect::<Vec<_>>(), numbers)
    }

    fn any_frame(&self, numbers: &mut Numbers) -> Option<(usize, usize)> {
        let node = self.any_fiber(numbers)?;
        Some((node, numbers.below(self.fiber(node).frames.len())))
    }

    fn fiber(&self, node: usize) -> &Fiber {
        match &self.graph.nodes[node] {
            Node::Fiber(fiber) => fiber,
            _ => unreachable!("it was chosen among fibers"),
        }
    }

    fn fiber_mut(&mut self, node: usize) -> &mut Fiber {
        match &mut self.graph.nodes[node] {
            Node::Fiber(fiber) => fiber,
            _ => unreachable!("it was chosen among fibers"),
        }
    }

    /// Any part of anything becomes another value.
    fn change_value(&mut self, numbers: &mut Numbers) -> Option<String> {
        let thing = self.any_thing(numbers)?;
        let part = numbers.below(self.parts_of(thing).len());
        let old = *self.parts_of(thing)[part];
        let new = self.another(old, numbers);
        let place = self.name_of(thing, part);
        *self.parts_of(thing)[part] = new;
        Some(format!("{place}: {} -> {}", self.show(old), self.show(new)))
    }

    /// A value to stand where another one stood: often one of the same kind, or nothing would get past the checks of
    /// kinds.
    fn another(&mut self, old: Value, numbers: &mut Numbers) -> Value {
        if numbers.below(2) == 0 {
            let kind = self.kind(old);
            let mut same: Vec<Value> = (0..self.graph.nodes.len()).map(Value::Node).collect();
            same.extend((0..self.graph.frozen.len()).map(Value::Frozen));
            same.retain(|&value| value != old && self.kind(value) == kind);
            if let Some(value) = one_of(&same, numbers) {
                return value;
            }
        }
        match numbers.below(10) {
            0..3 => self.typical(numbers),
            3..6 => self.made(numbers),
            6 if !self.graph.frozen.is_empty() => Value::Frozen(numbers.below(self.graph.frozen.len())),
            7..9 if !self.graph.nodes.is_empty() => Value::Node(numbers.below(self.graph.nodes.len())),
            _ => match self.any_thing(numbers) {
                Some(thing) => {
                    let part = numbers.below(self.parts_of(thing).len());
                    *self.parts_of(thing)[part]
                }
                None => Value::Nil,
            },
        }
    }

    fn typical(&self, numbers: &mut Numbers) -> Value {
        let typical = [
            Value::Nil,
            Value::True,
            Value::Absent,
            Value::Absent,
            Value::Place(0),
            Value::Place(numbers.below(4) as u64),
            Value::Int(0),
            Value::Int(1),
            Value::Int(-1),
            Value::Int(5),
            Value::Int(1 << 32),
            Value::Int(i64::MAX),
            Value::Int(i64::MIN),
            Value::Float(0.5f64.to_bits()),
            Value::Float(f64::NAN.to_bits()),
        ];
        typical[numbers.below(typical.len())]
    }

    /// Something that was not there.
    fn made(&mut self, numbers: &mut Numbers) -> Value {
        let one = [Value::Int(1), Value::Int(2), Value::Int(3)];
        let entry = |value| Entry { key: Value::Int(7), filed: None, value };
        let node = match numbers.below(14) {
            0 => Node::List(Vec::new()),
            1 => Node::List(one.to_vec()),
            2 => Node::Map(vec![entry(Some(Value::True))]),
            3 => Node::Set(vec![entry(None)]),
            4 | 5 => Node::Cell { var: true, content: Value::Absent },
            6 => Node::Cell { var: true, content: Value::Int(1) },
            7 => Node::Cell { var: false, content: Value::Absent },
            8 => Node::Cell { var: false, content: Value::Int(1) },
            9 => Node::Fiber(Fiber { state: State::Done, ..Fiber::fresh(Value::Nil) }),
            10 => Node::Fiber(Fiber::fresh(self.another(Value::Nil, numbers))),
            11 => return self.add_frozen(Frozen::Str("a\u{e9}\u{1f600}".to_owned())),
            12 => return self.add_frozen(Frozen::Tuple(one.to_vec())),
            _ => return self.add_frozen(Frozen::Range { start: 0, end: i64::MAX, step: 1, inclusive: true }),
        };
        self.add_node(node)
    }

    fn add_node(&mut self, node: Node) -> Value {
        self.graph.nodes.push(node);
        Value::Node(self.graph.nodes.len() - 1)
    }

    fn add_frozen(&mut self, frozen: Frozen) -> Value {
        self.graph.frozen.push(frozen);
        Value::Frozen(self.graph.frozen.len() - 1)
    }

    fn any_cell(&mut self, numbers: &mut Numbers) -> Value {
        let is_cell = |&node: &usize| matches!(self.graph.nodes[node], Node::Cell { .. });
        let cells: Vec<usize> = (0..self.graph.nodes.len()).filter(is_cell).collect();
        match one_of(&cells, numbers) {
            Some(cell) if numbers.below(2) == 0 => Value::Node(cell),
            _ => self.add_node(Node::Cell { var: numbers.below(2) == 0, content: Value::Int(1) }),
        }
    }

    /// The registers of an iterator become others that an iterator might have, but for one or two of them.
    fn change_iterator(&mut self, numbers: &mut Numbers) -> Option<String> {
        let mut found = Vec::new();
        for node in self.fibers() {
            let fiber = self.fiber(node).clone();
            for (index, frame) in fiber.frames.iter().enumerate() {
                let (Some(code), Some(live)) = (self.code(frame.function), self.live(&fiber, index)) else { continue };
                let firsts = code.body().words.iter().filter(|word| word.op() == Some(Op::Next)).map(|word| word.b());
                for first in firsts.collect::<HashSet<_>>() {
                    let at = |register: u16| live.iter().position(|&live| live == register);
                    if let (Some(a), Some(b), Some(c)) = (at(first), at(first + 1), at(first + 2)) {
                        found.push((node, index, [a, b, c]));
                    }
                }
            }
        }
        // Sets have no order that is the same in every run.
        found.sort_unstable();
        let (node, index, places) = one_of(&found, numbers)?;
        let mut changed = format!("{} the iterator at register {}:", self.name_of_frame(node, index), places[0]);
        for place in places {
            let old = self.fiber(node).frames[index].registers[place];
            let new = match numbers.below(4) {
                0 => old,
                1 => [Value::Int(0), Value::Int(3), Value::Int(-1), Value::Nil, Value::Place(0), Value::Place(1)]
                    [numbers.below(6)],
                _ => self.another(old, numbers),
            };
            self.fiber_mut(node).frames[index].registers[place] = new;
            changed.push_str(&format!(" {} -> {};", self.show(old), self.show(new)));
        }
        Some(changed)
    }

    fn swap_registers(&mut self, numbers: &mut Numbers) -> Option<String> {
        let (node, index) = self.any_frame(numbers)?;
        let count = self.fiber(node).frames[index].registers.len();
        let (one, other) = (numbers.below(count), numbers.below(count));
        if one == other {
            return None;
        }
        self.fiber_mut(node).frames[index].registers.swap(one, other);
        Some(format!("{} registers {one} and {other} swapped", self.name_of_frame(node, index)))
    }

    /// A cell is of the other kind, or loses its content.
    fn change_cell(&mut self, numbers: &mut Numbers) -> Option<String> {
        let is_cell = |&node: &usize| matches!(self.graph.nodes[node], Node::Cell { .. });
        let cells: Vec<usize> = (0..self.graph.nodes.len()).filter(is_cell).collect();
        let number = one_of(&cells, numbers)?;
        let flips = numbers.below(3) > 0;
        if let Node::Cell { var, content } = &mut self.graph.nodes[number] {
            if flips {
                *var = !*var;
            } else {
                *content = Value::Absent;
            }
        }
        Some(format!("cell {number} {}", if flips { "is of the other kind" } else { "is not initialised" }))
    }

    /// Something gets longer or shorter: a list, map or set that may be looped over, or a tuple.
    fn change_size(&mut self, numbers: &mut Numbers) -> Option<String> {
        let thing = self.any_thing(numbers)?;
        let (new, at) = (self.another(Value::Nil, numbers), numbers.below(8));
        let grows = numbers.below(2) == 0;
        fn resize<T>(of: &mut Vec<T>, at: usize, new: Option<T>) -> Option<()> {
            match new {
                Some(new) => of.insert(at.min(of.len()), new),
                None if at < of.len() => drop(of.remove(at)),
                None => return None,
            }
            Some(())
        }
        let entry = |value| Entry { key: new, filed: None, value };
        match thing {
            Thing::Node(number) => match &mut self.graph.nodes[number] {
                Node::List(items) => resize(items, at, grows.then_some(new)),
                Node::Map(entries) => resize(entries, at, grows.then(|| entry(Some(Value::Nil)))),
                Node::Set(entries) => resize(entries, at, grows.then(|| entry(None))),
                _ => None,
            },
            Thing::Frozen(number) => match &mut self.graph.frozen[number] {
                Frozen::Tuple(items) => resize(items, at, grows.then_some(new)),
                _ => None,
            },
        }?;
        Some(format!("{thing:?} is {} at {at}", if grows { "longer" } else { "shorter" }))
    }
}

// Frames and fibers.
impl Subject {
    /// The positions where a frame might wait.
    fn positions(&self, fiber: &Fiber, index: usize) -> Vec<u64> {
        let Some(code) = self.code(fiber.frames[index].function) else { return Vec::new() };
        let words = &code.body().words;
        let fits = |op: Op| match fiber.frames.get(index + 1) {
            Some(next) => result_of(op) == Some(next.kind),
            None => match fiber.state {
                State::Suspended => op == Op::Yield,
                State::Waiting => op.resumes(),
                _ => true,
            },
        };
        (0..words.len()).filter(|&at| words[at].op().is_some_and(fits)).map(|at| at as u64).collect()
    }

    fn change_position(&mut self, numbers: &mut Numbers) -> Option<String> {
        let (node, index) = self.any_frame(numbers)?;
        let old = self.fiber(node).frames[index].at;
        let positions = self.positions(self.fiber(node), index);
        let new = match one_of(&positions, numbers) {
            Some(position) if numbers.below(10) > 0 => position,
            _ => numbers.below(40) as u64,
        };
        let name = self.name_of_frame(node, index);
        self.fiber_mut(node).frames[index].at = new;
        Some(format!("{name}: waits at {new}, not at {old}"))
    }

    /// Frames are left out, repeated, taken from another fiber, or belong to another function.
    fn change_frames(&mut self, numbers: &mut Numbers) -> Option<String> {
        let (node, index) = self.any_frame(numbers)?;
        let name = self.name_of_frame(node, index);
        match numbers.below(6) {
            0 => {
                self.fiber_mut(node).frames.remove(index);
                Some(format!("{name}: left out"))
            }
            1 => {
                self.fiber_mut(node).frames.truncate(index + 1);
                self.moved(node, index, numbers);
                Some(format!("{name}: the innermost now"))
            }
            2 => {
                let frame = self.fiber(node).frames[index].clone();
                self.fiber_mut(node).frames.insert(index, frame);
                Some(format!("{name}: repeated"))
            }
            3 => {
                let other = self.any_fiber(numbers)?;
                self.fiber_mut(node).frames = self.fiber(other).frames.clone();
                Some(format!("fiber {node} has the frames of fiber {other}"))
            }
            4 => {
                let kind = numbers.below(14) as u8;
                self.fiber_mut(node).frames[index].kind = kind;
                Some(format!("{name}: of kind {kind}"))
            }
            _ => {
                let is_closure = |&number: &usize| matches!(self.graph.frozen[number], Frozen::Closure { .. });
                let closures: Vec<usize> = (0..self.graph.frozen.len()).filter(is_closure).collect();
                let function = Value::Frozen(one_of(&closures, numbers)?);
                self.fiber_mut(node).frames[index].function = function;
                self.moved(node, index, numbers);
                Some(format!("{name}: of {}", self.show(function)))
            }
        }
    }

    /// Puts a frame where it may wait.
    fn moved(&mut self, node: usize, index: usize, numbers: &mut Numbers) {
        if let Some(at) = one_of(&self.positions(self.fiber(node), index), numbers) {
            self.fiber_mut(node).frames[index].at = at;
        }
    }

    fn change_state(&mut self, numbers: &mut Numbers) -> Option<String> {
        let node = one_of(&self.fibers(), numbers)?;
        let (old, new) = (self.fiber(node).state, State::ALL[numbers.below(5)]);
        if old == new {
            return None;
        }
        if self.fiber(node).frames.is_empty() {
            let other = self.any_fiber(numbers)?;
            self.fiber_mut(node).frames = self.fiber(other).frames.clone();
        }
        let function = self.fiber(node).frames[0].function;
        let fiber = self.fiber_mut(node);
        fiber.state = new;
        fiber.function = function;
        let innermost = fiber.frames.len() - 1;
        self.moved(node, innermost, numbers);
        self.link(node, numbers);
        Some(format!("fiber {node} is {new:?}, not {old:?}"))
    }

    /// Has a fiber that waits wait for another that agrees, most of the time.
    fn link(&mut self, node: usize, numbers: &mut Numbers) {
        let fibers = self.fibers();
        if self.fiber(node).state == State::Waiting
            && let Some(resumed) = one_of(&fibers, numbers)
        {
            self.fiber_mut(node).resumed = Value::Node(resumed);
            if numbers.below(4) > 0 {
                self.fiber_mut(resumed).resumer = Value::Node(node);
            }
        }
    }

    fn change_links(&mut self, numbers: &mut Numbers) -> Option<String> {
        let fibers = self.fibers();
        let (node, other) = (one_of(&fibers, numbers)?, one_of(&fibers, numbers)?);
        if numbers.below(3) == 0 {
            let resumer = if numbers.below(3) == 0 { Value::Nil } else { Value::Node(other) };
            self.fiber_mut(node).resumer = resumer;
            return Some(format!("fiber {node} was resumed by {}", self.show(resumer)));
        }
        // Two fibers exchange all they consist of, so that links agree and everything else is elsewhere.
        let (one, another) = (self.fiber(node).clone(), self.fiber(other).clone());
        let swaps_links = numbers.below(2) == 0;
        let fiber = self.fiber_mut(node);
        fiber.frames = another.frames;
        if swaps_links {
            (fiber.state, fiber.resumer, fiber.resumed) = (another.state, another.resumer, another.resumed);
        }
        let fiber = self.fiber_mut(other);
        fiber.frames = one.frames;
        if swaps_links {
            (fiber.state, fiber.resumer, fiber.resumed) = (one.state, one.resumer, one.resumed);
        }
        Some(format!("fibers {node} and {other} have exchanged {}", if swaps_links { "all" } else { "their frames" }))
    }
}

// Code.
impl Subject {
    /// A function or a method has other code of the image.
    fn change_function(&mut self, numbers: &mut Numbers) -> Option<String> {
        let mut hashes: Vec<CodeHash> = self.codes.keys().copied().collect();
        hashes.sort_unstable();
        let hash = one_of(&hashes, numbers)?;
        let mut functions = Vec::new();
        for number in 0..self.graph.frozen.len() {
            functions.extend((0..self.graph.frozen[number].functions().len()).map(|index| (number, index)));
        }
        let (number, index) = one_of(&functions, numbers)?;
        let takes_owner = self.codes[&hash].uses_owner();
        let types: Vec<Value> =
            (0..self.graph.frozen.len()).map(Value::Frozen).filter(|&ty| self.kind(ty) == "type").collect();
        if let Frozen::Closure { owner, .. } = &mut self.graph.frozen[number] {
            // A function of a type belongs to one, and others to none.
            *owner = if takes_owner { owner.or(one_of(&types, numbers)) } else { None };
        }
        self.graph.frozen[number].functions()[index].code = hash;
        Some(format!("frozen value {number}: function {index} is {}", self.name_of_code(&hash)))
    }

    /// A handler covers or catches something else.
    fn change_handler(&mut self, numbers: &mut Numbers) -> Option<String> {
        self.change_body(numbers, |body, numbers| {
            let index = numbers.below(body.handlers.len());
            let words = body.words.len();
            let handler = body.handlers.get_mut(index)?;
            match numbers.below(5) {
                0 => handler.target = numbers.below(words) as u32,
                1 | 2 => handler.register = numbers.below(body.registers as usize) as u16,
                3 => handler.start = numbers.below(words) as u32,
                _ => handler.end = numbers.below(words) as u32,
            }
            Some(format!("handler {index}: {handler:?}"))
        })
    }

    /// An instruction works on something else.
    fn change_operand(&mut self, numbers: &mut Numbers) -> Option<String> {
        self.change_body(numbers, |body, numbers| {
            let at = numbers.below(body.words.len());
            let word = body.words[at];
            let (field, role) = one_of(word.op()?.operands(), numbers)?;
            let old = word.field(field);
            let near = (old.saturating_add(numbers.below(3) as u32)).saturating_sub(1);
            let new = match role {
                Role::Flag => 1 - old.min(1),
                Role::Imm | Role::Count => near,
                Role::Forward | Role::Back => numbers.below(body.words.len()) as u32,
                Role::FreeValue | Role::FreeCell => numbers.below(body.free.len()) as u32,
                Role::ClosureSite | Role::TypeSite => return None,
                Role::Const | Role::Name | Role::Native => numbers.below(body.constants.len()) as u32,
                _ if numbers.below(2) == 0 => near,
                _ => numbers.below(body.registers as usize) as u32,
            };
            // The wide operand is what the field of a signed number is, too.
            let new = if field == Field::D { new & 0xff } else { new };
            body.words[at] = word.with_field(field, new);
            Some(format!("{at}: {word:?} -> {:?}", body.words[at]))
        })
    }

    /// Changes a code object that is in use until the checker accepts it.
    fn change_body(
        &mut self,
        numbers: &mut Numbers,
        change: impl Fn(&mut Body, &mut Numbers) -> Option<String>,
    ) -> Option<String> {
        let mut used = Vec::new();
        for node in self.fibers() {
            used.extend(self.fiber(node).frames.iter().filter_map(|frame| self.code(frame.function)).map(Code::hash));
        }
        let mut all: Vec<CodeHash> = self.codes.keys().copied().collect();
        all.sort_unstable();
        for _ in 0..30 {
            let hash = match one_of(&used, numbers) {
                Some(hash) if numbers.below(4) > 0 => hash,
                _ => one_of(&all, numbers)?,
            };
            let code = &self.codes[&hash];
            // What a type is made with has a form of its own.
            let mut body = code.body().clone();
            let Some(what) = change(&mut body, numbers) else { continue };
            let Ok(changed) = Code::check(body, code.debug().cloned()) else { continue };
            if changed.hash() == hash || self.codes.contains_key(&changed.hash()) {
                continue;
            }
            let name = self.name_of_code(&hash);
            let mut tried = self.clone();
            if tried.replace_code(hash, changed).is_some() {
                *self = tried;
                return Some(format!("code {name}, {what}"));
            }
        }
        None
    }

    /// Puts a code object in the place of another one, and so of those that contain it, everywhere.
    fn replace_code(&mut self, old: CodeHash, new: Code) -> Option<()> {
        let mut replaced = vec![(old, new)];
        while let Some((old, new)) = replaced.pop() {
            let mut parents: Vec<CodeHash> = self.codes.keys().copied().collect();
            parents.sort_unstable();
            for parent in parents {
                let code = &self.codes[&parent];
                if !code.body().children.iter().any(|child| child.hash() == old) {
                    continue;
                }
                let mut body = code.body().clone();
                for child in &mut body.children {
                    if child.hash() == old {
                        *child = new.clone();
                    }
                }
                let changed = Code::check(body, code.debug().cloned()).ok()?;
                replaced.push((parent, changed));
            }
            for frozen in &mut self.graph.frozen {
                for function in frozen.functions().into_iter().filter(|function| function.code == old) {
                    function.code = new.hash();
                }
            }
            self.codes.remove(&old);
            self.codes.insert(new.hash(), new);
        }
        Some(())
    }
}

// What is shown of all that.
impl Subject {
    fn kind(&self, value: Value) -> &'static str {
        match value {
            Value::Nil => "nil",
            Value::False | Value::True => "bool",
            Value::Absent => "absent",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Place(_) => "place",
            Value::Frozen(number) => match &self.graph.frozen[number] {
                Frozen::Str(_) => "str",
                Frozen::Bytes(_) => "bytes",
                Frozen::Range { .. } => "range",
                Frozen::Native(_) => "native",
                Frozen::Tuple(_) => "tuple",
                Frozen::Closure { .. } => "function",
                Frozen::Type { .. } => "type",
                Frozen::Error { .. } => "error",
            },
            Value::Node(number) => match &self.graph.nodes[number] {
                Node::Cell { .. } => "cell",
                Node::List(_) => "list",
                Node::Map(_) => "map",
                Node::Set(_) => "set",
                Node::Instance { .. } => "instance",
                Node::Host { .. } => "host instance",
                Node::Fiber(_) => "fiber",
            },
        }
    }

    fn show(&self, value: Value) -> String {
        match value {
            Value::Frozen(number) => match &self.graph.frozen[number] {
                Frozen::Str(_) | Frozen::Bytes(_) | Frozen::Range { .. } | Frozen::Native(_) => {
                    format!("{:?}", self.graph.frozen[number])
                }
                Frozen::Closure { function, .. } => format!("function {}", self.name_of_code(&function.code)),
                _ => format!("{} {number}", self.kind(value)),
            },
            Value::Node(number) => match &self.graph.nodes[number] {
                Node::Cell { var, content } => format!("cell {number} (var: {var}, {content:?})"),
                _ => format!("{} {number}", self.kind(value)),
            },
            _ => format!("{value:?}"),
        }
    }

    fn name_of_code(&self, hash: &CodeHash) -> String {
        let name = self.codes.get(hash).and_then(Code::debug).map_or("?", |debug| &debug.name);
        format!("{name} ({})", &hash.to_string()[..8])
    }

    fn name_of_frame(&self, node: usize, index: usize) -> String {
        let frame: &Frame = &self.fiber(node).frames[index];
        let function = self.show(frame.function);
        let op = self.code(frame.function).and_then(|code| code.body().words.get(frame.at as usize)).copied();
        format!("fiber {node} ({:?}) frame {index}, {function} at {} {op:?},", self.fiber(node).state, frame.at)
    }

    /// What a part of something is.
    fn name_of(&self, thing: Thing, part: usize) -> String {
        let Thing::Node(node) = thing else { return format!("{thing:?} part {part}") };
        let Node::Fiber(fiber) = &self.graph.nodes[node] else {
            return format!("{} {node} part {part}", self.kind(Value::Node(node)));
        };
        let mut rest = part;
        for (index, frame) in fiber.frames.iter().enumerate() {
            let name = self.name_of_frame(node, index);
            match rest.checked_sub(1) {
                None => return format!("{name} function"),
                Some(register) if register < frame.registers.len() => {
                    let number = self.live(fiber, index).and_then(|live| live.get(register).copied());
                    return format!("{name} register {}", number.map_or("?".to_owned(), |number| number.to_string()));
                }
                _ => rest -= 1 + frame.registers.len(),
            }
        }
        format!("fiber {node} link {rest}")
    }
}

/// What has parts.
#[derive(Clone, Copy, Debug)]
enum Thing {
    Frozen(usize),
    Node(usize),
}

fn one_of<T: Clone>(of: &[T], numbers: &mut Numbers) -> Option<T> {
    if of.is_empty() { None } else { of.get(numbers.below(of.len())).cloned() }
}

/// What becomes of the result of a function that an instruction has called, by the number in the image.
fn result_of(op: Op) -> Option<u8> {
    Some(match op.outcome()? {
        Outcome::Plain => 0,
        Outcome::Discard => 1,
        Outcome::Truth => 2,
        Outcome::Untruth => 3,
        Outcome::Less => 4,
        Outcome::LessEqual => 5,
        Outcome::Greater => 6,
        Outcome::GreaterEqual => 7,
        Outcome::Text => 8,
        Outcome::Element => 9,
        Outcome::Iterator => 10,
        Outcome::Lookup => 14,
    })
}

fn natives_of(body: &Body) -> Vec<String> {
    let name = |constant: u32| match &body.constants[constant as usize] {
        Constant::Str(name) => name.to_string(),
        other => panic!("{other:?} is no name"),
    };
    body.words.iter().filter_map(|&word| native(word)).map(name).collect()
}

/// A table of texts or byte strings.
fn table<T: AsRef<[u8]>>(of: &[T]) -> Vec<u8> {
    let mut to = Writer::new();
    to.count(of.len());
    of.iter().for_each(|bytes| to.bytes(bytes.as_ref()));
    to.into_bytes()
}
