//! `vm image run`: calls what is in an image, and keeps what has become of it.

use std::ffi::OsString;
use std::process::ExitCode;

use quipu::report::Shown;
use quipu::vm::host::Host;
use quipu::vm::image::{Form, ImageError};
use quipu::vm::{Failure, Root, Vm};
use quipu::{Error, Input};

use super::super::ending::{Exit, Halt, about_image, ended};
use super::super::input::utf8;
use super::super::options::Running;
use super::super::session::Prints;
use super::super::terminal::Terminal;
use super::super::watch;
use super::bar;
use super::file::{CodeFrom, open_with, read, setting_of, write};
use super::turn::turn;

/// Calls a function, resumes a fiber, and takes any other value as it is.
const START: &str = "\
|value, args| if value is function { value(..args) } else if value is fiber { value.resume(..args) } else { value }";

/// Whether it makes anything of arguments.
const CALLABLE: &str = "|value| value is function or value is fiber";

/// The name of these programs, which traces leave out.
const STARTER: &str = "<start>";

/// Prints a result; that there is none is not worth a line.
pub const SHOW: &str = "|result| if result != nil { print(result) }";

/// `vm run IMAGE`.
pub fn run_file(words: &[OsString], options: &Running, terminal: &Terminal) -> Result<ExitCode, String> {
    run(words, false, &CodeFrom::default(), options, terminal).or_else(|halt| halt.end(terminal))
}

pub(super) fn run(
    words: &[OsString],
    save: bool,
    code: &CodeFrom,
    options: &Running,
    terminal: &Terminal,
) -> Result<ExitCode, Halt> {
    let (limits, denials) = (&options.rules.limits, &options.rules.denials);
    let (path, rest) = words.split_first().ok_or_else(|| Halt::Usage("expected an image".to_owned()))?;
    let Words { args, save, code } = behind(rest, save, code)?;
    // Held until the end, so that nobody saves between this opening and this saving.
    let turn = if save { turn(path) } else { Ok(None) };
    let _turn = turn.map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    let image = code.known(denials).and_then(|known| open_with(path, &known));
    let image = image.map_err(|halt| misplaced(halt, args, terminal))?;
    let input = Input::text(path.display().to_string(), "");
    let strings = args.iter().map(utf8).collect::<Result<Vec<String>, String>>()?;
    let setting = setting_of(path, &image, strings.clone(), denials, &options.trust, terminal)?;
    let mut session = match setting.session(limits, Prints::Out) {
        Ok(session) => session,
        Err(error) => return Ok(ended(&error, None, &input, limits, terminal)),
    };
    watch::begin(&mut session, &options.watching)?;
    let mut is_called = true;
    let mut done = || -> Result<Root, Error> {
        let start = session.run(&Input::text(STARTER, START))?;
        let show = session.run(&Input::text("<show>", SHOW))?;
        let vm = session.vm();
        let what = Shown::of("opening {}", &[&path.display()]);
        let value = bar::shown(what, |progress| vm.load_with_progress(&image, progress))?;
        if !strings.is_empty() {
            let callable = session.run(&Input::text(STARTER, CALLABLE))?;
            is_called = session.invoke(&callable, (&value,))?;
        }
        if !is_called {
            return Ok(value);
        }
        let vm = session.vm();
        let args = strings.iter().map(|text| argument(vm, text)).collect::<Result<Vec<Root>, Failure>>()?;
        let args = vm.list(&args)?;
        let result = vm.call(&start, &[value.clone(), args])?;
        vm.call(&show, &[result])?;
        Ok(value)
    };
    let value = done().map_err(|mut error| {
        if let Error::Failed(Failure::Uncaught(uncaught)) = &mut error {
            uncaught.trace.retain(|line| *line.file != *STARTER);
        }
        error
    });
    let flushed = session.vm().flush();
    let unwritten = watch::end(&mut session, &options.watching, terminal);
    let value = match value {
        Ok(value) => value,
        Err(Error::Failed(Failure::Uncaught(uncaught))) if uncaught.kind.as_deref() == Some("image_error") => {
            let error = Error::Failed(Failure::Uncaught(uncaught));
            ended(&error, Some(&session), &input, limits, terminal);
            return Ok(Exit::Image.into());
        }
        Err(error) => return Ok(ended(&error, Some(&session), &input, limits, terminal)),
    };
    flushed.map_err(|error| Halt::Usage(format!("cannot write standard output: {error}")))?;
    if !is_called {
        return Err(Halt::Usage(format!("the value in `{}` is no function and takes no arguments", path.display())));
    }
    if save {
        let form = Form { thin: image.is_thin(), strip: image.codes().iter().all(|code| code.debug().is_none()) };
        let what = Shown::of("saving {}", &[&path.display()]);
        let frozen = bar::shown(what, |progress| session.vm().image_with_progress(&value, progress));
        match frozen {
            Ok(after) => {
                let after = after.dump(form);
                // A file that would stay the same keeps its time.
                if read(path).ok().is_none_or(|before| before != after) {
                    write(path, &after)?;
                }
            }
            Err(failure) => {
                let error = Error::Failed(failure);
                return Ok(ended(&error, Some(&session), &input, limits, terminal));
            }
        }
    }
    std::mem::forget(session);
    Ok(unwritten.unwrap_or(Exit::Ok).into())
}

/// What stands behind an image.
struct Words<'w> {
    /// The function's own.
    args: &'w [OsString],
    save: bool,
    code: CodeFrom,
}

/// Arguments are the function's own, but for `--save` and `--code FILE` right behind the image and a last `--save`. What
/// stands behind `--` is left as it is.
fn behind<'w>(mut rest: &'w [OsString], mut save: bool, code: &CodeFrom) -> Result<Words<'w>, Halt> {
    let mut code = code.clone();
    while let Some((first, others)) = rest.split_first() {
        rest = match first.to_str() {
            Some("--") => return Ok(Words { args: others, save, code }),
            Some("--save") => {
                save = true;
                others
            }
            Some("--code") => {
                let (file, others) = others.split_first().ok_or_else(|| "`--code` needs a FILE".to_owned())?;
                code.files.push(file.clone());
                others
            }
            Some(word) if word.starts_with("--code=") => {
                code.files.push(word["--code=".len()..].into());
                others
            }
            _ => break,
        };
    }
    match rest.split_last() {
        Some((last, others)) if !save && last == "--save" => Ok(Words { args: others, save: true, code }),
        _ => Ok(Words { args: rest, save, code }),
    }
}

/// Says where `--code` belongs, if an image lacks code and the option has become an argument.
fn misplaced(halt: Halt, args: &[OsString], terminal: &Terminal) -> Halt {
    match halt {
        Halt::Image(name, error @ ImageError::MissingCode(_)) if args.iter().any(|arg| arg == "--code") => {
            let help = "`--code FILE` stands before the image or right behind it; here it is an argument";
            terminal.report(&[about_image(format!("{name}: {error}"), Some(help))]);
            Halt::Ended(Exit::Image.into())
        }
        halt => halt,
    }
}

/// An argument: JSON if it is JSON, else a string.
pub fn argument(vm: &mut Vm, text: &str) -> Result<Root, Failure> {
    match serde_json::from_str(text) {
        Ok(json) => value(vm, &json),
        Err(_) => Ok(vm.string(text)),
    }
}

/// A value from JSON. Its nesting is limited by who read it.
fn value(vm: &mut Vm, json: &serde_json::Value) -> Result<Root, Failure> {
    use serde_json::Value as Json;
    Ok(match json {
        Json::Null => vm.nil(),
        Json::Bool(truth) => vm.bool(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(int) => vm.int(int),
            None => vm.float(number.as_f64().unwrap_or(f64::INFINITY)),
        },
        Json::String(text) => vm.string(text),
        Json::Array(items) => {
            let items = items.iter().map(|item| value(vm, item)).collect::<Result<Vec<Root>, Failure>>()?;
            vm.list(&items)?
        }
        Json::Object(entries) => {
            let entry = |(key, item): (&String, &Json)| Ok((key.clone(), value(vm, item)?));
            let entries = entries.iter().map(entry).collect::<Result<Vec<(String, Root)>, Failure>>()?;
            vm.map(&entries)?
        }
    })
}
