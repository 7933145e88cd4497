//! What words of the command line name: programs and texts.

use std::ffi::OsString;
use std::io::{IsTerminal, Read};

use quipu::Input;

/// A word of the command line that has to be text.
pub fn utf8(word: &OsString) -> Result<String, String> {
    match word.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("`{}` is not UTF-8", word.display())),
    }
}

/// What a word of the command line names as a program; `-` is standard input.
pub fn program(file: &OsString) -> Result<Input, String> {
    let file = utf8(file)?;
    match file.as_str() {
        "-" => Ok(Input::text(STDIN, read_stdin()?)),
        // A mistyped option must not be taken for a file.
        option if option.starts_with('-') => Err(format!("unknown option `{option}`; try `vm --help`")),
        _ => Ok(Input::file(file)),
    }
}

/// A program that stands on the command line itself.
pub fn on_the_line(text: &OsString) -> Result<Input, String> {
    Ok(Input::text("<command line>", utf8(text)?))
}

/// The program on standard input, if somebody has put one there: a terminal is not asked.
pub fn piped() -> Result<Option<Input>, String> {
    if std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let text = read_stdin()?;
    Ok((!text.trim().is_empty()).then(|| Input::text(STDIN, text)))
}

/// What messages call standard input.
const STDIN: &str = "<stdin>";

fn read_stdin() -> Result<String, String> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| format!("cannot read standard input: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "standard input is not UTF-8".to_owned())
}
