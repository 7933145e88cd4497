//! Damaged scripts: whatever stands in a source, the front end ends with code or with errors of the source.

mod front;

use std::path::Path;

use front::{Anything, compile_text, compile_text_for};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// Words and the characters between them, so that damage leaves most of a program standing.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let word = c.is_alphanumeric() || c == '_';
        match pieces.last_mut() {
            Some(piece) if word && in_word => piece.push(c),
            _ => pieces.push(c.to_string()),
        }
        in_word = word;
    }
    pieces
}

fn damage(pieces: &[String], numbers: &mut Numbers) -> String {
    let mut pieces = pieces.to_vec();
    for _ in 0..=numbers.below(3) {
        if pieces.is_empty() {
            break;
        }
        let (at, other) = (numbers.below(pieces.len()), numbers.below(pieces.len()));
        match numbers.below(4) {
            0 => drop(pieces.remove(at)),
            1 => pieces.swap(at, other),
            2 => pieces[at] = pieces[other].clone(),
            _ => {
                let end = (other + numbers.below(12)).min(pieces.len());
                let copied = pieces[other..end].to_vec();
                pieces.splice(at..at, copied);
            }
        }
    }
    pieces.concat()
}

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
