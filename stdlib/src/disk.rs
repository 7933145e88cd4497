//! Reading files without waiting for what is none, and writing them so that nobody ever sees a part of one.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use quipu_vm::heap::Str;
use quipu_vm::{Cx, ErrorKind, Fault, Value};
use tempfile::{Builder, NamedTempFile};

use crate::args::text;

/// Opens a file to be read. Opening waits for nobody: what is no ordinary file, such as a pipe or a device, is refused.
///
/// # Errors
/// Those of the file system; `InvalidInput` with what it is if it is no ordinary file.
pub fn open_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Without this a pipe is opened when somebody opens its other end.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = options.open(path)?;
    // What was opened is asked, not the path, which may name something else by now.
    let kind = file.metadata()?.file_type();
    match kind {
        kind if kind.is_file() => Ok(file),
        kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        kind => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {}, no ordinary file", what(kind)))),
    }
}

/// What stands where a file was looked for.
fn what(kind: std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    let _ = kind;
    "something else"
}

/// Bytes that are read between two looks at the limits.
pub(crate) const CHUNK: u64 = 1 << 20;

/// All bytes of a file that `open` opens. Memory for `held` times as much is asked for before they are taken.
pub(crate) fn contents<'v>(
    cx: &mut Cx<'v>,
    path: Value<'v>,
    open: impl FnOnce(&Path) -> io::Result<File>,
    held: usize,
) -> Result<Vec<u8>, Fault<'v>> {
    let path = text(cx, path, "path")?;
    let mut file = match open(path.as_str().as_ref()) {
        Ok(file) => file,
        Err(error) => return Err(failed(cx, path, &error)),
    };
    let size = file.metadata().map_or(0, |data| usize::try_from(data.len()).unwrap_or(usize::MAX));
    cx.reserve(size.saturating_mul(held))?;
    let mut bytes = Vec::with_capacity(size.saturating_add(1));
    // The file may grow meanwhile, and not everything that can be read says how long it is.
    loop {
        cx.reserve(bytes.len().saturating_mul(held))?;
        match Read::by_ref(&mut file).take(CHUNK).read_to_end(&mut bytes) {
            Ok(0) => return Ok(bytes),
            Ok(count) => cx.work(1 + count / 64)?,
            Err(error) => return Err(failed(cx, path, &error)),
        }
    }
}

/// Puts these bytes into a file: under another name first, which takes the place of what is there when all is on disk. A
/// file that was there keeps its permissions.
///
/// # Errors
/// Those of the file system; then the file is as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match whole(path)? {
        Some(mut file) => {
            file.write_all(bytes)?;
            file.finish()
        }
        None => std::fs::write(path, bytes),
    }
}

/// The fault of an operation on a file. Its data tell programs which file and what went wrong.
pub(crate) fn failed<'v>(cx: &mut Cx<'v>, path: Str<'v>, error: &io::Error) -> Fault<'v> {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "not_found",
        io::ErrorKind::AlreadyExists => "exists",
        io::ErrorKind::PermissionDenied => "permission",
        io::ErrorKind::NotADirectory => "not_a_folder",
        io::ErrorKind::IsADirectory => "a_folder",
        io::ErrorKind::DirectoryNotEmpty => "not_empty",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "full",
        _ => "other",
    };
    let data = cx.map();
    let entry = |cx: &mut Cx<'v>, key: &str, value| {
        let key = cx.str(key)?;
        data.insert(cx, key, value)
    };
    let filled = entry(cx, "path", path.into()).and_then(|_| {
        let reason = cx.str(reason)?;
        entry(cx, "reason", reason)
    });
    match filled {
        Ok(_) => cx.fail_here_with(ErrorKind::Io, format!("{}: {error}", path.as_str()), data.into()),
        Err(fault) => fault,
    }
}

/// An error of `tempfile` without the path that it tried, which is a name that nobody has given.
pub fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.rsplit_once(" at path ") {
        Some((what, _)) => io::Error::new(error.kind(), what),
        None => error,
    }
}

/// A file that takes its place when it is finished, and is gone when it is dropped before.
pub(crate) struct Whole {
    file: NamedTempFile,
    path: PathBuf,
}

/// Begins to write a file. None if there is something that is no ordinary file, such as a terminal or a pipe: nothing
/// can take its place.
pub(crate) fn whole(path: &Path) -> io::Result<Option<Whole>> {
    // A link is followed, so that the file it names is replaced and not the link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let there = std::fs::metadata(&path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return Ok(None);
    }
    let mut builder = Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    let default = {
        use std::os::unix::fs::PermissionsExt;
        std::fs::Permissions::from_mode(0o666)
    };
    #[cfg(unix)]
    // What the process's mask leaves of it is what any new file gets.
    builder.permissions(default);
    let file = builder.tempfile_in(folder_of(&path)).map_err(without_path)?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions())?;
    }
    Ok(Some(Whole { file, path }))
}

impl Whole {
    /// Puts the file in its place.
    pub fn finish(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path).map_err(|error| error.error)?;
        // The new name has to be on disk too. Not every system can do that to folders.
        if let Ok(folder) = File::open(folder_of(&self.path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
