//! Reports for machines: one JSON object, documented field by field below.

use quipu_code::span::{Source, Span};
use quipu_lang::diagnostic::{Label, Severity};
use serde_json::{Value, json};

use super::clean;
use super::{Origin, Report};

/// The report as one line of JSON without a newline.
///
/// Fields: `kind` (`compile`, `run`, `limit` or `usage`), `severity` (`error` or `warning`), `code` (null for `usage`, and for errors that are none of the language's), `title`, `file` (null if
/// unknown), `spans` (the primary one first), `note`, `help` (`text`, `patch`, and `safe`: whether that may be made unasked),
/// `trace` (`function`, `file`, `line`, and `place` where that is not this process; innermost first) and `omitted`; `during`,
/// another report, if something deferred threw this while that was being thrown. A span has `start` and `end` in bytes, `line`, `column`, `end_line` and `end_column`
/// counted from 1 (columns in code points), `primary` and `label`; a patch is a span with `replacement` instead.
pub fn json(report: &Report) -> String {
    clean::harmless_json(&object(report).to_string())
}

fn object(report: &Report) -> Value {
    let mut spans = Vec::new();
    if let Some(place) = &report.place {
        let mut label = |label: &Label, primary: bool| {
            let mut at = span(&place.source, label.span);
            at["primary"] = primary.into();
            at["label"] = label.text.as_str().into();
            spans.push(at);
        };
        label(&place.primary, true);
        place.secondary.iter().for_each(|secondary| label(secondary, false));
    }
    let help = report.help.as_ref().map(|help| {
        let patch = help.patch.as_ref().zip(report.place.as_ref()).map(|((at, replacement), place)| {
            let mut patch = span(&place.source, *at);
            patch["replacement"] = replacement.as_str().into();
            patch
        });
        json!({ "text": help.text, "patch": patch, "safe": help.safe })
    });
    let trace: Vec<Value> = report
        .trace
        .iter()
        .map(|call| {
            let mut line = json!({ "function": call.function, "file": &*call.file, "line": call.line });
            if let Some(place) = &call.place {
                line["place"] = (**place).into();
            }
            line
        })
        .collect();
    let during = report.during.as_deref().map(object);
    let mut object = json!({
        "kind": match report.origin {
            Origin::Compile => "compile",
            Origin::Run => "run",
            Origin::Limit => "limit",
            Origin::Usage => "usage",
        },
        "severity": match report.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "code": Some(report.code).filter(|code| !code.is_empty()),
        "title": report.title,
        "file": report.place.as_ref().map(|place| &**place.source.name()),
        "spans": spans,
        "note": report.note,
        "help": help,
        "trace": trace,
        "omitted": report.omitted,
    });
    if let Some(during) = during {
        object["during"] = during;
    }
    object
}

fn span(source: &Source, span: Span) -> Value {
    let (line, column) = source.line_column(span.start);
    let (end_line, end_column) = source.line_column(span.end);
    json!({
        "start": span.start,
        "end": span.end,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    })
}
