//! Checking an image and showing what is in it takes at most sixteen times its length and a mebibyte, beside what the same
//! command takes for a tiny image.
//!
//! Each case is measured from a process of its own, because what a process was when it was made counts as its own memory.

#[path = "support/hungry.rs"]
mod hungry;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use wait4::Wait4;

use hungry::*;

const CASE: &str = "QUIPU_IMAGE_TO_SHOW";

const COMMANDS: [&[&str]; 3] = [&["image", "verify"], &["image", "info"], &["--json", "image", "info"]];

/// Lists in lists.
const DEEP: &str = "var l = []; for i in 0..200_000 { l = [l] }; l";

#[test]
fn commands_take_at_most_sixteen_times_the_length() {
    if let Ok(file) = std::env::var(CASE) {
        return measure(Path::new(&file));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image_command_memory");
    save(&folder, "tiny.qpi", "[1]");
    let mut sound = true;
    for (text, number) in PROGRAMS.iter().chain([&DEEP]).zip(0..) {
        let file = save(&folder, &format!("{number}.qpi"), text);
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "commands_take_at_most_sixteen_times_the_length", "--nocapture"])
            .env(CASE, &file)
            .output()
            .unwrap();
        eprint!("{text}\n{}", String::from_utf8_lossy(&child.stderr));
        sound &= child.status.success();
    }
    assert!(sound, "some image takes too much");
}

/// In the other process.
fn measure(file: &Path) {
    let length = fs::metadata(file).unwrap().len() as usize;
    let mut sound = true;
    for command in COMMANDS {
        let (least, most) = (peak(command, &file.with_file_name("tiny.qpi")), peak(command, file));
        let taken = most.saturating_sub(least);
        let times = taken as f64 / length as f64;
        eprintln!("  {:24}{length} bytes: {taken} at most, {times:.1} times", command.join(" "));
        sound &= taken <= FACTOR * length + EXTRA + PAGES;
    }
    assert!(sound);
}

/// The most memory that a command takes for an image.
fn peak(command: &[&str], file: &Path) -> usize {
    let mut vm = Command::new(env!("CARGO_BIN_EXE_vm"));
    let child = vm.args(command).arg(file).stdout(Stdio::null()).spawn().unwrap();
    let used = child.wait4().unwrap();
    assert!(used.status.success(), "{command:?} {}", file.display());
    used.rusage.maxrss as usize
}
