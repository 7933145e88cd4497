//! What methods must look like for instances, and for operators, to find them.

use super::scope::Resolver;
use crate::ast::{Function, Param};
use crate::diagnostic::{Diagnostic, Severity};
use crate::span::Span;

/// The special methods: how many parameters each has with `self`, if that is fixed, and what does not find it without.
const SPECIAL: [(&str, Option<usize>, &str); 18] = [
    ("str", Some(1), "`str(..)` does not"),
    ("eq", Some(2), "`==` does not"),
    ("hash", Some(1), "maps and sets do not"),
    ("cmp", Some(2), "`<` does not"),
    ("add", Some(2), "`+` does not"),
    ("sub", Some(2), "`-` does not"),
    ("mul", Some(2), "`*` does not"),
    ("div", Some(2), "`/` does not"),
    ("floordiv", Some(2), "`//` does not"),
    ("mod", Some(2), "`%` does not"),
    ("pow", Some(2), "`**` does not"),
    ("neg", Some(1), "`-` does not"),
    ("get", Some(2), "`a[i]` does not"),
    ("set", Some(3), "`a[i] = e` does not"),
    ("call", None, "a call does not"),
    ("iter", Some(1), "`for` does not"),
    ("len", Some(1), "`len(..)` does not"),
    ("contains", Some(2), "`in` does not"),
];

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
        let Some(&(_, takes, seeker)) = SPECIAL.iter().find(|special| special.0 == name.name) else { return };
        let title = format!("`{}` has no `self`, so {seeker} use it", name.name);
        let warning = Diagnostic { severity: Severity::Warning, ..Diagnostic::error("Q0220", name.span, title) };
        let params = &method.params;
        let first = params.first().map(|first| first.span);
        self.errors.push(match first {
            Some(first) if takes == Some(params.len()) => {
                warning.patch("call its first parameter `self`", first, "self")
            }
            Some(Span { start, .. }) => {
                warning.patch("make `self` its first parameter", Span::new(start, start), "self, ")
            }
            None => warning.help(format!("make `self` its first parameter: `fn {}(self)`", name.name)),
        });
    }
}
