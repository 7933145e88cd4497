//! The function `main` of programs: who calls it, with what, and what becomes of it.
#![cfg(feature = "run")]

use crate::program::{Scratch, vm, with_input};

const COUNTS: &str =
    "print(\"top\")\nexport fn main(words) {\n  print(\"main\", words)\n  \"ignored\"\n}\nprint(\"end\")\n";

#[test]
fn it_is_called_after_the_top_level_with_the_words_behind_the_file() {
    let scratch = Scratch::new("main");
    let file = scratch.file("a.qp", COUNTS);
    vm(&[&file, "a", "b c", "--fuel", "1"]).ends(0).prints("top\nend\nmain [\"a\", \"b c\", \"--fuel\", \"1\"]\n");
    vm(&["run", &file]).ends(0).prints("top\nend\nmain []\n");
    with_input(&["-", "x"], COUNTS).ends(0).prints("top\nend\nmain [\"x\"]\n");
}

#[test]
fn it_takes_one_parameter_or_none() {
    let scratch = Scratch::new("main_shapes");
    for (text, prints) in [
        ("export fn main() { print(1) }", "1\n"),
        ("export fn main(words = nil) { print(words) }", "[\"w\"]\n"),
        ("export fn main([first, ..rest]) { print(first, rest) }", "w []\n"),
        ("export let main = || print(2)", "2\n"),
        ("export fn main() = 1\nexport fn main(words) { print(words) }", "[\"w\"]\n"),
        ("fn main() { print(3) }", ""),
        ("export fn main(n) { if n is list { main(3) } else { print(n) } }", "3\n"),
        ("fn f() = main\nexport fn main() { print(f() == main) }", "true\n"),
    ] {
        vm(&[&scratch.file("a.qp", text), "w"]).ends(0).prints(prints);
    }
    for text in [
        "export fn main(a, b) = 1",
        "export fn main(a, b = 1) = 1",
        "export fn main(..words) = 1",
        "export let main = 5",
        "export let (main, x) = (|| 1, 2)",
        "export type main(a)",
    ] {
        let file = scratch.file("a.qp", &format!("print(1)\n{text}"));
        vm(&[&file]).ends(3).prints("").says("Q0222").says("a.qp:2:").says("a function of one parameter or none");
        vm(&["check", &file]).ends(0);
    }
    // Whatever else is wrong is told with it.
    let file = scratch.file("a.qp", "export fn main(a, b) = nix");
    vm(&[&file]).ends(3).says("Q0222").says("Q0201");
}

#[test]
fn no_other_command_and_no_import_calls_it() {
    let scratch = Scratch::new("main_elsewhere");
    let file = scratch.file("a.qp", COUNTS);
    vm(&["-e", COUNTS]).ends(0).prints("top\nend\n");
    vm(&["check", &file]).ends(0).prints("");
    vm(&["image", "save", &file, "-o", &scratch.path("a.qpi")]).ends(0).prints("top\nend\n");
    let importing =
        scratch.file("b.qp", "import \"./a\" { main as other }\nother(1)\nexport fn main() { print(\"own\") }");
    vm(&[&importing]).ends(0).prints("top\nend\nmain 1\nown\n");
    let importing = scratch.file("c.qp", "import \"./a\"\nprint(2)");
    vm(&[&importing]).ends(0).prints("top\nend\n2\n");
}

#[test]
fn it_gets_its_words_where_the_process_is_denied_and_exits_where_it_is_not() {
    let scratch = Scratch::new("main_denied");
    let file = scratch.file("a.qp", "export fn main(words) { print(words) }");
    for option in ["--sandbox", "--deny-os"] {
        vm(&[option, &file, "a"]).ends(0).prints("[\"a\"]\n");
    }
    let file = scratch.file("b.qp", "import os\nexport fn main(words) { os.exit(words.len())\n print(1) }");
    vm(&[&file, "a", "b", "c"]).ends(3).prints("");
}

#[test]
fn its_errors_have_a_trace_and_its_work_is_counted() {
    let scratch = Scratch::new("main_errors");
    let file = scratch.file("a.qp", "fn half(n) = n / \"2\"\nexport fn main(words) {\n  half(1)\n  1\n}\n");
    vm(&[&file]).ends(1).says("type_error").says("a.qp:1").says("main").says("a.qp:3");
    let file = scratch.file("b.qp", "export fn main() { for _ in 0..1000 {} }");
    vm(&["--stats", &file]).ends(0).says("instructions");
    vm(&["--fuel", "100", &file]).ends(4).says("Q0501");
}
