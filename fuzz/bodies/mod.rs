//! What each fuzz target does with its bytes. The ordinary tests do the same with those that are stored in `corpus`.

mod input;
#[path = "../../code/tests/likely.rs"]
mod likely;
#[path = "../../tests/support/parts.rs"]
mod parts;
#[path = "../../tests/support/generate.rs"]
mod program;
#[path = "../../code/tests/sample.rs"]
mod sample;
#[cfg(feature = "actor")]
mod wire;

use std::collections::HashMap;

use quipu::code::hash::GraphHash;
use quipu::code::{Body, Code, CodeHash, FreeKind, children_of, listing};
use quipu::load::Memory;
use quipu::vm::graph::tag;
use quipu::vm::image::{Form, Image, file_hash_of, repair};
use quipu::vm::{Budget, Limits, Root, Step};
use quipu::{Engine, Input, Session};

use input::{Choices, code_of, file_of_code};
#[allow(unused_imports, reason = "the tests make seeds with them")]
pub use input::{assemble, only_code, take_apart};
#[cfg(feature = "actor")]
#[allow(unused_imports, reason = "the tests make seeds with them")]
pub use wire::{conversations, strangers, wire_preauth, wire_session};

/// A target's name and what it does.
type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const ALL: &[Target] = &[
    ("image_raw", image_raw),
    ("image_struct", image_struct),
    ("image_run", image_run),
    ("code_check", code_check),
    ("source", source),
    ("roundtrip", roundtrip),
    #[cfg(feature = "actor")]
    ("wire_preauth", wire::wire_preauth),
    #[cfg(feature = "actor")]
    ("wire_session", wire::wire_session),
];

/// Any bytes as the file of an image, as they are and with their hash put right.
pub fn image_raw(data: &[u8]) {
    let _ = file_hash_of(data);
    let mut repaired = data.to_vec();
    repair(&mut repaired);
    for bytes in [data, &repaired] {
        let Ok(image) = Image::parse(bytes, &()) else { continue };
        assert_canonical(&image, bytes);
        let mut session = session(false);
        if let Ok(value) = session.vm().load(&image) {
            assert_same(&mut session, &value, &image);
        }
    }
}

/// The parts of an image, of which lengths, hashes and fill are put right: what loads is the same graph in every
/// machine and after every trip.
pub fn image_struct(data: &[u8]) {
    let bytes = assemble(data);
    let Ok(image) = Image::parse(&bytes, &()) else { return };
    assert_canonical(&image, &bytes);
    let outline = image.outline();
    for visit in outline.walk() {
        let _ = outline.thing(visit.part);
    }
    let mut here = session(stress(data));
    let Ok(value) = here.vm().load(&image) else { return };
    let again = assert_same(&mut here, &value, &image);
    let mut there = session(false);
    let value = there.vm().load(&again).unwrap_or_else(|failure| panic!("not loaded again: {failure:?}"));
    assert_same(&mut there, &value, &image);
    // Whether all of it was freed is for the sanitizer to see.
    drop(value);
}

/// The same, and what loads is called or goes on, cut once, and is saved again.
pub fn image_run(data: &[u8]) {
    let Ok(image) = Image::parse(assemble(data), &()) else { return };
    let mut session = session(stress(data));
    let Ok(value) = session.vm().load(&image) else { return };
    let _ = session.vm().repr(&value);
    exercise(&mut session, &value, data);
}

/// Code objects, as bytes or made from numbers: what the checker accepts runs.
pub fn code_check(data: &[u8]) {
    let mut known: HashMap<CodeHash, Code> = HashMap::new();
    let (made, rest) = match data.split_first() {
        Some((&mode, rest)) => (mode & 1 != 0, rest),
        None => return,
    };
    let mut last = None;
    if made {
        last = Code::check(made_body(rest), None).ok();
    } else {
        for code in likely::children() {
            known.insert(code.hash(), code);
        }
        for bytes in code_of(rest) {
            let Ok(code) = Code::decode(&bytes, |hash| known.get(hash).cloned()) else { continue };
            assert!(code.encode() == bytes, "not canonical");
            known.insert(code.hash(), code.clone());
            last = Some(code);
        }
    }
    let Some(code) = last else { return };
    let children: Vec<_> = code.body().children.iter().map(Code::hash).collect();
    assert_eq!(children_of(&code.encode()).ok(), Some(children));
    assert!(!listing(&code, None).is_empty());
    for pc in 0..code.body().words.len() as u32 {
        assert!(code.live_before(pc).is_some() && code.live_during(pc).is_some());
    }
    if code.uses_owner() {
        return;
    }
    known.insert(code.hash(), code.clone());
    known.extend(code.body().children.iter().map(|child| (child.hash(), child.clone())));
    let image = Image::parse(file_of_code(&code, closure_of(&code), &known), &known);
    let image = image.unwrap_or_else(|error| panic!("checked code is refused: {error}"));
    let mut session = session(stress(data));
    if let Ok(value) = session.vm().load(&image) {
        exercise(&mut session, &value, data);
    }
}

/// Any text as a program: what compiles runs.
pub fn source(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut session = session(stress(data));
    session.vm().set_limits(limits(fuel(data)));
    if let Ok(value) = session.run(&Input::text("fuzz.qp", &*text)) {
        let _ = session.vm().repr(&value);
        let _ = session.vm().hash(&value);
        exercise(&mut session, &value, data);
    }
}

/// A program made from the bytes, which is stopped somewhere: saved, loaded and saved again it has the same bytes, and
/// it comes to the same end as the one that was not loaded.
pub fn roundtrip(data: &[u8]) {
    let mut choices = Choices::of(data);
    let count = choices.below(1 << 12);
    let text = program::program(&mut |below| choices.below(below));
    let input = Input::text("generated.qp", text.as_str());
    let mut here = session(false);
    let Ok(mut run) = here.start(&input) else { panic!("it does not compile:\n{text}") };
    match here.vm().step(&mut run, Budget::Instructions(count)) {
        Ok(Step::OutOfBudget) => {}
        _ => return,
    }
    let image = here.vm().image(run.fiber()).unwrap_or_else(|failure| panic!("not saved: {failure:?}\n{text}"));
    let bytes = image.dump(Form::default());
    let opened = Image::parse(&bytes, &()).unwrap_or_else(|error| panic!("not opened: {error}\n{text}"));
    assert_canonical(&opened, &bytes);
    let mut there = session(false);
    let fiber = there.vm().load(&opened).unwrap_or_else(|failure| panic!("not loaded: {failure:?}\n{text}"));
    assert_same(&mut there, &fiber, &image);
    let mut copy = there.vm().run_of(&fiber).expect("a run is a fiber");
    here.vm().set_limits(limits(FUEL));
    there.vm().set_limits(limits(FUEL));
    let (one, other) = (end(&mut here, &mut run), end(&mut there, &mut copy));
    assert_eq!(one, other, "{text}");
}

/// What a run comes to, or nothing where a limit stops it: what is kept beside the heap may differ.
fn end(session: &mut Session, run: &mut quipu::vm::Run) -> Option<GraphHash> {
    match session.vm().step(run, Budget::Unlimited) {
        Ok(Step::Done(value)) => {
            session.vm().set_limits(limits(1 << 24));
            session.vm().hash(&value).ok()
        }
        _ => None,
    }
}

const FUEL: u64 = 8_000;

/// What a program may take: little where everything is collected all the time.
fn fuel(data: &[u8]) -> u64 {
    if stress(data) { FUEL / 40 } else { FUEL }
}

fn limits(fuel: u64) -> Limits {
    Limits { fuel: Some(fuel), heap: Some(64 << 20), depth: 2_000, deadline: None }
}

fn session(stress: bool) -> Session {
    thread_local! {
        static ENGINE: Engine = Engine::new().with_resolver(Memory::new());
    }
    let mut session = ENGINE.with(|engine| engine.session(limits(1 << 30))).unwrap_or_else(|error| panic!("{error}"));
    session.vm().set_output(Box::new(std::io::sink()));
    session.vm().set_gc_stress(stress);
    session.vm().set_limits(limits(FUEL));
    session
}

/// Whether to collect at every chance.
fn stress(data: &[u8]) -> bool {
    data.len().is_multiple_of(16)
}

/// What was opened has these bytes and no others.
fn assert_canonical(image: &Image, bytes: &[u8]) {
    let strip = image.codes().iter().all(|code| code.debug().is_none());
    assert!(image.dump(Form { thin: image.is_thin(), strip }) == bytes, "not canonical");
}

/// What was loaded is the graph of the image.
fn assert_same(session: &mut Session, value: &Root, image: &Image) -> Image {
    session.vm().set_limits(limits(1 << 24));
    let again = session.vm().image(value).unwrap_or_else(|failure| panic!("not saved again: {failure:?}"));
    assert_eq!(again.hash(), image.hash(), "another graph after a trip");
    assert_eq!(session.vm().hash(value).ok(), Some(image.hash()));
    let form = Form { thin: false, strip: true };
    assert!(again.dump(form) == image.dump(form), "other bytes after a trip");
    again
}

/// Calls a function or lets a fiber go on, cuts it after some instructions, and lets original and copy go on.
fn exercise(session: &mut Session, value: &Root, data: &[u8]) {
    let (fuel, count) = (fuel(data), data.len() as u64 % 64);
    session.vm().set_limits(limits(fuel));
    let args = arguments(session);
    for count_of_args in 0..=args.len() {
        let Ok(mut run) = (match session.vm().run_of(value) {
            Some(run) => Ok(run),
            None => session.vm().start(value, &args[..count_of_args]),
        }) else {
            continue;
        };
        if let Ok(Step::OutOfBudget) = session.vm().step(&mut run, Budget::Instructions(count))
            && let Ok(image) = session.vm().image(run.fiber())
        {
            let bytes = image.dump(Form::default());
            let opened = Image::parse(&bytes, &()).unwrap_or_else(|error| panic!("not opened: {error}"));
            if let Ok(copy) = session.vm().load(&opened)
                && let Some(mut copy) = session.vm().run_of(&copy)
            {
                let _ = session.vm().step(&mut copy, Budget::Unlimited);
            }
        }
        if let Ok(Step::Done(result) | Step::Yield(result)) = session.vm().step(&mut run, Budget::Unlimited) {
            let _ = session.vm().repr(&result);
        }
        session.vm().set_limits(limits(fuel));
    }
    let _ = session.vm().image(value);
    // Whatever happened, the machine goes on.
    session.vm().set_gc_stress(false);
    session.vm().set_limits(limits(1 << 20));
    let after = session.run(&Input::text("after.qp", "[1, 2, 3].map(|x| x * 2).sum()"));
    let after = after.unwrap_or_else(|error| panic!("the machine is broken: {error}"));
    assert_eq!(session.vm().repr(&after).ok().as_deref(), Some("12"));
}

fn arguments(session: &mut Session) -> Vec<Root> {
    let list = [session.vm().int(3), session.vm().string("ab")];
    let list = session.vm().list(&list);
    list.into_iter().chain([session.vm().int(2), session.vm().float(0.5)]).collect()
}

/// A graph whose root is a closure of this code; what it captures are ints and cells.
fn closure_of(code: &Code) -> Vec<u8> {
    let cells = code.body().free.iter().filter(|&&kind| kind == FreeKind::Cell).count();
    let mut graph = Vec::new();
    parts::count(&mut graph, 1);
    parts::count(&mut graph, cells);
    graph.extend([tag::CLOSURE, 0]);
    graph.extend(code.hash().0);
    parts::count(&mut graph, code.body().free.len());
    graph.extend(code.body().free.iter().map(|kind| match kind {
        FreeKind::Value => tag::SMALL + 20,
        FreeKind::Cell => tag::VAR,
    }));
    graph.extend((0..cells).map(|cell| if cell % 4 == 3 { tag::ABSENT } else { tag::SMALL + 18 }));
    graph
}

/// A body that breaks few rules.
fn made_body(data: &[u8]) -> Body {
    let mut choices = Choices::of(data);
    let mut number = || choices.below(1 << 16) as u16;
    let registers = 9 + number() % 61;
    let ranges: Vec<[u8; 3]> = (0..number() % 4).map(|_| [number(), number(), number()].map(|n| n as u8)).collect();
    let count = 1 + number() % 39;
    let seeds = (0..count).map(|_| (number(), [number(), number(), number(), number()])).collect();
    likely::build(seeds, &ranges, registers)
}
