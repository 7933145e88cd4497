//! Texts that end inside of something, which those who read line by line go on with; and those that do not.

use quipu_code::span::Source;
use quipu_lang::parse::parse;

fn is_incomplete(text: &str) -> bool {
    let source = Source::new("test.qp", text);
    let parsed = parse(&source);
    assert!(!parsed.incomplete || !parsed.diagnostics.is_empty(), "{text}: what is incomplete is wrong");
    parsed.incomplete
}

#[test]
fn more_text_could_make_it_right() {
    for text in [
        "let x =",
        "1 +",
        "fn f(x) =",
        "try { 1 }",
        "|x|",
        "{",
        "f(1,",
        "[1, [2]",
        "[1, 2\n3,",
        "match x {\n  1 => 2",
        "\"a ${",
        "print(\"a ${f(1)",
        "\"\"\"\n  a",
        "\"\"\"\n  a ${b",
        "r#\"a\" b",
        "fn f() {\n  let x = 1\n",
        "import \"./m\" {",
        "export",
        "list.",
    ] {
        assert!(is_incomplete(text), "{text}");
        assert!(is_incomplete(&format!("let before = 1\n{text}")), "{text}");
        assert!(is_incomplete(&format!("{text} # more to come")) || text.contains('"'), "{text}");
    }
}

#[test]
fn no_more_text_could_make_it_right() {
    for text in [
        "",
        "1",
        "let x = 1\n",
        "fn f() { }",
        "# only a comment",
        "\"abc",
        "print(\"abc",
        "b\"abc",
        "[1, 2\nlet b = 3",
        "1 + )",
        "f(1]",
        "let = 3",
        "}",
        "x = @",
        "list.\nlet x = 1",
    ] {
        assert!(!is_incomplete(text), "{text}");
    }
}
