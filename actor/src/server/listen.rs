//! The server's sockets: accepts connections, moves their bytes, and keeps deadlines. All waiting is here.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use quipu_stdlib::without_path;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::sleep;
use tracing::{debug, info};

use super::host::{CallHost, Reply};
use super::metrics::{Metrics, add};
use super::options::ServerOptions;
use super::room::{READ, Rooms};
use super::session::{Return, ServerSession, SessionOptions, Turn, replies_to};
use super::shown::ShownParts;
use crate::address::Address;
use crate::socket::Socket;
use crate::wire::Link;

/// How often a connection that may not read looks whether there is room again.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes of a message that may take its time.
const LONG: usize = 256 << 10;

/// Of how many connections such messages are looked at beside the others.
const AT_ONCE: usize = 4;

/// Bytes of answers that are put together before they are sent. Longer ones go alone.
const TOGETHER: usize = 64 << 10;

/// Why a server does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// Others than this machine could reach it, and there are no keys to tell them apart.
    NoKeys,
    /// Another server listens on this socket file.
    InUse(Address),
    /// The system refuses this address.
    Bind(String, io::Error),
    /// The system refuses.
    Io(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::NoKeys => {
                write!(
                    f,
                    "an address that other machines can reach needs keys: `vm actor key FILE`, then --key-file FILE"
                )
            }
            ServeError::InUse(address) => write!(f, "another server listens on {address}"),
            ServeError::Bind(address, error) => write!(f, "cannot listen on {address}: {error}"),
            ServeError::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ServeError {}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> ServeError {
        ServeError::Io(error)
    }
}

/// A server that listens.
pub struct Server {
    listener: Listener,
    shared: Arc<Shared>,
}

enum Listener {
    Tcp(TcpListener),
    /// With its file, which is removed when nobody listens any more.
    Unix(UnixListener, #[expect(dead_code, reason = "it is kept for its end")] SocketFile),
}

/// A socket file, which goes with its server.
struct SocketFile(std::path::PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // That it is gone already is all right.
        let _ = std::fs::remove_file(&self.0);
    }
}

struct Shared {
    options: ServerOptions,
    host: Arc<dyn CallHost>,
    metrics: Arc<Metrics>,
    /// What all connections have in common.
    common: SessionOptions,
    /// Connections that look at something long right now.
    long: AtomicUsize,
    places: Arc<Semaphore>,
}

opaque!(Server);

impl Server {
    /// Begins to listen.
    ///
    /// # Errors
    /// The address needs keys, or the system refuses it.
    pub async fn bind(options: ServerOptions, host: Arc<dyn CallHost>) -> Result<Server, ServeError> {
        let listener = match &options.address {
            Address::Tcp(address) => {
                let listener = bind_tcp(address).await?;
                if options.keys.is_none() && !listener.local_addr()?.ip().is_loopback() {
                    return Err(ServeError::NoKeys);
                }
                Listener::Tcp(listener)
            }
            Address::Unix(path) => Listener::Unix(bind_unix(path)?, SocketFile(path.clone())),
        };
        let metrics = Arc::<Metrics>::default();
        let shared = Shared {
            host,
            common: SessionOptions {
                keys: options.keys.clone(),
                limits: options.limits,
                rooms: Rooms::new(options.room, metrics.clone()),
                shown: Arc::new(ShownParts::new(options.shown)),
                clock: options.clock.clone(),
                fixed: None,
            },
            long: AtomicUsize::new(0),
            metrics,
            places: Arc::new(Semaphore::new(options.connections.min(Semaphore::MAX_PERMITS))),
            options,
        };
        Ok(Server { listener, shared: Arc::new(shared) })
    }

    /// Where it listens, with the port that the system gave it.
    pub fn address(&self) -> Address {
        match &self.listener {
            Listener::Tcp(listener) => match listener.local_addr() {
                Ok(address) => Address::Tcp(address.to_string()),
                Err(_) => self.shared.options.address.clone(),
            },
            Listener::Unix(..) => self.shared.options.address.clone(),
        }
    }

    /// Its counters.
    pub fn metrics(&self) -> Arc<Metrics> {
        self.shared.metrics.clone()
    }

    /// Serves until `stop` comes; then tells all clients, lets calls under way end, and returns.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (going, _) = watch::channel(false);
        tokio::pin!(stop);
        info!(address = %self.address(), "listening");
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok(socket) => self.shared.welcome(socket, going.subscribe()),
                Err(error) => {
                    // Out of file descriptors, most likely: others have to go first.
                    debug!(%error, "cannot accept");
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }
        info!("stopping");
        drop(self.listener);
        // That nobody listens any more is all right.
        let _ = going.send(true);
        let all = u32::try_from(self.shared.options.connections).unwrap_or(u32::MAX);
        let ServerOptions { clock, grace, .. } = &self.shared.options;
        let gone = clock.within(*grace, self.shared.places.acquire_many(all)).await;
        info!(all = gone.is_some(), "stopped");
    }
}

impl Listener {
    async fn accept(&self) -> io::Result<Socket> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are short and waited for.
                let _ = stream.set_nodelay(true);
                Ok(Socket::Tcp(stream))
            }
            Listener::Unix(listener, _) => Ok(Socket::Unix(listener.accept().await?.0)),
        }
    }
}

/// Listens on HOST:PORT.
pub(super) async fn bind_tcp(address: &str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| ServeError::Bind(address.to_owned(), error))
}

/// Makes a socket file that only its owner can use: first where nobody else can look, then moved.
fn bind_unix(path: &Path) -> Result<UnixListener, ServeError> {
    use std::os::unix::fs::PermissionsExt;
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(ServeError::InUse(Address::Unix(path.to_owned())));
    }
    // Whatever the names of what is made on the way, what is told is the name that was asked for.
    let refused = |error| ServeError::Bind(Address::Unix(path.to_owned()).to_string(), error);
    if let Ok(there) = std::fs::symlink_metadata(path) {
        use std::os::unix::fs::FileTypeExt;
        if !there.file_type().is_socket() {
            return Err(refused(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of this name")));
        }
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let hidden = tempfile::Builder::new().prefix(".q").tempdir_in(folder);
    let hidden = hidden.map_err(|error| refused(without_path(error)))?;
    let place = hidden.path().join("s");
    let listener = UnixListener::bind(&place).map_err(refused)?;
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o600)).map_err(refused)?;
    std::fs::rename(&place, path).map_err(refused)?;
    Ok(listener)
}

impl Shared {
    fn welcome(self: &Arc<Shared>, socket: Socket, going: watch::Receiver<bool>) {
        add(&self.metrics.connections, 1);
        match self.places.clone().try_acquire_owned() {
            Ok(place) => {
                let shared = self.clone();
                tokio::spawn(async move { shared.converse(socket, going, place).await });
            }
            Err(_) => {
                add(&self.metrics.refused, 1);
                debug!("no room for a connection");
                // Whoever does not take eight bytes at once does not get them.
                let _ = socket.try_write(&Link::full());
            }
        }
    }

    /// One connection from its beginning to its end.
    async fn converse(
        self: Arc<Shared>,
        socket: Socket,
        mut going: watch::Receiver<bool>,
        place: OwnedSemaphorePermit,
    ) {
        let options = &self.options;
        let clock = &options.clock;
        let (sender, mut replies) = mpsc::unbounded_channel::<(Turn, Reply)>();
        let back = replies_to(move |turn, reply| {
            // Nobody waits for the replies of a connection that is gone.
            let _ = sender.send((turn, reply));
        });
        let mut session = ServerSession::new(self.host.clone(), self.common.clone());
        self.metrics.open.fetch_add(1, Relaxed);
        let begun = clock.now();
        let (mut heard, mut within, mut told) = (begun, None::<Duration>, false);
        let mut messages = 0;
        loop {
            let idle = heard.saturating_add(options.idle);
            let deadline = match (within, session.owes_since()) {
                _ if !session.is_open() => begun.saturating_add(options.handshake),
                (Some(since), _) => since.saturating_add(options.frame),
                (None, Some(since)) => since.saturating_add(options.frame).min(idle),
                // While it waits for us it may be silent, however long that takes.
                (None, None) if session.is_working() => Duration::MAX,
                (None, None) => idle,
            };
            let has_room = session.has_room();
            tokio::select! {
                readable = socket.readable(), if has_room => {
                    match readable.and_then(|()| self.read(&socket, &mut session, &back)) {
                        Ok(true) => heard = clock.now(),
                        Ok(false) => {}
                        Err(_) => break,
                    }
                }
                Some((turn, reply)) = replies.recv() => {
                    heard = clock.now();
                    self.reply(&mut session, turn, reply, &back);
                }
                () = clock.until(deadline) => {
                    add(&self.metrics.late, 1);
                    debug!(peer = session.peer().map_or("?", |peer| &peer.name), "past a deadline");
                    break;
                }
                // What waits has to be carried out or taken first.
                () = sleep(LOOK), if !has_room => {}
                _ = going.changed(), if !told => {
                    session.go();
                    told = true;
                }
            }
            // Quick calls are over already, and replies come in crowds.
            while session.output().len() < TOGETHER
                && let Ok((turn, reply)) = replies.try_recv()
            {
                self.reply(&mut session, turn, reply, &back);
            }
            if !session.is_within() {
                within = None;
            } else if within.is_none() || messages != session.messages() {
                within = Some(clock.now());
            }
            messages = session.messages();
            if !self.write(&socket, session.output()).await || session.is_ended() || told && session.calls() == 0 {
                break;
            }
            session.let_go_of_what_is_sent();
        }
        debug!(peer = session.peer().map_or("?", |peer| &peer.name), took = ?clock.since(begun), "disconnected");
        session.abandon();
        self.metrics.open.fetch_sub(1, Relaxed);
        drop(place);
    }

    /// Does something with so many bytes. If they are many, others go on meanwhile on another thread.
    fn aside<T>(&self, bytes: usize, action: impl FnOnce() -> T) -> T {
        let is_long = bytes > LONG
            && tokio::runtime::Handle::current().runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread
            && self.long.fetch_update(Relaxed, Relaxed, |long| (long < AT_ONCE).then_some(long + 1)).is_ok();
        if !is_long {
            return action();
        }
        let done = tokio::task::block_in_place(action);
        self.long.fetch_sub(1, Relaxed);
        done
    }

    /// Hands a reply to the session, whose client may be told much.
    fn reply(&self, session: &mut ServerSession, turn: Turn, reply: Reply, back: Return<'_>) {
        let bytes = match &reply {
            Reply::Called(outcome) => outcome.bytes(),
            Reply::Told(Ok(text)) => text.len(),
            Reply::Told(Err(_)) | Reply::Lost => 0,
        };
        self.aside(bytes, || session.reply(turn, reply, back));
    }

    /// Reads what is there, without waiting. Whether that was anything.
    fn read(&self, socket: &Socket, session: &mut ServerSession, back: Return<'_>) -> io::Result<bool> {
        // On the stack, so that connections that say nothing cost nothing.
        let mut buffer = [0; READ];
        let length = match socket.try_read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        add(&self.metrics.received, length);
        // The end of a long message may take its time: functions are checked.
        if let Err(violation) = self.aside(session.held(), || session.feed(&buffer[..length], back)) {
            add(&self.metrics.broken, 1);
            debug!(%violation, peer = session.peer().map_or("?", |peer| &peer.name), "closing");
            // A refused hello is answered, so that people learn what is wrong.
            let _ = socket.try_write(session.output());
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(true)
    }

    /// Sends everything within the deadline. Whether that was possible.
    async fn write(&self, socket: &Socket, output: &mut Vec<u8>) -> bool {
        if output.is_empty() {
            return true;
        }
        add(&self.metrics.sent, output.len());
        let ServerOptions { clock, frame, .. } = &self.options;
        let sent = match socket.try_write(output) {
            Ok(sent) if sent == output.len() => Some(Ok(())),
            Ok(sent) => clock.within(*frame, socket.write_all(&output[sent..])).await,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                clock.within(*frame, socket.write_all(output)).await
            }
            Err(error) => Some(Err(error)),
        };
        output.clear();
        output.shrink_to(64 << 10);
        matches!(sent, Some(Ok(())))
    }
}
