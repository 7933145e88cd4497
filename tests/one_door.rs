//! Rules that hold because there is one place for each: a second door fails here, in the sources and from outside.

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::*;

/// All files of a folder and those below.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::from(folder)];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => waiting.push(entry),
                false if entry.extension().is_some_and(|extension| extension == "rs") => {
                    found.push((entry.clone(), fs::read_to_string(entry).unwrap()));
                }
                false => {}
            }
        }
    }
    found
}

/// Says where one of these words stands in the program `vm`, outside of comments, but for the file that may say it.
#[track_caller]
fn stands_only_in(door: &str, words: &[&str]) {
    let door = Path::new("src/cli").join(door);
    let mut second = Vec::new();
    let mut is_there = false;
    for (path, text) in sources("src/cli") {
        for (line, number) in text.lines().zip(1..) {
            let code: String = line.split("//").next().unwrap_or_default().split('"').step_by(2).collect();
            let found = words.iter().any(|word| code.contains(word));
            is_there |= found && path == door;
            if found && path != door {
                second.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(is_there, "{} is no door any more", door.display());
    assert!(second.is_empty(), "only {} may say this:\n{}", door.display(), second.join("\n"));
}

#[test]
fn one_file_puts_engines_together() {
    let words = ["Engine", "Grant", "Limits", "set_limits", "set_output", "Capabilities", "Vm::new", "builder("];
    stands_only_in("session.rs", &words);
}

#[test]
fn options_hold_for_every_command_that_runs_a_program() {
    let scratch = Scratch::new("one_door_options");
    let written = scratch.path("written");
    let writes = scratch.file("writes.qp", format!("import fs\nfs.write({written:?}, \"x\")\n|x| x"));
    let other = scratch.file("other.qp", "|x| x");
    let loops = scratch.file("loops.qp", "while true {}");
    let image = scratch.path("out.qpi");
    let commands = |file: &str| -> Vec<Vec<String>> {
        let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
        vec![
            words(&[file]),
            words(&["run", file]),
            words(&["hash", file]),
            words(&["hash", "--explain", file, &other]),
            words(&["hash", "--explain", &other, file]),
            words(&["image", "save", file, "-o", &image]),
            words(&["image", "diff", &other, file]),
            words(&["serve", "--unix", &scratch.path("socket"), "--init", file]),
            words(&["call", "127.0.0.1:1", file]),
            words(&["test", file]),
        ]
    };
    for command in commands(&writes) {
        for denial in ["--sandbox", "--deny-fs"] {
            let words: Vec<&str> = [denial].into_iter().chain(command.iter().map(String::as_str)).collect();
            let run = vm(&words);
            assert!(!Path::new(&written).exists(), "{words:?} wrote a file");
            assert!(run.code != 0 && (run.err + &run.out).contains("Q0218"), "{words:?}");
        }
    }
    for command in commands(&loops) {
        let words: Vec<&str> = ["--fuel", "1000"].into_iter().chain(command.iter().map(String::as_str)).collect();
        let run = vm(&words);
        assert!(run.code != 0 && (run.err + &run.out).contains("Q0501"), "{words:?}");
    }
}

#[test]
fn what_is_only_compiled_is_compiled_under_the_same_options() {
    let scratch = Scratch::new("one_door_compiled");
    let file = scratch.file("a.qp", "import fs\n|| fs.exists(\"x\")");
    for words in [["check", &file], ["dis", &file]] {
        vm(&words).ends(0);
        vm(&[&["--sandbox"], &words[..]].concat()).ends(3).says("Q0218");
    }
}
