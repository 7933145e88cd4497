//! `--stats` and `--profile`: what a program did and where its time went, told on standard error when it is over.

use quipu_code::plural;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::time::Duration;

use quipu::Session;
use quipu::report::Shown;
use quipu::vm::watch::{Hotspot, Watch, Watched};

use super::ending::Exit;
use super::options::Watching;
use super::pictures::{are_drawn, flame_graph};
use super::terminal::{Terminal, complain};

/// Instructions between two looks at the calls. A prime, so that it does not keep step with a loop.
const PERIOD: u32 = 1009;

/// Rows that are shown of each table.
const ROWS: usize = 20;

/// Begins to watch, if that is asked for. A flame graph that cannot be written is better known now.
pub fn begin(session: &mut Session, options: &Watching) -> Result<(), String> {
    if let Some(file) = &options.profile {
        are_drawn("the picture of `--profile`")?;
        File::create(file).map_err(|error| unwritable(file, &error))?;
    }
    if options.stats || options.profile.is_some() {
        session.vm().watch(Watch { period: options.profile.as_ref().map(|_| PERIOD) });
    }
    Ok(())
}

/// Tells what was seen. The exit code if that fails.
pub fn end(session: &mut Session, options: &Watching, terminal: &Terminal) -> Option<Exit> {
    let watched = session.vm().watched()?;
    if options.stats {
        complain(&if terminal.is_json() { stats_json(&watched) } else { Shown::text(&stats(&watched)) });
    }
    let file = options.profile.as_ref()?;
    complain(&if terminal.is_json() { profile_json(&watched) } else { profile(&watched) });
    if let Err(error) = draw(&watched, file) {
        terminal.mistake(&unwritable(file, &error));
        return Some(Exit::Usage);
    }
    None
}

fn unwritable(file: &OsStr, error: &std::io::Error) -> String {
    format!("cannot write `{}`: {error}", file.display())
}

/// Writes the flame graph.
fn draw(watched: &Watched, file: &OsStr) -> std::io::Result<()> {
    let folded: Vec<Shown> = watched.folded().iter().map(Shown::line).collect();
    let lines = match folded.is_empty() {
        // A program that is over before the first look.
        true => vec!["nothing 1"],
        false => folded.iter().map(Shown::as_str).collect(),
    };
    flame_graph(lines, File::create(file)?)
}

fn stats(watched: &Watched) -> String {
    let mut text = String::new();
    let total = watched.instruction_count();
    let _ = writeln!(text, "{} instructions", grouped(total));
    for &(name, count) in watched.instructions.iter().take(ROWS) {
        let _ = writeln!(text, "  {:>15} {:>5}  {name}", grouped(count), percent(count, total));
    }
    if let Some(rest) = watched.instructions.get(ROWS..).filter(|rest| !rest.is_empty()) {
        let count = rest.iter().map(|&(_, count)| count).sum();
        let _ = writeln!(text, "  {:>15} {:>5}  {} others", grouped(count), percent(count, total), rest.len());
    }
    let count = watched.objects.iter().map(|made| made.count).sum();
    let bytes = watched.objects.iter().map(|made| made.bytes).sum();
    let _ = writeln!(
        text,
        "{} {} made, {} {}",
        grouped(count),
        plural(count as usize, "object"),
        grouped(bytes),
        plural(bytes as usize, "byte")
    );
    for made in &watched.objects {
        let _ = writeln!(text, "  {:>15} {:>5}  {}", grouped(made.count), percent(made.bytes, bytes), made.kind);
    }
    let pauses = watched.pauses;
    let _ = writeln!(
        text,
        "{} collections, longest pause {}, all {}",
        grouped(pauses.count),
        time(pauses.longest),
        time(pauses.total)
    );
    let uses = watched.hits + watched.misses;
    let hits = percent(watched.hits, uses);
    let _ = writeln!(
        text,
        "{} {} of methods and fields, {} from caches",
        grouped(uses),
        plural(uses as usize, "use"),
        hits.trim_start()
    );
    let _ = writeln!(text, "{} {} known", grouped(watched.codes as u64), plural(watched.codes, "function"));
    text
}

fn stats_json(watched: &Watched) -> Shown {
    let instructions: serde_json::Map<_, _> =
        watched.instructions.iter().map(|&(name, count)| (name.to_owned(), count.into())).collect();
    let objects: serde_json::Map<_, _> = watched
        .objects
        .iter()
        .map(|made| (made.kind.to_owned(), serde_json::json!({ "count": made.count, "bytes": made.bytes })))
        .collect();
    let json = serde_json::json!({ "stats": {
        "instructions": instructions,
        "objects": objects,
        "collections": watched.pauses.count,
        "longest_pause_ns": watched.pauses.longest.as_nanos() as u64,
        "pauses_ns": watched.pauses.total.as_nanos() as u64,
        "cache_hits": watched.hits,
        "cache_misses": watched.misses,
        "functions": watched.codes,
    }});
    Shown::of("{}\n", &[&Shown::json(&json)])
}

fn profile(watched: &Watched) -> Shown {
    let (functions, lines) = (watched.functions(), watched.lines());
    let steps: u64 = functions.iter().map(|place| place.own).sum();
    let all: Duration = functions.iter().map(|place| place.time).sum();
    let mut text = Shown::of("{} {}, {}\n", &[&grouped(steps), &plural(steps as usize, "step"), &time(all)]);
    for (places, what) in [(&functions, "function"), (&lines, "line")] {
        text.push(&Shown::of("    own   time    all  {}\n", &[&what]));
        for place in places.iter().filter(|place| place.own > 0).take(ROWS) {
            let spent = percent(place.time.as_nanos() as u64, all.as_nanos() as u64);
            let (own, with_calls) = (percent(place.own, steps), percent(place.all, steps));
            let shares = format!("{own:>5}  {spent:>5}  {with_calls:>5}");
            text.push(&Shown::of("  {}  {}\n", &[&shares, &name(place)]));
        }
    }
    text
}

fn profile_json(watched: &Watched) -> Shown {
    let place = |place: &Hotspot| {
        serde_json::json!({
            "function": place.line.function,
            "file": &*place.line.file,
            "line": place.line.line,
            "own_steps": place.own,
            "own_ns": place.time.as_nanos() as u64,
            "steps": place.all,
        })
    };
    let lines: Vec<_> = watched.lines().iter().map(place).collect();
    Shown::of("{}\n", &[&Shown::json(&serde_json::json!({ "profile": lines }))])
}

fn name(place: &Hotspot) -> String {
    let line = &place.line;
    match line.line {
        0 => format!("{} at {}", line.function, line.file),
        number => format!("{} at {}:{number}", line.function, line.file),
    }
}

/// A share of a whole.
fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "0.0%".to_owned(),
        _ => format!("{:.1}%", part as f64 * 100.0 / whole as f64),
    }
}

/// A number as people read it: 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn time(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}
