//! Names that patterns and parameter lists bind.

use super::binding::BindingKind;
use super::scope::Resolver;
use crate::ast::{Ident, Param, Pattern, PatternKind};

impl<'s> Resolver<'s, '_> {
    /// Binds the names of a pattern that stands alone.
    pub(super) fn pattern(&mut self, pattern: &'s Pattern<'s>, kind: BindingKind) {
        self.new_list();
        self.pattern_in_list(pattern, kind);
    }

    /// Binds the names of one pattern of a list; none of them is visible inside the pattern.
    pub(super) fn pattern_in_list(&mut self, pattern: &'s Pattern<'s>, kind: BindingKind) {
        if let PatternKind::Bind(name) = pattern.kind {
            self.bind_once(name, kind);
            return;
        }
        let list = self.list;
        self.types_in(pattern);
        self.list = list;
        self.names_in(pattern, kind, false);
    }

    /// Resolves the types that a pattern tests for.
    fn types_in(&mut self, pattern: &'s Pattern<'s>) {
        self.deeper();
        match &pattern.kind {
            PatternKind::Is(inner, test) => {
                self.types_in(inner);
                self.expr(test);
            }
            PatternKind::Instance(constructor, fields) => {
                self.expr(constructor);
                fields.iter().for_each(|field| self.types_in(field));
            }
            PatternKind::Tuple(parts) | PatternKind::Or(parts) => parts.iter().for_each(|part| self.types_in(part)),
            PatternKind::List { before, after, .. } => {
                before.iter().chain(after).for_each(|part| self.types_in(part));
            }
            PatternKind::Map(entries) => entries.iter().for_each(|(_, value)| self.types_in(value)),
            PatternKind::Error => self.lost = true,
            PatternKind::Ignore | PatternKind::Bind(_) | PatternKind::Literal(_) | PatternKind::Range { .. } => {}
        }
        self.depth -= 1;
    }

    fn names_in(&mut self, pattern: &'s Pattern<'s>, kind: BindingKind, alternative: bool) {
        match &pattern.kind {
            PatternKind::Bind(name) => self.bind(*name, kind, alternative),
            PatternKind::Is(inner, _) => self.names_in(inner, kind, alternative),
            PatternKind::Instance(_, parts) | PatternKind::Tuple(parts) => {
                parts.iter().for_each(|part| self.names_in(part, kind, alternative));
            }
            PatternKind::Or(parts) => parts.iter().for_each(|part| self.names_in(part, kind, true)),
            PatternKind::List { before, rest, after } => {
                before.iter().for_each(|part| self.names_in(part, kind, alternative));
                if let Some(Some(name)) = rest {
                    self.bind(*name, kind, alternative);
                }
                after.iter().for_each(|part| self.names_in(part, kind, alternative));
            }
            PatternKind::Map(entries) => {
                entries.iter().for_each(|(_, value)| self.names_in(value, kind, alternative));
            }
            PatternKind::Ignore | PatternKind::Literal(_) | PatternKind::Range { .. } | PatternKind::Error => {}
        }
    }

    fn bind(&mut self, name: Ident<'s>, kind: BindingKind, alternative: bool) {
        if !alternative {
            return self.bind_once(name, kind);
        }
        self.alternative_binds(name);
        // Bound all the same, lest every use of the name be reported too.
        if self.bound_in_this_list(name).is_none() {
            self.declare(name, kind, None);
        }
    }

    fn bind_once(&mut self, name: Ident<'s>, kind: BindingKind) {
        if name.name == "_" {
            return;
        }
        if let Some(first) = self.bound_in_this_list(name) {
            self.bound_twice(name, first);
        }
        self.declare(name, kind, None);
    }

    fn bound_in_this_list(&mut self, name: Ident<'s>) -> Option<Ident<'s>> {
        let list = self.list;
        let id = self.visible(name.name)?;
        let binding = &self.bindings[id.0 as usize];
        (binding.list == list).then_some(binding.name)
    }

    /// Resolves the defaults of a parameter list and binds its names, each after its own default.
    pub(super) fn parameters(&mut self, params: &'s [Param<'s>]) {
        let list = self.new_list();
        let (mut optional, mut rest) = (None, None);
        for param in params {
            if let Some(before) = rest {
                self.after_rest(param.span, before);
            } else if let Some(before) = optional
                && param.default.is_none()
                && !param.rest
            {
                self.required_after_optional(param.span, before);
            }
            if let Some(default) = &param.default {
                self.expr(default);
                optional = Some(param.span);
            }
            if param.rest {
                rest = Some(param.span);
            }
            self.list = list;
            self.pattern_in_list(&param.pattern, BindingKind::Parameter);
        }
    }

    /// Begins a list of names in which none may occur twice.
    pub(super) fn new_list(&mut self) -> u32 {
        self.lists += 1;
        self.list = self.lists;
        self.list
    }
}
