//! The manual in a terminal.

use quipu::stdlib::manual::{Item, Kind, Page};

use super::super::terminal::Terminal;
use super::{Piece, full_signature, pieces, spans};

/// What comes before text below a heading.
const INDENT: &str = "    ";

const BOLD: u8 = 1;
const FAINT: u8 = 2;
const CYAN: u8 = 36;

/// All pages.
pub(super) fn overview(pages: &[Page], look: &Terminal, width: usize) -> String {
    let mut text = String::new();
    for (kind, heading) in
        [(Kind::Builtins, "Functions"), (Kind::Type, "Types"), (Kind::Module, "Modules (to be imported)")]
    {
        text += &look.painted(heading, BOLD);
        text += "\n";
        for page in pages.iter().filter(|page| page.kind == kind) {
            text += &line(&page.name, &page.summary, 12, look, width);
        }
        text += "\n";
    }
    text + "`vm doc NAME` shows one of them, `vm doc fs.read` or `vm doc print` a function, `vm doc FILE` a file.\n"
}

/// A page: what it is about, and a line for every item.
pub(super) fn page(page: &Page, look: &Terminal, width: usize) -> String {
    let what = match page.kind {
        Kind::Builtins => "built-in functions".to_owned(),
        Kind::Type => format!("type {}", page.name),
        Kind::Module => format!("module {}", page.name),
    };
    let mut text = look.painted(&what, BOLD) + "\n";
    text += &paragraphs(&page.summary, "", look, width);
    if !page.text.is_empty() {
        text += "\n";
        text += &paragraphs(&page.text, "", look, width);
    }
    text += "\n";
    let widest = page.items.iter().map(|item| item.signature.chars().count()).max().unwrap_or(0).min(32);
    for item in &page.items {
        text += &line(&item.signature, &item.summary, widest, look, width);
    }
    text
}

/// A line for each of many items.
pub(super) fn summaries<'p>(
    items: impl Iterator<Item = (&'p Page, &'p Item)>,
    look: &Terminal,
    width: usize,
) -> String {
    items.map(|(page, item)| line(&full_signature(page, item), &item.summary, 28, look, width)).collect()
}

/// Everything about one item.
pub(super) fn item(page: &Page, item: &Item, look: &Terminal, width: usize) -> String {
    let mut text = look.painted(&full_signature(page, item), BOLD) + "\n";
    text += &paragraphs(&item.summary, INDENT, look, width);
    if let Some(needs) = item.needs {
        text += &format!("{INDENT}{}\n", look.painted(&format!("needs the capability `{needs}`"), FAINT));
    }
    if !item.text.is_empty() {
        text += "\n";
        text += &paragraphs(&item.text, INDENT, look, width);
    }
    text
}

/// `name   what it is`, wrapped behind the name.
fn line(name: &str, summary: &str, column: usize, look: &Terminal, width: usize) -> String {
    let len = name.chars().count();
    let mut text = format!("  {}", look.painted(name, CYAN));
    let behind = " ".repeat(column + 4);
    text += &if len > column { format!("\n{behind}") } else { " ".repeat(column + 2 - len) };
    let mut lines = wrapped(summary, width.saturating_sub(column + 4)).into_iter();
    text += &lines.next().unwrap_or_default();
    for more in lines {
        text += &format!("\n{behind}{more}");
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// A text with its paragraphs wrapped and its programs as they are.
fn paragraphs(text: &str, indent: &str, look: &Terminal, width: usize) -> String {
    let width = width.saturating_sub(indent.len());
    let parts: Vec<String> = pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Paragraph(text) => lines(&wrapped(&text, width), indent),
            Piece::Code(code, _) => {
                let code: Vec<String> = code.iter().map(|line| format!("    {line}")).collect();
                lines(&code, indent)
            }
            Piece::List(points) => {
                let point = |point: &String| {
                    let mut lines = wrapped(point, width.saturating_sub(2));
                    for (i, line) in lines.iter_mut().enumerate() {
                        line.insert_str(0, if i == 0 { "- " } else { "  " });
                    }
                    lines
                };
                lines(&points.iter().flat_map(point).collect::<Vec<_>>(), indent)
            }
        })
        .collect();
    let text = parts.join("\n");
    if look.is_colored() { code_painted(&text, look) } else { text }
}

/// The text with what stands in backticks in a colour, and without these.
fn code_painted(text: &str, look: &Terminal) -> String {
    let mut painted = String::new();
    for line in text.split_inclusive('\n') {
        // Programs may have backticks of their own, and are indented further.
        if line.starts_with("        ") || line.matches('`').count() % 2 == 1 {
            painted += line;
            continue;
        }
        for (i, span) in line.split('`').enumerate() {
            painted += &if i % 2 == 1 { look.painted(span, CYAN) } else { span.to_owned() };
        }
    }
    painted
}

fn lines(lines: &[String], indent: &str) -> String {
    lines.iter().map(|line| format!("{indent}{line}").trim_end().to_owned() + "\n").collect()
}

/// A paragraph in lines of at most so many characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let text = spans(text).join("`");
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
