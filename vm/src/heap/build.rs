//! Objects that are filled in after they are made, for graphs whose parts are read one by one.
//!
//! Such an object is whole from the start: its slots are nil until they are filled. Whoever makes it fills it before a
//! program can see it; nothing else may change tuples and closures.

use std::ptr::NonNull;

use super::Heap;
use super::layout::{CellObject, ClosureObject, Header, ListObject, TupleObject, flag};
use super::prepared::Prepared;
use super::value::{Brand, CellRef, Closure, Gc, Instance, Slot, Tuple, Type, Value, tag};

/// An object of any kind in half the room of a value.
#[derive(Clone, Copy)]
pub(crate) struct Object<'v> {
    header: NonNull<Header>,
    brand: std::marker::PhantomData<Brand<'v>>,
}

impl<'v> Object<'v> {
    /// The object that a value refers to, if it refers to one.
    #[inline]
    pub fn new(value: Value<'v>) -> Option<Object<'v>> {
        let header = value.is_object().then(|| NonNull::new(value.bits as *mut Header))??;
        Some(Object { header, brand: std::marker::PhantomData })
    }

    /// The value that refers to the object.
    #[inline]
    pub fn value(self) -> Value<'v> {
        // SAFETY: it came out of a value with this brand, so the object is live, and its header says its kind.
        Value::raw(unsafe { (*self.header.as_ptr()).kind } as u64, self.header.as_ptr() as u64)
    }
}

impl Heap {
    /// A tuple of nils, to be filled.
    pub fn tuple_to_fill<'v>(&mut self, count: usize) -> Tuple<'v> {
        // SAFETY: everything behind the header is written at once, inside the size asked for. The size is that of memory
        // that was found to fit the heap's limit.
        unsafe {
            let size = size_of::<TupleObject>() + count * size_of::<Slot>();
            let object = self.alloc_raw(tag::TUPLE, 0, size).cast::<TupleObject>();
            (*object).len = count;
            let first = object.add(1).cast::<Slot>();
            (0..count).for_each(|index| first.add(index).write(Value::NIL));
            Gc::from_ptr(object)
        }
    }

    /// A closure whose captures are nil, to be filled.
    ///
    /// # Safety
    /// `code` must point to prepared code that the machine keeps as long as closures refer to it. Where it takes a cell
    /// the capture must be filled with one. It belongs to a type if and only if its code makes use of that, and then
    /// `owner` fits it.
    pub unsafe fn closure_to_fill<'v>(&mut self, code: *const Prepared, owner: Option<Type<'v>>) -> Closure<'v> {
        // SAFETY: the caller's word for the code; as many captures as it takes are given.
        unsafe {
            let captures = (0..(*code).captures()).map(|_| Value::NIL);
            self.closure(code, captures, owner.map(Value::from))
        }
    }

    /// A cell that is not initialised.
    pub fn cell_to_fill<'v>(&mut self, is_var: bool) -> CellRef<'v> {
        // SAFETY: the field is written at once.
        unsafe {
            let flags = if is_var { flag::VAR } else { 0 };
            let object = self.alloc_raw(tag::CELL, flags, size_of::<CellObject>()).cast::<CellObject>();
            (&raw mut (*object).value).write(Value::ABSENT);
            Gc::from_ptr(object)
        }
    }

    /// An instance whose fields are nil.
    pub fn blank_instance<'v>(&mut self, ty: Type<'v>) -> Instance<'v> {
        let fields = vec![Value::NIL; ty.field_count()];
        // SAFETY: there are as many fields as the type has.
        unsafe { self.instance(ty, &fields) }
    }
}

impl<'v> Gc<'v, TupleObject> {
    /// Fills an element of a tuple that nobody has seen yet; elements that there are not are let pass.
    pub(crate) fn fill(self, index: usize, value: Value<'v>) {
        // SAFETY: the object is live.
        if index < unsafe { (*self.as_ptr()).len } {
            // SAFETY: the element is there, and nobody refers into a tuple that is being filled.
            unsafe { self.as_ptr().add(1).cast::<Slot>().add(index).write(value.slot()) };
        }
    }
}

impl<'v> Gc<'v, ClosureObject> {
    /// Fills a capture of a closure that nobody has seen yet; captures that there are not are let pass.
    pub(crate) fn fill(self, index: usize, value: Value<'v>) {
        if index < self.capture_count() {
            // SAFETY: the capture is there, and nobody refers into a closure that is being filled.
            unsafe { self.as_ptr().add(1).cast::<Slot>().add(index).write(value.slot()) };
        }
    }
}

impl<'v> Gc<'v, ListObject> {
    /// Gives a list its elements that is empty and that nobody has seen yet. The caller has reserved their memory.
    pub(crate) fn fill(self, heap: &mut Heap, items: Vec<Value<'v>>) {
        heap.bytes += items.capacity() * size_of::<Slot>();
        // SAFETY: the object is live and nobody refers into it; values and slots are the same but for the brand.
        unsafe { (*self.as_ptr()).items = std::mem::transmute::<Vec<Value<'v>>, Vec<Slot>>(items).into() };
    }
}
