//! The manual in a terminal.

use quipu::report::Shown;
use quipu::stdlib::manual::{Item, Kind, Page};

use super::super::terminal::Terminal;
use super::names::full_signature;
use super::pieces::{Piece, pieces, spans};

/// What comes before text below a heading.
const INDENT: &str = "    ";

const BOLD: u8 = 1;
const FAINT: u8 = 2;
const CYAN: u8 = 36;

/// All pages.
pub(super) fn overview(pages: &[Page], look: &Terminal, width: usize) -> Shown {
    let mut text = Shown::default();
    for (kind, heading) in
        [(Kind::Builtins, "Functions"), (Kind::Type, "Types"), (Kind::Module, "Modules (to be imported)")]
    {
        text.push(&title(heading, look));
        for page in pages.iter().filter(|page| page.kind == kind) {
            text.push(&line(&page.name, &page.summary, 12, look, width));
        }
        text.push(&"\n".into());
    }
    let how = "`vm doc NAME` shows one of them, `vm doc fs.read` or `vm doc print` a function, `vm doc FILE` a file.\n";
    text.push(&how.into());
    text
}

/// A page: what it is about, and a line for every item.
pub(super) fn page(page: &Page, look: &Terminal, width: usize) -> Shown {
    let what = match page.kind {
        Kind::Builtins => "built-in functions".to_owned(),
        Kind::Type => format!("type {}", page.name),
        Kind::Module => format!("module {}", page.name),
    };
    let mut text = title(&what, look);
    text.push(&paragraphs(&page.summary, "", look, width));
    if !page.text.is_empty() {
        text.push(&"\n".into());
        text.push(&paragraphs(&page.text, "", look, width));
    }
    text.push(&"\n".into());
    let widest = page.items.iter().map(|item| item.signature.chars().count()).max().unwrap_or(0).min(32);
    for item in &page.items {
        text.push(&line(&item.signature, &item.summary, widest, look, width));
    }
    text
}

/// A line for each of many items.
pub(super) fn summaries<'p>(items: impl Iterator<Item = (&'p Page, &'p Item)>, look: &Terminal, width: usize) -> Shown {
    Shown::join(items.map(|(page, item)| line(&full_signature(page, item), &item.summary, 28, look, width)), "")
}

/// Everything about one item.
pub(super) fn item(page: &Page, item: &Item, look: &Terminal, width: usize) -> Shown {
    let mut text = title(&full_signature(page, item), look);
    text.push(&paragraphs(&item.summary, INDENT, look, width));
    if let Some(needs) = item.needs {
        let needs = Shown::of("needs the capability `{}`", &[&needs]);
        text.push(&Shown::of("    {}\n", &[&look.painted(needs, FAINT)]));
    }
    if !item.text.is_empty() {
        text.push(&"\n".into());
        text.push(&paragraphs(&item.text, INDENT, look, width));
    }
    text
}

fn title(text: &str, look: &Terminal) -> Shown {
    Shown::of("{}\n", &[&look.painted(Shown::line(text), BOLD)])
}

/// `name   what it is`, wrapped behind the name.
fn line(name: &str, summary: &str, column: usize, look: &Terminal, width: usize) -> Shown {
    let len = name.chars().count();
    let behind = " ".repeat(column + 4);
    let mut text = Shown::of("  {}", &[&look.painted(Shown::line(name), CYAN)]);
    let mut lines = wrapped(summary, width.saturating_sub(column + 4)).into_iter();
    if let Some(first) = lines.next() {
        match len > column {
            true => text.push(&Shown::of("\n{}{}", &[&behind, &first])),
            false => text.push(&Shown::of("{}{}", &[&" ".repeat(column + 2 - len), &first])),
        }
    }
    lines.for_each(|more| text.push(&Shown::of("\n{}{}", &[&behind, &more])));
    text.push(&"\n".into());
    text
}

/// A text with its paragraphs wrapped and its programs as they are.
fn paragraphs(text: &str, indent: &'static str, look: &Terminal, width: usize) -> Shown {
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
    if look.is_colored() { code_painted(&text, look) } else { Shown::text(&text) }
}

/// The text with what stands in backticks in a colour, and without these.
fn code_painted(text: &str, look: &Terminal) -> Shown {
    let mut painted = Shown::default();
    for line in text.split_inclusive('\n') {
        // Programs may have backticks of their own, and are indented further.
        if line.starts_with("        ") || line.matches('`').count() % 2 == 1 {
            painted.push(&Shown::text(line));
            continue;
        }
        for (i, span) in line.split('`').enumerate() {
            let span = Shown::text(span);
            painted.push(&if i % 2 == 1 { look.painted(span, CYAN) } else { span });
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
