//! `match`: arms are tried in order; a pattern or guard that does not hold jumps to the next arm.

use quipu_code::span::Span;
use quipu_code::{Op, Word};

use super::builder::{Goal, Label};
use super::emit::Compiler;
use super::pattern::Fail;
use super::register::{Reg, Want};
use crate::ast::{Arm, Expr};

impl<'s> Compiler<'s> {
    pub(super) fn match_expr(&mut self, span: Span, subject: &'s Expr<'s>, arms: &'s [Arm<'s>], want: Want) {
        let mark = self.mark();
        // Arms may assign to a variable that is matched, and names bound to it must keep the old value.
        let value = self.operand_before(subject, Span::new(subject.span.end, span.end));
        let aliasable = match self.in_place(subject) {
            Some((id, _)) => !self.changes_in(id, Span::new(subject.span.end, span.end)),
            None => true,
        };
        let mut end = Label::new();
        for arm in arms {
            if !self.f.reachable {
                break;
            }
            let mut next = Label::new();
            self.arm(arm, value, aliasable, &mut next, want);
            // Behind an arm that always matches nothing is left to jump over.
            if next.is_used() {
                self.jump(arm.span, Op::Jump, 0, &mut end);
                self.f.bind(next);
                continue;
            }
            self.f.bind(end);
            return self.release(mark);
        }
        self.emit_last(subject.span, Word::abc(Op::MatchFail, value, 0, 0));
        self.f.bind(end);
        self.release(mark);
    }

    fn arm(&mut self, arm: &'s Arm<'s>, value: Reg, aliasable: bool, next: &mut Label, want: Want) {
        let (mark, locals) = (self.mark(), self.f.locals.len());
        self.declare_names(&arm.pattern, aliasable.then_some(value));
        self.pattern(&arm.pattern, value, &mut Fail::Jump(next));
        if let Some(guard) = &arm.guard {
            self.branch(guard, false, Goal::Forward(next));
        }
        if self.f.reachable {
            self.statement_value(&arm.body, want);
        }
        self.end_locals(locals);
        self.release(mark);
    }
}
