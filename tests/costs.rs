//! What the manual says methods and functions cost. Fuel is what the machine counts, by the values alone, and `benches/prices`
//! sees to it that instructions stay in proportion to it; so the fuel of the recipes on the pages tells whether a cost is
//! true, at sizes that double. Where fuel counts more than is done, the time of loops does.

#[path = "../benches/prices/recipes.rs"]
#[allow(dead_code, reason = "the bench does more with them")]
mod recipes;

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::support::{assert_all, parallel};
use quipu::stdlib::manual::{Kind, manual};
use quipu::vm::{Failure, Limits};
use quipu::{Engine, Input};

use recipes::{Recipe, recipes};

/// Most time for a recipe.
const TIME: Duration = Duration::from_secs(60);

/// What pages are about that touch nothing outside.
const PURE: &[&str] = &["builtins", "base64", "hex", "csv", "json", "math", "bytes"];

/// Those whose fuel grows with what stands before a place, as it did when that was counted each time; and what is called n
/// times over in its recipe.
const COUNTED: &[&str] = &["str.code", "str.len", "len", "list.push", "code_hash", "assert", "error"];

/// Where recipes keep their files; there are none here.
fn file(folder: &Path) -> String {
    folder.join("file").display().to_string()
}

/// How something may grow.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Growth {
    Not,
    Linear,
    Sorting,
    Product,
}

/// What stands in the line of a cost: `Cost: O(n), and what that is.`
fn growth(text: &str) -> Option<Growth> {
    let cost = text.lines().rev().find_map(|line| line.strip_prefix("Cost: O("))?;
    let (cost, _) = cost.strip_suffix('.')?.split_once(')')?;
    match cost {
        "1" => Some(Growth::Not),
        "n" | "k" | "n + k" | "n + width" => Some(Growth::Linear),
        "n log n" => Some(Growth::Sorting),
        "n * k" => Some(Growth::Product),
        _ => None,
    }
}

#[test]
fn every_function_says_what_it_costs() {
    let mut failures = Vec::new();
    for page in manual() {
        for item in page.items.iter().filter(|item| item.signature.contains('(')) {
            let is_type = page.items.iter().any(|other| other.name.starts_with(&format!("{}.", item.name)));
            if !is_type && item.name != "Match" && growth(&item.text).is_none() {
                failures.push(format!("{} {}: its page lacks `Cost: O(..).` of a known kind", page.name, item.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The fuel of a recipe at sizes that double.
fn fuel(recipe: &Recipe) -> Result<[u64; 3], String> {
    let plenty = || Limits { fuel: Some(u64::MAX / 2), ..Limits::default() };
    let engine = Engine::builder().capabilities(quipu::Capabilities::ALL).build().map_err(|error| error.to_string())?;
    let mut session = engine.session(plenty()).map_err(|error| error.to_string())?;
    session.vm().set_output(Box::new(std::io::sink()));
    let program = recipe.program(Path::new("nowhere"));
    let make = session.run(&Input::text("recipe.qp", program)).map_err(|error| format!("{error:?}"))?;
    let mut call = |size: i64| {
        let size = session.vm().int(size);
        let call = session.vm().call(&make, &[size])?;
        session.vm().set_limits(plenty());
        session.vm().call(&call, &[])?;
        Ok(session.vm().stats().fuel_used)
    };
    // What is made when it is first used is not counted.
    let found: Result<Vec<u64>, Failure> = [3, 1_000, 2_000, 4_000].into_iter().map(&mut call).collect();
    let found = found.map_err(|failure| failure.to_string())?;
    Ok([found[1], found[2], found[3]])
}

#[test]
fn costs_are_what_the_manual_says() {
    let pages = manual();
    let mut cases = Vec::new();
    for page in pages.iter().filter(|page| page.kind == Kind::Type || PURE.contains(&page.name.as_str())) {
        for item in &page.items {
            let name =
                if page.kind == Kind::Builtins { item.name.clone() } else { format!("{}.{}", page.name, item.name) };
            let of = recipes().iter().chain(called()).filter(|recipe| recipe.name == name && recipe.reason.is_none());
            cases.extend(of.map(|recipe| (name.clone(), growth(&item.text), recipe)));
        }
    }
    assert!(cases.len() > 200, "there are recipes");
    cases.retain(|(name, ..)| !COUNTED.contains(&name.as_str()));
    let names: Vec<String> = cases.iter().map(|(name, _, recipe)| format!("{name}: {}", recipe.call)).collect();
    let results = parallel(cases, TIME, |(_, growth, recipe)| {
        let [one, two, four] = fuel(recipe)?;
        let (first, second) = (two.saturating_sub(one), four.saturating_sub(two));
        // What the second doubling adds, by what the first one has added, with a few units for what is rounded.
        let most = match growth {
            Some(Growth::Not) => 4,
            Some(Growth::Linear) => first * 21 / 10 + 8,
            Some(Growth::Sorting) => first * 26 / 10 + 8,
            Some(Growth::Product) => first * 42 / 10 + 8,
            None => return Err("its page does not say what it costs".into()),
        };
        if second <= most { Ok(()) } else { Err(format!("{one}, {two}, {four} units at sizes that double")) }
    });
    assert_all(names.iter().map(String::as_str), results);
}

/// Methods whose functions are called by the library, which have no price of their own.
fn called() -> &'static [Recipe] {
    static CALLED: LazyLock<Vec<Recipe>> = LazyLock::new(|| {
        let all = [
            ("list", "let xs = mixed(n)", "all(|x| true) any(|x| false) count(|x| true) each(|x| x) find(|x| false)"),
            ("list", "let xs = mixed(n)", "find_index(|x| false) filter(|x| true) map(|x| x) flat_map(|x| [x, x])"),
            ("list", "let xs = mixed(n)", "fold(0, |a, x| a) reduce(|a, x| a) partition(|x| true) group_by(|x| x % 7)"),
            (
                "list",
                "let xs = mixed(n)",
                "take_while(|x| true) drop_while(|x| true) sort(|a, b| a - b) sort_by(|x| -x)",
            ),
            (
                "list",
                "let xs = mixed(n)",
                "sorted(|a, b| a - b) sorted_by(|x| -x) sort_by(|x| x) sorted_by(|x| x % 10)",
            ),
            ("list", "let xs = ints(n)", "insert(n, 1) insert(n // 2, 1) remove_at(-1) remove_at(n // 2)"),
            (
                "map",
                "let xs = dict(n)",
                "each(|k, v| v) filter(|k, v| true) map_values(|v| v) get_or_insert(\"k1\", || 1)",
            ),
            ("range", "let xs = range(n)", "each(|x| x) filter(|x| true) map(|x| x) fold(0, |a, x| a)"),
            ("set", "let xs = set(ints(n))", "each(|x| x)"),
        ];
        let calls = all.into_iter().flat_map(|(of, make, calls)| {
            calls.split_inclusive(')').map(move |call| {
                let call = call.trim();
                let name = call.split('(').next().unwrap_or_default();
                Recipe::new(&format!("{of}.{name}"), make, &format!("xs.{call}"))
            })
        });
        calls.collect()
    });
    &CALLED
}

/// Loops that take a time in proportion to their turns, whatever they pay for it.
const LOOPS: &[(&str, &str)] = &[
    ("texts grow", "var s = \"\"; for i in 0..n { s += \"e\" }"),
    ("texts grow in fields", "let p = [text: \"\"]; for i in 0..n { p.text += \"xy\" }"),
    ("texts grow by interpolation", "var s = \"\"; for i in 0..n { s = \"${s}${i % 10}\" }"),
    ("letters beyond ASCII", "var s = \"\"; for i in 0..n { s += if i % 9 == 0 { \"é\" } else { \"e\" } }"),
    ("letters are found", "let s = \"ab \" * (n // 3) + \"é\"; for i in 0..s.len() { s[i]; s.code(i) }"),
    ("parts are found", "let s = \"ab \" * n + \"é\"; for i in 0..n { s.find(\"b\", 2 * i); s[i..i + 3] }"),
    ("elements go at the front", "let xs = range(n).to_list(); for i in 0..n { xs.remove_at(0) }"),
    ("elements come at the front", "let xs = []; for i in 0..n { xs.insert(0, i) }"),
    ("a queue", "let xs = range(n).to_list(); for i in 0..n { xs.push(xs.remove_at(0)) }"),
];

#[test]
fn loops_take_a_time_in_proportion() {
    let results = LOOPS.iter().map(|(name, body)| {
        let engine = Engine::builder().build().unwrap_or_else(|error| panic!("{error}"));
        let time = |size: i64| -> Duration {
            let mut session = engine.session(Limits::default()).unwrap_or_else(|error| panic!("{error}"));
            let make = session.run(&Input::text("loop.qp", format!("|n| {{ {body}; nil }}")));
            let make = make.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let size = session.vm().int(size);
            let began = Instant::now();
            session.vm().call(&make, &[size]).unwrap_or_else(|failure| panic!("{name}: {failure}"));
            began.elapsed()
        };
        // The best of several, and far from what is looked for, as others run beside this. Sixteen times as much takes sixteen
        // times as long, or 256 times where each turn looks at all there is.
        let best = |size| (0..3).map(|_| time(size)).min().unwrap_or_default();
        let (small, large) = (best(12_500), best(200_000));
        let enough = small * 100 + Duration::from_millis(200);
        if large <= enough { Ok(()) } else { Err(format!("{small:?}, and {large:?} for 16 times as much")) }
    });
    let results = results.collect();
    assert_all(LOOPS.iter().map(|(name, _)| *name), results);
}
