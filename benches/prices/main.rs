//! What natives cost: the instructions, the time and the memory behind a unit of fuel, for every native over growing inputs.
//!
//!     cargo bench --no-default-features --bench prices [-- [--ns | --bytes | --all] [PART OF A NAME]]
//!
//! It fails where a native has no recipe, where a unit costs more than [`DEAREST`] times the unit of a plain
//! loop, where work grows faster than its charge, and where memory is taken that nobody has asked the heap for.
//! Instructions are counted by callgrind, in one process for all; without valgrind, and with `--ns`, there are times alone,
//! which decide nothing.

mod recipes;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use quipu::stdlib::{Grant, Streams, library};
use quipu::vm::library::Provided;
use quipu::vm::{Failure, Limits, NativeDef, Root, Vm};
use quipu::{Engine, Error, Input, Session};

use recipes::{Recipe, recipes};

/// How much dearer than a plain loop a unit may be.
const DEAREST: f64 = 20.0;

/// What a call may cost beside its units, in units of a plain loop: a call of a native, an error, a small object.
const FIXED: f64 = 200.0;

/// How much dearer the last units of the largest input may be than those of the middle one.
const GROWTH: f64 = 1.7;

/// The sizes that instructions are counted at.
const SIZES: [usize; 3] = [300, 2_400, 19_200];

/// The size that memory is looked at with, and up to how much that does not matter.
const LARGE: usize = 400_000;
const UNSEEN: usize = 2 << 20;

/// Says which part of the work a process does.
const PART: &str = "QUIPU_PRICES";

/// The types that have methods.
const TYPES: [&str; 9] = ["str", "bytes", "tuple", "range", "list", "map", "set", "function", "fiber"];

/// What everybody is given; everything under the names of types and modules too.
fn grant() -> Grant {
    Grant { streams: Streams::new(std::io::empty(), std::io::sink()), ..Grant::all(Vec::new()) }
}

/// A machine in which recipes are carried out.
fn session(limits: Limits) -> Session {
    let provided = NativeDef::new("provided", 1, |cx, args| {
        let name = args[0].as_str().unwrap_or_default().to_owned();
        Ok(cx.native(&name)?.unwrap_or(quipu::vm::Value::NIL))
    });
    let engine = Engine::builder()
        .capabilities(quipu::Capabilities::ALL)
        .define(provided)
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    let mut session = engine.session(limits).unwrap_or_else(|error| panic!("{error}"));
    session.vm().set_output(Box::new(std::io::sink()));
    session
}

/// The names of all natives.
fn natives() -> BTreeSet<String> {
    let library = library(&grant());
    let Some(standard) = &library.standard else { return BTreeSet::new() };
    let is_native = |found: Option<Provided>| matches!(found, Some(Provided::Native(_)));
    let plain = standard.names().into_iter().filter(|name| is_native(standard.find(name)));
    let methods = TYPES.iter().flat_map(|of| {
        let native = standard.methods_of(of).into_iter().filter(|name| is_native(standard.find_method(of, name)));
        native.map(|name| format!("{of}.{name}")).collect::<Vec<_>>()
    });
    plain.chain(methods).filter(|name| !name.starts_with("_actor_")).collect()
}

/// The call itself: what callgrind counts.
#[inline(never)]
fn measured_call(vm: &mut Vm, function: &Root) -> Result<Root, Failure> {
    vm.call(function, &[])
}

/// What a recipe makes for a size: a function without parameters.
fn prepare(session: &mut Session, make: &Root, size: usize) -> Result<Root, Failure> {
    let vm = session.vm();
    let size = vm.int(size as i64);
    vm.call(make, &[size])
}

fn make(session: &mut Session, recipe: &Recipe) -> Result<Root, String> {
    session.run(&Input::text("recipe.qp", recipe.program(&folder().join("files")))).map_err(|error| match &error {
        Error::Invalid(found) => found[0].list[0].title.clone(),
        other => other.to_string(),
    })
}

/// Where recipes keep their files.
fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("quipu-prices-{}", std::env::var("QUIPU_PRICES_ID").unwrap_or_default()))
}

fn plenty() -> Limits {
    Limits { fuel: Some(u64::MAX / 2), heap: Some(8 << 30), ..Limits::default() }
}

/// Calls a recipe at every size and tells the fuel, and the time in nanoseconds.
fn calls(recipe: &Recipe) -> Result<[(u64, u64); 3], String> {
    let text = |failure: Failure| failure.to_string();
    let mut session = session(plenty());
    let make = make(&mut session, recipe)?;
    // What is made when it is first used is not the native's.
    let warm = prepare(&mut session, &make, 3).map_err(text)?;
    session.vm().call(&warm, &[]).map_err(text)?;
    let mut found = [(0, 0); 3];
    for (size, found) in SIZES.iter().zip(&mut found) {
        let call = prepare(&mut session, &make, *size).map_err(text)?;
        session.vm().set_limits(plenty());
        let began = Instant::now();
        let value = measured_call(session.vm(), &call);
        let took = began.elapsed();
        value.map_err(text)?;
        *found = (session.vm().stats().fuel_used, took.as_nanos() as u64);
    }
    Ok(found)
}

/// The instructions of every call, as callgrind counts them in another process that does the same.
fn instructions(numbers: &[usize]) -> Option<Vec<[u64; 3]>> {
    if !Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return None;
    }
    let folder = folder();
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=prices::measured_call"])
        .args(["--dump-after=prices::measured_call", "--compress-strings=yes", "--compress-pos=yes"])
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(std::env::current_exe().ok()?)
        .env(PART, "count")
        .env("QUIPU_PRICES_ONLY", numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(" "))
        .stdout(std::process::Stdio::null())
        .stderr(fs::File::create(folder.join("said")).ok()?)
        .status()
        .ok()?;
    assert!(status.success(), "{}", fs::read_to_string(folder.join("said")).unwrap_or_default());
    let number = |at: usize| {
        let file = folder.join(format!("out.{at}"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let line = text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
        line.and_then(|line| line.trim().parse().ok()).unwrap_or_else(|| panic!("no summary in {}", file.display()))
    };
    Some((0..numbers.len()).map(|recipe| [1, 2, 3].map(|size| number(recipe * 3 + size))).collect())
}

/// A line of what the system knows about this process, in bytes.
fn status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().strip_suffix("kB").and_then(|number| number.trim().parse::<usize>().ok()).unwrap_or(0) << 10
}

/// In a process of its own: what one call takes of the system and of the heap, with this much room in the heap.
fn bytes_of_call(recipe: &Recipe, room: usize) -> String {
    let mut session = session(plenty());
    let made = make(&mut session, recipe)
        .and_then(|make| prepare(&mut session, &make, LARGE).map_err(|failure| failure.to_string()));
    let call = match made {
        Ok(call) => call,
        Err(text) => panic!("{}: {text}", recipe.name),
    };
    let heap = session.vm().stats().heap_bytes;
    session.vm().set_limits(Limits { heap: Some(heap.saturating_add(room)), ..plenty() });
    let before = status("VmRSS:");
    let is_told = fs::write("/proc/self/clear_refs", "5").is_ok();
    let ended = measured_call(session.vm(), &call);
    let peak = if is_told { status("VmHWM:").saturating_sub(before) } else { 0 };
    let kept = session.vm().stats().heap_bytes.saturating_sub(heap);
    format!("{peak} {kept} {}", if ended.is_ok() { "done" } else { "refused" })
}

/// What that process says: bytes of the system, bytes of the heap, whether it was done.
fn bytes(number: usize, room: usize) -> Result<(usize, usize, bool), String> {
    let output = Command::new(std::env::current_exe().unwrap_or_default())
        .env(PART, format!("{number} {room}"))
        .output()
        .unwrap_or_else(|error| panic!("{error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.split_whitespace();
    let mut number = || words.next().and_then(|word| word.parse().ok());
    match (number(), number()) {
        (Some(peak), Some(kept)) => Ok((peak, kept, text.trim().ends_with("done"))),
        _ => Err(String::from_utf8_lossy(&output.stderr).lines().nth(2).unwrap_or_default().to_owned()),
    }
}

/// What the sizes of one recipe came to.
struct Price<'r> {
    recipe: &'r Recipe,
    fuel: [u64; 3],
    work: [u64; 3],
}

impl Price<'_> {
    /// What is wrong with it. `unit`: work of a unit of the plain loop; `base`: work and fuel of a call that does nothing.
    fn wrong(&self, unit: f64, base: (u64, u64)) -> Vec<String> {
        let mut wrong = Vec::new();
        let fuel = self.fuel.map(|fuel| fuel.saturating_sub(base.1) as f64);
        let work = self.work.map(|work| work.saturating_sub(base.0) as f64);
        for (at, size) in SIZES.iter().enumerate() {
            let allowed = (fuel[at] * DEAREST + FIXED) * unit;
            if work[at] > allowed {
                let times = work[at] / unit / fuel[at].max(1.0);
                wrong.push(format!("n = {size}: {:.0} for {:.0} units, {times:.0} times the loop", work[at], fuel[at]));
            }
        }
        let slope = |from: usize, to: usize| {
            let (fuel, work) = (fuel[to] - fuel[from], work[to] - work[from]);
            work / unit / fuel.max(1.0)
        };
        let (early, late) = (slope(0, 1), slope(1, 2));
        // Small work is mostly what a call takes, and that differs from size to size for many reasons. Long copies go another
        // way through the system's library than short ones, so what is cheap may grow a little.
        if work[2] - work[1] > 2.0 * FIXED * unit && late > GROWTH * early.max(6.0) {
            wrong.push(format!("grows faster than its charge: {early:.1}, then {late:.1} times the loop for a unit"));
        }
        wrong
    }
}

fn shown(price: &Price<'_>, unit: f64, base: (u64, u64)) -> String {
    let each = (0..3).map(|at| {
        let fuel = price.fuel[at].saturating_sub(base.1);
        let times = price.work[at].saturating_sub(base.0) as f64 / unit / (fuel.max(1) as f64);
        format!("{:>12} /{fuel:>9} ={times:>8.1}", price.work[at])
    });
    format!("{:20} {}  {}", price.recipe.name, each.collect::<Vec<_>>().join(" "), price.recipe.call)
}

/// Which recipes are wanted.
fn chosen(part: &str) -> Vec<(usize, &'static Recipe)> {
    let all = recipes().iter().enumerate();
    let is_measured = |recipe: &Recipe| recipe.reason.is_none();
    let is_wanted = |recipe: &Recipe| recipe.name.contains(part) || recipe.name.starts_with('(');
    all.filter(|(_, recipe)| is_measured(recipe) && is_wanted(recipe)).collect()
}

fn main() -> ExitCode {
    if let Ok(part) = std::env::var(PART) {
        if part == "count" {
            let only = std::env::var("QUIPU_PRICES_ONLY").unwrap_or_default();
            for number in only.split(' ').filter_map(|number| number.parse::<usize>().ok()) {
                if let Err(text) = calls(&recipes()[number]) {
                    panic!("{}: {text}", recipes()[number].name);
                }
            }
        } else if let Some((number, room)) = part.split_once(' ') {
            let (number, room): (usize, usize) = (number.parse().unwrap_or(0), room.parse().unwrap_or(0));
            println!("{}", bytes_of_call(&recipes()[number], room));
        }
        return ExitCode::SUCCESS;
    }
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let has = |word: &str| words.iter().any(|given| given == word);
    let part = words.iter().find(|word| !word.starts_with("--")).cloned().unwrap_or_default();
    if std::env::var_os("QUIPU_PRICES_ID").is_none() {
        // Again, with a folder that its children know, too.
        let status = Command::new(std::env::current_exe().unwrap_or_default())
            .args(&words)
            .env("QUIPU_PRICES_ID", std::process::id().to_string())
            .stdin(std::process::Stdio::null())
            .status();
        return ExitCode::from(u8::from(!status.is_ok_and(|status| status.success())));
    }
    fs::create_dir_all(folder().join("files")).unwrap_or_else(|error| panic!("{error}"));
    let wrong = run(&part, has("--ns"), has("--bytes"), has("--all"));
    _ = fs::remove_dir_all(folder());
    for line in &wrong {
        println!("wrong: {line}");
    }
    println!("{} natives, {} recipes, {} findings", natives().len(), recipes().len(), wrong.len());
    ExitCode::from(u8::from(!wrong.is_empty()))
}

fn run(part: &str, only_ns: bool, only_bytes: bool, all: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let names = natives();
    let priced: BTreeSet<&str> = recipes().iter().map(|recipe| recipe.name.as_str()).collect();
    wrong.extend(
        names
            .iter()
            .filter(|name| !priced.contains(name.as_str()))
            .map(|name| format!("{name} has no price, on its page in stdlib/doc or in recipes.txt")),
    );
    wrong.extend(
        priced
            .iter()
            .filter(|name| !name.starts_with('(') && !names.contains(**name))
            .map(|name| format!("{name} has a price, but there is no such native")),
    );
    let chosen = chosen(part);
    if !only_bytes {
        let (mut numbers, mut found) = (Vec::new(), Vec::new());
        for &(number, recipe) in &chosen {
            match calls(recipe) {
                Ok(sizes) => {
                    numbers.push(number);
                    found.push(sizes);
                }
                Err(text) => wrong.push(format!("{}: its recipe fails: {text}  [{}]", recipe.name, recipe.call)),
            }
        }
        let counted = if only_ns { None } else { instructions(&numbers) };
        let what = if counted.is_some() { "instructions" } else { "ns" };
        if counted.is_none() {
            println!("valgrind does not count here: times, which decide nothing");
        }
        let prices: Vec<Price<'_>> = (0..numbers.len())
            .map(|at| Price {
                recipe: &recipes()[numbers[at]],
                fuel: found[at].map(|(fuel, _)| fuel),
                work: counted.as_ref().map_or(found[at].map(|(_, ns)| ns), |counted| counted[at]),
            })
            .collect();
        let [loops, nothing] = ["(loop)", "(nothing)"].map(|name| {
            let price = prices.iter().find(|price| price.recipe.name == name);
            price.unwrap_or_else(|| panic!("{name} is not in recipes.txt"))
        });
        let base = (nothing.work[2], nothing.fuel[2]);
        let unit = (loops.work[2] - loops.work[1]) as f64 / (loops.fuel[2] - loops.fuel[1]) as f64;
        println!("a unit of a plain loop: {unit:.2} {what}; a call that does nothing: {} {what}", base.0);
        println!("{what} / units of fuel = times the loop, for n = {SIZES:?}");
        for price in &prices {
            println!("{}", shown(price, unit, base));
            if counted.is_some() && !price.recipe.name.starts_with('(') {
                let name = &price.recipe.name;
                let found = price.wrong(unit, base);
                match (price.recipe.known, found.is_empty()) {
                    (true, false) => println!("  a known gap: {}", found.join("; ")),
                    (true, true) => wrong.push(format!("{name}: no longer costs too much, take its mark away")),
                    _ => {
                        let call = &price.recipe.call;
                        wrong.extend(found.into_iter().map(|text| format!("{name}: {text}  [{call}]")));
                    }
                }
            }
        }
    }
    if !only_ns || all {
        wrong.extend(memory(&chosen));
    }
    wrong
}

/// Looks at the memory of every native, in as many processes at once as there are cores.
fn memory(chosen: &[(usize, &'static Recipe)]) -> Vec<String> {
    let (next, wrong) = (AtomicUsize::new(0), std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |count| count.get()) {
            scope.spawn(|| {
                while let Some(&(number, recipe)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if recipe.name.starts_with('(') || recipe.is_small() {
                        continue;
                    }
                    let found = match bytes(number, 8 << 30) {
                        // Half of it must not be enough, unless what stays is most of it.
                        Ok((peak, kept, _)) if peak > 2 * kept + UNSEEN => {
                            bytes(number, peak / 2).map(|(.., is_done)| {
                                let text = format!("takes {} KiB and asks for less than half", peak >> 10);
                                is_done.then(|| format!("n = {LARGE}: {text}; {} KiB of it stay", kept >> 10))
                            })
                        }
                        found => found.map(|_| None),
                    };
                    if let Some(text) = found.unwrap_or_else(|text| Some(format!("in a process of its own: {text}"))) {
                        let line = format!("{}: {text}  [{}]", recipe.name, recipe.call);
                        wrong.lock().unwrap_or_else(|error| error.into_inner()).push(line);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap_or_else(|error| error.into_inner())
}

/// Where the file of a recipe is.
fn file(folder: &Path) -> String {
    folder.join("file").display().to_string()
}
