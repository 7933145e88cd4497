//! The declaration of the command line with what derives do not say: examples, and what stands behind the help. Help,
//! manual pages and completions all come from it.

use clap::{Command, CommandFactory};

use super::args::Args;
use super::ending::EXITS;

/// What a command is good for: its name, and lines with what each does.
type Examples = (&'static str, &'static [(&'static str, &'static str)]);

/// Examples for every command.
pub const EXAMPLES: &[Examples] = &[
    (
        "",
        &[
            ("vm hello.qp one two", "run a program with two arguments"),
            ("vm -E '[3, 1, 2].sorted()'", "print the value of an expression"),
            ("vm --sandbox --timeout 2s guest.qp", "let a program only compute and print, for two seconds"),
            ("vm --allow fs notes.qpi", "run an image that may read and write files"),
        ],
    ),
    (
        "run",
        &[
            ("vm run hello.qp one two", "run a program with two arguments"),
            ("vm run - < hello.qp", "read it from standard input, as `vm < hello.qp` does"),
            ("vm run --profile flames.svg slow.qp", "draw where its time goes"),
        ],
    ),
    (
        "check",
        &[
            ("vm check main.qp geometry.qp", "report all that is wrong with two programs"),
            ("vm check --json main.qp", "the same for an editor, one object a line"),
            ("vm check --sandbox guest.qp", "and whether it reaches for more than computing and printing"),
        ],
    ),
    (
        "test",
        &[
            ("vm test", "run all tests below this folder"),
            ("vm test lib/ parse", "those below lib/ whose names contain `parse`"),
            ("vm test --timeout 5s list_test.qp", "stop each that takes longer than five seconds"),
        ],
    ),
    (
        "doc",
        &[
            ("vm doc", "list what there is"),
            ("vm doc str.split", "show one method"),
            ("vm doc geometry.qp area", "show what a file says of its function `area`"),
            ("vm doc --html site", "write web pages of the library into site/"),
        ],
    ),
    (
        "dis",
        &[
            ("vm dis main.qp", "list the instructions of a program"),
            ("vm dis main.qp area", "only those of the function `area`"),
        ],
    ),
    (
        "image save",
        &[
            ("vm image save counter.qp -o c.qpi", "save the value of counter.qp"),
            ("vm image save bank.qp -o b.qpi --entry deposit", "save what it exports as `deposit`"),
        ],
    ),
    (
        "image run",
        &[
            ("vm image run c.qpi", "call the function in c.qpi"),
            ("vm image run c.qpi 5 --save", "call it with 5, and save what has become of it"),
            ("vm image run --code counter.qp thin.qpi", "take the code of a thin image from a program"),
            ("vm image run --allow fs,time notes.qpi", "let it reach files and clocks"),
        ],
    ),
    (
        "image info",
        &[
            ("vm image info c.qpi", "show hashes, needs, functions and the value"),
            ("vm image info --json c.qpi", "the same for programs"),
        ],
    ),
    ("image verify", &[("vm image verify a.qpi b.qpi", "check every byte of two images")]),
    (
        "image diff",
        &[
            ("vm image diff before.qpi after.qpi", "say what has changed between two images"),
            ("vm image diff c.qpi counter.qp:tally", "compare an image with an export of a program"),
        ],
    ),
    (
        "image strip",
        &[
            ("vm image strip c.qpi -o small.qpi", "save c.qpi without names and lines"),
            ("vm image strip c.qpi --in-place", "take them out of c.qpi itself"),
        ],
    ),
    (
        "image upgrade",
        &[("vm image upgrade c.qpi new.qp -o d.qpi", "give what is in c.qpi the types that new.qp exports")],
    ),
    ("image graph", &[("vm image graph c.qpi -o c.svg", "draw what the closures in c.qpi share")]),
    (
        "hash",
        &[
            ("vm hash geometry.qp", "list the functions with their hashes"),
            ("vm hash c.qpi area", "only those with the name `area`"),
            ("vm hash --explain old.qp:area new.qp:area", "say why the hashes of two exports differ"),
        ],
    ),
    (
        "serve",
        &[
            ("vm serve --unix bank.sock --data bank.db", "serve on a socket file, and keep all actors in bank.db"),
            ("vm serve --listen 0.0.0.0:7300 --key-file server.keys", "let those in whose keys are in server.keys"),
            ("vm serve --fuel 1_000_000 --memory 2G", "bound each call and all actors together"),
            ("vm serve --check bank.db", "check the file of a server that does not run"),
        ],
    ),
    (
        "call",
        &[
            ("vm call unix:bank.sock -e '|state| state.len()'", "call a function in the actor `main`"),
            ("vm call 127.0.0.1:7300 --actor ann bank.qp:deposit 100", "call an export of bank.qp with 100"),
            ("vm call unix:bank.sock --install sum sum.qp", "install a function"),
            ("vm call unix:bank.sock --invoke sum 1 2", "call it by its name"),
        ],
    ),
    ("actor list", &[("vm actor list unix:bank.sock", "list all actors, as JSON")]),
    (
        "actor upgrade",
        &[
            ("vm actor upgrade unix:bank.sock ann bank.qp", "give the state of `ann` the types that bank.qp exports"),
            ("vm actor upgrade unix:bank.sock ann bank.qp --dry-run", "only say what that would change"),
        ],
    ),
    ("actor info", &[("vm actor info unix:bank.sock ann", "show the actor `ann`")]),
    ("actor snapshot", &[("vm actor snapshot unix:bank.sock ann", "keep the state of `ann` now")]),
    ("actor log", &[("vm actor log unix:bank.sock ann", "show the last calls of `ann`")]),
    ("actor gc", &[("vm actor gc unix:bank.sock --dry-run", "count what nothing needs")]),
    (
        "actor recover",
        &[
            ("vm actor recover --data bank.db", "which actors are held, and why"),
            ("vm actor recover unix:bank.sock ann --to 41", "let `ann` go on after step 41"),
            ("vm actor recover ann --data bank.db --accept", "go on with what this engine makes of all calls"),
        ],
    ),
    ("actor key", &[("vm actor key ann.keys", "make a key file, and show its public key")]),
    ("explain", &[("vm explain", "list all codes"), ("vm explain Q0405", "explain one")]),
    (
        "completions",
        &[
            ("vm completions bash > ~/.local/share/bash-completion/completions/vm", "for bash"),
            ("vm completions zsh > ~/.zfunc/_vm", "for zsh, with ~/.zfunc in $fpath"),
            ("vm completions fish > ~/.config/fish/completions/vm.fish", "for fish"),
        ],
    ),
    ("man", &[("vm man ~/.local/share/man/man1", "write the pages; `man vm` and `man vm-image-save` show them")]),
];

/// How the words of a command line are told apart, in paragraphs.
pub const WORDS: &[&str] = &[
    "`vm help COMMAND` tells more about a command, `vm explain` about errors.",
    "Options for vm stand before FILE; what stands behind it is for the program: `vm a.qp --fuel 10` gives `--fuel 10` to \
     a.qp. Options of a command may stand before it too: `vm --sandbox test` is `vm test --sandbox`.",
];

/// The whole command line.
pub fn declared() -> Command {
    with_examples(Args::command().after_help(behind()), &mut Vec::new())
}

fn with_examples(command: Command, path: &mut Vec<String>) -> Command {
    let name = path.join(" ");
    let before = command.get_after_help().map(|help| format!("{help}\n\n")).unwrap_or_default();
    let command = match EXAMPLES.iter().find(|(of, _)| *of == name) {
        Some((_, examples)) => command.after_long_help(before + &shown(examples)),
        None => command,
    };
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| {
        path.push(name.clone());
        let command = command.mut_subcommand(name, |inner| with_examples(inner, path));
        path.pop();
        command
    })
}

fn shown(examples: &[(&str, &str)]) -> String {
    let width = examples.iter().map(|(line, _)| line.len()).max().unwrap_or_default();
    let lines = examples.iter().map(|(line, what)| format!("\n  {line:width$}  {what}"));
    std::iter::once("Examples:".to_owned()).chain(lines).collect()
}

/// What stands behind the options of `vm` itself.
fn behind() -> String {
    let codes: Vec<String> = EXITS.iter().map(|(exit, short, _)| format!("{} {short}", *exit as u8)).collect();
    format!("{}\n\nExit codes: {}; os.exit(n) gives n.", WORDS.join("\n\n"), codes.join(", "))
}
