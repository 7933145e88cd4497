//! Standard output and standard error, and how each treats what it is connected to.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quipu::lang::diagnostic::{Help, Severity};
use quipu::report::{Origin, Report, Shown};

use super::options::{Color, Look};

/// Findings shown to people at once; one mistake can be the cause of many.
const MOST_REPORTS: usize = 50;

/// The colour of the word `error`, as in reports.
const ERROR: u8 = 91;

/// How findings are shown.
pub struct Terminal {
    json: bool,
    color: bool,
}

impl Terminal {
    pub fn new(look: &Look) -> Terminal {
        Terminal::on(look, is_error_seen())
    }

    /// For findings that are shown on standard output.
    pub fn on_output(look: &Look) -> Terminal {
        Terminal::on(look, is_output_seen())
    }

    fn on(look: &Look, is_terminal: bool) -> Terminal {
        let color = match look.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                is_terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
            }
        };
        Terminal { json: look.json, color }
    }

    /// Whether findings are for machines.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether there are colours.
    pub fn is_colored(&self) -> bool {
        self.color
    }

    /// A text in the colour of this number.
    pub fn painted(&self, text: Shown, color: u8) -> Shown {
        if self.color { text.painted(color) } else { text }
    }

    /// A finding as it is shown, with its newline.
    pub fn render(&self, report: &Report) -> Shown {
        if self.json { Shown::report_json(report) } else { Shown::report(report, self.color) }
    }

    /// Shows findings on standard error: for people not more than they can read.
    pub fn report(&self, reports: &[Report]) {
        let most = if self.json { usize::MAX } else { MOST_REPORTS };
        let shown = reports.iter().take(most).map(|report| self.render(report));
        complain(&Shown::join(shown, if self.json { "" } else { "\n" }));
        if reports.len() > most {
            complain(&Shown::of("\n... and {} more\n", &[&(reports.len() - most)]));
        }
    }

    /// Shows a mistake in the use of the command itself.
    pub fn mistake(&self, text: &str) {
        self.error(Origin::Usage, text, Shown::line(text));
    }

    /// Shows an error that is none of the language's: of a connection, a server, a file.
    pub fn failure(&self, text: &str) {
        self.error(Origin::Run, text, Shown::message(text));
    }

    fn error(&self, origin: Origin, text: &str, shown: Shown) {
        if self.json {
            return self.report(&[finding(origin, "", text.to_owned(), None)]);
        }
        let error = self.painted("error".into(), ERROR);
        complain(&Shown::of("{}: {}\n", &[&error, &shown]));
    }
}

/// A finding that stands nowhere in a source.
pub fn finding(origin: Origin, code: &'static str, title: String, help: Option<&str>) -> Report {
    Report {
        origin,
        severity: Severity::Error,
        code,
        title,
        place: None,
        note: None,
        help: help.map(Help::text),
        trace: Vec::new(),
        omitted: 0,
        during: None,
    }
}

/// Writes to standard error; that nobody reads it is no reason to fail.
pub fn complain(text: &Shown) {
    let _ = io::stderr().write_all(text.as_str().as_bytes());
}

/// What a server says of itself while it runs, on standard error. As JSON it is one object a line.
#[cfg(feature = "serve")]
pub struct Log {
    pub json: bool,
}

#[cfg(feature = "serve")]
impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Events come whole.
        let text = String::from_utf8_lossy(bytes);
        match self.json {
            true => text.lines().for_each(|line| complain(&Shown::of("{}\n", &[&Shown::json_text(line)]))),
            false => complain(&Shown::text(&text)),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output: buffered, by lines when somebody is watching. When the reader has gone, the rest is swallowed and
/// who waits for that is told, so that the program can be stopped.
pub struct Output {
    inner: Box<dyn Write + Send>,
    /// Whether the reader has gone.
    gone: Arc<AtomicBool>,
    then: Option<Box<dyn Fn() + Send>>,
}

impl Output {
    pub fn new() -> Output {
        let stdout = io::stdout();
        let inner: Box<dyn Write + Send> =
            if stdout.is_terminal() { Box::new(stdout) } else { Box::new(BufWriter::with_capacity(1 << 15, stdout)) };
        Output { inner, gone: Arc::default(), then: None }
    }

    /// Says here that the reader has gone, and calls this once.
    pub fn when_gone(self, gone: Arc<AtomicBool>, then: impl Fn() + Send + 'static) -> Output {
        Output { inner: self.inner, gone, then: Some(Box::new(then)) }
    }

    /// Shows a text. That nobody reads it is no reason to fail.
    pub fn show(&mut self, text: &Shown) {
        let _ = self.write(text.as_str().as_bytes());
    }

    /// Shows a text, and all that was shown before.
    pub fn show_now(&mut self, text: &Shown) {
        self.show(text);
        let _ = self.flush();
    }

    /// The output for a program, which writes there what it likes.
    pub fn for_a_program(self) -> ProgramOutput {
        ProgramOutput(self)
    }

    fn check(&mut self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone.store(true, Ordering::Relaxed);
                if let Some(then) = self.then.take() {
                    then();
                }
                Ok(())
            }
            result => result,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.gone.load(Ordering::Relaxed) {
            return Ok(());
        }
        let result = self.inner.write_all(bytes);
        self.check(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gone.load(Ordering::Relaxed) {
            return Ok(());
        }
        let result = self.inner.flush();
        self.check(result)
    }
}

/// Whether people see standard output as it is written.
pub fn is_output_seen() -> bool {
    io::stdout().is_terminal()
}

/// Whether people see standard error.
pub fn is_error_seen() -> bool {
    io::stderr().is_terminal()
}

/// Shows a text on standard output.
pub fn show(text: &Shown) {
    Output::new().show_now(text);
}

/// Standard error, for what a program prints where standard output is for something else.
pub fn errors() -> Box<dyn Write + Send> {
    Box::new(io::stderr())
}

/// Writes to standard output what is not for people to read.
pub fn put(bytes: &[u8]) -> io::Result<()> {
    let mut output = Output::new();
    output.write(bytes)?;
    output.flush()
}

/// Standard output for what a program prints itself.
pub struct ProgramOutput(Output);

impl Write for ProgramOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Standard output for text that comes from elsewhere: a terminal is shown escapes and does not obey them.
#[cfg(feature = "serve")]
pub struct Harmless {
    to: Output,
    is_terminal: bool,
    /// The beginning of a character whose rest is still to come.
    begun: Vec<u8>,
}

#[cfg(feature = "serve")]
impl Harmless {
    pub fn new(to: Output) -> Harmless {
        Harmless { to, is_terminal: is_output_seen(), begun: Vec::new() }
    }
}

#[cfg(feature = "serve")]
impl Write for Harmless {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_terminal {
            return self.to.write(bytes).map(|()| bytes.len());
        }
        self.begun.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.begun) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.begun.len(),
        };
        let text = String::from_utf8_lossy(&self.begun[..whole]).into_owned();
        self.begun.drain(..whole);
        self.to.write(Shown::text(&text).as_str().as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(all(test, feature = "serve"))]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_terminals_are_spared_and_characters_stay_whole() {
        let shown = "\\u{1b}[2Jé\n\u{fffd}";
        for (is_terminal, expected) in [(true, shown.as_bytes()), (false, b"\x1b[2J\xc3\xa9\n\xff")] {
            let kept = Kept::default();
            let to = Output { inner: Box::new(kept.clone()), gone: Arc::default(), then: None };
            let mut output = Harmless { to, is_terminal, begun: Vec::new() };
            for part in [&b"\x1b[2"[..], b"J\xc3", b"\xa9\n", b"\xff"] {
                output.write_all(part).unwrap();
            }
            assert_eq!(*kept.0.lock().unwrap(), expected);
        }
    }
}
