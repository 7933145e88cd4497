//! Reads `recipes.txt`: what is called of each native, with arguments of which size.

use std::path::Path;
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
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/prices/recipes.txt");
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.lines().filter_map(read).collect()
});

/// All of them, in order.
pub fn recipes() -> &'static [Recipe] {
    &RECIPES
}

fn read(line: &str) -> Option<Recipe> {
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut parts = line.splitn(3, " | ").map(|part| part.trim().to_owned());
    let (name, make) = (parts.next()?, parts.next()?);
    let (known, name) = match name.strip_prefix('~') {
        Some(name) => (true, name.to_owned()),
        None => (false, name),
    };
    let reason = make.strip_prefix("- ").map(str::to_owned);
    let call = match (parts.next(), &reason) {
        (Some(call), _) => call,
        (None, Some(_)) => String::new(),
        (None, None) => panic!("{line}: NAME | what is made for n | what is called"),
    };
    Some(Recipe { name, make, call, known, reason })
}

impl Recipe {
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
