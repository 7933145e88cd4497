//! A workflow that survives restarts: after every step the whole call is in a file, and the next process goes on there.
//!
//! ```sh
//! cargo run --example workflow                    # starts itself again for every step
//! cargo run --example workflow -- order.qpi 0     # one step
//! ```

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

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
pub fn step(file: &Path, answer: i64) -> Result<String, Box<dyn Error>> {
    let engine = Engine::new();
    let mut session = engine.session(Limits::default())?;
    let mut run = match fs::read(file) {
        Ok(bytes) => {
            let fiber = session.vm().load(&Image::parse(&bytes, &())?)?;
            session.vm().run_of(&fiber).ok_or("the file holds no workflow")?
        }
        Err(_) => {
            let order = session.run(&Input::text("order.qp", ORDER))?;
            session.vm().start(&order, &[])?
        }
    };
    let answer = session.vm().int(answer);
    let said = match session.vm().resume(&mut run, &answer, Budget::Unlimited)? {
        Step::Done(result) => format!("{}, done", session.repr(&result)?),
        Step::Yield(question) => session.repr(&question)?,
        // It was stopped, and can go on.
        _ => "goes on later".to_owned(),
    };
    // Written beside the old file and moved over it, so that there is always a whole one.
    let image = session.vm().image(run.fiber())?;
    let beside = file.with_extension("new");
    fs::write(&beside, image.dump(Form::default()))?;
    fs::rename(&beside, file)?;
    Ok(said)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    if let (Some(file), Some(answer)) = (arguments.next(), arguments.next()) {
        println!("{}", step(Path::new(&file), answer.parse()?)?);
        return Ok(());
    }
    run(&mut io::stdout(), |file, answer| {
        let output = Command::new(env::current_exe()?).arg(file).arg(answer.to_string()).output()?;
        Ok(String::from_utf8(output.stdout)?)
    })
}

/// The example, with a place for what it prints, and a function that takes a step in a new process and gives its output.
pub fn run(
    out: &mut impl Write,
    in_a_process: impl Fn(&Path, i64) -> Result<String, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let file = env::temp_dir().join(format!("workflow-{}.qpi", std::process::id()));
    // Nothing but the file goes from one process to the next.
    for answer in [0, 4, 2, 1] {
        writeln!(out, "answered {answer}: {}", in_a_process(&file, answer)?.trim_end())?;
    }
    fs::remove_file(&file)?;
    Ok(())
}
