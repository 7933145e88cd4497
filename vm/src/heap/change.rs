//! Instances that become instances of another type, and types that other ones take the place of: the only changes to what
//! else never changes.

use std::collections::HashMap;

use super::Heap;
use super::journal::{Before, Change};
use super::layout::{InstanceObject, TupleObject, Twin, TypeData, TypeObject};
use super::value::{Gc, Slot, Value};

/// The twins that were made for a number of instances, by their types.
#[derive(Default)]
pub(crate) struct Twins(HashMap<*mut TypeObject, *mut TypeObject>);

impl Heap {
    /// Bytes that it takes at most to give an instance so many fields, and the undo log to remember what it was.
    pub fn changing_takes(fields: usize) -> usize {
        const ENTRY: usize = size_of::<Change>() + size_of::<Before>();
        ENTRY + size_of::<TypeObject>() + size_of::<TupleObject>() + 2 * fields * size_of::<Slot>() + 256
    }

    /// Makes an instance one of another type, with these fields. It stays where it is, and whoever refers to it refers to it.
    ///
    /// What does not fit its cell goes into a tuple, and the instance's type is a twin of the type then: whoever knows the
    /// type, as caches do, does not know the twin, and looks for the fields anew. The caller has reserved what it takes.
    ///
    /// # Safety
    /// `fields` are as many as the type has, which is complete and has no data of the host; nor has the instance.
    pub unsafe fn change_type<'v>(
        &mut self,
        instance: Gc<'v, InstanceObject>,
        ty: Gc<'v, TypeObject>,
        fields: &[Value<'v>],
        twins: &mut Twins,
    ) {
        let object = instance.as_ptr();
        // SAFETY: the instance is live; its cell has room for the fields of its type, or, where those are in a tuple, for one
        // slot, unless its twin is its own.
        unsafe {
            let before = (*object).ty;
            let data = &(*before).data;
            let room = match &data.twin {
                None => data.fields.len(),
                Some(twin) => usize::from(twin.here.is_none()),
            };
            let cell = object.add(1).cast::<Slot>();
            if self.logs(instance.header()) {
                let slots = std::slice::from_raw_parts(cell, room).into();
                self.log(Change::Instance(object, Box::new(Before { ty: before, slots })));
            }
            if fields.len() <= room {
                fields.iter().enumerate().for_each(|(index, field)| cell.add(index).write(field.slot()));
                (*object).ty = ty.as_ptr();
                return;
            }
            let tuple = Value::from(self.tuple(fields)).slot();
            if room == 0 {
                (*object).ty = self.twin(ty, Some(tuple));
                return;
            }
            let twin = match twins.0.get(&ty.as_ptr()) {
                Some(&twin) => twin,
                None => {
                    let twin = self.twin(ty, None);
                    twins.0.insert(ty.as_ptr(), twin);
                    twin
                }
            };
            cell.write(tuple);
            (*object).ty = twin;
        }
    }

    fn twin(&mut self, of: Gc<'_, TypeObject>, here: Option<Slot>) -> *mut TypeObject {
        // SAFETY: the type is live.
        let data = unsafe { &(*of.as_ptr()).data };
        let twin = TypeData {
            name: data.name,
            builtin: 0,
            constructor: data.constructor,
            plain: false,
            fields: Box::new([]),
            methods: data.methods.clone(),
            special: data.special,
            host: None,
            twin: Some(Box::new(Twin { of: of.as_ptr(), here })),
        };
        self.ty(twin).as_ptr()
    }

    /// Puts another value into a tuple.
    ///
    /// # Safety
    /// It has an element with this number. Whoever keeps what follows from the elements is told.
    pub unsafe fn change_part<'v>(&mut self, tuple: Gc<'v, TupleObject>, index: usize, value: Value<'v>) {
        // SAFETY: the caller's word.
        let part = unsafe { &mut *tuple.as_ptr().add(1).cast::<Slot>().add(index) };
        let old = std::mem::replace(part, value.slot());
        if self.logs(tuple.header()) {
            self.log(Change::Part(tuple.as_ptr(), index, old));
        }
    }
}
