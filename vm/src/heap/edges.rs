//! What objects refer to, as whoever follows references sees it: the collector, and those who write graphs or look for a way
//! through them. What each kind refers to stands with its layout, once; `by_kind` finds it for an object of any kind.

use super::layout::*;
use super::prepared::Prepared;
use super::value::{Slot, tag};

/// Who follows what an object refers to.
pub(crate) trait Edges {
    /// It refers to all of these in the same way; they are told apart by their order.
    fn slots(&mut self, edge: Edge, slots: &[Slot]);

    /// It refers to one value in this way.
    #[inline(always)]
    fn slot(&mut self, edge: Edge, slot: Slot) {
        self.slots(edge, &[slot]);
    }

    /// It keeps this alive, which is no part of it.
    #[inline(always)]
    fn aside(&mut self, _: Slot) {}

    /// It is made of this code.
    #[inline(always)]
    fn code(&mut self, _: *const Prepared) {}

    /// It is a string of so many bytes in this text.
    #[inline(always)]
    fn in_text(&mut self, _: usize, _: *mut TextObject) {}

    /// It is a text of which strings use so many bytes.
    #[inline(always)]
    fn used(&mut self, _: usize) {}

    /// It is a fiber. Of its registers some only matter to the collector, so it depends on who follows what it refers to.
    #[inline(always)]
    fn fiber(&mut self, _: *mut FiberObject) {}
}

/// In which way an object refers to another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Edge {
    /// A cell to its content.
    Inside,
    /// A tuple or list to its elements.
    Element,
    /// A map or set to a key.
    Key,
    /// A map to the value of the key before.
    Entry,
    /// A table to what only the table knows.
    Filed,
    /// An instance to its type.
    Type,
    /// An instance to its fields.
    Field,
    /// An instance to the host's data, a text to what is kept of its characters.
    Hidden,
    /// A closure to the type that it belongs to, whether it makes use of that or not.
    Owner,
    /// A closure to its captures.
    Free,
    /// A type to its name.
    Name,
    /// A type to the names of its fields.
    FieldName,
    /// A type to what a call of it calls.
    Constructor,
    /// A type to the name of a method.
    MethodName,
    /// A type to the function of the method whose name was before.
    Method,
    /// An error to its kind.
    Kind,
    /// An error to its message.
    Message,
    /// An error to what it is about.
    Data,
}

/// Objects that are reached but whose references are not yet followed.
pub(crate) struct Marker {
    pub(super) stack: Vec<*mut Header>,
    pub(super) color: u8,
    /// Bytes of strings that lie in texts.
    pub(super) of_strings: usize,
    /// Bytes of these texts.
    pub(super) of_texts: usize,
}

impl Edges for Marker {
    #[inline(always)]
    fn slots(&mut self, _: Edge, slots: &[Slot]) {
        slots.iter().for_each(|&slot| self.slot(slot));
    }

    #[inline(always)]
    fn aside(&mut self, slot: Slot) {
        Marker::slot(self, slot);
    }

    #[inline(always)]
    fn code(&mut self, code: *const Prepared) {
        Marker::code(self, code);
    }

    #[inline(always)]
    fn in_text(&mut self, len: usize, text: *mut TextObject) {
        self.of_strings = self.of_strings.saturating_add(len);
        self.header(text.cast());
    }

    #[inline(always)]
    fn used(&mut self, bytes: usize) {
        self.of_texts = self.of_texts.saturating_add(bytes);
    }

    #[inline(always)]
    fn fiber(&mut self, fiber: *mut FiberObject) {
        // SAFETY: the fiber is live, and nobody else looks at it while the collector marks.
        unsafe { (*fiber).state.trace(self) };
    }
}

impl Marker {
    /// Marks what a slot refers to.
    #[inline(always)]
    pub fn slot(&mut self, slot: Slot) {
        if slot.is_object() {
            self.header(slot.bits as *mut Header);
        }
    }

    /// Marks an object.
    #[inline(always)]
    pub fn header(&mut self, header: *mut Header) {
        // SAFETY: slots of live objects and roots refer to live objects (rule 1 and 2 of the heap).
        unsafe {
            if (*header).color != self.color {
                (*header).color = self.color;
                // The first kinds refer to nothing, but for strings to the text they lie in.
                if (*header).kind > tag::LAST_LEAF as u8 || (*header).flags & flag::SHARED != 0 {
                    self.stack.push(header);
                }
            }
        }
    }

    /// Marks prepared code: its constants and the code of the functions nested in it.
    pub fn code(&mut self, code: *const Prepared) {
        // SAFETY: the machine keeps prepared code while something that is marked refers to it.
        let code = unsafe { &*code };
        if code.mark(self.color) {
            code.constants().iter().for_each(|&slot| self.slot(slot));
            // Code nests at most 255 deep.
            code.children().iter().for_each(|&child| self.code(child));
        }
    }
}
