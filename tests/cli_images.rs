//! `vm image` and `vm hash` from outside: every call is a process of its own.
#![cfg(feature = "run")]

use crate::program::*;
use crate::support;

const ACCOUNT: &str = r#"
export fn account(owner) {
  var balance = 100
  let history = []
  fn log(what) { history.push((what, balance)); if history.len() > 3 { trim() } }
  fn trim() { history.pop(); log("trimmed") }
  [deposit: |n| { balance += n; log("deposit"); balance }, read: || balance]
}
let ada = account("Ada")
export let deposit = ada.deposit
export let both = [ada.deposit, ada.read]
ada
"#;

#[test]
fn a_counter_in_a_file_counts_on_from_process_to_process() {
    let scratch = Scratch::new("counter_in_a_file");
    let image = scratch.path("c.qpi");
    vm(&["image", "save", "examples/counter.qp", "-o", &image]).ends(0).prints("").says_nothing();
    vm(&["image", "run", &image, "--save"]).ends(0).prints("1\n");
    vm(&["image", "run", "--save", &image]).ends(0).prints("2\n");
    vm(&["image", "run", &image]).ends(0).prints("3\n");
    vm(&["run", &image]).ends(0).prints("3\n");
    vm(&[&image]).ends(0).prints("3\n").says_nothing();
}

#[test]
fn a_cyclic_graph_saved_here_is_called_there() {
    let scratch = Scratch::new("cyclic_graph");
    let (program, image) = (scratch.file("a.qp", ACCOUNT), scratch.path("a.qpi"));
    vm(&["image", "save", &program, "-o", &image, "--entry", "deposit"]).ends(0);
    for (amount, balance) in [("5", "105\n"), ("7", "112\n"), ("1", "113\n")] {
        vm(&["image", "run", &image, amount, "--save"]).ends(0).prints(balance);
    }
    let info = vm(&["image", "info", &image]).ends(0).says_nothing().out;
    for part in ["free balance (cell), log (value)", "(cycle: this is further up)", "(shared: shown before)", "113"] {
        assert!(info.contains(part), "no {part:?} in\n{info}");
    }
    // Calling it needed no more memory than the three entries it keeps.
    vm(&["image", "verify", &image]).ends(0);
}

#[test]
fn a_fiber_begun_in_one_process_ends_in_another() {
    let scratch = Scratch::new("fiber_between_processes");
    let program =
        scratch.file("f.qp", "fiber(|a| { var sum = a; for i in [1, 2] { sum += yield sum }; \"sum ${sum}\" })");
    let image = scratch.path("f.qpi");
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    vm(&["image", "run", &image, "10", "--save"]).ends(0).prints("10\n");
    vm(&["image", "run", &image, "5", "--save"]).ends(0).prints("15\n");
    vm(&["image", "run", &image, "1", "--save"]).ends(0).prints("sum 16\n");
    vm(&["image", "run", &image, "1", "--save"]).ends(1).says("the fiber is done");
}

#[test]
fn arguments_are_json_or_strings() {
    let scratch = Scratch::new("json_arguments");
    let program = scratch.file("f.qp", "|..all| repr(all)");
    let image = scratch.path("f.qpi");
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    let words = ["image", "run", &image, "1", "2.5", "\"1\"", "text", "[1, null]", "{\"k\": true}", "-x", "1e999"];
    vm(&words).ends(0).prints("[1, 2.5, \"1\", \"text\", [1, nil], [\"k\": true], \"-x\", \"1e999\"]\n");
}

#[test]
fn thin_images_load_where_the_code_is() {
    let scratch = Scratch::new("thin_images");
    let (program, image, fat) = (scratch.file("a.qp", ACCOUNT), scratch.path("thin.qpi"), scratch.path("fat.qpi"));
    vm(&["image", "save", &program, "-o", &image, "--entry", "both", "--thin"]).ends(0);
    vm(&["image", "save", &program, "-o", &fat, "--entry", "both"]).ends(0);
    vm(&["image", "verify", &image]).ends(5).says("the code table lacks").says("--code FILE");
    let thin = vm(&["image", "verify", &image, "--code", &program]).ends(0).out;
    vm(&["image", "verify", &image, "--code", &fat]).ends(0);
    let hash = |line: &str| line.split("hash ").nth(1).map(str::to_owned);
    assert_eq!(hash(&thin), hash(&vm(&["image", "verify", &fat]).out));
    let length = |path: &str| std::fs::metadata(path).unwrap().len();
    assert!(length(&image) * 2 < length(&fat));
}

#[test]
fn options_behind_an_image_are_arguments_but_for_two() {
    let scratch = Scratch::new("behind_an_image");
    let (program, image) = (scratch.file("a.qp", "|..all| repr(all)"), scratch.path("thin.qpi"));
    vm(&["image", "save", &program, "-o", &image, "--thin"]).ends(0);
    let run = |words: &[&str]| vm(&[&["image", "run", &image], words].concat());
    let (option, code) = (format!("--code={program}"), &["--code", &program]);
    run(code).ends(0).prints("[]\n");
    run(&["--save", &option, "1", "--fuel", "2"]).ends(0).prints("[1, \"--fuel\", 2]\n");
    run(&[&option, "--", "--save"]).ends(0).prints("[\"--save\"]\n");
    run(&["--code"]).ends(2).says("`--code` needs a FILE");
    run(&["1", "--code", &program]).ends(5).says("lacks").says("before the image or right behind it");
}

#[test]
fn a_value_that_is_no_function_takes_no_arguments() {
    let scratch = Scratch::new("no_function");
    let (program, image) = (scratch.file("a.qp", "[1, 2]"), scratch.path("a.qpi"));
    vm(&["image", "save", &program, "-o", &image]).ends(0).says_nothing();
    vm(&["image", "run", &image]).ends(0).prints("[1, 2]\n");
    vm(&["image", "run", &image, "3"]).ends(2).prints("").says("is no function and takes no arguments");
}

#[test]
fn saving_nil_is_worth_a_warning() {
    let scratch = Scratch::new("saving_nil");
    let (program, image) = (scratch.file("a.qp", "export let f = 1\nprint(f)"), scratch.path("a.qpi"));
    let run = vm(&["image", "save", &program, "-o", &image]).ends(0).prints("1\n");
    run.says("its value is nil; export something or end with a value");
    vm(&["image", "save", &program, "-o", &image, "--entry", "f"]).ends(0).says_nothing();
}

#[test]
fn runs_that_save_take_turns() {
    let scratch = Scratch::new("take_turns");
    let text = "import time\nvar n = 0\n|| { time.sleep(2); n += 1; n }";
    let (program, image) = (scratch.file("a.qp", text), scratch.path("a.qpi"));
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    let words = ["--allow", "time", "image", "run", &image, "--save"];
    let both = [(); 2].map(|()| command(&words).spawn().unwrap());
    let both = both.map(|child| Run::new(&words, child.wait_with_output().unwrap()).ends(0));
    let mut printed = both.each_ref().map(|run| run.out.as_str());
    printed.sort_unstable();
    assert_eq!(printed, ["1\n", "2\n"]);
    let waited = both.iter().filter(|run| run.err.starts_with("waiting for another")).count();
    assert_eq!(waited, 1);
}

#[test]
fn stripping_changes_no_hash() {
    let scratch = Scratch::new("stripping");
    let (program, image, bare) = (scratch.file("a.qp", ACCOUNT), scratch.path("a.qpi"), scratch.path("b.qpi"));
    vm(&["image", "save", &program, "-o", &image, "--entry", "both"]).ends(0);
    vm(&["image", "strip", &image, "-o", &bare]).ends(0);
    vm(&["image", "diff", &image, &bare]).ends(0).prints("no difference: both have the same hash\n");
    // In its place only if it is told to.
    let before = std::fs::read(&image).unwrap();
    let told = vm(&["image", "strip", &image]).ends(2);
    assert!(told.err.contains("`-o IMAGE`, or `--in-place`"), "{}", told.err);
    assert_eq!(std::fs::read(&image).unwrap(), before);
    vm(&["image", "strip", &image, "--in-place"]).ends(0);
    assert_eq!(std::fs::read(&image).unwrap(), std::fs::read(&bare).unwrap());
    let once_more = scratch.path("c.qpi");
    vm(&["image", "save", &program, "-o", &once_more, "--entry", "both", "--strip"]).ends(0);
    assert_eq!(std::fs::read(&bare).unwrap(), std::fs::read(&once_more).unwrap());
    assert!(!vm(&["image", "info", &bare]).out.contains("balance"));
}

#[test]
fn an_image_can_go_to_standard_output() {
    let scratch = Scratch::new("to_output");
    let program = scratch.file("a.qp", "print(\"noise\")\n[1, 2]\n");
    let image = scratch.path("a.qpi");
    vm(&["image", "save", &program, "-o", &image]).ends(0).prints("noise\n");
    let there = command(&["image", "save", &program, "-o", "-"]).current_dir(scratch.path("")).output().unwrap();
    assert!(there.status.success());
    assert_eq!(there.stdout, std::fs::read(&image).unwrap());
    assert_eq!(there.stderr, b"noise\n");
    assert!(!std::path::Path::new(&scratch.path("-")).exists());
}

#[test]
fn a_function_has_one_hash_in_its_source_and_in_an_image() {
    let scratch = Scratch::new("one_hash");
    let program = scratch.file("p.qp", "export fn twice(x) = x + x\nexport fn more(x) = twice(x) + 1\nmore");
    let image = scratch.path("p.qpi");
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    let of = |file: &str, name: &str| vm(&["hash", file, name]).ends(0).out;
    for name in ["twice", "more"] {
        assert_eq!(of(&program, name), of(&image, name));
        assert_eq!(of(&program, name).split_whitespace().map(str::len).collect::<Vec<_>>(), [64, 64, name.len()]);
    }
    vm(&["hash", &program, "mores"]).ends(2).says("did you mean `more`?");
}

#[test]
fn differences_are_told_in_terms_of_the_source() {
    let scratch = Scratch::new("differences");
    let save = |name: &str, text: &str| {
        let (program, image) = (scratch.file(&format!("{name}.qp"), text), scratch.path(&format!("{name}.qpi")));
        vm(&["image", "save", &program, "-o", &image]).ends(0);
        image
    };
    let pair = |shared: bool, step: i64| {
        let cells = if shared { "let g = || n" } else { "var m = 0\nlet g = || m" };
        save(&format!("{shared}{step}"), &format!("var n = 0\nlet f = || {{ n += {step}; n }}\n{cells}\n[f, g]"))
    };
    let differ = |a: &str, b: &str| vm(&["image", "diff", a, b]).ends(1).out;
    assert!(differ(&pair(true, 1), &pair(false, 1)).contains("the same as value[0].free.n in the first, another one"));
    assert!(differ(&pair(true, 1), &pair(true, 2)).contains("value[0]: the code differs: <closure>"));
    let other = pair(true, 1);
    vm(&["hash", "--explain", &other, &other]).ends(0).prints("no difference: both have the same hash\n");
    let (a, b) = (save("a", "let k = 1\n|x| x + k"), save("b", "let k = 2\n|x| x + k"));
    vm(&["hash", "--explain", &a, &b]).ends(0).prints("value.free.k: 1 in the first, 2 in the second\n");
}

#[test]
fn programs_that_are_compared_or_hashed_print_nothing() {
    let scratch = Scratch::new("quiet_programs");
    let (a, b) = (scratch.file("a.qp", "print(\"a\")\n1"), scratch.file("b.qp", "print(\"b\")\n2"));
    for words in [["hash", "--explain"], ["image", "diff"]] {
        let run = vm(&[&words[..], &[&a, &b]].concat()).says_nothing();
        assert_eq!(run.out, "value: 1 in the first, 2 in the second\n");
    }
    vm(&["hash", &a]).ends(0).prints("");
}

#[test]
fn code_in_an_image_is_listed() {
    let scratch = Scratch::new("listed_code");
    let (program, image) = (scratch.file("a.qp", ACCOUNT), scratch.path("a.qpi"));
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    let listing = vm(&["dis", &image, "log"]).ends(0).out;
    assert!(listing.contains("free       F0 history (value), F1 balance (cell), F2 trim (cell)"), "{listing}");
}

#[test]
fn pictures_are_drawn() {
    let scratch = Scratch::new("pictures");
    let (program, image) = (scratch.file("a.qp", ACCOUNT), scratch.path("a.qpi"));
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    let (svg, dot) = (scratch.path("a.svg"), scratch.path("a.dot"));
    if cfg!(feature = "pictures") {
        vm(&["image", "graph", &image, "-o", &svg]).ends(0).says_nothing();
        let text = std::fs::read_to_string(&svg).unwrap();
        assert!(text.contains("<svg") && text.contains("cell of a var"));
    } else {
        vm(&["image", "graph", &image, "-o", &svg]).ends(2).says("built without the feature `full`");
    }
    vm(&["image", "graph", &image, "-o", &dot]).ends(0).says_nothing();
    let text = std::fs::read_to_string(&dot).unwrap();
    assert!(text.contains("shape=circle") && text.contains("#cc2222") && text.contains("(shared)"), "{text}");
    vm(&["image", "graph", &image, "-o", &scratch.path("a.png")]).ends(2).says("neither in .svg nor in .dot");
}

#[test]
fn what_is_no_image_gives_5_and_says_why() {
    let scratch = Scratch::new("no_image");
    let (program, image) = (scratch.file("a.qp", ACCOUNT), scratch.path("a.qpi"));
    vm(&["image", "run", &program]).ends(5).says("error[Q0417]").says("this is no image");
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    let mut bytes = std::fs::read(&image).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let damaged = scratch.file("d.qpi", &bytes);
    vm(&["image", "run", &damaged]).ends(5).says("the image is damaged").prints("");
    vm(&["image", "verify", &damaged, &image]).ends(5).says("damaged");
    let cut = scratch.file("cut.qpi", &bytes[..bytes.len() / 2]);
    vm(&["image", "info", &cut]).ends(5).says("section header");
    vm(&["--json", "image", "info", &cut]).ends(5).says("\"code\":\"Q0417\"");
    vm(&["image", "info", &scratch.path("nowhere.qpi")]).ends(2).says("cannot read");
}

#[test]
fn what_cannot_be_saved_is_named_and_nothing_is_written() {
    let scratch = Scratch::new("not_portable");
    let program = scratch.file("a.qp", "export let f = [1]\nf");
    let image = scratch.path("a.qpi");
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    let running =
        scratch.file("b.qp", "import image\nvar me = nil\nme = fiber(|| image.dump([deep: me]))\nme.resume()");
    vm(&["run", &running]).ends(1).says("not_portable").says("root.deep").says("running fiber");
    let run = vm(&["image", "save", &program, "-o", &scratch.path("no/folder.qpi")]).ends(2);
    run.says(&format!("cannot write `{}`: No such file or directory (os error 2)\n", scratch.path("no/folder.qpi")));
    vm(&["image", "save", &program, "-o", &image, "--entry", "ff"]).ends(2).says("exports no `ff`");
}

#[test]
fn limits_hold_for_images() {
    let scratch = Scratch::new("limits_of_images");
    let program = scratch.file("a.qp", "let all = list(0..100_000)\n|| { while true { all.push(1) } }");
    let image = scratch.path("a.qpi");
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    vm(&["--fuel", "10000", "image", "run", &image]).ends(4);
    vm(&["--heap", "1M", "image", "run", &image]).ends(4);
    let before = std::fs::read(&image).unwrap();
    vm(&["--fuel", "10000", "image", "run", &image, "--save"]).ends(4);
    assert_eq!(std::fs::read(&image).unwrap(), before);
}

#[test]
fn needs_are_listed_all_at_once() {
    let scratch = Scratch::new("needs");
    let program = scratch.file("a.qp", "import os\nimport math\n|| (os.args, math.sin(1), print)");
    let image = scratch.path("a.qpi");
    vm(&["image", "save", &program, "-o", &image]).ends(0);
    let info = vm(&["--json", "image", "info", &image]).ends(0).out;
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["needs"], serde_json::json!(["os.args", "math.sin", "print"]));
}

/// Blocks marked `console` in the book: `$ vm ...` and what it prints, in which `...` stands for anything.
#[test]
fn commands_in_the_book_print_what_it_says() {
    for page in ["docs/images.md"] {
        let scratch = Scratch::new("commands_in_the_book");
        std::fs::create_dir_all(scratch.0.join("examples")).unwrap();
        for file in std::fs::read_dir("examples").unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_file() {
                std::fs::copy(&file, scratch.0.join("examples").join(file.file_name().unwrap())).unwrap();
            }
        }
        let text = std::fs::read_to_string(page).unwrap();
        let found = support::blocks(&text, "console");
        assert!(!found.is_empty(), "{page} has no commands");
        for (line, block) in found {
            for command in block.split("$ vm ").skip(1) {
                let (words, expected) = command.split_once('\n').unwrap_or((command, ""));
                let run = vm_in(&scratch.0, &words.split_whitespace().collect::<Vec<_>>()).ends(0);
                assert!(
                    support::fits(&run.out, expected),
                    "{page}:{line}: vm {words}\n{}expected\n{expected}",
                    run.out
                );
            }
        }
    }
}
