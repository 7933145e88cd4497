//! Whatever a native is called with, it gives a value or throws: code from outside can name every native of the library,
//! those that are meant for the library itself included.

use std::time::Duration;

use crate::support::{assert_all, parallel};
use quipu::code::span::Source;
use quipu::lang::compile::{NativeInfo, Natives, compile};
use quipu::lang::parse::parse;
use quipu::stdlib::{Grant, library};
use quipu::vm::library::Provided;
use quipu::vm::{Failure, Limits};
use quipu::{Engine, Input};

/// Most time for all calls of one native.
const TIME: Duration = Duration::from_secs(60);

/// Lets a source name anything.
struct Anything;

impl Natives for Anything {
    fn find(&self, _: &str) -> Option<NativeInfo> {
        Some(NativeInfo::default())
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Values of every kind, at the edges of what natives expect.
const POOL: &str = r#"
type Plain(a, b)
type Odd(x) {
  fn eq(self, o) = throw "eq"
  fn hash(self) = [1]
  fn cmp(self, o) = "no"
  fn iter(self) = 5
  fn call(self, n) = n
  fn str(self) = 7
}
fn pool() = [
  nil, true, 0, 1, -1, 3, 9223372036854775807, -9223372036854775807 - 1, 0.5, -0.0, 1e308 * 10, "", "a", "äö\u{1F600}b",
  b"", b"\xff\x00", (), (1, "x"), [], [3, 1, 2], [[1], nil, "z"], [:], ["k": 1, 2: []], set([1, "a"]), 0..0, 1..=5,
  (10..0).step(-3), |x| x, |x, y| throw x, |..r| r, print, int, Plain, Plain(1, 2), Odd(1), fiber(|| { yield 1 }),
  error("e", [1]),
]
pool
"#;

const CALLS: &str = r#"
|pool, f| {
  let values = pool().len()
  try { f() } catch e {}
  for i in 0..values {
    try { f(pool()[i]) } catch e {}
    for j in 0..values { try { f(pool()[i], pool()[j]) } catch e {} }
  }
  var seed = 1
  for i in 0..300 {
    let args = []
    for k in 0..3 + i % 2 {
      seed = (seed * 16807) % 2147483647
      args.push(pool()[seed % values])
    }
    try { f(..args) } catch e {}
  }
}
"#;

#[test]
fn natives_end_well_whatever_they_are_given() {
    let library = library(&Grant::pure());
    let mut names = library.standard.as_ref().unwrap().names();
    names.retain(|name| !matches!(library.find(name), Some(Provided::Constant(_))));
    names.retain(|name| name != "image.save" && name != "image.open");
    names.sort();
    names.dedup();
    let mut calls: Vec<(String, String)> = names.iter().map(|name| (name.clone(), native(name))).collect();
    for ty in ["str", "bytes", "tuple", "range", "list", "map", "set", "function", "fiber"] {
        for name in library.methods_of(ty) {
            calls.push((format!("{ty}.{name}"), format!("|x, ..rest| x.{name}(..rest)")));
        }
    }
    let engine = Engine::new();
    let results = parallel(calls.clone(), TIME, move |(name, text)| {
        let mut session = engine.session(Limits::default()).unwrap();
        let pool = session.run(&Input::text("pool.qp", POOL)).unwrap();
        let start = session.run(&Input::text("calls.qp", CALLS)).unwrap();
        let function = if name.contains('.') {
            session.run(&Input::text("native.qp", text.as_str())).map_err(|error| error.to_string())?
        } else {
            let source = Source::new("native.qp", text.as_str());
            let unit = compile(&parse(&source), &source, &[], &Anything, &[]).map_err(|found| format!("{found:?}"))?;
            let main = session.vm().instantiate(&unit.main, &[]).unwrap();
            let ran = session.vm().call(&main, &[]).unwrap();
            session.vm().tuple_item(&ran, 0).unwrap()
        };
        let vm = session.vm();
        vm.set_limits(Limits { fuel: Some(3_000_000), heap: Some(64 << 20), depth: 2_000, deadline: None });
        match vm.call(&start, &[pool.clone(), function]) {
            Ok(_) | Err(Failure::Stop(..)) => {}
            Err(failure) => return Err(format!("{failure:?}")),
        }
        vm.set_limits(Limits::default());
        let value = session.run(&Input::text("after.qp", "1 + 1")).map_err(|error| format!("afterwards: {error}"))?;
        match session.vm().repr(&value).unwrap().as_str() {
            "2" => Ok(()),
            other => Err(format!("afterwards 1 + 1 is {other}")),
        }
    });
    assert_all(calls.iter().map(|(name, _)| name.as_str()), results);
}

/// A function that passes everything on to a native.
fn native(name: &str) -> String {
    match name.split_once('.') {
        // Members of modules have names that no source can spell; the module gives them.
        Some((module, member)) => format!("import {module}\n|..args| {module}.{member}(..args)"),
        None => format!("|..args| {name}(..args)"),
    }
}
