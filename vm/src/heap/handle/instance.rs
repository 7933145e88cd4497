//! Instances and their types.

use crate::cx::Cx;
use crate::heap::Heap;
use crate::heap::change::Twins;
use crate::heap::journal::Change;
use crate::heap::layout::{InstanceObject, Method, Special, TypeData, TypeObject};
use crate::heap::value::{Gc, Slot, Str, Type, Value, View, tag};

/// A method of a declared type.
#[derive(Clone, Copy, Debug)]
pub struct MethodRef<'v> {
    /// The function.
    pub function: Value<'v>,
    /// Whether it takes `self`.
    pub instance: bool,
}

impl<'v> Gc<'v, InstanceObject> {
    /// Its type.
    #[inline(always)]
    pub fn ty(self) -> Type<'v> {
        // SAFETY: the object is live for `'v`, and its type as well. One that it had before is live until something is
        // collected.
        unsafe { Gc::from_ptr(InstanceObject::proper_type(self.as_ptr())) }
    }

    #[inline(always)]
    fn slots(self) -> *mut Slot {
        // SAFETY: the object is live.
        unsafe { InstanceObject::fields(self.as_ptr()) }
    }

    /// Number of fields.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.ty().field_count()
    }

    /// Whether it has no fields.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Field number `index`.
    #[inline(always)]
    pub fn get(self, index: usize) -> Option<Value<'v>> {
        // SAFETY: an instance has as many fields as its type, and they are live as long as it is.
        (index < self.len()).then(|| unsafe { (*self.slots().add(index)).rebrand() })
    }

    /// Replaces field number `index`; false if there is none.
    #[inline(always)]
    pub fn set(self, cx: &mut Cx<'v>, index: usize, value: Value<'v>) -> bool {
        self.set_in(cx.heap(), index, value)
    }

    /// [`set`](Self::set) for the machine itself.
    #[inline(always)]
    pub(crate) fn set_in(self, heap: &mut Heap, index: usize, value: Value<'v>) -> bool {
        if index >= self.len() {
            return false;
        }
        // SAFETY: an instance has as many fields as its type; nothing refers into them.
        let old = unsafe { std::mem::replace(&mut *self.slots().add(index), value.slot()) };
        if heap.logs(self.header()) {
            heap.log(Change::Field(self.as_ptr(), index as u32, old));
        }
        true
    }

    /// Gets the type and fields of another instance, which stays as it is; false if one of them has data of the host. The
    /// caller has reserved what that takes ([`Heap::changing_takes`]).
    pub(crate) fn become_like(self, heap: &mut Heap, other: Gc<'v, InstanceObject>, twins: &mut Twins) -> bool {
        if self.ty().is_host() || other.ty().is_host() {
            return false;
        }
        let fields = other.to_vec();
        // SAFETY: they are as many as their type has, which is complete, as it has an instance.
        unsafe { heap.change_type(self, other.ty(), &fields, twins) };
        true
    }

    /// The field of this name.
    pub fn field(self, name: &str) -> Option<Value<'v>> {
        self.get(self.ty().field_index(name)?)
    }

    /// A copy of all fields, in order.
    pub fn to_vec(self) -> Vec<Value<'v>> {
        (0..self.len()).filter_map(|index| self.get(index)).collect()
    }
}

impl<'v> Gc<'v, TypeObject> {
    #[inline(always)]
    fn data(self) -> &'v TypeData {
        // SAFETY: the object is live for `'v`, and types are complete and unchanging before a program sees them.
        unsafe { &(*self.as_ptr()).data }
    }

    /// Its name.
    pub fn name(self) -> &'v str {
        // SAFETY: what a live type refers to is live.
        unsafe { self.data().name.rebrand::<'v>() }.as_str().unwrap_or("")
    }

    /// Its name as a value.
    pub fn name_value(self) -> Value<'v> {
        // SAFETY: what a live type refers to is live.
        unsafe { self.data().name.rebrand() }
    }

    /// What the host says of it, if its instances hold the host's data.
    #[inline]
    pub fn host_class(self) -> Option<&'v std::sync::Arc<crate::class::HostClass>> {
        self.data().host.as_ref()
    }

    /// Whether a program declares it: it is neither built in nor the host's.
    pub fn is_declared(self) -> bool {
        !self.is_builtin() && self.host_class().is_none()
    }

    /// Whether it is built in.
    pub fn is_builtin(self) -> bool {
        self.data().builtin != 0
    }

    /// For a built-in type the tag of its values: `TRUE` for both bools, `CLOSURE` for all functions; else 0.
    pub(crate) fn builtin(self) -> u64 {
        self.data().builtin
    }

    /// What a call of the type calls.
    pub fn constructor(self) -> Value<'v> {
        // SAFETY: what a live type refers to is live.
        unsafe { self.data().constructor.rebrand() }
    }

    /// Number of fields of its instances.
    #[inline(always)]
    pub fn field_count(self) -> usize {
        self.data().fields.len()
    }

    /// The fields' names, in order.
    pub fn field_names(self) -> impl ExactSizeIterator<Item = &'v str> + Clone + use<'v> {
        // SAFETY: what a live type refers to is live.
        self.data().fields.iter().map(|name| unsafe { name.rebrand::<'v>() }.as_str().unwrap_or(""))
    }

    /// The number of the field of this name.
    pub fn field_index(self, name: &str) -> Option<usize> {
        self.field_names().position(|field| field == name)
    }

    /// The number of the field of this name, by the names' addresses where possible.
    pub(crate) fn field_index_of(self, name: Str<'v>) -> Option<usize> {
        let slot = Value::from(name);
        self.data().fields.iter().position(|field| field.is_identical(slot)).or_else(|| self.field_index(name.as_str()))
    }

    /// The same by a name as it stands in code.
    pub(crate) fn field_index_of_slot(self, name: Slot) -> Option<usize> {
        // SAFETY: the name is in use, so it is live.
        match unsafe { name.rebrand::<'v>() }.view() {
            View::Str(name) => self.field_index_of(name),
            _ => None,
        }
    }

    /// The names of its methods, in the order of the text.
    pub fn method_names(self) -> impl ExactSizeIterator<Item = &'v str> + Clone + use<'v> {
        // SAFETY: what a live type refers to is live.
        self.data().methods.iter().map(|method| unsafe { method.name.rebrand::<'v>() }.as_str().unwrap_or(""))
    }

    /// Its methods, in the order of the text.
    pub fn methods(self) -> impl ExactSizeIterator<Item = MethodRef<'v>> + Clone + use<'v> {
        // SAFETY: what a live type refers to is live.
        let method = |m: &Method| MethodRef { function: unsafe { m.closure.rebrand() }, instance: m.instance };
        self.data().methods.iter().map(method)
    }

    /// Its method number `index`, in the order of the text.
    pub fn method_at(self, index: usize) -> Option<MethodRef<'v>> {
        self.methods().nth(index)
    }

    /// The method of this name.
    pub fn method(self, name: &str) -> Option<MethodRef<'v>> {
        self.method_at(self.method_names().position(|method| method == name)?)
    }

    /// The special method for a form, if its instances have it.
    #[inline(always)]
    pub fn special(self, special: Special) -> Option<Value<'v>> {
        let index = self.data().special.0[special as usize];
        let method = self.data().methods.get((index as usize).checked_sub(1)?)?;
        // SAFETY: what a live type refers to is live.
        Some(unsafe { method.closure.rebrand() })
    }
}

impl<'v> Value<'v> {
    /// The special method that its type has for a form, if it is an instance.
    #[inline(always)]
    pub fn special(self, special: Special) -> Option<Value<'v>> {
        if self.tag != tag::INSTANCE {
            return None;
        }
        match self.view() {
            View::Instance(instance) => instance.ty().special(special),
            _ => None,
        }
    }

    /// The name of its type as people know it: for instances the declared name.
    pub fn kind_name(self) -> &'v str {
        match self.view() {
            View::Instance(instance) => instance.ty().name(),
            _ => self.type_name(),
        }
    }
}
