//! Natives charge for what they do, and ask for memory before they take it: fuel grows with what they work on, too little
//! of it stops them, a small heap keeps the process small, and time stops what would take long.

mod support;

use std::fs;
use std::process::Command;
use std::time::Duration;

use quipu::vm::{Limits, Moment, Stop};
use quipu::{Engine, Input, Session};

/// What is called, after what is made for it; `N` is the size.
const CALLS: &[(&str, &str)] = &[
    ("let s = \"ab \" * N", "s.split()"),
    ("let s = \"ab,\" * N", "s.split(\",\")"),
    ("let s = \"a\\n\" * N", "s.lines()"),
    ("let s = \"é\" * N", "s.chars()"),
    ("let s = \"é\" * N", "s.upper()"),
    ("let s = \"éΣ\" * N", "s.lower()"),
    ("let s = \" \" * N", "s.trim()"),
    ("let s = \"ab\" * N", "s.replace(\"a\", \"xy\")"),
    ("let s = \"ab\" * N", "s.contains(\"c\")"),
    ("let s = \"ab\" * N", "s.ends_with(\"ab\" * N)"),
    ("let s = \"ab\" * N", "s.reversed()"),
    ("let s = \"1\" * N", "s.is_digit()"),
    ("let s = \"ab\"", "s.pad_start(N, \"é\")"),
    ("let s = \"ab\"", "s.repeat(N)"),
    ("let b = bytes(\"é\" * N)", "b.to_str()"),
    ("let b = bytes(\"é\" * N)", "b.hex()"),
    ("let b = bytes(\"é\" * N)", "sum(b)"),
    ("let b = bytes(\"é\" * N)", "b.to_list()"),
    ("import base64; let b = bytes(\"é\" * N)", "base64.encode(b)"),
    ("import base64; let s = \"QUJD\" * N", "base64.decode(s)"),
    ("import hex; let s = \"4142\" * N", "hex.decode(s)"),
    ("import csv; let s = \"a,b\\n\" * N", "csv.parse(s)"),
    ("import csv; let s = \",\" * N", "csv.parse(s)"),
    ("import csv; let xs = [[\"a\", 1]] * N", "csv.stringify(xs)"),
    ("import json; let s = \"\\\"\" + \"a\" * N + \"\\\"\"", "json.parse(s)"),
    ("import json; let s = \"[\" + \"1,\" * N + \"1]\"", "json.parse(s)"),
    ("import json; let s = \"a\" * N", "json.stringify(s)"),
    ("import json; let xs = [1] * N", "json.stringify(xs)"),
    ("let xs = [\"ab\"] * N", "xs.join(\"-\")"),
    ("let xs = [1] * N", "xs.copy()"),
    ("let xs = [1] * N", "xs.concat(xs)"),
    ("let xs = [1] * N", "xs.zip(xs)"),
    ("let xs = [1] * N", "xs.enumerate()"),
    ("let xs = [1] * N", "xs.chunks(2)"),
    ("let xs = [1] * N", "xs.windows(3)"),
    ("let xs = [1] * N", "xs.unique()"),
    ("let xs = [1] * N", "xs.to_tuple()"),
    ("let xs = [1] * N", "set(xs)"),
    ("let xs = [1] * N", "xs.reversed()"),
    ("let xs = [3, 1, 2] * N", "xs.sorted()"),
    ("let xs = [\"b\", \"a\"] * N", "xs.sorted()"),
    ("let x = \"a\" * N", "[x + \"b\", x + \"a\"].sorted()"),
    ("let x = \"a\" * N", "max(x + \"b\", x + \"a\")"),
    ("let xs = [1.5] * N", "max(xs)"),
    ("let m = [:]; for i in 0..N { m[i] = i }", "m.keys()"),
    ("let m = [:]; for i in 0..N { m[i] = i }", "m.copy()"),
    ("let m = [:]; for i in 0..N { m[i] = i }", "m.items()"),
    ("let m = set(0..N)", "m.union(m)"),
    ("let m = set(0..N)", "m.intersection(m)"),
    ("import random; let g = random.seed(1); let xs = [1] * N", "g.shuffle(xs)"),
    ("import random; let g = random.seed(1)", "g.bytes(N)"),
    ("import regex; let r = regex.compile(\"b\"); let s = \"a\" * N", "r.test(s)"),
    ("import regex; let r = regex.compile(\"a\"); let s = \"a\" * N", "r.find_all(s)"),
    ("import regex; let r = regex.compile(\"(a)(b)\"); let s = \"ab\" * N", "r.captures_all(s)"),
    ("import regex; let r = regex.compile(\"a\"); let s = \"a\" * N", "r.replace(s, \"b\")"),
    ("import regex; let r = regex.compile(\",\"); let s = \"a,\" * N", "r.split(s)"),
    ("import regex", "regex.compile(\"a|bc|\" * N)"),
    ("import regex", "regex.compile(\"[ab]c\" * N)"),
];

fn program(setup: &str, call: &str, size: usize) -> String {
    let text = format!("{}\n{call}\nnil\n", setup.replace("; ", "\n"));
    text.replace('N', &size.to_string())
}

/// The fuel that a program uses, if it comes to its end with so much.
fn fuel(text: &str, limit: Option<u64>) -> Result<u64, Stop> {
    let mut session = Engine::new().session(Limits { fuel: limit, ..Limits::default() }).unwrap();
    match session.run(&Input::text("charges.qp", text)) {
        Ok(_) => Ok(session.vm().stats().fuel_used),
        Err(error) => Err(stop(&error).unwrap_or_else(|| panic!("{text}\n{error}"))),
    }
}

fn stop(error: &quipu::Error) -> Option<Stop> {
    [Stop::Fuel, Stop::Heap, Stop::Time].into_iter().find(|stop| error.to_string().contains(&stop.to_string()))
}

#[test]
fn fuel_grows_with_what_natives_work_on() {
    let mut wrong = Vec::new();
    for (setup, call) in CALLS {
        let cost = |size: usize| {
            let without = fuel(&program(setup, "nil", size), None).unwrap();
            fuel(&program(setup, call, size), None).unwrap() - without
        };
        let (little, much) = (cost(2_000), cost(16_000));
        // A unit pays for 64 bytes or 16 steps; what is copied twice is paid for twice.
        if much < little + 14_000 / 64 - 20 || much > 14 * little + 200 {
            wrong.push(format!("{setup}; {call}: {little} for 2,000, {much} for 16,000"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn natives_stop_before_the_work_that_fuel_does_not_pay() {
    for (setup, call) in CALLS {
        let without = fuel(&program(setup, "nil", 10_000), None).unwrap();
        let with = fuel(&program(setup, call, 10_000), None).unwrap();
        let half = without + (with - without) / 2;
        assert_eq!(fuel(&program(setup, call, 10_000), Some(half)), Err(Stop::Fuel), "{setup}; {call}");
    }
}

const MIB: usize = 1 << 20;

/// The heap limit of programs that want more than they get.
const HEAP: usize = 32 * MIB;

/// Programs that take more than the limit, in the heap or beside it.
const GREEDY: &[&str] = &[
    "(\"\\n\" * 30000000).lines()",
    "(\",\" * 30000000).split(\",\")",
    "(\"a \" * 15000000).split()",
    "(\"a\" * 30000000).chars()",
    "(\"ß\" * 10000000).upper()",
    "import csv\ncsv.parse(\",\" * 20000000)",
    "import csv\ncsv.parse(\"a\\n\" * 10000000)",
    "import regex\nregex.compile(\"a|\" * 1000000)",
    "import regex\nregex.compile(\"a|\" * 120000)",
    "import regex\nregex.compile(\"(\" * 120000)",
    "import regex\nregex.compile(\"(\\\\w{500}){20}\")",
    "import regex\nregex.compile(\"a*?\").find_all(\"a\" * 3000000)",
    "import regex\nfor i in 0..100 { regex.compile(\"\\\\w{${30 + i}}\").test(\"abc\" * 100) }",
    "import json\njson.parse(\"[\" * 20000000)",
    "import json\njson.stringify([\"x\" * 1000000] * 100)",
    "import hex\nhex.encode(bytes(\"x\" * 14000000))",
    "[\"x\" * 1000000].map(|x| [x] * 100)[0].join(\"\")",
    "list(0..1500000).chunks(1)",
    "list(0..1000000).sorted()",
    "(\"a\" * 20).pad_start(30000000, \"é\")",
];

const CASE: &str = "QUIPU_GREEDY";

/// A line of what the system knows about this process, in bytes.
fn status(name: &str) -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? << 10)
}

fn small() -> Session {
    let limits = Limits { heap: Some(HEAP), ..Limits::default() };
    let mut session = Engine::new().session(limits).unwrap();
    session.run(&Input::text("warm.qp", "import csv\nimport regex\nimport json\n[1].map(|x| x).sum()")).unwrap();
    session
}

#[test]
fn what_natives_hold_beside_the_heap_counts() {
    if let Ok(number) = std::env::var(CASE) {
        let text = GREEDY[number.parse::<usize>().unwrap()];
        let mut session = small();
        let Some(before) = status("VmRSS:") else { return };
        let outcome = session.run(&Input::text("greedy.qp", text)).map(drop).map_err(|error| error.to_string());
        let most = status("VmHWM:").unwrap().saturating_sub(before);
        assert!(most <= HEAP / 4 * 5 + 24 * MIB, "{text}: {} MiB, {outcome:?}", most / MIB);
        return;
    }
    let mut wrong = Vec::new();
    for (number, program) in GREEDY.iter().enumerate() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "what_natives_hold_beside_the_heap_counts", "--nocapture"])
            .env(CASE, number.to_string())
            .output()
            .unwrap();
        if !child.status.success() {
            let said = String::from_utf8_lossy(&child.stderr);
            wrong.push(said.lines().find(|line| line.contains("MiB")).unwrap_or(program).to_owned());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Programs that would take many seconds in one native.
const LONG: &[&str] = &[
    "import regex\nregex.compile(\"[ab]*a[ab]{5000}x\").test(\"abba\" * 1000000)",
    "import regex\nregex.compile(\"[ab]*a[ab]{3000}x\").find_all(\"abba\" * 1000000)",
    "import regex\nregex.compile(\".*[^A-Z]|[A-Z]\").find_all(\"A\" * 3000000)",
    "import regex\nregex.compile(\"\\\\b(é|a)*\\\\bx\").find_all(\"éa\" * 300000)",
    "import regex\nregex.compile(\"((a|aa)+){50}b\").captures_all(\"a\" * 3000000)",
    "let xs = []\nfor i in 0..300000 { xs.push(\"a\" * 2000 + \"${i}\") }\nwhile true { xs.sorted() }",
];

#[test]
fn time_stops_natives_that_take_long() {
    for text in LONG {
        let deadline = Moment::now() + Duration::from_millis(700);
        let mut session = Engine::new().session(Limits { deadline: Some(deadline), ..Limits::default() }).unwrap();
        let outcome = session.run(&Input::text("long.qp", *text));
        let late = Moment::now().since(deadline);
        assert!(late < Duration::from_secs(1), "{text}: {late:?} late");
        if let Err(error) = outcome {
            assert_eq!(stop(&error), Some(Stop::Time), "{text}: {error}");
        }
    }
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }

    fn text(&mut self, parts: &[&str], most: usize) -> String {
        (0..self.below(most + 1)).map(|_| parts[self.below(parts.len())]).collect()
    }

    fn pattern(&mut self, depth: usize) -> String {
        const ATOMS: &[&str] = &[
            "a", "b", "ab", "é", "日", "[ab]", "[^a]", r"\w", r"\d", r"\s", ".", "^", "$", r"\b", r"\B", "", "x",
            "(?i:k)", "(?m:^)", "(?m:$)", r"\A", r"\z", "(?s:.)", "(?-u:a)", "bc",
        ];
        const COUNTS: &[&str] = &["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}?"];
        let mut pattern = String::new();
        for _ in 0..1 + self.below(3) {
            let atom = match self.below(4) {
                0 if depth > 0 => format!("({})", self.pattern(depth - 1)),
                1 if depth > 0 => format!("(?:{}|{})", self.pattern(depth - 1), self.pattern(depth - 1)),
                _ => format!("(?:{})", ATOMS[self.below(ATOMS.len())]),
            };
            pattern += &atom;
            pattern += COUNTS[self.below(COUNTS.len())];
        }
        pattern
    }
}

/// A text as a literal of the language.
fn literal(text: &str) -> String {
    let letters = text.chars().map(|c| match c {
        'a'..='z' | 'A'..='Z' => c.to_string(),
        c => format!("\\u{{{:x}}}", c as u32),
    });
    format!("\"{}\"", letters.collect::<String>())
}

#[test]
fn patterns_find_what_they_always_found() {
    let mut numbers = Numbers(1);
    let mut program = String::from(
        "import regex\n\
         fn spans(r, t) = r.find_all(t).map(|m| \"${m.start}-${m.end}\").join(\",\")\n\
         fn groups(r, t, n) = r.captures_all(t).map(|c| range(n).map(|i| c[i] ?? \"~\").join(\"|\")).join(\",\")\n\
         let out = []\n\
         fn check(p, t, n, wanted) {\n\
           let r = regex.compile(p)\n\
           let got = [spans(r, t), groups(r, t, n), r.split(t).join(\",\"), str(r.test(t))].join(\"/\")\n\
           if got != wanted { out.push((p, t, got, wanted)) }\n\
         }\n",
    );
    let mut count = 0;
    while count < 3_000 {
        let pattern = numbers.pattern(2);
        let most = if numbers.below(20) == 0 { 400 } else { 12 };
        let text = numbers.text(&["a", "b", "c", "x", "é", "日", " ", "\n", "1", "ab", "K", "a", "b"], most);
        let Ok(regex) = regex::Regex::new(&pattern) else { continue };
        let position = |byte: usize| text[..byte].chars().count();
        let join = |parts: Vec<String>| parts.join(",");
        let spans =
            regex.find_iter(&text).map(|found| format!("{}-{}", position(found.start()), position(found.end())));
        let groups = regex.captures_iter(&text).map(|captures| {
            let groups = captures.iter().map(|group| group.map_or("~", |group| group.as_str()));
            groups.collect::<Vec<_>>().join("|")
        });
        let wanted = [
            join(spans.collect()),
            join(groups.collect()),
            join(regex.split(&text).map(str::to_owned).collect()),
            regex.is_match(&text).to_string(),
        ];
        let [pattern, text, wanted] = [pattern, text.clone(), wanted.join("/")].map(|text| literal(&text));
        program += &format!("check({pattern}, {text}, {}, {wanted})\n", regex.captures_len());
        count += 1;
    }
    program += "out\n";
    let mut session = Engine::new().session(Limits::default()).unwrap();
    let value = session.run(&Input::text("patterns.qp", program)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(session.vm().repr(&value).unwrap(), "[]", "pattern, text, what was found, what was wanted");
}

/// What is worked on in pieces gives what it gave at once. A collection at every allocation would take too long here, so
/// this is none of the scripts.
#[test]
fn long_texts_are_worked_on_in_pieces() {
    let text = fs::read_to_string("tests/long_texts.qp").unwrap();
    let expected: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once("#> ")?.1)).collect();
    let mut session = Engine::new().session(Limits::default()).unwrap();
    let output = support::Captured::default();
    session.vm().set_output(Box::new(output.clone()));
    let ran = session.run(&Input::text("long_texts.qp", text.as_str()));
    ran.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(output.text().lines().collect::<Vec<_>>(), expected);
}
