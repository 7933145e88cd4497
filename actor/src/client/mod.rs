//! The client: sends a function once and then only its hash, keeps its calls in order over lost connections, and never has
//! one run twice.

mod function;
mod error;
mod core;
mod options;
mod blocking;
mod pipelined;
mod dial;

pub use blocking::Blocking;
pub use core::{Core, Event};
pub use dial::Dialer;
pub use error::{ClientError, calls_in};
pub use function::Function;
pub use options::ClientOptions;
pub use pipelined::Client;
