//! What fuzzing has found worth keeping runs through the same functions as there.

#[path = "../fuzz/bodies/mod.rs"]
#[allow(dead_code, reason = "some helpers are for other tests")]
mod bodies;

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn the_corpus_of_fuzzing() {
    for (name, body) in bodies::ALL {
        let files = files(Path::new("fuzz/corpus").join(name));
        assert!(!files.is_empty(), "the corpus of {name} is gone");
        for file in files {
            println!("{}", file.display());
            body(&fs::read(&file).unwrap());
        }
    }
}

#[test]
fn images_taken_apart_are_put_together_again() {
    for file in files("tests/golden/images").iter().filter(|file| file.extension().is_some_and(|it| it == "qpi")) {
        let bytes = fs::read(file).unwrap();
        assert!(bodies::assemble(&bodies::take_apart(&bytes)) == bytes, "{}", file.display());
    }
}

/// What fuzzing begins with. Run it by name to fill an empty corpus.
#[test]
#[ignore = "it writes"]
fn write_the_seeds() {
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = Path::new("fuzz/corpus").join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    };
    for file in files("tests/golden/images").iter().filter(|file| file.extension().is_some_and(|it| it == "qpi")) {
        let (name, bytes) = (file.file_stem().unwrap().to_str().unwrap(), fs::read(file).unwrap());
        write("image_raw", name, &bytes);
        let parts = bodies::take_apart(&bytes);
        write("image_struct", name, &parts);
        write("image_run", name, &parts);
        write("code_check", name, &bodies::only_code(&parts));
    }
    for folder in files("tests/scripts").iter().filter(|folder| folder.is_dir()) {
        for (file, index) in files(folder).iter().filter(|file| file.is_file()).zip(0..) {
            let text = fs::read(file).unwrap();
            // They are many, and much alike.
            if index % 3 == 0 && text.len() < 1500 {
                let (folder, name) = (folder.file_name().unwrap(), file.file_stem().unwrap());
                write("source", &format!("{}_{}", folder.display(), name.display()), &text);
            }
        }
    }
    #[cfg(feature = "actor")]
    {
        bodies::strangers().iter().for_each(|(name, bytes)| write("wire_preauth", name, bytes));
        bodies::conversations().iter().for_each(|(name, bytes)| write("wire_session", name, bytes));
    }
    for seed in 0..40u8 {
        let bytes: Vec<u8> = (0..200u32).map(|i| ((i * i * 31 + i * u32::from(seed) * 7) >> 3) as u8).collect();
        write("roundtrip", &format!("{seed}"), &bytes);
        write("code_check", &format!("made_{seed}"), &[&[1], &bytes[..]].concat());
    }
}
