//! "Did you mean": the name that somebody probably meant.

/// The name closest to `wanted` among `names`, if any is close enough to be what was meant.
pub fn closest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let first = wanted.chars().next();
    let near = names.into_iter().filter(|name| *name != wanted).filter_map(|name| {
        let begins_alike = name.chars().next() == first;
        let distance = distance(wanted, name, begins_alike)?;
        // The order of the names must not decide: some hosts have none.
        Some((distance, !begins_alike, name))
    });
    near.min().map(|(_, _, name)| name)
}

/// How many letters must change for a name to be another; None if it is too far away. Short names are near to many
/// others, so that little may differ.
fn distance(wanted: &str, name: &str, begins_alike: bool) -> Option<usize> {
    if wanted.eq_ignore_ascii_case(name) {
        return Some(0);
    }
    let distance = strsim::osa_distance(wanted, name);
    let allowed = match wanted.chars().count().min(name.chars().count()) {
        0..=3 => usize::from(begins_alike || begins_swapped(wanted, name)),
        4..=5 => 1 + usize::from(begins_alike),
        6..=8 => 2,
        _ => 3,
    };
    (distance <= allowed).then_some(distance)
}

/// Whether the first two letters have changed places.
fn begins_swapped(wanted: &str, name: &str) -> bool {
    let (mut wanted, mut name) = (wanted.chars(), name.chars());
    let (first, second) = (wanted.next(), wanted.next());
    second.is_some() && second == name.next() && first == name.next()
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn the_closest_name_is_one_that_was_meant() {
        let near = |wanted, name| closest(wanted, [name]).is_some();
        for (wanted, name) in [
            ("lenght", "length"),
            ("od", "odd"),
            ("lne", "len"),
            ("nel", "enl"),
            ("totl", "total"),
            ("pirnt", "print"),
            ("Math", "math"),
            ("JSON", "json"),
            ("stringfy", "stringify"),
        ] {
            assert!(near(wanted, name), "{wanted} {name}");
        }
        for (wanted, name) in
            [("math", "hash"), ("self", "set"), ("map", "max2"), ("sum", "num"), ("foo", "bool"), ("", "a")]
        {
            assert!(!near(wanted, name), "{wanted} {name}");
        }
        assert_eq!(closest("mix", ["max", "min"]), Some("max"));
    }
}
