//! The languages that are compared: what runs them, in which version, and how a program is given to them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::list::Entry;
use crate::measure;

/// The key of the language that the others are compared with.
pub const BASE: &str = "lua";

/// The keys of all languages, in the order of the tables.
pub const KEYS: [&str; 8] = ["quipu", BASE, "luajit-off", "luajit", "node-jitless", "node", "python", "rust"];

/// A language, or one way to run it.
pub struct Peer {
    /// What `--peers` calls it.
    pub key: &'static str,
    /// What the tables call it.
    pub title: &'static str,
    /// What it calls itself, with its version.
    pub version: String,
    /// The colour of its dots.
    pub colour: &'static str,
    /// What runs it; the compiler of Rust.
    program: PathBuf,
    options: &'static [&'static str],
    /// How the files of its programs end.
    extension: &'static str,
    /// Arguments that make it do nothing.
    nothing: &'static [&'static str],
}

/// Finds what is installed, and tells of what is not.
pub fn find(vm: &Path, scratch: &Path, missing: &dyn Fn(String)) -> Vec<Peer> {
    let peer = |key, title, colour, program: &Path, options, extension, nothing| {
        let version = version(program, if extension == "lua" { "-v" } else { "--version" });
        match version {
            Some(version) => {
                // Node says no more than a number.
                let number = version.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
                let version = number.map_or_else(|| version.clone(), |number| format!("Node {number}"));
                Some(Peer { key, title, version, colour, program: program.to_owned(), options, extension, nothing })
            }
            None => {
                missing(format!("{title} is not here ({} does not run); left out", program.display()));
                None
            }
        }
    };
    let lua = ["lua5.4", "lua"].map(Path::new).into_iter().find(|lua| is_lua_54(lua)).unwrap_or(Path::new("lua5.4"));
    let luajit = Path::new("luajit");
    let node = Path::new("node");
    let python = python();
    let peers = [
        peer("quipu", "Quipu", "#d62728", vm, &[], "qp", &["-e", "0"]),
        peer(BASE, "Lua 5.4", "#1f4e9c", lua, &[], "lua", &["-e", "local _ = 0"]),
        peer("luajit-off", "LuaJIT, interpreter", "#6fa8dc", luajit, &["-joff"], "lua", &["-e", "local _ = 0"]),
        peer("luajit", "LuaJIT", "#2a9d8f", luajit, &[], "lua", &["-e", "local _ = 0"]),
        peer("node-jitless", "Node, no JIT", "#b5a642", node, &["--jitless", "--no-expose-wasm"], "js", &["-e", "0"]),
        peer("node", "Node", "#e9a23b", node, &[], "js", &["-e", "0"]),
        peer("python", "Python 3", "#8e6bbf", &python, &[], "py", &["-c", "0"]),
        peer("rust", "Rust", "#7f7f7f", Path::new("rustc"), &[], "rs", &[]),
    ];
    let mut peers: Vec<Peer> = peers.into_iter().flatten().collect();
    // A compiler alone is not enough: it needs a linker too.
    if let Some(rust) = peers.iter().position(|peer| peer.key == "rust")
        && let Err(problem) = peers[rust].idle(scratch)
    {
        missing(format!("Rust is left out: {problem}"));
        peers.remove(rust);
    }
    peers
}

impl Peer {
    /// What runs a program at its full size. Programs in Rust are compiled first.
    pub fn command(&self, programs: &Path, entry: &Entry, scratch: &Path) -> Result<Command, String> {
        let file = programs.join(&entry.name).join(format!("{}.{}", entry.name, self.extension));
        let mut command = if self.key == "rust" {
            let binary = scratch.join(&entry.name);
            self.compile(&file, &binary)?;
            Command::new(binary)
        } else {
            let mut command = Command::new(&self.program);
            command.args(self.options).arg(file);
            command
        };
        command.arg(&entry.size);
        Ok(command)
    }

    /// Median of the seconds from start to end of a program that does nothing.
    pub fn start_up(&self, scratch: &Path, runs: u32) -> Result<f64, String> {
        let mut command = self.idle(scratch)?;
        let mut times = Vec::new();
        for _ in 0..runs {
            times.push(measure::run(&mut command)?.wall);
        }
        Ok(measure::median(&mut times))
    }

    /// What runs nothing.
    fn idle(&self, scratch: &Path) -> Result<Command, String> {
        if self.key == "rust" {
            let file = scratch.join("nothing.rs");
            std::fs::write(&file, "fn main() {}\n").map_err(|error| format!("cannot write a program: {error}"))?;
            let binary = scratch.join("nothing");
            self.compile(&file, &binary)?;
            return Ok(Command::new(binary));
        }
        let mut command = Command::new(&self.program);
        command.args(self.options).args(self.nothing);
        Ok(command)
    }

    fn compile(&self, file: &Path, binary: &Path) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.args(["--edition", "2024", "-C", "opt-level=3", "-o"]).arg(binary).arg(file);
        let done = command.output().map_err(|error| format!("cannot start rustc: {error}"))?;
        if done.status.success() {
            return Ok(());
        }
        Err(format!("{} does not compile:\n{}", file.display(), String::from_utf8_lossy(&done.stderr)))
    }
}

fn is_lua_54(program: &Path) -> bool {
    version(program, "-v").is_some_and(|version| version.starts_with("Lua 5.4"))
}

/// The interpreter itself: what `python3` names may be a script that looks for one, which takes longer than the start.
fn python() -> PathBuf {
    let named = PathBuf::from("python3");
    let asked = Command::new(&named).args(["-c", "import sys; print(sys.executable)"]).output();
    let real = asked.ok().filter(|done| done.status.success());
    let real = real.map(|done| PathBuf::from(String::from_utf8_lossy(&done.stdout).trim()));
    real.filter(|real| real.is_file()).unwrap_or(named)
}

/// What a program says about itself: its name, when it says it, and its version.
fn version(program: &Path, option: &str) -> Option<String> {
    let done = Command::new(program).arg(option).output().ok().filter(|done| done.status.success())?;
    let said = if done.stdout.is_empty() { done.stderr } else { done.stdout };
    Some(first_words(String::from_utf8_lossy(&said).lines().next()?).to_owned())
}

/// A line up to what follows the version: copyright, address, commit.
fn first_words(line: &str) -> &str {
    ["  ", " -- ", " ("].iter().filter_map(|end| line.find(end)).min().map_or(line, |end| &line[..end]).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_end_before_what_follows_them() {
        assert_eq!(first_words("Lua 5.4.4  Copyright (C) 1994-2022"), "Lua 5.4.4");
        assert_eq!(first_words("LuaJIT 2.1 -- Copyright (C) 2005-2022"), "LuaJIT 2.1");
        assert_eq!(first_words("rustc 1.95.0 (59807616e 2026-04-14)"), "rustc 1.95.0");
        assert_eq!(first_words("v20.20.2"), "v20.20.2");
    }
}
