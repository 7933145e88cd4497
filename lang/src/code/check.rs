//! The verifier: what must hold of a code object before anything may run, list or store it.
//!
//! It proves that every index is in bounds, that control stays inside the code object, that no register is read
//! before it is written, and that there is one way only to write the tables down. It knows no types of values: whether
//! a register holds a cell where a cell is wanted is found out at run time.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::bytes::encode_body;
use super::effects::{falls_through, for_each_read, for_each_write, is_tail_call, lost_from, reads, target};
use super::flow::{Block, Budget, Flow, first_missing, insert, remove, set_words};
use super::liveness::Liveness;
use super::object::{Body, Checked, ClosureSite, Code, CodeHash, Constant, Debug, FreeKind, Handler, Source, TypeSite};
use super::op::{Field, Op, Role, Word};
use super::tables::{Use, for_each_use};

/// Most levels of code objects inside one another, so that passes over them may recurse.
pub const MAX_DEPTH: u16 = 255;

/// Why a body is not a code object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckError {
    /// The rule that is broken.
    pub kind: CheckErrorKind,
    /// The instruction that breaks it, where it is one.
    pub pc: Option<u32>,
}

/// The rules of the verifier, as they are broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckErrorKind {
    /// There are no instructions.
    Empty,
    /// There are more of something than can be numbered.
    TooLarge(&'static str),
    /// Code objects are nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// There are too many registers and branches together for the checker to follow.
    TooComplex,
    /// The parameters do not fit the registers.
    Parameters,
    /// No instruction has this number.
    UnknownOp(u8),
    /// Bits outside the instruction's operands are set.
    UnusedBits,
    /// A flag is neither 0 nor 1.
    Flag(u32),
    /// Not all of so many registers from the first one on exist.
    Registers {
        /// The first register.
        first: u32,
        /// Their number.
        count: u32,
    },
    /// An operand names an entry that does not exist.
    Index {
        /// What the operand is.
        role: Role,
        /// What it says.
        index: u32,
    },
    /// A name is not a string constant.
    NotText(u32),
    /// The free variable is a cell where a value is wanted, or the other way round.
    FreeKind(u32),
    /// A jump goes outside, or in the wrong direction.
    Jump(u32),
    /// Control would run past the last instruction.
    RunsOff,
    /// No path leads here.
    Unreachable,
    /// A handler's range is empty or outside, or its target is not behind it.
    HandlerRange(u32),
    /// Handlers overlap, repeat or are out of order.
    HandlerOrder(u32),
    /// A tail call stands under a handler, which would be gone when the callee throws.
    TailInHandler,
    /// A register is read that some path leaves unwritten.
    Unassigned(u32),
    /// A table is not in order of first use.
    Order(&'static str),
    /// An entry of a table is there twice.
    Repeated(&'static str),
    /// An entry of a table is never used.
    Unused(&'static str),
    /// The sources are not as many as the child's free variables.
    SourceCount,
    /// A source does not exist or is not of the kind that the child's free variable has.
    Source(u32),
    /// An ordinary closure refers to the type it belongs to, and belongs to none.
    OwnerWithoutType,
    /// A constructor does not take its fields and end in making the instance.
    Constructor,
    /// A method makes an instance in the way that only constructors may.
    MethodConstructs(u32),
    /// An instance method has no parameter for `self`.
    MethodWithoutSelf(u32),
    /// Two members of a type have one name.
    Member(u32),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pc) = self.pc {
            write!(f, "instruction {pc}: ")?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for CheckErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            CheckErrorKind::Empty => write!(f, "there are no instructions"),
            CheckErrorKind::TooLarge(what) => write!(f, "too many {what} in one function"),
            CheckErrorKind::TooDeep => write!(f, "functions are nested more than {MAX_DEPTH} deep"),
            CheckErrorKind::TooComplex => write!(f, "too many registers and branches in one function"),
            CheckErrorKind::Parameters => write!(f, "the parameters need more registers than there are"),
            CheckErrorKind::UnknownOp(number) => write!(f, "no instruction has the number {number:#04x}"),
            CheckErrorKind::UnusedBits => write!(f, "an operand that the instruction does not have is not zero"),
            CheckErrorKind::Flag(value) => write!(f, "a flag must be 0 or 1, not {value}"),
            CheckErrorKind::Registers { first, count: 1 } => write!(f, "there is no register {first}"),
            CheckErrorKind::Registers { first, count } => {
                write!(f, "there are no {count} registers from register {first} on")
            }
            CheckErrorKind::Index { role, index } => write!(f, "there is no {} {index}", table(role)),
            CheckErrorKind::NotText(index) => write!(f, "constant {index} is used as a name and is not a string"),
            CheckErrorKind::FreeKind(index) => {
                write!(f, "free variable {index} is a cell where a value is needed, or a value where a cell is")
            }
            CheckErrorKind::Jump(target) => write!(f, "the jump to {target} goes outside or the wrong way"),
            CheckErrorKind::RunsOff => write!(f, "control runs past the last instruction"),
            CheckErrorKind::Unreachable => write!(f, "no path leads here"),
            CheckErrorKind::HandlerRange(index) => {
                write!(f, "handler {index} covers nothing, reaches outside, or goes on inside or before its range")
            }
            CheckErrorKind::HandlerOrder(index) => {
                write!(f, "handler {index} overlaps or repeats another, or stands out of order")
            }
            CheckErrorKind::TailInHandler => write!(f, "a tail call stands under a handler"),
            CheckErrorKind::Unassigned(register) => {
                write!(f, "register {register} is read, and a path leads here that does not write it")
            }
            CheckErrorKind::Order(what) => write!(f, "the {what} are not in order of first use"),
            CheckErrorKind::Repeated(what) => write!(f, "two of the {what} are equal"),
            CheckErrorKind::Unused(what) => write!(f, "some of the {what} are never used"),
            CheckErrorKind::SourceCount => write!(f, "the function made here has another number of free variables"),
            CheckErrorKind::Source(index) => {
                write!(f, "the source of free variable {index} does not exist or is of the other kind")
            }
            CheckErrorKind::OwnerWithoutType => {
                write!(f, "the function made here refers to its type, but is no method of one")
            }
            CheckErrorKind::Constructor => {
                write!(f, "the type's constructor does not take its fields and end in making the instance")
            }
            CheckErrorKind::MethodConstructs(index) => {
                write!(f, "method {index} makes an instance without calling the constructor")
            }
            CheckErrorKind::MethodWithoutSelf(index) => write!(f, "method {index} has no parameter for self"),
            CheckErrorKind::Member(constant) => write!(f, "two members have the name in constant {constant}"),
        }
    }
}

impl std::error::Error for CheckError {}

/// What an operand with this role counts through.
fn table(role: Role) -> &'static str {
    match role {
        Role::Const | Role::Name | Role::Native => "constant",
        Role::FreeValue | Role::FreeCell => "free variable",
        Role::ClosureSite => "closure site",
        Role::TypeSite => "type site",
        _ => "entry",
    }
}

impl Code {
    /// Checks a body and computes its hash. The tables must be in canonical order; see [`Body::arrange`].
    pub fn check(body: Body, debug: Option<Debug>) -> Result<Code, CheckError> {
        let facts = Checker { body: &body }.run()?;
        let hash = CodeHash::of(&encode_body(&body));
        Ok(Code::new(body, hash, facts).with_debug(debug))
    }

    /// Checks a body whose canonical bytes are known to have this hash.
    pub(super) fn check_hashed(body: Body, hash: CodeHash) -> Result<Code, CheckError> {
        let facts = Checker { body: &body }.run()?;
        Ok(Code::new(body, hash, facts))
    }

    fn new(body: Body, hash: CodeHash, facts: Facts) -> Code {
        let Facts { uses_owner, instance_fields, depth } = facts;
        Code {
            checked: Arc::new(Checked { hash, body, uses_owner, instance_fields, depth, liveness: OnceLock::new() }),
            debug: None,
        }
    }
}

/// What the checker learns on its way and code objects keep.
struct Facts {
    uses_owner: bool,
    instance_fields: Option<u16>,
    depth: u16,
}

struct Checker<'a> {
    body: &'a Body,
}

type Result<T, E = CheckError> = std::result::Result<T, E>;

fn fail<T>(kind: CheckErrorKind) -> Result<T> {
    Err(CheckError { kind, pc: None })
}

fn fail_at<T>(pc: u32, kind: CheckErrorKind) -> Result<T> {
    Err(CheckError { kind, pc: Some(pc) })
}

impl Checker<'_> {
    fn run(&self) -> Result<Facts> {
        self.sizes()?;
        for (pc, &word) in self.body.words.iter().enumerate() {
            self.word(pc as u32, word)?;
        }
        self.sites()?;
        self.tables()?;
        self.handlers()?;
        let flow = Flow::of(self.body);
        self.paths(&flow)?;
        self.assignment(flow)?;
        self.facts()
    }

    /// Everything can be numbered as its newtype or operand numbers it.
    fn sizes(&self) -> Result<()> {
        let body = self.body;
        if body.words.is_empty() {
            return fail(CheckErrorKind::Empty);
        }
        let counts = [
            (body.words.len(), "instructions"),
            (body.constants.len(), "constants"),
            (body.children.len(), "functions"),
            (body.closures.len(), "closures"),
            (body.types.len(), "types"),
            (body.handlers.len(), "handlers"),
        ];
        for (count, what) in counts {
            if count >= u32::MAX as usize {
                return fail(CheckErrorKind::TooLarge(what));
            }
        }
        if body.free.len() > u16::MAX as usize {
            return fail(CheckErrorKind::TooLarge("free variables"));
        }
        if body.params() > body.registers {
            return fail(CheckErrorKind::Parameters);
        }
        Ok(())
    }

    /// One instruction by itself: its number, its operands, and no bit more.
    fn word(&self, pc: u32, word: Word) -> Result<()> {
        let Some(op) = word.op() else { return fail_at(pc, CheckErrorKind::UnknownOp(word.op_byte())) };
        let mut used = 0xff;
        for &(field, role) in op.operands() {
            used |= bits(field);
            self.operand(pc, word, role, word.field(field))?;
        }
        if word.0 & !used != 0 {
            return fail_at(pc, CheckErrorKind::UnusedBits);
        }
        Ok(())
    }

    fn operand(&self, pc: u32, word: Word, role: Role, value: u32) -> Result<()> {
        let body = self.body;
        let registers = match role {
            Role::Out => Some(1),
            Role::IterOut => Some(3),
            _ => reads(word, role),
        };
        if let Some(count) = registers {
            return self.registers(value, count).map_err(|kind| CheckError { kind, pc: Some(pc) });
        }
        let length = match role {
            Role::Const | Role::Name | Role::Native => body.constants.len(),
            Role::FreeValue | Role::FreeCell => body.free.len(),
            Role::ClosureSite => body.closures.len(),
            Role::TypeSite => body.types.len(),
            _ => usize::MAX,
        };
        if value as usize >= length {
            return fail_at(pc, CheckErrorKind::Index { role, index: value });
        }
        let broken = match role {
            Role::Name | Role::Native if !self.is_text(value) => CheckErrorKind::NotText(value),
            Role::FreeValue if body.free[value as usize] != FreeKind::Value => CheckErrorKind::FreeKind(value),
            Role::FreeCell if body.free[value as usize] != FreeKind::Cell => CheckErrorKind::FreeKind(value),
            Role::Forward if value <= pc || value as usize >= body.words.len() => CheckErrorKind::Jump(value),
            Role::Back if value > pc => CheckErrorKind::Jump(value),
            Role::Flag if value > 1 => CheckErrorKind::Flag(value),
            _ => return Ok(()),
        };
        fail_at(pc, broken)
    }

    fn registers(&self, first: u32, count: u32) -> Result<(), CheckErrorKind> {
        if first + count > self.body.registers as u32 {
            return Err(CheckErrorKind::Registers { first, count });
        }
        Ok(())
    }

    fn is_text(&self, constant: u32) -> bool {
        matches!(self.body.constants.get(constant as usize), Some(Constant::Str(_)))
    }

    /// Every site is sound by itself, and belongs to the instruction of its number.
    fn sites(&self) -> Result<()> {
        let body = self.body;
        let (mut closures, mut types) = (0, 0);
        for (pc, &word) in body.words.iter().enumerate() {
            let pc = pc as u32;
            for &(field, role) in word.op().map_or(&[][..], Op::operands) {
                let index = word.field(field);
                match role {
                    Role::ClosureSite => {
                        if index != closures {
                            return fail_at(pc, CheckErrorKind::Order("closure sites"));
                        }
                        closures += 1;
                        let site = &body.closures[index as usize];
                        self.closure_site(pc, site)?;
                        if body.children[site.child as usize].uses_owner() {
                            return fail_at(pc, CheckErrorKind::OwnerWithoutType);
                        }
                    }
                    Role::TypeSite => {
                        if index != types {
                            return fail_at(pc, CheckErrorKind::Order("type sites"));
                        }
                        types += 1;
                        self.type_site(pc, &body.types[index as usize])?;
                    }
                    _ => {}
                }
            }
        }
        if closures as usize != body.closures.len() {
            return fail(CheckErrorKind::Unused("closure sites"));
        }
        if types as usize != body.types.len() {
            return fail(CheckErrorKind::Unused("type sites"));
        }
        Ok(())
    }

    fn closure_site(&self, pc: u32, site: &ClosureSite) -> Result<()> {
        let body = self.body;
        let Some(child) = body.children.get(site.child as usize) else {
            return fail_at(pc, CheckErrorKind::Index { role: Role::ClosureSite, index: site.child });
        };
        let kinds = &child.body().free;
        if kinds.len() != site.sources.len() {
            return fail_at(pc, CheckErrorKind::SourceCount);
        }
        for (index, (&source, &kind)) in site.sources.iter().zip(kinds).enumerate() {
            let sound = match source {
                Source::Register(register) => register < body.registers,
                Source::Free(free) => body.free.get(free as usize) == Some(&kind),
                Source::Running | Source::Owner => kind == FreeKind::Value,
            };
            if !sound {
                return fail_at(pc, CheckErrorKind::Source(index as u32));
            }
        }
        Ok(())
    }

    fn type_site(&self, pc: u32, site: &TypeSite) -> Result<()> {
        let mut members = HashSet::new();
        let methods = site.methods.iter().map(|method| method.name);
        for name in site.fields.iter().copied().chain(methods) {
            self.name(pc, name)?;
            if !members.insert(name) {
                return fail_at(pc, CheckErrorKind::Member(name));
            }
        }
        self.name(pc, site.name)?;
        self.closure_site(pc, &site.constructor)?;
        let constructor = &self.body.children[site.constructor.child as usize];
        if !constructs(constructor, site.fields.len()) {
            return fail_at(pc, CheckErrorKind::Constructor);
        }
        for (index, method) in site.methods.iter().enumerate() {
            self.closure_site(pc, &method.closure)?;
            let code = &self.body.children[method.closure.child as usize];
            if code.checked.instance_fields.is_some() {
                return fail_at(pc, CheckErrorKind::MethodConstructs(index as u32));
            }
            if method.instance && code.body().required == 0 {
                return fail_at(pc, CheckErrorKind::MethodWithoutSelf(index as u32));
            }
        }
        Ok(())
    }

    fn name(&self, pc: u32, constant: u32) -> Result<()> {
        if constant as usize >= self.body.constants.len() {
            return fail_at(pc, CheckErrorKind::Index { role: Role::Name, index: constant });
        }
        if !self.is_text(constant) {
            return fail_at(pc, CheckErrorKind::NotText(constant));
        }
        Ok(())
    }

    /// Constants and children stand in order of first use, each once and none for nothing.
    fn tables(&self) -> Result<()> {
        let body = self.body;
        let (mut constants, mut children) = (0, 0);
        for_each_use(body, |pc, mention| {
            let (index, seen, what) = match mention {
                Use::Constant(index) => (index, &mut constants, "constants"),
                Use::Child(index) => (index, &mut children, "functions"),
            };
            if index > *seen {
                return fail_at(pc, CheckErrorKind::Order(what));
            }
            *seen = (*seen).max(index + 1);
            Ok(())
        })?;
        if constants as usize != body.constants.len() {
            return fail(CheckErrorKind::Unused("constants"));
        }
        if children as usize != body.children.len() {
            return fail(CheckErrorKind::Unused("functions"));
        }
        if repeats(body.constants.iter()) {
            return fail(CheckErrorKind::Repeated("constants"));
        }
        if repeats(body.children.iter().map(Code::hash)) {
            return fail(CheckErrorKind::Repeated("functions"));
        }
        Ok(())
    }

    /// Handlers go forward, and nest, inner ones first.
    fn handlers(&self) -> Result<()> {
        let body = self.body;
        // Ranges passed so far that no later one covers yet, from left to right.
        let mut open: Vec<(u32, u32)> = Vec::new();
        for (index, handler) in body.handlers.iter().enumerate() {
            let broken = |kind: fn(u32) -> CheckErrorKind| fail(kind(index as u32));
            let (start, end) = (handler.start, handler.end);
            if start >= end || handler.target < end || handler.target as usize >= body.words.len() {
                return broken(CheckErrorKind::HandlerRange);
            }
            self.registers(handler.register as u32, 1).or_else(fail)?;
            let last = index.checked_sub(1).map(|last| body.handlers[last]);
            if last.is_some_and(|last| (last.end, u32::MAX - last.start) >= (end, u32::MAX - start)) {
                return broken(CheckErrorKind::HandlerOrder);
            }
            while open.last().is_some_and(|&(inner, _)| inner >= start) {
                open.pop();
            }
            if open.last().is_some_and(|&(_, left)| left > start) {
                return broken(CheckErrorKind::HandlerOrder);
            }
            open.push((start, end));
        }
        Ok(())
    }

    /// Every path ends, every instruction is on one, and no tail call stands under a handler.
    fn paths(&self, flow: &Flow) -> Result<()> {
        let body = self.body;
        let last = body.words.len() - 1;
        if body.words[last].op().is_some_and(falls_through) {
            return fail_at(last as u32, CheckErrorKind::RunsOff);
        }
        let mut reached = vec![false; flow.blocks.len()];
        let mut to_visit = Vec::new();
        let mut visit = |index: usize, to_visit: &mut Vec<u32>| {
            if !std::mem::replace(&mut reached[index], true) {
                to_visit.push(index as u32);
            }
        };
        visit(0, &mut to_visit);
        while let Some(index) = to_visit.pop() {
            let block = flow.blocks[index as usize];
            let Some(word) = block.last(body) else { continue };
            if word.op().is_some_and(falls_through) {
                visit(index as usize + 1, &mut to_visit);
            }
            if let Some(target) = target(word) {
                visit(flow.block_at(target), &mut to_visit);
            }
            if let Some(handler) = block.handler {
                visit(flow.block_at(body.handlers[handler as usize].target), &mut to_visit);
                // A tail call ends its block.
                if word.op().is_some_and(is_tail_call) {
                    return fail_at(block.end - 1, CheckErrorKind::TailInHandler);
                }
            }
        }
        match reached.iter().position(|reached| !reached) {
            Some(index) => fail_at(flow.blocks[index].start, CheckErrorKind::Unreachable),
            None => Ok(()),
        }
    }

    /// No register is read that some path leaves unwritten or lost.
    ///
    /// Each block has the set of registers that are written on every path to its start found so far. The blocks are
    /// gone through in order, and once more as long as a loop has changed its first block. Sets only shrink, so this
    /// ends; and after as many rounds as there are loops, at the latest.
    fn assignment(&self, flow: Flow) -> Result<()> {
        let body = self.body;
        let width = set_words(body.registers);
        // Memory follows the length of the code, however its maker chose the registers.
        if flow.blocks.len() * width > 4 * body.words.len() + (32 << 10) {
            return fail(CheckErrorKind::TooComplex);
        }
        let mut budget = Budget::of(body);
        let budget_of_round = budget.left();
        let mut cost_of_round = None;
        let mut loops: u64 = 0;

        let mut before = vec![u64::MAX; flow.blocks.len() * width];
        before[..width].fill(0);
        insert(&mut before[..width], 0..body.params() as u32);
        let mut now = vec![0; width];
        let mut again = true;
        while std::mem::take(&mut again) {
            loops = 0;
            for (index, block) in flow.blocks.iter().enumerate() {
                now.copy_from_slice(&before[index * width..][..width]);
                if let Some(handler) = block.handler {
                    let handler = body.handlers[handler as usize];
                    let to = flow.block_at(handler.target);
                    meet(&mut before[to * width..][..width], &self.caught(block, handler, now.clone()));
                    budget.spend((block.end - block.start) as usize * width / 8)?;
                }
                for pc in block.start..block.end {
                    budget.spend(self.step(pc, &mut now)?)?;
                }
                budget.spend(4 * width)?;
                let Some(word) = block.last(body) else { continue };
                if let Some(target) = target(word) {
                    let to = flow.block_at(target);
                    let changed = meet(&mut before[to * width..][..width], &now);
                    again |= changed && to <= index;
                    loops += (to <= index) as u64;
                }
                if word.op().is_some_and(falls_through) {
                    meet(&mut before[(index + 1) * width..][..width], &now);
                }
            }
            cost_of_round.get_or_insert(budget_of_round - budget.left());
        }

        // Liveness is asked for later, when it can no longer be refused. It goes through the code in rounds of about
        // the same cost; only where there are too many loops to be sure of their number is it tried out now.
        drop(before);
        let most_rounds = loops + 2;
        if most_rounds.saturating_mul(2 * cost_of_round.unwrap_or(0)) > Budget::of(body).left() {
            Liveness::of(body, flow, &mut Budget::of(body))?;
        }
        Ok(())
    }

    /// The registers that are written whichever instruction of the block throws: an error may come before the first
    /// write and after the last loss.
    fn caught(&self, block: &Block, handler: Handler, mut now: Vec<u64>) -> Vec<u64> {
        let words = &self.body.words[block.start as usize..block.end as usize];
        if let Some(first) = words.iter().filter_map(|&word| lost_from(word)).min() {
            remove(&mut now, first as u32..self.body.registers as u32);
        }
        insert(&mut now, handler.register as u32..handler.register as u32 + 1);
        now
    }

    /// Takes the set of written registers over one instruction; gives what that cost.
    fn step(&self, pc: u32, now: &mut [u64]) -> Result<usize> {
        let word = self.body.words[pc as usize];
        let mut missing = None;
        let mut cost = 1;
        for_each_read(self.body, word, |range| {
            cost += 1 + range.len() / 64;
            missing = missing.or_else(|| first_missing(now, range));
        });
        if let Some(register) = missing {
            return fail_at(pc, CheckErrorKind::Unassigned(register));
        }
        if let Some(first) = lost_from(word) {
            cost += (self.body.registers - first) as usize / 64;
            remove(now, first as u32..self.body.registers as u32);
        }
        for_each_write(word, |range| insert(now, range));
        Ok(cost)
    }

    /// What the makers of this code must know about it.
    fn facts(&self) -> Result<Facts> {
        let body = self.body;
        let depth = 1 + body.children.iter().map(|child| child.checked.depth).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            return fail(CheckErrorKind::TooDeep);
        }
        let makes = |op: Op| body.words.iter().filter(move |word| word.op() == Some(op));
        let instance_fields = makes(Op::MakeInstance).map(|word| word.c()).next();
        let sites = body.types.iter().flat_map(|site| {
            std::iter::once(&site.constructor).chain(site.methods.iter().map(|method| &method.closure))
        });
        let takes_owner = sites.chain(&body.closures).any(|site| site.sources.contains(&Source::Owner));
        let uses_owner = takes_owner || instance_fields.is_some() || makes(Op::GetOwner).next().is_some();
        Ok(Facts { uses_owner, instance_fields, depth })
    }
}

/// The bits of a word that a field takes.
const fn bits(field: Field) -> u64 {
    match field {
        Field::A => 0xffff << 16,
        Field::B => 0xffff << 32,
        Field::C => 0xffff << 48,
        Field::D => 0xff << 8,
        Field::X => 0xffff_ffff << 32,
    }
}

/// Whether two entries are equal. Sorting takes less room than a hash set, and no luck.
fn repeats<T: Ord>(entries: impl Iterator<Item = T>) -> bool {
    let mut entries: Vec<T> = entries.collect();
    entries.sort_unstable();
    entries.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether the code is a constructor of instances with so many fields: a parameter for each field, one place that
/// makes the instance, and that place at the end.
fn constructs(code: &Code, fields: usize) -> bool {
    let body = code.body();
    let made = body.words.iter().filter(|word| word.op() == Some(Op::MakeInstance)).count();
    let [.., make, end] = body.words[..] else { return false };
    made == 1
        && make.op() == Some(Op::MakeInstance)
        && end == Word::abc(Op::Return, make.a(), 0, 0)
        && make.c() as usize == fields
        && body.params() as usize == fields
        && !body.rest
}

/// Leaves in a set what is in the other one too; tells whether that was less.
fn meet(known: &mut [u64], now: &[u64]) -> bool {
    let mut changed = false;
    for (known, &now) in known.iter_mut().zip(now) {
        changed |= *known & !now != 0;
        *known &= now;
    }
    changed
}
