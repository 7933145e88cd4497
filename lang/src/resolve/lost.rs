//! Operands that stand on a line of their own, where they do nothing.

use super::scope::Resolver;
use crate::ast::{Statement, StatementKind};
use crate::diagnostic::{Diagnostic, Severity};

impl<'s> Resolver<'s, '_> {
    /// Warns of a line that begins with `-` behind one that it probably goes on with: it is a statement whose value is
    /// dropped.
    pub(super) fn check_lost(&mut self, before: &Statement<'s>, statement: &Statement<'s>, is_last: bool) {
        let goes_on = matches!(
            before.kind,
            StatementKind::Let { .. }
                | StatementKind::Assign { .. }
                | StatementKind::Update { .. }
                | StatementKind::Expr(_)
        );
        let text = self.source.text();
        let (start, end) = (statement.span.start as usize, before.span.end as usize);
        let is_negative = matches!(statement.kind, StatementKind::Expr(_)) && text.get(start..start + 1) == Some("-");
        if !goes_on || !is_negative || !text.get(end..start).is_some_and(|between| between.contains('\n')) {
            return;
        }
        let indent = |at: usize| {
            let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
            text[line..].len() - text[line..].trim_start_matches([' ', '\t']).len()
        };
        // The last one may be meant as the value of the block.
        if is_last && indent(start) <= indent(before.span.start as usize) {
            return;
        }
        let title = "a line that begins with `-` is a statement of its own, and its value is dropped";
        let warning = Diagnostic { severity: Severity::Warning, ..Diagnostic::error("Q0301", statement.span, title) };
        self.errors
            .push(warning.help("to go on with the line before, end that with the `-`, or put both in parentheses"));
    }
}
