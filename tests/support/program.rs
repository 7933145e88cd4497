//! The binary `vm` as tests run it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A run of `vm` with these words.
pub fn vm(words: &[&str]) -> Run {
    with_input(words, "")
}

/// The same in a folder.
pub fn vm_in(folder: &std::path::Path, words: &[&str]) -> Run {
    Run::new(words, command(words).current_dir(folder).stdin(Stdio::null()).output().unwrap())
}

pub fn with_input(words: &[&str], input: &str) -> Run {
    let mut child = command(words).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The program may end without reading.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    Run::new(words, child.wait_with_output().unwrap())
}

pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vm"));
    command.args(words).env_remove("NO_COLOR");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub struct Run {
    words: String,
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn new(words: &[&str], output: Output) -> Run {
        Run {
            words: words.join(" "),
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Run {
        assert_eq!(self.code, code, "vm {}\n{}{}", self.words, self.out, self.err);
        self
    }

    /// Printed exactly this.
    #[track_caller]
    pub fn prints(self, out: &str) -> Run {
        assert_eq!(self.out, out, "vm {}\n{}", self.words, self.err);
        self
    }

    /// Said this, among other things, on standard error.
    #[track_caller]
    pub fn says(self, part: &str) -> Run {
        assert!(self.err.contains(part), "vm {}: no {part:?} in\n{}", self.words, self.err);
        self
    }

    /// Said nothing on standard error.
    #[track_caller]
    pub fn says_nothing(self) -> Run {
        assert_eq!(self.err, "", "vm {}", self.words);
        self
    }
}

/// A file in a folder of its own.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(test: &str) -> Scratch {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}
