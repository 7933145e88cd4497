//! `vm doc`: the manual of the library and of files, in the terminal, as web pages and as Markdown.

mod file;
mod find;
mod html;
mod markdown;
mod names;
mod pieces;
mod text;

use quipu_code::counted;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use quipu::report::Shown;
use quipu::stdlib::manual::manual;

use super::ending::Exit;
use super::input::utf8;
use super::options::Look;
use super::terminal::{self, Terminal};

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
pub fn doc(question: &Question<'_>, look: &Look, terminal: &Terminal) -> Result<ExitCode, String> {
    let pages = manual();
    if let Some(folder) = question.html {
        return write(Path::new(folder), html::site(&pages));
    }
    if let Some(folder) = question.markdown {
        return write(Path::new(folder), markdown::book(&pages));
    }
    let look = Terminal::on_output(look);
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
        terminal::show(&Shown::of("{} in {}\n", &[&counted(count, "file"), &folder.display()]));
    }
    Ok(Exit::Ok.into())
}
