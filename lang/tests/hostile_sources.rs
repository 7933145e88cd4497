//! Sources that nobody writes: nested without end, random, cut off. The parser reports them and does not fall over.

use proptest::prelude::*;
use quipu_code::span::Source;
use quipu_lang::parse::{Parsed, parse};

/// A stack that a parser by recursive descent would leave at once.
const SMALL_STACK: usize = 256 * 1024;

/// Runs on a small stack.
fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(SMALL_STACK).spawn(work).unwrap().join().unwrap();
}

/// Parses and drops, and looks at what was found.
fn check(text: String, look: impl FnOnce(&Parsed<'_>)) {
    let source = Source::new("hostile", text);
    let parsed = parse(&source);
    let end = source.text().len() as u32;
    for diagnostic in &parsed.diagnostics {
        let labels = std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary);
        for span in labels
            .map(|label| label.span)
            .chain(diagnostic.help.iter().flat_map(|help| &help.patch).map(|patch| patch.0))
        {
            assert!(span.start <= span.end && span.end <= end, "{diagnostic:?}");
            assert!(source.text().get(span.start as usize..span.end as usize).is_some(), "{diagnostic:?}");
        }
    }
    look(&parsed);
}

/// What can be repeated without an end, with what would close it.
const NESTS: &[(&str, &str)] = &[
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("f(", ")"),
    ("a[", "]"),
    ("(a,", ")"),
    ("[a:", "]"),
    ("\"${", "}\""),
    ("\"\"\"${", "}\"\"\""),
    ("fn(){", "}"),
    ("fn()=", ""),
    ("fn f(){", "}"),
    ("fn f(a=", ")"),
    ("|x|", ""),
    ("||", ""),
    ("|x=", ""),
    ("|x||y|", ""),
    ("|x|", "|x|"),
    ("|(", ""),
    ("f(|x| {", "})"),
    ("throw ", ""),
    ("return ", ""),
    ("yield ", ""),
    ("a ?? throw ", ""),
    ("a |> |x| ", ""),
    ("-", ""),
    ("~", ""),
    ("not ", ""),
    ("!", ""),
    ("- not ", ""),
    ("a**", ""),
    ("é**", ""),
    ("a**-", ""),
    ("if ", ""),
    ("if a {", "}"),
    ("if a {} else {", "}"),
    ("while a {", "}"),
    ("for a in b {", "}"),
    ("match ", ""),
    ("match a { _ => ", "}"),
    ("match a { [", "}"),
    ("match a { T(", "}"),
    ("try {", "} catch e {}"),
    ("try {} catch ", ""),
    ("type T { fn f() {", "}}"),
    ("let (", ")"),
    ("let [", "]"),
    ("let [a: ", "]"),
    ("let x = {", "}"),
    ("import ", ""),
    ("import a {", "}"),
    ("export ", ""),
];

/// What makes long flat sources, right or wrong.
const FLAT: &[&str] = &[
    "1+",
    "a.b",
    ".b",
    "?.b",
    "(a)",
    "()",
    "[0]",
    "a and ",
    "a or ",
    "a ?? ",
    "a |> ",
    "a == ",
    "a..",
    "a is ",
    "a in ",
    "a\n",
    "a;",
    ";",
    "\n",
    ",",
    "a,",
    "a, ",
    "if a {} else ",
    "else ",
    "catch ",
    "elif ",
    "x=",
    "x+=",
    "=>",
    "1 =>",
    ":",
    "=",
    ")",
    "]",
    "}",
    ") ",
    "} ",
    "}\n",
    "|",
    "| ",
    "a|",
    "||a",
    "&&a",
    "\"",
    "'",
    "${",
    "$",
    "b\"",
    "r#\"",
    "r#",
    "\"a\"",
    "\"\"\"",
    "\"\\",
    "\\",
    "@",
    "@ ",
    "é",
    "1.",
    "1e",
    "0x",
    "1_",
    "#",
    "##",
    "##\n",
    "## a\nlet x = 1\n",
    "let x = \n",
    "fn f\n",
    "..",
    "..=",
    "_",
    "break ",
    "is not ",
    "not in ",
    "\"${a}",
    "\"${\n",
    "{}",
    "{a}",
    "f(a b)\n",
    "[a b, c d]\n",
];

#[test]
fn nesting_without_end_is_an_error() {
    on_small_stack(|| {
        for (open, _) in NESTS {
            check(open.repeat(100_000), |parsed| assert!(!parsed.diagnostics.is_empty(), "{open}"));
        }
    });
}

#[test]
fn deep_nesting_that_closes_is_an_error_too() {
    on_small_stack(|| {
        for (open, close) in NESTS {
            check(format!("{}a{}", open.repeat(20_000), close.repeat(20_000)), |_| ());
        }
        for (open, close) in NESTS.iter().filter(|(_, close)| !close.is_empty()) {
            check(format!("{}{}", open.repeat(300), close.repeat(300)), |parsed| {
                assert!(!parsed.diagnostics.is_empty(), "{open}");
            });
        }
    });
}

#[test]
fn mixed_nesting_is_bounded() {
    on_small_stack(|| {
        let opens: String = NESTS.iter().map(|(open, _)| *open).collect();
        check(opens.repeat(2_000), |parsed| assert!(!parsed.diagnostics.is_empty()));
        check("1 + f(-[a ** {x |> not ".repeat(30_000), |parsed| assert!(!parsed.diagnostics.is_empty()));
    });
}

#[test]
fn nesting_up_to_the_limit_is_none() {
    let fine = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("[", "", "]"),
        ("(", "1,", ")"),
        ("f(", "1", ")"),
        ("{", "1", "}"),
        ("-", "1", ""),
        ("not ", "1", ""),
        ("|x|", "1", ""),
        ("throw ", "1", ""),
        ("a**", "a", ""),
        ("fn f() {", "1", "}\n"),
        ("while a {", "1", "}\n"),
        ("for a in b {", "1", "}\n"),
        ("\"${", "1", "}\""),
    ];
    on_small_stack(move || {
        for (open, middle, close) in fine {
            let nested = |depth: usize| format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            check(nested(200), |parsed| assert!(parsed.diagnostics.is_empty(), "{open} {:?}", parsed.diagnostics));
            check(nested(201), |parsed| {
                let codes: Vec<_> = parsed.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
                assert_eq!(codes, ["Q0112"], "{open}");
            });
        }
    });
}

#[test]
fn long_flat_sources_parse_or_are_reported() {
    on_small_stack(|| {
        for part in FLAT {
            check(part.repeat(50_000), |_| ());
            check(format!("x{}", part.repeat(50_000)), |_| ());
        }
    });
}

#[test]
fn flat_chains_are_no_nesting() {
    on_small_stack(|| {
        for part in ["1+", "1 and ", "1 ?? ", "a |> ", "a | ", "a - b * c ** d + "] {
            check(format!("{}1", part.repeat(100_000)), |parsed| assert!(parsed.diagnostics.is_empty(), "{part}"));
        }
        for part in [".b", "()", "[0]", "?.c(1)", ".d()"] {
            check(format!("a{}", part.repeat(100_000)), |parsed| assert!(parsed.diagnostics.is_empty(), "{part}"));
        }
        check(format!("if a {{}}{}", " else if b {}".repeat(100_000)), |parsed| assert!(parsed.diagnostics.is_empty()));
        check(format!("match a {{{}}}", "1 | 2 | 3 => |x| x\n".repeat(50_000)), |parsed| {
            assert!(parsed.diagnostics.is_empty());
        });
    });
}

#[test]
fn findings_are_bounded() {
    check("let = 1\n".repeat(50_000), |parsed| assert!(parsed.diagnostics.len() <= 1000));
}

/// Pieces of sources, to be put together at random.
const WORDS: &[&str] = &[
    "let",
    "var",
    "fn",
    "type",
    "import",
    "export",
    "if",
    "else",
    "while",
    "for",
    "in",
    "break",
    "continue",
    "return",
    "match",
    "try",
    "catch",
    "throw",
    "yield",
    "and",
    "or",
    "not",
    "is",
    "true",
    "false",
    "nil",
    "a",
    "b",
    "_",
    "as",
    "elif",
    "0",
    "1.5",
    "9223372036854775808",
    "\"s\"",
    "\"",
    "\"\"\"",
    "\"a${",
    "}\"",
    "b\"x\"",
    "r\"x\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|",
    "||",
    "&&",
    "!",
    "|>",
    "??",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "~",
    "^",
    "&",
    "<<",
    ">>",
    "+=",
    "??=",
    "..",
    "..=",
    ".",
    "?.",
    ",",
    ";",
    ":",
    "=>",
    "\n",
    "\n",
    "\n  ",
    "# c\n",
    "## d\n",
    "@",
    "é",
    "\\",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_text_parses_or_is_reported(text in "\\PC{0,200}|[\\x00-\\x7f]{0,200}") {
        check(text, |_| ());
    }

    #[test]
    fn any_bytes_that_are_text_parse_or_are_reported(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(String::from_utf8_lossy(&bytes).into_owned(), |_| ());
    }

    #[test]
    fn any_words_parse_or_are_reported(words in prop::collection::vec(prop::sample::select(WORDS), 0..80)) {
        check(words.join(" "), |_| ());
        check(words.concat(), |_| ());
    }
}
