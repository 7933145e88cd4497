//! The instructions of the function that is being compiled: words, jumps and positions.
//!
//! Instructions that could never run are not written: after a jump or return the builder is silent until something
//! jumps to where it stands.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use quipu_code::span::Span;
use quipu_code::{CaptureSource, ClosureSite, Code, CodeHash, Handler, Local, Op, OwnDebug, Position, TypeSite, Word};

use super::constants::Constants;
use super::defer::Deferred;
use super::register::Registers;
use crate::resolve::FunctionId;

/// No jump leads to a label.
const NO_JUMP: u32 = u32::MAX;

/// From here on a function's children are looked up by hash instead of one by one.
const MANY: usize = 16;

/// A place further on that jumps lead to. The jumps form a list through their own operands until it is known.
#[must_use]
#[derive(Debug)]
pub(super) struct Label {
    last: u32,
}

impl Label {
    pub(super) fn new() -> Label {
        Label { last: NO_JUMP }
    }

    /// Whether anything jumps here.
    pub(super) fn is_used(&self) -> bool {
        self.last != NO_JUMP
    }
}

/// Where a conditional jump leads.
pub(super) enum Goal<'l> {
    Forward(&'l mut Label),
    /// Back to an instruction.
    Back(u32),
}

impl Goal<'_> {
    pub(super) fn again(&mut self) -> Goal<'_> {
        match self {
            Goal::Forward(label) => Goal::Forward(label),
            Goal::Back(pc) => Goal::Back(*pc),
        }
    }
}

/// A loop around the code being written.
pub(super) struct Loop {
    pub(super) exit: Label,
    pub(super) next: Label,
}

/// All that grows while a function is compiled.
pub(super) struct Builder<'s> {
    pub(super) id: FunctionId,
    pub(super) words: Vec<Word>,
    pub(super) positions: Vec<Position>,
    pub(super) reachable: bool,
    /// Whether code may have been written that a loop's condition turned out never to reach.
    pub(super) suspect: bool,
    /// Where the last conditional jump back led.
    pub(super) went_back_to: Option<u32>,
    /// Whether some limit was passed, so that there will be no code object.
    pub(super) failed: bool,
    pub(super) constants: Constants,
    /// Instructions whose names have numbers that do not fit, with these.
    pub(super) wide: Vec<(u32, u32)>,
    pub(super) children: Vec<Code>,
    child_index: HashMap<CodeHash, u32, RandomState>,
    pub(super) closures: Vec<ClosureSite>,
    pub(super) types: Vec<TypeSite>,
    pub(super) handlers: Vec<Handler>,
    pub(super) locals: Vec<Local>,
    pub(super) registers: Registers,
    pub(super) loops: Vec<Loop>,
    /// What the blocks around the code being written have deferred, the innermost last.
    pub(super) defers: Vec<Deferred<'s>>,
    /// `try` bodies around the code being written.
    pub(super) tries: u32,
}

impl Builder<'_> {
    pub(super) fn new(id: FunctionId) -> Self {
        Builder {
            id,
            words: Vec::new(),
            positions: Vec::new(),
            reachable: true,
            suspect: false,
            went_back_to: None,
            failed: false,
            constants: Constants::default(),
            wide: Vec::new(),
            children: Vec::new(),
            child_index: HashMap::default(),
            closures: Vec::new(),
            types: Vec::new(),
            handlers: Vec::new(),
            locals: Vec::new(),
            registers: Registers::default(),
            loops: Vec::new(),
            defers: Vec::new(),
            tries: 0,
        }
    }

    /// Makes everything as it was at the beginning, for another function; the room in the tables is kept.
    pub(super) fn reset(&mut self, id: FunctionId) {
        self.id = id;
        self.words.clear();
        self.positions.clear();
        self.reachable = true;
        self.suspect = false;
        self.went_back_to = None;
        self.failed = false;
        self.constants.take();
        self.wide.clear();
        self.children.clear();
        self.child_index.clear();
        self.closures.clear();
        self.types.clear();
        self.handlers.clear();
        self.locals.clear();
        self.registers = Registers::default();
        self.loops.clear();
        self.defers.clear();
        self.tries = 0;
    }

    /// Index of the next instruction.
    pub(super) fn pc(&self) -> u32 {
        self.words.len() as u32
    }

    /// Writes an instruction, if it can be reached.
    pub(super) fn emit(&mut self, line: u32, span: Span, word: Word) {
        if !self.reachable {
            return;
        }
        if self.positions.last().is_none_or(|last| last.span != span) {
            self.positions.push(Position { pc: self.pc(), span, line });
        }
        self.words.push(word);
    }

    /// Writes a jump to a label.
    pub(super) fn jump(&mut self, line: u32, span: Span, op: Op, register: u16, label: &mut Label) {
        if self.reachable {
            let pc = self.pc();
            self.emit(line, span, Word::ax(op, register, label.last));
            label.last = pc;
        }
        if !op.falls_through() {
            self.reachable = false;
        }
    }

    /// Lets the jumps to a label lead to the next instruction.
    pub(super) fn bind(&mut self, label: Label) {
        let target = self.pc();
        let mut jump = label.last;
        self.reachable |= jump != NO_JUMP;
        while jump != NO_JUMP {
            let word = &mut self.words[jump as usize];
            jump = word.x();
            *word = word.with_x(target);
        }
    }

    /// A place where closures of `code` are made. Equal code is kept once, each function's own debug information here.
    pub(super) fn site(&mut self, code: Code, sources: Vec<CaptureSource>) -> ClosureSite {
        let debug = code.shared_debug();
        let (child, is_new) = self.child(code);
        ClosureSite { child, sources, own_debug: OwnDebug(debug.filter(|_| !is_new)) }
    }

    /// Index of a child, and whether it is new.
    fn child(&mut self, code: Code) -> (u32, bool) {
        let next = self.children.len() as u32;
        if self.children.len() < MANY {
            if let Some(found) = self.children.iter().position(|child| *child == code) {
                return (found as u32, false);
            }
        } else {
            if self.child_index.is_empty() {
                self.child_index.extend(self.children.iter().map(Code::hash).zip(0..));
            }
            let found = *self.child_index.entry(code.hash()).or_insert(next);
            if found != next {
                return (found, false);
            }
        }
        self.children.push(code);
        (next, true)
    }
}
