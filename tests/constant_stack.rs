//! Handlers end in jumps: millions of instructions of every kind, slow paths included, on a small Rust stack.
//!
//! A handler that calls the next one instead of jumping to it takes some of the Rust stack for every instruction, and
//! overflows it here within a few thousand.

use quipu::vm::Watch;
use quipu::{Engine, Input};

const PROGRAM: &str = r#"
type Point(x, y = 0) {
  fn add(self, o) = Point(self.x + o.x, self.y + o.y)
  fn cmp(self, o) = self.x - o.x
  fn eq(self, o) = self.x == o.x
  fn get(self, i) = i
  fn set(self, i, v) { self.y = v }
  fn contains(self, v) = v == 1
  fn iter(self) = [1, 2]
  fn neg(self) = self
  fn str(self) = "p"
}
fn tail(n, step = 1) = if n <= 0 { 0 } else { tail(n - step) }
fn many(..rest) = rest.len()
fn spin(turns) {
  var total = 0
  let xs = [1, 2, 3]
  let m = ["a": 1]
  let f = fiber(|| { while true { yield 1 } })
  for i in 0..turns {
    var cell = i
    let closure = |k| { cell += k; cell }
    total += closure(1) - i + many(..xs) + many(i, i)
    let p = Point(i) + Point(1, 2)
    if p > Point(0) and p == p and 1 in p and "s" != "${p}" { total += p[1] }
    p[0] = -p.y
    p.x = 2 ** 3 // 2 % 5 << 1
    for v in p { total += v }
    for (k, v) in m { total += v }
    for c in "ab" { total += c.len() }
    let (a, b) = (i, [i, ..xs])
    total += match b { [first, ..rest] => rest.len(), _ => 0 }
    total += match [k: a] { [k: k] if k is int => 1, _ => 0 }
    try { if i % 3 == 0 { throw error("e", i) } } catch e { total += 1 }
    try { [][i] } catch e { total += 1 }
    total += f.resume() + xs[i % 3] + xs[..2].len() + m.a + (m?.b ?? 1) + abs(-1)
    total += [3, 1].map(|x| x + 1).len() + atomic(|| { cell = 0; 1 })
    xs[0] = i ^ 3 & 7 | ~i
    if "ab" == "a" + "b" { total += 1 }
  }
  total
}
tail(300_000)
spin(100_000)
"#;

/// Runs the program on a small stack.
fn runs(watch: Option<Watch>) {
    let worker = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
        let engine = Engine::default();
        let mut session = engine.session(Default::default()).expect("the library runs");
        if let Some(watch) = watch {
            session.vm().watch(watch);
        }
        let input = Input::Text { name: "<test>".into(), text: PROGRAM.into() };
        session.run(&input).map(|_| ()).map_err(|_| "the program fails")
    });
    assert_eq!(worker.expect("a thread").join().expect("no overflow"), Ok(()));
}

#[test]
fn constant_stack() {
    runs(None);
}

#[test]
fn constant_stack_while_watched() {
    runs(Some(Watch { period: Some(1009) }));
}
