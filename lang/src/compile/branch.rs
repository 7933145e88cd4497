//! Conditions as jumps, and the operators that look at their left operand first.

use quipu_code::span::Span;
use quipu_code::{Op, Word};

use super::builder::{Goal, Label};
use super::emit::Compiler;
use super::operator::op_of;
use super::register::{Dst, Want};
use crate::ast::{BinaryOp, Expr, ExprKind, LogicOp, UnaryOp};

impl<'s> Compiler<'s> {
    /// Jumps to the goal if the condition is true (or, with `sense` false, if it is not), and goes on otherwise.
    ///
    /// A comparison and its jump stand together with a register between them that nobody else reads, so that they can
    /// be fused when the code is prepared.
    pub(super) fn branch(&mut self, condition: &'s Expr<'s>, sense: bool, mut goal: Goal<'_>) {
        if !self.f.reachable {
            return;
        }
        let span = condition.span;
        match &condition.kind {
            ExprKind::Unary(UnaryOp::Not, _, operand) => return self.branch(operand, !sense, goal),
            ExprKind::Logic(op @ (LogicOp::And | LogicOp::Or), operands) => {
                // All operands decide alike when the condition that jumps is their common one.
                let all_jump = (*op == LogicOp::Or) == sense;
                if all_jump {
                    return operands.iter().for_each(|operand| self.branch(operand, sense, goal.again()));
                }
                let Some((last, before)) = operands.split_last() else { return };
                let mut skip = Label::new();
                before.iter().for_each(|operand| self.branch(operand, !sense, Goal::Forward(&mut skip)));
                self.branch(last, sense, goal);
                self.f.bind(skip);
                return;
            }
            _ => {}
        }
        let mark = self.mark();
        match &condition.kind {
            ExprKind::Binary { first, rest } if matches!(&rest[..], [(op, ..)] if is_comparison(*op)) => {
                let (op, _, right) = &rest[0];
                let test = self.take(span);
                let left = self.operand_before(first, right.span);
                let right = self.operand(right);
                self.emit(span, Word::abc(op_of(*op), test, left, right));
                self.jump_if(span, test, sense, goal);
            }
            ExprKind::Is(value, of, negated) => {
                let test = self.take(span);
                let value = self.operand_before(value, of.span);
                let of = self.operand(of);
                self.emit(span, Word::abc(Op::Is, test, value, of));
                self.jump_if(span, test, sense != *negated, goal);
            }
            _ => {
                let test = self.operand(condition);
                self.jump_if(span, test, sense, goal);
            }
        }
        self.release(mark);
    }

    /// `and`, `or`, `??` for their value.
    pub(super) fn logic(&mut self, span: Span, op: LogicOp, operands: &'s [Expr<'s>], want: Want) {
        let Some((last, before)) = operands.split_last() else { return };
        let mark = self.mark();
        let mut end = Label::new();
        match want {
            Want::Nothing => {
                for operand in before {
                    match op {
                        LogicOp::And => self.branch(operand, false, Goal::Forward(&mut end)),
                        LogicOp::Or => self.branch(operand, true, Goal::Forward(&mut end)),
                        LogicOp::Coalesce => {
                            let before = self.mark();
                            let value = self.operand(operand);
                            self.jump(operand.span, Op::JumpNotNil, value, &mut end);
                            self.release(before);
                        }
                    }
                }
                self.expr(last, want);
                self.f.bind(end);
            }
            Want::Into(_) | Want::Tail => {
                let value = self.collector(span, want);
                let dst = Want::Into(Dst::fresh(value));
                let decided = match op {
                    LogicOp::And => Op::JumpIfNot,
                    LogicOp::Or => Op::JumpIf,
                    LogicOp::Coalesce => Op::JumpNotNil,
                };
                for operand in before {
                    self.expr(operand, dst);
                    self.jump(operand.span, decided, value, &mut end);
                }
                // In tail position the last operand returns by itself.
                self.expr(last, if want == Want::Tail { want } else { dst });
                self.f.bind(end);
                self.deliver(span, want, value);
            }
        }
        self.release(mark);
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::In
            | BinaryOp::NotIn
    )
}
