//! What methods are called in other languages.

/// Methods as other languages call them, and ours, of which a type has at most one.
const METHODS: [(&str, &[&str]); 24] = [
    ("append", &["push", "add"]),
    ("push_back", &["push"]),
    ("add", &["push"]),
    ("length", &["len"]),
    ("size", &["len"]),
    ("includes", &["contains", "has"]),
    ("contains", &["has"]),
    ("has", &["contains"]),
    ("has_key", &["has"]),
    ("containsKey", &["has"]),
    ("delete", &["remove", "remove_at"]),
    ("remove", &["remove_at"]),
    ("entries", &["items"]),
    ("setdefault", &["get_or_insert"]),
    ("forEach", &["each"]),
    ("for_each", &["each"]),
    ("every", &["all"]),
    ("some", &["any"]),
    ("strip", &["trim"]),
    ("toUpperCase", &["upper"]),
    ("toLowerCase", &["lower"]),
    ("uppercase", &["upper"]),
    ("lowercase", &["lower"]),
    ("next", &["resume"]),
];

/// What may be meant by a name.
pub(crate) fn names(name: &str) -> &'static [&'static str] {
    METHODS.iter().find(|(foreign, _)| *foreign == name).map_or(&[], |(_, ours)| ours)
}

/// Methods that take a function where other languages take a value, and what takes the value here.
const OF_VALUES: [(&str, &str); 6] = [
    ("list.find", "`index_of(x)` looks for a value"),
    ("list.find_index", "`index_of(x)` looks for a value"),
    ("list.count", "`count(|x| x == v)` counts a value"),
    ("list.any", "`contains(x)` looks for a value"),
    ("list.reduce", "`fold(init, f)` begins with a value"),
    ("map.get_or_insert", "`get_or_insert(k, || v)` puts a value"),
];

/// Methods that call their function with one value, for whom it may be one that wants positions.
const EACH: [&str; 14] = [
    "map",
    "filter",
    "each",
    "flat_map",
    "any",
    "all",
    "find",
    "find_index",
    "count",
    "partition",
    "group_by",
    "take_while",
    "drop_while",
    "sorted_by",
];

/// What a function of the library may have been meant to be called with, in place of a function of so many arguments, or
/// of none.
pub(crate) fn callback(function: &str, takes: Option<usize>) -> Option<String> {
    let (of, method) = function.split_once('.').unwrap_or(("", function));
    match (of, method, takes) {
        (_, _, None) => OF_VALUES.iter().find(|(name, _)| *name == function).map(|(_, advice)| (*advice).to_owned()),
        ("list", method, Some(2)) if EACH.contains(&method) => {
            Some(format!("`enumerate().{method}(|(i, x)| ..)` has the positions too"))
        }
        ("list", "sort" | "sorted", Some(1)) => Some(format!("`{method}_by` takes what gives a key")),
        ("map", "each" | "filter", Some(1)) => Some("a function of two takes key and value".to_owned()),
        _ => None,
    }
}

/// What to call instead of a method that changes what it is called on and gives nil.
pub(crate) fn nothing(method: &str) -> Option<String> {
    let advice = match method {
        "sort" => "`sort` sorts in place and gives nil; `sorted` gives a new list",
        "sort_by" => "`sort_by` sorts in place and gives nil; `sorted_by` gives a new list",
        "reverse" => "`reverse` reverses in place and gives nil; `reversed` gives a new list",
        "extend" => "`extend` adds in place and gives nil; `concat` gives a new list",
        "push" | "insert" | "clear" | "update" | "each" => {
            return Some(format!("`{method}` gives nil"));
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::METHODS as OURS;
    use crate::{Grant, library};

    #[test]
    fn what_is_meant_is_there() {
        let library = library(&Grant::pure());
        let ours: Vec<&str> = OURS.iter().flat_map(|(of, _)| library.methods_of(of)).collect();
        for (foreign, names) in METHODS {
            assert!(!names.is_empty() && names.iter().all(|name| ours.contains(name)), "{foreign}: {names:?}");
        }
    }
}
