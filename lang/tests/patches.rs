//! Patches: which of them may be made unasked, and that those make what was wrong right.

use crate::front::Host;
use quipu_code::span::Source;
use quipu_lang::compile::compile;
use quipu_lang::diagnostic::Diagnostic;
use quipu_lang::parse::parse;

fn found(text: &str) -> Vec<Diagnostic> {
    let source = Source::new("test.qp", text);
    match compile(&parse(&source), &source, &[], &Host, &[]) {
        Ok(unit) => unit.warnings,
        Err(found) => found,
    }
}

/// The text after its only patch, and whether that is safe.
fn patched(text: &str) -> (String, bool) {
    let found = found(text);
    let [help] = &found.iter().filter_map(|one| one.help.as_ref()).collect::<Vec<_>>()[..] else {
        panic!("{text}: {found:?}")
    };
    let (span, replacement) = help.patch.as_ref().unwrap_or_else(|| panic!("{text}: {help:?}"));
    let mut text = text.to_owned();
    text.replace_range(span.start as usize..span.end as usize, replacement);
    (text, help.safe)
}

#[test]
fn what_is_safe_makes_it_right() {
    for (text, right) in [
        ("let x = 1\nif x = 1 { print(x) }", "let x = 1\nif x == 1 { print(x) }"),
        ("print('a')", "print(\"a\")"),
        ("print \"a\"", "print(\"a\")"),
        ("let a, b = (1, 2)", "let (a, b) = (1, 2)"),
        ("print(true && false)", "print(true and false)"),
        ("print(!true)", "print(not true)"),
        ("def f(x) { x }", "fn f(x) { x }"),
        ("print(None)", "print(nil)"),
        ("let x = [1, 2)", "let x = [1, 2]"),
        ("var n = 0\nlet f = || n += 1", "var n = 0\nlet f = || { n += 1 }"),
    ] {
        assert_eq!(patched(text), (right.to_owned(), true));
        assert!(found(right).is_empty(), "{right}: {:?}", found(right));
    }
}

#[test]
fn what_only_may_have_been_meant_is_not_safe() {
    for text in [
        "let count = 1\nprint(cuont)",
        "let x = 1\nx = 2",
        "x = 2",
        "print = 2",
        "class A {}",
        "type T(a) { fn f(self) = a }",
    ] {
        assert!(!patched(text).1, "{text}");
    }
}

#[test]
fn a_point_at_the_end_of_a_line_misses_its_name_and_leaves_the_next_line_alone() {
    let text =
        "let list = [1]\nvar total = 0\nlist.\n  total += wid\nlist?. # comment\nlet z = zed\nprint(list.\n  total, 1)";
    let found = found(text);
    let titles: Vec<(u32, &str)> = found.iter().map(|one| (one.primary.span.start, one.title.as_str())).collect();
    let at = |part: &str| text.find(part).unwrap() as u32;
    assert_eq!(
        titles,
        [
            (at(".\n"), "a name is missing after `.`"),
            (at("wid"), "nothing is called `wid` here"),
            (at("?."), "a name is missing after `?.`"),
            (at("zed"), "nothing is called `zed` here"),
            (at(".\n  total, 1"), "a name is missing after `.`"),
        ]
    );
}
