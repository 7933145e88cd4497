//! The compiler's state, and the small motions that everything else is made of.

use quipu_code::span::{Source, Span};
use quipu_code::{FreeKind, Local, Op, Word};

use super::builder::{Builder, Goal, Label};
use super::constants::Texts;
use super::register::{Dst, LIMIT, Reg, Want};
use super::unit::Imported;
use crate::ast::Ident;
use crate::diagnostic::Diagnostic;
use crate::resolve::{BindingId, BindingKind, FunctionId, Place, Resolution, Use};

/// What to do about a function that is too large.
pub(super) const SPREAD: &str =
    "put parts of it into functions or blocks of their own, or data into lists, maps or files";

/// Registers of a binding in the frame of its function.
#[derive(Clone, Copy, Default)]
pub(super) struct Home {
    /// Holds the value, unless that lives in a cell only.
    pub(super) value: Reg,
    /// Holds the cell, if there is one.
    pub(super) cell: Reg,
}

/// The state of a compilation. `f` is the function being compiled; those around it wait on the Rust stack.
pub(super) struct Compiler<'s> {
    pub(super) source: &'s Source,
    pub(super) resolution: Resolution<'s>,
    pub(super) homes: Vec<Home>,
    pub(super) texts: Texts,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) f: Builder<'s>,
    /// Builders of functions that are done, for others.
    spare: Vec<Builder<'s>>,
    /// Number of the next import statement.
    pub(super) imports: u32,
    /// The last line that was asked for: its first byte, the byte after it, and its number.
    line: (u32, u32, u32),
}

/// What to give back when a part is done.
#[derive(Clone, Copy)]
pub(super) struct Mark(u32);

impl<'s> Compiler<'s> {
    pub(super) fn new(source: &'s Source, resolution: Resolution<'s>) -> Compiler<'s> {
        Compiler {
            source,
            homes: vec![Home::default(); resolution.bindings.len()],
            resolution,
            texts: Texts::default(),
            errors: Vec::new(),
            f: Builder::new(FunctionId::MAIN),
            spare: Vec::new(),
            imports: 0,
            line: (0, 0, 1),
        }
    }

    /// Begins a function; gives the state of the one around it.
    pub(super) fn begin_function(&mut self, id: FunctionId) -> Builder<'s> {
        let builder = match self.spare.pop() {
            Some(mut builder) => {
                builder.reset(id);
                builder
            }
            None => Builder::new(id),
        };
        std::mem::replace(&mut self.f, builder)
    }

    /// Goes on with the function around the one that is done.
    pub(super) fn end_function(&mut self, around: Builder<'s>) {
        let done = std::mem::replace(&mut self.f, around);
        self.f.failed |= done.failed;
        self.spare.push(done);
    }

    pub(super) fn imported(&self) -> Vec<Imported> {
        let free = self.resolution.function(FunctionId::MAIN).free.iter();
        let imported = free.map(|capture| match self.resolution.binding(capture.binding).kind {
            BindingKind::Imported { import, slot } => Imported::Export { import, slot },
            // Nothing else is outside, and these are the first bindings of all.
            _ => Imported::Outer(capture.binding.0),
        });
        imported.collect()
    }

    /// The line of an offset, from 1.
    pub(super) fn line(&mut self, offset: u32) -> u32 {
        let (start, end, line) = self.line;
        if (start..end).contains(&offset) {
            return line;
        }
        self.line = self.source.line_at(offset);
        self.line.2
    }

    pub(super) fn emit(&mut self, span: Span, word: Word) {
        if self.f.reachable {
            let line = self.line(span.start);
            self.f.emit(line, span, word);
        }
    }

    /// An instruction after which control does not go on to the next one.
    pub(super) fn emit_last(&mut self, span: Span, word: Word) {
        self.emit(span, word);
        self.f.reachable = false;
    }

    pub(super) fn jump(&mut self, span: Span, op: Op, register: Reg, label: &mut Label) {
        let line = self.line(span.start);
        self.f.jump(line, span, op, register, label);
    }

    /// Jumps if a register is true (or, with `sense` false, if it is not).
    pub(super) fn jump_if(&mut self, span: Span, register: Reg, sense: bool, goal: Goal<'_>) {
        match goal {
            Goal::Forward(label) => {
                let op = if sense { Op::JumpIf } else { Op::JumpIfNot };
                self.jump(span, op, register, label);
            }
            Goal::Back(pc) => {
                let op = if sense { Op::LoopIf } else { Op::LoopIfNot };
                if self.f.reachable {
                    self.f.went_back_to = Some(pc);
                }
                self.emit(span, Word::ax(op, register, pc));
            }
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.f.registers.top())
    }

    pub(super) fn release(&mut self, mark: Mark) {
        self.f.registers.free_to(mark.0);
    }

    /// Takes the lowest free register.
    pub(super) fn take(&mut self, span: Span) -> Reg {
        match self.f.registers.take() {
            Some(reg) => reg,
            None => {
                let title = format!("the function has more than {LIMIT} variables and intermediate values at one time");
                self.too_large(span, &title, SPREAD);
                (LIMIT - 1) as Reg
            }
        }
    }

    /// Takes the lowest free registers, one after the other.
    pub(super) fn take_many(&mut self, span: Span, count: usize) -> Reg {
        let first = self.f.registers.top().min(LIMIT - 1) as Reg;
        for _ in 0..count {
            self.take(span);
            if self.f.failed {
                break;
            }
        }
        first
    }

    /// Reports that a limit of code objects is passed, and what to do about it; once for each function.
    pub(super) fn too_large(&mut self, span: Span, title: &str, help: &str) {
        if !self.f.failed {
            self.f.failed = true;
            self.errors.push(Diagnostic::error("Q0217", span, title).help(help));
        }
    }

    /// Index of a text among the constants, for the next instruction, which has room for 16 bits. A larger one is put there in
    /// the end.
    pub(super) fn name(&mut self, name: &str) -> u16 {
        if !self.f.reachable {
            return 0;
        }
        let index = self.f.constants.text(&mut self.texts, name);
        u16::try_from(index).unwrap_or_else(|_| {
            self.f.wide.push((self.f.pc(), index));
            u16::MAX
        })
    }

    /// Where the value of an instruction goes first.
    pub(super) fn out(&mut self, span: Span, want: Want) -> Reg {
        match want {
            Want::Into(dst) => dst.reg,
            Want::Nothing | Want::Tail => self.take(span),
        }
    }

    /// Hands over a value that is in a register: returns it in tail position, moves it where it is wanted.
    pub(super) fn deliver(&mut self, span: Span, want: Want, reg: Reg) {
        match want {
            Want::Nothing => {}
            Want::Into(dst) => self.copy(span, dst.reg, reg),
            Want::Tail => self.emit_last(span, Word::abc(Op::Return, reg, 0, 0)),
        }
    }

    pub(super) fn copy(&mut self, span: Span, to: Reg, from: Reg) {
        if to != from {
            self.emit(span, Word::abc(Op::Move, to, from, 0));
        }
    }

    /// Hands over the value of an instruction without operands but constants; nothing happens when nobody wants it.
    pub(super) fn constant(&mut self, span: Span, want: Want, word: impl FnOnce(&mut Self, Reg) -> Word) {
        if want == Want::Nothing || !self.f.reachable {
            return;
        }
        let mark = self.mark();
        let out = self.out(span, want);
        let word = word(self, out);
        self.emit(span, word);
        self.deliver(span, want, out);
        self.release(mark);
    }

    pub(super) fn nil(&mut self, span: Span, want: Want) {
        self.constant(span, want, |_, out| Word::ax(Op::LoadNil, out, 0));
    }

    pub(super) fn int(&mut self, span: Span, want: Want, value: i64) {
        self.constant(span, want, |this, out| match i32::try_from(value) {
            Ok(small) => Word::ax(Op::LoadInt, out, small as u32),
            Err(_) => Word::ax(Op::LoadConst, out, this.f.constants.int(value)),
        });
    }

    /// A small number in a temporary register.
    pub(super) fn int_temporary(&mut self, span: Span, value: i64) -> Reg {
        let reg = self.take(span);
        self.int(span, Want::Into(Dst::fresh(reg)), value);
        reg
    }

    pub(super) fn place(&self, name: Ident<'_>) -> Use {
        self.resolution.uses.get(name.span.start).unwrap_or(Use { place: Place::Unknown, with_member: false })
    }

    /// The register that holds a place's value, if one does.
    pub(super) fn register_of(&self, place: Place) -> Option<(BindingId, Reg)> {
        match place {
            Place::Local(id) if !self.lives_in_cell(id) => Some((id, self.homes[id.0 as usize].value)),
            _ => None,
        }
    }

    /// Whether a binding of this function has its value in a cell only. Other bindings have it in a register, even
    /// if some closures reach it through a cell: it does not change any more.
    pub(super) fn lives_in_cell(&self, id: BindingId) -> bool {
        let binding = self.resolution.binding(id);
        binding.kind == BindingKind::Var && binding.in_cell
    }

    /// Loads what a name means.
    pub(super) fn load(&mut self, span: Span, place: Place, out: Reg) {
        let word = match place {
            Place::Local(id) => {
                let home = self.homes[id.0 as usize];
                if self.lives_in_cell(id) {
                    Word::abc(Op::GetCell, out, home.cell, 0)
                } else {
                    return self.copy(span, out, home.value);
                }
            }
            Place::Free(index, FreeKind::Value) => Word::ax(Op::GetFree, out, index as u32),
            Place::Free(index, FreeKind::Cell) => Word::ax(Op::GetFreeCell, out, index as u32),
            Place::Running => Word::ax(Op::GetSelf, out, 0),
            Place::Owner => Word::ax(Op::GetOwner, out, 0),
            Place::Native(symbol) => {
                if !self.f.reachable {
                    return;
                }
                let name = self.resolution.symbols.name(symbol);
                Word::ax(Op::GetNative, out, self.f.constants.text(&mut self.texts, name))
            }
            Place::Unknown => Word::ax(Op::LoadNil, out, 0),
        };
        self.emit(span, word);
    }

    /// Binds a name whose value is in a register of its own from now on.
    pub(super) fn name_register(&mut self, id: BindingId, register: Reg) {
        self.homes[id.0 as usize].value = register;
        self.begin_local(id, register);
    }

    /// Notes for the debug information that a name holds from here on.
    pub(super) fn begin_local(&mut self, id: BindingId, register: Reg) {
        let name = self.resolution.binding(id).name.name.into();
        let start = self.f.pc();
        self.f.locals.push(Local { name, register, start, end: u32::MAX });
    }

    /// Notes that the names bound since `first` do not hold any more.
    pub(super) fn end_locals(&mut self, first: usize) {
        let end = self.f.pc();
        for local in &mut self.f.locals[first..] {
            local.end = local.end.min(end);
        }
    }
}
