//! Runs the code blocks of the README, the book and the explanations of error codes.
#![cfg(all(feature = "actor", feature = "report"))]

use std::fs;
use std::path::{Path, PathBuf};

use crate::server;
use crate::support::{Expected, Setup, assert_all, blocks, parallel, run};
use quipu::stdlib::{Capabilities, Capability};
use quipu::{Engine, Input, report};

#[test]
fn code_in_the_documentation_does_what_it_says() {
    let mut pages = vec![PathBuf::from("README.md")];
    files(Path::new("docs"), "md", &mut pages);
    files(Path::new("stdlib/doc"), "md", &mut pages);
    let mut all = Vec::new();
    for file in pages {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.display();
        all.extend(blocks(&text, "quipu").into_iter().map(|(line, code)| (format!("{name}:{line}"), false, code)));
        all.extend(blocks(&text, "quipu,fails").into_iter().map(|(line, code)| (format!("{name}:{line}"), true, code)));
    }
    // Pages show what a host may grant, explanations what it may refuse.
    // The pages that are made from these files have the same programs.
    all.retain(|(name, ..)| !name.starts_with("docs/library/"));
    check(server::engine(&server::start(Default::default())), &all);
}

#[test]
fn every_explanation_shows_its_error_and_the_way_out() {
    let mut all = Vec::new();
    for code in report::codes() {
        let text = report::explain(code).unwrap();
        for (line, block) in blocks(text, "quipu,fails") {
            // The error must be the one that is explained.
            let kind = quipu::vm::ErrorKind::ALL.iter().find(|kind| kind.code() == code).map(|kind| kind.name());
            let marks = [format!("#? {code}"), format!("#! {}", kind.unwrap_or("throw"))];
            assert!(marks.iter().any(|mark| block.contains(mark)), "{code}: the example is about something else");
            all.push((format!("{code}.md:{line}"), true, block));
        }
        all.extend(blocks(text, "quipu").into_iter().map(|(line, block)| (format!("{code}.md:{line}"), false, block)));
    }
    let compiling = Capabilities::PURE.with(Capability::Compile);
    check(Engine::builder().capabilities(compiling).build().unwrap(), &all);
}

#[test]
fn every_code_that_can_be_reported_is_explained() {
    let mut sources = Vec::new();
    for folder in ["code/src", "lang/src", "vm/src", "stdlib/src", "src"] {
        files(Path::new(folder), "rs", &mut sources);
    }
    let explained: Vec<&str> = report::codes().collect();
    for source in sources {
        let text = fs::read_to_string(&source).unwrap();
        for (at, _) in text.match_indices("\"Q0") {
            let code: String = text[at + 1..].chars().take_while(char::is_ascii_alphanumeric).collect();
            let known = code.len() != 5 || explained.contains(&code.as_str());
            assert!(known, "{} of {} has no explanation", code, source.display());
        }
    }
}

/// Files and folders of the tree in `code` on pages that are maps of it. A name with capital letters stands for many.
#[test]
fn files_that_the_maps_name_are_there() {
    let tops = [
        "code/",
        "lang/",
        "vm/",
        "stdlib/",
        "actor/",
        "src/",
        "tests/",
        "docs/",
        "examples/",
        "benches/",
        "fuzz/",
        "playground/",
        ".ci/",
    ];
    for (page, least) in [("CONTRIBUTING.md", 25), ("ARCHITECTURE.md", 20)] {
        let text = fs::read_to_string(page).unwrap();
        let spans = text.split('`').skip(1).step_by(2);
        let paths: Vec<&str> = spans.filter(|span| tops.iter().any(|top| span.starts_with(top))).collect();
        assert!(paths.len() >= least, "{page} names {} files only", paths.len());
        let gone: Vec<&str> = paths.into_iter().filter(|path| !Path::new(path).exists()).collect();
        assert!(gone.is_empty(), "{page} names what is not there: {gone:?}");
    }
}

/// What a list of modules in ARCHITECTURE begins with is there: "- `heap`: ..", "- `door`, `root`: ..".
#[test]
fn modules_that_the_map_lists_are_there() {
    let map = fs::read_to_string("ARCHITECTURE.md").unwrap();
    for (title, root) in
        [("code", "code/src"), ("lang", "lang/src"), ("vm", "vm/src"), ("actor", "actor/src"), ("src", "src")]
    {
        let (_, section) = map.split_once(&format!("\n## {title}: ")).unwrap_or_else(|| panic!("no section {title}"));
        let section = section.split("\n## ").next().unwrap_or_default();
        let heads = section.split("\n- ").skip(1).filter_map(|item| item.split(':').next());
        let names: Vec<&str> = heads.flat_map(|head| head.split('`').skip(1).step_by(2)).collect();
        assert!(names.len() > 3, "{title}: {names:?}");
        let is_there = |name: &str| {
            let path = Path::new(root).join(name);
            path.exists() || path.with_extension("rs").exists()
        };
        let gone: Vec<&str> = names.into_iter().filter(|name| !is_there(name)).collect();
        assert!(gone.is_empty(), "{title}: there is no {gone:?} in {root}");
    }
}

/// Programs by name, whether they are to fail, and their text.
fn check(engine: Engine, programs: &[(String, bool, String)]) {
    let results = parallel(programs.to_vec(), Setup::USUAL.time, move |(name, fails, text)| {
        let expected = Expected::read(text);
        if expected.fails() != *fails {
            return Err("the block's mark and its lines disagree on whether it fails".to_owned());
        }
        run(&engine, &Input::text(name.as_str(), text.as_str()), &expected, Setup::USUAL)
    });
    assert_all(programs.iter().map(|(name, ..)| name.as_str()), results);
}

/// Files of a folder and those below it that have this extension.
fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|there| there == extension) {
            found.push(path);
        }
    }
}
