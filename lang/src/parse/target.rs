//! Turns the expression that stands left of `=` into what is assigned to.

use quipu_code::span::Span;

use crate::ast::{Element, Expr, ExprKind, Postfix, Target, TargetKind};
use crate::diagnostic::Diagnostic;
use crate::token::Findings;

/// The target of `=`. The span is that of the expression with the parentheses around it.
pub fn target<'s>(expr: Expr<'s>, span: Span, findings: &mut Findings) -> Target<'s> {
    convert(expr, span, false, findings)
}

/// The target of `op=`, which is a single place.
pub fn update_target<'s>(expr: Expr<'s>, span: Span, findings: &mut Findings) -> Target<'s> {
    if matches!(expr.kind, ExprKind::Tuple(_) | ExprKind::List(_)) {
        let fault = Diagnostic::error("Q0214", span, "several places cannot be updated at once");
        findings.push(fault.help("only `=` assigns to several"));
        return Target { kind: TargetKind::Error, span };
    }
    convert(expr, span, false, findings)
}

fn convert<'s>(expr: Expr<'s>, span: Span, is_inside: bool, findings: &mut Findings) -> Target<'s> {
    let kind = match expr.kind {
        ExprKind::Name(name) if name.name == "_" && is_inside => TargetKind::Ignore,
        ExprKind::Name(name) => TargetKind::Name(name),
        ExprKind::Tuple(parts) => TargetKind::Tuple(parts.into_iter().map(|part| inner(part, findings)).collect()),
        ExprKind::List(elements) => {
            let mut targets = Vec::with_capacity(elements.len());
            for Element { spread, value } in elements {
                if spread {
                    let fault = Diagnostic::error("Q0214", value.span, "a rest cannot be assigned to");
                    findings.push(fault.help("bind it with `let` or `var`"));
                }
                targets.push(inner(value, findings));
            }
            TargetKind::List(targets)
        }
        ExprKind::Postfix { base, mut ops } => match ops.pop() {
            Some((last @ (Postfix::Index(_) | Postfix::Field(_)), _)) => {
                let object = match ops.last() {
                    Some(&(_, span)) => Box::new(Expr { kind: ExprKind::Postfix { base, ops }, span }),
                    None => base,
                };
                match last {
                    Postfix::Index(index) => TargetKind::Index(object, Box::new(index)),
                    Postfix::Field(name) => TargetKind::Field(object, name),
                    _ => TargetKind::Error,
                }
            }
            Some((Postfix::SafeField(_), _)) => {
                let fault = Diagnostic::error("Q0214", span, "a `?.` cannot be assigned to");
                findings.push(fault.help("use `.`, and test for nil before"));
                TargetKind::Error
            }
            _ => wrong(span, "the result of a call", findings),
        },
        ExprKind::Error => TargetKind::Error,
        ExprKind::Nil
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Str(_)
        | ExprKind::Bytes(_)
        | ExprKind::Interpolation(_) => wrong(span, "a literal", findings),
        ExprKind::Map(_) => wrong(span, "a map", findings),
        ExprKind::Function(_) => {
            let fault = Diagnostic::error("Q0214", span, "a function cannot be assigned to");
            findings.push(fault.help("an assignment stands in braces: `|x| { ... }`"));
            TargetKind::Error
        }
        _ => wrong(span, "this expression", findings),
    };
    Target { kind, span }
}

fn inner<'s>(part: Expr<'s>, findings: &mut Findings) -> Target<'s> {
    let span = part.span;
    convert(part, span, true, findings)
}

fn wrong<'s>(span: Span, what: &str, findings: &mut Findings) -> TargetKind<'s> {
    findings.push(
        Diagnostic::error("Q0214", span, format!("{what} cannot be assigned to"))
            .note("assignment takes a name, `a[i]`, `a.f`, or a tuple or list of these"),
    );
    TargetKind::Error
}
