//! `vm image strip`: an image without names and lines.

use std::ffi::OsString;
use std::process::ExitCode;

use quipu::vm::image::Form;

use super::super::ending::{Exit, Halt};
use super::file::{open, write};

pub(super) fn strip(image: &OsString, output: &OsString) -> Result<ExitCode, Halt> {
    write(output, &open(image)?.dump(Form { thin: false, strip: true }))?;
    Ok(Exit::Ok.into())
}
