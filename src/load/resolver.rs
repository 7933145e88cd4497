//! Where modules come from: files, memory, or what an embedder has.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

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
    fn read(&self, location: &Location) -> io::Result<Vec<u8>>;

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
        let mut bytes = Vec::new();
        std::fs::File::open(&location.name)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than a source may be (64 MiB)"));
        }
        Ok(bytes)
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
