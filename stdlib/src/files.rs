//! The files of the library that are written in Quipu. The build script reads this list too.

/// A library file.
pub struct File {
    /// The name that traces show.
    pub name: &'static str,
    /// The module whose members it exports.
    pub module: Option<&'static str>,
    /// What it contains.
    pub text: &'static str,
}

macro_rules! files {
    ($($name:literal $module:expr, $($feature:literal)?;)*) => {
        /// All of them. Their order does not matter.
        pub const FILES: &[File] = &[$(
            $(#[cfg(feature = $feature)])?
            File { name: concat!("std/", $name), module: $module, text: include_str!($name) },
        )*];

        /// Those that are no part of this build. They count for the engine edition all the same.
        #[allow(dead_code, reason = "only the build script compiles them")]
        pub const LEFT_OUT: &[File] = &[$($(
            #[cfg(not(feature = $feature))]
            File { name: concat!("std/", $name), module: $module, text: include_str!($name) },
        )?)*];
    };
}

// Name, module, and the feature that it comes with.
files! {
    "core.qp"   None,;
    "list.qp"   None,;
    "map.qp"    None,;
    "set.qp"    None,;
    "range.qp"  None,;
    "iter.qp"   Some("iter"),;
    "random.qp" Some("random"),;
    "image.qp"  Some("image"),;
    "fs.qp"     Some("fs"), "fs";
    "io.qp"     Some("io"), "io";
    "regex.qp"  Some("regex"), "regex";
    "bytes.qp"  Some("bytes"),;
    "os.qp"     Some("os"), "os";
    "test.qp"   Some("test"),;
    "actor.qp"  Some("actor"), "net";
}
