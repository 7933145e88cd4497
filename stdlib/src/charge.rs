//! What natives ask for before they work and before they take memory. Natives build their results through the types here,
//! so that none has to remember it: they count the memory that they hold together with what they ask for, charge for
//! steps before those are made, and so look at the limits again and again.

use quipu_vm::heap::List;
use quipu_vm::{Cx, Fault, Outcome, Value};

use crate::items::{OBJECT, SLOT};
use crate::text::STRING;

/// Bytes that are looked at between two looks at the limits.
pub(crate) const PIECE: usize = 1 << 16;

/// Steps that one unit of fuel pays.
const STEPS: usize = 16;

/// Steps that are saved up before they are charged for.
const SAVED: usize = 1024;

/// Work in steps too small to be charged one by one. A step is a sixteenth of a unit of fuel.
#[derive(Default)]
pub(crate) struct Meter(usize);

impl Meter {
    /// Charges for steps that are about to be made.
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub(crate) fn steps<'v>(&mut self, cx: &mut Cx<'v>, steps: usize) -> Result<(), Fault<'v>> {
        self.0 = self.0.saturating_add(steps);
        if self.0 < SAVED { Ok(()) } else { self.settle(cx) }
    }

    /// Charges for bytes that are about to be looked at or copied.
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub(crate) fn bytes<'v>(&mut self, cx: &mut Cx<'v>, bytes: usize) -> Result<(), Fault<'v>> {
        self.steps(cx, bytes / 4)
    }

    /// Charges for what is saved up.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn settle<'v>(&mut self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        let units = self.0 / STEPS;
        self.0 %= STEPS;
        cx.work(units)
    }
}

/// Gives a text in pieces, each charged for with a unit of fuel for every so many bytes before it is given.
///
/// # Errors
/// A limit; what `each` throws.
pub(crate) fn pieces<'v, 't>(
    cx: &mut Cx<'v>,
    text: &'t str,
    bytes_per_unit: usize,
    mut each: impl FnMut(&mut Cx<'v>, &'t str) -> Result<(), Fault<'v>>,
) -> Result<(), Fault<'v>> {
    let mut rest = text;
    loop {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        cx.work(piece.len() / bytes_per_unit)?;
        each(cx, piece)?;
        if after.is_empty() {
            return Ok(());
        }
        rest = after;
    }
}

/// How many code points a text has, counted in pieces.
///
/// # Errors
/// A limit.
pub(crate) fn count_chars<'v>(cx: &mut Cx<'v>, text: &str) -> Result<usize, Fault<'v>> {
    let mut count = 0;
    pieces(cx, text, 64, |_, piece| {
        count += piece.chars().count();
        Ok(())
    })?;
    Ok(count)
}

/// Makes room for more in a vector; `held` is other memory that the native holds.
///
/// # Errors
/// As [`Cx::reserve`].
#[inline]
pub(crate) fn grow<'v, T>(cx: &mut Cx<'v>, items: &mut Vec<T>, more: usize, held: usize) -> Result<(), Fault<'v>> {
    if items.capacity() - items.len() >= more { Ok(()) } else { grow_slow(cx, items, more, held) }
}

#[cold]
#[inline(never)]
fn grow_slow<'v, T>(cx: &mut Cx<'v>, items: &mut Vec<T>, more: usize, held: usize) -> Result<(), Fault<'v>> {
    let least = items.len().saturating_add(more);
    let capacity = least.max(items.capacity().saturating_mul(2)).max(4);
    cx.reserve(capacity.saturating_mul(size_of::<T>()).saturating_add(held))?;
    items.reserve_exact(capacity - items.len());
    Ok(())
}

/// Values that become a list or tuple.
#[derive(Default)]
pub(crate) struct Values<'v> {
    items: Vec<Value<'v>>,
    meter: Meter,
}

impl<'v> Values<'v> {
    /// None yet, with room for so many.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub(crate) fn with_room(cx: &mut Cx<'v>, count: usize) -> Result<Values<'v>, Fault<'v>> {
        cx.reserve(count.saturating_mul(SLOT).saturating_add(OBJECT))?;
        Ok(Values { items: Vec::with_capacity(count), meter: Meter::default() })
    }

    /// Bytes that are held until these values are a list or tuple.
    pub(crate) fn held(&self) -> usize {
        self.items.capacity() * SLOT
    }

    /// Makes sure that so many bytes fit beside what is held.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    #[inline]
    pub(crate) fn reserve(&self, cx: &mut Cx<'v>, bytes: usize) -> Result<(), Fault<'v>> {
        cx.reserve(bytes.saturating_add(self.held()))
    }

    /// Charges for steps that are about to be made.
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub(crate) fn steps(&mut self, cx: &mut Cx<'v>, steps: usize) -> Result<(), Fault<'v>> {
        self.meter.steps(cx, steps)
    }

    /// Makes sure that another value fits, after so many steps, with so many bytes of its own. Most often it does, and
    /// little is owed.
    #[inline]
    fn ready(&mut self, cx: &mut Cx<'v>, steps: usize, bytes: usize) -> Result<(), Fault<'v>> {
        self.meter.0 += steps;
        if self.meter.0 >= SAVED || self.items.len() == self.items.capacity() { self.settle(cx, bytes) } else { Ok(()) }
    }

    #[inline(never)]
    fn settle(&mut self, cx: &mut Cx<'v>, bytes: usize) -> Result<(), Fault<'v>> {
        self.meter.settle(cx)?;
        grow(cx, &mut self.items, 1, bytes)?;
        self.reserve(cx, bytes)
    }

    /// Adds a value.
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub(crate) fn push(&mut self, cx: &mut Cx<'v>, value: Value<'v>) -> Result<(), Fault<'v>> {
        self.ready(cx, 1, OBJECT)?;
        self.items.push(value);
        Ok(())
    }

    /// Adds a new string.
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub(crate) fn push_str(&mut self, cx: &mut Cx<'v>, text: &str) -> Result<(), Fault<'v>> {
        self.ready(cx, 8 + text.len() / 4, STRING + text.len())?;
        let text = cx.str(text)?;
        self.items.push(text);
        Ok(())
    }

    /// Adds a new tuple.
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub(crate) fn push_tuple(&mut self, cx: &mut Cx<'v>, parts: &[Value<'v>]) -> Result<(), Fault<'v>> {
        self.ready(cx, 8, OBJECT + size_of_val(parts))?;
        let tuple = cx.tuple(parts)?;
        self.items.push(tuple);
        Ok(())
    }

    /// Adds all of a slice, which is copied in pieces.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn extend(&mut self, cx: &mut Cx<'v>, values: &[Value<'v>]) -> Result<(), Fault<'v>> {
        grow(cx, &mut self.items, values.len(), OBJECT)?;
        for piece in values.chunks(PIECE / SLOT) {
            self.meter.steps(cx, piece.len())?;
            self.items.extend_from_slice(piece);
        }
        Ok(())
    }

    /// Adds all elements of a list, which are copied in pieces.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn extend_from_list(&mut self, cx: &mut Cx<'v>, list: List<'v>) -> Result<(), Fault<'v>> {
        let len = list.len();
        grow(cx, &mut self.items, len, OBJECT)?;
        for at in (0..len).step_by(PIECE / SLOT) {
            let end = len.min(at + PIECE / SLOT);
            self.meter.steps(cx, end - at)?;
            self.items.extend((at..end).filter_map(|index| list.get(index)));
        }
        Ok(())
    }

    /// The values themselves. What is still owed for them is charged.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn into_vec(mut self, cx: &mut Cx<'v>) -> Result<Vec<Value<'v>>, Fault<'v>> {
        self.meter.settle(cx)?;
        Ok(self.items)
    }

    /// A list of the values.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn list(mut self, cx: &mut Cx<'v>) -> Outcome<'v> {
        self.meter.settle(cx)?;
        if self.items.capacity() > 16 && self.items.len() < self.items.capacity() / 4 * 3 {
            self.items.shrink_to_fit();
        }
        Ok(cx.list(self.items)?.into())
    }

    /// A tuple of the values.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn tuple(mut self, cx: &mut Cx<'v>) -> Outcome<'v> {
        self.meter.steps(cx, self.items.len())?;
        self.meter.settle(cx)?;
        self.reserve(cx, self.items.len().saturating_mul(SLOT).saturating_add(OBJECT))?;
        cx.tuple(&self.items)
    }
}

/// A text that becomes a string.
#[derive(Default)]
pub(crate) struct Text {
    text: String,
    meter: Meter,
}

impl Text {
    /// Nothing yet, with room for so many bytes, and for the string that they become.
    ///
    /// # Errors
    /// As [`Cx::reserve`].
    pub(crate) fn with_room<'v>(cx: &mut Cx<'v>, bytes: usize) -> Result<Text, Fault<'v>> {
        cx.reserve(bytes.saturating_mul(2).saturating_add(STRING))?;
        Ok(Text { text: String::with_capacity(bytes), meter: Meter::default() })
    }

    /// The string of these parts with a separator between them, which take so many bytes together.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn joined<'v, 't>(
        cx: &mut Cx<'v>,
        length: usize,
        parts: impl Iterator<Item = &'t str>,
        separator: &str,
    ) -> Outcome<'v> {
        let mut all = Text::with_room(cx, length)?;
        let mut unpaid = 0;
        for (i, part) in parts.enumerate() {
            unpaid += separator.len() + part.len() + 4;
            if unpaid >= PIECE {
                cx.work(unpaid / 64)?;
                unpaid = 0;
            }
            if i > 0 {
                all.text.push_str(separator);
            }
            all.text.push_str(part);
        }
        cx.work(unpaid / 64)?;
        all.str(cx)
    }

    /// Makes room for so many bytes more.
    #[inline]
    fn grow<'v>(&mut self, cx: &mut Cx<'v>, more: usize) -> Result<(), Fault<'v>> {
        if self.text.capacity() - self.text.len() >= more { Ok(()) } else { self.grow_slow(cx, more) }
    }

    #[cold]
    #[inline(never)]
    fn grow_slow<'v>(&mut self, cx: &mut Cx<'v>, more: usize) -> Result<(), Fault<'v>> {
        let least = self.text.len().saturating_add(more);
        let capacity = least.max(self.text.capacity().saturating_mul(2)).max(64);
        cx.reserve(capacity.saturating_add(STRING))?;
        self.text.reserve_exact(capacity - self.text.len());
        Ok(())
    }

    /// Adds a text, which is copied in pieces.
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub(crate) fn push<'v>(&mut self, cx: &mut Cx<'v>, text: &str) -> Result<(), Fault<'v>> {
        self.grow(cx, text.len())?;
        if text.len() > PIECE {
            return pieces(cx, text, 64, |_, piece| {
                self.text.push_str(piece);
                Ok(())
            });
        }
        self.meter.steps(cx, 1 + text.len() / 4)?;
        self.text.push_str(text);
        Ok(())
    }

    /// Adds a text so many times.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn push_times<'v>(&mut self, cx: &mut Cx<'v>, text: &str, count: usize) -> Result<(), Fault<'v>> {
        let all = text.len().saturating_mul(count);
        self.grow(cx, all)?;
        // Nothing may be wanted any number of times.
        if all == 0 {
            return Ok(());
        }
        if all <= PIECE {
            self.meter.bytes(cx, all)?;
            self.text.extend(std::iter::repeat_n(text, count));
            return Ok(());
        }
        // A piece of many copies is copied faster than each of them.
        let together = (PIECE / text.len().max(1)).clamp(1, count);
        let copies = text.repeat(together);
        let mut left = count;
        while left > 0 {
            let now = together.min(left);
            self.push(cx, &copies[..now * text.len()])?;
            left -= now;
        }
        Ok(())
    }

    /// The string.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn str<'v>(mut self, cx: &mut Cx<'v>) -> Outcome<'v> {
        self.meter.settle(cx)?;
        cx.reserve(self.text.capacity().saturating_add(self.text.len()).saturating_add(STRING))?;
        cx.work(self.text.len() / 64)?;
        cx.str(&self.text)
    }
}
