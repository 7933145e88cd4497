//! What is done with an object of any kind: its row in the table of kinds says which layout it has.

use super::Heap;
use super::edges::{Edge, Edges, Marker};
use super::host::HostObject;
use super::kind::kinds;
use super::layout::*;
use super::value::{Slot, Value, tag};

macro_rules! define_kinds {
    (
        $($(#[$doc:meta])* $number:literal $tag:ident $view:ident: $layout:ident as $handle:ident, $name:literal,
            $account:literal; frozen $frozen:tt nodes $nodes:tt;)*
        hidden $($(#[$hidden_doc:meta])* $hidden:literal $hidden_tag:ident $hidden_layout:ident, $hidden_account:literal;)*
    ) => {
        /// Kinds of objects and what accounts of memory call them.
        pub(super) const ACCOUNTS: &[(u64, &str)] = &[$((tag::$tag, $account),)* $((tag::$hidden_tag, $hidden_account),)*];

        /// Kinds that own nothing come first, and first of all those that refer to nothing: the collector looks at that.
        const _: () = {
            $(assert!($layout::OWNS == (tag::$tag >= tag::FIRST_FINALISED));)*
            $(assert!($layout::IS_LEAF == (tag::$tag <= tag::LAST_LEAF));)*
            $(assert!($hidden_layout::OWNS == (tag::$hidden_tag >= tag::FIRST_FINALISED));)*
        };

        /// Says what an object refers to.
        ///
        /// # Safety
        /// `header` must be the header of a live object.
        #[inline(always)]
        pub(super) unsafe fn edges(header: *mut Header, to: &mut impl Edges) {
            // SAFETY: the kind says which layout the object has, and the object is whole (rule 1 of the heap).
            unsafe {
                match (*header).kind as u64 {
                    $(tag::$tag => Layout::edges(header.cast::<$layout>(), to),)*
                    $(tag::$hidden_tag => Layout::edges(header.cast::<$hidden_layout>(), to),)*
                    // There is no other kind.
                    _ => {}
                }
            }
        }

        impl Heap {
            /// An object of a kind, in one of its forms, that is to be filled with what it refers to. None for kinds that
            /// are not made like that.
            pub(crate) fn blank<'v>(&mut self, tag: u64, form: usize) -> Option<Value<'v>> {
                match tag {
                    $(tag::$tag => Some($layout::blank(self, tag, form)?.into()),)*
                    _ => None,
                }
            }
        }

        impl<'v> Value<'v> {
            /// Which of the forms of its kind it has.
            #[inline]
            pub(crate) fn form(self) -> usize {
                // SAFETY: the tag says which layout the object has, which is live.
                unsafe {
                    match self.tag {
                        $(tag::$tag => Layout::form(self.bits as *mut $layout),)*
                        _ => 0,
                    }
                }
            }

            /// Fills in the only value that it refers to, of which no program knows yet; false if it is no such object.
            pub(crate) fn fill(self, content: Value<'v>) -> bool {
                // SAFETY: as above.
                unsafe {
                    match self.tag {
                        $(tag::$tag => Layout::fill(self.bits as *mut $layout, content.slot()),)*
                        _ => false,
                    }
                }
            }
        }

        impl Heap {
            /// Bytes that an object owns outside its cell.
            ///
            /// # Safety
            /// `header` must be the header of a whole object.
            pub(super) unsafe fn owned_bytes(header: *mut Header) -> usize {
                // SAFETY: as above.
                unsafe {
                    match (*header).kind as u64 {
                        $(tag::$tag => Layout::owned_bytes(header.cast::<$layout>()),)*
                        $(tag::$hidden_tag => Layout::owned_bytes(header.cast::<$hidden_layout>()),)*
                        _ => 0,
                    }
                }
            }
        }

        /// Drops what an object owns outside its cell, and gives how many bytes that were.
        ///
        /// # Safety
        /// `header` must be the header of a whole object that is not used afterwards.
        #[inline(never)]
        pub(super) unsafe fn finalise(header: *mut Header) -> usize {
            // SAFETY: as above.
            unsafe {
                match (*header).kind as u64 {
                    $(tag::$tag => done_with(header.cast::<$layout>()),)*
                    $(tag::$hidden_tag => done_with(header.cast::<$hidden_layout>()),)*
                    _ => 0,
                }
            }
        }
    };
}
kinds!(define_kinds);

/// Drops what an object owns outside its cell, and gives how many bytes that were.
///
/// # Safety
/// As [`Layout::finalise`].
#[inline(always)]
unsafe fn done_with<L: Layout>(this: *mut L) -> usize {
    // SAFETY: the caller's word.
    unsafe {
        let bytes = L::owned_bytes(this);
        L::finalise(this);
        bytes
    }
}

/// Calls a function with every edge, its place among those of the same kind that follow one another, and where it leads.
struct Visit<F>(F);

impl<F: FnMut(Edge, usize, Slot)> Edges for Visit<F> {
    fn slots(&mut self, edge: Edge, slots: &[Slot]) {
        slots.iter().enumerate().for_each(|(index, &slot)| (self.0)(edge, index, slot));
    }
}

/// Looks for the edge with a number, those left out that are not wanted.
struct Nth<W> {
    wanted: W,
    left: usize,
    found: Option<(Edge, Slot)>,
}

impl<W: Fn(Edge) -> bool> Edges for Nth<W> {
    #[inline(always)]
    fn slots(&mut self, edge: Edge, slots: &[Slot]) {
        if self.found.is_some() || !(self.wanted)(edge) {
            return;
        }
        match slots.get(self.left) {
            Some(&slot) => self.found = Some((edge, slot)),
            None => self.left -= slots.len(),
        }
    }
}

impl<'v> Value<'v> {
    /// Calls `f` with everything it refers to, but for what fibers do: the way, the number of the same way before, and what.
    pub(crate) fn for_each_edge(self, mut f: impl FnMut(Edge, usize, Value<'v>)) {
        if self.is_object() {
            // SAFETY: the object is live for `'v`, and so is what it refers to.
            unsafe {
                edges(self.bits as *mut Header, &mut Visit(|edge, index, slot: Slot| f(edge, index, slot.rebrand())))
            };
        }
    }

    /// The edge with this number among those that are wanted. It is found at once: there are few ways that an object refers
    /// to others, however many those are. Not for tables and fibers.
    pub(crate) fn edge(self, wanted: impl Fn(Edge) -> bool, number: usize) -> Option<(Edge, Value<'v>)> {
        if !self.is_object() {
            return None;
        }
        let mut nth = Nth { wanted, left: number, found: None };
        // SAFETY: as above.
        unsafe {
            edges(self.bits as *mut Header, &mut nth);
            nth.found.map(|(edge, slot)| (edge, slot.rebrand()))
        }
    }
}

impl Marker {
    /// Marks what `header`'s object refers to.
    ///
    /// # Safety
    /// `header` must be the header of a live object.
    #[inline(always)]
    pub(super) unsafe fn references(&mut self, header: *mut Header) {
        // SAFETY: the caller's word.
        unsafe { edges(header, self) };
    }
}
