//! The tests that can share a process: what the checker refuses, that bytes have one form, what listings look like. What
//! measures the memory of its own process is a program of its own, `[[test]]` in `Cargo.toml`.

mod sample;
mod likely;

mod bytes;
mod check;
mod listing;
mod liveness;
mod random;
