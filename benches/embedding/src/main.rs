//! One command that measures what embedding costs in Quipu, mlua and rhai, and writes the table into the book.
//!
//! A program can be linked with one Lua only. So `measure` is built and run twice, each time with Quipu beside it, and what
//! a figure is compared with is always Quipu's of the same run.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The page, and the lines around the table in it.
const PAGE: &str = "../../docs/embedding.md";
const BEGIN: &str = "<!-- figures: begin -->\n";
const END: &str = "<!-- figures: end -->\n";

/// The tasks as `measure` calls them, and what they are.
const TASKS: [(&str, &str); 8] = [
    ("call", "the host calls a function with two ints"),
    ("native", "a program calls a function of the host a million times"),
    ("list", "a list of 10,000 ints is made and read back"),
    ("write", "serde: nested data to a value"),
    ("read", "serde: the value to nested data"),
    ("machine", "a machine with the standard library, of an engine that is there"),
    ("nothing", "the same, engine and all"),
    ("first", "a machine, a program compiled, a call of it"),
];

/// The languages: as `measure` calls them, the feature that brings them, their names in the table.
const PEERS: [(&str, Option<&str>, &str); 3] =
    [("lua54", Some("lua54"), "mlua, Lua 5.4"), ("luajit", Some("luajit"), "mlua, LuaJIT"), ("rhai", None, "rhai")];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("embedding: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let peers: Vec<_> = if has_c_compiler() {
        PEERS.to_vec()
    } else {
        eprintln!("There is no C compiler, which mlua needs for Lua: it is left out.");
        PEERS.into_iter().filter(|(_, feature, _)| feature.is_none()).collect()
    };
    // What belongs to no feature is measured in the first run.
    let mut features: Vec<Option<&str>> = peers.iter().map(|&(_, feature, _)| feature).collect();
    features.retain(|feature| feature.is_some() || peers.len() == 1);
    for &feature in &features {
        let status = command(feature, &["--bench"]).env("CRITERION_HOME", home(feature)).status();
        if !status.is_ok_and(|status| status.success()) {
            return Err("the measurement ended badly".to_owned());
        }
    }
    let run_of = |feature: Option<&'static str>| feature.or(features[0]);

    let names: Vec<&str> = peers.iter().map(|&(_, _, name)| name).collect();
    let mut table = format!("| | Quipu | {} |\n|{}\n", names.join(" | "), " --- |".repeat(peers.len() + 2));
    for (task, title) in TASKS {
        let own = estimate(features[0], task, "quipu")?;
        let _ = write!(table, "| {title} | {}", time(own));
        for &(peer, feature, _) in &peers {
            let run = run_of(feature);
            let (theirs, ours) = (estimate(run, task, peer)?, estimate(run, task, "quipu")?);
            let _ = write!(table, " | {} ({})", time(theirs), ratio(theirs / ours));
        }
        table.push_str(" |\n");
    }
    let own = memory(features[0], "quipu")?;
    let mut rows = [
        format!("| memory of an idle machine | {}", size(own[0])),
        format!("| memory of one that has compiled and called a function | {}", size(own[1])),
    ];
    for &(peer, feature, _) in &peers {
        let theirs = memory(run_of(feature), peer)?;
        for (row, (theirs, ours)) in rows.iter_mut().zip(theirs.into_iter().zip(own)) {
            let _ = write!(row, " | {} ({})", size(theirs), ratio(theirs / ours));
        }
    }
    for row in rows {
        let _ = writeln!(table, "{row} |");
    }
    print!("{table}");
    if peers.len() == PEERS.len() {
        keep(&table)?;
    }
    Ok(())
}

/// Whether the compiler that mlua's build would call is there.
fn has_c_compiler() -> bool {
    let name = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let tried = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// `measure`, built with a feature, with these arguments.
fn command(feature: Option<&str>, arguments: &[&str]) -> Command {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["run", "--quiet", "--release", "--bin", "measure", "--manifest-path"]).arg(manifest);
    command.args(["--features", feature.unwrap_or("")]).arg("--").args(arguments);
    command
}

/// Where criterion keeps the figures of a run.
fn home(feature: Option<&str>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/figures").join(feature.unwrap_or("none"))
}

/// The median time of a task in nanoseconds.
fn estimate(feature: Option<&str>, task: &str, language: &str) -> Result<f64, String> {
    let file = home(feature).join(task).join(language).join("new/estimates.json");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let figures: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    figures["median"]["point_estimate"].as_f64().ok_or_else(|| format!("{}: there is no median", file.display()))
}

/// Bytes of an idle machine and of one that was used.
fn memory(feature: Option<&str>, language: &str) -> Result<[f64; 2], String> {
    let output = command(feature, &["memory", language]).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    figures.try_into().map_err(|_| format!("the memory of {language} is not known here"))
}

/// Puts the table into the page.
fn keep(table: &str) -> Result<(), String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or("the page has no place for the figures")?;
    fs::write(&file, format!("{before}{BEGIN}{table}{END}{after}")).map_err(|error| error.to_string())
}

fn time(nanoseconds: f64) -> String {
    let units = [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9)];
    let (unit, size) = *units.iter().rev().find(|(_, size)| nanoseconds >= *size).unwrap_or(&units[0]);
    format!("{} {unit}", short(nanoseconds / size))
}

fn size(bytes: f64) -> String {
    format!("{} KB", short(bytes / 1e3))
}

fn ratio(ratio: f64) -> String {
    format!("{} x", short(ratio))
}

/// Two digits or more.
fn short(number: f64) -> String {
    if number < 10.0 { format!("{number:.1}") } else { format!("{number:.0}") }
}
