//! The manual as a small site: static pages, one style sheet, nothing from anywhere else.

use std::fmt::Write;

use quipu::stdlib::manual::{Item, Kind, Page};

use super::names::{file_name, full_signature};
use super::pieces::{Piece, pieces, spans};

/// What shows the pages.
const STYLE: &str = include_str!("style.css");

/// On narrow screens the list of pages is folded up, which a style sheet alone cannot do.
const FOLD: &str =
    "<script>if (matchMedia('(max-width: 48rem)').matches) document.querySelector('nav details').open = false</script>";

const GROUPS: [(Kind, &str); 3] = [(Kind::Builtins, "Functions"), (Kind::Type, "Types"), (Kind::Module, "Modules")];

/// The files of the site, by name.
pub(super) fn site(pages: &[Page]) -> Vec<(String, String)> {
    let mut files = vec![("style.css".to_owned(), STYLE.to_owned()), ("index.html".to_owned(), index(pages))];
    files.extend(pages.iter().map(|page| (link(page), page_html(pages, page))));
    files
}

fn link(page: &Page) -> String {
    format!("{}.html", file_name(page))
}

fn title(page: &Page) -> String {
    match page.kind {
        Kind::Builtins => "Built-in functions".to_owned(),
        Kind::Type => format!("Type {}", page.name),
        Kind::Module => format!("Module {}", page.name),
    }
}

fn frame(pages: &[Page], here: Option<&Page>, title: &str, main: &str) -> String {
    let mut nav = String::from("<details open><summary>Quipu library</summary>\n");
    let _ = writeln!(nav, "<a class=\"home\" href=\"index.html\">Quipu library</a>");
    for (kind, heading) in GROUPS {
        let _ = writeln!(nav, "<h2>{heading}</h2>\n<ul>");
        for page in pages.iter().filter(|page| page.kind == kind) {
            let is_here = here.is_some_and(|here| here.kind == page.kind && here.name == page.name);
            let current = if is_here { " aria-current=\"page\"" } else { "" };
            let _ = writeln!(nav, "<li><a href=\"{}\"{current}>{}</a></li>", link(page), page.name);
        }
        nav += "</ul>\n";
    }
    nav += "</details>";
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} - Quipu library</title>\n<link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n\
         <nav>{nav}</nav>{FOLD}\n<main>\n{main}<footer>Made by <code>vm doc --html</code>, Quipu {version}.</footer>\n\
         </main>\n</body>\n</html>\n"
    )
}

fn index(pages: &[Page]) -> String {
    let mut main = String::from(
        "<h1>The Quipu library</h1>\n<p class=\"lead\">What programs find without installing anything. Every example on \
         these pages is run by the project's tests; what a line prints stands behind <code>#&gt;</code>.</p>\n",
    );
    for (kind, heading) in GROUPS {
        let _ = writeln!(main, "<h2>{heading}</h2>\n<dl class=\"list\">");
        for page in pages.iter().filter(|page| page.kind == kind) {
            let (name, summary) = (&page.name, inline(&page.summary));
            let _ = writeln!(main, "<dt><a href=\"{}\">{name}</a></dt><dd>{summary}</dd>", link(page));
        }
        main += "</dl>\n";
    }
    frame(pages, None, "Contents", &main)
}

fn page_html(pages: &[Page], page: &Page) -> String {
    let title = title(page);
    let mut main = format!("<h1>{title}</h1>\n<p class=\"lead\">{}</p>\n", inline(&page.summary));
    main += &block(&page.text);
    main += "<dl class=\"list\">\n";
    for item in &page.items {
        let (name, summary) = (escaped(&item.name), inline(&item.summary));
        let _ = writeln!(main, "<dt><a href=\"#{name}\">{name}</a></dt><dd>{summary}</dd>");
    }
    main += "</dl>\n";
    for item in &page.items {
        main += &section(page, item);
    }
    frame(pages, Some(page), &title, &main)
}

fn section(page: &Page, item: &Item) -> String {
    let (name, signature) = (escaped(&item.name), escaped(&full_signature(page, item)));
    let mut text = format!("<section id=\"{name}\">\n<h2><code>{signature}</code>");
    let _ = writeln!(text, "<a class=\"anchor\" href=\"#{name}\" aria-label=\"link to {name}\">#</a></h2>");
    let _ = writeln!(text, "<p>{}</p>", inline(&item.summary));
    if let Some(needs) = item.needs {
        let _ = writeln!(text, "<p class=\"needs\">needs <code>{needs}</code></p>");
    }
    text += &block(&item.text);
    text + "</section>\n"
}

fn block(text: &str) -> String {
    let mut html = String::new();
    for piece in pieces(text) {
        let _ = match piece {
            Piece::Paragraph(text) => writeln!(html, "<p>{}</p>", inline(&text)),
            Piece::Code(lines, is_program) => {
                let code = lines.join("\n");
                let shown = if is_program { painted(&code) } else { escaped(&code) };
                writeln!(html, "<pre><code>{shown}</code></pre>")
            }
            Piece::List(points) => {
                let points: String = points.iter().map(|point| format!("<li>{}</li>", inline(point))).collect();
                writeln!(html, "<ul>{points}</ul>")
            }
        };
    }
    html
}

/// A paragraph with its code.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (i, span) in spans(text).iter().enumerate() {
        let span = escaped(span);
        html += &if i % 2 == 1 { format!("<code>{span}</code>") } else { span };
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const KEYWORDS: &[&str] = &[
    "let", "var", "fn", "type", "import", "export", "if", "else", "while", "for", "in", "break", "continue", "return",
    "match", "try", "catch", "throw", "yield", "and", "or", "not", "is", "true", "false", "nil",
];

/// A program with its words, numbers, texts and comments marked. Programs in the manual are short and right, so that a
/// look at the first characters of things is enough.
fn painted(code: &str) -> String {
    let mut html = String::new();
    let mut rest = code;
    let mark = |class: &str, text: &str| format!("<span class=\"{class}\">{}</span>", escaped(text));
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' => text_length(rest),
            _ if first.is_alphabetic() || first == '_' => {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            _ if first.is_ascii_digit() => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len());
                // `0..10` is not one number.
                rest[..end].find("..").unwrap_or(end)
            }
            _ => first.len_utf8(),
        };
        let (part, others) = rest.split_at(length);
        html += &match first {
            '#' if part.starts_with("#>") || part.starts_with("#!") || part.starts_with("#?") => mark("o", part),
            '#' => mark("c", part),
            '"' => mark("s", part),
            _ if KEYWORDS.contains(&part) => mark("k", part),
            _ if first.is_ascii_digit() => mark("n", part),
            _ => escaped(part),
        };
        rest = others;
    }
    html
}

/// Bytes of the text in quotes that this begins with, whatever is interpolated into it.
fn text_length(code: &str) -> usize {
    let mut depth = 0;
    let mut chars = code.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '$' if chars.peek().is_some_and(|&(_, next)| next == '{') => {
                depth += 1;
                chars.next();
            }
            '{' if depth > 0 => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '"' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_marked_and_escaped() {
        let html = painted("let s = \"a ${m[\"k\"]} <b\"  #> 1");
        let string = "<span class=\"s\">&quot;a ${m[&quot;k&quot;]} &lt;b&quot;</span>";
        assert_eq!(html, format!("<span class=\"k\">let</span> s = {string}  <span class=\"o\">#&gt; 1</span>"));
        let range = "<span class=\"n\">0</span>..<span class=\"n\">1_0</span>";
        assert_eq!(painted("0..1_0"), range);
        assert_eq!(painted("\"open"), "<span class=\"s\">&quot;open</span>");
    }
}
