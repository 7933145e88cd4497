//! Expressions: every kind, and operands in registers.

use quipu_code::span::Span;
use quipu_code::{Handler, Op, Word};

use super::builder::{Goal, Label};
use super::defer::Way;
use super::emit::Compiler;
use super::pattern::Fail;
use super::register::{Dst, Reg, Want};
use crate::ast::{Block, Expr, ExprKind, Pattern, PatternKind};
use crate::resolve::{BindingId, BindingKind};

impl<'s> Compiler<'s> {
    /// Evaluates an expression and hands its value over.
    pub(super) fn expr(&mut self, expr: &'s Expr<'s>, want: Want) {
        if !self.f.reachable {
            return;
        }
        let span = expr.span;
        match &expr.kind {
            ExprKind::Nil => self.nil(span, want),
            ExprKind::Bool(value) => self.constant(span, want, |_, out| Word::ax(Op::LoadBool, out, *value as u32)),
            ExprKind::Int(value) => self.int(span, want, *value),
            ExprKind::Float(value) => self.float(span, want, *value),
            ExprKind::Str(text) => {
                self.constant(span, want, |this, out| {
                    Word::ax(Op::LoadConst, out, this.f.constants.text(&mut this.texts, text))
                });
            }
            ExprKind::Bytes(bytes) => {
                self.constant(span, want, |this, out| Word::ax(Op::LoadConst, out, this.f.constants.bytes(bytes)));
            }
            ExprKind::Name(_) => self.name_expr(expr, want),
            ExprKind::Interpolation(parts) => self.interpolation(span, parts, want),
            ExprKind::Tuple(parts) => self.tuple(span, parts, want),
            ExprKind::List(elements) => self.list(span, elements, want),
            ExprKind::Map(elements) => self.map(span, elements, want),
            ExprKind::Block(block) => self.block(block, want),
            ExprKind::If { branches, otherwise } => self.if_expr(span, branches, otherwise.as_deref(), want),
            ExprKind::Match { subject, arms } => self.match_expr(span, subject, arms, want),
            ExprKind::Try { body, pattern, handler } => self.try_expr(body, pattern, handler, want),
            ExprKind::Function(function) => {
                if want != Want::Nothing {
                    let mark = self.mark();
                    let out = self.out(span, want);
                    self.closure(function, out);
                    self.deliver(span, want, out);
                    self.release(mark);
                }
            }
            ExprKind::Unary(op, _, operand) => self.unary(span, *op, operand, want),
            ExprKind::Binary { first, rest } => self.binary(first, rest, want),
            ExprKind::Logic(op, operands) => self.logic(span, *op, operands, want),
            ExprKind::Is(value, test, negated) => self.is(span, value, test, *negated, want),
            ExprKind::Range { start, end, inclusive } => {
                self.range(span, start.as_deref(), end.as_deref(), *inclusive, want);
            }
            ExprKind::Postfix { base, ops } => self.postfix(base, ops, want),
            ExprKind::Pipe(value, stages) => self.pipe(value, stages, want),
            ExprKind::Yield(operand) => {
                let mark = self.mark();
                let out = self.out(span, want);
                let value = match operand {
                    Some(operand) => self.operand(operand),
                    None => {
                        let reg = self.take(span);
                        self.nil(span, Want::Into(Dst::fresh(reg)));
                        reg
                    }
                };
                self.emit(span, Word::abc(Op::Yield, out, value, 0));
                self.deliver(span, want, out);
                self.release(mark);
            }
            ExprKind::Throw(operand) => {
                let mark = self.mark();
                let value = self.operand(operand);
                self.emit_last(span, Word::abc(Op::Throw, value, 0, 0));
                self.release(mark);
            }
            ExprKind::Return(operand) => self.return_expr(span, operand.as_deref()),
            ExprKind::Error => {}
        }
    }

    fn return_expr(&mut self, span: Span, operand: Option<&'s Expr<'s>>) {
        if let Some(value) = self.deferred_value() {
            let want = Want::Into(Dst::fresh(value));
            match operand {
                Some(operand) => self.expr(operand, want),
                None => self.nil(span, want),
            }
            return self.leave(span, Way::Return);
        }
        let Some(operand) = operand else { return self.nil(span, Want::Tail) };
        if self.f.tries == 0 {
            return self.expr(operand, Want::Tail);
        }
        // Under a handler a call in the operand is no tail call: what it throws belongs to the handler.
        let mark = self.mark();
        let value = self.operand(operand);
        self.emit_last(span, Word::abc(Op::Return, value, 0, 0));
        self.release(mark);
    }

    fn name_expr(&mut self, expr: &'s Expr<'s>, want: Want) {
        if let Some((_, reg)) = self.in_place(expr) {
            return self.deliver(expr.span, want, reg);
        }
        let ExprKind::Name(name) = expr.kind else { return };
        let mark = self.mark();
        let out = self.out(expr.span, want);
        let place = self.place(name).place;
        self.load(expr.span, place, out);
        self.deliver(expr.span, want, out);
        self.release(mark);
    }

    /// The register of a name whose value is in one.
    pub(super) fn in_place(&self, expr: &Expr<'_>) -> Option<(BindingId, Reg)> {
        match expr.kind {
            ExprKind::Name(name) => self.register_of(self.place(name).place),
            _ => None,
        }
    }

    /// A register that holds the value now; it may be a variable's own.
    pub(super) fn operand(&mut self, expr: &'s Expr<'s>) -> Reg {
        match self.in_place(expr) {
            Some((_, reg)) => reg,
            None => self.temporary(expr),
        }
    }

    /// A register that still holds the value after `later` has been evaluated.
    pub(super) fn operand_before(&mut self, expr: &'s Expr<'s>, later: Span) -> Reg {
        match self.in_place(expr) {
            Some((id, reg)) if !self.changes_in(id, later) => reg,
            _ => self.temporary(expr),
        }
    }

    /// Whether a binding may get another value while a part of the source is evaluated.
    pub(super) fn changes_in(&self, id: BindingId, span: Span) -> bool {
        self.resolution.binding(id).kind == BindingKind::Var && self.resolution.assigned_in(id, span)
    }

    /// Evaluates an expression into a register of its own.
    pub(super) fn temporary(&mut self, expr: &'s Expr<'s>) -> Reg {
        let reg = self.take(expr.span);
        self.expr(expr, Want::Into(Dst::fresh(reg)));
        reg
    }

    /// Where a value is collected that is not written at once: the wanted register if nobody can see it before it is
    /// complete, else a new one.
    pub(super) fn collector(&mut self, span: Span, want: Want) -> Reg {
        match want {
            Want::Into(Dst { reg, fresh: true }) => reg,
            _ => self.take(span),
        }
    }

    /// The first register of a row that begins where a value is wanted if possible: in the register below all free
    /// ones, if that one is to take the value and holds nothing yet.
    pub(super) fn row(&mut self, span: Span, want: Want) -> Reg {
        match want {
            Want::Into(Dst { reg, fresh: true }) if reg as u32 + 1 == self.f.registers.top() => reg,
            _ => self.take(span),
        }
    }

    fn if_expr(
        &mut self,
        span: Span,
        branches: &'s [(Expr<'s>, Block<'s>)],
        otherwise: Option<&'s Block<'s>>,
        want: Want,
    ) {
        let mut end = Label::new();
        for (index, (condition, block)) in branches.iter().enumerate() {
            let mut next = Label::new();
            self.branch(condition, false, Goal::Forward(&mut next));
            self.block(block, want);
            let last = index + 1 == branches.len() && otherwise.is_none() && want == Want::Nothing;
            if !last && next.is_used() {
                self.jump(block.span, Op::Jump, 0, &mut end);
            }
            self.f.bind(next);
            if !self.f.reachable {
                break;
            }
        }
        match otherwise {
            Some(block) => self.expr_block(block, want),
            None => self.nil(span, want),
        }
        self.f.bind(end);
    }

    fn expr_block(&mut self, block: &'s Block<'s>, want: Want) {
        if self.f.reachable {
            self.block(block, want);
        }
    }

    /// `try`: the body's instructions are covered by a handler, whose code stands behind them.
    fn try_expr(&mut self, body: &'s Block<'s>, pattern: &'s Pattern<'s>, handler: &'s Block<'s>, want: Want) {
        let mark = self.mark();
        let start = self.f.pc();
        self.f.tries += 1;
        let value = match want {
            // A tail call would leave the handler behind, so the body's value is returned after its end.
            Want::Tail => {
                let reg = self.take(body.span);
                self.block(body, Want::Into(Dst::fresh(reg)));
                reg
            }
            _ => {
                self.block(body, want);
                0
            }
        };
        self.f.tries -= 1;
        let covered = start..self.f.pc();
        let mut end = Label::new();
        if want == Want::Tail {
            self.deliver(body.span, want, value);
        } else if !covered.is_empty() {
            self.jump(body.span, Op::Jump, 0, &mut end);
        }
        self.release(mark);
        if !covered.is_empty() {
            self.f.reachable = true;
            self.handler(covered, pattern, handler, want);
        }
        self.f.bind(end);
    }

    fn handler(&mut self, covered: std::ops::Range<u32>, pattern: &'s Pattern<'s>, block: &'s Block<'s>, want: Want) {
        let (mark, locals) = (self.mark(), self.f.locals.len());
        self.declare_names(pattern, None);
        let bind = match &pattern.kind {
            PatternKind::Bind(name) => self.resolution.declarations.get(name.span.start),
            _ => None,
        };
        let register = match bind {
            Some(id) => self.homes[id.0 as usize].value,
            None => self.take(pattern.span),
        };
        let target = self.f.pc();
        self.f.handlers.push(Handler { start: covered.start, end: covered.end, target, register });
        match bind {
            Some(id) => self.begin_local(id, register),
            None => self.pattern(pattern, register, &mut Fail::Rethrow(register)),
        }
        self.block(block, want);
        self.end_locals(locals);
        self.release(mark);
    }
}
