//! The one place where `vm` puts an engine together: what a program may reach, what bounds it, where it prints, and that
//! Ctrl-C stops it. Every command that compiles or runs something asks here, so that every option holds for all of them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use quipu::error::Error;
use quipu::lang::diagnostic::Diagnostics;
use quipu::load::{FilesBelow, Program};
use quipu::stdlib::{Capabilities, Capability, Grant, Lacking, is_provided, lacking, library};
use quipu::vm::{Image, Limits, Moment};
use quipu::{Engine, Input, Session};

use super::ctrl_c;
use super::memory;
use super::options::{self, Allowed, Denials, Trust};
#[cfg(feature = "serve")]
use super::terminal::Harmless;
use super::terminal::Output;

/// What a command lets run, with all that its options say of it.
pub struct Setting<'o> {
    denials: &'o Denials,
    capabilities: Capabilities,
    engine: Engine,
}

/// What an image needs and is not granted.
pub struct Lack {
    /// All of it, with the options.
    pub needs: String,
    /// What `--allow` has to say for the image to be opened; nothing if that would not help.
    pub allow: String,
}

/// Where what a program prints goes.
pub enum Prints {
    /// To standard output. When nobody reads that any more, the rest is swallowed.
    Out,
    /// To standard output. When nobody reads that any more, this says so and the program is stopped.
    WhileRead(Arc<AtomicBool>),
    /// To standard output, but a terminal is shown what it would obey: it comes from somebody else.
    #[cfg(feature = "serve")]
    Harmless,
    /// Nowhere.
    Nowhere,
    /// To whoever wants to see it first.
    Into(Box<dyn Write + Send>),
}

impl<'o> Setting<'o> {
    /// For a program in source, which somebody has named and can read: it may reach whatever no option denies. Where files
    /// are denied, what it imports is in its folder or below.
    pub fn of_program(denials: &'o Denials, program: &Input, args: Vec<String>) -> Setting<'o> {
        let capabilities = granted(denials, Capabilities::ALL);
        let engine = Engine::granting(&Grant { capabilities, ..Grant::all(args) });
        let engine = match (capabilities.has(Capability::Fs), program) {
            (true, _) => engine,
            (false, Input::File(path)) => engine.with_resolver(FilesBelow::beside(path)),
            (false, Input::Text { .. }) => engine.with_resolver(FilesBelow::none()),
        };
        Setting { denials, capabilities, engine }
    }

    /// For an image. It is data until somebody trusts it: it may print, and reach what options allow and do not deny.
    pub fn of_image(denials: &'o Denials, trust: &Trust, args: Vec<String>) -> Setting<'o> {
        let allowed = trust.allow.iter().fold(Capabilities::PURE, |before, allowed| match *allowed {
            Allowed::All => Capabilities::ALL,
            Allowed::One(capability) => before.with(capability),
        });
        let capabilities = granted(denials, allowed);
        let engine = Engine::granting(&Grant { capabilities, ..Grant::all(args) }).with_resolver(FilesBelow::none());
        Setting { denials, capabilities, engine }
    }

    /// For values that somebody else sends, which are only to be shown.
    #[cfg(feature = "serve")]
    pub fn of_answer(denials: &'o Denials) -> Setting<'o> {
        Setting { denials, capabilities: Capabilities::PURE, engine: Engine::granting(&Grant::pure()) }
    }

    /// What an image needs that it is not granted, all of it, and what would grant it. None if it has what it needs.
    pub fn lacking(&self, image: &Image) -> Option<Lack> {
        let names = || image.needs().iter().map(String::as_str);
        let lacking = lacking(names(), self.capabilities);
        let denied = |lacking: &Lacking| denied_by(self.denials, lacking.capability);
        let mut needs: Vec<String> = lacking
            .iter()
            .map(|lacking| match denied(lacking) {
                Some(option) => format!("{}, denied by {option}", lacking.names.join(", ")),
                None => format!("{}, which `--allow {}` grants", lacking.names.join(", "), lacking.capability.name()),
            })
            .collect();
        let everything = library(&Grant::all(Vec::new()));
        let unknown: Vec<String> = image.missing(|name| is_provided(&everything, name));
        if !unknown.is_empty() {
            let names: Vec<String> = unknown.iter().map(|name| format!("`{name}`")).collect();
            needs.push(format!("{}, which this `vm` does not have", names.join(", ")));
        }
        let allow: Vec<&str> = match unknown.is_empty() && lacking.iter().all(|lacking| denied(lacking).is_none()) {
            true => {
                let is_needed =
                    |&capability: &Capability| lacking.iter().any(|lacking| lacking.capability == capability);
                let all = Capability::ALL.iter().filter(|each| self.capabilities.has(**each) || is_needed(each));
                all.map(|capability| capability.name()).collect()
            }
            false => Vec::new(),
        };
        (!needs.is_empty()).then(|| Lack { needs: needs.join("; "), allow: allow.join(",") })
    }

    /// Compiles a program and gives its warnings.
    pub fn check(&self, input: &Input) -> Result<Vec<Diagnostics>, Error> {
        self.engine.check(input)
    }

    /// Compiles a program and all it imports.
    pub fn compile(&self, input: &Input) -> Result<Program, Error> {
        self.engine.compile(input)
    }

    /// A machine that has begun to use up its limits, prints there, and is stopped by Ctrl-C.
    pub fn session(&self, limits: &options::Bounds, prints: Prints) -> Result<Session, Error> {
        let mut session = self.engine.session(bounds(limits))?;
        let output: Box<dyn Write + Send> = match prints {
            Prints::Out => Box::new(Output::new().for_a_program()),
            Prints::WhileRead(gone) => {
                let interrupt = session.vm().interrupt_handle();
                Box::new(Output::new().when_gone(gone, move || interrupt.interrupt()).for_a_program())
            }
            #[cfg(feature = "serve")]
            Prints::Harmless => Box::new(Harmless::new(Output::new())),
            Prints::Nowhere => Box::new(io::sink()),
            Prints::Into(output) => output,
        };
        session.vm().set_output(output);
        ctrl_c::stop(session.vm());
        Ok(session)
    }
}

/// Of these capabilities, those that no option denies.
fn granted(denials: &Denials, among: Capabilities) -> Capabilities {
    let denied = |&&capability: &&Capability| denied_by(denials, capability).is_some();
    Capability::ALL.iter().filter(denied).fold(among, |among, &denied| among.without(denied))
}

/// The option that denies a capability.
fn denied_by(denials: &Denials, capability: Capability) -> Option<String> {
    let denied = match capability {
        Capability::Fs => denials.deny_fs,
        Capability::Os => denials.deny_os,
        Capability::Io => denials.deny_io,
        Capability::Time => denials.deny_time,
        Capability::Entropy => denials.deny_entropy,
        Capability::Net => denials.deny_net,
        Capability::Compile => denials.deny_compile,
        // What no option knows is not granted.
        _ => true,
    };
    match (denials.sandbox, denied) {
        (true, _) => Some("--sandbox".to_owned()),
        (false, true) => Some(format!("--deny-{}", capability.name())),
        (false, false) => None,
    }
}

/// What bounds a program that begins now.
fn bounds(limits: &options::Bounds) -> Limits {
    let usual = Limits::default();
    Limits {
        fuel: limits.fuel.or(usual.fuel),
        heap: limits.heap.or_else(memory::usual).or(usual.heap),
        depth: limits.depth.unwrap_or(usual.depth),
        deadline: limits.time.timeout.map(|time| Moment::now() + time),
    }
}

/// Gives a machine that may have used up its limits so much time again, for a look at what it has come to.
pub fn look_again(session: &mut Session, time: Duration) {
    let usual = bounds(&options::Bounds::default());
    session.vm().set_limits(Limits { deadline: Some(Moment::now() + time), ..usual });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_is_granted_unless_an_option_denies_it() {
        assert_eq!(granted(&Denials::default(), Capabilities::ALL), Capabilities::ALL);
    }
}
