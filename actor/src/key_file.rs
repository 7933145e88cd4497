//! Key files on disk, which nobody but their owner may read.

use std::fmt::Display;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::wire::KeyFile;

/// Reads a key file, unless others could have read it as well.
///
/// # Errors
/// Why it cannot be used, with its path and without what is in it.
pub fn open_key_file(path: &Path) -> Result<KeyFile, String> {
    let about = |error: &dyn Display| format!("`{}`: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| about(&error))?;
    // What is no key file is told so first: its permissions are as they should be.
    let file = KeyFile::read(&text).map_err(|error| about(&format!("this is no key file: {error}")))?;
    let metadata = fs::metadata(path).map_err(|error| about(&error))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(about(&"others can read this key file; `chmod 600` it"));
    }
    Ok(file)
}
