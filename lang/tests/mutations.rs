//! Damaged scripts: whatever stands in a source, the front end ends with code or with errors of the source.

use std::path::Path;

use crate::damage::{Numbers, damage, pieces};
use crate::front::{Anything, compile_text, compile_text_for};

#[test]
fn damaged_scripts_are_compiled_or_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scripts");
    let rounds = std::env::var("MUTATIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    let mut numbers = Numbers(7);
    let mut scripts = Vec::new();
    for folder in std::fs::read_dir(root).unwrap() {
        let Ok(files) = std::fs::read_dir(folder.unwrap().path()) else { continue };
        scripts.extend(files.map(|file| file.unwrap().path()).filter(|path| path.is_file()));
    }
    scripts.sort();
    for path in &scripts {
        let pieces = pieces(&std::fs::read_to_string(path).unwrap());
        for _ in 0..rounds {
            let text = damage(&pieces, &mut numbers);
            let errors = compile_text(&text).err().unwrap_or_default();
            let permitted = compile_text_for(&text, &Anything).err().unwrap_or_default();
            for error in errors.iter().chain(&permitted) {
                let ours = error.title.contains("the compiler cannot express");
                assert!(!ours, "{}: {error:?}\n{text}", path.display());
            }
        }
    }
}
