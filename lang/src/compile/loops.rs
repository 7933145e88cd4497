//! Loops: their test stands at the bottom, and one jump back is all that a turn costs beside it.
//!
//! ```text
//!         Jump  next                 Iter  it, src
//!   body: ...                        Jump  next
//!   next: test                 body: ...
//!         LoopIf test, body    next: Next  dst, it
//!   exit:                            LoopPresent dst, body
//!                              exit:
//! ```

use quipu_code::span::Span;
use quipu_code::{Op, Word};

use super::builder::{Goal, Label, Loop};
use super::defer::Way;
use super::emit::Compiler;
use super::pattern::Fail;
use super::register::{Dst, Reg, Want};
use crate::ast::{Block, Expr, ExprKind, Pattern, PatternKind};

impl<'s> Compiler<'s> {
    pub(super) fn while_loop(&mut self, condition: &'s Expr<'s>, body: &'s Block<'s>) {
        let mut next = Label::new();
        self.jump(condition.span, Op::Jump, 0, &mut next);
        // The test below will jump here.
        self.f.reachable = true;
        let start = self.f.pc();
        self.f.loops.push(Loop { exit: Label::new(), next });
        self.block(body, Want::Nothing);
        let Some(Loop { exit, next }) = self.f.loops.pop() else { return };
        self.f.bind(next);
        self.branch(condition, true, Goal::Back(start));
        // A test that never comes to its end never lets the body run.
        self.f.suspect |= self.f.went_back_to != Some(start);
        self.f.bind(exit);
    }

    pub(super) fn for_loop(&mut self, pattern: &'s Pattern<'s>, iterable: &'s Expr<'s>, body: &'s Block<'s>) {
        let (mark, locals) = (self.mark(), self.f.locals.len());
        let iterator = self.iterator(iterable);
        if !self.f.reachable {
            return self.release(mark);
        }
        self.declare_names(pattern, None);
        let bind = match &pattern.kind {
            PatternKind::Bind(name) => self.resolution.declarations.get(name.span.start),
            _ => None,
        };
        let element = match bind {
            Some(id) => self.homes[id.0 as usize].value,
            None => self.take(pattern.span),
        };
        let mut next = Label::new();
        self.jump(iterable.span, Op::Jump, 0, &mut next);
        self.f.reachable = true;
        let start = self.f.pc();
        match bind {
            Some(id) => self.begin_local(id, element),
            None => self.pattern(pattern, element, &mut Fail::Throw(element)),
        }
        self.f.loops.push(Loop { exit: Label::new(), next });
        self.block(body, Want::Nothing);
        self.end_locals(locals);
        let Some(Loop { exit, next }) = self.f.loops.pop() else { return };
        self.f.bind(next);
        self.step(iterable.span, iterator, element, start);
        self.f.bind(exit);
        self.release(mark);
    }

    /// Makes an iterator in three registers.
    pub(super) fn iterator(&mut self, iterable: &'s Expr<'s>) -> Reg {
        let first = self.take(iterable.span);
        if let ExprKind::Range { start: Some(start), end: Some(end), inclusive } = &iterable.kind {
            let mark = self.mark();
            let start = self.operand_before(start, end.span);
            let end = self.operand(end);
            self.emit(iterable.span, Word::abcd(Op::IterRange, first, start, end, *inclusive as u8));
            self.release(mark);
            self.take_many(iterable.span, 2);
            return first;
        }
        let source = match self.in_place(iterable) {
            Some((_, reg)) => reg,
            None => {
                self.expr(iterable, Want::Into(Dst::fresh(first)));
                first
            }
        };
        self.take_many(iterable.span, 2);
        self.emit(iterable.span, Word::abc(Op::Iter, first, source, 0));
        first
    }

    /// Takes the next element, and goes back to the body if there is one.
    pub(super) fn step(&mut self, span: Span, iterator: Reg, element: Reg, body: u32) {
        self.emit(span, Word::abc(Op::Next, element, iterator, 0));
        self.emit(span, Word::ax(Op::LoopPresent, element, body));
    }

    /// `break` and `continue`.
    pub(super) fn leave_loop(&mut self, span: Span, way: impl FnOnce(usize) -> Way) {
        if let Some(innermost) = self.f.loops.len().checked_sub(1) {
            self.leave(span, way(innermost));
        }
    }

    /// Goes where a way out of the innermost loop leads; nothing is left to do before.
    pub(super) fn leave_at_once(&mut self, span: Span, way: Way) {
        let Some(mut innermost) = self.f.loops.pop() else { return };
        let label = if matches!(way, Way::Break(_)) { &mut innermost.exit } else { &mut innermost.next };
        self.jump(span, Op::Jump, 0, label);
        self.f.loops.push(innermost);
    }
}
