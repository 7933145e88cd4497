//! `defer`: what is left to do when a block is left. Each deferred piece is written once, behind its block, and whoever
//! leaves the block notes where to, and goes there by way of the piece:
//!
//! ```text
//!            LoadNil  value           of the block, or what is returned
//!            LoadNil  thrown
//!   covered: LoadInt  way, 0          the block's end
//!            ...
//!            LoadInt  way, 2          return, break or continue
//!            Jump     piece
//!            ...
//!            Jump     piece
//!   unwound: Unwound  way             way 1: an error, left in `thrown`, or the end of the fiber
//!   piece:   ...
//!            goes on as `way` says; way 1: Rethrow thrown, thrown
//!   failed:  Rethrow  error, thrown   where an error of the piece itself leads
//! ```
//!
//! Pieces of one block share the three registers, as each is done before the one around it begins.

use quipu_code::span::Span;
use quipu_code::{Handler, Op, Word};

use super::builder::{Goal, Label};
use super::emit::Compiler;
use super::register::{Dst, Reg, Want};
use crate::ast::{Expr, Statement, StatementKind};

/// The number of the way that the machine takes, through a handler.
const THROWN: i64 = 1;

/// A way out of a block beside its end and errors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The function returns.
    Return,
    /// This loop is over, counted from the outermost of the function.
    Break(usize),
    /// Its next turn begins.
    Continue(usize),
}

/// Registers that the pieces of a block share.
#[derive(Clone, Copy)]
pub(super) struct Shared {
    way: Reg,
    /// What the block gives, or what is returned.
    pub(super) value: Reg,
    thrown: Reg,
}

/// A deferred piece whose block is being written.
pub(super) struct Deferred<'s> {
    shared: Shared,
    piece: &'s Expr<'s>,
    /// The first instruction behind the statement.
    start: u32,
    /// Where the piece begins.
    label: Label,
    /// The ways that lead through it, numbered from 2 on.
    ways: Vec<Way>,
    /// Loops around the block: leaving these leaves the block.
    loops: usize,
    locals: usize,
}

impl<'s> Compiler<'s> {
    /// Statements that may defer something, up to the last one, whose value is wanted. `end` hands the value over to where the
    /// innermost piece expects it, or to `want` if nothing is deferred.
    pub(super) fn deferring(
        &mut self,
        statements: &'s [Statement<'s>],
        span: Span,
        want: Want,
        end: impl FnOnce(&mut Self, Option<&'s Statement<'s>>, Want),
    ) {
        let around = self.f.defers.len();
        let mut shared = None;
        let (last, before) = match statements.split_last() {
            Some((last, before)) if !matches!(last.kind, StatementKind::Defer(_)) => (Some(last), before),
            _ => (None, statements),
        };
        for statement in before {
            match &statement.kind {
                StatementKind::Defer(piece) if self.f.reachable => {
                    let shared = *shared.get_or_insert_with(|| self.shared(statement.span));
                    self.defer(piece, statement.span, shared);
                }
                _ => self.statement(statement),
            }
        }
        let Some(shared) = shared else { return end(self, last, want) };
        let inner = if want == Want::Nothing { want } else { Want::Into(Dst::fresh(shared.value)) };
        end(self, last, inner);
        while self.f.defers.len() > around {
            self.run_deferred();
        }
        self.deliver(span, want, shared.value);
    }

    fn shared(&mut self, span: Span) -> Shared {
        let shared = Shared { way: self.take(span), value: self.take(span), thrown: self.take(span) };
        self.nil(span, Want::Into(Dst::fresh(shared.value)));
        self.nil(span, Want::Into(Dst::fresh(shared.thrown)));
        shared
    }

    fn defer(&mut self, piece: &'s Expr<'s>, span: Span, shared: Shared) {
        let (start, loops, locals) = (self.f.pc(), self.f.loops.len(), self.f.locals.len());
        // Covered as well, so that no `try` behind it covers just as much.
        self.int(span, Want::Into(Dst::fresh(shared.way)), 0);
        self.f.defers.push(Deferred { shared, piece, start, label: Label::new(), ways: Vec::new(), loops, locals });
    }

    /// The value that is returned from where something is deferred; None where nothing is.
    pub(super) fn deferred_value(&self) -> Option<Reg> {
        self.f.defers.last().map(|deferred| deferred.shared.value)
    }

    /// Leaves blocks, through all that they have deferred.
    pub(super) fn leave(&mut self, span: Span, way: Way) {
        if !self.f.reachable {
            return;
        }
        let Some(mut innermost) = self.f.defers.pop_if(|deferred| deferred.is_left_by(way)) else {
            return self.leave_at_once(span, way);
        };
        let number = innermost.ways.iter().position(|known| *known == way).unwrap_or_else(|| {
            innermost.ways.push(way);
            innermost.ways.len() - 1
        });
        self.int(span, Want::Into(Dst::fresh(innermost.shared.way)), THROWN + 1 + number as i64);
        self.jump(span, Op::Jump, 0, &mut innermost.label);
        self.f.defers.push(innermost);
    }

    /// The innermost piece: the block around it has come to its end.
    fn run_deferred(&mut self) {
        let Some(Deferred { shared, piece, start, mut label, ways, locals, .. }) = self.f.defers.pop() else { return };
        let span = piece.span;
        self.end_locals(locals);
        let covered = start..self.f.pc();
        if covered.len() <= 1 {
            self.f.bind(label);
            return self.expr(piece, Want::Nothing);
        }
        let ends = self.f.reachable;
        self.jump(span, Op::Jump, 0, &mut label);
        self.f.reachable = true;
        self.handler_here(covered, shared.thrown);
        let unwound = self.f.pc();
        self.emit(span, Word::abc(Op::Unwound, shared.way, 0, 0));
        self.f.bind(label);

        let mark = self.mark();
        self.expr(piece, Want::Nothing);
        self.release(mark);
        let failing = unwound..self.f.pc();

        let mut end = Label::new();
        if self.f.reachable {
            self.go_on(span, shared, &ways, ends);
            self.jump(span, Op::Jump, 0, &mut end);
        }
        self.f.reachable = true;
        let mark = self.mark();
        let error = self.take(span);
        self.handler_here(failing, error);
        self.emit_last(span, Word::abc(Op::Rethrow, error, shared.thrown, 0));
        self.release(mark);
        self.f.bind(end);
    }

    /// Goes on behind a piece as those wanted who came there. `ends`: whether the block's end is one of them.
    fn go_on(&mut self, span: Span, shared: Shared, ways: &[Way], ends: bool) {
        let count = ways.len() + 1;
        for number in 0..count {
            let mut next = Label::new();
            if ends || number + 1 < count {
                let mark = self.mark();
                let test = self.take(span);
                let wanted = self.int_temporary(span, THROWN + number as i64);
                self.emit(span, Word::abc(Op::Eq, test, shared.way, wanted));
                self.jump_if(span, test, false, Goal::Forward(&mut next));
                self.release(mark);
            }
            match number.checked_sub(1).and_then(|index| ways.get(index)) {
                None => self.emit_last(span, Word::abc(Op::Rethrow, shared.thrown, shared.thrown, 0)),
                Some(Way::Return) => {
                    if let Some(value) = self.deferred_value() {
                        self.copy(span, value, shared.value);
                        self.leave(span, Way::Return);
                    } else {
                        self.emit_last(span, Word::abc(Op::Return, shared.value, 0, 0));
                    }
                }
                Some(&way) => self.leave(span, way),
            }
            self.f.bind(next);
        }
    }

    /// A handler for some instructions begins here.
    fn handler_here(&mut self, covered: std::ops::Range<u32>, register: Reg) {
        let target = self.f.pc();
        self.f.handlers.push(Handler { start: covered.start, end: covered.end, target, register });
    }
}

impl Deferred<'_> {
    fn is_left_by(&self, way: Way) -> bool {
        match way {
            Way::Return => true,
            Way::Break(number) | Way::Continue(number) => number < self.loops,
        }
    }
}
