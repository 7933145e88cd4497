//! What methods must look like for instances, and for operators, to find them.

use quipu_code::Special;
use quipu_code::span::Span;

use super::scope::Resolver;
use crate::ast::{Function, Param};
use crate::diagnostic::{Diagnostic, Severity};

impl<'s> Resolver<'s, '_> {
    /// Complains about a `self` that is no plain parameter, and about a special method without one.
    pub(super) fn check_self(&mut self, method: &'s Function<'s>) {
        match method.params.first() {
            Some(first) if method.takes_self() => self.check_plain(first),
            _ => self.check_special(method),
        }
    }

    fn check_plain(&mut self, first: &'s Param<'s>) {
        let (title, label) = if first.rest {
            ("`self` is one value and takes no rest", "without the `..` it is the instance")
        } else if first.default.is_some() {
            ("`self` takes no default", "it always is the instance")
        } else {
            return;
        };
        let error = Diagnostic::error("Q0219", first.span, title).label(label);
        self.errors.push(error.patch("write `self` alone", first.span, "self"));
    }

    fn check_special(&mut self, method: &'s Function<'s>) {
        let Some(name) = method.name else { return };
        let Some(special) = Special::named(name.name) else { return };
        let title = format!("`{}` has no `self`, so {} use it", name.name, special.seeker());
        let warning = Diagnostic { severity: Severity::Warning, ..Diagnostic::error("Q0220", name.span, title) };
        let params = &method.params;
        let first = params.first().map(|first| first.span);
        self.errors.push(match first {
            Some(first) if special.params() == Some(params.len()) => {
                warning.patch("call its first parameter `self`", first, "self")
            }
            Some(Span { start, .. }) => {
                warning.patch("make `self` its first parameter", Span::new(start, start), "self, ")
            }
            None => warning.help(format!("make `self` its first parameter: `fn {}(self)`", name.name)),
        });
    }
}
