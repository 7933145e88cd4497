//! The exit codes of `vm`.

use std::process::ExitCode;

/// Why the process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// All went well.
    Ok = 0,
    /// An error that nothing caught; of a comparison, that there are differences.
    Uncaught = 1,
    /// The command line makes no sense, or names something that cannot be read.
    Usage = 2,
    /// The program does not compile.
    Compile = 3,
    /// A limit was hit.
    Limit = 4,
    /// An image is damaged or unusable.
    Image = 5,
    /// Interrupted from outside.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
