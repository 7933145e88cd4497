//! Every script under tests/scripts compiles, or has exactly the compile errors that it names.

use std::path::{Path, PathBuf};

use crate::front::compile_file;

/// The compile errors that a script names: line, code, and a part of the text.
fn expected(text: &str) -> Vec<(u32, String, String)> {
    let mut expected = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        for marker in text.split("#?").skip(1) {
            let marker = marker.trim();
            let (code, part) = marker.split_once(':').unwrap_or((marker, ""));
            let code = code.split_whitespace().next().unwrap_or_default();
            expected.push((line, code.to_owned(), part.trim().to_owned()));
        }
    }
    expected
}

fn scripts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scripts");
    let mut scripts = Vec::new();
    for folder in std::fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        if folder.is_dir() {
            let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
            scripts.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "qp")));
        }
    }
    scripts.sort();
    scripts
}

#[test]
fn scripts_have_the_compile_errors_they_name() {
    let scripts = scripts();
    assert!(!scripts.is_empty());
    let mut wrong = Vec::new();
    for path in &scripts {
        let (source, unit) = compile_file(path);
        let expected = expected(source.text());
        let mut found: Vec<(u32, String, String)> = Vec::new();
        for error in unit.err().unwrap_or_default() {
            let line = source.line_column(error.primary.span.start).0;
            let mut text = format!("{} {}", error.title, error.primary.text);
            for part in error.help.iter().map(|help| &help.text).chain(&error.note) {
                text = format!("{text} {part}");
            }
            found.push((line, error.code.to_owned(), text));
        }
        let matches = |(found, expected): (&(u32, String, String), &(u32, String, String))| {
            found.0 == expected.0 && found.1 == expected.1 && found.2.contains(&expected.2)
        };
        found.sort();
        if found.len() != expected.len() || !found.iter().zip(&expected).all(matches) {
            wrong.push(format!("{}:\n  expected {expected:?}\n  found    {found:?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} scripts:\n{}", wrong.len(), scripts.len(), wrong.join("\n"));
}
