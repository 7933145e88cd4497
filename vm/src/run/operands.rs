//! Asserts, in builds with debug assertions, what instructions take for granted: that operands are in bounds, and that
//! registers, free variables and constants hold what the instruction table says. Tests and fuzzing run those: what the
//! checkers let through and the preparation gets wrong is seen here before it does harm.

use quipu_code::effects::reads;
use quipu_code::{CaptureSource, ClosureSite, Field, FreeKind, Holds, Op, Role, Word};

use super::dispatch::{Operand, Shape, like, number, portable_operands, prepared_operands, shape};
use super::prepare::FAR;
use crate::graph::rules;
use crate::heap::frame::Frame;
use crate::heap::layout::{ClosureObject, StrObject, TypeObject, flag};
use crate::heap::prepared::{Cache, Prepared};
use crate::heap::{Slot, tag};
use crate::machine::Machine;

/// Asserts it for the instruction at `pc`.
///
/// # Safety
/// As for handlers, but operands: the machine, the frame and its closure are valid.
pub(super) unsafe fn assert_operands(vm: *const Machine, pc: *const u64, base: *const Slot, fp: *const Frame) {
    // SAFETY: the caller's word; positions are compared with what they should lie in before they are used.
    unsafe {
        let closure = (*fp).closure;
        let prepared = &*(*closure).code;
        if !prepared.has_word(pc) {
            let word = *pc;
            let own = [number::FirstCall, Op::Return as u8];
            assert!(own.contains(&(word as u8)), "position outside of the code: {:x}", word as u8);
            return;
        }
        let state = &(*(*vm).fiber).state;
        assert!(state.frames.as_ptr_range().contains(&fp), "the frame is not one of the running fiber");
        let stack = state.stack.as_ptr_range();
        assert!(stack.contains(&base) && base.add(prepared.registers()) <= stack.end, "registers outside of the stack");
        let captures = std::slice::from_raw_parts(closure.add(1).cast::<Slot>(), prepared.captures());
        let registers = std::slice::from_raw_parts(base, prepared.registers());
        Instruction { prepared, closure, captures, registers, pc, word: portable_operands(*pc) }.assert();
    }
}

struct Instruction<'p> {
    prepared: &'p Prepared,
    closure: *const ClosureObject,
    captures: &'p [Slot],
    registers: &'p [Slot],
    pc: *const u64,
    /// Its word with registers by number.
    word: Word,
}

impl Instruction<'_> {
    fn assert(&self) {
        let word = self.word;
        // SAFETY: the position was found to be in the code.
        assert_eq!(prepared_operands(word.0), unsafe { *self.pc }, "a register operand is not doubled");
        let Some(op) = like(word.op_byte()) else { panic!("no instruction: {word:?}") };
        let is_portable = word.op().is_some();
        for &(field, role) in op.operands() {
            // Other operands of prepared instructions mean other things.
            let is_same = is_portable || matches!(role, Role::Name | Role::Native | Role::FreeCell);
            if is_same || reads(word, role).is_some() || matches!(role, Role::Out | Role::IterOut) {
                self.assert_operand(op, field, role);
            }
        }
        if op == Op::MakeInstance {
            self.assert_owner(word.c() as usize);
        }
        match shape(word.op_byte()) {
            Some(Shape::With(_, operand, _) | Shape::WithTested(_, operand, _)) => match operand {
                Operand::Int => {}
                Operand::Positive => assert!(word.c() as i16 > 0, "{word:?}"),
                Operand::Float => assert_eq!(self.constant(word.c() as isize).tag, tag::FLOAT, "{word:?}"),
                Operand::Text => assert_eq!(self.constant(word.c() as isize).tag, tag::STR, "{word:?}"),
            },
            Some(Shape::Sum(_)) => self.assert_held(self.captures[word.x() as usize], Holds::Var),
            _ => {}
        }
        // Of a fused instruction the last part says what comes next.
        let is_one = is_portable || matches!(shape(word.op_byte()), Some(Shape::Far(_)));
        assert!(is_one && !op.falls_through() || self.has(1), "the code ends behind {word:?}");
    }

    fn assert_operand(&self, op: Op, field: Field, role: Role) {
        let word = self.word;
        let value = word.field(field) as usize;
        let body = self.prepared.code().body();
        if let Some(count) = reads(word, role) {
            let read = self.registers.get(value..value + count as usize);
            let Some(read) = read else { panic!("no such registers: {word:?}") };
            match op.holds(field) {
                Holds::Iterator => self.assert_iterator(read),
                holds => read.iter().for_each(|&slot| self.assert_held(slot, holds)),
            }
            return;
        }
        match role {
            Role::Out => assert!(value < self.registers.len(), "no such register: {word:?}"),
            Role::IterOut => assert!(value + 3 <= self.registers.len(), "no such registers: {word:?}"),
            Role::Const | Role::Native => drop(self.constant(word.x() as i32 as isize)),
            Role::Name => self.assert_cache(),
            Role::FreeValue => self.assert_held(self.captures[value], Holds::Value),
            Role::FreeCell => self.assert_held(self.captures[value], op.holds(field)),
            Role::ClosureSite => {
                let (site, prepared) = (&body.closures[value], &self.prepared.sites[value]);
                assert_eq!(site.sources.len(), prepared.count, "{word:?}");
                self.assert_sources(site);
            }
            Role::TypeSite => {
                let site = &body.types[value];
                self.assert_sources(&site.constructor);
                site.methods.iter().for_each(|method| self.assert_sources(&method.closure));
            }
            Role::Forward | Role::Back => {
                assert!(self.has(1 + word.x() as i32 as isize), "a jump out of the code: {word:?}");
            }
            Role::Flag => assert!(value <= 1, "no flag: {word:?}"),
            _ => {}
        }
    }

    fn assert_held(&self, slot: Slot, holds: Holds) {
        let fits = rules::fits(rules::kind_of(slot), holds);
        assert!(fits, "a {} where {holds:?} is taken for granted: {:?}", slot.type_name(), self.word);
    }

    fn assert_iterator(&self, registers: &[Slot]) {
        let kinds = [0, 1, 2].map(|at| rules::kind_of(registers[at]));
        assert!(rules::is_iterator(kinds), "no iterator but {kinds:?}: {:?}", self.word);
    }

    /// What a closure is made of is what its code takes for granted.
    fn assert_sources(&self, site: &ClosureSite) {
        let (word, body) = (self.word, self.prepared.code().body());
        let child = &body.children[site.child as usize];
        assert_eq!(child.body().free.len(), site.sources.len(), "{word:?}");
        for (index, (&source, &kind)) in site.sources.iter().zip(&child.body().free).enumerate() {
            match source {
                CaptureSource::Register(register) => {
                    self.assert_held(self.registers[register as usize], child.free_holds(index));
                }
                CaptureSource::Free(free) => self.assert_held(self.captures[free as usize], child.free_holds(index)),
                CaptureSource::Running | CaptureSource::Owner => assert_eq!(kind, FreeKind::Value, "{word:?}"),
            }
        }
    }

    /// The running function belongs to a type with so many fields.
    fn assert_owner(&self, fields: usize) {
        // SAFETY: the running closure is live; one that is owned has its type behind its captures.
        unsafe {
            if (*self.closure).header.flags & flag::OWNED != 0 {
                let owner = *self.closure.add(1).cast::<Slot>().add(self.captures.len());
                assert_eq!(owner.tag, tag::TYPE, "{:?}", self.word);
                let data = &(*(owner.bits as *const TypeObject)).data;
                assert_eq!(data.fields.len(), fields, "{:?}", self.word);
            }
        }
    }

    fn assert_cache(&self) {
        let word = self.word;
        let (first, count) = self.prepared.caches.get();
        let cache = if word.c() == FAR {
            let index = self.prepared.index_before(self.pc.wrapping_offset(1));
            self.prepared.far_cache(index).unwrap_or_else(|| panic!("no cache: {word:?}"))
        } else {
            let at = self.behind(word.c() as isize);
            let distance = at.wrapping_sub(first as usize);
            assert!(at >= first as usize && distance < count * size_of::<Cache>(), "no cache: {word:?}");
            assert!(distance.is_multiple_of(size_of::<Cache>()), "between caches: {word:?}");
            at as *mut Cache
        };
        // SAFETY: it is one of the code's caches, whose names are constants of the code.
        let kind = unsafe { (*((*cache).name as *const StrObject)).header.kind };
        assert_eq!(kind as u64, tag::STR, "the name is no string: {word:?}");
    }

    /// The constant at a distance.
    fn constant(&self, distance: isize) -> Slot {
        let pool = self.prepared.constants().as_ptr_range();
        let at = self.behind(distance);
        let (pool, word) = (pool.start as usize..pool.end as usize, self.word);
        assert!(pool.contains(&at), "no such constant: {word:?}");
        assert!((at - pool.start).is_multiple_of(size_of::<Slot>()), "between constants: {word:?}");
        self.prepared.constants()[(at - pool.start) / size_of::<Slot>()]
    }

    /// The address so many words behind the position that handlers are given.
    fn behind(&self, words: isize) -> usize {
        self.pc.wrapping_offset(1 + words) as usize
    }

    /// Whether there is an instruction so far behind this one.
    fn has(&self, words: isize) -> bool {
        self.prepared.has_word(self.pc.wrapping_offset(words))
    }
}
