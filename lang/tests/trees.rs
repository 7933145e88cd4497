//! Golden trees: `tests/trees/*.txt` hold sources with their outlines (`=>`) and findings (`!!`) behind them.
//!
//! `QUIPU_UPDATE=1 cargo test -p quipu-lang --test all trees::` writes what the parser gives now; then read the difference.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use quipu_code::span::Source;
use quipu_lang::parse::{outline, parse};

/// What the parser makes of a source, as the golden files have it.
fn result(text: &str) -> String {
    let source = Source::new("test", text);
    let parsed = parse(&source);
    let mut out = String::new();
    let outline = outline(&parsed.module);
    for line in outline.lines() {
        let _ = writeln!(out, "=> {line}");
    }
    for diagnostic in &parsed.diagnostics {
        let span = diagnostic.primary.span;
        let (line, column) = source.line_column(span.start);
        let _ = write!(out, "!! {line}:{column} {} {}", diagnostic.code, diagnostic.title);
        if !diagnostic.primary.text.is_empty() {
            let _ = write!(out, ": {}", diagnostic.primary.text);
        }
        for label in &diagnostic.secondary {
            let (line, column) = source.line_column(label.span.start);
            let _ = write!(out, "; {line}:{column} {}", label.text);
        }
        if let Some(note) = &diagnostic.note {
            let _ = write!(out, "; note: {note}");
        }
        if let Some(help) = &diagnostic.help {
            let _ = write!(out, "; help: {}", help.text);
        }
        if let Some((span, text)) = diagnostic.help.as_ref().and_then(|help| help.patch.as_ref()) {
            let (line, column) = source.line_column(span.start);
            let _ = write!(out, " [{line}:{column}-{} {text:?}]", column + span.end - span.start);
        }
        out.push('\n');
    }
    out
}

/// The cases of a golden file: source, and what is written behind it.
fn cases(text: &str) -> Vec<(String, String)> {
    let mut cases = Vec::new();
    let (mut source, mut wanted) = (String::new(), String::new());
    for line in text.lines() {
        if line.starts_with("=> ") || line.starts_with("!! ") {
            wanted.push_str(line);
            wanted.push('\n');
            continue;
        }
        if !wanted.is_empty() {
            cases.push((std::mem::take(&mut source), std::mem::take(&mut wanted)));
        }
        if !(line.is_empty() && source.is_empty()) {
            source.push_str(line);
            source.push('\n');
        }
    }
    if !source.is_empty() {
        cases.push((source, wanted));
    }
    cases
}

#[test]
fn trees_are_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees");
    let update = std::env::var_os("QUIPU_UPDATE").is_some();
    let mut wrong = String::new();
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let mut fresh = String::new();
        for (source, wanted) in cases(&text) {
            let source = source.trim_end_matches('\n');
            let found = result(source);
            if found != wanted {
                let _ = writeln!(wrong, "{}:\n{source}\nwanted:\n{wanted}found:\n{found}", path.display());
            }
            let _ = write!(fresh, "{source}\n{found}\n");
        }
        if update {
            fs::write(&path, fresh.trim_end().to_string() + "\n").unwrap();
        }
    }
    assert!(update || wrong.is_empty(), "{wrong}");
}
