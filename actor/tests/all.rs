//! The tests that can share a process: one program is linked for all of them. What counts its threads is a program of its
//! own, `[[test]]` in `Cargo.toml`.

mod common;
#[path = "common/line.rs"]
mod line;

mod bank;
mod crowd;
mod frames;
mod golden_store;
mod held;
mod idle;
mod node;
mod quick;
mod room;
mod rooms;
mod sockets;
mod store;
mod upgrade;
mod uploads;
