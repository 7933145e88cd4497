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
mod room;
mod session;
mod listen;
mod page;
mod node;
mod serve;

pub use crate::call::{Busy, Call, CodeBytes, Outcome};
pub use host::{CancelCall, Host, Reply, ReplyTo};
pub use listen::{Options, ServeError, Server};
pub use metrics::Metrics;
pub use page::serve_metrics;
pub use room::{Most, Rooms};
pub use serve::serve;
pub use session::{Limits, Session, Turn};
pub use shown::Shown;
