//! The server: listens, keeps strangers and the slow in their place, and hands calls to whoever carries them out.
//!
//! ```text
//!   socket ──bytes──> session ──calls──> host        one session for each connection; the host knows no sockets
//!          <──bytes──         <─replies─
//! ```
//!
//! The session is a state machine without IO; everything that waits is in `listen`.

mod host;
mod shown;
mod metrics;
mod options;
mod room;
mod session;
mod listen;
mod page;
mod node;
mod serve;

pub use host::{CallHost, CancelCall, Reply, ReplyTo};
pub use listen::{ServeError, Server};
pub use metrics::Metrics;
pub use options::{ConnectionLimits, RoomLimits, ServerOptions};
pub use page::serve_metrics;
pub use room::Rooms;
pub use serve::serve;
pub use session::{ServerSession, SessionOptions, Turn, replies_to};
pub use shown::ShownParts;
