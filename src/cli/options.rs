//! The options that several commands have, in groups. Each is declared here once; a command takes the groups that it honours
//! and no others, so that what it would ignore is refused.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum, ValueHint};
use quipu::stdlib::Capability;

/// The heading of the options that bound a program.
const LIMITS: &str = "Limits";

/// The heading of the options that give capabilities and take them away.
const REACH: &str = "What programs may reach";

/// The heading of the options that watch a program.
const WATCHED: &str = "Watching programs that run (slower)";

/// How `vm` shows what it has to say. Every command has these.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Look {
    /// Report errors as JSON, one object a line; mistakes in options stay text.
    #[arg(long, global = true)]
    pub json: bool,

    /// Colours in error messages: auto, always or never.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    pub color: Color,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Color {
    // When standard error is a terminal and NO_COLOR is not set.
    #[default]
    Auto,
    Always,
    Never,
}

/// How long something may take.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Timeout {
    /// Stop after this time, such as 2s or 500ms.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = LIMITS)]
    pub timeout: Option<Duration>,
}

/// What bounds a program that runs.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// Stop after N steps.
    #[arg(long, value_name = "N", value_parser = number, help_heading = LIMITS)]
    pub fuel: Option<u64>,

    /// Most memory for values, such as 64M. Without it, three quarters of the machine's memory, or of what the system
    /// leaves to this process.
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = LIMITS)]
    pub heap: Option<usize>,

    #[command(flatten)]
    pub time: Timeout,

    /// Most calls under way at once.
    #[arg(long, value_name = "N", help_heading = LIMITS)]
    pub depth: Option<usize>,
}

/// What a program in source may not reach; images, too, whatever they are allowed.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Denials {
    /// Keep programs from files; those that they import have to be in their own folder or below.
    #[arg(long, help_heading = REACH)]
    pub deny_fs: bool,

    /// Keep programs from the process: arguments, environment, exit, other programs.
    #[arg(long, help_heading = REACH)]
    pub deny_os: bool,

    /// Keep programs from standard input and error; they can still print.
    #[arg(long, help_heading = REACH)]
    pub deny_io: bool,

    /// Keep programs from clocks.
    #[arg(long, help_heading = REACH)]
    pub deny_time: bool,

    /// Keep programs from true randomness.
    #[arg(long, help_heading = REACH)]
    pub deny_entropy: bool,

    /// Keep programs from connections to actors.
    #[arg(long, help_heading = REACH)]
    pub deny_net: bool,

    /// Keep programs from compiling texts.
    #[arg(long, help_heading = REACH)]
    pub deny_compile: bool,

    /// Keep programs from all of these: they compute and print.
    #[arg(long, help_heading = REACH)]
    pub sandbox: bool,
}

/// What images may reach. They are data until somebody trusts them.
#[derive(Args, Clone, Debug, Default)]
pub struct Trust {
    /// What an image may reach, if you trust it: fs, os, io, time, entropy, net, compile, several with commas, or all. Without it
    /// an image computes and prints. A program in source may reach all that is not denied. Denials win.
    #[arg(long, value_name = "CAP,..|all", value_delimiter = ',', value_enum, hide_possible_values = true, help_heading = REACH)]
    pub allow: Vec<Allowed>,
}

impl Trust {
    /// That nothing is allowed to what is no image.
    pub fn none_for(&self, what: &str) -> Result<(), String> {
        match self.allow.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "`--allow` is for images; {what} may reach all that is not denied, so leave the option out"
            )),
        }
    }
}

/// What `--allow` gives to images.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowed {
    One(Capability),
    All,
}

impl ValueEnum for Allowed {
    fn value_variants<'a>() -> &'a [Allowed] {
        const COUNT: usize = Capability::ALL.len();
        const VARIANTS: [Allowed; COUNT + 1] = {
            let mut all = [Allowed::All; COUNT + 1];
            let mut at = 0;
            while at < COUNT {
                all[at] = Allowed::One(Capability::ALL[at]);
                at += 1;
            }
            all
        };
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Allowed::One(capability) => capability.name(),
            Allowed::All => "all",
        }))
    }
}

/// What is said of a program when it is over.
#[derive(Args, Clone, Debug, Default)]
pub struct Watching {
    /// Tell in the end what was done: instructions, objects, collections, caches.
    #[arg(long, help_heading = WATCHED)]
    pub stats: bool,

    /// Draw where the time went into FILE, a flame graph (SVG), and tell it by function and line.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = WATCHED)]
    pub profile: Option<OsString>,
}

/// What holds for every program that a command runs.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Rules {
    #[command(flatten)]
    pub limits: Bounds,
    #[command(flatten)]
    pub denials: Denials,
}

/// What holds for a program or image that is run for its own sake.
#[derive(Args, Clone, Debug, Default)]
pub struct Running {
    #[command(flatten)]
    pub rules: Rules,
    #[command(flatten)]
    pub trust: Trust,
    #[command(flatten)]
    pub watching: Watching,
}

/// The options of a group.
#[cfg(feature = "serve")]
pub fn ids<Group: Args>() -> Vec<clap::Id> {
    let command = Group::augment_args(clap::Command::new("group"));
    command.get_arguments().map(|arg| arg.get_id().clone()).collect()
}

pub fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| "expected a number such as 1_000_000".to_owned())
}

pub fn size(text: &str) -> Result<usize, String> {
    let wrong = || "expected a size such as 64M (K, M and G are powers of 1024)".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "B" => 1,
        "k" | "K" | "KB" | "KiB" => 1 << 10,
        "m" | "M" | "MB" | "MiB" => 1 << 20,
        "g" | "G" | "GB" | "GiB" => 1usize << 30,
        _ => return Err(wrong()),
    };
    let count: usize = digits.replace('_', "").parse().map_err(|_| wrong())?;
    count.checked_mul(unit).ok_or_else(wrong)
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time such as 2s, 1.5s, 500ms or 1m".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let count: f64 = digits.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(count * unit).map_err(|_| wrong())
}
