//! `vm doc` from outside, and the chapter of the book that it writes.
#![cfg(feature = "run")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::program::*;

#[track_caller]
fn shows(words: &[&str], parts: &[&str]) {
    let run = vm(words).ends(0).says_nothing();
    for part in parts {
        assert!(run.out.contains(part), "vm {}: no {part:?} in\n{}", words.join(" "), run.out);
    }
}

#[test]
fn everything_is_listed() {
    shows(&["doc"], &["Functions\n", "Types\n", "  str  ", "Modules", "  json  ", "  fs  ", "vm doc NAME"]);
}

#[test]
fn modules_types_and_functions_are_found_by_name() {
    shows(&["doc", "fs"], &["module fs\n", "  read(path)  ", "capability `fs`"]);
    shows(&["doc", "str"], &["str(v)\n", "type str\n", "  split(sep = nil)"]);
    shows(&["doc", "print"], &["print(..values)\n    Writes the values", "print(\"a\", 1"]);
    shows(&["doc", "list.sort"], &["list.sort(cmp = nil, options = [:])\n", "xs.sort()"]);
    shows(&["doc", "list", "map"], &["list.map(f)\n"]);
    shows(&["doc", "fs.read"], &["fs.read(path)\n", "needs the capability `fs`", "import fs"]);
    shows(&["doc", "iter", "take"], &["iter.Seq.take(n)\n"]);
    shows(&["doc", "gcd"], &["math.gcd(a, b)\n"]);
    // Too many have it for all of each.
    shows(&["doc", "contains"], &["  list.contains(x)", "  str.contains(", "  tuple.contains("]);
}

#[test]
fn unknown_names_lead_to_near_ones() {
    vm(&["doc", "jsn"]).ends(2).says("did you mean `json`?");
    vm(&["doc", "str", "splt"]).ends(2).says("`str` has no `splt`; did you mean `split`?");
    vm(&["doc", "zzzzzzzz"]).ends(2).says("`vm doc` lists");
    vm(&["doc", "no-such-file.qp"]).ends(2).says("no-such-file.qp");
}

#[test]
fn files_are_shown_by_their_comments() {
    let scratch = Scratch::new("docs_of_a_file");
    let text = "#!/usr/bin/env vm\n# Shapes and what they measure.\n\nimport math\n\n## The area of a circle. In square metres,\n\
                ## if the radius is in metres.\nexport fn area(r, scale = 1) = math.pi * r * r\n\nfn hidden() = 1\n\n\
                ## A point.\nexport type Point(x, y = 0) {\n  ## Its distance from the origin.\n  fn len(self) = 1\n}\n\n\
                ## Nothing \x1b[31mred.\nexport let zero = 0\n";
    let file = scratch.file("shapes.qp", text);
    shows(
        &["doc", &file],
        &["module shapes\nShapes and what they measure.\n", "  area(r, scale = 1)  The area of a circle."],
    );
    shows(&["doc", &file], &["  Point(x, y = 0)     A point.", "  Point.len()         Its distance", "zero"]);
    shows(
        &["doc", &file, "area"],
        &["shapes.area(r, scale = 1)\n    The area of a circle.\n\n    In square metres, if the"],
    );
    shows(&["doc", &file, "len"], &["shapes.Point.len()\n"]);
    let run = vm(&["doc", &file]).ends(0);
    assert!(!run.out.contains("hidden") && !run.out.contains('\x1b'), "{}", run.out);
    vm(&["doc", &file, "aera"]).ends(2).says("did you mean `area`?");
    vm(&["doc", &scratch.file("broken.qp", "fn (")]).ends(3).says("error[");
}

#[test]
fn the_site_holds_together() {
    let scratch = Scratch::new("docs_site");
    vm(&["doc", "--html", &scratch.path("site")]).ends(0).says_nothing();
    let files = contents(&scratch.0.join("site"));
    assert!(files.contains_key("style.css") && files.contains_key("type-str.html") && files.contains_key("fs.html"));
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".html")) {
        assert!(!text.contains("http:") && !text.contains("https:"), "{name} needs something from elsewhere");
        for part in text.split("href=\"").skip(1) {
            let link = part.split('"').next().unwrap();
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { text } else { files.get(file).unwrap_or_else(|| panic!("{name}: {link}")) };
            assert!(place.is_empty() || target.contains(&format!("id=\"{place}\"")), "{name}: {link}");
        }
    }
}

/// `GOLDEN=write` writes the chapter anew.
#[test]
fn the_chapter_of_the_book_is_what_the_command_writes() {
    let scratch = Scratch::new("docs_chapter");
    let folder = if std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
        let _ = fs::remove_dir_all("docs/library");
        "docs/library".to_owned()
    } else {
        scratch.path("library")
    };
    vm(&["doc", "--markdown", &folder]).ends(0).says_nothing();
    let (written, there) = (contents(Path::new(&folder)), contents(Path::new("docs/library")));
    assert_eq!(written.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>());
    for (name, text) in &written {
        assert!(*text == there[name], "docs/library/{name} is not what the library says; write it with GOLDEN=write");
    }
}

fn contents(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
    };
    entries.map(file).collect()
}
