//! The kinds of error that the runtime throws.

macro_rules! kinds {
    ($($variant:ident $name:literal $code:literal $title:literal;)*) => {
        /// The kind of an error value that the runtime throws.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $(#[doc = $title] $variant,)*
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$variant),*];

            /// The kind's name as `e.kind` gives it.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorKind::$variant => $name,)* }
            }

            /// Its stable diagnostic code.
            pub const fn code(self) -> &'static str {
                match self { $(ErrorKind::$variant => $code,)* }
            }

            /// What it means, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(ErrorKind::$variant => $title,)* }
            }

            /// The kind with this name.
            pub fn from_name(name: &str) -> Option<ErrorKind> {
                match name { $($name => Some(ErrorKind::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    Type          "type_error"       "Q0401" "a value of the wrong type";
    Arity         "arity_error"      "Q0402" "a wrong number of arguments";
    Field         "field_error"      "Q0403" "no such field";
    Index         "index_error"      "Q0404" "a position out of range";
    Key           "key_error"        "Q0405" "no such key";
    Value         "value_error"      "Q0406" "a value out of the allowed range";
    Overflow      "overflow"         "Q0407" "a number out of range";
    ZeroDivision  "zero_division"    "Q0408" "a division by zero";
    Match         "match_error"      "Q0409" "a value that no pattern matches";
    Uninitialised "uninitialised"    "Q0410" "a variable used before its declaration has run";
    Changed       "changed"          "Q0411" "a container changed while it was looped over";
    Fiber         "fiber_error"      "Q0412" "a fiber in the wrong state";
    Assert        "assert_error"     "Q0413" "an assertion that does not hold";
    StackOverflow "stack_overflow"   "Q0414" "calls nested too deeply";
    Json          "json_error"       "Q0415" "something that is not JSON";
    Io            "io_error"         "Q0416" "an operation of the system that failed";
    Image         "image_error"      "Q0417" "an image that cannot be used";
    NotPortable   "not_portable"     "Q0418" "a value that cannot be put into an image";
    Capability    "capability_error" "Q0419" "something the host does not allow";
    Compile       "compile_error"    "Q0422" "a text that does not compile";
    Plain         "error"            "Q0420" "an error of the program";
}
