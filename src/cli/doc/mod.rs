//! `vm doc`: the manual of the library and of files, in the terminal, as web pages and as Markdown.

mod file;
mod find;
mod html;
mod markdown;
mod text;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use quipu::report::Shown;
use quipu::stdlib::manual::{Item, Kind, Page, manual};

use super::args::Options;
use super::exit::Exit;
use super::terminal::{self, Terminal};
use super::utf8;

/// What is asked for.
pub struct Question<'a> {
    /// A module, type, function or file.
    pub what: Option<&'a OsString>,
    /// A name in it.
    pub name: Option<&'a str>,
    /// The folder for web pages.
    pub html: Option<&'a OsString>,
    /// The folder for Markdown.
    pub markdown: Option<&'a OsString>,
}

/// Shows documentation, or writes the pages of the library.
pub fn doc(question: &Question<'_>, options: &Options, terminal: &Terminal) -> Result<ExitCode, String> {
    let pages = manual();
    if let Some(folder) = question.html {
        return write(Path::new(folder), html::site(&pages));
    }
    if let Some(folder) = question.markdown {
        return write(Path::new(folder), markdown::book(&pages));
    }
    let look = Terminal::on_output(options);
    let width = std::env::var("COLUMNS").ok().and_then(|width| width.parse().ok()).unwrap_or(100).clamp(40, 100);
    let shown = match question.what {
        None => text::overview(&pages, &look, width),
        Some(what) => {
            let what = utf8(what)?;
            if what.ends_with(".qp") || Path::new(&what).is_file() {
                match file::page(&what, terminal)? {
                    Ok(page) => find::show(&find::inside(&page, question.name)?, &look, width),
                    Err(code) => return Ok(code),
                }
            } else {
                find::show(&find::find(&pages, &what, question.name)?, &look, width)
            }
        }
    };
    terminal::show(&shown);
    Ok(Exit::Ok.into())
}

/// Writes files into a folder.
fn write(folder: &Path, files: Vec<(String, String)>) -> Result<ExitCode, String> {
    let failed = |path: &Path, error| format!("cannot write `{}`: {error}", path.display());
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let count = files.len();
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    if terminal::is_output_seen() {
        terminal::show(&Shown::of("{} files in {}\n", &[&count, &folder.display()]));
    }
    Ok(Exit::Ok.into())
}

/// The name of a page's file, without its extension. A module and a type may have one name.
fn file_name(page: &Page) -> String {
    match page.kind {
        Kind::Type => format!("type-{}", page.name),
        _ => page.name.clone(),
    }
}

/// How an item of a page is written where the page is not at hand: `fs.read(path)`, `str.split(sep)`.
fn full_signature(page: &Page, item: &Item) -> String {
    match page.kind {
        Kind::Builtins => item.signature.clone(),
        _ => format!("{}.{}", page.name, item.signature),
    }
}

/// A piece of Markdown: what the manual and comments use of it.
enum Piece<'t> {
    Paragraph(String),
    /// Its lines, and whether it is a program.
    Code(Vec<&'t str>, bool),
    /// Points of a list.
    List(Vec<String>),
}

/// The pieces of a text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            pieces.push(Piece::Code(code, language.starts_with("quipu")));
        } else if let Some(point) = line.strip_prefix("- ") {
            match pieces.last_mut() {
                Some(Piece::List(points)) => points.push(point.to_owned()),
                _ => pieces.push(Piece::List(vec![point.to_owned()])),
            }
        } else if line.trim().is_empty() {
            pieces.push(Piece::Paragraph(String::new()));
        } else {
            match pieces.last_mut() {
                Some(Piece::Paragraph(text)) if !text.is_empty() => {
                    text.push(' ');
                    text.push_str(line.trim());
                }
                Some(Piece::List(points)) if line.starts_with("  ") => {
                    if let Some(point) = points.last_mut() {
                        point.push(' ');
                        point.push_str(line.trim());
                    }
                }
                _ => pieces.push(Piece::Paragraph(line.trim().to_owned())),
            }
        }
    }
    pieces.retain(|piece| !matches!(piece, Piece::Paragraph(text) if text.is_empty()));
    pieces
}

/// What stands between backticks in a paragraph, and what does not, in turns; the first is plain.
fn spans(paragraph: &str) -> Vec<String> {
    paragraph.split('`').map(|span| span.replace("\\*", "*").replace("\\_", "_")).collect()
}
