//! One command that runs the benchmark programs in Quipu and its peers, side by side, and writes down how they compare.

mod list;
mod peer;
mod measure;
mod figures;
mod table;
mod chart;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

use crate::figures::Figures;
use crate::list::Entry;
use crate::peer::Peer;

/// Runs the benchmark programs in Quipu, Lua, LuaJIT, Python, Node and Rust, and compares CPU time with Lua's.
#[derive(Parser)]
struct Options {
    /// How often each program runs in each language; the median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// Only these programs (names with commas between them); leaves the documentation alone
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these languages (quipu, lua, luajit-off, luajit, node-jitless, node, python, rust); Lua always runs
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    peers: Vec<String>,
    /// One run of each; leaves the documentation alone
    #[arg(long)]
    quick: bool,
    /// Measure this binary instead of building one
    #[arg(long, value_name = "FILE")]
    vm: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("compare: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every program gave the right result everywhere.
fn run(options: &Options) -> Result<bool, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let programs = root.join("benches/programs");
    let mut entries = list::read(&programs.join("list.txt"))?;
    if let Some(unknown) = options.only.iter().find(|name| entries.iter().all(|entry| entry.name != **name)) {
        return Err(format!("there is no program {unknown:?}"));
    }
    entries.retain(|entry| options.only.is_empty() || options.only.contains(&entry.name));
    let vm = match &options.vm {
        Some(vm) => vm.clone(),
        None => build(&root)?,
    };
    let scratch = scratch()?;
    let mut peers = peer::find(&vm, &scratch, &|missing| eprintln!("compare: {missing}"));
    if let Some(unknown) = options.peers.iter().find(|name| peer::KEYS.iter().all(|key| key != name)) {
        return Err(format!("there is no language {unknown:?}"));
    }
    peers.retain(|peer| options.peers.is_empty() || peer.key == peer::BASE || options.peers.contains(&peer.key.into()));
    if peers.iter().all(|peer| peer.key != peer::BASE) {
        return Err("Lua 5.4 is what the others are compared with; install it first".to_owned());
    }

    let runs = if options.quick { 1 } else { options.runs };
    let mut figures = Figures::new(entries.iter().map(|entry| entry.name.clone()), &peers, runs);
    for (row, entry) in entries.iter().enumerate() {
        eprintln!("{:2}/{} {}", row + 1, entries.len(), entry.name);
        measure_program(&programs, entry, row, &peers, &scratch, &mut figures)?;
    }
    for (column, peer) in peers.iter().enumerate() {
        figures.start_up[column] = peer.start_up(&scratch, if options.quick { 3 } else { 21 })?;
    }

    print!("{}", table::text(&figures, &entries));
    for wrong in &figures.wrong {
        println!("{wrong}");
    }
    if options.quick || !options.only.is_empty() || !options.peers.is_empty() {
        println!("\ndocs/performance.md stays as it is.");
    } else if figures.wrong.is_empty() {
        write_down(&root.join("docs"), &figures, &entries)?;
        println!("\nWritten to docs/performance.md and docs/performance.svg.");
    }
    Ok(figures.wrong.is_empty())
}

/// Runs a program in all languages, one after the other, as often as asked for.
fn measure_program(
    programs: &Path,
    entry: &Entry,
    row: usize,
    peers: &[Peer],
    scratch: &Path,
    figures: &mut Figures,
) -> Result<(), String> {
    let mut commands = Vec::new();
    for peer in peers {
        commands.push(peer.command(programs, entry, scratch)?);
    }
    for round in 0..figures.runs {
        let forth = 0..peers.len();
        // To and fro, so that a machine that grows slower or faster favours nobody.
        let order: Vec<usize> = if round % 2 == 0 { forth.collect() } else { forth.rev().collect() };
        for column in order {
            let sample = measure::run(&mut commands[column])?;
            if sample.output.trim_end() != entry.result {
                let (name, title, printed) = (&entry.name, peers[column].title, sample.output.trim_end());
                figures.wrong.push(format!("wrong: {name} in {title} printed {printed:?}, not {:?}", entry.result));
            }
            figures.add(row, column, &sample);
        }
    }
    Ok(())
}

/// Builds `vm` as releases are built, in the folder of their profile beside that of this program.
fn build(root: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--profile", "dist", "--quiet", "--bin", "vm"]).current_dir(root);
    let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    let vm = own_folder()?.join("../dist").join(format!("vm{}", std::env::consts::EXE_SUFFIX));
    if status.success() && vm.exists() { Ok(vm) } else { Err("cannot build vm; --vm FILE names a binary".to_owned()) }
}

fn own_folder() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    Ok(own.parent().unwrap_or(Path::new(".")).to_owned())
}

/// Where compiled programs go.
fn scratch() -> Result<PathBuf, String> {
    let scratch = own_folder()?.join("compare-programs");
    fs::create_dir_all(&scratch).map_err(|error| format!("cannot make a folder for programs: {error}"))?;
    Ok(scratch)
}

/// Puts the tables between the markers of the documentation, and the chart beside it.
fn write_down(docs: &Path, figures: &Figures, entries: &[Entry]) -> Result<(), String> {
    let page = docs.join("performance.md");
    let text = fs::read_to_string(&page).map_err(|error| format!("cannot read {}: {error}", page.display()))?;
    let text = table::put(&text, &table::markdown(figures, entries))?;
    fs::write(&page, text).map_err(|error| format!("cannot write {}: {error}", page.display()))?;
    let picture = docs.join("performance.svg");
    fs::write(&picture, chart::draw(figures)).map_err(|error| format!("cannot write {}: {error}", picture.display()))
}
