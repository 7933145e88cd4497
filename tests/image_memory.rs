//! Loading an image takes at most sixteen times its length and a mebibyte beside its bytes, also while it is under way,
//! for hosts and for programs. Where it makes many short lists that holds as the machine counts memory; the system's
//! allocator adds sixteen bytes to each of them.
//!
//! Each case is loaded in a process of its own, because what was freed before would hide what is taken later.

#[path = "support/hungry.rs"]
mod hungry;

use std::fs;
use std::path::Path;
use std::process::Command;

use quipu::stdlib::Grant;
use quipu::vm::Limits;
use quipu::vm::image::Image;
use quipu::{Engine, Input};

use hungry::*;

const CASE: &str = "QUIPU_IMAGE";

/// Set where the system's allocator has a share.
const ALLOCATED: &str = "QUIPU_IMAGE_ALLOCATED";

/// Set where a program loads the image.
const BY_PROGRAM: &str = "QUIPU_IMAGE_BY_PROGRAM";

/// Programs with more short lists than the allocator's share of sixteen times allows, and what they may take with it.
const SHORT_LISTS: [&str; 4] = [
    "range(100_000).map(|i| [nil, nil])",
    "range(100_000).map(|i| [\"a\"])",
    "range(50_000).map(|i| [[[[]]]])",
    "range(20_000).map(|i| [1, 2, nil, 4, []])",
];
const SHORT_LISTS_FACTOR: usize = 24;

/// A line of what the system knows about this process, in bytes.
fn status(name: &str) -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? << 10)
}

#[test]
fn loading_takes_at_most_sixteen_times_the_length() {
    if let Ok(file) = std::env::var(CASE) {
        return load(Path::new(&file));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image_memory");
    let mut sound = true;
    for (text, number) in PROGRAMS.iter().chain(&SHORT_LISTS).zip(0..) {
        let file = save(&folder, &format!("{number}.qpi"), text);
        eprintln!("{text}");
        for by_program in [false, true] {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", "loading_takes_at_most_sixteen_times_the_length", "--nocapture"]);
            child.env(CASE, &file);
            if by_program {
                child.env(BY_PROGRAM, "yes");
            }
            if SHORT_LISTS.contains(text) {
                child.env(ALLOCATED, "yes");
            }
            let child = child.output().unwrap();
            eprint!("  {}", String::from_utf8_lossy(&child.stderr));
            sound &= child.status.success();
        }
    }
    assert!(sound, "some image takes too much");
}

/// In the other process.
fn load(file: &Path) {
    let by_program = std::env::var_os(BY_PROGRAM).is_some();
    let length = fs::metadata(file).unwrap().len() as usize;
    let bytes = if by_program { Vec::new() } else { fs::read(file).unwrap() };
    let mut session = Engine::granting(&Grant::all(Vec::new())).session(Limits::default()).unwrap();
    session.run(&Input::text("warm.qp", "[1].map(|x| x).sum()")).unwrap();
    session.run(&Input::text("tiny.qp", "import image\nimage.load(image.dump([1]))")).unwrap();
    let heap = session.vm().stats().heap_bytes;
    let (Some(before), Ok(())) = (status("VmRSS:"), fs::write("/proc/self/clear_refs", "5")) else { return };
    let _value = match by_program {
        true => session.run(&Input::text("main.qp", format!("import image\nimage.open({file:?})"))).unwrap(),
        false => session.vm().load(&Image::parse(bytes, &()).unwrap()).unwrap(),
    };
    let peak = status("VmHWM:").unwrap_or(0).saturating_sub(before);
    let kept = session.vm().stats().heap_bytes - heap;
    // What a program opens it reads as well, and the allocator may not find a use for all of that room.
    let read = if by_program { 2 * length } else { 0 };
    let allowed = |factor: usize| factor * length + read + EXTRA + PAGES;
    let factor = if std::env::var_os(ALLOCATED).is_some() { SHORT_LISTS_FACTOR } else { FACTOR };
    let times = peak as f64 / length as f64;
    eprintln!("{length} bytes: {peak} at most, {times:.1} times; {kept} stay");
    assert!(peak <= allowed(factor) && kept <= allowed(FACTOR));
}

/// Images that are asked for where there is no room for them are refused before they take any.
#[test]
fn what_has_no_room_is_refused_before_it_takes_any() {
    if let Ok(file) = std::env::var(CASE) {
        let limits = Limits { heap: Some(12 << 20), ..Limits::default() };
        let mut session = Engine::granting(&Grant::all(Vec::new())).session(limits).unwrap();
        let Ok(()) = fs::write("/proc/self/clear_refs", "5") else { return };
        let ended = session.run(&Input::text("main.qp", format!("import image\nimage.open({file:?})")));
        assert!(matches!(ended, Err(quipu::Error::Failed(_))), "it is there");
        let most = status("VmHWM:").unwrap_or(0);
        eprintln!("{file}: {most} bytes at most");
        return assert!(most < 40 << 20);
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_room_for_image");
    let many = save(&folder, "many.qpi", "range(1_000_000).map(|i| \"${i}\")");
    let empty = folder.join("empty.qpi");
    fs::File::create(&empty).unwrap().set_len(2 << 30).unwrap();
    for file in [many, empty] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "what_has_no_room_is_refused_before_it_takes_any", "--nocapture"]).env(CASE, &file);
        let child = child.output().unwrap();
        let told = String::from_utf8_lossy(&child.stderr);
        print!("{told}");
        assert!(child.status.success(), "{}: {told}", file.display());
    }
}
