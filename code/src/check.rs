//! The verifier: what must hold of a code object before anything may run, list or store it.
//!
//! It proves that every index is in bounds, that control stays inside the code object, that no register is read
//! before it is written, that a register holds a value, a cell or an iterator where the instruction table says so, and
//! that there is one way only to write the tables down. It knows no types of values.

mod assignment;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use crate::bytes::encode_body;
use crate::effects::{reads, target};
pub use crate::error::{CheckError, CheckErrorKind, MAX_DEPTH, MAX_ENTRIES, MAX_METHODS, MAX_REGISTERS};
use crate::facts::{Flow, Holdings};
use crate::flow::Budget;
use crate::hash::CodeHash;
use crate::holds::written;
use crate::object::{Body, CaptureSource, Checked, ClosureSite, Code, Constant, Debug, FreeKind, TypeSite};
use crate::op::{Op, Role, Word};
use crate::tables::{Use, for_each_use};

impl Code {
    /// Checks a body and computes its hash. The tables must be in canonical order; see [`Body::arrange`].
    ///
    /// # Errors
    /// The first rule that the code breaks, and where.
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

    /// Whether it may be the constructor of a type with so many fields: it has a parameter for each field, one place
    /// that makes the instance, and that place at the end.
    pub fn constructs(&self, fields: usize) -> bool {
        let body = self.body();
        let made = body.words.iter().filter(|word| word.op() == Some(Op::MakeInstance)).count();
        let [.., make, end] = body.words[..] else { return false };
        made == 1
            && make.op() == Some(Op::MakeInstance)
            && end == Word::abc(Op::Return, make.a(), 0, 0)
            && make.c() as usize == fields
            && body.params() as usize == fields
            && !body.rest
    }

    /// Whether it may be a method of a type: it makes no instance in the way of constructors.
    pub fn is_method(&self) -> bool {
        !self.checked.makes_instance
    }

    fn new(body: Body, hash: CodeHash, facts: Facts) -> Code {
        let Facts { uses_owner, makes_instance, depth, written } = facts;
        let (liveness, holdings) = (OnceLock::new(), OnceLock::new());
        let checked = Checked { hash, body, uses_owner, makes_instance, depth, written, liveness, holdings };
        Code { checked: Arc::new(checked), debug: None }
    }
}

/// What the checker learns on its way and code objects keep.
struct Facts {
    uses_owner: bool,
    makes_instance: bool,
    depth: u16,
    written: Box<[bool]>,
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
        let flow = self.assignment(flow)?;
        Holdings::prove(self.body, flow, &mut Budget::of(self.body))?;
        self.facts()
    }

    /// Everything can be numbered as its newtype or operand numbers it.
    fn sizes(&self) -> Result<()> {
        let body = self.body;
        if body.words.is_empty() {
            return fail(CheckErrorKind::Empty);
        }
        if body.types.iter().any(|site| site.methods.len() > MAX_METHODS) {
            return fail(CheckErrorKind::TooLarge("methods"));
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
            if count > MAX_ENTRIES {
                return fail(CheckErrorKind::TooLarge(what));
            }
        }
        if body.free.len() > u16::MAX as usize {
            return fail(CheckErrorKind::TooLarge("free variables"));
        }
        if body.registers > MAX_REGISTERS {
            return fail(CheckErrorKind::TooLarge("registers"));
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
            used |= field.bits();
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
            Role::Const | Role::Name | Role::Native => Some(body.constants.len()),
            Role::FreeValue | Role::FreeCell => Some(body.free.len()),
            Role::ClosureSite => Some(body.closures.len()),
            Role::TypeSite => Some(body.types.len()),
            _ => None,
        };
        if length.is_some_and(|length| value as usize >= length) {
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
                CaptureSource::Register(register) => register < body.registers,
                CaptureSource::Free(free) => body.free.get(free as usize) == Some(&kind),
                CaptureSource::Running | CaptureSource::Owner => kind == FreeKind::Value,
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
        if !constructor.constructs(site.fields.len()) {
            return fail_at(pc, CheckErrorKind::Constructor);
        }
        for (index, method) in site.methods.iter().enumerate() {
            self.closure_site(pc, &method.closure)?;
            let code = &self.body.children[method.closure.child as usize];
            if !code.is_method() {
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
        if body.words[last].op().is_some_and(Op::falls_through) {
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
            if word.op().is_some_and(Op::falls_through) {
                visit(index as usize + 1, &mut to_visit);
            }
            if let Some(target) = target(word) {
                visit(flow.block_at(target), &mut to_visit);
            }
            for handler in block.handlers(body) {
                visit(flow.block_at(handler.target), &mut to_visit);
                // A tail call ends its block.
                if word.op().is_some_and(Op::is_tail_call) {
                    return fail_at(block.end - 1, CheckErrorKind::TailInHandler);
                }
            }
        }
        match reached.iter().position(|reached| !reached) {
            Some(index) => fail_at(flow.blocks[index].start, CheckErrorKind::Unreachable),
            None => Ok(()),
        }
    }

    /// What the makers of this code must know about it.
    fn facts(&self) -> Result<Facts> {
        let body = self.body;
        let depth = 1 + body.children.iter().map(|child| child.checked.depth).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            return fail(CheckErrorKind::TooDeep);
        }
        let has = |wanted: fn(Op) -> bool| body.words.iter().any(|word| word.op().is_some_and(wanted));
        let makes_instance = has(|op| op == Op::MakeInstance);
        let sites = body.types.iter().flat_map(|site| {
            std::iter::once(&site.constructor).chain(site.methods.iter().map(|method| &method.closure))
        });
        let takes_owner = sites.chain(&body.closures).any(|site| site.sources.contains(&CaptureSource::Owner));
        let uses_owner = takes_owner || has(Op::needs_owner);
        Ok(Facts { uses_owner, makes_instance, depth, written: written(body) })
    }
}

/// Whether two entries are equal. Sorting takes less room than a hash set, and no luck.
fn repeats<T: Ord>(entries: impl Iterator<Item = T>) -> bool {
    let mut entries: Vec<T> = entries.collect();
    entries.sort_unstable();
    entries.windows(2).any(|pair| pair[0] == pair[1])
}
