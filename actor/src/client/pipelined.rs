//! The client for asynchronous programs: any number of calls at once over one connection.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::core::{Core, Event};
use super::error::{ClientError, outcome};
use super::function::Function;
use super::options::{ClientOptions, nonce, pause};
use crate::call::Target;
use crate::socket::Socket;
use crate::wire::Question;

/// How many calls wait in the client before those who make more have to wait themselves.
const QUEUE: usize = 1024;

/// A client whose calls do not wait for one another. Copies share the connection.
#[derive(Clone)]
pub struct Client {
    asks: mpsc::Sender<Ask>,
    timeout: Duration,
}

enum Ask {
    Call(Arc<str>, Target, Option<Arc<Function>>, Vec<u8>, Answered),
    Question(Question, Arc<str>, Answered),
}

type Answered = oneshot::Sender<Result<Vec<u8>, ClientError>>;

opaque!(Client);

impl Client {
    /// Connects. To be called within a runtime, where the connection then lives until all copies are gone.
    ///
    /// # Errors
    /// There is no server, or it does not let this client in.
    pub async fn connect(options: ClientOptions) -> Result<Client, ClientError> {
        let (asks, inbox) = mpsc::channel(QUEUE);
        let mut driver = Driver {
            core: Core::new(nonce()?),
            socket: None,
            waiting: HashMap::new(),
            inbox,
            begun: Instant::now(),
            options: options.clone(),
            greeted: false,
        };
        timeout(options.timeout, async {
            driver.open().await?;
            while !driver.greeted {
                driver.exchange().await?;
            }
            Ok::<_, ClientError>(())
        })
        .await
        .map_err(|_| ClientError::Late)??;
        tokio::spawn(driver.run());
        Ok(Client { asks, timeout: options.timeout })
    }

    /// Calls in an actor, and gives the image of the result. A call that nobody waits for any more is cancelled.
    ///
    /// # Errors
    /// The call gave no value, or there is no answer.
    pub async fn call(
        &self,
        actor: &Arc<str>,
        target: Target,
        function: Option<Arc<Function>>,
        args: Vec<u8>,
    ) -> Result<Vec<u8>, ClientError> {
        self.ask(|answered| Ask::Call(actor.clone(), target, function, args, answered)).await
    }

    /// Asks an operator's question, and gives the answer as JSON.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn question(&self, question: Question, actor: &Arc<str>) -> Result<String, ClientError> {
        let text = self.ask(|answered| Ask::Question(question, actor.clone(), answered)).await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    async fn ask(&self, ask: impl FnOnce(Answered) -> Ask) -> Result<Vec<u8>, ClientError> {
        let (answered, answer) = oneshot::channel();
        let all = async {
            self.asks.send(ask(answered)).await.map_err(|_| ClientError::Closed)?;
            answer.await.map_err(|_| ClientError::Closed)?
        };
        timeout(self.timeout, all).await.map_err(|_| ClientError::Late)?
    }
}

/// How long a connection has to last for the next one to be made at once.
const STABLE: Duration = Duration::from_secs(1);

/// Owns the connection.
struct Driver {
    core: Core,
    socket: Option<Socket>,
    waiting: HashMap<u64, Answered>,
    inbox: mpsc::Receiver<Ask>,
    begun: Instant,
    options: ClientOptions,
    greeted: bool,
}

impl Driver {
    async fn run(mut self) {
        let mut attempt = 0;
        let mut opened = Instant::now();
        let mut lost = None;
        loop {
            if self.socket.is_none() && lost.is_none() {
                opened = Instant::now();
                lost = self.open().await.err();
            }
            if let Some(error) = lost.take() {
                self.lose(&error);
                // A server that takes connections and closes them again is no better than none.
                attempt = if opened.elapsed() > STABLE { 1 } else { attempt + 1 };
                if attempt > 8 {
                    self.give_up(&error);
                    attempt = 0;
                    // The next call tries anew.
                    match self.inbox.recv().await {
                        Some(ask) => self.take(ask),
                        None => return,
                    }
                }
                sleep(pause(attempt)).await;
                continue;
            }
            let wake = self.core.next_tick().map(|at| self.begun + Duration::from_millis(at));
            tokio::select! {
                ask = self.inbox.recv() => match ask {
                    Some(ask) => {
                        self.take(ask);
                        while let Ok(ask) = self.inbox.try_recv() {
                            self.take(ask);
                        }
                    }
                    None => {
                        self.core.close();
                        let _ = self.write().await;
                        return;
                    }
                },
                moved = readable(self.socket.as_ref()) => {
                    lost = moved.map_err(ClientError::from).and_then(|()| self.read()).err();
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
                () = sleep(Duration::from_millis(100)), if !self.waiting.is_empty() => {}
            }
            self.forget_abandoned();
            let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.core.tick(now);
            self.hand_out();
            if let Err(error) = self.write().await {
                lost = lost.or(Some(error.into()));
            }
        }
    }

    fn take(&mut self, ask: Ask) {
        let (request, answered) = match ask {
            Ask::Call(actor, target, function, args, answered) => {
                (self.core.call(&actor, target, function, args), answered)
            }
            Ask::Question(question, actor, answered) => (self.core.question(question, &actor), answered),
        };
        self.waiting.insert(request, answered);
    }

    /// Cancels calls that nobody waits for any more.
    fn forget_abandoned(&mut self) {
        let core = &mut self.core;
        self.waiting.retain(|request, answered| {
            let wanted = !answered.is_closed();
            if !wanted {
                core.cancel(*request);
            }
            wanted
        });
    }

    fn hand_out(&mut self) {
        for event in self.core.events() {
            match event {
                Event::Answer(request, answer) => {
                    if let Some(answered) = self.waiting.remove(&request) {
                        // Whoever has stopped waiting does not miss it.
                        let _ = answered.send(outcome(answer));
                    }
                }
                Event::Open => self.greeted = true,
                Event::Pong(_) | Event::Going => {}
            }
        }
    }

    async fn open(&mut self) -> Result<(), ClientError> {
        let socket = Socket::connect(&self.options.address).await?;
        self.core.connected(self.options.link()?);
        self.socket = Some(socket);
        Ok(self.write().await?)
    }

    /// For the beginning, when there is nothing but the connection.
    async fn exchange(&mut self) -> Result<(), ClientError> {
        readable(self.socket.as_ref()).await?;
        self.read()?;
        self.hand_out();
        Ok(self.write().await?)
    }

    fn read(&mut self) -> Result<(), ClientError> {
        let Some(socket) = &self.socket else { return Ok(()) };
        let mut buffer = [0; 16 << 10];
        match socket.try_read(&mut buffer) {
            Ok(0) => Err(self.options.ended(&self.core, io::ErrorKind::UnexpectedEof)),
            Ok(length) => Ok(self.core.feed(&buffer[..length])?),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(self.options.ended(&self.core, error.kind())),
        }
    }

    async fn write(&mut self) -> io::Result<()> {
        let (Some(socket), Some(output)) = (&self.socket, self.core.output()) else { return Ok(()) };
        let written = timeout(self.options.timeout, socket.write_all(output)).await;
        output.clear();
        written.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// The connection is gone. What is asked for is sent again over the next one, unless the server is not one.
    fn lose(&mut self, error: &ClientError) {
        self.socket = None;
        self.core.disconnected();
        if !matches!(error, ClientError::Lost(_)) {
            self.give_up(error);
        }
    }

    fn give_up(&mut self, error: &ClientError) {
        for (request, answered) in self.waiting.drain() {
            self.core.cancel(request);
            let _ = answered.send(Err(error.clone()));
        }
    }
}

/// Waits for the socket; for ever if there is none.
async fn readable(socket: Option<&Socket>) -> io::Result<()> {
    match socket {
        Some(socket) => socket.readable().await,
        None => std::future::pending().await,
    }
}
