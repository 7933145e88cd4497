//! Image files: which files are images, reading and writing them, and opening what was read.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

use clap::ValueHint;
use quipu::Error;
use quipu::code::{Code, CodeHash};
use quipu::report::Shown;
use quipu::stdlib::{open_file, write_whole};
use quipu::vm::image::Image;

use super::super::ending::{Exit, Halt, about_image};
use super::super::input;
use super::super::options::{Denials, Trust};
use super::super::session::Setting;
use super::super::terminal::{Terminal, is_output_seen, put};
use super::bar;

/// Where the code of thin images is found.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct CodeFrom {
    /// Programs and images that have the code of a thin image.
    #[arg(long = "code", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<OsString>,
}

/// Code by its hash.
pub type Known = HashMap<CodeHash, Code>;

impl CodeFrom {
    /// The code in these files. Programs are only compiled.
    pub fn known(&self, denials: &Denials) -> Result<Known, Halt> {
        let mut known = Known::new();
        for file in &self.files {
            if is_image(file) {
                let image = Image::parse(read(file)?, &()).map_err(|e| Halt::Image(file.display().to_string(), e))?;
                known.extend(image.code_table());
            } else {
                let input = input::program(file)?;
                let compiled = Setting::of_program(denials, &input, Vec::new()).compile(&input);
                let program = compiled.map_err(|error| match error {
                    Error::Unreadable(name, error) => Halt::Usage(format!("cannot read `{name}`: {error}")),
                    _ => Halt::Usage(format!("`{}` does not compile; `vm check` says why", file.display())),
                })?;
                program.modules.iter().for_each(|module| add_code(&module.unit.main, &mut known));
            }
        }
        Ok(known)
    }
}

fn add_code(code: &Code, to: &mut Known) {
    if to.insert(code.hash(), code.clone()).is_none() {
        code.body().children.iter().for_each(|child| add_code(child, to));
    }
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

pub fn read(path: &OsString) -> Result<Vec<u8>, Halt> {
    let mut bytes = Vec::new();
    let read = open_file(Path::new(path)).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| Halt::Usage(format!("cannot read `{}`: {error}", path.display())))
}

/// Whether what is named as a file to write is standard output.
pub fn is_output(path: &OsString) -> bool {
    path == "-"
}

/// Writes a file; `-` is standard output.
pub fn write(path: &OsString, bytes: &[u8]) -> Result<(), Halt> {
    if is_output(path) {
        if is_output_seen() {
            return Err(Halt::Usage(
                "an image is nothing for a terminal: `-o FILE`, or `-o -` with `>` or `|`".to_owned(),
            ));
        }
        return put(bytes).map_err(|error| Halt::Usage(format!("cannot write standard output: {error}")));
    }
    write_whole(Path::new(path), bytes)
        .map_err(|error| Halt::Usage(format!("cannot write `{}`: {error}", path.display())))
}

/// Opens an image that has its code.
pub fn open(path: &OsString) -> Result<Image, Halt> {
    open_with(path, &Known::new())
}

/// Opens an image whose code may be elsewhere.
pub fn open_with(path: &OsString, known: &Known) -> Result<Image, Halt> {
    open_bytes(path, read(path)?, known)
}

/// Opens an image of which the bytes were read already.
pub fn open_bytes(path: &OsString, bytes: Vec<u8>, known: &Known) -> Result<Image, Halt> {
    let what = Shown::of("checking {}", &[&path.display()]);
    let opened = bar::shown(what, |progress| Image::parse_with_progress(bytes, known, progress));
    opened.map_err(|error| Halt::Image(path.display().to_string(), error))
}

/// What an image may run with, if that is all that it needs.
pub fn setting_of<'o>(
    path: &OsString,
    image: &Image,
    args: Vec<String>,
    denials: &'o Denials,
    trust: &Trust,
    terminal: &Terminal,
) -> Result<Setting<'o>, Halt> {
    let setting = Setting::of_image(denials, trust, args);
    let Some(lack) = setting.lacking(image) else { return Ok(setting) };
    let help = match lack.allow.as_str() {
        "" => None,
        allow => {
            Some(format!("an image is only data until somebody trusts it; to let it: `--allow {allow}` before it"))
        }
    };
    terminal.report(&[about_image(format!("{}: the image needs {}", path.display(), lack.needs), help.as_deref())]);
    Err(Halt::Ended(Exit::Image.into()))
}
