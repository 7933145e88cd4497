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
