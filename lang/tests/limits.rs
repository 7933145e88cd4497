//! Sources that are too much for one code object are errors; sources that are merely long are not.

use crate::front::compile_text;

/// The codes of the errors in a text, each once.
fn codes(text: &str) -> Vec<&'static str> {
    let errors = compile_text(text).err().unwrap_or_default();
    let mut codes: Vec<_> = errors.iter().map(|error| error.code).collect();
    codes.dedup();
    codes
}

fn many(count: usize, part: impl Fn(usize) -> String, separator: &str) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(separator)
}

#[test]
fn parameters() {
    let function = |count| format!("fn f({}) = 1", many(count, |i| format!("p{i}"), ", "));
    assert_eq!(codes(&function(255)), [""; 0]);
    assert_eq!(codes(&function(256)), ["Q0217"]);
    let fields = |count| format!("type T({})", many(count, |i| format!("p{i} = {i}"), ", "));
    assert_eq!(codes(&fields(255)), [""; 0]);
    assert_eq!(codes(&fields(256)), ["Q0217"]);
}

#[test]
fn methods() {
    let methods = |count| format!("type T() {{\n{}\n}}", many(count, |i| format!("fn m{i}() = 1"), "\n"));
    assert_eq!(codes(&methods(65_534)), [""; 0]);
    assert_eq!(codes(&methods(65_535)), ["Q0217"]);
}

#[test]
fn arguments_beyond_what_an_instruction_counts_go_by_a_list() {
    assert_eq!(codes(&format!("print({})", many(1000, |i| i.to_string(), ", "))), [""; 0]);
    assert_eq!(codes(&format!("fn f(x) = x.m({})", many(256, |i| i.to_string(), ", "))), [""; 0]);
}

#[test]
fn registers() {
    assert_eq!(codes(&many(32_000, |i| format!("let a{i} = {i}"), "\n")), [""; 0]);
    assert_eq!(codes(&many(33_000, |i| format!("let a{i} = {i}"), "\n")), ["Q0217"]);
    assert_eq!(codes(&format!("fn f() = ({})", many(33_000, |i| i.to_string(), ", "))), ["Q0217"]);
}

#[test]
fn names_in_instructions() {
    assert_eq!(codes(&format!("fn f(x) {{\n{}\n}}", many(60_000, |i| format!("x.m{i}"), "\n"))), [""; 0]);
    assert_eq!(codes(&format!("fn f(x) {{\n{}\n}}", many(70_000, |i| format!("x.m{i}"), "\n"))), ["Q0217"]);
}

#[test]
fn long_literals_and_chains() {
    let numbers = || many(100_000, |i| i.to_string(), ", ");
    assert_eq!(codes(&format!("let all = [{}]", numbers())), [""; 0]);
    assert_eq!(codes(&format!("let all = [{}]", many(50_000, |i| format!("{i}: {i}"), ", "))), [""; 0]);
    assert_eq!(codes(&format!("let all = \"{}\"", many(20_000, |i| format!("${{{i}}}"), " "))), [""; 0]);
    assert_eq!(codes(&format!("let all = {}", many(50_000, |i| i.to_string(), " + "))), [""; 0]);
    assert_eq!(codes(&format!("fn f(x) = x{}", many(50_000, |_| ".a()".into(), ""))), [""; 0]);
    assert_eq!(codes(&format!("fn f(x) = {}", many(50_000, |_| "x".into(), " and "))), [""; 0]);
    let arms = many(20_000, |i| format!("{i} => {i}"), "\n");
    assert_eq!(codes(&format!("fn f(x) = match x {{\n{arms}\n}}")), [""; 0]);
    let ladder = many(20_000, |i| format!("if x == {i} {{ {i} }}"), " else ");
    assert_eq!(codes(&format!("fn f(x) = {ladder}")), [""; 0]);
}

#[test]
fn unknown_names_by_the_thousand() {
    assert_eq!(codes(&many(5_000, |i| format!("unknown_name_{i}"), "\n")), ["Q0201"]);
}

#[test]
fn the_greatest_depth() {
    let deep =
        |open: &str, close: &str, count: usize| format!("let x = {}1{}", open.repeat(count), close.repeat(count));
    for (open, close) in
        [("[", "]"), ("-(", ")"), ("len(", ")"), ("{ ", " }"), ("|| ", ""), ("try { ", " } catch e { }")]
    {
        assert_eq!(codes(&deep(open, close, 90)), [""; 0], "{open}");
    }
    assert_eq!(codes(&format!("{}1{}", "while true { ".repeat(190), " }".repeat(190))), [""; 0]);
}
