//! Reports for people: title, source lines with their spans, note, help as a patch, and the trace.

use quipu_code::plural;
use std::fmt::Write;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use quipu_code::span::Span;
use quipu_lang::diagnostic::Severity;
use quipu_vm::trace::Trace;

use super::clean;
use super::excerpt::Excerpt;
use super::{Quote, Report};

/// The report as text that ends in a newline, with terminal colours or without.
///
/// Whatever the program put into names, messages and source lines, only printable characters come out.
pub fn text(report: &Report, color: bool) -> String {
    let level = match report.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = clean::message(&report.title);
    let note = report.note.as_deref().map(clean::message);
    let help = report.help.as_ref().map(|help| clean::message(&help.text));
    let mut groups = Vec::new();
    let mut group = Group::with_title(level.primary_title(title).id(report.code));
    if let Some(place) = &report.place {
        group = show_place(group, place);
    }
    if let Some(note) = note {
        group = group.element(Level::NOTE.message(note));
    }
    let patch = report.help.as_ref().and_then(|help| help.patch.as_ref());
    let patch = patch.and_then(|(span, new)| show_patch(report.place.as_ref()?, *span, new));
    match (help, patch) {
        (Some(help), Some(patch)) => {
            groups.push(group);
            groups.push(Level::HELP.secondary_title(help).element(patch));
        }
        (Some(help), None) => groups.push(group.element(Level::HELP.message(help))),
        (None, _) => groups.push(group),
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = renderer.decor_style(DecorStyle::Ascii).render(&groups);
    out.push('\n');
    show_trace(&mut out, report);
    if let Some(during) = &report.during {
        out.push_str("\nthat came from something deferred, while this was being thrown:\n");
        out.push_str(&text(during, color));
    }
    out
}

fn show_place<'g>(group: Group<'g>, place: &Quote) -> Group<'g> {
    let Quote { source, primary, secondary } = place;
    let path = clean::line(source.name());
    let labels = || std::iter::once(primary).chain(secondary);
    let Some(excerpt) = Excerpt::around(source, labels().map(|label| label.span)) else {
        let (line, column) = source.line_column(primary.span.start);
        return group.element(Origin::path(path).line(line as usize).char_column(column as usize));
    };
    let annotations: Vec<Annotation<'g>> = labels()
        .enumerate()
        .map(|(index, label)| {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(excerpt.range(source, label.span));
            if label.text.is_empty() { annotation } else { annotation.label(clean::line(&label.text)) }
        })
        .collect();
    group.element(Snippet::source(excerpt.text).line_start(excerpt.first_line).path(path).annotations(annotations))
}

fn show_patch<'p>(place: &Quote, span: Span, replacement: &str) -> Option<Snippet<'p, Patch<'p>>> {
    let excerpt = Excerpt::around(&place.source, [span])?;
    let range = excerpt.range(&place.source, span);
    let replacement: String = replacement.chars().map(clean::source_char).collect();
    // A patch that changes nothing cannot be drawn.
    if excerpt.text[range.clone()] == replacement {
        return None;
    }
    let patch = Patch::new(range, replacement);
    Some(Snippet::source(excerpt.text).line_start(excerpt.first_line).patch(patch))
}

/// One line for each call; equal lines in a row, as recursion makes them, become one with a count.
fn show_trace(out: &mut String, report: &Report) {
    let calls = &report.trace;
    if calls.is_empty() {
        return;
    }
    out.push_str("trace, innermost call first:\n");
    let mut index = 0;
    while index < calls.len() {
        if index == Trace::KEPT {
            show_omitted(out, report.omitted);
        }
        let call = &calls[index];
        let end = if index < Trace::KEPT { Trace::KEPT.min(calls.len()) } else { calls.len() };
        let same = |other: &&quipu_vm::trace::TraceLine| {
            (&other.function, &other.file, other.line, &other.place)
                == (&call.function, &call.file, call.line, &call.place)
        };
        let count = calls[index..end].iter().take_while(same).count();
        let _ = write!(out, "  {} at {}", clean::line(&call.function), clean::line(&call.file));
        if call.line > 0 {
            let _ = write!(out, ":{}", call.line);
        }
        if let Some(place) = &call.place {
            let _ = write!(out, ", in {}", clean::line(place));
        }
        if count > 1 {
            let _ = write!(out, " ({count} times)");
        }
        out.push('\n');
        index += count;
    }
    if calls.len() <= Trace::KEPT {
        show_omitted(out, report.omitted);
    }
}

fn show_omitted(out: &mut String, omitted: usize) {
    if omitted > 0 {
        let _ = writeln!(out, "  ... {omitted} more {}", plural(omitted, "call"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quipu_code::span::Source;
    use quipu_lang::diagnostic::Diagnostic;

    fn shown(source: &str, diagnostic: &Diagnostic) -> String {
        text(&Report::diagnostic(&Source::new("dir/a.qp", source), diagnostic), false)
    }

    #[test]
    fn a_diagnostic_shows_its_lines_and_its_patch() {
        let source = "let total = 3\r\nfn f() {\r\n  print(totl)\r\n}\r\n";
        let diagnostic = Diagnostic::error("Q0201", Span::new(33, 37), "unknown name `totl`")
            .label("not in scope")
            .also(Span::new(4, 9), "declared here")
            .note("names are case-sensitive")
            .patch("did you mean `total`?", Span::new(33, 37), "total");
        let expected = "\
error[Q0201]: unknown name `totl`
 --> dir/a.qp:3:9
  |
1 | let total = 3
  |     ----- declared here
2 | fn f() {
3 |   print(totl)
  |         ^^^^ not in scope
  |
  = note: names are case-sensitive
help: did you mean `total`?
  |
3 |   print(total)
  |            +
";
        assert_eq!(shown(source, &diagnostic), expected);
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        let source = "let a = \"\x1b[31m\u{9b}31m\u{202e}\"";
        let diagnostic = Diagnostic::error("Q0101", Span::new(9, 13), "odd \x1b[0m").label("\x07").help("\x08");
        let shown = shown(source, &diagnostic);
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()) && !shown.contains('\u{202e}'), "{shown:?}");
        assert!(shown.contains("odd \\u{1b}[0m"), "{shown}");
    }

    proptest! {
        /// Whatever the spans are relative to, a report is made, and it has nothing in it that a terminal obeys.
        #[test]
        fn any_spans_in_any_text_can_be_shown(
            source in "[a-z\t\r\n é\u{1b}\u{9b}漢😀\u{202e}]{0,60}",
            spans in prop::collection::vec((0u32..80, 0u32..80), 1..5),
            replacement in "[a\n\u{1b} ]{0,5}",
        ) {
            let mut spans = spans.into_iter().map(|(start, end)| Span::new(start, end));
            let first = spans.next().unwrap();
            let mut diagnostic = Diagnostic::error("Q0101", first, "t").label("l\u{1b}\nm");
            for span in spans {
                diagnostic = diagnostic.also(span, "s");
                diagnostic = diagnostic.patch("p", span, replacement.clone());
            }
            let shown = shown(&source, &diagnostic);
            prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", shown);
            crate::report::json(&Report::diagnostic(&Source::new("a", source), &diagnostic));
        }
    }
}
