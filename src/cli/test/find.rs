//! Which files have tests.

use std::ffi::OsString;
use std::path::Path;

use super::super::input::utf8;

/// The test files that words of the command line mean, and the words that are no paths.
pub(super) fn files(words: &[OsString]) -> Result<(Vec<String>, Vec<String>), String> {
    let words = words.iter().map(utf8).collect::<Result<Vec<String>, String>>()?;
    if let Some(option) = words.iter().find(|word| word.starts_with('-')) {
        return Err(format!("unknown option `{option}`; try `vm test --help`"));
    }
    let (mut paths, filters): (Vec<String>, Vec<String>) = words.into_iter().partition(|word| looks_like_a_path(word));
    if let Some(missing) = paths.iter().find(|path| !Path::new(path).exists()) {
        return Err(format!("there is no `{missing}`"));
    }
    let mut files = Vec::new();
    if paths.is_empty() {
        paths.push(".".to_owned());
    }
    for path in paths {
        match Path::new(&path).is_dir() {
            true => below(Path::new(&path), &mut files),
            // A file that is named is meant, whatever its name.
            false => files.push(path),
        }
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Ok((files, filters))
}

/// Whether a word of the command line can only be a path.
fn looks_like_a_path(word: &str) -> bool {
    word.ends_with(".qp") || word.contains(std::path::MAIN_SEPARATOR) || Path::new(word).exists()
}

/// The test files below a folder, in order. Hidden folders and links to folders are left out.
fn below(folder: &Path, files: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let path = entry.path();
        let path = path.strip_prefix("./").unwrap_or(&path);
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !name.starts_with('.') => below(path, files),
            Ok(kind) if !kind.is_dir() && name.ends_with("_test.qp") => files.extend(path.to_str().map(str::to_owned)),
            _ => {}
        }
    }
}
