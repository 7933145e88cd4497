//! Runs one program and says what came of it: the hashes of its code and of what it made, how it ended, what it printed.
//!
//! It is the same on every machine. `tests/playground.rs` runs it as well, and compares.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use quipu::code::Code;
use quipu::code::hash::{FileHash, GraphHash};
use quipu::vm::image::{Form, file_hash_of};
use quipu::{Engine, Error, Image, Input, Limits, Root, Session};

/// Enough for every program that is shown to somebody who waits.
const LIMITS: Limits = Limits { fuel: Some(50_000_000), heap: Some(128 << 20), depth: 20_000, deadline: None };

/// What a program has printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a program that is granted nothing. The answer has a line for each thing that has a hash, one that says how the program
/// ended, an empty one, and what it printed.
pub fn run(name: &str, text: &str) -> String {
    let printed = Printed::default();
    let mut answer = String::new();
    let ended = Engine::new().session(LIMITS).and_then(|mut session| {
        session.set_output(printed.clone());
        let ended = tell(&mut session, &Input::text(name, text), &mut answer);
        // It writes to memory.
        let _ = session.vm().flush();
        ended
    });
    let _ = match ended {
        Ok(fuel) => writeln!(answer, "ended after {fuel}\n"),
        Err(error) => writeln!(answer, "failed {error}\n"),
    };
    answer.push_str(&String::from_utf8_lossy(&printed.0.lock().unwrap_or_else(PoisonError::into_inner)));
    answer
}

/// Says what a program is and what it made, and gives the fuel it has used.
fn tell(session: &mut Session, input: &Input, answer: &mut String) -> Result<u64, Error> {
    let ran = session.run_whole(input)?;
    let fuel = session.stats().fuel_used;
    if let Some(main) = &ran.main {
        tell_code(main, answer);
    }
    let exports = ran.exports.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in exports.chain([("value", &ran.value)]) {
        let _ = match there_and_back(session, value) {
            Ok((there, file, back)) => writeln!(answer, "{name} {there} {file} {back}"),
            // What cannot be stored has no hash.
            Err(error) => writeln!(answer, "{name} {error}"),
        };
    }
    Ok(fuel)
}

/// The hash of a value, that of its image file, and that of the value that comes of this file.
fn there_and_back(session: &mut Session, value: &Root) -> Result<(GraphHash, FileHash, GraphHash), Error> {
    let image = session.vm().image(value)?;
    let bytes = image.dump(Form::default());
    let file = file_hash_of(&bytes).unwrap_or(FileHash([0; 32]));
    let read = Image::parse(&bytes, &()).map_err(Error::Image)?;
    let back = session.vm().load(&read)?;
    Ok((image.hash(), file, session.vm().hash(&back)?))
}

/// The hash of a code object and of all that stand in it.
fn tell_code(code: &Code, answer: &mut String) {
    let _ = writeln!(answer, "code {}", code.hash());
    code.body().children.iter().for_each(|child| tell_code(child, answer));
}
