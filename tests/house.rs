//! The order of the house, counted from the `use` paths in the sources: how many files of a crate name each other in a
//! circle, which rooms of the machine use which, where unsafe code may stand, and that public names have one meaning.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The first file of each crate, and how many files its largest circle may have. The machine's is its recursive data.
const CIRCLES: [(&str, usize); 7] = [
    ("vm/src/lib.rs", 15),
    ("code/src/lib.rs", 4),
    ("lang/src/lib.rs", 4),
    ("stdlib/src/lib.rs", 4),
    ("actor/src/lib.rs", 4),
    ("src/lib.rs", 4),
    ("src/main.rs", 4),
];

/// The rooms of the machine, as its `lib.rs` lists them: each uses those before it.
const ROOMS: [&str; 23] = [
    "clock", "secret", "error", "trace", "watch", "door", "root", "heap", "native", "class", "library", "machine",
    "cx", "ops", "run", "graph", "image", "failure", "vm", "bounds", "steps", "host", "",
];

/// Those that are the machine's data, which name each other.
const GROUND: [&str; 6] = ["heap", "native", "class", "library", "machine", "cx"];

/// Looks at operands by the rules for what graphs may hold; it is there only in builds with debug assertions.
const LOOKS_UP: [(&str, &str); 1] = [("run/operands", "graph/rules")];

/// The client, the node and the server of actors have options of their own, and nobody has two of them in hand.
const MEANT_TWICE: [&str; 1] = ["Options"];

/// A module by its path from the root of its crate, as in `heap/layout`.
type Module = String;

/// The modules of a crate with what they say outside of comments and tests, and what they name.
#[derive(Default)]
struct Crate {
    texts: BTreeMap<Module, String>,
    children: BTreeMap<Module, BTreeSet<String>>,
    /// Names that a module has from elsewhere: its own, and the path that was written for it.
    names: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
    is_folder: BTreeSet<Module>,
}

impl Crate {
    fn read(root: &str) -> Crate {
        let mut all = Crate::default();
        all.add("", Path::new(root));
        for (module, text) in &all.texts {
            let names = uses(text).into_iter().map(|(_, path, name)| (name, path)).collect();
            all.names.insert(module.clone(), names);
        }
        all
    }

    fn add(&mut self, module: &str, file: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let text: String =
            text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
        // Tests stand at the end; a module of a file of its own that only tests have does not end it.
        let is_inline = |at: &usize| text[*at..].lines().nth(1).is_some_and(|line| !line.ends_with(';'));
        let begins = ["#[cfg(test)]\nmod ", "#[cfg(all(test"].iter().flat_map(|begin| text.match_indices(begin));
        let tests = begins.map(|(at, _)| at).filter(is_inline).min();
        let text = text[..tests.unwrap_or(text.len())].to_owned();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let is_folder = matches!(stem, "mod" | "lib" | "main");
        let folder = file.parent().unwrap().join(if is_folder { "" } else { stem });
        let mut children = BTreeSet::new();
        for line in text.lines().filter_map(|line| line.trim().strip_suffix(';')) {
            let Some((before, name)) = line.split_once("mod ") else { continue };
            let is_one = before.is_empty() || before.starts_with("pub");
            let files = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
            if let Some(file) = files.into_iter().find(|file: &PathBuf| is_one && file.exists()) {
                self.add(&below(module, name), &file);
                children.insert(name.to_owned());
            }
        }
        self.children.insert(module.to_owned(), children);
        self.texts.insert(module.to_owned(), text);
        if is_folder {
            self.is_folder.insert(module.to_owned());
        }
    }

    /// The module that a path leads to, seen from one: that in which the thing at its end is declared.
    fn find(&self, from: &str, path: &[String], depth: usize) -> Option<Module> {
        let mut rest = path;
        let mut at = match path.first()?.as_str() {
            "crate" => String::new(),
            "self" | "super" => from.to_owned(),
            first if self.children[from].contains(first) || depth > 0 && self.names[from].contains_key(first) => {
                rest = path;
                from.to_owned()
            }
            _ => return None,
        };
        while let Some((step, behind)) = rest.split_first() {
            match step.as_str() {
                "crate" | "self" => {}
                "super" => at = at.rsplit_once('/').map_or(String::new(), |(outer, _)| outer.to_owned()),
                step if self.children[&at].contains(step) => at = below(&at, step),
                // It has come there by another `use`.
                step => {
                    let through = self.names[&at].get(step).filter(|_| depth < 20);
                    let found = through.and_then(|path| self.find(&at, &[path, behind].concat(), depth + 1));
                    return Some(found.unwrap_or(at));
                }
            }
            rest = behind;
        }
        Some(at)
    }

    /// What each module names, itself left out. What a folder or the crate gives on is not what it needs.
    fn arrows(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let of = |(module, text): (&Module, &String)| {
            let used =
                uses(text).into_iter().filter(|(is_public, ..)| !(*is_public && self.is_folder.contains(module)));
            let mut paths: Vec<Vec<String>> = used.map(|(_, path, _)| path).collect();
            paths.extend(inline(text));
            let found = paths.iter().filter_map(|path| self.find(module, path, 0)).filter(|found| found != module);
            (module.clone(), found.collect())
        };
        self.texts.iter().map(of).collect()
    }
}

fn below(module: &str, name: &str) -> Module {
    if module.is_empty() { name.to_owned() } else { format!("{module}/{name}") }
}

/// The `use` paths of a text: whether they are public, the path, and the name it gets.
fn uses(text: &str) -> Vec<(bool, Vec<String>, String)> {
    let mut found = Vec::new();
    for item in text.split(';') {
        // What stands before it on other lines is something else.
        let Some(at) = item.rmatch_indices("use ").map(|(at, _)| at).find(|&at| {
            let before = item[..at].rsplit('\n').next().unwrap_or_default().trim();
            before.is_empty() || before.starts_with("pub")
        }) else {
            continue;
        };
        let is_public = item[..at].rsplit('\n').next().unwrap_or_default().contains("pub");
        expand(&[], item[at + 4..].trim(), &mut |path, name| found.push((is_public, path, name)));
    }
    found
}

/// Takes the braces of a `use` path apart.
fn expand(before: &[String], path: &str, found: &mut impl FnMut(Vec<String>, String)) {
    let steps = |text: &str| -> Vec<String> {
        text.split("::").map(|step| step.trim().to_owned()).filter(|step| !step.is_empty()).collect()
    };
    let Some((head, inside)) = path.split_once('{') else {
        let (path, name) =
            path.split_once(" as ").map_or((path, None), |(path, name)| (path, Some(name.trim().to_owned())));
        let mut path = [before, &steps(path)].concat();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(last) = path.last().cloned() {
            found(path, name.unwrap_or(last));
        }
        return;
    };
    let before = [before, &steps(head)].concat();
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let (mut depth, mut from) = (0, 0);
    for (at, c) in inside.char_indices().chain([(inside.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, inside[from..at].trim(), found);
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// Paths from the crate or from above that stand in the middle of the text.
fn inline(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':')) {
        let steps: Vec<String> = word.split("::").map(str::to_owned).collect();
        if steps.len() > 1 && matches!(steps[0].as_str(), "crate" | "super") {
            found.push(steps.into_iter().filter(|step| !step.is_empty()).collect());
        }
    }
    found
}

/// Whatever can be reached from a module, itself only if a way leads back.
fn reached<'a>(from: &'a Module, arrows: &'a BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(module) = waiting.pop() {
        waiting.extend(arrows[module].iter().filter(|&next| reached.insert(next)));
    }
    reached
}

/// The largest set of modules that name each other in a circle.
fn largest_circle(arrows: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<&Module> {
    let ways: BTreeMap<&Module, BTreeSet<&Module>> =
        arrows.keys().map(|module| (module, reached(module, arrows))).collect();
    let circle = |module: &&Module| -> Vec<&Module> {
        ways[*module].iter().filter(|&&other| ways[other].contains(*module)).copied().collect()
    };
    ways.keys().map(circle).max_by_key(Vec::len).unwrap_or_default()
}

#[test]
fn circles_stay_small() {
    for (root, most) in CIRCLES {
        let arrows = Crate::read(root).arrows();
        assert!(arrows.len() > 3, "{root}: these are not all of its files: {:?}", arrows.keys());
        let circle = largest_circle(&arrows);
        assert!(
            circle.len() <= most,
            "{root}: {} files name each other in a circle, and at most {most} may; what one of them takes from another has to \
             stand below both: {circle:?}",
            circle.len()
        );
    }
}

#[test]
fn rooms_of_the_machine_use_those_before_them() {
    let place = |module: &str| ROOMS.iter().position(|room| *room == module.split('/').next().unwrap_or_default());
    let is_ground = |module: &str| GROUND.contains(&module.split('/').next().unwrap_or_default());
    let mut wrong = Vec::new();
    for (module, named) in Crate::read("vm/src/lib.rs").arrows() {
        for other in named {
            assert!(
                place(&other).is_some() && place(&module).is_some(),
                "`{module}` or `{other}` has no place in the order"
            );
            let is_known = is_ground(&module) && is_ground(&other) || LOOKS_UP.contains(&(&module, &other));
            if place(&other) > place(&module) && !is_known {
                wrong.push(format!("{module} -> {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "these use what stands above them: {wrong:?}");
    let listed = fs::read_to_string("vm/src/lib.rs").unwrap();
    let listed = listed.lines().filter_map(|line| line.strip_suffix(';')?.split_once("mod ")).map(|(_, name)| name);
    assert_eq!(listed.collect::<Vec<_>>(), ROOMS[..ROOMS.len() - 1], "`lib.rs` lists them in another order");
}

/// All files of the crates.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> =
        ["code/src", "vm/src", "lang/src", "stdlib/src", "actor/src", "src", "playground/src"]
            .map(PathBuf::from)
            .into();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                waiting.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&entry).unwrap();
                found.push((entry, text));
            }
        }
    }
    found.sort();
    found
}

/// The crates, each with those of the house that it may build on.
const CRATES: [(&str, &[&str]); 6] = [
    ("code", &[]),
    ("lang", &["code"]),
    ("vm", &["code"]),
    ("stdlib", &["code", "lang", "vm"]),
    ("actor", &["code", "lang", "vm", "stdlib"]),
    (".", &["code", "lang", "vm", "stdlib", "actor"]),
];

#[test]
fn crates_build_on_those_below_them() {
    for (name, below) in CRATES {
        let manifest = fs::read_to_string(format!("{name}/Cargo.toml")).unwrap();
        let (_, package) = manifest.split_once("[package]\n").unwrap();
        let named = package.lines().filter_map(|line| Some(line.strip_prefix("quipu-")?.split_once(" = ")?.0));
        let named: BTreeSet<&str> = named.collect();
        assert_eq!(named, below.iter().copied().collect(), "{name}/Cargo.toml");
    }
}

#[test]
fn unsafe_code_is_allowed_in_four_places() {
    let mut allowed = Vec::new();
    for (file, text) in sources() {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for pair in lines.windows(2).filter(|pair| pair[0].contains("allow(unsafe_code)")) {
            allowed.push(format!(
                "{} {}",
                file.display(),
                pair[1].trim_start_matches("pub(crate) ").trim_start_matches("pub ")
            ));
        }
    }
    let room = |room: &str| format!("vm/src/lib.rs mod {room};");
    let exports = "playground/src/lib.rs mod exports;".to_owned();
    assert_eq!(allowed, [exports, room("heap"), room("machine"), room("run")]);
}

#[test]
fn the_machine_asks_the_system_in_two_files() {
    let asks = ["Instant", "SystemTime", "RandomState", "getrandom", "std::thread", "std::fs", "std::env", "std::net"];
    let mut wrong = Vec::new();
    for (module, text) in Crate::read("vm/src/lib.rs").texts {
        let is_door = ["clock", "secret"].contains(&module.as_str()) || module.starts_with("ops/tests");
        let found = asks.iter().filter(|asks| !is_door && text.contains(**asks));
        wrong.extend(found.map(|asks| format!("`{module}` names {asks}")));
    }
    assert!(wrong.is_empty(), "the machine has time from `clock` and secrets from `secret` only: {wrong:?}");
}

#[test]
fn hashes_are_types_and_shown_in_one_place() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (line, number) in text.lines().zip(1..) {
            let is_alias = line.trim_start_matches("pub ").starts_with("type ") && line.contains("[u8; 32]");
            // What escapes bytes of texts is no hash.
            let is_shown = line.contains(":02x") && !file.ends_with("ops/text.rs");
            if is_alias || is_shown {
                wrong.push(format!("{}:{number}: {}", file.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "`quipu_code::hashes!` declares what has 32 bytes, and shows it:\n{}", wrong.join("\n"));
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let of = |text: &str| uses(text).into_iter().map(|(_, path, name)| (path.join("::"), name)).collect::<Vec<_>>();
    let two = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        of("use a::b as c;\npub use {d, e::{self, f}};"),
        [two("a::b", "c"), two("d", "d"), two("e", "e"), two("e::f", "f")]
    );
    let arrows = |pairs: &[(&str, &[&str])]| -> BTreeMap<Module, BTreeSet<Module>> {
        pairs.iter().map(|(from, to)| (from.to_string(), to.iter().map(|to| to.to_string()).collect())).collect()
    };
    assert_eq!(largest_circle(&arrows(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).len(), 2);
    assert_eq!(largest_circle(&arrows(&[("a", &["b"]), ("b", &[])])).len(), 0);
    assert_eq!(inline("x: crate::heap::Slot, y(super::z)"), [vec!["crate", "heap", "Slot"], vec!["super", "z"]]);
    // Through what a folder gives on.
    let heap = Crate::read("vm/src/lib.rs");
    let path = ["crate", "heap", "Value"].map(str::to_owned);
    assert_eq!(heap.find("vm", &path, 0).as_deref(), Some("heap/value"));
}

/// What a crate shows of itself: each name of a type or trait, and the modules that declare one which users can name.
fn public_types(all: &Crate) -> BTreeMap<String, BTreeSet<Module>> {
    let mut found: BTreeMap<String, BTreeSet<Module>> = BTreeMap::new();
    let mut waiting = vec![Module::new()];
    while let Some(module) = waiting.pop() {
        let text = &all.texts[&module];
        for line in text.lines().filter_map(|line| line.strip_prefix("pub ")) {
            let Some((kind, rest)) = line.split_once(' ') else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if kind == "mod" && all.children[&module].contains(&name) {
                waiting.push(below(&module, &name));
            }
            if matches!(kind, "struct" | "enum" | "trait" | "type" | "union") {
                found.entry(name).or_default().insert(module.clone());
            }
        }
        for (_, path, name) in uses(text).into_iter().filter(|(is_public, ..)| *is_public) {
            let is_type = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
            if let Some(from) = all.find(&module, &path, 0).filter(|_| is_type) {
                found.entry(name).or_default().insert(from);
            }
        }
    }
    found
}

#[test]
fn public_names_have_one_meaning() {
    let mut wrong = Vec::new();
    // Hosts work with the machine, the library and the facade at once, so these share their names.
    for crates in [
        &["vm/src/lib.rs", "stdlib/src/lib.rs", "src/lib.rs"][..],
        &["code/src/lib.rs", "lang/src/lib.rs"],
        &["actor/src/lib.rs"],
    ] {
        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for root in crates {
            let found = public_types(&Crate::read(root));
            assert!(found.len() > 10, "{root}: these are not all of its names: {:?}", found.keys());
            for (name, modules) in found {
                names.entry(name).or_default().extend(modules.iter().map(|module| format!("{root} {module}")));
            }
        }
        let twice =
            names.into_iter().filter(|(name, places)| places.len() > 1 && !MEANT_TWICE.contains(&name.as_str()));
        wrong.extend(twice.map(|(name, places)| format!("{name}: {places:?}")));
    }
    assert!(wrong.is_empty(), "these names mean two things:\n{}", wrong.join("\n"));
}

#[test]
fn every_crate_asks_its_public_types_for_debug_and_its_errors_for_their_reasons() {
    let shared = fs::read_to_string("Cargo.toml").unwrap();
    assert!(shared.contains("\nmissing_debug_implementations = \"warn\"\nmissing_docs = \"warn\"\n"));
    for (root, _) in CIRCLES.iter().filter(|(root, _)| root.ends_with("lib.rs")) {
        let folder = Path::new(root).parent().unwrap().parent().unwrap();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{root}: the lints of the workspace are off");
        let text = fs::read_to_string(root).unwrap();
        assert!(text.contains("#![warn(clippy::missing_errors_doc)]"), "{root}: errors need no reasons");
    }
}

#[test]
fn natives_are_named_in_their_rows_alone() {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let mut wrong = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| file.starts_with("stdlib/src")) {
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (line, number) in code.lines().zip(1..).filter(|(line, _)| !line.trim_start().starts_with("//")) {
            let says = line.split('"').skip(1).step_by(2).any(|literal| {
                literal
                    .split_once(": ")
                    .is_some_and(|(name, _)| name.starts_with(char::is_alphabetic) && name.chars().all(is_of_name))
            });
            // A pattern that cannot be compiled is so to whoever needs it.
            if says && line.contains("fail") && !file.ends_with("regex/error.rs") {
                wrong.push(format!("{}:{number}: {}", file.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "`Cx::fail_here` knows the name of the native:\n{}", wrong.join("\n"));
}

/// The documentation above a line that begins so: what stands in comments and attributes before it.
fn above(text: &str, begin: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.starts_with(begin) && !line[begin.len()..].starts_with(char::is_alphanumeric))?;
    let above = lines[..at].iter().rev().take_while(|line| line.starts_with("///") || line.starts_with("#["));
    Some(above.map(|line| [*line, "\n"].concat()).collect())
}

#[test]
fn what_the_root_exports_has_examples() {
    let read = |file: &str| fs::read_to_string(file).unwrap();
    let mut all = 0;
    let mut wrong = Vec::new();
    for root in ["src/lib.rs", "src/face.rs"] {
        let text = read(root);
        let shown = text.split("\npub mod prelude").next().unwrap_or_default();
        for (_, path, name) in uses(shown).into_iter().filter(|(is_public, ..)| *is_public) {
            if !name.starts_with(char::is_uppercase) {
                continue;
            }
            all += 1;
            let here = shown.lines().find(|line| {
                line.starts_with("pub use ") && line.split(|c: char| !c.is_alphanumeric()).any(|word| word == name)
            });
            let mut docs = here.and_then(|line| above(shown, line)).unwrap_or_default();
            if ["builder", "engine", "error", "load"].contains(&path[0].as_str()) {
                let text = read(&format!("src/{}.rs", path[0]).replace("load.rs", "load/mod.rs"));
                let kinds = ["struct", "enum", "trait"];
                docs += &kinds.iter().find_map(|kind| above(&text, &format!("pub {kind} {name}"))).unwrap_or_default();
            }
            if !docs.contains("```") {
                wrong.push(path.join("::"));
            }
        }
    }
    assert!(all > 25, "these are not all: {all}");
    assert!(wrong.is_empty(), "the root exports these without an example: {wrong:?}");
}
