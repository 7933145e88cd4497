//! The undo log of `atomic`: what every change inside it replaced, so that it can be put back.
//!
//! An entry is made for a change to an object that existed before the innermost `atomic` began (`birth` below the
//! number that `atomic` was given). Going back replays entries from the newest to the oldest, and skips objects that
//! were made inside the `atomic` that is undone, as the contract wants them left alone. The cost of both follows the
//! number of changes.

use super::Heap;
use super::edges::Marker;
use super::fiber::FiberSnapshot;
use super::layout::*;
use super::value::Slot;

/// What a change replaced.
pub(crate) enum Change {
    /// The content of a cell.
    Cell(*mut CellObject, Slot),
    /// A field of an instance.
    Field(*mut InstanceObject, u32, Slot),
    /// An instance became one of another type.
    Instance(*mut InstanceObject, Box<Before>),
    /// An element of a tuple: only types are ever replaced there.
    Part(*mut TupleObject, usize, Slot),
    /// An element of a list.
    Item(*mut ListObject, usize, Slot),
    /// Elements were appended: the length before.
    Grown(*mut ListObject, usize),
    /// Elements were taken off the end: the ones that were there, first to last.
    Shrunk(*mut ListObject, Vec<Slot>),
    /// One element was put in at this place.
    Inserted(*mut ListObject, usize),
    /// One element was taken out at this place.
    Removed(*mut ListObject, usize, Slot),
    /// All elements before a change of unknown shape (sort, reverse, clear).
    Items(*mut ListObject, Vec<Slot>),
    /// Something in a map or set.
    Table(*mut TableObject, super::table::TableChange),
    /// A fiber's frames and registers, before it was first resumed.
    Fiber(*mut FiberObject, Box<FiberSnapshot>),
}

/// What was in the cell of an instance that became one of another type.
pub(crate) struct Before {
    pub ty: *mut TypeObject,
    pub slots: Box<[Slot]>,
}

/// The undo log.
#[derive(Default)]
pub(crate) struct Journal {
    entries: Entries,
    /// Number and first entry of every `atomic` that is under way, outermost first.
    open: Vec<(u32, usize)>,
    /// Bytes of all entries.
    bytes: usize,
    /// Bytes that entries and undone objects took (or gave back, if negative) and that the heap has not counted yet.
    uncounted: isize,
}

/// Entries in pieces, so that a long log is never moved: that would take its memory a second time for a while.
#[derive(Default)]
struct Entries {
    /// Each holds [`PIECE`] entries, but for the last one.
    pieces: Vec<Vec<Change>>,
}

/// Entries of a piece.
const PIECE: usize = 1024;

impl Entries {
    fn len(&self) -> usize {
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * PIECE + last.len())
    }

    fn last(&self) -> Option<&Change> {
        self.pieces.last()?.last()
    }

    fn push(&mut self, change: Change) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(change),
            _ => {
                // The first one grows, as most logs are short.
                let mut piece = if self.pieces.is_empty() { Vec::new() } else { Vec::with_capacity(PIECE) };
                piece.push(change);
                self.pieces.push(piece);
            }
        }
    }

    fn pop(&mut self) -> Option<Change> {
        let last = self.pieces.last_mut()?;
        let change = last.pop();
        if last.is_empty() {
            self.pieces.pop();
        }
        change
    }

    fn iter(&self) -> impl Iterator<Item = &Change> {
        self.pieces.iter().flatten()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Change> {
        self.pieces.iter_mut().flatten()
    }
}

impl Journal {
    /// Whether any `atomic` is under way.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether a change to an object with this header must be logged.
    #[inline]
    pub fn wants(&self, header: &Header) -> bool {
        self.open.last().is_some_and(|&(number, _)| header.birth < number)
    }

    /// Adds an entry.
    pub fn push(&mut self, change: Change) {
        // Elements pushed one by one need one entry as long as nothing else comes between.
        if let Change::Grown(list, _) = &change
            && self.entries.len() > self.open.last().map_or(0, |&(_, first)| first)
            && let Some(Change::Grown(last, _)) = self.entries.last()
            && last == list
        {
            return;
        }
        let bytes = change.bytes();
        self.bytes += bytes;
        self.uncounted += bytes as isize;
        self.entries.push(change);
    }

    /// Number of `atomic`s under way.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// Number of the innermost `atomic` under way, 0 if there is none.
    pub fn number(&self) -> u32 {
        self.open.last().map_or(0, |&(number, _)| number)
    }

    /// Numbers of the `atomic`s under way, outermost first.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.open.iter().map(|&(number, _)| number)
    }

    /// Gives numbers of `atomic`s under way new values, and copies of fibers theirs.
    pub fn renumber(&mut self, rank: impl Fn(u32) -> u32, copied: impl Fn(u32) -> u32) {
        self.open.iter_mut().for_each(|(number, _)| *number = rank(*number));
        for change in self.entries.iter_mut() {
            if let Change::Fiber(_, snapshot) = change {
                snapshot.snapshot = copied(snapshot.snapshot);
            }
        }
    }

    /// Begins an `atomic`; `number` is above the birth of every object there is.
    pub fn begin(&mut self, number: u32) {
        self.open.push((number, self.entries.len()));
    }

    /// Ends the innermost `atomic` and keeps its changes; they still belong to the ones around it.
    pub fn commit(&mut self) {
        self.open.pop();
        if self.open.is_empty() {
            self.entries = Entries::default();
            self.uncounted -= std::mem::take(&mut self.bytes) as isize;
        }
    }

    /// Ends the innermost `atomic` and puts back what it changed.
    pub fn roll_back(&mut self) {
        let Some((number, first)) = self.open.pop() else { return };
        while self.entries.len() > first {
            let Some(change) = self.entries.pop() else { break };
            let bytes = change.bytes();
            self.bytes -= bytes;
            self.uncounted -= bytes as isize;
            // SAFETY: entries keep their objects alive (`trace`), and the kind of entry fits the object by its type.
            unsafe {
                if (*change.header()).birth < number {
                    let header = change.header();
                    let before = Heap::owned_bytes(header);
                    change.undo();
                    self.uncounted += Heap::owned_bytes(header) as isize - before as isize;
                }
            }
        }
    }

    /// Marks everything the log may put back, and the objects it belongs to.
    pub fn trace(&self, marker: &mut Marker) {
        for change in self.entries.iter() {
            marker.header(change.header());
            match change {
                Change::Cell(_, slot)
                | Change::Field(_, _, slot)
                | Change::Part(_, _, slot)
                | Change::Item(_, _, slot)
                | Change::Removed(_, _, slot) => marker.slot(*slot),
                Change::Instance(_, before) => {
                    marker.header(before.ty.cast());
                    before.slots.iter().for_each(|&slot| marker.slot(slot));
                }
                Change::Shrunk(_, slots) | Change::Items(_, slots) => slots.iter().for_each(|&slot| marker.slot(slot)),
                Change::Grown(..) | Change::Inserted(..) => {}
                Change::Table(_, change) => change.trace(marker),
                Change::Fiber(_, snapshot) => snapshot.trace(marker),
            }
        }
    }
}

impl Heap {
    /// Counts the bytes that the undo log took or gave back.
    #[inline]
    pub fn settle(&mut self) {
        self.bytes = self.bytes.saturating_add_signed(std::mem::take(&mut self.journal.uncounted));
    }
}

impl Change {
    /// Bytes that the entry takes.
    fn bytes(&self) -> usize {
        size_of::<Change>()
            + match self {
                Change::Shrunk(_, slots) | Change::Items(_, slots) => slots.capacity() * size_of::<Slot>(),
                Change::Table(_, change) => change.owned_bytes(),
                Change::Fiber(_, snapshot) => snapshot.owned_bytes(),
                Change::Instance(_, before) => size_of::<Before>() + size_of_val(&*before.slots),
                _ => 0,
            }
    }

    fn header(&self) -> *mut Header {
        match self {
            Change::Cell(object, _) => object.cast(),
            Change::Field(object, _, _) => object.cast(),
            Change::Instance(object, _) => object.cast(),
            Change::Part(object, _, _) => object.cast(),
            Change::Item(object, _, _)
            | Change::Grown(object, _)
            | Change::Shrunk(object, _)
            | Change::Inserted(object, _)
            | Change::Removed(object, _, _)
            | Change::Items(object, _) => object.cast(),
            Change::Table(object, _) => object.cast(),
            Change::Fiber(object, _) => object.cast(),
        }
    }

    /// Puts back what was there before.
    ///
    /// # Safety
    /// The object must be live, and all later changes to it that were logged must have been undone.
    unsafe fn undo(self) {
        // SAFETY: the pointers are to live objects of these kinds; indexes are in bounds because the list is as it
        // was right after the change, all later ones being undone. Checked operations stand where that is cheap.
        unsafe {
            match self {
                Change::Cell(object, slot) => (*object).value = slot,
                Change::Field(object, index, slot) => *InstanceObject::fields(object).add(index as usize) = slot,
                Change::Instance(object, before) => {
                    (*object).ty = before.ty;
                    let cell = object.add(1).cast::<Slot>();
                    before.slots.iter().enumerate().for_each(|(index, &slot)| cell.add(index).write(slot));
                }
                Change::Part(object, index, slot) => *object.add(1).cast::<Slot>().add(index) = slot,
                Change::Item(object, index, slot) => {
                    let items = &mut (*object).items;
                    if let Some(item) = items.get_mut(index) {
                        *item = slot;
                    }
                }
                Change::Grown(object, len) => (*object).items.truncate(len),
                Change::Shrunk(object, slots) => (*object).items.change(|items| items.extend(slots)),
                Change::Inserted(object, index) => {
                    let items = &mut (*object).items;
                    match index {
                        0 => _ = items.take_first(),
                        _ if index < items.len() => _ = items.change(|items| items.remove(index)),
                        _ => {}
                    }
                }
                Change::Removed(object, index, slot) => {
                    let items = &mut (*object).items;
                    match index {
                        0 => items.insert_first(slot),
                        _ => items.change(|items| items.insert(index.min(items.len()), slot)),
                    }
                }
                Change::Items(object, slots) => (*object).items = slots.into(),
                Change::Table(object, change) => (*object).table.undo(change),
                Change::Fiber(object, snapshot) => (*object).state.restore(*snapshot),
            }
        }
    }
}
