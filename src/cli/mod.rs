//! The command line of `vm`: reads it, hands it to one command, and turns the end into an exit code.

mod options;
mod args;
mod help;
mod line;
mod terminal;
mod ending;
mod input;
mod memory;
mod ctrl_c;
mod session;
mod lacking;
mod pictures;
mod watch;
mod run;
mod check;
mod test;
mod doc;
mod dis;
mod image;
mod hash;
#[cfg(feature = "serve")]
mod actor;
mod explain;
mod complete;
mod man;

use std::ffi::OsString;
use std::process::ExitCode;

use quipu::code::closest;
use quipu::report::Shown;

use args::{Args, COMMANDS, Command};
use ending::Exit;
use line::Answer;
use options::Look;
use terminal::{Terminal, complain, show};

/// Runs `vm` with these words after its name.
pub fn main(words: Vec<OsString>) -> ExitCode {
    keep_freed_memory();
    if let [first, second] = &words[..]
        && [(first, second), (second, first)].iter().any(|(word, json)| is_version(word) && *json == "--json")
    {
        return version_as_json();
    }
    let args = match line::read(words) {
        Ok(args) => args,
        // Help goes to standard output, mistakes to standard error.
        Err(Answer::Told(text)) => {
            show(&text);
            return Exit::Ok.into();
        }
        Err(Answer::Shown(text)) => {
            complain(&text);
            return Exit::Usage.into();
        }
        Err(Answer::Mistake(text)) => {
            Terminal::new(&Look::default()).mistake(&text);
            return Exit::Usage.into();
        }
    };
    let terminal = Terminal::new(&args.look);
    match dispatch(args, &terminal) {
        Ok(code) => code,
        Err(mistake) => {
            terminal.mistake(&mistake);
            Exit::Usage.into()
        }
    }
}

fn is_version(word: &OsString) -> bool {
    word == "version" || word == "--version" || word == "-V"
}

/// What this program is, for machines: its version, the edition of code that it makes, and that of its engine, on which
/// depends what code gives.
fn version_as_json() -> ExitCode {
    let (version, edition, engine) = (env!("CARGO_PKG_VERSION"), quipu::code::EDITION, quipu::stdlib::engine_edition());
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
    let Args { options, look, code, expr, command } = args;
    let command = match (code, expr, command) {
        (Some(words), ..) => return run::code(&words, &options, terminal, false),
        (_, Some(words), _) => return run::code(&words, &options, terminal, true),
        (_, _, Some(command)) => command,
        (None, None, None) => {
            // What comes through a pipe is a program, and nothing is none.
            return match input::piped()? {
                Some(program) => run::piped(&program, &options, terminal),
                None => {
                    complain(&line::help());
                    Ok(Exit::Usage.into())
                }
            };
        }
    };
    match command {
        Command::File(program) => {
            if let Some(name) = program[0].to_str()
                && !std::path::Path::new(name).exists()
                && let Some(near) = closest(name, COMMANDS.iter().copied())
            {
                return Err(format!("there is no file `{name}`; did you mean the command `{near}`?"));
            }
            run::file(&program, &options, terminal)
        }
        Command::Run { program, options } => run::file(&program, &options, terminal),
        Command::Check { files, denials } => check::check(&files, &denials, terminal),
        Command::Test { words, rules } => test::test(&words, &rules, &look),
        Command::Doc { what, name, html, markdown } => {
            let (what, name) = (what.as_ref(), name.as_deref());
            let question = doc::Question { what, name, html: html.as_ref(), markdown: markdown.as_ref() };
            doc::doc(&question, &look, terminal)
        }
        Command::Dis { file, name, denials } => dis::dis(&file, name.as_deref(), &denials, terminal),
        #[cfg(feature = "serve")]
        Command::Serve(command) => actor::serve(&command, terminal),
        #[cfg(feature = "serve")]
        Command::Call(command) => actor::call(&command, terminal),
        #[cfg(feature = "serve")]
        Command::Actor { command } => actor::command(&command, terminal),
        Command::Explain { code } => explain::explain(code.as_deref()),
        Command::Completions { shell } => Ok(complete::completions(shell)),
        Command::Man { folder } => man::man(&folder),
        Command::Image { command } => image::command(&command, terminal),
        Command::Hash { file, name, explain: false, rules, trust } => {
            hash::hash(&file, name.as_deref(), &rules, &trust, terminal)
        }
        Command::Hash { file, name: Some(other), explain: true, rules, .. } => {
            hash::explain(&file, &other.into(), &rules, terminal)
        }
        Command::Hash { .. } => Err("`vm hash --explain` compares two".to_owned()),
    }
}
