//! Rules that hold because there is one place for each: a second door fails here, in the sources and from outside.
#![cfg(feature = "run")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::circles;
use crate::program::*;

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
fn one_file_writes_to_standard_output_and_error() {
    let words = ["stdout", "stderr", "print!", "println!", "eprint!", "eprintln!", "dbg!", ".print()", ".exit()"];
    stands_only_in("terminal.rs", &words);
    // What writes there as it likes is for programs, and the session gives it to them.
    let gives = |file: &str, word: &str| fs::read_to_string(Path::new("src/cli").join(file)).unwrap().contains(word);
    let all = sources("src/cli");
    let others = all.iter().filter(|(path, text)| {
        text.contains("for_a_program") && !path.ends_with("session.rs") && !path.ends_with("terminal.rs")
    });
    assert!(gives("session.rs", "for_a_program") && others.count() == 0);
}

#[test]
fn no_files_of_the_command_line_use_each_other() {
    assert_eq!(circles::largest_circle("src/cli", &["cli"]), Vec::<String>::new());
    // That it finds circles where there are some.
    assert!(circles::largest_circle("vm/src", &[]).len() > 4);
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

/// What a terminal would obey, or would hide.
const HOSTILE: &[&str] = &[
    "\x1b[31m",
    "\x1b]0;t\x07",
    "\u{9b}2J",
    "\x08",
    "\x07",
    "\x7f",
    "\u{85}",
    "\u{ad}",
    "\u{61c}",
    "\u{115f}",
    "\u{180e}",
    "\u{200b}",
    "\u{200f}",
    "\u{2028}",
    "\u{2029}",
    "\u{202a}",
    "\u{202e}",
    "\u{2060}",
    "\u{2066}",
    "\u{2069}",
    "\u{3164}",
    "\u{feff}",
    "\u{fff9}",
    "\u{1d173}",
    "\u{e0041}",
    "\u{e0001}",
];

/// Whether somebody who looks at a character sees what it is.
fn is_plain(c: char) -> bool {
    let hidden = HOSTILE.iter().flat_map(|text| text.chars()).filter(|c| !c.is_ascii_graphic()).any(|other| other == c);
    c == '\n' || !c.is_control() && !hidden && !('\u{200b}'..='\u{206f}').contains(&c)
}

#[track_caller]
fn is_harmless(run: &std::process::Output, words: &[String]) {
    for (text, what) in [(&run.stdout, "output"), (&run.stderr, "error")] {
        let text = std::str::from_utf8(text).unwrap_or_else(|_| panic!("{words:?}: {what} is no text"));
        let found = text.lines().find(|line| !line.chars().all(is_plain));
        assert_eq!(found, None, "{words:?}: raw on standard {what}");
    }
}

/// The bytes of an image in which names are other ones of the same length.
fn renamed(image: &str, names: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = fs::read(image).unwrap();
    for (from, to) in names {
        assert_eq!(from.len(), to.len());
        for at in 88..bytes.len().saturating_sub(from.len()) {
            if bytes[at..].starts_with(from.as_bytes()) {
                bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            }
        }
    }
    quipu::vm::image::repair(&mut bytes);
    bytes
}

/// An identifier of a length.
fn identifier(first: char, length: usize) -> String {
    std::iter::once(first).chain("nemo".chars().cycle()).take(length).collect()
}

/// Programs and images that have some of these texts wherever a text can be.
struct Hostile {
    scratch: Scratch,
    /// What stands in everything.
    text: String,
    files: Vec<String>,
}

impl Hostile {
    fn new(test: &str, text: String) -> Hostile {
        Hostile { scratch: Scratch::new(test), text, files: Vec::new() }
    }

    /// A file whose name has the text in it.
    fn add(&mut self, name: &str, content: impl AsRef<[u8]>) -> String {
        let file = self.scratch.file(&format!("{} {name}", self.text), content);
        self.files.push(file.clone());
        file
    }

    fn fill(&mut self) {
        let text = self.text.clone();
        let quoted: String = text.chars().map(|c| format!("\\u{{{:x}}}", c as u32)).collect();
        let (function, local, ty) =
            (identifier('f', text.len()), identifier('g', text.len()), identifier('T', text.len()));
        let program = format!(
            "# {text} the heading\n\n## {text} documented\nexport fn {function}({local}) {{\n  let inner = |x| x + {local}.len()\n  \
             if {local} == 1 {{ throw error({quoted:?}, [{quoted:?}]) }}  # {text}\n  [{quoted:?}: inner, b: {local}]\n}}\n\
             ## {text}\nexport type {ty}(owner, note = \"{quoted}\") {{ ## {text}\n  fn show(self) = self.note }}\n\
             export let made = {ty}(\"{quoted}\")\n({function}, {function}(\"{quoted}\"), made, [print], \
             fiber(|| {{ let held = \"{quoted}\"; yield held; held }}))\n"
        )
        .replace("\\\\u", "\\u");
        let good = self.add("good.qp", &program);
        let image = self.scratch.path("plain.qpi");
        vm(&["image", "save", &good, "-o", &image]).ends(0);
        self.add("good.qpi", fs::read(&image).unwrap());
        self.add("names.qpi", renamed(&image, &[(&function, &text), (&local, &text)]));
        let declared =
            self.add("types.qp", format!("type {ty}({local}) {{ fn {function}(self) = 1 }}\n({ty}(1), {ty})"));
        let types = self.scratch.path("types.qpi");
        vm(&["image", "save", &declared, "-o", &types]).ends(0);
        self.add("type.qpi", renamed(&types, &[(&ty, &text)]));
        self.add("fields.qpi", renamed(&types, &[(&local, &text)]));
        self.add("methods.qpi", renamed(&types, &[(&function, &text)]));
        let path = good.split('/').next_back().unwrap();
        self.add(
            "file.qpi",
            renamed(&image, &[(path, &format!("{:1$}", text, path.len() - text.len() + text.chars().count()))]),
        );
        if text.len() == 5 {
            self.add("natives.qpi", renamed(&image, &[("print", &text)]));
        }
        let throws = self.add("throws.qp", format!("fn f(x) {{\n  throw error(x) # {text}\n}}\nf(\"{quoted}\")\n"));
        let image = self.scratch.path("throws.qpi");
        let saved =
            self.add("thrower.qp", format!("fn {function}({local}) {{\n throw error(\"{quoted}\")\n}}\n{function}"));
        vm(&["image", "save", &saved, "-o", &image]).ends(0);
        self.add("throws.qpi", renamed(&image, &[(&function, &text), (&local, &text)]));
        self.add("thrown.qp", format!("throw [\"{quoted}\", \"{text}\"]"));
        self.add("kind.qp", format!("try {{ {{a: 1}} }} catch e {{}}\nlet x = [:]\nx[\"{quoted}\"]"));
        self.add("broken.qp", format!("let a = {text}\nprint(b{text}) # {text}\nlet \"{text}\n"));
        self.add("import.qp", format!("import \"./{text}\"\nimport \"./{text} broken\"\nprint(1)"));
        self.add("bytes.qp", [text.as_bytes(), b"\xff\xfe"].concat());
        self.add("damaged.qpi", [b"\x8bQUIPU\r\n".as_slice(), text.as_bytes(), &[1; 90]].concat());
        let test = format!(
            "import test\ntest.case(\"{quoted}\", || test.equal(\"{quoted} a\", \"{quoted} b\"))\n\
             test.case(\"{quoted} 2\", || {{ print(\"{quoted}\"); throw error(\"{quoted}\") }})\n\
             test.case(\"{quoted} 3\", || test.equal([[\"{quoted}\"]], [\"{text}\", 2]))\nprint(\"{quoted}\")\n"
        );
        self.add("test.qp", test);
        self.files.push(self.scratch.path(&format!("{text} missing.qp")));
        self.files.push(throws + ":" + &text);
    }

    /// Every command with every file.
    fn commands(&self) -> Vec<Vec<String>> {
        let out = self.scratch.path(&format!("{} out", self.text));
        let text = self.text.as_str();
        let mut commands: Vec<Vec<&str>> = vec![
            vec!["help", text],
            vec![text],
            vec!["explain", text],
            vec!["doc", text],
            vec!["doc", "str", text],
            vec!["-E", "\"x\" + nothing", text],
            vec!["--fuel", text, "x"],
            vec![&out, "x"],
            vec!["check", &out],
            vec!["actor", "key", "/no folder/x"],
            vec!["call", text, "x"],
            vec!["serve", "--check", &out],
            vec!["serve", "--data", &self.files[0], "--listen", text],
            vec!["serve", "--check", &self.files[0]],
            vec!["actor", "list", text],
            vec!["image", text],
            vec!["call", "unix:/no/socket", "-e", text],
            vec!["call", "unix:/no/socket", "--key-file", &self.files[0], "-e", "1"],
        ];
        for file in &self.files {
            let other = &self.files[0];
            commands.extend([
                vec!["check", file],
                vec!["dis", file],
                vec!["dis", file, text],
                vec!["hash", file],
                vec!["hash", file, text],
                vec!["hash", "--explain", file, other],
                vec!["hash", "--explain", other, file],
                vec!["doc", file],
                vec!["doc", file, text],
                vec!["test", file],
                vec!["test", file, text],
                vec!["image", "info", file],
                vec!["image", "verify", file],
                vec!["image", "diff", file, other],
                vec!["image", "diff", other, file],
                vec!["image", "graph", file, "-o", &out],
                vec!["image", "strip", file, "-o", &out],
                vec!["image", "save", file, "-o", &out],
                vec!["image", "save", file, "-o", &out, "--entry", text],
                vec!["image", "info", file, "--code", file],
                vec!["--profile", "/dev/null", "image", "run", file],
                vec!["--stats", "image", "run", file, text],
                vec!["call", "unix:/no/socket", file],
                vec!["serve", "--init", file, "--listen", text],
                vec!["image", "run", file, "--code", other],
            ]);
        }
        let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
        commands.into_iter().map(owned).collect()
    }
}

/// Texts from `HOSTILE`, by chance but the same every time.
fn texts(count: usize) -> Vec<String> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let mut some = || "ab".to_owned() + &(0..1 + next(3)).map(|_| HOSTILE[next(HOSTILE.len())]).collect::<String>();
    // Five bytes, as many as `print` has, and names of whole folders.
    ["\x1b[31m".to_owned(), "a\u{202e}b".to_owned()].into_iter().chain((0..count).map(|_| some())).collect()
}

#[test]
fn nothing_that_a_terminal_obeys_is_shown_by_any_command() {
    // `DOORS=20` tries so many texts more, and everything both as text and as JSON.
    let more: Option<usize> = std::env::var("DOORS").ok().and_then(|count| count.parse().ok());
    for (number, text) in texts(more.unwrap_or(0)).into_iter().enumerate() {
        let mut hostile = Hostile::new(&format!("one_door_hostile_{number}"), text.clone());
        hostile.fill();
        for (index, words) in hostile.commands().into_iter().enumerate() {
            for json in [false, true] {
                if more.is_none() && json == ((index + number) % 2 == 0) {
                    continue;
                }
                let mut words = words.clone();
                if json {
                    words.insert(0, "--json".to_owned());
                }
                let strs: Vec<&str> = words.iter().map(String::as_str).collect();
                let mut run = command(&strs).stdin(std::process::Stdio::null()).output().unwrap();
                // What programs print is theirs.
                if ["save", "run", "call", "serve"].iter().any(|runs| strs.contains(runs)) {
                    run.stdout.clear();
                }
                is_harmless(&run, &words);
            }
        }
    }
}

#[test]
fn what_peers_say_is_harmless_too() {
    let scratch = Scratch::new("one_door_peers");
    let init = scratch.file("init.qp", "[\"\\u{202e}\": \"\\u{1b}[31m\"]");
    let socket = scratch.path("socket");
    let mut server = command(&["serve", "--unix", &socket, "--init", &init, "--log", "debug"]).spawn().unwrap();
    while !Path::new(&socket).exists() {
        assert!(server.try_wait().unwrap().is_none(), "the server has ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let address = format!("unix:{socket}");
    for actor in ["a\u{202e}b\u{2066}", "a\u{200b}", "a\x1b[31m"] {
        for words in [
            &["call", &address, "--actor", actor, "-e", "|s| { s[\"x\\u{2066}\"] = 1; s.len() }"][..],
            &["call", &address, "--actor", actor, "-e", "|s| throw error(\"\\u{1b}[2J\\u{202e}\")"],
            &["call", &address, "--actor", actor, "-e", "|s| throw [\"\\u{2028}\\u{9b}\"]"],
            &["call", &address, "--actor", actor, "-e", "fn f(s) { let \u{661}x = 1 }"],
            &["call", &address, "--actor", actor, "--install", "\u{202e}", "-e", "|s| s.len()"],
            &["call", &address, "--actor", actor, "--invoke", "\u{202e}"],
            &["call", &address, "--actor", actor, "--invoke", "\x1b[31m"],
            &["actor", "list", &address],
            &["actor", "info", &address, actor],
            &["actor", "log", &address, actor],
            &["actor", "snapshot", &address, actor],
        ] {
            for format in [&[][..], &["--json"]] {
                let words = [format, words].concat();
                let run = command(&words).stdin(std::process::Stdio::null()).output().unwrap();
                is_harmless(&run, &words.iter().map(|word| word.to_string()).collect::<Vec<_>>());
            }
        }
    }
    server.kill().unwrap();
    is_harmless(&server.wait_with_output().unwrap(), &["serve".to_owned()]);
}

#[test]
fn imports_stay_below_the_folder_of_the_program_where_files_are_denied() {
    let scratch = Scratch::new("one_door_imports");
    let folder = &scratch.0;
    scratch.file("secret.qp", "export let word = \"the secret word\"");
    scratch.file("app/sub/inner.qp", "import \"../beside\"\nexport let word = beside.word");
    scratch.file("app/beside.qp", "export let word = 1");
    let link = |to: &str, from: &str| std::os::unix::fs::symlink(to, folder.join(from)).unwrap();
    link("../secret.qp", "app/link.qp");
    link("..", "app/up");
    link("../beside.qp", "app/sub/alias.qp");
    link("app/inside.qp", "elsewhere.qp");
    let program = |name: &str, path: &str| scratch.file(name, format!("import \"{path}\" as other\nprint(other.word)"));
    for (path, is_below) in [
        ("./sub/inner", true),
        ("./sub/alias", true),
        ("./sub/../beside", true),
        ("../app/beside", true),
        ("../secret", false),
        ("./link", false),
        ("./up/secret", false),
        ("./sub/../../secret", false),
        ("../nothing", false),
        ("../no/where", false),
    ] {
        let file = program("app/main.qp", path);
        for denial in ["--sandbox", "--deny-fs"] {
            for words in [&[][..], &["run"], &["hash"], &["dis"], &["check"], &["image", "diff", &file], &["test"]] {
                let run = vm(&[&[denial], words, &[&file]].concat());
                let all = run.out + &run.err;
                assert!(!all.contains("secret word"), "{words:?} {path}: {all}");
                match is_below {
                    true => assert!(!all.contains("Q0208"), "{words:?} {path}: {all}"),
                    // What is there is told apart from what is not neither by words nor by advice.
                    false => assert!(all.contains("files elsewhere are denied"), "{words:?} {path}: {all}"),
                }
            }
        }
        if !path.starts_with("../no") {
            vm(&[&file]).ends(0);
        }
    }
    // Whoever names a program may name a link to it; its folder is the one where it was named.
    program("app/inside.qp", "./app/beside");
    vm_in(folder, &["--sandbox", "elsewhere.qp"]).ends(0).prints("1\n");
    // There is no folder.
    for words in [&["-e", "import \"./app/beside\""][..], &["-E", "import \"./app/beside\""], &["-"], &["check", "-"]] {
        let mut child = command(&[&["--deny-fs"], words].concat()).current_dir(folder).spawn().unwrap();
        // Those that have their program already may be gone without a look at it.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"import \"./app/beside\"");
        let run = Run::new(words, child.wait_with_output().unwrap()).ends(3);
        run.says("a program that is in no file imports none where files are denied");
    }
    let run = vm_in(folder, &["--deny-fs", "call", "unix:none", "-e", "import \"./app/beside\""]).ends(3);
    run.says("imports none");
    vm_in(folder, &["-e", "import \"./app/beside\"\nprint(beside.word)"]).ends(0).prints("1\n");
}

#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    let scratch = Scratch::new("one_door_pipes");
    let pipe = scratch.path("pipe.qp");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", scratch.0.join("zero.qp")).unwrap();
    fs::create_dir(scratch.0.join("folder.qp")).unwrap();
    for (name, what) in [("pipe", "it is a pipe"), ("zero", "it is a device"), ("folder", "directory")] {
        let file = scratch.file("main.qp", format!("import \"./{name}\""));
        for denial in [&[][..], &["--sandbox"], &["--deny-fs"]] {
            let run = within_ten_seconds(&[denial, &[&file]].concat()).ends(3);
            assert!(run.err.contains(what) || (name == "zero" && run.err.contains("are denied")), "{}", run.err);
        }
        let own = scratch.path(&format!("{name}.qp"));
        for words in [&["image", "run"][..], &["image", "info"], &["image", "verify"], &["image", "run", "--save"]] {
            within_ten_seconds(&[words, &[&own]].concat()).ends(2).says(what);
        }
        let open = format!("import image\nimage.open({own:?})");
        within_ten_seconds(&["-e", &open]).ends(1).says("io_error");
    }
    // A program that somebody names may come through a pipe, and all of it is read.
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, "print(\"through a pipe\")")
    });
    within_ten_seconds(&[&pipe]).ends(0).prints("through a pipe\n");
    writer.join().unwrap().unwrap();
}

/// A run that does not wait for somebody.
#[track_caller]
fn within_ten_seconds(words: &[&str]) -> Run {
    let mut child = command(words).stdin(std::process::Stdio::null()).spawn().unwrap();
    let begun = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed().as_secs() >= 10 {
            child.kill().unwrap();
            panic!("{words:?} waits");
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Run::new(words, child.wait_with_output().unwrap())
}

#[test]
fn an_image_is_data_until_somebody_trusts_it() {
    let scratch = Scratch::new("one_door_images");
    let written = scratch.path("written");
    let text = format!(
        "import fs\nimport os\nimport time\n|| {{ fs.write({written:?}, os.cwd()); time.now(); print(\"done\") }}"
    );
    let (file, image) = (scratch.file("a.qp", text), scratch.path("a.qpi"));
    vm(&["image", "save", &file, "-o", &image]).ends(0);
    let runs = [&[][..], &["run"], &["image", "run"], &["hash"]];
    for words in runs {
        let with = |options: &[&str]| vm(&[options, words, &[&image]].concat());
        for options in [&[][..], &["--allow", "fs,os"], &["--allow", "time"]] {
            let run = with(options).ends(5).prints("");
            let granted = |name: &str| options.iter().any(|option| option.contains(name));
            for (name, need) in [("fs", "`fs.write`"), ("os", "`os.cwd`"), ("time", "`time.now`")] {
                let grants = format!("{need}, which `--allow {name}` grants");
                assert_eq!(run.err.contains(&grants), !granted(name), "{options:?} {words:?}: {}", run.err);
            }
            run.says("`--allow fs,os,time` before it");
        }
        with(&["--allow", "all", "--deny-fs"]).ends(5).says("`fs.write`, denied by --deny-fs\n");
        with(&["--allow", "all", "--sandbox"])
            .ends(5)
            .says("`fs.write`, denied by --sandbox; `os.cwd`, denied by --sandbox");
        with(&["--deny-os"])
            .ends(5)
            .says("`fs.write`, which `--allow fs` grants; `os.cwd`, denied by --deny-os; `time.now`");
        with(&["--json"]).ends(5).says("Q0417");
        assert!(!Path::new(&written).exists());
    }
    // Nothing runs, so nothing is needed.
    for words in [&["dis"][..], &["image", "info"], &["image", "verify"]] {
        vm(&[words, &[&image]].concat()).ends(0);
    }
    for options in
        [&["--allow", "fs,os,time"][..], &["--allow", "fs", "--allow", "os", "--allow=time"], &["--allow", "all"]]
    {
        for words in &runs[..3] {
            let run = vm(&[options, words, &[&image]].concat()).ends(0).prints("done\n");
            run.says_nothing();
            fs::remove_file(&written).unwrap();
        }
        vm(&[options, &["hash", &image]].concat()).ends(0);
    }
    assert!(!Path::new(&written).exists());
    vm(&["--allow", "files", &image]).ends(2).says("[possible values: fs, os, io, time, entropy, net, compile, all]");
    // Behind the image it is the function's own.
    vm(&[&image, "--allow", "all"]).ends(5);
    // What a program in source may reach is not for this option to say.
    vm(&["--allow", "time", "-e", "import os\nprint(os.cwd() is str)"]).ends(2).prints("").says("is for images");
    // An image that prints needs nobody's trust.
    let (file, image) = (scratch.file("b.qp", "|x| print(x)"), scratch.path("b.qpi"));
    vm(&["image", "save", &file, "-o", &image]).ends(0);
    vm(&["--sandbox", &image, "3"]).ends(0).prints("3\n");
    // Another image in an image gets no more.
    let inner = format!(
        "import fs\nimport image\nlet bytes = image.dump(|| fs.write({written:?}, \"x\"))\n|| image.load(bytes)()"
    );
    let (file, image) = (scratch.file("c.qp", inner), scratch.path("c.qpi"));
    vm(&["image", "save", &file, "-o", &image]).ends(0);
    vm(&[&image]).ends(5).says("fs.write");
    assert!(!Path::new(&written).exists());
}

#[test]
fn programs_have_a_limit_for_memory_that_nobody_has_set() {
    let total = fs::read_to_string("/proc/meminfo").unwrap();
    let total = total.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
    let total: usize = total.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024;
    // Asked for at once, so that nothing is used.
    let text = format!("\"x\" * {}", total / 8 * 7);
    vm(&["-e", &text]).ends(4).says("error[Q0502]").says("--heap SIZE");
}
