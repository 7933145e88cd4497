//! Dependencies keep to `deny.toml`, also where no `cargo deny` is there to say so: what licences they have, where they come
//! from, and that each says which versions of others it takes.

use std::process::Command;

use serde_json::Value;

/// All packages that some build can have, as cargo knows them.
fn packages() -> Vec<Value> {
    let metadata = |words: &[&str]| {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["metadata", "--format-version", "1", "--locked", "--all-features"]).args(words).output().unwrap()
    };
    // Packages of other systems may not be here, and no network to fetch them.
    let mut output = metadata(&[]);
    if !output.status.success() {
        let host = Command::new("rustc").arg("-vV").output().unwrap();
        let host = String::from_utf8(host.stdout).unwrap();
        let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        output = metadata(&["--offline", "--filter-platform", host]);
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The texts between quotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

/// The line of `deny.toml` that begins so, behind it.
fn line<'t>(deny: &'t str, begin: &str) -> &'t str {
    deny.lines().find_map(|line| line.strip_prefix(begin)).unwrap_or_else(|| panic!("deny.toml has no `{begin}`"))
}

/// Whether an expression of licences can be kept with these: `OR`, of old `/`, below it `AND`, and parentheses.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "~WITH~");
    let words: Vec<String> = spaced.split_whitespace().map(|word| word.replace("~WITH~", " WITH ")).collect();
    let (mut at, mut ok) = (0, true);
    let kept = either(&words, &mut at, allowed, &mut ok);
    kept && ok && at == words.len()
}

fn either(words: &[String], at: &mut usize, allowed: &[&str], ok: &mut bool) -> bool {
    let mut kept = both(words, at, allowed, ok);
    while words.get(*at).is_some_and(|word| word == "OR") {
        *at += 1;
        kept |= both(words, at, allowed, ok);
    }
    kept
}

fn both(words: &[String], at: &mut usize, allowed: &[&str], ok: &mut bool) -> bool {
    let mut kept = one(words, at, allowed, ok);
    while words.get(*at).is_some_and(|word| word == "AND") {
        *at += 1;
        kept &= one(words, at, allowed, ok);
    }
    kept
}

fn one(words: &[String], at: &mut usize, allowed: &[&str], ok: &mut bool) -> bool {
    *at += 1;
    match words.get(*at - 1).map(String::as_str) {
        Some("(") => {
            let kept = either(words, at, allowed, ok);
            *ok &= words.get(*at).is_some_and(|word| word == ")");
            *at += 1;
            kept
        }
        Some(name) => allowed.contains(&name),
        None => {
            *ok = false;
            false
        }
    }
}

#[test]
fn licences_are_those_that_are_allowed() {
    let deny = std::fs::read_to_string("deny.toml").unwrap();
    let allowed = quoted(line(&deny, "allow = "));
    let exceptions = quoted(line(&deny, "exceptions = "));
    assert!(exceptions.len().is_multiple_of(2), "deny.toml: an exception is one licence and one crate");
    let packages = packages();
    assert!(packages.len() > 100);
    for package in &packages {
        let (name, licence) = (package["name"].as_str().unwrap(), package["license"].as_str().unwrap_or("none"));
        let mut allowed = allowed.clone();
        allowed.extend(exceptions.chunks(2).filter(|exception| exception[1] == name).map(|exception| exception[0]));
        assert!(is_allowed(licence, &allowed), "{name}: {licence}");
    }
}

#[test]
fn sources_are_the_registry_and_versions_are_said() {
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let source = package["source"].as_str();
        assert!(
            source.is_none_or(|source| source.starts_with("registry+https://github.com/rust-lang/crates.io-index")),
            "{name}: {source:?}"
        );
        let own = source.is_none();
        for needed in package["dependencies"].as_array().unwrap().iter().filter(|_| own) {
            let wild = needed["req"] == "*" && needed["path"].is_null();
            assert!(!wild, "{name} takes any version of {}", needed["name"]);
        }
    }
}

#[test]
fn expressions_are_read_as_meant() {
    let allowed = ["MIT", "Apache-2.0 WITH LLVM-exception", "Zlib"];
    for (expression, is) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(GPL-3.0 OR MIT) AND Zlib", true),
        ("MIT OR GPL-3.0 AND BSL-1.0", true),
        ("Apache-2.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("(MIT", false),
        ("MIT OR", false),
        ("none", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), is, "{expression}");
    }
}
