//! Programs whose values take much memory for the bytes that they are saved as.

use std::fs;
use std::path::{Path, PathBuf};

use quipu::vm::Limits;
use quipu::vm::image::Form;
use quipu::{Engine, Input, Session};

/// Memory that looking at an image may take, for each of its bytes and beside.
pub const FACTOR: usize = 16;
pub const EXTRA: usize = 1 << 20;

/// What the system counts beside: it gives whole pages, and the allocator keeps lists.
pub const PAGES: usize = 256 << 10;

pub const PROGRAMS: [&str; 25] = [
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
    "range(60_000).map(|i| [\"${i}\", \"number ${i}\", \"\"])",
    "range(20_000).map(|i| range(20).map(|j| \"${i} and ${j}\"))",
    "var t = (); for i in 0..200_000 { t = (t,) }; t",
    "var t = (); for i in 0..100_000 { t = (i, t, \"${i}\") }; t",
    "fn wrap(f) { var g = f; || g }; var f = nil; for i in 0..100_000 { f = wrap(f) }; f",
    "type P(next); var p = nil; for i in 0..100_000 { p = P(p) }; p",
    "fn make(n) { type T(a) { fn get(self) = n }; T }; range(20_000).map(make)",
    "fn make(n) { type T(a, b) { fn get(self) = n }; [T, T(nil, n)] }; range(20_000).map(make)",
];

/// A session whose library has run: what that takes is not the image's.
pub fn session() -> Session {
    let mut session = Engine::new().session(Limits::default()).unwrap();
    session.run(&Input::text("warm.qp", "[1].map(|x| x).sum()")).unwrap();
    session
}

/// Saves the value of a program in a folder, and gives the file.
pub fn save(folder: &Path, name: &str, program: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let file = folder.join(name);
    let mut session = session();
    let value = session.run(&Input::text("main.qp", program)).unwrap();
    fs::write(&file, session.vm().image(&value).unwrap().dump(Form::default())).unwrap();
    file
}
