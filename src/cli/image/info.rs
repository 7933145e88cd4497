//! `vm image info` and `vm image verify`: what is in an image, and whether it is whole.

use quipu_code::counted;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitCode;

use quipu::code::{Code, FreeKind};
use quipu::report::Shown;
use quipu::vm::image::{Met, Part, Visit, file_hash_of};
use serde_json::{Value, json};

use super::super::ending::{Exit, Halt, unusable};
use super::super::options::Denials;
use super::super::terminal::{Output, Terminal};
use super::file::{CodeFrom, open_bytes, read};
use super::names::Seen;

/// Lines of the tree that people are shown.
const MOST_LINES: usize = 200;

pub(super) fn info(path: &OsString, code: &CodeFrom, denials: &Denials, terminal: &Terminal) -> Result<ExitCode, Halt> {
    let bytes = read(path)?;
    let length = bytes.len();
    let file_hash = file_hash_of(&bytes).map(|hash| hash.to_string()).unwrap_or_default();
    let image = open_bytes(path, bytes, &code.known(denials)?)?;
    let seen = Seen::new(&image);
    let mut output = Output::new();
    // Line by line, because all lines may take many times as much as the image.
    match terminal.is_json() {
        true => show_json(&seen, length, &file_hash, &mut output),
        false => show_text(&seen, length, &file_hash, &mut output),
    }
    output.show_now(&Shown::default());
    Ok(Exit::Ok.into())
}

fn show_json(seen: &Seen<'_>, length: usize, file_hash: &str, output: &mut Output) {
    let image = seen.image;
    output.show(&Shown::of("{\"bytes\":{},\"file_hash\":\"{}\",\"functions\":[", &[&length, &file_hash]));
    show_list(image.codes().iter().map(function_json), output);
    output.show(&Shown::of(
        "],\"hash\":\"{}\",\"needs\":{},\"thin\":{},\"tree\":[",
        &[&image.hash(), &Shown::json(&json!(image.needs())), &image.is_thin()],
    ));
    show_list(seen.outline.walk().map(|visit| Value::String(line(seen, &visit))), output);
    output.show(&"]}\n".into());
}

fn show_list(items: impl Iterator<Item = Value>, output: &mut Output) {
    for (index, item) in items.enumerate() {
        if index > 0 {
            output.show(&",".into());
        }
        output.show(&Shown::json(&item));
    }
}

fn show_text(seen: &Seen<'_>, length: usize, file_hash: &str, output: &mut Output) {
    let image = seen.image;
    let form = match (image.is_thin(), image.codes().iter().any(|code| code.debug().is_some())) {
        (true, _) => "thin",
        (_, true) => "with names and lines",
        _ => "stripped",
    };
    let needs = if image.needs().is_empty() { "nothing".to_owned() } else { image.needs().join(", ") };
    output.show(&Shown::of(
        "image      {} bytes, {}\nhash       {}\nfile hash  {}\nneeds      {}\n",
        &[&length, &form, &image.hash(), &file_hash, &needs],
    ));
    output.show(&"\nfunctions\n".into());
    image.codes().iter().for_each(|code| output.show(&Shown::of("  {}\n", &[&function(code)])));
    output.show(&"\nvalue\n".into());
    let mut walk = seen.outline.walk();
    for visit in walk.by_ref().take(MOST_LINES) {
        output.show(&Shown::of("  {}\n", &[&line(seen, &visit)]));
    }
    let left = walk.left();
    if left > 0 {
        output.show(&Shown::of("  ... and {} more; `--json` shows all\n", &[&left]));
    }
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
    format!(
        "{}  {name}  {}, {}{free}{place}",
        code.hash().short(),
        counted(words, "instruction"),
        counted(code.encode().len(), "byte")
    )
}

fn function_json(code: &Code) -> Value {
    json!({
        "code_hash": code.hash(),
        "name": code.debug().map(|debug| debug.name.clone()),
        "file": code.debug().map(|debug| debug.file.to_string()),
        "line": code.debug().map(|debug| debug.line),
        "free": free(code),
        "instructions": code.body().words.len(),
        "bytes": code.encode().len(),
    })
}

/// A line of the value as an indented tree: what was shown before is only named (`#3`), and a way back up is marked as a
/// cycle.
fn line(seen: &Seen<'_>, visit: &Visit<'_>) -> String {
    let mut line = " ".repeat(2 * visit.depth.min(40));
    // Writing to a string cannot fail.
    let name = seen.name(visit.whole, visit.place);
    let name = name.trim_start_matches('.');
    if !name.is_empty() {
        let _ = write!(line, "{name}: ");
    }
    if let Part::Node(number) = visit.part {
        let _ = write!(line, "#{number} ");
    }
    line.push_str(&seen.short(visit.part));
    line.push_str(match visit.met {
        Met::First => "",
        Met::Again => "  (shared: shown before)",
        Met::Above => "  (cycle: this is further up)",
    });
    line
}

pub(super) fn verify(
    images: &[OsString],
    code: &CodeFrom,
    denials: &Denials,
    terminal: &Terminal,
) -> Result<ExitCode, Halt> {
    let known = code.known(denials)?;
    let mut worst = Exit::Ok;
    let mut output = Output::new();
    for path in images {
        let bytes = read(path);
        let length = bytes.as_ref().map_or(0, Vec::len);
        match bytes.and_then(|bytes| open_bytes(path, bytes, &known)) {
            Ok(image) => {
                let tally = image.tally();
                output.show(&Shown::of(
                    "{}: ok, {}, {}, {}, {}, hash {}\n",
                    &[
                        &path.display(),
                        &counted(length, "byte"),
                        &counted(tally.functions, "closure"),
                        &counted(tally.cells, "cell"),
                        &counted(image.codes().len(), "code object"),
                        &image.hash(),
                    ],
                ));
            }
            Err(Halt::Image(name, error)) => {
                worst = Exit::Image;
                terminal.report(&[unusable(&name, &error)]);
            }
            Err(other) => return Err(other),
        }
    }
    output.show_now(&Shown::default());
    Ok(worst.into())
}
