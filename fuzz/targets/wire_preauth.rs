//! The fuzz target `wire_preauth`; `bodies` says what it does.
#![no_main]

#[path = "../bodies/mod.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::wire_preauth(data));
