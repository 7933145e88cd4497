//! Checking the bytes of a graph: everything that can be said of them without a machine.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet, HashTable};
use quipu_code::{Code, CodeHash, Holds, Op};

use super::error::{GraphError, Rule};
use super::progress::Progress;
use super::read::{Member, Members, Shape, Sink, read};
use super::rules;
use super::tag::{self as t, Node};
use super::weight::Weight;
use crate::heap::Slot;
use crate::heap::frame::Kind;
use crate::run::iterate;
use crate::run::snapshot::{self, Pause};
use crate::secret::secret;

/// What is known of a graph that was checked.
#[derive(Default)]
pub(crate) struct Facts {
    /// The code objects that it names, in order of first use.
    pub codes: Vec<CodeHash>,
    /// Those of them that are missing.
    pub missing: Vec<CodeHash>,
    /// What it names of what the host provides, in order of first use.
    pub natives: Vec<Box<str>>,
    pub weight: Weight,
    /// How deep frozen values nest.
    pub deepest: usize,
    /// Number of registers of each suspended fiber, in order.
    pub stacks: Vec<usize>,
    /// Number of frozen values and of nodes.
    pub counts: (usize, usize),
    /// Number of functions among the frozen values, and of cells among the nodes.
    pub functions: usize,
    pub cells: usize,
}

/// Where code comes from: none for a graph that is checked without it.
pub(crate) type Codes<'c> = Option<&'c dyn Fn(&CodeHash) -> Option<Code>>;

/// Checks a graph. With code, what depends on code is checked too.
pub(crate) fn check(bytes: &[u8], codes: Codes<'_>, progress: &mut Progress<'_>) -> Result<Facts, GraphError> {
    let mut checker = Checker {
        source: codes,
        codes: Vec::new(),
        named: HashSet::new(),
        frozen: Vec::new(),
        prints: Vec::new(),
        index: HashTable::new(),
        nodes: Vec::new(),
        limits: (0, 0),
        types: Vec::new(),
        list: Elements::default(),
        fiber: Registers::default(),
        places: HashMap::new(),
        runs: HashMap::new(),
        keys: [secret(), secret()],
        facts: Facts::default(),
    };
    let (root, deepest) = read(bytes, &mut checker, progress)?;
    let end = |rule| GraphError { at: bytes.len(), rule };
    value(root).map_err(end)?;
    if checker.frozen.len() != checker.limits.0 {
        return Err(end(Rule::Counts("frozen values")));
    }
    checker.check_runs().map_err(end)?;
    let mut facts = checker.facts;
    facts.deepest = deepest;
    facts.counts = checker.limits;
    Ok(facts)
}

/// Something in the graph: its kind, a number that the kind gives a meaning, and an identity that equal values share.
#[derive(Clone, Copy)]
struct Met {
    /// As in the bytes.
    kind: u8,
    /// Code of a function, fields of a type or instance, length of a string that matters.
    info: u32,
    space: u8,
    number: u64,
}

/// The spaces of identities beside the tags of immediates.
const FROZEN: u8 = 64;
const NODE: u8 = 65;

/// A node or frozen value, as it is kept.
#[derive(Clone, Copy)]
struct Kept {
    kind: u8,
    info: u32,
}

/// A frozen value, or new instance, whose parts are being read.
struct Open {
    kind: u8,
    code: u32,
    next: u32,
    parts: u32,
    print: [u64; 2],
}

/// How far a type has been read.
struct TypeCursor<'a> {
    fields: usize,
    /// The numbers of the names of fields and methods.
    names: Vec<u64>,
    constructor: usize,
    members: Members<'a>,
    current: Member,
    /// Captures of the current member that were read.
    captured: usize,
}

/// The elements of the list that is being read.
#[derive(Default)]
struct Elements {
    length: usize,
    ints: bool,
    floats: bool,
}

/// The registers of the frame that is being read.
#[derive(Default)]
struct Registers {
    /// How the innermost frame waits, how many frames there are, and how many of them were read.
    pause: Pause,
    count: usize,
    read: usize,
    /// The number of the fiber.
    node: usize,
    /// Registers of all frames before.
    base: usize,
    /// The most registers that any frame so far needs.
    top: usize,
    /// The registers that matter in this frame and what they have to hold, if its code is there.
    live: Option<Vec<(u16, Option<Holds>)>>,
    next: usize,
    last: Option<(u16, Met)>,
    /// The first registers of the iterator that is being read.
    iterator: Vec<u8>,
    code: Option<Code>,
    at: u64,
}

/// The numbers of the fiber that has resumed a stopped one, and of the fiber that it has resumed.
#[derive(Clone, Copy)]
struct Neighbours {
    resumer: Option<u64>,
    resumed: Option<u64>,
}

struct Checker<'a, 'c> {
    source: Codes<'c>,
    /// The code objects by number, as far as they are there.
    codes: Vec<Option<Code>>,
    named: HashSet<CodeHash>,
    frozen: Vec<Kept>,
    /// Fingerprints of the frozen values, which tell equal ones.
    prints: Vec<[u64; 2]>,
    index: HashTable<u32>,
    nodes: Vec<Kept>,
    limits: (usize, usize),
    types: Vec<TypeCursor<'a>>,
    list: Elements,
    fiber: Registers,
    /// For maps and sets not read yet: how long they must be at least.
    places: HashMap<u64, u64>,
    /// The neighbours of every stopped fiber.
    runs: HashMap<u64, Neighbours>,
    keys: [u64; 2],
    facts: Facts,
}

fn expected(what: &'static str, found: Met) -> Rule {
    Rule::Expected { what, found: t::name(found.kind) }
}

/// That something may stand where this is held.
fn held(met: Met, holds: Holds) -> Result<(), Rule> {
    if rules::fits(met.kind, holds) {
        return Ok(());
    }
    let what = match holds {
        Holds::Value => "a value",
        Holds::Perhaps => "a value or nothing",
        Holds::Cell => "a cell",
        Holds::Var => "the cell of a var",
        Holds::Iterator => "an iterator",
    };
    Err(expected(what, met))
}

/// That something is a value that a variable may have.
fn value(met: Met) -> Result<(), Rule> {
    held(met, Holds::Value)
}

fn text(met: Met) -> Result<(), Rule> {
    if met.kind == t::STR { Ok(()) } else { Err(expected("a str", met)) }
}

/// The product of two words, its halves folded together.
fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

impl Checker<'_, '_> {
    fn mix(&self, print: &mut [u64; 2], word: u64) {
        print[0] = fold(print[0].rotate_left(29) ^ word ^ self.keys[0], 0x9e37_79b9_7f4a_7c15).wrapping_add(print[1]);
        print[1] = fold(print[1].rotate_left(17) ^ word ^ self.keys[1], 0xd6e8_feb8_6659_fd93).wrapping_add(print[0]);
    }

    fn print_of(&self, kind: u8, bytes: &[u8]) -> [u64; 2] {
        let hash = |key: u64| {
            let mut hasher = FixedState::with_seed(key).build_hasher();
            hasher.write(bytes);
            hasher.finish()
        };
        let mut print = self.keys.map(hash);
        self.mix(&mut print, kind as u64);
        self.mix(&mut print, bytes.len() as u64);
        print
    }

    /// Numbers a frozen value, unless an equal one is there.
    fn intern(&mut self, kind: u8, info: u32, print: [u64; 2]) -> Result<Met, Rule> {
        let number = self.frozen.len();
        if number >= self.limits.0 {
            return Err(Rule::Counts("frozen values"));
        }
        let prints = &self.prints;
        if self.index.find(print[0], |&other| prints[other as usize] == print).is_some() {
            return Err(Rule::Repeated("value"));
        }
        self.prints.push(print);
        self.frozen.push(Kept { kind, info });
        let prints = &self.prints;
        self.index.insert_unique(print[0], number as u32, |&other| prints[other as usize][0]);
        Ok(Met { kind, info, space: FROZEN, number: number as u64 })
    }

    fn add_node(&mut self, node: Node, info: u32) -> Result<Met, Rule> {
        let kind = node.tag();
        let number = self.nodes.len();
        if number >= self.limits.1 {
            return Err(Rule::Counts("nodes"));
        }
        self.nodes.push(Kept { kind, info });
        Ok(Met { kind, info, space: NODE, number: number as u64 })
    }

    fn code_of(&self, number: u32) -> Option<&Code> {
        self.codes.get(number as usize)?.as_ref()
    }

    /// That a capture is what the code wants: a value, a cell, or a cell that may be written again.
    fn capture(&self, code: u32, index: usize, part: Met) -> Result<(), Rule> {
        match self.code_of(code) {
            Some(code) => held(part, code.free_holds(index)),
            None if rules::fits(part.kind, Holds::Cell) => Ok(()),
            None => value(part),
        }
    }

    fn capture_count(&self, code: u32, captures: usize) -> Result<(), Rule> {
        let Some(code) = self.code_of(code) else { return Ok(()) };
        let taken = code.body().free.len();
        if taken == captures { Ok(()) } else { Err(Rule::Captures { taken, found: captures as u64 }) }
    }

    /// That a function may belong to a type with so many fields.
    fn belongs(&self, code: u32, fields: usize) -> Result<(), Rule> {
        match self.code_of(code) {
            Some(code) if !code.uses_owner() => Err(Rule::Owner),
            Some(code) if !code.is_method() && !code.constructs(fields) => Err(Rule::Constructor),
            _ => Ok(()),
        }
    }

    fn type_part(&mut self, index: usize, part: Met) -> Result<(), Rule> {
        let Some(cursor) = self.types.last_mut() else { return Ok(()) };
        if index <= cursor.fields {
            text(part)?;
            if index > 0 {
                cursor.names.push(part.number);
            }
            return Ok(());
        }
        if cursor.captured < cursor.current.captures {
            cursor.captured += 1;
            let (code, captured) = (cursor.current.code as u32, cursor.captured - 1);
            return self.capture(code, captured, part);
        }
        text(part)?;
        cursor.names.push(part.number);
        if let Some(member) = cursor.members.next() {
            cursor.current = member;
            cursor.captured = 0;
        }
        Ok(())
    }

    fn type_end(&mut self) -> Result<u32, Rule> {
        let Some(mut cursor) = self.types.pop() else { return Ok(0) };
        cursor.names.sort_unstable();
        if cursor.names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Rule::Members);
        }
        if let Some(code) = self.code_of(cursor.constructor as u32)
            && !code.constructs(cursor.fields)
        {
            return Err(Rule::Constructor);
        }
        Ok(cursor.fields as u32)
    }

    /// That the fibers of stopped runs agree on who waits for whom, and that each run has an outermost one.
    fn check_runs(&self) -> Result<(), Rule> {
        let mut reached = 0;
        let of = |fiber: Option<u64>| fiber.and_then(|fiber| self.runs.get(&fiber));
        for (&number, &Neighbours { resumer, resumed }) in &self.runs {
            if resumer.is_some() && of(resumer).and_then(|other| other.resumed) != Some(number)
                || resumed.is_some() && of(resumed).and_then(|other| other.resumer) != Some(number)
            {
                return Err(Rule::Run);
            }
            if resumer.is_none() {
                let mut next = Some(number);
                while let Some(stopped) = of(next) {
                    reached += 1;
                    // Where all agree every fiber is in one row only, so the rows together are no longer than this.
                    if reached > self.runs.len() {
                        return Err(Rule::Run);
                    }
                    next = stopped.resumed;
                }
            }
        }
        // Those that were not reached wait for one another in a circle.
        if reached == self.runs.len() { Ok(()) } else { Err(Rule::Run) }
    }

    /// A frame's code, if it is there, and whether an instruction of it may be the one where the frame waits.
    fn frame_code(&self, function: Met, at: u64, pause: Pause, is_innermost: bool) -> Result<Option<Code>, Rule> {
        if !matches!(function.kind, t::CLOSURE | t::OWNED) {
            return Err(expected("a function", function));
        }
        let Some(code) = self.code_of(function.info) else { return Ok(None) };
        let words = &code.body().words;
        let op = usize::try_from(at).ok().and_then(|at| words.get(at)).and_then(|word| word.op());
        let fits = match (pause, op) {
            (Pause::Resume, None) => is_innermost && at == words.len() as u64,
            (Pause::Resume, Some(op)) if is_innermost => op.resumes(),
            (Pause::Yield, Some(op)) => op == Op::Yield,
            (_, op) => op.is_some(),
        };
        if fits { Ok(Some(code.clone())) } else { Err(Rule::Waiting { at }) }
    }
}

impl Checker<'_, '_> {
    /// That a register of a frame holds what the frame's code takes for granted.
    fn held_in_register(&mut self, register: u16, holds: Option<Holds>, content: Met) -> Result<(), Rule> {
        let begun = &mut self.fiber.iterator;
        match holds {
            Some(Holds::Iterator) => {
                begun.clear();
                begun.push(content.kind);
                Ok(())
            }
            Some(holds) => held(content, holds),
            // Behind the first register of an iterator, which is read with all three, stand the other two.
            None => {
                let follows = self.fiber.last.is_some_and(|(last, _)| last.checked_add(1) == Some(register));
                begun.push(content.kind);
                match begun[..] {
                    [_, _] if follows => Ok(()),
                    [first, second, third] if follows && rules::is_iterator([first, second, third]) => {
                        if second == t::PLACE && !iterate::is_in_graph(content.number as i64) {
                            return Err(Rule::Iterator);
                        }
                        begun.clear();
                        Ok(())
                    }
                    _ => Err(Rule::Iterator),
                }
            }
        }
    }
}

impl<'a> Sink<'a> for Checker<'a, '_> {
    type Ref = Met;
    type Open = Open;

    fn counts(&mut self, frozen: usize, nodes: usize) -> Result<(), Rule> {
        // Numbers are kept in 32 bits; an image with more would be larger than any machine.
        if frozen > u32::MAX as usize || nodes > u32::MAX as usize {
            return Err(Rule::Memory);
        }
        self.limits = (frozen, nodes);
        self.frozen.reserve_exact(frozen);
        self.prints.reserve_exact(frozen);
        self.index.reserve(frozen, |_| 0);
        self.nodes.reserve_exact(nodes);
        Ok(())
    }

    fn code(&mut self, hash: CodeHash) -> Result<(), Rule> {
        if !self.named.insert(hash) {
            return Err(Rule::Repeated("code"));
        }
        let code = self.source.map(|source| source(&hash));
        if let Some(None) = code {
            self.facts.missing.push(hash);
        }
        self.codes.push(code.flatten());
        self.facts.codes.push(hash);
        Ok(())
    }

    #[inline]
    fn immediate(&mut self, value: Slot) -> Result<Met, Rule> {
        Ok(Met { kind: rules::of_immediate(value.tag), info: 0, space: value.tag as u8, number: value.bits })
    }

    #[inline]
    fn frozen(&mut self, number: u64) -> Result<Met, Rule> {
        match usize::try_from(number).ok().and_then(|number| self.frozen.get(number)) {
            Some(kept) => Ok(Met { kind: kept.kind, info: kept.info, space: FROZEN, number }),
            None => Err(Rule::Nothing { what: "value", number }),
        }
    }

    #[inline]
    fn node(&mut self, number: u64) -> Result<Met, Rule> {
        match usize::try_from(number).ok().and_then(|number| self.nodes.get(number)) {
            Some(kept) => Ok(Met { kind: kept.kind, info: kept.info, space: NODE, number }),
            None => Err(Rule::Nothing { what: "node", number }),
        }
    }

    fn text(&mut self, text: &'a str) -> Result<Met, Rule> {
        self.facts.weight.text(text.len());
        let print = self.print_of(t::STR, text.as_bytes());
        self.intern(t::STR, 0, print)
    }

    fn bytes(&mut self, bytes: &'a [u8]) -> Result<Met, Rule> {
        self.facts.weight.text(bytes.len());
        let print = self.print_of(t::BYTES, bytes);
        self.intern(t::BYTES, 0, print)
    }

    fn range(&mut self, start: i64, end: i64, step: i64, inclusive: bool) -> Result<Met, Rule> {
        self.facts.weight.range();
        let mut print = [t::RANGE as u64; 2];
        for word in [start as u64, end as u64, step as u64, inclusive as u64] {
            self.mix(&mut print, word);
        }
        self.intern(t::RANGE, 0, print)
    }

    fn native(&mut self, name: &'a str) -> Result<Met, Rule> {
        self.facts.weight.native();
        self.facts.natives.push(name.into());
        let print = self.print_of(t::NATIVE, name.as_bytes());
        self.intern(t::NATIVE, 0, print)
    }

    fn new_node(&mut self, node: Node) -> Result<Met, Rule> {
        self.facts.weight.new_node(node);
        self.facts.cells += usize::from(matches!(node, Node::Cell | Node::Var));
        self.add_node(node, 0)
    }

    fn open(&mut self, shape: Shape<'a>) -> Result<Open, Rule> {
        let mut open = Open { kind: t::ERROR, code: 0, next: 0, parts: 0, print: [0; 2] };
        match shape {
            Shape::Tuple { parts } => {
                self.facts.weight.tuple();
                open.kind = t::TUPLE;
                self.mix(&mut open.print, parts as u64);
            }
            Shape::Closure { code, captures, owned } => {
                self.facts.weight.closure();
                self.facts.functions += 1;
                self.capture_count(code as u32, captures)?;
                open.kind = if owned { t::OWNED } else { t::CLOSURE };
                open.code = code as u32;
                if !owned && self.code_of(open.code).is_some_and(Code::uses_owner) {
                    return Err(Rule::Owner);
                }
                self.mix(&mut open.print, code as u64);
                self.mix(&mut open.print, captures as u64);
            }
            Shape::Type(shape) => {
                self.facts.weight.ty(shape.fields, shape.methods);
                open.kind = t::TYPE;
                self.mix(&mut open.print, shape.fields as u64);
                let mut first = None;
                for member in shape.members() {
                    self.capture_count(member.code as u32, member.captures)?;
                    let words = [member.instance as u64, member.code as u64, member.captures as u64];
                    words.into_iter().for_each(|word| self.mix(&mut open.print, word));
                    let is_constructor = first.is_none();
                    first.get_or_insert(member);
                    if let Some(code) = self.code_of(member.code as u32).filter(|_| !is_constructor)
                        && (!code.is_method() || member.instance && code.body().required == 0)
                    {
                        return Err(Rule::Method);
                    }
                }
                // Special methods are kept by their number in 16 bits.
                let Some(current) = first.filter(|_| shape.methods < u16::MAX as usize) else {
                    return Err(Rule::Members);
                };
                let mut members = shape.members();
                members.next();
                self.types.push(TypeCursor {
                    fields: shape.fields,
                    names: Vec::with_capacity(shape.fields + shape.methods),
                    constructor: current.code,
                    members,
                    current,
                    captured: 0,
                });
            }
            Shape::Error => self.facts.weight.error(),
            Shape::Host => {
                self.facts.weight.new_node(Node::Host);
                open.kind = t::HOST;
            }
            Shape::Instance => {
                self.facts.weight.new_node(Node::Instance);
                open.kind = t::INSTANCE;
            }
        }
        self.mix(&mut open.print, open.kind as u64);
        Ok(open)
    }

    fn part(&mut self, open: &mut Open, part: Met) -> Result<(), Rule> {
        self.facts.weight.slot();
        let index = open.next as usize;
        open.next += 1;
        match open.kind {
            t::TUPLE => value(part)?,
            t::CLOSURE => self.capture(open.code, index, part)?,
            t::OWNED if index == 0 => {
                if part.kind != t::TYPE {
                    return Err(expected("a declared type", part));
                }
                self.belongs(open.code, part.info as usize)?;
            }
            t::OWNED => self.capture(open.code, index - 1, part)?,
            t::TYPE => self.type_part(index, part)?,
            t::ERROR if index < 2 => text(part)?,
            t::ERROR => value(part)?,
            t::HOST if part.kind != t::NATIVE => return Err(expected("something the host provides", part)),
            t::HOST => {}
            t::INSTANCE => {
                if part.kind != t::TYPE {
                    return Err(expected("a declared type", part));
                }
                open.parts = part.info;
            }
            number => return Err(Rule::Unknown { what: "kind with parts", number }),
        }
        self.mix(&mut open.print, part.space as u64);
        self.mix(&mut open.print, part.number);
        Ok(())
    }

    fn close(&mut self, open: Open) -> Result<Met, Rule> {
        match open.kind {
            t::INSTANCE => self.add_node(Node::Instance, open.parts),
            t::HOST => self.add_node(Node::Host, 0),
            t::TYPE => {
                let fields = self.type_end()?;
                self.intern(t::TYPE, fields, open.print)
            }
            kind => self.intern(kind, open.code, open.print),
        }
    }

    fn kind_of(&self, node: usize) -> Option<(Node, usize)> {
        let kept = self.nodes.get(node)?;
        Some((Node::of(kept.kind)?, kept.info as usize))
    }

    fn one(&mut self, _: usize, content: Met) -> Result<(), Rule> {
        self.facts.weight.slot();
        held(content, Holds::Perhaps)
    }

    fn list(&mut self, _: usize, length: usize) -> Result<(), Rule> {
        self.list = Elements { length, ints: true, floats: true };
        Ok(())
    }

    #[inline]
    fn item(&mut self, item: Met) -> Result<(), Rule> {
        self.facts.weight.slot();
        self.list.ints &= item.kind == t::INT;
        self.list.floats &= item.kind == t::FLOAT;
        value(item)
    }

    fn list_end(&mut self, _: usize) -> Result<(), Rule> {
        let packed = self.list.length >= t::PACKED && (self.list.ints || self.list.floats);
        if packed { Err(Rule::Form("a list of numbers")) } else { Ok(()) }
    }

    fn packed(&mut self, _: usize, floats: bool, bits: &'a [[u8; 8]]) -> Result<(), Rule> {
        self.facts.weight.packed(bits.len());
        let is_odd = |bits: &[u8; 8]| {
            let bits = u64::from_le_bytes(*bits);
            t::float_bits(bits) != bits
        };
        if floats && bits.iter().any(is_odd) { Err(Rule::Form("a NaN")) } else { Ok(()) }
    }

    fn table(&mut self, node: usize, length: usize) -> Result<(), Rule> {
        let Ok(info) = u32::try_from(length) else { return Err(Rule::Memory) };
        self.nodes[node].info = info;
        match self.places.remove(&(node as u64)) {
            Some(least) if least > length as u64 => Err(Rule::Place),
            _ => Ok(()),
        }
    }

    fn entry(&mut self, _: usize, key: Met, filed: Option<Met>, content: Option<Met>) -> Result<(), Rule> {
        self.facts.weight.entry();
        self.facts.weight.slot();
        value(key)?;
        if let Some(filed) = filed {
            self.facts.weight.filed();
            if filed.kind != t::TUPLE {
                return Err(expected("a tuple", filed));
            }
        }
        match content {
            Some(content) => {
                self.facts.weight.slot();
                value(content)
            }
            None => Ok(()),
        }
    }

    fn field(&mut self, node: usize, _: usize, content: Met) -> Result<(), Rule> {
        self.facts.weight.slot();
        if self.nodes[node].kind == t::HOST && content.kind != t::BYTES {
            return Err(expected("bytes", content));
        }
        value(content)
    }

    fn fresh(&mut self, _: usize, function: Met) -> Result<(), Rule> {
        self.facts.weight.slot();
        value(function)
    }

    fn done(&mut self, _: usize) -> Result<(), Rule> {
        Ok(())
    }

    fn suspended(&mut self, node: usize, pause: Pause, frames: usize) -> Result<(), Rule> {
        if frames == 0 {
            return Err(Rule::Counts("frames"));
        }
        self.facts.weight.frame();
        self.fiber = Registers { pause, count: frames, node, base: 1, ..Registers::default() };
        Ok(())
    }

    fn frame(&mut self, function: Met, kind: u8, at: u64, registers: u64) -> Result<(), Rule> {
        self.facts.weight.frame();
        // The frame before waits for this one: its instruction must call, and says what becomes of the result.
        let wanted = match self.fiber.code.take() {
            _ if self.fiber.read == 0 => Some(Kind::Entry),
            Some(code) => {
                let word = usize::try_from(self.fiber.at).ok().and_then(|at| code.body().words.get(at));
                let wanted = word.and_then(|word| word.op()?.outcome()).map(Kind::of);
                Some(wanted.ok_or(Rule::Waiting { at: self.fiber.at })?)
            }
            None => None,
        };
        if wanted.map_or(!snapshot::is_result(kind), |wanted| wanted as u8 != kind) {
            return Err(Rule::Result);
        }
        self.fiber.read += 1;
        self.fiber.live = None;
        self.fiber.next = 0;
        self.fiber.last = None;
        self.fiber.iterator.clear();
        self.fiber.at = at;
        let pause = self.fiber.pause.innermost(self.fiber.read, self.fiber.count);
        if let Some(code) = self.frame_code(function, at, pause, self.fiber.read == self.fiber.count)? {
            let live = pause.live(&code, at as u32).unwrap_or_default();
            if live.len() as u64 != registers {
                return Err(Rule::Registers { needed: live.len(), found: registers });
            }
            self.fiber.top = self.fiber.top.max(self.fiber.base + code.body().registers as usize);
            self.fiber.base += live.last().map_or(0, |&last| last as usize + 1);
            let held = rules::held_in_frame(&code, at as u32, &live);
            self.fiber.live = Some(live.into_iter().zip(held).collect());
            self.fiber.code = Some(code);
        }
        Ok(())
    }

    fn register(&mut self, content: Met) -> Result<(), Rule> {
        let known = self.fiber.live.as_ref().and_then(|live| live.get(self.fiber.next)).copied();
        let register = known.map(|(register, _)| register);
        self.fiber.next += 1;
        if let Some((register, holds)) = known {
            self.held_in_register(register, holds, content)?;
        }
        if content.kind == t::PLACE && (register.is_some() || self.fiber.live.is_none()) {
            // The table stands in the register before.
            let table = self.fiber.last.filter(|(_, met)| matches!(met.kind, t::MAP | t::SET));
            let is_next = |last: u16| register.is_none_or(|register| last.checked_add(1) == Some(register));
            let Some((_, table)) = table.filter(|&(last, _)| is_next(last)) else { return Err(Rule::Place) };
            // Content is read in the order of numbers.
            if table.number > self.fiber.node as u64 {
                let least = self.places.entry(table.number).or_insert(0);
                *least = (*least).max(content.number);
            } else if content.number > table.info as u64 {
                return Err(Rule::Place);
            }
        }
        self.fiber.last = Some((register.unwrap_or(0), content));
        Ok(())
    }

    fn frame_end(&mut self) -> Result<(), Rule> {
        Ok(())
    }

    fn suspended_end(&mut self, _: usize) -> Result<(), Rule> {
        self.fiber.code = None;
        let registers = self.fiber.top + snapshot::MARGIN;
        self.facts.weight.registers(registers);
        self.facts.stacks.push(registers);
        Ok(())
    }

    fn neighbours(&mut self, node: usize, resumer: Met, resumed: Option<Met>) -> Result<(), Rule> {
        let fiber = |met: Met| if met.kind == t::FIBER { Ok(met.number) } else { Err(expected("a fiber", met)) };
        let resumer = if resumer.kind == t::NIL { None } else { Some(fiber(resumer)?) };
        self.facts.weight.run();
        let resumed = resumed.map(fiber).transpose()?;
        self.runs.insert(node as u64, Neighbours { resumer, resumed });
        Ok(())
    }
}
