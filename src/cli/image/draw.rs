//! `vm image graph`: a picture of a closure graph. Functions are boxes, cells ellipses, containers and instances boxes
//! with round corners; what several closures share has a thick border, and edges that close a cycle are red.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitCode;

use quipu::report::Shown;
use quipu::vm::image::{Part, Thing};

use super::super::ending::{Exit, Halt};
use super::super::pictures;
use super::file::{open, write};
use super::names::Seen;

/// How many values are drawn; a picture of more says nothing.
const MOST: usize = 400;

/// How many elements of one container are drawn.
const MOST_PARTS: usize = 24;

pub(super) fn graph(path: &OsString, output: &OsString) -> Result<ExitCode, Halt> {
    let image = open(path)?;
    let name = output.display().to_string();
    let dot = dot(&Seen::new(&image));
    let text = if name.ends_with(".dot") {
        dot
    } else if name.ends_with(".svg") {
        pictures::svg(&dot).map_err(Halt::Usage)?
    } else {
        return Err(Halt::Usage(format!("`{name}` ends neither in .svg nor in .dot")));
    };
    write(output, text.as_bytes())?;
    Ok(Exit::Ok.into())
}

/// Whether a part is drawn as a thing of its own.
fn is_drawn(seen: &Seen<'_>, part: Part) -> bool {
    match part {
        Part::Node(_) => true,
        _ => matches!(
            seen.outline.thing(part),
            Some(Thing::Function(_) | Thing::Type(_) | Thing::Tuple(_) | Thing::Error)
        ),
    }
}

fn id(part: Part) -> String {
    match part {
        Part::Node(number) => format!("n{number}"),
        Part::Frozen(number) => format!("f{number}"),
        _ => "v".to_owned(),
    }
}

/// The graph in the language of Graphviz.
fn dot(seen: &Seen<'_>) -> String {
    let mut order = Vec::new();
    let mut met = HashSet::new();
    let mut edges: Vec<(Part, Part, String, bool)> = Vec::new();
    let mut uses: Vec<String> = Vec::new();
    // Depth first, so that an edge to what is still open is one that closes a cycle.
    enum Step {
        Enter(Part),
        Leave(Part),
    }
    let mut open = HashSet::new();
    let mut todo = vec![Step::Enter(seen.outline.root())];
    while let Some(step) = todo.pop() {
        let part = match step {
            Step::Enter(part) => part,
            Step::Leave(part) => {
                open.remove(&id(part));
                continue;
            }
        };
        if !met.insert(id(part)) || order.len() >= MOST {
            continue;
        }
        order.push(part);
        open.insert(id(part));
        todo.push(Step::Leave(part));
        for (name, other) in seen.parts(part).take(MOST_PARTS) {
            if is_drawn(seen, other) {
                uses.push(id(other));
                let name = name.trim_start_matches('.').trim_start_matches("free.").to_owned();
                edges.push((part, other, name, open.contains(&id(other))));
                todo.push(Step::Enter(other));
            }
        }
    }
    let mut text = String::from("digraph image {\n  start [label=\"value\", shape=ellipse];\n");
    for &part in &order {
        let shared = uses.iter().filter(|&used| *used == id(part)).count() > 1;
        let (shape, color) = match (part, seen.outline.thing(part)) {
            (_, Some(Thing::Cell { .. })) => ("circle", "#ffe9a8"),
            (_, Some(Thing::Fiber(_))) => ("box", "#d9c8f0"),
            (_, Some(Thing::Function(_))) => ("box", "#cfe0f7"),
            (Part::Node(_), Some(_)) => ("box", "#cfe8cf"),
            _ => ("box", "#eeeeee"),
        };
        let width = if shared { 4 } else { 1 };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  {} [label=\"{}\", shape={shape}, style=filled, fillcolor=\"{color}\", width={width}];",
            id(part),
            escaped(&label(seen, part, shared)),
        );
    }
    let _ = writeln!(text, "  start -> {};", id(seen.outline.root()));
    for (from, to, name, closes) in edges {
        if !met.contains(&id(to)) || !order.contains(&to) {
            continue;
        }
        let color = if closes { "#cc2222" } else { "#444444" };
        let _ = writeln!(text, "  {} -> {} [label=\"{}\", color=\"{color}\"];", id(from), id(to), escaped(&name));
    }
    text.push_str("}\n");
    text
}

/// What stands in a box: what it is, and those of its parts that are not drawn themselves.
fn label(seen: &Seen<'_>, part: Part, shared: bool) -> String {
    let mut lines = vec![seen.short(part)];
    if shared {
        lines.push("(shared)".to_owned());
    }
    let mut parts = seen.parts(part);
    for (name, other) in parts.by_ref().take(MOST_PARTS).filter(|&(_, other)| !is_drawn(seen, other)) {
        let name = name.trim_start_matches('.').trim_start_matches("free.").to_owned();
        let sign = if name.is_empty() { "" } else { " = " };
        lines.push(format!("{name}{sign}{}", seen.short(other)));
    }
    let more = parts.count();
    if more > 0 {
        lines.push(format!("... and {more} more"));
    }
    lines.join("\n")
}

/// A label in a picture that anything may open.
fn escaped(text: &str) -> String {
    Shown::text(text).as_str().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
