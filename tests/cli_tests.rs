//! `vm test` from outside: which tests are found, what they share, how failures are shown.
#![cfg(feature = "run")]

use crate::program::*;

/// A folder with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> Scratch {
    let scratch = Scratch::new(name);
    for (file, text) in files {
        scratch.file(file, text);
    }
    scratch
}

#[track_caller]
fn shows(run: &Run, parts: &[&str]) {
    let mut rest = run.out.as_str();
    for part in parts {
        let Some(at) = rest.find(part) else { panic!("no {part:?} (in this order) in\n{}{}", run.out, run.err) };
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn tests_are_found_by_name_and_run_in_order() {
    let text = "import test\ntest.case(\"b\", || test.equal(1, 1))\ntest.case(\"a\", || nil)\n";
    let files =
        [("x_test.qp", text), ("sub/y_test.qp", text), ("sub/y.qp", "throw 1"), (".hidden/z_test.qp", "throw 1")];
    let scratch = folder("tests_found", &files);
    let run = vm_in(&scratch.0, &["test"]).ends(0).says_nothing();
    shows(&run, &["sub/y_test.qp\n", "  ok    b (", "  ok    a (", "x_test.qp\n", "ok    b", "\n4 passed, 0 failed\n"]);
    let run = vm_in(&scratch.0, &["test", "sub"]).ends(0);
    shows(&run, &["\n2 passed, 0 failed\n"]);
    let run = vm_in(&scratch.0, &["test", "x_test.qp", "x_test.qp"]).ends(0);
    shows(&run, &["\n2 passed, 0 failed\n"]);
}

#[test]
fn a_filter_chooses_by_a_part_of_the_name() {
    let text = "import test\ntest.case(\"adds up\", || 1)\ntest.case(\"takes away\", || throw 1)\n";
    let scratch = folder("tests_filtered", &[("a_test.qp", text)]);
    let run = vm_in(&scratch.0, &["test", "adds"]).ends(0);
    shows(&run, &["adds up", "\n1 passed, 0 failed\n"]);
    let run = vm_in(&scratch.0, &["test", ".", "adds", "away"]).ends(1);
    shows(&run, &["\n1 passed, 1 failed\n"]);
    vm_in(&scratch.0, &["test", "nothing"]).ends(2).says("no test has such a name");
    vm_in(&scratch.0, &["test", "nothing.qp"]).ends(2).says("there is no `nothing.qp`");
    vm_in(&folder("tests_none", &[]).0, &["test"]).ends(2).says("_test.qp");
}

#[test]
fn cases_share_nothing() {
    let text = r#"
import test
import "./state" { list, add }
var n = 0
let seen = []
fn bump() { n += 1; seen.push(n); add(n) }
for i in 1..=3 { test.case("case ${i}", || {
  bump()
  test.equal((n, seen, list()), (1, [1], [1]))
}) }
"#;
    let state = "let all = []\nexport fn list() = all\nexport fn add(x) { all.push(x) }\n";
    let scratch = folder("tests_alone", &[("a_test.qp", text), ("state.qp", state)]);
    let run = vm_in(&scratch.0, &["test"]).ends(0);
    shows(&run, &["\n3 passed, 0 failed\n"]);
}

#[test]
fn failures_show_where_and_what() {
    let text = r#"import test
fn make() {
  [name: "the name of something long", items: [1, 2, 3], note: "and text, so that it takes several lines"]
}
test.case("differs", || {
  print("on the way")
  test.equal(make(), [..make(), items: [1, 5, 3]])
})
test.case("throws", || {
  let xs = [1]
  xs[3]
  nil
})
test.case("texts", || test.equal("a\nb\nc", "a\nx\nc"))
test.case("fine", || print("not shown"))
"#;
    let scratch = folder("tests_fail", &[("a_test.qp", text)]);
    let run = vm_in(&scratch.0, &["test"]).ends(1).says_nothing();
    shows(
        &run,
        &[
            "FAIL  differs",
            "a_test.qp:7:3",
            "test.equal(make(), [",
            "-   \"items\": [1, 5, 3]",
            "+   \"items\": [1, 2, 3]",
        ],
    );
    shows(&run, &["printed:", "| on the way", "FAIL  throws", "index_error", "a_test.qp:11:3", "  xs[3]"]);
    shows(
        &run,
        &["FAIL  texts", "\"a\"\n", "- \"x\"\n", "+ \"b\"\n", "\"c\"\n", "ok    fine", "\n1 passed, 3 failed\n"],
    );
    assert!(!run.out.contains("not shown") && !run.out.contains("std/test.qp"), "{}", run.out);
}

#[test]
fn what_keeps_a_file_from_running_is_a_failure() {
    let fine = "import test\ntest.case(\"fine\", || 1)";
    let files = [("a_test.qp", "print(x)\nprint(y)"), ("b_test.qp", "import test\nthrow [1]"), ("c_test.qp", fine)];
    let scratch = folder("tests_broken", &files);
    let run = vm_in(&scratch.0, &["test"]).ends(1);
    shows(
        &run,
        &[
            "a_test.qp",
            "Q0201",
            "a_test.qp:2",
            "b_test.qp",
            "uncaught value: [1]",
            "ok    fine",
            "\n1 passed, 2 failed\n",
        ],
    );
}

#[test]
fn cases_that_are_no_use_fail() {
    let text = "import test\nimport os\ntest.case(\"inner\", || test.case(\"lost\", || 1))\ntest.case(\"ends\", || os.exit(0))\n\
                test.case(\"endless\", || while true {})\ntest.case(\"fine\", || 1)";
    let scratch = folder("tests_odd", &[("a_test.qp", text)]);
    let run = vm_in(&scratch.0, &["--fuel", "100_000", "test"]).ends(1);
    shows(&run, &["FAIL  inner", "declares other cases", "FAIL  ends", "exited with code 0", "FAIL  endless", "Q0501"]);
    shows(&run, &["ok    fine", "\n1 passed, 3 failed\n"]);
    let run = vm_in(&scratch.0, &["test", "--deny-os"]).ends(1);
    shows(&run, &["does not grant the module `os`", "\n0 passed, 1 failed\n"]);
}

#[test]
fn results_as_json() {
    let text = "import test\ntest.case(\"good\", || print(\"hi\"))\ntest.case(\"bad\", || test.equal(1, 2))\n";
    let scratch = folder("tests_json", &[("a_test.qp", text)]);
    let run = vm_in(&scratch.0, &["test", "--json"]).ends(1).says_nothing();
    let lines: Vec<serde_json::Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [good, bad, total] = &lines[..] else { panic!("{}", run.out) };
    assert_eq!((good["name"].as_str(), good["result"].as_str()), (Some("good"), Some("passed")));
    assert_eq!((good["line"].as_u64(), good["printed"].as_str()), (Some(2), Some("hi\n")));
    assert_eq!((bad["result"].as_str(), bad["expected"].as_str()), (Some("failed"), Some("2")));
    assert_eq!((bad["actual"].as_str(), bad["error"]["code"].as_str()), (Some("1"), Some("Q0413")));
    assert_eq!((total["passed"].as_u64(), total["failed"].as_u64()), (Some(1), Some(1)));
    assert!(total["seconds"].is_f64() && good["seconds"].is_f64());
}
