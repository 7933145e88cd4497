//! The same tasks for the host of each language.

pub mod task;
pub mod quipu_host;
#[cfg(feature = "mlua")]
pub mod lua_host;
pub mod rhai_host;

pub use task::Host;
