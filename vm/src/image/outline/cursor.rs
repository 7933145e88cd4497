//! Stepping through the parts of something, one at a time.

use std::iter::Take;

use quipu_code::Code;
use quipu_code::canonical::Reader;

use super::{Outline, Part, Place, Thing, count};
use crate::graph::read::Members;
use crate::graph::tag::{self as t, Content, Frozen};
use crate::run::snapshot::Pause;

/// How far the parts of something were stepped through.
///
/// Of most wholes only an index and a place in the graph are kept, because a walk keeps one of these for each whole that it
/// is in.
pub(super) enum Cursor<'i> {
    Frozen { number: u32, index: u64, at: u64 },
    Node { number: u32, index: u64, at: u64 },
    Type(Box<TypeCursor<'i>>),
    Fiber(Box<FiberCursor>),
}

impl<'i> Cursor<'i> {
    /// Before the first part; none if there are no parts.
    pub fn new(outline: &Outline<'i>, part: Part) -> Option<Cursor<'i>> {
        match part {
            Part::Frozen(number) => {
                let (tag, mut from) = outline.frozen_at(number)?;
                match tag {
                    Frozen::Tuple => drop(count(&mut from)?),
                    Frozen::Closure | Frozen::Owned => {
                        from = outline.code_at(number)?.1;
                        count(&mut from)?;
                    }
                    Frozen::Error => {}
                    Frozen::Type => return Some(Cursor::Type(Box::new(TypeCursor::new(outline, part)?))),
                    Frozen::Str | Frozen::Bytes | Frozen::Range | Frozen::Native => return None,
                }
                Some(Cursor::Frozen { number: number as u32, index: 0, at: outline.position(&from) as u64 })
            }
            Part::Node(number) => {
                let (node, _) = outline.node_at(number)?;
                let mut from = outline.content_at(number);
                match node.content() {
                    Content::Frames => return Some(Cursor::Fiber(Box::new(FiberCursor::new(outline, number)?))),
                    Content::Elements | Content::Entries | Content::Keys => drop(count(&mut from)?),
                    Content::One | Content::Fields | Content::Data => {}
                }
                Some(Cursor::Node { number: number as u32, index: 0, at: outline.position(&from) as u64 })
            }
            _ => None,
        }
    }

    /// What the parts are of.
    pub fn whole(&self) -> Part {
        match self {
            Cursor::Frozen { number, .. } => Part::Frozen(*number as usize),
            Cursor::Node { number, .. } => Part::Node(*number as usize),
            Cursor::Type(ty) => Part::Frozen(ty.number),
            Cursor::Fiber(fiber) => Part::Node(fiber.node),
        }
    }

    /// The next part, and where it stands.
    pub fn next(&mut self, outline: &Outline<'i>) -> Option<(Place<'i>, Part)> {
        match self {
            Cursor::Frozen { number, index, at } => {
                let place = frozen_place(outline, *number as usize, *index as usize)?;
                let mut from = outline.reader(*at as usize);
                let part = outline.reference(&mut from)?;
                *index += 1;
                *at = outline.position(&from) as u64;
                Some((place, part))
            }
            Cursor::Node { number, index, at } => {
                let mut from = outline.reader(*at as usize);
                let found = node_part(outline, *number as usize, *index as usize, &mut from)?;
                *index += 1;
                *at = outline.position(&from) as u64;
                Some(found)
            }
            Cursor::Type(ty) => ty.next(outline),
            Cursor::Fiber(fiber) => fiber.next(outline),
        }
    }
}

/// Where a part of a frozen value stands, if there are so many.
fn frozen_place<'i>(outline: &Outline<'i>, number: usize, index: usize) -> Option<Place<'i>> {
    let (tag, mut from) = outline.frozen_at(number)?;
    match tag {
        Frozen::Tuple => (index < count(&mut from)?).then_some(Place::Item(index)),
        Frozen::Closure | Frozen::Owned => {
            let captures = count(&mut outline.code_at(number)?.1)?;
            let owners = (tag == Frozen::Owned) as usize;
            match index.checked_sub(owners) {
                None => Some(Place::Owner),
                Some(index) => (index < captures).then_some(Place::Capture(index)),
            }
        }
        Frozen::Error => [Place::Kind, Place::Message, Place::Data].get(index).copied(),
        // A type has a cursor of its own, and the others have no parts.
        Frozen::Type | Frozen::Str | Frozen::Bytes | Frozen::Range | Frozen::Native => None,
    }
}

/// Reads a part of a node that is no fiber, if there are so many.
fn node_part<'i>(
    outline: &Outline<'i>,
    number: usize,
    index: usize,
    from: &mut Reader<'i>,
) -> Option<(Place<'i>, Part)> {
    let (node, mut shape) = outline.node_at(number)?;
    let content = node.content();
    let length = match content {
        Content::Elements | Content::Entries | Content::Keys => count(&mut outline.content_at(number))?,
        Content::Fields => outline.type_names(outline.reference(&mut shape)?)?.0,
        Content::One | Content::Data => 1,
        // It has a cursor of its own.
        Content::Frames => 0,
    };
    if index >= length {
        return None;
    }
    match content {
        Content::Elements => {
            let part = packed(outline, number, index).or_else(|| outline.reference(from))?;
            Some((Place::Item(index), part))
        }
        Content::Entries | Content::Keys => {
            let is_filed = from.clone().u8().ok()? == t::FILED;
            if is_filed {
                from.u8().ok()?;
            }
            let key = outline.reference(from)?;
            if is_filed {
                outline.reference(from)?;
            }
            match content {
                Content::Entries => Some((Place::Entry(key), outline.reference(from)?)),
                _ => Some((Place::Item(index), key)),
            }
        }
        Content::Fields => Some((Place::Field(index), outline.reference(from)?)),
        Content::Data => Some((Place::Data, outline.reference(from)?)),
        Content::One => Some((Place::Content, outline.reference(from)?)),
        Content::Frames => None,
    }
}

/// An element of a list, if the list is packed.
fn packed(outline: &Outline<'_>, list: usize, index: usize) -> Option<Part> {
    let mut content = outline.content_at(list);
    if count(&mut content)? < t::PACKED {
        return None;
    }
    let tag = content.u8().ok()?;
    if !matches!(tag, t::INTS | t::FLOATS) {
        return None;
    }
    content.raw(index.checked_mul(8)?).ok()?;
    let bits: [u8; 8] = content.raw(8).ok()?.try_into().ok()?;
    Some(if tag == t::INTS { Part::Int(i64::from_le_bytes(bits)) } else { Part::Float(f64::from_le_bytes(bits)) })
}

/// How far the members of a type and what they capture were stepped through.
pub(super) struct TypeCursor<'i> {
    number: usize,
    members: Take<Members<'i>>,
    at: usize,
    /// The member whose captures come next; none before the constructor.
    member: Option<(Option<Part>, &'i Code)>,
    index: usize,
    captures: usize,
}

impl<'i> TypeCursor<'i> {
    pub fn new(outline: &Outline<'i>, ty: Part) -> Option<TypeCursor<'i>> {
        let Part::Frozen(number) = ty else { return None };
        let (fields, mut from) = outline.type_names(ty)?;
        for _ in 0..=fields {
            outline.reference(&mut from)?;
        }
        let (members, at) = (outline.type_members(number)?, outline.position(&from));
        Some(TypeCursor { number, members, at, member: None, index: 0, captures: 0 })
    }

    /// The next member, whatever is left of the one before.
    pub fn next_member(&mut self, outline: &Outline<'i>) -> Option<(Option<Part>, &'i Code)> {
        let mut from = outline.reader(self.at);
        for _ in self.index..self.captures {
            outline.reference(&mut from)?;
        }
        let member = self.members.next()?;
        let name = if self.member.is_some() { Some(outline.reference(&mut from)?) } else { None };
        self.member = Some((name, outline.code(member.code)?));
        (self.index, self.captures, self.at) = (0, member.captures, outline.position(&from));
        self.member
    }

    fn next(&mut self, outline: &Outline<'i>) -> Option<(Place<'i>, Part)> {
        while self.index >= self.captures {
            self.next_member(outline)?;
        }
        let mut from = outline.reader(self.at);
        let part = outline.reference(&mut from)?;
        let ((name, code), index) = (self.member?, self.index);
        (self.index, self.at) = (index + 1, outline.position(&from));
        Some((Place::MemberCapture { name, code, index }, part))
    }
}

/// How far the frames of a fiber were stepped through.
pub(super) struct FiberCursor {
    node: usize,
    at: usize,
    pause: Pause,
    /// How many frames there are, and how many were begun.
    frames: usize,
    begun: usize,
    /// The function of the frame, the instruction that waits, and the numbers of its registers that matter.
    function: Part,
    waits: u32,
    live: Vec<u16>,
    index: usize,
    registers: usize,
    /// What comes behind the frames.
    last: &'static [Place<'static>],
}

impl FiberCursor {
    fn new(outline: &Outline<'_>, node: usize) -> Option<FiberCursor> {
        let mut from = outline.content_at(node);
        let (pause, last): (Pause, &'static [Place<'static>]) = match from.u8().ok()? {
            t::FRESH => (Pause::Yield, &[Place::Function]),
            t::SUSPENDED => (Pause::Yield, &[]),
            t::STOPPED => (Pause::Next, &[Place::Resumer]),
            t::WAITING => (Pause::Resume, &[Place::Resumer, Place::Resumed]),
            _ => return None,
        };
        let frames = if matches!(last, [Place::Function]) { 0 } else { count(&mut from)? };
        Some(FiberCursor {
            node,
            at: outline.position(&from),
            pause,
            frames,
            begun: 0,
            function: Part::Nil,
            waits: 0,
            live: Vec::new(),
            index: 0,
            registers: 0,
            last,
        })
    }

    fn next<'i>(&mut self, outline: &Outline<'i>) -> Option<(Place<'i>, Part)> {
        let mut from = outline.reader(self.at);
        let found = self.read(outline, &mut from);
        self.at = outline.position(&from);
        found
    }

    fn read<'i>(&mut self, outline: &Outline<'i>, from: &mut Reader<'i>) -> Option<(Place<'i>, Part)> {
        if self.index < self.registers {
            let index = self.index;
            self.index += 1;
            let place = Place::Register {
                frame: self.begun - 1,
                function: self.function,
                at: self.waits,
                index,
                register: self.live.get(index).copied(),
            };
            return Some((place, outline.reference(from)?));
        }
        if self.begun < self.frames {
            self.function = outline.reference(from)?;
            from.u8().ok()?;
            (self.waits, self.registers, self.index) = (count(from)? as u32, count(from)?, 0);
            self.begun += 1;
            let pause = self.pause.innermost(self.begun, self.frames);
            self.live = match outline.thing(self.function) {
                Some(Thing::Function(code)) => pause.live(code, self.waits).unwrap_or_default(),
                _ => Vec::new(),
            };
            return Some((Place::Frame { frame: self.begun - 1, at: self.waits }, self.function));
        }
        loop {
            let (&place, rest) = self.last.split_first()?;
            self.last = rest;
            let part = outline.reference(from)?;
            // The outermost fiber of a run has no resumer.
            if part != Part::Nil || matches!(place, Place::Function) {
                return Some((place, part));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_walk_keeps_of_a_whole_is_short() {
        assert_eq!(size_of::<Cursor<'_>>(), 24);
    }
}
