//! Functions made by chance that the checker accepts do no harm, whatever values they meet: they run, are stopped before
//! any instruction, saved, loaded, hashed and compared, and the machine works on.
//!
//! Half of them keep all rules about what registers hold; nearly all of those are accepted. The others break one rule
//! each: they may be refused, and what is accepted of them is as harmless as the rest. `TYPED_SECONDS`, `TYPED_COUNT`
//! and `TYPED_SEED` in the environment say how long, how many and which; with `TYPED_SEED` and a count of 1 it is one.

#[allow(dead_code, reason = "the fuzz targets use the rest")]
#[path = "../fuzz/bodies/input.rs"]
mod input;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::typed::{Program, Rule};
use crate::{batches, parts, typed};
use quipu::code::{Code, CodeHash, FreeKind, listing};
use quipu::vm::graph::tag;
use quipu::vm::image::{Form, Image};
use quipu::vm::native::NativeDef;
use quipu::vm::{Budget, Failure, Fault, Limits, Root, Run, Step, Stop, Vm, Watch};
use quipu::{Engine, Input, Session};

/// Programs in the test command.
const COUNT: usize = 6_000;

/// Most time for all of them there.
const SECONDS: u64 = 30;

/// Most time for one.
const TIME: Duration = Duration::from_secs(60);

/// What a program may take: little where everything is collected all the time.
const FUEL: u64 = 3_000;

const TEST: &str = concat!(module_path!(), "::accepted_code_does_no_harm");

fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn accepted_code_does_no_harm() {
    let first = number_in("TYPED_SEED").unwrap_or(0) as usize;
    let count = number_in("TYPED_COUNT").map_or(COUNT, |count| count as usize);
    let seconds = number_in("TYPED_SECONDS").unwrap_or(SECONDS);
    let mut seeds: Vec<usize> = (first..first + count).collect();
    // Those that break rules come last: harm that they have done is not to be seen in others.
    seeds.sort_by_key(|seed| (seed % 2, *seed));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut trial = Trial::new();
    let report = batches::in_processes(TEST, &seeds, TIME, Some(until), |seed| {
        let outcome = trial.attempt(seed);
        trial.tell(seed);
        outcome
    });
    let counts = Counts::of(&report.told);
    println!("{counts}");
    let wrong: Vec<String> =
        report.wrong.iter().map(|wrong| format!("seed {} {}", wrong.number, wrong.message)).collect();
    assert!(wrong.is_empty(), "{} programs do harm:\n{}", wrong.len(), wrong.join("\n"));
    // A slow machine does less in the time.
    if count == COUNT && Instant::now() < until {
        counts.assert_enough();
    }
}

/// What was made of programs, and what they did.
#[derive(Default)]
struct Counts(BTreeMap<String, u64>);

impl Counts {
    fn add(&mut self, what: impl Into<String>, count: u64) {
        *self.0.entry(what.into()).or_default() += count;
    }

    fn of(told: &[String]) -> Counts {
        let mut counts = Counts::default();
        for line in told {
            if let Some((what, count)) = line.rsplit_once(' ') {
                counts.add(what, count.parse().unwrap_or(0));
            }
        }
        counts
    }

    fn get(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Nearly everything is accepted that keeps the rules, and every instruction ran.
    fn assert_enough(&self) {
        let (accepted, refused) = (self.get("sound accepted"), self.get("sound refused"));
        assert!(accepted * 100 > (accepted + refused) * 80, "{accepted} accepted, {refused} refused");
        let ran: BTreeSet<&str> = self.0.keys().filter_map(|what| what.strip_prefix("ran ")).collect();
        let missing: Vec<&str> = Vm::instructions().filter(|name| !ran.contains(name)).collect();
        assert!(missing.is_empty(), "these never ran: {missing:?}");
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let others = self.0.iter().filter(|(what, _)| !what.starts_with("ran "));
        others.into_iter().try_for_each(|(what, count)| writeln!(f, "{count:>8} {what}"))?;
        let missing = Vm::instructions().filter(|name| self.get(&format!("ran {name}")) == 0);
        write!(f, "never ran: {:?}", missing.collect::<Vec<_>>())
    }
}

/// Numbers from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % below
    }
}

/// One process's work.
struct Trial {
    engine: Engine,
    counts: Counts,
}

/// How a machine is to run a program.
#[derive(Clone, Copy)]
struct Way {
    collects: bool,
    collects_at_calls: bool,
    watched: bool,
}

impl Trial {
    fn new() -> Trial {
        let exit = NativeDef::new("exit", 0, |_, _| Err(Fault::Stop(Stop::Exit(3))));
        let engine = Engine::builder().define(exit).build().expect("the library has no such name");
        Trial { engine, counts: Counts::default() }
    }

    /// Tells what was counted since the last time.
    fn tell(&mut self, piece: usize) {
        for (what, count) in std::mem::take(&mut self.counts.0) {
            batches::tell(piece, &format!("{what} {count}"));
        }
    }

    /// Makes the program of a seed and does everything with it that there is to do.
    fn attempt(&mut self, seed: usize) -> Result<(), String> {
        let mut dice = Dice(seed as u64);
        let rule = (seed % 2 == 1).then(|| Rule::ALL[dice.below(Rule::ALL.len() as u64) as usize]);
        let what = rule.map_or("sound".to_owned(), |rule| format!("{rule:?}"));
        batches::note(seed, &what);
        if seed.is_multiple_of(1000) {
            let program = typed::program_without_its_native().map_err(|error| error.to_string())?;
            self.without_an_image(&program.main);
            for program in [typed::program_of_loops(), typed::long_program()] {
                self.harmless(&program.map_err(|error| error.to_string())?, &mut dice, true)?;
            }
            return Ok(());
        }
        let made = typed::program(&mut |below| dice.below(below), rule);
        let accepted = if made.is_ok() { "accepted" } else { "refused" };
        self.counts.add(format!("{what} {accepted}"), 1);
        if let (None, Err(error)) = (rule, &made) {
            let kind = format!("{:?}", error.kind);
            let kind = kind.split(['(', ' ']).next().unwrap_or_default();
            self.counts.add(format!("sound refused as {kind}"), 1);
        }
        match made {
            Ok(program) => self.harmless(&program, &mut dice, false),
            Err(_) => Ok(()),
        }
    }

    fn harmless(&mut self, program: &Program, dice: &mut Dice, watched: bool) -> Result<(), String> {
        let known: HashMap<CodeHash, Code> = program.codes.iter().map(|code| (code.hash(), code.clone())).collect();
        if std::env::var_os("TYPED_SHOW").is_some() {
            program.codes.iter().for_each(|code| eprintln!("{:?}\n{}", code.hash(), listing(code, None)));
        }
        if program.main.body().free.is_empty() && dice.below(4) == 0 {
            self.without_an_image(&program.main);
        }
        let bytes = input::file_of_code(&program.main, closure_of(&program.main), &known);
        let image = Image::parse(bytes, &known).map_err(|error| format!("checked code is refused: {error}"))?;
        let way = Way {
            collects: dice.below(8) == 0,
            collects_at_calls: dice.below(8) == 0,
            watched: watched || dice.below(3) == 0,
        };
        let mut session = self.session(way);
        let Ok(function) = session.vm().load(&image) else { return Ok(()) };
        same(&mut session, &function, &image)?;
        for count in 0..2 {
            self.run(&mut session, &function, count, way, dice)?;
        }
        self.count_what_ran(&mut session);
        works_on(&mut session)
    }

    /// Calls code that was just made, which can name what this host does not provide.
    fn without_an_image(&mut self, main: &Code) {
        let mut session = self.session(Way { collects: false, collects_at_calls: false, watched: true });
        session.vm().set_limits(limits(FUEL));
        if let Ok(function) = session.vm().instantiate(main, &[]) {
            let _ = session.vm().call(&function, &[]);
        }
        self.count_what_ran(&mut session);
    }

    fn count_what_ran(&mut self, session: &mut Session) {
        if let Some(watched) = session.vm().watched() {
            watched.instructions.iter().for_each(|&(name, count)| self.counts.add(format!("ran {name}"), count));
        }
    }

    /// Runs a function, takes it to another machine on the way, and compares what becomes of it here and there.
    fn run(
        &mut self,
        here: &mut Session,
        function: &Root,
        count: usize,
        way: Way,
        dice: &mut Dice,
    ) -> Result<(), String> {
        here.vm().set_limits(limits(self.fuel(way)));
        let arguments = arguments(here, dice);
        let Ok(mut run) = here.vm().start(function, &arguments[..count.min(arguments.len())]) else { return Ok(()) };
        // Counting takes fused groups apart, fuel does not.
        let budget = match dice.below(3) {
            0 => Budget::Instructions(dice.below(120)),
            _ => Budget::Fuel(dice.below(20)),
        };
        let mut first = here.vm().step(&mut run, budget);
        if let Ok(Step::Yield(value)) = &first {
            let _ = here.vm().repr(value);
            first = here.vm().step(&mut run, budget);
        }
        if !matches!(first, Ok(Step::OutOfBudget | Step::Yield(_))) {
            return looked_at(here, first);
        }
        here.vm().set_limits(limits(1 << 20));
        let Ok(image) = here.vm().image(run.fiber()) else { return finish(here, &mut run, self.fuel(way)).map(drop) };
        let bytes = image.dump(Form::default());
        let opened = Image::parse(&bytes, &()).map_err(|error| format!("not opened again: {error}"))?;
        let mut there = self.session(Way { watched: false, ..way });
        let copy = there.vm().load(&opened).map_err(|failure| format!("not loaded again: {failure:?}"))?;
        same(&mut there, &copy, &image)?;
        let mut copy = there.vm().run_of(&copy).ok_or("a run is a fiber")?;
        let (one, other) = (finish(here, &mut run, self.fuel(way))?, finish(&mut there, &mut copy, self.fuel(way))?);
        if let (Some(one), Some(other)) = (&one, &other)
            && one != other
        {
            return Err(format!("here {one}, there {other}"));
        }
        works_on(&mut there)
    }

    fn fuel(&self, way: Way) -> u64 {
        if way.collects || way.collects_at_calls { FUEL / 20 } else { FUEL }
    }

    fn session(&self, way: Way) -> Session {
        let mut session = self.engine.session(limits(1 << 20)).expect("there is room");
        session.vm().set_output(Box::new(std::io::sink()));
        session.vm().set_gc_stress(way.collects);
        session.vm().set_call_stress(way.collects_at_calls);
        session.vm().unwind_on_interrupt(true);
        if way.watched {
            session.vm().watch(Watch::default());
        }
        session
    }
}

fn limits(fuel: u64) -> Limits {
    Limits { fuel: Some(fuel), heap: Some(16 << 20), depth: 300, deadline: None }
}

/// What was loaded is the graph of the image.
fn same(session: &mut Session, value: &Root, image: &Image) -> Result<(), String> {
    session.vm().set_limits(limits(1 << 20));
    let again = session.vm().image(value).map_err(|failure| format!("not saved again: {failure:?}"))?;
    let hash = session.vm().hash(value).map_err(|failure| format!("not hashed: {failure:?}"))?;
    if again.hash() != image.hash() || hash != image.hash() {
        return Err("another graph after a trip".to_owned());
    }
    Ok(())
}

/// Lets a run go to its end; gives what it came to, or nothing where a limit ended it.
fn finish(session: &mut Session, run: &mut Run, fuel: u64) -> Result<Option<String>, String> {
    session.vm().set_limits(limits(fuel));
    let mut yields = 0;
    loop {
        match session.vm().step(run, Budget::Unlimited) {
            Ok(Step::Yield(value)) if yields < 20 => {
                let _ = session.vm().repr(&value);
                yields += 1;
            }
            Ok(Step::Done(value) | Step::Yield(value)) => {
                session.vm().set_limits(limits(1 << 20));
                let _ = session.vm().repr(&value);
                return Ok(session.vm().hash(&value).ok().map(|hash| format!("{hash:02x?}")));
            }
            Err(Failure::Uncaught(uncaught)) => return Ok(Some(format!("{:?}: {}", uncaught.kind, uncaught.message))),
            _ => return Ok(None),
        }
    }
}

/// Shows and saves what a step came to.
fn looked_at(session: &mut Session, step: Result<Step, Failure>) -> Result<(), String> {
    session.vm().set_limits(limits(1 << 20));
    if let Ok(Step::Done(value)) = step {
        let _ = session.vm().repr(&value);
        let shown = session.run(&Input::text("look.qp", "|v| [v, [v], v == v, \"${v}\"]"));
        let look = shown.map_err(|error| format!("the machine is broken: {error}"))?;
        let _ = session.vm().call(&look, std::slice::from_ref(&value));
        if let Ok(image) = session.vm().image(&value) {
            let opened = Image::parse(image.dump(Form::default()), &()).map_err(|error| error.to_string())?;
            let again = session.vm().load(&opened).map_err(|failure| format!("not loaded: {failure:?}"))?;
            same(session, &again, &image)?;
        }
    }
    Ok(())
}

/// Whatever happened, the machine goes on.
fn works_on(session: &mut Session) -> Result<(), String> {
    session.vm().set_gc_stress(false);
    session.vm().set_call_stress(false);
    session.vm().set_limits(limits(1 << 20));
    let after = session.run(&Input::text("after.qp", "[1, 2, 3].map(|x| x * 2).sum()"));
    let after = after.map_err(|error| format!("the machine is broken: {error}"))?;
    match session.vm().repr(&after) {
        Ok(text) if text == "12" => Ok(()),
        other => Err(format!("the machine is broken: {other:?}")),
    }
}

fn arguments(session: &mut Session, dice: &mut Dice) -> Vec<Root> {
    let texts =
        ["[1, \"a\"]", "|x| x", "5", "\"ab\"", "[\"a\": 1]", "fiber(|| { yield 1; 2 })", "nil", "0.5", "(1, [2])"];
    let text = texts[dice.below(texts.len() as u64) as usize];
    session.run(&Input::text("argument.qp", text)).into_iter().collect()
}

/// A graph whose root is a closure of this code, with ints and variables for what it takes.
fn closure_of(code: &Code) -> Vec<u8> {
    let free = &code.body().free;
    let cells = free.iter().filter(|&&kind| kind == FreeKind::Cell).count();
    let mut graph = Vec::new();
    parts::count(&mut graph, 1);
    parts::count(&mut graph, cells);
    graph.extend([tag::CLOSURE, 0]);
    graph.extend(code.hash().0);
    parts::count(&mut graph, free.len());
    graph.extend(free.iter().map(|kind| if *kind == FreeKind::Cell { tag::VAR } else { tag::SMALL + 20 }));
    graph.extend((0..cells).map(|cell| if cell % 3 == 2 { tag::ABSENT } else { tag::SMALL + 18 }));
    graph
}
