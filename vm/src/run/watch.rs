//! The watched run loop's account: a handler in front of every handler counts, and now and then looks at the calls.

use std::collections::HashMap;
use std::time::Duration;

use quipu_code::Op;
use quipu_code::effects::receiver;

use super::dispatch::{self, TABLE};
use crate::heap::layout::InstanceObject;
use crate::heap::prepared::{Cache, NO_KEY};
use crate::heap::{Slot, tag};
use crate::machine::{Account, Handler, Machine};
use crate::watch::{Made, Pauses, Sample, Tally, Watch, Watched};

/// Fuel that one instruction must take at least for what it did to be looked at on its own: long work of natives.
const LONG: u64 = 200;

/// The instruction to look at.
pub(crate) enum Look {
    /// The one that begins.
    Here,
    /// The one before it.
    Before,
}

impl Account {
    /// An instruction begins, and so much fuel was used before it. What to look at, and for how many steps it stands.
    #[inline(always)]
    pub fn step(&mut self, number: u8, fuel: u64) -> Option<(Look, u64)> {
        self.counts[number as usize] += 1;
        // A safepoint gives back what the instruction that it interrupts has taken.
        let taken = fuel.saturating_sub(self.fuel);
        self.fuel = fuel;
        self.left -= 1;
        if self.left > 0 && taken < LONG { None } else { self.due(taken) }
    }

    #[cold]
    fn due(&mut self, taken: u64) -> Option<(Look, u64)> {
        if self.period == u64::MAX {
            None
        } else if taken >= LONG {
            // The instruction that is due for a look itself gets it next time.
            self.left = self.left.max(1);
            Some((Look::Before, taken))
        } else {
            self.left = self.period;
            Some((Look::Here, self.period))
        }
    }

    /// Whether a call of a method or a use of a field finds what it found the last time.
    ///
    /// # Safety
    /// `cache` is the instruction's cache and `receiver` a live value.
    pub unsafe fn use_cache(&mut self, cache: *const Cache, receiver: Slot) {
        // SAFETY: the caller's word; an instance has a type.
        let hit = unsafe {
            let key = match receiver.tag {
                tag::INSTANCE => (*(receiver.bits as *const InstanceObject)).ty as u64,
                other => other,
            };
            (*cache).key != NO_KEY && (*cache).key == key
        };
        if hit { self.hits += 1 } else { self.misses += 1 }
    }

    /// A collection is over. `freed`: what it frees.
    pub fn collected(&mut self, pause: Duration, freed: &Tally) {
        self.freed.add(freed);
        self.pauses.count += 1;
        self.pauses.total += pause;
        self.pauses.longest = self.pauses.longest.max(pause);
    }
}

impl Machine {
    /// Begins to watch.
    pub(crate) fn watch(&mut self, watch: Watch) {
        let period = watch.period.map_or(u64::MAX, |period| u64::from(period.max(1)));
        self.account = Some(Box::new(Account {
            counts: [0; 256],
            left: period,
            period,
            fuel: self.total_fuel_used(),
            hits: 0,
            misses: 0,
            before: self.heap.tally(|_| true),
            freed: Tally::default(),
            pauses: Pauses::default(),
            samples: HashMap::new(),
            looked: self.now(),
        }));
        self.handlers = self.usual_handlers();
    }

    /// Ends watching.
    pub(crate) fn watched(&mut self) -> Option<Watched> {
        let account = self.account.take()?;
        self.handlers = self.usual_handlers();
        let mut made = self.heap.tally(|_| true);
        made.add(&account.freed);
        let mut objects: Vec<Made> = made.since(&account.before).collect();
        objects.sort_by_key(|made| std::cmp::Reverse((made.bytes, made.count)));
        let counted = instructions().map(|(number, name)| (name, account.counts[number as usize]));
        let mut instructions: Vec<(&'static str, u64)> = counted.filter(|&(_, count)| count > 0).collect();
        instructions.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        Some(Watched {
            instructions,
            objects,
            pauses: account.pauses,
            hits: account.hits,
            misses: account.misses,
            codes: self.codes.len(),
            samples: account.samples.into_values().collect(),
        })
    }

    /// The handlers of a machine that counts no instructions for its host.
    pub(super) fn usual_handlers(&self) -> [Handler; 256] {
        if self.account.is_some() { [super::handlers::Watched; 256] } else { TABLE }
    }

    /// Looks at the calls under way, which stand for this many steps. The position is stored.
    pub(super) fn look(&mut self, steps: u64) {
        let trace = self.trace();
        let now = self.now();
        let Some(account) = &mut self.account else { return };
        let time = now.since(std::mem::replace(&mut account.looked, now));
        let entries = trace.inner.iter().chain(&trace.outer);
        // Addresses stay those of the same code, as the samples keep it.
        let key = entries.map(|entry| (entry.code.address() ^ entry.code.debug_address(), entry.pc)).collect();
        let sample = account.samples.entry(key).or_insert(Sample { trace, steps: 0, time: Duration::ZERO });
        sample.steps += steps;
        sample.time += time;
    }
}

/// All instructions that a machine may run: number and name.
pub(crate) fn instructions() -> impl Iterator<Item = (u8, &'static str)> {
    (0..=u8::MAX).filter_map(|number| Some((number, dispatch::name(number)?)))
}

/// The register of what an instruction looks a member of up in its cache, as an operand of its prepared word. None for one
/// that has no cache, or is too far from it.
#[inline(always)]
pub(super) fn cached_receiver(word: u64) -> Option<usize> {
    let at = RECEIVERS[word as u8 as usize];
    (at != 0).then(|| (word >> at) as u16 as usize)
}

/// Where a word has that operand; 0 where it has none.
static RECEIVERS: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < Op::ALL.len() {
        let op = Op::ALL[index];
        if let Some(field) = receiver(op) {
            table[op as usize] = field.shift() as u8;
        }
        index += 1;
    }
    table
};
