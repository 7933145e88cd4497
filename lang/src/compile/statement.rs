//! Statements and blocks.

use quipu_code::span::Span;
use quipu_code::{Op, Word};

use super::defer::Way;
use super::emit::Compiler;
use super::pattern::Fail;
use super::register::{Dst, Want};
use crate::ast::{Block, Expr, Import, Pattern, PatternKind, Statement, StatementKind};
use crate::resolve::BindingId;

impl<'s> Compiler<'s> {
    /// A block with its own names; its value is that of its last statement, if that is an expression.
    pub(super) fn block(&mut self, block: &'s Block<'s>, want: Want) {
        self.block_with_cells_of(Some(block.span.start), block, want);
    }

    /// The same, where it is known under this name who makes its cells.
    pub(super) fn block_with_cells_of(&mut self, cells: Option<u32>, block: &'s Block<'s>, want: Want) {
        let (mark, locals) = (self.mark(), self.f.locals.len());
        self.forward_cells(cells, block.span);
        self.deferring(&block.statements, block.span, want, |this, last, want| match last {
            None => this.nil(block.span, want),
            Some(last) => this.statement_value(last, want),
        });
        self.end_locals(locals);
        self.release(mark);
    }

    /// A statement whose value may be wanted.
    pub(super) fn statement_value(&mut self, statement: &'s Statement<'s>, want: Want) {
        if let StatementKind::Expr(expr) = &statement.kind {
            return self.expr(expr, want);
        }
        self.statement(statement);
        self.nil(Span::new(statement.span.end, statement.span.end), want);
    }

    pub(super) fn statement(&mut self, statement: &'s Statement<'s>) {
        if !self.f.reachable {
            // What follows never runs, but import statements are counted.
            self.imports += matches!(statement.kind, StatementKind::Import(_)) as u32;
            return;
        }
        match &statement.kind {
            StatementKind::Let { pattern, value, .. } => self.let_statement(pattern, value),
            StatementKind::Fn { function, .. } => {
                let Some(name) = function.name else { return };
                self.declare(name.span, |this, reg| this.closure(function, reg));
            }
            StatementKind::Type { declaration, .. } => {
                self.declare(declaration.name.span, |this, reg| this.type_declaration(declaration, reg));
            }
            StatementKind::Import(import) => self.import(import),
            StatementKind::Assign { target, value } => self.assign(target, value),
            StatementKind::Update { target, op, op_span, value } => self.update(target, *op, *op_span, value),
            StatementKind::While { condition, body } => self.while_loop(condition, body),
            StatementKind::For { pattern, iterable, body } => self.for_loop(pattern, iterable, body),
            StatementKind::Break => self.leave_loop(statement.span, Way::Break),
            StatementKind::Continue => self.leave_loop(statement.span, Way::Continue),
            // Blocks see to it.
            StatementKind::Defer(_) => {}
            StatementKind::Expr(expr) => self.expr(expr, Want::Nothing),
            StatementKind::Error => {}
        }
    }

    /// Binds a name that is declared by a value of its own.
    fn declare(&mut self, name: Span, make: impl FnOnce(&mut Self, u16)) {
        let Some(id) = self.resolution.declarations.get(name.start) else { return };
        let reg = self.take(name);
        make(self, reg);
        self.homes[id.0 as usize].value = reg;
        self.bound(name, id, reg);
    }

    fn let_statement(&mut self, pattern: &'s Pattern<'s>, value: &'s Expr<'s>) {
        match &pattern.kind {
            PatternKind::Ignore => self.expr(value, Want::Nothing),
            PatternKind::Bind(name) => {
                let Some(id) = self.resolution.declarations.get(name.span.start) else { return };
                self.declare_name(name.span, id);
                let mark = self.mark();
                let reg = match self.value_register(id) {
                    Some(reg) => reg,
                    None => self.take(name.span),
                };
                self.expr(value, Want::Into(Dst::fresh(reg)));
                self.bound(name.span, id, reg);
                self.release(mark);
            }
            _ => {
                self.declare_names(pattern, None);
                let mark = self.mark();
                let value = self.operand(value);
                self.pattern(pattern, value, &mut Fail::Throw(value));
                self.release(mark);
            }
        }
    }

    /// Takes the register that a name's value, or else its cell, will stand in.
    pub(super) fn declare_name(&mut self, span: Span, id: BindingId) {
        let in_cell = self.lives_in_cell(id);
        if in_cell && self.resolution.binding(id).forward {
            return;
        }
        let reg = self.take(span);
        let home = &mut self.homes[id.0 as usize];
        *(if in_cell { &mut home.cell } else { &mut home.value }) = reg;
    }

    /// The register that a name's value is to be put into; None if that is a cell.
    pub(super) fn value_register(&self, id: BindingId) -> Option<u16> {
        (!self.lives_in_cell(id)).then(|| self.homes[id.0 as usize].value)
    }

    /// A name has its value from here on: the cell, if there is one, is made and initialised.
    pub(super) fn bound(&mut self, span: Span, id: BindingId, value: u16) {
        let home = self.homes[id.0 as usize];
        let forward = self.resolution.binding(id).forward;
        if !self.lives_in_cell(id) {
            self.begin_local(id, value);
            if forward {
                self.emit(span, Word::abc(Op::InitCell, home.cell, value, 0));
            }
            return;
        }
        if !forward {
            self.emit(span, Word::ax(Op::NewCell, home.cell, 1));
            self.begin_local(id, home.cell);
        }
        self.emit(span, Word::abc(Op::InitCell, home.cell, value, 0));
    }

    /// An import does nothing when it runs, unless functions before it wait for what it brings.
    fn import(&mut self, import: &'s Import<'s>) {
        let number = self.imports;
        self.imports += 1;
        if self.resolution.late_imports.is_empty() {
            return;
        }
        let late: Vec<_> = self.resolution.late_imports.iter().filter(|late| late.0 == number).copied().collect();
        for (_, cell, value) in late {
            let Some(index) = self.resolution.main_free(value) else { continue };
            let mark = self.mark();
            let reg = self.take(import.module_span);
            self.emit(import.module_span, Word::ax(Op::GetFree, reg, index as u32));
            self.emit(import.module_span, Word::abc(Op::InitCell, self.homes[cell.0 as usize].cell, reg, 0));
            self.release(mark);
        }
    }
}
