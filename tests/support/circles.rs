//! Which files of a folder use each other in circles, as their paths (`use`, `super::`, `crate::`) say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The module of a file, as the names that lead to it.
type Module = Vec<String>;

/// The largest set of files below a folder of which each leads to each other one. `root` is what `crate` means there.
pub fn largest_circle(folder: &str, root: &[&str]) -> Vec<String> {
    let root: Module = root.iter().map(|name| name.to_string()).collect();
    let mut texts = BTreeMap::new();
    read(Path::new(folder), &root, &mut texts);
    let uses: BTreeMap<&Module, BTreeSet<&Module>> =
        texts.iter().map(|(module, text)| (module, used(module, text, &texts))).collect();
    let reach: BTreeMap<&Module, BTreeSet<&Module>> = uses.keys().map(|&from| (from, reached(from, &uses))).collect();
    let circle = |of: &Module| -> Vec<String> {
        let beside = reach.keys().filter(|&&other| reach[of].contains(other) && reach[other].contains(of));
        beside.map(|module| module.join("::")).collect()
    };
    uses.keys().map(|module| circle(module)).max_by_key(Vec::len).unwrap_or_default()
}

fn read(folder: &Path, module: &Module, texts: &mut BTreeMap<Module, String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let inner = [&module[..], std::slice::from_ref(&name)].concat();
        if path.is_dir() {
            read(&path, &inner, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let whole = ["mod", "lib", "main"].contains(&name.as_str());
            let text = fs::read_to_string(&path).unwrap();
            texts.insert(if whole { module.clone() } else { inner }, text);
        }
    }
}

/// The modules that a file names outside of comments, texts and tests.
fn used<'m>(module: &Module, text: &str, texts: &'m BTreeMap<Module, String>) -> BTreeSet<&'m Module> {
    let text = text.split("\nmod tests").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code: String = lines.flat_map(|line| line.split('"').step_by(2).chain(["\n"])).collect();
    let mut found = BTreeSet::new();
    for start in code.match_indices(|c: char| c.is_alphabetic() || c == '_').map(|(at, _)| at) {
        let before = code[..start].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        for path in paths(&code[start..]) {
            found.extend(meant(module, &path, texts).filter(|&other| other != module));
        }
    }
    found
}

/// The paths with `::` that begin a text: several behind braces.
fn paths(text: &str) -> Vec<Vec<&str>> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let Some(rest) = rest.strip_prefix("::") else { return vec![vec![name]] };
    let inner: Vec<Vec<&str>> = match rest.strip_prefix('{') {
        Some(list) => {
            let mut depth = 1;
            let close = list.find(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                depth == 0
            });
            let list = &list[..close.unwrap_or(0)];
            let mut depth = 0;
            let parts = list.split(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            });
            parts.flat_map(|part| paths(part.trim())).collect()
        }
        None => paths(rest),
    };
    inner.into_iter().map(|path| [&[name], &path[..]].concat()).collect()
}

/// The file that a path leads to.
fn meant<'m>(
    module: &Module,
    path: &[&str],
    texts: &'m BTreeMap<Module, String>,
) -> impl Iterator<Item = &'m Module> + use<'m> {
    let (base, names) = match path[0] {
        "crate" => (Module::new(), &path[1..]),
        "self" => (module.clone(), &path[1..]),
        _ => {
            let ups = path.iter().take_while(|name| **name == "super").count();
            (module[..module.len().saturating_sub(ups)].to_vec(), &path[ups..])
        }
    };
    if names.is_empty() {
        // Such as `pub(super)`.
        return None.into_iter();
    }
    // What is named behind `super` may stand in that file itself.
    let least = base.len() + usize::from(path[0] != "super");
    let mut full: Module = base.into_iter().chain(names.iter().map(|name| name.to_string())).collect();
    let found = loop {
        if full.len() < least {
            break None;
        }
        if let Some((key, _)) = texts.get_key_value(&full) {
            break Some(key);
        }
        if full.pop().is_none() {
            break None;
        }
    };
    found.into_iter()
}

fn reached<'m>(from: &'m Module, uses: &BTreeMap<&'m Module, BTreeSet<&'m Module>>) -> BTreeSet<&'m Module> {
    let mut met = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(module) = waiting.pop() {
        waiting.extend(uses[module].iter().filter(|&&other| met.insert(other)));
    }
    met
}
