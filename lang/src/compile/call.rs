//! Chains of calls, indexes and members, and pipes.
//!
//! A chain works in one register: every step takes the value there and leaves its own. A call's window begins in it:
//!
//! ```text
//!   R[b]   callee or receiver, then the result        spread:  R[b]   callee or receiver
//!   R[b+1] first argument                                      R[b+1] list of arguments
//!   R[b+2] ..
//! ```

use quipu_code::span::Span;
use quipu_code::{Op, Word};

use super::builder::Label;
use super::emit::Compiler;
use super::register::{Dst, Reg, Want};
use crate::ast::{Argument, Expr, ExprKind, Ident, Postfix};

/// What a call calls.
#[derive(Clone, Copy)]
enum Callee<'s> {
    /// The value in the window's first register.
    Value,
    /// A method of it.
    Method(Ident<'s>),
}

/// How the arguments of a call are passed.
#[derive(Clone, Copy)]
enum Passed {
    Registers(u8),
    List,
}

/// The base of a chain, evaluated.
struct Start {
    /// Where its value is.
    value: Reg,
    /// Whether it is a member of a module, with which the first step was taken; a call is still to be made.
    member: bool,
}

impl<'s> Compiler<'s> {
    pub(super) fn postfix(&mut self, base: &'s Expr<'s>, ops: &'s [(Postfix<'s>, Span)], want: Want) {
        let Some((_, span)) = ops.last() else { return self.expr(base, want) };
        let mark = self.mark();
        let work = self.row(*span, want);
        let Start { mut value, member } = self.chain_start(base, ops, work);
        for (index, (op, span)) in ops.iter().enumerate() {
            let last = index + 1 == ops.len();
            // Steps before the last one leave their values in the working register.
            let want = if last { want } else { Want::Into(Dst::fresh(work)) };
            let mark = self.mark();
            self.step_of_chain(op, *span, value, work, member && index == 0, want);
            self.release(mark);
            value = work;
        }
        self.release(mark);
    }

    /// Evaluates the base of a chain. It stays in its own register if the chain begins by looking into it.
    fn chain_start(&mut self, base: &'s Expr<'s>, ops: &'s [(Postfix<'s>, Span)], work: Reg) -> Start {
        let in_work = Start { value: work, member: false };
        if let ExprKind::Name(name) = base.kind {
            let found = self.place(name);
            if found.with_member {
                self.load(ops.first().map_or(base.span, |op| op.1), found.place, work);
                return Start { member: true, ..in_work };
            }
            if let Some((id, reg)) = self.register_of(found.place) {
                let stays = match ops.first() {
                    Some((Postfix::Index(index), _)) => !self.changes_in(id, index.span),
                    Some((Postfix::Field(_) | Postfix::SafeField(_), _)) => true,
                    _ => false,
                };
                if stays {
                    return Start { value: reg, member: false };
                }
            }
        }
        self.expr(base, Want::Into(Dst::fresh(work)));
        in_work
    }

    fn step_of_chain(&mut self, op: &'s Postfix<'s>, span: Span, value: Reg, work: Reg, member: bool, want: Want) {
        let out = match want {
            Want::Into(dst) => dst.reg,
            Want::Nothing | Want::Tail => work,
        };
        match op {
            Postfix::Field(_) if member => return self.deliver(span, want, work),
            Postfix::Index(index) => self.index(span, out, value, index),
            Postfix::Field(field) => {
                let name = self.name(field.name);
                self.emit(span, Word::abc(Op::GetField, out, value, name));
            }
            Postfix::SafeField(field) => {
                let name = self.name(field.name);
                self.emit(span, Word::abc(Op::GetFieldSafe, out, value, name));
            }
            Postfix::Call(arguments) => {
                let passed = self.arguments(span, work, 0, arguments);
                return self.call(span, Callee::Value, work, passed, want);
            }
            Postfix::Method(method, arguments) => {
                let callee = if member { Callee::Value } else { Callee::Method(*method) };
                let passed = self.arguments(span, work, 0, arguments);
                return self.call(span, callee, work, passed, want);
            }
            Postfix::SafeMethod(method, arguments) => {
                return self.safe_method(span, *method, work, 0, arguments, want);
            }
        }
        self.deliver(span, want, out);
    }

    /// `a?.m(..)`: nil if a is, and then no argument is evaluated.
    fn safe_method(
        &mut self,
        span: Span,
        method: Ident<'s>,
        window: Reg,
        given: usize,
        arguments: &'s [Argument<'s>],
        want: Want,
    ) {
        let mut nil = Label::new();
        self.jump(span, Op::JumpNil, window, &mut nil);
        let passed = self.arguments(span, window, given, arguments);
        let called = if want == Want::Tail { want } else { Want::Into(Dst::fresh(window)) };
        self.call(span, Callee::Method(method), window, passed, called);
        self.f.bind(nil);
        self.deliver(span, want, window);
    }

    /// Evaluates arguments into the registers behind the callee and `given` arguments that are there already.
    fn arguments(&mut self, span: Span, window: Reg, given: usize, arguments: &'s [Argument<'s>]) -> Passed {
        let spread = arguments.iter().any(|argument| argument.spread);
        match u8::try_from(given + arguments.len()) {
            Ok(count) if !spread => {
                for argument in arguments {
                    self.temporary(&argument.value);
                }
                Passed::Registers(count)
            }
            _ => {
                let list = window.saturating_add(1);
                let elements = arguments.iter().map(|argument| (argument.spread, &argument.value));
                self.build_list(span, list, list, given, elements);
                Passed::List
            }
        }
    }

    fn call(&mut self, span: Span, callee: Callee<'s>, window: Reg, passed: Passed, want: Want) {
        let name = match callee {
            Callee::Value => 0,
            Callee::Method(method) => self.name(method.name),
        };
        let is_method = matches!(callee, Callee::Method(_));
        let (list, count) = match passed {
            Passed::Registers(count) => (false, count),
            Passed::List => (true, 0),
        };
        if want == Want::Tail {
            let op = match (is_method, list) {
                (false, false) => Op::TailCall,
                (false, true) => Op::TailCallList,
                (true, false) => Op::TailMethod,
                (true, true) => Op::TailMethodList,
            };
            return self.emit_last(span, Word::abcd(op, 0, window, name, count));
        }
        let op = match (is_method, list) {
            (false, false) => Op::Call,
            (false, true) => Op::CallList,
            (true, false) => Op::CallMethod,
            (true, true) => Op::CallMethodList,
        };
        let out = match want {
            Want::Into(dst) => dst.reg,
            Want::Nothing | Want::Tail => window,
        };
        self.emit(span, Word::abcd(op, out, window, name, count));
    }

    /// `a[i]` and `a[i..j]`.
    fn index(&mut self, span: Span, out: Reg, object: Reg, index: &'s Expr<'s>) {
        let ExprKind::Range { start, end, inclusive } = &index.kind else {
            let index = self.operand(index);
            return self.emit(span, Word::abc(Op::GetIndex, out, object, index));
        };
        let first = self.f.registers.top().min(u16::MAX as u32) as Reg;
        for bound in [start, end] {
            let reg = self.take(index.span);
            let want = Want::Into(Dst::fresh(reg));
            match bound {
                Some(bound) => self.expr(bound, want),
                None => self.nil(index.span, want),
            }
        }
        self.emit(span, Word::abcd(Op::Slice, out, object, first, *inclusive as u8));
    }

    /// `x |> f |> g(y)`: each value goes where the next function expects its first argument.
    pub(super) fn pipe(&mut self, value: &'s Expr<'s>, stages: &'s [Expr<'s>], want: Want) {
        let Some(last) = stages.last() else { return self.expr(value, want) };
        let mark = self.mark();
        let window = self.row(value.span.to(last.span), want);
        let argument = self.temporary(value);
        for (index, stage) in stages.iter().enumerate() {
            let is_last = index + 1 == stages.len();
            let want = if is_last { want } else { Want::Into(Dst::fresh(argument)) };
            let mark = self.mark();
            self.stage(value.span.to(stage.span), stage, window, want);
            self.release(mark);
        }
        self.release(mark);
    }

    /// Calls what stands right of `|>` with the value behind the window's first register and its own arguments.
    fn stage(&mut self, span: Span, stage: &'s Expr<'s>, window: Reg, want: Want) {
        let callee = Want::Into(Dst::fresh(window));
        let ExprKind::Postfix { base, ops } = &stage.kind else {
            self.expr(stage, callee);
            return self.call(span, Callee::Value, window, Passed::Registers(1), want);
        };
        let Some(((last, _), before)) = ops.split_last() else { return };
        // A member of a module is a function like any other; what stands behind other values is a method.
        let member = match base.kind {
            ExprKind::Name(name) if before.is_empty() => Some(self.place(name)).filter(|found| found.with_member),
            _ => None,
        };
        let is_member = member.is_some();
        match (member, last) {
            (Some(found), _) => self.load(stage.span, found.place, window),
            (None, Postfix::Index(_)) => self.postfix(base, ops, callee),
            (None, _) => self.postfix(base, before, callee),
        }
        let no_arguments: &[Argument<'s>] = &[];
        match last {
            Postfix::Call(arguments) => {
                let passed = self.arguments(span, window, 1, arguments);
                self.call(span, Callee::Value, window, passed, want);
            }
            Postfix::Method(method, arguments) => {
                let callee = if is_member { Callee::Value } else { Callee::Method(*method) };
                let passed = self.arguments(span, window, 1, arguments);
                self.call(span, callee, window, passed, want);
            }
            Postfix::Field(method) => {
                let callee = if is_member { Callee::Value } else { Callee::Method(*method) };
                self.call(span, callee, window, Passed::Registers(1), want);
            }
            Postfix::SafeMethod(method, arguments) => {
                self.safe_method(span, *method, window, 1, arguments, want);
            }
            Postfix::SafeField(method) => self.safe_method(span, *method, window, 1, no_arguments, want),
            Postfix::Index(_) => self.call(span, Callee::Value, window, Passed::Registers(1), want),
        }
    }
}
