//! Standard input and error as the module `io` has them: shared by the machines of one library, and read so that a
//! program that waits for input can still be stopped.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quipu_vm::{Cx, Fault};

/// How long a program waits before it looks whether it has to stop.
pub(crate) const PATIENCE: Duration = Duration::from_millis(10);

/// Most bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// What the module `io` reads from and writes errors to. Clones share both.
#[derive(Clone)]
pub struct Streams {
    input: Arc<Mutex<Input>>,
    errors: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Streams {
    /// These two.
    pub fn new(input: impl Read + Send + 'static, errors: impl Write + Send + 'static) -> Streams {
        Streams {
            input: Arc::new(Mutex::new(Input::new(Box::new(input)))),
            errors: Arc::new(Mutex::new(Box::new(errors))),
        }
    }

    /// The input, for as long as it is needed.
    pub(crate) fn input(&self) -> MutexGuard<'_, Input> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to standard error.
    pub(crate) fn write_error(&self, text: &str) -> io::Result<()> {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.write_all(text.as_bytes())?;
        errors.flush()
    }
}

/// Those of the process.
impl Default for Streams {
    fn default() -> Streams {
        Streams::new(io::stdin(), io::stderr())
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streams")
    }
}

/// An input with what was read of it and not used yet. A native that asks for a collection leaves it there and finds it
/// again.
pub(crate) struct Input {
    source: Option<Box<dyn Read + Send>>,
    reader: Option<Reader>,
    read: Vec<u8>,
    /// How many of these bytes were used.
    used: usize,
    ended: bool,
}

/// A thread that reads only when it is asked to, so that nothing is taken from a child process that shares the input.
struct Reader {
    ask: SyncSender<()>,
    got: Receiver<io::Result<Vec<u8>>>,
    /// It was asked and has not answered.
    reading: bool,
}

/// Why there is no more input.
pub(crate) enum Stuck<'v> {
    /// The program has to stop.
    Fault(Fault<'v>),
    /// Reading fails.
    Io(io::Error),
}

impl<'v> From<Fault<'v>> for Stuck<'v> {
    fn from(fault: Fault<'v>) -> Stuck<'v> {
        Stuck::Fault(fault)
    }
}

impl Input {
    fn new(source: Box<dyn Read + Send>) -> Input {
        Input { source: Some(source), reader: None, read: Vec::new(), used: 0, ended: false }
    }

    /// What was read and not used.
    pub fn read(&self) -> &[u8] {
        &self.read[self.used..]
    }

    /// Whether there is nothing after that.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Takes away what was used.
    pub fn used(&mut self, count: usize) {
        self.used = (self.used + count).min(self.read.len());
    }

    /// Reads more, unless the end is reached.
    pub fn more<'v>(&mut self, cx: &mut Cx<'v>) -> Result<(), Stuck<'v>> {
        if self.ended {
            return Ok(());
        }
        self.read.drain(..self.used);
        self.used = 0;
        // The vector may double.
        cx.reserve(self.read.len().saturating_mul(2).saturating_add(CHUNK))?;
        let reader = match &mut self.reader {
            Some(reader) => reader,
            empty => {
                let Some(source) = self.source.take() else { return Ok(()) };
                empty.insert(Reader::start(source).map_err(Stuck::Io)?)
            }
        };
        if !reader.reading {
            reader.reading = reader.ask.send(()).is_ok();
        }
        let got = loop {
            match reader.got.recv_timeout(PATIENCE) {
                Ok(got) => break got,
                Err(RecvTimeoutError::Timeout) => {
                    cx.waiting()?;
                }
                Err(RecvTimeoutError::Disconnected) => break Ok(Vec::new()),
            }
        };
        reader.reading = false;
        let got = got.map_err(Stuck::Io)?;
        self.ended = got.is_empty();
        self.read.extend_from_slice(&got);
        Ok(())
    }
}

impl Reader {
    fn start(mut source: Box<dyn Read + Send>) -> io::Result<Reader> {
        let (ask, asked) = sync_channel::<()>(1);
        let (give, got) = sync_channel(1);
        std::thread::Builder::new().name("input".to_owned()).spawn(move || {
            let mut chunk = vec![0; CHUNK];
            while asked.recv().is_ok() {
                let result = loop {
                    match source.read(&mut chunk) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        result => break result,
                    }
                };
                if give.send(result.map(|count| chunk[..count].to_vec())).is_err() {
                    break;
                }
            }
        })?;
        Ok(Reader { ask, got, reading: false })
    }
}
