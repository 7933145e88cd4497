//! The binary `vm` from outside: exit codes, limits, pipes and options.
#![cfg(feature = "run")]

use std::process::Command;

use crate::program::*;

#[test]
fn a_program_that_ends_well_gives_0() {
    vm(&["-e", "print(1 + 2)"]).ends(0).prints("3\n").says_nothing();
    vm(&["-e", ""]).ends(0).prints("").says_nothing();
}

#[test]
fn an_expression_is_printed_as_source() {
    vm(&["-E", r#"[1, "a"]"#]).ends(0).prints("[1, \"a\"]\n").says_nothing();
    vm(&["-E", "let x = 2\nx ** 10"]).ends(0).prints("1024\n").says_nothing();
    vm(&["-E", "nil"]).ends(0).prints("nil\n");
}

#[test]
fn an_uncaught_error_gives_1_with_place_and_trace() {
    let scratch = Scratch::new("uncaught");
    let file =
        scratch.file("a.qp", "fn look(m) {\n  let v = m[\"x\"]\n  return v\n}\nprint(\"first\")\nprint(look([:]))\n");
    let run = vm(&[&file]).ends(1).prints("first\n").says("error[Q0405]: key_error: ").says("a.qp:2:11");
    let run = run.says("trace, innermost call first:\n  look at ").says("a.qp:2\n").says("a.qp:6\n");
    assert!(run.err.contains("m[\"x\"]"), "{}", run.err);
}

#[test]
fn a_thrown_value_gives_1() {
    vm(&["-e", "throw [1, 2]"]).ends(1).says("error[Q0421]: uncaught value: [1, 2]");
    vm(&["-e", "throw error(\"no\", [at: 3])"]).ends(1).says("error[Q0420]: error: no").says("[\"at\": 3]");
}

#[test]
fn a_program_that_does_not_compile_gives_3_and_all_its_errors() {
    let run = vm(&["-e", "print(\"not reached\")\nlet count = 1\ncount = 2\nprint(coutn)"]).ends(3).prints("");
    run.says("error[Q0202]").says("error[Q0201]").says("<command line>:3:1").says("count");
}

#[test]
fn misuse_gives_2() {
    vm(&[]).ends(2).says("Usage");
    vm(&["--nonsense"]).ends(2).prints("").says("--nonsense");
    vm(&["run", "--nonsense"]).ends(2).says("--nonsense");
    vm(&["--fuel", "much", "-e", "0"]).ends(2).says("expected a number");
    vm(&["does-not-exist.qp"]).ends(2).says("does-not-exist.qp");
    vm(&["chekc"]).ends(2).says("did you mean the command `check`");
    vm(&["chek", "x"]).ends(2).says("did you mean the command `check`");
    vm(&["check"]).ends(2);
}

#[test]
fn an_option_that_a_command_does_not_honour_is_refused() {
    let scratch = Scratch::new("refused");
    let file = scratch.file("a.qp", "|x| x");
    let image = scratch.path("a.qpi");
    vm(&["image", "save", &file, "-o", &image]).ends(0);
    for words in [["--fuel", "3", "explain"], ["explain", "--fuel", "3"]] {
        let run =
            vm(&words).ends(2).prints("").says("error: `vm explain` has no option `--fuel`, but `vm`, `vm run`, ");
        run.says("`vm test` and 8 others have it; `vm explain --help` tells what it takes\n");
    }
    vm(&["--stats", "check", &file]).ends(2).says("`vm check` has no option `--stats`");
    vm(&["run", "--thin", &file]).ends(2).says("`vm run` has no option `--thin`, but `vm image save` has it");
    vm(&["run", "--nonsense", &file]).ends(2).says("there is no option `--nonsense`; `vm run --help` tells");
    for words in [&[file.as_str()][..], &["run", &file], &["hash", &file]] {
        vm(&[&["--allow", "fs"], words].concat())
            .ends(2)
            .says("`--allow` is for images; a program in source may reach all that is not denied");
    }
    vm(&["--allow", "all", "-E", "1"]).ends(2).says("`--allow` is for images; a program on the command line may");
    vm(&["--allow", "all", "hash", "--explain", &image, &image]).ends(2).says("--allow");
    vm(&["--allow", "all", "hash", &image]).ends(0);
    vm(&["--allow", "all", &image, "1"]).ends(0).prints("1\n");
}

#[test]
fn help_and_version_give_0() {
    let run = vm(&["--help"]).ends(0).says_nothing();
    assert!(run.out.contains("Exit codes") && run.out.contains("explain"), "{}", run.out);
    assert!(run.out.contains("`vm a.qp --fuel 10` gives `--fuel 10` to a.qp"), "{}", run.out);
    let run = vm(&["--version"]).ends(0).says_nothing();
    assert!(run.out.starts_with("vm "), "{}", run.out);
    for (words, options) in [
        (&["version"][..], &["--version"][..]),
        (&["help"], &["--help"]),
        (&["help", "run"], &["run", "--help"]),
        (&["help", "image", "run"], &["image", "run", "--help"]),
        (&["--color", "never", "help", "run"], &["run", "--help"]),
    ] {
        vm(words).ends(0).prints(&vm(options).ends(0).out).says_nothing();
    }
    vm(&["help", "rnu"]).ends(2).says("there is no command `rnu`; did you mean `run`?");
}

#[test]
fn limits_give_4() {
    let endless = "var n = 0\nwhile true { n += 1 }";
    vm(&["--fuel", "1000", "-e", endless]).ends(4).says("error[Q0501]").says("<command line>:2");
    vm(&["--timeout", "50ms", "-e", endless]).ends(4).says("error[Q0503]");
    vm(&["--heap", "1M", "-e", "let xs = []\nwhile true { xs.push(\"${xs.len()}\") }"]).ends(4).says("error[Q0502]");
    vm(&["--fuel", "1000", "-e", "try { while true {} } catch e { print(\"caught\") }"]).ends(4).prints("");
}

#[test]
fn depth_is_a_limit_that_programs_may_catch() {
    let deep = "fn down(n) = if n == 0 { 0 } else { 1 + down(n - 1) }\n";
    vm(&["-e", &format!("{deep}print(down(100_000))")]).ends(0).prints("100000\n");
    vm(&["--depth", "50", "-e", &format!("{deep}down(100)")]).ends(1).says("error[Q0414]").says("--depth");
    vm(&["--depth", "50", "-e", &format!("{deep}print(try {{ down(100) }} catch e {{ e.kind }})")])
        .ends(0)
        .prints("stack_overflow\n");
}

#[test]
fn output_comes_before_the_error() {
    let run = vm(&["-e", "write(\"no newline\")\n1 // 0"]).ends(1).prints("no newline");
    run.says("Q0408");
}

#[test]
fn exit_passes_its_code() {
    vm(&["-e", "import os\nprint(\"bye\")\nos.exit(7)\nprint(\"not reached\")"]).ends(7).prints("bye\n").says_nothing();
    vm(&["-e", "import os\ntry { os.exit(0) } catch e { print(e) }"]).ends(0).prints("").says_nothing();
}

#[test]
fn arguments_reach_the_program_untouched() {
    let scratch = Scratch::new("arguments");
    let file = scratch.file("args.qp", "import os\nprint(os.args)\n");
    vm(&[&file]).ends(0).prints("[]\n");
    vm(&[&file, "--fuel", "x", "--", "-e", "run"]).ends(0).prints("[\"--fuel\", \"x\", \"--\", \"-e\", \"run\"]\n");
    vm(&["run", "--fuel", "100000", &file, "--fuel", "1"]).ends(0).prints("[\"--fuel\", \"1\"]\n");
    vm(&["--fuel", "100000", "run", &file, "--help"]).ends(0).prints("[\"--help\"]\n");
    vm(&["--fuel", "100000", &file, "-x"]).ends(0).prints("[\"-x\"]\n");
    vm(&["-e", "import os\nprint(os.args)", "run", "-v"]).ends(0).prints("[\"run\", \"-v\"]\n");
}

#[test]
fn a_program_may_come_from_standard_input() {
    with_input(&["run", "-"], "print(\"in\")").ends(0).prints("in\n");
    with_input(&[], "print(1 + 1)").ends(0).prints("2\n");
    with_input(&["--fuel", "100_000"], "while true {}").ends(4).says("Q0501");
    with_input(&[], " \n").ends(2).says("Usage");
    with_input(&[], "print(1 // 0)").ends(1).says("<stdin>:1");
    with_input(&["-"], "print(1 // 0)").ends(1).says("<stdin>:1");
    with_input(&["check", "-"], "print(x)").ends(3).says("<stdin>:1:7");
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let mut child = command(&["-e", "var n = 0\nwhile true {\n  print(n)\n  n += 1\n}"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn check_reports_and_does_not_run() {
    let scratch = Scratch::new("check");
    let good = scratch.file("good.qp", "print(\"never\")\n");
    let bad = scratch.file("bad.qp", "print(nothing_like_it)\n");
    vm(&["check", &good]).ends(0).prints("").says_nothing();
    vm(&["check", &good, &bad]).ends(3).prints("").says("error[Q0201]").says("bad.qp:1:7");
    vm(&["check", &good, "missing.qp"]).ends(2).says("missing.qp");
}

#[test]
fn findings_as_json_are_one_object_a_line() {
    let scratch = Scratch::new("json");
    let bad = scratch.file("bad.qp", "let a = 1\na = 2\nprint(ab)\n");
    let run = vm(&["check", "--json", &bad]).ends(3).says_nothing();
    let found: Vec<serde_json::Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["code"], "Q0202");
    assert_eq!(found[0]["kind"], "compile");
    assert_eq!(found[0]["spans"][0]["line"], 2);
    assert_eq!(found[0]["spans"][0]["primary"], true);
    assert_eq!(found[1]["code"], "Q0201");

    let run = vm(&["--json", "-e", "fn f() = [][0]\nf() + 1"]).ends(1);
    let error: serde_json::Value = serde_json::from_str(&run.err).unwrap();
    assert_eq!(error["kind"], "run");
    assert_eq!(error["code"], "Q0404");
    assert_eq!(error["trace"][0]["function"], "f");
    assert_eq!(error["trace"][1]["line"], 2);

    for (words, says) in [
        (&["nothere.qp"][..], "cannot read `nothere.qp`"),
        (&["check", "nothere.qp"], "cannot read `nothere.qp`"),
        (&["explain", "Q9999"], "there is no code `Q9999`"),
        (&["test", "nothere_test.qp"], "nothere_test.qp"),
        (&["--allow", "fs", "-e", "1"], "`--allow` is for images"),
    ] {
        let run = vm(&[&["--json"], words].concat()).ends(2).prints("");
        let error: serde_json::Value = serde_json::from_str(&run.err).unwrap();
        assert_eq!((&error["kind"], &error["code"]), (&"usage".into(), &serde_json::Value::Null));
        assert!(error["title"].as_str().unwrap().contains(says), "{error}");
    }
}

#[test]
fn colour_is_for_terminals_or_on_demand() {
    let plain = vm(&["-e", "1 // 0"]).ends(1);
    assert!(!plain.err.contains('\x1b'));
    let coloured = vm(&["--color", "always", "-e", "1 // 0"]).ends(1);
    assert!(coloured.err.contains('\x1b'));
    let plain = vm(&["--color", "never", "-e", "1 // 0"]).ends(1);
    assert!(!plain.err.contains('\x1b'));
}

#[test]
fn escapes_of_a_program_do_not_reach_the_terminal_through_errors() {
    let scratch = Scratch::new("escapes");
    let file = scratch.file("e.qp", "throw error(\"\\u{1b}]0;owned\\u{7}\") # \u{1b}[2J\u{9b}2J\n");
    let run = vm(&[&file]).ends(1).says("\\u{1b}]0;owned\\u{7}");
    assert!(run.err.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", run.err);
}

#[test]
fn explain_knows_the_codes() {
    let run = vm(&["explain", "Q0412"]).ends(0).says_nothing();
    assert!(run.out.starts_with("Q0412: fiber_error: "), "{}", run.out);
    vm(&["explain", "q0412"]).ends(0);
    vm(&["explain", "Q9999"]).ends(2).says("there is no code `Q9999`");
    let run = vm(&["explain"]).ends(0);
    assert!(run.out.lines().count() > 40 && run.out.contains("Q0201  "), "{}", run.out);
}

#[test]
fn dis_lists_instructions() {
    let scratch = Scratch::new("dis");
    let file = scratch.file("d.qp", "fn double(x) = x + x\nfn half(x) = x / 2\nprint(double(half(4)))\n");
    let run = vm(&["dis", &file]).ends(0).says_nothing();
    for part in ["fn <main>", "fn double", "fn half", "1 | fn double(x) = x + x"] {
        assert!(run.out.contains(part), "no {part:?} in\n{}", run.out);
    }
    let run = vm(&["dis", &file, "half"]).ends(0).says_nothing();
    assert!(run.out.contains("fn half") && !run.out.contains("fn double"), "{}", run.out);
    vm(&["dis", &file, "hlaf"]).ends(2).says("did you mean `half`");
}

#[test]
fn modules_are_found_beside_their_importer() {
    let scratch = Scratch::new("modules");
    scratch.file("lib/a.qp", "import \"../b\" { two }\nexport fn four() = two() * 2\n");
    scratch.file("b.qp", "export fn two() = 2\n");
    let main = scratch.file("main.qp", "import \"./lib/a\"\nprint(a.four())\n");
    vm(&[&main]).ends(0).prints("4\n").says_nothing();
}

#[test]
fn an_import_that_leads_nowhere_suggests_what_is_there() {
    let scratch = Scratch::new("nowhere");
    scratch.file("geometry.qp", "export let unit = 1\n");
    let path = scratch.file("a.qp", "import \"./geometri\"\n");
    vm(&[&path]).ends(3).says("error[Q0208]").says("did you mean `./geometry`");
    let path = scratch.file("b.qp", "import \"geometry.qp\"\n");
    vm(&[&path]).ends(3).says("error[Q0208]").says("\"./geometry\"");
    let path = scratch.file("c.qp", "import mth\n");
    vm(&[&path]).ends(3).says("error[Q0208]").says("did you mean `math`");
    let path = scratch.file("d.qp", "import geometry\n");
    vm(&[&path]).ends(3).says("error[Q0208]").says("\"./geometry\"");
}

#[test]
fn an_import_cycle_is_named() {
    let scratch = Scratch::new("cycle");
    let a = scratch.file("a.qp", "import \"./b\"\nexport let x = 1\n");
    scratch.file("b.qp", "import \"./c\"\nexport let x = 1\n");
    scratch.file("c.qp", "import \"./a\"\nexport let x = 1\n");
    let run = vm(&[&a]).ends(3).says("error[Q0209]: import cycle: ");
    let title = run.err.lines().next().unwrap();
    let names: Vec<&str> = title.split(" -> ").map(|name| &name[name.len() - 4..]).collect();
    assert_eq!(names, ["a.qp", "b.qp", "c.qp", "a.qp"]);
}

#[test]
fn errors_of_several_modules_come_in_one_run() {
    let scratch = Scratch::new("several");
    scratch.file("a.qp", "export let x = wrong_a\n");
    let main = scratch.file("main.qp", "import \"./a\"\nprint(wrong_main)\n");
    vm(&[&main]).ends(3).says("wrong_a").says("wrong_main");
}

#[test]
fn a_source_that_is_no_text_is_refused() {
    let scratch = Scratch::new("bytes");
    let file = scratch.file("b.qp", b"print(1)\n\xff\xfe");
    vm(&[&file]).ends(3).says("error[Q0107]").says("b.qp:2:1");
    let folder = scratch.0.to_str().unwrap().to_owned();
    vm(&[&folder]).ends(2).says("cannot read");
    if cfg!(unix) {
        vm(&["/dev/zero"]).ends(2).says("larger than a source may be");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_the_program_with_130_and_its_trace() {
    let mut child = command(&["-e", "print(\"on\")\nwhile true {}"]).spawn().unwrap();
    // Time to install the handler; before that the process would end by the signal, which is no failure of ours.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    drop(child.stdin.take());
    let run = Run::new(&["ctrl-c"], child.wait_with_output().unwrap());
    run.ends(130).prints("on\n").says("error[Q0504]: interrupted").says("<command line>:2");
}

/// What a program does that gets these signals, half a second apart.
#[cfg(unix)]
fn signalled(text: &str, signals: &[&str]) -> Run {
    let mut child = command(&["-e", text]).spawn().unwrap();
    for signal in signals {
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert!(Command::new("kill").args([*signal, child.id().to_string().as_str()]).status().unwrap().success());
    }
    drop(child.stdin.take());
    Run::new(signals, child.wait_with_output().unwrap())
}

#[cfg(unix)]
#[test]
fn signals_run_what_is_deferred_and_a_second_one_ends_at_once() {
    let text = "fn f() { defer print(\"f left\"); try { while true {} } catch e { print(\"never\") } }\ndefer print(\"left\")\nf()";
    signalled(text, &["-INT"]).ends(130).prints("f left\nleft\n").says("error[Q0504]: interrupted");
    signalled(text, &["-TERM"]).ends(143).prints("f left\nleft\n").says("error[Q0504]: interrupted");
    let stuck = "defer { while true {} }\nwhile true {}";
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let begun = std::time::Instant::now();
        signalled(stuck, &[signal, signal]).ends(code).prints("");
        assert!(begun.elapsed().as_millis() < 1900, "{:?}", begun.elapsed());
    }
    let begun = std::time::Instant::now();
    signalled(stuck, &["-INT"]).ends(130).prints("");
    assert!((2..20).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[test]
fn exits_run_what_is_deferred_and_limits_do_not() {
    let exit = "import os\ndefer print(\"top\")\ntry { [1, 2].sort(|a, b| { defer print(\"in sort\"); os.exit(3) }) } catch e { print(\"never\") }";
    vm(&["-e", exit]).ends(3).prints("in sort\ntop\n").says_nothing();
    // An error of something deferred comes in place of the exit, past whatever would catch it.
    let bad = "import os\ntry { defer { throw error(\"late\") }; os.exit(3) } catch e { print(\"never\") }";
    vm(&["-e", bad]).ends(1).prints("").says("error: late");
    for limit in [["--fuel", "100000"], ["--heap", "2M"], ["--timeout", "300ms"]] {
        let text = "defer print(\"never\")\nvar xs = []\nwhile true { xs = [xs] }";
        vm(&[limit[0], limit[1], "-e", text]).ends(4).prints("");
    }
}

#[test]
fn reports_tell_what_was_under_way() {
    let text = "fn f() { defer { throw error(\"second\") }; throw error(\"first\") }\nf()";
    let run = vm(&["-e", text]).ends(1).says("error: second");
    run.says("that came from something deferred, while this was being thrown:\n").says("error: first");
    vm(&["--json", "-e", text]).ends(1).says("\"during\":{");
}

#[test]
fn imported_modules_defer_nothing_at_their_top_level() {
    let scratch = Scratch::new("deferring_module");
    scratch.file("m.qp", "defer print(1)\nexport let x = 2\n");
    let file = scratch.file("a.qp", "import \"./m\" as m\nprint(m.x)\n");
    vm(&[&file]).ends(3).prints("").says("Q0221");
    vm(&[&scratch.path("m.qp")]).ends(0).prints("1\n");
}

#[test]
fn what_is_denied_is_named_before_anything_runs() {
    let text = "print(1)\nimport fs\nimport os { exit }\nimport time\nprint(fs.read, fs.write, time.now())\nexit(0)";
    let run = vm(&["--sandbox", "-e", text]).ends(3).prints("");
    let names = ["module `fs`", "module `os`", "module `time`", "`os.exit`", "`fs.read`", "`fs.write`", "`time.now`"];
    names.iter().fold(run, |run, name| run.says(&format!("does not grant the {name}").replace("the `", "`")));
    vm(&["--deny-time", "-e", "import fs\nimport time\nprint(fs.exists(\"/\"))"]).ends(3).says("capability `time`");
    vm(&["--deny-time", "-e", "import fs\nprint(fs.exists(\"/\"))"]).ends(0).prints("true\n");
    vm(&["check", "--deny-fs", "-"]).ends(0);
    with_input(&["--deny-fs", "check", "-"], "import image\nimage.save(1, \"x\")").ends(3).says("`image.save`");
    for (flag, module) in [("fs", "fs"), ("os", "os"), ("io", "io"), ("time", "time"), ("net", "actor")] {
        vm(&[&format!("--deny-{flag}"), "-e", &format!("import {module}")]).ends(3).says("Q0218");
    }
    vm(&["--sandbox", "-e", "import math\nimport iter\nimport test\nimport code\nprint(math.pi > 3)"]).ends(0);
}

#[test]
fn compiling_is_a_capability_and_what_is_compiled_has_no_others() {
    let text = |text: &str| format!("import code\nprint(code.compile({text:?})())");
    vm(&["-e", &text("1 + 2")]).ends(0).prints("3\n");
    for option in ["--deny-compile", "--sandbox"] {
        vm(&[option, "-e", &text("1 + 2")]).ends(3).says("does not grant `code.compile`").says("`compile`");
    }
    vm(&["-e", &text("import fs\nfs.exists(\"/\")")]).ends(0).prints("true\n");
    let denied = vm(&["--deny-fs", "-e", &text("import fs\nfs.exists(\"/\")")]);
    denied.ends(1).says("compile_error").says("line 1, column 8: this host does not grant the module `fs`");
    let scratch = Scratch::new("compiling");
    let file = scratch.file("a.qp", "import code\n|| code.compile(\"7\")()");
    let image = scratch.path("a.qpi");
    vm(&["image", "save", &file, "-o", &image]).ends(0);
    vm(&[&image]).ends(5).says("`code.compile`, which `--allow compile` grants");
    vm(&["--allow", "compile", &image]).ends(0).prints("7\n");
}

#[test]
fn a_long_text_that_is_compiled_is_stopped_like_anything_else() {
    let text = "import code\nlet text = \"a.b[c](d) + e\\n\" * 4_000_000\ncode.compile(text)";
    let begun = std::time::Instant::now();
    vm(&["--timeout", "200ms", "--heap", "64G", "-e", text]).ends(4).says("Q0503");
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    vm(&["--fuel", "1000000", "--heap", "64G", "-e", text]).ends(4).says("Q0501");
    vm(&["--heap", "64M", "-e", text]).ends(4).says("Q0502");
}

#[test]
fn an_image_that_needs_what_is_denied_does_not_load() {
    let scratch = Scratch::new("denied");
    let file = scratch.file("a.qp", "import fs\nimport os\n|| (fs.exists(\"/\"), os.cwd() is str)");
    let image = scratch.path("a.qpi");
    vm(&["image", "save", &file, "-o", &image]).ends(0);
    vm(&["--allow", "fs,os", &image]).ends(0).prints("(true, true)\n");
    vm(&["--sandbox", &image]).ends(5).prints("").says("`fs.exists`, denied by --sandbox; `os.cwd`");
    vm(&["--deny-os", "--allow", "all", "image", "run", &image])
        .ends(5)
        .prints("")
        .says("the image needs `os.cwd`, denied by --deny-os\n");
    let file = scratch.file("b.qp", "import io\nlet lines = io.lines()\nfiber(|| lines.next())");
    vm(&["image", "save", &file, "-o", &image]).ends(0);
    let run = vm(&["--deny-io", &image]).ends(5).says("denied by --deny-io\n");
    assert!(!run.err.contains("_io"), "{}", run.err);
}

#[test]
fn standard_input_is_read_as_it_is_asked_for() {
    let text = "import io\nprint(io.read_line())\nprint(io.read_bytes(3))\nfor l in io.lines() { print(repr(l)) }";
    let run = with_input(&["-e", text], "one\r\nabcd\n\nlast").ends(0);
    run.prints("one\nb\"abc\"\n\"d\"\n\"\"\n\"last\"\n");
    with_input(&["-e", "import io\nprint(repr(io.read_all()))"], "a\nb").ends(0).prints("\"a\\nb\"\n");
    let run = vm(&["-e", "import io\nprint(\"out\")\nio.eprint(\"to\", [1])\nio.ewrite(\"x\")"]).ends(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("out\n", "to [1]\nx"));
}

#[test]
fn what_waits_for_something_outside_can_be_stopped() {
    vm(&["--timeout", "50ms", "-e", "import time\ntime.sleep(100)"]).ends(4).says("Q0503");
    vm(&["--timeout", "50ms", "-e", "import os\nos.run(\"sleep\", [\"100\"])"]).ends(4).says("Q0503");
    let mut child = command(&["--timeout", "50ms", "-e", "import io\nio.read_line()"]);
    let mut child = child.spawn().unwrap();
    // The pipe stays open until the program has ended.
    let input = child.stdin.take();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    drop(input);
}

/// What bash offers behind these words, of which the last one is begun.
fn offered(folder: &std::path::Path, words: &[&str]) -> Vec<String> {
    let script = vm(&["completions", "bash"]).ends(0).says_nothing().out;
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let (last, before) = (quoted.len() - 1, &quoted[quoted.len() - 2]);
    // As bash calls it, except that there is nothing to tell about file names.
    let call = format!(
        "{script}\ncompopt() {{ :; }}\nCOMP_WORDS=({})\nCOMP_CWORD={last}\n$(complete -p vm | sed 's/.*-F \\([^ ]*\\).*/\\1/') \
         vm {} {before}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        quoted[last]
    );
    let output = Command::new("bash").args(["--norc", "-c", &call]).current_dir(folder).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{words:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_offers_commands_options_values_and_files() {
    if Command::new("bash").arg("--version").output().is_err() {
        return;
    }
    let scratch = Scratch::new("completions");
    scratch.file("explore.qp", "");
    scratch.file("two words.qp", "");
    let offered = |words: &[&str]| offered(&scratch.0, words);
    assert_eq!(offered(&["vm", "exp"]), ["explain", "explore.qp"]);
    assert_eq!(offered(&["vm", "two"]), ["two words.qp"]);
    assert_eq!(offered(&["vm", "image", "s"]), ["save", "strip"]);
    assert_eq!(offered(&["vm", "hash", "--e"]), ["--explain"]);
    assert_eq!(offered(&["vm", "--sandbox", "te"]), ["test"]);
    assert_eq!(offered(&["vm", "explain", "--fu"]), Vec::<String>::new());
    assert_eq!(offered(&["vm", "--color", "a"]), ["auto", "always"]);
    assert_eq!(offered(&["vm", "test", "--color", "n"]), ["never"]);
    assert_eq!(offered(&["vm", "completions", "z"]), ["zsh"]);
    assert_eq!(offered(&["vm", "--allow", "t"]), ["time"]);
    assert_eq!(offered(&["vm", "--profile", "two"]), ["two words.qp"]);
    // Nothing of its own, so that bash offers files.
    assert_eq!(offered(&["vm", "check", ""]), Vec::<String>::new());
    assert_eq!(offered(&["vm", "image", "save", "explore.qp", ""]), Vec::<String>::new());
    let all = offered(&["vm", "call", "--"]);
    for option in ["--fuel", "--sandbox", "--invoke", "--json"] {
        assert!(all.iter().any(|offer| offer == option), "{all:?}");
    }
    assert!(!all.iter().any(|offer| offer == "--stats"), "{all:?}");
}

#[test]
fn fish_offers_commands_options_values_and_files() {
    if Command::new("fish").arg("--version").output().is_err() {
        return;
    }
    let scratch = Scratch::new("completions_of_fish");
    scratch.file("explore.qp", "");
    let script = scratch.file("vm.fish", vm(&["completions", "fish"]).ends(0).out);
    for (line, offers) in [
        ("vm exp", &["explain", "explore.qp"][..]),
        ("vm image s", &["save", "strip"]),
        ("vm --sandbox te", &["test"]),
        ("vm --color a", &["always", "auto"]),
        ("vm hash --e", &["--explain"]),
        ("vm explain --fu", &[]),
        ("vm check ", &["explore.qp", "vm.fish"]),
    ] {
        let call = format!("source {script}; complete -C '{line}'");
        // Fish completes what it can run.
        let bin = std::path::Path::new(env!("CARGO_BIN_EXE_vm")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "-c", &call]).current_dir(&scratch.0).env("PATH", path);
        let text = String::from_utf8(fish.output().unwrap().stdout).unwrap();
        let offered: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(offered, offers, "{line}");
    }
}

#[test]
fn every_shell_has_a_script_and_it_can_be_read() {
    let scratch = Scratch::new("scripts");
    for (shell, says, reads) in [
        ("bash", "complete -F _vm_or_files", &["bash", "-n"][..]),
        ("zsh", "#compdef vm", &["zsh", "-n"]),
        ("fish", "complete -c vm", &["fish", "-n"]),
        ("powershell", "Register-ArgumentCompleter", &[]),
        ("elvish", "edit:completion:arg-completer[vm]", &[]),
    ] {
        let run = vm(&["completions", shell]).ends(0).says_nothing();
        assert!(run.out.contains(says), "{shell}");
        // Nothing was taken for what a terminal obeys.
        assert!(!run.out.contains("\\u{"), "{shell}");
        for option in ["explain", "deny-entropy", "completions"] {
            assert!(run.out.contains(option), "{shell}: {option}");
        }
        let file = scratch.file(shell, &run.out);
        let Some((program, words)) = reads.split_first() else { continue };
        if let Ok(read) = Command::new(program).args(words).arg(&file).output() {
            assert!(read.status.success() && read.stderr.is_empty(), "{shell}: {read:?}");
        }
    }
    vm(&["completions", "csh"]).ends(2).says("[possible values: bash, elvish, fish, powershell, zsh]");
}

#[test]
fn manual_pages_can_be_read_and_have_what_the_help_has() {
    let scratch = Scratch::new("man");
    let folder = scratch.path("man1");
    vm(&["man", &folder]).ends(0).prints("").says_nothing();
    let names = ["vm", "vm-run", "vm-image", "vm-image-save", "vm-actor-recover", "vm-completions", "vm-man"];
    for name in names {
        assert!(std::path::Path::new(&folder).join(format!("{name}.1")).exists(), "{name}");
    }
    let book = std::fs::read_to_string("docs/command-line.md").unwrap();
    let codes = book.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let codes: Vec<(&str, &str)> = codes.filter(|(code, _)| code.parse::<u8>().is_ok()).collect();
    assert_eq!(codes.len(), 8);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let page = std::fs::read_to_string(&path).unwrap();
        let plain = page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "");
        assert!(page.lines().any(|line| line.starts_with(".TH ")), "{name}");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS"] {
            let line = [format!(".SH {section}"), format!(".SH \"{section}\"")];
            assert!(page.lines().any(|there| line.iter().any(|line| there == line)), "{name}: no {section}");
        }
        for (code, what) in &codes {
            let what = what.trim_end_matches(" |");
            assert!(plain.contains(&format!("\n{code}\n{what}")), "{name}: {code}\n{plain}");
        }
        // Whatever can read such pages finds nothing wrong with it.
        let words: Vec<&str> = name.split('-').skip(1).chain(["--help"]).collect();
        let help = vm(&words).ends(0).out;
        for option in help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2) {
            let option = option.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            assert!(plain.contains(option), "{name}: {option}");
        }
        if let Ok(lint) = Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(&path).output() {
            assert!(lint.status.success(), "{name}: {}", String::from_utf8_lossy(&lint.stdout));
        }
        if let Ok(shown) = Command::new("man").args(["--warnings", "-l"]).arg(&path).env("MANPAGER", "cat").output() {
            assert!(shown.status.success() && shown.stderr.is_empty(), "{name}: {shown:?}");
        }
    }
    vm(&["man", "/dev/null/x"]).ends(2).says("cannot write `/dev/null/x`");
}
