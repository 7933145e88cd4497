//! Data of the host inside of instances: owned by the heap, or lent for a while.
//!
//! An instance of a host's type has no fields. One slot follows it all the same, which no program can reach: the object
//! that holds the data.
//!
//! ```text
//!   InstanceObject | header | ty | slot ──> HostObject | header | in use | data |
//! ```
//!
//! Data are borrowed as in a `RefCell`: a guard counts in the object, and a second borrow that would break Rust's rules is
//! refused. Guards live only while a native runs, and the object stands in a register meanwhile, so it stays where it is.

use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Heap;
use super::edges::Edges;
use super::layout::{Header, InstanceObject, Layout, TypeObject};
use super::value::{Gc, Instance, Slot, Type, Value, tag};
use crate::door::dispose;

/// An object that holds data of the host.
#[repr(C)]
pub(crate) struct HostObject {
    header: Header,
    /// Shared borrows, or -1 for an exclusive one. Guards that are forgotten stay counted, so there may be as many as
    /// asked for; the last ones are refused.
    in_use: i32,
    data: Data,
}

/// Where the data are. A borrow is made from the address alone: a reference to the data that looks at their type would
/// end the borrows that there are.
enum Data {
    /// The heap's own, out of a box.
    Owned {
        data: *mut (dyn Any + Send),
        of: TypeId,
    },
    /// Somebody else's, until it is taken back.
    Lent {
        loan: Arc<Loan>,
        of: TypeId,
        is_mutable: bool,
    },
    Gone,
}

/// Where data are that were lent; null once they are taken back.
struct Loan(AtomicPtr<()>);

/// Why data cannot be borrowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Unavailable {
    /// It is of another type.
    OtherType,
    /// It is in use in a way that excludes this one.
    InUse,
    /// It was lent, and its owner has it back.
    TakenBack,
    /// It was lent for reading only.
    ReadOnly,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unavailable::OtherType => "it is of another type",
            Unavailable::InUse => "it is in use by a call that is under way",
            Unavailable::TakenBack => "the host has taken it back",
            Unavailable::ReadOnly => "the host lets it be read only",
        })
    }
}

impl Layout for HostObject {
    const OWNS: bool = true;

    unsafe fn edges(_: *mut HostObject, _: &mut impl Edges) {}

    unsafe fn finalise(object: *mut HostObject) {
        // SAFETY: the caller's word.
        let data = unsafe { std::mem::replace(&mut (*object).data, Data::Gone) };
        if let Data::Owned { data, .. } = data {
            // SAFETY: it came out of a box, and nobody has it any more: borrows end before the object does.
            let data = unsafe { Box::from_raw(data) };
            // A panic must not cut a collection short.
            dispose(data);
        }
    }
}

impl HostObject {
    /// Where the data are, and whether they may be changed.
    fn address<T: 'static>(&self) -> Result<(*mut T, bool), Unavailable> {
        let (address, of, is_mutable) = match &self.data {
            Data::Owned { data, of } => (data.cast::<()>(), of, true),
            Data::Lent { loan, of, is_mutable } => (loan.0.load(Ordering::Relaxed), of, *is_mutable),
            Data::Gone => return Err(Unavailable::TakenBack),
        };
        if address.is_null() {
            return Err(Unavailable::TakenBack);
        }
        if *of == TypeId::of::<T>() { Ok((address.cast(), is_mutable)) } else { Err(Unavailable::OtherType) }
    }
}

impl Data {
    fn owned(data: Box<dyn Any + Send>) -> Data {
        let of = (*data).type_id();
        Data::Owned { data: Box::into_raw(data), of }
    }
}

impl Heap {
    fn host_object(&mut self, data: Data) -> *mut HostObject {
        // SAFETY: everything behind the header is written at once, inside the size asked for.
        unsafe {
            let object = self.alloc_raw(tag::HOST, 0, size_of::<HostObject>()).cast::<HostObject>();
            (&raw mut (*object).in_use).write(0);
            (&raw mut (*object).data).write(data);
            object
        }
    }

    fn instance_of_host<'v>(&mut self, ty: Type<'v>, data: Data) -> Instance<'v> {
        let data = self.host_object(data);
        // SAFETY: everything behind the header is written at once, inside the size asked for; nothing is collected in
        // between.
        unsafe {
            let size = size_of::<InstanceObject>() + size_of::<Slot>();
            let object = self.alloc_raw(tag::INSTANCE, 0, size).cast::<InstanceObject>();
            (*object).ty = ty.as_ptr();
            object.add(1).cast::<Slot>().write(Value::raw(tag::HOST, data as u64));
            Gc::from_ptr(object)
        }
    }

    /// An instance of a host's type. None if the type is none.
    pub fn host_instance<'v, T: Send + 'static>(&mut self, ty: Type<'v>, data: T) -> Option<Instance<'v>> {
        ty.is_host().then(|| self.instance_of_host(ty, Data::owned(Box::new(data))))
    }

    /// An instance of a host's type whose data come later, or never.
    pub fn host_instance_to_fill<'v>(&mut self, ty: Type<'v>) -> Option<Instance<'v>> {
        ty.is_host().then(|| self.instance_of_host(ty, Data::Gone))
    }
}

/// Loans that are not over; none once no more are given.
type Loans = Arc<Mutex<Option<Vec<Arc<Loan>>>>>;

/// Lends data to programs while [`lending`] goes on.
pub(crate) struct Lender<'env> {
    loans: Loans,
    /// What is lent outlives the call of `lending`, in which all loans end.
    env: PhantomData<&'env mut &'env ()>,
}

/// Does something with a machine, to which data can be lent meanwhile. Afterwards all of them are taken back, whatever has
/// passed, and a lender that somebody has kept lends nothing more. As nobody else has the machine meanwhile, no native
/// of it is active then, and with it no guard.
pub(crate) fn lending<'m, 'env, M, R>(machine: &'m mut M, action: impl FnOnce(&'m mut M, Lender<'env>) -> R) -> R {
    struct Ending(Loans);

    impl Drop for Ending {
        fn drop(&mut self) {
            let loans = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
            loans.into_iter().flatten().for_each(|loan| loan.0.store(null_mut(), Ordering::Relaxed));
        }
    }

    let ending = Ending(Arc::new(Mutex::new(Some(Vec::new()))));
    action(machine, Lender { loans: ending.0.clone(), env: PhantomData })
}

impl<'env> Lender<'env> {
    /// An instance of a host's type with data for reading and changing. None if the type is none.
    pub fn lend_mut<'v, T: Send + 'static>(
        &self,
        heap: &mut Heap,
        ty: Type<'v>,
        data: &'env mut T,
    ) -> Option<Instance<'v>> {
        self.lend_at(heap, ty, data, true)
    }

    /// An instance of a host's type with data for reading, which programs are refused to change. None if the type is none.
    pub fn lend<'v, T: Sync + 'static>(&self, heap: &mut Heap, ty: Type<'v>, data: &'env T) -> Option<Instance<'v>> {
        self.lend_at(heap, ty, (data as *const T).cast_mut(), false)
    }

    /// The data are borrowed for longer than the loan, exclusively if they may be changed.
    fn lend_at<'v, T: 'static>(
        &self,
        heap: &mut Heap,
        ty: Type<'v>,
        data: *mut T,
        is_mutable: bool,
    ) -> Option<Instance<'v>> {
        let mut loans = self.loans.lock().unwrap_or_else(PoisonError::into_inner);
        let loans = loans.as_mut().filter(|_| ty.is_host())?;
        let loan = Arc::new(Loan(AtomicPtr::new(data.cast())));
        loans.push(loan.clone());
        Some(heap.instance_of_host(ty, Data::Lent { loan, of: TypeId::of::<T>(), is_mutable }))
    }
}

impl<'v> Gc<'v, TypeObject> {
    /// Whether its instances hold data of the host.
    #[inline]
    pub fn is_host(self) -> bool {
        self.host_class().is_some()
    }
}

impl<'v> Gc<'v, InstanceObject> {
    /// The object with the host's data.
    fn host_object(self) -> Option<*mut HostObject> {
        // SAFETY: instances of host types, and only they, are made with one slot, which never changes.
        self.ty().is_host().then(|| unsafe { (*self.as_ptr().add(1).cast::<Slot>()).bits as *mut HostObject })
    }

    /// The data, for reading.
    ///
    /// # Errors
    /// There are none of this type, or somebody changes them.
    pub fn borrow<T: 'static>(self) -> Result<Ref<'v, T>, Unavailable> {
        let object = self.host_object().ok_or(Unavailable::OtherType)?;
        // SAFETY: the object is live as long as the instance; the reference ends before the guard is used.
        unsafe {
            let (data, _) = (*object).address::<T>()?;
            if (*object).in_use < 0 || (*object).in_use == i32::MAX {
                return Err(Unavailable::InUse);
            }
            (*object).in_use += 1;
            Ok(Ref { data, object, brand: PhantomData })
        }
    }

    /// The data, for changing.
    ///
    /// # Errors
    /// There are none of this type, or somebody uses them.
    pub fn borrow_mut<T: 'static>(self) -> Result<RefMut<'v, T>, Unavailable> {
        let object = self.host_object().ok_or(Unavailable::OtherType)?;
        // SAFETY: as for `borrow`.
        unsafe {
            let (data, is_mutable) = (*object).address::<T>()?;
            if !is_mutable {
                return Err(Unavailable::ReadOnly);
            }
            if (*object).in_use != 0 {
                return Err(Unavailable::InUse);
            }
            (*object).in_use = -1;
            Ok(RefMut { data, object, brand: PhantomData })
        }
    }

    /// Puts data into an instance that has none yet; gives them back if it is none of those.
    pub(crate) fn fill_host(self, data: Box<dyn Any + Send>) -> Option<Box<dyn Any + Send>> {
        let Some(object) = self.host_object() else { return Some(data) };
        // SAFETY: the object is live, and what is gone is borrowed by nobody.
        unsafe {
            if !matches!((*object).data, Data::Gone) {
                return Some(data);
            }
            (*object).data = Data::owned(data);
        }
        None
    }
}

/// Data of the host that is borrowed for reading.
pub struct Ref<'v, T> {
    data: *const T,
    object: *mut HostObject,
    brand: PhantomData<&'v T>,
}

/// Data of the host that is borrowed for changing.
pub struct RefMut<'v, T> {
    data: *mut T,
    object: *mut HostObject,
    brand: PhantomData<&'v mut T>,
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for RefMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the data stay where they are while they are counted as borrowed, and nobody changes them.
        unsafe { &*self.data }
    }
}

impl<T> Deref for RefMut<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the data stay where they are while they are counted as borrowed, and nobody else uses them.
        unsafe { &*self.data }
    }
}

impl<T> DerefMut for RefMut<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`.
        unsafe { &mut *self.data }
    }
}

impl<T> Drop for Ref<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the object is live for the guard's brand.
        unsafe { (*self.object).in_use -= 1 };
    }
}

impl<T> Drop for RefMut<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the object is live for the guard's brand.
        unsafe { (*self.object).in_use = 0 };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::host::{Class, HostType};
    use crate::library::Library;
    use crate::machine::{Limits, Machine};

    struct Counted(i64, Arc<AtomicUsize>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl HostType for Counted {
        fn class() -> Class<Counted> {
            Class::new("Counted")
        }
    }

    #[test]
    fn borrows_within_one_another_stay_what_they_are() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let mut library = Library::default();
        library.classes.push(Arc::new(Counted::class().into_host_class()));
        let mut machine = Machine::new(Arc::new(library), Limits::default());
        let (mut mine, mut other) = (Counted(3, dropped.clone()), Counted(3, dropped.clone()));
        let (lent, kept) = lending(&mut machine, |machine, lender| {
            let ty = machine.host_type(TypeId::of::<Counted>()).unwrap();
            let lent = lender.lend_mut(&mut machine.heap, ty, &mut mine).unwrap();
            borrow_all(machine, lent, &dropped);
            (lent, lender)
        });
        assert_eq!(lent.borrow::<Counted>().err(), Some(Unavailable::TakenBack));
        let ty = machine.host_type(TypeId::of::<Counted>()).unwrap();
        assert!(kept.lend_mut(&mut machine.heap, ty, &mut other).is_none());
        assert_eq!((mine.0, other.0), (4, 3));
        drop((machine, mine, other));
        assert_eq!(dropped.load(Ordering::Relaxed), 4);
    }

    /// The same for data that are lent, owned, and given later.
    fn borrow_all(machine: &mut Machine, lent: Instance<'_>, dropped: &Arc<AtomicUsize>) {
        let cx = machine.cx_mut();
        let ty = lent.ty();
        let owned = cx.heap().host_instance(ty, Counted(1, dropped.clone())).unwrap();
        let filled = cx.heap().host_instance_to_fill(ty).unwrap();
        assert_eq!(filled.borrow::<Counted>().err(), Some(Unavailable::TakenBack));
        assert!(filled.fill_host(Box::new(Counted(2, dropped.clone()))).is_none());
        assert!(filled.fill_host(Box::new(Counted(9, dropped.clone()))).is_some());
        assert_eq!(dropped.swap(0, Ordering::Relaxed), 1);
        for instance in [owned, filled, lent] {
            let first = instance.borrow::<Counted>().unwrap();
            let before = first.0;
            let second = instance.borrow::<Counted>().unwrap();
            assert_eq!(instance.borrow_mut::<Counted>().err(), Some(Unavailable::InUse));
            assert_eq!(instance.borrow::<i64>().err(), Some(Unavailable::OtherType));
            assert_eq!((first.0, second.0), (before, before));
            drop(first);
            assert_eq!(instance.borrow_mut::<Counted>().err(), Some(Unavailable::InUse));
            drop(second);
            let mut change = instance.borrow_mut::<Counted>().unwrap();
            assert_eq!(instance.borrow::<Counted>().err(), Some(Unavailable::InUse));
            assert_eq!(instance.borrow_mut::<i64>().err(), Some(Unavailable::OtherType));
            change.0 += 1;
            drop(change);
            assert_eq!(instance.borrow::<Counted>().unwrap().0, before + 1);
        }
    }
}
