//! Calls: frames for closures, natives, types and instances, arguments of every shape, and what becomes of results.

use std::collections::HashMap;
use std::fmt;

use quipu_code::effects::receiver;
use quipu_code::{Constant, Op, Word, counted};

use super::dispatch::like;
use super::guard::CallBack;
use super::stack::MARGIN;
use super::unwind::Final;
use crate::cx::guarded;
use crate::error::ErrorKind;
use crate::heap::frame::{Frame, Kind};
use crate::heap::layout::{ClosureObject, NativeObject, TypeObject};
use crate::heap::prepared::Prepared;
use crate::heap::{Gc, Instance, Slot, Special, Value, View, tag};
use crate::machine::{HoldsNothing, Machine};
use crate::native::{Control, Fault, NativeRun, Outcome};

type Done = Result<(), Fault<'static>>;

/// Where a call's result goes.
#[derive(Clone, Copy)]
pub(super) enum To {
    /// Into the running frame, in this way.
    Register(Kind, u16),
    /// To the caller of the running frame: a call in tail position.
    Caller,
}

impl To {
    /// Where the result of a function goes that an instruction calls.
    #[inline(always)]
    pub fn of(w: Word) -> To {
        kind_of(w).map_or(To::Caller, |kind| To::Register(kind, w.a()))
    }
}

/// What becomes of the result of a function that an instruction calls and waits for.
#[inline(always)]
pub(super) fn kind_of(w: Word) -> Option<Kind> {
    KINDS[w.op_byte() as usize]
}

/// The same by number, for prepared instructions too.
static KINDS: [Option<Kind>; 256] = {
    let mut table = [None; 256];
    let mut number = 0;
    while number < table.len() {
        if let Some(op) = like(number as u8)
            && let Some(outcome) = op.outcome()
        {
            table[number] = Some(Kind::of(outcome));
        }
        number += 1;
    }
    table
};

/// The machine's own instruction that returns what is in register 0.
pub(super) static RETURN: [u64; 1] = [Word::abc(Op::Return, 0, 0, 0).0];

impl Machine {
    /// A register of the running frame.
    #[inline(always)]
    pub(super) fn r(&self, index: usize) -> Slot {
        // SAFETY: operands are in bounds (checker), and windows above the frame were made room for.
        unsafe { *self.base.add(index) }
    }

    /// Writes a register of the running frame.
    #[inline(always)]
    pub(super) fn set_r(&mut self, index: usize, value: Slot) {
        // SAFETY: as for `r`.
        unsafe { *self.base.add(index) = value };
    }

    /// Number of registers of the running frame: the first slot above it, where special methods are called.
    pub(super) fn frame_size(&self) -> usize {
        // SAFETY: `fp` is a frame of the running fiber; the lowest one has no closure.
        unsafe {
            let closure = (*self.fp).closure;
            if closure.is_null() { 1 } else { (*(*closure).code).registers() }
        }
    }

    /// Calls `callee` with `count` arguments that stand from register `at` on; register `at - 1` is free for use.
    pub(super) fn call_window(&mut self, at: usize, count: usize, callee: Slot, to: To) -> Done {
        match callee.tag {
            tag::CLOSURE => self.enter(at, count, callee.bits as *mut ClosureObject, to),
            tag::NATIVE => self.call_native(at, count, callee, to),
            tag::TYPE => self.construct(at, count, callee, to),
            tag::INSTANCE => match self.special(callee, Special::call) {
                Some(method) => {
                    self.set_r(at - 1, callee);
                    self.call_window(at - 1, count + 1, method, to)
                }
                None => Err(self.not_callable(callee)),
            },
            _ => Err(self.not_callable(callee)),
        }
    }

    fn not_callable(&mut self, callee: Slot) -> Fault<'static> {
        let what = super::types::describe(callee);
        let message = match self.trace().library_function() {
            Some(function) => {
                let advice = self.advice_on_callback(&function, None);
                format!("{function}: expected a function, got {}{advice}", callee.kind_name())
            }
            None => format!("{what} cannot be called"),
        };
        self.failure(ErrorKind::Type, message)
    }

    /// What the library advises on what it was given to call, as the end of a message.
    fn advice_on_callback(&self, function: &str, takes: Option<usize>) -> String {
        let standard = self.library.standard.as_ref();
        let advice = standard.and_then(|standard| standard.advice_on_callback(function, takes));
        advice.map_or(String::new(), |advice| format!("; {advice}"))
    }

    /// The error of a call with another number of arguments: of one that the program writes, or of one that a function of the
    /// library makes for it.
    fn wrong_number(&mut self, name: &str, takes: Takes, given: usize) -> Fault<'static> {
        let message = match self.trace().library_function() {
            Some(function) => {
                let (values, advice) = (counted(given, "value"), self.advice_on_callback(&function, takes.just()));
                format!("{function} calls its function with {values}, but {name} takes {takes}{advice}")
            }
            None => {
                let given = format!("{given} {} given", if given == 1 { "was" } else { "were" });
                format!("{name} takes {}, but {given}", takes.arguments())
            }
        };
        self.failure(ErrorKind::Arity, message)
    }

    /// Enters a closure, its arguments checked and completed.
    fn enter(&mut self, at: usize, count: usize, closure: *mut ClosureObject, to: To) -> Done {
        // SAFETY: the closure is live, and it keeps its code.
        let code: &Prepared = unsafe { &*(*closure).code };
        let body = code.code().body();
        let required = body.required as usize;
        let named = required + body.optional as usize;
        if count < required || (count > named && !body.rest) {
            return Err(self.wrong_count(code, count));
        }
        // Everything that may fail comes before anything is changed, so that the instruction can begin again.
        self.ensure(at + code.registers().max(count) + MARGIN)?;
        if let To::Register(..) = to {
            self.ensure_frame()?;
        }
        if body.rest {
            let extra: Vec<Slot> = (at + named..at + count.max(named)).map(|i| self.r(i)).collect();
            let bytes = extra.len() * size_of::<Slot>();
            if !self.heap.has_room(bytes) {
                return Err(Fault::Collect(bytes));
            }
            let list = self.heap.list(extra);
            self.set_r(at + named, list.into());
        }
        for missing in count..named {
            self.set_r(at + missing, Value::ABSENT);
        }
        self.fuel -= 1;
        match to {
            To::Register(kind, dst) => self.push_frame(at, closure, kind, dst),
            To::Caller => {
                for i in 0..body.params() as usize {
                    let argument = self.r(at + i);
                    self.set_r(i, argument);
                }
                // SAFETY: `fp` is the running frame.
                unsafe { (*self.fp).closure = closure };
            }
        }
        self.pc = code.entry.get();
        Ok(())
    }

    /// Enters a closure on a fiber that has just begun; its arguments stand from register 1 on, as many as it takes. Such
    /// code has at most `MARGIN` registers, and every fiber has more.
    pub(super) fn enter_exact(&mut self, closure: *mut ClosureObject) -> Done {
        self.ensure_frame()?;
        self.fuel -= 1;
        self.push_frame(1, closure, Kind::Boundary, 0);
        // SAFETY: the closure is live, and it keeps its code.
        self.pc = unsafe { (*(*closure).code).entry.get() };
        Ok(())
    }

    /// Makes room for one more frame.
    fn ensure_frame(&mut self) -> Done {
        // SAFETY: `fp` is a frame of the running fiber, so the one behind it is at most one past the last.
        if unsafe { self.fp.add(1) } >= self.frames_end { self.grow_frames() } else { Ok(()) }
    }

    /// Pushes a frame whose registers begin `at` above the running one's; there is room for it. The caller sets `pc`.
    fn push_frame(&mut self, at: usize, closure: *mut ClosureObject, kind: Kind, dst: u16) {
        // Windows begin in a frame or a few registers above it, so their distance fits.
        // SAFETY: `fp` is a frame of the running fiber, and `ensure_frame` has made room for one more.
        unsafe {
            self.fp = self.fp.add(1);
            *self.fp = Frame { ret: self.pc, closure, delta: at as u32, dst, kind };
            self.base = self.base.add(at);
        }
    }

    fn wrong_count(&mut self, code: &Prepared, count: usize) -> Fault<'static> {
        let body = code.code().body();
        let debug = code.code().debug();
        // Methods of the library are functions such as `list__map`.
        let name = debug.map_or("the function".to_owned(), |debug| debug.name.replacen("__", ".", 1));
        let is_method = debug.is_some_and(|debug| debug.params.first().is_some_and(|param| param == "self"));
        let receiver = usize::from(is_method && body.required > 0 && count > 0);
        let required = body.required as usize - receiver;
        let takes = Takes { required, optional: body.optional as usize, rest: body.rest };
        self.wrong_number(&name, takes, count - receiver)
    }

    /// Calls a native; the machine's own ones change frames or fibers.
    fn call_native(&mut self, at: usize, count: usize, callee: Slot, to: To) -> Done {
        // SAFETY: the native is live; `def` is kept by its `Arc` while it runs.
        let def = unsafe { (*(callee.bits as *mut NativeObject)).def.clone() };
        if !def.accepts(count) {
            // What stands before the point of a method call is no argument.
            let is_method = |methods: &HashMap<_, Slot>| methods.values().any(|slot| slot.bits == callee.bits);
            let receiver = usize::from(def.required > 0 && count > 0 && self.methods.iter().any(is_method));
            let required = def.required as usize - receiver;
            let takes = Takes { required, optional: def.optional as usize, rest: def.rest };
            return Err(self.wrong_number(&def.name, takes, count - receiver));
        }
        self.fuel -= 1;
        self.native = &raw const *def;
        if let NativeRun::Control(control) = def.run {
            return self.control(control, at, count, to);
        }
        if let NativeRun::Later(begin) = &def.run {
            return self.begin_waiting(&def.name, begin, at, count, to);
        }
        // The collector clears what is above the frame, but not the arguments while the native looks at them.
        // SAFETY: the running fiber is live.
        unsafe { (*self.fiber).state.window = at + count };
        // SAFETY: the arguments stand in registers that the collector sees; nothing writes them or moves the stack
        // before the native returns, as what it calls back runs on a fiber of its own.
        let arguments: &[Slot] = unsafe { std::slice::from_raw_parts(self.base.add(at), count) };
        let outcome = match &def.run {
            NativeRun::Control(_) | NativeRun::Later(_) => Err(Fault::Defer),
            NativeRun::Plain(function) => function(self.cx_mut(), arguments),
            NativeRun::Host(function) => guarded(self.cx_mut(), &def.name, |cx| function(cx, arguments)),
        };
        // SAFETY: as above.
        unsafe { (*self.fiber).state.window = 0 };
        match outcome {
            Ok(value) => {
                self.retrying = false;
                Ok(self.give(value, to)?)
            }
            Err(Fault::Defer) => self.fall_back(def.fallback, at, count, to),
            Err(fault) => Err(fault),
        }
    }

    /// Calls the library function that takes over from a native.
    fn fall_back(&mut self, name: Option<&'static str>, at: usize, count: usize, to: To) -> Done {
        match name.map_or(Ok(None), |name| self.provided(name))? {
            Some(function) => self.call_window(at, count, function, to),
            None => Err(self.failure(ErrorKind::Type, "these arguments are not supported")),
        }
    }

    /// A native called by its own instruction did not give a value.
    pub(super) fn native_fault(&mut self, w: Word) -> Done {
        match self.fault.take() {
            Some(Fault::Defer) => {
                let b = w.b() as usize;
                let (at, count, callee) = if w.op().and_then(receiver).is_some() {
                    // SAFETY: the cache of this instruction has just named a native.
                    (b, w.d() as usize + 1, unsafe { (*self.cache(w)).payload & !1 })
                } else {
                    (b + 1, w.d() as usize, self.r(b).bits)
                };
                // SAFETY: the native has just been called.
                let def = unsafe { &(*(callee as *mut NativeObject)).def };
                let fallback = def.fallback;
                self.fall_back(fallback, at, count, To::of(w))
            }
            Some(fault) => {
                if let Fault::Collect(_) = fault {
                    self.refund(self.native_began);
                }
                Err(fault)
            }
            None => Ok(()),
        }
    }

    /// Calls a type: the instance at once where the constructor only takes fields, else its constructor.
    fn construct(&mut self, at: usize, count: usize, callee: Slot, to: To) -> Done {
        let ty = callee.bits as *mut TypeObject;
        // SAFETY: the type is live; fields of the running window are registers.
        unsafe {
            let data = &(*ty).data;
            if data.plain && data.fields.len() == count {
                if self.heap.is_due() {
                    return Err(Fault::Collect(0));
                }
                let fields = std::slice::from_raw_parts(self.base.add(at), count);
                let instance = self.heap.instance(Gc::from_ptr(ty), fields);
                return Ok(self.give(instance.into(), to)?);
            }
            let constructor = data.constructor;
            if constructor.tag == tag::NIL {
                return Err(self.not_callable(callee));
            }
            self.call_window(at, count, constructor, to)
        }
    }

    /// Delivers a result. What gave it does not run again.
    pub(super) fn give(&mut self, value: Slot, to: To) -> Result<(), Final> {
        match to {
            To::Register(kind, dst) => self.deliver(kind, dst, value),
            To::Caller => self.return_value(value),
        }
    }

    /// Returns a value from the running frame.
    pub(super) fn return_value(&mut self, value: Slot) -> Result<(), Final> {
        // SAFETY: `fp` is the running frame.
        let frame = unsafe { *self.fp };
        self.pop_frame();
        self.deliver(frame.kind, frame.dst, value)
    }

    pub(super) fn return_slow(&mut self, w: Word) -> Done {
        let value = self.r(w.a() as usize);
        Ok(self.return_value(value)?)
    }

    /// Does with a result what its frame's kind says; the caller's frame is the running one again.
    pub(super) fn deliver(&mut self, kind: Kind, dst: u16, value: Slot) -> Result<(), Final> {
        let dst = dst as usize;
        match kind {
            Kind::Plain | Kind::Lookup => self.set_r(dst, value),
            Kind::Discard => {}
            Kind::Truth => self.set_r(dst, Value::bool(value.is_truthy())),
            Kind::Untruth => self.set_r(dst, Value::bool(!value.is_truthy())),
            Kind::Less | Kind::LessEqual | Kind::Greater | Kind::GreaterEqual => {
                let Some(order) = value.as_int() else {
                    let what = super::types::describe(value);
                    let fault = self.failure(ErrorKind::Type, format!("cmp must give an int, not {what}"));
                    return Err(self.last(fault));
                };
                let truth = match kind {
                    Kind::Less => order < 0,
                    Kind::LessEqual => order <= 0,
                    Kind::Greater => order > 0,
                    _ => order >= 0,
                };
                self.set_r(dst, Value::bool(truth));
            }
            Kind::Text => {
                if value.tag != tag::STR {
                    let what = super::types::describe(value);
                    let fault = self.failure(ErrorKind::Type, format!("str must give a string, not {what}"));
                    return Err(self.last(fault));
                }
                self.set_r(dst, value);
            }
            Kind::Element => self.set_r(dst, if value.is_nil() { Value::ABSENT } else { value }),
            Kind::Iterator => {
                // Its own `iter` may have to be called, and the function that gave it has left its frame.
                self.set_r(dst, value);
                return self.in_place(0, |machine| machine.begin_iteration(dst, machine.r(dst)));
            }
            Kind::Atomic => {
                self.heap.journal.commit();
                self.may_pause_again();
                self.set_r(dst, value);
            }
            Kind::Entry => self.finish_fiber(value),
            Kind::Boundary => {
                self.finish_running();
                self.result = value;
                self.over = true;
            }
        }
        Ok(())
    }

    /// Calls a special method with these arguments, in registers above the running frame.
    pub(super) fn call_special(&mut self, method: Slot, arguments: &[Slot], to: To) -> Done {
        let at = self.frame_size() + 1;
        self.ensure(at + arguments.len())?;
        for (i, &argument) in arguments.iter().enumerate() {
            self.set_r(at + i, argument);
        }
        self.call_window(at, arguments.len(), method, to)
    }

    /// A special method of an instance, if its type has it.
    pub(super) fn special(&self, value: Slot, special: Special) -> Option<Slot> {
        match value.view() {
            // SAFETY: the instance and its type are live.
            View::Instance(instance) => unsafe { (*(*instance.as_ptr()).ty).data.special(special) },
            _ => None,
        }
    }

    // Instructions.

    pub(super) fn call(&mut self, w: Word) -> Done {
        let b = w.b() as usize;
        let callee = self.r(b);
        self.call_window(b + 1, w.d() as usize, callee, To::of(w))
    }

    pub(super) fn call_list(&mut self, w: Word) -> Done {
        let (at, count) = self.spread(w)?;
        let callee = self.r(at);
        self.call_window(at + 1, count, callee, To::of(w))
    }

    pub(super) fn call_method(&mut self, w: Word) -> Done {
        self.method(w, w.b() as usize, w.d() as usize)
    }

    pub(super) fn call_method_list(&mut self, w: Word) -> Done {
        let (at, count) = self.spread(w)?;
        self.method(w, at, count)
    }

    /// Copies the callee or receiver in register `b` and the arguments in the list behind it to registers above the
    /// frame. Gives the callee's place and the number of arguments. The instruction's own registers stay as they are,
    /// so that it can run again.
    fn spread(&mut self, w: Word) -> Result<(usize, usize), Fault<'static>> {
        let b = w.b() as usize;
        let View::List(list) = self.r(b + 1).view() else {
            return Err(self.failure(ErrorKind::Type, "the arguments are no list"));
        };
        let at = self.frame_size() + 1;
        self.ensure(at + 1 + list.len() + MARGIN)?;
        self.pay_for_arguments(list.len());
        let callee = self.r(b);
        self.set_r(at, callee);
        let mut count = 0;
        while let Some(item) = list.get(count) {
            count += 1;
            self.set_r(at + count, item);
        }
        Ok((at, count))
    }

    /// Arguments out of a list are copied. What that takes is looked at behind the instruction.
    fn pay_for_arguments(&mut self, count: usize) {
        self.fuel = self.fuel.saturating_sub_unsigned((count / 16) as u64);
    }

    /// Calls a method of the receiver in register `b` with `count` arguments behind it, and fills the cache.
    fn method(&mut self, w: Word, b: usize, count: usize) -> Done {
        let (receiver, to) = (self.r(b), To::of(w));
        // SAFETY: prepared code has a cache for this instruction; its name is a constant of the code.
        let name: Slot = Value::raw(tag::STR, unsafe { (*self.cache(w)).name });
        match receiver.view() {
            View::Instance(instance) => {
                // SAFETY: the instance is live, and its type with it.
                let (ty, data) = unsafe {
                    let ty = (*instance.as_ptr()).ty;
                    (ty, &(*ty).data)
                };
                if let Some(method) = data.method(name) {
                    if method.instance {
                        self.fill_cache(w, ty as u64, method.closure);
                        return self.call_window(b, count + 1, method.closure, to);
                    }
                    return self.call_window(b + 1, count, method.closure, to);
                }
                if let Some(callee) = field_called(instance, name) {
                    return self.call_window(b + 1, count, callee, to);
                }
            }
            View::Type(ty) => {
                // SAFETY: the type is live.
                let method = unsafe { (*ty.as_ptr()).data.method(name) };
                if let Some(method) = method {
                    return self.call_window(b + 1, count, method.closure, to);
                }
                if let Some(method) = self.builtin_method(receiver.tag, name)? {
                    return self.call_window(b, count + 1, method, to);
                }
            }
            View::Map(map) => {
                if let Some(method) = self.builtin_method(tag::MAP, name)? {
                    self.fill_cache(w, tag::MAP, method);
                    return self.call_window(b, count + 1, method, to);
                }
                if let View::Str(key) = name.view()
                    && let Some(callee) = map.get_text(self.cx_mut(), key.as_str())
                {
                    return self.call_window(b + 1, count, callee, to);
                }
            }
            _ => {
                if let Some(method) = self.builtin_method(receiver.tag, name)? {
                    self.fill_cache(w, receiver.tag, method);
                    return self.call_window(b, count + 1, method, to);
                }
                // A field of a value of another kind may hold a function too, as `e.data` may.
                if let Ok(callee) = crate::ops::index::get_field(self.cx_mut(), receiver, name) {
                    return self.call_window(b + 1, count, callee, to);
                }
            }
        }
        Err(self.no_method(receiver, name))
    }

    /// Remembers a method for receivers with this key.
    fn fill_cache(&mut self, w: Word, key: u64, method: Slot) {
        let cache = self.cache(w);
        // SAFETY: prepared code has a cache for this instruction.
        unsafe {
            match method.tag {
                tag::CLOSURE => {
                    (*cache).payload = method.bits;
                    (*cache).key = key;
                }
                tag::NATIVE => {
                    (*cache).payload = method.bits | 1;
                    (*cache).key = key;
                }
                _ => {}
            }
        }
    }

    fn no_method(&mut self, receiver: Slot, name: Slot) -> Fault<'static> {
        let name = name.as_str().unwrap_or_default();
        let what = super::types::describe(receiver);
        let mut message = format!("{what} has no method `{name}`");
        let candidates: Vec<String> = match receiver.view() {
            // SAFETY: the instance and its type are live.
            View::Instance(instance) => unsafe { (*(*instance.as_ptr()).ty).data.member_names() },
            // SAFETY: the type is live.
            View::Type(ty) => unsafe { (*ty.as_ptr()).data.member_names() },
            _ => self.builtin_methods(receiver.tag).into_iter().map(str::to_owned).collect(),
        };
        let mut candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
        candidates.sort_unstable();
        let is_written = matches!(receiver.view(), View::Instance(_) | View::Type(_));
        let foreign = if is_written { &[] } else { self.library.names_of_foreign(name) };
        let ours = foreign.iter().find(|ours| candidates.contains(ours)).copied();
        if let (View::Nil, Some(advice)) = (receiver.view(), self.advice_on_nil()) {
            message.push_str(&format!("; {advice}"));
        } else if let Some(closest) = ours.or_else(|| quipu_code::closest(name, candidates)) {
            message.push_str(&format!("; did you mean `{closest}`?"));
        } else if matches!(name, "slice" | "substring" | "substr") && matches!(receiver.tag, tag::STR | tag::LIST) {
            message.push_str("; write `[a..b]` for a part of it");
        } else if let View::Instance(instance) = receiver.view()
            && let Some(class) = instance.ty().host_class()
        {
            message.push_str(&crate::ops::index::host_members(class));
        }
        message.push_str(&self.other_version(receiver));
        let kind = if matches!(receiver.view(), View::Instance(_)) { ErrorKind::Field } else { ErrorKind::Type };
        self.failure(kind, message)
    }

    /// What to call instead of the method that has just given the nil of which another one is called.
    fn advice_on_nil(&mut self) -> Option<String> {
        let entry = self.trace().inner.into_iter().next()?;
        let body = entry.code.body();
        let at = entry.pc as usize;
        let receiver = u32::from(body.words.get(at)?.b());
        // What comes between works out the arguments.
        let before = body.words[..at].iter().rev().take(ARGUMENTS).find(|&&word| {
            let mut writes = false;
            quipu_code::effects::for_each_write(word, |registers| writes |= registers.contains(&receiver));
            writes
        });
        let before = before.filter(|word| word.op() == Some(Op::CallMethod))?;
        let Some(Constant::Str(method)) = body.constants.get(before.c() as usize) else { return None };
        self.library.standard.as_ref()?.advice_on_nothing(method)
    }

    /// The machine's own natives.
    fn control(&mut self, control: Control, at: usize, count: usize, to: To) -> Done {
        let first = self.r(at);
        match control {
            Control::Resume => {
                let argument = if count > 1 { self.r(at + 1) } else { Value::NIL };
                let View::Fiber(fiber) = first.view() else {
                    let what = super::types::describe(first);
                    return Err(self.failure(ErrorKind::Type, format!("resume needs a fiber, not {what}")));
                };
                let dst = self.settle(to);
                self.resume_fiber(fiber.as_ptr(), argument, dst, false)
            }
            Control::Close => {
                let View::Fiber(fiber) = first.view() else {
                    let what = super::types::describe(first);
                    return Err(self.failure(ErrorKind::Type, format!("close needs a fiber, not {what}")));
                };
                self.close_fiber(fiber.as_ptr(), to)
            }
            Control::Atomic => {
                let dst = self.settle(to);
                self.heap.begin_atomic();
                let at = at.max(self.frame_size() + 1);
                let result =
                    self.ensure(at).and_then(|()| self.call_window(at, 0, first, To::Register(Kind::Atomic, dst)));
                if result.is_err() {
                    self.heap.journal.roll_back();
                    self.may_pause_again();
                }
                result
            }
            Control::CallWith => {
                let View::List(list) = self.r(at + 1).view() else {
                    let what = super::types::describe(self.r(at + 1));
                    return Err(self.failure(ErrorKind::Type, format!("call needs a list of arguments, not {what}")));
                };
                // The window of this call stays as it is, so that the instruction can run again.
                let at = at.max(self.frame_size()) + 3;
                self.ensure(at + list.len() + MARGIN)?;
                self.pay_for_arguments(list.len());
                let mut count = 0;
                while let Some(item) = list.get(count) {
                    self.set_r(at + count, item);
                    count += 1;
                }
                self.call_window(at, count, first, to)
            }
        }
    }

    /// The register for a result that has to come back to the running frame. For a call in tail position the frame
    /// then goes on at an instruction of the machine's own, which returns it.
    pub(super) fn settle(&mut self, to: To) -> u16 {
        match to {
            To::Register(_, dst) => dst,
            To::Caller => {
                self.pc = RETURN.as_ptr();
                0
            }
        }
    }

    /// Calls a function from Rust on a fiber of its own, and gives its result. Nothing is freed meanwhile that there was
    /// before: the caller, or whoever called it, may hold it.
    pub(crate) fn call_back<'v>(&mut self, function: Value<'v>, arguments: &[Value<'v>]) -> Outcome<'v> {
        self.call_from_rust(function, arguments, true)
    }

    /// The same for a caller that holds nothing, so that a call may take long and keeps nothing alive.
    pub(crate) fn call_from_outside<'v>(
        &mut self,
        function: Value<'v>,
        arguments: &[Value<'v>],
        _: HoldsNothing,
    ) -> Outcome<'v> {
        self.call_from_rust(function, arguments, false)
    }

    #[inline]
    fn call_from_rust<'v>(&mut self, function: Value<'v>, arguments: &[Value<'v>], protects: bool) -> Outcome<'v> {
        /// Calls from natives into the machine that may be under way at once; each takes a part of the Rust stack.
        const NESTING: u32 = 100;
        if self.nesting >= NESTING {
            let message = "natives such as `==` of lists call functions back, more than 100 within one another";
            return Err(self.cx_mut().fail(ErrorKind::StackOverflow, message));
        }
        self.strain();
        let mut call = CallBack::begin(self, protects);
        let fiber = call.machine.fiber;
        let depth = if fiber.is_null() {
            0
        } else {
            // SAFETY: the running fiber is live.
            unsafe { (*fiber).state.depth + (*fiber).state.top }
        };
        let outcome = call.machine.run_fiber(function.slot(), arguments, depth);
        call.returned();
        drop(call);
        self.strain();
        match outcome {
            // SAFETY: the result was reached by the machine until now, and nothing is collected before the native
            // that called is over; a call from Rust roots it at once.
            Ok(value) => Ok(unsafe { value.rebrand() }),
            // SAFETY: as above.
            Err(Final::Thrown(value)) => Err(Fault::Thrown(unsafe { value.rebrand() })),
            Err(Final::Stop(stop)) => Err(Fault::Stop(stop)),
        }
    }
}

/// How many instructions may stand between two calls of a chain.
const ARGUMENTS: usize = 16;

/// How many arguments a function takes.
struct Takes {
    required: usize,
    optional: usize,
    rest: bool,
}

impl Takes {
    /// The number, if it is always the same.
    fn just(&self) -> Option<usize> {
        (self.optional == 0 && !self.rest).then_some(self.required)
    }

    /// As [`Display`](fmt::Display), with what is counted.
    fn arguments(&self) -> String {
        let is_one = self.required == 1 && (self.optional == 0 || self.rest);
        format!("{self} argument{}", if is_one { "" } else { "s" })
    }
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.optional, self.rest) {
            (0, false) => write!(f, "{}", self.required),
            (_, true) => write!(f, "at least {}", self.required),
            (_, false) => write!(f, "{} to {}", self.required, self.required + self.optional),
        }
    }
}

/// What a field of an instance holds, where that is called like a method. Apart, as methods are called more often.
#[inline(never)]
fn field_called(instance: Instance<'_>, name: Slot) -> Option<Slot> {
    instance.get(instance.ty().field_index_of_slot(name)?).map(|value| value.slot())
}
