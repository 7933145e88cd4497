//! Chooses how the run loop dispatches: by calls in tail position where the optimiser makes them jumps.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(quipu_tail)");
    // Given with RUSTFLAGS, beside a sanitizer or for valgrind: every object has memory of its own.
    println!("cargo::rustc-check-cfg=cfg(quipu_loose)");
    // The same for machines that nobody can reach to set it: all of them collect at every call.
    println!("cargo::rustc-check-cfg=cfg(quipu_strained)");
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    // Where addresses have 32 bits, arguments of handlers go through memory, and WebAssembly has no such jumps at all.
    let is_wide = std::env::var("CARGO_CFG_TARGET_POINTER_WIDTH").is_ok_and(|width| width == "64")
        && std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| !family.contains("wasm"));
    // Sanitizers put code behind calls, so nothing is in tail position there.
    if is_wide && matches!(level.as_str(), "2" | "3" | "s" | "z") && !flags.contains("sanitizer") {
        println!("cargo::rustc-cfg=quipu_tail");
    }
}
