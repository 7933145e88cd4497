//! Reads the command line: options that stand before a command are that command's, and one that it does not take is refused
//! with those that do.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, FromArgMatches};
use quipu::code::closest;
use quipu::report::Shown;

use super::args::{self, Args, COMMANDS};
use super::help::declared;
use super::image;
use super::lacking::{LEFT_OUT, lacking};

/// Commands that are named when somebody looks for the one with an option.
const NAMED: usize = 3;

/// What does not lead to a command.
pub enum Answer {
    /// Something that was asked for: help, a version.
    Told(Shown),
    /// A mistake, as clap shows it.
    Shown(Shown),
    /// A mistake.
    Mistake(String),
}

/// What these words ask for.
pub fn read(words: Vec<OsString>) -> Result<Args, Answer> {
    if let Some(args) = Args::plain(&words) {
        return Ok(args);
    }
    let mut declared = declared();
    let Line { words, path } = Line::new(words, &declared)?;
    let words = std::iter::once(OsString::from("vm")).chain(words);
    let read = declared.try_get_matches_from_mut(words).and_then(|mut found| Args::from_arg_matches_mut(&mut found));
    let args = read.map_err(|error| match unknown(&error).and_then(|option| refused(option, &path, &declared)) {
        Some(text) => Answer::Mistake(text),
        None if error.exit_code() != 0 => Answer::Shown(Shown::text(&error.render().to_string())),
        None => Answer::Told(Shown::text(&error.render().to_string())),
    })?;
    // What is run takes all options behind it for itself, so that one before it may look like it.
    let run = match &args.command {
        Some(args::Command::Run { program, .. }) => program.first(),
        Some(args::Command::Image { command: image::Command::Run { words, .. } }) => words.first(),
        _ => None,
    };
    match run.and_then(|word| word.to_str()).filter(|word| word.starts_with('-') && *word != "-") {
        None => Ok(args),
        Some(option) => Err(Answer::Mistake(refused(option, &path, &declared).unwrap_or_else(|| {
            format!("there is no option `{option}`; `vm {} --help` tells what there is", path.join(" "))
        }))),
    }
}

/// What `vm` says of itself.
pub fn help() -> Shown {
    Shown::text(&declared().render_help().to_string())
}

/// A command line in the order in which it is declared: the command, then its options.
struct Line {
    words: Vec<OsString>,
    /// The command, such as `image save`; nothing for a file or a text.
    path: Vec<String>,
}

impl Line {
    /// Moves options from before a command behind it. `help COMMAND` and `version` are the options that they stand for.
    fn new(words: Vec<OsString>, declared: &Command) -> Result<Line, Answer> {
        let mut rest = &words[..];
        let mut options = Vec::new();
        let mut path = Vec::new();
        let mut command = declared;
        loop {
            let length = options_of(declared, rest);
            options.extend_from_slice(&rest[..length]);
            rest = &rest[length..];
            let Some((next, others)) =
                rest.split_first().and_then(|(word, others)| Some((command.find_subcommand(word.to_str()?)?, others)))
            else {
                break;
            };
            path.push(next.get_name().to_owned());
            command = next;
            rest = others;
            if !next.has_subcommands() {
                break;
            }
        }
        if path.is_empty()
            && let Some((first, about)) = rest.split_first()
        {
            for word in [Some(first), about.first().filter(|_| first == "help")].into_iter().flatten() {
                if let Some((name, feature)) = LEFT_OUT.iter().find(|(name, _)| word == *name) {
                    return Err(Answer::Mistake(lacking(&format!("the command `{name}`"), feature)));
                }
            }
            match first.to_str() {
                Some("help") => return Ok(Line { words: help_on(about)?, path }),
                Some("version") if about.is_empty() => options.push("--version".into()),
                _ => {
                    options.extend_from_slice(rest);
                    return Ok(Line { words: options, path });
                }
            }
            return Ok(Line { words: options, path });
        }
        let words = path.iter().map(OsString::from).chain(options).chain(rest.iter().cloned()).collect();
        Ok(Line { words, path })
    }
}

/// How many of the words are options of `vm` that may stand before a command, with their values.
fn options_of(declared: &Command, words: &[OsString]) -> usize {
    let mut length = 0;
    while let Some(option) = words.get(length).and_then(|word| word.to_str()?.strip_prefix("--")) {
        let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        let Some(arg) = declared.get_arguments().find(|arg| arg.get_long() == Some(name)) else { break };
        length += 1;
        if arg.get_action().takes_values() && value.is_none() {
            length += 1;
        }
    }
    length.min(words.len())
}

/// The options for what stands behind `help`.
fn help_on(about: &[OsString]) -> Result<Vec<OsString>, Answer> {
    if let Some(word) = about.first().and_then(|word| word.to_str())
        && !COMMANDS.contains(&word)
    {
        let near = closest(word, COMMANDS.iter().copied());
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return Err(Answer::Mistake(format!("there is no command `{word}`{near}")));
    }
    let about = about.iter().filter(|word| *word != "help" && *word != "version");
    Ok(about.cloned().chain(["--help".into()]).collect())
}

/// The option that a command does not know.
fn unknown(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => Some(word),
        _ => None,
    }
}

/// What is said of an option that the command does not take, if others do.
fn refused(word: &str, path: &[String], declared: &Command) -> Option<String> {
    let option = word.split('=').next().unwrap_or(word);
    let mut takers = Vec::new();
    for_each_command(declared, &mut Vec::new(), &mut |path, command| {
        if command.get_arguments().any(|arg| is_called(arg, option)) {
            takers.push(name_of(path));
        }
    });
    let more = takers.len().saturating_sub(NAMED);
    if more > 1 {
        takers.truncate(NAMED);
        takers.push(format!("{more} others"));
    }
    let others = match takers.split_last() {
        None => return None,
        Some((one, [])) => format!("{one} has it"),
        Some((last, others)) => format!("{} and {last} have it", others.join(", ")),
    };
    let help = [path.join(" "), "--help".to_owned()].join(" ");
    Some(format!("{} has no option `{option}`, but {others}; `vm {}` tells what it takes", name_of(path), help.trim()))
}

fn is_called(arg: &Arg, option: &str) -> bool {
    !arg.is_positional()
        && !arg.is_hide_set()
        && (option.strip_prefix("--").is_some_and(|long| arg.get_long() == Some(long))
            || option.strip_prefix('-').is_some_and(|short| arg.get_short().is_some_and(|c| short == c.to_string())))
}

/// A command as messages call it.
fn name_of(path: &[String]) -> String {
    match path.is_empty() {
        true => "`vm`".to_owned(),
        false => format!("`vm {}`", path.join(" ")),
    }
}

/// Every command that does something itself, with its name; that without a name runs a file or a text.
pub fn for_each_command<'c>(
    command: &'c Command,
    path: &mut Vec<String>,
    then: &mut impl FnMut(&[String], &'c Command),
) {
    if path.is_empty() || !command.has_subcommands() {
        then(path, command);
    }
    for inner in command.get_subcommands() {
        path.push(inner.get_name().to_owned());
        for_each_command(inner, path, then);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use quipu::stdlib::Capability;

    use super::super::help::EXAMPLES;
    use super::super::options::{Allowed, Color};
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[track_caller]
    fn good(line: &str) -> Args {
        read(words(line)).unwrap_or_else(|answer| panic!("{line}: {}", said(answer)))
    }

    fn said(answer: Answer) -> String {
        match answer {
            Answer::Told(text) | Answer::Shown(text) => text.as_str().to_owned(),
            Answer::Mistake(text) => text,
        }
    }

    #[track_caller]
    fn bad(line: &str) -> String {
        match read(words(line)) {
            Ok(args) => panic!("{line}: {args:?}"),
            Err(answer) => said(answer),
        }
    }

    const LIMITS: &str = "--fuel --heap --timeout --depth";
    const DENIALS: &str =
        "--deny-fs --deny-os --deny-io --deny-time --deny-entropy --deny-net --deny-compile --sandbox";
    const WATCHING: &str = "--stats --profile";

    /// Which options each command honours, beside `--json` and `--color`, which all do.
    const HONOURED: &[(&str, &[&str])] = &[
        ("", &[LIMITS, DENIALS, "--allow", WATCHING, "-e -E"]),
        ("run", &[LIMITS, DENIALS, "--allow", WATCHING]),
        ("check", &[DENIALS]),
        ("test", &[LIMITS, DENIALS]),
        ("doc", &["--html --markdown"]),
        ("dis", &[DENIALS]),
        ("image save", &[LIMITS, DENIALS, "--output --entry --thin --strip"]),
        ("image run", &[LIMITS, DENIALS, "--allow", WATCHING, "--save --code"]),
        ("image info", &[DENIALS, "--code"]),
        ("image verify", &[DENIALS, "--code"]),
        ("image diff", &[LIMITS, DENIALS]),
        ("image strip", &["--output --in-place"]),
        ("image upgrade", &[LIMITS, DENIALS, "--output"]),
        ("image graph", &["--output"]),
        ("hash", &[LIMITS, DENIALS, "--allow", "--explain"]),
        (
            "serve",
            &[LIMITS, DENIALS, "--listen --unix --data --init --key-file --memory --new-names --metrics --log --check"],
        ),
        ("call", &[LIMITS, DENIALS, "-e --invoke --install --actor --key-file"]),
        ("actor list", &["--timeout --key-file"]),
        ("actor info", &["--timeout --key-file"]),
        ("actor upgrade", &[LIMITS, DENIALS, "--key-file --dry-run"]),
        ("actor snapshot", &["--timeout --key-file"]),
        ("actor log", &["--timeout --key-file"]),
        ("actor gc", &["--timeout --key-file --dry-run"]),
        ("actor recover", &["--timeout --key-file --data --to --accept --dry-run"]),
        ("actor key", &[]),
        ("explain", &[]),
        ("completions", &[]),
        ("man", &[]),
    ];

    /// Whether this build has a command.
    fn is_here(name: &str) -> bool {
        !LEFT_OUT.iter().any(|(left_out, _)| name.split(' ').next() == Some(left_out))
    }

    fn options(of: &[&str]) -> BTreeSet<String> {
        of.iter().flat_map(|group| group.split_whitespace()).map(str::to_owned).collect()
    }

    fn spelled(arg: &Arg) -> String {
        match (arg.get_long(), arg.get_short()) {
            (Some(long), _) => format!("--{long}"),
            (None, Some(short)) => format!("-{short}"),
            (None, None) => String::new(),
        }
    }

    /// A word for each option that may stand behind it.
    fn with_value(declared: &Command, option: &str) -> String {
        let mut value = None;
        for_each_command(declared, &mut Vec::new(), &mut |_, command| {
            let arg = command.get_arguments().find(|arg| spelled(arg) == option);
            value = value.or(arg.map(|arg| arg.get_action().takes_values()));
        });
        if value == Some(true) { format!("{option}=1") } else { option.to_owned() }
    }

    #[test]
    fn every_command_declares_the_options_that_it_honours() {
        let mut declared = declared();
        declared.build();
        let mut left: Vec<&str> = HONOURED.iter().map(|(name, _)| *name).filter(|name| is_here(name)).collect();
        for_each_command(&declared, &mut Vec::new(), &mut |path, command| {
            let name = path.join(" ");
            let row = HONOURED.iter().find(|(row, _)| *row == name);
            let (_, of) = row.unwrap_or_else(|| panic!("`vm {name}` stands in no row: which options does it honour?"));
            left.retain(|row| *row != name);
            let mut there: BTreeSet<String> =
                command.get_arguments().filter(|arg| !arg.is_positional()).map(spelled).collect();
            for option in ["--json", "--color"] {
                assert!(there.remove(option), "`vm {name}` without {option}");
            }
            there.retain(|option| option != "--help" && option != "--version");
            assert_eq!(there, options(of), "`vm {name}`");
        });
        assert!(left.is_empty(), "there are no commands {left:?}");
    }

    #[test]
    fn every_other_option_is_refused_before_and_behind_the_command() {
        let declared = declared();
        let here = || HONOURED.iter().filter(|(name, _)| is_here(name));
        let all: BTreeSet<String> = here().flat_map(|(_, of)| options(of)).collect();
        for (name, of) in here().filter(|(name, _)| !name.is_empty()) {
            for option in all.difference(&options(of)).filter(|option| option.starts_with("--")) {
                let word = with_value(&declared, option);
                let told = bad(&format!("{name} {word}"));
                let hidden = option == "--markdown";
                let names = told.contains(&format!("`vm {name}` has no option `{option}`, but `vm"));
                assert!(names || hidden && told.contains(option), "{told}");
                if options(HONOURED[0].1).contains(option) {
                    assert_eq!(bad(&format!("{word} {name}")), told);
                }
            }
        }
        let told = bad("--thin a.qp");
        assert_eq!(told, "`vm` has no option `--thin`, but `vm image save` has it; `vm --help` tells what it takes");
        let told = bad("image strip --save");
        assert!(told.starts_with("`vm image strip` has no option `--save`, but `vm image run` has it;"), "{told}");
        if is_here("actor") {
            assert!(bad("actor key -e 1").contains("`vm` and `vm call` have it"));
        }
        for name in LEFT_OUT.iter().map(|(name, _)| name) {
            for line in
                [format!("{name} x"), format!("help {name}"), format!("--fuel 3 {name}"), format!("{name} --help")]
            {
                assert!(bad(&line).starts_with(&format!("the command `{name}` is not in this `vm`")), "{line}");
            }
        }
        assert!(bad("check --fule 3").contains("unexpected argument '--fule'"));
    }

    #[test]
    fn options_that_another_one_makes_pointless_are_refused() {
        bad("hash --explain --allow fs a b");
        if !is_here("serve") {
            return;
        }
        for line in [
            "serve --check s --fuel 3",
            "serve --check s --timeout 3s",
            "serve --check s --sandbox",
            "serve --check s --log debug",
            "serve --check s --listen 127.0.0.1:1",
            "serve --depth 3",
            "actor recover --data s --timeout 3s",
            "actor recover --data s --key-file k",
            "actor recover a b --dry-run",
            "call a --invoke x --install y",
        ] {
            bad(line);
        }
        good("serve --init a.qp --depth 3");
        good("serve --check s --json");
    }

    #[test]
    fn every_command_and_option_has_a_line_of_help() {
        let mut declared = declared();
        declared.build();
        for_each_command(&declared, &mut Vec::new(), &mut |path, command| {
            let name = path.join(" ");
            assert!(command.get_about().is_some_and(|about| about.to_string().len() > 10), "vm {name}");
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let help = arg.get_help().map(|help| help.to_string());
                assert!(help.is_some_and(|help| !help.is_empty()), "vm {name}: {}", arg.get_id());
            }
        });
    }

    /// The words of an example as a shell makes them; what it does itself is left out.
    fn shell_words(line: &str) -> Vec<OsString> {
        let parts = line.split('\'').enumerate();
        let words: Vec<&str> = parts
            .flat_map(|(number, part)| match number % 2 {
                0 => part.split_whitespace().collect(),
                _ => vec![part],
            })
            .collect();
        words.into_iter().skip(1).take_while(|word| *word != ">" && *word != "<").map(OsString::from).collect()
    }

    #[test]
    fn every_command_has_examples_that_it_understands() {
        let declared = declared();
        let mut names = Vec::new();
        for_each_command(&declared, &mut Vec::new(), &mut |path, _| names.push(path.join(" ")));
        let there: Vec<&str> = EXAMPLES.iter().map(|(name, _)| *name).filter(|name| is_here(name)).collect();
        assert_eq!(names.iter().map(String::as_str).collect::<BTreeSet<_>>(), there.iter().copied().collect());
        for (name, examples) in EXAMPLES.iter().filter(|(name, _)| is_here(name)) {
            for (line, what) in *examples {
                assert!(line.starts_with(format!("vm {name}").trim_end()), "{line}");
                assert!(what.len() > 5 && !what.ends_with('.'), "{line}");
                assert!(line.len() + what.len() < 110, "{line}");
                if let Err(answer) = read(shell_words(line)) {
                    panic!("{line}: {}", said(answer));
                }
            }
        }
    }

    #[test]
    fn the_book_lists_the_options() {
        let book = std::fs::read_to_string("docs/command-line.md").unwrap();
        for group in [LIMITS, DENIALS, WATCHING, "--allow --json --color"] {
            for option in group.split_whitespace() {
                assert!(book.contains(&format!("| `{option}")) || book.contains(&format!(", `{option}")), "{option}");
            }
        }
        // Each row names the commands that have its first option.
        for row in book.lines().filter(|line| line.starts_with("| `--")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let option = cells[1].trim_start_matches('`').split(['`', ' ']).next().unwrap();
            let row = HONOURED.iter().filter(|(_, of)| options(of).contains(option));
            let names: Vec<&str> = row.map(|(name, _)| *name).collect();
            let named = match cells[2] {
                "all" => continue,
                cell => cell.replace("the same", cells_of(&book, "--fuel")),
            };
            for (name, _) in HONOURED.iter().filter(|(name, _)| !name.is_empty() && !name.starts_with("actor")) {
                let is_named = named.split(", ").any(|word| word.split(';').next() == Some(&format!("`{name}`")));
                assert_eq!(is_named, names.contains(name), "{option} {name}");
            }
        }
    }

    /// The commands in the row of an option.
    fn cells_of<'b>(book: &'b str, option: &str) -> &'b str {
        let row = book.lines().find(|line| line.starts_with(&format!("| `{option}"))).unwrap();
        row.split('|').nth(2).unwrap().trim()
    }

    #[test]
    fn the_help_has_one_word_for_one_thing() {
        // Files are saved and opened; bytes, which the command line has none of, are dumped and loaded.
        const OTHERS: &[&str] =
            &["load", "loads", "loaded", "dump", "dumps", "dumped", "freeze", "frozen", "thaw", "thawed"];
        let mut declared = declared();
        declared.build();
        for_each_command(&declared, &mut Vec::new(), &mut |path, command| {
            let help = command.clone().render_long_help().to_string().to_lowercase();
            let found = help.split(|c: char| !c.is_alphanumeric()).find(|word| OTHERS.contains(word));
            assert_eq!(found, None, "vm {}", path.join(" "));
        });
    }

    #[test]
    fn the_command_line_is_well_formed() {
        declared().debug_assert();
    }

    #[test]
    fn commands_are_known_by_name() {
        let declared = declared();
        let there: BTreeSet<&str> =
            declared.get_subcommands().map(Command::get_name).chain(["help", "version"]).collect();
        assert!(LEFT_OUT.iter().all(|(name, _)| !there.contains(name)));
        let there: BTreeSet<&str> = there.into_iter().chain(LEFT_OUT.iter().map(|&(name, _)| name)).collect();
        assert_eq!(there, COMMANDS.iter().copied().collect());
    }

    #[test]
    fn the_short_way_agrees_with_the_long_one() {
        let long = |line: &str| {
            let words = std::iter::once(OsString::from("vm")).chain(words(line));
            <Args as clap::Parser>::try_parse_from(words).unwrap()
        };
        for line in [
            "a.qp",
            "a.qp --fuel 3 -e x",
            "a.qp -- x",
            "run a.qp",
            "run a.qp --json -x",
            "run - a",
            "-e 1",
            "-E 1 run",
            "-e 1 --fuel 3",
            "-e -1",
            "run run",
            "run a.qp -- --",
        ] {
            let short = Args::plain(&words(line)).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(format!("{short:?}"), format!("{:?}", long(line)), "{line}");
        }
        for line in ["", "--fuel 3 a.qp", "check a.qp", "-e", "run", "run --fuel 3 a.qp", "--help", "-x"] {
            assert!(Args::plain(&words(line)).is_none(), "{line}");
        }
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        for line in ["--fuel 1_000 run a.qp --fuel 2", "run --fuel=1_000 a.qp --fuel 2"] {
            let Some(args::Command::Run { program, options }) = good(line).command else { panic!("{line}") };
            assert_eq!(options.rules.limits.fuel, Some(1000), "{line}");
            assert_eq!(program, ["a.qp", "--fuel", "2"], "{line}");
        }
        for line in ["--sandbox --json hash a.qp", "hash a.qp --sandbox --json", "--json hash --sandbox a.qp"] {
            let args = good(line);
            assert!(args.look.json, "{line}");
            let Some(args::Command::Hash { rules, .. }) = args.command else { panic!("{line}") };
            assert!(rules.denials.sandbox, "{line}");
        }
        for line in ["--fuel 3 image save a.qp -o x", "image --fuel 3 save a.qp -o x", "image save a.qp -o x --fuel 3"]
        {
            assert_eq!(format!("{:?}", good(line)), format!("{:?}", good("image save --fuel 3 a.qp -o x")));
        }
        let args = good("--heap 64M --timeout 1.5s --depth 10 --json --color never a.qp --json");
        assert_eq!(args.options.rules.limits.heap, Some(64 << 20));
        assert_eq!(args.options.rules.limits.time.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(args.look.color, Color::Never);
        assert!(matches!(args.command, Some(args::Command::File(words)) if words == ["a.qp", "--json"]));
        assert!(good("--fuel 3 -e 1 --fuel 4").options.rules.limits.fuel == Some(3));
    }

    #[test]
    fn wrong_values_are_refused() {
        let Some(args::Command::Run { options, .. }) = good("--allow fs,os --allow net run x.qpi --allow all").command
        else {
            panic!()
        };
        assert_eq!(options.trust.allow, [Capability::Fs, Capability::Os, Capability::Net].map(Allowed::One));
        for line in [
            "--allow x y",
            "--allow fs, y",
            "--heap 64Q x",
            "--timeout -1s x",
            "--timeout nan x",
            "--fuel x x",
            "--depth -1 x",
            "check",
            "--nonsense x",
            "--fuel",
        ] {
            bad(line);
        }
    }
}
