//! Slow paths of operators, cells, containers and patterns: special methods first, then what `ops` does to the
//! built-in kinds.

use quipu_code::{Op, Word};

use super::calls::{To, kind_of};
use super::types::describe;
use super::unwind::is_missing_key;
use crate::error::ErrorKind;
use crate::heap::frame::Kind;
use crate::heap::journal::Change;
use crate::heap::layout::{CellObject, flag};
use crate::heap::{GROWING, Slot, Special, Value, View, tag};
use crate::machine::Machine;
use crate::native::Fault;
use crate::ops;

type Done = Result<(), Fault<'static>>;

impl Machine {
    // Cells.

    pub(super) fn free_cell_fault(&mut self, w: Word) -> Done {
        let name = self.free_name(w.x() as usize);
        Err(self.uninitialised(name))
    }

    pub(super) fn get_cell_fault(&mut self, w: Word) -> Done {
        let name = self.register_name(w.b());
        Err(self.uninitialised(name))
    }

    pub(super) fn set_free_cell(&mut self, w: Word) -> Done {
        // SAFETY: the checker has bounded the index by the number of captures.
        let cell = unsafe { *(*self.fp).closure.add(1).cast::<Slot>().add(w.x() as usize) };
        let value = self.r(w.a() as usize);
        if !self.assign_cell(cell, value, false) {
            let name = self.free_name(w.x() as usize);
            return Err(self.uninitialised(name));
        }
        Ok(())
    }

    pub(super) fn set_cell(&mut self, w: Word) -> Done {
        let (cell, value) = (self.r(w.a() as usize), self.r(w.b() as usize));
        if !self.assign_cell(cell, value, false) {
            let name = self.register_name(w.a());
            return Err(self.uninitialised(name));
        }
        Ok(())
    }

    pub(super) fn init_cell(&mut self, w: Word) -> Done {
        let (cell, value) = (self.r(w.a() as usize), self.r(w.b() as usize));
        if !self.assign_cell(cell, value, true) {
            return Err(self.failure(ErrorKind::Type, "a variable that is no var is given a value a second time"));
        }
        Ok(())
    }

    /// Writes a cell; false if it is none, or not initialised unless that is what is done now. What is no cell of a `var` is
    /// written once: hashes of what reaches it are kept.
    fn assign_cell(&mut self, cell: Slot, value: Slot, init: bool) -> bool {
        if cell.tag != tag::CELL {
            return false;
        }
        let cell = cell.bits as *mut CellObject;
        // SAFETY: the tag says so.
        unsafe {
            let is_var = (*cell).header.flags & flag::VAR != 0;
            if (*cell).value.is_absent() != init && !(init && is_var) {
                return false;
            }
            if self.heap.journal.is_on() && self.heap.journal.wants(&(*cell).header) {
                self.heap.log(Change::Cell(cell, (*cell).value));
            }
            (*cell).value = value;
        }
        true
    }

    fn uninitialised(&mut self, name: Option<String>) -> Fault<'static> {
        let name = name.unwrap_or_else(|| "a variable".into());
        self.failure(ErrorKind::Uninitialised, format!("{name} is used before its declaration has run"))
    }

    fn free_name(&self, index: usize) -> Option<String> {
        // SAFETY: `fp` is the running frame.
        let code = unsafe { (*(*(*self.fp).closure).code).code() };
        code.debug()?.free.get(index).cloned()
    }

    fn register_name(&self, register: u16) -> Option<String> {
        // SAFETY: `fp` is the running frame.
        let prepared = unsafe { &*(*(*self.fp).closure).code };
        let at = prepared.index_before(self.pc);
        let locals = &prepared.code().debug()?.locals;
        let local = locals.iter().find(|local| local.register == register && local.start <= at && at < local.end);
        local.map(|local| local.name.clone())
    }

    // Operators.

    pub(super) fn binary(&mut self, w: Word) -> Done {
        let (left, right) = (self.r(w.b() as usize), self.r(w.c() as usize));
        let operator = match w.op() {
            Some(Op::Add) => ops::Operator::Add,
            Some(Op::Sub) => ops::Operator::Sub,
            Some(Op::Mul) => ops::Operator::Mul,
            Some(Op::Div) => ops::Operator::Div,
            Some(Op::FloorDiv) => ops::Operator::FloorDiv,
            Some(Op::Mod) => ops::Operator::Mod,
            Some(Op::Pow) => ops::Operator::Pow,
            Some(Op::BitAnd) => ops::Operator::BitAnd,
            Some(Op::BitOr) => ops::Operator::BitOr,
            Some(Op::BitXor) => ops::Operator::BitXor,
            Some(Op::Shl) => ops::Operator::Shl,
            Some(Op::Shr) => ops::Operator::Shr,
            _ => return self.illegal(w),
        };
        if let Some(method) = operator.method().and_then(|special| self.special(left, special)) {
            return self.call_special(method, &[left, right], To::of(w));
        }
        let value = ops::arith::binary(self.cx_mut(), operator, left, right)?;
        self.set_r(w.a() as usize, value);
        Ok(())
    }

    pub(super) fn unary(&mut self, w: Word) -> Done {
        let operand = self.r(w.b() as usize);
        if w.op() == Some(Op::Neg)
            && let Some(method) = self.special(operand, Special::neg)
        {
            return self.call_special(method, &[operand], To::of(w));
        }
        let value = match w.op() {
            Some(Op::Neg) => ops::arith::negate(self.cx_mut(), operand)?,
            Some(Op::BitNot) => ops::arith::complement(self.cx_mut(), operand)?,
            _ => return self.illegal(w),
        };
        self.set_r(w.a() as usize, value);
        Ok(())
    }

    /// `<`, `<=`, `>`, `>=`, also from their fused forms: the result always goes into the register.
    pub(super) fn compare(&mut self, w: Word) -> Done {
        use std::cmp::Ordering::*;
        let (left, right) = (self.r(w.b() as usize), self.r(w.c() as usize));
        let kind = kind_of(w);
        let symbol = match kind {
            Some(Kind::Less) => "<",
            Some(Kind::LessEqual) => "<=",
            Some(Kind::Greater) => ">",
            Some(Kind::GreaterEqual) => ">=",
            _ => return self.illegal(w),
        };
        if let Some(method) = self.special(left, Special::cmp) {
            return self.call_special(method, &[left, right], To::of(w));
        }
        let order = ops::order::compare(self.cx_mut(), symbol, left, right)?;
        let truth = match kind {
            Some(Kind::Less) => order == Some(Less),
            Some(Kind::LessEqual) => matches!(order, Some(Less | Equal)),
            Some(Kind::Greater) => order == Some(Greater),
            _ => matches!(order, Some(Greater | Equal)),
        };
        self.set_r(w.a() as usize, Value::bool(truth));
        Ok(())
    }

    /// `==` and `!=`, also from their fused forms.
    pub(super) fn equal(&mut self, w: Word) -> Done {
        let (left, right) = (self.r(w.b() as usize), self.r(w.c() as usize));
        let wanted = kind_of(w) == Some(Kind::Truth);
        if let Some(method) = self.special(left, Special::eq) {
            return self.call_special(method, &[left, right], To::of(w));
        }
        if let Some(method) = self.special(right, Special::eq) {
            return self.call_special(method, &[right, left], To::of(w));
        }
        // Only nil is equal to nil, and most instances that come here are asked whether they are that.
        let truth = match left.is_nil() || right.is_nil() {
            true => left.tag == right.tag,
            false => ops::equal::equal(self.cx_mut(), left, right)?,
        };
        self.set_r(w.a() as usize, Value::bool(truth == wanted));
        Ok(())
    }

    pub(super) fn contains(&mut self, w: Word) -> Done {
        let (item, container) = (self.r(w.b() as usize), self.r(w.c() as usize));
        let wanted = kind_of(w) == Some(Kind::Truth);
        if let Some(method) = self.special(container, Special::contains) {
            return self.call_special(method, &[container, item], To::of(w));
        }
        let truth = ops::index::contains(self.cx_mut(), item, container)?;
        self.set_r(w.a() as usize, Value::bool(truth == wanted));
        Ok(())
    }

    pub(super) fn make_range(&mut self, w: Word) -> Done {
        let (start, end) = self.range_ends(w)?;
        let range = self.heap.range(start, end, 1, w.d() != 0);
        self.set_r(w.a() as usize, range.into());
        Ok(())
    }

    /// The ends in registers `b` and `c`, which must be ints.
    pub(super) fn range_ends(&mut self, w: Word) -> Result<(i64, i64), Fault<'static>> {
        let (start, end) = (self.r(w.b() as usize), self.r(w.c() as usize));
        match (start.as_int(), end.as_int()) {
            (Some(start), Some(end)) => Ok((start, end)),
            (start_int, _) => {
                let what = describe(if start_int.is_none() { start } else { end });
                Err(self.failure(ErrorKind::Type, format!("the ends of a range are ints, not {what}")))
            }
        }
    }

    pub(super) fn show(&mut self, w: Word) -> Done {
        let value = self.r(w.b() as usize);
        if let Some(int) = value.as_int() {
            let mut room = [0; 20];
            let digits = decimal(int, &mut room);
            let text = self.heap.str_joined(&[digits], digits.len(), true);
            self.set_r(w.a() as usize, text.into());
            return Ok(());
        }
        if let Some(method) = self.special(value, Special::str) {
            return self.call_special(method, &[value], To::of(w));
        }
        let text = ops::text::to_str(self.cx_mut(), value)?;
        self.set_r(w.a() as usize, text);
        Ok(())
    }

    pub(super) fn concat(&mut self, w: Word) -> Done {
        let (first, count) = (w.b() as usize, w.c() as usize);
        // Most have a few parts only, and need no vector.
        let (mut few, mut many) = ([""; 8], Vec::new());
        let parts = match few.get_mut(..count) {
            Some(parts) => parts,
            None => {
                many.resize(count, "");
                &mut many[..]
            }
        };
        let (mut length, mut ascii) = (0usize, true);
        for (i, place) in (first..).zip(&mut *parts) {
            let View::Str(part) = self.r(i).view() else {
                let what = describe(self.r(i));
                return Err(self.failure(ErrorKind::Type, format!("only strings can be joined, not {what}")));
            };
            ascii &= part.is_ascii();
            *place = part.as_str();
            length = length.saturating_add(place.len());
        }
        if parts.first().is_some_and(|part| part.len() >= GROWING)
            && let View::Str(whole) = self.r(first).view()
        {
            let text = ops::arith::append(self.cx_mut(), whole, parts, length, ascii)?;
            self.set_r(w.a() as usize, text);
            return Ok(());
        }
        self.cx_mut().reserve(length)?;
        self.cx_mut().work(length / 64)?;
        let text = self.heap.str_joined(parts, length, ascii);
        self.set_r(w.a() as usize, text.into());
        Ok(())
    }

    // Containers.

    fn window(&self, w: Word, count: usize) -> Vec<Slot> {
        (0..count).map(|i| self.r(w.b() as usize + i)).collect()
    }

    pub(super) fn make_tuple(&mut self, w: Word) -> Done {
        // SAFETY: the checker has bounded the window.
        let items = unsafe { std::slice::from_raw_parts(self.base.add(w.b() as usize), w.c() as usize) };
        let tuple = self.heap.tuple(items);
        self.set_r(w.a() as usize, tuple.into());
        Ok(())
    }

    pub(super) fn make_list(&mut self, w: Word) -> Done {
        let items = self.window(w, w.c() as usize);
        let list = self.heap.list(items);
        self.set_r(w.a() as usize, list.into());
        Ok(())
    }

    pub(super) fn make_map(&mut self, w: Word) -> Done {
        let map = self.heap.table(tag::MAP);
        for i in 0..w.c() as usize {
            let (key, value) = (self.r(w.b() as usize + 2 * i), self.r(w.b() as usize + 2 * i + 1));
            map.insert(self.cx_mut(), key, value)?;
        }
        self.set_r(w.a() as usize, map.into());
        Ok(())
    }

    pub(super) fn list_push(&mut self, w: Word) -> Done {
        let View::List(list) = self.r(w.a() as usize).view() else {
            return Err(self.failure(ErrorKind::Type, "only a list can take an element"));
        };
        let value = self.r(w.b() as usize);
        list.push(self.cx_mut(), value)
    }

    pub(super) fn map_put(&mut self, w: Word) -> Done {
        let View::Map(map) = self.r(w.a() as usize).view() else {
            return Err(self.failure(ErrorKind::Type, "only a map can take an entry"));
        };
        let (key, value) = (self.r(w.b() as usize), self.r(w.c() as usize));
        map.insert(self.cx_mut(), key, value)?;
        Ok(())
    }

    pub(super) fn map_merge(&mut self, w: Word) -> Done {
        let (to, from) = (self.r(w.a() as usize), self.r(w.b() as usize));
        let View::Map(to) = to.view() else {
            return Err(self.failure(ErrorKind::Type, "only a map can take entries"));
        };
        let View::Map(from) = from.view() else {
            let what = describe(from);
            return Err(self.failure(ErrorKind::Type, format!("only a map can be spread into a map, not {what}")));
        };
        let mut position = 0;
        while let Some((next, key, value)) = from.next(position) {
            position = next;
            to.insert(self.cx_mut(), key, value)?;
        }
        self.cx_mut().work(from.len() / 8)
    }

    pub(super) fn get_index(&mut self, w: Word) -> Done {
        let (object, index) = (self.r(w.b() as usize), self.r(w.c() as usize));
        if let View::Map(map) = object.view() {
            let found = match index.view() {
                View::Int(key) => map.get_int_in(&self.heap, key),
                View::Str(key) if key.as_str().len() < ops::meter::LONG => map.get_str_in(&self.heap, key),
                _ => None,
            };
            if let Some(value) = found {
                self.set_r(w.a() as usize, value);
                return Ok(());
            }
        }
        if let Some(method) = self.special(object, Special::get) {
            return self.call_special(method, &[object, index], To::of(w));
        }
        let value = ops::index::get_index(self.cx_mut(), object, index)?;
        self.set_r(w.a() as usize, value);
        Ok(())
    }

    pub(super) fn get_index_or_nil(&mut self, w: Word) -> Done {
        let (object, index) = (self.r(w.b() as usize), self.r(w.c() as usize));
        if let Some(method) = self.special(object, Special::get) {
            return match self.call_special(method, &[object, index], To::of(w)) {
                // A method in Rust gives its errors at once; those of others go by their frames.
                Err(Fault::Thrown(error)) if is_missing_key(error) => {
                    self.set_r(w.a() as usize, Value::NIL);
                    Ok(())
                }
                done => done,
            };
        }
        let value = ops::index::get_index_or_nil(self.cx_mut(), object, index)?;
        self.set_r(w.a() as usize, value);
        Ok(())
    }

    pub(super) fn set_index(&mut self, w: Word) -> Done {
        let (object, index, value) = (self.r(w.a() as usize), self.r(w.b() as usize), self.r(w.c() as usize));
        if let Some(method) = self.special(object, Special::set) {
            return self.call_special(method, &[object, index, value], To::of(w));
        }
        ops::index::set_index(self.cx_mut(), object, index, value)
    }

    /// The name in the cache of the current instruction.
    fn cached_name(&self, w: Word) -> Slot {
        // SAFETY: prepared code has a cache for this instruction; its name is a constant of the code.
        Value::raw(tag::STR, unsafe { (*self.cache(w)).name })
    }

    /// Finds a field of an instance and remembers where it is.
    fn field_slot(&mut self, w: Word, object: Slot, name: Slot) -> Option<*mut Slot> {
        let View::Instance(instance) = object.view() else { return None };
        // SAFETY: the instance and its type are live; the index is one of its fields.
        unsafe {
            let ty = (*instance.as_ptr()).ty;
            let index = (*ty).data.field(name)?;
            let cache = self.cache(w);
            (*cache).payload = index as u64;
            (*cache).key = ty as u64;
            Some(instance.as_ptr().add(1).cast::<Slot>().add(index))
        }
    }

    pub(super) fn get_field(&mut self, w: Word) -> Done {
        let object = self.r(w.b() as usize);
        let name = self.cached_name(w);
        let value = match self.field_slot(w, object, name) {
            // SAFETY: a field of a live instance.
            Some(field) => unsafe { *field },
            None => ops::index::get_field(self.cx_mut(), object, name)?,
        };
        self.set_r(w.a() as usize, value);
        Ok(())
    }

    pub(super) fn set_field(&mut self, w: Word) -> Done {
        let (object, value) = (self.r(w.a() as usize), self.r(w.b() as usize));
        let name = self.cached_name(w);
        if !self.heap.journal.is_on()
            && let Some(field) = self.field_slot(w, object, name)
        {
            // SAFETY: a field of a live instance.
            unsafe { *field = value };
            return Ok(());
        }
        ops::index::set_field(self.cx_mut(), object, name, value)
    }

    pub(super) fn get_field_safe(&mut self, w: Word) -> Done {
        let object = self.r(w.b() as usize);
        let name = self.cached_name(w);
        let value = ops::index::get_field_safe(self.cx_mut(), object, name)?;
        self.set_r(w.a() as usize, value);
        Ok(())
    }

    pub(super) fn get_field_or_nil(&mut self, w: Word) -> Done {
        let object = self.r(w.b() as usize);
        let name = self.cached_name(w);
        let value = ops::index::get_field_or_nil(self.cx_mut(), object, name)?;
        self.set_r(w.a() as usize, value);
        Ok(())
    }

    pub(super) fn slice(&mut self, w: Word) -> Done {
        let (object, start) = (self.r(w.b() as usize), self.r(w.c() as usize));
        let end = self.r(w.c() as usize + 1);
        let value = ops::index::slice(self.cx_mut(), object, start, end, w.d() != 0)?;
        self.set_r(w.a() as usize, value);
        Ok(())
    }

    // Patterns and throwing.

    pub(super) fn is_list(&mut self, w: Word) -> Done {
        let truth = match self.r(w.b() as usize).view() {
            View::List(list) if w.d() == 0 => list.len() == w.c() as usize,
            View::List(list) => list.len() >= w.c() as usize,
            _ => false,
        };
        self.set_r(w.a() as usize, Value::bool(truth));
        Ok(())
    }

    pub(super) fn try_key(&mut self, w: Word) -> Done {
        let (object, key) = (self.r(w.b() as usize), self.r(w.c() as usize));
        let value = match object.view() {
            View::Map(map) => map.get(self.cx_mut(), key)?.unwrap_or(Value::ABSENT),
            _ => Value::ABSENT,
        };
        self.set_r(w.a() as usize, value);
        Ok(())
    }

    pub(super) fn match_fail(&mut self, w: Word) -> Done {
        let value = self.r(w.a() as usize);
        let shown = ops::text::repr_short(self.cx_mut(), value)?;
        let other = self.other_version(value);
        let fault = self.cx_mut().fail_with(ErrorKind::Match, format!("no pattern matches {shown}{other}"), value);
        Err(fault)
    }

    pub(super) fn throw_value(&mut self, w: Word) -> Done {
        Err(Fault::Thrown(self.r(w.a() as usize)))
    }

    /// A name that the host does not provide.
    pub(super) fn missing_native(&mut self, w: Word) -> Done {
        // SAFETY: prepared code keeps the name as a constant at this distance.
        let name = unsafe { *self.pc.offset(w.x() as i32 as isize).cast::<Slot>() };
        let message = format!("the host does not provide {}", name.as_str().unwrap_or("a name"));
        Err(self.failure(ErrorKind::Capability, message))
    }

    /// A number that is no instruction; prepared code has none.
    pub(super) fn illegal(&mut self, _: Word) -> Done {
        Err(self.failure(ErrorKind::Type, "an instruction that does not exist"))
    }
}

/// The digits of an int, written from the end of the buffer; every i64 fits.
fn decimal(int: i64, buffer: &mut [u8; 20]) -> &str {
    let mut rest = int.unsigned_abs();
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if int < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    std::str::from_utf8(&buffer[at..]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimal_digits() {
        for int in [0, 7, -7, 10, 1_234_567, i64::MAX, i64::MIN] {
            assert_eq!(decimal(int, &mut [0; 20]), int.to_string());
        }
    }
}
