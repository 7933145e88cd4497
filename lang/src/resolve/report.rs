//! What the resolver says about mistakes, and the end of its work.

use quipu_code::span::Span;

use super::Resolution;
use super::binding::{BindingId, BindingKind, FunctionId};
use super::capture::capture;
use super::scope::{Resolver, Target};
use super::table::Table;
use crate::ast::{Ident, TypeDeclaration};
use crate::diagnostic::Diagnostic;

impl<'s> Resolver<'s, '_> {
    pub(super) fn finish(mut self) -> (Resolution<'s>, Vec<Diagnostic>) {
        self.check_calls();
        self.report_unknown();
        for list in self.forward.values_mut() {
            list.sort_unstable();
        }
        let assigned = self.assignments.iter().map(|&mention| &self.mentions[mention as usize]);
        let mut assignments: Vec<(BindingId, u32)> = assigned
            .filter_map(|mention| match mention.target {
                Target::Binding(id) => Some((id, mention.offset)),
                _ => None,
            })
            .collect();
        assignments.sort_unstable();
        if !self.mentions.is_sorted_by_key(|mention| mention.offset) {
            self.mentions.sort_by_key(|mention| mention.offset);
        }
        let uses = capture(&self.mentions, &mut self.bindings, &mut self.functions, &mut self.errors);
        let mut errors = self.errors.into_list();
        errors.sort_by_key(|error| error.primary.span);
        let resolution = Resolution {
            bindings: self.bindings,
            functions: self.functions,
            symbols: self.symbols,
            uses: Table::new(uses),
            declarations: Table::new(self.declarations),
            function_at: Table::new(self.function_at),
            forward: self.forward,
            late_imports: self.late_imports,
            exports: self.exports,
            depth: self.deepest,
            assignments,
        };
        (resolution, errors)
    }

    fn check_calls(&mut self) {
        for call in std::mem::take(&mut self.calls) {
            let mention = &self.mentions[call.mention as usize];
            if mention.with_member != call.member {
                continue;
            }
            let target = mention.target;
            let Some(arity) = self.arity(target) else { continue };
            if arity.accepts(call.count) {
                continue;
            }
            let (name, declared) = match target {
                Target::Binding(id) => {
                    let binding = &self.bindings[id.0 as usize];
                    let here =
                        binding.function != FunctionId::OUTSIDE && !matches!(binding.kind, BindingKind::Member { .. });
                    (binding.name.name, here.then_some(binding.name.span))
                }
                Target::Native(symbol) => (self.symbols.name(symbol), None),
                Target::Unknown => continue,
            };
            let given = match call.count {
                0 => "none is given".into(),
                1 => "1 is given".into(),
                count => format!("{count} are given"),
            };
            let title = format!("`{name}` takes {arity}, but {given}");
            let mut error = Diagnostic::error("Q0204", call.span, title);
            if let Some(span) = declared {
                error = error.also(span, "declared here");
            }
            self.errors.push(error);
        }
    }

    pub(super) fn used_before_declaration(&mut self, name: Ident<'s>, later: BindingId) {
        let declared = self.bindings[later.0 as usize].name.span;
        let title = format!("`{}` is used before its declaration", name.name);
        self.errors.push(
            Diagnostic::error("Q0213", name.span, title)
                .also(declared, "declared only here")
                .note("only a function may mention what is declared after it"),
        );
    }

    pub(super) fn assignment_to_immutable(&mut self, name: Ident<'s>, id: BindingId) {
        let binding = &self.bindings[id.0 as usize];
        let what = match binding.kind {
            BindingKind::Let | BindingKind::Var => "bound by `let`",
            BindingKind::Fn | BindingKind::Running => "a function's name",
            BindingKind::Type | BindingKind::Owner => "a type's name",
            BindingKind::Parameter => "a parameter",
            BindingKind::Loop => "a loop variable",
            BindingKind::Catch => "bound by `catch`",
            BindingKind::Arm => "bound by a pattern",
            BindingKind::Module(_) | BindingKind::Member { .. } | BindingKind::Imported { .. } => "imported",
        };
        let is_outer = binding.function == FunctionId::OUTSIDE && binding.kind == BindingKind::Let;
        let what = if is_outer { "bound outside of this text" } else { what };
        let title = format!("`{}` is {what} and cannot be assigned to", name.name);
        let mut error = Diagnostic::error("Q0202", name.span, title);
        if !is_outer {
            error = error.also(binding.name.span, "declared here");
        }
        error = match (self.let_before(binding.kind, binding.name.span), binding.kind) {
            (Some(span), _) => error.patch("make it a variable", span, "var"),
            (
                None,
                BindingKind::Let | BindingKind::Parameter | BindingKind::Loop | BindingKind::Catch | BindingKind::Arm,
            ) => error.help(format!("copy it into a variable first: `var {0} = {0}`", name.name)),
            (None, _) => error.help("give the variable another name"),
        };
        self.errors.push(error);
    }

    /// The word `let`, if it stands directly before a name.
    fn let_before(&self, kind: BindingKind, name: Span) -> Option<Span> {
        if kind != BindingKind::Let {
            return None;
        }
        let before = self.source.text().get(..name.start as usize)?.trim_end();
        let start = before.strip_suffix("let")?.len() as u32;
        Some(Span::new(start, start + 3))
    }

    pub(super) fn assignment_to_native(&mut self, name: Ident<'s>, declares: bool) {
        let title = format!("`{}` is built in and cannot be assigned to", name.name);
        let at_start = Span::new(name.span.start, name.span.start);
        let mut error = Diagnostic::error("Q0202", name.span, title);
        if declares {
            error = error.patch("declare a variable of your own with that name", at_start, "var ");
        }
        self.errors.push(error);
    }

    pub(super) fn assignment_to_member(&mut self, module: Ident<'s>, member: Option<Ident<'s>>) {
        let span = member.map_or(module.span, |member| module.span.to(member.span));
        self.errors.push(Diagnostic::error("Q0202", span, "what a module exports cannot be assigned to"));
    }

    pub(super) fn bound_twice(&mut self, name: Ident<'s>, first: Ident<'s>) {
        let title = format!("`{}` is bound twice here", name.name);
        self.errors.push(
            Diagnostic::error("Q0205", name.span, title)
                .also(first.span, "first bound here")
                .help("write `_` for a part that is not needed"),
        );
    }

    pub(super) fn alternative_binds(&mut self, name: Ident<'s>) {
        let title = format!("alternatives of a pattern bind no names, so `{}` cannot stand here", name.name);
        self.errors.push(Diagnostic::error("Q0210", name.span, title).help("write one arm for each alternative"));
    }

    pub(super) fn outside_loop(&mut self, word: &str, span: Span) {
        let mut error = Diagnostic::error("Q0206", span, format!("`{word}` outside a loop"));
        if self.function != FunctionId::MAIN {
            error = error.note(format!("`{word}` does not reach out of a function"));
        }
        self.errors.push(error);
    }

    pub(super) fn leaves_deferred(&mut self, word: &str, span: Span) {
        let code = if word == "return" { "Q0207" } else { "Q0206" };
        let error = Diagnostic::error(code, span, format!("`{word}` cannot leave what is deferred"));
        self.errors.push(error.note("it runs when the block is being left already"));
    }

    pub(super) fn return_outside_function(&mut self, span: Span) {
        self.errors.push(Diagnostic::error("Q0207", span, "`return` outside a function"));
    }

    pub(super) fn underscore_read(&mut self, name: Ident<'s>) {
        let error = Diagnostic::error("Q0212", name.span, "`_` holds nothing and cannot be read");
        self.errors.push(error.help("give the value a name"));
    }

    pub(super) fn not_at_top_level(&mut self, word: &str, span: Span) {
        let title = format!("`{word}` is allowed at the top level of a file only");
        self.errors.push(Diagnostic::error("Q0215", span, title));
    }

    pub(super) fn required_after_optional(&mut self, span: Span, before: Span) {
        self.errors.push(
            Diagnostic::error("Q0216", span, "a parameter without a default after one that has a default")
                .also(before, "this one has a default")
                .help("give it a default too, or move it to the front"),
        );
    }

    pub(super) fn after_rest(&mut self, span: Span, before: Span) {
        self.errors.push(
            Diagnostic::error("Q0216", span, "a parameter after the one that takes all remaining arguments")
                .also(before, "this one takes all that remain")
                .help("move it to the front"),
        );
    }

    /// Complains about members of a type that share a name.
    pub(super) fn members_once(&mut self, declaration: &'s TypeDeclaration<'s>) {
        let mut seen = std::collections::HashMap::new();
        let fields = declaration.fields.iter().map(|(name, _)| (*name, "field"));
        let methods = declaration.methods.iter().filter_map(|method| Some((method.name?, "method")));
        for (name, what) in fields.chain(methods) {
            let (first, first_what): (Ident<'s>, &str) = *seen.entry(name.name).or_insert((name, what));
            if first.span == name.span {
                continue;
            }
            let title = if first_what == what {
                format!("the type has two {what}s called `{}`", name.name)
            } else {
                format!("the type has a field and a method called `{}`", name.name)
            };
            self.errors.push(Diagnostic::error("Q0211", name.span, title).also(first.span, "the first is here"));
        }
    }
}
