//! Sources that are too much for one code object are errors; sources that are merely long are not.

use quipu_code::effects::{for_each_read, for_each_write, target};

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

/// A top level with so many variables, with branches, some loops, handlers and cells between them.
fn long_top_level(count: usize) -> String {
    let part = |i: usize| match i % 50 {
        0 => format!("let v{i} = try {{ if v1 == 7 {{ throw 1 }} else {{ {i} }} }} catch e {{ e }}"),
        1 => format!("var v{i} = {i}\nfn f{i}() = v{i} + 1\nif f{i}() > 3 {{ v{i} += 1 }}"),
        2 => format!("var v{i} = 0\nfor x in [1, 2] {{ if x > 1 {{ v{i} += x }} }}"),
        _ => format!("var v{i} = {i}\nif v{i} > 3 {{ v{i} += 1 }} else {{ v{i} = 2 }}"),
    };
    let sum = many(count / 7, |i| format!("v{}", 7 * i), " + ");
    format!("var v1 = 0\n{}\nprint({sum})", many(count, part, "\n"))
}

#[test]
fn variables_and_branches_by_the_thousand() {
    assert_eq!(codes(&many(10_000, |i| format!("let a{i} = {i}\nif a{i} > 3 {{ print(a{i}) }}"), "\n")), [""; 0]);
    let ladder = |i| format!("var v{i} = {i}\nif v{i} > 3 {{ v{i} += 1 }} else {{ v{i} = 2 }}");
    assert_eq!(codes(&many(10_000, ladder, "\n")), [""; 0]);
    assert_eq!(codes(&long_top_level(3_000)), [""; 0]);
    let loops = |i| format!("let a{i} = {i}\nfor x in [a{i}] {{ if x > 1 {{ print(x) }} }}");
    assert_eq!(codes(&many(1_200, loops, "\n")), [""; 0]);
    let all = |i| {
        let start = format!("var v{i} = {i}\nfn f{i}() = v{i}\nlet w{i} = try {{ f{i}() }} catch e {{ e }}");
        format!("{start}\nfor x in [w{i}] {{ if x > 1 {{ v{i} += x }} }}")
    };
    assert_eq!(codes(&many(400, all, "\n")), [""; 0]);
    // Loops stay limited where there are thousands of variables; that is said once.
    let errors = compile_text(&many(3_000, all, "\n")).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].help.is_some());
}

/// What matters at an instruction of a long function is what a search along all its paths finds.
#[test]
fn what_is_live_in_a_long_function() {
    let unit = compile_text(&long_top_level(3_000)).unwrap();
    let body = unit.main.body();
    assert!(body.registers > 2_900 && body.words.len() > 10_000);
    let is_live = |start: usize, register: u32| {
        let mut seen = vec![false; body.words.len()];
        let mut waiting = vec![start];
        while let Some(pc) = waiting.pop() {
            if std::mem::replace(&mut seen[pc], true) {
                continue;
            }
            let word = body.words[pc];
            let (mut reads, mut writes) = (false, false);
            for_each_read(body, word, |range| reads |= range.contains(&register));
            for_each_write(word, |range| writes |= range.contains(&register));
            if reads {
                return true;
            }
            for handler in body.handlers.iter().filter(|it| (it.start..it.end).contains(&(pc as u32))) {
                if u32::from(handler.register) != register {
                    waiting.push(handler.target as usize);
                }
            }
            if writes {
                continue;
            }
            waiting.extend(target(word).map(|pc| pc as usize));
            if word.op().is_some_and(|op| op.falls_through()) {
                waiting.push(pc + 1);
            }
        }
        false
    };
    for pc in (0..body.words.len()).step_by(body.words.len() / 23) {
        let live = unit.main.live_before(pc as u32).unwrap();
        for register in (0..body.registers).step_by(131) {
            assert_eq!(live.contains(&register), is_live(pc, register.into()), "R{register} before {pc}");
        }
    }
}
