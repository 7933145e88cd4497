//! Generated programs are stopped before a random instruction, saved, and go on in another process: output, fuel and the
//! hash of what they come to are those of a run in one piece. `CUT_PROGRAMS` and `CUT_SEED` in the environment try
//! more and others.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use quipu::vm::image::{Form, Image};
use quipu::vm::{Budget, Limits, Run, Step};
use quipu::{Engine, Input, Session};
use support::Captured;
use support::cut::Numbers;

const PROGRAMS: u64 = 60;

const PRELUDE: &str = r#"
type Sum(n, log = []) {
  fn add(self, k) { self.n = (self.n + k) % 1009; self.log.push(k); self }
  fn cmp(self, o) = self.n - o.n
  fn iter(self) = self.log
}
fn down(n) = if n <= 0 { 1 } else { 1 + down(n - 1) }
fn even(n) = if n == 0 { true } else { odd(n - 1) }
fn odd(n) = if n == 0 { false } else { even(n - 1) }
fn each_twice(xs) { for x in xs { yield x; yield x } }
var a = 3
var b = 5
var c = 7
var s = ""
var xs = [4, 1, 3]
let m = [:]
"#;

/// A program that ends.
fn program(numbers: &mut Numbers) -> String {
    let mut text = PRELUDE.to_owned();
    let mut left = 12;
    while left > 0 {
        block(numbers, 0, 1, &mut left, &mut text);
    }
    text.push_str("print(a, b, c, s, xs, m)\n[a, b, c, s, xs, m, || (a, xs)]\n");
    text
}

/// A few statements; what contains them takes them at most three times each turn.
fn block(numbers: &mut Numbers, depth: u32, count: u64, left: &mut i32, out: &mut String) {
    for _ in 0..count {
        *left -= 1;
        statement(numbers, depth, left, out);
    }
}

fn statement(numbers: &mut Numbers, depth: u32, left: &mut i32, out: &mut String) {
    let k = numbers.below(9) + 1;
    let kind = if depth >= 3 || *left < 0 { numbers.below(12) } else { numbers.below(22) };
    let inner = |numbers: &mut Numbers, left: &mut i32| {
        let mut body = String::new();
        let count = numbers.below(3) + 1;
        block(numbers, depth + 1, count, left, &mut body);
        body
    };
    let text = match kind {
        0 => format!("a = (a * {k} + b) % 1009\n"),
        1 => format!("b = (b + a // {k} - c) % 997\n"),
        2 => format!("c = match (a % 3, xs) {{ (0, _) => {k}, (1, [x, ..rest]) => x + rest.len(), _ => c }}\n"),
        3 => format!("xs = [..xs.take(9), a % 50].map(|x| (x * {k} + b) % 97)\n"),
        4 => format!("m[\"k${{a % 7}}\"] = [b, {k}]\n"),
        5 => "for (k, v) in m { c = (c + v[0] + k.len()) % 997 }\n".to_owned(),
        6 => "xs.sort(|p, q| q - p)\nprint(xs)\n".to_owned(),
        7 => format!("s = \"${{s[..20]}}<${{a % {k}}}>\"\nprint(s)\n"),
        8 => format!("b = (b + down(a % {}) + if even(a % 9) {{ 1 }} else {{ 0 }}) % 997\n", k + 3),
        9 => format!("c = (c + Sum(a).add({k}).add(b).n) % 997\nif Sum(a) < Sum(b) {{ c += 1 }}\n"),
        10 => "a = (a + xs.fold(0, |p, q| (p * 3 + q) % 1009) + xs.group_by(|x| x % 3).len()) % 1009\n".to_owned(),
        11 => format!("m.get_or_insert({k}, || [a, {k}]).push(b)\n"),
        12 => format!("if a % {} == 0 {{\n{}}} else {{\n{}}}\n", k % 3 + 2, inner(numbers, left), inner(numbers, left)),
        13 => format!("for i in 0..{} {{\na += i\n{}}}\n", k % 4, inner(numbers, left)),
        14 => format!(
            "{{\nvar w = {}\nwhile w > 0 {{\nw -= 1\n{}if a % 5 == 4 {{ break }}\n}}\n}}\n",
            k % 4,
            inner(numbers, left)
        ),
        15 => format!(
            "for y in fiber(|| {{ for i in 0..{} {{\nyield i + a\n{}}} }}) {{\nb = (b + y) % 997\n{}}}\n",
            k % 4,
            inner(numbers, left),
            inner(numbers, left)
        ),
        16 => format!(
            "try {{\n{}if a % 3 == 0 {{ throw [a, {k}] }}\nxs[{k} + 40]\n}} catch e {{\nb = (b + if e is error {{ 1 }} else {{ e[0] }}) % 997\n{}}}\n",
            inner(numbers, left),
            inner(numbers, left)
        ),
        17 => format!(
            "{{\nvar n = {k}\nlet step = |x| {{ n += x; a = (a + n) % 1009; n }}\nc = (c + step(1) + step(2)) % 997\n{}b = step(0)\n}}\n",
            inner(numbers, left)
        ),
        18 => format!(
            "for x in fiber(|| each_twice(xs.take({}))) {{\nc = (c + x) % 997\n{}}}\n",
            k % 4,
            inner(numbers, left)
        ),
        19 => format!("xs = xs.take({}).map(|x| {{\n{}(x + a) % 97\n}})\n", k % 4, inner(numbers, left)),
        20 => format!(
            "{{\nlet f = fiber(|x| {{ let y = [1, 2].map(|i| yield x * i)\n{}y.len() }})\nprint(f.resume({k}), f.resume(a), f.resume(b), f.done())\n}}\n",
            inner(numbers, left)
        ),
        _ => format!(
            "try {{ atomic(|| {{\n{}if b % 2 == 0 {{ throw {k} }}\n}}) }} catch e {{ c += 1 }}\n",
            inner(numbers, left)
        ),
    };
    out.push_str(&text);
}

fn session(engine: &Engine) -> (Session, Captured) {
    let limits = Limits { fuel: Some(50_000_000), ..Limits::default() };
    let mut session = engine.session(limits).unwrap();
    let output = Captured::default();
    session.vm().set_output(Box::new(output.clone()));
    (session, output)
}

/// What is left of a run: output, fuel and the hash of its value or the error.
struct End {
    output: String,
    fuel: u64,
    value: String,
}

fn finish(session: &mut Session, output: &Captured, run: &mut Run) -> End {
    let before = session.vm().stats().fuel_used;
    let step = session.vm().step(run, Budget::Unlimited);
    let fuel = session.vm().stats().fuel_used - before;
    let value = match step {
        Ok(Step::Done(value)) => format!("{:02x?}", session.vm().hash(&value).unwrap()),
        Ok(_) => "it yields".to_owned(),
        Err(failure) => format!("{failure:?}"),
    };
    End { output: output.text(), fuel, value }
}

#[test]
fn cut_anywhere_and_gone_on_in_another_process() {
    let engine = Engine::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cut");
    fs::create_dir_all(&folder).unwrap();
    let (image, report) = (folder.join("run.qpi"), folder.join("report"));
    let count = std::env::var("CUT_PROGRAMS").map_or(PROGRAMS, |count| count.parse().unwrap());
    let seed = std::env::var("CUT_SEED").unwrap_or_default();
    let mut numbers = Numbers::of(&format!("cut{seed}"));
    let (mut cut, mut total) = (0, 0);
    for number in 0..count {
        let text = program(&mut numbers);
        let input = Input::text("program.qp", text.as_str());
        let (mut whole, output) = session(&engine);
        let mut run = whole.start(&input).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let started = whole.vm().stats().fuel_used;
        let expected = finish(&mut whole, &output, &mut run);

        let (mut first, output) = session(&engine);
        let mut run = first.start(&input).unwrap();
        let instructions = numbers.below(expected.fuel * 8 + 100);
        match first.vm().step(&mut run, Budget::Instructions(instructions)) {
            Ok(Step::OutOfBudget) => {}
            // It was over before.
            _ => continue,
        }
        let fuel = first.vm().stats().fuel_used - started;
        fs::write(&image, first.vm().freeze(run.fiber()).unwrap().to_bytes(Form::default())).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "the_other_process"]).env("CUT_IMAGE", &image).env("CUT_REPORT", &report);
        let ended = child.output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        let report = fs::read_to_string(&report).unwrap();
        let (rest, printed) = report.split_once('\n').unwrap();
        let (value, left) = rest.rsplit_once(' ').unwrap();
        let what = format!("program {number} after {instructions} instructions:\n{text}");
        assert_eq!(output.text() + printed, expected.output, "{what}");
        assert_eq!(value, expected.value.replace('\n', " "), "{what}");
        assert_eq!(fuel + left.parse::<u64>().unwrap(), expected.fuel, "{what}");
        cut += 1;
        total += instructions;
    }
    println!("{cut} of {count} programs were cut, after {} instructions on average", total / cut.max(1));
    assert!(cut > count / 3, "only {cut} of {count} programs were cut");
}

/// The second half of the test above; alone it does nothing.
#[test]
fn the_other_process() {
    let Ok(image) = std::env::var("CUT_IMAGE") else { return };
    let image = Image::open(&fs::read(image).unwrap(), &()).unwrap();
    let (mut session, output) = session(&Engine::new());
    let fiber = session.vm().thaw(&image).unwrap();
    let mut run = session.vm().run_of(&fiber).unwrap();
    let end = finish(&mut session, &output, &mut run);
    let report = format!("{} {}\n{}", end.value.replace('\n', " "), end.fuel, end.output);
    fs::write(std::env::var("CUT_REPORT").unwrap(), report).unwrap();
}
