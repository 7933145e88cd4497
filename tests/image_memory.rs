//! Loading an image takes at most sixteen times its length and a mebibyte beside its bytes, also while it is under way.
//!
//! Each case is loaded in a process of its own, because what was freed before would hide what is taken later.

#[path = "support/hungry.rs"]
mod hungry;

use std::fs;
use std::path::Path;
use std::process::Command;

use quipu::vm::image::Image;

use hungry::*;

const CASE: &str = "QUIPU_IMAGE";

/// A line of what the system knows about this process, in bytes.
fn status(name: &str) -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? << 10)
}

#[test]
fn loading_takes_at_most_sixteen_times_the_length() {
    if let Ok(file) = std::env::var(CASE) {
        return load(Path::new(&file));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image_memory");
    let mut sound = true;
    for (text, number) in PROGRAMS.iter().zip(0..) {
        let file = save(&folder, &format!("{number}.qpi"), text);
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "loading_takes_at_most_sixteen_times_the_length", "--nocapture"])
            .env(CASE, &file)
            .output()
            .unwrap();
        eprint!("{text}\n  {}", String::from_utf8_lossy(&child.stderr));
        sound &= child.status.success();
    }
    assert!(sound, "some image takes too much");
}

/// In the other process.
fn load(file: &Path) {
    let bytes = fs::read(file).unwrap();
    let length = bytes.len();
    let mut session = session();
    let heap = session.vm().stats().heap_bytes;
    let (Some(before), Ok(())) = (status("VmRSS:"), fs::write("/proc/self/clear_refs", "5")) else { return };
    let image = Image::open(bytes, &()).unwrap();
    let _value = session.vm().thaw(&image).unwrap();
    let peak = status("VmHWM:").unwrap_or(0).saturating_sub(before);
    let kept = session.vm().stats().heap_bytes - heap;
    let allowed = FACTOR * length + EXTRA + PAGES;
    let times = peak as f64 / length as f64;
    eprintln!("{length} bytes: {peak} at most, {times:.1} times; {kept} stay");
    assert!(peak <= allowed && kept <= allowed);
}
