//! What a compiler of code objects to machine code would bring: two programs of the comparison, compiled from the code
//! that the interpreter runs, beside the interpreter and Lua 5.4. docs/decisions/jit.md says what is to be seen.
//!
//! `cargo run --release` prints CPU milliseconds, the best of several, and ratios to Lua.

mod translate;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use quipu::code::Code;
use quipu::vm::{Budget, Limits, Step};
use quipu::{Engine, Input};
use translate::{Compiled, Left, Slot};

/// Name of the program, name of its function, size, and result.
const PROGRAMS: [(&str, &str, i64, i64); 2] =
    [("fib", "fib", 34, 5_702_887), ("loop", "run", 800_000, 129_548_482_489)];

const ROUNDS: usize = 5;

/// Slots of the stack, 16 MiB: more than the depth that the interpreter allows.
const STACK: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:8}{:>12}{:>16}{:>10}{:>18}{:>12}",
        "program", "compiled", "interpreted", "Lua 5.4", "compiled / Lua", "compiling"
    );
    let engine = Engine::new();
    for (program, name, size, result) in PROGRAMS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs").join(program);
        let text = fs::read_to_string(path.join(format!("{program}.qp")))?;
        // The function instead of what it prints.
        let text = text.replace("import os\n", "").replace(&format!("print({name}(int(os.args[0])))"), name);
        let input = Input::text(program, text);

        let loaded = engine.compile(&input).map_err(|error| error.to_string())?;
        let main = &loaded.modules.last().ok_or("no module")?.unit.main;
        let code: &Code = main.body().children.first().ok_or("no function")?;
        let begun = Instant::now();
        let compiled = Compiled::new(code)?;
        let compiling = begun.elapsed();
        check_fuel(&compiled, size)?;
        let mut stack = vec![Slot::default(); STACK];
        let fast = best(|| {
            let value = compiled
                .call(&mut stack, i64::MAX, &[Slot::int(size)])
                .map_err(|left| format!("left at {}", left.at))?;
            if value == Slot::int(result) { Ok(()) } else { Err(format!("{program}: {value:?}")) }
        })?;

        let mut session = engine.session(Limits::default())?;
        let function = session.run(&input)?;
        let slow = best(|| {
            let argument = session.vm().int(size);
            let mut run = session.vm().start(&function, &[argument]).map_err(|error| error.to_string())?;
            match session.vm().step(&mut run, Budget::Unlimited).map_err(|error| error.to_string())? {
                Step::Done(value) if session.vm().repr(&value).is_ok_and(|text| text == result.to_string()) => Ok(()),
                _ => Err(format!("{program}: another result")),
            }
        })?;

        let lua = lua(&path.join(format!("{program}.lua")), size);
        let shown =
            |time: Option<Duration>| time.map_or("-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1e3));
        let ratio = lua.map_or("-".to_owned(), |lua| format!("{:.2}", fast.as_secs_f64() / lua.as_secs_f64()));
        println!(
            "{program:8}{:>12}{:>16}{:>10}{ratio:>18}{:>9.1} ms",
            shown(Some(fast)),
            shown(Some(slow)),
            shown(lua),
            compiling.as_secs_f64() * 1e3
        );
    }
    Ok(())
}

/// Compiled code stops when its fuel is used up, before an instruction that the interpreter could go on with.
fn check_fuel(compiled: &Compiled, size: i64) -> Result<(), String> {
    let mut stack = vec![Slot::default(); STACK];
    match compiled.call(&mut stack, 1000, &[Slot::int(size)]) {
        Err(Left { fuel: 0, .. }) => Ok(()),
        other => Err(format!("it has not stopped: {other:?}")),
    }
}

fn best(mut run: impl FnMut() -> Result<(), String>) -> Result<Duration, String> {
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        run()?;
        least = least.min(begun.elapsed());
    }
    Ok(least)
}

/// The time of a process of Lua, its start included, which is some milliseconds; none where there is no Lua.
fn lua(program: &Path, size: i64) -> Option<Duration> {
    let run = || {
        let begun = Instant::now();
        let output = Command::new("lua5.4").arg(program).arg(size.to_string()).output().ok()?;
        output.status.success().then(|| begun.elapsed())
    };
    (0..ROUNDS).filter_map(|_| run()).min()
}
