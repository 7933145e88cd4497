//! `vm image`: values in files.

mod bar;
mod compare;
mod draw;
mod info;
mod names;
mod save;
mod start;
mod turn;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use quipu::lang::code::{Code, CodeHash};
use quipu::lang::diagnostic::Severity;
use quipu::report::{Origin, Report, Shown};
use quipu::stdlib::{open_file, write_whole};
use quipu::vm::image::{Form, Image, ImageError};
use quipu::{Error, Input};

use super::args::Options;
use super::exit::Exit;
use super::run;
use super::session::{Prints, Setting};
use super::terminal::Terminal;

use bar::Bar;
pub use compare::differences;
pub use start::{SHOW, argument, run_file};

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a program and write its value (or an export) to an image.
    Save {
        file: OsString,
        /// The image to write.
        #[arg(short, long, value_name = "IMAGE")]
        output: OsString,
        /// The export to write instead of the program's value.
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
        /// Leave the code out; it must be known where the image is loaded.
        #[arg(long)]
        thin: bool,
        /// Leave names and lines out.
        #[arg(long)]
        strip: bool,
    },
    /// Call the function in an image, or resume the fiber in it, and print the result.
    ///
    /// Options stand before the image. What stands behind it are arguments of the function, but for `--save` and
    /// `--code FILE` right behind the image, and a last `--save`; behind `--` all are arguments.
    Run {
        /// The image, then arguments: each as JSON if it is JSON, else as a string.
        #[arg(required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true, value_names = ["IMAGE", "ARGS"])]
        words: Vec<OsString>,
        /// Write the image back after the call, with all that has changed.
        #[arg(long)]
        save: bool,
        #[command(flatten)]
        code: CodeFrom,
    },
    /// Show what is in an image.
    Info {
        image: OsString,
        #[command(flatten)]
        code: CodeFrom,
    },
    /// Check images.
    Verify {
        #[arg(required = true, value_name = "IMAGES")]
        images: Vec<OsString>,
        #[command(flatten)]
        code: CodeFrom,
    },
    /// Say what differs between the values of two images or programs; exit code 1 if anything does.
    Diff { a: OsString, b: OsString },
    /// Take names and lines out of an image.
    Strip {
        image: OsString,
        /// Where to write it, if not in its place.
        #[arg(short, long, value_name = "IMAGE")]
        output: Option<OsString>,
    },
    /// Draw the closure graph of an image.
    Graph {
        image: OsString,
        /// A file that ends in `.svg` or `.dot`.
        #[arg(short, long, value_name = "FILE")]
        output: OsString,
    },
}

/// Where the code of thin images is found.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct CodeFrom {
    /// Programs and images that have the code of a thin image.
    #[arg(long = "code", value_name = "FILE")]
    pub files: Vec<OsString>,
}

/// Carries out one of the commands.
pub fn command(command: &Command, options: &Options, terminal: &Terminal) -> Result<ExitCode, String> {
    let done = match command {
        Command::Save { file, output, entry, thin, strip } => {
            save::save(file, output, entry.as_deref(), Form { thin: *thin, strip: *strip }, options, terminal)
        }
        Command::Run { words, save, code } => start::run(words, *save, code, options, terminal),
        Command::Info { image, code } => info::info(image, code, options, terminal),
        Command::Verify { images, code } => info::verify(images, code, options, terminal),
        Command::Diff { a, b } => compare::diff(a, b, options, terminal),
        Command::Strip { image, output } => strip(image, output.as_ref().unwrap_or(image), options),
        Command::Graph { image, output } => draw::graph(image, output, options),
    };
    done.or_else(|stop| stop.end(terminal))
}

/// Why a command does not go on.
pub enum Stop {
    /// A mistake in its use, or a file that cannot be read or written.
    Usage(String),
    /// An image that cannot be used.
    Image(String, ImageError),
    /// All is said.
    Ended(ExitCode),
}

impl From<String> for Stop {
    fn from(text: String) -> Stop {
        Stop::Usage(text)
    }
}

impl Stop {
    /// Says why, and gives the exit code; `Err` is for the caller to show.
    pub fn end(self, terminal: &Terminal) -> Result<ExitCode, String> {
        match self {
            Stop::Usage(text) => Err(text),
            Stop::Ended(code) => Ok(code),
            Stop::Image(name, error) => {
                terminal.report(&[report(&name, &error)]);
                Ok(Exit::Image.into())
            }
        }
    }
}

/// What is said of an image that cannot be used.
fn report(name: &str, error: &ImageError) -> Report {
    let help = match error {
        ImageError::MissingCode(_) => Some("`--code FILE` names programs and images that have the code"),
        ImageError::Newer { .. } => Some("a newer `vm` can load it"),
        ImageError::Damaged => Some("fetch or save it again"),
        _ => None,
    };
    failed(format!("{name}: {error}"), help)
}

/// A finding about an image.
fn failed(title: String, help: Option<&str>) -> Report {
    Report {
        origin: Origin::Run,
        severity: Severity::Error,
        code: "Q0417",
        title,
        place: None,
        note: None,
        help: help.map(|text| quipu::lang::diagnostic::Help { text: text.to_owned(), patch: None }),
        trace: Vec::new(),
        omitted: 0,
    }
}

/// What an image may run with, if that is all that it needs.
pub fn setting_of<'o>(
    path: &OsString,
    image: &Image,
    args: Vec<String>,
    options: &'o Options,
    terminal: &Terminal,
) -> Result<Setting<'o>, Stop> {
    let setting = Setting::of_image(options, args);
    let Some(lack) = setting.lacking(image) else { return Ok(setting) };
    let help = match lack.allow.as_str() {
        "" => None,
        allow => {
            Some(format!("an image is only data until somebody trusts it; to let it: `--allow {allow}` before it"))
        }
    };
    terminal.report(&[failed(format!("{}: the image needs {}", path.display(), lack.needs), help.as_deref())]);
    Err(Stop::Ended(Exit::Image.into()))
}

/// Whether a file is an image, whatever its name.
pub fn is_image(path: &OsString) -> bool {
    let path = Path::new(path);
    // What comes through a pipe is a program, and looking at its beginning would take that away.
    if !std::fs::metadata(path).is_ok_and(|there| there.is_file()) {
        return false;
    }
    let mut first = [0; 8];
    let read = open_file(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && first[..6] == *b"\x8bQUIPU"
}

fn read(path: &OsString) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    let read = open_file(Path::new(path)).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| Stop::Usage(format!("cannot read `{}`: {error}", path.display())))
}

fn write(path: &OsString, bytes: &[u8]) -> Result<(), Stop> {
    write_whole(Path::new(path), bytes)
        .map_err(|error| Stop::Usage(format!("cannot write `{}`: {error}", path.display())))
}

fn open(path: &OsString, code: &CodeFrom, options: &Options) -> Result<Image, Stop> {
    open_bytes(path, read(path)?, code, options)
}

/// Opens an image of which the bytes were read already.
fn open_bytes(path: &OsString, bytes: Vec<u8>, code: &CodeFrom, options: &Options) -> Result<Image, Stop> {
    let bar = Bar::new(Shown::of("checking {}", &[&path.display()]));
    let mut known: HashMap<CodeHash, Code> = HashMap::new();
    for file in &code.files {
        if is_image(file) {
            let image = Image::open(read(file)?, &()).map_err(|e| Stop::Image(file.display().to_string(), e))?;
            known.extend(image.code_table());
        } else {
            let input = run::input(file)?;
            let compiled = Setting::of_program(options, &input, Vec::new()).compile(&input);
            let program = compiled.map_err(|error| match error {
                Error::Unreadable(name, error) => Stop::Usage(format!("cannot read `{name}`: {error}")),
                _ => Stop::Usage(format!("`{}` does not compile; `vm check` says why", file.display())),
            })?;
            program.modules.iter().for_each(|module| add_code(&module.unit.main, &mut known));
        }
    }
    let opened = Image::open_with_progress(bytes, &known, &mut bar.progress());
    opened.map_err(|error| Stop::Image(path.display().to_string(), error))
}

fn add_code(code: &Code, to: &mut HashMap<CodeHash, Code>) {
    if to.insert(code.hash(), code.clone()).is_none() {
        code.body().children.iter().for_each(|child| add_code(child, to));
    }
}

/// Opens an image, or runs a program, and freezes its value. `PATH:NAME` is an export of a
/// program.
pub fn open_or_run(path: &OsString, prints: Prints, options: &Options, terminal: &Terminal) -> Result<Image, Stop> {
    if is_image(path) {
        return open(path, &CodeFrom::default(), options);
    }
    let text = super::utf8(path)?;
    let (file, entry) = match text.rsplit_once(':') {
        Some((file, name)) if !Path::new(&text).exists() && Path::new(file).exists() => (file.to_owned(), Some(name)),
        _ => (text.clone(), None),
    };
    let input = if file == "-" { run::input(path)? } else { Input::file(file) };
    let (mut session, value) = save::value_of(&input, entry, prints, options, terminal)?;
    let bar = Bar::new(Shown::of("saving the value of {}", &[&input.name()]));
    let frozen = session.vm().freeze_with_progress(&value, &mut bar.progress());
    frozen
        .map_err(|failure| Stop::Ended(run::ended(&Error::Failed(failure), Some(&session), &input, options, terminal)))
}

fn strip(image: &OsString, output: &OsString, options: &Options) -> Result<ExitCode, Stop> {
    let opened = open(image, &CodeFrom::default(), options)?;
    write(output, &opened.to_bytes(Form { thin: false, strip: true }))?;
    Ok(Exit::Ok.into())
}
