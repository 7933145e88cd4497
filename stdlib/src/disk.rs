//! Reading files without waiting for what is none, and writing them so that nobody ever sees a part of one.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use quipu_vm::heap::Str;
use quipu_vm::{Cx, ErrorKind, Fault, Value, View};
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
    let mut place = place(path)?;
    place.write_all(bytes)?;
    place.finish()
}

/// The fault of an operation on a file. Its data tell programs which file and what went wrong.
pub(crate) fn failed<'v>(cx: &mut Cx<'v>, path: Str<'v>, error: &io::Error) -> Fault<'v> {
    failed_at(cx, path, reason(error), &error.to_string())
}

/// The fault of a name that is not text; programs see what can be shown of it.
pub(crate) fn not_text<'v>(cx: &mut Cx<'v>, path: &Path) -> Fault<'v> {
    match cx.str(&path.to_string_lossy()).map(|path| path.view()) {
        Ok(View::Str(path)) => failed_at(cx, path, "not_utf8", "the name is not UTF-8"),
        Ok(_) => cx.fail_here(ErrorKind::Io, "a name is not UTF-8"),
        Err(fault) => fault,
    }
}

/// What went wrong, for programs.
fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "not_found",
        io::ErrorKind::AlreadyExists => "exists",
        io::ErrorKind::PermissionDenied => "permission",
        io::ErrorKind::NotADirectory => "not_a_folder",
        io::ErrorKind::IsADirectory => "a_folder",
        io::ErrorKind::DirectoryNotEmpty => "not_empty",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "full",
        _ => "other",
    }
}

fn failed_at<'v>(cx: &mut Cx<'v>, path: Str<'v>, reason: &str, what: &str) -> Fault<'v> {
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
        Ok(_) => cx.fail_here_with(ErrorKind::Io, format!("{}: {what}", path.as_str()), data.into()),
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

/// Where data go that are to be the contents of a file.
pub(crate) enum Place {
    /// A file that takes its place at the end.
    Whole(Whole),
    /// What no file can take the place of, such as a terminal or a pipe.
    There(File),
    /// Standard output and error as the process has them: opening those anew would begin at their start.
    Output(io::Stdout),
    Errors(io::Stderr),
}

/// Begins to write a file.
pub(crate) fn place(path: &Path) -> io::Result<Place> {
    match target(path)? {
        Target::File(path) => match whole(&path)? {
            Some(whole) => Ok(Place::Whole(whole)),
            None => File::options().write(true).truncate(true).create(true).open(path).map(Place::There),
        },
        Target::Open(name) => match name.as_str() {
            "1" => Ok(Place::Output(io::stdout())),
            "2" => Ok(Place::Errors(io::stderr())),
            _ => File::options().write(true).open(path).map(Place::There),
        },
    }
}

/// Begins to write to the end of a file.
pub(crate) fn end(path: &Path) -> io::Result<Place> {
    match target(path)? {
        Target::File(path) => File::options().append(true).create(true).open(path).map(Place::There),
        Target::Open(_) => place(path),
    }
}

/// What a path leads to.
enum Target {
    /// A file, or where one is to be.
    File(PathBuf),
    /// What the process has open under a number, such as `/dev/stdout`: nothing can take its place.
    Open(String),
}

/// Most links that lead to one another.
const MOST_LINKS: usize = 40;

/// Follows links, so that the file they name is replaced and not the link.
fn target(path: &Path) -> io::Result<Target> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let folder = folder_of(&path).canonicalize()?;
        let (Some(name), false) = (path.file_name(), path.as_os_str().as_encoded_bytes().ends_with(b"/")) else {
            return Ok(Target::File(path));
        };
        let is_process = folder.starts_with("/proc") && folder.ends_with("fd");
        if cfg!(unix) && (is_process || folder == Path::new("/dev/fd")) {
            return Ok(Target::Open(name.to_string_lossy().into_owned()));
        }
        let there = folder.join(name);
        match std::fs::read_link(&there) {
            Ok(to) => path = folder.join(to),
            Err(_) => return Ok(Target::File(there)),
        }
    }
    Err(io::Error::other("too many links lead to one another"))
}

/// Begins to write a file under another name. None if there is something that is no ordinary file.
fn whole(path: &Path) -> io::Result<Option<Whole>> {
    let there = std::fs::metadata(path).ok();
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
    let file = builder.tempfile_in(folder_of(path)).map_err(without_path)?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions())?;
    }
    Ok(Some(Whole { file, path: path.to_path_buf() }))
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

impl Place {
    /// Whether it is the output or error of the process.
    pub fn is_output(&self) -> bool {
        matches!(self, Place::Output(_) | Place::Errors(_))
    }

    /// Puts the file in its place.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Place::Whole(whole) => whole.finish(),
            Place::There(_) => Ok(()),
            Place::Output(mut output) => output.flush(),
            Place::Errors(mut errors) => errors.flush(),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Place::Whole(whole) => &mut whole.file,
            Place::There(file) => file,
            Place::Output(output) => output,
            Place::Errors(errors) => errors,
        }
    }
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
