//! The command line of `vm`: reads it, hands it to one command, and turns the end into an exit code.

#[cfg(feature = "serve")]
mod actor;
mod args;
mod check;
mod ctrl_c;
mod dis;
mod doc;
mod exit;
mod explain;
mod hash;
mod image;
mod lacking;
mod memory;
mod pictures;
mod run;
mod session;
mod test;
mod terminal;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use quipu::lang::diagnostic::closest;
use quipu::report::Shown;

use args::{Args, COMMANDS, Command, Options};
use exit::Exit;
use lacking::{LEFT_OUT, lacking};
use terminal::{Terminal, complain, show};

/// Runs `vm` with these words after its name.
pub fn main(words: Vec<OsString>) -> ExitCode {
    keep_freed_memory();
    if let [first, second] = &words[..]
        && [(first, second), (second, first)].iter().any(|(word, json)| is_version(word) && *json == "--json")
    {
        return version_as_json();
    }
    let words = match as_options(words) {
        Ok(words) => words,
        Err(mistake) => {
            Terminal::new(&Options::default()).mistake(&mistake);
            return Exit::Usage.into();
        }
    };
    let args = match Args::plain(&words) {
        Some(args) => args,
        None => match Args::try_parse_from(std::iter::once(OsString::from("vm")).chain(words)) {
            Ok(args) => args,
            Err(error) => {
                // Help goes to standard output, mistakes to standard error.
                let text = Shown::text(&error.render().to_string());
                return match error.exit_code() != 0 {
                    true => {
                        complain(&text);
                        Exit::Usage.into()
                    }
                    false => {
                        show(&text);
                        Exit::Ok.into()
                    }
                };
            }
        },
    };
    let terminal = Terminal::new(&args.options);
    match dispatch(args, &terminal) {
        Ok(code) => code,
        Err(mistake) => {
            terminal.mistake(&mistake);
            Exit::Usage.into()
        }
    }
}

/// `help`, `help COMMAND` and `version` as the options that they stand for.
fn as_options(words: Vec<OsString>) -> Result<Vec<OsString>, String> {
    match words.split_first() {
        Some((first, [])) if first == "version" => Ok(vec!["--version".into()]),
        Some((first, about)) if first == "help" => {
            if let Some(word) = about.first().and_then(|word| word.to_str())
                && !COMMANDS.contains(&word)
            {
                let near = closest(word, COMMANDS.iter().copied());
                let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return Err(format!("there is no command `{word}`{near}"));
            }
            let about = about.iter().filter(|word| *word != "help" && *word != "version");
            Ok(about.cloned().chain(["--help".into()]).collect())
        }
        _ => Ok(words),
    }
}

fn is_version(word: &OsString) -> bool {
    word == "version" || word == "--version" || word == "-V"
}

/// What this program is, for machines: its version, the edition of code that it makes, and that of its engine, on which
/// depends what code gives.
fn version_as_json() -> ExitCode {
    let (version, edition, engine) =
        (env!("CARGO_PKG_VERSION"), quipu::lang::code::EDITION, quipu::stdlib::engine_edition());
    let told = format!("{{\"version\":\"{version}\",\"edition\":{edition},\"engine\":\"{engine}\"}}");
    show(&Shown::of("{}\n", &[&Shown::json_text(&told)]));
    Exit::Ok.into()
}

/// Frees one large allocation, untouched. From then on glibc's allocator keeps up to twice its size at the end of its heap,
/// where it would otherwise give every 128 KB back to the system and take them again page by page after each collection
/// (the dynamic thresholds of mallopt(3)); other allocators make nothing of it.
fn keep_freed_memory() {
    const LARGE: usize = 4 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE)));
}

/// Carries out what is asked for. `Err` is a mistake in the use of the command.
fn dispatch(args: Args, terminal: &Terminal) -> Result<ExitCode, String> {
    let Args { options, code, expr, command } = args;
    match (code, expr, command) {
        (Some(words), ..) => run::code(&words, &options, terminal, false),
        (_, Some(words), _) => run::code(&words, &options, terminal, true),
        (_, _, Some(Command::Run { program })) => run::file(&program, &options, terminal),
        (_, _, Some(Command::File(program))) => {
            if let Some((command, feature)) = LEFT_OUT.iter().find(|(command, _)| program[0] == *command) {
                return Err(lacking(&format!("the command `{command}`"), feature));
            }
            if let Some(name) = program[0].to_str()
                && !std::path::Path::new(name).exists()
                && let Some(near) = closest(name, COMMANDS.iter().copied())
            {
                return Err(format!("there is no file `{name}`; did you mean the command `{near}`?"));
            }
            run::file(&program, &options, terminal)
        }
        (_, _, Some(Command::Check { files })) => check::check(&files, &options, terminal),
        (_, _, Some(Command::Test { words })) => test::test(&words, &options),
        (_, _, Some(Command::Doc { what, name, html, markdown })) => {
            let (what, name) = (what.as_ref(), name.as_deref());
            doc::doc(
                &doc::Question { what, name, html: html.as_ref(), markdown: markdown.as_ref() },
                &options,
                terminal,
            )
        }
        (_, _, Some(Command::Dis { file, name })) => dis::dis(&file, name.as_deref(), &options, terminal),
        #[cfg(feature = "serve")]
        (_, _, Some(Command::Serve(command))) => actor::serve(&command, &options, terminal),
        #[cfg(feature = "serve")]
        (_, _, Some(Command::Call(command))) => actor::call(&command, &options, terminal),
        #[cfg(feature = "serve")]
        (_, _, Some(Command::Actor { command })) => actor::command(&command, &options),
        (_, _, Some(Command::Explain { code })) => explain::explain(code.as_deref()),
        (_, _, Some(Command::Image { command })) => image::command(&command, &options, terminal),
        (_, _, Some(Command::Hash { file, name, explain: false })) => {
            hash::hash(&file, name.as_deref(), &options, terminal)
        }
        (_, _, Some(Command::Hash { file, name, explain: true })) => match name {
            Some(other) => hash::explain(&file, &other.into(), &options, terminal),
            None => Err("`vm hash --explain` compares two".to_owned()),
        },
        (None, None, None) => {
            complain(&Shown::text(&Args::command().render_help().to_string()));
            Ok(Exit::Usage.into())
        }
    }
}

/// A word of the command line that has to be text.
fn utf8(word: &OsString) -> Result<String, String> {
    match word.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("`{}` is not UTF-8", word.display())),
    }
}
