//! `vm dis`: the instructions of a program as text.

use std::collections::HashSet;
use std::ffi::OsString;
use std::process::ExitCode;

use quipu::Error;
use quipu::code::closest;
use quipu::code::span::Source;
use quipu::code::{Code, listing};
use quipu::report::{Report, Shown};

use super::ending::Exit;
use super::image::{is_image, open};
use super::input;
use super::options::Denials;
use super::session::Setting;
use super::terminal::{self, Terminal};

/// Lists a program, or only the functions with this name (or whose hash begins so).
pub fn dis(file: &OsString, name: Option<&str>, denials: &Denials, terminal: &Terminal) -> Result<ExitCode, String> {
    if is_image(file) {
        return image(file, name, terminal);
    }
    let input = input::program(file)?;
    let program = match Setting::of_program(denials, &input, Vec::new()).compile(&input) {
        Ok(program) => program,
        Err(Error::Unreadable(name, error)) => return Err(format!("cannot read `{name}`: {error}")),
        Err(error) => {
            terminal.report(&Report::error(&error, &|_| None));
            return Ok(Exit::Compile.into());
        }
    };
    let Some(module) = program.modules.last() else { return Ok(Exit::Ok.into()) };
    let all = functions(&module.unit.main);
    let chosen = match name {
        None => vec![&module.unit.main],
        Some(name) => named(&all, name)?,
    };
    show(&chosen, Some(&module.source))
}

/// Lists the code in an image.
fn image(file: &OsString, name: Option<&str>, terminal: &Terminal) -> Result<ExitCode, String> {
    let image = match open(file) {
        Ok(image) => image,
        Err(halt) => return halt.end(terminal),
    };
    let all: Vec<&Code> = image.codes().iter().collect();
    let nested: HashSet<_> = all.iter().flat_map(|code| &code.body().children).map(Code::hash).collect();
    let chosen = match name {
        // A listing goes on with what is nested in it.
        None => all.into_iter().filter(|code| !nested.contains(&code.hash())).collect(),
        Some(name) => named(&all, name)?,
    };
    show(&chosen, None)
}

fn show(codes: &[&Code], source: Option<&Source>) -> Result<ExitCode, String> {
    let texts: Vec<String> = codes.iter().map(|code| listing(code, source)).collect();
    terminal::show(&Shown::text(&texts.join("\n")));
    Ok(Exit::Ok.into())
}

/// The code objects that are meant by a name.
fn named<'c>(all: &[&'c Code], name: &str) -> Result<Vec<&'c Code>, String> {
    let is_hash = name.len() >= 6 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let fits = |code: &&&Code| {
        code.debug().is_some_and(|debug| debug.name == name) || (is_hash && code.hash().to_string().starts_with(name))
    };
    let found: Vec<&Code> = all.iter().filter(fits).copied().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let names = all.iter().filter_map(|code| Some(code.debug()?.name.as_str()));
    Err(match closest(name, names) {
        Some(near) => format!("there is no function `{name}`; did you mean `{near}`?"),
        None => format!("there is no function `{name}`"),
    })
}

/// A code object and all that are nested in it, in the order of the text, each once.
fn functions(main: &Code) -> Vec<&Code> {
    let mut found = Vec::new();
    let mut seen = HashSet::from([main.hash()]);
    let mut waiting = vec![main];
    while let Some(code) = waiting.pop() {
        found.push(code);
        waiting.extend(code.body().children.iter().rev().filter(|child| seen.insert(child.hash())));
    }
    found
}
