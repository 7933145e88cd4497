//! The walk over statements and expressions, in the order of the text.

use quipu_code::span::Span;

use super::binding::{BindingId, BindingKind, FunctionId, FunctionInfo};
use super::interface::Arity;
use super::scope::{Access, KnownCall, Resolver};
use crate::ast::*;

const READ: Access<'static> = Access { write: false, declares: false, member: None, member_write: false };
const WRITE: Access<'static> = Access { write: true, ..READ };

impl<'s> Resolver<'s, '_> {
    /// Walks a whole file.
    pub(super) fn module(&mut self, module: &'s Module<'s>) {
        let scope = self.open();
        self.statements(&module.body);
        let end = self.source.text().len() as u32;
        self.close_block(scope, Span::new(0, end), None);
    }

    fn statements(&mut self, block: &'s Block<'s>) {
        for (at, statement) in block.statements.iter().enumerate() {
            if let Some(before) = at.checked_sub(1) {
                self.check_lost(&block.statements[before], statement, at + 1 == block.statements.len());
            }
            self.statement(statement);
        }
    }

    pub(super) fn block(&mut self, block: &'s Block<'s>) {
        self.blocks += 1;
        self.deeper();
        let scope = self.open();
        self.statements(block);
        self.close_block(scope, block.span, Some(block.span.start));
        self.depth -= 1;
        self.blocks -= 1;
    }

    fn statement(&mut self, statement: &'s Statement<'s>) {
        match &statement.kind {
            StatementKind::Let { mutable, pattern, value, exported, doc } => {
                self.expr(value);
                let first = self.bindings.len();
                self.pattern(pattern, if *mutable { BindingKind::Var } else { BindingKind::Let });
                if let (PatternKind::Bind(_), ExprKind::Function(function), false) =
                    (&pattern.kind, &value.kind, mutable)
                    && let Some(binding) = self.bindings.get_mut(first)
                {
                    binding.arity = arity_of(&function.params);
                }
                if *exported && self.may_export(statement.span) {
                    let doc = doc.as_deref();
                    let bound = (first..self.bindings.len()).map(|index| BindingId(index as u32));
                    let bound = bound.filter(|id| self.bindings[id.0 as usize].kind == BindingKind::Let);
                    self.exports.extend(bound.map(|id| (id, doc)));
                }
            }
            StatementKind::Fn { function, exported } => {
                let Some(name) = function.name else { return };
                let arity = arity_of(&function.params);
                self.function(function, Some((name, arity)), None);
                let id = self.declare(name, BindingKind::Fn, arity);
                if *exported && self.may_export(statement.span) {
                    self.exports.push((id, function.doc.as_deref()));
                }
            }
            StatementKind::Type { declaration, exported } => {
                let arity = self.type_declaration(declaration);
                let id = self.declare(declaration.name, BindingKind::Type, arity);
                if *exported && self.may_export(statement.span) {
                    self.exports.push((id, declaration.doc.as_deref()));
                }
            }
            StatementKind::Import(import) => self.import(import, statement.span),
            StatementKind::Assign { target, value } => {
                match target.kind {
                    TargetKind::Name(name) => {
                        self.mention(name, Access { declares: true, ..WRITE });
                    }
                    _ => self.target_of_assignment(target),
                }
                self.expr(value);
            }
            StatementKind::Update { target, value, .. } => {
                self.target_of_assignment(target);
                self.expr(value);
            }
            StatementKind::While { condition, body } => {
                self.expr(condition);
                self.loops += 1;
                self.block(body);
                self.loops -= 1;
            }
            StatementKind::For { pattern, iterable, body } => {
                self.expr(iterable);
                let scope = self.open();
                self.pattern(pattern, BindingKind::Loop);
                self.loops += 1;
                self.block(body);
                self.loops -= 1;
                self.close(scope, body.span);
            }
            StatementKind::Break => self.leaves_loop("break", statement.span),
            StatementKind::Continue => self.leaves_loop("continue", statement.span),
            StatementKind::Defer(piece) => {
                let around = (self.loops, self.defers);
                (self.loops, self.defers) = (0, true);
                self.expr(piece);
                (self.loops, self.defers) = around;
            }
            StatementKind::Expr(expr) => self.expr(expr),
            StatementKind::Error => self.lost = true,
        }
    }

    fn leaves_loop(&mut self, word: &str, span: Span) {
        if self.loops == 0 && self.defers {
            self.leaves_deferred(word, span);
        } else if self.loops == 0 {
            self.outside_loop(word, span);
        }
    }

    fn may_export(&mut self, span: Span) -> bool {
        if self.blocks > 0 {
            self.not_at_top_level("export", span);
        }
        self.blocks == 0
    }

    fn target_of_assignment(&mut self, target: &'s Target<'s>) {
        match &target.kind {
            TargetKind::Name(name) => {
                self.mention(*name, WRITE);
            }
            TargetKind::Index(object, index) => {
                self.expr(object);
                self.expr(index);
            }
            TargetKind::Field(object, field) => match &object.kind {
                ExprKind::Name(name) => {
                    self.mention(*name, Access { member: Some(*field), member_write: true, ..READ });
                }
                _ => self.expr(object),
            },
            TargetKind::Tuple(parts) | TargetKind::List(parts) => {
                parts.iter().for_each(|part| self.target_of_assignment(part));
            }
            TargetKind::Ignore => {}
            TargetKind::Error => self.lost = true,
        }
    }

    /// Goes one node down in the tree.
    pub(super) fn deeper(&mut self) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    pub(super) fn expr(&mut self, expr: &'s Expr<'s>) {
        self.deeper();
        match &expr.kind {
            ExprKind::Nil
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Str(_)
            | ExprKind::Bytes(_) => {}
            ExprKind::Name(name) => {
                self.mention(*name, READ);
            }
            ExprKind::Interpolation(parts) => {
                for part in parts {
                    if let Part::Expr(expr) | Part::Formatted(expr, _) = part {
                        self.expr(expr);
                    }
                }
            }
            ExprKind::Tuple(parts) | ExprKind::Logic(_, parts) => parts.iter().for_each(|part| self.expr(part)),
            ExprKind::List(elements) => elements.iter().for_each(|element| self.expr(&element.value)),
            ExprKind::Map(elements) => {
                for element in elements {
                    match element {
                        MapElement::Pair(key, value) => {
                            self.expr(key);
                            self.expr(value);
                        }
                        MapElement::Spread(value) => self.expr(value),
                    }
                }
            }
            ExprKind::Block(block) => self.block(block),
            ExprKind::If { branches, otherwise } => {
                for (condition, block) in branches {
                    self.expr(condition);
                    self.block(block);
                }
                if let Some(block) = otherwise {
                    self.block(block);
                }
            }
            ExprKind::Match { subject, arms } => {
                self.expr(subject);
                arms.iter().for_each(|arm| self.arm(arm));
            }
            ExprKind::Try { body, pattern, handler } => {
                self.tries += 1;
                self.block(body);
                self.tries -= 1;
                let scope = self.open();
                self.pattern(pattern, BindingKind::Catch);
                self.block(handler);
                self.close(scope, handler.span);
            }
            ExprKind::Function(function) => self.function(function, None, None),
            ExprKind::Unary(_, _, operand) => self.expr(operand),
            ExprKind::Binary { first, rest } => {
                self.expr(first);
                rest.iter().for_each(|(_, _, operand)| self.expr(operand));
            }
            ExprKind::Is(value, test, _) => {
                self.expr(value);
                self.expr(test);
            }
            ExprKind::Range { start, end, .. } => {
                for bound in [start, end].into_iter().flatten() {
                    self.expr(bound);
                }
            }
            ExprKind::Postfix { base, ops } => self.postfix(base, ops, 0),
            ExprKind::Pipe(value, stages) => {
                self.expr(value);
                stages.iter().for_each(|stage| self.stage(stage));
            }
            ExprKind::Yield(operand) => {
                if let Some(operand) = operand {
                    self.expr(operand);
                }
            }
            ExprKind::Throw(operand) => self.expr(operand),
            ExprKind::Return(operand) => {
                if self.defers {
                    self.leaves_deferred("return", expr.span);
                } else if self.function == FunctionId::MAIN {
                    self.return_outside_function(expr.span);
                }
                if let Some(operand) = operand {
                    self.expr(operand);
                }
            }
            ExprKind::Error => self.lost = true,
        }
        self.depth -= 1;
    }

    fn arm(&mut self, arm: &'s Arm<'s>) {
        self.blocks += 1;
        let scope = self.open();
        self.pattern(&arm.pattern, BindingKind::Arm);
        if let Some(guard) = &arm.guard {
            self.expr(guard);
        }
        self.statement(&arm.body);
        self.close(scope, arm.span);
        self.blocks -= 1;
    }

    /// A chain of calls, indexes and members; `extra` arguments come before those of its last call.
    fn postfix(&mut self, base: &'s Expr<'s>, ops: &'s [(Postfix<'s>, Span)], extra: usize) {
        let mut known = None;
        if let ExprKind::Name(name) = base.kind {
            let member = match ops.first() {
                Some((Postfix::Field(member) | Postfix::Method(member, _), _)) => Some(*member),
                _ => None,
            };
            let (mention, _) = self.mention(name, Access { member, ..READ });
            known = Some(mention);
        } else {
            self.expr(base);
        }
        for (index, (op, span)) in ops.iter().enumerate() {
            let last = index + 1 == ops.len();
            match op {
                Postfix::Call(arguments) | Postfix::Method(_, arguments) | Postfix::SafeMethod(_, arguments) => {
                    let is_method = !matches!(op, Postfix::Call(_));
                    let member = index == 0 && matches!(op, Postfix::Method(..))
                        || index == 1 && !is_method && matches!(ops[0].0, Postfix::Field(_));
                    if let Some(mention) = known
                        && (member || index == 0 && !is_method)
                    {
                        let count = arguments.len() + if last { extra } else { 0 };
                        self.known_call(mention, member, arguments, count, *span);
                    }
                    arguments.iter().for_each(|argument| self.expr(&argument.value));
                }
                Postfix::Index(index) => self.expr(index),
                Postfix::Field(_) | Postfix::SafeField(_) => {}
            }
        }
    }

    /// What stands right of `|>`.
    fn stage(&mut self, stage: &'s Expr<'s>) {
        match &stage.kind {
            ExprKind::Postfix { base, ops } => match ops.last() {
                Some((Postfix::Call(_) | Postfix::Method(..) | Postfix::SafeMethod(..), _)) => {
                    self.postfix(base, ops, 1);
                }
                _ => {
                    let mention = self.mentions.len() as u32;
                    self.postfix(base, ops, 0);
                    if let (ExprKind::Name(_), [(Postfix::Field(_), _)]) = (&base.kind, &ops[..]) {
                        self.known_call(mention, true, &[], 1, stage.span);
                    }
                }
            },
            ExprKind::Name(name) => {
                let (mention, _) = self.mention(*name, READ);
                self.known_call(mention, false, &[], 1, stage.span);
            }
            _ => self.expr(stage),
        }
    }

    fn known_call(&mut self, mention: u32, member: bool, arguments: &[Argument<'s>], count: usize, span: Span) {
        // Inside `try` a wrong count is what the program may want to catch.
        if self.tries == 0 && !arguments.iter().any(|argument| argument.spread) {
            self.calls.push(KnownCall { mention, member, count, span });
        }
    }

    /// Walks a function. `running` is the name by which it knows itself, `owner` the type whose method it is.
    fn function(
        &mut self,
        function: &'s Function<'s>,
        running: Option<(Ident<'s>, Option<Arity>)>,
        owner: Option<BindingId>,
    ) {
        self.enter_function(function.span.start, owner, |resolver| {
            let scope = resolver.open();
            if let Some((name, arity)) = running {
                resolver.declare_running(name, BindingKind::Running, arity);
            }
            let parameters = resolver.open();
            resolver.parameters(&function.params);
            match &function.body {
                FunctionBody::Block(block) => resolver.block(block),
                FunctionBody::Expr(expr) => resolver.expr(expr),
            }
            resolver.close_parameters(parameters, function.span);
            resolver.close(scope, function.span);
        });
    }

    fn enter_function(&mut self, start: u32, owner: Option<BindingId>, walk: impl FnOnce(&mut Self)) {
        let id = FunctionId(self.functions.len() as u32);
        self.functions.push(FunctionInfo { parent: self.function, owner, free: Vec::new() });
        self.function_at.push((start, id));
        let around = (self.function, self.loops, self.defers);
        (self.function, self.loops, self.defers) = (id, 0, false);
        self.blocks += 1;
        walk(self);
        self.blocks -= 1;
        (self.function, self.loops, self.defers) = around;
    }

    fn type_declaration(&mut self, declaration: &'s TypeDeclaration<'s>) -> Option<Arity> {
        self.members_once(declaration);
        let arity = fields_arity(&declaration.fields);
        let scope = self.open();
        let owner = self.declare_running(declaration.name, BindingKind::Owner, arity);
        self.enter_function(declaration.span.start, Some(owner), |resolver| {
            let scope = resolver.open();
            let mut optional = None;
            for (name, default) in &declaration.fields {
                if let Some(default) = default {
                    resolver.expr(default);
                    optional = Some(name.span);
                } else if let Some(before) = optional {
                    resolver.required_after_optional(name.span, before);
                }
                resolver.declare(*name, BindingKind::Parameter, None);
            }
            resolver.close_parameters(scope, declaration.span);
        });
        for method in &declaration.methods {
            self.check_self(method);
            self.methods.push((FunctionId(self.functions.len() as u32), declaration, method));
            self.function(method, None, Some(owner));
        }
        self.close(scope, declaration.span);
        arity
    }
}

/// How many arguments a parameter list takes; None when it takes too many to say.
fn arity_of(params: &[Param<'_>]) -> Option<Arity> {
    let rest = params.last().is_some_and(|param| param.rest);
    let optional = params.iter().filter(|param| param.default.is_some()).count();
    arity(params.len() - rest as usize, optional, rest)
}

fn fields_arity(fields: &[(Ident<'_>, Option<Expr<'_>>)]) -> Option<Arity> {
    arity(fields.len(), fields.iter().filter(|field| field.1.is_some()).count(), false)
}

fn arity(all: usize, optional: usize, rest: bool) -> Option<Arity> {
    let required = u8::try_from(all.checked_sub(optional)?).ok()?;
    Some(Arity { required, optional: u8::try_from(optional).ok()?, rest })
}
