//! Iteration. An iterator is three registers; the tag of the first says what it goes over:
//!
//! | first | second | third |
//! | --- | --- | --- |
//! | int: the next element of a range | int: how many are left | int: the step |
//! | list | int: next index | int: length at the start |
//! | tuple, bytes | int: next index | - |
//! | str | int: byte offset of the next code point | - |
//! | map, set | place: next entry | int: number of entries at the start, and which state of them that was |
//! | fiber, function | - | - |
//! | nil: nothing is left | - | - |

use quipu_code::Word;

use super::calls::To;
use super::types::describe;
use crate::error::ErrorKind;
use crate::heap::fiber::Status;
use crate::heap::frame::Kind;
use crate::heap::layout::TableObject;
use crate::heap::{Gc, Slot, Special, Value, View, tag};
use crate::machine::Machine;
use crate::native::Fault;

type Done = Result<(), Fault<'static>>;

type Table<'v> = Gc<'v, TableObject>;

impl Machine {
    pub(super) fn iterate(&mut self, w: Word) -> Done {
        let value = self.r(w.b() as usize);
        self.begin_iteration(w.a() as usize, value)
    }

    /// Fills the three registers from `dst` on.
    pub(super) fn begin_iteration(&mut self, dst: usize, value: Slot) -> Done {
        let (second, third) = match value.view() {
            View::Range(range) => {
                // A count above i64::MAX would take centuries to use up; the cast keeps its bits for the countdown.
                let count = range.len().min(u64::MAX as u128) as u64;
                self.set_r(dst, Value::int(range.start()));
                self.set_r(dst + 1, Value::int(count as i64));
                self.set_r(dst + 2, Value::int(range.step()));
                return Ok(());
            }
            View::List(list) => (Value::int(0), Value::int(list.len() as i64)),
            View::Map(table) | View::Set(table) => (Value::place(0), Value::int(state_of(table))),
            View::Tuple(_) | View::Str(_) | View::Bytes(_) => (Value::int(0), Value::NIL),
            View::Fiber(_) | View::Closure(_) | View::Native(_) => (Value::NIL, Value::NIL),
            View::Instance(_) => match self.special(value, Special::iter) {
                // An `iter` that gives another instance with `iter` is followed, one call at a time.
                Some(method) => return self.call_special(method, &[value], To::Register(Kind::Iterator, dst as u16)),
                None => return Err(self.not_iterable(value)),
            },
            _ => return Err(self.not_iterable(value)),
        };
        self.set_r(dst, value);
        self.set_r(dst + 1, second);
        self.set_r(dst + 2, third);
        Ok(())
    }

    fn not_iterable(&mut self, value: Slot) -> Fault<'static> {
        let what = describe(value);
        self.failure(ErrorKind::Type, format!("{what} cannot be iterated over"))
    }

    pub(super) fn iterate_range(&mut self, w: Word) -> Done {
        let (start, end) = self.range_ends(w)?;
        let range = i128::from(end) - i128::from(start) + i128::from(w.d() != 0);
        let dst = w.a() as usize;
        self.set_r(dst, Value::int(start));
        // A count above i64::MAX would take centuries to use up; the cast keeps its bits for the unsigned countdown.
        self.set_r(dst + 1, Value::int(range.clamp(0, u64::MAX as i128) as u64 as i64));
        self.set_r(dst + 2, Value::int(1));
        Ok(())
    }

    pub(super) fn next_element(&mut self, w: Word) -> Done {
        let (dst, it) = (w.a() as usize, w.b() as usize);
        let second = self.r(it + 1);
        let at = if matches!(second.tag, tag::INT | tag::PLACE) { second.bits } else { 0 };
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let first = self.r(it);
        let next = match first.view() {
            View::Nil => None,
            View::Int(current) => {
                let left = self.r(it + 1).bits;
                if left == 0 {
                    None
                } else {
                    let step = self.r(it + 2).as_int().unwrap_or(0);
                    self.set_r(it, Value::int(current.wrapping_add(step)));
                    self.set_r(it + 1, Value::int(left.wrapping_sub(1) as i64));
                    Some(Value::int(current))
                }
            }
            View::List(list) => {
                if list.len() as u64 != self.r(it + 2).bits {
                    return Err(self.changed(first));
                }
                self.stepped(it, at, list.get(at))
            }
            View::Tuple(tuple) => self.stepped(it, at, tuple.as_slice().get(at).copied()),
            View::Bytes(bytes) => {
                let byte = bytes.as_slice().get(at);
                self.stepped(it, at, byte.map(|&byte| Value::int(byte.into())))
            }
            View::Str(text) => match text.as_str().get(at..).and_then(|rest| rest.chars().next()) {
                Some(c) => {
                    self.set_r(it + 1, Value::int((at + c.len_utf8()) as i64));
                    Some(self.heap.str(c.encode_utf8(&mut [0; 4])).into())
                }
                None => None,
            },
            View::Map(table) | View::Set(table) => {
                if state_of(table) as u64 != self.r(it + 2).bits {
                    return Err(self.changed(first));
                }
                match (table.next(at as u64), first.view()) {
                    (Some((next, key, value)), View::Map(_)) => {
                        self.set_r(it + 1, Value::place(next));
                        Some(self.heap.tuple(&[key, value]).into())
                    }
                    (Some((next, key, _)), _) => {
                        self.set_r(it + 1, Value::place(next));
                        Some(key)
                    }
                    (None, _) => None,
                }
            }
            View::Fiber(fiber) => {
                // SAFETY: the fiber is live.
                let status = unsafe { (*fiber.as_ptr()).state.status };
                if status == Status::Done {
                    None
                } else {
                    return self.resume_fiber(fiber.as_ptr(), Value::NIL, w.a(), true);
                }
            }
            View::Closure(_) | View::Native(_) => {
                let at = self.frame_size() + 1;
                self.ensure(at)?;
                return self.call_window(at, 0, first, To::Register(Kind::Element, w.a()));
            }
            _ => return Err(self.not_iterable(first)),
        };
        self.set_r(dst, next.unwrap_or(Value::ABSENT));
        if self.heap.is_due() {
            return self.collect_now(Word(0));
        }
        Ok(())
    }

    /// Goes on behind an element, if there is one. An image may say any index, but only those of elements are counted up.
    fn stepped(&mut self, it: usize, at: usize, element: Option<Slot>) -> Option<Slot> {
        if element.is_some() {
            self.set_r(it + 1, Value::int(at as i64 + 1));
        }
        element
    }

    fn changed(&mut self, container: Slot) -> Fault<'static> {
        let (kind, what) = (container.type_name(), if container.tag == tag::LIST { "size" } else { "keys" });
        let what = if container.tag == tag::SET { "members" } else { what };
        let verb = "changed while it was looped over";
        self.failure(ErrorKind::Changed, format!("the {what} of the {kind} {verb}"))
    }
}

/// What the third register of an iterator over a table keeps: below, how many entries the table has; above, how often some
/// were put in or taken out. A table out of an image begins at 0, as does what an image has in this register: so a number of
/// entries that is not the table's stays wrong.
#[inline(always)]
fn state_of(table: Table<'_>) -> i64 {
    (u64::from(table.stamp()) << 32 | table.len() as u64) as i64
}

/// The third register of an iterator over a table as graphs have it: the number of entries at the start or, where that tells
/// no longer that the loop is to throw `changed` at its next step, -1, which no table has.
pub(crate) fn in_graph<'v>(table: Table<'v>, third: Value<'v>) -> Value<'v> {
    let length = third.bits as u32;
    let is_told = length != UNFIT && (length as usize != table.len() || third.bits == state_of(table) as u64);
    Value::int(if is_told { length.into() } else { -1 })
}

/// Whether an image may have this in the third register of an iterator over a table.
pub(crate) fn is_in_graph(third: i64) -> bool {
    (-1..UNFIT.into()).contains(&third)
}

/// No table has so many entries.
const UNFIT: u32 = u32::MAX;
