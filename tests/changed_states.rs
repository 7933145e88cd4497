//! Images of suspended programs in which something was changed: a register, a cell, a capture, a position, a link, a
//! handler. Whatever still opens and loads runs to its end without a panic, and what can be saved then loads again.
//!
//! Every case is made from its number alone. They run in processes of their own, because broken memory takes the process
//! along; the case that was under way then is a finding as any other, and the next process goes on behind it.
//!
//! In the environment: `STATES_SEED` for other cases, `STATES_SECONDS` for more time or `STATES_COUNT` for a number of
//! cases, `STATES_CASE` for one case alone, whose image is kept.

#[path = "support/change.rs"]
mod change;
#[path = "support/damage.rs"]
#[allow(dead_code, reason = "texts are damaged elsewhere")]
mod damage;
#[path = "support/graph.rs"]
mod graph;
#[path = "support/parts.rs"]
#[allow(dead_code, reason = "bytes are changed elsewhere")]
mod parts;
mod support;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use change::Subject;
use damage::Numbers;
use graph::Graph;
use parts::Parts;
use quipu::vm::image::{Form, Image, ImageError, ImageRule};
use quipu::vm::{Budget, Failure, Limits, Root, Run, Step};
use quipu::{Engine, Input, Session};
use support::generate::program;

const SECONDS: u64 = 30;

/// How many findings are enough for one run.
const MOST: usize = 40;

/// How long one case may take before it counts as hanging. Cases have little fuel, but machines may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many programs are generated, and in how many ways each program is stopped.
const GENERATED: usize = 60;
const CUTS: usize = 6;

const STRIPPED: Form = Form { thin: false, strip: true };
const FAT: Form = Form { thin: false, strip: false };

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

fn limits(fuel: u64, heap: usize) -> Limits {
    Limits { fuel: Some(fuel), heap: Some(heap), depth: 2_000, deadline: None }
}

const PLENTY: (u64, usize) = (1 << 24, 256 << 20);

fn session(engine: &Engine) -> Session {
    let mut session = engine.session(limits(PLENTY.0, PLENTY.1)).unwrap();
    session.vm().set_output(Box::new(std::io::sink()));
    session
}

type Made = Option<Rc<Subject>>;

/// What is done to each case, and what is needed for it.
struct Attack {
    engine: Engine,
    seed: u64,
    /// Programs by name.
    programs: Vec<(String, String)>,
    /// Stored images by name.
    stored: Vec<(String, Vec<u8>)>,
    /// What uses a value in every way, and what compares two.
    drive: Image,
    /// Images by program and cut; none where the program was over before.
    made: RefCell<HashMap<(usize, usize), Made>>,
}

/// How far a case came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Came {
    /// There was nothing to change.
    Nowhere,
    Changed,
    Opened,
    Ran,
}

/// How what was loaded is run.
#[derive(Clone, Copy, Debug)]
struct How {
    fuel: u64,
    /// With a collection at every allocation.
    stress: bool,
    /// With little memory beside what is loaded.
    narrow: bool,
}

impl How {
    fn any(numbers: &mut Numbers) -> How {
        let (stress, narrow) = (numbers.below(6) == 0, numbers.below(6) == 0);
        How { fuel: if stress { 300 } else { [300, 3_000, 30_000][numbers.below(3)] }, stress, narrow }
    }
}

impl Attack {
    fn new(seed: u64) -> Attack {
        let engine = Engine::new();
        let mut programs = files("tests/support/states", "qp");
        let mut numbers = Numbers(mix(seed, u64::MAX));
        for number in 0..GENERATED {
            let text = program(&mut |below| numbers.below(below as usize) as u64);
            programs.push((format!("generated {number}"), text.into_bytes()));
        }
        let text = |(name, bytes)| (name, String::from_utf8(bytes).unwrap());
        let programs = programs.into_iter().map(text).collect();
        let drive = fs::read_to_string("tests/support/drive.qp").unwrap();
        let mut session = session(&engine);
        let drive = session.run(&Input::text("drive.qp", drive)).unwrap();
        let drive = session.vm().image(&drive).unwrap();
        let stored = files("tests/golden/images", "qpi");
        Attack { engine, seed, programs, stored, drive, made: RefCell::default() }
    }

    /// A program that waits: its value, or, if it is stopped before, the run.
    fn subject(&self, program: usize, cut: usize) -> Option<Rc<Subject>> {
        let made = self.made.borrow().get(&(program, cut)).cloned();
        made.unwrap_or_else(|| {
            let subject = self.image(program, cut).map(|image| Rc::new(Subject::of(&image)));
            self.made.borrow_mut().insert((program, cut), subject.clone());
            subject
        })
    }

    fn image(&self, program: usize, cut: usize) -> Option<Image> {
        let Some((name, text)) = self.programs.get(program) else {
            let (_, bytes) = &self.stored[program - self.programs.len()];
            return Some(Image::parse(bytes, &()).unwrap());
        };
        let input = Input::text(format!("{name}.qp"), text.as_str());
        let mut session = session(&self.engine);
        if cut == 0 {
            // Some generated programs throw in the end.
            let value = session.run(&input).ok()?;
            return Some(session.vm().image(&value).unwrap());
        }
        let mut run = session.start(&input).unwrap_or_else(|error| panic!("{name}: {error}"));
        let length = length(&mut session, &mut run);
        let mut run = session.start(&input).unwrap();
        let mut numbers = Numbers(mix(self.seed, (program * CUTS + cut) as u64));
        match session.vm().step(&mut run, Budget::Instructions(numbers.below(length) as u64)) {
            Ok(Step::OutOfBudget) => Some(session.vm().image(run.fiber()).unwrap()),
            _ => None,
        }
    }

    /// Tries a case. `note` is told what is changed before anything can go wrong.
    fn attempt(&self, case: u64, mut note: impl FnMut(&str, Option<&[u8]>)) -> (Came, String) {
        let mut numbers = Numbers(mix(self.seed, case));
        let program = numbers.below(self.programs.len() + self.stored.len());
        let cut = numbers.below(CUTS);
        let nowhere = (Came::Nowhere, String::new());
        let Some(subject) = self.subject(program, cut) else { return nowhere };
        let names = self.programs.iter().map(|(name, _)| name).chain(self.stored.iter().map(|(name, _)| name));
        let name = names.into_iter().nth(program).unwrap();
        let mut what = format!("{name}, cut {cut}:");
        let mut subject = Subject::clone(&subject);
        let wanted = if numbers.below(4) == 0 { 2 } else { 1 };
        for _ in 0..wanted {
            let Some(change) = (0..20).find_map(|_| subject.change(&mut numbers)) else { return nowhere };
            let _ = write!(what, "\n    {change}");
        }
        let how = How::any(&mut numbers);
        let _ = write!(what, "\n    {how:?}");
        let Some(mut parts) = subject.parts() else { return nowhere };
        let mut opened = Image::parse(parts.bytes(), &());
        if let Err(ImageError::Broken { rule: ImageRule::Fill { needed, .. }, .. }) = opened {
            parts.fill = needed;
            opened = Image::parse(parts.bytes(), &());
        }
        let bytes = parts.bytes();
        note(&what, Some(&bytes));
        match opened {
            Ok(image) => {
                let form = if image.codes().iter().any(|code| code.debug().is_some()) { FAT } else { STRIPPED };
                assert!(image.dump(form) == bytes, "what was opened has other bytes");
                self.exercise(&image, how, &mut numbers)
            }
            Err(error) => (Came::Changed, error.to_string()),
        }
    }

    /// Loads an image, saves what was loaded, and runs it in several ways.
    fn exercise(&self, image: &Image, how: How, numbers: &mut Numbers) -> (Came, String) {
        let mut session = session(&self.engine);
        let value = match session.vm().load(image) {
            Ok(value) => value,
            Err(failure) => return (Came::Opened, refused(&failure)),
        };
        let again = session.vm().image(&value).unwrap_or_else(|failure| panic!("not saved again: {failure:?}"));
        assert_eq!(again.hash(), image.hash(), "another graph after a trip");
        assert!(again.dump(STRIPPED) == image.dump(STRIPPED), "other bytes after a trip");
        assert_eq!(session.vm().hash(&value).unwrap(), image.hash(), "another hash after a trip");
        let copy = session.vm().load(&again).unwrap_or_else(|failure| panic!("not loaded again: {failure:?}"));
        let drive = session.vm().load(&self.drive).unwrap();
        let [drive, compare] = [0, 1].map(|index| session.vm().tuple_item(&drive, index).unwrap());

        let heap = if how.narrow { session.vm().stats().heap_bytes + (64 << 10) } else { 64 << 20 };
        let narrow = |session: &mut Session| {
            session.vm().set_limits(limits(how.fuel, heap));
            session.vm().set_gc_stress(how.stress);
        };
        narrow(&mut session);
        let _ = session.vm().repr(&value);
        narrow(&mut session);
        let _ = session.vm().call(&compare, &[value.clone(), copy.clone()]);
        narrow(&mut session);
        let went_on = self.go_on(&mut session, &copy, &narrow, numbers);
        narrow(&mut session);
        let driven = session.vm().call(&drive, std::slice::from_ref(&value));
        for root in driven.iter().chain([&value, &copy]).chain(&went_on) {
            narrow(&mut session);
            let _ = session.vm().repr(root);
            self.save(&mut session, root);
        }
        let after = session.run(&Input::text("after.qp", "[1, 2, 3].map(|x| x * 2).sum()")).unwrap();
        assert_eq!(session.vm().repr(&after).unwrap(), "12", "the machine is broken");
        (Came::Ran, String::new())
    }

    /// Lets a fiber go on, or calls a function, from outside, with pauses to save it. Gives what came of it.
    fn go_on(
        &self,
        session: &mut Session,
        value: &Root,
        narrow: &dyn Fn(&mut Session),
        numbers: &mut Numbers,
    ) -> Vec<Root> {
        let argument = session.vm().int(2);
        let run = match session.vm().run_of(value) {
            Some(run) => Ok(run),
            None => session.vm().start(value, &vec![argument.clone(); numbers.below(3)]),
        };
        let Ok(mut run) = run else { return Vec::new() };
        let mut gave = vec![run.fiber().clone()];
        for turn in 0..8 {
            let budget = if turn < 4 { Budget::Instructions(numbers.below(40) as u64) } else { Budget::Unlimited };
            match session.vm().resume(&mut run, &argument, budget) {
                Ok(Step::Yield(value)) => gave.push(value),
                Ok(Step::Done(value)) => {
                    gave.push(value);
                    break;
                }
                Ok(_) => {
                    self.save(session, run.fiber());
                    narrow(session);
                }
                Err(Failure::Uncaught(uncaught)) => {
                    gave.push(uncaught.value);
                    break;
                }
                Err(Failure::Stop(..)) => break,
            }
        }
        gave
    }

    /// Saves a value, or hears that this cannot be; what was saved can be loaded, and is the same graph then.
    fn save(&self, session: &mut Session, value: &Root) {
        session.vm().set_limits(limits(PLENTY.0, PLENTY.1));
        session.vm().set_gc_stress(false);
        let image = match session.vm().image(value) {
            Ok(image) => image,
            Err(Failure::Uncaught(uncaught)) if uncaught.kind.as_deref() == Some("not_portable") => return,
            Err(Failure::Stop(..)) => return,
            Err(failure) => panic!("not saved: {failure:?}"),
        };
        let bytes = image.dump(FAT);
        let opened = Image::parse(&bytes, &()).unwrap_or_else(|error| panic!("saved but not opened: {error}"));
        assert_eq!(opened.hash(), image.hash(), "another hash in the file");
        let loaded = match session.vm().load(&opened) {
            Ok(loaded) => loaded,
            Err(Failure::Stop(..)) => return,
            Err(failure) => panic!("saved but not loaded: {failure:?}"),
        };
        assert_eq!(session.vm().hash(&loaded).ok(), Some(image.hash()), "another graph when it was loaded");
    }
}

/// Why a machine refuses an image that opens: a rule of keys or names, or a limit.
fn refused(failure: &Failure) -> String {
    match failure {
        Failure::Stop(stop, _) => format!("{stop}"),
        Failure::Uncaught(uncaught) => {
            assert_eq!(uncaught.kind.as_deref(), Some("image_error"), "{failure:?}");
            uncaught.message.clone()
        }
    }
}

/// About how many instructions a run has.
fn length(session: &mut Session, run: &mut Run) -> usize {
    let mut length = 1;
    while length < 100_000 {
        match session.vm().step(run, Budget::Instructions(16)) {
            Ok(Step::OutOfBudget) => length += 16,
            _ => break,
        }
    }
    length
}

/// One number of two, so that neighbours have nothing in common.
fn mix(seed: u64, case: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ case.wrapping_mul(0xd6e8_feb8_6659_fd93);
    for _ in 0..2 {
        mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    mixed ^ mixed >> 32
}

fn files(folder: &str, extension: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    let each = |file: PathBuf| (file.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(&file).unwrap());
    files.into_iter().map(each).collect()
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("changed_states");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The model of graphs is one of all of a graph: nothing is lost, and nothing is written another way.
#[test]
fn the_model_writes_what_it_has_read() {
    let attack = Attack::new(0);
    let mut count = 0;
    for program in 0..attack.programs.len() + attack.stored.len() {
        for cut in 0..CUTS {
            let Some(image) = attack.image(program, cut) else { continue };
            let graph = Graph::read(image.graph());
            assert!(graph.write().unwrap().bytes == image.graph(), "program {program}, cut {cut}: another graph");
            let file = image.dump(FAT);
            let mut parts = Subject::of(&image).parts().unwrap();
            parts.fill = Parts::of(&file).fill;
            assert!(parts.bytes() == file, "program {program}, cut {cut}: another file");
            count += 1;
        }
    }
    assert!(count > 300, "only {count} images");
}

/// What a process has done so far, and the case that is under way.
#[derive(Default)]
struct Progress {
    case: u64,
    /// How many cases came how far.
    came: [u64; 4],
    what: String,
}

impl Progress {
    fn write(&self, to: &Path) {
        let came: Vec<String> = self.came.iter().map(u64::to_string).collect();
        fs::write(to, format!("{} {}\n{}", self.case, came.join(" "), self.what)).unwrap();
    }

    fn read(from: &Path) -> Option<Progress> {
        let text = fs::read_to_string(from).ok()?;
        let (head, what) = text.split_once('\n')?;
        let mut words = head.split(' ').map(|word| word.parse().unwrap());
        let case = words.next()?;
        let mut came = [0; 4];
        came.iter_mut().for_each(|count| *count = words.next().unwrap());
        Some(Progress { case, came, what: what.to_owned() })
    }
}

thread_local! {
    /// What the panic that was caught last has said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

fn keep_what_panics_say() {
    std::panic::set_hook(Box::new(|panic| {
        SAID.with(|said| *said.borrow_mut() = panic.to_string().replacen('\n', " ", 1));
        // Some panics end the process here and now.
        eprintln!("{panic}");
    }));
}

#[test]
fn what_loads_runs_and_what_is_saved_loads() {
    let seed = number_of("STATES_SEED").unwrap_or(1);
    if let Some(case) = number_of("STATES_CASE") {
        let note = |what: &str, bytes: Option<&[u8]>| {
            let file = folder().join(format!("{seed}_{case}.qpi"));
            bytes.iter().for_each(|bytes| fs::write(&file, bytes).unwrap());
            println!("case {case} of seed {seed}, {what}\n{}", file.display());
        };
        println!("{:?}", Attack::new(seed).attempt(case, note));
        return;
    }
    let count = number_of("STATES_COUNT");
    let seconds = number_of("STATES_SECONDS").unwrap_or(if count.is_some() { 1 << 30 } else { SECONDS });
    let ends = Instant::now() + Duration::from_secs(seconds);
    let findings = Mutex::new(Vec::new());
    let (total, found) = (Mutex::new([0; 4]), AtomicUsize::new(0));
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get()) as u64;
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (findings, total, found) = (&findings, &total, &found);
            scope.spawn(move || {
                let mut from = worker;
                while found.load(Ordering::Relaxed) < MOST && count.is_none_or(|count| from < count) {
                    let left = ends.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    let ran = Process { seed, worker, from, stride: workers, count, left }.run();
                    for (sum, count) in total.lock().unwrap().iter_mut().zip(ran.progress.came) {
                        *sum += count;
                    }
                    found.fetch_add(ran.findings.len(), Ordering::Relaxed);
                    findings.lock().unwrap().extend(ran.findings);
                    from = ran.progress.case + workers;
                }
            });
        }
    });
    let [nowhere, changed, opened, ran] = total.into_inner().unwrap();
    let all = changed + opened + ran;
    println!("{all} changed images: {} opened, {ran} of these loaded and ran; {nowhere} not made", all - changed);
    let findings = findings.into_inner().unwrap();
    assert!(findings.is_empty(), "{}", summary(seed, findings));
    assert!(ran * 5 > all, "only {ran} of {all} changed images ran");
}

/// The findings by what was said, the case first of which the image is easiest to look at.
fn summary(seed: u64, findings: Vec<Finding>) -> String {
    let mut by_said: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    let count = findings.len();
    findings.into_iter().for_each(|finding| by_said.entry(finding.kind()).or_default().push(finding));
    let mut text = format!("{count} findings. STATES_SEED={seed} STATES_CASE=N tries case N again.\n");
    for mut findings in by_said.into_values() {
        findings.sort_by_key(|finding| (finding.what.len(), finding.case));
        let _ = writeln!(text, "\n{} times: {}", findings.len(), findings[0].said.trim());
        for finding in findings.iter().take(3) {
            let _ = writeln!(text, "  case {}, {}", finding.case, finding.what);
        }
    }
    text
}

/// Something that must not happen.
struct Finding {
    case: u64,
    what: String,
    said: String,
}

impl Finding {
    /// What was said but for numbers and addresses, which say little.
    fn kind(&self) -> String {
        let words = self.said.split_whitespace().filter(|word| !word.starts_with("0x"));
        let is_said = |c: &char| !c.is_ascii_digit();
        words.collect::<Vec<_>>().join(" ").chars().filter(is_said).take(100).collect()
    }
}

/// A process that tries cases one after the other.
struct Process {
    seed: u64,
    worker: u64,
    from: u64,
    stride: u64,
    count: Option<u64>,
    left: Duration,
}

/// What became of it.
struct Ran {
    progress: Progress,
    findings: Vec<Finding>,
}

impl Process {
    fn run(&self) -> Ran {
        let file = |what: &str| folder().join(format!("{what}_{}", self.worker));
        let (progress, found, errors) = (file("progress"), file("found"), file("errors"));
        let first = Progress { case: self.from, ..Progress::default() };
        first.write(&progress);
        fs::write(&found, "").unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "the_other_process", "--nocapture"]);
        command.env("STATES_FROM", self.from.to_string()).env("STATES_STRIDE", self.stride.to_string());
        command.env("STATES_SEED", self.seed.to_string()).env("STATES_MILLIS", self.left.as_millis().to_string());
        command.env("STATES_COUNT", self.count.unwrap_or(u64::MAX).to_string());
        command.env("STATES_PROGRESS", &progress).env("STATES_FOUND", &found);
        command.stdout(File::create(file("output")).unwrap()).stderr(File::create(&errors).unwrap());
        let mut child = command.spawn().unwrap();
        let (mut last, mut since) = (u64::MAX, Instant::now());
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
            let case = Progress::read(&progress).map_or(last, |progress| progress.case);
            if case != last {
                (last, since) = (case, Instant::now());
            } else if since.elapsed() > PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
        };
        let progress = Progress::read(&progress).unwrap_or(first);
        let mut findings = findings_in(&fs::read_to_string(&found).unwrap());
        if !status.is_some_and(|status| status.success()) {
            let errors = fs::read_to_string(&errors).unwrap_or_default();
            let said = died(status, &errors);
            findings.push(Finding { case: progress.case, what: progress.what.clone(), said });
        }
        Ran { progress, findings }
    }
}

/// How a process ended, with the last that it said.
fn died(status: Option<ExitStatus>, errors: &str) -> String {
    let Some(status) = status else { return "hangs".to_owned() };
    let panics = errors.match_indices("panicked at").last().map_or("", |(at, _)| &errors[at..]);
    let lines: Vec<&str> = panics.lines().take(3).collect();
    format!("died, {status}: {}", lines.join(" "))
}

const BETWEEN: &str = "\u{1}";
const BEHIND: &str = "\u{2}";

fn findings_in(text: &str) -> Vec<Finding> {
    let finding = |text: &str| {
        let mut fields = text.split(BETWEEN).map(str::to_owned);
        let case = fields.next()?.parse().ok()?;
        Some(Finding { case, what: fields.next()?, said: fields.next()? })
    };
    text.split(BEHIND).filter_map(finding).collect()
}

/// The cases of one process; alone it does nothing.
#[test]
fn the_other_process() {
    let Some(from) = number_of("STATES_FROM") else { return };
    let number = |variable| number_of(variable).unwrap();
    let (seed, stride, count) = (number("STATES_SEED"), number("STATES_STRIDE"), number("STATES_COUNT"));
    let ends = Instant::now() + Duration::from_millis(number("STATES_MILLIS"));
    let (file, found) =
        (PathBuf::from(std::env::var("STATES_PROGRESS").unwrap()), std::env::var("STATES_FOUND").unwrap());
    keep_what_panics_say();
    let attack = Attack::new(seed);
    let mut progress = Progress::default();
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    let (mut findings, mut list) = (0, String::new());
    for case in (from..count).step_by(stride as usize) {
        if Instant::now() > ends || findings >= MOST {
            break;
        }
        (progress.case, progress.what) = (case, String::new());
        progress.write(&file);
        let noted = RefCell::new(String::new());
        let note = |what: &str, _: Option<&[u8]>| {
            *noted.borrow_mut() = what.to_owned();
            Progress { case, came: progress.came, what: what.to_owned() }.write(&file);
        };
        match catch_unwind(AssertUnwindSafe(|| attack.attempt(case, note))) {
            Ok((came, reason)) => {
                progress.came[came as usize] += 1;
                *reasons.entry(reason).or_default() += 1;
            }
            Err(_) => {
                let said = SAID.with(|said| said.borrow().clone());
                let _ = write!(list, "{case}{BETWEEN}{}{BETWEEN}{said}{BEHIND}", noted.borrow());
                fs::write(&found, &list).unwrap();
                findings += 1;
            }
        }
    }
    progress.write(&file);
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    reasons.iter().take(30).for_each(|(reason, count)| println!("{count} {reason}"));
}
