//! Programs under limits of every size: each does what it does without them, or a beginning of that and then the error of
//! its limit; and its machine works on.
//!
//! `LIMITS=all` tries all limits with all programs, best in a release build; otherwise it is every fortieth of these
//! pairs, and all of the scripts that are about limits. `LIMITS=NAME` is all limits with the programs of such a name,
//! `LIMITS_NUMBER` one limit only.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::batches;
use crate::support::Captured;
use crate::support::cut::Numbers;
use crate::support::generate::program;
use quipu::stdlib::{Grant, Streams};
use quipu::vm::{Failure, Limits, Root, Stop};
use quipu::{Engine, Error, Input, Session};

/// Generated programs.
const GENERATED: usize = 2_000;

/// How many limits of each sort every program is run with.
const HEAPS: usize = 40;
const FUELS: usize = 20;
const DEPTHS: [usize; 20] = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 32, 50, 64, 100, 150, 300, 1000];
const LIMITS: usize = HEAPS + FUELS + DEPTHS.len();

/// One of so many pairs is tried in the test command.
const PART: usize = 40;

/// Scripts in this folder have data and calls that bring them near limits; all pairs of theirs are tried.
const NEAR: &str = "14_near_the_limit";

/// The most that are told of what went wrong.
const SHOWN: usize = 400;

/// What a program may use when it is run to the end. Longer ones are left out.
const MOST: Limits = Limits { fuel: Some(20_000_000), heap: Some(1 << 30), depth: 200_000, deadline: None };

/// Most time for one pair, with the run without limits that it is compared with.
const TIME: Duration = Duration::from_secs(60);

/// A program that is run with limits.
struct Program {
    name: String,
    input: Input,
    arguments: Vec<String>,
}

#[test]
fn limits_of_every_size_end_programs_in_their_way() {
    let programs = programs();
    let wanted = pairs(&programs);
    assert!(!wanted.is_empty(), "no such programs");
    let mut sweep = Sweep { programs, usual: engine(&[]), known: None };
    let wrong = batches::in_processes(
        concat!(module_path!(), "::limits_of_every_size_end_programs_in_their_way"),
        &wanted,
        TIME,
        None,
        |pair| sweep.attempt(pair / LIMITS, pair % LIMITS),
    )
    .wrong;
    let tell = |wrong: &batches::Wrong| {
        let (name, limit) = (&sweep.programs[wrong.number / LIMITS].name, wrong.number % LIMITS);
        format!("{name}, limit {limit}: {}", wrong.message)
    };
    let list: Vec<String> = wrong.iter().take(SHOWN).map(tell).collect();
    println!("{} pairs", wanted.len());
    assert!(list.is_empty(), "{} of {} pairs go wrong:\n{}", wrong.len(), wanted.len(), list.join("\n"));
}

fn pairs(programs: &[Program]) -> Vec<usize> {
    let choice = std::env::var("LIMITS").unwrap_or_default();
    let only: Option<usize> = std::env::var("LIMITS_NUMBER").ok().and_then(|number| number.parse().ok());
    let is_wanted = |&pair: &usize| {
        let (program, limit) = (pair / LIMITS, pair % LIMITS);
        let name = &programs[program].name;
        only.is_none_or(|only| only == limit)
            && match choice.as_str() {
                "all" => true,
                // Two limits for every program, others for the next one.
                "" => name.contains(NEAR) || (program * 7 + limit) % PART == 0,
                part => name.contains(part),
            }
    };
    (0..programs.len() * LIMITS).filter(is_wanted).collect()
}

fn programs() -> Vec<Program> {
    let alone = |file: PathBuf| {
        let name = file.to_str().unwrap().to_owned();
        Program { input: Input::file(&name), name, arguments: Vec::new() }
    };
    let mut all: Vec<Program> = Vec::new();
    for folder in folders("tests/scripts").into_iter().chain(folders("tests/scripts/stdlib")) {
        all.extend(files(&folder).into_iter().map(alone));
    }
    all.extend(files(Path::new("examples")).into_iter().map(alone));
    let list = fs::read_to_string("benches/programs/list.txt").unwrap_or_default();
    for row in list.lines().filter(|line| !line.starts_with('#')) {
        let row: Vec<&str> = row.split_whitespace().collect();
        let name = format!("benches/programs/{0}/{0}.qp", row[0]);
        all.push(Program { input: Input::file(&name), name, arguments: vec![row[3].to_owned()] });
    }
    all.extend((0..GENERATED).map(|number| {
        let name = format!("generated/{number}");
        let mut numbers = Numbers::of(&name);
        let text = program(&mut |below| numbers.below(below));
        Program { input: Input::text(&name, text.as_str()), name, arguments: Vec::new() }
    }));
    all
}

fn folders(path: &str) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
}

/// The programs directly in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "qp"));
    files.sort();
    files
}

fn engine(arguments: &[String]) -> Engine {
    let streams = Streams::new(std::io::empty(), std::io::sink());
    Engine::granting(&Grant { streams, ..Grant::all(arguments.to_vec()) })
}

/// What a run came to.
struct Ran {
    output: String,
    ended: Ended,
    fuel: u64,
    heap: usize,
    collections: u64,
}

#[derive(PartialEq, Debug)]
enum Ended {
    Well,
    Thrown(String),
    Stopped(Stop),
    /// It does not compile.
    Invalid,
}

struct Sweep {
    programs: Vec<Program>,
    usual: Engine,
    /// The program that was run last without limits, and what it came to.
    known: Option<(usize, Engine, Ran)>,
}

impl Sweep {
    /// Runs a program with one of the limits.
    fn attempt(&mut self, number: usize, limit: usize) -> Result<(), String> {
        let program = &self.programs[number];
        if self.known.as_ref().is_none_or(|(known, ..)| *known != number) {
            let engine = if program.arguments.is_empty() { self.usual.clone() } else { engine(&program.arguments) };
            let ran = run(&engine, program, MOST)?;
            self.known = Some((number, engine, ran));
        }
        let Some((_, engine, whole)) = &self.known else { return Ok(()) };
        if whole.ended == Ended::Invalid || matches!(whole.ended, Ended::Stopped(Stop::Fuel)) {
            return Ok(());
        }
        let (limits, stop) = limits(program, whole, limit);
        let what = format!("heap {:?}, fuel {:?}, depth {}", limits.heap, limits.fuel, limits.depth);
        batches::note(number * LIMITS + limit, &what);
        let ran = run(engine, program, limits)?;
        match difference(whole, &ran, stop) {
            // Some programs never do the same twice.
            Some(difference) if does_the_same(engine, program, whole)? => Err(difference),
            _ => Ok(()),
        }
    }
}

fn does_the_same(engine: &Engine, program: &Program, whole: &Ran) -> Result<bool, String> {
    let again = run(engine, program, MOST)?;
    Ok(again.output == whole.output && again.ended == whole.ended)
}

/// The limit with a number, between nothing and enough, and what it ends programs with; none for that of calls, which
/// programs may catch.
fn limits(program: &Program, whole: &Ran, number: usize) -> (Limits, Option<Stop>) {
    let mut numbers = Numbers::of(&format!("{} {number}", program.name));
    if number < HEAPS {
        // What is in use at the end is no measure where something was collected.
        let enough = if whole.collections == 0 { whole.heap } else { 2 * whole.heap.max(2 << 20) };
        let step = enough / (HEAPS - 2) + 1;
        let heap = number * step + numbers.below(step as u64) as usize;
        return (Limits { heap: Some(heap), ..MOST }, Some(Stop::Heap));
    }
    let number = number - HEAPS;
    if number < FUELS {
        let step = whole.fuel / (FUELS as u64 - 1) + 1;
        let fuel = number as u64 * step + numbers.below(step);
        return (Limits { fuel: Some(fuel), ..MOST }, Some(Stop::Fuel));
    }
    (Limits { depth: DEPTHS[number - FUELS], ..MOST }, None)
}

/// How a run with a limit differs from what it may be.
fn difference(whole: &Ran, ran: &Ran, stop: Option<Stop>) -> Option<String> {
    match (&ran.ended, stop) {
        (Ended::Well | Ended::Thrown(_), None) => None,
        (Ended::Stopped(stopped), Some(stop)) if *stopped == stop => {
            let begins = whole.output.starts_with(&ran.output);
            (!begins).then(|| format!("another output before the limit: {}", first_difference(whole, ran)))
        }
        (ended, Some(_)) if *ended == whole.ended => {
            (ran.output != whole.output).then(|| format!("another output: {}", first_difference(whole, ran)))
        }
        (ended, _) => Some(format!("it ends with {ended:?}, without a limit with {:?}", whole.ended)),
    }
}

fn first_difference(whole: &Ran, ran: &Ran) -> String {
    let same = whole.output.lines().zip(ran.output.lines()).take_while(|(a, b)| a == b).count();
    let line = |ran: &Ran| ran.output.lines().nth(same).map(str::to_owned);
    format!("line {}: {:?}, not {:?}", same + 1, line(ran), line(whole))
}

/// Runs a program in a new machine, which is then to run another one.
fn run(engine: &Engine, program: &Program, limits: Limits) -> Result<Ran, String> {
    let mut session = engine.session(MOST).map_err(|error| error.to_string())?;
    let output = Captured::default();
    session.vm().set_output(Box::new(output.clone()));
    session.vm().set_limits(limits);
    let ended = ended(session.run(&program.input));
    let _ = session.vm().flush();
    let stats = session.vm().stats();
    let (fuel, heap, collections) = (stats.fuel_used, stats.heap_bytes, stats.collections);
    let ran = Ran { output: output.text(), ended, fuel, heap, collections };
    works_on(&mut session)?;
    Ok(ran)
}

fn ended(result: Result<Root, Error>) -> Ended {
    match result {
        Ok(_) => Ended::Well,
        Err(Error::Failed(Failure::Stop(stop, _))) => Ended::Stopped(stop),
        Err(Error::Failed(Failure::Uncaught(thrown))) => {
            Ended::Thrown(format!("{:?}: {}", thrown.kind, thrown.message))
        }
        Err(_) => Ended::Invalid,
    }
}

const AFTER: &str = r#"
import iter
type P(n) { fn cmp(self, o) = self.n - o.n; fn str(self) = "p${self.n}" }
fn numbers(..rest) { for x in rest { yield x } }
fn down(n) = if n == 0 { 0 } else { 1 + down(n - 1) }
let xs = [P(3), P(1)].sorted().map(str)
let f = fiber(|| numbers(..[1, 2]))
var n = 0
try { atomic(|| { n = 5; throw f.resume() }) } catch e { n += e }
[xs, n, list(f), down(200), iter.of([1, 2]).map(|x| x * 2).to_list(), ["a": 1].items()]
"#;

/// Whatever happened before, the machine runs this.
fn works_on(session: &mut Session) -> Result<(), String> {
    session.vm().set_limits(Limits { fuel: Some(1 << 20), ..MOST });
    let value = session.run(&Input::text("after.qp", AFTER)).map_err(|error| format!("afterwards: {error}"))?;
    let shown = session.vm().repr(&value).map_err(|failure| format!("afterwards: {failure:?}"))?;
    let expected = r#"[["p1", "p3"], 1, [1, 2], 200, [2, 4], [("a", 1)]]"#;
    if shown == expected { Ok(()) } else { Err(format!("afterwards: {shown}")) }
}
