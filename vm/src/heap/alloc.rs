//! Making objects, and the account of the bytes they take.

use std::alloc::{Layout, alloc, handle_alloc_error};
use std::ptr::null_mut;

use super::cells::{Block, FreeCell, LARGEST, SIZES, class_of};
use super::journal::Journal;
use super::keyed::Keyed;
use super::layout::*;
use super::table::Table;
use super::value::{Gc, Slot, Value, tag};
use crate::trace::Trace;

/// All objects of one machine.
pub(crate) struct Heap {
    /// Free cells of each class.
    pub(super) free: [*mut FreeCell; SIZES.len()],
    pub(super) blocks: Vec<Block>,
    /// How many blocks of each class were made, as far as it tells the next one's size.
    grown: [u8; SIZES.len()],
    /// The class that a handler found no free cell of.
    empty: usize,
    /// Objects with memory of their own.
    pub(super) large: Vec<Large>,
    /// Bytes of all objects with what they own.
    pub(crate) bytes: usize,
    /// Bytes that strings have in common with others that they begin with; those of strings that nothing refers to any more
    /// until the next collection. They count as if each string had its own: what is stored of a string is all of it.
    pub(super) shared: usize,
    /// How many of them the last collection has left.
    pub(super) kept_shared: usize,
    /// A collection is due when `bytes` passes this.
    pub(crate) threshold: usize,
    /// The most bytes there may be.
    pub(crate) limit: usize,
    /// Collect whenever it is possible, to find missing roots.
    pub(crate) stress: bool,
    /// Header of new objects but for kind, flags and class.
    pub(super) color: u8,
    pub(crate) birth: u32,
    /// What is kept for calls into the machine.
    pub(super) held: Held,
    /// Bytes that were left after the last collection.
    pub(super) kept: usize,
    /// Bytes that were left when the machine last rested.
    pub(super) rested: usize,
    /// Keys the hashes of map keys.
    pub(crate) keyed: Keyed,
    pub(crate) journal: Journal,
    /// Number of collections so far.
    pub(crate) collections: u64,
}

/// An object with memory of its own, and its size in bytes.
#[derive(Clone, Copy)]
pub(super) struct Large {
    pub header: *mut Header,
    pub size: usize,
}

/// Calls into the machine whose callers may hold values; `held` says what that means.
#[derive(Default)]
pub(crate) struct Held {
    /// The number of each, outermost first, so that the last one is the highest.
    pub(super) numbers: Vec<u32>,
    /// While there are any: the heap's threshold for when the last one is over. What they have kept makes a collection
    /// due then.
    pub(super) outside: usize,
    /// While there are none: the threshold that holds for the next ones. A collection that frees little because of them
    /// is not to be made again at each of them.
    pub(super) inside: usize,
}

/// First threshold for a collection.
pub(super) const FIRST_THRESHOLD: usize = 2 << 20;

/// The last threshold under a limit, if so many bytes were left by the last collection: an eighth of what was free stays
/// free. Natives that call back need it, as nothing is freed meanwhile that was garbage before.
pub(super) fn due_before(kept: usize, limit: usize) -> usize {
    (limit - limit.saturating_sub(kept) / 8).max(kept.saturating_add(1))
}

impl Heap {
    /// An empty heap. `seed` keys the hashes of strings and map keys.
    pub fn new(limit: usize, seed: u64) -> Heap {
        Heap {
            free: [null_mut(); SIZES.len()],
            blocks: Vec::new(),
            grown: [0; SIZES.len()],
            empty: 0,
            large: Vec::new(),
            bytes: 0,
            shared: 0,
            kept_shared: 0,
            threshold: due_before(0, limit).min(FIRST_THRESHOLD),
            limit,
            stress: false,
            color: 1,
            birth: 0,
            held: Held::default(),
            kept: 0,
            rested: 0,
            keyed: Keyed::new(seed),
            journal: Journal::default(),
            collections: 0,
        }
    }

    /// Whether a collection is due.
    #[inline(always)]
    pub fn is_due(&self) -> bool {
        self.bytes >= self.threshold
    }

    /// Bytes as the limit counts them.
    pub(super) fn counted(&self) -> usize {
        self.bytes.saturating_add(self.shared)
    }

    /// Whether `more` bytes would stay within the limit.
    pub fn has_room(&self, more: usize) -> bool {
        self.counted().checked_add(more).is_some_and(|total| total <= self.limit)
    }

    #[inline(always)]
    fn header(&self, kind: u64, flags: u8, class: usize) -> Header {
        Header { kind: kind as u8, color: self.color, flags, class: class as u8, birth: self.birth }
    }

    /// Memory for an object of `size` bytes with its header written; the rest is not initialised.
    ///
    /// # Safety
    /// The caller must initialise the rest before the next collection.
    #[inline(always)]
    pub(super) unsafe fn alloc_raw(&mut self, kind: u64, flags: u8, size: usize) -> *mut Header {
        if size <= LARGEST && !cfg!(quipu_loose) {
            let class = class_of(size);
            // SAFETY: the class is that of a cell.
            unsafe { self.alloc_cell(kind, flags, class) }
        } else {
            self.alloc_large(kind, flags, size)
        }
    }

    /// A cell of a class, its header written; the rest is not initialised.
    ///
    /// # Safety
    /// `class` is in `1..SIZES.len()`, and the caller must initialise the rest before the next collection.
    #[inline(always)]
    pub(crate) unsafe fn alloc_cell(&mut self, kind: u64, flags: u8, class: usize) -> *mut Header {
        if cfg!(quipu_loose) {
            return self.alloc_large(kind, flags, size_in_cell(kind, class));
        }
        let mut cell = self.free[class];
        if cell.is_null() {
            cell = self.refill(class);
        }
        // SAFETY: cells in the free list are free cells of this class inside blocks that the heap owns.
        unsafe {
            self.free[class] = (*cell).next;
            self.bytes += SIZES[class] as usize;
            let header = cell.cast::<Header>();
            *header = self.header(kind, flags, class);
            header
        }
    }

    /// As `alloc_cell`, but None if there is no free cell: for handlers, which then run [`Heap::add_block`] apart.
    ///
    /// # Safety
    /// As `alloc_cell`.
    #[inline(always)]
    pub(crate) unsafe fn take_cell(&mut self, kind: u64, flags: u8, class: usize) -> Option<*mut Header> {
        if cfg!(quipu_loose) {
            return Some(self.alloc_large(kind, flags, size_in_cell(kind, class)));
        }
        // SAFETY: the class is in range by the caller's word; cells in the free list are as in `alloc_cell`.
        unsafe {
            let free = self.free.as_mut_ptr().add(class);
            let cell = *free;
            if cell.is_null() {
                self.empty = class;
                return None;
            }
            *free = (*cell).next;
            self.bytes += *SIZES.as_ptr().add(class) as usize;
            let header = cell.cast::<Header>();
            *header = self.header(kind, flags, class);
            Some(header)
        }
    }

    /// Makes sure that there is a free cell of the class that [`Heap::take_cell`] had none of.
    pub(crate) fn add_block(&mut self) {
        let class = self.empty;
        if self.free[class].is_null() {
            self.free[class] = self.refill(class);
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self, class: usize) -> *mut FreeCell {
        let (block, first) = Block::new(class, self.grown[class]);
        self.grown[class] = self.grown[class].saturating_add(1);
        self.blocks.push(block);
        first
    }

    #[cold]
    #[inline(never)]
    fn alloc_large(&mut self, kind: u64, flags: u8, size: usize) -> *mut Header {
        let layout = large_layout(size);
        // SAFETY: the layout has a size.
        let header = unsafe { alloc(layout) }.cast::<Header>();
        if header.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: just allocated, large enough and aligned.
        unsafe { header.write(self.header(kind, flags, 0)) };
        self.bytes += layout.size();
        self.large.push(Large { header, size });
        header
    }

    /// A string. The caller has charged for it if it can be big.
    #[inline]
    pub fn str<'v>(&mut self, text: &str) -> Gc<'v, StrObject> {
        self.str_joined(&[text], text.len(), text.is_ascii())
    }

    /// The string made of these parts in order. The caller knows how long they are together and whether all are ASCII, so that
    /// nobody has to look.
    pub fn str_joined<'v>(&mut self, parts: &[&str], len: usize, ascii: bool) -> Gc<'v, StrObject> {
        debug_assert_eq!(ascii, parts.iter().all(|part| part.is_ascii()));
        if !ascii && len >= LONG { self.str_with_room(parts, len, 0) } else { self.str_flat(parts, len, ascii as u8) }
    }

    /// A string whose bytes, so many, follow it.
    #[inline]
    pub(super) fn str_flat<'v>(&mut self, parts: &[&str], len: usize, flags: u8) -> Gc<'v, StrObject> {
        let mut left = len;
        // SAFETY: everything behind the header is written at once, inside the size asked for: what is left of that is counted.
        unsafe {
            let object = self.alloc_raw(tag::STR, flags, size_of::<StrObject>() + len).cast::<StrObject>();
            (*object).hash = 0;
            (*object).len = len;
            let mut to = object.add(1).cast::<u8>();
            for part in parts {
                assert!(part.len() <= left);
                left -= part.len();
                to.copy_from_nonoverlapping(part.as_ptr(), part.len());
                to = to.add(part.len());
            }
            assert!(left == 0);
            Gc::from_ptr(object)
        }
    }

    /// A text `count` times over.
    pub fn str_repeated<'v>(&mut self, text: &str, count: usize) -> Gc<'v, StrObject> {
        // The caller has reserved the product, so it fits.
        let len = text.len() * count;
        let is_ascii = text.is_ascii();
        if !is_ascii && len >= LONG {
            return self.str_repeated_with_room(text, len, 0);
        }
        let flags = if is_ascii { flag::ASCII } else { 0 };
        // SAFETY: everything behind the header is written at once, inside the size asked for.
        unsafe {
            let object = self.alloc_raw(tag::STR, flags, size_of::<StrObject>() + len).cast::<StrObject>();
            (*object).hash = 0;
            (*object).len = len;
            fill_with(object.add(1).cast(), text, len);
            Gc::from_ptr(object)
        }
    }

    /// Memory for bytes or for whatever only the heap looks at.
    ///
    /// # Safety
    /// Nobody may look at what is in it before it is filled.
    pub(super) unsafe fn bytes_to_fill<'v>(&mut self, len: usize) -> Gc<'v, BytesObject> {
        // SAFETY: the size is inside of what is asked for; the rest is the caller's word.
        unsafe {
            let object = self.alloc_raw(tag::BYTES, 0, size_of::<BytesObject>() + len).cast::<BytesObject>();
            (*object).len = len;
            Gc::from_ptr(object)
        }
    }

    /// A byte string.
    pub fn bytes<'v>(&mut self, parts: &[&[u8]]) -> Gc<'v, BytesObject> {
        let len = parts.iter().map(|part| part.len()).sum();
        // SAFETY: all of it is written at once.
        unsafe {
            let object = self.bytes_to_fill(len).as_ptr();
            let mut to = object.add(1).cast::<u8>();
            for part in parts {
                to.copy_from_nonoverlapping(part.as_ptr(), part.len());
                to = to.add(part.len());
            }
            Gc::from_ptr(object)
        }
    }

    /// A tuple.
    pub fn tuple<'v>(&mut self, items: &[Value<'v>]) -> Gc<'v, TupleObject> {
        // SAFETY: everything behind the header is written at once, inside the size asked for.
        unsafe {
            let object =
                self.alloc_raw(tag::TUPLE, 0, size_of::<TupleObject>() + size_of_val(items)).cast::<TupleObject>();
            (*object).len = items.len();
            object.add(1).cast::<Value<'v>>().copy_from_nonoverlapping(items.as_ptr(), items.len());
            Gc::from_ptr(object)
        }
    }

    /// A range.
    pub fn range<'v>(&mut self, start: i64, end: i64, step: i64, inclusive: bool) -> Gc<'v, RangeObject> {
        let flags = if inclusive { flag::INCLUSIVE } else { 0 };
        // SAFETY: all fields are written at once.
        unsafe {
            let object = self.alloc_raw(tag::RANGE, flags, size_of::<RangeObject>()).cast::<RangeObject>();
            (*object).start = start;
            (*object).end = end;
            (*object).step = step;
            Gc::from_ptr(object)
        }
    }

    /// A closure. `owner` is the type whose method or constructor it is.
    ///
    /// # Safety
    /// `code` must point to prepared code that the machine keeps as long as closures refer to it, and there must be
    /// as many captures, of the right kinds, as it has free variables.
    #[inline]
    pub unsafe fn closure<'v>(
        &mut self,
        code: *const crate::heap::prepared::Prepared,
        captures: impl ExactSizeIterator<Item = Value<'v>>,
        owner: Option<Value<'v>>,
    ) -> Gc<'v, ClosureObject> {
        let slots = captures.len() + owner.is_some() as usize;
        let flags = if owner.is_some() { flag::OWNED } else { 0 };
        // SAFETY: everything behind the header is written at once, inside the size asked for.
        unsafe {
            let object = self
                .alloc_raw(tag::CLOSURE, flags, size_of::<ClosureObject>() + slots * size_of::<Slot>())
                .cast::<ClosureObject>();
            (*object).code = code;
            let to = object.add(1).cast::<Slot>();
            for (i, value) in captures.chain(owner).take(slots).enumerate() {
                to.add(i).write(value.slot());
            }
            Gc::from_ptr(object)
        }
    }

    /// An instance with these fields, as many as its type has.
    ///
    /// # Safety
    /// `fields` must be as many as the type has.
    #[inline(always)]
    pub unsafe fn instance<'v>(&mut self, ty: Gc<'v, TypeObject>, fields: &[Value<'v>]) -> Gc<'v, InstanceObject> {
        // SAFETY: everything behind the header is written at once, inside the size asked for.
        unsafe {
            let object = self
                .alloc_raw(tag::INSTANCE, 0, size_of::<InstanceObject>() + size_of_val(fields))
                .cast::<InstanceObject>();
            (*object).ty = ty.as_ptr();
            let to = object.add(1).cast::<Value<'v>>();
            for (i, field) in fields.iter().enumerate() {
                to.add(i).write(*field);
            }
            Gc::from_ptr(object)
        }
    }

    /// An instance with these fields, if they are as many as its type has.
    pub fn checked_instance<'v>(
        &mut self,
        ty: Gc<'v, TypeObject>,
        fields: &[Value<'v>],
    ) -> Option<Gc<'v, InstanceObject>> {
        // SAFETY: the number has just been compared.
        (fields.len() == ty.field_count()).then(|| unsafe { self.instance(ty, fields) })
    }

    /// A list that takes over a vector.
    pub fn list<'v>(&mut self, items: Vec<Value<'v>>) -> Gc<'v, ListObject> {
        self.bytes += items.capacity() * size_of::<Slot>();
        // SAFETY: a `Vec<Value<'v>>` and a `Vec<Slot>` are the same but for the brand; the field is written at once.
        unsafe {
            let items = std::mem::transmute::<Vec<Value<'v>>, Vec<Slot>>(items);
            let object = self.alloc_raw(tag::LIST, 0, size_of::<ListObject>()).cast::<ListObject>();
            (&raw mut (*object).items).write(items.into());
            Gc::from_ptr(object)
        }
    }

    /// An empty map (`tag::MAP`) or set (`tag::SET`).
    pub fn table<'v>(&mut self, kind: u64) -> Gc<'v, TableObject> {
        debug_assert!(kind == tag::MAP || kind == tag::SET);
        // SAFETY: the field is written at once.
        unsafe {
            let object = self.alloc_raw(kind, 0, size_of::<TableObject>()).cast::<TableObject>();
            (&raw mut (*object).table).write(Table::default());
            Gc::from_ptr(object)
        }
    }

    /// A type.
    pub fn ty<'v>(&mut self, data: TypeData) -> Gc<'v, TypeObject> {
        self.bytes += data.owned_bytes();
        // SAFETY: the field is written at once.
        unsafe {
            let object = self.alloc_raw(tag::TYPE, 0, size_of::<TypeObject>()).cast::<TypeObject>();
            (&raw mut (*object).data).write(data);
            Gc::from_ptr(object)
        }
    }

    /// A fiber.
    pub fn fiber<'v>(&mut self, state: crate::heap::fiber::FiberState) -> Gc<'v, FiberObject> {
        self.bytes += state.owned_bytes();
        // SAFETY: the field is written at once.
        unsafe {
            let object = self.alloc_raw(tag::FIBER, 0, size_of::<FiberObject>()).cast::<FiberObject>();
            (&raw mut (*object).state).write(state);
            Gc::from_ptr(object)
        }
    }

    /// An error value without a trace.
    pub fn error<'v>(&mut self, kind: Value<'v>, message: Value<'v>, data: Value<'v>) -> Gc<'v, ErrorObject> {
        let (kind, message, data) = (kind.slot(), message.slot(), data.slot());
        let data = ErrorData { kind, message, data, during: Value::NIL, trace: None, host: None };
        // SAFETY: the field is written at once.
        unsafe {
            let object = self.alloc_raw(tag::ERROR, 0, size_of::<ErrorObject>()).cast::<ErrorObject>();
            (&raw mut (*object).data).write(data);
            Gc::from_ptr(object)
        }
    }

    /// Puts another account of where an error was thrown in place of the one it has, and counts its memory.
    pub fn change_trace(&mut self, error: Gc<'_, ErrorObject>, change: impl FnOnce(Option<Box<Trace>>) -> Box<Trace>) {
        // SAFETY: the object is live, and nothing refers to its parts but copies.
        unsafe {
            let data = &raw mut (*error.as_ptr()).data;
            self.bytes -= Heap::owned_bytes(error.as_ptr().cast());
            (*data).trace = Some(change((*data).trace.take()));
            self.bytes += Heap::owned_bytes(error.as_ptr().cast());
        }
    }

    /// A native function value.
    pub fn native<'v>(&mut self, def: std::sync::Arc<crate::native::NativeDef>) -> Gc<'v, NativeObject> {
        // SAFETY: the field is written at once.
        unsafe {
            let flags = def.intrinsic as u8;
            let object = self.alloc_raw(tag::NATIVE, flags, size_of::<NativeObject>()).cast::<NativeObject>();
            (&raw mut (*object).def).write(def);
            Gc::from_ptr(object)
        }
    }
}

impl TypeData {
    /// Bytes behind its boxes.
    pub(super) fn owned_bytes(&self) -> usize {
        size_of_val(&*self.fields) + size_of_val(&*self.methods)
    }
}

/// Writes a text again and again until so many bytes are full, a multiple of its length.
///
/// # Safety
/// There is memory for so many, which the text is not in.
pub(super) unsafe fn fill_with(to: *mut u8, text: &str, len: usize) {
    // SAFETY: the caller's word; what is copied stands before where it is written.
    unsafe {
        // The part that is there is copied behind itself until it is long enough.
        let mut done = text.len().min(len);
        to.copy_from_nonoverlapping(text.as_ptr(), done);
        while done < len {
            let more = done.min(len - done);
            to.add(done).copy_from_nonoverlapping(to, more);
            done += more;
        }
    }
}

/// How much of a cell an object fills that is made by its class; their sizes are multiples of 16 but for one kind.
fn size_in_cell(kind: u64, class: usize) -> usize {
    if kind == tag::CELL { size_of::<CellObject>() } else { SIZES[class] as usize }
}

/// The layout of an object of its own with `size` bytes.
pub(super) fn large_layout(size: usize) -> Layout {
    if cfg!(quipu_loose) {
        // To the byte, so that whoever looks for it sees the first one behind the end.
        return Layout::from_size_align(size, 8).unwrap_or_else(|_| too_large(size));
    }
    // Sizes come from lengths of memory that exists, so rounding up to eight cannot overflow.
    Layout::from_size_align((size + 7) & !7, 8).unwrap_or_else(|_| too_large(size))
}

/// No object is so large: whoever makes one has asked whether the heap has room. Where it was not asked, memory that is too
/// small would be written behind its end.
#[cold]
fn too_large(size: usize) -> ! {
    panic!("an object of {size} bytes is more than there can be in one piece")
}
