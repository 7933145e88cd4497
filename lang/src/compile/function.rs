//! Functions: parameters, bodies, closures, and the code objects they end in.

use quipu_code::span::Span;
use quipu_code::{self as code, CaptureSource, Code, Debug, FreeKind, Op, Word};

use super::builder::Label;
use super::emit::{Compiler, SPREAD};
use super::names::{self, names_first};
use super::pattern::Fail;
use super::register::{Dst, Reg, Want};
use crate::ast::{Function, FunctionBody, Module, Param, PatternKind, Statement, StatementKind};
use crate::diagnostic::Diagnostic;
use crate::resolve::{BindingId, BindingKind, FunctionId};

/// What a function's debug information says about it, apart from its code.
pub(super) struct Title<'s> {
    pub(super) name: &'s str,
    pub(super) span: Span,
    pub(super) doc: Option<&'s str>,
    pub(super) params: Vec<String>,
}

/// Numbers of parameters.
#[derive(Default)]
pub(super) struct Counts {
    required: u8,
    optional: u8,
    rest: bool,
}

impl<'s> Compiler<'s> {
    /// The file's top level: it returns a tuple of its value and all exports. That of a program calls a function `main` at its
    /// end, with its own parameter if that takes words.
    pub(super) fn main(&mut self, module: &'s Module<'s>, main: Option<(BindingId, bool)>) -> Option<Code> {
        let takes_words = main.is_some_and(|(_, takes_words)| takes_words);
        let end = self.source.text().len() as u32;
        let span = Span::new(0, end);
        let last_byte = Span::new(end, end);
        if takes_words {
            self.take(span);
        }
        self.forward_cells(None, span);
        self.deferring(&module.body.statements, last_byte, Want::Tail, |this, value, want| {
            this.result_of_file(value, last_byte, want, main);
        });
        self.end_locals(0);
        let counts = Counts { required: takes_words.into(), ..Counts::default() };
        let params = if takes_words { vec!["words".into()] } else { Vec::new() };
        self.finish(counts, Title { name: "<main>", span, doc: None, params })
    }

    /// The tuple of the last statement's value and all exports.
    fn result_of_file(
        &mut self,
        value: Option<&'s Statement<'s>>,
        last_byte: Span,
        want: Want,
        main: Option<(BindingId, bool)>,
    ) {
        let mark = self.mark();
        // A declaration at the end keeps its registers, which the exports may need, and so comes before the tuple's.
        let is_expr = value.is_some_and(|last| matches!(last.kind, StatementKind::Expr(_)));
        if let Some(last) = value
            && !is_expr
        {
            self.statement(last);
        }
        let first = self.take(last_byte);
        let element = Want::Into(Dst::fresh(first));
        match value {
            Some(last) if is_expr => self.statement_value(last, element),
            _ => self.nil(last_byte, element),
        }
        if let Some((id, takes_words)) = main {
            self.call_main(id, takes_words);
        }
        let exports: Vec<_> = self.resolution.exports.iter().map(|export| export.0).collect();
        for &id in &exports {
            let reg = self.take(last_byte);
            self.copy(last_byte, reg, self.homes[id.0 as usize].value);
        }
        let count = exports.len() + 1;
        self.emit(last_byte, Word::abc(Op::MakeTuple, first, first, count as u16));
        self.deliver(last_byte, want, first);
        self.release(mark);
    }

    /// Calls the function `main` of a program, with what is in the first register if it takes that.
    fn call_main(&mut self, id: BindingId, takes_words: bool) {
        let mark = self.mark();
        let span = self.resolution.binding(id).name.span;
        let window = self.take(span);
        self.copy(span, window, self.homes[id.0 as usize].value);
        if takes_words {
            let argument = self.take(span);
            self.copy(span, argument, 0);
        }
        self.emit(span, Word::abcd(Op::Call, window, window, 0, takes_words.into()));
        self.release(mark);
    }

    /// A text that is no file: a function without parameters that gives its last value.
    pub(super) fn text(&mut self, module: &'s Module<'s>) -> Option<Code> {
        self.block_with_cells_of(None, &module.body, Want::Tail);
        self.end_locals(0);
        let span = module.body.span;
        self.finish(Counts::default(), Title { name: "<text>", span, doc: None, params: Vec::new() })
    }

    /// Makes the cells of bindings that functions mention before they are declared.
    pub(super) fn forward_cells(&mut self, block: Option<u32>, span: Span) {
        if self.resolution.forward.is_empty() {
            return;
        }
        let Some(bindings) = self.resolution.forward.remove(&block) else { return };
        for id in bindings {
            let cell = self.take(span);
            let mutable = self.resolution.binding(id).kind == BindingKind::Var;
            self.emit(span, Word::ax(Op::NewCell, cell, mutable as u32));
            self.homes[id.0 as usize].cell = cell;
            if mutable {
                self.begin_local(id, cell);
            }
        }
    }

    /// Makes a closure of a function and puts it where it is wanted.
    pub(super) fn closure(&mut self, function: &'s Function<'s>, out: Reg) {
        if !self.f.reachable {
            return;
        }
        let Some((id, code)) = self.function(function) else { return };
        let sources = self.sources(id);
        let site = self.f.site(code, sources);
        let index = self.f.closures.len() as u32;
        self.f.closures.push(site);
        self.emit(function.span, Word::ax(Op::MakeClosure, out, index));
    }

    /// Where the function being compiled finds the free variables of one that it makes.
    pub(super) fn sources(&self, made: FunctionId) -> Vec<CaptureSource> {
        let free = self.resolution.function(made).free.iter();
        let sources = free.map(|capture| {
            if let Some(index) = capture.outer {
                return CaptureSource::Free(index);
            }
            match self.resolution.binding(capture.binding).kind {
                BindingKind::Running => CaptureSource::Running,
                BindingKind::Owner => CaptureSource::Owner,
                _ => {
                    let home = self.homes[capture.binding.0 as usize];
                    CaptureSource::Register(if capture.kind == FreeKind::Cell { home.cell } else { home.value })
                }
            }
        });
        sources.collect()
    }

    /// Compiles a function; None when that passed a limit, which has been reported.
    pub(super) fn function(&mut self, function: &'s Function<'s>) -> Option<(FunctionId, Code)> {
        let id = self.resolution.function_at.get(function.span.start)?;
        let around = self.begin_function(id);
        let counts = self.parameters(&function.params, function.span);
        match &function.body {
            FunctionBody::Block(block) => self.block(block, Want::Tail),
            FunctionBody::Expr(expr) => self.expr(expr, Want::Tail),
        }
        self.end_locals(0);
        let title = Title {
            name: function.name.map_or("<closure>", |name| name.name),
            span: function.span,
            doc: function.doc.as_deref(),
            params: function.params.iter().map(|param| self.parameter_name(param)).collect(),
        };
        let code = self.finish(counts, title);
        self.end_function(around);
        Some((id, code?))
    }

    fn parameter_name(&self, param: &Param<'s>) -> String {
        match param.pattern.kind {
            PatternKind::Bind(name) => name.name.into(),
            _ => {
                let span = param.pattern.span;
                self.source.text().get(span.start as usize..span.end as usize).unwrap_or("_").into()
            }
        }
    }

    fn parameters(&mut self, params: &'s [Param<'s>], span: Span) -> Counts {
        let counts = self.counts(params.len(), params.iter().map(|p| (p.default.is_some(), p.rest)), span);
        self.take_many(span, params.len());
        for (register, param) in (0..=Reg::MAX).zip(params) {
            if let Some(default) = &param.default {
                self.default(register, default);
            }
            match param.pattern.kind {
                PatternKind::Ignore => {}
                PatternKind::Bind(name) => {
                    if let Some(id) = self.resolution.declarations.get(name.span.start) {
                        self.name_register(id, register);
                    }
                }
                _ => {
                    self.declare_names(&param.pattern, None);
                    self.pattern(&param.pattern, register, &mut Fail::Throw(register));
                }
            }
        }
        counts
    }

    /// Gives a parameter its default when no argument was given for it.
    pub(super) fn default(&mut self, register: Reg, default: &'s crate::ast::Expr<'s>) {
        let mut present = Label::new();
        self.jump(default.span, Op::JumpPresent, register, &mut present);
        self.expr(default, Want::Into(Dst::fresh(register)));
        self.f.bind(present);
    }

    /// Counts parameters, each with whether it has a default and whether it takes the rest.
    pub(super) fn counts(&mut self, all: usize, params: impl Iterator<Item = (bool, bool)>, span: Span) -> Counts {
        if all > u8::MAX as usize {
            let help = "take them as a list, or as a map";
            self.too_large(span, "a function takes at most 255 parameters", help);
            return Counts::default();
        }
        let mut counts = Counts::default();
        for (has_default, rest) in params {
            counts.rest |= rest;
            counts.optional += (has_default && !rest) as u8;
            counts.required += (!has_default && !rest) as u8;
        }
        counts
    }

    /// Makes a checked code object of what has been built.
    pub(super) fn finish(&mut self, counts: Counts, title: Title<'s>) -> Option<Code> {
        if self.f.failed {
            return None;
        }
        let line = self.line(title.span.start);
        let builder = &mut self.f;
        let free = &self.resolution.functions[builder.id.0 as usize].free;
        let body = code::Body {
            required: counts.required,
            optional: counts.optional,
            rest: counts.rest,
            registers: builder.registers.count(),
            free: free.iter().map(|capture| capture.kind).collect(),
            constants: builder.constants.take(),
            children: builder.children.drain(..).collect(),
            closures: builder.closures.drain(..).collect(),
            types: builder.types.drain(..).collect(),
            words: builder.words.as_slice().into(),
            handlers: builder.handlers.as_slice().into(),
        };
        let debug = Debug {
            name: title.name.into(),
            file: self.source.name().clone(),
            span: title.span,
            line,
            doc: title.doc.map(String::from),
            params: title.params,
            free: free.iter().map(|capture| self.resolution.binding(capture.binding).name.name.into()).collect(),
            positions: builder.positions.as_slice().into(),
            locals: builder.locals.drain(..).collect(),
        };
        let wide = std::mem::take(&mut builder.wide);
        let (body, debug) = match wide.is_empty() {
            true => (body, debug),
            false => match names_first(body, debug, &wide) {
                Some(named) => named,
                None => {
                    let most = names::MOST;
                    let text = format!("the function names more than {most} different fields, keys and methods");
                    self.too_large(title.span, &text, SPREAD);
                    return None;
                }
            },
        };
        let builder = &mut self.f;
        let (body, debug) = if builder.suspect { super::prune::prune(body, debug) } else { (body, debug) };
        match Code::check(body, Some(debug)) {
            Ok(code) => Some(code),
            Err(error) => {
                self.refused(title.span, error);
                None
            }
        }
    }

    /// A function that passes one of the limits of code objects is too large; anything else that the checker does not
    /// like would be a mistake of the compiler's own.
    fn refused(&mut self, span: Span, error: code::CheckError) {
        use code::CheckErrorKind::{TooComplex, TooDeep, TooLarge};
        let error = match error.kind {
            TooLarge(_) | TooDeep | TooComplex => Diagnostic::error("Q0217", span, error.to_string()).help(SPREAD),
            _ => Diagnostic::error("Q0217", span, "the compiler cannot express this function").note(error.to_string()),
        };
        self.f.failed = true;
        self.errors.push(error);
    }
}
