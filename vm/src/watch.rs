//! What a watched machine has done: its instructions, objects, collections and caches, and where it spent its time.
//!
//! Watching is a second table of handlers, so a machine that nobody watches pays nothing for it.

use std::time::Duration;

use crate::trace::{Trace, TraceLine};

/// What to look for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    /// Look at the calls under way once in so many instructions; never if there is no number.
    pub period: Option<u32>,
}

/// What was seen.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct Watched {
    /// Instructions by name, the most frequent first. Several that were fused count as one, under a name of their own.
    pub instructions: Vec<(&'static str, u64)>,
    /// Objects made, the kind with the most bytes first.
    pub objects: Vec<Made>,
    /// Pauses for collections.
    pub pauses: Pauses,
    /// Calls of methods and uses of fields that found what they found the last time.
    pub hits: u64,
    /// Those that did not.
    pub misses: u64,
    /// Code objects that are prepared.
    pub codes: usize,
    /// Where the machine was, in no order. Each trace stands here once.
    pub samples: Vec<Sample>,
}

/// Objects of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Made {
    /// The kind, as programs name it.
    pub kind: &'static str,
    /// How many were made.
    pub count: u64,
    /// Their bytes, with what they owned in the end.
    pub bytes: u64,
}

/// Number and bytes of the objects of each kind, by its tag.
#[derive(Default)]
pub(crate) struct Tally(pub [(u64, u64); 32]);

/// The collections that were seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Pauses {
    /// How many there were.
    pub count: u64,
    /// The longest one.
    pub longest: Duration,
    /// All together.
    pub total: Duration,
}

/// A place where the machine was, with the calls under way.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The calls, innermost first.
    pub trace: Trace,
    /// Instructions that it stands for, and fuel that natives took.
    pub steps: u64,
    /// Time since the sample before.
    pub time: Duration,
}

/// What is known about a function or a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hotspot {
    /// The function and the place in it; line 0 stands for all of the function.
    pub line: TraceLine,
    /// Steps there, without those of calls.
    pub own: u64,
    /// Time there, without that of calls.
    pub time: Duration,
    /// Steps there and in calls from there.
    pub all: u64,
}

impl Watched {
    /// Instructions of all kinds.
    pub fn instruction_count(&self) -> u64 {
        self.instructions.iter().map(|&(_, count)| count).sum()
    }

    /// The samples as lines for flame graphs, in alphabetical order: `outermost;...;innermost steps`.
    pub fn folded(&self) -> Vec<String> {
        let mut stacks = std::collections::BTreeMap::<String, u64>::new();
        for sample in &self.samples {
            let mut names: Vec<String> =
                lines(&sample.trace).map(|line| line.map_or("...".into(), |l| frame(&l))).collect();
            names.reverse();
            *stacks.entry(names.join(";")).or_default() += sample.steps;
        }
        stacks.into_iter().map(|(stack, steps)| format!("{stack} {steps}")).collect()
    }

    /// What each function took, the one with the most steps of its own first.
    pub fn functions(&self) -> Vec<Hotspot> {
        self.places(|line| TraceLine { line: 0, span: Default::default(), ..line })
    }

    /// What each line took, the one with the most steps of its own first.
    pub fn lines(&self) -> Vec<Hotspot> {
        self.places(|line| TraceLine { span: Default::default(), ..line })
    }

    fn places(&self, place: impl Fn(TraceLine) -> TraceLine) -> Vec<Hotspot> {
        let mut places = std::collections::BTreeMap::<(String, String, u32), Hotspot>::new();
        for sample in &self.samples {
            // A function that calls itself counts once.
            let mut seen = std::collections::BTreeSet::new();
            for (i, line) in lines(&sample.trace).enumerate() {
                let Some(line) = line.map(&place) else { continue };
                let key = (line.file.to_string(), line.function.clone(), line.line);
                let entry =
                    places.entry(key.clone()).or_insert_with(|| Hotspot { line, own: 0, time: Duration::ZERO, all: 0 });
                if i == 0 {
                    entry.own += sample.steps;
                    entry.time += sample.time;
                }
                if seen.insert(key) {
                    entry.all += sample.steps;
                }
            }
        }
        let mut places: Vec<Hotspot> = places.into_values().collect();
        // The sort is stable, so equal ones stay in the order of their names.
        places.sort_by_key(|place| std::cmp::Reverse((place.own, place.all)));
        places
    }
}

/// The calls of a trace, innermost first; None stands for those left out.
fn lines(trace: &Trace) -> impl Iterator<Item = Option<TraceLine>> {
    let gap = (trace.omitted > 0).then_some(None);
    let line = |entry: &crate::trace::TraceEntry| Some(entry.line());
    trace.inner.iter().map(line).chain(gap).chain(trace.outer.iter().map(line))
}

/// A function's name in a flame graph, which separates names by semicolons and counts by spaces.
fn frame(line: &TraceLine) -> String {
    let file = line.file.rsplit(['/', '\\']).next().unwrap_or_default();
    format!("{} ({file})", line.function).replace(';', ",")
}
