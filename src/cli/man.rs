//! `vm man`: a manual page for `vm` and one for each command.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};
use quipu::report::Shown;

use super::ending::{EXITS, Exit};
use super::help::{EXAMPLES, WORDS, declared};
use super::terminal;

/// The section of the manual for commands of users.
const SECTION: &str = "1";

/// Writes the pages into a folder.
pub fn man(folder: &Path) -> Result<ExitCode, String> {
    let failed = |path: &Path, error: io::Error| format!("cannot write `{}`: {error}", path.display());
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let pages = pages().map_err(|error| failed(folder, error))?;
    let count = pages.len();
    for (name, page) in pages {
        let path = folder.join(name);
        std::fs::write(&path, page).map_err(|error| failed(&path, error))?;
    }
    if terminal::is_output_seen() {
        terminal::show(&Shown::of("{} pages in {}\n", &[&count, &folder.display()]));
    }
    Ok(Exit::Ok.into())
}

/// The pages, by the names of their files.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = declared();
    command.build();
    let mut pages = Vec::new();
    add(&command, &mut Vec::new(), &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, path: &mut Vec<String>, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    pages.push((format!("{}.{SECTION}", page_of(path)), page(command, path)?));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        path.push(inner.get_name().to_owned());
        add(inner, path, pages)?;
        path.pop();
    }
    Ok(())
}

/// What the page of a command is called: `vm-image-save`.
fn page_of(path: &[String]) -> String {
    ["vm"].into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("-")
}

fn page(command: &Command, path: &[String]) -> io::Result<Vec<u8>> {
    let name = page_of(path);
    // A page without a date has an empty one, which clap would leave out.
    let mut page = format!(".TH {name} {SECTION} \"\" \"vm {}\" Quipu\n", env!("CARGO_PKG_VERSION")).into_bytes();
    let man = Man::new(command.clone().display_name(name).subcommand_help_heading("COMMANDS"));
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    if path.is_empty() {
        words().to_writer(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    behind(command, path).to_writer(&mut page)?;
    Ok(page)
}

/// The same line as in the help: the options follow soon enough.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([roman(usage)]);
    roff
}

/// How the words of a command line are told apart.
fn words() -> Roff {
    let mut roff = Roff::new();
    for paragraph in WORDS {
        roff.control("PP", []);
        roff.text([roman(*paragraph)]);
    }
    roff
}

/// What clap does not know of: examples, exit codes, other pages.
fn behind(command: &Command, path: &[String]) -> Roff {
    let mut roff = Roff::new();
    let name = path.join(" ");
    if let Some((_, examples)) = EXAMPLES.iter().find(|(of, _)| *of == name) {
        roff.control("SH", ["EXAMPLES"]);
        for (line, what) in *examples {
            entry(&mut roff, bold(*line), what);
        }
    }
    roff.control("SH", ["EXIT STATUS"]);
    for (exit, _, what) in EXITS {
        entry(&mut roff, bold((exit as u8).to_string()), what);
    }
    roff.control("PP", []);
    roff.text([roman("A program that calls os.exit(n) ends with n.")]);
    let mut others: Vec<String> = (0..path.len()).map(|length| page_of(&path[..length])).collect();
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    others.extend(inner.map(|inner| page_of(&[path, &[inner.get_name().to_owned()]].concat())));
    if !others.is_empty() {
        roff.control("SH", ["SEE ALSO"]);
        let mut line = Vec::new();
        for (number, other) in others.into_iter().enumerate() {
            line.push(roman(if number > 0 { ", " } else { "" }));
            line.push(bold(other));
            line.push(roman(format!("({SECTION})")));
        }
        roff.text(line);
    }
    roff
}

fn entry(roff: &mut Roff, name: Inline, what: &str) {
    roff.control("TP", []);
    roff.text([name]);
    roff.text([roman(what)]);
}
