//! Chance out of a seed, and counts of what it has done.

/// Numbers from a seed (xorshift64*).
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    pub fn once_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    /// An index into what has so many entries.
    pub fn at(&mut self, count: usize) -> usize {
        self.roll(count as u64) as usize
    }
}

/// What happens to servers, clients and what is between and below them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    /// A connection ends somewhere.
    Cut,
    /// Bytes that were sent never arrive.
    Drop,
    /// The same request arrives twice, or the same bytes do.
    Duplicate,
    /// A request arrives after a later one of the same client, or bytes do after others.
    Reorder,
    /// A part of a commit is on disk when the power goes.
    Torn,
    /// A commit fails, and was kept or not.
    Sync,
    /// A commit fails because the disk is full.
    Full,
    /// The server dies.
    Kill,
    /// A function is asked for that was sent before.
    Evicted,
    /// There is no room for a call.
    Busy,
    /// Nobody waits for a call any more.
    Cancelled,
}

impl Fault {
    pub const ALL: [Fault; 11] = [
        Fault::Cut,
        Fault::Drop,
        Fault::Duplicate,
        Fault::Reorder,
        Fault::Torn,
        Fault::Sync,
        Fault::Full,
        Fault::Kill,
        Fault::Evicted,
        Fault::Busy,
        Fault::Cancelled,
    ];
}
