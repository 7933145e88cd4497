//! Taking turns at an image file, so that of two processes that change it neither undoes what the other has done.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use quipu::report::Shown;
use quipu::stdlib::open_file;

use super::super::terminal::complain;

/// How long it waits before it says so.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long it waits before it tries again.
const GLANCE: Duration = Duration::from_millis(10);

/// Locks a file until what it gives is dropped, and waits for whoever has it. None where the file system has no locks.
///
/// # Errors
/// Those of the file system.
pub fn turn(path: &OsString) -> io::Result<Option<File>> {
    let begun = Instant::now();
    let mut said = false;
    loop {
        let file = open_file(Path::new(path))?;
        match file.try_lock() {
            // Whoever had the file may have put another one in its place.
            Ok(()) if is_still(&file, path)? => return Ok(Some(file)),
            Ok(()) => continue,
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        if !said && begun.elapsed() >= PATIENCE {
            complain(&Shown::of("waiting for another `vm image run --save` of `{}`\n", &[&path.display()]));
            said = true;
        }
        sleep(GLANCE);
    }
}

/// Whether a path names this file.
fn is_still(file: &File, path: &OsString) -> io::Result<bool> {
    let (this, named) = (file.metadata()?, std::fs::metadata(path)?);
    Ok((this.dev(), this.ino()) == (named.dev(), named.ino()))
}
