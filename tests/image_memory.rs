//! Loading an image takes at most sixteen times its length and a mebibyte beside its bytes, also while it is under way.
//!
//! Each case is loaded in a process of its own, because what was freed before would hide what is taken later.

use std::fs;
use std::path::Path;
use std::process::Command;

use quipu::vm::Limits;
use quipu::vm::image::{Form, Image};
use quipu::{Engine, Input, Session};

const FACTOR: usize = 16;
const EXTRA: usize = 1 << 20;

/// What the system counts beside: it gives whole pages, and the allocator keeps lists.
const PAGES: usize = 256 << 10;

const CASE: &str = "QUIPU_IMAGE";

const PROGRAMS: [&str; 17] = [
    "range(200_000).map(|i| nil)",
    "range(200_000).map(|i| [])",
    "range(100_000).map(|i| [i])",
    "range(100_000).map(|i| [:])",
    "let m = set([]); for i in 0..200_000 { m.add(i) }; m",
    "let m = [:]; for i in 0..200_000 { m[i] = nil }; m",
    "let m = [:]; for i in 0..60_000 { m[(i,)] = set([i]) }; m",
    "fn f(n) { var m = n; || { m += 1; m } }; range(100_000).map(f)",
    "range(30_000).map(|i| fiber(|| i))",
    "range(10_000).map(|i| { let f = fiber(|| { yield i }); f.resume(); f })",
    "type P(a, b, c); range(60_000).map(|i| P(nil, nil, nil))",
    "type K(n) { fn eq(self, o) = false; fn hash(self) = self.n }; let m = [:]; for i in 0..20_000 { m[K(i)] = i }; m",
    "range(100_000).map(|i| (i,))",
    "range(100_000).map(|i| \"${i}\")",
    "range(60_000).map(|i| error(\"${i}\"))",
    "range(200_000).map(|i| i)",
    "fn deep(n) = if n == 0 { yield 1 } else { 1 + deep(n - 1) }; let f = fiber(|| deep(60_000)); f.resume(); f",
];

/// A session whose library has run: what that takes is not the image's.
fn session() -> Session {
    let mut session = Engine::new().session(Limits::default()).unwrap();
    session.run(&Input::text("warm.qp", "[1].map(|x| x).sum()")).unwrap();
    session
}

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
    fs::create_dir_all(&folder).unwrap();
    let mut sound = true;
    for (text, number) in PROGRAMS.iter().zip(0..) {
        let file = folder.join(format!("{number}.qpi"));
        let mut session = session();
        let value = session.run(&Input::text("main.qp", *text)).unwrap();
        fs::write(&file, session.vm().freeze(&value).unwrap().to_bytes(Form::default())).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "loading_takes_at_most_sixteen_times_the_length", "--nocapture"])
            .env(CASE, &file)
            .output()
            .unwrap();
        eprint!("{text}\n  {}", String::from_utf8_lossy(&child.stderr));
        sound &= child.status.success();
    }
    assert!(sound, "some image takes too much");
}

/// In the other process.
fn load(file: &Path) {
    let bytes = fs::read(file).unwrap();
    let length = bytes.len();
    let mut session = session();
    let heap = session.vm().stats().heap_bytes;
    let (Some(before), Ok(())) = (status("VmRSS:"), fs::write("/proc/self/clear_refs", "5")) else { return };
    let image = Image::open(bytes, &()).unwrap();
    let _value = session.vm().thaw(&image).unwrap();
    let peak = status("VmHWM:").unwrap_or(0).saturating_sub(before);
    let kept = session.vm().stats().heap_bytes - heap;
    let allowed = FACTOR * length + EXTRA + PAGES;
    let times = peak as f64 / length as f64;
    eprintln!("{length} bytes: {peak} at most, {times:.1} times; {kept} stay");
    assert!(peak <= allowed && kept <= allowed);
}
