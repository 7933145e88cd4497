//! What types of this crate have in common: `Debug` that shows nothing, and options that will grow.

/// `Debug` for what has nothing to show but its name: what is in it is much, or a secret.
macro_rules! opaque {
    ($name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

/// Options: each can be read and changed as a field, and set by a method of its name. There will be more of them, so who is
/// outside begins with the usual ones.
#[cfg(any(feature = "client", feature = "server"))]
macro_rules! options {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $name {
            $($(#[$doc])*
            #[must_use]
            pub fn $field(mut self, $field: $type) -> $name {
                self.$field = $field;
                self
            })*
        }
    };
}
