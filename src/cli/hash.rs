//! `vm hash`: the hashes of the functions in a program or image.

use std::collections::HashSet;
use std::ffi::OsString;
use std::process::ExitCode;

use quipu::lang::code::Code;
use quipu::lang::diagnostic::closest;
use quipu::report::Shown;
use quipu::vm::FunctionInfo;
use quipu::{Error, Input, Session};

use super::args::Options;
use super::exit::Exit;
use super::image::{Stop, differences, hex, is_image, open_or_run, setting_of};
use super::run;
use super::session::{Prints, Setting};
use super::terminal::{Terminal, show};

/// Lists functions: code hash, hash, name. A function that the value and the exports do not reach has no hash (`-`)
/// unless it captures nothing.
pub fn hash(file: &OsString, name: Option<&str>, options: &Options, terminal: &Terminal) -> Result<ExitCode, String> {
    let lines = if is_image(file) { of_image(file, options, terminal) } else { of_program(file, options, terminal) };
    let lines = match lines {
        Ok(lines) => lines,
        Err(stop) => return stop.end(terminal),
    };
    let chosen: Vec<_> = lines.iter().filter(|(_, _, of)| name.is_none_or(|name| name == of)).collect();
    if let (true, Some(name)) = (chosen.is_empty(), name) {
        return Err(match closest(name, lines.iter().map(|(_, _, name)| name.as_str())) {
            Some(near) => format!("there is no function `{name}`; did you mean `{near}`?"),
            None => format!("there is no function `{name}`"),
        });
    }
    let line = |(code, hash, name): &Line| Shown::of("{}  {}  {}\n", &[code, &format!("{hash:64}"), name]);
    show(&Shown::join(chosen.into_iter().map(line), ""));
    Ok(Exit::Ok.into())
}

/// Says why two hashes differ.
pub fn explain(a: &OsString, b: &OsString, options: &Options, terminal: &Terminal) -> Result<ExitCode, String> {
    let image = |path| open_or_run(path, Prints::Nowhere, options, terminal);
    let compared = image(a).and_then(|x| Ok(differences(&x, &image(b)?)));
    match compared {
        Ok(lines) => {
            show(&Shown::join(lines.iter().map(|line| Shown::of("{}\n", &[line])), ""));
            Ok(Exit::Ok.into())
        }
        Err(stop) => stop.end(terminal),
    }
}

type Line = (String, String, String);

fn of_image(file: &OsString, options: &Options, terminal: &Terminal) -> Result<Vec<Line>, Stop> {
    let image = open_or_run(file, Prints::Nowhere, options, terminal)?;
    let input = Input::text(file.display().to_string(), "");
    let ended = |error: Error| Stop::Ended(run::ended(&error, None, &input, options, terminal));
    let setting = setting_of(file, &image, Vec::new(), options, terminal)?;
    let mut session = setting.session(Prints::Nowhere).map_err(ended)?;
    let value = session.vm().thaw(&image).map_err(|failure| ended(Error::Failed(failure)))?;
    let functions = session.vm().functions(&value).map_err(|failure| ended(Error::Failed(failure)))?;
    let mut lines: Vec<Line> = functions.iter().map(line).collect();
    add_unreached(image.codes().iter(), &mut lines, &mut session);
    Ok(lines)
}

fn of_program(file: &OsString, options: &Options, terminal: &Terminal) -> Result<Vec<Line>, Stop> {
    let input = run::input(file)?;
    let ended =
        |error: &Error, session: Option<&Session>| Stop::Ended(run::ended(error, session, &input, options, terminal));
    let session = Setting::of_program(options, &input, Vec::new()).session(Prints::Nowhere);
    let mut session = session.map_err(|error| ended(&error, None))?;
    let ran = session.run_whole(&input).map_err(|error| ended(&error, Some(&session)))?;
    let mut lines = Vec::new();
    let mut seen = HashSet::new();
    let exports = ran.exports.iter().map(|(_, value)| value.clone());
    for value in exports.chain([ran.value]) {
        let functions = session.vm().functions(&value);
        let functions = functions.map_err(|failure| ended(&Error::Failed(failure), Some(&session)))?;
        let new = functions.iter().map(line).filter(|line| seen.insert((line.0.clone(), line.1.clone())));
        lines.extend(new);
    }
    if let Some(main) = &ran.main {
        let mut all = Vec::new();
        nested(main, &mut all);
        add_unreached(all.into_iter(), &mut lines, &mut session);
    }
    Ok(lines)
}

fn nested<'c>(code: &'c Code, to: &mut Vec<&'c Code>) {
    for child in &code.body().children {
        to.push(child);
        nested(child, to);
    }
}

/// Adds functions that no value leads to. What captures nothing has a hash all the same.
fn add_unreached<'c>(codes: impl Iterator<Item = &'c Code>, lines: &mut Vec<Line>, session: &mut Session) {
    let mut seen: HashSet<String> = lines.iter().map(|line| line.0.clone()).collect();
    for code in codes {
        if !seen.insert(hex(&code.hash().0)) {
            continue;
        }
        // What takes something from outside has none.
        let closure = session.vm().instantiate(code, &[]);
        let hash = closure.and_then(|closure| session.vm().hash(&closure)).ok();
        let name = code.debug().map_or("fn", |debug| debug.name.as_str());
        lines.push((hex(&code.hash().0), hash.map_or("-".to_owned(), |hash| hex(&hash)), name.to_owned()));
    }
}

fn line(function: &FunctionInfo) -> Line {
    let name = function.code.debug().map_or("fn", |debug| debug.name.as_str());
    (hex(&function.code.hash().0), hex(&function.hash), name.to_owned())
}
