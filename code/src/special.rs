//! Special methods: those of an instance that operators and other forms look for.

macro_rules! specials {
    ($($name:ident $text:literal $params:expr, $seeker:literal;)*) => {
        /// The special methods, by the operator or form that looks for them.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs, non_camel_case_types)]
        #[repr(u8)]
        pub enum Special { $($name),* }

        impl Special {
            /// All of them.
            pub const ALL: &'static [Special] = &[$(Special::$name),*];

            /// The method's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Special::$name => $text,)*
                }
            }

            /// How many parameters it has with `self`, if that is fixed.
            pub const fn params(self) -> Option<usize> {
                match self {
                    $(Special::$name => $params,)*
                }
            }

            /// What does not find the method where it has no `self`, for a sentence that goes on with what it does not do.
            pub const fn seeker(self) -> &'static str {
                match self {
                    $(Special::$name => $seeker,)*
                }
            }
        }
    };
}

specials! {
    str      "str"      Some(1), "`str(..)` does not";
    eq       "eq"       Some(2), "`==` does not";
    hash     "hash"     Some(1), "maps and sets do not";
    cmp      "cmp"      Some(2), "`<` does not";
    add      "add"      Some(2), "`+` does not";
    sub      "sub"      Some(2), "`-` does not";
    mul      "mul"      Some(2), "`*` does not";
    div      "div"      Some(2), "`/` does not";
    floordiv "floordiv" Some(2), "`//` does not";
    r#mod    "mod"      Some(2), "`%` does not";
    pow      "pow"      Some(2), "`**` does not";
    neg      "neg"      Some(1), "`-` does not";
    get      "get"      Some(2), "`a[i]` does not";
    set      "set"      Some(3), "`a[i] = e` does not";
    call     "call"     None,    "a call does not";
    iter     "iter"     Some(1), "`for` does not";
    len      "len"      Some(1), "`len(..)` does not";
    contains "contains" Some(2), "`in` does not";
}

impl Special {
    /// The one with this name.
    pub fn named(name: &str) -> Option<Special> {
        Special::ALL.iter().copied().find(|special| special.name() == name)
    }
}
