//! What stands in the memory of each kind of object, behind its header.

use std::sync::Arc;

pub use quipu_code::Special;

use super::Heap;
use super::edges::{Edge, Edges};
use super::fiber::FiberState;
pub(crate) use super::header::{Header, flag};
use super::items::Items;
use super::prepared::Prepared;
use super::table::Table;
use super::value::{Gc, Slot, Value, tag};
use crate::class::HostClass;
use crate::door::dispose;
use crate::native::NativeDef;

/// What the heap has to know of the objects of a layout.
pub(crate) trait Layout {
    /// Whether they refer to nothing.
    const IS_LEAF: bool = false;

    /// Whether they own memory outside their cells. Those that do not need not be finalised.
    const OWNS: bool = false;

    /// Says what an object refers to.
    ///
    /// # Safety
    /// It must be a live object.
    unsafe fn edges(this: *mut Self, to: &mut impl Edges);

    /// Bytes that an object owns outside its cell.
    ///
    /// # Safety
    /// It must be a whole object.
    unsafe fn owned_bytes(_this: *mut Self) -> usize {
        0
    }

    /// Drops what an object owns outside its cell.
    ///
    /// # Safety
    /// It must be a whole object that is not used afterwards.
    unsafe fn finalise(_this: *mut Self) {}

    /// An object that is still to be filled, of a kind with this layout and in one of its forms.
    fn blank<'v>(_heap: &mut Heap, _kind: u64, _form: usize) -> Option<Gc<'v, Self>>
    where
        Self: Sized,
    {
        None
    }

    /// Which of the forms of its kind an object has.
    ///
    /// # Safety
    /// It must be a live object.
    unsafe fn form(_this: *mut Self) -> usize {
        0
    }

    /// Fills in the only value that an object refers to; false if there is not one such.
    ///
    /// # Safety
    /// It must be a live object of which no program knows yet.
    unsafe fn fill(_this: *mut Self, _content: Slot) -> bool {
        false
    }
}

/// Whether slots can follow an object of a type: it ends where one may begin, also where an address is half as long.
const fn holds_slots<T>() -> bool {
    align_of::<T>() >= align_of::<Slot>() && size_of::<T>().is_multiple_of(align_of::<Slot>())
}

/// The slots that follow an object.
///
/// # Safety
/// The object must be live and followed by so many slots.
#[inline(always)]
unsafe fn behind<'o, T>(object: *mut T, count: usize) -> &'o [Slot] {
    const { assert!(holds_slots::<T>()) };
    // SAFETY: the caller's word. Nothing is written while what objects refer to is looked at.
    unsafe { std::slice::from_raw_parts(object.add(1).cast(), count) }
}

/// An immutable string; its UTF-8 bytes follow, or the address of the text that they lie in if the SHARED flag is set.
#[repr(C)]
pub struct StrObject {
    pub(crate) header: Header,
    /// Keyed hash of the bytes, 0 while not computed.
    pub(crate) hash: u64,
    pub(crate) len: usize,
}

impl Layout for StrObject {
    const IS_LEAF: bool = true;

    unsafe fn edges(this: *mut StrObject, to: &mut impl Edges) {
        // SAFETY: the flag says what follows a string.
        unsafe {
            if (*this).header.flags & flag::SHARED != 0 {
                let text = this.add(1).cast::<*mut TextObject>().read();
                to.in_text((*this).len, text);
            }
        }
    }
}

/// From this length on strings are looked at in pieces, and paid for; those that are not ASCII lie in texts.
pub(crate) const LONG: usize = 1024;

/// What the bytes of strings lie in; they follow, as much as there is room for.
#[repr(C)]
pub struct TextObject {
    pub(crate) header: Header,
    /// Bytes that strings have.
    pub(crate) used: usize,
    /// Bytes that there is memory for.
    pub(crate) room: usize,
    /// Where every so many characters begin, null while nobody has asked.
    pub(crate) places: *mut BytesObject,
    /// Bytes that have been looked at for that.
    pub(crate) seen: usize,
    /// Characters that begin among these.
    pub(crate) count: usize,
}

impl Layout for TextObject {
    unsafe fn edges(this: *mut TextObject, to: &mut impl Edges) {
        // SAFETY: the caller's word.
        let (places, used) = unsafe { ((*this).places, (*this).used) };
        to.used(used);
        if !places.is_null() {
            to.slot(Edge::Hidden, Slot::raw(tag::BYTES, places as u64));
        }
    }
}

/// An immutable byte string; its bytes follow.
#[repr(C)]
pub struct BytesObject {
    pub(crate) header: Header,
    pub(crate) len: usize,
}

impl Layout for BytesObject {
    const IS_LEAF: bool = true;

    unsafe fn edges(_: *mut BytesObject, _: &mut impl Edges) {}
}

/// A tuple; its elements follow.
#[repr(C, align(8))]
pub struct TupleObject {
    pub(crate) header: Header,
    pub(crate) len: usize,
}

impl Layout for TupleObject {
    #[inline(always)]
    unsafe fn edges(this: *mut TupleObject, to: &mut impl Edges) {
        // SAFETY: a tuple is followed by its elements.
        unsafe { to.slots(Edge::Element, behind(this, (*this).len)) };
    }
}

/// An arithmetic sequence of ints; `end` is excluded unless the INCLUSIVE flag is set.
#[repr(C)]
pub struct RangeObject {
    pub(crate) header: Header,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) step: i64,
}

impl Layout for RangeObject {
    unsafe fn edges(_: *mut RangeObject, _: &mut impl Edges) {}
}

/// A mutable box for one variable.
#[repr(C)]
pub struct CellObject {
    pub(crate) header: Header,
    /// `ABSENT` until it is initialised.
    pub(crate) value: Slot,
}

impl Layout for CellObject {
    #[inline(always)]
    unsafe fn edges(this: *mut CellObject, to: &mut impl Edges) {
        // SAFETY: the caller's word.
        unsafe { to.slot(Edge::Inside, (*this).value) };
    }

    fn blank<'v>(heap: &mut Heap, _: u64, form: usize) -> Option<Gc<'v, CellObject>> {
        Some(heap.cell_to_fill(form == 1))
    }

    unsafe fn form(this: *mut CellObject) -> usize {
        // SAFETY: the caller's word.
        unsafe { ((*this).header.flags & flag::VAR != 0).into() }
    }

    unsafe fn fill(this: *mut CellObject, content: Slot) -> bool {
        // SAFETY: the caller's word.
        unsafe { (*this).value = content };
        true
    }
}

/// A function: prepared code and what it took from outside; the captures follow.
#[repr(C, align(8))]
pub struct ClosureObject {
    pub(crate) header: Header,
    pub(crate) code: *const Prepared,
}

impl Layout for ClosureObject {
    #[inline(always)]
    unsafe fn edges(this: *mut ClosureObject, to: &mut impl Edges) {
        // SAFETY: a closure keeps its code, and is followed by its captures and, if it is owned, its type.
        unsafe {
            to.code((*this).code);
            let captures = (*(*this).code).captures();
            let is_owned = (*this).header.flags & flag::OWNED != 0;
            let (captures, owner) = behind(this, captures + is_owned as usize).split_at(captures);
            to.slots(Edge::Owner, owner);
            to.slots(Edge::Free, captures);
        }
    }
}

/// An instance; as many fields as its type has follow.
#[repr(C, align(8))]
pub struct InstanceObject {
    pub(crate) header: Header,
    pub(crate) ty: *mut TypeObject,
}

impl InstanceObject {
    /// The first of its fields.
    ///
    /// # Safety
    /// It must be a live object.
    #[inline(always)]
    pub unsafe fn fields(this: *mut InstanceObject) -> *mut Slot {
        // SAFETY: an instance keeps its type, and is followed by its fields, or by the tuple that they are in.
        unsafe {
            match &(*(*this).ty).data.twin {
                None => this.add(1).cast(),
                Some(twin) => Self::fields_elsewhere(this, twin),
            }
        }
    }

    /// The same of one whose fields are elsewhere.
    #[cold]
    unsafe fn fields_elsewhere(this: *mut InstanceObject, twin: &Twin) -> *mut Slot {
        // SAFETY: who gives an instance a twin for its type gives it a tuple with as many elements as the type has fields.
        unsafe {
            let tuple = twin.here.unwrap_or_else(|| *this.add(1).cast::<Slot>());
            (tuple.bits as *mut TupleObject).add(1).cast()
        }
    }

    /// Its type, which is no twin.
    ///
    /// # Safety
    /// It must be a live object.
    #[inline(always)]
    pub unsafe fn proper_type(this: *mut InstanceObject) -> *mut TypeObject {
        // SAFETY: an instance keeps its type.
        unsafe { (*(*this).ty).data.twin.as_ref().map_or((*this).ty, |twin| twin.of) }
    }
}

impl Layout for InstanceObject {
    #[inline(always)]
    unsafe fn edges(this: *mut InstanceObject, to: &mut impl Edges) {
        // SAFETY: an instance keeps its type, and is followed by as many fields as that has, or by the host's data where
        // there are none.
        unsafe {
            let data = &(*(*this).ty).data;
            if let Some(twin) = &data.twin {
                to.slot(Edge::Type, Slot::raw(tag::TYPE, twin.of as u64));
                let of = &(*twin.of).data;
                let fields = std::slice::from_raw_parts(InstanceObject::fields(this), of.fields.len());
                to.slots(Edge::Field, fields);
                to.aside(Slot::raw(tag::TYPE, (*this).ty as u64));
                if twin.here.is_none() {
                    to.aside(*this.add(1).cast::<Slot>());
                }
                return;
            }
            to.slot(Edge::Type, Slot::raw(tag::TYPE, (*this).ty as u64));
            to.slots(Edge::Field, behind(this, data.fields.len()));
            if data.host.is_some() {
                to.slots(Edge::Hidden, behind(this, 1));
            }
        }
    }

    unsafe fn form(this: *mut InstanceObject) -> usize {
        // SAFETY: an instance keeps its type.
        unsafe { (*(*this).ty).data.host.is_some().into() }
    }
}

/// A list.
#[repr(C)]
pub struct ListObject {
    pub(crate) header: Header,
    pub(crate) items: Items,
}

impl Layout for ListObject {
    const OWNS: bool = true;

    #[inline(always)]
    unsafe fn edges(this: *mut ListObject, to: &mut impl Edges) {
        // SAFETY: the caller's word.
        unsafe { to.slots(Edge::Element, &(*this).items) };
    }

    fn blank<'v>(heap: &mut Heap, _: u64, _: usize) -> Option<Gc<'v, ListObject>> {
        Some(heap.list(Vec::new()))
    }

    unsafe fn owned_bytes(this: *mut ListObject) -> usize {
        // SAFETY: the caller's word.
        unsafe { (*this).items.slots() * size_of::<Slot>() }
    }

    unsafe fn finalise(this: *mut ListObject) {
        // SAFETY: the caller's word.
        unsafe { (&raw mut (*this).items).drop_in_place() };
    }
}

/// A map or a set.
#[repr(C)]
pub struct TableObject {
    pub(crate) header: Header,
    pub(crate) table: Table,
}

impl Layout for TableObject {
    const OWNS: bool = true;

    #[inline(always)]
    unsafe fn edges(this: *mut TableObject, to: &mut impl Edges) {
        // SAFETY: the caller's word.
        unsafe { (*this).table.edges(to) };
    }

    fn blank<'v>(heap: &mut Heap, kind: u64, _: usize) -> Option<Gc<'v, TableObject>> {
        Some(heap.table(kind))
    }

    unsafe fn owned_bytes(this: *mut TableObject) -> usize {
        // SAFETY: the caller's word.
        unsafe { (*this).table.owned_bytes() }
    }

    unsafe fn finalise(this: *mut TableObject) {
        // SAFETY: the caller's word.
        unsafe { (&raw mut (*this).table).drop_in_place() };
    }
}

/// A type, built in or declared.
#[repr(C)]
pub struct TypeObject {
    pub(crate) header: Header,
    pub(crate) data: TypeData,
}

impl Layout for TypeObject {
    const OWNS: bool = true;

    unsafe fn edges(this: *mut TypeObject, to: &mut impl Edges) {
        // SAFETY: the caller's word.
        let data = unsafe { &(*this).data };
        to.slot(Edge::Name, data.name);
        to.slots(Edge::FieldName, &data.fields);
        to.slot(Edge::Constructor, data.constructor);
        for method in &data.methods {
            to.slot(Edge::MethodName, method.name);
            to.slot(Edge::Method, method.closure);
        }
        if let Some(twin) = &data.twin {
            to.aside(Slot::raw(tag::TYPE, twin.of as u64));
            to.aside(twin.here.unwrap_or(Value::NIL));
        }
    }

    unsafe fn owned_bytes(this: *mut TypeObject) -> usize {
        // SAFETY: the caller's word.
        unsafe { (*this).data.owned_bytes() }
    }

    unsafe fn finalise(this: *mut TypeObject) {
        // SAFETY: the caller's word.
        unsafe { (&raw mut (*this).data).drop_in_place() };
    }
}

/// What a type consists of.
pub(crate) struct TypeData {
    /// Its name, a string.
    pub name: Slot,
    /// For a built-in type the tag of its values (`TRUE` stands for both bools, `CLOSURE` for all functions), else 0.
    pub builtin: u64,
    /// What a call of the type calls: the constructor closure, or the conversion function.
    pub constructor: Slot,
    /// Whether the constructor does nothing but take every field as given.
    pub plain: bool,
    /// Field names, strings that are constants of the declaring code.
    pub fields: Box<[Slot]>,
    /// Methods in order of the text.
    pub methods: Box<[Method]>,
    /// Indexes into `methods` of the special ones.
    pub special: Specials,
    /// What the host says of it, if its instances hold the host's data. Then it has no fields.
    pub host: Option<Arc<HostClass>>,
    /// Of what it is a twin, if it is one. No program sees a twin: it is the type of instances whose fields did not fit their
    /// cells when they got that type. It has all but the fields, so that whoever looks for them in the cell finds none.
    pub twin: Option<Box<Twin>>,
}

/// What a twin of a type knows of it.
pub(crate) struct Twin {
    /// The type.
    pub of: *mut TypeObject,
    /// A tuple of the fields of the only instance with this twin; if there are more, each has its own in place of its first
    /// field.
    pub here: Option<Slot>,
}

/// A method of a declared type.
#[derive(Clone, Copy)]
pub(crate) struct Method {
    /// Its name, a string.
    pub name: Slot,
    /// Whether it takes `self`.
    pub instance: bool,
    /// The closure.
    pub closure: Slot,
}

/// For each special method the method's index plus one, or 0.
#[derive(Clone, Copy, Default)]
pub(crate) struct Specials(pub [u16; Special::ALL.len()]);

/// A fiber.
#[repr(C)]
pub struct FiberObject {
    pub(crate) header: Header,
    pub(crate) state: FiberState,
}

impl Layout for FiberObject {
    const OWNS: bool = true;

    unsafe fn edges(this: *mut FiberObject, to: &mut impl Edges) {
        to.fiber(this);
    }

    fn blank<'v>(heap: &mut Heap, _: u64, _: usize) -> Option<Gc<'v, FiberObject>> {
        Some(heap.fiber(FiberState::new(Slot::NIL)))
    }

    unsafe fn owned_bytes(this: *mut FiberObject) -> usize {
        // SAFETY: the caller's word.
        unsafe { (*this).state.owned_bytes() }
    }

    unsafe fn finalise(this: *mut FiberObject) {
        // SAFETY: the caller's word.
        unsafe { (&raw mut (*this).state).drop_in_place() };
    }
}

/// An error value.
#[repr(C)]
pub struct ErrorObject {
    pub(crate) header: Header,
    pub(crate) data: ErrorData,
}

impl Layout for ErrorObject {
    const OWNS: bool = true;

    unsafe fn edges(this: *mut ErrorObject, to: &mut impl Edges) {
        // SAFETY: the caller's word.
        let data = unsafe { &(*this).data };
        to.slot(Edge::Kind, data.kind);
        to.slot(Edge::Message, data.message);
        to.slot(Edge::Data, data.data);
        to.aside(data.during);
    }

    unsafe fn owned_bytes(this: *mut ErrorObject) -> usize {
        // SAFETY: the caller's word.
        unsafe { (*this).data.trace.as_ref().map_or(0, |trace| trace.owned_bytes()) }
    }

    unsafe fn finalise(this: *mut ErrorObject) {
        // SAFETY: the caller's word.
        unsafe {
            let data = &raw mut (*this).data;
            dispose((*data).host.take());
            data.drop_in_place();
        }
    }
}

/// What an error value holds.
pub(crate) struct ErrorData {
    /// Its kind, a string.
    pub kind: Slot,
    /// Its message, a string.
    pub message: Slot,
    /// What it is about.
    pub data: Slot,
    /// What was under way when it was thrown by something deferred; nil if nothing was. Like the trace it is no part of the
    /// value.
    pub during: Slot,
    /// Where it was thrown, innermost frame first; empty until then.
    pub trace: Option<Box<crate::trace::Trace>>,
    /// The host's own error that it stands for.
    pub host: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// A function the host provides.
#[repr(C)]
pub struct NativeObject {
    pub(crate) header: Header,
    pub(crate) def: Arc<NativeDef>,
}

impl Layout for NativeObject {
    const OWNS: bool = true;

    unsafe fn edges(_: *mut NativeObject, _: &mut impl Edges) {}

    unsafe fn finalise(this: *mut NativeObject) {
        // SAFETY: the caller's word.
        unsafe { (&raw mut (*this).def).drop_in_place() };
    }
}

/// Objects are looked into by way of handles.
macro_rules! opaque {
    ($($object:ident)*) => {$(
        impl std::fmt::Debug for $object {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($object)).finish_non_exhaustive()
            }
        }
    )*};
}
opaque! { StrObject TextObject BytesObject TupleObject RangeObject CellObject ClosureObject InstanceObject ListObject TableObject TypeObject FiberObject ErrorObject NativeObject }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_can_follow() {
        assert!(holds_slots::<TupleObject>() && holds_slots::<ClosureObject>() && holds_slots::<InstanceObject>());
        // A header and an address would not do where that has 32 bits, but for this.
        #[repr(C, packed)]
        struct Short(Header, u8);
        assert!(!holds_slots::<Short>());
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn sizes() {
        assert_eq!(size_of::<Header>(), 8);
        assert_eq!(size_of::<StrObject>(), 24);
        assert_eq!(size_of::<TextObject>(), 48);
        assert_eq!(size_of::<TupleObject>(), 16);
        assert_eq!(size_of::<CellObject>(), 24);
        assert_eq!(size_of::<ClosureObject>(), 16);
        assert_eq!(size_of::<InstanceObject>(), 16);
        assert_eq!(size_of::<ListObject>(), 32);
    }
}
