//! The client for programs without a runtime: one call at a time, on the thread that makes it.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::{Core, Event};
use super::error::{ClientError, outcome};
use super::function::Function;
use super::options::{ClientOptions, nonce, pause};
use crate::address::Address;
use crate::call::Target;
use crate::wire::Question;

/// How long it waits before it looks whether it should go on waiting.
const GLANCE: Duration = Duration::from_millis(50);

/// How often a request is sent again because the server closed the connection behind it. A server that is killed and started again
/// and again may meet one request twice or three times.
const MOST_CLOSED: u32 = 4;

/// A client that waits for every answer.
pub struct Blocking {
    options: ClientOptions,
    core: Core,
    stream: Option<Stream>,
    begun: Instant,
    buffer: Vec<u8>,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

opaque!(Blocking);

impl Blocking {
    /// Connects.
    ///
    /// # Errors
    /// There is no server, or it does not let this client in.
    pub fn connect(options: ClientOptions) -> Result<Blocking, ClientError> {
        Blocking::connect_while(options, &mut || Ok(()))
    }

    /// Connects; `go_on` is asked from time to time whether to wait on.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and those of `go_on`.
    pub fn connect_while(
        options: ClientOptions,
        go_on: &mut dyn FnMut() -> Result<(), ClientError>,
    ) -> Result<Blocking, ClientError> {
        let (core, begun, buffer) = (Core::new(nonce()?), Instant::now(), vec![0; 64 << 10]);
        let mut client = Blocking { options, core, stream: None, begun, buffer };
        let deadline = client.deadline();
        client.open()?;
        client.wait(deadline, go_on, |event| matches!(event, Event::Open).then_some(()))?;
        Ok(client)
    }

    /// Calls in an actor, and gives the image of the result. `go_on` is asked from time to time whether to wait on.
    ///
    /// # Errors
    /// The call gave no value, or there is no answer.
    pub fn call(
        &mut self,
        actor: &Arc<str>,
        target: Target,
        function: Option<Arc<Function>>,
        args: Vec<u8>,
        go_on: &mut dyn FnMut() -> Result<(), ClientError>,
    ) -> Result<Vec<u8>, ClientError> {
        let request = self.core.call(actor, target, function, args);
        self.finish(request, go_on)
    }

    /// Asks an operator's question, and gives the answer as JSON.
    ///
    /// # Errors
    /// There is no answer.
    pub fn ask(&mut self, question: Question, actor: &Arc<str>) -> Result<String, ClientError> {
        let request = self.core.question(question, actor);
        let text = self.finish(request, &mut || Ok(()))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Says goodbye.
    pub fn close(mut self) {
        self.core.close();
        // Whether the server hears it makes no difference.
        let _ = self.write();
    }

    fn finish(
        &mut self,
        request: u64,
        go_on: &mut dyn FnMut() -> Result<(), ClientError>,
    ) -> Result<Vec<u8>, ClientError> {
        let ours = |event| match event {
            Event::Answer(answered, answer) if answered == request => Some(outcome(answer)),
            _ => None,
        };
        let outcome = self.wait(self.deadline(), go_on, ours);
        if outcome.is_err() {
            self.core.cancel(request);
            // Should the connection be gone, the server cancels the call by itself.
            let _ = self.write();
        }
        outcome?
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.options.timeout
    }

    /// Moves bytes until one of the events is the right one, over as many connections as it takes.
    fn wait<T>(
        &mut self,
        deadline: Instant,
        go_on: &mut dyn FnMut() -> Result<(), ClientError>,
        is_it: impl Fn(Event) -> Option<T>,
    ) -> Result<T, ClientError> {
        let (mut attempt, mut closed) = (0, 0);
        loop {
            if Instant::now() >= deadline {
                return Err(ClientError::Late);
            }
            let moved = self.exchange();
            if let Some(found) = self.core.events().into_iter().find_map(&is_it) {
                return Ok(found);
            }
            match moved {
                Ok(()) => attempt = 0,
                Err(ClientError::Lost(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)) => go_on()?,
                Err(error @ (ClientError::Lost(_) | ClientError::TurnedAway)) => {
                    // What the server has closed the connection for is not sent for ever. One that is stopped, or crashes,
                    // is not there at once again.
                    let is_closed = self.stream.is_some() && !self.core.is_greeting() && self.core.is_waiting();
                    let is_refused =
                        matches!(error, ClientError::Lost(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound));
                    closed = if is_refused { 0 } else { closed + u32::from(is_closed) };
                    self.lose();
                    go_on()?;
                    if closed > MOST_CLOSED {
                        return Err(ClientError::Broken);
                    }
                    attempt += 1;
                    // A server that restarts needs a moment; one that is not there for longer is not there. One that
                    // is there and closes may have been told to stop just then.
                    let most = if error == ClientError::TurnedAway { 2 } else { 8 };
                    if attempt > most {
                        return Err(error);
                    }
                    std::thread::sleep(pause(attempt));
                }
                Err(error) => {
                    self.lose();
                    return Err(error);
                }
            }
            let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.core.tick(now);
        }
    }

    /// Sends what there is and reads what comes, for a moment.
    fn exchange(&mut self) -> Result<(), ClientError> {
        if self.stream.is_none() {
            self.open()?;
        }
        self.write()?;
        let Some(stream) = &mut self.stream else { return Err(ClientError::Closed) };
        let length = match stream {
            Stream::Tcp(stream) => stream.read(&mut self.buffer),
            Stream::Unix(stream) => stream.read(&mut self.buffer),
        };
        let length = match length {
            Ok(0) => return Err(self.options.ended(&self.core, io::ErrorKind::UnexpectedEof)),
            Ok(length) => length,
            Err(error) => return Err(self.options.ended(&self.core, error.kind())),
        };
        self.core.feed(&self.buffer[..length])?;
        self.write()
    }

    fn write(&mut self) -> Result<(), ClientError> {
        let (Some(stream), Some(output)) = (&mut self.stream, self.core.output()) else { return Ok(()) };
        match stream {
            Stream::Tcp(stream) => stream.write_all(output)?,
            Stream::Unix(stream) => stream.write_all(output)?,
        }
        output.clear();
        Ok(())
    }

    fn open(&mut self) -> Result<(), ClientError> {
        let stream = match &self.options.address {
            Address::Tcp(address) => {
                let stream = reach(address, self.options.timeout)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(GLANCE))?;
                stream.set_write_timeout(Some(self.options.timeout))?;
                Stream::Tcp(stream)
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(GLANCE))?;
                stream.set_write_timeout(Some(self.options.timeout))?;
                Stream::Unix(stream)
            }
        };
        self.core.connected(self.options.link()?);
        self.stream = Some(stream);
        Ok(())
    }

    fn lose(&mut self) {
        self.stream = None;
        self.core.disconnected();
    }
}

/// Connects to the first of the addresses that a name stands for and that answers in time.
fn reach(address: &str, within: Duration) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, within) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
