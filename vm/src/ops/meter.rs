//! What work on values costs. A meter adds up steps and bytes and pays for many of them at once, so that small work is
//! not slowed down by counting.

use std::cmp::Ordering;

use crate::cx::Cx;
pub(crate) use crate::heap::layout::LONG;
use crate::native::Fault;

/// A unit of fuel is this many parts: one byte that is looked at is one part.
const UNIT: u64 = 64;

/// A step from one value to the next, such as comparing two ints of lists, in parts: it takes longer than a simple step.
pub(crate) const STEP: u64 = UNIT / 8;

/// Looking into a container, in parts: it has to be kept in mind.
pub(crate) const ENTER: u64 = UNIT;

/// So many parts may be owed.
const CREDIT: u64 = 64 * UNIT;

/// How much of a long string is looked at between two looks at the limits.
const PIECE: usize = 64 << 10;

/// The parts that one piece of work owes. What it costs depends on the values alone: not on what is cached, shared or
/// kept where.
#[derive(Default)]
pub(crate) struct Meter {
    owed: u64,
}

impl Meter {
    /// Counts work that is about to be done.
    #[inline]
    pub fn add<'v>(&mut self, cx: &mut Cx<'v>, parts: u64) -> Result<(), Fault<'v>> {
        self.owed = self.owed.saturating_add(parts);
        if self.owed < CREDIT { Ok(()) } else { self.settle(cx) }
    }

    /// Pays what is owed. The rest of a unit is let go at the end.
    pub fn settle<'v>(&mut self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        let units = self.owed / UNIT;
        self.owed %= UNIT;
        cx.pay(units)
    }

    /// How `a` stands to `b`, byte by byte. Costs as much as they have in common.
    pub fn compare<'v>(&mut self, cx: &mut Cx<'v>, a: &[u8], b: &[u8]) -> Result<Ordering, Fault<'v>> {
        let len = a.len().min(b.len());
        if len < 64 || a.as_ptr() == b.as_ptr() {
            self.add(cx, len as u64)?;
            return Ok(if len < 64 { a.cmp(b) } else { a.len().cmp(&b.len()) });
        }
        // Many differ early.
        let (head, mut at) = (len.min(LONG), 0);
        for (x, y) in a[..head].chunks(64).zip(b[..head].chunks(64)) {
            if x != y {
                self.add(cx, at)?;
                return Ok(x.cmp(y));
            }
            at += x.len() as u64;
        }
        self.add(cx, at)?;
        for (x, y) in a[head..len].chunks(PIECE).zip(b[head..len].chunks(PIECE)) {
            self.add(cx, x.len() as u64)?;
            if x != y {
                return Ok(x.cmp(y));
            }
        }
        Ok(a.len().cmp(&b.len()))
    }

    /// Whether two byte strings are equal. Costs as much as they have in common, and nothing if their lengths differ.
    pub fn equal<'v>(&mut self, cx: &mut Cx<'v>, a: &[u8], b: &[u8]) -> Result<bool, Fault<'v>> {
        Ok(a.len() == b.len() && self.compare(cx, a, b)?.is_eq())
    }
}

/// [`Meter::compare`] by itself.
pub(crate) fn compare<'v>(cx: &mut Cx<'v>, a: &[u8], b: &[u8]) -> Result<Ordering, Fault<'v>> {
    let mut meter = Meter::default();
    let order = meter.compare(cx, a, b)?;
    meter.settle(cx)?;
    Ok(order)
}

/// So many bytes are looked at one after the other for a unit.
pub(crate) const LOOKED_AT: usize = UNIT as usize;

/// Charges for looking at so many bytes one after the other.
pub(crate) fn look_at<'v>(cx: &mut Cx<'v>, bytes: usize) -> Result<(), Fault<'v>> {
    cx.work(bytes / LOOKED_AT)
}

/// What an object without identity of its own costs to look through, with all its parts, however these are shared: two
/// tuples in one place and two equal ones in two places cost the same, as an image makes one of the other. Objects with
/// identity in it count as a step, as they are looked into once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost(u64);

impl Cost {
    /// Nothing so far.
    pub const NONE: Cost = Cost(0);

    /// One that is not kept: the object has to be looked through each time.
    pub const UNKEPT: Cost = Cost(u64::MAX);

    /// Far above every limit, and far below the end of numbers.
    const MOST: u64 = 1 << 54;

    /// What looking through something again costs that cost `parts` the first time, of which this is paid.
    pub fn again<'v>(&mut self, cx: &mut Cx<'v>, meter: &mut Meter, parts: u64) -> Result<(), Fault<'v>> {
        let rest = parts.saturating_sub(self.0);
        self.add(rest);
        meter.add(cx, rest)
    }

    /// The parts, if they are kept.
    pub fn kept(self) -> Option<u64> {
        (self != Cost::UNKEPT).then_some(self.0)
    }

    /// Adds parts.
    #[inline]
    pub fn add(&mut self, parts: u64) {
        if *self != Cost::UNKEPT {
            self.0 = self.0.saturating_add(parts).min(Cost::MOST);
        }
    }

    /// Adds what a part of the object cost.
    pub fn join(&mut self, part: Cost) {
        match part.kept() {
            Some(parts) => self.add(parts),
            None => *self = Cost::UNKEPT,
        }
    }
}
