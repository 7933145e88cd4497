//! Images that were cut off, changed or made up: each is refused with a reason, or loads as what it says, and the
//! machine goes on.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::damage::Numbers;
use crate::parts::{Parts, count, file_of, fill_needed, find, replace};
use quipu::code::canonical::CanonicalError;
use quipu::code::{Code, CodeHash};
use quipu::vm::graph::error::Rule;
use quipu::vm::graph::tag as t;
use quipu::vm::image::{Form, Image, ImageError, ImageRule, Section, repair};
use quipu::vm::{Budget, Failure, Limits, Moment, Root, Step};
use quipu::{Engine, Input, Session};

/// Images that every version can read, by name.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> =
        fs::read_dir("tests/golden/images").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "qpi"));
    files.sort();
    assert!(files.len() >= 12, "the corpus is gone");
    let each = |file: PathBuf| (file.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(&file).unwrap());
    files.into_iter().map(each).collect()
}

fn limits(fuel: u64) -> Limits {
    Limits {
        fuel: Some(fuel),
        heap: Some(64 << 20),
        depth: 10_000,
        deadline: Some(Moment::now() + Duration::from_secs(60)),
    }
}

/// A machine that has used its library, so that what is loaded from it later counts for nothing.
fn session(engine: &Engine) -> Session {
    let mut session = engine.session(limits(1 << 30)).unwrap();
    session.vm().set_output(Box::new(std::io::sink()));
    session
}

/// Runs what a damaged image loads as, and saves what is left; whatever it does is its own affair as long as it ends.
fn exercise(session: &mut Session, value: &Root) {
    session.vm().set_limits(limits(20_000));
    let _ = session.vm().repr(value);
    if let Ok(result) = session.vm().call(value, &[]) {
        let _ = session.vm().repr(&result);
        let _ = session.vm().hash(&result);
    }
    if let Some(mut run) = session.vm().run_of(value)
        && let Ok(Step::OutOfBudget) = session.vm().step(&mut run, Budget::Instructions(100))
    {
        let _ = session.vm().image(value);
        let _ = session.vm().step(&mut run, Budget::Unlimited);
    }
    session.vm().set_limits(limits(1 << 20));
    let _ = session.vm().image(value);
}

/// Tries an image whose hashes are in order. What is accepted is canonical: written again, it has the same bytes.
fn attempt(session: &mut Session, bytes: &[u8], what: &str) -> bool {
    let Ok(image) = Image::parse(bytes, &()) else { return false };
    let strip = image.codes().iter().all(|code| code.debug().is_none());
    assert!(image.dump(Form { thin: image.is_thin(), strip }) == bytes, "{what} is not canonical");
    session.vm().set_limits(limits(1 << 20));
    // Only here keys are compared and names looked up.
    let Ok(value) = session.vm().load(&image) else { return false };
    let again = session.vm().image(&value).unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
    assert_eq!(again.hash(), image.hash(), "{what} is another graph when it is written again");
    exercise(session, &value);
    true
}

#[test]
fn truncated_anywhere() {
    for (name, bytes) in corpus() {
        for length in 0..bytes.len() {
            assert!(Image::parse(&bytes[..length], &()).is_err(), "{name} opens with {length} bytes");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Image::parse(&longer, &()).is_err(), "{name} opens with a byte behind it");
    }
}

#[test]
fn truncated_anywhere_with_a_repaired_hash() {
    let engine = Engine::new();
    let mut session = session(&engine);
    for (name, bytes) in corpus() {
        for length in 0..bytes.len() {
            let mut short = bytes[..length].to_vec();
            repair(&mut short);
            assert!(!attempt(&mut session, &short, &name), "{name} opens with {length} bytes");
        }
    }
}

#[test]
fn every_bit_flipped() {
    for (name, bytes) in corpus() {
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Image::parse(&changed, &()).is_err(), "{name} opens with bit {bit} flipped");
        }
    }
}

#[test]
fn every_bit_flipped_with_a_repaired_hash() {
    let engine = Engine::new();
    let mut accepted = 0;
    for (name, bytes) in corpus() {
        let mut session = session(&engine);
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            repair(&mut changed);
            accepted += usize::from(attempt(&mut session, &changed, &format!("{name}, bit {bit}")));
        }
    }
    assert!(accepted > 100, "only {accepted} got as far as running");
}

/// Several bytes at once: exchanged for others of the same image, or for numbers that are special.
#[test]
fn spliced_images_with_a_repaired_hash() {
    let rounds = std::env::var("MUTATIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(500);
    let engine = Engine::new();
    let mut numbers = Numbers(5);
    let all = corpus();
    for (name, bytes) in &all {
        let mut session = session(&engine);
        for round in 0..rounds {
            let mut image = Parts::of(bytes);
            let part = match numbers.below(8) {
                0 => &mut image.needs,
                1 => &mut image.debug,
                2 => &mut image.code,
                _ => &mut image.graph,
            };
            for _ in 0..=numbers.below(3) {
                if part.is_empty() {
                    break;
                }
                let (at, from) = (numbers.below(part.len()), numbers.below(part.len()));
                let length = (1 + numbers.below(6)).min(part.len() - at.max(from));
                match numbers.below(4) {
                    0 => part[at] = [0, 1, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xff][numbers.below(9)],
                    1 => part.copy_within(from..from + length, at),
                    2 => drop(part.drain(at..at + length)),
                    _ => {
                        let copied = part[from..from + length].to_vec();
                        part.splice(at..at, copied);
                    }
                }
            }
            attempt(&mut session, &image.bytes(), &format!("{name}, round {round}"));
        }
    }
}

/// Bits of code objects, after which the hashes of these, of those around them and in the graph are put right.
#[test]
fn changed_code_under_its_new_hash() {
    let rounds = std::env::var("MUTATIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(400);
    let engine = Engine::new();
    let mut numbers = Numbers(7);
    let mut accepted = 0;
    for (name, bytes) in corpus() {
        let mut session = session(&engine);
        let image = Image::parse(&bytes, &()).unwrap();
        let codes: Vec<Vec<u8>> = image.codes().iter().map(Code::encode).collect();
        for round in 0..rounds {
            let mut changed = bytes.clone();
            let target = numbers.below(codes.len());
            let mut replaced: Vec<(CodeHash, CodeHash)> = Vec::new();
            let mut from = 0;
            for (index, code) in codes.iter().enumerate() {
                let at = from + find(&bytes[from..], code).unwrap();
                from = at + code.len();
                let here = &mut changed[at..from];
                if index == target {
                    let bit = numbers.below(here.len() * 8);
                    here[bit / 8] ^= 1 << (bit % 8);
                }
                // Children come before those they are nested in.
                replaced.iter().for_each(|(old, new)| replace(here, &old.0, &new.0));
                let (old, new) = (CodeHash::of(code), CodeHash::of(here));
                if old != new {
                    replaced.push((old, new));
                }
            }
            replaced.iter().for_each(|(old, new)| replace(&mut changed[from..], &old.0, &new.0));
            repair(&mut changed);
            accepted += usize::from(attempt(&mut session, &changed, &format!("{name}, round {round}")));
        }
    }
    assert!(accepted > 50, "only {accepted} got as far as running");
}

#[test]
fn swapped_bodies_under_right_hashes() {
    for (name, bytes) in corpus() {
        let image = Image::parse(&bytes, &()).unwrap();
        let codes: Vec<Vec<u8>> = image.codes().iter().map(Code::encode).collect();
        let Some([one, two]) = codes.first_chunk().filter(|[one, two]| one.len() != two.len()) else { continue };
        let mut parts = Parts::of(&bytes);
        let at = find(&parts.code, one).unwrap();
        // Each has its length before it in one byte here.
        if one.len() > 250 || two.len() > 250 || find(&parts.code[at..], two) != Some(one.len() + 1) {
            continue;
        }
        let swapped = [&[two.len() as u8], &two[..], &[one.len() as u8], &one[..]].concat();
        parts.code.splice(at - 1..at + one.len() + 1 + two.len(), swapped);
        assert!(Image::parse(parts.bytes(), &()).is_err(), "{name}");
    }
}

#[test]
fn newer_versions_are_refused_by_name() {
    let (_, bytes) = corpus().remove(0);
    for (at, what) in [(8, "format version"), (12, "edition")] {
        let mut newer = bytes.clone();
        newer[at] += 100;
        repair(&mut newer);
        let Err(ImageError::Newer { what: found, .. }) = Image::parse(&newer, &()) else { panic!("{what}") };
        assert_eq!(found, what);
    }
}

#[test]
fn an_edition_that_is_not_that_of_the_code_is_refused() {
    let (_, bytes) = corpus().remove(0);
    let mut other = bytes.clone();
    assert_eq!(other[12], 1);
    other[12] = 2;
    repair(&mut other);
    let error = Image::parse(&other, &()).err().unwrap();
    assert!(matches!(error, ImageError::Broken { section: Section::Header, .. }), "{error}");
}

#[test]
fn lengths_of_two_to_the_64() {
    let (_, bytes) = corpus().remove(0);
    for section in 0..5 {
        for length in [u64::MAX, u64::MAX / 2, 1 << 32, bytes.len() as u64] {
            let mut changed = bytes.clone();
            changed[16 + 8 * section..24 + 8 * section].copy_from_slice(&length.to_le_bytes());
            repair(&mut changed);
            let error = Image::parse(&changed, &()).err().unwrap();
            assert!(matches!(error, ImageError::Broken { section: Section::Header, .. }), "{error}");
        }
    }
    let huge = [&[253][..], &u64::MAX.to_le_bytes()].concat();
    for tag in [t::STR, t::BYTES, t::TUPLE, t::CLOSURE, t::OWNED, t::TYPE, t::FROZEN, t::NODE] {
        refused(&[&[9, 9, tag][..], &huge, &[0; 64]].concat());
    }
    refused(&[&huge[..], &[0, t::NIL]].concat());
    refused(&[&[0][..], &huge, &[t::NIL]].concat());
    for tag in [t::LIST, t::MAP, t::SET] {
        refused(&[&[0, 1, tag][..], &huge, &[0; 64]].concat());
    }
}

#[test]
fn made_up_graphs() {
    assert_eq!(refused(&[0, 0, t::NODE, 0]), Rule::Nothing { what: "node", number: 0 });
    assert_eq!(refused(&[0, 0, t::FROZEN, 0]), Rule::Nothing { what: "value", number: 0 });
    // Forward: a list whose element is a node that comes later.
    assert_eq!(refused(&[0, 2, t::LIST, 2, t::NODE, 1, t::LIST, 0]), Rule::Nothing { what: "node", number: 1 });
    assert_eq!(refused(&[0, 1, t::CELL, t::NIL]), Rule::Expected { what: "a value", found: "a cell" });
    assert_eq!(refused(&[0, 0, t::ABSENT]), Rule::Expected { what: "a value", found: "nothing" });
    assert_eq!(refused(&[0, 0, t::PLACE, 0]), Rule::Expected { what: "a value", found: "a place" });
    assert_eq!(refused(&[0, 1, t::INSTANCE, t::NIL]), Rule::Expected { what: "a declared type", found: "nil" });
    assert_eq!(refused(&[2, 0, t::TUPLE, 2, t::STR, 1, b'a', t::STR, 1, b'a']), Rule::Repeated("value"));
    assert_eq!(refused(&[0, 0, t::INT, 2]), Rule::Form("a small int"));
    assert_eq!(refused(&[1, 0, t::NIL]), Rule::Counts("frozen values"));
    assert_eq!(refused(&[0, 1, t::NIL]), Rule::Counts("nodes"));
    assert_eq!(refused(&[0, 0, t::NIL, 0]), CanonicalError::Trailing.into());
    assert_eq!(refused(&[0, 0, 0x7f]), Rule::Unknown { what: "reference", number: 0x7f });
    assert_eq!(refused(&[1, 0, t::RANGE, 0, 2, 0, 0]), Rule::Step);
    assert_eq!(refused(&[0, 1, t::FIBER, t::SUSPENDED, 0]), Rule::Counts("frames"));
    assert_eq!(refused(&[0, 1, t::FIBER, t::STOPPED, 0, t::NIL]), Rule::Counts("frames"));
    assert_eq!(refused(&[0, 1, t::FIBER, 5]), Rule::Unknown { what: "state of a fiber", number: 5 });
    let mut nan = vec![0, 0, t::FLOAT];
    nan.extend(0x7ff8_0000_0000_0001_u64.to_le_bytes());
    assert_eq!(refused(&nan), Rule::Form("a NaN"));
    let mut loose = vec![0, 1, t::LIST, 8];
    loose.extend([t::SMALL; 8]);
    assert_eq!(refused(&loose), Rule::Form("a list of numbers"));
    // A length that is written longer than need be.
    refused(&[0, 1, t::LIST, 251, 1, 0, t::NIL]);
    refused(&[1, 0, t::STR, 1, 0xff]);
}

#[test]
fn equal_keys_are_refused_when_the_map_is_built() {
    let graph = |entries: &[u8]| [&[0, 1, t::MAP][..], entries].concat();
    let one = t::small(1).unwrap();
    let mut float = vec![t::FLOAT];
    float.extend(1.0f64.to_le_bytes());
    for entries in [
        vec![2, one, t::NIL, one, t::NIL],
        [&[2, one, t::NIL][..], &float, &[t::NIL]].concat(),
        vec![2, t::NIL, t::NIL, t::NIL, t::NIL],
    ] {
        let image = Image::parse(file_of(&graph(&entries)), &()).unwrap();
        let mut session = session(&Engine::new());
        assert!(session.vm().load(&image).is_err(), "{entries:?}");
    }
    // Nor are those that can be none.
    let image = Image::parse(file_of(&[0, 2, t::SET, 1, t::LIST, 0]), &()).unwrap();
    assert!(session(&Engine::new()).vm().load(&image).is_err());
}

#[test]
fn depth_bombs() {
    let depth = if cfg!(debug_assertions) { 200_000 } else { 10_000_000 };
    let mut graph = Vec::new();
    count(&mut graph, depth);
    graph.push(0);
    (0..depth).for_each(|_| graph.extend([t::TUPLE, 1]));
    graph.push(t::NIL);
    let mut parts = Parts::of(&file_of(&graph));
    // Without zeros behind it two bytes would ask for 128.
    parts.fill = fill_needed(&parts);
    assert!(parts.fill > 5 * depth);
    let bytes = parts.bytes();
    let work = move || {
        let image = Image::parse(&bytes, &()).unwrap();
        let mut session = Engine::new().session(Limits { heap: Some(4 << 30), ..Limits::default() }).unwrap();
        let value = session.vm().load(&image).unwrap();
        assert_eq!(session.vm().hash(&value).unwrap(), image.hash());
    };
    std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap().join().unwrap();
    // The same without an end.
    assert_eq!(refused(&graph[..graph.len() - 1]), CanonicalError::Truncated.into());
}

/// Every byte of a graph exchanged for every other one: no rule is there in vain.
#[test]
fn every_rule_about_functions_and_frames_refuses_something() {
    let mut broken = BTreeSet::new();
    for (_, bytes) in corpus() {
        let mut parts = Parts::of(&bytes);
        for at in 0..parts.graph.len() {
            let before = parts.graph[at];
            for byte in (0..=0x40).chain([0xfa, 0xfb, 0xff]) {
                parts.graph[at] = byte;
                if let Err(ImageError::Broken { rule: ImageRule::Graph(error), .. }) = Image::parse(parts.bytes(), &())
                {
                    let rule = format!("{:?}", error.rule);
                    broken.insert(rule.split([' ', '(']).next().unwrap().to_owned());
                }
            }
            parts.graph[at] = before;
        }
    }
    let wanted = [
        "Bytes",
        "Captures",
        "Constructor",
        "Counts",
        "Expected",
        "Form",
        "Iterator",
        "Members",
        "Method",
        "Nothing",
        "Owner",
        "Place",
        "Registers",
        "Repeated",
        "Result",
        "Run",
        "Unknown",
        "Waiting",
    ];
    let missing: Vec<&str> = wanted.into_iter().filter(|&rule| !broken.contains(rule)).collect();
    assert!(missing.is_empty(), "never broken: {missing:?}, only {broken:?}");
}

/// The image of a program's value, taken apart.
fn parts_of(session: &mut Session, text: &str) -> Parts {
    let value = session.run(&Input::text("keys.qp", text)).unwrap();
    let image = session.vm().image(&value).unwrap();
    Parts::of(&image.dump(Form { thin: false, strip: true }))
}

/// The registers of a loop hold an iterator, whose index may be any: behind the last element there is none.
#[test]
fn the_index_of_a_suspended_loop_may_be_any() {
    let engine = Engine::new();
    for items in ["(1, 2, 3)", "b\"abc\"", "\"abc\""] {
        let mut session = session(&engine);
        let text = format!("let f = fiber(|| {{ for x in {items} {{ yield x }}; \"end\" }})\nf.resume()\nf");
        let mut parts = parts_of(&mut session, &text);
        let [before @ .., index, t::NIL] = &parts.graph[..] else { panic!("{:?}", parts.graph) };
        assert_eq!(*index, t::small(1).unwrap());
        let before = before.to_vec();
        let largest = [&[t::INT, 253][..], &(u64::MAX - 1).to_le_bytes()].concat();
        let cases = [
            (largest, Ok("[\"end\"]")),
            (vec![t::INT, 253, 255, 255, 255, 255, 255, 255, 255, 255], Ok("[\"end\"]")),
            (vec![t::NIL], Err("Iterator")),
            (vec![t::LIST], Err("Iterator")),
            (vec![t::FLOAT, 0, 0, 0, 0, 0, 0, 0, 0], Err("Iterator")),
        ];
        for (index, expected) in cases {
            parts.graph = [&before[..], &index, &[t::NIL]].concat();
            if index == [t::LIST] {
                // One node more, an empty list.
                parts.graph[1] += 1;
                parts.graph.push(0);
            }
            match (Image::parse(parts.bytes(), &()), expected) {
                (Err(ImageError::Broken { rule: ImageRule::Graph(error), .. }), Err(rule)) => {
                    assert_eq!(format!("{:?}", error.rule), rule, "{items} {index:?}");
                }
                (Ok(image), Ok(ends)) => {
                    let fiber = session.vm().load(&image).unwrap();
                    let mut run = session.vm().run_of(&fiber).unwrap();
                    let Ok(Step::Done(value)) = session.vm().step(&mut run, Budget::Unlimited) else {
                        panic!("{items}")
                    };
                    assert_eq!(format!("[{}]", session.vm().repr(&value).unwrap()), ends);
                }
                (found, _) => panic!("{items} {index:?}: {:?}", found.err()),
            }
        }
    }
}

#[test]
fn the_entries_a_suspended_loop_began_with_are_the_maps_or_the_map_has_changed() {
    let engine = Engine::new();
    for items in ["[a: 1, b: 2]", "set([1, 2])"] {
        let mut session = session(&engine);
        let text = format!("let f = fiber(|| {{ for x in {items} {{ yield nil }}; \"end\" }})\nf.resume()\nf");
        let mut parts = parts_of(&mut session, &text);
        let started = [t::PLACE, 1, t::small(2).unwrap()];
        let at = parts.graph.windows(3).position(|bytes| bytes == started).expect("a loop") + 2;
        let graph = parts.graph.clone();
        let int = |int: i64| match t::small(int) {
            Some(small) => vec![small],
            None => [&[t::INT, 253][..], &((int << 1 ^ int >> 63) as u64).to_le_bytes()].concat(),
        };
        let (most, unfit) = (i64::from(u32::MAX) - 1, i64::from(u32::MAX));
        for third in [2, 1, 0, -1, most, unfit, -2, 1 << 32 | 2, i64::MAX, i64::MIN] {
            parts.graph = [&graph[..at], &int(third), &graph[at + 1..]].concat();
            let image = match Image::parse(parts.bytes(), &()) {
                Ok(image) => image,
                Err(ImageError::Broken { rule: ImageRule::Graph(error), .. }) => {
                    assert_eq!(format!("{:?}", error.rule), "Iterator", "{items} {third}");
                    assert!(!(-1..unfit).contains(&third), "{items} {third} is refused");
                    continue;
                }
                Err(error) => panic!("{items} {third}: {error:?}"),
            };
            assert!((-1..unfit).contains(&third), "{items} {third} is let pass");
            let fiber = session.vm().load(&image).unwrap();
            assert_eq!(session.vm().image(&fiber).unwrap().hash(), image.hash(), "{items} {third}");
            let mut run = session.vm().run_of(&fiber).unwrap();
            match session.vm().step(&mut run, Budget::Unlimited) {
                Ok(Step::Yield(_)) => assert_eq!(third, 2, "{items}"),
                Err(Failure::Uncaught(error)) => {
                    assert_eq!(error.kind.as_deref(), Some("changed"), "{items} {third}");
                    assert_ne!(third, 2, "{items}");
                }
                found => panic!("{items} {third}: {found:?}"),
            }
        }
    }
}

/// Keys that say they are filed in one place, as no program could afford to make them.
#[test]
fn many_keys_of_one_hash_load_in_linear_time() {
    let engine = Engine::new();
    let mut session = session(&engine);
    let text = "type K(n) { fn eq(self, o) = false; fn hash(self) = 1 }\n[(K(1)): nil]";
    let mut parts = parts_of(&mut session, text);
    let keys = 150_000;
    let [frozen, 2, t::MAP, 1, entry @ .., field] = &parts.graph[..] else { panic!("{:?}", parts.graph) };
    let mut graph = vec![*frozen];
    count(&mut graph, keys + 1);
    graph.push(t::MAP);
    count(&mut graph, keys);
    graph.extend(entry);
    for _ in 1..keys {
        graph.extend([t::FILED, t::INSTANCE, t::FROZEN, frozen - 2, t::FROZEN, frozen - 1, t::NIL]);
    }
    graph.resize(graph.len() + keys, *field);
    parts.graph = graph;
    parts.fill = fill_needed(&parts);
    let image = Image::parse(parts.bytes(), &()).unwrap();
    session.vm().set_limits(Limits { heap: Some(1 << 30), ..Limits::default() });
    // In quadratic time this would be eleven thousand million comparisons: minutes, where it takes a moment.
    let value = session.vm().load(&image).unwrap();
    assert_eq!(session.vm().image(&value).unwrap().hash(), image.hash());
}

/// Each key is the one before in a tuple, around an instance whose `hash` was asked once for all.
#[test]
fn keys_within_keys_load_in_linear_time() {
    let engine = Engine::new();
    let mut session = session(&engine);
    let text = "type K(n) { fn eq(self, o) = self.n == o.n; fn hash(self) = 1 }\n[((K(1),)): nil]";
    let mut parts = parts_of(&mut session, text);
    let keys = 100_000;
    let [frozen, 2, t::MAP, 1, entry @ .., field] = &parts.graph[..] else { panic!("{:?}", parts.graph) };
    let (first, filed) = (*frozen as usize - 2, frozen - 1);
    let mut graph = Vec::new();
    count(&mut graph, *frozen as usize + keys - 1);
    graph.extend([2, t::MAP]);
    count(&mut graph, keys);
    graph.extend(entry);
    for key in 1..keys {
        graph.extend([t::FILED, t::TUPLE, 1, t::FROZEN]);
        count(&mut graph, if key == 1 { first } else { first + key });
        graph.extend([t::FROZEN, filed, t::NIL]);
    }
    graph.push(*field);
    parts.graph = graph;
    parts.fill = fill_needed(&parts);
    let image = Image::parse(parts.bytes(), &()).unwrap();
    session.vm().set_limits(Limits { heap: Some(1 << 30), ..Limits::default() });
    // In quadratic time this would be five thousand million steps.
    let value = session.vm().load(&image).unwrap();
    assert_eq!(session.vm().image(&value).unwrap().hash(), image.hash());
    // They are found where they were filed.
    let has = session
        .run(&Input::text(
            "has.qp",
            &*format!("{}\n|m| m.has(((K(1),),)) and not m.has(((K(2),),))", &text[..text.find('\n').unwrap()]),
        ))
        .unwrap();
    let found = session.vm().call(&has, &[value]).unwrap();
    assert_eq!(session.vm().repr(&found).unwrap(), "true");
}

#[test]
fn random_bytes_and_random_graphs() {
    let rounds = std::env::var("MUTATIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(20_000);
    let tags = [
        t::NIL,
        t::TRUE,
        t::INT,
        t::FROZEN,
        t::NODE,
        t::STR,
        t::TUPLE,
        t::RANGE,
        t::CLOSURE,
        t::TYPE,
        t::ERROR,
        t::NATIVE,
        t::CELL,
        t::VAR,
        t::INSTANCE,
        t::LIST,
        t::MAP,
        t::SET,
        t::FIBER,
        t::FILED,
        0,
        1,
        2,
        3,
        0x90,
        0x91,
    ];
    let mut session = session(&Engine::new());
    let mut numbers = Numbers(3);
    let mut accepted = 0;
    for _ in 0..rounds {
        let mut graph = vec![numbers.below(4) as u8, numbers.below(4) as u8];
        for _ in 0..numbers.below(16) {
            let any = numbers.below(tags.len());
            graph.push(tags[any]);
        }
        accepted += usize::from(attempt(&mut session, &file_of(&graph), &format!("{graph:?}")));
    }
    assert!(accepted > 0);
}

/// The rule for which a made-up graph is refused.
fn refused(graph: &[u8]) -> Rule {
    match Image::parse(file_of(graph), &()) {
        Err(ImageError::Broken { section: Section::Graph, rule: ImageRule::Graph(error) }) => error.rule,
        Err(error) => panic!("{graph:?}: {error}"),
        Ok(_) => panic!("{graph:?} opens"),
    }
}
