//! A workflow that survives restarts: after every step the whole call is in a file, and the next process goes on there.
//!
//! ```sh
//! cargo run --example workflow
//! ```

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use quipu::vm::image::{Form, Image};
use quipu::vm::{Budget, Limits, Step};
use quipu::{Engine, Input};

/// The program waits where it says `yield`; what the host answers is the value of it. No state is kept anywhere but in
/// its variables, its calls and its place in them.
const ORDER: &str = r#"
fn ask(what) = yield what
|| {
  let items = ["rope", "lamp"].map(|item| (item, ask("how many of ${item}?")))
  var total = 0
  for (item, count) in items { total += count }
  if total > 5 { ask("more than 5 pieces: confirmed?") }
  "ordered ${total} pieces"
}
"#;

/// What one process does: it takes the workflow out of the file, answers it once, and puts it back.
fn process(file: &Path, answer: i64) -> Result<(String, bool), Box<dyn Error>> {
    let engine = Engine::new();
    let mut session = engine.session(Limits::default())?;
    let mut run = match fs::read(file) {
        Ok(bytes) => {
            let fiber = session.thaw(&Image::open(&bytes, &())?)?;
            session.run_of(&fiber).ok_or("the file holds no workflow")?
        }
        Err(_) => {
            let order = session.run(&Input::text("order.qp", ORDER))?;
            session.vm().start(&order, &[])?
        }
    };
    let answer = session.int(answer);
    let (said, over) = match session.resume(&mut run, &answer, Budget::Unlimited)? {
        Step::Done(result) => (session.repr(&result)?, true),
        Step::Yield(question) => (session.repr(&question)?, false),
        Step::OutOfBudget | Step::Interrupted => ("goes on later".to_owned(), false),
    };
    // Written beside the old file and moved over it, so that there is always a whole one.
    let image = session.freeze(run.fiber())?;
    let beside = file.with_extension("new");
    fs::write(&beside, image.to_bytes(Form::default()))?;
    fs::rename(&beside, file)?;
    Ok((said, over))
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("workflow-{}.qpi", std::process::id()));
    // Nothing but the file goes from one turn to the next: each could be another process on another machine.
    for answer in [0, 4, 2, 1] {
        let (said, over) = process(&file, answer)?;
        writeln!(out, "answered {answer}: {said}{}", if over { ", done" } else { "" })?;
    }
    fs::remove_file(&file)?;
    Ok(())
}
