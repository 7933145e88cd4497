//! The manual of the library: what the tables and `##` comments say, together with the prose and examples in `doc`.

use crate::entry::Entry;
use crate::library::METHODS;
use crate::module::{DECLARATIONS, Declaration};
use crate::{core, source};

/// What a page is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The functions that need no import.
    Builtins,
    /// A built-in type.
    Type,
    /// A standard module, or a file.
    Module,
}

/// A page of the manual.
#[derive(Clone, Debug)]
pub struct Page {
    /// What it is about.
    pub kind: Kind,
    /// The name of that.
    pub name: String,
    /// What that is for, in one sentence.
    pub summary: String,
    /// What else there is to say, as Markdown.
    pub text: String,
    /// Its parts.
    pub items: Vec<Item>,
}

/// What a page explains: a function, method, type or constant.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name, such as `read` or `Seq.map`.
    pub name: String,
    /// How it is written: `read(path)`.
    pub signature: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// What else there is to say, and examples, as Markdown.
    pub text: String,
    /// The capability that a host must grant for it to be there.
    pub needs: Option<&'static str>,
}

/// The built-in types that have methods, and what each is.
const TYPES: &[(&str, &str)] = &[
    ("str", "Text: immutable, a sequence of code points."),
    ("bytes", "Bytes: immutable, a sequence of ints from 0 to 255."),
    ("tuple", "A fixed sequence of values; a key if its elements are."),
    ("range", "Ints from one bound to another, in equal steps."),
    ("list", "A sequence of values that grows and shrinks."),
    ("map", "Values by keys, in the order in which the keys came."),
    ("set", "Values that are there once, in the order in which they came."),
    ("function", "Functions: closures, and natives of the host."),
    ("fiber", "A function that can be left in the middle and resumed."),
];

/// The whole manual: built-in functions, types, modules.
pub fn manual() -> Vec<Page> {
    let builtins = page(Kind::Builtins, "builtins", "Functions that are there without an import.", builtins());
    let types = TYPES.iter().map(|&(name, summary)| page(Kind::Type, name, summary, methods(name)));
    let modules = DECLARATIONS.iter().map(|module| page(Kind::Module, module.name, module.doc, members(module)));
    std::iter::once(builtins).chain(types).chain(modules).collect()
}

/// Puts a page together from its items and the file about it.
fn page(kind: Kind, name: &str, summary: &str, mut items: Vec<Item>) -> Page {
    let files = if kind == Kind::Type { source::type_pages() } else { source::pages() };
    let file = files.iter().find(|(file, _)| *file == name).map_or("", |(_, text)| text);
    let (text, sections) = sections(file);
    for item in &mut items {
        if let Some((_, section)) = sections.iter().find(|(name, _)| *name == item.name) {
            item.text += section;
        }
    }
    Page { kind, name: name.to_owned(), summary: summary.to_owned(), text, items }
}

/// What stands before the first heading, and the sections by name. A comment in a program is no heading; those for whoever
/// changes the page, as what a native costs, are left out.
fn sections(text: &str) -> (String, Vec<(&str, String)>) {
    let mut parts = vec![("", String::new())];
    let mut in_program = false;
    for line in text.lines() {
        in_program ^= line.starts_with("```");
        match line.strip_prefix("## ").filter(|_| !in_program) {
            Some(name) => parts.push((name.trim(), String::new())),
            None if line.starts_with("<!--") && !in_program => {}
            None => {
                if let Some((_, section)) = parts.last_mut() {
                    section.push_str(line);
                    section.push('\n');
                }
            }
        }
    }
    let mut parts = parts.into_iter().map(|(name, section)| (name, section.trim().to_owned()));
    let intro = parts.next().map_or(String::new(), |(_, intro)| intro);
    (intro, parts.collect())
}

fn native(entry: &Entry, needs: Option<&'static str>) -> Item {
    Item {
        name: entry.name().to_owned(),
        signature: entry.signature.to_owned(),
        summary: entry.doc.to_owned(),
        text: String::new(),
        needs: needs.or(entry.needs.map(|capability| capability.name())),
    }
}

/// An item with a comment: its first sentence is the summary.
fn commented(name: String, signature: String, comment: &str, needs: Option<&'static str>) -> Item {
    let (summary, text) = split_comment(comment);
    Item { name, signature, summary, text, needs }
}

/// The first sentence of a `##` comment, and the rest of it.
pub fn split_comment(comment: &str) -> (String, String) {
    let (paragraph, others) = comment.split_once("\n\n").unwrap_or((comment, ""));
    let paragraph = paragraph.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
    let end =
        paragraph.match_indices(". ").find(|(at, _)| paragraph[..*at].chars().filter(|&c| c == '`').count() % 2 == 0);
    let (first, rest) = match end {
        Some((at, _)) => (paragraph[..=at].to_owned(), paragraph[at + 2..].to_owned()),
        None => (paragraph, String::new()),
    };
    let mut text = rest;
    for part in [others.trim()].into_iter().filter(|part| !part.is_empty()) {
        text += if text.is_empty() { "" } else { "\n\n" };
        text += part;
    }
    if !text.is_empty() {
        text += "\n\n";
    }
    (first, text)
}

fn builtins() -> Vec<Item> {
    core::NATIVES.iter().chain(core::CONVERSIONS).map(|entry| native(entry, None)).collect()
}

fn methods(ty: &str) -> Vec<Item> {
    let natives = METHODS.iter().filter(|(of, _)| *of == ty).flat_map(|(_, entries)| *entries);
    let mut items: Vec<Item> = natives.map(|entry| native(entry, None)).collect();
    for export in source::compiled().iter().filter(|compiled| compiled.module.is_none()).flat_map(|c| c.exports) {
        if let Some((of, name)) = export.name.split_once("__")
            && of == ty
        {
            let signature = export.signature.split_once("__").map_or(export.signature, |(_, rest)| rest);
            items.push(commented(name.to_owned(), signature.to_owned(), export.doc.unwrap_or(""), None));
        }
    }
    items.sort_by(|a, b| a.name.cmp(&b.name));
    items
}

fn members(module: &Declaration) -> Vec<Item> {
    let needs = module.capability.map(|capability| capability.name());
    let constants = module.constants.iter().map(|constant| Item {
        name: constant.name.to_owned(),
        signature: constant.name.to_owned(),
        summary: constant.doc.to_owned(),
        text: String::new(),
        needs,
    });
    let mut items: Vec<Item> = constants.collect();
    items.extend((module.natives)().into_iter().map(|entry| native(entry, needs)));
    for export in source::compiled().iter().filter(|c| c.module == Some(module.name)).flat_map(|c| c.exports) {
        let comment = export.doc.unwrap_or("");
        items.push(commented(export.name.to_owned(), export.signature.to_owned(), comment, needs));
        for (signature, comment) in export.methods {
            let (name, _) = signature.split_once('(').unwrap_or((signature, ""));
            let (name, signature) = (format!("{}.{name}", export.name), format!("{}.{signature}", export.name));
            items.push(commented(name, signature, comment, needs));
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_an_example() {
        let mut missing = Vec::new();
        for page in manual() {
            for item in &page.items {
                if !item.text.contains("```quipu\n") {
                    missing.push(format!("{}: {}", page.name, item.name));
                }
                assert!(!item.summary.is_empty(), "{}: {} has no summary", page.name, item.name);
            }
        }
        assert!(missing.is_empty(), "no example in stdlib/doc: {missing:#?}");
    }

    #[test]
    fn every_section_is_about_something() {
        let pages = manual();
        let check = |files: &[(&str, &str)], is_type: bool| {
            for (file, text) in files {
                let page = pages.iter().find(|page| page.name == *file && (page.kind == Kind::Type) == is_type);
                let page = page.unwrap_or_else(|| panic!("doc/{file}.md is about nothing"));
                let mut seen = Vec::new();
                for (name, _) in sections(text).1 {
                    assert!(page.items.iter().any(|item| item.name == name), "doc/{file}.md: there is no `{name}`");
                    assert!(!seen.contains(&name), "doc/{file}.md: `{name}` stands twice");
                    seen.push(name);
                }
            }
        };
        check(source::pages(), false);
        check(source::type_pages(), true);
    }

    #[test]
    fn every_type_with_methods_has_a_page() {
        for (ty, _) in METHODS {
            assert!(TYPES.iter().any(|(name, _)| name == ty), "{ty}");
        }
    }

    #[test]
    fn comments_are_a_sentence_and_more() {
        let split = |comment| {
            let (first, rest) = split_comment(comment);
            (first, rest.trim_end().to_owned())
        };
        assert_eq!(split("One. Two.\nThree."), ("One.".to_owned(), "Two. Three.".to_owned()));
        assert_eq!(split("A `x. y` b\nc.\n\nMore"), ("A `x. y` b c.".to_owned(), "More".to_owned()));
    }
}
