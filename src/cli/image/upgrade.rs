//! `vm image upgrade`: the value of an image with the types that a program exports in the place of older ones.

use std::ffi::OsString;
use std::process::ExitCode;

use quipu::vm::Root;
use quipu::vm::image::Form;
use quipu::{Error, Input, Session};

use super::super::ending::{Exit, Halt, ended};
use super::super::input;
use super::super::options::Rules;
use super::super::session::Prints;
use super::super::terminal::Terminal;
use super::file::{open, write};
use super::value::ran;

/// What a program exports that is a type, as a list; nil if that is nothing.
const TYPES: &str = "|exports| {
  let types = exports.filter(|it| type_of(it) == type_of(int))
  if types.len() > 0 { types }
}";

/// What an upgrade has done, for people or as JSON.
const TELL: &str = r#"import json
|answer, as_json| {
  if as_json { print(json.stringify(answer)); return nil }
  print("${answer.changed} ${if answer.changed == 1 { "instance" } else { "instances" }} changed")
  for line in answer.kept { print("kept: ${line}") }
}"#;

const UPGRADE: &str = "import image\n|v, types| image.upgrade(v, types)";

/// A program that has run, and a list of the types that it exports.
pub fn types_of(file: &OsString, rules: &Rules, terminal: &Terminal) -> Result<(Session, Root), Halt> {
    let input = input::program(file)?;
    let (mut session, evaluation) = ran(&input, Prints::Out, rules, terminal)?;
    let exports: Vec<Root> = evaluation.exports.into_iter().map(|(_, value)| value).collect();
    let types = session.vm().list(&exports).map_err(Error::from).and_then(|list| helper(&mut session, TYPES, &[list]));
    let types = types.map_err(|error| Halt::Ended(ended(&error, Some(&session), &input, &rules.limits, terminal)))?;
    if session.vm().is_nil(&types) {
        return Err(Halt::Usage(format!("`{}` exports no type", input.name())));
    }
    Ok((session, types))
}

/// Calls a function of the command's own.
pub fn helper(session: &mut Session, text: &str, args: &[Root]) -> Result<Root, Error> {
    let function = session.run(&Input::text("<upgrade>", text))?;
    session.vm().call(&function, args).map_err(Error::from)
}

/// Says what an upgrade has done.
pub fn tell(session: &mut Session, answer: Root, terminal: &Terminal) -> Result<(), Error> {
    let as_json = session.vm().bool(terminal.is_json());
    helper(session, TELL, &[answer, as_json])?;
    session.vm().flush().map_err(|error| Error::Unreadable("standard output".to_owned(), error))
}

pub(super) fn upgrade(
    path: &OsString,
    file: &OsString,
    output: &OsString,
    rules: &Rules,
    terminal: &Terminal,
) -> Result<ExitCode, Halt> {
    let image = open(path)?;
    let (mut session, types) = types_of(file, rules, terminal)?;
    // Functions in it stay data, whatever they would need.
    session.vm().keep_unbound(true);
    let done = session.vm().load(&image).map_err(Error::from).and_then(|value| {
        let answer = helper(&mut session, UPGRADE, &[value.clone(), types])?;
        Ok((session.vm().image(&value)?, answer))
    });
    let named = Input::text(path.display().to_string(), "");
    let halt =
        |error: Error, session: &Session| Halt::Ended(ended(&error, Some(session), &named, &rules.limits, terminal));
    let (image, answer) = done.map_err(|error| halt(error, &session))?;
    write(output, &image.dump(Form::default()))?;
    tell(&mut session, answer, terminal).map_err(|error| halt(error, &session))?;
    Ok(Exit::Ok.into())
}
