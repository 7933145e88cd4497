//! `vm image strip`: an image without names and lines.

use std::ffi::OsString;
use std::process::ExitCode;

use quipu::vm::image::Form;

use super::super::ending::{Exit, Halt};
use super::file::{open, write};

pub(super) fn strip(image: &OsString, output: Option<&OsString>, in_place: bool) -> Result<ExitCode, Halt> {
    let Some(output) = output.or(in_place.then_some(image)) else {
        return Err(Halt::Usage("say where to save it: `-o IMAGE`, or `--in-place`".to_owned()));
    };
    write(output, &open(image)?.dump(Form { thin: false, strip: true }))?;
    Ok(Exit::Ok.into())
}
