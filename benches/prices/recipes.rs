//! What is called of each native, with arguments of which size: what the pages of the manual in `stdlib/doc` say in comments,
//! and `recipes.txt` for natives that no page explains.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One line.
pub struct Recipe {
    /// The native.
    pub name: String,
    /// What is made for `n`.
    make: String,
    /// What is called.
    pub call: String,
    /// Whether it is known to cost too much, and so must.
    pub known: bool,
    /// Why nothing is measured.
    pub reason: Option<String>,
}

/// What recipes may use.
const PRELUDE: &str = r#"
fn ints(n) = range(n).to_list()
fn mixed(n) = range(n).map(|i| i * 7919 % 1000003)
fn texts(n) = range(n).map(|i| "k${i}")
fn lists(n) = range(n).map(|i| [i])
fn longs(count, n) { let start = "x" * n; range(count).map(|i| start + "${(i * 7919) % 1000}") }
fn dict(n) { let m = [:]; for i in 0..n { m["k${i}"] = i }; m }
fn nested(n) { var xs = []; for i in 0..n { xs = [xs] }; xs }
fn bin(n) = bytes("x" * n)
fn try_it(f) = try { f() } catch e { nil }
"#;

/// Read when it runs, so that a new line is tried without building anything.
static RECIPES: LazyLock<Vec<Recipe>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lines = text_of(&root.join("benches/prices/recipes.txt"));
    let lines = lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut recipes: Vec<Recipe> = lines
        .map(|line| {
            let (name, rest) = line.split_once(" | ").unwrap_or_else(|| panic!("{line}: it names no native"));
            read(name, rest)
        })
        .collect();
    for folder in ["stdlib/doc", "stdlib/doc/types"] {
        let entries = fs::read_dir(root.join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
        files.sort();
        for file in files {
            add_page(&mut recipes, &file);
        }
    }
    recipes
});

fn text_of(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Adds what a page of the manual says about the natives that it explains.
fn add_page(recipes: &mut Vec<Recipe>, file: &Path) {
    let page = file.file_stem().unwrap_or_default().to_string_lossy();
    let (mut name, mut in_program) = (String::new(), false);
    for line in text_of(file).lines() {
        in_program ^= line.starts_with("```");
        if let Some(section) = line.strip_prefix("## ").filter(|_| !in_program) {
            let section = section.trim();
            name = if page == "builtins" { section.to_owned() } else { format!("{page}.{section}") };
        } else if let Some(recipe) = line.strip_prefix("<!-- price: ").and_then(|rest| rest.strip_suffix(" -->")) {
            recipes.push(read(&name, recipe));
        }
    }
}

/// All of them, in order.
pub fn recipes() -> &'static [Recipe] {
    &RECIPES
}

/// Reads `MAKE | CALL` or `- REASON`, with `~` before what is known to cost too much.
fn read(name: &str, line: &str) -> Recipe {
    let (known, line) = line.strip_prefix("~ ").map_or((false, line), |line| (true, line));
    let mut recipe = Recipe { known, ..Recipe::new(name, "", "") };
    if let Some(reason) = line.strip_prefix("- ") {
        recipe.reason = Some(reason.to_owned());
    } else if let Some((make, call)) = line.split_once(" | ") {
        (recipe.make, recipe.call) = (make.trim().to_owned(), call.trim().to_owned());
    } else {
        panic!("{name}: {line}: what is made for n | what is called");
    }
    recipe
}

impl Recipe {
    /// One that stands on no page.
    pub fn new(name: &str, make: &str, call: &str) -> Recipe {
        Recipe { name: name.to_owned(), make: make.to_owned(), call: call.to_owned(), known: false, reason: None }
    }

    /// Whether its input does not grow.
    pub fn is_small(&self) -> bool {
        !self.make.contains('n') || !self.words().any(|word| word == "n")
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        self.make.split(move |c| !is_word(c)).chain(self.call.split(move |c| !is_word(c)))
    }

    /// A function that takes `n` and gives what is to be called.
    pub fn program(&self, folder: &Path) -> String {
        let modules = [
            "base64", "hex", "csv", "json", "regex", "code", "image", "random", "path", "fs", "io", "os", "time",
            "math",
        ];
        let used = modules.iter().filter(|module| self.words().any(|word| word == **module));
        let imports: String = used.map(|module| format!("import {module}\n")).collect();
        let packs = ["pack", "unpack", "size", "zeros"].iter().any(|word| self.words().any(|w| w == *word))
            || self.call.starts_with("bytes.join");
        let imports = if packs { imports + "import bytes\n" } else { imports };
        let prelude =
            if packs { PRELUDE.replace("bytes(\"x\" * n)", "(\"x\" * n).bytes()") } else { PRELUDE.to_owned() };
        let (folder, file) = (folder.display().to_string(), super::file(folder));
        format!(
            "{imports}{prelude}let folder = {folder:?}\nlet file = {file:?}\n|n| {{\n{}\n|| {}\n}}\n",
            self.make, self.call
        )
    }
}
