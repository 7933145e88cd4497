//! Has the linker pack the addresses that the system puts right whenever `vm` starts: there are more than 20,000, because
//! tables of names and functions are full of them, and one after the other they would be a third of its start.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if can_unpack() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether the system that `vm` is built on, and for, knows the packed form. Its C library does from version 2.36 on. Linkers
/// that do not know it say so and leave it.
fn can_unpack() -> bool {
    let said = |name: &str| std::env::var(name).unwrap_or_default();
    if said("CARGO_CFG_TARGET_OS") != "linux" || said("CARGO_CFG_TARGET_ENV") != "gnu" || said("HOST") != said("TARGET")
    {
        return false;
    }
    let Ok(output) = Command::new("getconf").arg("GNU_LIBC_VERSION").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().strip_prefix("glibc ").and_then(|version| version.split_once('.'));
    let version = version.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    version.is_some_and(|version: (u32, u32)| version >= (2, 36))
}
