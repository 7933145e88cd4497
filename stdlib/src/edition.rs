//! The engine edition: a hash of everything that what a call gives depends on beside its code and arguments.
//!
//! A code hash names instructions. What they give also depends on the library, on messages, and on tables such as that of
//! upper and lower case. Whoever keeps what a call gave keeps the engine edition with it, and knows later why it may give
//! something else. It is that of the whole library, whatever a build leaves out or a host grants.
//!
//! Natives are functions in Rust, which have no hash. `natives.txt` has a number for each, which grows when what it gives
//! changes; `GOLDEN=write` adds what is new there.

use std::sync::OnceLock;

use quipu_code::EDITION;

use crate::source;

/// Under which engine editions are hashed; kind and version in one.
const CONTEXT: &str = "quipu engine edition v1";

/// Numbers for natives, and for what else has none.
const NATIVES: &str = include_str!("natives.txt");

quipu_code::hashes! {
    /// A hash that is the same for engines whose calls give the same.
    pub struct EngineEdition;
}

/// The edition of this engine.
pub fn engine_edition() -> EngineEdition {
    static EDITION_HERE: OnceLock<EngineEdition> = OnceLock::new();
    *EDITION_HERE.get_or_init(|| {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        let mut add = |part: &[u8]| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        add(&EDITION.to_le_bytes());
        for (name, code) in source::WRITTEN {
            add(name.as_bytes());
            add(&code.0);
        }
        NATIVES.lines().filter(|line| !line.starts_with('#')).for_each(|line| add(line.as_bytes()));
        let (major, minor, update) = char::UNICODE_VERSION;
        add(&[major, minor, update]);
        add(&UNICODE_OF_PATTERNS);
        EngineEdition(hasher.finalize().into())
    })
}

/// The version of Unicode by which regular expressions know classes, in builds without them as well.
const UNICODE_OF_PATTERNS: [u8; 2] = [16, 0];

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeMap;
    use std::path::Path;

    use crate::entry::Entry;
    use crate::library::{METHODS, PLAIN};
    use crate::module::DECLARATIONS;

    /// What has numbers by hand: the machine itself, and the texts and kinds of its errors and the library's.
    const OTHERS: [&str; 2] = ["machine", "messages"];

    /// Crates whose code decides what natives give.
    const CRATES: [&str; 6] = ["csv", "data-encoding", "libm", "regex", "regex-automata", "regex-syntax"];

    const HEAD: &str = "\
# What the engine edition is made of beside code objects. A line is a thing and its number; raise the number when what the
# thing gives for the same arguments changes, its errors included. `GOLDEN=write cargo test -p quipu-stdlib --all-features
# edition` adds what is new, takes away what is gone, and changes no number.
";

    /// The lines that there have to be, without their numbers.
    fn things() -> Vec<String> {
        let mut things: Vec<String> = OTHERS.iter().map(|name| name.to_string()).collect();
        let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).unwrap();
        for name in CRATES {
            let at = lock.find(&format!("name = \"{name}\"\n")).unwrap();
            let version = lock[at..].lines().nth(1).and_then(|line| line.strip_prefix("version = ")).unwrap();
            things.push(format!("crate {name} {}", version.trim_matches('"')));
        }
        let native = |of: &str, entry: &Entry| {
            let parameters = entry.parameters();
            let more = if parameters.rest { ".." } else { "" };
            format!("native {of}{} {}+{}{more}", entry.name(), parameters.required, parameters.optional)
        };
        let mut natives: Vec<String> = PLAIN.iter().copied().flatten().map(|entry| native("", entry)).collect();
        for (of, methods) in METHODS {
            natives.extend(methods.iter().map(|entry| native(&format!("{of}."), entry)));
        }
        for module in DECLARATIONS {
            let of = format!("{}.", module.name);
            natives.extend((module.natives)().into_iter().map(|entry| native(&of, entry)));
            natives.extend(module.constants.iter().map(|value| format!("constant {of}{}", value.name)));
        }
        natives.sort();
        natives.dedup();
        things.extend(natives);
        things
    }

    #[cfg(all(feature = "fs", feature = "os", feature = "io", feature = "time", feature = "regex", feature = "csv"))]
    #[test]
    fn every_native_has_a_number() {
        let line = |line: &str| {
            let (thing, number) = line.rsplit_once(' ').expect("a thing and its number");
            (thing.to_owned(), number.parse::<u32>().expect("a number"))
        };
        let stored: BTreeMap<String, u32> = NATIVES.lines().filter(|line| !line.starts_with('#')).map(line).collect();
        if std::env::var_os("GOLDEN").is_some() && cfg!(feature = "net") {
            let number = |thing: &String| stored.get(thing).copied().unwrap_or(1);
            let lines = things().into_iter().map(|thing| format!("{thing} {}\n", number(&thing)));
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/natives.txt");
            std::fs::write(path, HEAD.to_owned() + &lines.collect::<String>()).unwrap();
            return;
        }
        let is_built = |thing: &&String| cfg!(feature = "net") || !thing.starts_with("native _actor");
        let mut stored: Vec<String> = stored.keys().filter(is_built).cloned().collect();
        let mut there = things();
        stored.sort();
        there.sort();
        let gone: Vec<_> = stored.iter().filter(|thing| !there.contains(thing)).collect();
        let new: Vec<_> = there.iter().filter(|thing| !stored.contains(thing)).collect();
        assert!(
            gone.is_empty() && new.is_empty(),
            "stdlib/src/natives.txt lacks {new:?} and has {gone:?}: write it anew with GOLDEN=write, and raise the numbers of \
             what gives something else"
        );
    }

    #[test]
    fn files_that_a_build_leaves_out_count() {
        assert!(source::WRITTEN.iter().any(|(name, _)| *name == "std/actor.qp"));
    }

    #[test]
    fn tables_have_versions() {
        // The newest that they know an age for.
        #[cfg(feature = "regex")]
        {
            let known = |&[major, minor]: &[u8; 2]| regex_syntax::parse(&format!("\\p{{Age={major}.{minor}}}")).is_ok();
            let versions = (1..64).rev().flat_map(|major| [[major, 1], [major, 0]]);
            assert_eq!(versions.into_iter().find(known), Some(UNICODE_OF_PATTERNS));
        }
        assert_eq!(engine_edition().to_string().len(), 64);
    }
}
