//! Which parts of this crate may name which: a second door fails here.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What a part may name, beside itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("macros.rs", &[]),
    ("identity.rs", &[]),
    ("call.rs", &["identity"]),
    ("recent.rs", &[]),
    ("clock.rs", &[]),
    ("address.rs", &[]),
    ("store", &["identity"]),
    ("wire", &["call", "identity"]),
    ("key_file.rs", &["wire"]),
    ("socket.rs", &["address"]),
    ("node", &["call", "identity", "recent", "clock", "store"]),
    ("server", &["call", "identity", "recent", "clock", "address", "store", "node", "wire", "socket"]),
    ("client", &["call", "identity", "recent", "address", "wire", "key_file", "socket"]),
];

/// The files of a folder and those below, or the one that it is.
fn sources(place: &Path) -> Vec<PathBuf> {
    match place.is_dir() {
        true => fs::read_dir(place).unwrap().flat_map(|entry| sources(&entry.unwrap().path())).collect(),
        false if place.extension().is_some_and(|extension| extension == "rs") => vec![place.to_owned()],
        false => Vec::new(),
    }
}

/// Lines outside of comments and tests that have one of these words, with their places.
fn lines(place: &str, is_found: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in sources(&Path::new("src").join(place)) {
        let text = fs::read_to_string(&file).unwrap();
        let body = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (line, number) in body.lines().zip(1..) {
            let code = line.split("//").next().unwrap_or_default();
            if is_found(code) {
                found.push(format!("{}:{number}: {}", file.display(), line.trim()));
            }
        }
    }
    found
}

/// The parts that a line names by their way from the root of the crate.
fn named(code: &str) -> impl Iterator<Item = &str> {
    let end = |rest: &str| rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    code.split("crate::").skip(1).map(move |rest| &rest[..end(rest)])
}

#[test]
fn parts_name_only_those_below_them() {
    for (place, below) in ROOMS {
        let own = place.trim_end_matches(".rs");
        let wrong = lines(place, |code| named(code).any(|name| name != own && !below.contains(&name)));
        assert!(wrong.is_empty(), "`{place}` may name only {below:?}:\n{}", wrong.join("\n"));
        // It could be named from below otherwise.
        assert_eq!(lines(place, |code| code.contains("super::super")), Vec::<String>::new());
    }
}

#[test]
fn every_part_has_its_place_in_the_table() {
    for entry in fs::read_dir("src").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_there = ROOMS.iter().any(|(place, _)| *place == name) || name == "lib.rs";
        assert!(is_there, "`{name}` is not in the table of what may be named");
    }
}

/// What the files of a folder give on: the file, from where, and the name.
fn given_on(folder: &str) -> Vec<(String, String, String)> {
    let mut given = Vec::new();
    for file in sources(Path::new(folder)) {
        let text = fs::read_to_string(&file).unwrap();
        for used in text.split("\npub use ").skip(1).filter_map(|rest| rest.split(';').next()) {
            let (from, names) = used.rsplit_once("::").unwrap_or(("", used));
            let names = names.split(['{', '}', ',']).map(str::trim).filter(|name| !name.is_empty());
            given.extend(names.map(|name| (file.display().to_string(), from.to_owned(), name.to_owned())));
        }
    }
    given
}

#[test]
fn what_is_public_has_one_place_and_a_name_of_its_own() {
    let mut places = HashMap::new();
    for (file, from, name) in given_on("src") {
        assert!(!from.starts_with("crate"), "{file}: `{name}` is given on by another part");
        let other = places.insert(name.clone(), file.clone());
        assert_eq!(other, None, "{file}: `{name}` has two places");
    }
    assert!(places.len() > 60, "{}", places.len());
    let others: Vec<_> =
        ["../code/src", "../lang/src", "../vm/src", "../stdlib/src", "../src"].into_iter().flat_map(given_on).collect();
    assert!(others.len() > 200, "{}", others.len());
    for (file, _, name) in others.iter().filter(|(.., name)| name.starts_with(char::is_uppercase)) {
        assert_eq!(places.get(name), None, "`{name}` means something else in {file}");
    }
}

#[test]
fn only_the_clock_asks_the_system_for_the_time() {
    for place in ["call.rs", "recent.rs", "store", "wire", "node", "server"] {
        let asks = [
            "Instant",
            "Moment::now",
            "SystemTime",
            ".elapsed()",
            "park_timeout",
            "sleep_until",
            " timeout(",
            "::timeout",
        ];
        let wrong = lines(place, |code| asks.iter().any(|word| code.contains(word)));
        assert!(wrong.is_empty(), "only `clock.rs` may ask the system:\n{}", wrong.join("\n"));
    }
}
