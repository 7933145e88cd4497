//! What the command line asks for: the commands, each with the options that it honours. Help, manual pages and completions
//! come from here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use super::options::{Denials, Look, Rules, Running, Trust};

/// Runs programs written in Quipu.
#[derive(Parser, Debug)]
#[command(
    name = "vm",
    version,
    disable_help_subcommand = true,
    allow_external_subcommands = true,
    subcommand_value_name = "FILE [ARGS]... | COMMAND",
    subcommand_help_heading = "Commands (anything else is a FILE to run)"
)]
pub struct Args {
    #[command(flatten)]
    pub options: Running,

    #[command(flatten)]
    pub look: Look,

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
        #[arg(required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true,
              value_names = ["FILE", "ARGS"], value_hint = ValueHint::FilePath)]
        program: Vec<OsString>,
        #[command(flatten)]
        options: Running,
    },
    /// Compile programs without running them and report all that is wrong.
    Check {
        /// The programs; `-` is standard input.
        #[arg(required = true, value_name = "FILES", value_hint = ValueHint::FilePath)]
        files: Vec<OsString>,
        #[command(flatten)]
        denials: Denials,
    },
    /// Run the tests in `*_test.qp` files, or only those whose names contain FILTER.
    Test {
        /// Files, folders (the current one if there is none), and parts of names.
        #[arg(value_name = "PATHS | FILTER", value_hint = ValueHint::AnyPath)]
        words: Vec<OsString>,
        #[command(flatten)]
        rules: Rules,
    },
    /// Show the documentation of the library, of a file, or of NAME in one of them.
    Doc {
        /// A module, type, function or file; everything is listed when it is left out.
        #[arg(value_name = "MODULE | FILE", value_hint = ValueHint::FilePath)]
        what: Option<OsString>,
        /// A function, method or type in it.
        name: Option<String>,
        /// Write web pages of the library into a folder.
        #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, conflicts_with = "what")]
        html: Option<OsString>,
        /// Write the library's chapter of the book into a folder.
        #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, conflicts_with_all = ["what", "html"], hide = true)]
        markdown: Option<OsString>,
    },
    /// Show the instructions of a program or image, or only those of the function NAME.
    Dis {
        /// The program or image.
        #[arg(value_hint = ValueHint::FilePath)]
        file: OsString,
        /// The name of a function, or the first digits of a code hash.
        name: Option<String>,
        #[command(flatten)]
        denials: Denials,
    },
    /// Keep values in files: save, run, look at, compare and draw images.
    Image {
        #[command(subcommand)]
        command: super::image::Command,
    },
    /// Show the hashes of the functions in a program or image: code hash, hash, name.
    ///
    /// A program is run for that, with all that it does and options let it do; only its output is not shown.
    Hash {
        /// The program or image.
        #[arg(value_hint = ValueHint::FilePath)]
        file: OsString,
        /// Only the functions with this name; with `--explain`, the other program or image.
        name: Option<String>,
        /// Say why the hashes of two programs or images differ.
        #[arg(long, conflicts_with = "allow")]
        explain: bool,
        #[command(flatten)]
        rules: Rules,
        #[command(flatten)]
        trust: Trust,
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
    /// Print what a shell needs to complete commands, options and files.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write manual pages into a folder, one for vm and one for each command.
    Man {
        /// The folder; it is made if it is not there.
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// A file to run, with its arguments.
    #[command(external_subcommand)]
    File(Vec<OsString>),
}

/// Names that are commands and so no files, whether this build has them or not.
pub const COMMANDS: &[&str] = &[
    "run",
    "check",
    "test",
    "doc",
    "dis",
    "image",
    "hash",
    "serve",
    "call",
    "actor",
    "explain",
    "completions",
    "man",
    "help",
    "version",
];

impl Args {
    /// The commonest command lines, read without building the whole parser: programs start faster. `None` for others.
    pub fn plain(words: &[OsString]) -> Option<Args> {
        let first = words.first()?.to_str()?;
        let is_file = |word: &OsString| word == "-" || !word.as_encoded_bytes().starts_with(b"-");
        let mut args =
            Args { options: Running::default(), look: Look::default(), code: None, expr: None, command: None };
        match first {
            "-e" if words.len() > 1 => args.code = Some(words[1..].to_vec()),
            "-E" if words.len() > 1 => args.expr = Some(words[1..].to_vec()),
            "run" if words.get(1).is_some_and(is_file) => {
                args.command = Some(Command::Run { program: words[1..].to_vec(), options: Running::default() });
            }
            _ if is_file(&words[0]) && !COMMANDS.contains(&first) => args.command = Some(Command::File(words.to_vec())),
            _ => return None,
        }
        Some(args)
    }
}
