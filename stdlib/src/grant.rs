//! What a host grants beyond pure computation: capabilities, and what they need from it.

use std::sync::Arc;

use crate::compile::Compile;
use crate::dial::Dial;
pub use crate::streams::Streams;

/// Something outside of the program that a host may grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Capability {
    /// Files: module `fs`.
    Fs,
    /// Arguments, environment and exit of the process: module `os`.
    Os,
    /// Standard input and error: module `io`.
    Io,
    /// Clocks: module `time`.
    Time,
    /// Entropy for `random`.
    Entropy,
    /// Connections: module `actor`.
    Net,
    /// Compiling texts: `code.compile`.
    Compile,
}

impl Capability {
    /// All of them.
    pub const ALL: &'static [Capability] = &[
        Capability::Fs,
        Capability::Os,
        Capability::Io,
        Capability::Time,
        Capability::Entropy,
        Capability::Net,
        Capability::Compile,
    ];

    /// Its name on command lines and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Capability::Fs => "fs",
            Capability::Os => "os",
            Capability::Io => "io",
            Capability::Time => "time",
            Capability::Entropy => "entropy",
            Capability::Net => "net",
            Capability::Compile => "compile",
        }
    }

    /// The module that it is about.
    pub const fn module(self) -> &'static str {
        match self {
            Capability::Entropy => "random",
            Capability::Net => "actor",
            Capability::Compile => "code",
            _ => self.name(),
        }
    }

    /// The capability with this name.
    pub fn from_name(name: &str) -> Option<Capability> {
        Capability::ALL.iter().copied().find(|capability| capability.name() == name)
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Capabilities(u8);

impl Capabilities {
    /// None: programs only compute, and print where the host lets them.
    pub const PURE: Capabilities = Capabilities(0);

    /// Everything, as the program on the command line has it.
    pub const ALL: Capabilities = Capabilities((1 << Capability::ALL.len()) - 1);

    /// These and one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 | 1 << capability as u8)
    }

    /// These without one.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 & !(1 << capability as u8))
    }

    /// Those that are in both sets.
    #[must_use]
    pub const fn and(self, others: Capabilities) -> Capabilities {
        Capabilities(self.0 & others.0)
    }

    /// Whether all of these are among the others.
    pub const fn are_within(self, others: Capabilities) -> bool {
        self.0 & !others.0 == 0
    }

    /// Whether one is among them.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u8 != 0
    }
}

/// What a host gives the programs that run on a library.
#[derive(Clone, Default, Debug)]
pub struct Grant {
    /// What they may reach.
    pub capabilities: Capabilities,
    /// What `os.args` is: the strings after the program's path.
    pub args: Vec<String>,
    /// What the module `io` reads and writes.
    pub streams: Streams,
    /// What the module `actor` connects with.
    pub dialer: Option<Arc<dyn Dial>>,
    /// What `code.compile` compiles with.
    pub compiler: Option<Arc<dyn Compile>>,
}

impl Grant {
    /// Nothing.
    pub fn pure() -> Grant {
        Grant::default()
    }

    /// Everything, with these arguments.
    pub fn all(args: Vec<String>) -> Grant {
        Grant { capabilities: Capabilities::ALL, args, ..Grant::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_capabilities() {
        let set = Capabilities::PURE.with(Capability::Os).with(Capability::Fs).without(Capability::Os);
        assert!(set.has(Capability::Fs) && !set.has(Capability::Os) && !set.has(Capability::Entropy));
        assert!(Capability::ALL.iter().all(|&capability| Capabilities::ALL.has(capability)));
        assert!(Capability::ALL.iter().all(|&c| Capability::from_name(c.name()) == Some(c)));
    }
}
