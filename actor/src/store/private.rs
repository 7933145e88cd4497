//! Files of a store that only its owner can read, and the copy that is made of one before it becomes one of a newer version.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::contract::StoreError;

/// Bytes at the beginning of an SQLite file that say how it is written.
const HEAD: u64 = 100;

/// Read and written by the owner, and by nobody else.
const PRIVATE: u32 = 0o600;

/// The path with something behind its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Makes a file that only its owner can read, whatever the process allows others. SQLite makes those beside it alike.
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(PRIVATE).open(path)?;
    file.set_permissions(Permissions::from_mode(PRIVATE))?;
    Ok(file)
}

/// Makes the file, if it is not there.
pub(super) fn made(path: &Path) -> Result<(), StoreError> {
    match create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(StoreError::Io(error.to_string())),
        _ => Ok(()),
    }
}

/// Takes a file and what is beside it from others, if they could read it.
pub(super) fn keep_private(path: &Path) {
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if !metadata.is_file() || metadata.permissions().mode() & 0o077 == 0 {
            continue;
        }
        let shown = path.display();
        match fs::set_permissions(&path, Permissions::from_mode(PRIVATE)) {
            Ok(()) => tracing::warn!("others could read {shown}: it is yours alone now (mode 600)"),
            Err(error) => tracing::warn!("others can read {shown}, and that cannot be changed: {error}"),
        }
    }
}

/// Copies a store that is open and of this version to `FILE.vN`, and gives where it is when it is on disk. A copy that is
/// there already is kept; if it is another one, the new one gets a number.
pub(super) fn copy_of_before(connection: &Connection, path: &Path, version: u32) -> Result<PathBuf, StoreError> {
    let name = format!(".v{version}");
    let part = beside(path, &[&name, ".part"].concat());
    copy(connection, path, &part, &name).map_err(|error| {
        // Nobody takes a part for the whole.
        let _ = fs::remove_file(&part);
        let file = beside(path, &name);
        StoreError::Io(format!(
            "nothing was changed: before it is upgraded it is copied to {}, and that failed: {error}",
            file.display()
        ))
    })
}

fn copy(connection: &Connection, path: &Path, part: &Path, name: &str) -> io::Result<PathBuf> {
    let text = part.to_str().ok_or_else(|| io::Error::other("its name is not UTF-8"))?;
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = create(part)?;
    connection.execute("VACUUM INTO ?", [text]).map_err(io::Error::other)?;
    file.sync_all()?;
    for number in 0.. {
        let to = match number {
            0 => beside(path, name),
            _ => beside(path, &format!("{name}.{number}")),
        };
        match fs::hard_link(part, &to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Made by an attempt that did not come to its end.
                if !is_same(part, &to)? {
                    continue;
                }
                fs::remove_file(part)?;
            }
            // Not every file system has links.
            Err(_) => fs::rename(part, &to)?,
            Ok(()) => fs::remove_file(part)?,
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        return Ok(to);
    }
    Err(io::Error::other("there are too many copies"))
}

/// Whether two copies hold the same. How often they were written, which stands in their heads, is no difference.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let length = one.metadata()?.len();
    if length != other.metadata()?.len() || length < HEAD {
        return Ok(false);
    }
    for file in [&mut one, &mut other] {
        file.seek(SeekFrom::Start(HEAD))?;
    }
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = one.read(&mut left)?;
        if count == 0 {
            return Ok(true);
        }
        other.read_exact(&mut right[..count])?;
        if left[..count] != right[..count] {
            return Ok(false);
        }
    }
}
