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
    ($($(#[$when:meta])* $name:literal $module:expr;)*) => {
        &[$($(#[$when])* File { name: concat!("std/", $name), module: $module, text: include_str!($name) }),*]
    };
}

/// All of them. Their order does not matter.
pub const FILES: &[File] = files! {
    "core.qp"  None;
    "list.qp"  None;
    "map.qp"   None;
    "set.qp"   None;
    "range.qp" None;
    "iter.qp"  Some("iter");
    "random.qp" Some("random");
    "fs.qp"    Some("fs");
    "io.qp"    Some("io");
    "regex.qp" Some("regex");
    "bytes.qp" Some("bytes");
    "os.qp"    Some("os");
    "test.qp"  Some("test");
    #[cfg(feature = "actor")]
    "actor.qp" Some("actor");
};

/// Those that are no part of this build. They count for the engine edition all the same.
#[allow(dead_code, reason = "only the build script compiles them")]
pub const LEFT_OUT: &[File] = files! {
    #[cfg(not(feature = "actor"))]
    "actor.qp" Some("actor");
};
