//! Which other objects an object refers to: the one list of edges that the collector works from.

use super::layout::*;
use super::prepared::Prepared;
use super::value::{Slot, tag};

/// Objects that are reached but whose references are not yet followed.
pub(crate) struct Marker {
    pub(super) stack: Vec<*mut Header>,
    pub(super) color: u8,
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
                // Strings and byte strings refer to nothing.
                if (*header).kind > tag::BYTES as u8 {
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

    /// Marks what `header`'s object refers to.
    ///
    /// # Safety
    /// `header` must be the header of a live object.
    pub(super) unsafe fn references(&mut self, header: *mut Header) {
        // SAFETY: the kind says which layout the object has, and the object is whole (rule 1 of the heap).
        unsafe {
            match (*header).kind as u64 {
                tag::TUPLE => {
                    let object = header.cast::<TupleObject>();
                    self.slots(object.add(1).cast(), (*object).len);
                }
                tag::CELL => self.slot((*header.cast::<CellObject>()).value),
                tag::CLOSURE => {
                    let object = header.cast::<ClosureObject>();
                    self.code((*object).code);
                    let owned = (*header).flags & flag::OWNED != 0;
                    let captures = (*(*object).code).captures() + owned as usize;
                    self.slots(object.add(1).cast(), captures);
                }
                tag::INSTANCE => {
                    let object = header.cast::<InstanceObject>();
                    self.header((*object).ty.cast());
                    let fields = &(*(*object).ty).data.fields;
                    // The host's data stand in one slot where there are no fields.
                    let hidden = (*(*object).ty).data.host.is_some() as usize;
                    self.slots(object.add(1).cast(), fields.len() + hidden);
                }
                tag::LIST => {
                    let items = &(*header.cast::<ListObject>()).items;
                    self.slots(items.as_ptr(), items.len());
                }
                tag::MAP | tag::SET => (*header.cast::<TableObject>()).table.trace(self),
                tag::TYPE => {
                    let data = &(*header.cast::<TypeObject>()).data;
                    self.slot(data.name);
                    self.slot(data.constructor);
                    data.fields.iter().for_each(|&name| self.slot(name));
                    for method in &data.methods {
                        self.slot(method.name);
                        self.slot(method.closure);
                    }
                }
                tag::FIBER => (*header.cast::<FiberObject>()).state.trace(self),
                tag::ERROR => {
                    let data = &(*header.cast::<ErrorObject>()).data;
                    self.slot(data.kind);
                    self.slot(data.message);
                    self.slot(data.data);
                }
                _ => {}
            }
        }
    }

    unsafe fn slots(&mut self, first: *const Slot, count: usize) {
        for i in 0..count {
            // SAFETY: the caller gives the slots of a live object.
            self.slot(unsafe { *first.add(i) });
        }
    }
}
