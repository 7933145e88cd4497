//! A count of instructions, or of fuel, names one state of a run: however it is divided into steps, whatever is collected
//! meanwhile, and whether the run goes on where it stands or out of an image. `CLOCK_PROGRAMS` and `CLOCK_SEED` in the
//! environment try more programs and others.

use crate::support::Captured;
use crate::support::cut::Numbers;
use crate::support::generate::program;
use quipu::code::hash::GraphHash;
use quipu::vm::image::{Form, Image};
use quipu::vm::{Budget, Failure, Limits, Run, Step};
use quipu::{Engine, Input, Session};

const PROGRAMS: u64 = 12;

/// Stops at which states are compared, for each program.
const STOPS: u64 = 25;

/// Bytes that a machine may have beyond what it has when the program begins. With the first few it collects all the time.
const ROOM: [usize; 4] = [100_000, 200_000, 1_000_000, 1 << 30];

/// A run that stands before its first instruction, in a machine with so much room.
struct Begun {
    session: Session,
    run: Run,
    limits: Limits,
}

impl Begun {
    fn new(engine: &Engine, text: &str, room: usize, stress: bool) -> Begun {
        let mut session = engine.session(Limits::default()).unwrap();
        session.vm().set_output(Box::new(Captured::default()));
        let run = session.start(&Input::text("program.qp", text)).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let heap = session.vm().stats().heap_bytes + room;
        let limits = Limits { heap: Some(heap), ..Limits::default() };
        session.vm().set_limits(limits.clone());
        session.vm().set_gc_stress(stress);
        Begun { session, run, limits }
    }

    /// Lets it go on; the hash of where it stands then, or how it ended.
    fn step(&mut self, budget: Budget) -> Stand {
        match self.session.vm().step(&mut self.run, budget) {
            Ok(Step::OutOfBudget) => Stand::At(self.hash()),
            Ok(Step::Done(value)) => Stand::Ended(format!("{:02x?}", self.session.vm().hash(&value).unwrap())),
            Ok(_) => Stand::Ended("it yields".to_owned()),
            Err(Failure::Stop(stop, _)) => Stand::Full(stop.to_string()),
            Err(failure) => Stand::Ended(format!("{failure:?}")),
        }
    }

    fn hash(&mut self) -> GraphHash {
        // What the machine does for its host has no part in the limits of the program.
        let vm = self.session.vm();
        vm.set_limits(Limits::default());
        let hash = vm.image(self.run.fiber()).unwrap().hash();
        vm.set_limits(self.limits.clone());
        hash
    }

    /// The same run in another machine, out of an image.
    fn loaded(&mut self, engine: &Engine) -> Begun {
        let bytes = self.session.vm().image(self.run.fiber()).unwrap().dump(Form::default());
        let mut session = engine.session(Limits::default()).unwrap();
        session.vm().set_output(Box::new(Captured::default()));
        let fiber = session.vm().load(&Image::parse(bytes, &()).unwrap()).unwrap();
        let run = session.vm().run_of(&fiber).unwrap();
        Begun { session, run, limits: Limits::default() }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Stand {
    At(GraphHash),
    Ended(String),
    /// A limit of the machine.
    Full(String),
}

/// Goes on by so many instructions, in steps that `budgets` gives.
fn go(begun: &mut Begun, count: u64, budgets: &mut dyn FnMut() -> u64) -> Stand {
    let mut left = count;
    loop {
        let next = budgets().clamp(1, left);
        left -= next;
        if left > 0 {
            // Only the last stop is looked at.
            match begun.session.vm().step(&mut begun.run, Budget::Instructions(next)) {
                Ok(Step::OutOfBudget) => continue,
                Ok(Step::Done(value)) => {
                    return Stand::Ended(format!("{:02x?}", begun.session.vm().hash(&value).unwrap()));
                }
                Ok(_) => return Stand::Ended("it yields".to_owned()),
                Err(Failure::Stop(stop, _)) => return Stand::Full(stop.to_string()),
                Err(failure) => return Stand::Ended(format!("{failure:?}")),
            }
        }
        return begun.step(Budget::Instructions(next));
    }
}

/// How many programs a test tries, and the numbers that they are made of.
fn chosen(test: &str) -> (u64, Numbers) {
    let count = std::env::var("CLOCK_PROGRAMS").map_or(PROGRAMS, |count| count.parse().unwrap());
    let seed = std::env::var("CLOCK_SEED").unwrap_or_default();
    (count, Numbers::of(&format!("{test}{seed}")))
}

#[test]
fn instructions() {
    let engine = Engine::new();
    let (count, mut numbers) = chosen("clock");
    let mut compared = 0;
    for number in 0..count {
        let text = program(&mut |below| numbers.below(below));
        // The states at some counts, each reached in one step.
        let mut reference = Begun::new(&engine, &text, ROOM[3], false);
        let mut expected: Vec<(u64, Stand)> = Vec::new();
        while expected.len() < STOPS as usize {
            let most = if numbers.below(3) == 0 { 200 } else { 20 };
            let further = 1 + numbers.below(most);
            let stand = reference.step(Budget::Instructions(further));
            let is_over = !matches!(stand, Stand::At(_));
            expected.push((further, stand));
            if is_over {
                break;
            }
        }
        let budgets: [&[u64]; 6] = [&[1], &[2], &[3], &[10], &[1000], &[1, 2, 3, 10, 1000, 17]];
        for (way, sizes) in budgets.into_iter().enumerate() {
            for (room, stress) in ROOM.into_iter().map(|room| (room, false)).chain([(ROOM[3], way == 5)]) {
                let mut begun = Begun::new(&engine, &text, room, stress);
                let mut at = 0;
                for (stop, (further, stand)) in expected.iter().enumerate() {
                    let found = go(&mut begun, *further, &mut || {
                        at += 1;
                        if sizes.len() == 1 { sizes[0] } else { sizes[numbers.below(sizes.len() as u64) as usize] }
                    });
                    if let Stand::Full(what) = &found
                        && room < ROOM[3]
                    {
                        assert_eq!(what, "the heap is full");
                        break;
                    }
                    assert!(
                        found == *stand,
                        "program {number}, steps of {sizes:?}, {room} bytes, stop {stop}: {found:?}, not {stand:?}\n{text}"
                    );
                    compared += 1;
                }
            }
        }
        // And out of an image at every stop.
        let mut live = Begun::new(&engine, &text, ROOM[3], false);
        for (stop, (further, stand)) in expected.iter().enumerate() {
            let mut loaded = live.loaded(&engine);
            let (here, there) = (live.step(Budget::Instructions(*further)), go(&mut loaded, *further, &mut || 7));
            assert!(
                here == *stand && there == *stand,
                "program {number}, out of an image, stop {stop}: {here:?}, {there:?}\n{text}"
            );
            compared += 1;
        }
    }
    println!("{compared} states were compared");
    assert!(compared > count * 200);
}

#[test]
fn fuel() {
    let engine = Engine::new();
    let (count, mut numbers) = chosen("fuel");
    let mut compared = 0;
    for number in 0..count {
        let text = program(&mut |below| numbers.below(below));
        let fuel = [1, 2, 7, 50][number as usize % 4];
        let mut live = Begun::new(&engine, &text, ROOM[3], false);
        let mut tight = Begun::new(&engine, &text, ROOM[1], false);
        let mut strained = Begun::new(&engine, &text, ROOM[3], true);
        for stop in 0..60 {
            let mut loaded = live.loaded(&engine);
            let stand = live.step(Budget::Fuel(fuel));
            let others =
                [loaded.step(Budget::Fuel(fuel)), tight.step(Budget::Fuel(fuel)), strained.step(Budget::Fuel(fuel))];
            for (way, found) in others.into_iter().enumerate() {
                if matches!(found, Stand::Full(_)) && way == 1 {
                    tight = Begun::new(&engine, "nil", ROOM[3], false);
                    continue;
                }
                assert!(
                    found == stand || way == 1 && !matches!(found, Stand::At(_)),
                    "program {number}, steps of {fuel} fuel, way {way}, stop {stop}: {found:?}, not {stand:?}\n{text}"
                );
                compared += 1;
            }
            if !matches!(stand, Stand::At(_)) {
                break;
            }
        }
    }
    println!("{compared} states were compared");
    assert!(compared > count * 40);
}

/// Natives that ask for so much memory that they begin again after a collection use the same fuel as where there is room.
#[test]
fn natives_that_begin_again() {
    let engine = Engine::new();
    let calls = [
        "\"x\" * 100000",
        "\"ab,\".repeat(2000).split(\",\")",
        "list(0..4000).map(|x| x)",
        "(\"y\" * 90000).upper()",
        "json.stringify([\"z\" * 50000])",
    ];
    for call in calls {
        let text = format!("import json\nvar kept = nil\nfor i in 0..60 {{ kept = {call} }}\nkept");
        let used = |room: usize| {
            let mut begun = Begun::new(&engine, &text, room, false);
            let stand = begun.step(Budget::Unlimited);
            assert!(matches!(&stand, Stand::Ended(hash) if hash.len() == 64), "{call}: {stand:?}");
            (begun.session.vm().stats().fuel_used, begun.session.vm().stats().collections)
        };
        let ((fuel, few), (again, many)) = (used(ROOM[3]), used(900_000));
        assert!(many > few, "{call}: {many} collections, {few} where there is room");
        assert_eq!(fuel, again, "{call}");
    }
}
