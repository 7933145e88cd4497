//! Functions that are much longer than anybody writes: what lies far behind an instruction is found all the same.

use std::fmt::Write as _;

use quipu::vm::Limits;
use quipu::vm::host::{Class, HostType};
use quipu::{Engine, Input};

/// Runs a program and gives what it prints.
fn printed(text: &str) -> String {
    let engine = Engine::new();
    let mut session = engine.session(Limits::default()).unwrap();
    let value = session.run(&Input::text("large.qp", text)).unwrap_or_else(|error| panic!("{error}"));
    session.vm().repr(&value).unwrap()
}

const TYPES: &str = "type P(x) {\n  fn inc(self, by) { self.x += by; self }\n  fn all(self, ..xs) = xs.len()\n  \
                     fn x2(self) = self.x * 2\n}\n";

#[test]
fn members_are_found_from_any_distance() {
    // Every instruction with a cache, again and again, on different kinds of values.
    let mut text = TYPES.to_owned() + "let m = [k: 0]\nlet p = P(0)\nlet none = nil\nlet xs = []\nvar c = 0\n";
    for i in 0..4000 {
        let _ =
            writeln!(text, "m.k += 1; p.inc(1); xs.push(m.k); c += p.x + p.all(..[1, 2]) + (none?.k ?? 1); p.x = {i}");
    }
    text.push_str("(m.k, p.x, xs.len(), c)\n");
    // In each round the field is what the round before has left, and one more.
    let sum: i64 = 1 + (0..3999).map(|i| i + 1).sum::<i64>() + 4000 * 3;
    assert_eq!(printed(&text), format!("(4000, 3999, 4000, {sum})"));
}

#[test]
fn methods_are_called_in_the_tail_from_any_distance() {
    let mut text = TYPES.to_owned() + "fn f(p, xs, n) {\n  var c = 0\n";
    for i in 0..9000 {
        let _ =
            writeln!(text, "  if n == {i} {{ return p.x2() }}\n  if n == -{i} {{ return p.all(..xs) }}\n  c += p.x");
    }
    text.push_str(
        "  c\n}\nlet p = P(7)\n(f(p, [1, 2], 1), f(p, [1, 2], 8999), f(p, [1, 2], -8999), f(p, [], 10000))\n",
    );
    assert_eq!(printed(&text), "(14, 14, 2, 63000)");
}

#[test]
fn data_written_as_a_program() {
    let mut text = "let xs = []\n".to_owned();
    for i in 0..12_000 {
        let _ = writeln!(text, "xs.push([name: \"n{i}\", v: {i}])");
    }
    text.push_str("(xs.len(), xs[11_999].name, xs.map(|x| x.v).sum())\n");
    assert_eq!(printed(&text), "(12000, \"n11999\", 71994000)");
}

/// A type of the host with more methods than two bytes count, and special ones behind them.
struct Wide;

impl HostType for Wide {
    fn class() -> Class<Wide> {
        let few = Class::<Wide>::new("Wide").constructor(|| Wide).method("neg", |_: &Wide| "neg");
        let many = (2..=0xffff).fold(few, |class, i| class.method(&format!("m{i}"), |_: &Wide| "m"));
        // These two have the numbers of none and of the first one, but for the bits above.
        many.method("call", |_: &Wide| "call").method("str", |_: &Wide| "str").method("last", |_: &Wide| "last")
    }
}

#[test]
fn methods_are_told_apart_however_many_there_are() {
    let engine = Engine::builder().class::<Wide>().build().unwrap();
    let mut session = engine.session(Limits::default()).unwrap();
    let text = "let w = Wide()\n(-w, w.m65535(), w.last(), \"${w}\" == \"neg\", try { w() } catch e { e.kind })";
    let value = session.run(&Input::text("wide.qp", text)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(session.vm().repr(&value).unwrap(), "(\"neg\", \"m\", \"last\", false, \"type_error\")");
}

#[test]
fn data_may_be_written_as_a_program() {
    let list = |count: usize, part: &dyn Fn(usize) -> String| (0..count).map(part).collect::<Vec<_>>().join(", ");
    let strings = list(70_000, &|i| format!("\"s{i}\""));
    assert_eq!(printed(&format!("let xs = [{strings}]\nxs.len()")), "70000");
    // Names that are keys as well, in a function with branches, a loop, a handler, a type and a default.
    let entries = list(40_000, &|i| format!("k{i}: \"v{i}\""));
    let text = format!(
        r#"
        fn f(x = 1) {{
          let m = [{entries}]
          let found = []
          for key in ["k1", "k39999", "none"] {{
            found.push(try {{ if key == "k1" {{ m.k1 }} else {{ m[key] }} }} catch e {{ e.kind }})
          }}
          type Pair(first, k39999) {{ fn both(self) = "${{self.first}} ${{self.k39999}}" }}
          m.k39998 = x
          m.new ??= m.k39998
          found.extend([m.k39999, Pair(m.k7, 2).both(), m?.none, m.new, m.len()])
          found
        }}
        (f(), f(5)[6])"#
    );
    let first = r#"["v1", "v39999", "key_error", "v39999", "v7 2", nil, 1, 40001]"#;
    assert_eq!(printed(&text), format!("({first}, 5)"));
}
