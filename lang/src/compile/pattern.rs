//! Patterns: shapes are tested first, then parts are read, each straight into the register of the name it is bound to.

use quipu_code::span::Span;
use quipu_code::{Op, Word};

use super::builder::Label;
use super::emit::Compiler;
use super::register::{Dst, Reg, Want};
use crate::ast::{Ident, Pattern, PatternKind};
use crate::resolve::BindingId;

/// What happens when a pattern does not match.
pub(super) enum Fail<'l> {
    /// Something else is tried.
    Jump(&'l mut Label),
    /// `match_error` about the value in the register.
    Throw(Reg),
    /// The value in the register is thrown on.
    Rethrow(Reg),
}

impl<'s> Compiler<'s> {
    /// Takes registers for all names of a pattern. A name for the whole value may share the value's register.
    pub(super) fn declare_names(&mut self, pattern: &'s Pattern<'s>, whole: Option<Reg>) {
        match &pattern.kind {
            PatternKind::Bind(name) => self.declare_pattern_name(*name, whole),
            PatternKind::Is(inner, _) => self.declare_names(inner, whole),
            PatternKind::Tuple(parts) | PatternKind::Instance(_, parts) => {
                parts.iter().for_each(|part| self.declare_names(part, None));
            }
            PatternKind::List { before, rest, after } => {
                before.iter().for_each(|part| self.declare_names(part, None));
                if let Some(Some(name)) = rest {
                    self.declare_pattern_name(*name, None);
                }
                after.iter().for_each(|part| self.declare_names(part, None));
            }
            PatternKind::Map(entries) => entries.iter().for_each(|(_, value)| self.declare_names(value, None)),
            PatternKind::Ignore
            | PatternKind::Literal(_)
            | PatternKind::Range { .. }
            | PatternKind::Or(_)
            | PatternKind::Error => {}
        }
    }

    fn declare_pattern_name(&mut self, name: Ident<'s>, whole: Option<Reg>) {
        let Some(id) = self.name_of(name) else { return };
        match whole {
            Some(reg) => self.homes[id.0 as usize].value = reg,
            None => self.declare_name(name.span, id),
        }
    }

    fn name_of(&self, name: Ident<'s>) -> Option<BindingId> {
        self.resolution.declarations.get(name.span.start)
    }

    /// Tests a value against a pattern whose names have their registers, and binds them.
    pub(super) fn pattern(&mut self, pattern: &'s Pattern<'s>, value: Reg, fail: &mut Fail<'_>) {
        match &pattern.kind {
            PatternKind::Ignore | PatternKind::Error => {}
            PatternKind::Bind(name) => {
                let Some(id) = self.name_of(*name) else { return };
                let reg = self.value_register(id).unwrap_or(value);
                self.copy(pattern.span, reg, value);
                self.bound(pattern.span, id, reg);
            }
            PatternKind::Or(parts) => self.alternatives(parts, value, fail),
            PatternKind::Literal(_) | PatternKind::Range { .. } => self.test(pattern, value, fail),
            PatternKind::Is(inner, _) => {
                self.test(pattern, value, fail);
                self.pattern(inner, value, fail);
            }
            PatternKind::Tuple(parts) => {
                self.test(pattern, value, fail);
                self.elements(parts, value, 0, fail);
            }
            PatternKind::List { before, rest, after } => {
                self.test(pattern, value, fail);
                self.elements(before, value, 0, fail);
                if let Some(Some(name)) = rest {
                    self.rest(*name, value, before.len(), after.len());
                }
                self.elements(after, value, -(after.len() as i64), fail);
            }
            PatternKind::Instance(_, parts) => {
                self.test(pattern, value, fail);
                for (slot, part) in parts.iter().enumerate() {
                    self.part(part, fail, |this, out, _| {
                        this.emit(part.span, Word::abc(Op::GetSlot, out, value, slot as u16));
                    });
                }
            }
            PatternKind::Map(entries) => {
                self.test(pattern, value, fail);
                for (key, part) in entries {
                    self.part(part, fail, |this, out, fail| {
                        let mark = this.mark();
                        let key_reg = this.temporary(key);
                        this.emit(key.span, Word::abc(Op::TryKey, out, value, key_reg));
                        this.release(mark);
                        this.require(key.span, Op::JumpPresent, Op::JumpAbsent, out, fail);
                    });
                }
            }
        }
    }

    fn elements(&mut self, parts: &'s [Pattern<'s>], value: Reg, first: i64, fail: &mut Fail<'_>) {
        for (index, part) in (first..).zip(parts) {
            if matches!(part.kind, PatternKind::Ignore) {
                continue;
            }
            self.part(part, fail, |this, out, _| {
                let mark = this.mark();
                let index = this.int_temporary(part.span, index);
                this.emit(part.span, Word::abc(Op::GetIndex, out, value, index));
                this.release(mark);
            });
        }
    }

    /// Reads a part, straight into a name's register if it is bound to one, and goes on with its pattern.
    fn part(&mut self, part: &'s Pattern<'s>, fail: &mut Fail<'_>, read: impl FnOnce(&mut Self, Reg, &mut Fail<'_>)) {
        let mark = self.mark();
        let bound = match part.kind {
            PatternKind::Bind(name) => self.name_of(name).and_then(|id| self.value_register(id)),
            _ => None,
        };
        let reg = match bound {
            Some(reg) => reg,
            None => self.take(part.span),
        };
        read(self, reg, fail);
        self.pattern(part, reg, fail);
        self.release(mark);
    }

    /// `..name` in a list: what is between the first and the last elements.
    fn rest(&mut self, name: Ident<'s>, value: Reg, before: usize, after: usize) {
        let Some(id) = self.name_of(name) else { return };
        let mark = self.mark();
        let out = match self.value_register(id) {
            Some(reg) => reg,
            None => self.take(name.span),
        };
        let start = self.int_temporary(name.span, before as i64);
        if after == 0 {
            let end = self.take(name.span);
            self.nil(name.span, Want::Into(Dst::fresh(end)));
        } else {
            self.int_temporary(name.span, -(after as i64));
        }
        self.emit(name.span, Word::abcd(Op::Slice, out, value, start, 0));
        self.bound(name.span, id, out);
        self.release(mark);
    }

    fn alternatives(&mut self, parts: &'s [Pattern<'s>], value: Reg, fail: &mut Fail<'_>) {
        let Some((last, before)) = parts.split_last() else { return };
        let mut matched = Label::new();
        for part in before {
            if has_no_parts(part) {
                let mark = self.mark();
                let test = self.shape(part, value);
                self.jump(part.span, Op::JumpIf, test, &mut matched);
                self.release(mark);
            } else {
                let mut next = Label::new();
                self.pattern(part, value, &mut Fail::Jump(&mut next));
                self.jump(part.span, Op::Jump, 0, &mut matched);
                self.f.bind(next);
            }
        }
        self.pattern(last, value, fail);
        self.f.bind(matched);
    }

    /// Fails unless the value has the shape of a pattern.
    fn test(&mut self, pattern: &'s Pattern<'s>, value: Reg, fail: &mut Fail<'_>) {
        let mark = self.mark();
        let test = self.shape(pattern, value);
        self.release(mark);
        self.require(pattern.span, Op::JumpIf, Op::JumpIfNot, test, fail);
    }

    /// Whether the value has the shape of a pattern, its parts left aside.
    fn shape(&mut self, pattern: &'s Pattern<'s>, value: Reg) -> Reg {
        let span = pattern.span;
        let test = self.take(span);
        let mark = self.mark();
        let word = match &pattern.kind {
            PatternKind::Literal(literal) => {
                let literal = self.temporary(literal);
                Word::abc(Op::Eq, test, value, literal)
            }
            PatternKind::Range { start, end, inclusive } => {
                let start = self.int_temporary(span, *start);
                let end = self.int_temporary(span, *end);
                self.emit(span, Word::abcd(Op::MakeRange, test, start, end, *inclusive as u8));
                Word::abc(Op::In, test, value, test)
            }
            PatternKind::Is(_, of) => {
                let of = self.operand(of);
                Word::abc(Op::Is, test, value, of)
            }
            PatternKind::Tuple(parts) => Word::abc(Op::IsTuple, test, value, self.count(span, parts.len())),
            PatternKind::List { before, rest, after } => {
                let count = self.count(span, before.len() + after.len());
                Word::abcd(Op::IsList, test, value, count, rest.is_some() as u8)
            }
            PatternKind::Map(_) => Word::abc(Op::IsMap, test, value, 0),
            PatternKind::Instance(of, parts) => {
                let of = self.operand(of);
                let count = u8::try_from(parts.len()).unwrap_or_else(|_| {
                    self.too_large(
                        span,
                        "a type has at most 255 fields",
                        "no type has so many, so nothing matches this",
                    );
                    0
                });
                Word::abcd(Op::IsInstance, test, value, of, count)
            }
            PatternKind::Ignore | PatternKind::Bind(_) | PatternKind::Or(_) | PatternKind::Error => {
                Word::ax(Op::LoadBool, test, 1)
            }
        };
        self.emit(span, word);
        self.release(mark);
        test
    }

    pub(super) fn count(&mut self, span: Span, count: usize) -> u16 {
        u16::try_from(count).unwrap_or_else(|_| {
            self.too_large(
                span,
                "a pattern has at most 65,535 parts",
                "match the first ones, and the rest with `..rest`",
            );
            0
        })
    }

    /// Goes on if a register passes a test, and fails otherwise. The test comes as the jump that is taken when it
    /// passes and the one that is taken when it does not.
    pub(super) fn require(&mut self, span: Span, passes: Op, fails: Op, test: Reg, fail: &mut Fail<'_>) {
        let (op, value) = match fail {
            Fail::Jump(label) => return self.jump(span, fails, test, label),
            Fail::Throw(value) => (Op::MatchFail, *value),
            Fail::Rethrow(value) => (Op::Throw, *value),
        };
        let mut passed = Label::new();
        self.jump(span, passes, test, &mut passed);
        self.emit_last(span, Word::abc(op, value, 0, 0));
        self.f.bind(passed);
    }
}

/// Whether the shape is all there is to a pattern.
fn has_no_parts(pattern: &Pattern<'_>) -> bool {
    match &pattern.kind {
        PatternKind::Literal(_) | PatternKind::Range { .. } => true,
        PatternKind::Is(inner, _) => matches!(inner.kind, PatternKind::Ignore),
        PatternKind::Tuple(parts) => parts.is_empty(),
        PatternKind::List { before, after, rest } => {
            before.is_empty() && after.is_empty() && !matches!(rest, Some(Some(_)))
        }
        _ => false,
    }
}
