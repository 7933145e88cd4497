//! What can be wrong with the bytes of an image.

use std::fmt;

use quipu_code::canonical::CanonicalError;
use quipu_code::{CodeHash, DecodeError};

use crate::graph::error::GraphError;

/// A part of an image file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Section {
    /// The first bytes, of fixed length.
    Header,
    /// The names of what the host has to provide.
    Needs,
    /// The code objects.
    Code,
    /// The value and all it reaches.
    Graph,
    /// Names and lines of the code.
    Debug,
    /// Zeros, where loading takes more memory than the other bytes make plausible.
    Fill,
}

impl Section {
    /// All of them, in the order in which they stand in the file.
    pub const ALL: [Section; 6] =
        [Section::Header, Section::Needs, Section::Code, Section::Graph, Section::Debug, Section::Fill];

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Section::Header => "header",
            Section::Needs => "needs",
            Section::Code => "code",
            Section::Graph => "graph",
            Section::Debug => "debug",
            Section::Fill => "fill",
        }
    }
}

/// Why bytes are no image that can be loaded here. Shown, also by `Debug`, it is one line, so that `main` may return it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// They do not begin as images do.
    NotAnImage,
    /// A version of the format, or of the instructions, that is newer than this library.
    Newer {
        /// What is newer.
        what: &'static str,
        /// The number in the file.
        found: u32,
        /// The highest number that is known.
        known: u32,
    },
    /// The hash in the header is not that of the bytes: they were cut off or changed.
    Damaged,
    /// A section breaks a rule.
    Broken {
        /// The section.
        section: Section,
        /// The rule.
        rule: ImageRule,
    },
    /// Code that is neither in the image nor in the code table.
    MissingCode(Vec<CodeHash>),
    /// Names under which the host provides nothing.
    Missing(Vec<String>),
    /// Names that whoever loads the image does not let it have.
    Refused(Vec<String>),
    /// Code of the host panicked: the code table, or who is told of progress.
    Host(String),
}

/// The rules for the sections of an image.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ImageRule {
    /// A number, text or length, or bytes left over.
    Bytes(CanonicalError),
    /// The code object with this index.
    Code(usize, DecodeError),
    /// The debug information of the code object with this index.
    Debug(usize, CanonicalError),
    /// The graph.
    Graph(GraphError),
    /// There must be so many zeros that loading takes at most sixteen times the length of the file.
    Fill {
        /// How many there must be.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// What the message says.
    Text(&'static str),
}

impl From<CanonicalError> for ImageRule {
    fn from(error: CanonicalError) -> ImageRule {
        ImageRule::Bytes(error)
    }
}

impl fmt::Display for ImageRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageRule::Bytes(error) => error.fmt(f),
            ImageRule::Code(index, error) => write!(f, "code object {index}: {error}"),
            ImageRule::Debug(index, error) => write!(f, "names and lines of code object {index}: {error}"),
            ImageRule::Graph(error) => error.fmt(f),
            ImageRule::Fill { needed, found } => {
                write!(f, "there are {found} zeros, and {needed} fit what the graph takes in memory")
            }
            ImageRule::Text(text) => f.write_str(text),
        }
    }
}

/// One line.
impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageError::NotAnImage => f.write_str("this is no image: its first bytes are other ones"),
            ImageError::Newer { what, found, known } => {
                write!(f, "the image is of {what} {found}, and this program knows {what} {known} at most")
            }
            ImageError::Damaged => {
                f.write_str("the image is damaged: its bytes do not have the hash that stands in its header")
            }
            ImageError::Broken { section, rule } => write!(f, "section {}: {rule}", section.name()),
            ImageError::MissingCode(hashes) => {
                f.write_str("the image has no code, and the code table lacks ")?;
                list(f, hashes.iter().map(|hash| hash.to_string()))
            }
            ImageError::Missing(names) => {
                f.write_str("the image needs what this host does not provide: ")?;
                list(f, names.iter().cloned())
            }
            ImageError::Refused(names) => {
                f.write_str("the image needs more than it is allowed: ")?;
                list(f, names.iter().cloned())
            }
            ImageError::Host(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ImageError {}

fn list(f: &mut fmt::Formatter<'_>, names: impl Iterator<Item = String>) -> fmt::Result {
    names.enumerate().try_for_each(|(index, name)| write!(f, "{}{name}", if index > 0 { ", " } else { "" }))
}
