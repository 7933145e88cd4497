//! Asserts that operands are in bounds when an instruction runs, in builds with debug assertions. Tests and fuzzing run
//! those: what the checker lets through and the preparation gets wrong is seen here before it does harm.

use quipu_lang::code::effects::falls_through;
use quipu_lang::code::{Field, FreeKind, Op, Role, Source, Word};

use super::dispatch::{number, portable_operands, prepared_operands, registers_of_number};
use super::frame::Frame;
use super::machine::Machine;
use super::prepare::{Cache, Prepared};
use crate::heap::{Slot, tag};

/// Asserts it for the instruction at `pc`.
///
/// # Safety
/// As for handlers, but operands: the machine, the frame and its closure are valid.
pub(super) unsafe fn assert_operands(vm: *const Machine, pc: *const u64, base: *const Slot, fp: *const Frame) {
    // SAFETY: the caller's word; positions are compared with what they should lie in before they are used.
    unsafe {
        let prepared = &*(*(*fp).closure).code;
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
        let captures = std::slice::from_raw_parts((*fp).closure.add(1).cast::<Slot>(), prepared.captures());
        Instruction { prepared, captures, pc, word: *pc }.assert();
    }
}

struct Instruction<'p> {
    prepared: &'p Prepared,
    captures: &'p [Slot],
    pc: *const u64,
    word: u64,
}

impl Instruction<'_> {
    fn assert(&self) {
        let word = portable_operands(self.word);
        assert_eq!(prepared_operands(word.0), self.word, "a register operand is not doubled");
        match word.op() {
            Some(op) => {
                op.operands().iter().for_each(|&(field, role)| self.assert_operand(word, field, role));
                assert!(!falls_through(op) || self.has(1), "the code ends behind {word:?}");
            }
            None => self.assert_prepared(word),
        }
    }

    fn assert_operand(&self, word: Word, field: Field, role: Role) {
        let value = word.field(field) as usize;
        let registers = |count: usize| {
            assert!(value + count <= self.prepared.registers(), "no such register: {word:?}");
        };
        let body = self.prepared.code().body();
        match role {
            Role::Out | Role::In | Role::InOut => registers(1),
            Role::Window => registers(1 + word.d() as usize),
            Role::WindowList | Role::Two => registers(2),
            Role::Many => registers(word.c() as usize),
            Role::Pairs => registers(2 * word.c() as usize),
            Role::Iter | Role::IterOut => registers(3),
            Role::Const | Role::Native => self.assert_constant(word.x() as i32 as isize),
            Role::Name => {
                let (first, count) = self.prepared.caches.get();
                let at = self.behind(word.c() as isize);
                let distance = at.wrapping_sub(first as usize);
                assert!(at >= first as usize && distance < count * size_of::<Cache>(), "no cache: {word:?}");
                assert!(distance.is_multiple_of(size_of::<Cache>()), "between caches: {word:?}");
            }
            Role::FreeValue => assert_ne!(self.captures[value].tag, tag::CELL, "a cell: {word:?}"),
            Role::FreeCell => assert_eq!(self.captures[value].tag, tag::CELL, "no cell: {word:?}"),
            Role::ClosureSite => {
                let (site, prepared) = (&body.closures[value], &self.prepared.sites[value]);
                assert_eq!(site.sources.len(), prepared.count, "{word:?}");
                let free = &body.children[site.child as usize].body().free;
                assert_eq!(free.len(), site.sources.len(), "{word:?}");
                for (&source, &kind) in site.sources.iter().zip(free) {
                    match source {
                        Source::Register(register) => {
                            assert!((register as usize) < self.prepared.registers(), "no such register: {word:?}");
                        }
                        Source::Free(index) => assert_eq!(body.free[index as usize], kind, "{word:?}"),
                        Source::Running | Source::Owner => assert_eq!(kind, FreeKind::Value, "{word:?}"),
                    }
                }
            }
            Role::TypeSite => assert!(value < body.types.len(), "no such type: {word:?}"),
            Role::Forward | Role::Back => {
                assert!(self.has(1 + word.x() as i32 as isize), "a jump out of the code: {word:?}");
            }
            Role::Flag => assert!(value <= 1, "no flag: {word:?}"),
            Role::Imm | Role::Count | Role::None => {}
        }
    }

    /// One that code objects do not have. The words behind it are the portable ones that it stands for.
    fn assert_prepared(&self, word: Word) {
        let numbers = registers_of_number(word.op_byte());
        for (field, bits) in [(Field::A, 16), (Field::B, 32), (Field::C, 48)] {
            if numbers >> bits & 0xffff != 0 {
                self.assert_operand(word, field, Role::In);
            }
        }
        match word.op_byte() {
            number::MissingNative => self.assert_constant(word.x() as i32 as isize),
            number::AddConst..=number::NeTextJumpNot => self.assert_constant(word.c() as isize),
            number::AddFreeCell => self.assert_operand(word, Field::X, Role::FreeCell),
            number::NextLoop => self.assert_operand(word, Field::B, Role::Iter),
            number::CallMethodFar..=number::GetFieldSafeFar => {
                let index = self.prepared.index_before(self.pc.wrapping_offset(1));
                assert!(self.prepared.far_cache(index).is_some(), "no cache: {word:?}");
            }
            _ => {}
        }
        assert!(self.has(1), "the code ends behind {word:?}");
    }

    fn assert_constant(&self, distance: isize) {
        let pool = self.prepared.constants().as_ptr_range();
        let at = self.behind(distance);
        assert!((pool.start as usize..pool.end as usize).contains(&at), "no such constant: {:x}", self.word);
        assert!((at - pool.start as usize).is_multiple_of(size_of::<Slot>()), "between constants: {:x}", self.word);
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
