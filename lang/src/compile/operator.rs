//! Operators and ranges.

use quipu_code::span::Span;
use quipu_code::{Op, Word};

use super::emit::Compiler;
use super::register::{Dst, Want};
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

/// The instruction of an operator.
pub(super) fn op_of(op: BinaryOp) -> Op {
    match op {
        BinaryOp::Add => Op::Add,
        BinaryOp::Sub => Op::Sub,
        BinaryOp::Mul => Op::Mul,
        BinaryOp::Div => Op::Div,
        BinaryOp::FloorDiv => Op::FloorDiv,
        BinaryOp::Mod => Op::Mod,
        BinaryOp::Pow => Op::Pow,
        BinaryOp::BitAnd => Op::BitAnd,
        BinaryOp::BitOr => Op::BitOr,
        BinaryOp::BitXor => Op::BitXor,
        BinaryOp::Shl => Op::Shl,
        BinaryOp::Shr => Op::Shr,
        BinaryOp::Eq => Op::Eq,
        BinaryOp::Ne => Op::Ne,
        BinaryOp::Lt => Op::Lt,
        BinaryOp::Le => Op::Le,
        BinaryOp::Gt => Op::Gt,
        BinaryOp::Ge => Op::Ge,
        BinaryOp::In => Op::In,
        BinaryOp::NotIn => Op::NotIn,
    }
}

impl<'s> Compiler<'s> {
    pub(super) fn float(&mut self, span: Span, want: Want, value: f64) {
        self.constant(span, want, |this, out| Word::ax(Op::LoadConst, out, this.f.constants.float(value)));
    }

    pub(super) fn unary(&mut self, span: Span, op: UnaryOp, operand: &'s Expr<'s>, want: Want) {
        if op == UnaryOp::Neg {
            match operand.kind {
                ExprKind::Int(value) if value != i64::MIN => return self.int(span, want, -value),
                ExprKind::Float(value) => return self.float(span, want, -value),
                _ => {}
            }
        }
        let op = match op {
            UnaryOp::Neg => Op::Neg,
            UnaryOp::BitNot => Op::BitNot,
            UnaryOp::Not => Op::Not,
        };
        let mark = self.mark();
        let out = self.out(span, want);
        let operand = self.operand(operand);
        self.emit(span, Word::abc(op, out, operand, 0));
        self.deliver(span, want, out);
        self.release(mark);
    }

    /// A chain of operators of one level.
    pub(super) fn binary(&mut self, first: &'s Expr<'s>, rest: &'s [(BinaryOp, Span, Expr<'s>)], want: Want) {
        let mark = self.mark();
        let Some((_, _, last)) = rest.last() else { return self.expr(first, want) };
        let span = first.span.to(last.span);
        let out = self.out(span, want);
        let mut left = self.operand_before(first, Span::new(first.span.end, last.span.end));
        // A partial result must not be seen in a variable that a later operand may read.
        let mut collector = match want {
            Want::Into(Dst { fresh: false, .. }) => None,
            _ => Some(out),
        };
        for (index, (op, _, operand)) in rest.iter().enumerate() {
            let is_last = index + 1 == rest.len();
            let to = if is_last { out } else { *collector.get_or_insert_with(|| self.take(span)) };
            let before_right = self.mark();
            let right = self.operand(operand);
            self.emit(first.span.to(operand.span), Word::abc(op_of(*op), to, left, right));
            self.release(before_right);
            left = to;
        }
        self.deliver(span, want, out);
        self.release(mark);
    }

    pub(super) fn is(&mut self, span: Span, value: &'s Expr<'s>, test: &'s Expr<'s>, negated: bool, want: Want) {
        let mark = self.mark();
        let out = self.out(span, want);
        let value = self.operand_before(value, test.span);
        let test = self.operand(test);
        self.emit(span, Word::abc(Op::Is, out, value, test));
        if negated {
            self.emit(span, Word::abc(Op::Not, out, out, 0));
        }
        self.deliver(span, want, out);
        self.release(mark);
    }

    pub(super) fn range(
        &mut self,
        span: Span,
        start: Option<&'s Expr<'s>>,
        end: Option<&'s Expr<'s>>,
        inclusive: bool,
        want: Want,
    ) {
        let mark = self.mark();
        let out = self.out(span, want);
        let nil = |this: &mut Self| {
            let reg = this.take(span);
            this.nil(span, Want::Into(Dst::fresh(reg)));
            reg
        };
        let after = end.map_or(span, |end| end.span);
        let start = match start {
            Some(start) => self.operand_before(start, after),
            None => nil(self),
        };
        let end = match end {
            Some(end) => self.operand(end),
            None => nil(self),
        };
        self.emit(span, Word::abcd(Op::MakeRange, out, start, end, inclusive as u8));
        self.deliver(span, want, out);
        self.release(mark);
    }
}
