//! `vm image`: values in files.

mod file;
mod value;
mod bar;
mod compare;
mod draw;
mod info;
mod names;
mod save;
mod start;
mod strip;
mod turn;
mod upgrade;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Subcommand, ValueHint};
use quipu::vm::image::Form;

use super::options::{Denials, Rules, Running};
use super::terminal::Terminal;

use file::CodeFrom;

pub use compare::differences;
pub use file::{is_image, open, setting_of};
pub use start::run_file;
#[cfg(feature = "serve")]
pub use start::{SHOW, argument};
#[cfg(feature = "serve")]
pub use upgrade::{helper, tell, types_of};
pub use value::open_or_run;

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a program and save its value, or an export, to an image.
    Save {
        /// The program.
        #[arg(value_hint = ValueHint::FilePath)]
        file: OsString,
        /// The image to save to; `-` is standard output.
        #[arg(short, long, value_name = "IMAGE", value_hint = ValueHint::FilePath)]
        output: OsString,
        /// The export to save instead of the program's value.
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
        /// Leave the code out; it must be known where the image is opened.
        #[arg(long)]
        thin: bool,
        /// Leave names and lines out.
        #[arg(long)]
        strip: bool,
        #[command(flatten)]
        rules: Rules,
    },
    /// Call the function in an image, or resume the fiber in it, and print the result.
    ///
    /// Options stand before the image. What stands behind it are arguments of the function, but for `--save` and
    /// `--code FILE` right behind the image, and a last `--save`; behind `--` all are arguments.
    Run {
        /// The image, then arguments: each as JSON if it is JSON, else as a string.
        #[arg(required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true,
              value_names = ["IMAGE", "ARGS"], value_hint = ValueHint::FilePath)]
        words: Vec<OsString>,
        /// Save the image again after the call, with all that has changed.
        #[arg(long)]
        save: bool,
        #[command(flatten)]
        code: CodeFrom,
        #[command(flatten)]
        options: Running,
    },
    /// Show what is in an image.
    Info {
        /// The image.
        #[arg(value_hint = ValueHint::FilePath)]
        image: OsString,
        #[command(flatten)]
        code: CodeFrom,
        #[command(flatten)]
        denials: Denials,
    },
    /// Check images.
    Verify {
        /// The images.
        #[arg(required = true, value_name = "IMAGES", value_hint = ValueHint::FilePath)]
        images: Vec<OsString>,
        #[command(flatten)]
        code: CodeFrom,
        #[command(flatten)]
        denials: Denials,
    },
    /// Say what differs between the values of two images or programs; exit code 1 if anything does.
    Diff {
        /// An image or program, or an export of a program: `FILE:NAME`.
        #[arg(value_hint = ValueHint::FilePath)]
        a: OsString,
        /// Another one.
        #[arg(value_hint = ValueHint::FilePath)]
        b: OsString,
        #[command(flatten)]
        rules: Rules,
    },
    /// Take names and lines out of an image.
    Strip {
        /// The image.
        #[arg(value_hint = ValueHint::FilePath)]
        image: OsString,
        /// Where to save it; `-` is standard output.
        #[arg(short, long, value_name = "IMAGE", value_hint = ValueHint::FilePath, conflicts_with = "in_place")]
        output: Option<OsString>,
        /// Save it in its place.
        #[arg(long)]
        in_place: bool,
    },
    /// Give the value of an image the types that a program exports in the place of older ones with their names.
    Upgrade {
        /// The image.
        #[arg(value_hint = ValueHint::FilePath)]
        image: OsString,
        /// The program whose types are the new ones.
        #[arg(value_hint = ValueHint::FilePath)]
        file: OsString,
        /// The image to save to.
        #[arg(short, long, value_name = "IMAGE", value_hint = ValueHint::FilePath)]
        output: OsString,
        #[command(flatten)]
        rules: Rules,
    },
    /// Draw the closure graph of an image.
    Graph {
        /// The image.
        #[arg(value_hint = ValueHint::FilePath)]
        image: OsString,
        /// A file that ends in `.svg` or `.dot`.
        #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: OsString,
    },
}

/// Carries out one of the commands.
pub fn command(command: &Command, terminal: &Terminal) -> Result<ExitCode, String> {
    let done = match command {
        Command::Save { file, output, entry, thin, strip, rules } => {
            save::save(file, output, entry.as_deref(), Form { thin: *thin, strip: *strip }, rules, terminal)
        }
        Command::Run { words, save, code, options } => start::run(words, *save, code, options, terminal),
        Command::Info { image, code, denials } => info::info(image, code, denials, terminal),
        Command::Verify { images, code, denials } => info::verify(images, code, denials, terminal),
        Command::Diff { a, b, rules } => compare::diff(a, b, rules, terminal),
        Command::Strip { image, output, in_place } => strip::strip(image, output.as_ref(), *in_place),
        Command::Upgrade { image, file, output, rules } => upgrade::upgrade(image, file, output, rules, terminal),
        Command::Graph { image, output } => draw::graph(image, output),
    };
    done.or_else(|halt| halt.end(terminal))
}
