//! Assignments: parts of the targets first, then the value, then the writes.

use quipu_code::span::Span;
use quipu_code::{FreeKind, Op, Word};

use super::builder::Label;
use super::emit::Compiler;
use super::operator::op_of;
use super::pattern::Fail;
use super::register::{Dst, Reg, Want};
use crate::ast::{Expr, ExprKind, Ident, Target, TargetKind, UpdateOp};
use crate::resolve::Place;

/// A target whose parts have been evaluated.
enum Ready<'s> {
    Name(Ident<'s>),
    Index(Reg, Reg),
    Field(Reg, Ident<'s>),
    Tuple(Vec<(Ready<'s>, Span)>),
    List(Vec<(Ready<'s>, Span)>),
    Ignore,
}

impl<'s> Compiler<'s> {
    pub(super) fn assign(&mut self, target: &'s Target<'s>, value: &'s Expr<'s>) {
        let mark = self.mark();
        let span = target.span.to(value.span);
        match &target.kind {
            TargetKind::Name(name) => match self.register_of(self.place(*name).place) {
                Some((_, reg)) => self.expr(value, Want::Into(Dst::variable(reg))),
                None => {
                    let value = self.operand(value);
                    self.store_name(span, *name, value);
                }
            },
            TargetKind::Index(object, index) => {
                let object = self.operand_before(object, index.span.to(value.span));
                let index = self.operand_before(index, value.span);
                let value = self.operand(value);
                self.emit(span, Word::abc(Op::SetIndex, object, index, value));
            }
            TargetKind::Field(object, field) => {
                let object = self.operand_before(object, value.span);
                let value = self.operand(value);
                let name = self.name(field.name);
                self.emit(span, Word::abc(Op::SetField, object, value, name));
            }
            TargetKind::Tuple(_) | TargetKind::List(_) => self.assign_several(target, value),
            TargetKind::Ignore => self.expr(value, Want::Nothing),
            TargetKind::Error => {}
        }
        self.release(mark);
    }

    /// `(a, b) = e`. When the right side is written as such a tuple or list itself, none is made.
    fn assign_several(&mut self, target: &'s Target<'s>, value: &'s Expr<'s>) {
        let ready = self.ready(target);
        let literal: Option<Vec<&'s Expr<'s>>> = match (&ready, &value.kind) {
            (Ready::Tuple(targets), ExprKind::Tuple(parts)) if targets.len() == parts.len() => {
                Some(parts.iter().collect())
            }
            (Ready::List(targets), ExprKind::List(elements))
                if targets.len() == elements.len() && elements.iter().all(|element| !element.spread) =>
            {
                Some(elements.iter().map(|element| &element.value).collect())
            }
            _ => None,
        };
        match (literal, ready) {
            (Some(parts), Ready::Tuple(targets) | Ready::List(targets)) => {
                let values: Vec<Reg> = parts.into_iter().map(|part| self.temporary(part)).collect();
                for ((target, span), value) in targets.iter().zip(values) {
                    self.store(target, *span, value, value);
                }
            }
            (_, ready) => {
                let value = self.temporary(value);
                self.store(&ready, target.span, value, value);
            }
        }
    }

    /// Evaluates the parts of a target into registers that no assignment changes.
    fn ready(&mut self, target: &'s Target<'s>) -> Ready<'s> {
        match &target.kind {
            TargetKind::Name(name) => Ready::Name(*name),
            TargetKind::Index(object, index) => Ready::Index(self.temporary(object), self.temporary(index)),
            TargetKind::Field(object, field) => Ready::Field(self.temporary(object), *field),
            TargetKind::Tuple(parts) => Ready::Tuple(parts.iter().map(|part| (self.ready(part), part.span)).collect()),
            TargetKind::List(parts) => Ready::List(parts.iter().map(|part| (self.ready(part), part.span)).collect()),
            TargetKind::Ignore | TargetKind::Error => Ready::Ignore,
        }
    }

    /// Assigns a value to a target; `whole` is what a mismatch is about.
    fn store(&mut self, target: &Ready<'s>, span: Span, value: Reg, whole: Reg) {
        let (targets, op) = match target {
            Ready::Name(name) => return self.store_name(span, *name, value),
            Ready::Index(object, index) => {
                return self.emit(span, Word::abc(Op::SetIndex, *object, *index, value));
            }
            Ready::Field(object, field) => {
                let name = self.name(field.name);
                return self.emit(span, Word::abc(Op::SetField, *object, value, name));
            }
            Ready::Ignore => return,
            Ready::Tuple(targets) => (targets, Op::IsTuple),
            Ready::List(targets) => (targets, Op::IsList),
        };
        let count = self.count(span, targets.len());
        let mark = self.mark();
        let test = self.take(span);
        self.emit(span, Word::abc(op, test, value, count));
        self.release(mark);
        self.require(span, Op::JumpIf, Op::JumpIfNot, test, &mut Fail::Throw(whole));
        for (index, (target, span)) in targets.iter().enumerate() {
            if matches!(target, Ready::Ignore) {
                continue;
            }
            let mark = self.mark();
            let part = self.take(*span);
            let index = self.int_temporary(*span, index as i64);
            self.emit(*span, Word::abc(Op::GetIndex, part, value, index));
            self.store(target, *span, part, whole);
            self.release(mark);
        }
    }

    fn store_name(&mut self, span: Span, name: Ident<'s>, value: Reg) {
        match self.place(name).place {
            Place::Local(id) if self.lives_in_cell(id) => {
                let cell = self.homes[id.0 as usize].cell;
                self.emit(span, Word::abc(Op::SetCell, cell, value, 0));
            }
            Place::Local(id) => self.copy(span, self.homes[id.0 as usize].value, value),
            Place::Free(index, FreeKind::Cell) => self.emit(span, Word::ax(Op::SetFreeCell, value, index as u32)),
            // Nothing else can be assigned to.
            Place::Free(..) | Place::Running | Place::Owner | Place::Native(_) | Place::Unknown => {}
        }
    }

    /// `t op= e`: the parts of t are evaluated once.
    pub(super) fn update(&mut self, target: &'s Target<'s>, op: UpdateOp, op_span: Span, value: &'s Expr<'s>) {
        let mark = self.mark();
        let later = op_span.to(value.span);
        match &target.kind {
            TargetKind::Name(name) => self.update_name(target.span, *name, op, value, later),
            TargetKind::Index(object, index) => {
                let object = self.operand_before(object, index.span.to(value.span));
                let index = self.operand_before(index, value.span);
                let current = self.take(target.span);
                let mut done = Label::new();
                self.emit(target.span, Word::abc(getter(op, Op::GetIndex, Op::GetIndexOrNil), current, object, index));
                self.combine(target.span, op, current, current, value, &mut done);
                self.emit(target.span.to(value.span), Word::abc(Op::SetIndex, object, index, current));
                self.f.bind(done);
            }
            TargetKind::Field(object, field) => {
                let object = self.operand_before(object, value.span);
                let current = self.take(target.span);
                let mut done = Label::new();
                let name = self.name(field.name);
                self.emit(target.span, Word::abc(getter(op, Op::GetField, Op::GetFieldOrNil), current, object, name));
                self.combine(target.span, op, current, current, value, &mut done);
                let name = self.name(field.name);
                self.emit(target.span.to(value.span), Word::abc(Op::SetField, object, current, name));
                self.f.bind(done);
            }
            TargetKind::Tuple(_) | TargetKind::List(_) | TargetKind::Ignore | TargetKind::Error => {}
        }
        self.release(mark);
    }

    fn update_name(&mut self, span: Span, name: Ident<'s>, op: UpdateOp, value: &'s Expr<'s>, later: Span) {
        let place = self.place(name).place;
        if let Some((id, reg)) = self.register_of(place) {
            return match op {
                UpdateOp::Binary(_) if self.changes_in(id, later) => {
                    let old = self.take(span);
                    self.copy(span, old, reg);
                    self.combine(span, op, reg, old, value, &mut Label::new());
                }
                UpdateOp::Binary(_) => self.combine(span, op, reg, reg, value, &mut Label::new()),
                UpdateOp::Coalesce => {
                    let mut end = Label::new();
                    self.jump(span, Op::JumpNotNil, reg, &mut end);
                    self.expr(value, Want::Into(Dst::variable(reg)));
                    self.f.bind(end);
                }
            };
        }
        let current = self.take(span);
        let mut done = Label::new();
        self.load(span, place, current);
        self.combine(span, op, current, current, value, &mut done);
        self.f.bind(done);
        self.store_name(span.to(value.span), name, current);
    }

    /// `R[out] := R[current] op value`; goes to `done` where the value stays what it is.
    fn combine(&mut self, span: Span, op: UpdateOp, out: Reg, current: Reg, value: &'s Expr<'s>, done: &mut Label) {
        let mark = self.mark();
        match op {
            UpdateOp::Binary(op) => {
                let right = self.operand(value);
                self.emit(span.to(value.span), Word::abc(op_of(op), out, current, right));
            }
            UpdateOp::Coalesce => {
                self.jump(span, Op::JumpNotNil, current, done);
                self.expr(value, Want::Into(Dst::fresh(out)));
            }
        }
        self.release(mark);
    }
}

/// What reads the target of `t op= e` before it is written: `??=` takes a missing key for nil.
fn getter(op: UpdateOp, plain: Op, or_nil: Op) -> Op {
    match op {
        UpdateOp::Binary(_) => plain,
        UpdateOp::Coalesce => or_nil,
    }
}
