//! Images from machine to machine, from process to process and from version to version.
#![cfg(feature = "run")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use quipu::code::{Code, CodeHash};
use quipu::stdlib::Grant;
use quipu::vm::image::{Form, Image, ImageError, Met, Outline, Part, Place, Thing};
use quipu::vm::{Budget, Failure, Limits, Root, Step};
use quipu::{Engine, Input, Session};

const FAT: Form = Form { thin: false, strip: false };
const STRIPPED: Form = Form { thin: false, strip: true };
const THIN: Form = Form { thin: true, strip: true };

fn session(engine: &Engine) -> Session {
    engine.session(Limits::default()).unwrap()
}

fn run(session: &mut Session, text: &str) -> Root {
    session.run(&Input::text("main.qp", text)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The image of a program's value; if the program says so, of a call of it that was stopped.
fn image_of(engine: &Engine, text: &str) -> Image {
    image_in(&mut session(engine), text)
}

fn image_in(session: &mut Session, text: &str) -> Image {
    let value = run(session, text);
    let Some(rest) = text.strip_prefix("# stopped after ") else { return session.vm().image(&value).unwrap() };
    let count = rest.split_once(' ').unwrap().0.parse().unwrap();
    let mut run = session.vm().start(&value, &[]).unwrap();
    assert!(matches!(session.vm().step(&mut run, Budget::Instructions(count)), Ok(Step::OutOfBudget)));
    session.vm().image(run.fiber()).unwrap()
}

/// What a function gives when it is called, or a stopped run at its end, as source.
fn called(session: &mut Session, value: &Root) -> String {
    let value = match session.vm().run_of(value) {
        None => session.vm().call(value, &[]).unwrap(),
        Some(mut run) => match session.vm().step(&mut run, Budget::Unlimited) {
            Ok(Step::Done(value)) => value,
            _ => panic!("the run did not end"),
        },
    };
    session.vm().repr(&value).unwrap()
}

/// Name, source and stored image of everything that was ever released.
fn corpus() -> Vec<(String, String, PathBuf)> {
    let mut files: Vec<PathBuf> =
        fs::read_dir("tests/golden/images").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "qp"));
    files.sort();
    assert!(files.len() >= 12, "the corpus is gone");
    let each = |file: PathBuf| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(&file).unwrap(), file.with_extension("qpi"))
    };
    files.into_iter().map(each).collect()
}

fn wanted(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("#> ")).unwrap()
}

/// `GOLDEN=write` writes images that are not there yet; those that are there are never written again.
#[test]
fn stored_images_of_all_versions_keep_loading() {
    let engine = Engine::new();
    for (name, text, file) in corpus() {
        if !file.exists() && std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
            fs::write(&file, image_of(&engine, &text).dump(FAT)).unwrap();
        }
        let bytes = fs::read(&file).unwrap_or_else(|_| panic!("{name} has no image"));
        let image = Image::parse(&bytes, &()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut session = session(&engine);
        let value = session.vm().load(&image).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!(session.vm().hash(&value).unwrap(), image.hash(), "{name}");
        let again = session.vm().image(&value).unwrap();
        assert!(again.dump(FAT) == bytes, "{name} has other bytes after it was loaded");
        assert_eq!(called(&mut session, &value), wanted(&text), "{name}");
        // The program of today makes the image of then, names and lines apart.
        assert!(image_of(&engine, &text).dump(STRIPPED) == image.dump(STRIPPED), "{name} is made another way now");
    }
}

#[test]
fn stored_images_load_and_go_on_when_every_call_collects() {
    let engine = Engine::new();
    for (name, text, file) in corpus() {
        let image = Image::parse(fs::read(&file).unwrap(), &()).unwrap();
        for gc_stress in [false, true] {
            let mut session = session(&engine);
            session.vm().set_call_stress(true);
            session.vm().set_gc_stress(gc_stress);
            let value = session.vm().load(&image).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
            assert_eq!(session.vm().hash(&value).unwrap(), image.hash(), "{name}");
            assert!(session.vm().image(&value).unwrap().dump(FAT) == image.dump(FAT), "{name}");
            assert_eq!(called(&mut session, &value), wanted(&text), "{name}");
        }
    }
}

/// Names in the code of a suspended fiber stand for functions of the library, which has to run before the code is ready;
/// that collects, and nothing refers to the code yet.
#[test]
fn a_suspended_fiber_may_need_the_library_when_it_is_loaded() {
    let text = r#"
        import iter
        fn outer() { let big = "x" * 3_000_000; inner(); big.len() }
        fn inner() { yield 1; let v = min([3, 1, 2]); let w = iter.of([v]); w.collect() }
        let f = fiber(outer)
        f.resume()
        f"#;
    let engine = Engine::new();
    let bytes = image_of(&engine, text).dump(FAT);
    let image = Image::parse(&bytes, &()).unwrap();
    for call_stress in [false, true] {
        let mut session = session(&engine);
        session.vm().set_call_stress(call_stress);
        let fiber = session.vm().load(&image).unwrap();
        assert!(session.vm().image(&fiber).unwrap().dump(FAT) == bytes);
        assert_eq!(called(&mut session, &fiber), "3000000");
    }
}

#[test]
fn every_load_gives_a_value_of_its_own() {
    let engine = Engine::new();
    let image = image_of(&engine, "var n = 0; let c = || { n += 1; n }; c");
    let mut session = session(&engine);
    let (one, two) = (session.vm().load(&image).unwrap(), session.vm().load(&image).unwrap());
    assert_eq!(called(&mut session, &one), "1");
    assert_eq!(called(&mut session, &one), "2");
    assert_eq!(called(&mut session, &two), "1");
}

#[test]
fn all_forms_of_an_image_have_one_hash() {
    let engine = Engine::new();
    for (name, text, _) in corpus() {
        let image = image_of(&engine, &text);
        let table: HashMap<CodeHash, Code> = image.codes().iter().map(|code| (code.hash(), code.clone())).collect();
        let mut lengths = Vec::new();
        for form in [FAT, STRIPPED, THIN] {
            let bytes = image.dump(form);
            let opened = Image::parse(&bytes, &table).unwrap_or_else(|error| panic!("{name} {form:?}: {error}"));
            assert_eq!(opened.hash(), image.hash(), "{name} {form:?}");
            assert_eq!(opened.needs(), image.needs(), "{name} {form:?}");
            assert_eq!(opened.is_thin(), form.thin);
            assert!(opened.dump(form) == bytes, "{name} {form:?}");
            let mut session = session(&engine);
            let value = session.vm().load(&opened).unwrap();
            assert_eq!(called(&mut session, &value), wanted(&text), "{name} {form:?}");
            lengths.push(bytes.len());
        }
        assert!(lengths.is_sorted_by(|a, b| a > b), "{name}: {lengths:?}");
    }
}

#[test]
fn thin_image_says_which_code_is_missing() {
    let image = image_of(&Engine::new(), "let k = 1; |x| [x].map(|y| y + k)");
    let bytes = image.dump(THIN);
    let Err(ImageError::MissingCode(missing)) = Image::parse(&bytes, &()) else { panic!("it opens") };
    assert_eq!(missing.len(), 1);
    let code = image.codes().last().unwrap();
    assert_eq!(missing, [code.hash()]);
    let table = HashMap::from([(code.hash(), code.clone())]);
    assert_eq!(Image::parse(&bytes, &table).unwrap().hash(), image.hash());
}

#[test]
fn stripped_functions_run_and_have_their_hashes() {
    let image = image_of(&Engine::new(), "fn named(x) { let y = x + 1; || y }\nnamed(1)");
    let stripped = Image::parse(image.dump(STRIPPED), &()).unwrap();
    assert!(image.codes().iter().all(|code| code.debug().is_some()));
    assert!(stripped.codes().iter().all(|code| code.debug().is_none()));
    let hashes = |image: &Image| image.codes().iter().map(Code::hash).collect::<Vec<_>>();
    assert_eq!(hashes(&image), hashes(&stripped));
}

#[test]
fn capabilities_the_loader_lacks_are_listed_all_at_once() {
    let all = Engine::granting(&Grant::all(Vec::new()));
    let text =
        "import os\nimport image\nlet open = image.open\n|path| if path == nil { os.exit(1) } else { open(path) }";
    let image = image_of(&all, text);
    assert_eq!(image.needs(), ["image.open", "os.exit"]);
    assert_eq!(image.missing(|name| name == "os.exit"), ["image.open"]);
    let mut poor = session(&Engine::new());
    let Err(Failure::Uncaught(uncaught)) = poor.vm().load(&image) else { panic!("it loads") };
    assert_eq!(uncaught.kind.as_deref(), Some("image_error"));
    assert!(uncaught.message.contains("image.open, os.exit"), "{}", uncaught.message);
    assert_eq!(uncaught.data.as_deref(), Some(r#"["image.open", "os.exit"]"#));
    // Nothing was half loaded, and the machine goes on.
    let value = run(&mut poor, "1 + 1");
    assert_eq!(poor.vm().repr(&value).unwrap(), "2");
    assert!(session(&all).vm().load(&image).is_ok());
}

#[test]
fn what_the_loader_lacks_may_stay_unbound() {
    let text = "import fs\nimport time\nlet read = fs.read\n(|name| { let t = time.now(); fs.write(name, \"x\") }, read, [read: 1], |x| x + 1)";
    let image = image_of(&Engine::granting(&Grant::all(Vec::new())), text);
    for stress in [false, true] {
        let mut there = session(&Engine::new());
        assert!(there.vm().load(&image).is_err());
        there.vm().keep_unbound(true);
        there.vm().set_gc_stress(stress);
        there.vm().set_call_stress(stress);
        for _ in 0..3 {
            let value = there.vm().load(&image).unwrap();
            // It is what it was, byte for byte.
            let again = there.vm().image(&value).unwrap();
            assert_eq!(again.hash(), image.hash());
            assert_eq!(again.dump(STRIPPED), image.dump(STRIPPED));
            let item = |there: &mut Session, index| there.vm().tuple_item(&value, index).unwrap();
            let (function, read, sound) = (item(&mut there, 0), item(&mut there, 1), item(&mut there, 3));
            let name = there.vm().string("/tmp/x");
            let failure = there.vm().call(&function, std::slice::from_ref(&name)).unwrap_err();
            let lacks = "capability_error: cannot be called here: the host does not provide `time.now`, `fs.write`";
            assert_eq!(failure.to_string(), lacks);
            let failure = there.vm().call(&read, &[name]).unwrap_err();
            assert_eq!(
                failure.to_string(),
                "capability_error: cannot be called here: the host does not provide `fs.read`"
            );
            let two = run(&mut there, "2");
            assert_eq!(there.vm().call(&sound, &[two]).map(|value| there.vm().repr(&value).unwrap()).unwrap(), "3");
        }
        // A program cannot name it all the same.
        assert!(there.run(&Input::text("names.qp", "import fs\nfs.read(\"x\")")).is_err());
    }
}

#[test]
fn noise_in_memory_changes_no_byte() {
    let engine = Engine::new();
    for (name, text, _) in corpus() {
        let quiet = image_of(&engine, &text).dump(STRIPPED);
        let mut noisy = session(&engine);
        // Memory that is used again has the marks of its earlier life.
        run(
            &mut noisy,
            "fn noise(n) { var a = [n]; var b = (n, \"${n}\"); || { a.push(b); a.len() + n } }
             let kept = []
             for i in 0..20_000 { let f = noise(i); f(); if i % 7 == 0 { kept.push(f) } }
             let m = [:]
             for i in 0..5_000 { m[(i, i)] = noise(i) }
             for i in 0..4_000 { m.remove((i, i)) }
             let f = fiber(|| { for i in 0..100 { yield [i] } })
             for x in f {}",
        );
        assert!(image_in(&mut noisy, &text).dump(STRIPPED) == quiet, "{name}");
    }
}

#[test]
fn heap_limit_holds_while_loading() {
    let engine = Engine::new();
    let image = image_of(&engine, "range(100_000).map(|i| [i])");
    let mut session = session(&engine);
    session.vm().set_limits(Limits { heap: Some(2 << 20), ..Limits::default() });
    let Err(Failure::Stop(quipu::vm::Stop::Heap, _)) = session.vm().load(&image) else { panic!("it fits") };
    session.vm().set_limits(Limits::default());
    assert!(session.vm().load(&image).is_ok());
}

#[test]
fn fuel_is_charged_for_loading() {
    let engine = Engine::new();
    let image = image_of(&engine, "range(100_000).map(|i| [i])");
    let mut session = session(&engine);
    session.vm().set_limits(Limits { fuel: Some(100), ..Limits::default() });
    let Err(Failure::Stop(quipu::vm::Stop::Fuel, _)) = session.vm().load(&image) else { panic!("it is free") };
}

/// Chains this long; an unoptimised build would take minutes for ten million.
const DEPTH: usize = if cfg!(debug_assertions) { 300_000 } else { 10_000_000 };

#[test]
fn chains_of_any_length_on_a_small_stack() {
    let chains = [
        "var at = nil; for i in 0..N { at = [at] }; at",
        "var at = nil; for i in 0..N { at = (at,) }; at",
        "var at = nil; for i in 0..N { let inner = at; at = || inner }; at",
        "var at = nil; for i in 0..N { at = [k: at] }; at",
        "type Link(next); var at = nil; for i in 0..N { at = Link(at) }; at",
        "fn box(v) { var held = v; || held }; var at = nil; for i in 0..N { at = box(at) }; at",
        "var at = nil; for i in 0..N // 10 { let inner = at; at = fiber(|| inner) }; at",
        "var at = nil; for i in 0..N { at = error(\"e\", at) }; at",
    ];
    for chain in chains {
        let text = chain.replace("N", &DEPTH.to_string());
        let work = move || {
            let engine = Engine::new();
            let mut session = engine.session(Limits { heap: Some(12 << 30), ..Limits::default() }).unwrap();
            let value = run(&mut session, &text);
            let image = session.vm().image(&value).unwrap();
            drop((value, session));
            let opened = Image::parse(image.dump(FAT), &()).unwrap();
            let mut session = engine.session(Limits { heap: Some(12 << 30), ..Limits::default() }).unwrap();
            let back = session.vm().load(&opened).unwrap();
            assert_eq!(session.vm().hash(&back).unwrap(), image.hash(), "{text}");
        };
        std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap().join().unwrap();
    }
}

/// Runs a program in a process of its own and gives what it prints.
fn process(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_vm")).arg("run").arg(&file).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A folder of its own for a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn bytes_equal_after_reload_in_a_grandchild_process() {
    let folder = folder("grandchild");
    for (name, text, _) in corpus() {
        let source = text.replace("#> ", "# ");
        fs::write(folder.join(format!("{name}_root.qp")), module(&source)).unwrap();
        let child = format!(
            "import image\nimport \"./{name}_root\" as m\nimage.save(m.root, \"a.qpi\")\nprint(hash(m.root))\n"
        );
        let hash = process(&folder, "child.qp", &child);
        let again = "import image\nlet f = image.open(\"a.qpi\")\nimage.save(f, \"b.qpi\")\nprint(hash(f))\n";
        assert_eq!(process(&folder, "grandchild.qp", again), hash, "{name}");
        assert!(fs::read(folder.join("a.qpi")).unwrap() == fs::read(folder.join("b.qpi")).unwrap(), "{name}");
        let call = "import image\nprint(repr(image.open(\"b.qpi\")()))\n";
        assert_eq!(process(&folder, "call.qp", call).trim_end(), wanted(&text), "{name}");
    }
}

/// A program as a module that exports its last value.
fn module(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let (last, before) = lines.split_last().unwrap();
    format!("{}\nexport let root = {last}\n", before.join("\n"))
}

#[test]
fn counter_counts_on_from_process_to_process() {
    let folder = folder("counter");
    let start = "import image\nvar n = 0\nimage.save(|| { n += 1; n }, \"c.qpi\")\n";
    process(&folder, "start.qp", start);
    let next = "import image\nlet c = image.open(\"c.qpi\")\nprint(c())\nimage.save(c, \"c.qpi\")\n";
    let counts: Vec<String> = (0..3).map(|_| process(&folder, "next.qp", next)).collect();
    assert_eq!(counts, ["1\n", "2\n", "3\n"]);
}

#[test]
fn computation_stopped_in_one_process_ends_in_a_second() {
    let folder = folder("computation");
    let first = "import image
fn primes() {
  var n = 2
  while true {
    if not range(2, n).to_list().any(|d| n % d == 0) { yield n }
    n += 1
  }
}
let f = fiber(primes)
print([f.resume(), f.resume(), f.resume()])
image.save(f, \"f.qpi\")
";
    assert_eq!(process(&folder, "first.qp", first), "[2, 3, 5]\n");
    let second = "import image\nlet f = image.open(\"f.qpi\")\nprint([f.resume(), f.resume(), f.resume()])\n";
    assert_eq!(process(&folder, "second.qp", second), "[7, 11, 13]\n");
}

/// Code of frames is made ready while they are built; what it names is loaded before, which runs the library and collects.
#[test]
fn frames_name_parts_of_the_library_that_no_one_has_used() {
    let text = "import iter\nfn outer() { let kept = [\"a\"]; let n = inner(); (n, kept.len()) }\n\
        fn inner() { yield 1; let least = min([3, 1, 2]); let one = iter.of([1]).map(|x| x + least).to_list(); one.sum() }\n\
        let f = fiber(outer)\nf.resume()\nf";
    let image = image_of(&Engine::new(), text);
    for (calls, allocations) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut session = session(&Engine::new());
        session.vm().set_call_stress(calls);
        session.vm().set_gc_stress(allocations);
        let value = session.vm().load(&image).unwrap();
        assert_eq!(session.vm().hash(&value).unwrap(), image.hash());
        assert_eq!(called(&mut session, &value), "(2, 1)");
    }
}

/// Things of all kinds: types that stand in instances with cells in them, keys with hashes, fibers under way, cycles.
const KINDS: &str = "\
fn make(n) { var k = n; type T(a, b) { fn get(self) = k; fn set(self, x) { k = x }; fn new(self) = T(1, 2) }; T }
type K(n) { fn eq(self, o) = self.n == o.n; fn hash(self) = self.n }
let (first, second) = (make(1), make(2))
let i = first(1, [2.5, \"x\"])
let j = second(i, (1, \"two\", b\"3\", 1..4, (0..=10).step(3), (), [:], [], ((), ((), \"two\"))))
let f = fiber(|| { for x in [1, 2, 3] { yield x } })
f.resume()
let list = [i, j, f, fiber(|| i), [1: 2, (1, 2): \"x\", \"k\": set([i, j]), K(3): K(4)], error(\"e\", [1]), print, first]
list.push([list, range(20), range(20).map(|n| n / 2), i, \"two\"])
list";

/// What is behind a part, or the part, in a word.
fn shown(outline: &Outline<'_>, part: Part) -> String {
    match outline.thing(part) {
        None => format!("{part:?}"),
        Some(Thing::Function(code)) => code.hash().to_string(),
        Some(thing) => format!("{thing:?}"),
    }
}

#[test]
fn an_outline_has_what_the_check_has_counted() {
    let engine = Engine::new();
    let stored = corpus().into_iter().map(|(_, _, file)| Image::parse(fs::read(file).unwrap(), &()).unwrap());
    for image in stored.chain([image_of(&engine, KINDS)]) {
        let (outline, tally) = (image.outline(), image.tally());
        let all = |part: fn(usize) -> Part| (0..).map(part).map_while(|part| outline.thing(part)).collect::<Vec<_>>();
        let (frozen, nodes) = (all(Part::Frozen), all(Part::Node));
        assert_eq!(frozen.iter().filter(|thing| matches!(thing, Thing::Function(_))).count(), tally.functions);
        assert_eq!(nodes.iter().filter(|thing| matches!(thing, Thing::Cell { .. })).count(), tally.cells);
        // Every part is one of them, and what is met again is what it was.
        for whole in (0..frozen.len()).map(Part::Frozen).chain((0..nodes.len()).map(Part::Node)) {
            for (place, part) in outline.parts(whole) {
                let is_there = match part {
                    Part::Frozen(number) => number < frozen.len(),
                    Part::Node(number) => number < nodes.len(),
                    _ => true,
                };
                assert!(is_there, "{place:?} of {}", shown(&outline, whole));
            }
        }
    }
}

#[test]
fn a_walk_enters_everything_once() {
    let image = image_of(&Engine::new(), KINDS);
    let outline = image.outline();
    let visits: Vec<_> = outline.walk().collect();
    let again = |met| visits.iter().filter(|visit| visit.met == met).count();
    // The list is in itself once, and the first instance is met in the second one, in a set, in a fiber and at the end.
    assert_eq!((again(Met::Above), visits[0].depth, visits[0].met), (1, 0, Met::First));
    let instance = visits.iter().find(|visit| matches!(visit.place, Place::Item(0)) && visit.depth == 1).unwrap().part;
    let met = |met| visits.iter().filter(|visit| visit.part == instance && visit.met == met).count();
    assert_eq!((met(Met::First), met(Met::Again)), (1, 4));
    // What is left after some is the rest of the wholes that the walk is in.
    let mut walk = outline.walk();
    assert_eq!(walk.by_ref().take(1).count(), 1);
    assert_eq!(walk.left(), 9);
    let Some(Thing::Instance(ty)) = outline.thing(instance) else { panic!("it is no instance") };
    assert_eq!(shown(&outline, ty), "Type(\"T\")");
    assert_eq!(outline.fields(ty).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(outline.members(ty).map(|(name, _)| name).collect::<Vec<_>>(), ["", "get", "set", "new"]);
}
