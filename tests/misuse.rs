//! What the compiler has to refuse: every file in `misuse/` is a mistake, and beside it stands what the compiler says.
//!
//! The files are compiled against the library that this test is linked with, so that nothing has to be built for them.
//! `UPDATE=1` writes the expected output anew.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::{assert_all, parallel};

#[test]
fn misuse_does_not_compile() {
    let mut files: Vec<PathBuf> = fs::read_dir("tests/misuse").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    assert!(files.len() > 10);
    let library = library();
    let results = parallel(files.clone(), Duration::from_secs(120), move |file| attempt(&library, file));
    assert_all(files.iter().map(|file| file.to_str().unwrap()), results);
}

/// The library as it was built last, in the folder of this very test.
fn library() -> PathBuf {
    let folder = env::current_exe().unwrap().parent().unwrap().to_owned();
    let is_library = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with("libquipu-") && name.ends_with(".rlib")
    };
    let built = |file: &PathBuf| file.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(is_library).max_by_key(built).expect("the library has been built")
}

fn attempt(library: &Path, file: &Path) -> Result<(), String> {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(compiler);
    command.args(["--edition=2024", "--emit=metadata", "--error-format=short", "--color=never", "-o"]);
    command.arg(env::temp_dir().join(format!("quipu-misuse-{}-{:?}", std::process::id(), file.file_stem())));
    command.arg("-L").arg(library.parent().unwrap());
    command.arg("--extern").arg(format!("quipu={}", library.display())).arg(file);
    let output = command.output().map_err(|error| error.to_string())?;
    // One line for each place: what is said of the inside of machines changes with them.
    let mut places = HashSet::new();
    let mut said = String::new();
    for line in String::from_utf8_lossy(&output.stderr).replace('\\', "/").lines() {
        if let Some((place, _)) = line.split_once(": ").filter(|(place, _)| place.contains(".rs:"))
            && places.insert(place.to_owned())
        {
            said += &format!("{line}\n");
        }
    }
    if output.status.success() {
        return Err("it compiles".to_owned());
    }
    let stored = file.with_extension("stderr");
    if env::var_os("UPDATE").is_some() {
        fs::write(&stored, &said).unwrap();
    }
    let expected = fs::read_to_string(&stored).map_err(|error| format!("{}: {error}", stored.display()))?;
    if said == expected { Ok(()) } else { Err(format!("expected:\n{expected}got:\n{said}")) }
}
