//! What this build of `vm` leaves out, and the feature that has it.

/// Why something is not there. `feature` is one of those of the package that builds `vm`.
pub fn lacking(what: &str, feature: &str) -> String {
    format!(
        "{what} is not in this `vm`, which was built without the feature `{feature}`; `cargo install quipu --features \
         {feature}` builds one that has it"
    )
}

/// Commands that are left out, and the features that have them.
pub const LEFT_OUT: &[(&str, &str)] = &[
    #[cfg(not(feature = "serve"))]
    ("serve", "default"),
    #[cfg(not(feature = "serve"))]
    ("call", "default"),
    #[cfg(not(feature = "serve"))]
    ("actor", "default"),
];

#[cfg(test)]
mod tests {
    use super::super::args::COMMANDS;
    use super::*;

    #[test]
    fn every_command_is_there_or_known_to_be_left_out() {
        for name in ["run", "image", "serve", "call", "actor"] {
            let is_left_out = LEFT_OUT.iter().any(|&(left_out, _)| left_out == name);
            assert_ne!(COMMANDS.contains(&name), is_left_out, "{name}");
        }
        assert!(lacking("`serve`", "default").starts_with("`serve` is not in this `vm`"));
    }
}
