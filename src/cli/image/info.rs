//! `vm image info` and `vm image verify`: what is in an image, and whether it is whole.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitCode;

use quipu::lang::code::{Code, FreeKind};
use quipu::report::Shown;
use quipu::vm::image::{Frozen, Node, Part, file_hash_of};
use serde_json::json;

use super::super::args::Options;
use super::super::exit::Exit;
use super::super::terminal::{Output, Terminal, show};
use super::names::Seen;
use super::{CodeFrom, Stop, hex, open_bytes, read};

/// Lines of the tree that people are shown.
const MOST_LINES: usize = 200;

pub(super) fn info(path: &OsString, code: &CodeFrom, options: &Options, terminal: &Terminal) -> Result<ExitCode, Stop> {
    let bytes = read(path)?;
    let length = bytes.len();
    let file_hash = file_hash_of(&bytes).map(|hash| hex(&hash)).unwrap_or_default();
    let image = open_bytes(path, bytes, code, options)?;
    let seen = Seen::new(&image);
    if terminal.is_json() {
        let (lines, _) = tree(&seen, usize::MAX);
        let functions: Vec<_> = image.codes().iter().map(function_json).collect();
        let value = json!({
            "bytes": length,
            "thin": image.is_thin(),
            "hash": hex(&image.hash()),
            "file_hash": file_hash,
            "needs": image.needs(),
            "functions": functions,
            "tree": lines,
        });
        show(&Shown::of("{}\n", &[&Shown::json(&value)]));
    } else {
        show(&text(&seen, length, &file_hash));
    }
    Ok(Exit::Ok.into())
}

fn text(seen: &Seen<'_>, length: usize, file_hash: &str) -> Shown {
    let image = seen.image;
    let form = match (image.is_thin(), image.codes().iter().any(|code| code.debug().is_some())) {
        (true, _) => "thin",
        (_, true) => "with names and lines",
        _ => "stripped",
    };
    let needs = if image.needs().is_empty() { "nothing".to_owned() } else { image.needs().join(", ") };
    let mut text = Shown::of(
        "image      {} bytes, {}\nhash       {}\nfile hash  {}\nneeds      {}\n",
        &[&length, &form, &hex(&image.hash()), &file_hash, &needs],
    );
    text.push(&"\nfunctions\n".into());
    image.codes().iter().for_each(|code| text.push(&Shown::of("  {}\n", &[&function(code)])));
    text.push(&"\nvalue\n".into());
    let (lines, left) = tree(seen, MOST_LINES);
    lines.iter().for_each(|line| text.push(&Shown::of("  {}\n", &[line])));
    if left > 0 {
        text.push(&Shown::of("  ... and {} more; `--json` shows all\n", &[&left]));
    }
    text
}

fn free(code: &Code) -> Vec<String> {
    let names = code.debug().map_or(&[][..], |debug| &debug.free);
    let kinds = code.body().free.iter().enumerate();
    let name = |(index, kind): (usize, &FreeKind)| {
        let kind = if *kind == FreeKind::Cell { "cell" } else { "value" };
        format!("{} ({kind})", names.get(index).map_or("?", String::as_str))
    };
    kinds.map(name).collect()
}

fn function(code: &Code) -> String {
    let (name, place) = match code.debug() {
        Some(debug) => (debug.name.as_str(), format!("  {}:{}", debug.file, debug.line)),
        None => ("fn", String::new()),
    };
    let free = free(code);
    let free = if free.is_empty() { String::new() } else { format!("  free {}", free.join(", ")) };
    let words = code.body().words.len();
    format!("{}  {name}  {words} instructions, {} bytes{free}{place}", &hex(&code.hash().0)[..12], code.encode().len())
}

fn function_json(code: &Code) -> serde_json::Value {
    json!({
        "code_hash": hex(&code.hash().0),
        "name": code.debug().map(|debug| debug.name.clone()),
        "file": code.debug().map(|debug| debug.file.to_string()),
        "line": code.debug().map(|debug| debug.line),
        "free": free(code),
        "instructions": code.body().words.len(),
        "bytes": code.encode().len(),
    })
}

/// The value as an indented tree: what was shown before is only named (`#3`), and a way back up is marked as a cycle.
/// Gives at most so many lines, and how many parts were left out.
fn tree(seen: &Seen<'_>, most: usize) -> (Vec<String>, usize) {
    enum Step {
        Show { name: String, part: Part, depth: usize },
        Leave(Part),
    }
    let mut lines = Vec::new();
    let mut left = 0;
    let mut shown = HashSet::new();
    let mut above = HashSet::new();
    let mut todo = vec![Step::Show { name: String::new(), part: seen.view.root, depth: 0 }];
    while let Some(step) = todo.pop() {
        let (name, part, depth) = match step {
            Step::Show { name, part, depth } => (name, part, depth),
            Step::Leave(part) => {
                above.remove(&key(part));
                continue;
            }
        };
        if lines.len() >= most {
            left += 1;
            continue;
        }
        let label = match part {
            Part::Node(number) => format!("#{number} "),
            _ => String::new(),
        };
        let mut line = format!("{:1$}", "", 2 * depth.min(40));
        if !name.is_empty() {
            let _ = write!(line, "{name}: ");
        }
        let _ = write!(line, "{label}{}", seen.short(part));
        let parts = seen.parts(part);
        if above.contains(&key(part)) {
            line.push_str("  (cycle: this is further up)");
        } else if !shown.insert(key(part)) && !parts.is_empty() {
            line.push_str("  (shared: shown before)");
        } else if !parts.is_empty() {
            above.insert(key(part));
            todo.push(Step::Leave(part));
            todo.extend(parts.into_iter().rev().map(|(name, part)| Step::Show {
                name: name.trim_start_matches('.').to_owned(),
                part,
                depth: depth + 1,
            }));
        }
        lines.push(line);
    }
    (lines, left)
}

/// What tells parts with parts from one another.
fn key(part: Part) -> (u8, usize) {
    match part {
        Part::Frozen(number) => (1, number),
        Part::Node(number) => (2, number),
        _ => (0, 0),
    }
}

pub(super) fn verify(
    images: &[OsString],
    code: &CodeFrom,
    options: &Options,
    terminal: &Terminal,
) -> Result<ExitCode, Stop> {
    let mut worst = Exit::Ok;
    let mut output = Output::new();
    for path in images {
        let bytes = read(path);
        let length = bytes.as_ref().map_or(0, Vec::len);
        match bytes.and_then(|bytes| open_bytes(path, bytes, code, options)) {
            Ok(image) => {
                let view = image.view();
                let cells = view.nodes.iter().filter(|node| matches!(node, Node::Cell { .. })).count();
                let functions = view.frozen.iter().filter(|value| matches!(value, Frozen::Function { .. })).count();
                output.show(&Shown::of(
                    "{}: ok, {} bytes, {} closures, {} cells, {} code objects, hash {}\n",
                    &[&path.display(), &length, &functions, &cells, &image.codes().len(), &hex(&image.hash())],
                ));
            }
            Err(Stop::Image(name, error)) => {
                worst = Exit::Image;
                terminal.report(&[super::report(&name, &error)]);
            }
            Err(other) => return Err(other),
        }
    }
    output.show_now(&Shown::default());
    Ok(worst.into())
}
