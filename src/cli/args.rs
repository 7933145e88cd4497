//! What the command line asks for.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use quipu::stdlib::Capability;

/// Runs programs written in Quipu.
#[derive(Parser, Debug)]
#[command(
    name = "vm",
    version,
    disable_help_subcommand = true,
    allow_external_subcommands = true,
    subcommand_value_name = "FILE [ARGS]... | COMMAND",
    subcommand_help_heading = "Commands (anything else is a FILE to run)",
    after_help = "`vm help COMMAND` tells more about a command, `vm explain` about errors.\n\n\
                  Options for vm stand before FILE; what stands behind it is for the program: `vm a.qp --fuel 10` gives \
                  `--fuel 10` to a.qp.\n\n\
                  Exit codes: 0 ok, 1 uncaught error, 2 usage, 3 compile error, 4 limit hit, 5 bad image, 130 interrupted; \
                  os.exit(n) gives n."
)]
pub struct Args {
    #[command(flatten)]
    pub options: Options,

    /// Run CODE; the rest of the line are its arguments.
    #[arg(short = 'e', num_args = 1.., allow_hyphen_values = true, value_names = ["CODE", "ARGS"], conflicts_with = "expr")]
    pub code: Option<Vec<OsString>>,

    /// Run EXPR and print its value; the rest of the line are its arguments.
    #[arg(short = 'E', num_args = 1.., allow_hyphen_values = true, value_names = ["EXPR", "ARGS"])]
    pub expr: Option<Vec<OsString>>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a program (`-` for standard input); what stands behind it, options too, is the program's own.
    Run {
        /// The file, then what it finds in `os.args`.
        #[arg(required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true, value_names = ["FILE", "ARGS"])]
        program: Vec<OsString>,
    },
    /// Compile programs without running them and report all that is wrong.
    Check {
        #[arg(required = true, value_name = "FILES")]
        files: Vec<OsString>,
    },
    /// Run the tests in `*_test.qp` files, or only those whose names contain FILTER.
    Test {
        /// Files, folders (the current one if there is none), and parts of names.
        #[arg(value_name = "PATHS | FILTER")]
        words: Vec<OsString>,
    },
    /// Show the documentation of the library, of a file, or of NAME in one of them.
    Doc {
        /// A module, type, function or file; everything is listed when it is left out.
        #[arg(value_name = "MODULE | FILE")]
        what: Option<OsString>,
        /// A function, method or type in it.
        name: Option<String>,
        /// Write web pages of the library into a folder.
        #[arg(long, value_name = "FOLDER", conflicts_with = "what")]
        html: Option<OsString>,
        /// Write the library's chapter of the book into a folder.
        #[arg(long, value_name = "FOLDER", conflicts_with_all = ["what", "html"], hide = true)]
        markdown: Option<OsString>,
    },
    /// Show the instructions of a program, or only those of the function NAME.
    Dis { file: OsString, name: Option<String> },
    /// Keep values in files: save, run, look at, compare and draw images.
    Image {
        #[command(subcommand)]
        command: super::image::Command,
    },
    /// Show the hashes of the functions in a program or image: code hash, hash, name.
    ///
    /// A program is run for that, with all that it does and options let it do; only its output is not shown.
    Hash {
        file: OsString,
        /// Only the functions with this name; with `--explain`, the other program or image.
        name: Option<String>,
        /// Say why the hashes of two programs or images differ.
        #[arg(long)]
        explain: bool,
    },
    /// Serve actors: each owns a state, and carries out the functions that clients send, one at a time.
    ///
    /// `--fuel`, `--heap` and `--timeout` bound each call, `--memory` all actors together.
    #[cfg(feature = "serve")]
    Serve(super::actor::Serve),
    /// Call a function in an actor.
    #[cfg(feature = "serve")]
    Call(super::actor::Call),
    /// Look at the actors of a server, and tidy up; make keys.
    #[cfg(feature = "serve")]
    Actor {
        #[command(subcommand)]
        command: super::actor::Command,
    },
    /// Explain an error code such as Q0412.
    Explain {
        /// The code; all codes are listed when it is left out.
        code: Option<String>,
    },
    /// A file to run, with its arguments.
    #[command(external_subcommand)]
    File(Vec<OsString>),
}

/// Names that are commands and so no files.
pub const COMMANDS: &[&str] = &[
    "run",
    "check",
    "test",
    "doc",
    "dis",
    "image",
    "hash",
    "explain",
    #[cfg(feature = "serve")]
    "serve",
    #[cfg(feature = "serve")]
    "call",
    #[cfg(feature = "serve")]
    "actor",
    "help",
    "version",
];

/// The heading of the options that give capabilities and take them away.
const REACH: &str = "What programs may reach";

/// The heading of the options that watch a program.
const WATCHED: &str = "Watching programs that run (slower)";

/// Options that may stand before or after the command.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Options {
    /// Stop after N steps.
    #[arg(long, global = true, value_name = "N", value_parser = number, help_heading = "Limits")]
    pub fuel: Option<u64>,

    /// Most memory for values, such as 64M; three quarters of the machine's (or of what its system leaves to this
    /// process) unless it is set.
    #[arg(long, global = true, value_name = "SIZE", value_parser = size, help_heading = "Limits")]
    pub heap: Option<usize>,

    /// Stop after this time, such as 2s or 500ms.
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub timeout: Option<Duration>,

    /// Most calls under way at once.
    #[arg(long, global = true, value_name = "N", help_heading = "Limits")]
    pub depth: Option<usize>,

    /// What an image may reach, if you trust it: fs, os, io, time, entropy, net, several with commas, or all. An image
    /// only computes and prints otherwise; a program in source may reach all that is not denied. Denials win.
    #[arg(long, global = true, value_name = "CAP,..|all", value_delimiter = ',', value_parser = allowed, help_heading = REACH)]
    pub allow: Vec<Allowed>,

    /// Keep programs from files; those that they import have to be in their own folder or below.
    #[arg(long, global = true, help_heading = REACH)]
    pub deny_fs: bool,

    /// Keep programs from the process: arguments, environment, exit, other programs.
    #[arg(long, global = true, help_heading = REACH)]
    pub deny_os: bool,

    /// Keep programs from standard input and error; they can still print.
    #[arg(long, global = true, help_heading = REACH)]
    pub deny_io: bool,

    /// Keep programs from clocks.
    #[arg(long, global = true, help_heading = REACH)]
    pub deny_time: bool,

    /// Keep programs from true randomness.
    #[arg(long, global = true, help_heading = REACH)]
    pub deny_entropy: bool,

    /// Keep programs from connections to actors.
    #[arg(long, global = true, help_heading = REACH)]
    pub deny_net: bool,

    /// Keep programs from all of these: they compute and print.
    #[arg(long, global = true, help_heading = REACH)]
    pub sandbox: bool,

    /// Tell in the end what was done: instructions, objects, collections, caches.
    #[arg(long, global = true, help_heading = WATCHED)]
    pub stats: bool,

    /// Draw where the time went into FILE, a flame graph (SVG), and tell it by function and line.
    #[arg(long, global = true, value_name = "FILE", help_heading = WATCHED)]
    pub profile: Option<OsString>,

    /// Report errors as JSON, one object a line; mistakes in options stay text.
    #[arg(long, global = true)]
    pub json: bool,

    /// Colours in error messages: auto, always or never.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    pub color: Color,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Color {
    // When standard error is a terminal and NO_COLOR is not set.
    #[default]
    Auto,
    Always,
    Never,
}

impl Args {
    /// The commonest command lines, read without building the whole parser: programs start faster. `None` for others.
    pub fn plain(words: &[OsString]) -> Option<Args> {
        let first = words.first()?.to_str()?;
        let is_file = |word: &OsString| word == "-" || !word.as_encoded_bytes().starts_with(b"-");
        let mut args = Args { options: Options::default(), code: None, expr: None, command: None };
        match first {
            "-e" if words.len() > 1 => args.code = Some(words[1..].to_vec()),
            "-E" if words.len() > 1 => args.expr = Some(words[1..].to_vec()),
            "run" if words.get(1).is_some_and(is_file) => {
                args.command = Some(Command::Run { program: words[1..].to_vec() });
            }
            _ if is_file(&words[0]) && !COMMANDS.contains(&first) => args.command = Some(Command::File(words.to_vec())),
            _ => return None,
        }
        Some(args)
    }
}

/// What `--allow` gives to images.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowed {
    All,
    One(Capability),
}

fn allowed(text: &str) -> Result<Allowed, String> {
    if text == "all" {
        return Ok(Allowed::All);
    }
    let known = || Capability::ALL.iter().map(|capability| capability.name()).collect::<Vec<_>>().join(", ");
    Capability::from_name(text).map(Allowed::One).ok_or_else(|| format!("expected {} or all", known()))
}

pub(super) fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| "expected a number such as 1_000_000".to_owned())
}

pub(super) fn size(text: &str) -> Result<usize, String> {
    let wrong = || "expected a size such as 64M (K, M and G are powers of 1024)".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "B" => 1,
        "k" | "K" | "KB" | "KiB" => 1 << 10,
        "m" | "M" | "MB" | "MiB" => 1 << 20,
        "g" | "G" | "GB" | "GiB" => 1usize << 30,
        _ => return Err(wrong()),
    };
    let count: usize = digits.replace('_', "").parse().map_err(|_| wrong())?;
    count.checked_mul(unit).ok_or_else(wrong)
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time such as 2s, 1.5s, 500ms or 1m".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let count: f64 = digits.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(count * unit).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(std::iter::once("vm").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn the_short_way_agrees_with_the_long_one() {
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
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            let short = Args::plain(&words).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(format!("{short:?}"), format!("{:?}", parse(line).unwrap()), "{line}");
        }
        for line in ["", "--fuel 3 a.qp", "check a.qp", "-e", "run", "run --fuel 3 a.qp", "--help", "-x"] {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            assert!(Args::plain(&words).is_none(), "{line}");
        }
    }

    #[test]
    fn options_stand_before_or_after_run() {
        for line in ["--fuel 1_000 run a.qp --fuel 2", "run --fuel 1_000 a.qp --fuel 2"] {
            let args = parse(line).unwrap();
            assert_eq!(args.options.fuel, Some(1000), "{line}");
            let Some(Command::Run { program }) = args.command else { panic!("{line}") };
            assert_eq!(program, ["a.qp", "--fuel", "2"], "{line}");
        }
        let args = parse("--heap 64M --timeout 1.5s --depth 10 --json --color never a.qp --json").unwrap();
        assert_eq!(args.options.heap, Some(64 << 20));
        assert_eq!(args.options.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(args.options.color, Color::Never);
        assert!(matches!(args.command, Some(Command::File(words)) if words == ["a.qp", "--json"]));
    }

    #[test]
    fn wrong_values_are_refused() {
        let args = parse("--allow fs,os --allow net run x.qpi --allow all").unwrap();
        assert_eq!(args.options.allow, [Capability::Fs, Capability::Os, Capability::Net].map(Allowed::One));
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
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
