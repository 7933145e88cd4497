//! Golden files: sources with the code, the errors or the hashes that come of them.
//!
//! A file under tests/golden holds cases: a line `=== name`, a source, a line `---`, and what is expected. Running the
//! tests with `GOLDEN=write` writes what comes out instead of comparing. A hash that changes needs a new edition.

use std::fmt::Write;
use std::path::Path;

use crate::front::compile_text;
use quipu_code::listing;
use quipu_code::span::{Source, Span};
use quipu_lang::diagnostic::Diagnostic;

/// The cases of a file: names and sources.
fn cases(text: &str) -> Vec<(&str, &str)> {
    let cases = text.split("=== ").skip(1);
    let cases = cases.filter_map(|case| {
        let (name, rest) = case.split_once('\n')?;
        let source = rest.split_once("\n---\n").map_or(rest, |(source, _)| source);
        Some((name, source.trim_end()))
    });
    cases.collect()
}

fn compare(file: &str, output: impl Fn(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let golden = std::fs::read_to_string(&path).unwrap();
    let mut text = String::new();
    for (name, source) in cases(&golden) {
        let output = output(source);
        let _ = write!(text, "=== {name}\n{source}\n---\n{}\n\n", output.trim_end());
    }
    if std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
        return std::fs::write(path, text).unwrap();
    }
    let differs = text.lines().zip(golden.lines()).position(|(now, golden)| now != golden);
    let at = differs.unwrap_or(golden.lines().count());
    let now = text.lines().skip(at.saturating_sub(3)).take(9).collect::<Vec<_>>().join("\n");
    assert!(text == golden, "{file}:{}: now\n{now}", at + 1);
}

fn lowered(text: &str) -> String {
    match compile_text(text) {
        Ok(unit) => listing(&unit.main, Some(&Source::new("test.qp", text))),
        Err(errors) => reported(&Source::new("test.qp", text), &errors),
    }
}

/// Every error: code, place and text, then what belongs to it.
fn reported(source: &Source, errors: &[Diagnostic]) -> String {
    let place = |span: Span| {
        let (line, column) = source.line_column(span.start);
        format!("{line}:{column} `{}`", &source.text()[span.start as usize..span.end as usize])
    };
    let mut text = String::new();
    for error in errors {
        let _ = writeln!(text, "{} {}", error.code, error.title);
        let _ = writeln!(text, "  at   {} {}", place(error.primary.span), error.primary.text);
        for label in &error.secondary {
            let _ = writeln!(text, "  also {} {}", place(label.span), label.text);
        }
        if let Some(note) = &error.note {
            let _ = writeln!(text, "  note {note}");
        }
        if let Some(help) = &error.help {
            let _ = write!(text, "  help {}", help.text);
            if let Some((span, patch)) = &help.patch {
                let _ = write!(text, ": {} becomes `{patch}`", place(*span));
            }
            text.push('\n');
        }
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn code_is_lowered_as_written_down() {
    compare("lowering.txt", lowered);
}

#[test]
fn mistakes_are_reported_as_written_down() {
    compare("errors.txt", |text| match compile_text(text) {
        Ok(unit) if unit.warnings.is_empty() => "no error".into(),
        Ok(unit) => format!("only warnings\n{}", reported(&Source::new("test.qp", text), &unit.warnings)),
        Err(errors) => reported(&Source::new("test.qp", text), &errors),
    });
}

#[test]
fn hashes_stay_what_they_are() {
    compare("hashes.txt", |text| match compile_text(text) {
        Ok(unit) => unit.main.hash().to_string(),
        Err(errors) => reported(&Source::new("test.qp", text), &errors),
    });
}
