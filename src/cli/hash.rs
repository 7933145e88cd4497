//! `vm hash`: the hashes of the functions in a program or image.

use std::collections::HashSet;
use std::ffi::OsString;
use std::process::ExitCode;

use quipu::code::closest;
use quipu::code::hash::GraphHash;
use quipu::code::{Code, CodeHash};
use quipu::report::Shown;
use quipu::vm::FunctionInfo;
use quipu::{Error, Input, Session};

use super::ending::{Exit, Halt, ended};
use super::image::{differences, is_image, open, open_or_run, setting_of};
use super::input;
use super::options::{Rules, Trust};
use super::session::{Prints, Setting};
use super::terminal::{Output, Terminal, show};

/// Lists functions: code hash, hash, name. A function that the value and the exports do not reach has no hash (`-`)
/// unless it captures nothing.
pub fn hash(
    file: &OsString,
    name: Option<&str>,
    rules: &Rules,
    trust: &Trust,
    terminal: &Terminal,
) -> Result<ExitCode, String> {
    let lines = match is_image(file) {
        true => of_image(file, rules, trust, terminal),
        false => {
            trust.none_for("a program in source")?;
            of_program(file, rules, terminal)
        }
    };
    let lines = match lines {
        Ok(lines) => lines,
        Err(halt) => return halt.end(terminal),
    };
    let is_chosen = |line: &&Line| name.is_none_or(|name| name == line.name());
    if let (true, Some(name)) = (!lines.iter().any(|line| is_chosen(&line)), name) {
        return Err(match closest(name, lines.iter().map(Line::name)) {
            Some(near) => format!("there is no function `{name}`; did you mean `{near}`?"),
            None => format!("there is no function `{name}`"),
        });
    }
    let mut output = Output::new();
    lines.iter().filter(is_chosen).for_each(|line| output.show(&line.shown()));
    output.show_now(&Shown::default());
    Ok(Exit::Ok.into())
}

/// Says why two hashes differ.
pub fn explain(a: &OsString, b: &OsString, rules: &Rules, terminal: &Terminal) -> Result<ExitCode, String> {
    let image = |path| open_or_run(path, Prints::Nowhere, rules, terminal);
    let compared = image(a).and_then(|x| Ok(differences(&x, &image(b)?)));
    match compared {
        Ok(lines) => {
            show(&Shown::join(lines.iter().map(|line| Shown::of("{}\n", &[line])), ""));
            Ok(Exit::Ok.into())
        }
        Err(halt) => halt.end(terminal),
    }
}

/// A function, and its hash if it has one. Text is made of it only when it is shown: there may be many.
struct Line {
    code: Code,
    hash: Option<GraphHash>,
}

impl Line {
    fn name(&self) -> &str {
        self.code.debug().map_or("fn", |debug| debug.name.as_str())
    }

    fn shown(&self) -> Shown {
        let hash = self.hash.map_or("-".to_owned(), |hash| hash.to_string());
        Shown::of("{}  {}  {}\n", &[&self.code.hash(), &format!("{hash:64}"), &self.name()])
    }
}

impl From<FunctionInfo> for Line {
    fn from(function: FunctionInfo) -> Line {
        Line { code: function.code, hash: Some(function.hash) }
    }
}

fn of_image(file: &OsString, rules: &Rules, trust: &Trust, terminal: &Terminal) -> Result<Vec<Line>, Halt> {
    let image = open(file)?;
    let input = Input::text(file.display().to_string(), "");
    let halt = |error: Error| Halt::Ended(ended(&error, None, &input, &rules.limits, terminal));
    let setting = setting_of(file, &image, Vec::new(), &rules.denials, trust, terminal)?;
    let mut session = setting.session(&rules.limits, Prints::Nowhere).map_err(halt)?;
    let value = session.vm().load(&image).map_err(|failure| halt(Error::Failed(failure)))?;
    let functions = session.vm().functions(&value).map_err(|failure| halt(Error::Failed(failure)))?;
    let mut lines: Vec<Line> = functions.into_iter().map(Line::from).collect();
    add_unreached(image.codes().iter(), &mut lines, &mut session);
    Ok(lines)
}

fn of_program(file: &OsString, rules: &Rules, terminal: &Terminal) -> Result<Vec<Line>, Halt> {
    let input = input::program(file)?;
    let halt =
        |error: &Error, session: Option<&Session>| Halt::Ended(ended(error, session, &input, &rules.limits, terminal));
    let session = Setting::of_program(&rules.denials, &input, Vec::new()).session(&rules.limits, Prints::Nowhere);
    let mut session = session.map_err(|error| halt(&error, None))?;
    let ran = session.run_whole(&input).map_err(|error| halt(&error, Some(&session)))?;
    let mut lines = Vec::new();
    let mut seen = HashSet::new();
    let exports = ran.exports.iter().map(|(_, value)| value.clone());
    for value in exports.chain([ran.value]) {
        let functions = session.vm().functions(&value);
        let functions = functions.map_err(|failure| halt(&Error::Failed(failure), Some(&session)))?;
        let new = functions.into_iter().filter(|function| seen.insert((function.code.hash(), function.hash)));
        lines.extend(new.map(Line::from));
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
    let mut seen: HashSet<CodeHash> = lines.iter().map(|line| line.code.hash()).collect();
    for code in codes {
        if !seen.insert(code.hash()) {
            continue;
        }
        // What takes something from outside has none.
        let closure = session.vm().instantiate(code, &[]);
        let hash = closure.and_then(|closure| session.vm().hash(&closure)).ok();
        lines.push(Line { code: code.clone(), hash });
    }
}
