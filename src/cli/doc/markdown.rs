//! The manual as pages of the book.

use std::fmt::Write;

use quipu::stdlib::manual::{Item, Kind, Page};

use super::names::{file_name, full_signature};

/// The files of the chapter, by name.
pub(super) fn book(pages: &[Page]) -> Vec<(String, String)> {
    let mut files = vec![("README.md".to_owned(), overview(pages))];
    files.extend(pages.iter().map(|page| (format!("{}.md", file_name(page)), chapter(page))));
    files
}

fn overview(pages: &[Page]) -> String {
    let mut text = "# The library\n\nWhat programs find without installing anything. `vm doc` shows the same in the \
                    terminal, and `vm doc --html FOLDER` makes web pages of it. These files are made by `vm doc --markdown \
                    docs/library`\nfrom the library itself; every example is run by the test command.\n"
        .to_owned();
    for (kind, heading) in [(Kind::Builtins, "Functions"), (Kind::Type, "Types"), (Kind::Module, "Modules")] {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n## {heading}\n\n| | |\n| --- | --- |\n");
        for page in pages.iter().filter(|page| page.kind == kind) {
            let _ = writeln!(text, "| [`{}`]({}.md) | {} |", page.name, file_name(page), page.summary);
        }
    }
    text
}

fn chapter(page: &Page) -> String {
    let title = match page.kind {
        Kind::Builtins => "Built-in functions".to_owned(),
        Kind::Type => format!("Type `{}`", page.name),
        Kind::Module => format!("Module `{}`", page.name),
    };
    let mut text = format!("# {title}\n\n{}\n", page.summary);
    if !page.text.is_empty() {
        text += &format!("\n{}\n", page.text);
    }
    for item in &page.items {
        text += &section(page, item);
    }
    text
}

fn section(page: &Page, item: &Item) -> String {
    let mut text = format!("\n## `{}`\n\n{}", full_signature(page, item), item.summary);
    if let Some(needs) = item.needs {
        text += &format!(" Needs the capability `{needs}`.");
    }
    text += "\n";
    if !item.text.is_empty() {
        text += &format!("\n{}\n", item.text.trim_end());
    }
    text
}
