//! Numbers for the frozen values of a graph that is being written: equal ones have one.

use super::met::Id;
use super::parts::{owner, part_of, type_parts};
use super::tag as t;
use super::write::{Done, GraphWriter, Open};
use crate::cx::Cx;
use crate::heap::{Type, Value, View, tag};

/// The part of a hash that is kept, so that the table of many small values stays small.
fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// A hash for the table from the part that is kept.
fn spread(short: u32) -> u64 {
    u64::from(short).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<'v> GraphWriter<'v> {
    /// A frozen value without parts.
    pub(super) fn leaf(&mut self, cx: &mut Cx<'v>, value: Value<'v>) -> Done<'v, Id> {
        let keyed = &cx.heap().keyed;
        let hash = match value.view() {
            View::Str(text) => text.keyed_hash(keyed),
            View::Bytes(bytes) => keyed.bytes(bytes.as_slice()),
            View::Range(range) => {
                let (start, end, step, inclusive) = range.content();
                [end, step, inclusive.into()].iter().fold(keyed.int(start), |hash, &part| keyed.join(hash, part as u64))
            }
            _ => 0,
        };
        let frozen = &self.frozen;
        let hash = short(hash);
        let same = |number: u32| crate::ops::equal::shallow(frozen[number as usize], value) == Some(true);
        if let Some(&(_, number)) = self.interned.find(spread(hash), |&(other, number)| other == hash && same(number)) {
            return Ok(self.known_frozen(value, number));
        }
        match value.view() {
            View::Str(text) => {
                self.weight.text(text.as_str().len());
                self.beside(cx, text.as_str().len())?;
                self.out.u8(t::STR);
                self.out.text(text.as_str());
            }
            View::Bytes(bytes) => {
                self.weight.text(bytes.as_slice().len());
                self.beside(cx, bytes.as_slice().len())?;
                self.out.u8(t::BYTES);
                self.out.bytes(bytes.as_slice());
            }
            View::Range(range) => {
                let (start, end, step, inclusive) = range.content();
                self.weight.range();
                self.out.u8(t::RANGE);
                [start, end, step].iter().for_each(|&part| self.out.i64(part));
                self.out.u8(inclusive.into());
            }
            _ => {}
        }
        Ok(self.new_frozen(value, hash))
    }

    /// What the host provides under a name.
    pub(super) fn named(&mut self, cx: &mut Cx<'v>, value: Value<'v>, name: &str) -> Done<'v, Id> {
        let hash = short(!cx.heap().keyed.str(name));
        let natives = &self.natives;
        let found = self.interned.find(spread(hash), |&(other, number)| {
            other == hash && self.frozen[number as usize].tag == tag::ABSENT && {
                *natives[self.frozen[number as usize].bits as usize] == *name
            }
        });
        if let Some(&(_, number)) = found {
            return Ok(self.known_frozen(value, number));
        }
        self.weight.native();
        self.out.u8(t::NATIVE);
        self.out.text(name);
        let id = self.new_frozen(value, hash);
        // A native is not told from another by its object but by its name.
        if let Some(last) = self.frozen.last_mut() {
            *last = Value::raw(tag::ABSENT, self.natives.len() as u64);
        }
        self.natives.push(name.into());
        Ok(id)
    }

    fn known_frozen(&mut self, value: Value<'v>, number: u32) -> Id {
        let id = Id::Frozen(number.into());
        self.met.set(value.bits as usize, Some(id));
        self.write_id(id);
        id
    }

    fn new_frozen(&mut self, value: Value<'v>, hash: u32) -> Id {
        let number = self.frozen.len() as u32;
        if let View::Closure(function) = value.view() {
            self.functions.push(function);
        }
        self.frozen.push(value);
        self.interned.insert_unique(spread(hash), (hash, number), |&(hash, _)| spread(hash));
        let id = Id::Frozen(number.into());
        self.met.set(value.bits as usize, Some(id));
        id
    }

    /// Numbers a frozen value, or takes it back in favour of an equal one.
    pub(super) fn intern(&mut self, cx: &mut Cx<'v>, top: &Open<'v>) -> Id {
        let keyed = &cx.heap().keyed;
        let ids = &self.ids[top.ids..];
        let mut hash = keyed.word(crate::heap::keyed::Domain::Tuple, top.value.tag);
        if let View::Closure(closure) = top.value.view() {
            let number = self.code_numbers.get(&closure.code().hash()).copied().unwrap_or(0);
            hash = keyed.join(hash, number as u64);
        }
        for id in ids {
            let (kind, number) = match *id {
                Id::Immediate(tag, bits) => (tag, bits),
                Id::Frozen(number) => (64, number),
                Id::Node(number) => (65, number),
            };
            hash = keyed.join(keyed.join(hash, kind), number);
        }
        let hash = short(hash);
        // What has a new part is new itself.
        if top.known == self.known()
            && let Some(&(_, number)) = self.interned.find(spread(hash), |&(other, number)| {
                other == hash && self.is_same(self.frozen[number as usize], top.value, ids)
            })
        {
            self.out.truncate(top.start);
            (self.weight, self.deepest) = top.before;
            return self.known_frozen(top.value, number);
        }
        self.new_frozen(top.value, hash)
    }

    /// Whether a frozen value that is numbered has the shape of `value` and parts with these ids.
    fn is_same(&self, known: Value<'v>, value: Value<'v>, ids: &[Id]) -> bool {
        let is = |part: Option<Value<'v>>, id: &Id| part.is_some_and(|part| self.id_of(part) == Some(*id));
        match (known.view(), value.view()) {
            (View::Tuple(x), View::Tuple(_)) => {
                x.len() == ids.len() && x.as_slice().iter().zip(ids).all(|(&part, id)| is(Some(part), id))
            }
            (View::Closure(x), View::Closure(y)) => {
                x.code().hash() == y.code().hash()
                    && owner(x).is_some() == owner(y).is_some()
                    && ids.iter().enumerate().all(|(index, id)| is(part_of(known, index).map(|(_, part)| part), id))
            }
            (View::Error(x), View::Error(_)) => {
                let parts = [x.kind_value(), x.message(), x.data()];
                parts.iter().zip(ids).all(|(&part, id)| is(Some(part), id))
            }
            (View::Type(x), View::Type(y)) => {
                let member = |function: Value<'v>| match function.view() {
                    View::Closure(closure) => Some(closure.code().hash()),
                    _ => None,
                };
                let shape = |ty: Type<'v>| {
                    let methods = ty.methods().map(move |method| (method.instance, member(method.function)));
                    std::iter::once((false, member(ty.constructor()))).chain(methods)
                };
                if x.field_count() != y.field_count() || !shape(x).eq(shape(y)) {
                    return false;
                }
                let mut parts = Vec::with_capacity(ids.len());
                type_parts(x, |_, part| parts.push(part));
                parts.len() == ids.len() && parts.iter().zip(ids).all(|(&part, id)| is(Some(part), id))
            }
            _ => false,
        }
    }

    /// The id of a part of a frozen value that is numbered.
    pub(super) fn id_of(&self, part: Value<'v>) -> Option<Id> {
        match part.tag {
            tag::FLOAT => Some(Id::Immediate(tag::FLOAT, t::float_bits(part.bits))),
            _ if part.is_object() => self.met.get(part.bits as usize),
            _ => Some(Id::Immediate(part.tag, part.bits)),
        }
    }
}
