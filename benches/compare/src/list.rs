//! The list of programs: `benches/programs/list.txt`.

use std::fs;
use std::path::Path;

/// A program, its size and what it prints.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// The name of its folder and files.
    pub name: String,
    /// Its argument.
    pub size: String,
    /// What it prints.
    pub result: String,
    /// Whether closures are most of what it does.
    pub closures: bool,
}

/// Reads the list.
pub fn read(file: &Path) -> Result<Vec<Entry>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).map(entry).collect()
}

fn entry(line: &str) -> Result<Entry, String> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let (name, size, result, kind) = match columns[..] {
        [name, size, result, _, _] => (name, size, result, None),
        [name, size, result, _, _, kind] => (name, size, result, Some(kind)),
        _ => return Err(format!("the list of programs has five or six columns, not as in {line:?}")),
    };
    let (name, size, result) = (name.to_owned(), size.to_owned(), result.to_owned());
    Ok(Entry { name, size, result, closures: kind == Some("closures") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_five_or_six_columns() {
        let plain = entry("fib  34 5702887  20 6765").unwrap();
        assert_eq!((plain.name.as_str(), plain.size.as_str(), plain.result.as_str()), ("fib", "34", "5702887"));
        assert!(!plain.closures);
        assert!(entry("shared 10 1 2 3 closures").unwrap().closures);
        assert!(entry("fib 34").is_err());
    }
}
