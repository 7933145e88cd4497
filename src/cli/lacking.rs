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
    use super::*;

    #[test]
    fn the_feature_that_has_it_is_named() {
        let told = lacking("the command `serve`", "default");
        assert!(told.starts_with("the command `serve` is not in this `vm`") && told.contains("--features default"));
        assert_eq!(LEFT_OUT.is_empty(), cfg!(feature = "serve"));
    }
}
