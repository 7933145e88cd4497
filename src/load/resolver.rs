//! Where modules come from: files, memory, or what an embedder has.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use quipu_stdlib::open_file;

/// Finds the sources of modules that are imported by path.
///
/// Standard modules (`import math`) do not come through here.
pub trait Resolver: Send + Sync {
    /// The module that `path` means when `importer` imports it (`None`: the program itself is asked for, by the path
    /// that the user gave). `None` if a path like this cannot name anything.
    ///
    /// Of an import the path begins with `./` or `../` and does not have the `.qp` yet.
    fn locate(&self, importer: Option<&Location>, path: &str) -> Option<Location>;

    /// The bytes of a source.
    ///
    /// # Errors
    /// There is nothing that can be read.
    fn read(&self, location: &Location) -> io::Result<Vec<u8>>;

    /// The bytes of the program itself. Whoever has named it may have named what modules may not be, such as a pipe.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_program(&self, location: &Location) -> io::Result<Vec<u8>> {
        self.read(location)
    }

    /// Paths that an importer could have meant, as it would write them.
    fn candidates(&self, _importer: Option<&Location>, _path: &str) -> Vec<String> {
        Vec::new()
    }
}

/// A place that a resolver found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// What makes it the same module however it is reached.
    pub id: String,
    /// The name that diagnostics and traces show.
    pub name: String,
}

/// Bytes of the largest file that is read: some files never end.
const LARGEST: u64 = 64 << 20;

/// Modules are files beside the file that imports them. Names are shown relative, as the user gave the first path.
#[derive(Clone, Copy, Default, Debug)]
pub struct Files;

impl Resolver for Files {
    fn locate(&self, importer: Option<&Location>, path: &str) -> Option<Location> {
        let name = match importer {
            None => path.to_owned(),
            Some(importer) => {
                let folder = Path::new(&importer.name).parent().unwrap_or(Path::new(""));
                format!("{}.qp", tidy(&folder.join(path)).display())
            }
        };
        let id = match std::fs::canonicalize(&name) {
            Ok(path) => path.to_string_lossy().into_owned(),
            // Reading it will say why.
            Err(_) => name.clone(),
        };
        Some(Location { id, name })
    }

    fn read(&self, location: &Location) -> io::Result<Vec<u8>> {
        bytes_of(open_file(Path::new(&location.name))?)
    }

    fn read_program(&self, location: &Location) -> io::Result<Vec<u8>> {
        read_program(Path::new(&location.name))
    }

    fn candidates(&self, importer: Option<&Location>, path: &str) -> Vec<String> {
        let Some(importer) = importer else { return Vec::new() };
        let (folder, _) = path.rsplit_once('/').unwrap_or((".", path));
        let base = Path::new(&importer.name).parent().unwrap_or(Path::new(""));
        let Ok(entries) = std::fs::read_dir(tidy(&base.join(folder)).join(".")) else { return Vec::new() };
        entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|file| Some(format!("{folder}/{}", file.strip_suffix(".qp")?)))
            .collect()
    }
}

/// The bytes of a program that somebody has named, a pipe or device included; no more than a source may have.
///
/// # Errors
/// Those of the file system.
pub fn read_program(path: &Path) -> io::Result<Vec<u8>> {
    bytes_of(File::open(path)?)
}

fn bytes_of(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than a source may be (64 MiB)"));
    }
    Ok(bytes)
}

/// The files of one folder and below it, for a program that may reach no others: what it imports is there when all links
/// are resolved. Where the folder is not known there are none.
#[derive(Clone, Debug)]
pub struct FilesBelow {
    /// The folder, without links.
    folder: Option<PathBuf>,
}

impl FilesBelow {
    /// Those beside the program with this path, which may itself be a link to anywhere.
    pub fn beside(program: &str) -> FilesBelow {
        FilesBelow { folder: folder_of(Path::new(program)).canonicalize().ok() }
    }

    /// None, for programs that come from no file.
    pub fn none() -> FilesBelow {
        FilesBelow { folder: None }
    }

    /// Opens a file of this name if that is below the folder.
    fn open(&self, name: &Path) -> io::Result<File> {
        let Some(folder) = &self.folder else {
            let text = "a program that is in no file imports none where files are denied";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        };
        let denied = || {
            let text = format!("it is not below `{}`, and files elsewhere are denied", folder.display());
            Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
        };
        // Of what is elsewhere not even that it is there is told, and no device is opened.
        if !real(name).is_some_and(|path| path.starts_with(folder)) {
            return denied();
        }
        let file = open_file(name)?;
        match is_below(&file, name, folder)? {
            true => Ok(file),
            false => denied(),
        }
    }
}

impl Resolver for FilesBelow {
    fn locate(&self, importer: Option<&Location>, path: &str) -> Option<Location> {
        Files.locate(importer, path)
    }

    fn read(&self, location: &Location) -> io::Result<Vec<u8>> {
        bytes_of(self.open(Path::new(&location.name))?)
    }

    fn read_program(&self, location: &Location) -> io::Result<Vec<u8>> {
        Files.read_program(location)
    }

    fn candidates(&self, importer: Option<&Location>, path: &str) -> Vec<String> {
        let there = Files.locate(importer, path).and_then(|location| real(Path::new(&location.name)));
        match (there, &self.folder) {
            (Some(there), Some(folder)) if there.starts_with(folder) => Files.candidates(importer, path),
            _ => Vec::new(),
        }
    }
}

/// Where a name leads when all links are resolved; for what is not there, where the folders of it that are there lead.
fn real(name: &Path) -> Option<PathBuf> {
    std::iter::successors(Some(name), |name| (!name.as_os_str().is_empty()).then(|| folder_of(name)))
        .find_map(|name| name.canonicalize().ok())
}

/// Whether an opened file is below a folder. Who may change links could have led the name elsewhere since it was looked
/// at, so the file itself is asked.
#[cfg(target_os = "linux")]
fn is_below(file: &File, name: &Path, folder: &Path) -> io::Result<bool> {
    use std::os::fd::AsRawFd;
    match std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
        Ok(path) => Ok(path.starts_with(folder)),
        // Not every machine shows its processes.
        Err(_) => is_still_below(file, name, folder),
    }
}

#[cfg(not(target_os = "linux"))]
fn is_below(file: &File, name: &Path, folder: &Path) -> io::Result<bool> {
    is_still_below(file, name, folder)
}

/// Whether a name leads to this file, and that is below a folder.
#[cfg(unix)]
fn is_still_below(file: &File, name: &Path, folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let path = name.canonicalize()?;
    // Without following what may have become a link since.
    let (this, named) = (file.metadata()?, std::fs::symlink_metadata(&path)?);
    Ok(path.starts_with(folder) && (this.dev(), this.ino()) == (named.dev(), named.ino()))
}

#[cfg(not(unix))]
fn is_still_below(_: &File, name: &Path, folder: &Path) -> io::Result<bool> {
    Ok(name.canonicalize()?.starts_with(folder))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Modules held in memory, by paths such as `lib/geometry.qp`.
#[derive(Clone, Default, Debug)]
pub struct Memory {
    sources: BTreeMap<String, String>,
}

impl Memory {
    /// No modules.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Adds a source under a path with `.qp`.
    pub fn with(mut self, path: impl Into<String>, text: impl Into<String>) -> Memory {
        self.sources.insert(path.into(), text.into());
        self
    }
}

impl Resolver for Memory {
    fn locate(&self, importer: Option<&Location>, path: &str) -> Option<Location> {
        let id = match importer {
            None => path.to_owned(),
            Some(importer) => {
                let folder = Path::new(&importer.name).parent().unwrap_or(Path::new(""));
                format!("{}.qp", tidy(&folder.join(path)).to_str()?)
            }
        };
        Some(Location { name: id.clone(), id })
    }

    fn read(&self, location: &Location) -> io::Result<Vec<u8>> {
        match self.sources.get(&location.id) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn candidates(&self, importer: Option<&Location>, path: &str) -> Vec<String> {
        let (folder, _) = path.rsplit_once('/').unwrap_or((".", path));
        let Some(here) = self.locate(importer, &format!("{folder}/x")) else { return Vec::new() };
        let here = Path::new(&here.id).parent();
        self.sources
            .keys()
            .filter(|key| Path::new(key).parent() == here)
            .filter_map(|key| Some(format!("{folder}/{}", Path::new(key).file_stem()?.to_str()?)))
            .collect()
    }
}

/// The path without `.` and with `..` taken back where that is possible by the text alone.
///
/// Going back over a symbolic link would lead elsewhere, so only names that the path itself spelled out are taken back;
/// for files that is what the importing text says.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_tidied() {
        let tidied = |path: &str| tidy(Path::new(path)).to_str().unwrap().to_owned();
        assert_eq!(tidied("a/b/./../c"), "a/c");
        assert_eq!(tidied("../a/../../b"), "../../b");
        assert_eq!(tidied("./a"), "a");
        assert_eq!(tidied("/a/../../b"), "/../b");
    }

    /// Somebody changes a link between a file of the folder and one elsewhere as fast as that goes.
    #[cfg(unix)]
    #[test]
    fn whoever_changes_links_gets_nothing_from_elsewhere() {
        use std::os::unix::fs::symlink;
        use std::sync::atomic::{AtomicBool, Ordering};
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("program");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("own.qp"), "own").unwrap();
        std::fs::write(place.path().join("secret.qp"), "secret").unwrap();
        let program = folder.join("main.qp");
        let files = FilesBelow::beside(program.to_str().unwrap());
        let name = folder.join("link.qp");
        symlink("own.qp", &name).unwrap();
        let location = Location { id: "link".to_owned(), name: name.to_str().unwrap().to_owned() };
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for to in ["../secret.qp", "own.qp"].iter().cycle().take_while(|_| !over.load(Ordering::Relaxed)) {
                    let new = folder.join("new.qp");
                    symlink(to, &new).unwrap();
                    std::fs::rename(&new, &name).unwrap();
                }
            });
            let (mut own, mut denied) = (0, 0);
            for _ in 0..3_000 {
                match files.read(&location) {
                    Ok(bytes) => {
                        assert_eq!(bytes, b"own");
                        own += 1;
                    }
                    Err(_) => denied += 1,
                }
                // Where the system does not say which file is open, the name is looked at once more.
                let still = open_file(&name)
                    .and_then(|file| Ok((is_still_below(&file, &name, &folder.canonicalize()?)?, file)));
                if let Ok((true, file)) = still {
                    assert_eq!(bytes_of(file).unwrap(), b"own");
                }
            }
            over.store(true, Ordering::Relaxed);
            assert!(own > 0 && denied > 0, "{own} {denied}");
        });
    }

    #[test]
    fn a_module_in_memory_is_found_beside_its_importer() {
        let memory = Memory::new().with("lib/a.qp", "").with("lib/b.qp", "").with("c.qp", "");
        let a = memory.locate(None, "lib/a.qp").unwrap();
        let b = memory.locate(Some(&a), "./b").unwrap();
        assert_eq!(b.id, "lib/b.qp");
        assert!(memory.read(&b).is_ok());
        assert_eq!(memory.locate(Some(&b), "../c").unwrap().id, "c.qp");
        assert_eq!(memory.candidates(Some(&a), "./bb"), ["./a", "./b"]);
    }
}
