//! A plugin host that loads a new version of a plugin while it runs, and hands the old one's state over in an image.
//!
//! ```sh
//! cargo run --example plugins
//! ```

use std::error::Error;
use std::io::{self, Write};

use quipu::vm::host::{Func, Host};
use quipu::vm::image::{Form, Image};
use quipu::vm::{Limits, Root};
use quipu::{Engine, Input, Session};

/// A plugin is a function from the state that it begins with, nil at first, to a map of functions.
const FIRST: &str = r#"
|old| {
  let words = old ?? [:]
  [
    handle: |word| { words[word] = words.get(word, 0) + 1; "${word} was here ${words[word]} times" },
    state: || words,
  ]
}
"#;

/// The second version says it otherwise, and goes on with what the first has counted.
const SECOND: &str = r#"
|old| {
  let words = old ?? [:]
  [
    handle: |word| { words[word] = words.get(word, 0) + 1; "${word}: ${words[word]} of ${words.values().sum()}" },
    state: || words,
  ]
}
"#;

struct Plugin {
    /// A machine of its own, so that a plugin can neither see nor break another.
    session: Session,
    handle: Func<(String,), String>,
    state: Func<(), Root>,
}

impl Plugin {
    fn load(engine: &Engine, source: &str, state: Option<&[u8]>) -> Result<Plugin, Box<dyn Error>> {
        let mut session = engine.session(Limits { heap: Some(64 << 20), ..Limits::default() })?;
        let make = session.run(&Input::text("plugin.qp", source))?;
        // Opening an image checks every byte of it and runs nothing.
        let state = match state {
            Some(bytes) => session.vm().load(&Image::parse(bytes, &())?)?,
            None => session.vm().nil(),
        };
        let plugin = session.vm().call(&make, &[state])?;
        let field = session.run(&Input::text("field.qp", "|plugin, name| plugin[name]"))?;
        let handle = session.invoke(&field, (&plugin, "handle"))?;
        let state = session.invoke(&field, (&plugin, "state"))?;
        Ok(Plugin { session, handle, state })
    }

    fn handle(&mut self, word: &str) -> Result<String, Box<dyn Error>> {
        // Each event has fuel of its own; a plugin that hangs costs no more than this.
        self.session.set_limits(Limits { fuel: Some(100_000), heap: Some(64 << 20), ..Limits::default() });
        Ok(self.handle.call(&mut self.session, (word.to_owned(),))?)
    }

    /// Its state, apart from its code and its machine.
    fn save(&mut self) -> Result<Vec<u8>, Box<dyn Error>> {
        let state = self.state.call(&mut self.session, ())?;
        Ok(self.session.vm().image(&state)?.dump(Form::default()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let engine = Engine::new();
    let mut plugin = Plugin::load(&engine, FIRST, None)?;
    for word in ["ann", "bob", "ann"] {
        writeln!(out, "{}", plugin.handle(word)?)?;
    }

    // The new version is loaded beside the old one, which stays if that fails.
    let state = plugin.save()?;
    match Plugin::load(&engine, "|old| [handle: ", Some(&state)) {
        Ok(_) => writeln!(out, "this does not happen")?,
        Err(error) => writeln!(out, "the old one stays: {error}")?,
    }
    plugin = Plugin::load(&engine, SECOND, Some(&state))?;
    for word in ["bob", "ann"] {
        writeln!(out, "{}", plugin.handle(word)?)?;
    }
    Ok(())
}
